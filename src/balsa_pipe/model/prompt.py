"""One pass from a chat with sound to ids, labels and audio slots; pure, and the same everywhere."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from balsa_pipe.chat import render_chat

if TYPE_CHECKING:
    import torch

Number = TypeVar("Number", int, float)

IGNORE = -100
AUDIO_SLOT = -1
"""Stands in the ids where an audio embedding goes."""

_MARK = "\ue000"
"""A private-use character: no wording holds it, and a question's own are removed."""


@dataclass(frozen=True, slots=True)
class Encoded:
    """Token ids with audio slots, and labels that are IGNORE wherever the reply isn't; both (T,)."""

    ids: list[int]
    labels: list[int]
    cut_tokens: int = 0  # reply tokens that were cut off


def user_turn(n_clips: int, question: str) -> str:
    """Return the user's words with one marker a clip, numbered when there are several."""
    question = question.replace(_MARK, "")
    if n_clips == 0:
        return question
    if n_clips == 1:
        return f"{_MARK}\n{question}"
    clips = "\n".join(f"Audio {index}: {_MARK}" for index in range(1, n_clips + 1))
    return f"{clips}\n{question}"


def encode_prompt(
    tokenizer: Any, n_clips: int, question: str, *, audio_tokens: int, system: str | None
) -> list[int]:
    """Return the ids of a chat that waits for its reply, with audio_tokens slots a clip."""
    turns = [] if system is None else [{"role": "system", "content": system}]
    turns.append({"role": "user", "content": user_turn(n_clips, question)})
    pieces = render_chat(tokenizer, turns).split(_MARK)
    if len(pieces) != n_clips + 1:
        raise ValueError(f"the chat template kept {len(pieces) - 1} of {n_clips} audio markers")
    ids = _tokens(tokenizer, pieces[0])
    for piece in pieces[1:]:
        ids += [AUDIO_SLOT] * audio_tokens + _tokens(tokenizer, piece)
    return ids


def encode_example(
    tokenizer: Any,
    n_clips: int,
    question: str,
    reply: str,
    *,
    audio_tokens: int,
    system: str | None,
    max_reply_tokens: int,
) -> Encoded:
    """Return one training example; a reply that is too long is cut at its end and says so."""
    ids = encode_prompt(tokenizer, n_clips, question, audio_tokens=audio_tokens, system=system)
    wanted = [*text_tokens(tokenizer, reply), tokenizer.eos_token_id]
    target = wanted[:max_reply_tokens]
    return Encoded(
        ids=ids + target,
        labels=[IGNORE] * len(ids) + target,
        cut_tokens=len(wanted) - len(target),
    )


def plain_ids(tokenizer: Any, rendered_chat: str) -> "torch.Tensor":
    """Return the ids (T,) of a chat without sound that render_chat has rendered."""
    import torch

    return torch.tensor(_tokens(tokenizer, rendered_chat))


def _tokens(tokenizer: Any, text: str) -> list[int]:
    return list(tokenizer(text, add_special_tokens=False)["input_ids"])


def text_tokens(tokenizer: Any, text: str) -> list[int]:
    """Return the ids of a text whose special-token strings stay text."""
    return list(tokenizer(text, add_special_tokens=False, split_special_tokens=True)["input_ids"])


def pad_left(rows: Sequence[Sequence[Number]], value: Number) -> list[list[Number]]:
    """Return rows of equal length, padded on the left so that the replies end together."""
    width = max(len(row) for row in rows)
    return [[value] * (width - len(row)) + list(row) for row in rows]
