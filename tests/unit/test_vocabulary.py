from collections import Counter
from typing import Any

import pytest

from balsa_pipe.config import Strategy
from balsa_pipe.schemas import Row
from balsa_pipe.vocabulary import Vocabulary, captions_of, sounds_of

COW = ["cow", "farm animal", "animal"]
DOG = ["dog", "animal"]
SNARE = ["snare drum", "drum"]
BASS_DRUM = ["bass drum", "drum"]


def clip(name: str, labels: list[str], **other: Any) -> Row:
    return {
        "clip_id": name,
        "split": "train",
        "labels": labels,
        "captions": [],
        "parts": [],
        "recordings": [name],
    } | other


def scene(name: str, *labels: list[str], split: str = "train") -> Row:
    parts = [{"labels": one, "captions": []} for one in labels]
    flat = list(dict.fromkeys(sound for one in labels for sound in one))
    return clip(name, flat, parts=parts, split=split)


CLIPS = [
    clip("cow1", COW),
    clip("cow2", COW, captions=["The cow goes 'moo'."]),
    clip("sheep", ["sheep", "farm animal", "animal"]),
    clip("dog1", DOG),
    clip("dog2", DOG),
    clip("snare", SNARE),
    clip("bass", BASS_DRUM),
    clip("rain", ["rain"]),
    scene("s1", COW, ["rain"]),
    scene("s2", COW, ["rain"]),
    scene("s3", DOG, SNARE),
]
VOCABULARY = Vocabulary.from_clips(CLIPS)


def test_labels_are_normalised_and_wordless_ones_dropped() -> None:
    assert sounds_of(clip("x", ["Dog", "dog ", "Bass_drum", "!!"])) == ["dog", "bass drum"]


def test_captions_are_the_clips_and_its_parts() -> None:
    row = clip("x", [], captions=["A", "B"], parts=[{"captions": []}, {"captions": ["C", "D"]}])
    assert captions_of(row) == ["A", "B", "C", "D"]


def test_counts_are_of_training_clips_alone() -> None:
    test_clip = clip("t", ["violin", "dog"], split="test")
    vocabulary = Vocabulary.from_clips([*CLIPS, test_clip])
    assert vocabulary.counts == VOCABULARY.counts
    assert VOCABULARY.counts["cow"] == 4
    assert VOCABULARY.together["cow"]["rain"] == 2
    assert VOCABULARY.together["rain"]["cow"] == 2
    assert "violin" not in vocabulary.sounds


def test_sounds_are_sorted() -> None:
    assert VOCABULARY.sounds == sorted(VOCABULARY.counts)


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ("cow", "cow", True),
        ("cow", "animal", True),
        ("animal", "cow", True),
        ("cow", "dog", False),
        ("cow", "rain", False),
    ],
)
def test_related(one: str, other: str, expected: bool) -> None:
    assert VOCABULARY.relations.related(one, other) is expected


def test_the_ontology_adds_kinds_that_no_label_tells() -> None:
    bell, horn = clip("a", ["bell"]), clip("b", ["horn", "musical instrument"])
    vocabulary = Vocabulary.from_clips([bell, horn, clip("c", ["car"])])
    assert vocabulary.absent_candidates(bell) == ["car", "horn"]
    assert vocabulary.relations.related("bell", "musical instrument")


def test_specific_and_general_labels() -> None:
    labels = ["animal", "cow", "rain", "farm animal"]
    assert VOCABULARY.specific(labels) == ["cow", "rain"]
    assert VOCABULARY.general(labels) == ["farm animal", "animal"]  # narrowest first
    assert VOCABULARY.specific(["animal"]) == ["animal"]
    assert VOCABULARY.specific([]) == []


def test_candidates_leave_out_labels_kinds_and_descendants() -> None:
    assert VOCABULARY.absent_candidates(clip("x", COW)) == [
        *("bass drum", "dog", "drum", "rain", "sheep", "snare drum")
    ]
    # An animal of unknown kind may be any animal.
    assert VOCABULARY.absent_candidates(clip("x", ["animal"])) == [
        *("bass drum", "drum", "rain", "snare drum")
    ]


def test_a_sibling_is_a_candidate_though_it_shares_the_word_of_their_kind() -> None:
    candidates = VOCABULARY.absent_candidates(clip("x", SNARE))
    assert "bass drum" in candidates
    assert "drum" not in candidates


def test_a_shared_word_that_is_no_kind_of_both_rules_a_sound_out() -> None:
    vocabulary = Vocabulary.from_clips([clip("a", ["car horn"]), clip("b", ["ship horn"])])
    assert vocabulary.absent_candidates(clip("x", ["car horn"])) == []


@pytest.mark.parametrize(
    "row",
    [
        clip("x", ["rain"], captions=["It rains", "Dogs barking in the rain"]),
        clip("x", ["rain"], parts=[{"labels": [], "captions": ["a dog"]}]),
    ],
)
def test_a_sound_of_a_caption_is_no_candidate(row: Row) -> None:
    assert "dog" not in VOCABULARY.absent_candidates(row)
    assert "cow" in VOCABULARY.absent_candidates(row)


@pytest.mark.parametrize("strategy", ["random", "popular", "adversarial"])
def test_draws_are_candidates_and_depend_on_salt_and_clip_alone(strategy: Strategy) -> None:
    row = clip("x", COW)
    drawn = VOCABULARY.draw_absent(row, strategy, 3, "salt")
    assert len(drawn) == len(set(drawn)) == 3
    assert set(drawn) <= set(VOCABULARY.absent_candidates(row))
    assert drawn == VOCABULARY.draw_absent(row, strategy, 3, "salt")
    assert len(VOCABULARY.draw_absent(row, strategy, 99)) == 6
    again = Vocabulary.from_clips(reversed(CLIPS))
    assert drawn == again.draw_absent(row, strategy, 3, "salt")


def first_draws(strategy: Strategy, vocabulary: Vocabulary, n: int = 4000) -> Counter[str]:
    rows = (clip(f"clip{i}", ["rain"]) for i in range(n))
    return Counter(vocabulary.draw_absent(row, strategy, 1)[0] for row in rows)


def skewed() -> Vocabulary:
    clips = [clip("r", ["rain"])]
    for sound, count in {"dog": 1, "cow": 2, "train": 5}.items():
        clips += [clip(f"{sound}{i}", [sound]) for i in range(count)]
    return Vocabulary.from_clips(clips)


def test_random_draws_every_candidate_alike() -> None:
    draws = first_draws("random", skewed())
    assert {sound: round(count / 4000, 1) for sound, count in draws.items()} == {
        "dog": 0.3,
        "cow": 0.3,
        "train": 0.3,
    }


def test_popular_draws_in_proportion_to_the_count() -> None:
    draws = first_draws("popular", skewed())
    assert draws["dog"] / 4000 == pytest.approx(1 / 8, abs=0.02)
    assert draws["cow"] / 4000 == pytest.approx(2 / 8, abs=0.02)
    assert draws["train"] / 4000 == pytest.approx(5 / 8, abs=0.02)


def test_adversarial_draws_companions_then_siblings_then_anything() -> None:
    clips = [
        *CLIPS,
        scene("s4", COW, DOG),
        scene("s5", COW, BASS_DRUM),
        scene("s6", COW, BASS_DRUM),
    ]
    vocabulary = Vocabulary.from_clips(clips)
    drawn = vocabulary.draw_absent(clip("x", COW), "adversarial", 9)
    # rain, bass drum (and drum): twice with a cow; dog: once; sheep: never, but a farm animal too
    assert set(drawn[:3]) == {"rain", "bass drum", "drum"}
    assert drawn[3:] == ["dog", "sheep", "snare drum"]


def test_adversarial_ties_are_broken_by_hash_not_by_name() -> None:
    assert set(first_draws("adversarial", skewed())) == {"dog", "cow", "train"}


def test_a_new_sound_changes_only_the_draws_it_wins() -> None:
    rows = [clip(f"clip{i}", ["rain"]) for i in range(500)]
    before = [VOCABULARY.draw_absent(row, "random", 1) for row in rows]
    wider = Vocabulary.from_clips([*CLIPS, clip("new", ["violin"])])
    after = [wider.draw_absent(row, "random", 1) for row in rows]
    changed = [new for old, new in zip(before, after, strict=True) if old != new]
    assert changed
    assert all(new == ["violin"] for new in changed)
