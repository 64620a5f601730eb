"""JSON that a user may have damaged: read with an error of one line, written whole or not at all."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from balsa_pipe.errors import BalsaError, ConfigError
from balsa_pipe.files import write_whole

T = TypeVar("T")


def read_json(path: Path, *needed: str) -> dict[str, Any]:
    """Return a file's JSON object, which has the keys that are needed."""

    def parse(text: str) -> dict[str, Any]:
        data = json.loads(text)
        lacks = [key for key in needed if key not in data] if isinstance(data, dict) else ["object"]
        if lacks:
            raise ValueError(f"no {', '.join(lacks)} in it")
        return dict(data)

    return _parsed(path, parse)


def read_json_lines(path: Path) -> list[dict[str, Any]]:
    """Return the JSON of each line of a file."""
    return _parsed(path, lambda text: [json.loads(line) for line in text.splitlines()])


def _parsed(path: Path, parse: Callable[[str], T]) -> T:
    """Return what a text file says; ConfigError when it is missing or damaged."""
    try:
        return parse(path.read_text(encoding="utf-8"))
    except FileNotFoundError as exc:
        raise ConfigError(f"{path}: no such file; run the stage that writes it first") from exc
    except (OSError, ValueError) as exc:
        raise ConfigError(f"{path}: damaged ({exc}); delete it and run its stage again") from exc


def write_text(path: Path, text: str) -> None:
    """Write a text file whole or not at all."""
    try:
        write_whole(path, text)
    except OSError as exc:
        raise BalsaError(f"{path}: could not be written ({exc.strerror})") from exc
