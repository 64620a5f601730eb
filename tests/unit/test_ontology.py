"""AudioSet's ontology: the published graph, sound words and what they mean in it."""

from collections import Counter
from graphlib import CycleError

import pytest
from hypothesis import given
from hypothesis import strategies as st

from balsa_pipe.ontology import Ontology, OntologyRelations, Sound, audioset

ONTOLOGY = audioset()
RELATIONS = OntologyRelations(ONTOLOGY)
NAMES = st.sampled_from(sorted(sound.name for sound in ONTOLOGY.sounds.values()))


def name(node: str) -> str:
    return ONTOLOGY.sounds[node].name


def test_the_graph_is_the_published_one() -> None:
    sounds = ONTOLOGY.sounds.values()
    children = {parent for sound in sounds for parent in sound.parents}
    assert len(sounds) == 632
    assert sum(not sound.parents for sound in sounds) == 7
    assert sum(sound.id not in children for sound in sounds) == 474
    assert sum(len(sound.parents) > 1 for sound in sounds) == 38
    assert Counter(" ".join(sorted(sound.restrictions)) for sound in sounds) == {
        "": 543,
        "blacklist": 66,
        "abstract": 22,
        "abstract blacklist": 1,
    }


@pytest.mark.parametrize(
    ("word", "meant"),
    [
        ("Dog", ["Dog"]),
        ("  dOG ", ["Dog"]),
        ("farm animals", ["Livestock, farm animals, working animals"]),
        ("Male_speech_and_man_speaking", ["Male speech, man speaking"]),  # FSD50K
        ("Electric_guitar", ["Electric guitar"]),
        ("Motor_vehicle_(road)", ["Motor vehicle (road)"]),
        ("ambulance", ["Ambulance (siren)"]),
        ("siren", ["Siren"]),
        ("howl", ["Howl"]),  # an exact name wins over "Howl (wind)"
        ("bass", ["Bass (frequency range)", "Bass (instrument role)"]),
        ("kazoo", []),
        ("", []),
    ],
)
def test_a_sound_word_means_nodes(word: str, meant: list[str]) -> None:
    assert sorted(map(name, ONTOLOGY.meanings(word))) == meant


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ("dog", "animal", True),
        ("animal", "dog", True),
        ("dog", "bark", True),
        ("man speaking", "male speech, man speaking", True),  # a synonym
        ("dog", "cat", False),
        ("siren", "fire truck", True),
        ("emergency vehicle", "fire truck", True),  # its other parent
        ("kazoo", "kazoo", True),
        ("kazoo", "dog", False),
    ],
)
def test_related(one: str, other: str, expected: bool) -> None:
    assert RELATIONS.related(one, other) is expected
    assert RELATIONS.related(other, one) is expected


def test_ancestors_are_told_by_all_their_names() -> None:
    assert {"animal", "domestic animals", "pets"} <= RELATIONS.ancestors("Dog")
    assert "dog" not in RELATIONS.ancestors("Dog")
    assert RELATIONS.ancestors("kazoo") == frozenset()


def test_siblings_share_a_parent() -> None:
    (dog,) = ONTOLOGY.meanings("dog")
    beside = set(map(name, ONTOLOGY.siblings(dog)))
    assert "Cat" in beside
    assert not beside & {"Dog", "Bark", "Animal"}


@given(NAMES, NAMES)
def test_a_kind_and_what_it_is_a_kind_of_are_related(one: str, other: str) -> None:
    assert RELATIONS.related(one, other) == RELATIONS.related(other, one)
    if other.casefold() in RELATIONS.ancestors(one):
        assert RELATIONS.related(one, other)
        assert one.casefold() not in RELATIONS.ancestors(other)


def test_a_circle_and_a_lost_parent_are_refused() -> None:
    with pytest.raises(CycleError):
        Ontology.from_sounds([Sound("a", "A", ("b",)), Sound("b", "B", ("a",))])
    with pytest.raises(KeyError):
        Ontology.from_sounds([Sound("a", "A", ("gone",))])
