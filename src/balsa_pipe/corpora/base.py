"""What a corpus reader yields: clips as the metadata tells them, and rows it can't use."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]+")


@dataclass(frozen=True, slots=True)
class RawClip:
    """One row of metadata, before its audio is looked at."""

    source_id: str
    path: Path | None
    labels: tuple[str, ...]
    caption: str | None
    split: str | None = None
    licence: str | None = None
    source: str | None = None
    recording: str | None = None


@dataclass(frozen=True, slots=True)
class Reject:
    """A row that can't become a clip: where it stands, why (a closed word), and what was found."""

    where: str
    reason: str
    detail: str


@dataclass(frozen=True, slots=True)
class Note:
    """Something done to the metadata as a whole that its owner should know of."""

    name: str
    detail: str


Reader = Callable[[Any], Iterator[RawClip | Reject | Note]]
"""Reads the corpus that a config section describes, in the corpus's own order."""


def clean_text(text: str) -> str:
    """Return a text on one line, without control characters; nothing else is changed."""
    return _CONTROL.sub(" ", text).strip()
