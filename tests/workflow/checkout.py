"""A copy of the checkout to run the workflow in, so that tests leave the user's data alone."""

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from balsa_pipe.locks import JOB_LOCK
from balsa_pipe.schemas import Row
from balsa_pipe.shards import list_shards, read_schema, read_shard

ROOT = Path(__file__).parents[2]
TINY = "configs/tiny.yaml"
PATIENCE_S = 1200  # of a busy machine


@dataclass(frozen=True, slots=True)
class Ended:
    """How a command ended: its exit status, all that it said, and how long it took."""

    status: int
    text: str
    seconds: float


class Checkout:
    """A folder with all that git would track, and ways to run it."""

    def __init__(self, folder: Path, run: str = "tiny") -> None:
        self.folder = folder
        self.run = folder / "data" / run
        # Small tensors gain nothing from a second thread, and on a busy machine two wait for each other.
        self.threads = 1
        unwanted = {"PYTHONDONTWRITEBYTECODE", JOB_LOCK}
        kept = {name: value for name, value in os.environ.items() if name not in unwanted}
        self.env = {**kept, "PYTHONPATH": str(folder / "src"), "OMP_NUM_THREADS": "1"}

    def clone(self, folder: Path, run: str = "tiny") -> "Checkout":
        """Return a copy with the same times, so that Snakemake finds nothing changed."""
        shutil.copytree(self.folder, folder, copy_function=shutil.copy2)
        return Checkout(folder, run)

    def edit(self, path: str, old: str, new: str) -> None:
        """Replace a text that stands in a file exactly once."""
        file = self.folder / path
        text = file.read_text()
        assert text.count(old) == 1, f"{path} has {old!r} {text.count(old)} times"
        file.write_text(text.replace(old, new))

    def rows(self, path: str) -> list[Row]:
        """Return the rows of a shard or of a folder of shards of the run, in order."""
        shards = list_shards(self.run / path)
        return [row for shard in shards for row in read_shard(shard, read_schema(shard))]

    def start(self, *command: str) -> "subprocess.Popen[str]":
        """Start a Python module's command in a process group of its own."""
        return subprocess.Popen(
            [sys.executable, "-m", *command],
            cwd=self.folder,
            env=self.env,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    def start_snakemake(self, *arguments: str, config: str = TINY) -> "subprocess.Popen[str]":
        """Start the command that a user types."""
        return self.start(*self._snakemake(arguments, config))

    def snakemake(self, *arguments: str, config: str = TINY) -> Ended:
        """Run the command that a user types, to its end."""
        return self._finish(*self._snakemake(arguments, config))

    def balsa(self, *arguments: str) -> Ended:
        """Run a command of the package, to its end."""
        return self._finish("balsa_pipe", *arguments)

    def planned(self, *arguments: str, config: str = TINY) -> dict[str, int]:
        """Return how many jobs of each rule a dry run plans."""
        ended = self.snakemake("--dry-run", *arguments, config=config)
        assert ended.status == 0, ended.text
        return job_counts(ended.text)

    def _finish(self, *command: str) -> Ended:
        started = time.monotonic()
        process = self.start(*command)
        try:
            text, _ = process.communicate(timeout=PATIENCE_S)
        except BaseException:  # also when the tests are stopped
            os.killpg(process.pid, signal.SIGKILL)
            raise
        return Ended(process.returncode, text, time.monotonic() - started)

    def _snakemake(self, arguments: tuple[str, ...], config: str) -> list[str]:
        configured = ["--configfile", config] if config else []
        limits = ["--cores", "2", "--max-threads", str(self.threads)]
        return ["snakemake", *arguments, *limits, *configured]


def job_counts(text: str) -> dict[str, int]:
    """Return the jobs of each rule in Snakemake's table of jobs, but for those that only collect."""
    if "Job stats:" not in text:
        assert "Nothing to be done" in text, text
        return {}
    table = text.split("Job stats:", 1)[1].split("\ntotal ", 1)[0]
    counts: dict[str, Any] = dict(re.findall(r"^(\w+) +(\d+)$", table, re.MULTILINE))
    return {rule: int(count) for rule, count in counts.items() if rule != "all"}


def copy_checkout(folder: Path) -> Checkout:
    """Return a copy of what git tracks or would track, as it stands now."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    )
    for name in listed.stdout.split("\0")[:-1]:
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)
    return Checkout(folder)
