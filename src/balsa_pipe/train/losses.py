"""The losses of a run, step by step: kept on disk, told as they come."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from balsa_pipe.files import write_whole

Loss = dict[str, Any]
"""phase, step, and loss (training) or eval_loss (validation)."""


class LossLog:
    """Appends losses to a JSONL file, so that a continued run keeps those it already has."""

    def __init__(self, path: Path, log: Callable[[str], None]) -> None:
        """Read what an earlier, stopped run has left."""
        self._path, self._log = path, log
        self.records: list[Loss] = _read(path)

    def add(self, record: Loss) -> None:
        """Keep and tell one."""
        record = dict(record)
        eta = record.pop("eta_s", None)
        self.records.append(record)
        with self._path.open("a") as file:
            file.write(json.dumps(record) + "\n")
        name = "eval_loss" if "eval_loss" in record else "loss"
        line = f"train: {record['phase']} step {record['step']}, {name} {record[name]:.3f}"
        self._log(line if eta is None else f"{line}, ETA {eta} s")

    def rewind(self, phase: str, step: int) -> None:
        """Forget a phase's losses after a step, from which it is about to go on."""
        self.records = [
            record for record in self.records if record["phase"] != phase or record["step"] <= step
        ]
        lines = [json.dumps(record) + "\n" for record in self.records]
        write_whole(self._path, "".join(lines))


def _read(path: Path) -> list[Loss]:
    records = []
    for line in path.read_text().splitlines() if path.is_file() else []:
        try:
            records.append(json.loads(line))
        except ValueError:  # the last line of a killed run
            break
    return records
