"""Which test clips a sound is asked of: as many that lack it as hold it, each clip for both."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import ceil
from typing import Any, TypeVar

from balsa_pipe.hashing import digest, ranked, seed
from balsa_pipe.schemas import Row
from balsa_pipe.vocabulary import Vocabulary, sounds_of

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Limits:
    """Which sounds are asked for, and how often at most."""

    max_per_sound: int
    min_train_recordings: int
    min_test_clips: int


@dataclass(frozen=True, slots=True)
class Stock:
    """Clips by the sounds that they hold and by those that they surely lack, in hash order."""

    present: Mapping[str, list[Row]]
    absent: Mapping[str, list[Row]]


@dataclass(frozen=True, slots=True)
class Turn:
    """What a sound is asked of at a time: a clip with it and, by strategy, one without it."""

    sound: str
    present: Row
    absent: dict[str, Row]


def take_stock(clips: Iterable[Row], vocabulary: Vocabulary, *salt: Any) -> Stock:
    """Return the clips by sound: those that hold it and those that surely lack it."""
    present: dict[str, list[Row]] = {}
    absent: dict[str, list[Row]] = {}
    for clip in clips:
        for sound in sounds_of(clip):
            present.setdefault(sound, []).append(clip)
        for sound in vocabulary.absent_candidates(clip):
            absent.setdefault(sound, []).append(clip)
    return Stock(_in_hash_order(present, *salt), _in_hash_order(absent, *salt))


def _in_hash_order(clips: Mapping[str, list[Row]], *salt: Any) -> dict[str, list[Row]]:
    """Another order for each sound, so that no clip is the first to be asked of all."""
    return {sound: ranked(group, *salt, sound, key=clip_id) for sound, group in clips.items()}


def draw_turns(
    stock: Stock, vocabulary: Vocabulary, limits: Limits, strategies: Iterable[str], *salt: Any
) -> list[Turn]:
    """Return the turns of all sounds, the first of each before any second.

    Rarer sounds have no popular strategy. However many turns are taken, each clip is asked for sounds
    that it lacks about as often as for sounds that it holds, as far as the clips allow: then one
    answer to all that is asked of a clip gains nothing, and intervals clustered by clip are narrow.
    """
    names = [sound for sound in vocabulary.sounds if _is_askable(sound, stock, vocabulary, limits)]
    popular = popular_half(names, vocabulary.counts)
    asked = {s: [one for one in strategies if one != "popular" or s in popular] for s in names}
    count = {
        s: min(limits.max_per_sound, len(stock.present[s]), len(stock.absent[s])) for s in names
    }
    order = [(k, sound) for sound in names if asked[sound] for k in range(count[sound])]
    holding = {sound: list(stock.present[sound]) for sound in names}
    lacking = {
        (sound, strategy): [
            (clip, affinity(clip, sound, vocabulary) if strategy == "adversarial" else (0, 0))
            for clip in stock.absent[sound]
        ]
        for sound in names
        for strategy in asked[sound]
    }
    held: Counter[str] = Counter()  # how often a clip was asked for sounds that it holds
    lean: Counter[str] = Counter()  # how much oftener than for sounds that it lacks
    turns = []
    for _, sound in sorted(order, key=lambda one: (one[0], digest(*salt, one[1]))):
        present = _take(holding[sound], lambda clip: -held[clip_id(clip)])
        held[clip_id(present)] += 1
        lean[clip_id(present)] += len(asked[sound])
        rank = _absent_rank(n_parts(present), lean)
        absent = {}
        for strategy in asked[sound]:
            absent[strategy], _ = _take(lacking[sound, strategy], rank)
            lean[clip_id(absent[strategy])] -= 1
        turns.append(Turn(sound, present, absent))
    return turns


_Candidate = tuple[Row, tuple[int, int]]
"""A clip that lacks a sound, and how tempting it is to hear the sound in it."""


def _absent_rank(parts: int, lean: Mapping[str, int]) -> Callable[[_Candidate], Any]:
    """Return what ranks clips that lack a sound beside one of so many parts that holds it.

    As many parts first, so that telling a scene from a single recording answers nothing; then the
    more tempting one; then the one that leans more to yes.
    """
    return lambda one: (n_parts(one[0]) == parts, one[1], lean[clip_id(one[0])])


def _take(candidates: list[T], rank: Callable[[T], Any]) -> T:
    """Take the first of those of the highest rank out of a list."""
    return candidates.pop(max(range(len(candidates)), key=lambda i: rank(candidates[i])))


def _is_askable(sound: str, stock: Stock, vocabulary: Vocabulary, limits: Limits) -> bool:
    return (
        vocabulary.recordings[sound] >= limits.min_train_recordings
        and len(stock.present.get(sound, [])) >= limits.min_test_clips
        and bool(stock.absent.get(sound))
    )


def affinity(clip: Row, sound: str, vocabulary: Vocabulary) -> tuple[int, int]:
    """Return how often training clips have the sound with the clip's own, then shared kinds."""
    specific = vocabulary.specific(sounds_of(clip))
    comes_with = vocabulary.together.get(sound, Counter())
    kinds = {kind for label in specific for kind in vocabulary.relations.ancestors(label)}
    shared = kinds & vocabulary.relations.ancestors(sound)
    return sum(comes_with.get(label, 0) for label in specific), len(shared)


def popular_half(names: Sequence[str], counts: Mapping[str, int]) -> set[str]:
    """Return the half of the sounds that training clips hold most often."""
    by_count = sorted(names, key=lambda name: (-counts[name], name))
    return set(by_count[: ceil(len(names) / 2)])


def alike(others: Sequence[Row], clip: Row, *salt: Any) -> Row:
    """Return one of the others by hash, with as many parts as the clip where there is one."""
    fits = [other for other in others if n_parts(other) == n_parts(clip)] or others
    return fits[seed("swapped", *salt) % len(fits)]


def clip_id(clip: Row) -> str:
    """Return a clip's id."""
    return str(clip["clip_id"])


def n_parts(clip: Row) -> int:
    """Return how many recordings were mixed into a clip; 0 for a single one."""
    return len(clip["parts"])
