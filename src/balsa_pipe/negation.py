"""What a text says of a sound: that it is heard, or that it isn't.

A text is put into plain phrases (`paraphrases`) and cut into clauses (`clauses`); here it is told
which words of a clause a negation reaches, from before or from behind.
"""

import re
from collections.abc import Iterator
from typing import Literal

from balsa_pipe.clauses import Clause, clauses
from balsa_pipe.text import STOP_WORDS, spans

Polarity = Literal["present", "absent"]

_STATE = re.compile(r"\b(?:present|absent|missing|audible|inaudible|silent|free)\b")
_NT = r"\w+n't|dont|cant|isnt|arent|doesnt|didnt|wasnt|werent|wont|couldnt"
_BE = r"(?:is|are|was|were|be|seems?|appears?|remains?|stays?)"
_BEFORE = re.compile(
    rf"\b(?:no|not|cannot|without|neither|nor|never|none|nobody|nothing|nowhere|zero|{_NT}"
    r"|lacks?|lacking|unlike"
    r"|(?:free|devoid|void|bereft|absence|instead) (?:of|from)|(?:unable|fail(?:s|ed|ing)?) to"
    r"|rather than|opposed to|rul(?:e|es|ed|ing) out|exclud(?:e|es|ed|ing)|den(?:y|ies|ied|ying)"
    r"|in vain|(?:wrong|false|incorrect|a mistake) to (?:say|claim|state)"
    r"|(?:false|wrong|untrue|unlikely|doubt(?:ful)?) (?:that|if|whether)|unlikely to"
    r"|(?:absent|missing) (?:sounds?|is|are)|sounds? (?:(?:that|which) are )?(?:absent|missing))\b"
    r"|^(?:absent|missing)\b"
)
_BEHIND = re.compile(
    rf"\b(?:{_BE}|can|could|do|does|did|has|have) (?:not|never|no longer)\b"
    rf"|\b{_BE} (?:\w+ )?(?:absent|missing|lacking|silent|inaudible|nowhere|excluded|unlikely)\b"
    rf"|\b(?:cannot|{_NT})\b"
    r"|\bnot (?:heard|present|audible|included|detected|there)\b"
    rf"|\b{_BE} no part\b|\bmak(?:es?|ing) no (?:sound|noise)\b|\bin vain\b|\bruled out\b"
    r"|\bwrong to (?:say|claim|state)\b"
    r"|^(?:both |all )?(?:absent|absence|missing|inaudible|never|free(?! (?:of|from)))\b"
)
_RELATIVE = re.compile(r"(?<=\w)(?<!sounds)(?<!sound) (?:that|which|who|whose) ")
_TAIL = re.compile(r"^(?:\w+ing|sounds?|noises?|n?or|of|an?|any)$")
_ANEW = re.compile(
    r"^(?:and |or )?(?:i|we|you|he|she|it|they|there|this|these|those|no|not|none|nothing|nobody"
    r"|(?:it|that|there)'s|i'm)\b"
)
_MORE = frozenset({"other", "another", "additional", "further", "more", "else"})
_GROUND = re.compile(
    r"\b(?:(?<!lacking )in|over|under|underneath|beneath|behind|above|near|beside|during|amid|amidst"
    r"|among|through|throughout|against|alongside)"
    r"(?: (?:the|this|that|all|its|their|loud|heavy|\w+ing)){0,2} $"
    r"|\bwith (?:the|this|that|its|their) $"
)
"""What stands before a sound that is taken for granted: there is no cat "in the" rain."""
_ALL_SOUND = re.compile(
    r"\b(?:nothing|anything|there(?: is|'s) (?:only )?silence|(?:audio|clip|recording) is (?:\w+ )?silent"
    r"|(?:no|any|not a|zero) (?:audible )?(?:sounds?|noises?|audio))\b"
)
_HEARING_WORDS = """
a absolutely all and any anything anywhere are aren't at audible audio be can can't cannot clip
clips completely contain contains could couldn't detect detected do does doesn't don't entirely
has have hear heard here holds i in is isn't just no noise noises not nothing only present
recording silence silent so sound sounds that the there there's this to totally was were we well
whatsoever you zero
"""
_OF_HEARING = frozenset(_HEARING_WORDS.split())
"""The words of a sentence that says that no sound is heard, and says no more."""


def negated_mention(text: str, sound: str, *, bare: Polarity = "present") -> bool:
    """Tell whether a text denies a sound somewhere."""
    return "absent" in _polarities(text, sound, bare)


def polarity(text: str, sound: str, *, bare: Polarity = "present") -> Polarity | None:
    """Return how a text names a sound: present if it affirms it anywhere; None: not at all.

    bare: how a sentence without verb and negation is meant ("A dog, a cat."): it answers the
    question what is heard, and the question what isn't.
    """
    found = _polarities(text, sound, bare)
    return "present" if "present" in found else "absent" if "absent" in found else None


def denied_phrases(text: str, *, bare: Polarity = "present") -> list[tuple[str, ...]]:
    """Return the stretches of content words that a text denies: of "no big dog, no cat" two."""
    return _phrases(text, "absent", bare)


def affirmed_phrases(text: str, *, bare: Polarity = "present") -> list[tuple[str, ...]]:
    """Return the stretches of content words that a text affirms."""
    return _phrases(text, "present", bare)


def denies_everything(text: str) -> bool:
    """Tell whether a text says that no sound at all is heard."""
    return any(map(_is_of_silence, {clause.sentence for clause in clauses(text)}))


def _is_of_silence(sentence: str) -> bool:
    said = sentence.split()
    is_denial = "silence" in said or _is_negated(sentence)
    is_all = bool(_ALL_SOUND.search(sentence)) and _OF_HEARING.issuperset(said)
    return len(said) > 1 and is_denial and is_all


def _polarities(text: str, sound: str, bare: Polarity) -> set[Polarity | None]:
    return {
        _said_of(clause, start, end, bare)
        for clause in clauses(text)
        for start, end in spans(clause.tokens, sound)
    }


def _phrases(text: str, wanted: Polarity, bare: Polarity) -> list[tuple[str, ...]]:
    return [phrase for clause in clauses(text) for phrase in _phrases_of(clause, wanted, bare)]


def _phrases_of(clause: Clause, wanted: Polarity, bare: Polarity) -> Iterator[tuple[str, ...]]:
    """Yield the stretches of content words of a polarity; a piece's end ends them too."""
    for first, stop in zip((0, *clause.stops), clause.stops, strict=False):
        phrase: list[str] = []
        for place in range(first, stop):
            is_content = clause.tokens[place] not in STOP_WORDS
            if is_content and _said_of(clause, place, place + 1, bare) == wanted:
                phrase.append(clause.tokens[place])
            elif phrase:
                yield tuple(phrase)
                phrase = []
        if phrase:
            yield tuple(phrase)


def _said_of(clause: Clause, start: int, end: int, bare: Polarity) -> Polarity | None:
    """Return what is said of the sound at these words; None: it is taken for granted."""
    if clause.is_verbless and not _is_negated(clause.sentence):
        return bare
    before = " ".join((*clause.tokens[:start], ""))
    is_behind = _denied_behind(clause, end)
    if is_behind and start > 0 and clause.tokens[start - 1] == "no":
        return "present"  # "no dog is missing", "no bird is not in it"
    if is_behind:
        return "absent"
    if not _BEFORE.search(before):
        return "present"
    is_another = start > 0 and clause.tokens[start - 1] in _MORE
    return None if is_another or _GROUND.search(before) else "absent"


def _is_negated(sentence: str) -> bool:
    return any(pattern.search(sentence) for pattern in (_STATE, _BEFORE, _BEHIND))


def _denied_behind(clause: Clause, end: int) -> bool:
    """Tell whether a negation follows, in the same piece or behind a list that goes on."""
    place = next(number for number, stop in enumerate(clause.stops) if stop >= end)
    own = clause.tokens[end : clause.stops[place]]
    if clause.tokens[end - 1].endswith("'s") and own[:1] != ("absence",):
        own = own[1:]  # of "the bird's song" the song goes along
    if _BEHIND.search(_RELATIVE.split(" ".join(own), maxsplit=1)[0]):
        return True
    bounds = zip(clause.stops[place:], clause.stops[place + 1 :], strict=False)
    rest = [" ".join(clause.tokens[start:stop]) for start, stop in bounds]
    goes_on = all(map(_TAIL.match, own)) and not any(map(_ANEW.match, rest))
    return goes_on and any(map(_BEHIND.search, rest))
