"""The sound words of a corpus: how often, together with what, and which a clip certainly lacks."""

import re
from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from heapq import nsmallest
from itertools import groupby, permutations
from typing import Any, Self, TypeVar

from balsa_pipe.config import Strategy
from balsa_pipe.hashing import digest_after, exponential
from balsa_pipe.ontology import audioset
from balsa_pipe.relations import LabelRelations, Relations
from balsa_pipe.schemas import Row
from balsa_pipe.text import content_bases, names, words

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")

_BRACKETS = re.compile(r"\(([^)]*)\)")
_REMEMBERED = 16384
"""How many clips' absent sounds are kept in memory: 100 MB with all labels of AudioSet."""


@dataclass(frozen=True, eq=False)
class Vocabulary:
    """The sounds of the training clips, with counts, and counts of two in one clip.

    recordings counts the different recordings of a sound: scenes are made of the same ones again.
    """

    counts: Counter[str]
    recordings: Counter[str]
    together: dict[str, Counter[str]]
    relations: Relations

    @classmethod
    def from_clips(cls, clips: Iterable[Row]) -> Self:
        """Return the vocabulary of the training clips among these, blind to other splits."""
        train = [clip for clip in clips if clip["split"] == "train"]
        counts: Counter[str] = Counter()
        together: dict[str, Counter[str]] = {}
        for labels in map(sounds_of, train):
            counts.update(labels)
            for one, other in permutations(labels, 2):
                together.setdefault(one, Counter())[other] += 1
        single = [clip for clip in train if not clip["parts"]]
        heard = {
            (sound, name)
            for clip in single
            for sound in sounds_of(clip)
            for name in clip["recordings"]
        }
        recordings = Counter(sound for sound, _ in heard)
        # Scenes say nothing of kinds: what they bring together is chance.
        relations = Relations(audioset(), LabelRelations.from_labels(map(sounds_of, single)))
        return cls(counts, recordings, together, relations)

    @cached_property
    def sounds(self) -> list[str]:
        """All sounds, in alphabetical order."""
        return sorted(self.counts)

    @cached_property
    def askable(self) -> frozenset[str]:
        """The sounds that a clip may be said to have or to lack: no headings, settings, silence."""
        return frozenset(s for s in self.sounds if self.relations.is_event(s) and _bases_of(s))

    def specific(self, labels: Iterable[str]) -> list[str]:
        """Return the labels that no other of them is a kind of, in their order."""
        sounds = tuple(_normalised(labels))
        general = self._general[sounds]
        return [sound for sound in sounds if sound not in general]

    def general(self, labels: Iterable[str]) -> list[str]:
        """Return the labels that another of them is a kind of, the narrowest first."""
        general = self._general[tuple(_normalised(labels))]
        return sorted(general, key=lambda sound: (self.counts[sound], sound))

    def spoken(self, sound: str) -> str:
        """Return what a label is called in a sentence: its first name, without commas and brackets.

        Where another sound has that name too, what tells them apart is added: "wind howl".
        """
        return self._spoken[sound]

    def absent_candidates(self, clip: Row) -> list[str]:
        """Return the sounds that the clip certainly lacks, as far as its texts tell.

        That is no label of it nor what a label is a kind of; no kind of a specific label, of the
        clip or of a part; nothing that a caption names, nor kinds of that, nor what it is a kind
        of. Nor has it a content word that a label or a caption has. Words of a kind that both
        belong to don't count: a snare drum is known to be another drum than a bass drum.
        """
        sources = (clip, *clip["parts"])
        texts = tuple(tuple(sounds_of(source)) for source in sources), tuple(captions_of(clip))
        return list(self._candidates(*texts))

    def draw_absent(self, clip: Row, strategy: Strategy, n: int, *salt: Any) -> list[str]:
        """Return up to n sounds that the clip lacks, best first, as POPE's names usually mean it.

        random: every candidate alike. popular: the frequent ones, each drawn in proportion to its
        count. adversarial: those that most often come with the clip's specific labels, then those
        that share most ancestors with them. hard: siblings of the specific labels in the ontology,
        no others; there may be none.
        """
        salt = (*salt, strategy, clip["clip_id"])
        candidates = self.absent_candidates(clip)
        of = digest_after(*salt)
        if strategy == "popular":  # weighted rendezvous hashing: chances in proportion to counts
            counts = self.counts
            return nsmallest(n, candidates, lambda sound: exponential(of(sound)) / counts[sound])
        if strategy == "adversarial":
            return _first(n, candidates, self._kin(clip), of)
        if strategy == "hard":
            beside = _union(self._siblings[label] for label in self.specific(clip["labels"]))
            candidates = [sound for sound in candidates if sound in beside]
        return nsmallest(n, candidates, of)

    def _kin(self, clip: Row) -> Callable[[str], tuple[int, int]]:
        """Return the key that puts first what usually comes with the clip's specific labels."""
        specific = self.specific(clip["labels"])
        companions = Counter[str]()
        for label in specific:
            companions.update(self.together.get(label, {}))
        kinds = _union(self._ancestors[label] for label in specific)
        return lambda sound: (-companions[sound], -len(kinds & self._ancestors[sound]))

    @cached_property
    def _candidates(self) -> Callable[..., tuple[str, ...]]:
        return lru_cache(maxsize=_REMEMBERED)(self._lacking)

    def _lacking(
        self, sources: tuple[tuple[str, ...], ...], captions: tuple[str, ...]
    ) -> tuple[str, ...]:
        """Return the sounds that aren't in a clip of these labels, its own first, then its parts'."""
        labels = frozenset(label for source in sources for label in source)
        specific = {label for source in sources for label in self.specific(source)}
        told = (name for caption in captions for name in self._named[caption])
        held = _union(
            (
                labels,
                *(self._kinds[label] for label in labels),
                *(self._relatives[name] for name in (*specific, *told)),
            )
        )
        said = content_bases(" ".join([*labels, *captions]))
        worded = _union(self._by_word.get(word, frozenset()) for word in said)
        return tuple(
            sound
            for sound in sorted(self.askable - held)
            if sound not in worded or self._has_word_of_its_own(sound, labels, said)
        )

    def _has_word_of_its_own(
        self, sound: str, labels: frozenset[str], said: frozenset[str]
    ) -> bool:
        shared = (_bases_of(kind) for kind in self._ancestors[sound] & labels)
        own = _bases_of(sound).difference(*shared)
        return bool(own) and own.isdisjoint(said)

    @cached_property
    def _by_word(self) -> dict[str, frozenset[str]]:
        """The sounds that have a content word, by each form that it may be of."""
        found: dict[str, set[str]] = {}
        for sound in self.sounds:
            for base in _bases_of(sound):
                found.setdefault(base, set()).add(sound)
        return {base: frozenset(sounds) for base, sounds in found.items()}

    @cached_property
    def _general(self) -> "_Memo[tuple[str, ...], frozenset[str]]":
        """The labels of a clip that others of them are kinds of."""
        is_a = self.relations.is_a
        return _Memo(
            lambda labels: frozenset(
                kind
                for one, kind in permutations(labels, 2)
                if is_a(one, kind) and not is_a(kind, one)
            )
        )

    @cached_property
    def _ancestors(self) -> "_Memo[str, frozenset[str]]":
        return _Memo(self.relations.ancestors)

    @cached_property
    def _kinds(self) -> "_Memo[str, frozenset[str]]":
        return self._those(self.relations.may_be)

    @cached_property
    def _relatives(self) -> "_Memo[str, frozenset[str]]":
        return self._those(self.relations.related)

    @cached_property
    def _siblings(self) -> "_Memo[str, frozenset[str]]":
        return self._those(self.relations.are_siblings)

    def _those(self, holds: Callable[[str, str], bool]) -> "_Memo[str, frozenset[str]]":
        """Return, for each label, the sounds that stand in a relation to it."""
        return _Memo(lambda label: frozenset(s for s in self.sounds if holds(label, s)))

    @cached_property
    def _named(self) -> "_Memo[str, frozenset[str]]":
        return _Memo(self.relations.named)

    @cached_property
    def _spoken(self) -> "_Memo[str, str]":
        return _Memo(self._find_spoken)

    def _find_spoken(self, sound: str) -> str:
        wordings = list(_wordings(_one_spelling(sound)))
        return next((one for one in wordings if self._means_only(one, sound)), wordings[-1])

    def _means_only(self, wording: str, sound: str) -> bool:
        """Tell whether no other sound of the vocabulary or of the ontology has a name."""
        meant = self.relations.ontology.meanings
        others = self._by_name.get(wording, set[str]())
        return (
            wording == _one_spelling(sound) or not meant(sound) or meant(wording) <= meant(sound)
        ) and all(other == sound or meant(other) & meant(sound) for other in others)

    @cached_property
    def _by_name(self) -> dict[str, set[str]]:
        found: dict[str, set[str]] = {}
        for sound in self.sounds:
            for name in names(sound):
                found.setdefault(name, set()).add(sound)
        return found


def _first(
    n: int, sounds: Sequence[str], key: Callable[[str], tuple[int, int]], tie: Callable[[str], str]
) -> list[str]:
    """Return the n sounds of smallest key; ties are broken only among those that may be of them."""
    keyed = sorted((key(sound), sound) for sound in sounds)
    found: list[str] = []
    for _, equals in groupby(keyed, lambda one: one[0]):
        if len(found) >= n:
            break
        found += sorted((sound for _, sound in equals), key=tie)
    return found[:n]


class _Memo(dict[K, V]):
    """What a function returns, asked once for each argument."""

    def __init__(self, ask: Callable[[K], V]) -> None:
        super().__init__()
        self._ask = ask

    def __missing__(self, argument: K) -> V:
        answer = self[argument] = self._ask(argument)
        return answer


def sounds_of(clip: Row) -> list[str]:
    """Return a clip's labels, normalised, each once, in their order."""
    return _normalised(clip["labels"])


def captions_of(clip: Row) -> list[str]:
    """Return the captions of a clip and of its parts."""
    return [caption for one in (clip, *clip["parts"]) for caption in one["captions"]]


def _normalised(labels: Iterable[str]) -> list[str]:
    return [sound for sound in dict.fromkeys(map(_one_spelling, labels)) if _has_word(sound)]


def _wordings(label: str) -> Iterator[str]:
    """Yield what a label may be called, the shortest first."""
    glosses = " ".join(_BRACKETS.findall(label))
    parts = names(label) or [label]
    yield _plainly(parts[0])
    yield _plainly(f"{glosses} {parts[0]}" if glosses else " ".join(parts))
    yield _plainly(f"{glosses} {' '.join(parts)}")


def _plainly(name: str) -> str:
    return " ".join(re.sub(r"[(),]", " ", name).split())


def _union(sets: Iterable[frozenset[str]]) -> frozenset[str]:
    return frozenset[str]().union(*sets)


@lru_cache(maxsize=65536)
def _one_spelling(label: str) -> str:
    return audioset().published(label)


@lru_cache(maxsize=65536)
def _has_word(sound: str) -> bool:
    return bool(words(sound))


@lru_cache(maxsize=65536)
def _bases_of(sound: str) -> frozenset[str]:
    return content_bases(sound)
