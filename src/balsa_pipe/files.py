"""Files that are there as a whole or not at all."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


@contextmanager
def whole(path: Path, owner: str = "") -> Iterator[Path]:
    """Yield a name to write to, which takes the place of path when all went well, else is gone.

    owner: sets writers of the same path apart, where there may be several at once.
    """
    partial = path.with_name(f"{path.name}{owner}.partial")
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        yield partial
        partial.replace(path)
    except BaseException:
        with suppress(OSError):
            partial.unlink()
        raise


def write_whole(path: Path, text: str) -> None:
    """Write a text file whole or not at all; OSError when the disk doesn't take it."""
    with whole(path) as partial:
        partial.write_text(text, encoding="utf-8")
