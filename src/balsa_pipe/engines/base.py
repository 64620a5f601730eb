"""What an engine is: it takes requests while it steps, and gives replies as they finish."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from balsa_pipe.config import Sampling

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True, slots=True)
class Request:
    """One reply wanted: of a rendered chat, or of prompt embeddings."""

    key: str
    sampling: Sampling
    prompt: str | None = None  # a chat rendered by balsa_pipe.chat
    embeds: "torch.Tensor | None" = None  # (T, H), in place of the prompt
    rng_seed: int | None = None
    reply_pattern: str | None = None  # regex that the reply must match
    adapted: bool = False  # with the engine's LoRA


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back for the request of the same key."""

    key: str
    text: str
    finish_reason: str  # stop | length | prompt_too_long | error
    n_prompt_tokens: int
    n_tokens: int


@dataclass(frozen=True, slots=True)
class EngineIdentity:
    """Who answers, for a row's provenance."""

    engine: str  # name and version
    model: str
    model_revision: str


class EngineSettings(Protocol):
    """How large an engine is; the synthesize and evaluate sections of a config are such."""

    @property
    def max_model_len(self) -> int:
        """Tokens of prompt and reply together."""

    @property
    def max_num_seqs(self) -> int:
        """Replies written at the same time."""

    @property
    def dtype(self) -> str:
        """Number format of the weights."""

    @property
    def gpu_memory_utilization(self) -> float:
        """Share of a GPU's memory that the engine takes."""


class Engine(Protocol):
    """Answers requests, many at a time, in any order."""

    @property
    def identity(self) -> EngineIdentity:
        """Who answers."""

    @property
    def capacity(self) -> int:
        """How many requests in flight keep it full."""

    def submit(self, request: Request) -> None:
        """Queue a request; its reply comes from a later step, whatever becomes of it."""

    def step(self) -> list[Reply]:
        """Work for a moment and return the replies that finished."""

    def close(self) -> None:
        """Free what it holds."""
