"""One thing that the doctor looked at."""

import importlib.metadata
from dataclasses import dataclass
from typing import Literal

Status = Literal["ok", "warn", "missing"]
REMAKE = "remove .venv and run `make` again"
GIB = 2**30


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at: what was found, and what to do (empty when all is well)."""

    name: str
    status: Status
    what: str
    todo: str = ""


def installed(distribution: str) -> str | None:
    """Return an installed distribution's version; None: not installed."""
    try:
        return importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return None


def pairs(versions: dict[str, str]) -> str:
    """Return names with their versions as text."""
    return ", ".join(f"{name} {version}" for name, version in versions.items())
