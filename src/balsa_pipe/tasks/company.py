"""Which clips can stand beside a clip: hash drawn from its split, alike, unlike, or either."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import chain, islice

import numpy as np

from balsa_pipe.config import Likeness
from balsa_pipe.hashing import digest, digest_after, exponential, unit
from balsa_pipe.ontology import audioset
from balsa_pipe.schemas import Row
from balsa_pipe.text import content_bases
from balsa_pipe.vocabulary import Vocabulary, captions_of, sounds_of

_POSITIONS = 8
_LOOKED_AT = 256
_TOPICS_TRIED = 4
"""A draw ends after so many clips and topics, however large the corpus is."""


class Ring:
    """Clips at hash positions on a circle: a draw costs no more in a large corpus than in a small.

    A clip added to the corpus changes only the draws that fall on it.
    """

    def __init__(self, clips: Sequence[Row], points: np.ndarray) -> None:
        """Put each clip at its positions: one line of them a clip, shape (clips, positions)."""
        order = np.argsort(points, axis=None, kind="stable")
        self._clips = clips
        self._points = points.ravel()[order]
        self._owners = order // points.shape[1]

    def after(self, *salt: object) -> Iterator[Row]:
        """Yield clips onwards from the point that the salt falls on, once round; they may recur."""
        start = np.searchsorted(self._points, unit(*salt))
        for owner in chain(self._owners[start:], self._owners[:start]):
            yield self._clips[owner]


def ring_points(clips: Iterable[Row], rng_seed: int) -> np.ndarray:
    """Return the positions of each clip, shape (clips, 8); several of them make the draws even."""
    size = 8 * _POSITIONS
    hashes = bytes.fromhex("".join(digest(rng_seed, clip["clip_id"], size=size) for clip in clips))
    return np.frombuffer(hashes, ">u8").reshape(-1, _POSITIONS) / 2**64


@dataclass(frozen=True, slots=True)
class Traits:
    """What two clips may have in common, as far as their texts tell."""

    labels: frozenset[str]
    specific: frozenset[str]
    words: frozenset[str]
    kinds: frozenset[str]
    """Ids of the ontology's sounds that its labels are, or are kinds of; labels that it hasn't."""
    topics: frozenset[str]
    """What similar clips share: kinds but for the widest; without labels, words."""
    whole: frozenset[str]
    """What can't tell the clip from others that have it: "dog" where nothing else is heard."""


class Company:
    """The clips of one split, to draw partners from."""

    def __init__(self, clips: Sequence[Row], vocabulary: Vocabulary, rng_seed: int) -> None:
        """Put all clips on a ring; those of one topic get a ring of their own when needed."""
        self._clips = sorted(clips, key=lambda clip: str(clip["clip_id"]))
        self._rng_seed = rng_seed
        self._vocabulary = vocabulary
        self._points = ring_points(self._clips, rng_seed)
        self._everyone = Ring(self._clips, self._points)
        self._traits_of_texts = lru_cache(2**17)(self._read)
        self._related = lru_cache(2**20)(vocabulary.relations.related)
        self._ring_of = lru_cache(2**12)(self._make_ring)

    def partners(
        self, clip: Row, n: int, wanted: Likeness, *salt: object
    ) -> tuple[Likeness, list[Row]]:
        """Return n clips that can be told from the clip and from each other, and how they were drawn.

        Where there are no n clips as wanted, they are drawn at random; fewer than n: the corpus has
        no more, or none among the first 256 of the ring.
        """
        salt = (self._rng_seed, *salt, clip["clip_id"])
        if wanted != "random":
            for ring in self._rings(clip, wanted, salt):
                found = self._distinct(clip, ring.after(*salt), n, wanted)
                if len(found) == n:
                    return wanted, found
        return "random", self._distinct(clip, self._everyone.after(*salt), n, "random")

    def _rings(self, clip: Row, wanted: Likeness, salt: tuple[object, ...]) -> Iterator[Ring]:
        """Yield where to look: all clips or, for similar ones, a few topics, rare ones sooner."""
        if wanted == "dissimilar":
            yield self._everyone
            return
        members = self._members
        traits = self._traits(clip)
        same = max((len(members[topic]) for topic in traits.whole), default=1)
        shared = [topic for topic in traits.topics - traits.whole if len(members[topic]) > same]
        of = digest_after(*salt)
        shared.sort(key=lambda topic: (exponential(of(topic)) * len(members[topic]), topic))
        yield from map(self._ring_of, shared[:_TOPICS_TRIED])

    @cached_property
    def _members(self) -> dict[str, list[int]]:
        members: dict[str, list[int]] = {}
        for index, clip in enumerate(self._clips):
            for topic in self._traits(clip).topics:
                members.setdefault(topic, []).append(index)
        return members

    def _make_ring(self, topic: str) -> Ring:
        members = self._members[topic]
        return Ring([self._clips[index] for index in members], self._points[members])

    def _distinct(
        self, clip: Row, candidates: Iterator[Row], n: int, wanted: Likeness
    ) -> list[Row]:
        chosen = [clip]
        for candidate in islice(candidates, _LOOKED_AT):
            if all(self._fit(candidate, one, wanted) for one in chosen):
                chosen.append(candidate)
            if len(chosen) > n:
                break
        return chosen[1:]

    def _fit(self, one: Row, other: Row, wanted: Likeness) -> bool:
        """Tell whether two clips can be told apart and, unless similar ones are wanted, clearly so."""
        if one["clip_id"] == other["clip_id"]:
            return False
        a, b = self._traits(one), self._traits(other)
        apart = {
            "similar": True,
            "random": a.specific.isdisjoint(b.labels) and a.labels.isdisjoint(b.specific),
            "dissimilar": a.kinds.isdisjoint(b.kinds) and a.words.isdisjoint(b.words),
        }
        return (
            apart[wanted]
            and set(one["recordings"]).isdisjoint(other["recordings"])
            and self._has_its_own(a, b)
            and self._has_its_own(b, a)
        )

    def _has_its_own(self, a: Traits, b: Traits) -> bool:
        """Tell whether one clip has what the other lacks: a specific sound or, without labels, a word."""
        if not (a.labels and b.labels):
            return not a.words <= b.words
        return any(not any(self._related(s, other) for other in b.specific) for s in a.specific)

    def _traits(self, clip: Row) -> Traits:
        return self._traits_of_texts(tuple(clip["labels"]), tuple(captions_of(clip)))

    def _read(self, labels: tuple[str, ...], captions: tuple[str, ...]) -> Traits:
        sounds = sounds_of({"labels": labels})
        specific = self._vocabulary.specific(sounds)
        kinds = frozenset[str]().union(*map(_kinds_of, sounds))
        words = content_bases(" ".join([*sounds, *captions]))
        return Traits(
            labels=frozenset(sounds),
            specific=frozenset(specific),
            words=words,
            kinds=kinds,
            topics=kinds - _headings() if sounds else words,
            whole=frozenset(k for k in kinds if all(k in _names_of(s) for s in specific)),
        )


def _names_of(sound: str) -> frozenset[str]:
    return audioset().meanings(sound) or frozenset({sound})


@lru_cache(2**16)
def _kinds_of(sound: str) -> frozenset[str]:
    above = (audioset().above(node) for node in audioset().meanings(sound))
    return _names_of(sound).union(*above)


@lru_cache(1)
def _headings() -> frozenset[str]:
    """Return the tops of the ontology that are no sounds, as "sounds of things": too wide a likeness."""
    every = audioset().sounds.values()
    return frozenset(one.id for one in every if not one.parents and one.restrictions)
