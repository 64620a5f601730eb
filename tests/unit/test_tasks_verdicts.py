"""Verdicts that a reply gives, and those that it takes back without naming a sound."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from balsa_pipe.tasks.verdicts import parse_verdict, takes_back


@pytest.mark.parametrize(
    "reply",
    [
        "No, it is there",
        "No, I do hear it.",
        "Yes, it can't be heard.",
        "No, it is clearly audible.",
        "No, it's present in the clip.",
        "No, that sound is in the recording.",
        "No, the sound can be heard.",
        "No, there is.",
        "No, there is one.",
        "No, I can.",
        "No, I do.",
        "No, it does.",
        "No, the recording does.",
        "No, you can hear it clearly.",
        "No, I can clearly hear it in the background.",
        "No, but it is there.",
        "No, I think it is there.",
        "No, they are audible.",
        "No, this is heard at the end.",
        "No, the clip contains it.",
        "No, it is there, but faint.",
        "Yes, it isn't there.",
        "Yes, it is not present.",
        "Yes, it's absent.",
        "Yes, there isn't.",
        "Yes, there is none.",
        "Yes, there isn't any.",
        "Yes, I can't hear it.",
        "Yes, I cannot.",
        "Yes, I don't.",
        "Yes, it doesn't.",
        "Yes, the sound is missing from the clip.",
        "Yes, that sound isn't in the clip.",
        "Yes, it cannot be heard in the clip.",
        "Yes, it is not.",
        "Yes, it's not there.",
        "Yes, it is nowhere to be heard.",
        "Yes, the recording lacks it.",
        "Yes, the clip doesn't contain that sound.",
        "Yes, I hear nothing of it.",
        "Yes, it is inaudible.",
        "Yes, but it isn't heard.",
        "No. It is there.",
        "No - it can be heard.",
        "NO, IT IS THERE!",
    ],
)
def test_a_verdict_is_taken_back(reply: str) -> None:
    assert takes_back(reply)


@pytest.mark.parametrize(
    "reply",
    [
        "Yes, it is there.",
        "Yes, I do hear it.",
        "Yes, it can be heard.",
        "Yes, it isn't missing.",
        "Yes, it is not absent.",
        "Yes, it is not only there, it is loud.",
        "Yes, it isn't quiet.",
        "Yes, there is.",
        "Yes, there is no doubt.",
        "Yes, it is.",
        "Yes, that is correct.",
        "Yes, it never stops.",
        "Yes, you can't miss it.",
        "Yes, I can't deny it.",
        "Yes, there is one.",
        "Yes, there is no other sound.",
        "Yes, it is the only sound, nothing else is there.",
        "Yes, and nothing else.",
        "No, it isn't there.",
        "No, it is not.",
        "No, it isn't.",
        "No, I can't hear it.",
        "No, I don't.",
        "No, there isn't.",
        "No, there is none.",
        "No, there is no such sound.",
        "No, it is a cow.",
        "No, it is something else.",
        "No, it's silent.",
        "No, that is a cow.",
        "No, there is a cow.",
        "No, I hear a cow.",
        "No, it is absent.",
        "No, it's not there.",
        "No, it can't be heard.",
        "No, that is wrong.",
        "No, it is not in the clip.",
        "No, it is nowhere in the clip.",
        "No, this is not heard.",
        "No, the sound is missing.",
        "No, I hear nothing of it.",
        "No, the sound of a dog is not there.",
        "No, there are only cows.",
        "No.",
        "Yes.",
        "No, it is quiet.",
        "No, they are not there.",
        "No, it is unlikely.",
        "No, it is hard to hear that.",
        "No, one can hear a cow.",
        "No, it was never there.",
        "No, it does not.",
        "No, I do not think that it is there.",
        "No, I doubt it is there.",
        "No, it is not clear.",
        "A cow moos.",
    ],
)
def test_a_verdict_stands(reply: str) -> None:
    assert not takes_back(reply)


@given(st.text())
def test_only_a_verdict_can_be_taken_back(reply: str) -> None:
    assert parse_verdict(reply) in ("yes", "no") or not takes_back(reply)
