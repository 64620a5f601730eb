"""Kept rows become the dataset, rows that say the same are marked, and everything is counted."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sample_rows import make_clip, make_sample

from balsa_pipe.config import CurateConfig
from balsa_pipe.curate import _jaccard, _shingles, curate_rows
from balsa_pipe.errors import ShardError
from balsa_pipe.schemas import DATASET_ROW, Row

CFG = CurateConfig()
LONG = "I can hear a dog that barks at the rain while a train goes by and far away a bell rings"


def duplicates(*samples: Row, cfg: CurateConfig = CFG) -> dict[str, str]:
    result = curate_rows(samples, cfg)
    rows = [*result.train, *result.validation]
    return {row["prompt_id"]: row["duplicate_of"] for row in rows if row["duplicate_of"]}


def expected(**changes: Any) -> Row:
    return {"present": [], "absent": [], "verdict": None, **changes}


def test_rows_are_counted_and_go_to_their_split() -> None:
    samples = [
        make_sample("a"),
        make_sample("b", "A cat.", split="validation", clips=[make_clip("clip-b")]),
        make_sample("c", "", reject_reason="empty"),
        make_sample("d", "", reject_reason="empty"),
        make_sample("e", "Sorry.", reject_reason="refuses"),
        make_sample("f", "No cat.", task="absence"),
        make_sample("g", "Dog.", task="difference", reject_reason="too_short"),
    ]
    result = curate_rows(iter(samples), CFG)
    assert [row["prompt_id"] for row in result.train] == ["a", "f"]
    assert [row["prompt_id"] for row in result.validation] == ["b"]
    assert set(result.train[0]) == set(DATASET_ROW.names)
    assert result.ledger == {
        "in": 7,
        "out": 3,
        "train": 2,
        "validation": 1,
        "rejected": {"caption": {"empty": 2, "refuses": 1}, "difference": {"too_short": 1}},
        "duplicates": {"exact": 0, "near": 0},
        "kept_share": {"caption": 0.4, "absence": 1.0, "difference": 0.0},
    }
    assert "duplicate_of" not in samples[0]  # not changed in place


def test_nothing_in_is_nothing_out() -> None:
    result = curate_rows([], CFG)
    assert (result.train, result.validation, result.ledger["in"]) == ([], [], 0)


def test_a_test_clip_in_the_samples_is_one_line() -> None:
    with pytest.raises(ShardError) as caught:
        curate_rows([make_sample("leak", split="test")], CFG)
    assert str(caught.value) == (
        "samples: prompt leak is of split 'test', expected train or validation: test clips are "
        "never taught; run the compose stage again"
    )


@pytest.mark.parametrize(
    "response", ["A dog barks.", "a dog   barks", "A DOG barks!", "“A dog barks.”\n"]
)
def test_the_same_but_for_case_and_punctuation_is_a_duplicate(response: str) -> None:
    samples = [make_sample("a"), make_sample("b", response), make_sample("c", response)]
    assert duplicates(*samples) == {"b": "a", "c": "a"}
    assert curate_rows(samples, CFG).ledger["duplicates"] == {"exact": 2, "near": 0}


@pytest.mark.parametrize(
    "changes",
    [
        {"question": "Describe the audio."},
        {"task": "absence"},
        {"clips": [make_clip("clip-b")]},
        {"clips": [make_clip("clip-a"), make_clip("clip-b")]},
        {"response": "A dog barks twice."},
        {"response": "犬が吠える"},
    ],
)
def test_other_questions_clips_tasks_or_replies_are_no_duplicates(changes: Row) -> None:
    assert duplicates(make_sample("a"), make_sample("b", **changes)) == {}


def test_the_order_of_the_clips_does_not_matter() -> None:
    one, two = make_clip("clip-a"), make_clip("clip-b")
    assert duplicates(make_sample("a", clips=[one, two]), make_sample("b", clips=[two, one])) == {
        "b": "a"
    }


def test_nearly_the_same_words_are_a_near_duplicate() -> None:
    samples = [
        make_sample("a", f"{LONG}."),
        make_sample("b", f"{LONG} softly."),
        make_sample("c", f"{LONG} loudly."),
        make_sample("d", "Nothing of the kind can be heard in this one at all."),
    ]
    assert duplicates(*samples) == {"b": "a", "c": "a"}
    assert curate_rows(samples, CFG).ledger["duplicates"] == {"exact": 0, "near": 2}
    assert duplicates(*samples, cfg=CurateConfig(near_duplicate_jaccard=1.0)) == {}


def test_nearly_the_same_words_about_another_sound_are_not() -> None:
    bell = make_sample("a", f"{LONG}.", expected=expected(absent=["cat"], verdict="no"))
    horn = make_sample("b", f"{LONG} too.", expected=expected(absent=["horn"], verdict="no"))
    assert duplicates(bell, horn) == {}


def test_a_duplicate_points_at_a_row_that_is_none_itself() -> None:
    samples = [
        make_sample("a", f"{LONG}."),
        make_sample("b", f"{LONG} softly."),
        make_sample("c", f"{LONG} softly!"),
    ]
    assert duplicates(*samples) == {"b": "a", "c": "a"}


@settings(max_examples=25)
@given(
    st.lists(
        st.lists(st.sampled_from(["dog", "cat", "rain", "bell"]), min_size=1, max_size=12),
        min_size=2,
        max_size=8,
    )
)
def test_marked_rows_are_alike_and_the_others_are_not(replies: list[list[str]]) -> None:
    samples = [make_sample(str(i), " ".join(reply)) for i, reply in enumerate(replies)]
    rows = {row["prompt_id"]: row for row in curate_rows(samples, CFG).train}
    assert len(rows) == len(samples)
    for row in rows.values():
        original = rows.get(row["duplicate_of"] or "")
        if original is not None:
            assert original["duplicate_of"] is None
            alike = _jaccard(_shingles(row), _shingles(original))
            assert alike >= CFG.near_duplicate_jaccard
    kept = [row for row in rows.values() if row["duplicate_of"] is None]
    assert len({row["response"] for row in kept}) == len(kept)


def test_marking_does_not_depend_on_other_clips() -> None:
    mine = [make_sample("a", f"{LONG}."), make_sample("b", f"{LONG} softly.")]
    theirs = [make_sample(f"x{n}", f"{LONG}.", clips=[make_clip(f"x{n}")]) for n in range(20)]
    assert duplicates(*mine, *theirs) == duplicates(*theirs, *mine) == {"b": "a"}
