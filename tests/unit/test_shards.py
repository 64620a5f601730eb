"""Shards are strict about columns, and are there whole or not at all."""

import os
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from sample_rows import make_sample, make_seed_prompt

from balsa_pipe.errors import ShardError
from balsa_pipe.schemas import SAMPLE, SEED_PROMPT
from balsa_pipe.shards import (
    count_rows,
    list_shards,
    read_batches,
    read_facts,
    read_schema,
    read_shard,
    read_shards,
    write_shard,
)

PAIR = pa.schema(
    [
        pa.field("name", pa.string(), nullable=False),
        pa.field("words", pa.list_(pa.field("element", pa.string(), nullable=False))),
        pa.field("n", pa.int32()),
    ]
)
ROW: dict[str, Any] = {"name": "a", "words": ["x", "ü"], "n": 1}


def test_rows_and_facts_come_back(tmp_path: Path) -> None:
    rows = [ROW, {"name": "b", "words": [], "n": None}, {"name": "", "words": None, "n": -5}]
    write_shard(tmp_path / "new" / "s.parquet", iter(rows), PAIR, facts={"run": "r", "n": 2})
    assert read_shard(tmp_path / "new" / "s.parquet", PAIR) == rows
    assert read_facts(tmp_path / "new" / "s.parquet") == {"run": "r", "n": 2}
    assert count_rows(tmp_path / "new" / "s.parquet") == 3
    assert os.listdir(tmp_path / "new") == ["s.parquet"]


@pytest.mark.parametrize(
    ("rows", "schema"), [([make_seed_prompt()], SEED_PROMPT), ([make_sample()], SAMPLE), ([], PAIR)]
)
def test_every_record_type_comes_back(tmp_path: Path, rows: list[Any], schema: pa.Schema) -> None:
    write_shard(tmp_path / "s.parquet", rows, schema)
    assert read_shard(tmp_path / "s.parquet", schema) == rows
    assert read_schema(tmp_path / "s.parquet").equals(schema)


def test_equal_rows_are_equal_bytes(tmp_path: Path) -> None:
    for name in ("one", "two"):
        write_shard(
            tmp_path / name,
            [ROW],
            PAIR,
            facts={"b": 1, "a": 2} if name == "one" else {"a": 2, "b": 1},
        )
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()


def test_only_the_columns_asked_for_are_read(tmp_path: Path) -> None:
    write_shard(tmp_path / "s.parquet", [ROW], PAIR)
    assert read_shard(tmp_path / "s.parquet", PAIR, ["n"]) == [{"n": 1}]


def test_unknown_and_missing_keys_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "s.parquet"
    with pytest.raises(ShardError) as caught:
        write_shard(path, [ROW, {"name": "b", "word": [], "n": 1}], PAIR)
    assert str(caught.value) == (f"{path}: row 1: unknown keys ['word'], missing keys ['words']")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "change",
    [
        {"n": "one"},
        {"n": 2**40},
        {"n": 2**70},
        {"name": None},
        {"words": [None]},
        {"name": "\ud800"},
    ],
    ids=str,
)
def test_values_of_another_type_are_refused(tmp_path: Path, change: dict[str, Any]) -> None:
    with pytest.raises(ShardError, match=r"s.parquet: could not be written .*nothing was left"):
        write_shard(tmp_path / "s.parquet", [ROW | change], PAIR)
    assert not list(tmp_path.iterdir())


def test_a_full_disk_leaves_the_old_shard(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "s.parquet"
    write_shard(path, [ROW], PAIR)

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(ShardError) as caught:
        write_shard(path, [], PAIR)
    assert str(caught.value) == (
        f"{path}: could not be written (No space left on device); nothing was left there. "
        "Free some space or fix the cause and run the same command again"
    )
    assert read_shard(path, PAIR) == [ROW]
    assert os.listdir(tmp_path) == ["s.parquet"]


def test_a_file_where_the_folder_should_be(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ShardError, match="could not be written"):
        write_shard(tmp_path / "file" / "s.parquet", [ROW], PAIR)


def test_a_missing_shard(tmp_path: Path) -> None:
    path = tmp_path / "s.parquet"
    for read in (
        read_facts,
        count_rows,
        lambda p: read_shard(p, PAIR),
        lambda p: [*read_batches(p)],
    ):
        with pytest.raises(ShardError) as caught:
            read(path)
        assert str(caught.value) == f"{path}: no such shard; run the stage that writes it first"


@pytest.mark.parametrize("keep", [0, 3, 40, -1])
def test_a_torn_shard(tmp_path: Path, keep: int) -> None:
    path = tmp_path / "s.parquet"
    write_shard(path, [ROW] * 100, PAIR)
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(ShardError) as caught:
        read_shard(path, PAIR)
    assert str(caught.value).startswith(f"{path}: not a complete Parquet file (")
    assert str(caught.value).endswith("; delete it and run its stage again")


def test_damage_inside_a_shard(tmp_path: Path) -> None:
    path = tmp_path / "s.parquet"
    write_shard(path, [{**ROW, "name": f"name {n}"} for n in range(2000)], PAIR)
    data = bytearray(path.read_bytes())
    data[100:600] = bytes(500)
    path.write_bytes(data)
    with pytest.raises(ShardError, match=r"damaged .*delete it and run its stage again"):
        read_shard(path, PAIR)
    with pytest.raises(ShardError, match=r"damaged .*delete it and run its stage again"):
        list(read_batches(path))


def test_columns_of_another_version(tmp_path: Path) -> None:
    path = tmp_path / "s.parquet"
    pq.write_table(pa.table({"name": ["a"], "n": pa.array([1], pa.int64()), "old": [1]}), path)
    with pytest.raises(ShardError) as caught:
        read_shard(path, PAIR)
    assert str(caught.value) == (
        f"{path}: columns differ from this version's: missing ['words'], unknown ['old'], "
        "of another type ['name', 'n']; run the stage that writes it again"
    )
    assert read_facts(path) == {}


def test_a_folder_is_read_in_the_order_of_names(tmp_path: Path) -> None:
    for name in ("b/1", "a/2", "a/10"):
        write_shard(tmp_path / f"{name}.parquet", [ROW | {"name": name}], PAIR)
    (tmp_path / "a" / "notes.txt").touch()
    (tmp_path / "a" / "3.parquet.partial").touch()
    assert [row["name"] for row in read_shards(tmp_path, PAIR)] == ["a/10", "a/2", "b/1"]
    assert list_shards(tmp_path / "b" / "1.parquet") == [tmp_path / "b" / "1.parquet"]


@pytest.mark.parametrize("name", ["empty", "none"])
def test_a_folder_without_shards(tmp_path: Path, name: str) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(ShardError) as caught:
        list_shards(tmp_path / name)
    assert str(caught.value) == (
        f"{tmp_path / name}: no *.parquet files; run the stage that writes them first"
    )


def test_batches_hold_every_row_once_and_parts_of_nested_columns(tmp_path: Path) -> None:
    rows = [make_seed_prompt(f"p{n}") for n in range(10)]
    write_shard(tmp_path / "s.parquet", rows, SEED_PROMPT)
    columns = ["prompt_id", "clips.list.element.clip_id"]
    batches = list(read_batches(tmp_path / "s.parquet", columns, batch_rows=4))
    found = [row for batch in batches for row in batch.to_pylist()]
    assert [batch.num_rows for batch in batches] == [4, 4, 2]
    assert found[9] == {"prompt_id": "p9", "clips": [{"clip_id": "clip-a"}]}
