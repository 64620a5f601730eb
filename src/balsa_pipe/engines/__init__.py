"""The engines: what answers a rendered chat, behind one protocol."""

from pathlib import Path
from typing import Protocol

from balsa_pipe.engines.base import Engine, EngineIdentity, EngineSettings, Reply, Request
from balsa_pipe.engines.fake import FakeEngine
from balsa_pipe.engines.identity import identify, model_revision
from balsa_pipe.engines.vllm import VllmEngine

__all__ = [
    "ENGINES",
    "Engine",
    "EngineIdentity",
    "EngineSettings",
    "Reply",
    "Request",
    "build_engine",
    "identify",
    "model_revision",
]


class _Factory(Protocol):
    def __call__(
        self,
        model: str,
        settings: EngineSettings,
        *,
        identity: EngineIdentity,
        embeds: bool = False,
        adapter: Path | None = None,
    ) -> Engine: ...


ENGINES: dict[str, _Factory] = {"vllm": VllmEngine, "fake": FakeEngine}


def build_engine(
    name: str,
    model: str,
    settings: EngineSettings,
    *,
    identity: EngineIdentity | None = None,
    embeds: bool = False,
    adapter: Path | None = None,
) -> Engine:
    """Return a running engine; embeds lets it take prompt embeddings, adapter is a PEFT folder."""
    known = identity or identify(name, model)
    return ENGINES[name](model, settings, identity=known, embeds=embeds, adapter=adapter)
