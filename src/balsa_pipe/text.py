"""The words of a text, and whether they name a sound."""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from functools import lru_cache

_STOP_WORDS = """
a absent all an and another any are aren't as at audible audio background be been being both but by
can can't cannot clear clearly clip clips continuous continuously could did distance distant do does
doesn't don't each faint faintly first for foreground from had has have hear heard i i'm in into is
isn't it it's its loud loudly multiple nearby no none nor not of on or other present quiet quietly
recording repeatedly second several so soft softly some sound sounds than that that's the their then
there there's these they this those to various very was wasn't were weren't what which while with
you your
"""
STOP_WORDS = frozenset(_STOP_WORDS.split())
"""Words that say nothing about what sounds."""

_IRREGULAR = {
    "applause": "applaud",
    "bit": "bite",
    "bitten": "bite",
    "blew": "blow",
    "blown": "blow",
    "broke": "break",
    "broken": "break",
    "children": "child",
    "drove": "drive",
    "feet": "foot",
    "flew": "fly",
    "geese": "goose",
    "laughter": "laugh",
    "men": "man",
    "mice": "mouse",
    "oxen": "ox",
    "people": "person",
    "ran": "run",
    "rang": "ring",
    "rung": "ring",
    "said": "say",
    "sang": "sing",
    "shot": "shoot",
    "slid": "slide",
    "speech": "speak",
    "spoke": "speak",
    "spoken": "speak",
    "sung": "sing",
    "teeth": "tooth",
    "told": "tell",
    "tore": "tear",
    "torn": "tear",
    "wept": "weep",
    "women": "woman",
    "written": "write",
    "wrote": "write",
}
"""Words and what they are a form of; a noun may be one of a verb, as "speech" is of "speak"."""
_DROPPED = ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_APOSTROPHES = str.maketrans("’‘ʼ`´", "'''''")
_GLOSS = re.compile(r"\([^)]*\)")
_GLUE = (
    frozenset(["is", "are", "was", "were", "be", "being", "can", "heard", "clearly", "loudly"]),
    frozenset(["of", "on", "from", "a", "an", "the"]),
)
"""Words that may stand between those of a sound's name."""
_WORD = re.compile(r"[^\W_]+(?:'[^\W_]+)?")


def plain(text: str) -> str:
    """Return text from data as one line without control characters and square brackets.

    Square brackets are ours: they mark where the audio begins and ends in a prompt.
    """
    printable = _CONTROL.sub(" ", text)
    return " ".join(printable.split()).replace("[", "(").replace("]", ")")


def safe_text(text: str) -> str:
    """Return a text on one line without control, direction and other unseen characters."""
    kept = (c for c in text if c.isspace() or unicodedata.category(c) not in _DROPPED)
    return " ".join("".join(kept).split())


@lru_cache(maxsize=65536)
def normalise(sound: str) -> str:
    """Return the one spelling of a sound word: lower case, one line, no underscores."""
    return plain(unicodedata.normalize("NFKC", sound).replace("_", " ").casefold()).strip(" .,;:-")


def words(text: str) -> list[str]:
    """Return the words of a text in lower case, contractions whole."""
    return _WORD.findall(straight(text))


@lru_cache(maxsize=65536)
def bases(word: str) -> frozenset[str]:
    """Return the forms a word may be an inflection of, itself included."""
    if word in _IRREGULAR:
        return frozenset({word, _IRREGULAR[word]})
    return frozenset({word, *(base for base in _uninflected(word) if len(base) >= 3)})


def content_bases(text: str) -> frozenset[str]:
    """Return the bases of all words of a text that say something about what sounds."""
    found = (bases(word) for word in words(text) if word not in STOP_WORDS)
    return frozenset().union(*found)


def names(sound: str) -> list[str]:
    """Return the names a sound goes by: the comma parts of its label, brackets left out."""
    bare = _GLOSS.sub(" ", normalise(sound))
    parts = (part.strip(" .") for part in bare.split(","))
    return [name for name in parts if name != "etc" and words(name)]


def mentions(text: str, sound: str) -> bool:
    """Tell whether a text names a sound, in any number or tense, affirmed or denied."""
    tokens = words(text)
    return any(True for _ in spans(tokens, sound))


def straight(text: str) -> str:
    """Return a text in lower case, with plain apostrophes and no full-width letters."""
    return unicodedata.normalize("NFKC", text).casefold().translate(_APOSTROPHES)


def spans(tokens: Sequence[str], sound: str) -> Iterator[tuple[int, int]]:
    """Yield where one of a sound's names stands among the words, as people put it.

    "Woman speaking" may be a woman who "is speaking", a car horn the "horn of a car", and a "police
    car (siren)" a police siren.
    """
    for wanted in _names_in_words(sound):
        for start, token in enumerate(tokens):
            if any(same_word(token, word) for word in wanted):
                if (length := _length_at(tokens, start, wanted)) is not None:
                    yield start, start + length
            elif token[0] == wanted[0][0] and (length := _respelled(tokens, start, wanted)):
                yield start, start + length


def same_word(one: str, other: str) -> bool:
    """Tell whether two words may be inflections of one."""
    return one == other or not bases(one).isdisjoint(bases(other))


@lru_cache(maxsize=65536)
def _names_in_words(sound: str) -> tuple[tuple[str, ...], ...]:
    known = [tuple(words(name)) for name in names(sound)]
    glosses = [tuple(words(gloss)) for gloss in _GLOSS.findall(normalise(sound))]
    glossed = [(name[0], *gloss) for name in known if len(name) > 1 for gloss in glosses if gloss]
    return tuple(dict.fromkeys([*known, *glossed]))


def _length_at(tokens: Sequence[str], start: int, wanted: Sequence[str]) -> int | None:
    """Return over how many words a name stands at a place; None: it doesn't."""
    if all(map(same_word, tokens[start : start + len(wanted)], wanted)):
        return len(wanted) if start + len(wanted) <= len(tokens) else None
    if len(wanted) == 1 or not STOP_WORDS.isdisjoint(wanted):
        return None
    left, glue = list(wanted), set[str]()
    for length, token in enumerate(tokens[start : start + len(wanted) + 3], start=1):
        found = next((word for word in left if same_word(token, word)), None)
        if found is None:
            glue.add(token)
        else:
            left.remove(found)
        if not left:
            return length if any(map(glue.issubset, _GLUE)) else None
    return None


def _respelled(tokens: Sequence[str], start: int, wanted: Sequence[str]) -> int:
    """Return over how many words a name stands that is written as one word, or as two; else 0."""
    if len(wanted) > 1:
        return int(same_word(tokens[start], "".join(wanted)))
    two = tokens[start : start + 2]
    is_long = len(two) == 2 and min(map(len, two)) > 2
    return 2 if is_long and same_word("".join(two), wanted[0]) else 0


def _uninflected(word: str) -> Iterator[str]:
    if word.endswith("'s"):
        yield word[:-2]
    elif word.endswith(("ies", "ied")):
        yield word[:-3] + "y"
    elif word.endswith("ves"):
        yield from (word[:-1], word[:-3] + "f", word[:-3] + "fe")
    elif word.endswith("es"):
        yield from (word[:-1], word[:-2])
    elif word.endswith("s") and not word.endswith("ss"):
        yield word[:-1]
    for ending in ("ing", "ed"):
        stem = word.removesuffix(ending)
        if stem != word and len(stem) >= 3:
            yield from (stem, stem + "e")
            if stem[-1] == stem[-2]:
                yield stem[:-1]
