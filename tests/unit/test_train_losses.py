"""The losses of a run outlive a kill, and a continued run tells no step twice."""

import json
from pathlib import Path

import pytest

from balsa_pipe.train.losses import LossLog


@pytest.fixture
def said() -> list[str]:
    return []


def fill(path: Path, said: list[str]) -> LossLog:
    losses = LossLog(path, said.append)
    losses.add({"phase": "warmup", "step": 4, "loss": 0.5})
    for step in (2, 4, 6):
        losses.add({"phase": "one", "step": step, "loss": 3.0 - step / 10, "learning_rate": 0.1})
        losses.add({"phase": "one", "step": step, "eval_loss": 4.0})
    return losses


def steps(losses: LossLog) -> list[tuple[str, int]]:
    return [(record["phase"], record["step"]) for record in losses.records]


def test_losses_are_kept_and_told(tmp_path: Path, said: list[str]) -> None:
    losses = LossLog(tmp_path / "l.jsonl", said.append)
    record = {"phase": "one", "step": 10, "loss": 2.71828, "eta_s": 42}
    losses.add(record)
    losses.add({"phase": "one", "step": 10, "eval_loss": 3.0})
    assert said == [
        "train: one step 10, loss 2.718, ETA 42 s",
        "train: one step 10, eval_loss 3.000",
    ]
    assert record["eta_s"] == 42
    kept = [
        {"phase": "one", "step": 10, "loss": 2.71828},
        {"phase": "one", "step": 10, "eval_loss": 3.0},
    ]
    assert losses.records == kept
    assert [json.loads(line) for line in (tmp_path / "l.jsonl").open()] == kept


def test_a_continued_run_has_the_losses_before_it(tmp_path: Path, said: list[str]) -> None:
    first = fill(tmp_path / "l.jsonl", said)
    assert LossLog(tmp_path / "l.jsonl", said.append).records == first.records


def test_rewinding_forgets_one_phase_after_a_step(tmp_path: Path, said: list[str]) -> None:
    losses = fill(tmp_path / "l.jsonl", said)
    losses.rewind("one", 4)
    assert steps(losses) == [("warmup", 4), ("one", 2), ("one", 2), ("one", 4), ("one", 4)]
    losses.add({"phase": "one", "step": 6, "loss": 1.0})
    assert LossLog(tmp_path / "l.jsonl", said.append).records == losses.records
    losses.rewind("one", 0)
    losses.rewind("two", 0)
    assert steps(losses) == [("warmup", 4)]
    assert [path.name for path in tmp_path.iterdir()] == ["l.jsonl"]


@pytest.mark.parametrize("cut", [1, 2, 10, 30])
def test_a_torn_last_line_is_forgotten(tmp_path: Path, said: list[str], cut: int) -> None:
    path = tmp_path / "l.jsonl"
    whole = fill(path, said)
    path.write_bytes(path.read_bytes()[:-cut])
    losses = LossLog(path, said.append)
    assert losses.records == (whole.records if cut == 1 else whole.records[:-1])
    losses.rewind("one", 4)
    losses.add({"phase": "one", "step": 6, "loss": 1.0})
    assert LossLog(path, said.append).records == losses.records
