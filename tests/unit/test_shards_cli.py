"""`balsa shards` as users call it: tables, JSON, exit codes, one line for a mistake."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from command_line import Run, one_line
from sample_rows import make_clip, make_sample

from balsa_pipe import shards_cli
from balsa_pipe.schemas import CLIP, SAMPLE, Row
from balsa_pipe.shards import write_shard

HOSTILE = "\x1b[2JA dog\x07\u202e barks <|im_end|><audio>."


def write_samples(folder: Path, *rows: Row) -> Path:
    write_shard(folder / "samples" / "00000.parquet", rows, SAMPLE)
    return folder


def test_shards_are_listed_shown_counted_and_checked(run: Run, tmp_path: Path) -> None:
    rows = [make_sample("p0"), make_sample("p1", "", reject_reason="empty")]
    write_shard(tmp_path / "samples" / "00000.parquet", rows, SAMPLE)
    _, out, _ = run("shards", "ls", tmp_path, "--json")
    assert json.loads(out)[0]["rows"] == 2
    _, out, _ = run("shards", "head", tmp_path, "--id", "p1", "--columns", "prompt_id,question",
                    "--json")  # fmt: skip
    assert json.loads(out) == [{"prompt_id": "p1", "question": "What can you hear?"}]
    _, out, _ = run("shards", "stats", tmp_path, "--by", "reject_reason", "--json")
    assert sorted(str(row["reject_reason"]) for row in json.loads(out)) == ["None", "empty"]
    status, out, err = run("shards", "check", tmp_path)
    silent = "shards: clips that are metadata only, without an audio file: 1\n"
    assert (status, out, err) == (0, "", f"{silent}shards: {tmp_path} is sound\n")


def test_a_reader_that_stops_early_is_no_error(tmp_path: Path) -> None:
    write_shard(tmp_path / "s.parquet", [make_sample(str(n)) for n in range(300)], SAMPLE)
    words = [sys.executable, "-m", "balsa_pipe", "shards", "head", str(tmp_path), "-n", "300"]
    process = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.close()
    assert process.stderr.read() == b""
    process.wait()


def test_the_mix_has_its_own_groups(run: Run, tmp_path: Path) -> None:
    write_samples(tmp_path, make_sample(), make_sample("p1", "", reject_reason="empty"))
    _, out, _ = run("shards", "stats", tmp_path, "--mix", "--json")
    assert {(row["what"], row["rows"]) for row in json.loads(out)} >= {("task", 1)}
    told = one_line(run("shards", "stats", tmp_path, "--mix", "--by", "task"))
    assert told == "--mix has its own groups; leave out --by"


def test_grep_ends_as_grep_does(run: Run, tmp_path: Path) -> None:
    write_samples(tmp_path, make_sample("p0", HOSTILE), make_sample("p1"))
    status, out, err = run("shards", "grep", "DOG", tmp_path, "-i", "--column", "response")
    assert (status, err) == (0, "")
    assert out.splitlines()[2:] == [
        "sample  p0  response  [2JA dog barks <|im_end|><audio>.",
        "sample  p1  response  A dog barks.",
        "",
    ]
    status, out, err = run("shards", "grep", "dog", tmp_path, "-n", "1", "--json")
    assert (status, err) == (0, "shards: the first 1 matches; -n shows more\n")
    assert [row["column"] for row in json.loads(out)] == ["clips.labels"]
    assert run("shards", "grep", "wolf", tmp_path, "--json") == (1, "[]\n", "")
    assert one_line(run("shards", "grep", "(", tmp_path)).startswith("pattern '(': ")


def test_sql_is_a_table_or_an_array(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_samples(tmp_path, make_sample("p0", HOSTILE), make_sample("p1"))
    query = "SELECT prompt_id, response FROM samples ORDER BY ALL"
    status, out, err = run("shards", "sql", query, tmp_path)
    assert (status, err) == (0, "")
    assert "p0         [2JA dog barks <|im_end|><audio>.\n" in out
    _, out, _ = run("shards", "sql", query, tmp_path / "samples", tmp_path / "samples", "--json")
    assert [row["response"] for row in json.loads(out)] == [HOSTILE] * 2 + ["A dog barks."] * 2
    assert run("shards", "sql", "SELECT 1 WHERE false", tmp_path, "--json") == (0, "[]\n", "")
    monkeypatch.setattr(shards_cli, "TABLE_ROWS", 1)
    _, out, err = run("shards", "sql", query, tmp_path)
    assert (out.count("\n"), err) == (4, "shards: the first 1 rows; --json gives all\n")


@pytest.mark.parametrize(
    ("query", "told"),
    [
        ("SELECT * FROM read_csv('/etc/passwd')", 'Permission Error: Cannot access file "/etc/pa'),
        (
            "COPY samples TO 'out.csv'",
            "one SELECT is expected; there are the views samples, shards",
        ),
        ("ATTACH 'out.db'", "one SELECT is expected"),
        ("INSTALL httpfs", "one SELECT is expected"),
        ("SELECT * FROM clips", "Catalog Error: Table with name clips does not exist!"),
        ("SELEKT", 'Parser Error: syntax error at or near "SELEKT"'),
        ("SELECT CAST(response AS INT) FROM samples", "Conversion Error: Could not convert string"),
    ],
)
def test_sql_mistakes_are_one_line(run: Run, tmp_path: Path, query: str, told: str) -> None:
    write_samples(tmp_path, make_sample("p0", HOSTILE))
    for form in ([], ["--json"]):
        line = one_line(run("shards", "sql", query, tmp_path, *form))
        assert line.startswith(told)
        assert line.isprintable()


def test_two_runs_are_compared(run: Run, tmp_path: Path) -> None:
    a = write_samples(tmp_path / "a", make_sample("p0", "A dog " * 20), make_sample("p1"))
    b = write_samples(tmp_path / "b", make_sample("p0", HOSTILE, model="other"), make_sample("p1"))
    status, out, err = run("shards", "diff", a, b)
    assert (status, err) == (0, "")
    assert "caption  changed  model     1            1\n" in out
    assert "[2JA dog barks <|im_end|><audio>." in out
    assert "…" in out
    _, out, _ = run("shards", "diff", a, b, "--json", "-n", "0")
    found = json.loads(out)
    assert [row["rows"] for row in found["counts"]] == [1, 1]
    assert found["examples"] == []
    assert "expected sample or dataset row shards" in one_line(
        run("shards", "diff", a, write_clips(tmp_path / "c"))
    )


def write_clips(folder: Path) -> Path:
    write_shard(folder / "clips.parquet", [make_clip()], CLIP)
    return folder


def test_a_check_that_finds_something_is_no_mistake(run: Run, tmp_path: Path) -> None:
    write_samples(tmp_path, make_sample("p\x1b0", model=""))
    status, out, err = run("shards", "check", tmp_path)
    assert status == 1
    assert out == f"{tmp_path / 'samples' / '00000.parquet'}: model is empty: 1 (p0)\n"
    assert err == "shards: clips that are metadata only, without an audio file: 1\n"


def test_an_export_says_what_it_left_out(run: Run, tmp_path: Path) -> None:
    write_samples(
        tmp_path,
        make_sample("p0", clips=[make_clip(path="a.wav")], question="<audio>?"),
        make_sample("p1", reject_reason="empty"),
        make_sample("p2"),
    )
    out = tmp_path / "x.jsonl"
    words = ["shards", "export", tmp_path, "--format", "ms-swift", "--out", out]
    assert "1 rows have a clip without an audio file of its own" in one_line(run(*words))
    status, shown, err = run(*words, "--allow-missing-audio")
    assert (status, shown) == (0, "")
    assert err == (
        f"export: 1 rows in {out} (train 1); left out: rejected 1, without audio 1; "
        "tags in texts that were broken by a space: 1\n"
    )
    status, _, err = run(*words[:4], "yaml", *words[5:])
    assert status == 2
    assert "Invalid value for '--format'" in err


@pytest.mark.parametrize(
    "words",
    [
        ["stats", "PATH"],
        ["stats", "PATH", "--mix"],
        ["grep", "dog", "PATH"],
        ["sql", "SELECT 1", "PATH"],
        ["diff", "PATH", "PATH"],
        ["check", "PATH"],
        ["export", "PATH", "--format", "desta", "--out", "x.jsonl"],
    ],
    ids=" ".join,
)
def test_a_folder_without_shards(run: Run, tmp_path: Path, words: list[str]) -> None:
    for folder in (tmp_path, tmp_path / "none"):
        told = one_line(run("shards", *(folder if word == "PATH" else word for word in words)))
        assert told == f"{folder}: no *.parquet files; run the stage that writes them first"
