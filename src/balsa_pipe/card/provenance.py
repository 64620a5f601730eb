"""What a dataset says of its making that its rows don't: configs, wordings, and what was left out.

It lies in the dataset's folder as provenance.json, so that the folder alone makes its card, and a
row can be led back to its config wherever the folder goes.
"""

import json
import re
from collections.abc import Iterable, Mapping
from pathlib import Path, PurePath, PurePosixPath, PureWindowsPath
from typing import Any

from balsa_pipe.errors import BalsaError, ConfigError
from balsa_pipe.hashing import file_sha256
from balsa_pipe.prompts import Prompt

Provenance = dict[str, Any]

FILE = "provenance.json"
STAGES = ("ingest", "compose", "synthesize", "curate")
"""The stages that make a dataset."""
LOCAL = r"^(/+[^/]|~[^/]*/|\\\\|[A-Za-z]:[/\\])"
"""How a path begins that says where it lies on one machine, for Python and for DuckDB."""


def stage_configs(folder: Path) -> dict[str, Any]:
    """Return each stage's config and its file's sha256; a stage whose file isn't there is left out.

    Only the last name is told of an absolute path, so that no home folder goes out with the data.
    """
    paths = {stage: folder / f"{stage}.json" for stage in STAGES}
    return {
        stage: {"sha256": file_sha256(path), "config": shareable(_read(path))}
        for stage, path in paths.items()
        if path.is_file()
    }


def wordings_of(configs: Mapping[str, Any], folder: Path, wanted: Iterable[tuple[str, str]]) -> Any:
    """Return file and text of each wording, by id; wanted: ids and the hashes they had.

    A wording that was changed or can't be read since has no text: it would be another one.
    """
    prompts = _read(folder / "compose.json")["compose"]["prompts"] if "compose" in configs else None
    found: dict[str, Any] = {}
    for template_id, template_hash in sorted(set(wanted)):
        name, _, wording = template_id.partition("/")
        path = Path(prompts or "", f"{name}.yaml")
        text = _text(path, name, wording, template_hash) if prompts else None
        file = shareable(str(path)) if text else None
        found[template_id] = {"hash": template_hash, "file": file, **(text or {"text": None})}
    return found


def read_provenance(folder: Path) -> Provenance:
    """Return what lies in a dataset's folder; ConfigError when it isn't there or is damaged."""
    return _read(folder / FILE)


def written(provenance: Provenance) -> str:
    """Return the text of provenance.json."""
    return json.dumps(provenance, indent=2, ensure_ascii=False) + "\n"


def shareable(value: Any) -> Any:
    """Return JSON-able data with every absolute path cut down to its last name."""
    if isinstance(value, dict):
        return {name: shareable(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [shareable(inner) for inner in value]
    while isinstance(value, str) and is_local(value):
        value = local_path(value).name
    return value


def is_local(path: str) -> bool:
    """Tell whether a path says where it lies on one machine."""
    return re.match(LOCAL, path) is not None


def local_path(path: str) -> PurePath:
    """Return a path of whichever system it was written on."""
    return PurePosixPath(path) if path[0] in "/~" else PureWindowsPath(path)


def _text(path: Path, name: str, wording: str, template_hash: str) -> dict[str, str] | None:
    try:
        prompt = Prompt.load(path, name)  # type: ignore[arg-type]  # a name that isn't one is told
        if wording in prompt.wordings and prompt.template_hash(wording) == template_hash:
            text = next(one.text for one in prompt.file.questions if one.id == wording)
            return {"text": text, "evidence": prompt.file.evidence}
    except BalsaError:
        pass  # the rows hold the messages as they were sent
    return None


def _read(path: Path) -> dict[str, Any]:
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(data, dict):
            raise ValueError("no JSON object")
    except FileNotFoundError as exc:
        raise ConfigError(f"{path}: no such file; run the curate stage, which writes it") from exc
    except (OSError, ValueError) as exc:
        raise ConfigError(f"{path}: damaged ({exc}); run the stage that writes it again") from exc
    return data
