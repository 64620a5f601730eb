"""Which record type a Parquet file holds, told by the names of its columns."""

from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from balsa_pipe.errors import ShardError
from balsa_pipe.schemas import CLIP, DATASET_ROW, ITEM, PREDICTION, SAMPLE, SEED_PROMPT
from balsa_pipe.shards import list_shards, read_schema

FOREIGN = "foreign"


@dataclass(frozen=True, slots=True)
class Record:
    """A record type and what people want to see of it first."""

    name: str
    schema: pa.Schema
    ids: tuple[str, ...]  # columns that name a row
    unique: tuple[tuple[str, ...], ...]  # columns that together are never the same twice
    by: tuple[str, ...]  # how stats groups unless told
    measures: tuple[str, ...]  # texts and numbers that stats measures
    head: tuple[str, ...]  # columns that head shows unless told


RECORDS = (
    Record(
        "clip",
        CLIP,
        ids=("clip_id",),
        unique=(("clip_id",),),
        by=("split", "corpus"),
        measures=("duration_s", "caption"),
        head=("clip_id", "split", "duration_s", "labels", "caption", "path"),
    ),
    Record(
        "seed prompt",
        SEED_PROMPT,
        ids=("prompt_id",),
        unique=(("prompt_id",),),
        by=("task", "split"),
        measures=("evidence", "question"),
        head=("prompt_id", "task", "clips", "evidence", "question"),
    ),
    Record(
        "sample",
        SAMPLE,
        ids=("prompt_id", "row_key"),
        unique=(("prompt_id",), ("row_key",)),
        by=("task", "reject_reason"),
        measures=("question", "response", "n_tokens", "n_attempts"),
        head=("prompt_id", "task", "question", "response", "reject_reason"),
    ),
    Record(
        "dataset row",
        DATASET_ROW,
        ids=("prompt_id", "row_key"),
        unique=(("prompt_id",), ("row_key",)),
        by=("task", "split"),
        measures=("question", "response", "n_tokens", "n_attempts"),
        head=("prompt_id", "task", "clips", "question", "response"),
    ),
    Record(
        "item",
        ITEM,
        ids=("item_id",),
        unique=(("item_id",),),
        by=("suite", "strategy"),
        measures=("question",),
        head=("item_id", "suite", "clips", "question", "gold"),
    ),
    Record(
        "prediction",
        PREDICTION,
        ids=("item_id",),
        unique=(("item_id", "system"),),
        by=("suite", "system"),
        measures=("score", "response"),
        head=("item_id", "suite", "system", "question", "gold", "response", "score"),
    ),
)


def record_of(schema: pa.Schema) -> Record:
    """Return the record type whose columns these are, else a foreign one."""
    for record in RECORDS:
        if record.schema.names == schema.names:
            return record
    return _foreign(schema)


def nearest_record(schema: pa.Schema) -> Record | None:
    """Return the record type that shares more than half of a foreign schema's columns."""
    names = set(schema.names)
    best = max(RECORDS, key=lambda record: _likeness(names, set(record.schema.names)))
    return best if _likeness(names, set(best.schema.names)) > 0.5 else None


def one_record(path: Path) -> tuple[Record, list[Path]]:
    """Return the one record type of a folder and its shards; ShardError when it holds several."""
    shards = list_shards(path)
    found = {shard: record_of(read_schema(shard)) for shard in shards}
    kinds = {(record.name, tuple(record.schema.names)) for record in found.values()}
    if len(kinds) > 1:
        counts = {name: 0 for name, _ in sorted(kinds)}
        for record in found.values():
            counts[record.name] += 1
        listed = ", ".join(f"{name} ({count})" for name, count in counts.items())
        raise ShardError(
            f"{path}: holds shards of several record types: {listed}; name a file or folder of one"
        )
    return found[shards[0]], shards


def check_columns(path: Path, record: Record, columns: list[str]) -> None:
    """Raise ShardError when a column isn't one of the record's."""
    for name in columns:
        if name not in record.schema.names:
            known = ", ".join(record.schema.names)
            raise ShardError(f"{path}: no column {name!r}; a {record.name} row has {known}")


def _likeness(names: set[str], known: set[str]) -> float:
    return len(names & known) / max(len(names | known), 1)


def _foreign(schema: pa.Schema) -> Record:
    names = tuple(schema.names)
    measured = [field.name for field in schema if _is_text(field.type) or _is_number(field.type)]
    return Record(
        FOREIGN,
        schema,
        ids=tuple(name for name in names if name == "id" or name.endswith("_id")),
        unique=(),
        by=(),
        measures=tuple(measured[:6]),
        head=names,
    )


def _is_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


def _is_number(kind: pa.DataType) -> bool:
    return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind))
