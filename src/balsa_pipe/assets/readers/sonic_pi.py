"""Sonic Pi: its samples, out of the Debian or the npm package."""

import re
import tarfile
from collections.abc import Iterator
from pathlib import Path

from balsa_pipe.assets.archives import read_deb
from balsa_pipe.assets.clips import Recording


def read_sonic_pi(archive: Path) -> Iterator[Recording]:
    """Yield the samples of the Debian package."""
    root = "usr/share/sonic-pi/samples/"
    return _samples(
        {
            name.removeprefix(root): data
            for name, data in read_deb(archive, lambda name: name.startswith(root))
        },
        "README.md",
    )


def read_supersonic(archive: Path) -> Iterator[Recording]:
    """Yield the samples of the npm package."""
    files: dict[str, bytes] = {}
    with tarfile.open(archive, "r:gz") as tar:
        for member in tar:
            content = tar.extractfile(member) if member.isreg() else None
            if content is not None:
                files[member.name.rpartition("/")[2]] = content.read()
    return _samples(files, "PROVENANCE.md")


def _samples(files: dict[str, bytes], readme: str) -> Iterator[Recording]:
    notes = sample_notes(files.get(readme, b"").decode("utf-8", "replace"))
    by_prefix = {sample.partition("_")[0]: section for sample, (section, _) in notes.items()}
    for name, data in sorted(files.items()):
        stem, _, suffix = name.rpartition(".")
        if suffix in ("flac", "aiff", "wav"):
            prefix = stem.partition("_")[0]
            section, link = notes.get(_plain(stem), (by_prefix.get(prefix, prefix), None))
            maker = re.search(r"/people/([^/]+)/", link or "")
            yield Recording(
                data=data,
                name=name,
                title=stem.replace("_", " "),
                original_name=name,
                section=section,
                author=maker[1].replace("%20", " ") if maker else None,
                licence="CC0-1.0",
                link=link,
            )


def sample_notes(readme: str) -> dict[str, tuple[str, str]]:
    """Return plain sample name -> (section, link) of the list that comes with the samples."""
    notes: dict[str, tuple[str, str]] = {}
    section = ""
    for line in readme.splitlines():
        if line.startswith("#"):
            section = line.lstrip("# ")
        elif match := re.match(r"\* `:(\w+)`\s*- (https?://\S+)", line):
            notes[_plain(match[1])] = (section, match[2])
    return notes


def _plain(sample: str) -> str:
    """Return a sample's name without the underscores that list and files set differently."""
    prefix, _, rest = sample.partition("_")
    return f"{prefix}_{rest.replace('_', '')}"
