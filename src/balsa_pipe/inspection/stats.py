"""Counts and lengths of a folder of shards, group by group, from a batch at a time."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from balsa_pipe.errors import ShardError
from balsa_pipe.inspection.records import Record, check_columns, one_record
from balsa_pipe.schemas import Row
from balsa_pipe.shards import read_batches

Key = tuple[Any, ...]


def stats(path: Path, by: list[str] | None = None) -> list[Row]:
    """Return one row a group: its key, rows, share of all rows, lengths of texts, means of numbers.

    A row counts once under every element of a list that it is grouped by.
    Raises ShardError when a column doesn't exist or can't be grouped by.
    """
    record, shards = one_record(path)
    names = list(record.by) if by is None else by
    check_columns(path, record, names)
    _check_keys(path, record, names)
    measures = [name for name in record.measures if name not in names]
    groups: dict[Key, dict[str, float]] = {}
    total = 0
    for shard in shards:
        for batch in read_batches(shard, [*names, *measures] or None):
            total += batch.num_rows
            _add(groups, batch, names, measures)
    ordered = sorted(groups.items(), key=lambda group: _order(group[0]))
    return [_row(record, names, measures, key, sums, total) for key, sums in ordered]


def _check_keys(path: Path, record: Record, names: list[str]) -> None:
    for name in names:
        kind = record.schema.field(name).type
        inner = kind.value_type if pa.types.is_list(kind) else kind
        if pa.types.is_nested(inner):
            raise ShardError(
                f"{path}: column {name!r} holds {kind}; group by a column of plain values "
                "or of lists of them"
            )


def _add(
    groups: dict[Key, dict[str, float]],
    batch: pa.RecordBatch,
    names: list[str],
    measures: list[str],
) -> None:
    """Add one batch's counts and sums to the groups."""
    for row in _aggregate(batch, names, measures):
        sums = groups.setdefault(tuple(row[f"k{i}"] for i in range(len(names))), {"rows": 0})
        sums["rows"] += row["count_all"]
        for i, name in enumerate(measures):
            if not row[f"m{i}_count"]:
                continue
            sums[f"{name} n"] = sums.get(f"{name} n", 0) + row[f"m{i}_count"]
            sums[f"{name} sum"] = sums.get(f"{name} sum", 0) + row[f"m{i}_sum"]
            sums[f"{name} max"] = max(sums.get(f"{name} max", row[f"m{i}_max"]), row[f"m{i}_max"])


def _aggregate(batch: pa.RecordBatch, names: list[str], measures: list[str]) -> Iterator[Row]:
    """Yield one row a group of a batch; k0.. are its keys, m0_sum.. its measures."""
    columns = {f"m{i}": _measured(batch.column(name)) for i, name in enumerate(measures)}
    table = pa.table(columns | {f"k{i}": batch.column(name) for i, name in enumerate(names)})
    if not columns and not names:
        table = pa.table({"m": pa.nulls(batch.num_rows)})
    for i in range(len(names)):
        table = _explode(table, f"k{i}")
    wanted = [(f"m{i}", how) for i in range(len(measures)) for how in ("count", "sum", "max")]
    keys = [f"k{i}" for i in range(len(names))]
    yield from table.group_by(keys).aggregate([*wanted, ([], "count_all")]).to_pylist()


def _measured(column: pa.Array) -> pa.Array:
    """Return a text's characters, or a number as it is."""
    if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
        return pc.cast(pc.utf8_length(column), pa.int64())
    return column


def _explode(table: pa.Table, name: str) -> pa.Table:
    """Repeat a row for every element of its list; an empty list counts as null."""
    column = table.column(name).combine_chunks()
    if not pa.types.is_list(column.type):
        return table
    parents, values = pc.list_parent_indices(column), pc.list_flatten(column)
    lengths = pc.fill_null(pc.list_value_length(column), 0)
    empty = pc.indices_nonzero(pc.equal(lengths, 0))
    rows = pa.concat_arrays([pc.cast(parents, pa.int64()), pc.cast(empty, pa.int64())])
    keys = pa.concat_arrays([values, pa.nulls(len(empty), values.type)])
    return table.drop_columns([name]).take(rows).append_column(name, keys)


def _row(
    record: Record,
    names: list[str],
    measures: list[str],
    key: Key,
    sums: dict[str, float],
    total: int,
) -> Row:
    row: Row = dict(zip(names, key, strict=True))
    row |= {"rows": sums["rows"], "share": round(sums["rows"] / total, 4)}
    for name in measures:
        text = not (_is_number(record.schema.field(name).type))
        unit = f"{name}_chars" if text else name
        count = sums.get(f"{name} n", 0)
        row[f"{unit}_mean"] = round(sums[f"{name} sum"] / count, 3) if count else None
        row[f"{unit}_max"] = sums.get(f"{name} max")
        if name == "duration_s":
            row["duration_s_sum"] = round(sums.get(f"{name} sum", 0.0), 3)
    return row


def _is_number(kind: pa.DataType) -> bool:
    return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind))


def _order(key: Key) -> list[tuple[bool, str]]:
    """Sort null last, whatever the types."""
    return [(value is None, str(value)) for value in key]
