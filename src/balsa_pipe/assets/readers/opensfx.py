"""OpenSFX, the sounds of OpenTTD: vehicles, machines, nature."""

import re
from collections.abc import Iterator
from pathlib import Path

from balsa_pipe.assets.archives import read_cat, read_deb
from balsa_pipe.assets.clips import Recording


def read_opensfx(archive: Path) -> Iterator[Recording]:
    """Yield the sounds of the game; Toyland's are named after the recordings they were made of."""
    catalogue = dict(read_deb(archive, lambda name: name.endswith("/opensfx.cat")))
    for data in catalogue.values():
        for index, (comment, wav) in enumerate(read_cat(data)):
            title, originals = opensfx_names(comment)
            yield Recording(
                data=wav,
                name=f"{index:02}.wav",
                title=title,
                original_name="; ".join(originals) or None,
                section=None,
                author=opensfx_credit(comment),
                licence=opensfx_licence(comment),
            )


def opensfx_names(comment: str) -> tuple[str, list[str]]:
    """Return the title and the names of the original files out of an entry's comment."""
    title = comment.split('"')[1] if comment.count('"') > 1 else comment
    rest = comment.partition(f'"{title}"')[2]
    quoted = re.findall(r'(by |aka |)"([^"]+)"', rest)
    originals = [name for before, name in quoted if not before]
    game, _, idea = title.partition(": ")
    if game == "Toyland":
        title = "; ".join(originals) or idea
    return title, originals


def opensfx_credit(comment: str) -> str | None:
    """Return the words between title and licence, as their authors want to be named."""
    match = re.match(r'"[^"]*"\.\s*(.*?)\s*License:', comment)
    return match[1].rstrip(".") or None if match else None


def opensfx_licence(comment: str) -> str:
    """Return what the comment says after `License:`."""
    return comment.partition("License:")[2].strip().rstrip(".") or "CC BY-SA 3.0"
