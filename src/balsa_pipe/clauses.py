"""The clauses of a text: the stretches that a negation reaches over, in plain phrases."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from balsa_pipe.paraphrases import rewritten
from balsa_pipe.text import straight, words

_ITEM = re.compile(r"\s*(?:[-*+•–]|\d+[.)])\s+")
_EMPHASIS = re.compile(r"[*_#]+")
_VERDICT = re.compile(r"^\W*(?:yes|no|nope)\b\s*[,.;:!–—-]+\s*")
_SENTENCE_END = re.compile(r"([.!?;\n]+)(?!\d)")

_CONTRAST = re.compile(
    r"\b(?:but|except(?:ing)?(?: for)?|save for|other than|more than|apart from|aside from|besides"
    r"|however|although|though|despite|while|whereas|yet|instead(?! of)|rather(?! than)"
    r"|when|where|because|since|until|before|after"
    r"|(?:only|just|merely|simply|solely)(?! (?:not|absent|missing|inaudible|silent)\b)"
    r"|(?<=, )with(?! no\b))\b"
)
_FRONTED = re.compile(
    r"\W*(?:and |but )?(?:even )?(?:although|though|while|whereas|since|because|when|where|despite"
    r"|before|after|until)\b"
)
"""What a sentence opens with whose own clause ends at a comma."""
_SET_ASIDE = re.compile(r"^\s*(?:instead of|rather than|as opposed to|unlike|without|with no)\b")
_JOINT = re.compile(r"(,|\band\b|–|—| - )")

_VERB = re.compile(
    r"\b(?:is|are|was|were|can|could|cannot|do|does|did|has|have|hear|hears|heard|contains?"
    r"|features?|includes?|plays?|comes?|goes|remains?|i'm|it's|that's|there's|\w+n't)\b"
)
_SINGULAR = {"a": 2, "an": 2, "the": 2, "another": 2, "one": 2, "someone": 1, "somebody": 1}
"""Words that a subject begins with, and how far behind them its verb is at least."""
_NO_NOUN = re.compile(
    r"of|in|on|at|with|from|to|by|for|near|like|under|over|behind|into|through|n?or|few|lot"
)


@dataclass(frozen=True, slots=True)
class Clause:
    """The words of a stretch that a negation reaches over, in pieces that commas and ands divide."""

    tokens: tuple[str, ...]
    stops: tuple[int, ...]  # where each piece ends
    sentence: str  # the words of the whole one, in their plain form
    is_verbless: bool  # its sentence has no verb and no contrast


@lru_cache(maxsize=1024)
def clauses(text: str) -> tuple[Clause, ...]:
    """Return the clauses of a text, without questions and verdicts."""
    found: list[Clause] = []
    for line in _lines(straight(text)):
        sentences = [*_SENTENCE_END.split(rewritten(line)), ""]
        for sentence, mark in zip(sentences[::2], sentences[1::2], strict=True):
            if "?" not in mark:
                found += _clauses_of(_VERDICT.sub("", sentence))
    return tuple(found)


def _lines(text: str) -> Iterator[str]:
    """Yield the lines of a text, the items of a list joined to the line that announces them."""
    heading = ""
    for line in text.splitlines():
        item = _ITEM.match(line)
        content = _EMPHASIS.sub(" ", line[item.end() :] if item else line)
        if item and heading:
            heading += f" {content.rstrip(' .;')},"
        elif line.strip():
            yield heading
            is_heading = content.rstrip().endswith(":")
            heading = content if is_heading else ""
            if not is_heading:
                yield content
    yield heading


def _clauses_of(sentence: str) -> Iterator[Clause]:
    sides = _CONTRAST.split(sentence)
    if _FRONTED.match(sentence):
        sides[1:2] = _after_fronted(sides[1])
    said = " ".join(words(sentence))
    is_verbless = len(sides) == 1 and not _has_verb(said)
    for side in sides:
        for run in _runs(side):
            pieces = [words(piece) for piece in run]
            stops = [sum(map(len, pieces[: number + 1])) for number in range(len(pieces))]
            tokens = tuple(word for piece in pieces for word in piece)
            yield Clause(tokens, tuple(stops), said, is_verbless)


def _after_fronted(side: str) -> list[str]:
    """Return a clause that opens a sentence, and the rest: of "no cow moos, a dog barks" both."""
    own, *rest = side.split(",")
    while len(rest) > 1 and not (_has_verb(own) or _has_verb(rest[0])):
        own = f"{own},{rest.pop(0)}"
    return [own, ",".join(rest)]


def _runs(side: str) -> Iterator[list[str]]:
    """Yield runs of pieces with at most one verb: "no dog, cat" is one run, not two."""
    run: list[str] = []
    has_verb = False
    for piece in _pieces(side):
        if _has_verb(piece):
            if has_verb or (run and _SET_ASIDE.match(run[0])):
                subject = [run.pop()] if _goes_with(piece) and len(run) > 1 else []
                yield run
                run = subject
            has_verb = True
        run.append(piece)
    yield run


def _goes_with(piece: str) -> bool:
    """Tell whether what stands before an "and" is of the same subject: "a dog and a cat are"."""
    return bool(re.match(r"and (?:\w+ ){1,3}(?:are|were|aren't|weren't|do|don't|have) ", piece))


def _pieces(side: str) -> Iterator[str]:
    """Yield what commas and ands divide, each "and" with what follows it."""
    first, *rest = _JOINT.split(side)
    yield first
    for joint, piece in zip(rest[::2], rest[1::2], strict=True):
        yield f"and {piece.strip()}" if joint == "and" else piece


def _has_verb(piece: str) -> bool:
    return bool(_VERB.search(piece)) or _acts(words(piece))


def _acts(tokens: list[str]) -> bool:
    """Tell whether a subject of a word or two does something: "a cow moos", "a big dog barks"."""
    start, *rest = [token for token in tokens if token != "and"] or [""]
    if (place := _SINGULAR.get(start)) is None:
        return False
    for number, token in enumerate(rest[: place + 1], start=1):
        if _NO_NOUN.fullmatch(token):
            return False
        if number >= place and token.endswith("s") and not token.endswith(("ss", "us", "is", "'s")):
            return True
    return False
