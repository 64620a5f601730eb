"""The only module that opens Parquet files: strict columns, written whole or not at all."""

import json
import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from balsa_pipe.errors import ShardError
from balsa_pipe.files import whole
from balsa_pipe.schemas import Row

META_KEY = b"balsa_pipe"


def write_shard(
    path: Path, rows: Iterable[Row], schema: pa.Schema, *, facts: Mapping[str, object] | None = None
) -> None:
    """Write rows as one Parquet file, visible only when complete; facts go into the file's metadata.

    Raises ShardError when a row's keys or values are not those of the schema, or the disk is full.
    """
    rows = list(rows)
    _check_keys(path, rows, schema)
    meta = {META_KEY: json.dumps(facts or {}, sort_keys=True)}
    try:
        table = pa.Table.from_pylist(rows, schema=schema.with_metadata(meta))
        with whole(path) as partial, partial.open("wb") as file:
            pq.write_table(table, file, compression="zstd")
            file.flush()
            os.fsync(file.fileno())
    except (pa.ArrowException, OSError, ValueError, OverflowError) as exc:
        reason = exc.strerror if isinstance(exc, OSError) and exc.strerror else str(exc)
        raise ShardError(
            f"{path}: could not be written ({reason}); nothing was left there. Free some space "
            "or fix the cause and run the same command again"
        ) from exc


def read_shard(path: Path, schema: pa.Schema, columns: list[str] | None = None) -> list[Row]:
    """Return a shard's rows; ShardError when the file is missing, damaged or of another schema."""
    return read_table(path, schema, columns).to_pylist()  # type: ignore[no-any-return]


def read_table(path: Path, schema: pa.Schema, columns: list[str] | None = None) -> pa.Table:
    """Return a shard as an Arrow table, checked like read_shard."""
    found = read_schema(path)
    if not found.equals(schema):
        missing = [name for name in schema.names if name not in found.names]
        extra = [name for name in found.names if name not in schema.names]
        both = [name for name in schema.names if name in found.names]
        other = [name for name in both if found.field(name) != schema.field(name)]
        raise ShardError(
            f"{path}: columns differ from this version's: missing {missing}, unknown {extra}, "
            f"of another type {other}; run the stage that writes it again"
        )
    try:
        with pq.ParquetFile(path) as file:  # read_table takes folders named a=b for columns
            return file.read(columns=columns)
    except (pa.ArrowException, OSError) as exc:
        raise ShardError(f"{path}: damaged ({exc}); delete it and run its stage again") from exc


def read_schema(path: Path) -> pa.Schema:
    """Return a Parquet file's schema; ShardError when there is none."""
    if not path.is_file():
        raise ShardError(f"{path}: no such shard; run the stage that writes it first")
    try:
        return pq.read_schema(path)
    except (pa.ArrowException, OSError) as exc:
        raise ShardError(
            f"{path}: not a complete Parquet file ({exc}); delete it and run its stage again"
        ) from exc


def read_facts(path: Path) -> dict[str, object]:
    """Return the facts that write_shard put into a file's metadata."""
    facts: dict[str, object] = json.loads((read_schema(path).metadata or {}).get(META_KEY, b"{}"))
    return facts


def list_shards(path: Path) -> list[Path]:
    """Return a shard, or a folder's shards in name order; ShardError when there is none."""
    shards = [path] if path.is_file() else sorted(path.glob("**/*.parquet"))
    if not shards:
        raise ShardError(f"{path}: no *.parquet files; run the stage that writes them first")
    return shards


def read_shards(path: Path, schema: pa.Schema, columns: list[str] | None = None) -> Iterator[Row]:
    """Yield the rows of a shard or of all shards of a folder, in order."""
    for shard in list_shards(path):
        yield from read_shard(shard, schema, columns)


def count_rows(path: Path) -> int:
    """Return the number of rows that a Parquet file's footer names."""
    read_schema(path)
    return int(pq.read_metadata(path).num_rows)


def read_batches(
    path: Path, columns: list[str] | None = None, *, batch_rows: int = 4096
) -> Iterator[pa.RecordBatch]:
    """Yield any Parquet file's rows in batches, never the file whole; ShardError when damaged.

    A column may be part of a nested one, as in clips.list.element.clip_id.
    """
    read_schema(path)
    try:
        with pq.ParquetFile(path) as file:
            yield from file.iter_batches(batch_size=batch_rows, columns=columns)
    except (pa.ArrowException, OSError) as exc:
        raise ShardError(f"{path}: damaged ({exc}); delete it and run its stage again") from exc


def _check_keys(path: Path, rows: list[Row], schema: pa.Schema) -> None:
    """pyarrow drops unknown keys and nulls missing ones without a word, so look first."""
    names = set(schema.names)
    for index, row in enumerate(rows):
        if row.keys() != names:
            unknown, missing = sorted(row.keys() - names), sorted(names - row.keys())
            raise ShardError(f"{path}: row {index}: unknown keys {unknown}, missing keys {missing}")
