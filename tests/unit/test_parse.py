import pytest
from hypothesis import given
from hypothesis import strategies as st

from balsa_pipe.evaluate.parse import PARSERS, parse_clip_of, parse_ordinal, parse_verdict


@pytest.mark.parametrize(
    ("reply", "answer"),
    [
        ("Yes", "yes"),
        ("yes, there is a dog.", "yes"),
        ("  YES!", "yes"),
        ("**Yes**", "yes"),
        ("__No__", "no"),
        ("No.", "no"),
        ("no", "no"),
        ("NO, there is a cat.", "no"),
        ("There is no dog in the audio.", "no"),
        ("The answer is yes.", "yes"),
        ("Yes, but there is no cat.", "yes"),
        ("No, yes would be wrong.", "no"),
        ("Yes/No", "yes"),
        ("eyes", None),
        ("Note that a dog barks.", None),
        ("nobody knows", None),
        ("yesterday", None),
        ("I can't hear a dog.", "no"),
        ("I can’t hear a dog.", "no"),
        ("I do not hear it.", "no"),
        ("It cannot be heard.", "no"),
        ("The sound of a dog is absent.", "no"),
        ("I hear nothing like that.", "no"),
        ("A knot is tied.", None),
        ("I hear a dog.", None),
        ("It contains a dog.", None),
        ("", None),
        ("???", None),
        ("はい", None),
    ],
)
def test_verdict(reply: str, answer: str | None) -> None:
    assert parse_verdict(reply) == answer


@pytest.mark.parametrize(
    ("reply", "answer"),
    [
        ("First", "first"),
        ("The second clip.", "second"),
        ("the FIRST one", "first"),
        ("1", "first"),
        ("2.", "second"),
        ("(2)", "second"),
        ("Audio 1", "first"),
        ("Audio 2: rain", "second"),
        ("1st", "first"),
        ("2nd clip", "second"),
        ("Clip A", "first"),
        ("It is in clip B.", "second"),
        ("A", "first"),
        ("b)", "second"),
        ("Clip two", "second"),
        ("The latter.", "second"),
        ("The first has it, the second does not.", None),
        ("Audio 1 and Audio 2", None),
        ("Both", None),
        ("Neither", None),
        ("In the clip a dog barks.", None),
        ("A dog barks.", None),
        ("It starts after 1.5 s.", None),
        ("12", None),
        ("a few seconds", None),
        ("", None),
    ],
)
def test_ordinal(reply: str, answer: str | None) -> None:
    assert parse_ordinal(reply) == answer


@pytest.mark.parametrize(
    ("reply", "answer"),
    [
        ("The second.", "second"),
        ("The first clip has a dog, while the second clip has rain.", "first"),
        ("The first clip has rain, while the second clip has a dog.", "second"),
        ("Audio 1: rain. Audio 2: dogs barking.", "second"),
        ("The first clip has rain but the second has a dog and a cat.", "second"),
        ("The first clip does not have a dog.", None),
        ("The first clip has no dog, but the second clip has a dog.", "second"),
        ("The first clip has a dog and the second clip has a dog.", None),
        ("The first has it, the second does not.", None),
        ("First: a cow, rain and a dog; second: rain.", "first"),
        ("Unlike the first, the second clip has a dog.", None),
        ("Only the second clip, not the first, has a dog.", None),
        ("Neither the first nor the second has a dog.", None),
        ("Both the first and the second clip have a dog.", None),
        ("Both have a dog.", None),
        ("A dog.", None),
        ("", None),
    ],
)
def test_clip_of_sound(reply: str, answer: str | None) -> None:
    assert parse_clip_of(reply, "dog") == answer


@given(st.text())
def test_any_text_is_parsed_or_null(reply: str) -> None:
    assert PARSERS["word-boundary"](reply, "dog") in {"yes", "no", None}
    assert PARSERS["first-second"](reply, "dog") in {"first", "second", None}
    assert PARSERS["clip-of-sound"](reply, "dog") in {"first", "second", None}


@given(st.sampled_from(["yes", "no"]), st.text())
def test_first_verdict_word_decides(verdict: str, rest: str) -> None:
    assert parse_verdict(f"{verdict.title()}, {rest}") == verdict
