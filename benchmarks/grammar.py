"""What a reply claims: which sounds it affirms and denies, of which clip, in which order.

A walk over the tokens of each clause, led by the cues of cues.py; nothing is shared with balsa_pipe.
A clause is what stands between full stops, contrasts ("but", "while") and an "and" that opens a new
subject. Polarity is worked out in it: cues that deny what follows ("no", "without", "can not"),
predicates that deny their subject ("is absent", "can not be heard"), cues that make an exception
("other than"), and pairs of denials that cancel.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from cues import (
    AFTER_BARE_ORDINAL,
    ALIKE,
    AUXILIARIES,
    CLIP_NOUNS,
    CONTRASTS,
    DENIES_REST,
    DENIES_SUBJECT,
    DENYING_PHRASES,
    EXCEPTED,
    EXCEPTIONS,
    LAST,
    NEUTRAL,
    NOT_DENIED,
    NUMBERS,
    OPENINGS,
    ORDINALS,
    OTHERS,
    PLURAL,
    PREDICATE,
    SECOND_DENIAL,
    SINGULAR,
    STEPS,
    SUBJECTS,
    SURELY_CLIPS,
    TIME,
)
from ontology_walk import Stems, find, stem

Lexicon = dict[Stems, frozenset[str]]


@dataclass(frozen=True)
class Claim:
    """One sound that a reply names: what it says of it, of which clips, at which step of time.

    affirmed: None where the reply commits to neither ("like a dog"); clips: their indices, None
    where it doesn't say; one beyond the clips that there are is a clip that isn't there.
    """

    phrase: Stems
    nodes: frozenset[str]
    affirmed: bool | None
    clips: frozenset[int] | None = None
    step: int = 0
    more: bool = False  # "no other dog"
    kind: frozenset[str] = frozenset()  # what the word before it means, as in "funk music"


@dataclass
class Reading:
    """A reply as the grammar reads it."""

    claims: list[Claim] = field(default_factory=list)
    clips_named: set[int] = field(default_factory=set)
    bare: list[bool] = field(default_factory=list)  # polarity of clauses about "it", in order
    opening: str | None = None  # yes | no


def read(text: str, lexicon: Lexicon, n_clips: int = 1) -> Reading:
    """Return what a text claims; lexicon: the phrases, as stems, that name sounds."""
    reading = Reading()
    step = TIME // 2
    for sentence in sentences(text):
        if sentence[-1:] == ["?"]:
            continue
        if not reading.claims and reading.opening is None and sentence[0] in OPENINGS:
            sentence = opened(sentence, reading)
        focus: frozenset[int] | None = None
        if not STEPS.intersection(sentence[:2]):
            step += TIME
        for clause in clauses(sentence):
            focus, step = read_clause(clause, lexicon, n_clips, focus, step, reading)
    return reading


def opened(sentence: list[str], reading: Reading) -> list[str]:
    """Note the yes or no that opens a reply; return what comes after it."""
    word, after = sentence[0], sentence[1] if len(sentence) > 1 else "."
    if OPENINGS[word] == "yes" or after in ",.!;:" or after in SUBJECTS - {"one"}:
        reading.opening = OPENINGS[word]
        return sentence[2 if after in ",.!;:" else 1 :]
    return sentence  # "No dog is heard."


def sentences(text: str) -> Iterator[list[str]]:
    """Yield each sentence's tokens, its punctuation among them; contractions are written out."""
    plain = text.lower().replace("’", "'").replace("_", " ").replace("-", " ")
    plain = re.sub(r"\bcan't\b|\bcannot\b", "can not", plain).replace("won't", "will not")
    plain = re.sub(r"n't\b", " not", plain)
    plain = re.sub(r"\b(there|that|it|he|she|what|here)'s\b", r"\1 is", plain)
    plain = re.sub(r"'(?:s|m|re|ve|ll|d)\b", "", plain)
    sentence: list[str] = []
    for token in re.findall(r"[^\W_]+|[.,;:!?]", plain):
        sentence.append(token)
        if token in ".!?":
            yield sentence
            sentence = []
    if sentence:
        yield sentence


def clauses(tokens: list[str]) -> Iterator[list[str]]:
    """Yield the clauses of a sentence."""
    clause: list[str] = []
    for at, token in enumerate(tokens):
        exception = token == "but" and EXCEPTED.intersection(clause[-3:])
        contrast = token in CONTRASTS and tokens[at + 1 : at + 2] != ["of"] and not exception
        if contrast or (token in ("and", ",") and opens_clause(clause, tokens[at:])):
            if clause:
                yield clause
            clause = []
        else:
            clause.append(token)
    if clause:
        yield clause


def opens_clause(before: list[str], tokens: list[str]) -> bool:
    """Tell whether the "and" or comma at the head of tokens is followed by a subject of its own."""
    comma = tokens[0] == ","
    after = tokens[2:] if tokens[1:2] in (["and"], ["also"]) else tokens[1:]
    complete = not PREDICATE.isdisjoint(before)
    if not before or not after or not (complete or comma):
        return False
    if complete and after[0] in SUBJECTS and after[1:2] and after[1] in PREDICATE | {"also", "can"}:
        return True
    if complete and after[0] == "the" and after[1:2] and after[1] in ORDINALS:
        return True
    for token in after[1:7]:
        if token in AUXILIARIES:
            return complete or (token in SINGULAR and len(before) > 2)  # "a cat, a dog are absent"
        if token in {"and", ",", "or", "that", "which", "who"}:
            return False
    return False


def read_clause(
    tokens: list[str],
    lexicon: Lexicon,
    n_clips: int,
    focus: frozenset[int] | None,
    step: int,
    reading: Reading,
) -> tuple[frozenset[int] | None, int]:
    """Add a clause's claims; return which clips it ended with, and the step of time."""
    refs = list(clip_references(tokens, n_clips, focus))
    reading.clips_named.update(*(clips for _, _, clips in refs))
    taken = {place for begin, end, _ in refs for place in range(begin, end)}
    bare = [stem(token) if at not in taken else "" for at, token in enumerate(tokens)]
    spans = list(find(bare, lexicon))
    signs = polarity(tokens, [begin for begin, _ in spans])
    steps, step = times(tokens, step)
    if not spans:
        said = denials(tokens) % 2 == 0
        if about_it(tokens):
            reading.bare.append(said)
        if (
            not said and refs and reading.claims
        ):  # "The dog is in the first, but not in the second."
            last = reading.claims[-1]
            reading.claims.append(Claim(last.phrase, last.nodes, False, refs[0][2], last.step))
    for begin, end in spans:
        clips = clips_of(begin, end, tokens, refs, spans[0][0], focus)
        phrase = tuple(bare[begin:end])
        more = bool({"other", "more", "else", "additional", "further"} & set(tokens[:begin][-3:]))
        kind = next((lexicon[tuple(bare[a:b])] for a, b in spans if b == begin), frozenset())
        claim = Claim(phrase, lexicon[phrase], signs[begin], clips, steps[begin], more, kind)
        reading.claims.append(claim)
    return (refs[-1][2] if refs else focus), step


def clips_of(
    begin: int,
    end: int,
    tokens: list[str],
    refs: list[tuple[int, int, frozenset[int]]],
    first: int,
    focus: frozenset[int] | None,
) -> frozenset[int] | None:
    """Return the clips of a sound: those named before it or, as in "a dog in the first", after it."""
    before = [clips for _, stop, clips in refs if stop <= begin]
    after = [(start, clips) for start, _, clips in refs if start >= end]
    if after and (not before or refs[0][0] > first):
        start, clips = after[0]
        if not {",", "then"}.intersection(tokens[end:start]):
            return clips
    return before[-1] if before else focus


def about_it(tokens: list[str]) -> bool:
    """Tell whether a clause without a sound says something of the one that was asked for."""
    if len(tokens) < 5 and "not" in tokens:  # "Not at all."
        return True
    pronouns = {"it", "that", "this", "they", "there", "sound", "so", "hear", "one"}
    return not pronouns.isdisjoint(tokens) and not PREDICATE.isdisjoint(tokens)


def denials(tokens: list[str]) -> int:
    return sum(
        token in DENIES_REST or (token in DENIES_SUBJECT and not describes(tokens, at))
        for at, token in enumerate(tokens)
    )


def describes(tokens: list[str], at: int) -> bool:
    """Tell whether a word is said of a thing that is there: "a quiet engine"."""
    return tokens[at] == "quiet" and tokens[max(0, at - 1) : at] in (["a"], ["the"])


# ---- polarity --------------------------------------------------------------------------------


def polarity(tokens: list[str], sounds: list[int]) -> list[bool | None]:
    """Return for each token whether it is affirmed, denied or (None) left open."""
    signs: list[bool | None] = [True] * len(tokens)
    sign: bool | None = True
    at = 0
    while at < len(tokens):
        token, rest = tokens[at], tokens[at:]
        length = starts_with(rest, DENYING_PHRASES)
        if cancels := cancelled(rest):
            length = cancels
        elif sign is False and (n := exception(tokens, at)):
            sign, length = True, n
        elif token in NEUTRAL and not (token == "like" and tokens[at - 1] in ALIKE):
            sign = None
        elif token in DENIES_SUBJECT and not describes(tokens, at):
            if any(place < at for place in sounds):
                if not clip_is_subject(tokens, at):
                    flip(signs, sounds, at)
            else:
                sign = not sign  # "Absent are a dog and a cat."
        elif denies_subject(tokens, at, sounds):
            flip(signs, sounds, at)
            sign = False
        elif token in DENIES_REST or length:
            sign = False
        elif token == "," and tokens[0] in ("unlike", "instead", "rather"):
            sign = True
        for place in range(at, min(len(tokens), at + max(1, length))):
            signs[place] = sign
        at += max(1, length)
    return signs


def cancelled(rest: list[str]) -> int:
    """Return the length of a denial that takes itself back, as "no lack of" does; 0: there is none."""
    if rest[0] not in ("no", "not", "never"):
        return 0
    if rest[1:2] and rest[1] in NOT_DENIED:
        return 2
    doubles = SECOND_DENIAL | DENIES_SUBJECT
    return next((n for n, word in enumerate(rest[1:3], start=2) if word in doubles), 0)


def exception(tokens: list[str], at: int) -> int:
    """Return the length of "other than" and its like; 0: there is none."""
    rest = tokens[at:]
    if rest[0] == "than" and {"other", "more", "else"} & set(tokens[max(0, at - 3) : at]):
        return 1
    if rest[0] == "only" and rest[1:2] in (["in"], ["the"]):
        return 0
    return starts_with(rest, EXCEPTIONS)


def starts_with(tokens: list[str], phrases: list[tuple[str, ...]]) -> int:
    """Return the length of the longest phrase that a list begins with; 0: none."""
    return max((len(one) for one in phrases if tuple(tokens[: len(one)]) == one), default=0)


def flip(signs: list[bool | None], sounds: list[int], end: int) -> None:
    """Turn the polarity of the sounds before a place round."""
    for place in sounds:
        if place < end and signs[place] is not None:
            signs[place] = not signs[place]


def denies_subject(tokens: list[str], at: int, sounds: list[int]) -> bool:
    """Tell whether a denial is of the sound before it: "a dog is not heard", "a dog never barks"."""
    token, before = tokens[at], tokens[:at]
    part = token == "no" and tokens[at + 1 : at + 2] in (["part"], ["place"], ["role"])
    if not (part or token in ("not", "never", "none")) or not any(place < at for place in sounds):
        return False
    if token != "never" and before[-1] not in AUXILIARIES:
        return False
    subject = [word for word in before if word not in (*AUXILIARIES, ",", "also")]
    if subject[-1] in SUBJECTS:  # "a dog is what I can not hear"
        return subject[-2:-1] in (["what"], ["that"], ["which"])
    if (
        subject[-1] in ("that", "which") and "other" in subject[-3:]
    ):  # "or other sounds that are not"
        return False
    return not clip_is_subject(tokens, at)


def clip_is_subject(tokens: list[str], at: int) -> bool:
    """Tell whether what comes before a predicate is the clip, as in "without a dog the clip is quiet"."""
    subject = [word for word in tokens[:at] if word not in (*AUXILIARIES, "not", "also")]
    if not subject or subject[-1] not in CLIP_NOUNS:
        return False
    return not {"in", "of", "from", "on", "throughout"} & set(subject[-4:-1])


# ---- clips and time --------------------------------------------------------------------------


def clip_references(
    tokens: list[str], n_clips: int, focus: frozenset[int] | None
) -> Iterator[tuple[int, int, frozenset[int]]]:
    """Yield where clips are referred to, and by which index they go."""
    at = 0
    while at < len(tokens):
        token, after = tokens[at], tokens[at + 1 : at + 2] or ["."]
        end, clips = at + 1, None
        alone = n_clips == 1 and after[0] not in SURELY_CLIPS  # "the second one" is a sound
        if token in ORDINALS and after[0] in CLIP_NOUNS and not alone:
            end, clips = at + 2, which(ORDINALS[token], n_clips, focus)
            if end < len(tokens) and tokens[end] in CLIP_NOUNS:  # "the first audio clip"
                end += 1
        elif token in ORDINALS and n_clips > 1 and at and tokens[at - 1] == "the":
            if after[0] in AFTER_BARE_ORDINAL:
                clips = which(ORDINALS[token], n_clips, focus)
        elif token in CLIP_NOUNS - {"one", "ones"} and after[0] in NUMBERS and n_clips > 1:
            if after[0] != "a" and not (after[0] == "one" and tokens[at + 2 : at + 3] == ["of"]):
                end, clips = at + 2, which(NUMBERS[after[0]], n_clips, focus)
        elif token in ("both", "each", "neither") and n_clips > 1:
            if CLIP_NOUNS & set(tokens[at + 1 : at + 4]) or after[0] in AFTER_BARE_ORDINAL:
                clips = frozenset(range(n_clips))
        elif after[0] in PLURAL and token in NUMBERS:  # "the three clips", where there are two
            most = NUMBERS[token] + (at > 0 and tokens[at - 1] == "other")
            clips = frozenset({most}) if most >= n_clips else None
        if clips is not None:
            yield at, end, clips
        at = end


def which(index: int, n_clips: int, focus: frozenset[int] | None) -> frozenset[int] | None:
    """Return the clips that an index stands for: None where it names none."""
    if index == OTHERS:  # of no clip in particular, where none was named before
        return frozenset(range(n_clips)) - focus if focus else None
    return frozenset({n_clips - 1 if index == LAST else index})


def times(tokens: list[str], step: int) -> tuple[list[int], int]:
    """Return each token's step of time, larger for what is later, and the step to go on with."""
    steps = []
    shift = 0
    for at, token in enumerate(tokens):
        after = tokens[at + 1 : at + 2]
        if token in STEPS or (token == "followed" and after == ["by"]):
            step, shift = step + 1, 0
        elif (token == "before" and at) or (token == "after" and after == ["which"]):
            step += 1
        elif token in ("after", "following", "once") or (token == "preceded" and after == ["by"]):
            shift = -1
        elif token == ",":
            shift = 0
        steps.append(step + shift)
    return steps, step
