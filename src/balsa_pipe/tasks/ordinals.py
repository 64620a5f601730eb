"""Which of a row's clips the stretches of a reply speak of: "the first", "clip 2", "the other"."""

import re
from collections.abc import Callable, Iterator

_ORDINALS = ("first", "second", "third", "fourth", "fifth", "sixth")
_NUMBERS = ("one", "two", "three", "four", "five", "six")
_ORDERS = (_ORDINALS, _NUMBERS, "123456", "abcdef")
_ANY_ORDINAL, _ANY_NUMBER = "|".join(_ORDINALS), "|".join(_NUMBERS)
_CLIP = r"(?:audio clip|sound clip|audio|clip|recording|sample|track|file|segment)"
_NAME = re.compile(
    rf"\bthe ({_ANY_ORDINAL}|former|latter|other)\b"
    r"(?! (?:few|couple|two|three|half|end|side|part|section|time|seconds?|minutes?|moments?)\b)"
    rf"|\b({_ANY_ORDINAL}|last)(?= (?:{_CLIP}|one)\b)"
    r"|\bthe (last)(?= (?:is|has|contains|features|includes|holds)\b|[,:])"
    rf"|\b{_CLIP} (?:number |no\. ?|# ?)?([1-6]\b|(?-i:[A-F])\b"
    rf"|(?:{_ANY_NUMBER})(?= (?:has|is|contains|features|includes)\b|[,.;:]))",
    re.IGNORECASE,
)
_COUNT = re.compile(rf"\b(other )?({_ANY_NUMBER}|[1-6]) {_CLIP}s\b", re.IGNORECASE)
_NO_CLIP = re.compile(r"\s+(?:sounds?|noises?|instruments?|voices?|notes?|beats?|bells?|people)\b")


def speaks_beyond(reply: str, clips: int) -> bool:
    """Tell whether a reply names clips beyond so many: "the third clip" of two, "the three clips"."""
    counts = ((bool(match[1]), match[2].casefold()) for match in _COUNT.finditer(reply))
    if any(is_rest + _count(said) > clips for is_rest, said in counts):
        return True
    names = (match for match in _NAME.finditer(reply) if not _NO_CLIP.match(reply, match.end()))
    return any((_position(match, clips, None) or 0) >= clips for match in names)


def stretches(
    reply: str, clips: int, names_sound: Callable[[str], bool]
) -> Iterator[tuple[int | None, str]]:
    """Yield stretches of a reply with the position of the clip that they speak of; None: of any.

    A sentence that names a sound before any clip has its clips behind ("a cow in the first").
    """
    if not (found := list(_NAME.finditer(reply))):
        yield None, reply
        return
    start = max(reply.rfind(mark, 0, found[0].start()) for mark in ".!?\n") + 1
    yield None, reply[:start]
    bounds = [start, *(bound for match in found for bound in match.span()), len(reply)]
    gaps = [reply[bounds[i] : bounds[i + 1]] for i in range(0, len(bounds), 2)]
    if names_sound(gaps[0]):
        gaps = [*gaps[:-2], " ".join(gaps[-2:])]
    else:
        yield None, gaps.pop(0)
    position: int | None = None
    for match, stretch in zip(found, gaps, strict=False):
        position = _position(match, clips, position)
        if position is None or position < clips:
            yield position, stretch


def _count(said: str) -> int:
    return int(said) if said.isdigit() else 1 + _NUMBERS.index(said)


def _position(match: re.Match[str], clips: int, before: int | None) -> int | None:
    """Return the position of the clip that is named after another one; None: it may be any."""
    said = match[match.lastindex or 0].casefold()
    if said == "last":
        return clips - 1
    if said in ("former", "latter"):
        return ("former", "latter").index(said) if clips == 2 else None
    if said == "other":
        return 1 - before if clips == 2 and before in (0, 1) else None
    return next(order.index(said) for order in _ORDERS if said in order)
