"""text_only: plain instructions without sound, so that training on sound does not unlearn them.

Ours, not the papers': a LoRA that sees nothing but audio rows answers text like an audio row. The
replies are the LLM's own; training holds LoRA to the LLM's distribution along them (AudioLLM.forward).
"""

from collections.abc import Iterable

from balsa_pipe.hashing import ranked, unit
from balsa_pipe.schemas import Row
from balsa_pipe.tasks.common import (
    Ask,
    Context,
    Expectation,
    RejectReason,
    rows_of,
    to_row,
    usable_by_split,
)
from balsa_pipe.tasks.judging import FORM, first_reason

_VALIDATION = 0.1
"""The share of the wordings and topics that training never sees."""


def compose(clips: Iterable[Row], context: Context) -> list[Row]:
    """Return rows on the corpus' sound words as topics, no wording of a topic twice.

    There are as many as rows times clips, but no more than wordings times topics.
    """
    rows = []
    for split, members in usable_by_split(clips).items():
        wanted = sum(
            len(rows_of(clip, "text_only", context.cfg.tasks.text_only.rows)) for clip in members
        )
        rows += [to_row(context, "text_only", ask) for ask in _asks(context, split)[:wanted]]
    return rows


def judge(row: Row, response: str, finish_reason: str) -> RejectReason | None:
    """Reject a reply that is cut off, or goes in circles; the rest is the LLM's own business."""
    return first_reason(FORM, row, response, finish_reason)


def _asks(context: Context, split: str) -> list[Ask]:
    """Return all that may be asked in a split, in hash order."""
    pairs = [
        (topic, index)
        for topic in context.vocabulary.sounds
        for index in range(len(context.book["text_only"].wordings))
        if (unit("text_only", topic, index) < _VALIDATION) == (split == "validation")
    ]
    return [
        Ask([], Expectation(), index, about=[topic], variables={"topic": topic}, split=split)
        for topic, index in ranked(pairs, context.rng_seed, "text_only")
    ]
