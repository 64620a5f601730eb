"""Whether the demo's models and recordings were fetched, and whole."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

from balsa_pipe.doctor.finding import Finding

MODEL_FOLDERS = ("smollm2-135m-instruct", "whisper-tiny.en", "aisfx")

_FETCH = "run `balsa fetch demo`, which checks every file"


def check_models(assets: Path) -> list[Finding]:
    """Say of each model of the demo whether its files are there and whole."""
    return [_check_model(assets, name) for name in MODEL_FOLDERS]


def check_recordings(assets: Path) -> Finding:
    """Say how many recordings of the demo there are, and of how many packages."""
    path = assets / "recordings" / "manifest.jsonl"
    try:
        rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
        packages = Counter(row["package"] for row in rows)
        gone = [row["file"] for row in rows if not (path.parent / row["file"]).is_file()]
    except (OSError, ValueError, KeyError, TypeError):
        return Finding("recordings", "missing", f"{path}: not there, or damaged", _FETCH)
    if gone:
        what = f"{len(gone)} of {len(rows)} files are gone, as {gone[0]}"
        return Finding("recordings", "missing", what, _FETCH)
    return Finding("recordings", "ok", f"{len(rows)} clips of {len(packages)} packages")


def safetensors_fault(path: Path) -> str | None:
    """Return what is wrong with a safetensors file, from its header alone; None: whole."""
    try:
        with path.open("rb") as file:
            length = int.from_bytes(file.read(8), "little")
            if length > path.stat().st_size:
                return "not a safetensors file"
            header = json.loads(file.read(length))
        ends = [
            entry["data_offsets"][1] for name, entry in header.items() if name != "__metadata__"
        ]
    except (OSError, ValueError, KeyError, TypeError, IndexError, AttributeError):
        return "not a safetensors file"
    expected = 8 + length + max(ends, default=0)
    found = path.stat().st_size
    return None if found == expected else f"{found} bytes, expected {expected}"


def _check_model(assets: Path, name: str) -> Finding:
    folder, title = assets / "models" / name, f"model {name}"
    files = sorted(folder.glob("*.safetensors"))
    if not files:
        return Finding(title, "missing", f"{folder}: no weights there", _FETCH)
    if not (folder / "config.json").is_file():
        return Finding(title, "missing", f"{folder}: no config.json", _FETCH)
    for file in files:
        if fault := safetensors_fault(file):
            return Finding(title, "missing", f"{file}: {fault}", f"delete it, then {_FETCH}")
    if fault := _stamp_fault(assets / "fetched" / f"{name}.json", folder):
        return Finding(title, "warn", f"{folder}: {fault}", _FETCH)
    size = sum(file.stat().st_size for file in files)
    return Finding(title, "ok", f"{size / 1e6:.0f} MB of weights")


def _stamp_fault(stamp: Path, folder: Path) -> str | None:
    """Return how a folder differs from what its fetch wrote down; None: not at all."""
    try:
        files: dict[str, Any] = json.loads(stamp.read_text(encoding="utf-8"))["files"]
        wrong = [name for name, facts in files.items() if _size(folder / name) != facts["size"]]
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return "its fetch was never finished"
    return f"{wrong[0]} is not as it was fetched" if wrong else None


def _size(path: Path) -> int | None:
    return path.stat().st_size if path.is_file() else None
