"""Who answers: the name and version of an engine, and which weights exactly it loads."""

from importlib import metadata
from pathlib import Path

from balsa_pipe.chat import looks_like_folder
from balsa_pipe.engines import fake
from balsa_pipe.engines.base import EngineIdentity
from balsa_pipe.errors import EngineError, ModelError, one_line
from balsa_pipe.hashing import digest, file_sha256

_TELLING = (".json", ".jinja", ".model", ".safetensors", ".txt")
"""Files of a model folder that change what the model writes."""


def identify(engine: str, model: str) -> EngineIdentity:
    """Return who would answer, without starting it; ModelError when there is no such model."""
    name = Path(model).resolve().name if looks_like_folder(model) else model
    return EngineIdentity(f"{engine} {engine_version(engine)}", name, model_revision(model))


def engine_version(engine: str) -> str:
    """Return the version of an engine; EngineError when it isn't installed."""
    if engine == "fake":
        return fake.VERSION
    for package in (engine, f"{engine}-cpu"):
        try:
            return metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    raise EngineError(
        f"engine {engine}: not installed in this Python environment; run `balsa doctor`, "
        "which says what is missing and how to get it"
    )


def model_revision(model: str) -> str:
    """Return a hash of all that a model folder holds, or the commit that a hub id stands for."""
    return _folder_revision(Path(model)) if looks_like_folder(model) else _hub_revision(model)


def _folder_revision(folder: Path) -> str:
    files = sorted(path for path in folder.glob("*") if path.suffix in _TELLING)
    if not any(path.name == "config.json" for path in files):
        raise ModelError(
            f"llm: {folder}: no model there (no config.json); run `balsa fetch demo`, which "
            "brings the demo's models, or correct `llm:` in the config"
        )
    return digest([[path.name, file_sha256(path)] for path in files], size=16)


def _hub_revision(model: str) -> str:
    from huggingface_hub import hf_hub_download
    from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError

    try:
        config = Path(hf_hub_download(model, "config.json"))
    except (HfHubHTTPError, LocalEntryNotFoundError, OSError, ValueError) as exc:
        reason = one_line(exc)
        raise ModelError(
            f"llm: {model}: can't be found on the hub or in its cache ({reason}); check `llm:` in "
            "the config and the network"
        ) from exc
    return config.parent.name
