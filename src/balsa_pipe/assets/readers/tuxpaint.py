"""Tux Paint: the sounds of its stamps."""

import re
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from balsa_pipe.assets.archives import read_deb
from balsa_pipe.assets.clips import Recording, file_words

FOLDERS = (
    "animals/",
    "hobbies/music/",
    "household/",
    "naturalforces/",
    "vehicles/emergency/firetruck",
)


def read_tuxpaint(archive: Path) -> Iterator[Recording]:
    """Yield the sounds of stamps whose picture is what sounds; titles are their captions."""
    root = "usr/share/tuxpaint/stamps/"
    files = {
        name.removeprefix(root): data
        for name, data in read_deb(archive, lambda name: keep_tuxpaint(name.removeprefix(root)))
    }
    for name, data in sorted(files.items()):
        path = PurePosixPath(name)
        if path.suffix != ".txt":
            caption = files.get(str(path.with_suffix(".txt")), b"").decode("utf-8", "replace")
            yield Recording(
                data=data,
                name=name,
                title=caption.strip().partition("\n")[0].strip() or file_words(path.name),
                original_name=path.name,
                section=str(path.parent),
                author=None,
                licence="GPL-2",
            )


def keep_tuxpaint(name: str) -> bool:
    """Return whether a stamp's file is a sound, or a caption, of something that sounds so."""
    stem, _, suffix = name.rpartition(".")
    return (
        suffix in ("ogg", "wav", "txt")
        and stem.startswith(FOLDERS)
        and not re.search(r"_desc(_\w+)?$", stem)
        and stem != "household/toilet"
    )
