from collections import Counter
from math import sqrt
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_up_clips import KINDS, clip, context, corpus, scene, single

from balsa_pipe.config import Likeness
from balsa_pipe.schemas import Row
from balsa_pipe.tasks import difference, joint_caption
from balsa_pipe.tasks.company import Company, Ring, ring_points
from balsa_pipe.vocabulary import Vocabulary

CLIPS = corpus()
VOCABULARY = Vocabulary.from_clips(CLIPS)
TRAIN = [one for one in CLIPS if one["split"] == "train"]
MANY = [single(sound, number) for sound in KINDS for number in range(170)]
SOUNDS = ["dog", "cat", "car", "violin", "rain", "speech", "laughter", "engine", "drum", "door"]
EVERY: list[Likeness] = ["random", "similar", "dissimilar"]


def ids(row: Row) -> list[str]:
    return [one["clip_id"] for one in row["clips"]]


def compared(pool: list[Row], /, **task: Any) -> list[Row]:
    return difference.compose(pool, context(pool, difference=task))


def comparisons(rows: list[Row]) -> dict[tuple[str, ...], set[tuple[str, ...]]]:
    """Return the orders that each set of clips occurs in."""
    orders: dict[tuple[str, ...], set[tuple[str, ...]]] = {}
    for row in rows:
        orders.setdefault(tuple(sorted(ids(row))), set()).add(tuple(ids(row)))
    return orders


def about(share: float, n: int) -> Any:
    """Return what a share of n draws is equal to: five standard deviations either way."""
    return pytest.approx(share, abs=5 * sqrt(share * (1 - share) / n))


# ---- who stands beside a clip ----------------------------------------------------------------


def test_a_ring_yields_every_clip_from_where_the_salt_falls() -> None:
    ring = Ring(TRAIN, ring_points(TRAIN, 0))
    starts = Counter(next(ring.after(i))["clip_id"] for i in range(2000))
    assert len(starts) > 0.95 * len(TRAIN)
    assert max(starts.values()) < 5 * 2000 / len(TRAIN)
    assert {one["clip_id"] for one in ring.after(0)} == {one["clip_id"] for one in TRAIN}
    assert list(Ring([], ring_points([], 0)).after(0)) == []


@pytest.mark.parametrize("wanted", EVERY)
def test_partners_share_no_recording_and_each_has_a_sound_of_its_own(wanted: Likeness) -> None:
    company = Company(TRAIN, VOCABULARY, 0)
    for one in TRAIN:
        _, partners = company.partners(one, 2, wanted)
        group = [one, *partners]
        assert len(group) == 3
        for left in group:
            for right in group:
                if left is not right:
                    assert set(VOCABULARY.specific(left["labels"])) - set(right["labels"])
                    assert not set(left["recordings"]) & set(right["recordings"])


def test_random_partners_share_no_specific_sound() -> None:
    company = Company(TRAIN, VOCABULARY, 0)
    for one in TRAIN:
        _, (partner,) = company.partners(one, 1, "random")
        assert not set(VOCABULARY.specific(one["labels"])) & set(partner["labels"])


def test_similar_partners_share_a_label_and_dissimilar_ones_not_even_a_word() -> None:
    company = Company(TRAIN, VOCABULARY, 0)
    reached = Counter[Likeness]()
    for one in TRAIN:
        likeness, (partner,) = company.partners(one, 1, "similar")
        assert likeness == "random" or set(one["labels"]) & set(partner["labels"])
        reached[likeness] += 1
        likeness, partners = company.partners(one, 3, "dissimilar")
        group = [one, *partners]
        if likeness == "dissimilar":
            labels = [label for member in group for label in member["labels"]]
            assert len(labels) == len(set(labels))
        reached[likeness] += 1
    assert reached["similar"] > 0.7 * len(TRAIN)
    assert reached["dissimilar"] > 0.3 * len(TRAIN)


def flat(*labels: str, **other: Any) -> Row:
    return clip("+".join(labels) + str(other), list(labels), **other)


@pytest.mark.parametrize(
    ("one", "other", "reached"),
    [
        (flat("dog"), flat("cat"), {"random", "similar"}),  # both animals, by the ontology alone
        (flat("dog"), flat("violin"), {"random", "dissimilar"}),
        (flat("car"), flat("door"), {"random"}),  # things: neither alike nor without likeness
        (flat("dog", "speech"), flat("rain", "speech"), {"similar"}),  # as far as is told apart
        (flat("bass drum"), flat("bass"), {"random", "similar"}),  # a word in common
        (flat("dog"), flat("bark"), set()),  # a bark is a dog's
        (flat("dog", "speech"), flat("speech"), set()),  # the second has nothing of its own
        (flat(captions=["A dog barks."]), flat(captions=["Dogs growl."]), {"random", "similar"}),
        (flat(captions=["A dog barks."]), flat(captions=["Rain falls."]), {"random", "dissimilar"}),
        (flat(captions=["A dog barks."]), flat(captions=["A dog barks!"]), set()),
        (flat("dog"), flat(captions=["Dogs growl."]), set()),
        (flat("dog", "rain"), flat(captions=["Dogs growl."]), {"random"}),
        (flat("dog"), flat(captions=["Rain falls."]), {"random", "dissimilar"}),
    ],
)
def test_what_two_clips_are_to_each_other(one: Row, other: Row, reached: set[str]) -> None:
    alone = [flat(label) for label in (*one["labels"], *other["labels"])]
    company = Company([one, other], Vocabulary.from_clips([one, other, *alone]), 0)
    for start, partner in ((one, other), (other, one)):
        drawn = [company.partners(start, 1, wanted) for wanted in EVERY]
        assert {likeness for likeness, found in drawn if found} == reached
        assert all(found in ([], [partner]) for _, found in drawn)


def test_a_clip_more_changes_few_partners() -> None:
    wider = [*TRAIN, single("violin", 50)]
    before, after = Company(TRAIN, VOCABULARY, 0), Company(wider, VOCABULARY, 0)
    for wanted in EVERY:
        changed = [
            one
            for one in TRAIN
            if before.partners(one, 1, wanted) != after.partners(one, 1, wanted)
        ]
        assert len(changed) < 0.1 * len(TRAIN)


def test_clips_more_change_few_rows() -> None:
    task = {"clips": (2, 4)}
    before = {row["prompt_id"]: row for row in compared(MANY, **task)}
    more = [*MANY, *(single(sound, 900) for sound in KINDS)]
    after = {row["prompt_id"]: row for row in compared(more, **task)}
    same = sum(after.get(name) == row for name, row in before.items())
    assert same > 0.95 * len(before)


def test_takes_of_one_recording_are_no_partners() -> None:
    takes = [clip("a", ["x"], recordings=["r"]), clip("b", ["y"], recordings=["r"])]
    assert Company(takes, Vocabulary.from_clips(takes), 0).partners(takes[0], 1, "random")[1] == []


# ---- the mix ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "pairing",
    [
        {"random": 0.5, "similar": 0.3, "dissimilar": 0.2},
        {"similar": 3, "dissimilar": 1},
        {"random": 2},
        {"dissimilar": 0.1, "random": 0},
    ],
)
def test_partners_are_drawn_as_the_weights_say(pairing: dict[str, float]) -> None:
    pairable = [one for one in MANY if len(one["labels"]) > 1]  # rain has no kind to share
    rows = compared(pairable, pairing=pairing, both_orders=0)
    counts = Counter(row["strategy"] for row in rows)
    total = sum(pairing.values())
    for likeness in EVERY:
        share = pairing.get(likeness, 0) / total
        assert counts[likeness] / len(rows) == about(share, len(rows))


@pytest.mark.parametrize("clips", [(2, 2), (2, 4), (3, 4), (4, 4)])
def test_each_number_of_clips_occurs_as_often(clips: tuple[int, int]) -> None:
    rows = compared(MANY, clips=clips, pairing={"random": 1}, both_orders=0)
    low, high = clips
    counts = Counter(len(row["clips"]) for row in rows)
    assert set(counts) == set(range(low, high + 1))
    for count in counts.values():
        assert count / len(rows) == about(1 / (high - low + 1), len(rows))


@pytest.mark.parametrize("rows", [0.15, 1, 2.5])
@pytest.mark.parametrize("both_orders", [0, 0.25, 1])
def test_both_orders_occur_however_many_rows_there_are(rows: float, both_orders: float) -> None:
    clips = MANY if rows < 1 else MANY[::4]
    found = compared(clips, rows=rows, both_orders=both_orders, pairing={"random": 1})
    assert len(found) == pytest.approx(rows * len(clips), abs=5 * sqrt(2 * len(clips)))
    assert len({row["prompt_id"] for row in found}) == len(found)
    orders = comparisons(found).values()
    share = sum(len(one) > 1 for one in orders) / len(orders)
    assert share == pytest.approx(both_orders, abs=5 * 0.5 / sqrt(len(orders)) + 0.01)
    for row in found:
        assert len({one["split"] for one in row["clips"]}) == 1


def test_the_other_order_is_asked_of_the_same_clips_in_other_words() -> None:
    rows = compared(MANY[::10], both_orders=1)
    pairs: dict[tuple[str, ...], list[Row]] = {}
    for row in rows:
        pairs.setdefault(tuple(sorted(ids(row))), []).append(row)
    for row, *others in pairs.values():
        reverse = next(one for one in others if ids(one) == ids(row)[::-1])
        assert sorted(row["evidence"].split("\n")) == sorted(reverse["evidence"].split("\n"))
        assert (row["strategy"], row["expected"]) == (reverse["strategy"], reverse["expected"])
    assert len({row["template_id"] for row in rows}) > 20


def test_a_clip_stands_anywhere_in_its_comparison() -> None:
    task = {"clips": (3, 3), "pairing": {"random": 1}, "both_orders": 0}
    first = {one["clip_id"] for one in MANY[::2]}
    rows = compared(MANY, **task)
    assert len(rows) == len(MANY)
    held = sum(ids(row)[0] in first for row in rows)
    assert held / len(rows) == about(0.5, len(rows))


def test_validation_has_one_comparison_a_clip_at_most() -> None:
    rows = difference.compose(CLIPS, context(CLIPS, difference={"rows": 3, "both_orders": 0}))
    assert Counter(row["split"] for row in rows) == {"train": 3 * len(TRAIN), "validation": 12}
    for row in rows:
        assert {one["split"] for one in row["clips"]} == {row["split"]}


# ---- what cannot be had ----------------------------------------------------------------------


def test_what_the_clips_do_not_allow_is_drawn_at_random_and_says_so() -> None:
    animals = [single(sound, number) for sound in ("cow", "dog", "owl") for number in range(9)]
    rows = compared(animals, pairing={"dissimilar": 1})
    assert {row["strategy"] for row in rows} == {"random"}
    strangers = [flat(sound) for sound in ("dog", "violin", "rain")]
    rows = compared(strangers, pairing={"similar": 1})
    assert {row["strategy"] for row in rows} == {"random"}


@pytest.mark.parametrize(("number", "sizes"), [(0, set()), (1, set()), (2, {2}), (3, {2, 3})])
def test_few_clips_make_small_groups_or_none(number: int, sizes: set[int]) -> None:
    few = [flat(sound) for sound in ("dog", "violin", "rain")[:number]]
    rows = compared(few, rows=40, clips=(2, 4))
    assert {len(row["clips"]) for row in rows} == sizes
    assert len({row["prompt_id"] for row in rows}) == len(rows)


@given(
    st.lists(st.sets(st.sampled_from(SOUNDS), max_size=4), max_size=12),
    st.sampled_from(EVERY),
    st.integers(0, 9),
)
def test_any_corpus_has_partners_or_none(
    labels: list[set[str]], wanted: Likeness, seed: int
) -> None:
    clips = [
        clip(str(number), sorted(some), captions=["A bell rings."] * (not some))
        for number, some in enumerate(labels)
    ]
    company = Company(clips, Vocabulary.from_clips(clips), seed)
    for one in clips:
        likeness, partners = company.partners(one, 3, wanted)
        assert likeness in (wanted, "random")
        assert len({str(member["clip_id"]) for member in [one, *partners]}) == len(partners) + 1
        assert (likeness, partners) == company.partners(one, 3, wanted)


# ---- what is asked ---------------------------------------------------------------------------


def test_expected_holds_the_specific_sounds_of_all_and_absent_ones_of_none() -> None:
    for row in difference.compose(CLIPS, context(CLIPS)):
        labels = {label for one in row["clips"] for label in one["labels"]}
        assert set(row["expected"]["present"]) <= labels
        assert row["expected"]["absent"]
        assert not labels & set(row["expected"]["absent"])
        assert row["strategy"] in EVERY


def test_the_evidence_has_a_line_for_each_clip() -> None:
    pair = [single("cow"), single("violin")]
    asked = difference.compose(pair, context(CLIPS, difference={"both_orders": 1, "rows": 2}))
    row = min(asked, key=lambda row: ids(row)[0])
    assert row["evidence"].split("\n") == ["cow", "violin"]
    assert row["messages"][-1]["content"] == (
        "[Begin of audio 1] cow [End of audio 1]\n[Begin of audio 2] violin [End of audio 2]\n"
        + row["question"]
    )


def test_a_clip_without_a_partner_gets_no_row() -> None:
    lone = [single("cow")]
    assert difference.compose(lone, context(lone)) == []


ROW = next(
    row
    for row in difference.compose(
        [single("cow"), single("violin")],
        context(CLIPS, difference={"both_orders": 1, "rows": 2}),
    )
    if ids(row)[0] == "cow-0"
)


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        ("The first clip has a cow, while the second has a violin.", None),
        ("The first clip has a cow, the second a violin, the third a pig.", "mentions_wrong_clip"),
        ("The first clip has a violin, while the second has a cow.", "contradicts_labels"),
        ("The first clip has a cow.", "misses_sound"),
        ("The first clip has a cow and the second a zipper and a violin.", "copies_example"),
        ("A cow and no violin.", "names_present_as_absent"),
        ("Cow, violin.", "too_short"),
    ],
)
def test_judge(reply: str, reason: str | None) -> None:
    assert difference.judge(ROW, reply, "stop") == reason
    assert joint_caption.judge(ROW, reply, "stop") == reason


def test_scenes_are_partners_like_any_clip() -> None:
    clips = [scene(single("cow"), single("rain")), scene(single("ship"), single("owl"))]
    rows = difference.compose(clips, context(CLIPS, difference={"both_orders": 0}))
    assert [len(row["clips"]) for row in rows] == [2, 2]
