"""The checks of what a reply says of the sounds; each tells whether one reject reason holds."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from balsa_pipe.negation import Polarity, denied_phrases, negated_mention, polarity
from balsa_pipe.schemas import Row
from balsa_pipe.tasks.form import FORM, Check, is_too_short
from balsa_pipe.tasks.heard import heard_in
from balsa_pipe.tasks.ordinals import speaks_beyond, stretches
from balsa_pipe.text import bases, content_bases, mentions, straight, words
from balsa_pipe.vocabulary import captions_of, sounds_of

_EVIDENCE = re.compile(r"\[Begin of audio[^\]]*\](.*?)\[End of audio[^\]]*\]", re.DOTALL)
_BOTH_VERDICTS = re.compile(r"\W*(?:yes\W*(?:and|or)?\W*no|no\W*(?:and|or)?\W*yes)\b")
_ASSURANCES = frozenset(
    ["certainly", "correct", "definitely", "detected", "exactly", "indeed", "right", "true"]
)
_VERDICT = re.compile(r"(?:^|[.!?\n])\W*(yes|no)(?=\s*(?:[,.!;:\n–—-]|$))")


def copies_example(row: Row, response: str) -> bool:
    """Tell whether the reply has a content word that only the clips of the example turns have."""
    *examples, own_turn = (turn["content"] for turn in row["messages"] if turn["role"] == "user")
    shown = content_bases(" ".join(one for text in examples for one in _EVIDENCE.findall(text)))
    own = content_bases(own_turn)
    said = (bases(word) for word in words(response))
    return any(not forms.isdisjoint(shown) and forms.isdisjoint(own) for forms in said)


def misses_sound(row: Row, response: str) -> bool:
    """Tell whether a clip is left out: the reply has no word of its specific sounds or captions."""
    return _leaves_out(_subjects(row), response)


def misses_part(row: Row, response: str) -> bool:
    """Tell whether a recording of a scene is left out: no word of its sounds or caption."""
    return _leaves_out(_part_subjects(row), response)


def names_absent(row: Row, response: str) -> bool:
    """Tell whether the reply affirms a sound that is absent."""
    bare = means_bare(row)
    absent = row["expected"]["absent"]
    return any(polarity(response, sound, bare=bare) == "present" for sound in absent)


def denies_present(row: Row, response: str) -> bool:
    """Tell whether the reply denies what is heard, or what it is a kind of."""
    return _denies(row, response, row["clips"])


def means_bare(row: Row) -> Polarity:
    """Return how a mere list of sounds is meant: asked what is absent, one lists what is."""
    return "absent" if row["task"] == "absence" else "present"


def mentions_no_absent(row: Row, response: str) -> bool:
    """Tell whether the reply names none of the absent sounds."""
    return not any(mentions(response, sound) for sound in row["expected"]["absent"])


def parse_verdict(response: str) -> str | None:
    """Return the yes or no that a reply opens with; None: it opens otherwise, or gives both."""
    said = straight(response)
    first, second = [*words(said), "", ""][:2]
    if first not in ("yes", "no") or second in ("doubt", "question") or _BOTH_VERDICTS.match(said):
        return None
    return first if set(_VERDICT.findall(said)) <= {first} else None


def gives_no_verdict(row: Row, response: str) -> bool:
    """Tell whether the reply opens with neither yes nor no, or gives both."""
    return parse_verdict(response) is None


def contradicts_verdict(row: Row, response: str) -> bool:
    """Tell whether the reply opens with the wrong verdict."""
    return bool(parse_verdict(response) != row["expected"]["verdict"])


def wanders_off(row: Row, response: str) -> bool:
    """Tell whether the words after the verdict speak of other sounds only."""
    said = content_bases(" ".join(words(response)[1:])) - _ASSURANCES
    expected = row["expected"]
    known = [*expected["present"], *expected["absent"], *(one.text for one in _subjects(row))]
    return bool(said) and said.isdisjoint(content_bases(" ".join(known)))


def mixes_up_clips(row: Row, response: str) -> bool:
    """Tell whether one clip ("the second") is said to have what only another one has."""
    subjects = _subjects(row)
    return any(
        polarity(stretch, sound) == "present"
        for position, stretch in _stretches(row, response)
        if position is not None
        for subject in subjects
        for sound in subject.sounds
        if not mentions(subjects[position].text, sound)
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


def _subjects(row: Row) -> list[_Subject]:
    return [_subject(clip, row, captions_of(clip)) for clip in row["clips"]]


def _part_subjects(row: Row) -> list[_Subject]:
    parts = [part for clip in row["clips"] for part in clip["parts"]]
    return [_subject(part, row, part["captions"]) for part in parts]


def _subject(one: Row, row: Row, captions: list[str]) -> _Subject:
    sounds = sounds_of(one)
    present = set(row["expected"]["present"])
    return _Subject(
        [sound for sound in sounds if sound in present], captions, " ".join([*sounds, *captions])
    )


def _denies(row: Row, text: str, clips: Sequence[Row]) -> bool:
    """Tell whether a text denies what one of these clips holds."""
    bare, expected = means_bare(row), row["expected"]
    labels = {sound for clip in clips for sound in sounds_of(clip)}
    if any(
        negated_mention(text, sound, bare=bare) for sound in expected["present"] if sound in labels
    ):
        return True
    denied = denied_phrases(text, bare=bare)
    heard = (heard_in(clip, expected) for clip in clips)
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

DESCRIPTION: tuple[Check, ...] = (*_MADE_UP, ("names_present_as_absent", denies_present))
"""What holds for every reply but a verdict."""

SEVERAL_CLIPS: tuple[Check, ...] = (
    *_MADE_UP,
    ("names_present_as_absent", denies_of_clip),
    ("misses_sound", misses_sound),
    ("mentions_wrong_clip", mentions_wrong_clip),
    ("contradicts_labels", mixes_up_clips),
)
"""What holds for a description of several clips."""
