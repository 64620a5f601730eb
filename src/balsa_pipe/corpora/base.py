"""What a corpus reader yields: clips as the metadata tells them, and rows it can't use."""

import math
import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath
from typing import Any

import pyarrow as pa

from balsa_pipe.corpora.files import Cells, Entry, Note, short
from balsa_pipe.corpus_config import AudioCapsCorpus, MusicCapsCorpus
from balsa_pipe.errors import CorpusError
from balsa_pipe.schemas import TEXTS

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]+")
NO_TEXT = "neither a caption nor a label"
YOUTUBE_ID = r"^[A-Za-z0-9_-]{11}$"


@dataclass(frozen=True, slots=True)
class RawClip:
    """One row of metadata, before its audio is looked at.

    recording names what other clips may be cut from too: "youtube:<id>" and "freesound:<id>" are
    the same in every corpus, any other name is the corpus's own; None: the clip is a recording.
    """

    source_id: str
    path: Path | None  # None: the metadata alone, no audio root is configured
    labels: tuple[str, ...]
    captions: tuple[str, ...] = ()
    split: str | None = None  # None: drawn by hash
    licence: str | None = None
    source: str | None = None
    recording: str | None = None
    start_s: float = 0.0  # where in the file the clip begins
    duration_s: float | None = None  # as the metadata tells; None: to the end of the file


@dataclass(frozen=True, slots=True)
class Reject:
    """A row that can't become a clip: where it stands, why (a closed word), and what was found."""

    where: str
    reason: str
    detail: str
    clip: RawClip | None = None  # what the row tells of, where all it lacks is a text


RAW_CLIP = pa.schema(
    [
        pa.field("source_id", pa.string(), nullable=False),
        pa.field("path", pa.string()),
        pa.field("labels", TEXTS, nullable=False),
        pa.field("captions", TEXTS, nullable=False),
        pa.field("split", pa.string()),
        pa.field("licence", pa.string()),
        pa.field("source", pa.string()),
        pa.field("recording", pa.string()),
        pa.field("start_s", pa.float64(), nullable=False),
        pa.field("duration_s", pa.float64()),
    ]
)
"""The fields of RawClip as columns: a corpus of millions of rows yields batches of them."""

Reader = Callable[[Any], Iterator[RawClip | pa.RecordBatch | Reject | Note]]
"""Reads the corpus that a config section describes, in the corpus's own order.

Labels and captions of a batch are clean already: texts of our own, not the corpus's.
"""


@dataclass(frozen=True, slots=True)
class CorpusInfo:
    """What people want to know of a corpus before they bring it."""

    read: Reader
    about: str  # what it is, in a sentence
    licence: str  # of the metadata; the audio's own may differ, clip by clip
    home: str  # where users get it
    files: str  # what `metadata` names, or how the folder is laid out
    counts: dict[str, int] = field(default_factory=dict)  # rows or clips of each file, as published


class RowError(Exception):
    """A row that can't become a clip: a reason (a closed word), and what was found."""

    def __init__(self, reason: str, detail: str) -> None:
        """Keep both."""
        super().__init__(detail)
        self.reason = reason


# ---- rows to clips ---------------------------------------------------------------------------


def clips_of(
    entries: Iterable[Entry], read: Callable[[Cells], RawClip], seen: set[str] | None = None
) -> Iterator[RawClip | Reject]:
    """Yield what `read` makes of each row's cells, and a Reject where it raises RowError.

    seen: the ids of the corpus's clips so far, each of which may come once; None: rows may share
    a clip.
    """
    for where, cells in entries:
        try:
            if isinstance(cells, str):
                raise RowError("bad_row", cells)
            clip = read(cells)
            told = clip.captions or clip.labels
            if told and seen is not None and clip.source_id in seen:
                raise RowError("duplicate_row", f"{short(clip.source_id)} came before")
        except RowError as exc:
            yield Reject(where, exc.reason, str(exc))
            continue
        if not told:
            yield Reject(where, "no_text", NO_TEXT, clip)
            continue
        if seen is not None:
            seen.add(clip.source_id)
        yield clip


def merged(entries: Iterable[RawClip | Reject | Note]) -> Iterator[RawClip | Reject | Note]:
    """Yield each clip once, with the texts of all its rows in their order, after all else.

    Rows of one clip on two sides stay two clips: the side that wins is for others to say.
    """
    rows: dict[tuple[str | None, str], list[RawClip]] = {}
    for entry in entries:
        if isinstance(entry, RawClip):
            rows.setdefault((entry.split, entry.source_id), []).append(entry)
        else:
            yield entry
    for clips in rows.values():
        captions = [text for clip in clips for text in clip.captions]
        labels = dict.fromkeys(text for clip in clips for text in clip.labels)
        yield replace(clips[0], captions=tuple(captions), labels=tuple(labels))


# ---- cells -----------------------------------------------------------------------------------


def clean_text(text: str) -> str:
    """Return a text on one line, without control characters; nothing else is changed."""
    return _CONTROL.sub(" ", text).strip()


def clean_texts(values: Iterable[Any]) -> tuple[str, ...]:
    """Return the texts that say something, clean, each once; RowError where one is no text."""
    told = [value for value in values if value is not None]
    if strange := [value for value in told if not isinstance(value, str)]:
        raise RowError("bad_row", f"{short(strange[0])} is no text")
    return tuple(dict.fromkeys(text for text in map(clean_text, told) if text))


def label_list(value: Any) -> tuple[str, ...]:
    """Return the labels in a list, or in a text that has ; between them."""
    if value is None or isinstance(value, str | list):
        return clean_texts(value.split(";") if isinstance(value, str) else value or [])
    raise RowError("bad_row", f"labels are {short(value)}, expected a list or a text")


def as_words(name: str) -> str:
    """Return a name of a sound as people read it: Electric_guitar is "electric guitar"."""
    return clean_text(name.replace("_", " ")).lower()


def text_in(cells: Cells, column: str) -> str:
    """Return a cell's name or number as text, without blanks around it; RowError without one."""
    value = cells.get(column)
    text = value.strip() if isinstance(value, str) else ""
    if not text or text != clean_text(text):
        raise RowError("bad_row", f"{column} is {short(value)}, expected a text of one line")
    return text


def seconds(value: Any, what: str) -> float:
    """Return a time or a duration; RowError when it isn't finite and at least 0."""
    try:
        number = math.nan if isinstance(value, bool) else float(value)
    except (TypeError, ValueError, OverflowError):
        number = math.nan
    if not (math.isfinite(number) and number >= 0):
        raise RowError("bad_row", f"{what} is {short(value)}, expected seconds")
    return number


def youtube_id(value: Any) -> str:
    """Return a YouTube id; RowError when it isn't one, as after a spreadsheet has had it."""
    if not isinstance(value, str) or not re.match(YOUTUBE_ID, value):
        found = f"{short(value)} is no YouTube id (11 letters, digits, - or _)"
        raise RowError("damaged_id", f"{found}; a spreadsheet may have changed it")
    return value


def youtube_segment(
    cfg: AudioCapsCorpus | MusicCapsCorpus, video: str, start: str, **told: Any
) -> RawClip:
    """Return a segment of a YouTube video as a clip of its own file; start: as the metadata has it."""
    seconds(start, "the start")
    video = youtube_id(video)
    name = cfg.audio_name.replace("{youtube_id}", video).replace("{start_s}", start)
    return RawClip(
        source_id=f"{video}_{start}",
        path=audio_below(cfg.root, name),
        source=f"https://www.youtube.com/watch?v={video}",
        recording=f"youtube:{video}",
        **told,
    )


def freesound(sound: str) -> str | None:
    """Return the recording that a Freesound id names; None when it is no such id."""
    return f"freesound:{sound}" if sound.isascii() and sound.isdigit() else None


# ---- sides -----------------------------------------------------------------------------------


def side_of(split: str, published: str | None) -> str | None:
    """Return a clip's side by a config's `split` and its publisher's; None: drawn by hash."""
    return {"published": published, "drawn": None}.get(split, split)


def file_word(path: Path, words: Iterable[str]) -> str | None:
    """Return the one of these words that is in a file's name; None: there isn't just one."""
    found = {*re.split(r"[^a-z]+", path.stem.lower())} & {*words}
    return found.pop() if len(found) == 1 else None


def file_side(path: Path, split: str, published: Mapping[str, str | None]) -> str | None:
    """Return the side of a file's clips by a config's `split` and the word in the file's name.

    Raises CorpusError when the publishers' split is asked for and the name doesn't tell it.
    """
    word = file_word(path, published)
    if word is None and split == "published":
        raise CorpusError(
            f"{path}: its name doesn't tell the split; expected one of {', '.join(published)} in "
            "it. Rename it as published, or set `split` to train, validation, test or drawn"
        )
    return side_of(split, published[word] if word else None)


# ---- audio -----------------------------------------------------------------------------------


def audio_below(root: Path | None, name: str, *folders: str) -> Path | None:
    """Return where a clip's audio is; RowError when it would lie outside the audio root.

    folders: where the publishers' archives unpack to; a file is in the first that is there, or
    right below the root when none is. None: there is no root, and the metadata is all that is used.
    """
    if root is None:
        return None
    folder = next((folder for folder in folders if (root / folder).is_dir()), None)
    return root / locate(root.resolve(), f"{folder}/{name}" if folder else name)[1]


def locate(root: Path, value: Any) -> tuple[Path, str]:
    """Return the file below a resolved root that a path cell means, and its name below it."""
    if not isinstance(value, str) or not value.strip():
        raise RowError("bad_row", "no path")
    try:
        value.encode()
        resolved = (root / value).resolve()
    except (OSError, ValueError, RuntimeError) as exc:  # NUL, half a character, a loop of links
        raise RowError("bad_row", f"{short(value)} can't be a path") from exc
    if not resolved.is_relative_to(root):
        raise RowError("outside_root", f"{short(value)} leaves the audio root")
    path = PurePosixPath(value)
    if path.is_absolute() or ".." in path.parts:
        path = PurePosixPath(resolved.relative_to(root).as_posix())
    return resolved, path.as_posix()


def list_files(root: Path) -> Iterator[Entry]:
    """Yield each file below a folder, as the cell `file_name`, in an order that is always the same.

    Hidden files are left out. Links to folders aren't followed, as they may lead out or in circles.
    """
    for folder, folders, files in os.walk(root, onerror=_unreadable):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        links = {name for name in folders if Path(folder, name).is_symlink()}
        for name in sorted([*links, *(name for name in files if not name.startswith("."))]):
            below = Path(folder, name).relative_to(root).as_posix()
            where = f"{root}/{clean_text(below)}"
            if name in links:
                yield where, "a link to a folder, which isn't followed; put the folder itself here"
            elif below != clean_text(below):
                yield where, f"{short(below)} has blanks at its ends or control characters"
            else:
                yield where, {"file_name": below}


def _unreadable(error: OSError) -> None:
    raise CorpusError(f"{error.filename}: can't be read ({error.strerror})") from error
