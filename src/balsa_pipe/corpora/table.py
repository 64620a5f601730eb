"""The generic corpus: a CSV, TSV, JSONL or Parquet file with one row a clip."""

import math
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any, get_args

from balsa_pipe.corpora.base import (
    CorpusInfo,
    RawClip,
    Reject,
    RowError,
    clean_text,
    clips_of,
    locate,
)
from balsa_pipe.corpora.files import (
    Cells,
    Note,
    read_records,
    short,
)
from balsa_pipe.corpus_config import Columns, Split, TableCorpus
from balsa_pipe.errors import CorpusError

SPLITS = get_args(Split)

_TEXT_FIELDS = ("id", "split", "licence", "source", "recording")


def read_table(cfg: TableCorpus) -> Iterator[RawClip | Reject | Note]:
    """Yield a table's clips in its order, and a Reject for each row that can't be one.

    Raises CorpusError when the table as a whole can't be read or lacks a column.
    """
    if cfg.columns.path is None and cfg.columns.id is None:
        raise CorpusError(
            f"{cfg.metadata}: corpus {cfg.name} has neither a path nor an id column; "
            "set columns.path or columns.id, which name its clips"
        )
    records = read_records(cfg.metadata, [column for _, column in _wanted(cfg.columns)])
    _check_columns(cfg, records.columns)
    yield from records.notes
    seen: dict[str | Path, str] = {}
    for entry in records.entries:
        yield from clips_of([entry], partial(_read_clip, cfg, seen, entry[0]))


def _read_clip(cfg: TableCorpus, seen: dict[str | Path, str], where: str, cells: Cells) -> RawClip:
    text = {name: _text(name, _cell(cells, getattr(cfg.columns, name))) for name in _TEXT_FIELDS}
    captions = _captions(cfg.columns, cells)
    labels = _labels(_cell(cells, cfg.columns.labels), cfg.label_separator)
    split = _split(text["split"])
    resolved, below = _locate(cfg, cells)
    source_id = text["id"] or below
    if source_id is None:
        raise RowError("bad_row", "no id")
    keys = ({"duplicate_path": resolved} if resolved else {}) | {"duplicate_id": source_id}
    for reason, key in keys.items():
        if key in seen:
            raise RowError(reason, f"{short(source_id)} is already in {seen[key]}")
    if captions or labels:
        seen |= dict.fromkeys(keys.values(), where)
    return RawClip(
        source_id=source_id,
        path=None if cfg.root is None or below is None else cfg.root / below,
        labels=labels,
        captions=captions,
        split=split,
        licence=text["licence"],
        source=text["source"],
        recording=text["recording"],
    )


def _locate(cfg: TableCorpus, cells: Cells) -> tuple[Path, str] | tuple[None, None]:
    """Return the file that a row names, and its name below the root, if it names one."""
    if cfg.columns.path is None:
        return None, None
    root = cfg.root or Path("/")  # nothing lies outside a root that isn't configured
    return locate(root.resolve(), cells.get(cfg.columns.path))


# ---- cells -----------------------------------------------------------------------------------


def _cell(cells: Cells, column: str | None) -> Any:
    return None if column is None else cells.get(column)


def _text(name: str, value: Any) -> str | None:
    """Return a cell's text; numbers become text, as CSV has nothing else."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return None
    if isinstance(value, float) and value.is_integer():
        value = int(value)  # a whole column of ids turns to floats when one of them is missing
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise RowError("bad_row", f"{name} is a {type(value).__name__}, expected a text")
    return clean_text(str(value)) or None


def _captions(columns: Columns, cells: Cells) -> tuple[str, ...]:
    values = [cells.get(column) for column in _caption_columns(columns)]
    several = (value if isinstance(value, list) else [value] for value in values)
    texts = [_text("caption", one) for ones in several for one in ones]
    return tuple(dict.fromkeys(text for text in texts if text))


def _labels(value: Any, separator: str) -> tuple[str, ...]:
    if isinstance(value, list):
        parts = [_text("a label", part) for part in value]
    else:
        text = _text("labels", value) or ""
        parts = [part.strip() for part in (text.split(separator) if separator else [text])]
    return tuple(part for part in parts if part)


def _split(value: str | None) -> str | None:
    split = value.lower() if value else None
    if split is not None and split not in SPLITS:
        raise RowError("bad_split", f"split {short(value)}, expected one of {', '.join(SPLITS)}")
    return split


# ---- columns ---------------------------------------------------------------------------------


def _wanted(columns: Columns) -> list[tuple[str, str]]:
    """Return the columns that a config names, each after what it holds."""
    single = [
        (name, column) for name, column in columns if name != "caption" and column is not None
    ]
    return [*single, *(("caption", column) for column in _caption_columns(columns))]


def _caption_columns(columns: Columns) -> list[str]:
    several = columns.caption
    return [several] if isinstance(several, str) else several or []


def _check_columns(cfg: TableCorpus, found: list[str]) -> None:
    wanted = _wanted(cfg.columns)
    missing = [f"{name}: {column}" for name, column in wanted if column not in found]
    if missing and found:
        raise CorpusError(
            f"{cfg.metadata}: lacks the columns {missing}, has {found}; set `columns:` of corpus "
            f"{cfg.name} to the names in the file, or to null where there is none"
        )


TABLE = CorpusInfo(
    read_table,
    about="your own clips: a CSV, TSV, JSONL or Parquet file with one row a clip",
    licence="your own",
    home="yours",
    files="one file; `columns` says which column holds what",
)
