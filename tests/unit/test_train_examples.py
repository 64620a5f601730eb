"""Which examples a phase trains on: fixed by the rows, the shares and the seed, and by nothing else."""

from collections import Counter
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_up_clips import single
from tiny_model import row

from balsa_pipe.config import Phase
from balsa_pipe.errors import ConfigError
from balsa_pipe.schemas import Row
from balsa_pipe.train.examples import Example, draw_examples, to_example

TASKS = ("caption", "presence_qa", "difference")


def rows(n: int = 8, **changes: Any) -> list[Row]:
    return [
        row(f"{task}-{i}", [single("cow")], f"Reply {i}.", task=task, **changes)
        for task in TASKS
        for i in range(n)
    ]


def phase(steps: int = 10, batch_size: int = 4, **tasks: float) -> Phase:
    facts = {"name": "one", "tasks": tasks or {"caption": 1}, "steps": steps}
    return Phase.model_validate(facts | {"batch_size": batch_size})


def names(examples: list[Example]) -> list[str]:
    return [example.prompt_id for example in examples]


def test_an_example_leaves_the_evidence_out() -> None:
    clips = [single("cow"), single("dog")]
    example = to_example(row("p", clips, "Moo.", evidence="Sounds: cow.", question="What?"))
    assert example == Example("p", "caption", tuple(clips), "What?", "Moo.")


@pytest.mark.parametrize(("verdict", "has_verdict"), [("yes", True), ("no", True), (None, False)])
def test_an_example_says_whether_its_question_was_closed(
    verdict: str | None, has_verdict: bool
) -> None:
    expected: Row = {"present": [], "absent": [], "verdict": verdict}
    assert to_example(row("p", [], "No.", expected=expected)).has_verdict is has_verdict


@pytest.mark.parametrize(
    ("tasks", "expected"),
    [
        ({"caption": 1}, {"caption": 40}),
        ({"caption": 3, "difference": 1}, {"caption": 30, "difference": 10}),
        (
            {"caption": 0.5, "presence_qa": 0.25, "difference": 0.25},
            {"caption": 20, "presence_qa": 10, "difference": 10},
        ),
    ],
)
def test_tasks_are_drawn_by_their_shares(tasks: dict[str, Any], expected: dict[str, int]) -> None:
    drawn = draw_examples(rows(), phase(**tasks), rng_seed=0)
    assert Counter(example.task for example in drawn) == expected


@settings(max_examples=50)
@given(st.dictionaries(st.sampled_from(TASKS), st.floats(0.01, 10), min_size=1), st.integers(1, 60))
def test_every_stretch_has_about_the_shares(shares: dict[str, float], n: int) -> None:
    drawn = draw_examples(rows(), phase(n, 1, **shares), rng_seed=0)
    assert len(drawn) == n
    for task, share in shares.items():
        wanted = n * share / sum(shares.values())
        assert abs(sum(example.task == task for example in drawn) - wanted) < len(shares)


def test_every_row_of_a_task_has_its_turn_before_one_comes_again() -> None:
    drawn = names(draw_examples(rows(8), phase(5, 4), rng_seed=0))
    turns = [drawn[:8], drawn[8:16], drawn[16:]]
    assert [len(set(turn)) for turn in turns] == [8, 8, 4]
    assert turns[0] != turns[1]


def verdict_row(name: str, sound: str, verdict: str) -> Row:
    present, absent = ([sound, "rain"], []) if verdict == "yes" else (["rain"], [sound])
    expected: Row = {"present": present, "absent": absent, "verdict": verdict}
    reply = "Yes, it is." if verdict == "yes" else "No, it isn't."
    clips = [single("cow")]
    return row(name, clips, reply, task="presence_qa", question=sound, expected=expected)


@settings(max_examples=50)
@given(st.integers(0, 2**30))
def test_a_yes_stands_beside_a_no_to_the_same_question(rng_seed: int) -> None:
    asked = [(sound, i) for sound in ("cow", "dog", "bell") for i in range(4)]
    pool = [verdict_row(f"{v}-{s}-{i}", s, v) for s, i in asked for v in ("yes", "no")]
    drawn = draw_examples(pool, phase(3, 8, presence_qa=1), rng_seed=rng_seed)
    for one, other in zip(drawn[::2], drawn[1::2], strict=True):
        assert one.question == other.question
        assert one.reply != other.reply


def test_sounds_are_asked_for_in_a_mixed_order() -> None:
    asked = [(sound, i) for sound in ("cow", "dog", "bell") for i in range(4)]
    pool = [verdict_row(f"{v}-{s}-{i}", s, v) for s, i in asked for v in ("yes", "no")]
    drawn = draw_examples(pool, phase(3, 8, presence_qa=1), rng_seed=0)
    sounds = [one.question for one in drawn[::2]]
    changes = sum(one != other for one, other in pairwise(sounds))
    assert changes > 5  # of 11; a sound after the other has 2


def test_an_answer_without_its_counterpart_has_its_turn_too() -> None:
    pool = [verdict_row(f"{i}", "cow", "yes") for i in range(3)] + [verdict_row("no", "cow", "no")]
    drawn = draw_examples(pool, phase(1, 4, presence_qa=1), rng_seed=0)
    assert sorted(names(drawn)) == ["0", "1", "2", "no"]


def test_the_order_of_the_rows_does_not_matter_but_seed_and_phase_do() -> None:
    drawn = names(draw_examples(rows(), phase(), rng_seed=0))
    assert names(draw_examples(rows()[::-1], phase(), rng_seed=0)) == drawn
    assert names(draw_examples(rows(), phase(), rng_seed=1)) != drawn
    other = phase().model_copy(update={"name": "other"})
    assert names(draw_examples(rows(), other, rng_seed=0)) != drawn


def test_a_longer_phase_starts_like_a_shorter_one() -> None:
    short = names(draw_examples(rows(), phase(5), rng_seed=0))
    assert names(draw_examples(rows(), phase(9), rng_seed=0))[: len(short)] == short


def test_rows_with_as_many_clips_share_a_batch() -> None:
    single_clip, pair = ([single("cow")], [single("cow"), single("dog")])
    mixed = [row(f"one-{i}", single_clip, "A.", task="caption") for i in range(40)]
    mixed += [row(f"two-{i}", pair, "B.", task="difference") for i in range(40)]
    mixed += [row(f"none-{i}", [], "C.", task="text_only") for i in range(40)]
    drawn = draw_examples(mixed, phase(16, 4, caption=2, difference=1, text_only=1), rng_seed=0)
    batches = [drawn[i : i + 4] for i in range(0, len(drawn), 4)]
    assert Counter(len({len(one.clips) for one in batch}) for batch in batches) == {1: 16}
    for half in (batches[:8], batches[8:]):  # the mix stays even
        assert Counter(one.task for batch in half for one in batch) == {
            "caption": 16,
            "difference": 8,
            "text_only": 8,
        }
    kinds = [len(batch[0].clips) for batch in batches]
    assert kinds != sorted(kinds)


@pytest.mark.parametrize(("share", "low", "high"), [(0, 0, 0), (0.5, 12, 28), (1, 40, 40)])
def test_a_share_of_the_examples_reads_label_tokens(share: float, low: int, high: int) -> None:
    wanted = phase().model_copy(update={"label_tokens": share})
    drawn = draw_examples(rows(), wanted, rng_seed=0)
    salts = [example.label_salt for example in drawn if example.label_salt]
    assert low <= len(salts) <= high
    assert len(set(salts)) == len(salts)  # drawn anew each time that a row has its turn
    again = draw_examples(rows()[::-1], wanted, rng_seed=0)
    assert [example.label_salt for example in again] == [example.label_salt for example in drawn]


def test_rows_that_say_the_same_are_left_out() -> None:
    all_rows = rows(3)
    all_rows[1]["duplicate_of"] = all_rows[0]["prompt_id"]
    drawn = names(draw_examples(all_rows, phase(), rng_seed=0))
    assert set(drawn) == {"caption-0", "caption-2"}


@pytest.mark.parametrize("duplicate_of", [None, "p"])
def test_a_task_without_rows_is_named_with_what_to_do(duplicate_of: str | None) -> None:
    kept = [one for one in rows(2) if one["task"] == "caption"]
    spoiled = [row("x", [], "y", task="difference", duplicate_of="p")] if duplicate_of else []
    wanted = phase(caption=1, difference=1, presence_qa=1)
    with pytest.raises(ConfigError) as caught:
        draw_examples([*kept, *spoiled], wanted, rng_seed=0)
    assert str(caught.value) == (
        "train.phases.one: the dataset has no rows of difference, presence_qa; add them to "
        "compose.tasks, look at their reject reasons in ledger.json, or drop them from the phase"
    )
