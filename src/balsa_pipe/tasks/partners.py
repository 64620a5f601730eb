"""Questions about several clips: which stand beside a clip, in which order, and how often."""

from collections.abc import Iterable, Sequence

from balsa_pipe.config import PerPair, TaskName
from balsa_pipe.hashing import drawn, ranked, unit
from balsa_pipe.schemas import Row
from balsa_pipe.tasks.common import (
    Ask,
    Context,
    Expectation,
    rows_of,
    to_row,
    usable_by_split,
    watched_sounds,
)
from balsa_pipe.tasks.company import Company
from balsa_pipe.vocabulary import captions_of, sounds_of


def ask_together(context: Context, task: TaskName, clips: Iterable[Row], cfg: PerPair) -> list[Row]:
    """Return a task's rows about each clip with its partners; none where it has no partner.

    A share of the comparisons is asked in both orders, and counts as two of the clip's rows.
    """
    comparisons = cfg.rows / (1 + cfg.both_orders)
    rows = []
    for members in usable_by_split(clips).values():
        company = Company(members, context.vocabulary, context.rng_seed)
        for clip in members:
            for number in rows_of(clip, task, comparisons):
                rows += _compare(context, task, company, clip, number, cfg)
    return rows


def _compare(
    context: Context, task: TaskName, company: Company, clip: Row, number: int, cfg: PerPair
) -> list[Row]:
    """Return the one or two rows of a comparison; where in it the clip stands is drawn by hash."""
    salt = (context.rng_seed, task, number, clip["clip_id"])
    low, high = cfg.clips
    n = low + int(unit("clips", *salt) * (high - low + 1))
    wanted = drawn(cfg.pairing, "pairing", *salt)
    likeness, partners = company.partners(clip, n - 1, wanted, task, number)
    if not partners:
        return []
    group = ranked([clip, *partners], "order", *salt, key=lambda one: one["clip_id"])
    orders = [group, group[::-1]] if unit("both_orders", *salt) < cfg.both_orders else [group]
    expected = _expectation(context, group)
    starter = [clip["clip_id"]]  # two clips may draw each other
    return [
        to_row(context, task, Ask(order, expected, 2 * number + turn, starter, strategy=likeness))
        for turn, order in enumerate(orders)
    ]


def _expectation(context: Context, group: Sequence[Row]) -> Expectation:
    everything: Row = {
        "clip_id": "+".join(sorted(clip["clip_id"] for clip in group)),
        "labels": [sound for clip in group for sound in sounds_of(clip)],
        "captions": [caption for clip in group for caption in captions_of(clip)],
        "parts": [part for clip in group for part in clip["parts"] or [clip]],
    }
    specific = (context.vocabulary.specific(clip["labels"]) for clip in group)
    present = dict.fromkeys(sound for sounds in specific for sound in sounds)
    return Expectation(list(present), watched_sounds(context, everything))
