"""The words by which a clause tells what it affirms, denies, and of which clip: data of the grammar."""


def phrases(*texts: str) -> list[tuple[str, ...]]:
    return [tuple(text.split()) for text in texts]


# ---- clauses ---------------------------------------------------------------------------------

OPENINGS = {
    **dict.fromkeys(("yes", "yeah", "yep", "indeed", "certainly", "correct", "absolutely"), "yes"),
    **dict.fromkeys(("no", "nope", "nah"), "no"),
}
CONTRASTS = {"but", "however", "while", "whereas", "although", "though", "yet", "instead", ";"}
SINGULAR = {"is", "was", "does", "has"}
AUXILIARIES = {
    *SINGULAR,
    *("are", "were", "be", "been", "can", "could", "do", "did", "will", "would", "have", "had"),
    *("should", "may", "might"),
}
PREDICATE = {
    *AUXILIARIES,
    *("hear", "heard", "hears", "contain", "contains", "include", "includes", "features", "hold"),
    *("holds", "lacks", "detect", "notice", "never"),
}
SUBJECTS = {"there", "i", "we", "you", "it", "they", "one", "listeners", "someone"}

# ---- polarity --------------------------------------------------------------------------------

DENIES_REST = {
    *("no", "not", "without", "neither", "nor", "none", "zero", "unlike", "nobody", "never"),
    "hardly",
}
DENYING_PHRASES = phrases(
    *("lack", "lacks", "lacking", "lack of", "absence of", "free of", "free from", "devoid of"),
    *("void of", "instead of", "rather than", "in place of", "fails to", "fail to", "unable to"),
    *("rule out", "rules out", "exclude", "excludes", "omits", "everything but", "all but"),
    *("everything except", "wrong to", "false to"),
    *("is missing a", "is missing the", "is missing any"),
)
EXCEPTIONS = phrases("but", "except", "besides", "other than", "apart from", "aside from", "only")
EXCEPTED = {"nothing", "anything", "none", "everything", "all"}  # "nothing but"
DENIES_SUBJECT = {
    *("absent", "missing", "inaudible", "silent", "unheard", "lacking", "nowhere", "excluded"),
    *("undetectable", "unnoticeable", "quiet", "vain"),
}
NOT_DENIED = {
    *("only", "just", "merely", "necessarily", "doubt", "wonder", "matter", "longer"),
    *("stop", "stops", "end", "ends", "cease", "ceases"),
}
SECOND_DENIAL = {  # "no lack of", "not miss": two denials that cancel
    *("deny", "miss", "doubt", "overlook", "ignore", "without", "mistake", "lack", "lacks"),
    *("lacking", "absence", "free", "devoid", "void", "fail", "rule", "exclude"),
}
NEUTRAL = {"if", "unless", "whether", "like", "resembling", "reminiscent"}
ALIKE = {"sound", "sounds", "sounded", "is", "are", "was", "were"}  # "like" after these commits

# ---- clips and time --------------------------------------------------------------------------

LAST, OTHERS = -1, -2
ORDINALS = {
    **{"first": 0, "1st": 0, "second": 1, "2nd": 1, "third": 2, "3rd": 2, "fourth": 3, "4th": 3},
    **{"fifth": 4, "sixth": 5, "seventh": 6, "eighth": 7, "ninth": 8, "tenth": 9},
    **{"former": 0, "latter": LAST, "last": LAST, "final": LAST, "other": OTHERS},
}
NUMBERS = {
    **{str(number): number - 1 for number in range(1, 11)},
    **{"one": 0, "two": 1, "three": 2, "four": 3, "five": 4, "a": 0, "b": 1, "c": 2, "d": 3},
}
PLURAL = {"clips", "recordings", "audios", "samples", "files", "tracks", "snippets", "segments"}
CLIP_NOUNS = {*PLURAL, *(noun[:-1] for noun in PLURAL), "one", "ones"}
SURELY_CLIPS = {"clip", "recording", "audio", "file"}  # where there is but one clip
AFTER_BARE_ORDINAL = {  # "the second has", "in the second, a dog"
    *AUXILIARIES,
    *(
        "contains",
        "holds",
        "features",
        "includes",
        "lacks",
        "offers",
        "plays",
        "starts",
        "consists",
    ),
    *("only", "not", "and", "with", "but", "a", "an", "the", "no", "there", ".", ",", ";", ":"),
}
STEPS = {
    *("then", "afterwards", "afterward", "finally", "next", "lastly", "eventually", "later"),
    *("subsequently", "end", "ends", "ending"),
}
TIME = 100  # steps between sentences that don't say which comes first
