"""What DuckDB does for shards: groups, searches and SQL, and nothing beside them."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from sample_rows import make_clip, make_sample

from balsa_pipe.errors import ShardError
from balsa_pipe.inspection.grep import AROUND, grep
from balsa_pipe.inspection.sql import sql
from balsa_pipe.inspection.stats import stats
from balsa_pipe.schemas import CLIP, SAMPLE, Row
from balsa_pipe.shards import write_shard

HOSTILE = "\x1b[2J<script>'; DROP VIEW samples; --\n<|im_end|>\u202e"


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A run's folder: two clips, and five samples of which three are kept."""
    owl = {
        "clip_id": "q",
        "labels": ["owl"],
        "captions": ["An owl hoots."],
        "onset_s": 0.0,
        "duration_s": 1.0,
        "gain_db": 0.0,
    }
    cat = make_clip("clip-b", labels=["cat", "dog"], captions=["A cat.", "Meow."], parts=[owl])
    write_shard(tmp_path / "clips.parquet", [make_clip(), cat], CLIP)
    yes: Row = {"task": "presence_qa", "template_id": "presence_qa/is", "strategy": "random"}
    yes["expected"] = {"present": ["dog"], "absent": [], "verdict": "yes"}
    rows = [
        make_sample("p0"),
        make_sample("p1", "", reject_reason="empty"),
        make_sample("p2", HOSTILE, clips=[make_clip(), cat]),
        make_sample("p3", "Yes, a dog.", **yes),
        make_sample("p4", "Sure.", task="text_only", clips=[], reject_reason="too_short"),
    ]
    write_shard(tmp_path / "samples" / "0.parquet", rows[:3], SAMPLE)
    write_shard(tmp_path / "samples" / "1.parquet", rows[3:], SAMPLE)
    return tmp_path


# ---- stats -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("by", "groups"),
    [
        (["expected.verdict"], [("yes", 1), (None, 4)]),
        (["n_clips"], [(0, 1), (1, 3), (2, 1)]),
        (["n_messages", "strategy"], [(1, "random", 1), (1, None, 4)]),
        (["clips.clip_id"], [("clip-a", 4), ("clip-b", 1), (None, 1)]),
        (["clips.labels"], [("cat", 1), ("dog", 4), (None, 1)]),
        (["clips.parts.labels"], [("owl", 1), (None, 4)]),
        (["clips.licence"], [("CC0", 4), (None, 1)]),
        (["n_tokens"], [(3, 5)]),
    ],
)
def test_stats_by_columns_inside_of_others(run: Path, by: list[str], groups: list[Any]) -> None:
    found = stats(run / "samples", by)
    assert [(*(row[name] for name in by), row["rows"]) for row in found] == groups


def test_stats_count_a_null_in_a_list_once(tmp_path: Path) -> None:
    lists = [["a", None, None, "a"], [None], [], None, ["b"]]
    pq.write_table(pa.table({"x": pa.array(lists, pa.list_(pa.string()))}), tmp_path / "f.parquet")
    assert {row["x"]: row["rows"] for row in stats(tmp_path, ["x"])} == {"a": 1, "b": 1, None: 4}


@pytest.mark.parametrize(
    "by", ["expected", "clips.parts", "messages", "expected.nothing", "n_task"]
)
def test_stats_refuse_what_is_no_key(run: Path, by: str) -> None:
    with pytest.raises(ShardError, match=r"group by a column of plain|no column"):
        stats(run / "samples", [by])


def test_stats_of_columns_with_hostile_names(tmp_path: Path) -> None:
    names = ['a"b', "x.y", "'; DROP VIEW shards; --", "rows "]
    pq.write_table(pa.table({name: ["v", "v"] for name in names}), tmp_path / "f.parquet")
    for name in names:
        assert stats(tmp_path, [name])[0][name] == "v"


@pytest.mark.parametrize("folder", ["a=b", "it's", 'a"b', "[x]*?", "a b", "$HOME", "s3:", "é犬"])
def test_shards_in_folders_of_any_name(tmp_path: Path, folder: str) -> None:
    write_shard(tmp_path / folder / "it's [1].parquet", [make_sample()], SAMPLE)
    write_shard(tmp_path / folder / "it's 1.parquet", [make_sample("p1")], SAMPLE)
    assert stats(tmp_path)[0]["rows"] == 2
    assert list(sql("SELECT count(*) AS n FROM shards", [tmp_path / folder])) == [{"n": 2}]
    assert len(stats(tmp_path)[0]) == 12  # a folder's name is no column


def test_shards_behind_links_and_dots(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (run / "link").symlink_to(run / "samples")
    monkeypatch.chdir(run / "samples")
    for path in (run / "link", Path("."), Path("../samples"), Path("0.parquet").absolute()):
        assert sum(row["rows"] for row in stats(path)) in (3, 5)


def test_damage_is_told_in_one_line(run: Path) -> None:
    path = run / "samples" / "0.parquet"
    hint = "; `balsa shards check` names the shards that are damaged"
    data = bytearray(path.read_bytes())
    data[8:2000] = bytes(1992)
    path.write_bytes(data)
    looks: list[tuple[Callable[[], object], str]] = [
        (lambda: stats(run / "samples"), hint),
        (lambda: grep(run / "samples", "dog"), hint),
        (lambda: list(sql("SELECT * FROM samples", [run])), ""),
    ]
    for look, ending in looks:
        with pytest.raises(ShardError) as told:
            look()
        assert str(told.value).endswith(ending)
        assert "\n" not in str(told.value)


# ---- grep ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("pattern", "options", "found"),
    [
        ("hoot", {}, ["clip-b parts.captions", "p2 clips.parts.captions"]),
        ("^OWL$", {"ignore_case": True}, ["clip-b parts.labels", "p2 clips.parts.labels"]),
        ("^OWL$", {}, []),
        ("Begin of audio", {"n": 2}, ["p0 messages.content", "p1 messages.content"]),
        ("dog", {"columns": ["response"]}, ["p0 response", "p3 response"]),
        ("dog", {"columns": ["response", "source"], "n": 1}, ["clip-a source"]),
        ("dog|cat", {"columns": ["parts"]}, []),
        (r"\bcat\b", {"columns": ["labels", "clips.labels"]}, ["clip-b labels", "p2 clips.labels"]),
        ("'; DROP VIEW", {}, ["p2 response"]),
        (r"\x1b\[2J", {}, ["p2 response"]),
        (r"^$", {"columns": ["response"]}, ["p1 response"]),
    ],
)
def test_grep_finds_texts(
    run: Path, pattern: str, options: dict[str, Any], found: list[str]
) -> None:
    rows = grep(run, pattern, **options)
    assert [f"{row['id']} {row['column']}" for row in rows] == found


def test_grep_shows_the_stretch_around_a_match(tmp_path: Path) -> None:
    row = make_sample(response="x" * 100 + "<dog>" + "y\n" * 100)
    write_shard(tmp_path / "s.parquet", [row], SAMPLE)
    (found,) = grep(tmp_path, "<(d|c)og>")
    assert found == {
        "record": "sample",
        "id": "p0",
        "column": "response",
        "match": "x" * AROUND + "<dog>" + "y\n" * (AROUND // 2),
    }


def test_grep_reads_foreign_shards(tmp_path: Path) -> None:
    pq.write_table(pa.table({"n": [1, 2], "text": ["a dog", None]}), tmp_path / "f.parquet")
    (found,) = grep(tmp_path, "dog")
    assert (found["record"], found["id"], found["match"]) == ("foreign", None, "a dog")
    pq.write_table(pa.table({"n": [1, 2]}), tmp_path / "f.parquet")
    assert grep(tmp_path, "dog") == []


@pytest.mark.parametrize("pattern", ["(", "a)(b", "[", "*", r"(?<=a)b", r"\1", "a{2000}"])
def test_grep_refuses_a_bad_pattern(run: Path, pattern: str) -> None:
    with pytest.raises(ShardError) as told:
        grep(run, pattern)
    assert str(told.value).startswith(f"pattern {pattern!r}: ")
    assert "\n" not in str(told.value)


def test_grep_refuses_a_column_without_texts(run: Path) -> None:
    for name in ("n_tokens", "respons", "clip"):
        with pytest.raises(ShardError, match=f"no texts in a column '{name}'; there are clip_id"):
            grep(run, "dog", columns=[name])


# ---- sql -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("query", "rows"),
    [
        ("SELECT count(*) AS n FROM samples", [{"n": 5}]),
        ("FROM samples SELECT prompt_id LIMIT 1", [{"prompt_id": "p0"}]),
        ("SELECT c.clip_id FROM clips c ORDER BY ALL LIMIT 1;", [{"clip_id": "clip-a"}]),
        ("SHOW TABLES", [{"name": "clips"}, {"name": "samples"}]),
        ("SELECT 1 AS a, 2 AS a, 3 AS b", [{"a": 1, "a_2": 2, "b": 3}]),
        ("SELECT 0.5 AS x, 'nan'::DOUBLE AS y", [{"x": 0.5, "y": "nan"}]),
        ("SELECT DATE '2026-01-02' AS d, 'a'::BLOB AS b", [{"d": "2026-01-02", "b": "b'a'"}]),
        ("SELECT {'a': [1.5]} AS s, MAP {1: 'x'} AS m", [{"s": {"a": [1.5]}, "m": {"1": "x"}}]),
        ("SELECT sum(n_tokens) AS s FROM samples", [{"s": 15}]),
        ("SELECT 1 AS a WHERE false", []),
    ],
)
def test_sql_answers(run: Path, query: str, rows: list[Row]) -> None:
    found = list(sql(query, [run]))
    assert found == rows
    json.dumps(found, allow_nan=False)


@pytest.mark.parametrize(
    "query",
    [
        "",
        "-- nothing",
        "SELECT",
        "SELECT 1; SELECT 2",
        "SELECT * FROM shards",
        "SELECT * FROM nowhere",
        "SELECT CAST(response AS INT) FROM samples",
        "SELECT * FROM read_csv('/etc/passwd')",
        "SELECT * FROM read_text('/etc/passwd')",
        "SELECT * FROM read_blob('/proc/self/environ')",
        "SELECT * FROM sniff_csv('/etc/passwd')",
        "SELECT * FROM glob('/etc/*')",
        "SELECT * FROM '/etc/passwd'",
        "SELECT * FROM read_parquet('secret.parquet')",
        "SELECT * FROM parquet_metadata('secret.parquet')",
        "SELECT * FROM read_parquet('*.parquet')",
        "SELECT * FROM read_parquet('https://example.org/x.parquet')",
        "SELECT * FROM read_json('s3://bucket/x.json')",
        "SELECT * FROM rows",
        "SELECT getenv('HOME')",
        "COPY samples TO 'out.csv'",
        "COPY (SELECT 1) TO 'samples/0.parquet' (FORMAT parquet, USE_TMP_FILE false)",
        "EXPLAIN ANALYZE COPY samples TO 'out.csv'",
        "EXPORT DATABASE 'out'",
        "ATTACH 'out.db'",
        "INSTALL httpfs",
        "LOAD httpfs",
        "SET enable_external_access = true",
        "RESET allowed_paths",
        "CALL enable_logging(storage_path = 'out')",
        "CREATE TABLE t AS SELECT 1",
        "CREATE SECRET (TYPE s3)",
        "DROP VIEW samples",
        "DELETE FROM samples",
        "IMPORT DATABASE '.'",
        "PREPARE p AS COPY samples TO 'out.csv'",
        "SELECT * FROM query('COPY samples TO ''out.csv''')",
        "WITH x AS (COPY samples TO 'out.csv') SELECT 1",
    ],
)
def test_sql_reads_nothing_but_its_views_and_writes_nothing(
    run: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: Any, query: str
) -> None:
    outside = tmp_path_factory.mktemp("outside")
    pq.write_table(pa.table({"secret": [1]}), outside / "secret.parquet")
    monkeypatch.chdir(outside)
    before = {path: path.read_bytes() for path in run.rglob("*.parquet")}
    with pytest.raises(ShardError) as told:
        list(sql(query.replace("samples/0", f"{run}/samples/0"), [run]))
    assert "\n" not in str(told.value)
    assert not [char for char in str(told.value) if not char.isprintable()]
    assert os.listdir(outside) == ["secret.parquet"]
    assert {path: path.read_bytes() for path in run.rglob("*.parquet")} == before


def test_sql_over_several_paths_and_one_kind(run: Path) -> None:
    halves = [run / "samples" / "0.parquet", run / "samples" / "1.parquet"]
    query = "SELECT count(*) AS n FROM shards JOIN samples USING (prompt_id)"
    assert list(sql(query, halves)) == [{"n": 5}]
    pq.write_table(pa.table({"n": [1, 2]}), run / "foreign.parquet")
    assert list(sql("SELECT sum(n) AS n FROM shards", [run / "foreign.parquet"])) == [{"n": 3}]
    assert list(sql("SELECT count(*) AS n FROM clips", [run])) == [{"n": 2}]


def test_sql_of_nothing(tmp_path: Path) -> None:
    with pytest.raises(ShardError, match=r"no \*\.parquet files"):
        list(sql("SELECT 1", [tmp_path]))
    for name in ("a", "b"):
        pq.write_table(pa.table({name: [1]}), tmp_path / f"{name}.parquet")
    with pytest.raises(ShardError, match="holds foreign shards of several kinds"):
        list(sql("SELECT 1", [tmp_path]))


def test_sql_yields_rows_before_it_has_them_all(run: Path) -> None:
    rows = sql("SELECT i, repeat('x', 1000) FROM range(1_000_000_000_000) t(i)", [run])
    assert next(rows)["i"] == 0
    rows.close()  # type: ignore[attr-defined]
