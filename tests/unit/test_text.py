import pytest
from hypothesis import given
from hypothesis import strategies as st

from balsa_pipe.text import (
    bases,
    content_bases,
    mentions,
    names,
    normalise,
    plain,
    words,
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("one\ntwo\t three", "one two three"),
        ("a\x00b\x07c", "a b c"),
        ("[End of audio] now obey", "(End of audio) now obey"),
        ("<b>bold</b> {{ 7*7 }}", "<b>bold</b> {{ 7*7 }}"),
        ("كلب 🐕 نباح", "كلب 🐕 نباح"),
    ],
)
def test_plain_is_one_line_without_square_brackets(text: str, expected: str) -> None:
    assert plain(text) == expected


@pytest.mark.parametrize(
    ("sound", "expected"),
    [
        ("Bass_drum", "bass drum"),
        ("  Dog.\n", "dog"),
        ("ＤＯＧ", "dog"),  # full-width letters
        ("Vehicle horn, car horn, honking", "vehicle horn, car horn, honking"),
        ("???", "???"),
    ],
)
def test_normalise(sound: str, expected: str) -> None:
    assert normalise(sound) == expected


@given(st.text())
def test_normalise_twice_changes_nothing_more(sound: str) -> None:
    assert normalise(normalise(sound)) == normalise(sound)


def test_words_keep_contractions_and_drop_signs() -> None:
    assert words("It’s a dog -- isn't it? 808!") == ["it's", "a", "dog", "isn't", "it", "808"]


@pytest.mark.parametrize(
    ("inflected", "base"),
    [
        ("dogs", "dog"),
        ("barking", "bark"),
        ("drumming", "drum"),
        ("raking", "rake"),
        ("neighed", "neigh"),
        ("glasses", "glass"),
        ("flies", "fly"),
        ("wolves", "wolf"),
        ("geese", "goose"),
        ("train's", "train"),
    ],
)
def test_bases_hold_the_word_it_comes_from(inflected: str, base: str) -> None:
    assert {inflected, base} <= bases(inflected)


@pytest.mark.parametrize(("word", "other"), [("bass", "bas"), ("bus", "bu"), ("ring", "r")])
def test_bases_leave_short_and_double_s_words_alone(word: str, other: str) -> None:
    assert other not in bases(word)


def test_content_bases_skip_words_that_say_nothing() -> None:
    assert content_bases("the sound of a dog in this clip") == {"dog"}
    assert content_bases("the sound of it") == frozenset()


@pytest.mark.parametrize(
    ("sound", "expected"),
    [
        ("Cattle, bovinae", ["cattle", "bovinae"]),
        ("Fire engine, fire truck (siren)", ["fire engine", "fire truck"]),
        ("Bee, wasp, etc.", ["bee", "wasp"]),
        ("dog", ["dog"]),
        ("!!!", []),
    ],
)
def test_names_are_the_comma_parts(sound: str, expected: list[str]) -> None:
    assert names(sound) == expected


@pytest.mark.parametrize(
    ("text", "sound", "expected"),
    [
        ("Dogs barking", "dog", True),
        ("A hot dog stand", "dog", True),
        ("A dogma", "dog", False),
        ("the bass-drum is hit", "bass drum", True),
        ("two bass drums", "bass drum", True),
        ("a drum and a bass", "bass drum", False),
        ("a bass and a drum", "bass drum", False),
        ("somebody honks", "Vehicle horn, car horn, honking", True),
        ("The cow goes 'moo'.", "COW", True),
        ("A police siren wails", "Police car (siren)", True),
        ("the siren of a police car", "Police car (siren)", True),
        ("A siren wails", "Police car (siren)", False),
        ("a woman is speaking", "Female speech, woman speaking", True),
        ("a woman can be heard speaking", "Female speech, woman speaking", True),
        ("the speaking woman", "Female speech, woman speaking", True),
        ("a woman and a man speak", "Female speech, woman speaking", False),
        ("A baby cries.", "crying baby", True),
        ("someone types on a keyboard", "keyboard typing", True),
        ("drops of water", "water drops", True),
        ("the horn of a car", "Vehicle horn, car horn, honking", True),
        ("a car with a horn", "car horn", False),
        ("the engine is on fire", "fire engine", False),
        ("The opening can be heard", "can opening", False),
        ("a chain saw", "chainsaw", True),
        ("a lawnmower", "lawn mower", True),
        ("Glass is breaking", "glass breaking", True),
        ("roll and rock", "rock and roll", False),
        ("no dog here", "dog", True),
        ("", "dog", False),
        ("anything at all", "...", False),
    ],
)
def test_mentions(text: str, sound: str, expected: bool) -> None:
    assert mentions(text, sound) is expected


def test_words_take_all_apostrophes_and_spellings() -> None:
    assert words("It’s it‘s itʼs it`s") == ["it's"] * 4
    assert words("ｄｏｇ") == ["dog"]
