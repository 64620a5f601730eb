"""Absent sounds that aren't absent, and questions on what is no sound. No code of balsa_pipe."""

from collections.abc import Iterable, Iterator
from typing import Any

from ontology_walk import Ontology, Stems, ontology, singular_words, stems

Row = dict[str, Any]

WRONG = ("label", "synonym", "ancestor", "descendant", "in_caption")
NEGATIVES_TOLD = ("absence", "presence_absence", "presence_qa")
NO_SOUNDS = ("Acoustic environment", "Silence")
"""Nodes of AudioSet that stand, with all below them, for places and for nothing to hear."""


def wrong_negatives(row: Row) -> Iterator[tuple[str, str]]:
    """Yield each absent sound that one of the row's clips has: in which way (of WRONG), and the sound.

    Only tasks that tell the LLM what is absent are looked at; in the others the list is the judge's.
    Words are compared as written, letter case, punctuation and plural aside.
    """
    known = ontology()
    if row["task"] not in NEGATIVES_TOLD:
        return
    for sound in row["expected"]["absent"]:
        ways = {way for clip in row["clips"] if (way := how_present(sound, clip, known))}
        if ways:
            yield min(ways, key=WRONG.index), sound


def how_present(sound: str, clip: Row, known: Ontology) -> str | None:
    """Return the first of WRONG that holds of a sound and a clip; None: the sound is absent."""
    sources = [part["labels"] for part in clip["parts"]] or [clip["labels"]]
    labels = {label for source in [clip["labels"], *sources] for label in source}
    if singular_words(sound) in map(singular_words, labels):
        return "label"
    meant = known.exact_nodes(sound)
    nodes = [known.exact_nodes(label) for label in labels]
    if any(meant & one for one in nodes):
        return "synonym"
    if any(meant & known.surely_above(one) for one in nodes):
        return "ancestor"
    if any(one & known.above(meant) for source in sources for one in narrowest(source, known)):
        return "descendant"
    captions = [*clip["captions"], *(text for part in clip["parts"] for text in part["captions"])]
    if any(contains(stems(caption), stems(sound)) for caption in captions):
        return "in_caption"
    return None


def narrowest(labels: Iterable[str], known: Ontology) -> list[frozenset[str]]:
    """Return the labels that no other one explains: "instrument" beside "piano" is the piano.

    A label that AudioSet has no word for may explain any other: "farm animal" beside "cow".
    """
    nodes = [known.exact_nodes(label) for label in labels]
    if not all(nodes):
        return []
    above = [known.above(one) | known.above(birds(one, known)) for one in nodes]
    return [
        one
        for one in nodes
        if not any(one & higher for other, higher in zip(nodes, above, strict=True) if other != one)
    ]


def birds(nodes: frozenset[str], known: Ontology) -> frozenset[str]:
    """Return the bird that fowl are, which AudioSet knows as livestock alone."""
    return known.nodes("bird") if known.above(nodes) & known.nodes("fowl") else frozenset()


def contains(text: Stems, phrase: Stems) -> bool:
    """Tell whether a phrase's words stand next to each other in a text."""
    size = len(phrase)
    return any(text[at : at + size] == phrase for at in range(len(text) - size + 1))


def asks_for_no_sound(row: Row) -> bool:
    """Tell whether a closed question asks for a heading of AudioSet, for a place or for silence."""
    known = ontology()
    asked = [*row["expected"]["absent"], *row["expected"]["present"]][:1]
    nodes = known.exact_nodes(asked[0]) if asked else frozenset()
    return bool(nodes) and nodes <= known.abstract | known.below(
        node for node, name in known.names.items() if name in NO_SOUNDS
    )
