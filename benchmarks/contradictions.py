"""Replies that contradict what is known of their clips, found without any code of balsa_pipe.

`contradictions(row)` takes a sample as a plain dict with clips, question, response and expected, and
returns what is wrong with it, one line each. What is known is the labels, their ancestors in
AudioSet's ontology, the captions' own sounds, the parts of a scene, and the sounds drawn as absent.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import permutations
from typing import Any

from cues import TIME
from grammar import Claim, Lexicon, Reading, read
from ontology_walk import NOT_A_SOUND, Ontology, Stems, find, ontology, stems

Row = dict[str, Any]

KINDS = {
    "affirms_absent": "affirms a sound that is absent",
    "denies_present": "denies a sound that is there",
    "wrong_verdict": "the answer isn't the expected one",
    "verdict_at_odds": "the answer and its sentence disagree",
    "no_such_clip": "speaks of a clip that isn't there",
    "wrong_clip": "gives one clip what only another has",
    "wrong_order": "turns the order of sounds round",
}


@dataclass(frozen=True)
class Contradiction:
    """What is wrong with a reply: one of KINDS, and the words that say so."""

    kind: str
    words: str


@dataclass(frozen=True)
class Facts:
    """What is known of one clip: phrases and nodes that are true of it, and when sounds begin."""

    phrases: frozenset[Stems]
    nodes: frozenset[str]  # of labels and captions, and all that is above them
    onsets: dict[Stems, tuple[float, float]]  # of a phrase in the parts: its first and last

    def surely_hold(self, claim: Claim) -> bool:
        """Tell whether a sound is in the clip whatever its word means: a label, or above one."""
        return claim.phrase in self.phrases or (bool(claim.nodes) and claim.nodes <= self.nodes)

    def hold(self, claim: Claim) -> bool:
        """Tell whether a sound is in the clip in one meaning of its word."""
        return claim.phrase in self.phrases or not claim.nodes.isdisjoint(self.nodes)

    def may_hold(self, claim: Claim, ontology: Ontology) -> bool:
        """Tell whether a sound could be in the clip: it is one of a kind that is there."""
        if self.hold(claim) or any(set(claim.phrase) & set(phrase) for phrase in self.phrases):
            return True
        return not ontology.above(claim.nodes).isdisjoint(self.nodes)


def contradictions(row: Row) -> list[Contradiction]:
    """Return what a reply says against what is known; empty: nothing was found."""
    if not row["clips"]:
        return []
    known = ontology()
    lexicon = lexicon_of(row, known)
    facts = [facts_of(clip, known, lexicon) for clip in row["clips"]]
    reading = read(row["response"], lexicon, len(facts))
    found = [*verdicts(row, reading, lexicon, known), *clips_named(reading, len(facts))]
    absent = [(stems(sound), known.nodes(sound)) for sound in row["expected"]["absent"]]
    for claim in reading.claims:
        found += judge(claim, facts, absent, known, together=row["task"] != "difference")
    found += orders(reading.claims, facts)
    return list(dict.fromkeys(found))


# ---- what is known ---------------------------------------------------------------------------


def lexicon_of(row: Row, known: Ontology) -> Lexicon:
    """Return AudioSet's phrases and the row's own words, as stems."""
    lexicon = dict(known.phrases)
    own = [*row["expected"]["present"], *row["expected"]["absent"]]
    for clip in row["clips"]:
        own += [*clip["labels"], *(word for part in clip["parts"] for word in part["labels"])]
    for word in own:
        lexicon.setdefault(stems(word), known.nodes(word))
    for name in NOT_A_SOUND:
        lexicon.pop(tuple(name.split()), None)
    return lexicon


def facts_of(clip: Row, known: Ontology, lexicon: Lexicon) -> Facts:
    named = {stems(label): known.nodes(label) for label in clip["labels"]}
    for caption in clip["captions"]:
        heard = read(caption, lexicon).claims
        named |= {claim.phrase: claim.nodes for claim in heard if claim.affirmed}
    nodes = frozenset().union(*(known.surely_above(meanings) for meanings in named.values()))
    return Facts(frozenset(named), nodes, onsets(clip["parts"], lexicon))


def onsets(parts: Sequence[Row], lexicon: Lexicon) -> dict[Stems, tuple[float, float]]:
    """Return when each phrase of the parts begins first and last, in seconds."""
    times: dict[Stems, list[float]] = {}
    for part in parts:
        phrases = {stems(label) for label in part["labels"]}
        for caption in part["captions"]:
            phrases |= {claim.phrase for claim in read(caption, lexicon).claims}
        for phrase in phrases:
            times.setdefault(phrase, []).append(part["onset_s"])
    return {phrase: (min(found), max(found)) for phrase, found in times.items()}


# ---- what is wrong ---------------------------------------------------------------------------


def judge(
    claim: Claim,
    facts: Sequence[Facts],
    absent: Sequence[tuple[Stems, frozenset[str]]],
    known: Ontology,
    *,
    together: bool,
) -> Iterator[Contradiction]:
    """Yield what a claim says against the facts of the clips that it speaks of."""
    spoken_of = [
        facts[index] for index in sorted(claim.clips or range(len(facts))) if index < len(facts)
    ]
    words = " ".join(claim.phrase)
    holding = [fact for fact in spoken_of if fact.surely_hold(claim)]
    if claim.affirmed:
        if not any(fact.hold(claim) for fact in facts):
            if any(is_or_is_below(claim, sound, known) for sound in absent):
                yield Contradiction("affirms_absent", words)
        elif claim.clips and not all(fact.may_hold(claim, known) for fact in spoken_of):
            yield Contradiction("wrong_clip", words)
    elif any(claim.kind & nodes for _, nodes in absent):
        return  # "no funk music" leaves other music
    elif claim.affirmed is False and not claim.more and spoken_of:
        everywhere = len(holding) == len(spoken_of)
        if everywhere or (holding and (claim.clips or together)):
            yield Contradiction("denies_present", words)


def is_or_is_below(claim: Claim, sound: tuple[Stems, frozenset[str]], known: Ontology) -> bool:
    phrase, nodes = sound
    if claim.phrase == phrase:
        return True
    return bool(claim.nodes and nodes) and claim.nodes <= known.below(nodes)


def clips_named(reading: Reading, n_clips: int) -> Iterator[Contradiction]:
    if missing := sorted(index for index in reading.clips_named if index >= n_clips):
        yield Contradiction("no_such_clip", f"clip {missing[0] + 1} of {n_clips}")


def verdicts(
    row: Row, reading: Reading, lexicon: Lexicon, known: Ontology
) -> Iterator[Contradiction]:
    """Yield a wrong yes or no, and one that its own sentence takes back."""
    expected = row["expected"]["verdict"]
    if expected is None:
        return
    said = statement(row, reading, lexicon, known)
    answer = reading.opening or {True: "yes", False: "no", None: None}[said]
    if answer is not None and answer != expected:
        yield Contradiction("wrong_verdict", answer)
    if reading.opening and said is not None and said != (reading.opening == "yes"):
        yield Contradiction(
            "verdict_at_odds",
            f"{reading.opening}, but the sentence {'affirms' if said else 'denies'}",
        )


def statement(row: Row, reading: Reading, lexicon: Lexicon, known: Ontology) -> bool | None:
    """Return whether the sentence affirms the sound that was asked for; None: it doesn't say."""
    phrase, nodes = asked(row, known)
    about = [
        claim.affirmed
        for claim in reading.claims
        if claim.affirmed is not None
        and not claim.more
        and (claim.phrase == phrase or (nodes and claim.nodes and claim.nodes & nodes))
    ]
    if not about and not reading.claims:
        about = list(reading.bare)
    return about[0] if about and len(set(about)) == 1 else None


def asked(row: Row, known: Ontology) -> tuple[Stems, frozenset[str]]:
    """Return the sound that a closed question asks for: the longest expected one that it names."""
    question = stems(row["question"])
    sounds = [*row["expected"]["present"], *row["expected"]["absent"]]
    named = {stems(sound): known.nodes(sound) for sound in sounds}
    hits = [question[begin:end] for begin, end in find(question, named)]
    phrase = max(hits, key=len, default=())
    return phrase, named.get(phrase, frozenset())


def orders(claims: Sequence[Claim], facts: Sequence[Facts]) -> Iterator[Contradiction]:
    """Yield pairs of sounds that a reply puts into the other order than the scene has."""
    only = frozenset({0}) if len(facts) == 1 else None
    said = [(claim, claim.clips or only) for claim in claims if claim.affirmed]
    for (one, clips), (other, same) in permutations(said, 2):
        told = one.step < other.step and one.step // TIME == other.step // TIME
        if not told or clips != same or clips is None or len(clips) > 1 or max(clips) >= len(facts):
            continue
        onsets = facts[max(clips)].onsets
        begins, ends = onsets.get(one.phrase), onsets.get(other.phrase)
        if begins and ends and begins[0] > ends[1]:
            words = f"{' '.join(one.phrase)} before {' '.join(other.phrase)}"
            yield Contradiction("wrong_order", words)
