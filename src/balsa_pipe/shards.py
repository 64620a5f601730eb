"""The only module that opens Parquet files: strict columns, written whole or not at all."""

import json
import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from itertools import islice
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from balsa_pipe.errors import ShardError
from balsa_pipe.files import whole
from balsa_pipe.schemas import Row

META_KEY = b"balsa_pipe"

_CHUNK_ROWS = 4096


def write_shard(
    path: Path, rows: Iterable[Row], schema: pa.Schema, *, facts: Mapping[str, object] | None = None
) -> None:
    """Write rows as one Parquet file, visible only when complete; facts go into the file's metadata.

    Rows are written as they come, some thousand at a time. Raises ShardError when a row's keys or
    values are not those of the schema, or the disk is full.
    """
    with shard_writer(path, schema, facts=facts) as write:
        for chunk in _chunks(rows):
            _check_keys(path, chunk, schema)
            with _told(path):
                batch = pa.RecordBatch.from_pylist(chunk, schema=schema)
            write(batch)


@contextmanager
def shard_writer(
    path: Path, schema: pa.Schema, *, facts: Mapping[str, object] | None = None
) -> Iterator[Callable[[pa.RecordBatch], None]]:
    """Yield a function that writes a batch; the file is visible only when all went well.

    Raises ShardError when a batch isn't of the schema, or the disk is full.
    """
    meta = {META_KEY: json.dumps(facts or {}, sort_keys=True)}
    with _told(path):
        path.parent.mkdir(parents=True, exist_ok=True)
    with whole(path) as partial, ExitStack() as stack:
        with _told(path):
            writer = pq.ParquetWriter(partial, schema.with_metadata(meta), compression="zstd")
        stack.callback(_close_anyhow, writer)
        pool = stack.enter_context(ThreadPoolExecutor(1))  # compresses while others compute
        pending: deque[Future[None]] = deque()

        def settle(most: int) -> None:
            with _told(path):
                while len(pending) > most:
                    pending.popleft().result()

        def write(batch: pa.RecordBatch) -> None:
            settle(most=1)
            pending.append(pool.submit(writer.write_batch, batch))

        yield write
        settle(most=0)
        with _told(path):
            writer.close()
            with partial.open("rb") as file:
                os.fsync(file.fileno())


def _close_anyhow(writer: pq.ParquetWriter) -> None:
    """Close a writer that may be closed already, or whose file can't take another byte."""
    with suppress(pa.ArrowException, OSError, ValueError):
        writer.close()


@contextmanager
def _told(path: Path) -> Iterator[None]:
    """Turn what goes wrong while writing into an error for people."""
    try:
        yield
    except (pa.ArrowException, OSError, ValueError, OverflowError) as exc:
        reason = os.strerror(exc.errno) if isinstance(exc, OSError) and exc.errno else str(exc)
        raise ShardError(
            f"{path}: could not be written ({reason}); nothing was left there. Free some space "
            "or fix the cause and run the same command again"
        ) from exc


def read_shard(path: Path, schema: pa.Schema, columns: list[str] | None = None) -> list[Row]:
    """Return a shard's rows; ShardError when the file is missing, damaged or of another schema."""
    return read_table(path, schema, columns).to_pylist()  # type: ignore[no-any-return]


def read_table(path: Path, schema: pa.Schema, columns: list[str] | None = None) -> pa.Table:
    """Return a shard as an Arrow table, checked like read_shard."""
    check_schema(path, schema)
    try:
        with pq.ParquetFile(path) as file:  # read_table takes folders named a=b for columns
            return file.read(columns=columns)
    except (pa.ArrowException, OSError) as exc:
        raise ShardError(f"{path}: damaged ({exc}); delete it and run its stage again") from exc


def check_schema(path: Path, schema: pa.Schema) -> None:
    """Raise ShardError when a shard is missing, damaged or of another schema."""
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


def _chunks(rows: Iterable[Row]) -> Iterator[list[Row]]:
    iterator = iter(rows)
    while chunk := list(islice(iterator, _CHUNK_ROWS)):
        yield chunk


def _check_keys(path: Path, rows: list[Row], schema: pa.Schema) -> None:
    """pyarrow drops unknown keys and nulls missing ones without a word, so look first."""
    names = set(schema.names)
    for index, row in enumerate(rows):
        if row.keys() != names:
            unknown, missing = sorted(row.keys() - names), sorted(names - row.keys())
            raise ShardError(f"{path}: row {index}: unknown keys {unknown}, missing keys {missing}")
