"""The checks of what a reply says of the sounds; each tells whether one reject reason holds."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from balsa_pipe.negation import (
    Polarity,
    affirmed_phrases,
    denied_phrases,
    denies_everything,
    negated_mention,
    polarity,
)
from balsa_pipe.schemas import Row
from balsa_pipe.tasks.form import FORM, Check, is_too_short
from balsa_pipe.tasks.heard import Heard, heard_in, kinds_among
from balsa_pipe.tasks.order import tells_wrong_order
from balsa_pipe.tasks.ordinals import speaks_beyond, stretches
from balsa_pipe.tasks.verdicts import parse_verdict, takes_back
from balsa_pipe.text import bases, content_bases, mentions, words
from balsa_pipe.vocabulary import captions_of, sounds_of

_EVIDENCE = re.compile(r"\[Begin of audio[^\]]*\](.*?)\[End of audio[^\]]*\]", re.DOTALL)
_ASSURANCES = frozenset(
    ["certainly", "correct", "definitely", "detected", "exactly", "indeed", "right", "true"]
)


def copies_example(row: Row, response: str) -> bool:
    """Tell whether the reply has a content word that only the clips of the example turns have."""
    *examples, own_turn = (turn["content"] for turn in row["messages"] if turn["role"] == "user")
    shown = content_bases(" ".join(one for text in examples for one in _EVIDENCE.findall(text)))
    own = content_bases(own_turn)
    copied = (
        word
        for word in words(response)
        if not (forms := bases(word)).isdisjoint(shown) and forms.isdisjoint(own)
    )
    return any(not _is_heard(row, [word]) for word in copied)


def misses_sound(row: Row, response: str) -> bool:
    """Tell whether a clip is left out: the reply has no word of its specific sounds or captions."""
    return _leaves_out(_subjects(row), response)


def misses_part(row: Row, response: str) -> bool:
    """Tell whether a recording of a scene is left out: no word of its sounds or caption."""
    return _leaves_out(_part_subjects(row), response)


def names_absent(row: Row, response: str) -> bool:
    """Tell whether the reply affirms a sound that is absent, or a kind of it."""
    bare, absent = means_bare(row), row["expected"]["absent"]
    if any(polarity(response, sound, bare=bare) == "present" for sound in absent):
        return True
    kinds = kinds_among(absent, affirmed_phrases(response, bare=bare))
    return any(not _is_heard(row, kind) for kind in kinds)


def denies_present(row: Row, response: str) -> bool:
    """Tell whether the reply denies what is heard, or what it is a kind of."""
    return _denies(row, response, row["clips"])


def means_bare(row: Row) -> Polarity:
    """Return how a mere list of sounds is meant: asked what is absent, one lists what is."""
    return "absent" if row["task"] == "absence" else "present"


def mentions_no_absent(row: Row, response: str) -> bool:
    """Tell whether the reply names none of the absent sounds."""
    return not any(mentions(response, sound) for sound in row["expected"]["absent"])


def gives_no_verdict(row: Row, response: str) -> bool:
    """Tell whether the reply opens with neither yes nor no, or gives both."""
    return parse_verdict(response) is None


def contradicts_verdict(row: Row, response: str) -> bool:
    """Tell whether the reply opens with the wrong verdict, or takes it back."""
    return bool(parse_verdict(response) != row["expected"]["verdict"]) or takes_back(response)


def wanders_off(row: Row, response: str) -> bool:
    """Tell whether the words after the verdict speak of other sounds only."""
    said = content_bases(" ".join(words(response)[1:])) - _ASSURANCES
    expected = row["expected"]
    known = [*expected["present"], *expected["absent"], *(one.text for one in _subjects(row))]
    return bool(said) and said.isdisjoint(content_bases(" ".join(known)))


def answers_for_another(row: Row, response: str) -> bool:
    """Tell whether a yes goes on with another sound than asked: "any tool?", "yes, a drum"."""
    if row["expected"]["verdict"] != "yes":
        return False
    asked, *others = row["expected"]["present"]
    if mentions(response, asked):
        return False
    told = [other for other in others if mentions(response, other)]
    return bool(told) and not any(_go_together(row["clips"], asked, other) for other in told)


def _go_together(clips: Sequence[Row], one: str, other: str) -> bool:
    """Tell whether two sounds may be one, by two names: a recording of a scene has both.

    Of a clip without parts that is taken for granted: its labels don't tell what belongs together.
    """
    recordings = [part for clip in clips for part in clip["parts"] or [clip]]
    return any({one, other} <= {*sounds_of(recording)} for recording in recordings)


def mixes_up_clips(row: Row, response: str) -> bool:
    """Tell whether one clip ("the second") is said to have what only another one has."""
    subjects = _subjects(row)
    return any(
        _is_of_another(subjects[position], other, stretch)
        for position, stretch in _stretches(row, response)
        if position is not None
        for other in subjects
        if other is not subjects[position]
    )


def denies_of_clip(row: Row, response: str) -> bool:
    """Tell whether the reply denies what is in the clip that it speaks of, or in any of them."""
    return any(
        _denies(row, stretch, row["clips"] if position is None else [row["clips"][position]])
        for position, stretch in _stretches(row, response)
    )


def mentions_wrong_clip(row: Row, response: str) -> bool:
    """Tell whether the reply speaks of a clip that the row doesn't have ("the third" of two)."""
    return speaks_beyond(response, len(row["clips"]))


@dataclass(frozen=True, slots=True)
class _Subject:
    """What a reply may say of one of a row's clips."""

    sounds: list[str]  # the specific ones
    captions: list[str]
    text: str  # all that is known of it
    heard: Heard


def _subjects(row: Row) -> list[_Subject]:
    return [_subject(clip, row, captions_of(clip)) for clip in row["clips"]]


def _part_subjects(row: Row) -> list[_Subject]:
    parts = [part for clip in row["clips"] for part in clip["parts"]]
    return [_subject(part, row, part["captions"]) for part in parts]


def _subject(one: Row, row: Row, captions: list[str]) -> _Subject:
    sounds = sounds_of(one)
    present = set(row["expected"]["present"])
    return _Subject(
        [sound for sound in sounds if sound in present],
        captions,
        " ".join([*sounds, *captions]),
        heard_in(sounds, captions, row["expected"]),
    )


def _heard_in_clip(row: Row, clip: Row) -> Heard:
    return heard_in(sounds_of(clip), captions_of(clip), row["expected"])


def _is_heard(row: Row, phrase: Sequence[str]) -> bool:
    return any(_heard_in_clip(row, clip).covers(phrase) for clip in row["clips"])


def _is_of_another(own: _Subject, other: _Subject, text: str) -> bool:
    """Tell whether a text about one clip affirms what only another one has.

    That is a sound of the other's, a kind of it or what it is a kind of, a sound that its captions
    name, or else words of its captions and no own one.
    """
    if any(polarity(text, one) == "present" for one in other.sounds if not mentions(own.text, one)):
        return True
    affirmed = affirmed_phrases(text)
    kinds = kinds_among([*other.sounds, *other.heard.named_in_captions], affirmed)
    if any(not own.heard.covers(name) for name in (*kinds, *other.heard.told_in(affirmed))):
        return True
    said = content_bases(" ".join(word for phrase in affirmed for word in phrase))
    is_own = not said.isdisjoint(content_bases(own.text))
    return not is_own and not said.isdisjoint(content_bases(" ".join(other.captions)))


def _denies(row: Row, text: str, clips: Sequence[Row]) -> bool:
    """Tell whether a text denies what one of these clips holds."""
    bare, expected = means_bare(row), row["expected"]
    labels = {sound for clip in clips for sound in sounds_of(clip)}
    if any(
        negated_mention(text, sound, bare=bare) for sound in expected["present"] if sound in labels
    ):
        return True
    if "silence" not in labels and denies_everything(text):
        return True
    denied = denied_phrases(text, bare=bare)
    heard = (_heard_in_clip(row, clip) for clip in clips)
    return bool(denied) and any(one.covers(phrase) for one in heard for phrase in denied)


def _leaves_out(subjects: list[_Subject], response: str) -> bool:
    said = content_bases(response)
    return any(wanted and said.isdisjoint(wanted) for wanted in map(_hallmarks, subjects))


def _hallmarks(subject: _Subject) -> frozenset[str]:
    return content_bases(" ".join([*subject.sounds, *subject.captions]))


def _stretches(row: Row, response: str) -> Iterator[tuple[int | None, str]]:
    """Yield the stretches of a reply, each with the position of the clip that it speaks of."""
    sounds = [sound for subject in _subjects(row) for sound in subject.sounds]
    return stretches(
        response, len(row["clips"]), lambda text: any(mentions(text, sound) for sound in sounds)
    )


_MADE_UP: tuple[Check, ...] = (
    *FORM,
    ("too_short", is_too_short),
    ("copies_example", copies_example),
    ("names_absent_as_present", names_absent),
)

DESCRIPTION: tuple[Check, ...] = (
    *_MADE_UP,
    ("names_present_as_absent", denies_present),
    ("contradicts_labels", tells_wrong_order),
)
"""What holds for every reply but a verdict."""

SEVERAL_CLIPS: tuple[Check, ...] = (
    *_MADE_UP,
    ("names_present_as_absent", denies_of_clip),
    ("misses_sound", misses_sound),
    ("mentions_wrong_clip", mentions_wrong_clip),
    ("contradicts_labels", mixes_up_clips),
)
"""What holds for a description of several clips."""
