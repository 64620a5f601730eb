"""What is wrong with shards: damage, schemas, ids said twice, splits that leak, lost files, replies."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa

from balsa_pipe.database import database, identifier, stream
from balsa_pipe.errors import ShardError
from balsa_pipe.inspection.records import (
    FOREIGN,
    SHARDS,
    Group,
    Record,
    nearest_record,
    record_of,
)
from balsa_pipe.inspection.rules import faults
from balsa_pipe.schemas import Row
from balsa_pipe.shards import list_shards, read_batches, read_schema
from balsa_pipe.text import safe_text

SHOWN = 3
"""Examples that a problem names."""


@dataclass(slots=True)
class _Examples:
    """How many rows have a problem, and the first of them."""

    count: int = 0
    names: list[str] = field(default_factory=list)

    def add(self, name: str) -> None:
        self.count += 1
        if len(self.names) < SHOWN:
            self.names.append(name)

    def __str__(self) -> str:
        more = f" and {self.count - SHOWN} more" if self.count > SHOWN else ""
        return f"{self.count} ({', '.join(self.names)}{more})"


@dataclass(slots=True)
class _Seen:
    """What is compared across shards."""

    sound: dict[str, Group] = field(default_factory=dict)  # shards that could be read to their end
    sides: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    files: dict[str, bool] = field(default_factory=dict)  # whether an audio file is there
    silent: set[str] = field(default_factory=set)  # clips without a file


def check(
    path: Path, log: Callable[[str], None] = lambda line: None, *, audio: bool = True
) -> list[str]:
    """Return every problem found in a shard or a folder of shards; none: all is sound.

    Clips that are metadata only are no problem; the log counts them. audio: look for the files.
    """
    shards, seen = list_shards(path), _Seen()
    problems = [
        f"{partial}: a file that was never finished; run its stage again, which replaces it"
        for partial in sorted(path.glob("**/*.parquet.partial"))
    ]
    for shard in shards:
        try:
            problems += _check_shard(shard, seen)
        except ShardError as exc:
            problems.append(str(exc))
    problems += [*_repeated(path, seen), *_leaking(path, seen)]
    problems += _lost(path, seen) if audio else []
    if seen.silent:
        log(f"shards: clips that are metadata only, without an audio file: {len(seen.silent)}")
    return [safe_text(problem) for problem in problems]


def _check_shard(shard: Path, seen: _Seen) -> list[str]:
    schema = read_schema(shard)
    record = record_of(schema)
    if record.name == FOREIGN:
        for _ in read_batches(shard):
            pass  # damage deep inside a file shows only when it is read
        return _check_foreign(shard, schema)
    problems = _check_types(shard, record, schema)
    nulls: Counter[str] = Counter()
    found: dict[str, _Examples] = defaultdict(_Examples)
    for batch in read_batches(shard):
        nulls += Counter({f.name: batch.column(f.name).null_count for f in record.schema})
        for row in [] if problems else batch.to_pylist():  # other types, other rules
            for fault in faults(row):
                found[fault].add(str(row[record.ids[0]]))
            _note_clips(row, seen)
    seen.sound.setdefault(record.name, Group(record, [])).shards.append(shard)
    missing = [name for name in nulls if nulls[name] and not record.schema.field(name).nullable]
    problems += [f"{shard}: column {name!r}: null in {nulls[name]} rows" for name in missing]
    return problems + [f"{shard}: {fault}: {rows}" for fault, rows in sorted(found.items())]


def _check_foreign(shard: Path, schema: pa.Schema) -> list[str]:
    record = nearest_record(schema)
    if record is None:
        return []
    known = record.schema.names
    missing = [name for name in known if name not in schema.names]
    unknown = [name for name in schema.names if name not in known]
    order = "" if missing or unknown else ", another order of columns"
    return [
        f"{shard}: like a {record.name} shard, but missing {missing}, unknown {unknown}{order}; "
        "run the stage that writes it again"
    ]


def _check_types(shard: Path, record: Record, schema: pa.Schema) -> list[str]:
    return [
        f"{shard}: column {wanted.name!r} is {_kind(schema.field(wanted.name))}, "
        f"expected {_kind(wanted)}"
        for wanted in record.schema
        if not schema.field(wanted.name).equals(wanted)
    ]


def _kind(column: pa.Field) -> str:
    return f"{column.type}{'' if column.nullable else ' not null'}"


def _note_clips(row: Row, seen: _Seen) -> None:
    """Remember on which side of the split each recording was met, and which files are there."""
    own = [row] if "recordings" in row else []
    for clip in [*own, *(row.get("clips") or []), *(row.get("swapped_clips") or [])]:
        for recording in clip["recordings"] or []:
            seen.sides[recording].add(str(clip["split"]))
        if clip["path"] is None:
            seen.silent.add(clip["clip_id"])
        elif clip["path"] not in seen.files:
            seen.files[clip["path"]] = Path(clip["path"]).is_file()


def _repeated(path: Path, seen: _Seen) -> Iterator[str]:
    for group in seen.sound.values():
        for names in group.record.unique:
            columns = ", ".join(map(identifier, names))
            grouped = f"FROM {SHARDS} GROUP BY {columns} HAVING count(*) > 1 ORDER BY {columns}"
            ids = _Examples()
            with database({SHARDS: group.shards}) as db:
                for row in stream(db, f"SELECT {columns} {grouped}"):
                    ids.add(" ".join(map(str, row.values())))
            if ids.count:
                what = " and ".join(names)
                yield f"{path}: {group.record.name} rows with the same {what}: {ids}"


def _leaking(path: Path, seen: _Seen) -> Iterator[str]:
    by_sides: dict[tuple[str, ...], _Examples] = defaultdict(_Examples)
    for recording, sides in sorted(seen.sides.items()):
        if len(sides) > 1:
            by_sides[tuple(sorted(sides))].add(recording)
    for found, recordings in sorted(by_sides.items()):
        yield f"{path}: recordings in {' and in '.join(found)}: {recordings}"


def _lost(path: Path, seen: _Seen) -> Iterator[str]:
    lost = _Examples()
    for file in sorted(file for file, there in seen.files.items() if not there):
        lost.add(file)
    if lost.count:
        yield f"{path}: audio files that aren't there, seen from this folder: {lost}"
