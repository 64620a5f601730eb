"""Kinds that an ontology and a corpus's labels tell of, together."""

import pytest

from balsa_pipe.ontology import audioset
from balsa_pipe.relations import LabelRelations, Relations

COWS = 10 * [["cow", "farm animal", "animal"]]
LABELS = [*COWS, *(10 * [["sheep", "farm animal", "animal"]]), *(20 * [["dog", "animal"]])]
OTHERS = 60 * [["rain"]]


def relations(*clips: list[str]) -> Relations:
    return Relations(audioset(), LabelRelations.from_labels(clips))


@pytest.mark.parametrize(
    ("sound", "ancestors"),
    [
        ("cow", {"farm animal", "animal"}),
        ("farm animal", {"animal"}),
        ("animal", set()),
        ("rain", set()),
        ("never heard of", set()),
    ],
)
def test_labels_tell_of_kinds(sound: str, ancestors: set[str]) -> None:
    assert LabelRelations.from_labels([*LABELS, *OTHERS]).ancestors(sound) == ancestors


def test_labels_that_always_come_together_are_no_kinds_of_each_other() -> None:
    assert not LabelRelations.from_labels(20 * [["x", "y"]]).ancestors("x")


def test_what_may_be_chance_is_no_kind() -> None:
    clips = [["kazoo", "crackle"], *(30 * [["crackle"]]), *(30 * [["rain"]])]
    assert not LabelRelations.from_labels(clips).ancestors("kazoo")
    often = 20 * clips[:1] + clips[1:]
    assert LabelRelations.from_labels(often).ancestors("kazoo") == {"crackle"}


def test_what_every_clip_has_is_a_heading() -> None:
    assert LabelRelations.from_labels(6 * [["x", "tone"], ["y", "tone"]]).ancestors("x") == {"tone"}
    assert not LabelRelations.from_labels([["x", "tone"], ["y", "tone"]]).ancestors("x")


def test_labels_are_asked_for_what_the_ontology_does_not_know_alone() -> None:
    speech_under_music = 20 * [["speech", "music"]]
    toys = 20 * [["squeaky toy", "dog toy"]]
    more = [*(5 * [["music"]]), *(5 * [["dog toy"]]), *(90 * [["rain"]])]
    both = relations(*speech_under_music, *toys, *more)
    assert both.labels.ancestors("speech") == {"music"}
    assert not both.is_a("speech", "music")
    assert not both.related("speech", "music")
    assert both.is_a("squeaky toy", "dog toy")
    assert both.related("dog toy", "squeaky toy")
    assert "dog toy" in both.ancestors("squeaky toy")


def test_labels_that_turn_the_ontology_upside_down_are_not_believed() -> None:
    both = relations(*(20 * [["animal", "dog"]]), *(5 * [["dog"]]), *(90 * [["rain"]]))
    assert both.labels.ancestors("animal") == {"dog"}
    assert not both.is_a("animal", "dog")
    assert both.is_a("dog", "animal")


def test_an_ambiguous_word_is_a_kind_of_what_all_its_senses_are() -> None:
    both = relations()
    assert not both.is_a("horn", "train")  # a train's horn is, a foghorn isn't
    assert both.may_be("horn", "train")


@pytest.mark.parametrize(
    ("label", "expected"),
    [
        ("dog", True),
        ("kazoo", True),
        ("Music", True),
        ("Inside, small room", False),
        ("Outside, rural or natural", False),
        ("Silence", False),
        ("Sidetone", False),
        ("Human voice", False),  # a heading
        ("Natural sounds", False),
    ],
)
def test_settings_headings_and_silence_are_no_events(label: str, expected: bool) -> None:
    assert relations().is_event(label) is expected


def test_siblings_share_a_parent() -> None:
    assert relations().are_siblings("dog", "cat")
    assert relations().are_siblings("car", "truck")
    assert not relations().are_siblings("dog", "dog")
    assert not relations().are_siblings("dog", "bark")
    assert not relations().are_siblings("kazoo", "dog")
