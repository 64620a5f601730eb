"""Phrases that deny without a word of negation or hold one and deny nothing, in their plain form."""

import re

_NOT = r"(?:n't\b| not\b| never\b)"
_BE = r"(?:is|are|was|were|be|seems?|appears?|remains?)"
_GONE = r"(?:absent|missing|silent|inaudible|lacking|excluded|unheard)"
_DENIED = rf"(?:\b{_GONE}|(?:\bnot|n't) (?:heard|present|audible|included|detected|there))"
_DESCRIBED = (
    "(?:the only|alone|very|too|so|as|that|particularly|especially|far|near|nearby|close|distant"
    "|loud|quiet|soft|faint|gentle|calm|weak|strong|heavy|light|intense|steady|constant|continuous"
    "|regular|slow|fast|quick|brief|short|long|high|low|deep|sharp|harsh|big|small|large|muffled"
    "|dominant|prominent|subtle|unusual|uncommon|unpleasant|pleasant|sudden|over|in the distance)"
)
"""What a sound that is heard may be said not to be."""
_GO_ON = (
    "(?:stop|ceas|quit|paus|end|fad|chang|vary|last|subsid|relent|let(?:ting)? up|go(?:ing)? away"
    "|drown|mask|cover|hid|overpower|overshadow|muffl|interrupt|disturb|overlap)"
    r"(?:p?ed|den|p?ing|e?s|e)?\b"
)
"""What a sound that is heard may be said not to do."""
_SET_APART = r"(?:but|except(?: for)?|other than|apart from|aside from|besides)"

_TABLE = (
    # A heading denies what it heads, a "no" behind a colon what stands before it.
    (
        r"\b(?:(?:absent|missing|inaudible)(?: from [^:.;\n]{0,40})?"
        r"|not (?:present|heard|audible|included|detected|there|in th\w+ \w+)) *:",
        "; not ",
    ),
    (r"(?::| -)\s*(?:no|none)(?=\s*(?:[,.;\n]|$))", " is not"),
    (r"^((?:[\w']+ ){0,3}[\w']+)\? no(?=\s*(?:[.!]|$))", r"\1 is not"),
    (r", \w+'t (?:it|there|they|you|i)\?", "."),
    # "Everything but a dog" denies the dog, "nothing but a dog" doesn't.
    (
        r"\b(all|everything|every sound)"
        r"((?: of it| else| sounds| there is|(?: that)? (?:is|can be) heard)?),? "
        rf"{_SET_APART}\b",
        r"\1\2 without",
    ),
    # "No animal other than a dog" denies other animals.
    (r"\b(other|more) ((?:\w+ )?\w+) than\b", r"\2 \1 than"),
    (
        r"\b(no|any) ((?:\w+ )?\w+) (other than|except(?: for)?|apart from|aside from|besides)\b",
        r"\1 other \2 \3",
    ),
    (
        r"\b(instead of|rather than|unlike)((?: \w+){1,5}?) "
        r"(?=(?:there|it|i|we|you) (?:is|are|can|hear)\b)",
        r"\1\2, ",
    ),
    # What is said of one sound, and then of another.
    (
        rf"\b({_GONE}\b[^.;!?\n]*?\b(?:is|are|was|were))(?: not|n't)(?=\W*(?:[.;!?\n]|$))",
        r"\1 there",
    ),
    (rf"({_DENIED}),? unlike\b", r"\1, but there is"),
    (
        rf"({_DENIED}),? (?:as well as|(?:along|together) with|and so|as|like)"
        r"(?: (?:is|are|was|were))?\b",
        r"\1, and not",
    ),
    (r",? (?:and so|as) (?:is|are|was|were|does|do|can)\b", ", and"),
    # Two negations.
    (rf"(?<=\w)(?<!\bit)(?<!\bthat){_NOT} (?={_GONE}\b(?! (?:sounds?|noises?)\b))", " not-"),
    (r" not-\w+", " there"),
    (
        rf"(?:\bno|(?:\w{_NOT})(?: \w+)? an?y?|\bwithout an?y?) (?:lack|absence|shortage|dearth) of\b",
        "plenty of",
    ),
    (rf"(?<=\w){_NOT} lack\b", " have"),
    (rf"(?<=\w){_NOT} (?:\w+ly )?(?:free|devoid|void|bereft) (?:of|from)\b", " with"),
    (r"\bnot without\b", "with"),
    (r"\bnot unlike\b", "like"),
    (r"\b(?:\w+n't|(?:can)?not|never) fails? to\b", ""),
    (r"\b(hard|impossible|difficult) not to\b", r"\1 but to"),
    # What follows holds a word of negation, and denies nothing.
    (r"\b(?:no|little) (?:doubt|question)\b(?: that)?|\bwithout (?:a |any )?doubt\b", ""),
    (r"\bno (?:mistaking|denying|missing|ignoring|escaping)\b", ""),
    (r"\b(?:cannot|(?:can )?not|\w+n't) be ruled out\b", "may be"),
    (r"\b(?:cannot|(?:can )?not|\w+n't) rule out\b", "can hear"),
    (
        r"\b(?:cannot|can not|can't|couldn't) "
        r"(?:help but|miss|deny|ignore|mistake|be (?:missed|denied|ignored|mistaken|overheard))\b",
        "",
    ),
    (r"\b(?:could not|couldn't) be (?:more \w+|\w+er)\b", "is loud"),
    (r"\bnever (?:have i )?heard (?=such\b|an? (?:\w+er|more)\b)", "heard "),
    (rf"\b(?:never|(?:\w+ )?not|\w+n't|without) {_GO_ON}", ""),
    (r"\b(?:making|makes|made|rendering)((?: \w+){1,4}?) inaudible\b", r"\1"),
    (r"(?:n't|\bnot) (?=(?:only|just|merely|simply|solely)\b)", " "),
    (
        rf"(?:(?<=is)|(?<=are)|(?<=was)|(?<=were))(?:n't| not) (?={_DESCRIBED}\b"
        r"(?! (?:\w+ )?(?:enough|that|there)\b))",
        " ",
    ),
    (r"\b(?:hardly|barely|scarcely) an?y?\b", "no"),
)
_REWRITES = [(re.compile(pattern), to) for pattern, to in _TABLE]


def rewritten(line: str) -> str:
    """Return a line in lower case with each such phrase in its plain form."""
    for pattern, to in _REWRITES:
        line = pattern.sub(to, line)
    return line
