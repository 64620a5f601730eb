"""Counts and lengths of a folder of shards, group by group."""

from pathlib import Path

import pyarrow as pa

from balsa_pipe.database import database, identifier, stream
from balsa_pipe.errors import ShardError
from balsa_pipe.inspection.columns import Column, find_column
from balsa_pipe.inspection.records import SHARDS, is_number, one_record
from balsa_pipe.schemas import Row
from balsa_pipe.shards import count_rows


def stats(path: Path, by: list[str] | None = None) -> list[Row]:
    """Return one row a group: its key, rows, share of all rows, lengths of texts, means of numbers.

    A row counts once under every element of a list that it is grouped by.
    Raises ShardError when a column doesn't exist or can't be grouped by.
    """
    group = one_record(path)
    names = list(group.record.by) if by is None else by
    keys = [_key(path, find_column(path, group.record, name)) for name in names]
    measures = [
        find_column(path, group.record, name) for name in group.record.measures if name not in names
    ]
    total = str(sum(map(count_rows, group.shards)))
    aggregates = [sql for column in measures for sql in _aggregates(column)]
    with database({SHARDS: group.shards}) as db:
        return list(stream(db, _query(keys, total, aggregates)))


def _key(path: Path, column: Column) -> Column:
    if pa.types.is_nested(column.inner):
        raise ShardError(
            f"{path}: column {column.name!r} holds {column.kind}; group by a column of plain "
            "values or of lists of them"
        )
    return column


def _query(keys: list[Column], total: str, aggregates: list[str]) -> str:
    """Return the SQL of a row a group, null last."""
    source = SHARDS
    names = [identifier(f"group {index}") for index in range(len(keys))]
    for name, key in zip(names, keys, strict=True):
        value = f"unnest({_elements(key.sql)})" if key.is_list else key.sql
        source = f"(SELECT *, {value} AS {name} FROM {source})"
    columns = [f"{name} AS {identifier(key.name)}" for name, key in zip(names, keys, strict=True)]
    columns += ["count(*) AS rows", f"round(count(*) / {total}, 4) AS share", *aggregates]
    grouped = f"GROUP BY {', '.join(names)}" if names else ""
    order = f"ORDER BY {', '.join(f'{name} NULLS LAST' for name in names)}" if names else ""
    return f"SELECT {', '.join(columns)} FROM {source} {grouped} HAVING count(*) > 0 {order}"


def _elements(values: str) -> str:
    """Return a list's different elements; an empty list counts as null."""
    distinct = f"list_distinct({values})"  # which leaves nulls out
    whole = f"len({values}) > 0 AND list_count({values}) = len({values})"
    return f"CASE WHEN {whole} THEN {distinct} ELSE list_append({distinct}, NULL) END"


def _aggregates(column: Column) -> list[str]:
    """Return the means and highest values of a text's characters, or of a number."""
    value, unit = (
        (column.sql, column.name)
        if is_number(column.kind)
        else (f"length({column.sql})", f"{column.name}_chars")
    )
    found = {"mean": f"round(avg({value}), 3)", "max": f"max({value})"}
    if column.name == "duration_s":
        found["sum"] = f"coalesce(round(sum({value}), 3), 0)"
    return [f"{sql} AS {identifier(f'{unit}_{what}')}" for what, sql in found.items()]
