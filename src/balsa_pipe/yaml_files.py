"""What users write in YAML, read as a mapping, and what doesn't fit told in one line."""

import json
import re
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError
from pydantic_core import ErrorDetails

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


def explain(exc: ValidationError, schema: dict[str, Any]) -> str:
    """Return a validation error as one line: key, what was found, what was expected.

    schema: the JSON schema that the data had to fit; a misspelt key is answered from its keys.
    """
    keys = _keys(schema)
    return "; ".join(
        f"{'.'.join(str(part) for part in error['loc']) or 'config'}: {_complaint(error, keys)}"
        for error in exc.errors()
    )


def _complaint(error: ErrorDetails, keys: set[str]) -> str:
    if error["type"] == "extra_forbidden":
        key = str(error["loc"][-1])
        near = get_close_matches(key, sorted(keys), n=1, cutoff=0.75)
        return "no such key here" + "".join(f"; is {one!r} meant?" for one in near if one != key)
    if error["type"] == "missing":
        return error["msg"]
    return f"{error['msg']}, found {_short(error['input'])}"


def _keys(schema: Any) -> set[str]:
    """Return the names of all properties, however deep they lie."""
    if isinstance(schema, list):
        return {key for one in schema for key in _keys(one)}
    if not isinstance(schema, dict):
        return set()
    properties = schema.get("properties", {})
    return set(properties) | {key for one in schema.values() for key in _keys(one)}


def _short(value: Any) -> str:
    text = json.dumps(value, default=str, ensure_ascii=False)
    return text if len(text) <= 60 else text[:57] + "..."
