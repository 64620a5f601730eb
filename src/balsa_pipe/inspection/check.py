"""What is wrong with shards: damage, schemas, ids said twice, splits that leak, open reasons."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, get_args

import pyarrow as pa
import pyarrow.compute as pc

from balsa_pipe.config import TASK_NAMES
from balsa_pipe.errors import ShardError
from balsa_pipe.inspection.records import FOREIGN, Record, nearest_record, record_of
from balsa_pipe.inspection.table import safe_text
from balsa_pipe.schemas import DATASET_ROW, Row
from balsa_pipe.shards import list_shards, read_batches, read_schema
from balsa_pipe.synthesize import UNANSWERED
from balsa_pipe.tasks.common import RejectReason

SPLITS = ("train", "validation", "test")
REASONS = frozenset({*get_args(RejectReason), *UNANSWERED.values()})
SHOWN = 3
"""Examples that a problem names."""

_NARROW = ("prompt_id", "item_id", "clip_id", "task", "split", "reject_reason", "recordings")


@dataclass(slots=True)
class _Seen:
    """What is compared across shards."""

    keys: dict[tuple[str, tuple[str, ...]], list[pa.Table]] = field(
        default_factory=lambda: defaultdict(list)
    )
    sides: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))


def check(path: Path) -> list[str]:
    """Return every problem found in a shard or a folder of shards; none: all is sound."""
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
    problems += _repeated(path, seen) + _leaking(path, seen)
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
    faults: dict[str, list[str]] = defaultdict(list)
    for batch in read_batches(shard):
        nulls += Counter({f.name: batch.column(f.name).null_count for f in record.schema})
        for names in record.unique:
            seen.keys[record.name, names].append(pa.Table.from_batches([batch.select(names)]))
        for row in _narrow_rows(batch):
            _check_row(record, row, faults)
            _note_sides(row, seen)
    missing = [name for name in nulls if nulls[name] and not record.schema.field(name).nullable]
    problems += [f"{shard}: column {name!r}: null in {nulls[name]} rows" for name in missing]
    return problems + [f"{shard}: {what}: {_examples(ids)}" for what, ids in sorted(faults.items())]


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


def _narrow_rows(batch: pa.RecordBatch) -> Iterable[Row]:
    """Yield the few plain columns that a row's own rules need, and its clips' sides."""
    names = [name for name in _NARROW if name in batch.schema.names]
    rows: list[Row] = batch.select(names).to_pylist()
    for name in ("clips", "swapped_clips"):
        if name in batch.schema.names:
            for row, clips in zip(rows, _clip_sides(batch.column(name)), strict=True):
                row[name] = clips
    return rows


def _clip_sides(column: pa.Array) -> list[list[Row]]:
    """Return each row's clips with nothing but split and recordings."""
    flat = pc.list_flatten(column)
    clips = pa.StructArray.from_arrays(
        [pc.struct_field(flat, "split"), pc.struct_field(flat, "recordings")],
        names=["split", "recordings"],
    ).to_pylist()
    counts = pc.fill_null(pc.list_value_length(column), 0).to_pylist()
    remaining = iter(clips)
    return [[next(remaining) for _ in range(count)] for count in counts]


def _check_row(record: Record, row: Row, faults: dict[str, list[str]]) -> None:
    """File the row's id under each rule that it breaks."""
    name = row.get("prompt_id") or row.get("item_id") or row.get("clip_id") or "?"
    clip_splits = {clip["split"] for clip in row.get("clips", [])}
    if "split" in row and row["split"] not in SPLITS:
        faults[f"split {row['split']!r} is not one of {', '.join(SPLITS)}"].append(name)
    if len(clip_splits) > 1:
        faults[f"clips of several splits ({', '.join(sorted(clip_splits))}) in one row"].append(
            name
        )
    elif clip_splits and "split" in row and clip_splits != {row["split"]}:
        faults[f"split {row['split']!r}, but its clips are of {clip_splits.pop()!r}"].append(name)
    reason = row.get("reject_reason")
    if reason is not None and record.schema is DATASET_ROW:
        faults["a rejected row in the dataset"].append(name)
    elif reason is not None and reason not in REASONS:
        faults[f"reject_reason {reason!r} is none that synthesize gives"].append(name)
    if row.get("task", TASK_NAMES[0]) not in TASK_NAMES:
        faults[f"task {row['task']!r} is not one of {', '.join(TASK_NAMES)}"].append(name)


def _note_sides(row: Row, seen: _Seen) -> None:
    """Remember on which side of the split each recording was met."""
    own = [row] if "recordings" in row else []
    for clip in [*own, *row.get("clips", []), *row.get("swapped_clips", [])]:
        for recording in clip["recordings"]:
            seen.sides[recording].add(clip["split"])


def _repeated(path: Path, seen: _Seen) -> list[str]:
    problems = []
    for (record, names), tables in seen.keys.items():
        counts = pa.concat_tables(tables).group_by(list(names)).aggregate([([], "count_all")])
        twice = counts.filter(pc.greater(counts.column("count_all"), 1)).to_pylist()
        if twice:
            ids = sorted(" ".join(str(row[name]) for name in names) for row in twice)
            what = " and ".join(names)
            problems.append(f"{path}: {record} rows with the same {what}: {_examples(ids)}")
    return problems


def _leaking(path: Path, seen: _Seen) -> list[str]:
    by_sides: dict[tuple[str, ...], list[str]] = defaultdict(list)
    for recording, sides in seen.sides.items():
        if len(sides) > 1:
            by_sides[tuple(sorted(sides))].append(recording)
    return [
        f"{path}: recordings in {' and in '.join(sides)}: {_examples(sorted(recordings))}"
        for sides, recordings in sorted(by_sides.items())
    ]


def _examples(ids: list[Any]) -> str:
    more = f" and {len(ids) - SHOWN} more" if len(ids) > SHOWN else ""
    return f"{len(ids)} ({', '.join(ids[:SHOWN])}{more})"
