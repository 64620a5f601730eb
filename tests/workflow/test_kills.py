"""Killed at any moment, the same command goes on, and the end is that of a run left alone."""

import json
import os
import random
import signal
import subprocess
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from workflow.checkout import PATIENCE_S, Checkout
from workflow.conftest import TinyRun

STAGES = ("ingest", "compose", "synthesize", "curate", "train", "evaluate", "report")
SEED = int(os.environ.get("KILL_SEED", "2026"))
"""Chooses the moments; set KILL_SEED to try others."""


def kill(process: "subprocess.Popen[str]") -> None:
    """Kill a run and all that it started; their common pipe ends when the last one is gone."""
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate(timeout=PATIENCE_S)


def wait_for(stage: str, checkout: Checkout, process: "subprocess.Popen[str]") -> Path:
    """Return a log of a stage's job once there is one."""
    while not (logs := sorted((checkout.run / "logs").glob(f"{stage}*/*.log"))) and not (
        logs := list((checkout.run / "logs").glob(f"{stage}.log"))
    ):
        assert process.poll() is None, process.communicate()[0]
        time.sleep(0.02)
    return logs[0]


def seconds_of(stage: str, finished: TinyRun) -> float:
    """Return how long the stage's shortest job took in the run that was left alone."""
    tables = [*(finished.checkout.run / "benchmarks").glob(f"{stage}*/*.tsv")] or [
        finished.checkout.run / f"benchmarks/{stage}.tsv"
    ]
    return min(float(table.read_text().splitlines()[1].split()[0]) for table in tables)


@pytest.fixture(scope="module")
def killed(
    fresh: Checkout, finished: TinyRun, tmp_path_factory: pytest.TempPathFactory
) -> Checkout:
    """Return a run that was killed once in each stage, and then left alone."""
    checkout = fresh.clone(tmp_path_factory.mktemp("killed") / "checkout")
    rng = random.Random(SEED)
    for stage in STAGES:
        process = checkout.start_snakemake()
        wait_for(stage, checkout, process)
        delay = rng.uniform(0, 0.9) * seconds_of(stage, finished)
        time.sleep(delay)
        print(f"seed {SEED}: {stage} killed {delay:.2f} s after it began")
        kill(process)
    ended = checkout.snakemake()
    assert ended.status == 0, ended.text
    return checkout


def test_the_last_run_has_completed_all(killed: Checkout) -> None:
    assert killed.planned() == {}
    checked = killed.balsa("shards", "check", "data/tiny")
    assert checked.status == 0, checked.text


@pytest.mark.parametrize("path", ["clips.parquet", "seed_prompts", "samples", "dataset"])
def test_no_row_is_lost_or_doubled_or_changed(
    killed: Checkout, finished: TinyRun, path: str
) -> None:
    assert killed.rows(path) == finished.checkout.rows(path)


@pytest.mark.parametrize(
    "path", ["clips.ledger.json", "ledger.json", "dataset/README.md", "model/config.json"]
)
def test_ledgers_card_and_model_config_are_the_same(
    killed: Checkout, finished: TinyRun, path: str
) -> None:
    assert (killed.run / path).read_bytes() == (finished.checkout.run / path).read_bytes()


def test_no_row_was_written_twice(killed: Checkout) -> None:
    lines = [
        json.loads(line)["row"]
        for path in (killed.run / "samples/journal").glob("*.jsonl")
        for line in path.read_text().splitlines()[1:]
    ]
    assert Counter(line["row_key"] for line in lines) == Counter(
        row["row_key"] for row in killed.rows("samples")
    )


def test_training_tells_of_each_step_once(killed: Checkout, finished: TinyRun) -> None:
    assert told(killed) == told(finished.checkout)


def told(checkout: Checkout) -> list[Any]:
    records = [json.loads(line) for line in (checkout.run / "train_log.jsonl").open()]
    return [(record["phase"], record["step"], sorted(record)) for record in records]


def test_every_system_was_asked_as_much(killed: Checkout, finished: TinyRun) -> None:
    assert counts(killed) == counts(finished.checkout)


def counts(checkout: Checkout) -> dict[tuple[str, str], int]:
    suites = json.loads((checkout.run / "metrics.json").read_text())["suites"]
    return {
        (suite, system): found["n"]
        for suite, systems in suites.items()
        for system, found in systems.items()
    }


def test_while_a_killed_runs_job_lives_no_other_run_begins(
    branch: Checkout, finished: TinyRun
) -> None:
    branch.edit("configs/tiny.yaml", "rng_seed: 3", "rng_seed: 4")
    (branch.run / "logs/ingest.log").unlink()
    process = branch.start_snakemake()
    log = wait_for("ingest", branch, process)
    while not log.read_text():  # the job has begun to work
        assert process.poll() is None, process.communicate()[0]
        time.sleep(0.02)
    process.kill()
    os.killpg(process.pid, signal.SIGSTOP)
    try:
        refused = branch.snakemake()
    finally:
        kill(process)
    assert (refused.status, refused.text) == (
        2,
        "balsa: data: a job of a run that was killed is still at work here; wait until it ends or "
        "stop it (`pgrep -af balsa` names it), then run the same command again\n",
    )
    again = branch.snakemake("data/tiny/clips.parquet")
    assert again.status == 0, again.text
