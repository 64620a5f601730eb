"""Which sounds are kinds of which, as AudioSet's ontology and a corpus's own labels tell."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Self

from balsa_pipe.ontology import Ontology, OntologyRelations

_CHANCE = 0.001
"""Labels tell of a kind if it is less likely than this that it was beside a sound by chance."""
_EVERY = 10
"""A label that so many clips or more all have is taken for a heading: it tells none from another."""


@dataclass(frozen=True)
class LabelRelations:
    """Kinds as the labels tell them: what all clips with a sound share, and others have too."""

    kinds: dict[str, frozenset[str]]

    @classmethod
    def from_labels(cls, clips: Iterable[Sequence[str]]) -> Self:
        """Return the relations of clips, each given by its labels, that hold a sound's ancestors.

        A is an ancestor of B if every clip labelled B is labelled A too, A has clips without B, and
        clips are too many for that to be chance: as many draws would hardly all hit one with A.
        """
        rows = list(clips)
        counts = Counter(sound for labels in rows for sound in set(labels))
        shared: dict[str, set[str]] = {}
        for labels in rows:
            for sound in labels:
                shared.setdefault(sound, set(labels)).intersection_update(labels)

        def is_kind(kind: str, sound: str) -> bool:
            n = counts[sound]
            is_heading = counts[kind] == len(rows) >= _EVERY
            return counts[kind] > n and (is_heading or (counts[kind] / len(rows)) ** n < _CHANCE)

        return cls(
            {
                sound: frozenset(kind for kind in kinds if is_kind(kind, sound))
                for sound, kinds in shared.items()
            }
        )

    def ancestors(self, sound: str) -> frozenset[str]:
        """Return the sounds that this one is a kind of, itself left out."""
        return self.kinds.get(sound, frozenset())


@dataclass(frozen=True)
class Relations:
    """Kinds as an ontology tells them or, of a sound that it doesn't have, the labels."""

    ontology: Ontology
    labels: LabelRelations

    def ancestors(self, sound: str) -> frozenset[str]:
        """Return the names of the sounds that this one is a kind of, itself left out."""
        return self._tree.ancestors(sound) | self._told(sound)

    def is_a(self, sound: str, kind: str) -> bool:
        """Tell whether the sounds are the same or synonyms, or one is a kind of the other."""
        return self._tree.is_a(sound, kind) or kind in self._told(sound)

    def may_be(self, sound: str, kind: str) -> bool:
        """Tell whether in some sense the sounds are the same, or one is a kind of the other."""
        return self._tree.may_be(sound, kind) or kind in self._told(sound)

    def related(self, one: str, other: str) -> bool:
        """Tell whether the sounds are the same or synonyms, or one may be a kind of the other."""
        return self.may_be(one, other) or self.may_be(other, one)

    def named(self, text: str) -> frozenset[str]:
        """Return the names of the ontology's sounds that a text mentions, in any number or tense."""
        return frozenset(self.ontology.spellings(node)[0] for node in self.ontology.named(text))

    def are_siblings(self, one: str, other: str) -> bool:
        """Tell whether the sounds share a parent in the ontology."""
        others = self.ontology.meanings(other)
        return any(
            not others.isdisjoint(self.ontology.siblings(node))
            for node in self.ontology.meanings(one)
        )

    def is_event(self, sound: str) -> bool:
        """Tell whether a label is a sound, not a heading, a setting or silence."""
        nodes = self.ontology.meanings(sound)
        return not nodes or any(map(self.ontology.is_event, nodes))

    @property
    def _tree(self) -> OntologyRelations:
        return OntologyRelations(self.ontology)

    def _told(self, sound: str) -> frozenset[str]:
        """Return the kinds that only the labels can tell of."""
        known = bool(self.ontology.meanings(sound))
        told = self.labels.ancestors(sound)
        return frozenset(kind for kind in told if not (known and self.ontology.meanings(kind)))
