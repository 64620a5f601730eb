"""The verdict of a reply to a yes/no question, and whether what follows takes it back."""

import re
from typing import Literal

from balsa_pipe.paraphrases import rewritten
from balsa_pipe.tasks.phrases import expanded
from balsa_pipe.text import straight, words

Verdict = Literal["yes", "no"]

_BOTH = re.compile(r"\W*(?:yes\W*(?:and|or)?\W*no|no\W*(?:and|or)?\W*yes)\b")
_SAID = re.compile(r"(?:^|[.!?\n])\W*(yes|no)(?=\s*(?:[,.!;:\n–—-]|$))")
_OPENING = re.compile(
    r"\W*(?:(?:yes|no|but|because|since|and|so|well|actually|indeed|of course|in fact|as"
    r"|i (?:think|believe|am sure|would say)(?: that)?)\b\W*)+"
)

_IT = "(?:it|they|this|that|one|(?:the|this|that|such a) (?:sound|noise)(?: of (?:it|that|this))?)"
_CLIP = r"(?:the|this|that) (?:audio clip|audio|clip|recording|sample|track)"
_BE = "(?:is|are|was|were)"
_HOW = r"(?:(?:\w+ly|indeed|very|quite|also|there|in fact) )*"
_CAN = "(?:can|could|do|does|did|will|would)"
_SENSE = "(?:hear|heard|detect|make out|notice|perceive|pick up|recogni[sz]e|identify|find)"
_HOLDS = "(?:contains?|has|have|holds?|includes?|features?)"
_HEARD = (
    "(?:there|present|audible|here|heard|detectable|noticeable|discernible|detected|part of|among"
    r"|in (?:it|th\w+)|on th\w+)"
)
_END = r"(?=\W*$|\s*[.,;!]|\s+(?:but|and|though)\b)"

_AFFIRMS = re.compile(
    rf"{_IT} (?:{_BE}|can|could) {_HOW}(?:be )?{_HOW}{_HEARD}\b"
    rf"|(?:i|we|you|one) {_HOW}(?:{_CAN} )?{_HOW}{_SENSE} {_IT}\b"
    rf"|{_CLIP} {_HOW}(?:does )?{_HOW}{_HOLDS} {_IT}\b"
    rf"|(?:i|we|you|it|they|{_CLIP}) {_HOW}{_CAN}{_END}"
    rf"|(?:there|it) {_BE} ?{_HOW}(?:one|some)?{_END}"
)
_DENIES = re.compile(
    rf"{_IT} (?:cannot|(?:{_BE}|can|could) (?:not|never|no longer)) (?:to )?(?:be )?{_HOW}{_HEARD}\b"
    rf"|{_IT} {_BE} {_HOW}(?:absent|missing|inaudible|silent|nowhere|lacking|not{_END})\b"
    rf"|(?:i|we|you|one) {_HOW}(?:cannot|{_CAN} (?:not|never)) {_HOW}{_SENSE} (?:{_IT}|any)\b"
    rf"|{_CLIP} (?:(?:does|did) not {_HOLDS}|lacks) {_IT}\b"
    rf"|(?:i|we|you|it|they|{_CLIP}) (?:cannot|{_CAN} not){_END}"
    rf"|(?:there|it) {_BE} (?:not(?: one| any)?|none|no such (?:sound|noise)){_END}"
    rf"|(?:i|we|you) {_SENSE} (?:none|no such|nothing of)\b"
    r"|(?:nothing (?:like|of)|not at all)\b"
)


def parse_verdict(response: str) -> Verdict | None:
    """Return the yes or no that a reply opens with; None: it opens otherwise, or gives both."""
    said = straight(response)
    first, second = [*words(said), "", ""][:2]
    if second in ("doubt", "question") or _BOTH.match(said):
        return None
    if set(_SAID.findall(said)) > {first}:
        return None
    return "yes" if first == "yes" else "no" if first == "no" else None


def takes_back(response: str) -> bool:
    """Tell whether a reply goes on against its verdict without naming a sound: "No, it is there"."""
    verdict = parse_verdict(response)
    plain = " ".join(expanded(rewritten(straight(response))).split())
    rest = _OPENING.sub("", plain, count=1)
    if verdict == "no":
        return bool(_AFFIRMS.match(rest))
    return bool(verdict and not _AFFIRMS.match(rest) and _DENIES.match(rest))
