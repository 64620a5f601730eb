"""What rows are mixed of, counted again in plain Python, and what their config asks for."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from made_up_clips import book, corpus
from sample_rows import make_clip, make_sample, make_seed_prompt

from balsa_pipe.compose import compose_seed_prompts
from balsa_pipe.config import ComposeConfig, PipelineConfig, load_config
from balsa_pipe.errors import ShardError
from balsa_pipe.inspection.mix import Key, mix, wanted_mix
from balsa_pipe.schemas import CLIP, DATASET_ROW, SAMPLE, SEED_PROMPT, Row
from balsa_pipe.shards import write_shard

PAIRED = {"rows": 2, "clips": (2, 3), "pairing": {"similar": 1, "random": 3}, "both_orders": 0.5}
TASKS = {"difference": PAIRED, "absence": {"free_form": 0.25}, "caption": {"rows": 0.5}}


def table(path: Path, **more: Any) -> dict[Key, tuple[int, float | None, float | None]]:
    return {
        (row["what"], row["of"], row["value"]): (row["rows"], row["share"], row["wanted"])
        for row in mix(path, **more)
    }


def run_of(folder: Path, tasks: dict[str, Any]) -> tuple[Path, list[Row]]:
    """Write the seed prompts of a corpus with the config beside them, as the workflow does."""
    config = load_config(Path("configs/tiny.yaml")).model_dump(mode="json")
    config["compose"] = ComposeConfig.model_validate({"tasks": tasks}).model_dump(mode="json")
    pipeline = PipelineConfig.model_validate(config)
    rows = compose_seed_prompts(corpus(), book(), pipeline.compose, rng_seed=0)
    write_shard(folder / "seed_prompts" / "0.parquet", rows[::2], SEED_PROMPT)
    write_shard(folder / "seed_prompts" / "1.parquet", rows[1::2], SEED_PROMPT)
    (folder / "config").mkdir()
    (folder / "config" / "compose.json").write_text(json.dumps(pipeline.stage("compose")))
    return folder / "seed_prompts", rows


def test_the_mix_is_what_counting_gives(tmp_path: Path) -> None:
    path, rows = run_of(tmp_path, TASKS)
    found = table(path)
    for task, count in Counter(row["task"] for row in rows).items():
        assert found["task", "all", task][:2] == (count, round(count / len(rows), 4))
    paired = [row for row in rows if row["task"] == "difference"]
    for value, count in Counter(row["strategy"] for row in paired).items():
        assert found["pairing", "difference", value][:2] == (count, round(count / len(paired), 4))
    for size, count in Counter(len(row["clips"]) for row in paired).items():
        assert found["clips", "difference", str(size)][0] == count
    orders: dict[tuple[str, ...], set[tuple[str, ...]]] = {}
    for row in paired:
        ids = tuple(clip["clip_id"] for clip in row["clips"])
        orders.setdefault(tuple(sorted(ids)), set()).add(ids)
    twice = sum(len(one) > 1 for one in orders.values())
    share = round(twice / len(orders), 4)
    assert found["both orders", "difference", "comparisons"] == (twice, share, 0.5)
    wordings = Counter(row["template_id"] for row in paired)
    assert found["wordings", "difference", str(len(wordings))] == (len(paired), None, None)
    (most,) = (key for key in found if key[:2] == ("most used", "difference"))
    assert wordings[most[2]] == max(wordings.values()) == found[most][0]


def test_what_was_wanted_stands_beside_it(tmp_path: Path) -> None:
    found = table(run_of(tmp_path, TASKS)[0])
    rows = {"caption": 0.5, "absence": 1, "presence_absence": 1, "presence_qa": 4}
    rows |= {"difference": 2, "joint_caption": 1}
    for task, count in rows.items():
        assert found["task", "all", task][2] == round(count / sum(rows.values()), 4)
    assert found["verdict", "presence_qa", "yes"][1:] == (0.5, 0.5)
    assert found["uneven", "presence_qa", "sounds"] == (0, 0.0, 0.0)
    assert found["strategy", "absence", "free_form"][2] == 0.25
    assert found["strategy", "absence", "random"][2] == 0.25
    assert found["strategy", "presence_absence", "random"][2] == 0.3333
    assert found["pairing", "difference", "similar"][2] == 0.25
    assert ("pairing", "difference", "dissimilar") not in found
    assert found["clips", "difference", "3"][2] == 0.5


def test_what_was_wanted_and_not_reached_has_no_rows(tmp_path: Path) -> None:
    path, _ = run_of(tmp_path, {})
    (path / "0.parquet").unlink()
    write_shard(path / "1.parquet", [make_seed_prompt()], SEED_PROMPT)
    found = table(path)
    assert found["task", "all", "difference"][:2] == (0, 0.0)
    assert found["pairing", "difference", "similar"] == (0, 0.0, 0.3)


def test_the_wanted_shares_of_each_choice_add_up_to_one() -> None:
    for name in ("demo", "qwen", "llama31-8b", "tiny"):
        totals = Counter[tuple[str, str]]()
        for (what, of, _), share in wanted_mix(
            load_config(Path(f"configs/{name}.yaml")).compose
        ).items():
            totals[what, of] += share  # type: ignore[assignment]
        for (what, _), total in totals.items():
            assert what in ("uneven", "both orders") or total == pytest.approx(1)


def test_a_config_that_cannot_be_read_is_told_and_the_mix_is_shown(tmp_path: Path) -> None:
    path, rows = run_of(tmp_path, {})
    (tmp_path / "config" / "compose.json").write_text('{"stage": 1}')
    told: list[str] = []
    shown = mix(path, told.append)
    assert sum(row["rows"] for row in shown if row["what"] == "task") == len(rows)
    assert {row["wanted"] for row in shown} == {None}
    assert len(told) == 1
    assert told[0].startswith("shards: what was wanted isn't shown: ")


def test_rejected_rows_and_duplicates_are_left_out(tmp_path: Path) -> None:
    samples = [make_sample("p0"), make_sample("p1", "", reject_reason="empty")]
    write_shard(tmp_path / "samples" / "0.parquet", samples, SAMPLE)
    assert table(tmp_path / "samples")["task", "all", "caption"] == (1, 1.0, None)
    rows = [make_sample(f"p{i}") | {"duplicate_of": "p0" if i else None} for i in range(3)]
    write_shard(tmp_path / "dataset" / "0.parquet", rows, DATASET_ROW)
    assert table(tmp_path / "dataset")["task", "all", "caption"][0] == 1
    write_shard(tmp_path / "clips" / "0.parquet", [make_clip()], CLIP)
    with pytest.raises(ShardError, match="no column 'task'; a clip row has"):
        mix(tmp_path / "clips")


def test_sounds_asked_more_often_for_one_verdict_are_counted(tmp_path: Path) -> None:
    def asked(number: int, sound: str, verdict: str) -> Row:
        named = {"present": [sound, "x"], "absent": []}
        if verdict == "no":
            named = {"present": ["x"], "absent": [sound]}
        return make_seed_prompt(
            f"p{number}", task="presence_qa", expected=named | {"verdict": verdict}
        )

    pairs = [("dog", "yes"), ("dog", "no"), ("cat", "yes"), ("cat", "yes"), ("cat", "no")]
    rows = [asked(number, *pair) for number, pair in enumerate(pairs)]
    write_shard(tmp_path / "0.parquet", rows, SEED_PROMPT)
    found = table(tmp_path)
    assert found["uneven", "presence_qa", "sounds"] == (1, 0.2, None)
    assert found["verdict", "presence_qa", "yes"] == (3, 0.6, None)
