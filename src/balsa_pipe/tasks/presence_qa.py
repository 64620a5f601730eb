"""presence_qa: yes/no questions, each sound asked where it is absent as often as where present."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import zip_longest

from balsa_pipe.config import Strategy
from balsa_pipe.hashing import ranked
from balsa_pipe.schemas import Row
from balsa_pipe.tasks.balance import Wishes, match
from balsa_pipe.tasks.common import (
    Ask,
    Context,
    Expectation,
    RejectReason,
    draw_absent,
    pick_strategy,
    rows_of,
    to_row,
    usable_by_split,
)
from balsa_pipe.tasks.form import FORM, first_reason
from balsa_pipe.tasks.judging import (
    answers_for_another,
    contradicts_verdict,
    copies_example,
    denies_present,
    gives_no_verdict,
    names_absent,
    wanders_off,
)
from balsa_pipe.vocabulary import sounds_of

_REST = r", (?:I|there|the|a|an|it|this) [^.,;:!?<>\[\]{}()\"\n]+\."
"""What follows a closed verdict: a sentence, without the commas that a weak LLM goes round by.

No counted repetition: engines take seconds to compile one, and give up on it when busy.
"""

_CHECKS = (
    *FORM,
    ("no_verdict", gives_no_verdict),
    ("contradicts_labels", contradicts_verdict),
    ("copies_example", copies_example),
    ("names_absent_as_present", names_absent),
    ("names_present_as_absent", denies_present),
    ("misses_sound", wanders_off),
    ("misses_sound", answers_for_another),
)

_Chosen = dict[str, dict[str, Strategy]]
"""clip id -> absent sound -> how it was drawn."""


def compose(clips: Iterable[Row], context: Context) -> list[Row]:
    """Return yes-questions and no-questions, balanced over each split for every sound.

    A yes-question on a sound goes where too few clips lack it to ask as often for a no.
    """
    rows = []
    for members in usable_by_split(clips).values():
        present, absent = _balanced(members, context)
        for clip in members:
            name = clip["clip_id"]
            asks = [_yes(clip, sound, context) for sound in present[name]]
            asks += [_no(clip, *drawn, context) for drawn in absent.get(name, {}).items()]
            rows += [to_row(context, "presence_qa", ask) for ask in asks]
    return rows


def judge(row: Row, response: str, finish_reason: str) -> RejectReason | None:
    """Reject a reply without the labels' verdict, or that goes on to contradict it."""
    return first_reason(_CHECKS, row, response, finish_reason)


def _balanced(clips: Sequence[Row], context: Context) -> tuple[dict[str, list[str]], _Chosen]:
    """Return the sounds asked of each clip: present ones, and as many of each sound absent."""
    wanted = {clip["clip_id"]: _present(clip, context) for clip in clips}
    quota = Counter(sound for sounds in wanted.values() for sound in sounds)
    drawn = {clip["clip_id"]: _absent(clip, context, quota) for clip in clips}
    wishes = {name: Wishes(list(drawn[name]), len(wanted[name])) for name in wanted}
    matched = match(wishes, quota, context.rng_seed)
    absent = {name: {s: drawn[name][s] for s in sounds} for name, sounds in matched.items()}
    return _trimmed(wanted, Counter(s for sounds in absent.values() for s in sounds)), absent


def _present(clip: Row, context: Context) -> list[str]:
    known = [sound for sound in sounds_of(clip) if sound in context.vocabulary.askable]
    pairs = len(rows_of(clip, "presence_qa", context.cfg.tasks.presence_qa.pairs))
    return ranked(known, context.rng_seed, "present", clip["clip_id"])[:pairs]


def _absent(clip: Row, context: Context, quota: Mapping[str, int]) -> dict[str, Strategy]:
    """Return the sounds to ask of a clip that it lacks, best first: each place has its strategy."""
    orders = []
    for place in rows_of(clip, "presence_qa", context.cfg.tasks.presence_qa.pairs):
        strategy = pick_strategy(context, "presence_qa", place, clip["clip_id"])
        salt = (context.rng_seed, "presence_qa", place)
        drawn = draw_absent(context, clip, strategy, len(context.vocabulary.counts), *salt)
        orders.append([(sound, way) for sound, way in drawn if sound in quota])
    chosen: dict[str, Strategy] = {}
    for sound, strategy in _interleaved(orders):
        chosen.setdefault(sound, strategy)
    return chosen


def _interleaved(orders: list[list[tuple[str, Strategy]]]) -> Iterator[tuple[str, Strategy]]:
    for abreast in zip_longest(*orders):
        yield from (one for one in abreast if one is not None)


def _trimmed(wanted: Mapping[str, list[str]], filled: Counter[str]) -> dict[str, list[str]]:
    """Return the present sounds, each in no more clips than it is asked for where it is absent."""
    holders: dict[str, list[str]] = {}
    for name, sounds in wanted.items():
        for sound in sounds:
            holders.setdefault(sound, []).append(name)
    kept = {sound: set(ranked(names, sound)[: filled[sound]]) for sound, names in holders.items()}
    return {name: [s for s in sounds if name in kept[s]] for name, sounds in wanted.items()}


def _yes(clip: Row, sound: str, context: Context) -> Ask:
    present = dict.fromkeys([sound, *context.vocabulary.specific(clip["labels"])])
    return _ask(clip, sound, Expectation(list(present), (), "yes"), context)


def _no(clip: Row, sound: str, strategy: Strategy, context: Context) -> Ask:
    present = context.vocabulary.specific(clip["labels"])
    return _ask(clip, sound, Expectation(present, [sound], "no"), context, strategy)


def _ask(
    clip: Row, sound: str, expected: Expectation, context: Context, strategy: str | None = None
) -> Ask:
    choice = context.cfg.tasks.presence_qa.verdict
    forced = "Yes" if expected.verdict == "yes" else "No"
    openings = {"free": None, "closed": "(Yes|No)", "forced": forced}
    opening = openings[choice]
    return Ask(
        [clip],
        expected,
        about=[sound],
        variables={"sound": context.vocabulary.spoken(sound)},
        strategy=strategy,
        reply_pattern=opening and opening + _REST,
        verdict_forced=choice == "forced",
    )
