"""The tiny run: made once, looked at by many tests, copied by those that change it."""

import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

from workflow.checkout import PATIENCE_S, Checkout, Ended, copy_checkout


@dataclass(frozen=True, slots=True)
class TinyRun:
    """A finished run of the tiny config, and what became of a second one started beside it."""

    checkout: Checkout
    ended: Ended
    rival: Ended


@pytest.fixture(scope="session")
def fresh(tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    """Return a checkout with the tiny models and sounds, in which nothing has run; don't change it."""
    checkout = copy_checkout(tmp_path_factory.mktemp("fresh") / "checkout")
    made = subprocess.run(
        [sys.executable, "tests/make_tiny.py"],
        cwd=checkout.folder,
        env=checkout.env,
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE_S,
    )
    assert made.returncode == 0, made.stderr
    return checkout


@pytest.fixture(scope="session")
def finished(fresh: Checkout, tmp_path_factory: pytest.TempPathFactory) -> TinyRun:
    """Return the finished tiny run; don't change it."""
    checkout = fresh.clone(tmp_path_factory.mktemp("tiny") / "checkout")
    started = time.monotonic()
    process = checkout.start_snakemake()
    while process.poll() is None and not (checkout.run / "logs/ingest.log").exists():
        time.sleep(0.05)
    rival = checkout.snakemake()
    text, _ = process.communicate(timeout=PATIENCE_S)
    ended = Ended(process.returncode, text, time.monotonic() - started)
    assert ended.status == 0, text
    return TinyRun(checkout, ended, rival)


@pytest.fixture
def branch(finished: TinyRun, tmp_path: Path) -> Checkout:
    """Return a copy of the finished run that a test may change."""
    return finished.checkout.clone(tmp_path / "checkout")
