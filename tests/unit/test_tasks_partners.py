from collections import Counter

import pytest
from made_up_clips import clip, context, corpus, scene, single

from balsa_pipe.schemas import Row
from balsa_pipe.tasks import difference, joint_caption
from balsa_pipe.tasks.partners import Company, Ring
from balsa_pipe.vocabulary import Vocabulary

CLIPS = corpus()
VOCABULARY = Vocabulary.from_clips(CLIPS)
TRAIN = [one for one in CLIPS if one["split"] == "train"]


def ids(row: Row) -> list[str]:
    return [one["clip_id"] for one in row["clips"]]


def test_a_ring_yields_every_clip_from_where_the_salt_falls() -> None:
    ring = Ring(TRAIN)
    starts = Counter(next(ring.after(i))["clip_id"] for i in range(2000))
    assert len(starts) > 0.95 * len(TRAIN)
    assert max(starts.values()) < 5 * 2000 / len(TRAIN)
    assert {one["clip_id"] for one in ring.after(0)} == {one["clip_id"] for one in TRAIN}
    assert list(Ring([]).after(0)) == []


def test_partners_share_no_specific_sound_and_no_recording() -> None:
    company = Company(TRAIN, VOCABULARY, 0)
    for one in TRAIN:
        _, partners = company.partners(one, 2)
        group = [one, *partners]
        assert len(group) == 3
        for i, left in enumerate(group):
            for right in group[i + 1 :]:
                assert not set(VOCABULARY.specific(left["labels"])) & set(right["labels"])
                assert not set(left["recordings"]) & set(right["recordings"])


def test_some_partners_are_similar_and_share_a_kind() -> None:
    company = Company(TRAIN, VOCABULARY, 0)
    drawn = [(one, *company.partners(one, 1)) for one in TRAIN if one["labels"] != ["rain"]]
    likeness = Counter(name for _, name, _ in drawn)
    assert 0.1 < likeness["similar"] / len(drawn) < 0.4
    for one, name, (partner,) in drawn:
        if name == "similar":
            assert set(one["labels"]) & set(partner["labels"])


def test_a_clip_more_changes_few_partners() -> None:
    wider = [*TRAIN, single("violin", 50)]
    before, after = Company(TRAIN, VOCABULARY, 0), Company(wider, VOCABULARY, 0)
    changed = [one for one in TRAIN if before.partners(one, 1) != after.partners(one, 1)]
    assert len(changed) < 0.1 * len(TRAIN)


def test_takes_of_one_recording_are_no_partners() -> None:
    takes = [clip("a", ["x"], recordings=["r"]), clip("b", ["y"], recordings=["r"])]
    assert Company(takes, Vocabulary.from_clips(takes), 0).partners(takes[0], 1)[1] == []


def test_every_second_row_has_the_clips_the_other_way_round() -> None:
    rows = difference.compose(TRAIN, context(TRAIN, difference={"rows": 4}))
    by_clips = {tuple(ids(row)) for row in rows}
    reversed_too = [row for row in rows if tuple(reversed(ids(row))) in by_clips]
    assert len(rows) == 4 * len(TRAIN)
    assert len(reversed_too) == len(rows)
    assert len({row["prompt_id"] for row in rows}) == len(rows)


def test_a_single_row_starts_with_its_clip_and_validation_gets_one() -> None:
    rows = difference.compose(CLIPS, context(CLIPS, difference={"rows": 1}))
    assert [ids(row)[0] for row in rows if row["split"] == "train"] == [
        one["clip_id"] for one in TRAIN
    ]
    more = difference.compose(CLIPS, context(CLIPS, difference={"rows": 3}))
    assert Counter(row["split"] for row in more) == {"train": 3 * len(TRAIN), "validation": 12}
    for row in more:
        assert {one["split"] for one in row["clips"]} == {row["split"]}


def test_the_number_of_clips_is_drawn_from_the_config() -> None:
    ctx = context(CLIPS, joint_caption={"rows": 1, "clips": (2, 4)})
    sizes = Counter(len(row["clips"]) for row in joint_caption.compose(CLIPS, ctx))
    assert set(sizes) == {2, 3, 4}


def test_expected_holds_the_specific_sounds_of_all_and_absent_ones_of_none() -> None:
    for row in difference.compose(CLIPS, context(CLIPS)):
        labels = {label for one in row["clips"] for label in one["labels"]}
        assert set(row["expected"]["present"]) <= labels
        assert row["expected"]["absent"]
        assert not labels & set(row["expected"]["absent"])
        assert row["strategy"] in ("random", "similar")


def test_the_evidence_has_a_line_for_each_clip() -> None:
    pair = [single("cow"), single("violin")]
    (row, _) = sorted(difference.compose(pair, context(CLIPS)), key=lambda row: ids(row)[0])
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
    for row in difference.compose([single("cow"), single("violin")], context(CLIPS))
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
    rows = difference.compose(clips, context(CLIPS))
    assert [len(row["clips"]) for row in rows] == [2, 2]
