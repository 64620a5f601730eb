"""Which test clips a sound is asked of: as many that lack it as hold it, drawn by hash."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import ceil
from typing import Any

from balsa_pipe.hashing import digest, ranked, seed
from balsa_pipe.schemas import Row
from balsa_pipe.vocabulary import Vocabulary, sounds_of


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
class Pool:
    """The clips to ask for one sound: as many without it, by strategy, as with it."""

    sound: str
    present: list[Row]
    absent: dict[str, list[Row]]


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


def draw_pools(
    stock: Stock, vocabulary: Vocabulary, limits: Limits, strategies: Iterable[str]
) -> list[Pool]:
    """Return a pool for each sound that may be asked for; rarer sounds have no popular strategy."""
    names = [sound for sound in vocabulary.sounds if _is_askable(sound, stock, vocabulary, limits)]
    popular = popular_half(names, vocabulary.counts)
    return [
        _pool(sound, stock, vocabulary, limits.max_per_sound, asked)
        for sound in names
        if (asked := [one for one in strategies if one != "popular" or sound in popular])
    ]


def _is_askable(sound: str, stock: Stock, vocabulary: Vocabulary, limits: Limits) -> bool:
    return (
        vocabulary.recordings[sound] >= limits.min_train_recordings
        and len(stock.present.get(sound, [])) >= limits.min_test_clips
        and bool(stock.absent.get(sound))
    )


def _pool(
    sound: str, stock: Stock, vocabulary: Vocabulary, n_max: int, strategies: Iterable[str]
) -> Pool:
    absent = stock.absent[sound]
    present = stock.present[sound][: min(n_max, len(absent))]
    tempting = sorted(  # stable: hash order where two clips are alike
        absent, key=lambda clip: affinity(clip, sound, vocabulary), reverse=True
    )
    orders = {name: tempting if name == "adversarial" else absent for name in strategies}
    return Pool(sound, present, {name: matched(orders[name], present) for name in orders})


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


def matched(order: Iterable[Row], models: Sequence[Row]) -> list[Row]:
    """Return another clip for each model, the first in order with as many parts, else the first.

    So that telling a scene from a single recording answers nothing.
    """
    left = list(order)
    picked: dict[int, Row] = {}
    for same_parts in (True, False):
        for index, model in enumerate(models):
            fits = (c for c in left if not same_parts or n_parts(c) == n_parts(model))
            if index not in picked and (clip := next(fits, None)) is not None:
                picked[index] = clip
                left.remove(clip)
    return [picked[index] for index in range(len(models))]


def alike(others: Sequence[Row], clip: Row, *salt: Any) -> Row:
    """Return one of the others by hash, with as many parts as the clip where there is one."""
    fits = [other for other in others if n_parts(other) == n_parts(clip)] or others
    return fits[seed("swapped", *salt) % len(fits)]


def in_turns(pools: Iterable[Pool], *salt: Any) -> list[tuple[Pool, int]]:
    """Return every (pool, k) for its k-th clips, the first of all sounds before any second."""
    turns = [(pool, k) for pool in pools for k in range(len(pool.present))]
    return sorted(turns, key=lambda turn: (turn[1], digest(*salt, turn[0].sound)))


def clip_id(clip: Row) -> str:
    """Return a clip's id."""
    return str(clip["clip_id"])


def n_parts(clip: Row) -> int:
    """Return how many recordings were mixed into a clip; 0 for a single one."""
    return len(clip["parts"])
