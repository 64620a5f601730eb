"""The order of a scene's recordings: what is told, and what the onsets say."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from judged_rows import seed_prompt
from made_up_clips import clip, scene, single

from balsa_pipe.tasks import caption
from balsa_pipe.tasks.order import tells_wrong_order

BELL = clip("bell", ["bell"])
DOG = clip("dog", ["dog", "bark", "animal"])
COW = clip("cow", ["cow", "moo", "animal"])
PRESENT = ("bell", "dog", "cow")

ROW = seed_prompt(scene(BELL, DOG, COW), present=PRESENT, absent=["violin"])


@pytest.mark.parametrize(
    "reply",
    [
        "A dog barks, then a bell rings.",
        "A dog barks and then a bell rings.",
        "A dog barks. Then a bell rings.",
        "A dog barks. After that, a bell rings.",
        "A dog barks. Afterwards a bell rings.",
        "A dog barks, followed by a bell.",
        "Dogs bark, followed by a bell and a cow.",
        "A dog barks before a bell rings.",
        "A bell rings after a dog barks.",
        "A bell rings, after a dog barks.",
        "After a dog barks, a bell rings.",
        "After the moo, a dog barks.",
        "Before a bell rings, a dog barks.",
        "Following a dog, a bell is heard.",
        "A bell follows a dog.",
        "A bell is preceded by a dog.",
        "First a dog, then a bell.",
        "First, a dog barks.",
        "At first a cow moos.",
        "The clip starts with a dog.",
        "It begins with a cow, and a bell rings.",
        "The recording ends with a bell.",
        "A bell, then a cow, then a dog.",
        "A bell, then a cow, and finally a dog.",
        "A cow moos, next a dog barks.",
        "A cow moos until a bell rings.",
        "A cow moos, and after a while a bell rings.",
        "A dog barks and later a bell rings.",
        "I can hear a dog, and then a bell, but no violin.",
        "A DOG, THEN A BELL.",
    ],
)
def test_a_wrong_order(reply: str) -> None:
    assert tells_wrong_order(ROW, reply)


@pytest.mark.parametrize(
    "reply",
    [
        "A bell rings, then a dog barks.",
        "A bell rings and then a dog barks, and then a cow moos.",
        "A bell rings. Then a dog barks. Finally a cow moos.",
        "A bell, followed by a dog and a cow.",
        "A bell rings before a dog barks.",
        "A dog barks after a bell rings.",
        "After a bell rings, a dog barks.",
        "Before a dog barks, a bell rings.",
        "A dog follows a bell.",
        "A dog is preceded by a bell.",
        "A bell precedes a dog.",
        "First a bell, then a dog and a cow.",
        "At first a bell rings. The clip ends with a cow.",
        "The clip starts with a bell and ends with a moo.",
        "A dog, a bell and a cow.",
        "A cow moos, a dog barks and a bell rings.",
        "A dog barks now and then, and a bell rings.",
        "A dog barks while a bell rings.",
        "A dog barks next to a bell.",
        "A cow and a dog, one after another, and a bell.",
        "A dog barks after a bell, before a cow moos.",
        "A bell rings, and after the dog barks, a cow moos.",
        "A cow moos. Before that, a dog barks.",
        "A dog barks, then it stops.",
        "Then a dog barks.",
        "An animal, then a bell.",
        "No dog, then a bell.",
        "",
    ],
)
def test_no_wrong_order(reply: str) -> None:
    assert not tells_wrong_order(ROW, reply)


def test_a_caption_in_the_wrong_order_is_rejected() -> None:
    assert caption.judge(ROW, "A bell, then a dog and a cow.", "stop") is None
    reply = "A cow moos, then a dog barks and a bell rings."
    assert caption.judge(ROW, reply, "stop") == "contradicts_labels"


def test_recordings_that_begin_together_come_in_any_order() -> None:
    mixed = scene(BELL, DOG)
    row = seed_prompt(mixed, present=PRESENT)
    mixed["parts"][1]["onset_s"] = mixed["parts"][0]["onset_s"] + 0.15
    assert not tells_wrong_order(row, "A dog barks, then a bell rings.")


def test_a_recording_that_goes_on_comes_where_it_begins() -> None:
    mixed = scene(BELL, DOG)
    mixed["parts"][0]["duration_s"] = 9.0
    row = seed_prompt(mixed, present=PRESENT)
    assert tells_wrong_order(row, "A dog barks, then a bell rings.")
    assert not tells_wrong_order(row, "It ends with a bell.")


def test_a_sound_that_comes_twice_has_no_place() -> None:
    row = seed_prompt(scene(BELL, DOG, BELL), present=PRESENT)
    assert not tells_wrong_order(row, "A dog barks, then a bell rings.")
    assert not tells_wrong_order(row, "A bell rings, then a dog barks.")


def test_only_one_scene_has_an_order() -> None:
    pair = seed_prompt(scene(BELL, DOG), single("cow"), present=PRESENT)
    assert not tells_wrong_order(pair, "A dog barks, then a bell rings.")
    assert not tells_wrong_order(seed_prompt(), "A dog barks, then a bell rings.")


FORWARD = ["{}, then {}", "{} and then {}", "{}. Then {}", "{}, followed by {}", "{} before {}"]
BACKWARD = ["{} after {}", "Before {}, {}", "{}. Before that, {}", "{}, preceded by {}"]


@given(
    st.permutations(["a bell", "a dog", "a cow"]),
    st.sampled_from([(one, False) for one in FORWARD] + [(one, True) for one in BACKWARD]),
)
def test_the_order_that_is_told_is_compared_with_the_onsets(
    sounds: list[str], pattern: tuple[str, bool]
) -> None:
    wording, is_reversed = pattern
    one, other = sounds[:2]
    order = PRESENT.index(one[2:]) < PRESENT.index(other[2:])
    assert tells_wrong_order(ROW, wording.format(one, other)) is (order is is_reversed)


@given(st.text())
def test_any_reply_is_compared(reply: str) -> None:
    assert tells_wrong_order(ROW, reply) in (True, False)
