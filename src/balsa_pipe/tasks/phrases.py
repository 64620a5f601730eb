"""What an LLM says when it speaks of what it read, or declines; real ones wrote most of it."""

import re

from balsa_pipe.text import straight

_QUOTED = re.compile(r"\"[^\"\n]*\"|“[^”\n]*”|«[^»\n]*»|(?<!\w)'[^'\n]*'(?!\w)")
_CONTRACTIONS = (
    (re.compile(r"\b(?:can't|can not|cant)\b"), "cannot"),
    (re.compile(r"\bwon't\b"), "will not"),
    (re.compile(r"\bdont\b"), "do not"),
    (re.compile(r"n't\b"), " not"),
    (re.compile(r"\bi'm\b"), "i am"),
    (re.compile(r"\b(it|that|there|here)'s\b"), r"\1 is"),
    (re.compile(r"(?<=\w)-(?=\w)"), " "),
)


def _any_of(*patterns: str) -> re.Pattern[str]:
    return re.compile("|".join(patterns), re.MULTILINE)


_CHAT_TEMPLATE = _any_of(
    r"<\||\|>",
    r"</?(?:s|think|bos|eos|pad|unk|(?:start|end)_of_turn)>|<</?sys>>|\[/?inst\]",
    r"^\W*(?:assistant|user|human|system|instruction|response)\s*:",
)

_FIELD = "(?:captions?|descriptions?|labels?|tags?|metadata|annotations?|transcript(?:ion)?s?)"
_TEXT = "(?:texts?|list|information|inputs?|data|prompt|evidence)"
_WHICH = "(?:the|this|that|these|those|your|its|no)"
_GIVEN = (
    "(?:(?:provided|given|supplied|above|following|audio|sound|written|textual|original|available"
    "|accompanying|associated) )*"
)
_SOURCE = "(?:based (?:up)?on|according to|judging (?:by|from)|going by|as per|given)"
_SAYS = (
    "(?:sa(?:ys?|id)|mention|state|indicate|suggest|describe|list|note|include|contain|provide"
    "|refer|read|show|specif|impl(?:y|ies)|do(?:es)? )"
)
_SAID = "(?:mentioned|listed|described|specified|stated|labell?ed|tagged|captioned|annotated)"
_AUDIO = "(?:audio|clips?|recordings?|sounds?|it)"

_READ = _any_of(
    # Our brackets and fields, and marks of other formats.
    r"\[/?(?:begin|end|audio)\b|\bbegin of audio\b|(?:^|[\[(.!?*\n]\s*)end of audio\b",
    r"\bnot heard\s*:|\baudio \d\s*:|</?\w+>|'''",
    rf"\b(?:{_FIELD}|answer)[\"'*]*\s*:",
    r"^[\W\d_]*(?:heard|sounds?|output|question|summary)[\"'*]*\s*:",
    # Where it takes it from.
    rf"\b{_SOURCE} (?:{_WHICH} )?{_GIVEN}{_FIELD}\b",
    rf"\b{_SOURCE} {_WHICH} {_GIVEN}{_TEXT}\b",
    rf"\b(?:from|in) {_WHICH} {_GIVEN}{_FIELD}\b(?! of\b)",
    rf"\b(?:provided|given|supplied) (?:{_FIELD}|{_TEXT})\b",
    rf"\b(?:{_FIELD}|{_TEXT}) (?:you )?(?:provided|given|supplied)\b",
    rf"\bas (?:{_SAID}|indicated|noted)\b",
    # What that says or leaves out.
    rf"\b{_WHICH} {_GIVEN}(?:{_FIELD}|evidence) (?:also |only )?{_SAYS}",
    r"\b(?:no|any|without) mention of\b|\bmetadata\b",
    rf"\b(?:not|never) (?:\w+ly )?(?:mention|{_SAID})\b",
    rf"\b{_AUDIO} (?:is|are|was|were) {_SAID}\b",
    r"\b(?:audio|clips?|recordings?) mentions?\b|\bmentioned (?:in|above|here|sounds?)\b",
    r"\bsounds? mentioned\b",
    # A label is taken for a word that somebody might say.
    r"\b(?:hear|detect|lacks?|contains?|includes?|has|of) the words? [\"'“”«]",
    # "Here is a caption:" speaks of the reply, not of the sound.
    r"\b(?:here (?:is|are)|below is)\b[^.!?:\n]{0,50}\b(?:captions?|descriptions?|summary|version"
    r"|sentence|answer|response|reply)\b",
)

_START = r"(?:^|[.!?;,\n] *|\b(?:yes|no|but|and|well|unfortunately) )"
_I = r"\b(?:i|we)"
_UNABLE = r"(?:cannot|could not|(?:am|are) (?:unable|not able) to)"
_SENSE = (
    "(?:hear|detect|identify|find|make out|discern|tell|perceive|recogni|distinguish|notice|pick"
    "|rule|locate|spot)"
)
_MODEL = (
    r"(?:ai|artificial intelligence|(?:\w+ ){0,2}language model|llm|chatbot|text based"
    r"|(?:ai|text|text only|virtual|digital) (?:model|assistant|system|ai))\b(?! voice)"
)

_DECLINE = _any_of(
    rf"{_START}(?:i am (?:so |very |really )?)?sorry\b",
    rf"{_START}i apologi[sz]e\b|\bmy apologies\b",
    rf"{_I} (?:{_UNABLE}|will not|do not) (?:assist|answer|provide|comply|fulfil|help(?! but)"
    r"|do (?:so|that|this))\b",
)

_NO_EARS = _any_of(
    # Who it is.
    rf"(?<!such )\bas an? {_MODEL}|{_I} (?:am|are) (?:just |only |simply )?an? {_MODEL}",
    # What it can't do; not to hear a dog is an answer.
    rf"{_I} {_UNABLE} (?:\w+ly )?(?:access|listen|process|play|determine|analy[sz]e)\b",
    rf"{_I} {_UNABLE} (?:actually|physically|directly|literally|truly) hear\b",
    rf"{_I} {_UNABLE} hear (?:(?:the|any|this|your) )?(?:audio|recordings?|sound files?)\b(?! of\b)",
    rf"{_I} {_UNABLE} hear(?: any)?(?: sounds?)?(?= ?[.,;!]| or (?:process|perceive|listen)|$)",
    rf"{_I} (?:am|are) unable to (?!{_SENSE})",
    r"\bi do not have (?:the (?:ability|capacity|capability)|access|ears|enough|a way"
    r"|any (?:audio|information|context|way))\b",
    # What it lacks.
    r"\bno audio (?:files?|(?:clip |recording )?(?:was|is|has|provided|attached))\b",
    r"\bno audio(?= ?[.,;!]|$)",
    r"\baudio (?:file |clip )?(?:is|was|has) not (?:been )?(?:provided|attached|available|given)\b",
    rf"{_START}please (?:provide|share|upload|attach|send|give|describe|let me know)\b",
    r"\b(?:could|can|would|if|once) you (?:please |could |can )?(?:provide|share|upload|clarify)\b",
    r"\bi (?:would )?need (?:more|to (?:hear|listen)|the audio)\b",
    r"\bwithout (?:actually |directly )?(?:hearing|listening to) (?:the|this|it|any) ?(?:audio|clip"
    r"|recording|sound|[.,])",
    r"\b(?:not enough|insufficient|more|further|additional) (?:information|context)\b",
    # What it won't say.
    rf"{_START}i (?:am not sure|do not know)\b",
    rf"{_START}i am afraid (?:not\b|(?:that )?i (?:cannot|do not|am unable to) (?!{_SENSE}))",
    rf"{_START}(?:it|that) is (?:hard|difficult|impossible|not possible) (?:for me )?to (?:say|tell"
    r"|determine|know|identify|answer)\b",
    r"\bcannot be determined\b",
)


def holds_chat_template(reply: str) -> bool:
    """Tell whether a reply holds tokens or roles of a chat template."""
    return bool(_CHAT_TEMPLATE.search(straight(reply)))


def speaks_of_text(reply: str) -> bool:
    """Tell whether a reply shows that a text was read, or speaks of itself as one."""
    return bool(_READ.search(expanded(reply)))


def declines(reply: str) -> bool:
    """Tell whether a reply apologises or says that it won't do what was asked."""
    return bool(_DECLINE.search(expanded(unquoted(reply))))


def disclaims_hearing(reply: str) -> bool:
    """Tell whether a reply says that nothing can be heard, known or said."""
    return bool(_NO_EARS.search(expanded(unquoted(reply))))


def unquoted(text: str) -> str:
    """Return a text without what it quotes, which others said; one all in quotes is left as it is."""
    rest = _QUOTED.sub(" ", text)
    return rest if any(map(str.isalnum, rest)) else text


def expanded(text: str) -> str:
    """Return a text in lower case, without contractions and hyphens."""
    text = straight(text)
    for pattern, to in _CONTRACTIONS:
        text = pattern.sub(to, text)
    return text
