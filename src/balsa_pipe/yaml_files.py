"""What users write in YAML, read as a mapping, and what doesn't fit told in one line."""

import json
import re
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from balsa_pipe.errors import ConfigError


def load_yaml(path: Path) -> dict[str, Any]:
    """Return a YAML file's mapping; ConfigError with line and column when it isn't one."""
    try:
        data = yaml.safe_load(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError as exc:
        raise ConfigError(f"{path}: no such file") from exc
    except (yaml.YAMLError, UnicodeDecodeError, OSError) as exc:
        detail = re.sub(r"\s+", " ", str(exc))
        raise ConfigError(f"{path}: not readable as YAML: {detail}") from exc
    if not isinstance(data, dict):
        raise ConfigError(f"{path}: holds {type(data).__name__}, expected a mapping of keys")
    return data


def explain(exc: ValidationError) -> str:
    """Return a validation error as one line: key, what was found, what was expected."""
    return "; ".join(
        f"{'.'.join(str(part) for part in error['loc']) or 'config'}: {error['msg']}"
        + (
            ""
            if error["type"] in ("missing", "extra_forbidden")
            else f", found {_short(error['input'])}"
        )
        for error in exc.errors()
    )


def _short(value: Any) -> str:
    text = json.dumps(value, default=str, ensure_ascii=False)
    return text if len(text) <= 60 else text[:57] + "..."
