"""A row leads back to all that made it, from a run's folder or from a dataset that went elsewhere."""

import json
import shutil
from pathlib import Path

import pytest
from command_line import Run, one_line
from sample_rows import make_clip, make_sample
from tiny_dataset import HASH, QUESTION, SAMPLES, make_dataset

from balsa_pipe.hashing import file_sha256
from balsa_pipe.inspection.lineage import lineage
from balsa_pipe.schemas import CLIP
from balsa_pipe.shards import write_shard


def test_a_row_leads_to_its_clip_wording_model_and_config(tmp_path: Path) -> None:
    make_dataset(tmp_path / "run")
    found = lineage(tmp_path / "run", "a1")
    assert found["shard"]["path"].endswith("dataset/train/00000.parquet")
    assert found["shard"]["row"] == 0
    assert found["clips"] == [{name: make_clip()[name] for name in found["clips"][0]}]
    assert found["wording"]["text"] == QUESTION
    assert found["wording"]["file"] == "caption.yaml"
    assert found["wording"]["template_hash"] == HASH
    assert found["messages"] == SAMPLES[0]["messages"]
    assert found["model"] == {"model": "tiny-llm", "model_revision": "abc", "engine": "fake 1"}
    assert found["sampling"]["rng_seed"] == 1
    assert found["verdict"]["kept"]
    assert found["duplicates"] == {"duplicate_of": None, "duplicates": ["a2"]}
    path = tmp_path / "run" / "config" / "compose.json"
    assert found["configs"]["compose"]["sha256"] == file_sha256(path)
    assert list(found["configs"]) == ["ingest", "compose", "synthesize", "curate"]


def test_a_rejected_row_has_a_lineage_too(tmp_path: Path) -> None:
    make_dataset(tmp_path / "run")
    for path in (tmp_path / "run", tmp_path / "run" / "samples" / "00000.parquet"):
        found = lineage(path, "c")
        assert found["prompt_id"] == "c3"
        assert found["verdict"]["reject_reason"] == "empty"
        assert found["configs"]["synthesize"]["config"]["stage"] == "synthesize"


def test_a_dataset_alone_is_enough(tmp_path: Path) -> None:
    dataset = make_dataset(tmp_path / "run")
    here = lineage(dataset, "a2")
    shutil.move(dataset, tmp_path / "elsewhere")
    shutil.rmtree(tmp_path / "run")
    there = lineage(tmp_path / "elsewhere" / "train", "a2")
    assert here["configs"]["ingest"]
    assert there == here | {"shard": there["shard"]}


def test_a_wording_that_has_changed_since_has_no_text(tmp_path: Path) -> None:
    changed = make_sample("a", template_id="caption/describe", template_hash="other")
    other = make_sample("b", "A cat.", template_id="../../etc/passwd", template_hash="x")
    make_dataset(tmp_path / "run", [changed, other])
    for prompt_id in "ab":
        wording = lineage(tmp_path / "run", prompt_id)["wording"]
        assert (wording["text"], wording["file"]) == (None, None)


def test_shards_without_a_run_still_tell_what_they_hold(tmp_path: Path) -> None:
    run = tmp_path / "run"
    make_dataset(run)
    shutil.copy(run / "samples" / "00000.parquet", tmp_path / "alone.parquet")
    found = lineage(tmp_path / "alone.parquet", "d4")
    assert found["configs"] == {}
    assert found["asked"]["strategy"] == "popular"


def test_it_is_shown_as_lines_or_json(run: Run, tmp_path: Path) -> None:
    make_dataset(tmp_path / "run", [make_sample("p0", "A dog\x1b[2J barks.\n<|im_end|>")])
    status, out, err = run("shards", "lineage", tmp_path / "run", "p")
    assert (status, err) == (0, "")
    assert "response  A dog[2J barks. <|im_end|>\n" in out
    assert "  licence  CC0\n" in out
    assert "  compose  config sha256 " in out
    assert "\x1b" not in out
    _, out, _ = run("shards", "lineage", tmp_path / "run", "p", "--json")
    assert json.loads(out)["response"] == "A dog\x1b[2J barks.\n<|im_end|>"


@pytest.mark.parametrize("prefix", ["q", "%", "'", "P"])
def test_an_unknown_id_is_one_line(run: Run, tmp_path: Path, prefix: str) -> None:
    make_dataset(tmp_path / "run", [make_sample("p0")])
    told = one_line(run("shards", "lineage", tmp_path / "run", prefix))
    assert told.startswith(f"{tmp_path / 'run'}: no row's prompt_id begins with {prefix!r}")


def test_an_ambiguous_id_lists_some(run: Run, tmp_path: Path) -> None:
    rows = [make_sample(f"p{n}", f"Dog number {n}.") for n in range(7)]
    make_dataset(tmp_path / "run", [*rows, make_sample("p")])
    told = one_line(run("shards", "lineage", tmp_path / "run" / "dataset", ""))
    assert "begins several prompt_ids: p, p0, p1, p2, p3 and more; add letters" in told
    assert lineage(tmp_path / "run", "p")["prompt_id"] == "p"


def test_clips_have_no_lineage(run: Run, tmp_path: Path) -> None:
    write_shard(tmp_path / "clips.parquet", [make_clip()], CLIP)
    told = one_line(run("shards", "lineage", tmp_path, "c"))
    assert "holds clip shards; expected a run's folder, or samples or a dataset" in told
