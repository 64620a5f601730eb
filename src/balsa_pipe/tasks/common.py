"""What all tasks share: what they are given, and how a question becomes a row."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from balsa_pipe.config import ComposeConfig, Strategy, TaskName
from balsa_pipe.hashing import digest, ranked, unit
from balsa_pipe.prompts import ClipFacts, PartFacts, PromptBook, PromptName, Variables
from balsa_pipe.schemas import Row
from balsa_pipe.vocabulary import Vocabulary, sounds_of

RejectReason = Literal[
    "empty",
    "truncated",
    "no_verdict",
    "contradicts_labels",
    "names_absent_as_present",
    "names_present_as_absent",
    "echoes_evidence_markup",
    "refuses",
    "wrong_language",
    "repeats",
    "too_short",
    "too_long",
    "copies_example",
    "misses_sound",
    "mentions_wrong_clip",
    "mentions_no_absent",
]
"""Why a reply is not kept."""

COMPOSED_SPLITS = ("train", "validation")
"""Test clips get no rows: evaluation makes its own items from them."""

_WATCHED = 8
"""How many likely but absent sounds a description is checked against."""


@dataclass(frozen=True, slots=True)
class Context:
    """What a task composes from, besides the clips."""

    book: PromptBook
    vocabulary: Vocabulary
    cfg: ComposeConfig
    rng_seed: int


@dataclass(frozen=True, slots=True)
class Expectation:
    """What a good reply names, what it must not name as present, and the verdict it gives."""

    present: Sequence[str] = ()
    absent: Sequence[str] = ()
    verdict: Literal["yes", "no"] | None = None


@dataclass(frozen=True, slots=True)
class Ask:
    """One question about some clips, before it has words."""

    clips: Sequence[Row]
    expected: Expectation
    index: int = 0
    about: Sequence[str] = ()  # the sounds that tell it from other questions about the clips
    variables: Variables = field(default_factory=dict)
    strategy: str | None = None
    prompt: PromptName | None = None  # the task's own, where None
    reply_pattern: str | None = None
    verdict_forced: bool = False
    wording: str | None = None  # picked by hash, where None
    split: str | None = None  # the clips', where there are any


def to_row(context: Context, task: TaskName, ask: Ask) -> Row:
    """Return the seed prompt of a question: a wording is picked, and the chat is rendered."""
    prompt = context.book[ask.prompt or task]
    ids = [clip["clip_id"] for clip in ask.clips]
    wording = ask.wording or prompt.pick(context.rng_seed, ids, list(ask.about), index=ask.index)
    salt = (context.rng_seed, task, ids, list(ask.about), ask.index)
    facts = [clip_facts(clip, context.vocabulary, *salt) for clip in ask.clips]
    texts = prompt.render(wording, facts, ask.variables)
    expected = ask.expected
    return {
        "prompt_id": digest(task, texts.template_id, ids, list(ask.about), ask.index),
        "task": task,
        "template_id": texts.template_id,
        "template_hash": texts.template_hash,
        "split": ask.split or ask.clips[0]["split"],
        "clips": list(ask.clips),
        "evidence": "\n".join(texts.evidence),
        "question": texts.question,
        "strategy": ask.strategy,
        "expected": {
            "present": list(expected.present),
            "absent": list(expected.absent),
            "verdict": expected.verdict,
        },
        "messages": texts.messages,
        "n_example_turns": texts.n_example_turns,
        "reply_pattern": ask.reply_pattern,
        "verdict_forced": ask.verdict_forced,
    }


def clip_facts(clip: Row, vocabulary: Vocabulary, *salt: Any) -> ClipFacts:
    """Return what a prompt says of a clip; of several captions the salt draws one.

    Sounds go by what they are called. A scene without label and caption has those of its parts.
    """
    sounds = vocabulary.specific(clip["labels"])
    parts = _part_facts(clip["parts"], vocabulary, *salt)
    captions = [] if sounds else [part.caption for part in parts if part.caption]
    return ClipFacts(
        sounds=_spoken(sounds, vocabulary),
        labels=_spoken([*sounds, *vocabulary.general(clip["labels"])], vocabulary),
        caption=_phrase(clip["captions"], *salt) or ", ".join(captions),
        parts=parts,
    )


def usable(clips: Iterable[Row]) -> list[Row]:
    """Return the clips that are composed and have a text to compose from."""
    return [
        clip
        for clip in clips
        if clip["split"] in COMPOSED_SPLITS and (sounds_of(clip) or clip["captions"])
    ]


def usable_by_split(clips: Iterable[Row]) -> dict[str, list[Row]]:
    """Return the usable clips of each split that is composed."""
    pool = usable(clips)
    return {split: [c for c in pool if c["split"] == split] for split in COMPOSED_SPLITS}


def rows_of(clip: Row, task: TaskName, rows: float) -> range:
    """Return the indices of a clip's rows of a task; validation needs one at most.

    Of 1.5 rows, each clip gets one and every other clip, by hash, a second.
    """
    count = int(rows) + (unit("rows", task, clip["clip_id"]) < rows % 1)
    return range(count if clip["split"] == "train" else min(count, 1))


def pick_strategy(context: Context, *salt: Any) -> Strategy:
    """Return a way to draw absent sounds, in proportion to the weights of the config."""
    weights = {name: weight for name, weight in context.cfg.strategies.items() if weight > 0}
    point = unit(context.rng_seed, "strategy", *salt) * sum(weights.values())
    for name, weight in weights.items():
        point -= weight
        if point < 0:
            return name
    return name


def rows_about_each(
    clips: Iterable[Row], task: TaskName, rows: float, ask: Callable[[Row, int], Row | None]
) -> list[Row]:
    """Return what is asked of each usable clip at each index of its rows, where it is anything."""
    asked = (ask(clip, index) for clip in usable(clips) for index in rows_of(clip, task, rows))
    return [row for row in asked if row is not None]


def absent_row(context: Context, task: TaskName, clip: Row, index: int) -> Row | None:
    """Return a row that lets the LLM read which sounds a clip lacks.

    None: the vocabulary has no sound that the clip certainly lacks.
    """
    ask = _ask_absent(context, task, clip, index)
    return to_row(context, task, ask) if ask.expected.absent else None


def draw_absent(
    context: Context, clip: Row, strategy: Strategy, n: int, *salt: Any
) -> list[tuple[str, Strategy]]:
    """Return up to n sounds that a clip lacks, best first, each with how it was really drawn.

    A sound has few siblings: where hard ones run out, adversarial ones follow.
    """
    drawn: dict[str, Strategy] = {}
    for way in dict.fromkeys((strategy, "adversarial" if strategy == "hard" else strategy)):
        for sound in context.vocabulary.draw_absent(clip, way, n, *salt):
            drawn.setdefault(sound, way)
    return list(drawn.items())[:n]


def watched_sounds(context: Context, clip: Row) -> list[str]:
    """Return the absent sounds that a description of the clip is likeliest to make up."""
    return context.vocabulary.draw_absent(clip, "adversarial", _WATCHED, context.rng_seed)


def _ask_absent(context: Context, task: TaskName, clip: Row, index: int) -> Ask:
    salt = (context.rng_seed, task, index)
    picked = pick_strategy(context, task, index, clip["clip_id"])
    drawn = draw_absent(context, clip, picked, context.cfg.absent_sounds, *salt)
    strategy = drawn[0][1] if drawn else picked  # a row is of one strategy: less sounds, not others
    sounds = [sound for sound, way in drawn if way == strategy]
    absent = ranked(sounds, *salt, clip["clip_id"])  # their order is not to tell which is likelier
    present = context.vocabulary.specific(clip["labels"])
    return Ask(
        [clip],
        Expectation(present, absent),
        index,
        about=absent,
        variables={"absent": _spoken(absent, context.vocabulary)},
        strategy=strategy,
    )


def _phrase(captions: Sequence[str], *salt: Any) -> str:
    """Return one of the captions, without its full stop, so that a template can go on after it."""
    return next(iter(ranked(captions, "caption", *salt)), "").strip().rstrip(".")


def _spoken(sounds: Iterable[str], vocabulary: Vocabulary) -> list[str]:
    return list(dict.fromkeys(map(vocabulary.spoken, sounds)))


def _part_facts(parts: Sequence[Row], vocabulary: Vocabulary, *salt: Any) -> list[PartFacts]:
    facts: list[PartFacts] = []
    end_s = 0.0
    for part in sorted(parts, key=lambda part: part["onset_s"]):
        facts.append(
            PartFacts(
                sounds=_spoken(vocabulary.specific(part["labels"]), vocabulary),
                caption=_phrase(part["captions"], *salt),
                onset_s=round(part["onset_s"], 1),
                overlaps=bool(facts) and part["onset_s"] < end_s,
            )
        )
        end_s = max(end_s, part["onset_s"] + part["duration_s"])
    return facts
