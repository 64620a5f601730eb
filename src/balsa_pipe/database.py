"""The only module that opens DuckDB: shards as views, nothing beside them, errors in one line."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import duckdb

from balsa_pipe.errors import ShardError
from balsa_pipe.schemas import Row
from balsa_pipe.text import safe_text

Database = duckdb.DuckDBPyConnection

DAMAGED = "; `balsa shards check` names the shards that are damaged"

_CONFIG: dict[str, Any] = {
    "autoinstall_known_extensions": False,
    "autoload_known_extensions": False,
    "python_enable_replacements": False,  # else SQL reads this process's variables
}
_BATCH = 1000


@contextmanager
def database(
    views: Mapping[str, Sequence[Path]],
    hint: str = DAMAGED,
    *,
    numbered: bool = False,
    memory: str | None = None,
) -> Iterator[Database]:
    """Open a database in memory that can read the shards of its views and no other file.

    numbered: the columns file_row_number and filename say where in which shard a row is. What doesn't fit
    into memory ("256MB"; None: most of the machine's) goes to a temporary folder. ShardError, which
    ends in the hint, for whatever goes wrong until the database is closed.
    """
    config = _CONFIG if memory is None else _CONFIG | {"memory_limit": memory}
    try:
        with (
            TemporaryDirectory(prefix="balsa-") as spill,
            duckdb.connect(config=config | {"temp_directory": spill}) as db,
        ):
            for name, shards in views.items():
                options = "hive_partitioning = false"
                if numbered:
                    options += ", file_row_number = true, filename = true"
                source = f"read_parquet({_paths(shards)}, {options})"
                db.execute(f"CREATE VIEW {identifier(name)} AS SELECT * FROM {source}")
            every = [shard for shards in views.values() for shard in shards]
            db.execute("SET enable_progress_bar = false")
            db.execute(f"SET allowed_paths = {_paths(every)}")
            db.execute("SET enable_external_access = false")
            db.execute("SET lock_configuration = true")
            yield db
    except duckdb.Error as exc:  # the first line says what, the others show where
        raise ShardError(safe_text(str(exc).partition("\n")[0]) + hint) from exc


def stream(db: Database, query: str, parameters: Mapping[str, Any] | None = None) -> Iterator[Row]:
    """Yield a query's rows, never all of them at once; a name that occurs twice gets a number."""
    db.execute(query, parameters)
    names = _unique([str(column[0]) for column in db.description])
    while rows := db.fetchmany(_BATCH):
        for row in rows:
            yield dict(zip(names, row, strict=True))


def is_one_select(db: Database, query: str) -> bool:
    """Tell whether a text is one query that only reads."""
    kinds = [statement.type for statement in db.extract_statements(query)]
    return kinds == [duckdb.StatementType.SELECT]


def identifier(name: str) -> str:
    """Return a name as SQL takes it, whatever is in it."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """Return a text as SQL takes it, whatever is in it."""
    return "'" + text.replace("'", "''") + "'"


def _paths(shards: Sequence[Path]) -> str:
    return "[" + ", ".join(literal(str(shard.resolve())) for shard in shards) + "]"


def _unique(names: list[str]) -> list[str]:
    counts: dict[str, int] = {}
    unique = []
    for name in names:
        counts[name] = counts.get(name, 0) + 1
        unique.append(name if counts[name] == 1 else f"{name}_{counts[name]}")
    return unique
