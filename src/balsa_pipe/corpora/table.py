"""The generic corpus: a CSV, TSV, JSONL or Parquet file with one row a clip."""

import csv
import io
import json
import math
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from pathlib import Path, PurePosixPath
from typing import Any

from balsa_pipe import shards
from balsa_pipe.config import Columns, TableCorpus
from balsa_pipe.corpora.base import Note, RawClip, Reject, clean_text
from balsa_pipe.errors import CorpusError, ShardError

SPLITS = ("train", "validation", "test")

_TEXT_FIELDS = ("caption", "split", "licence", "source", "recording")

Cells = dict[str, Any]
Entry = tuple[str, Cells | str]
"""Where a row stands, and its cells or what is wrong with it."""


class _RowError(Exception):
    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason


def read_table(cfg: TableCorpus) -> Iterator[RawClip | Reject | Note]:
    """Yield a table's clips in its order, and a Reject for each row that can't be one.

    Raises CorpusError when the table as a whole can't be read or lacks a column.
    """
    if not cfg.root.is_dir():
        raise CorpusError(f"{cfg.root}: no such folder; corpus {cfg.name} has it as its audio root")
    require_table(cfg)
    columns, entries, notes = _load(cfg.metadata, cfg.columns)
    _check_columns(cfg, columns)
    yield from notes
    root, seen = cfg.root.resolve(), dict[Path, str]()
    for where, cells in entries:
        try:
            yield _read_clip(cfg, root, where, cells, seen)
        except _RowError as exc:
            yield Reject(where, exc.reason, str(exc))


def require_table(cfg: TableCorpus) -> None:
    """Raise CorpusError when the table isn't there."""
    if not cfg.metadata.is_file():
        raise CorpusError(
            f"{cfg.metadata}: no such metadata file of corpus {cfg.name}; correct its path in "
            "ingest.corpora, which starts at the working folder"
        )


def _read_clip(
    cfg: TableCorpus, root: Path, where: str, cells: Cells | str, seen: dict[Path, str]
) -> RawClip:
    if isinstance(cells, str):
        raise _RowError("bad_row", cells)
    fields = {name: cells.get(column) for name, column in cfg.columns if column is not None}
    text = {name: _text(name, fields.get(name)) for name in _TEXT_FIELDS}
    labels = _labels(fields.get("labels"), cfg.label_separator)
    if not text["caption"] and not labels:
        raise _RowError("no_text", "neither a caption nor a label")
    split = _split(text["split"])
    resolved, source_id = _locate(root, fields.get("path"))
    if (first := seen.setdefault(resolved, where)) != where:
        raise _RowError("duplicate_path", f"{source_id!r} is already in {first}")
    return RawClip(
        source_id=source_id,
        path=cfg.root / source_id,
        labels=labels,
        caption=text["caption"],
        split=split,
        licence=text["licence"],
        source=text["source"],
        recording=text["recording"],
    )


# ---- cells -----------------------------------------------------------------------------------


def _text(name: str, value: Any) -> str | None:
    """Return a cell's text; numbers become text, as CSV has nothing else."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return None
    if isinstance(value, float) and value.is_integer():
        value = int(value)  # a whole column of ids turns to floats when one of them is missing
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise _RowError("bad_row", f"{name} is a {type(value).__name__}, expected a text")
    return clean_text(str(value)) or None


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
        raise _RowError("bad_split", f"split {_short(value)}, expected one of {', '.join(SPLITS)}")
    return split


def _locate(root: Path, value: Any) -> tuple[Path, str]:
    """Return the file that a path cell means, and its id: the path below the root."""
    if not isinstance(value, str) or not value.strip():
        raise _RowError("bad_row", "no path")
    try:
        value.encode()
        resolved = (root / value).resolve()
    except (OSError, ValueError, RuntimeError) as exc:  # NUL, half a character, a loop of links
        raise _RowError("bad_row", f"{_short(value)} can't be a path") from exc
    if not resolved.is_relative_to(root):
        raise _RowError("outside_root", f"{_short(value)} leaves the audio root")
    path = PurePosixPath(value)
    if path.is_absolute() or ".." in path.parts:
        path = PurePosixPath(resolved.relative_to(root).as_posix())
    return resolved, path.as_posix()


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 80 else text[:77] + "..."


# ---- files -----------------------------------------------------------------------------------


def _load(path: Path, columns: Columns) -> tuple[list[str], Iterable[Entry], list[Note]]:
    """Return a file's columns, its rows and what was done to read it."""
    suffix = path.suffix.lower()
    if suffix == ".parquet":
        return *_read_parquet(path, columns), []
    if suffix not in _TEXT_FORMATS:
        expected = ", ".join([*_TEXT_FORMATS, ".parquet"])
        raise CorpusError(f"{path}: ends in {suffix!r}; expected one of {expected}")
    text, notes = _decode(path)
    return *_TEXT_FORMATS[suffix](path, text), notes


def _decode(path: Path) -> tuple[str, list[Note]]:
    """Return a file's text: UTF-8 or UTF-16 by its mark, else what Windows writes."""
    try:
        data = path.read_bytes()
        return data.decode("utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"), []
    except UnicodeDecodeError as exc:
        note = Note("latin1_metadata", f"{path}: not UTF-8 (byte {exc.start}), read as Latin-1")
        # Windows-1252 is Latin-1 with typographic quotes where that has control characters.
        return data.decode("cp1252", errors="replace"), [note]
    except OSError as exc:
        raise CorpusError(f"{path}: can't be read ({exc.strerror})") from exc


def _read_csv(path: Path, text: str, delimiter: str = ",") -> tuple[list[str], Iterator[Entry]]:
    records = _csv_records(text, delimiter)
    line, header = next(records, (1, "no header line"))
    if isinstance(header, str):
        raise CorpusError(f"{path}:{line}: {header}; expected the names of the columns")
    names = [name.strip() for name in header]
    if twice := sorted({name for name in names if name and names.count(name) > 1}):
        raise CorpusError(f"{path}:{line}: columns {twice} appear twice; rename one of each")
    return names, ((f"{path}:{line}", _csv_cells(names, record)) for line, record in records)


def _csv_cells(names: list[str], record: list[str] | str) -> Cells | str:
    if isinstance(record, str):
        return record
    if len(record) != len(names):
        return f"{len(record)} cells, expected {len(names)}; quote cells that hold a delimiter"
    return dict(zip(names, record, strict=True))


def _csv_records(text: str, delimiter: str) -> Iterator[tuple[int, list[str] | str]]:
    """Yield each record's first line number with its cells, or what is wrong with it.

    After a fault, reading goes on in the next line, so an open quote costs one row, not the rest.
    """
    lines = list(io.StringIO(text, newline=""))
    start = 0
    while start < len(lines):
        reader = csv.reader(islice(lines, start, None), delimiter=delimiter, strict=True)
        first = start
        try:
            for record in reader:
                if record:
                    yield first + 1, record
                first = start + reader.line_num
            return
        except csv.Error as exc:
            yield first + 1, f"not a CSV row ({exc})"
            start = first + 1


def _read_tsv(path: Path, text: str) -> tuple[list[str], Iterator[Entry]]:
    return _read_csv(path, text, delimiter="\t")


def _read_jsonl(path: Path, text: str) -> tuple[list[str], list[Entry]]:
    lines = enumerate(text.split("\n"), start=1)
    entries = [(f"{path}:{number}", _json_cells(line)) for number, line in lines if line.strip()]
    if not entries:
        raise CorpusError(f"{path}: empty; expected one JSON object a line")
    rows = [cells for _, cells in entries if not isinstance(cells, str)]
    return sorted({name for row in rows for name in row}), entries


def _json_cells(line: str) -> Cells | str:
    try:
        cells = json.loads(line)
    except (ValueError, RecursionError) as exc:
        return f"not JSON ({exc}): {_short(line)}"
    return cells if isinstance(cells, dict) else f"expected a JSON object, found {_short(line)}"


def _read_parquet(path: Path, columns: Columns) -> tuple[list[str], list[Entry]]:
    try:
        schema = shards.read_schema(path)
        wanted = [name for _, name in columns if name in schema.names]
        rows = shards.read_shard(path, schema, wanted)
    except ShardError as exc:
        raise CorpusError(f"{path}: not readable as Parquet; export it again") from exc
    return schema.names, [(f"{path} row {index}", row) for index, row in enumerate(rows, start=1)]


_TEXT_FORMATS: dict[str, Callable[[Path, str], tuple[list[str], Iterable[Entry]]]] = {
    ".csv": _read_csv,
    ".tsv": _read_tsv,
    ".jsonl": _read_jsonl,
    ".ndjson": _read_jsonl,
}


def _check_columns(cfg: TableCorpus, found: list[str]) -> None:
    wanted = {name: column for name, column in cfg.columns if column is not None}
    missing = [f"{name}: {column}" for name, column in wanted.items() if column not in found]
    if missing and found:
        raise CorpusError(
            f"{cfg.metadata}: lacks the columns {missing}, has {found}; set `columns:` of corpus "
            f"{cfg.name} to the names in the file, or to null where there is none"
        )
