"""Whether a reply tells a scene's recordings in another order than they sound in."""

import re
from collections.abc import Iterable, Iterator
from itertools import product

from balsa_pipe.negation import denied_phrases
from balsa_pipe.schemas import Row
from balsa_pipe.text import content_bases, straight
from balsa_pipe.vocabulary import sounds_of

_TOGETHER_S = 0.2
_PAUSE = r"(?:a|an|some|several|few|two|three|short|long|brief|\d+) ?(?:\w+ )?"
_TIME = r"(?:while|moments?|pause|time|bit|seconds?|silence)"
_MARK = re.compile(
    r"(?P<later>(?<!\bnow and )(?<!\bsince )(?<!\bby )(?<!\beven )(?<!\bback )\bthen\b(?! again)"
    r"|\bfollowed by\b|\bafter(?:wards?| (?:that|this|which|it|them)\b)|\bthereafter\b"
    rf"|\bafter {_PAUSE}{_TIME}\b|\bsubsequently\b|\bfinally\b|\blastly\b|\blater\b(?! than)"
    r"|\bnext\b(?! to| door)|\buntil\b|\b(?:leads?|gives?) (?:way )?to\b|\bpreced(?:es|ed|ing)\b(?! by))"
    r"|(?P<earlier>\b(?:before|prior to|preceding) (?:that|this|which|it|them)\b)"
    r"|(?P<after>\b(?:after|following|preceded by|once|later than|follows)\b"
    r"(?! (?:another|the other|each|one another)\b))"
    r"|(?P<before>\b(?:before|prior to)\b(?! long\b))"
)
_OPEN = re.compile(r"(?:^|,|\band)\s*(?:right |shortly |soon |just |immediately |even )?$")
_SCOPE = r"([^.,;!?\n]*?)(?=[.,;!?\n]|\bthen\b|\bbefore\b|\bfollowed by\b|\bfinally\b|\bafter\b|$)"
_FIRST = re.compile(
    r"(?:(?:^|[.;!\n])\s*(?:at )?(?:first(?:ly)?|initially|to begin with),? "
    rf"|\b(?:starts?|begins?|opens?) (?:out |off )?(?:with|by) ){_SCOPE}"
)
_LAST = re.compile(rf"\b(?:ends?|finish(?:es)?|closes?|concludes?) (?:up )?(?:with|by) {_SCOPE}")


def tells_wrong_order(row: Row, response: str) -> bool:
    """Tell whether a reply about one scene puts a recording before one that begins earlier.

    Only words of order count ("then", "before", "starts with"). What begins within a fifth of a
    second may be told in any order; what a reply ends with must not be over when another begins.
    """
    parts = row["clips"][0]["parts"] if len(row["clips"]) == 1 else []
    if len(parts) < 2:
        return False
    said = straight(response)
    hallmarks = _hallmarks(parts)

    def named(text: str) -> set[int]:
        denied = (word for phrase in denied_phrases(text) for word in phrase)
        words = content_bases(text) - content_bases(" ".join(denied))
        return {place for place, own in enumerate(hallmarks) if not own.isdisjoint(words)}

    everything = set(range(len(parts)))
    firsts = (named(match[1]) for match in _FIRST.finditer(said))
    lasts = (named(match[1]) for match in _LAST.finditer(said))
    claims = ((named(earlier), named(later)) for earlier, later in _claims(said))
    return (
        any(_swapped(parts, one - other, other - one) for one, other in claims)
        or any(_all_follow(parts, one, everything - one) for one in firsts)
        or any(_all_precede(parts, one, everything - one) for one in lasts)
    )


def _hallmarks(parts: list[Row]) -> list[frozenset[str]]:
    """Return the words of each recording that no other one has."""
    known = [content_bases(" ".join([*sounds_of(part), *part["captions"]])) for part in parts]
    return [
        own.difference(*(other for number, other in enumerate(known) if number != place))
        for place, own in enumerate(known)
    ]


def _begins_before(parts: list[Row], one: int, other: int) -> bool:
    return bool(parts[one]["onset_s"] + _TOGETHER_S <= parts[other]["onset_s"])


def _ends_before(parts: list[Row], one: int, other: int) -> bool:
    end_s = parts[one]["onset_s"] + parts[one]["duration_s"]
    return bool(end_s <= parts[other]["onset_s"])


def _swapped(parts: list[Row], earlier: Iterable[int], later: Iterable[int]) -> bool:
    return any(_begins_before(parts, other, one) for one, other in product(earlier, later))


def _all_follow(parts: list[Row], first: set[int], rest: set[int]) -> bool:
    follows = [any(_begins_before(parts, other, one) for other in rest) for one in first]
    return bool(follows) and all(follows)


def _all_precede(parts: list[Row], last: set[int], rest: set[int]) -> bool:
    precedes = [any(_ends_before(parts, one, other) for other in rest) for one in last]
    return bool(precedes) and all(precedes)


def _claims(text: str) -> Iterator[tuple[str, str]]:
    """Yield pairs of stretches of which the first is said to sound before the second."""
    past = ""
    for sentence in re.split(r"[.!?;\n]+", text):
        yield from _claims_of(sentence, past)
        past = f"{past} {sentence}"


def _claims_of(sentence: str, past: str) -> Iterator[tuple[str, str]]:
    marks = [*_MARK.finditer(sentence)]
    bounds = [*(mark.start() for mark in marks), len(sentence)]
    told = [sentence[: bounds[0]]]  # in the order of time, as far as it is told
    for mark, end in zip(marks, bounds[1:], strict=True):
        stretch = sentence[mark.end() : end]
        own, comma, rest = stretch.partition(",")
        before = told if told[-1].strip(" ,") else [past]
        is_open = comma and _OPEN.search(sentence[: mark.start()])
        match mark.lastgroup:
            case "after" | "before" if is_open:
                yield (own, rest) if mark.lastgroup == "after" else (rest, own)
                told = [stretch]
            case "after" | "earlier":
                yield stretch, before[-1]
            case _:
                yield from ((one, stretch) for one in before)
                told = [*before, stretch]
