"""The whole chain on the tiny config: every stage's outputs are there, fit together and can be used."""

import json
import re
from collections.abc import Iterable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from balsa_pipe.config import load_config
from balsa_pipe.schemas import Row
from workflow.checkout import Checkout
from workflow.conftest import TinyRun

SYSTEMS = {
    "presence": {"trained", "untrained", "no_audio", "swapped_audio"},
    "caption_recall": {"trained", "no_audio", "swapped_audio"},
    "difference": {"trained", "no_audio"},
    "text_retention": {"base", "trained"},
}


@pytest.fixture(scope="module")
def checkout(finished: TinyRun) -> Checkout:
    return finished.checkout


def load(checkout: Checkout, name: str) -> Any:
    return json.loads((checkout.run / name).read_text())


def recordings(clips: Iterable[Row]) -> set[str]:
    return {name for clip in clips for name in clip["recordings"]}


# ---- the run as a whole ----------------------------------------------------------------------


def test_every_stage_has_run_once(finished: TinyRun) -> None:
    rules = re.findall(r"^(?:local)?rule (\w+):$", finished.ended.text, re.MULTILINE)
    assert {rule: rules.count(rule) for rule in rules} == {
        **dict.fromkeys(("ingest", "compose", "curate", "train", "evaluate", "report", "all"), 1),
        "synthesize": 2,
        "stage_config": 7,
    }


def test_a_second_run_beside_it_is_refused_in_one_line(finished: TinyRun) -> None:
    assert (finished.rival.status, finished.rival.text) == (
        2,
        "balsa: data: another snakemake is at work here; wait until it ends or stop it, then run "
        "the same command again\n",
    )


def test_run_again_it_does_nothing_in_seconds(branch: Checkout) -> None:
    again = branch.snakemake()
    assert again.status == 0
    assert "Nothing to be done" in again.text
    assert again.seconds < 30


def test_each_stage_saw_the_config_that_was_given(checkout: Checkout) -> None:
    config = load_config(checkout.folder / "configs/tiny.yaml")
    for path in (checkout.run / "config").iterdir():
        assert json.loads(path.read_text()) == config.stage(path.stem)


def test_its_shards_are_sound(checkout: Checkout) -> None:
    checked = checkout.balsa("shards", "check", "data/tiny")
    assert (checked.status, checked.text) == (0, "shards: data/tiny is sound\n")


def test_nothing_half_written_is_left(checkout: Checkout) -> None:
    assert not list(checkout.folder.rglob("*.partial"))


# ---- what came in and what came out ----------------------------------------------------------


def test_the_ledgers_add_up(checkout: Checkout) -> None:
    clips, rows = load(checkout, "clips.ledger.json"), load(checkout, "ledger.json")
    assert clips["in"] == clips["out"] + sum(clips["rejected"].values()) == 60
    assert clips["out"] + clips["scenes"] == len(checkout.rows("clips.parquet"))
    rejected = sum(n for reasons in rows["rejected"].values() for n in reasons.values())
    assert rows["in"] == rows["out"] + rejected == len(checkout.rows("seed_prompts"))
    assert rejected > 0
    assert rows["out"] == rows["train"] + rows["validation"]
    for split in ("train", "validation"):
        assert rows[split] == len(checkout.rows(f"dataset/{split}"))
    assert rows["out"] > 0.8 * rows["in"]  # the fake engine's replies are mostly fit to keep


def test_every_seed_prompt_is_answered_once(checkout: Checkout) -> None:
    prompts = [row["prompt_id"] for row in checkout.rows("seed_prompts")]
    answered = [row["prompt_id"] for row in checkout.rows("samples")]
    assert len(set(prompts)) == len(prompts)
    assert answered == prompts


def test_no_recording_and_no_sound_is_on_two_sides(checkout: Checkout) -> None:
    clips = checkout.rows("clips.parquet")
    sides = {
        split: [clip for clip in clips if clip["split"] == split]
        for split in ("train", "validation", "test")
    }
    assert all(sides.values())
    for one, other in (("train", "validation"), ("train", "test"), ("validation", "test")):
        assert recordings(sides[one]).isdisjoint(recordings(sides[other]))
        hashes = [{clip["audio_hash"] for clip in sides[side]} for side in (one, other)]
        assert hashes[0].isdisjoint(hashes[1])


def test_no_test_clip_is_ever_taught(checkout: Checkout) -> None:
    held_out = [clip for clip in checkout.rows("clips.parquet") if clip["split"] == "test"]
    for split in ("train", "validation"):
        for row in checkout.rows(f"dataset/{split}"):
            sides = set() if row["task"] == "text_only" else {split}
            assert {clip["split"] for clip in row["clips"]} == sides
            assert recordings(row["clips"]).isdisjoint(recordings(held_out))
    asked = {
        clip["clip_id"] for row in checkout.rows("predictions.parquet") for clip in row["clips"]
    }
    assert asked <= {clip["clip_id"] for clip in held_out}


# ---- the dataset -----------------------------------------------------------------------------


@pytest.mark.parametrize("how", ["its folder, as the card says", "its files"])
def test_datasets_loads_both_splits(checkout: Checkout, tmp_path: Path, how: str) -> None:
    from datasets import load_dataset

    folder = checkout.run / "dataset"
    if how == "its files":
        files = {split: str(folder / split / "*.parquet") for split in ("train", "validation")}
        loaded = load_dataset("parquet", data_files=files, cache_dir=str(tmp_path))
    else:
        loaded = load_dataset(str(folder), cache_dir=str(tmp_path))
    assert loaded.keys() == {"train", "validation"}
    for split, rows in loaded.items():
        assert rows.to_list() == checkout.rows(f"dataset/{split}")


def test_the_card_has_the_title_the_licences_and_the_counts(checkout: Checkout) -> None:
    card = (checkout.run / "dataset/README.md").read_text()
    ledger = load(checkout, "ledger.json")
    assert card.startswith("---\n")
    assert "# Tones for tests" in card
    assert "CC0-1.0" in card
    assert f"{ledger['in']} replies were judged, {ledger['out']} kept." in card


# ---- the model -------------------------------------------------------------------------------


def test_the_model_folder_holds_standard_parts(checkout: Checkout) -> None:
    folder = checkout.run / "model"
    files = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
    assert files >= {
        "config.json",
        "adapter.safetensors",
        "lora/adapter_config.json",
        "lora/adapter_model.safetensors",
    }
    assert not [name for name in files if name.endswith((".bin", ".pt", ".pkl"))]


def test_training_went_through_every_phase(checkout: Checkout) -> None:
    losses = [json.loads(line) for line in (checkout.run / "train_log.jsonl").open()]
    last = {record["phase"]: record["step"] for record in losses}
    assert last == {"warmup": 10, "single_audio": 6, "multi_audio": 4}
    assert any("eval_loss" in record for record in losses)


def test_the_model_answers_a_question_about_a_file(checkout: Checkout) -> None:
    sound = "data/assets/tiny/audio/hum_1.wav"
    asked = checkout.balsa("ask", "data/tiny/model", sound, "What can you hear?")
    assert asked.status == 0, asked.text
    assert re.search(r"^\w", asked.text.splitlines()[-1])


# ---- the numbers and the page ----------------------------------------------------------------


def test_the_metrics_have_their_promised_shape(checkout: Checkout) -> None:
    suites = load(checkout, "metrics.json")["suites"]
    assert suites.keys() == SYSTEMS.keys()
    for suite, systems in SYSTEMS.items():
        assert suites[suite].keys() >= systems
        for system in systems:
            found = suites[suite][system]
            right = found.get("accuracy", found.get("rate"))
            low, high = found["ci95"]
            assert 0 <= low <= right <= high <= 1
            assert found["n"] > 0
            assert 0 <= found["unparsed"] <= found["n"]
            assert "yes_rate" in found
    assert 0 <= suites["presence"]["trained"]["yes_rate"] <= 1


def test_every_reply_is_kept(checkout: Checkout) -> None:
    suites = load(checkout, "metrics.json")["suites"]
    predictions = checkout.rows("predictions.parquet")
    for suite, systems in SYSTEMS.items():
        for system in systems:
            mine = [row for row in predictions if (row["suite"], row["system"]) == (suite, system)]
            assert len(mine) == suites[suite][system]["n"]


def test_the_summary_is_a_table_of_all_systems(checkout: Checkout) -> None:
    shown = checkout.balsa("summary", "data/tiny")
    assert shown.status == 0
    lines = [line.split() for line in shown.text.splitlines()]
    assert {(line[0], line[1]) for line in lines if len(line) > 5} >= {
        (suite, system) for suite, systems in SYSTEMS.items() for system in systems
    }
    assert lines[-1] == ["report:", "data/tiny/report.html"]


class References(HTMLParser):
    """Collects what a page would load."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = ("src", "srcset", "poster", "data") + (("href",) if tag == "link" else ())
        self.found += [value or "" for name, value in attrs if name in names]


def test_the_report_loads_nothing_from_outside(checkout: Checkout) -> None:
    page = (checkout.run / "report.html").read_text()
    references = References()
    references.feed(page)
    assert any(one.startswith("data:audio/") for one in references.found)
    assert [one for one in references.found if not one.startswith("data:")] == []
    assert not re.search(r"url\((?!['\"]?data:)|@import", page)
    assert "balsa_pipe on tones" in page
