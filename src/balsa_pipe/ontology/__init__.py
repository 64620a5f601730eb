"""AudioSet's ontology: which sounds are kinds of which, by the names that data sets give them."""

import csv
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, cached_property, lru_cache
from graphlib import TopologicalSorter
from importlib.resources import files
from typing import Self

from balsa_pipe.text import bases, normalise, same_word, words

_GLOSS = re.compile(r"\s*\([^)]*\)$")
_NO_EVENTS = ("Channel, environment and background", "Silence")
"""Nodes that are, with all their kinds, no sound events but the circumstances of some."""


@dataclass(frozen=True, slots=True)
class Sound:
    """One node: its name as published, its parents' ids, and its restrictions.

    restrictions: "abstract" (a heading that was no label), "blacklist" (left out of the labels).
    """

    id: str
    name: str
    parents: tuple[str, ...] = ()
    restrictions: frozenset[str] = frozenset()


@dataclass(frozen=True, eq=False)
class Ontology:
    """A directed acyclic graph of sounds, by id, and everyday words for some.

    A sound word means a node if it is the node's name, the name without its gloss ("siren" is not
    "ambulance (siren)", "ambulance" is), or one of the name's comma parts, which are synonyms; it
    may mean several ("bass"). FSD50K's spelling with "and" in place of the comma counts too. What
    has none of these spellings may still be another number or tense of one, or an everyday word.
    Source: Gemmeke et al., Audio Set: An ontology and human-labeled dataset for audio events, 2017.
    """

    sounds: dict[str, Sound]
    everyday: Mapping[str, Sequence[str]] = field(default_factory=dict)

    @classmethod
    def from_sounds(
        cls, sounds: Iterable[Sound], everyday: Mapping[str, Sequence[str]] | None = None
    ) -> Self:
        """Return the ontology of these sounds; CycleError or KeyError when they make no DAG."""
        ontology = cls({sound.id: sound for sound in sounds}, everyday or {})
        _ = ontology._above
        return ontology

    def meanings(self, word: str) -> frozenset[str]:
        """Return the ids of the nodes that a sound word means; empty: it isn't in the ontology."""
        return self._meanings(normalise(word))

    def senses(self, word: str) -> frozenset[str]:
        """Return the ids of all nodes that a sound word may mean, other forms of it counted too."""
        return self._senses(normalise(word))

    def named(self, text: str) -> frozenset[str]:
        """Return the ids of all nodes that some words of a text mean, in any number or tense."""
        tokens = words(text)
        found = (self._named_at(tokens[start:]) for start in range(len(tokens)))
        return frozenset(node for names in found for _, nodes in names for node in nodes)

    def spellings(self, node: str) -> tuple[str, ...]:
        """Return a node's names, normalised, the published one first."""
        return _spellings(self.sounds[node].name)

    def published(self, word: str) -> str:
        """Return the published name, normalised, for a spelling of all of it; else the word's."""
        return self._published.get(normalise(word), normalise(word))

    def above(self, node: str) -> frozenset[str]:
        """Return the ids of all that a node is a kind of, itself left out."""
        return self._above[node]

    def siblings(self, node: str) -> frozenset[str]:
        """Return the ids of the nodes that share a parent with this one, itself left out."""
        parents = set(self.sounds[node].parents)
        beside = (one.id for one in self.sounds.values() if not parents.isdisjoint(one.parents))
        return frozenset(beside) - {node}

    def is_event(self, node: str) -> bool:
        """Tell whether a node is a sound: no heading, no setting, no silence."""
        chain = {node, *self.above(node)}
        return not self.sounds[node].restrictions and not any(
            self.sounds[one].name in _NO_EVENTS for one in chain
        )

    @cached_property
    def _meanings(self) -> Callable[[str], frozenset[str]]:
        known = self._by_spelling
        return lambda spelling: known.get(spelling) or self._senses(spelling)

    @cached_property
    def _senses(self) -> Callable[[str], frozenset[str]]:
        return lru_cache(maxsize=65536)(self._look_up)

    def _look_up(self, spelling: str) -> frozenset[str]:
        tokens = words(spelling)
        found = self._named_at(tokens) if tokens else ()
        return frozenset().union(*(nodes for name, nodes in found if len(name) == len(tokens)))

    def _named_at(self, tokens: Sequence[str]) -> Iterator[tuple[tuple[str, ...], frozenset[str]]]:
        """Yield the names that the words begin with, and their meanings."""
        for base in bases(tokens[0]):
            for name, nodes in self._by_first_word.get(base, ()):
                if len(name) <= len(tokens) and all(map(same_word, name, tokens)):
                    yield name, nodes

    @cached_property
    def _by_spelling(self) -> dict[str, frozenset[str]]:
        exact = {normalise(one.name): frozenset({one.id}) for one in self.sounds.values()}
        return self._by_looser_spelling | exact

    @cached_property
    def _by_looser_spelling(self) -> dict[str, frozenset[str]]:
        looser: dict[str, frozenset[str]] = {}
        for one in self.sounds.values():
            for spelling in _spellings(one.name):
                looser[spelling] = looser.get(spelling, frozenset()) | {one.id}
        return looser

    @cached_property
    def _by_first_word(self) -> dict[str, list[tuple[tuple[str, ...], frozenset[str]]]]:
        """All names, in words, with their meanings, by each form that the first may be of."""
        spelled = self._by_looser_spelling
        everyday = {
            word: frozenset().union(*(self._by_spelling[name] for name in names))
            for word, names in self.everyday.items()
        }
        by_first: dict[str, list[tuple[tuple[str, ...], frozenset[str]]]] = {}
        for spelling, nodes in [*spelled.items(), *everyday.items()]:
            name = tuple(words(spelling))
            for base in bases(name[0]):
                by_first.setdefault(base, []).append((name, nodes))
        return by_first

    @cached_property
    def _published(self) -> dict[str, str]:
        names = (normalise(one.name) for one in self.sounds.values())
        return {_with_and(name): name for name in names if len(_parts(name)) > 1}

    @cached_property
    def _above(self) -> dict[str, frozenset[str]]:
        graph = {one.id: one.parents for one in self.sounds.values()}
        above: dict[str, frozenset[str]] = {}
        for node in TopologicalSorter(graph).static_order():
            parents = graph[node]
            above[node] = frozenset(parents).union(*(above[parent] for parent in parents))
        return above


@dataclass(frozen=True, eq=False)
class OntologyRelations:
    """Kinds as an ontology tells them, for the sound words that it has."""

    ontology: Ontology

    def ancestors(self, sound: str) -> frozenset[str]:
        """Return all names of the sounds that this one is a kind of, itself left out."""
        nodes = self.ontology.meanings(sound)
        above = frozenset[str]().union(*map(self.ontology.above, nodes)) - nodes
        return frozenset(name for node in above for name in self.ontology.spellings(node))

    def is_a(self, sound: str, kind: str) -> bool:
        """Tell whether the sounds are the same or synonyms, or all that one means is of a kind."""
        nodes, kinds = self.ontology.meanings(sound), self.ontology.meanings(kind)
        return normalise(sound) == normalise(kind) or (
            bool(nodes) and all(self._is_under(node, kinds) for node in nodes)
        )

    def may_be(self, sound: str, kind: str) -> bool:
        """Tell whether in some sense the sounds are the same, or one is a kind of the other.

        Of a label that isn't in the ontology ("steam train") the words count that are.
        """
        kinds = self._nodes(kind)
        return normalise(sound) == normalise(kind) or any(
            self._is_under(node, kinds) for node in self._nodes(sound)
        )

    def related(self, one: str, other: str) -> bool:
        """Tell whether the sounds are the same or synonyms, or one may be a kind of the other."""
        return self.may_be(one, other) or self.may_be(other, one)

    def _is_under(self, node: str, kinds: frozenset[str]) -> bool:
        return node in kinds or not kinds.isdisjoint(self.ontology.above(node))

    def _nodes(self, sound: str) -> frozenset[str]:
        return self.ontology.senses(sound) or self.ontology.named(sound)


@cache
def audioset() -> Ontology:
    """Return AudioSet's ontology: 632 nodes, 7 roots, 38 nodes with several parents."""
    sounds = (
        Sound(
            row["id"],
            row["name"],
            tuple(row["parents"].split()),
            frozenset(row["restrictions"].split()),
        )
        for row in _table("audioset.csv")
    )
    return Ontology.from_sounds(sounds, everyday())


@cache
def everyday() -> dict[str, tuple[str, ...]]:
    """Return words that people use, and AudioSet's names of what they may mean."""
    return {row["word"]: tuple(row["names"].split(";")) for row in _table("everyday.csv")}


def _table(name: str) -> Iterator[dict[str, str]]:
    text = files(__name__).joinpath(name).read_text(encoding="utf-8")
    yield from csv.DictReader(line for line in text.splitlines() if not line.startswith("#"))


def _spellings(name: str) -> tuple[str, ...]:
    whole = normalise(name)
    return tuple(dict.fromkeys([whole, _bare(whole), _with_and(whole), *_parts(whole)]))


def _bare(name: str) -> str:
    return _GLOSS.sub("", name)


def _parts(name: str) -> list[str]:
    return [part.strip().removeprefix("and ") for part in _bare(name).split(",")]


def _with_and(name: str) -> str:
    return " and ".join(_parts(name))
