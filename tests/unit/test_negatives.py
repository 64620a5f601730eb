"""Absent sounds: none is in the clip, as a walk of the published table tells; how they are drawn."""

import csv
import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any, get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_up_clips import clip, context, scene

import balsa_pipe
from balsa_pipe.config import Strategy, TaskName
from balsa_pipe.schemas import Row
from balsa_pipe.tasks import TASKS, absence, presence_absence, presence_qa
from balsa_pipe.tasks.common import clip_facts
from balsa_pipe.vocabulary import Vocabulary

TABLE = Path(balsa_pipe.__file__).parent / "ontology" / "audioset.csv"
with TABLE.open(encoding="utf-8") as file:
    NODES = {row["id"]: row for row in csv.DictReader(row for row in file if row[0] != "#")}
STRATEGIES: tuple[Strategy, ...] = get_args(Strategy)
SETTINGS = {"Channel, environment and background", "Silence"}

# ---- a checker that shares no code with the package ------------------------------------------


@cache
def above(node: str) -> frozenset[str]:
    parents = NODES[node]["parents"].split()
    return frozenset(parents).union(*map(above, parents))


def stem(word: str) -> str:
    return word if word.endswith("ss") else word.removesuffix("s")


def stems(text: str) -> tuple[str, ...]:
    return tuple(map(stem, re.findall(r"[a-z]+", text.lower())))


@cache
def spellings(node: str) -> set[tuple[str, ...]]:
    name = NODES[node]["name"]
    bare = re.sub(r"\(.*\)", "", name)
    return {stems(name), *map(stems, bare.split(","))} - {()}


def named(text: str) -> Iterator[str]:
    """Yield the nodes that a text says one of the names of, in the singular or plural."""
    said = stems(text)
    for start in range(len(said)):
        for end in range(start + 1, len(said) + 1):
            yield from BY_STEMS[said[start:end]]


BY_STEMS: defaultdict[tuple[str, ...], list[str]] = defaultdict(list)
for one in NODES:
    for spelling in spellings(one):
        BY_STEMS[spelling].append(one)
BY_NAME = {row["name"].lower().strip(" ."): node for node, row in NODES.items()}


def specific(labels: Sequence[str]) -> list[str]:
    nodes = [BY_NAME[label.lower().strip(" .")] for label in labels]
    return [one for one in nodes if not any(one in above(other) for other in nodes)]


def faults(sounds: Sequence[str], row: Row) -> dict[str, str]:
    """Return what is wrong with saying that a clip lacks sounds, of those that it doesn't lack."""
    sources = [row["labels"], *(part["labels"] for part in row["parts"])]
    captions = [*row["captions"], *(text for part in row["parts"] for text in part["captions"])]
    labels = {BY_NAME[label.lower().strip(" .")] for source in sources for label in source}
    narrow = {node for source in sources for node in specific(source)}
    told = {node for text in captions for node in named(text)}

    def why(node: str) -> str | None:
        if any(spellings(node) & spellings(label) for label in labels):
            return "label or synonym"
        if any(node in above(label) for label in labels):
            return "ancestor"
        if any(label in above(node) for label in narrow):
            return "descendant"
        if any(node == one or node in above(one) or one in above(node) for one in told):
            return "in the caption, or a kind of that, or what it is a kind of"
        around = {NODES[one]["name"] for one in {node} | above(node)}
        return "no sound" if NODES[node]["restrictions"] or SETTINGS & around else None

    return {sound: reason for sound in sounds if (reason := why(BY_NAME[sound]))}


# ---- no absent sound is there ----------------------------------------------------------------

NAMES = sorted(row["name"] for row in NODES.values())
EVERYTHING = Vocabulary.from_clips(clip(name, [name]) for name in NAMES)
LABELS = st.lists(st.sampled_from(NAMES), max_size=4, unique=True)
SMEARED = LABELS.map(
    lambda labels: sorted(
        {
            NODES[node]["name"]
            for label in labels
            for one in [BY_NAME[label.lower().strip(" .")]]
            for node in {one} | above(one)
        }
    )
)
PLURALS = (
    st.sampled_from(NAMES)
    .flatmap(
        lambda name: st.sampled_from(
            [part.strip() for part in re.sub(r"\(.*\)", "", name).split(",")]
        )
    )
    .map(lambda name: name if name.endswith("s") else f"{name}s")
)
CAPTIONS = st.lists(
    st.lists(PLURALS, min_size=1, max_size=3).map(lambda names: f"{' and then '.join(names)}."),
    max_size=2,
)
PARTS = st.lists(
    st.fixed_dictionaries({"labels": LABELS | SMEARED, "captions": CAPTIONS}), max_size=2
)


@st.composite
def clips(draw: st.DrawFn) -> Row:
    parts = draw(PARTS)
    labels = [label for part in parts for label in part["labels"]] or draw(LABELS | SMEARED)
    return clip("x", list(dict.fromkeys(labels)), captions=draw(CAPTIONS), parts=parts)


@settings(max_examples=100, deadline=None)
@given(clips(), st.sampled_from(STRATEGIES))
def test_no_sound_that_is_there_is_drawn(row: Row, strategy: Strategy) -> None:
    assert not faults(EVERYTHING.draw_absent(row, strategy, 999), row)


@pytest.mark.parametrize(
    ("labels", "captions", "lacks", "holds"),
    [
        # Another number, and a comma part of a longer name.
        (["dog", "wild animal"], [], "rain", "wild animals"),
        (["farm animal"], [], "rain", "livestock, farm animals, working animals"),
        (["sheep"], [], "dog", "farm animal"),
        # Everyday words and kinds, of labels and captions.
        (["cow"], [], "dog", "moo"),
        ([], ["A man talks"], "dog", "human voice"),
        ([], ["A man talks"], "dog", "conversation"),
        ([], ["Wolves howl"], "rain", "wild animals"),
        ([], ["An ambulance passes"], "dog", "siren"),
        ([], ["A guy wrote as someone cried"], "dog", "writing"),
        ([], ["A guy wrote as someone cried"], "dog", "crying, sobbing"),
        ([], ["Hooves trot by"], "cat", "horse"),
        ([], ["A woodpecker and other animals"], "rain", "dog"),
        # What a general label is a kind of.
        (["dog", "domestic animals, pets"], [], "rain", "animal"),
        # A word that has two senses is ruled out in both.
        (["music"], [], "dog", "rattle"),
        # Of a label that isn't in the ontology its words count.
        (["steam train"], [], "dog", "rail transport"),
        (["rail transport"], [], "dog", "steam train"),
    ],
)
def test_what_was_once_called_absent(
    labels: list[str], captions: list[str], lacks: str, holds: str
) -> None:
    known = [clip(name, [name]) for name in (lacks, holds)]
    candidates = Vocabulary.from_clips(known).absent_candidates(
        clip("x", labels, captions=captions)
    )
    assert candidates == [lacks]


def test_a_label_of_one_part_does_not_explain_a_broader_one_of_another() -> None:
    parts = [{"labels": labels, "captions": []} for labels in (["dog", "animal"], ["animal"])]
    row = clip("x", ["dog", "animal"], parts=parts)
    assert "cat" in EVERYTHING.absent_candidates(row | {"parts": parts[:1]})
    assert "cat" not in EVERYTHING.absent_candidates(row)


def test_settings_headings_and_silence_are_no_questions() -> None:
    kinds = ["Inside, small room", "Silence", "Sidetone", "Human voice", "Natural sounds"]
    corpus = [clip(f"{name}{n}", [name]) for name in [*kinds, "dog", "rain"] for n in range(4)]
    asks = (row["expected"] for row in presence_qa.compose(corpus, context(corpus)))
    assert {(one["absent"] or one["present"])[0] for one in asks} == {"dog", "rain"}
    drawn = (row["expected"]["absent"] for row in absence.compose(corpus, context(corpus)))
    assert {sound for sounds in drawn for sound in sounds} == {"dog", "rain"}


# ---- what sounds are called ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("label", "spoken"),
    [
        ("Train wheels squealing", "train wheels squealing"),
        ("Livestock, farm animals, working animals", "livestock"),
        ("Male_speech_and_man_speaking", "male speech"),  # FSD50K
        ("Police car (siren)", "police car"),
        ("Howl (wind)", "wind howl"),  # dogs howl too
        ("Inside, small room", "inside small room"),
        ("Bass (instrument role)", "instrument role bass"),
        ("Rattle (instrument)", "instrument rattle"),
        ("farm animals", "farm animals"),
        ("Kazoo, toy (plastic)", "kazoo"),
        ("(kazoo)", "kazoo"),
    ],
)
def test_a_sound_is_called_by_its_first_name(label: str, spoken: str) -> None:
    assert EVERYTHING.spoken(label) == spoken


def test_names_that_labels_of_the_corpus_share_are_told_apart() -> None:
    labels = ["kazoo, tin", "kazoo, wood", "zither (new)", "zither (old)"]
    vocabulary = Vocabulary.from_clips(clip(label, [label]) for label in labels)
    assert list(map(vocabulary.spoken, labels)) == [
        *("kazoo tin", "kazoo wood", "new zither", "old zither")
    ]


@given(st.sampled_from(NAMES))
def test_no_name_has_commas_or_brackets(name: str) -> None:
    assert re.fullmatch(r"[^,()]*\w[^,()]*", EVERYTHING.spoken(name))


def test_two_spellings_of_a_label_are_one_sound() -> None:
    corpus = [clip("a", ["Male_speech_and_man_speaking"]), clip("b", ["Male speech, man speaking"])]
    assert Vocabulary.from_clips(corpus).counts == {"male speech, man speaking": 2}


def test_rows_name_sounds_so_and_the_judge_finds_them() -> None:
    corpus = [
        clip(f"{label}{n}", [label])
        for label in ("Police car (siren)", "Walk, footsteps", "Howl (wind)")
        for n in range(6)
    ]
    rows = presence_absence.compose(corpus, context(corpus))
    for row in rows:
        assert not re.search(r"[,()]", row["evidence"])
        heard, lacking = row["evidence"].removeprefix("Heard: ").split(". Not heard: no ")
        reply = f"I can hear a {heard}, but there is no {lacking.rstrip('.')}."
        assert presence_absence.judge(row, reply, "stop") is None
        swapped = f"I can hear a {lacking.rstrip('.')}, but there is no {heard}."
        assert presence_absence.judge(row, swapped, "stop") is not None
    asked = presence_qa.compose(corpus, context(corpus))
    assert asked
    assert not any(re.search(r"\(|footsteps", row["question"]) for row in asked)


@pytest.mark.parametrize("task", ["presence_absence", "difference", "joint_caption"])
def test_what_has_captions_alone_is_told_by_them(task: TaskName) -> None:
    corpus = [
        *(clip(f"c{n}", [], captions=["Something happens."]) for n in range(4)),
        *(clip(f"b{n}", [], captions=["Another thing."]) for n in range(4)),
        *corpus_of({"dog": 3, "rain": 3}),
    ]
    rows = TASKS[task].compose(corpus, context(corpus))
    lines = (line for row in rows for line in row["evidence"].splitlines())
    told = {line.split(".")[0].removeprefix("Heard: ") for line in lines}
    assert {"Something happens", "Another thing", "dog", "rain"} <= told
    assert "" not in told


def test_a_scene_without_labels_is_told_by_the_captions_of_its_parts() -> None:
    row = scene(clip("a", [], captions=["One."]), clip("b", [], captions=["Two."]))
    assert clip_facts(row, EVERYTHING).caption == "One, Two"


# ---- how they are drawn ----------------------------------------------------------------------


def corpus_of(counts: dict[str, int], **other: Any) -> list[Row]:
    return [clip(f"{s}{i}", [s], **other) for s, n in counts.items() for i in range(n)]


def shares(strategy: Strategy, vocabulary: Vocabulary, labels: list[str]) -> dict[str, float]:
    rows = (clip(f"clip{n}", labels) for n in range(2000))
    draws = Counter(vocabulary.draw_absent(row, strategy, 1)[0] for row in rows)
    return {sound: count / 2000 for sound, count in draws.items()}


SKEWED = {"cat": 1, "rain": 2, "violin": 5, "bus": 8}


def test_random_is_even_whatever_the_counts() -> None:
    vocabulary = Vocabulary.from_clips(corpus_of(SKEWED))
    assert shares("random", vocabulary, ["cough"]) == pytest.approx(
        dict.fromkeys(SKEWED, 1 / 4), abs=0.04
    )


def test_popular_goes_by_the_counts_of_the_training_split_alone() -> None:
    others = corpus_of({"cat": 50, "gong": 50}, split="test")
    others += corpus_of({"rain": 50, "yodeling": 50}, split="validation")
    vocabulary = Vocabulary.from_clips([*corpus_of(SKEWED), *others])
    assert shares("popular", vocabulary, ["cough"]) == pytest.approx(
        {sound: n / 16 for sound, n in SKEWED.items()}, abs=0.04
    )


def test_adversarial_goes_by_what_comes_with_the_clips_labels() -> None:
    together = [clip(f"t{n}", ["cough", "bus"]) for n in range(3)]
    together += [clip(f"u{n}", ["cough", "rain"]) for n in range(5)]
    together += [clip(f"v{n}", ["gong", "cat"]) for n in range(9)]  # with other labels
    vocabulary = Vocabulary.from_clips([*corpus_of(SKEWED), *together])
    drawn = vocabulary.draw_absent(clip("x", ["cough"]), "adversarial", 9)
    assert drawn[:2] == ["rain", "bus"]
    assert set(drawn[2:]) == {"cat", "gong", "violin"}


def test_hard_ones_are_siblings_all_alike_and_verified() -> None:
    counts = {"dog": 9, "cat": 1, "car": 9, "truck": 2, "bus": 4, "motorcycle": 9, "rain": 9}
    vocabulary = Vocabulary.from_clips(corpus_of(counts))
    even = dict.fromkeys(["truck", "bus", "motorcycle"], 1 / 3)
    assert shares("hard", vocabulary, ["car", "vehicle"]) == pytest.approx(even, abs=0.04)
    assert vocabulary.draw_absent(clip("x", ["dog"]), "hard", 9) == ["cat"]
    told = clip("x", ["car"], captions=["A truck and a car pass"])
    assert set(vocabulary.draw_absent(told, "hard", 9)) == {"bus", "motorcycle"}
    assert vocabulary.draw_absent(clip("x", ["rain"]), "hard", 9) == []


@settings(max_examples=30, deadline=None)
@given(SMEARED)
def test_hard_ones_share_a_parent_with_a_specific_label(labels: list[str]) -> None:
    parents = {p for node in specific(labels) for p in NODES[node]["parents"].split()}
    for sound in EVERYTHING.draw_absent(clip("x", labels), "hard", 99):
        assert parents & set(NODES[BY_NAME[sound]]["parents"].split())


def hard_rows(corpus: list[Row]) -> Iterator[tuple[str, list[str], str]]:
    """Yield clip, absent sounds and strategy of rows of which all are to be hard."""
    ctx = context(corpus)
    cfg = ctx.cfg.model_copy(update={"strategies": {"hard": 1.0}})
    ctx = type(ctx)(ctx.book, ctx.vocabulary, cfg, 0)
    for row in [*absence.compose(corpus, ctx), *presence_qa.compose(corpus, ctx)]:
        if row["strategy"]:
            yield row["clips"][0]["labels"][0], row["expected"]["absent"], row["strategy"]


def test_a_row_says_that_its_sounds_are_hard_only_if_they_are() -> None:
    beside = {"car": {"truck", "bus"}, "truck": {"car", "bus"}, "bus": {"car", "truck"}}
    seen = defaultdict(set)
    for label, absent, strategy in hard_rows(corpus_of({**dict.fromkeys(beside, 4), "rain": 4})):
        seen[strategy].add(label)
        assert (strategy == "hard") == (set(absent) <= beside.get(label, set()))
    assert "rain" in seen["adversarial"]  # it has no sibling here
    assert seen["hard"] == set(beside)


def test_hard_ones_are_off_by_default() -> None:
    assert context([]).cfg.strategies["hard"] == 0


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_a_draw_stays_when_clips_are_added(strategy: Strategy) -> None:
    counts = {"car": 3, "truck": 3, "bus": 3, "rain": 3, "dog": 3}
    corpus = [*corpus_of(counts), clip("t", ["car", "rain"])]
    more = [*corpus, *corpus_of({"train": 2, "motorcycle": 2}), clip("v", ["violin"], split="test")]
    rows = [clip(f"clip{n}", ["car", "vehicle"]) for n in range(200)]
    old, new = (
        [Vocabulary.from_clips(clips).draw_absent(row, strategy, 1)[0] for row in rows]
        for clips in (corpus, more)
    )
    changed = [after for before, after in zip(old, new, strict=True) if before != after]
    assert set(changed) <= {"train", "motorcycle"}
    assert len(changed) < 150
