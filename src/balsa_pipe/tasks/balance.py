"""A stable matching of clips, which wish for sounds, and sounds, which go to so many clips."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from heapq import heappop, heappush
from typing import Any

from balsa_pipe.hashing import unit


@dataclass(frozen=True, slots=True)
class Wishes:
    """The sounds that a clip would take, best first, and how many of them."""

    sounds: Sequence[str]
    places: int


def match(
    wishes: Mapping[str, Wishes], quota: Mapping[str, int], *salt: Any
) -> dict[str, list[str]]:
    """Return the sounds each clip gets, so that no sound is given more often than its quota.

    Deferred acceptance (Gale and Shapley): a sound that too many clips wish for keeps those of
    smallest hash, the others go on to their next wish. The outcome does not depend on the order
    of the clips, and a clip more or less changes few of the others'.
    """
    holders: dict[str, list[tuple[float, str]]] = {sound: [] for sound in quota}
    asked, given = Counter[str](), Counter[str]()
    waiting = list(wishes)
    while waiting:
        clip = waiting.pop()
        wish = wishes[clip]
        while given[clip] < wish.places and asked[clip] < len(wish.sounds):
            sound = wish.sounds[asked[clip]]
            asked[clip] += 1
            given[clip] += 1
            heappush(holders[sound], (-unit(*salt, sound, clip), clip))
            if len(holders[sound]) > quota[sound]:
                loser = heappop(holders[sound])[1]
                given[loser] -= 1
                if loser != clip:
                    waiting.append(loser)
    return _by_clip(holders)


def _by_clip(holders: Mapping[str, list[tuple[float, str]]]) -> dict[str, list[str]]:
    sounds: dict[str, list[str]] = {}
    for sound in sorted(holders):
        for _, clip in holders[sound]:
            sounds.setdefault(clip, []).append(sound)
    return sounds
