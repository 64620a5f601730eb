"""Absence rows whose sounds the LLM thinks of itself: looked up in labels, captions and AudioSet."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_up_clips import clip, context, corpus, single

from balsa_pipe.schemas import Row
from balsa_pipe.tasks import absence

CLIPS = corpus()
N_TRAIN = sum(one["split"] == "train" for one in CLIPS)

DOG = clip("dog", ["Bark", "Dog", "Domestic animals, pets", "Animal"])
CATTLE = clip(
    "cattle", ["Cattle, bovinae"], captions=["A cow moos as rain falls in the background."]
)
DRUM = clip("drum", ["bass drum", "musical instrument"])
WOMAN = clip("woman", ["Female speech, woman speaking", "Speech", "Human voice"])
SIREN = clip("siren", ["Police car (siren)", "Siren"])
CAPTIONED = clip("captioned", [], captions=["Footsteps crunch loudly on gravel nearby."])

EXAMPLES = [
    {"role": "user", "content": "[Begin of audio] Heard: hail. [End of audio] Well?"},
    {"role": "assistant", "content": "There are no bagpipes and no sneeze."},
]


def asked(one: Row, *present: str) -> Row:
    own = f"[Begin of audio] Heard: {', '.join(one['labels'])}. [End of audio] What is absent?"
    return {
        "task": "absence",
        "strategy": "free_form",
        "question": "What is absent?",
        "clips": [one],
        "expected": {"present": list(present), "absent": ["violin"], "verdict": None},
        "messages": [*EXAMPLES, {"role": "user", "content": own}],
    }


ROWS = {
    "dog": asked(DOG, "bark"),
    "cattle": asked(CATTLE, "cattle, bovinae"),
    "drum": asked(DRUM, "bass drum"),
    "woman": asked(WOMAN, "female speech, woman speaking"),
    "siren": asked(SIREN, "police car (siren)"),
    "captioned": asked(CAPTIONED),
}


@pytest.mark.parametrize(
    ("name", "reply"),
    [
        ("dog", "There is no barking."),
        ("dog", "I can't hear any dogs."),
        ("dog", "I can’t hear a dog or a train."),
        ("dog", "No pets can be heard."),
        ("dog", "There are no animals here."),
        ("dog", "There is no domestic animal."),
        ("dog", "Cat, dog, rain"),
        ("cattle", "There are no cows."),
        ("cattle", "I can't hear any bovinae."),
        ("cattle", "There is no mooing."),
        ("cattle", "I can't hear any livestock."),
        ("cattle", "There is no rain."),
        ("cattle", "There are no farm animals."),
        ("drum", "I can't hear a drum."),
        ("drum", "No musical instrument is played."),
        ("drum", "There is no percussion."),
        ("drum", "There is no music."),
        ("woman", "I can't hear a woman."),
        ("woman", "Nobody is speaking."),
        ("woman", "There is no speech."),
        ("woman", "I can't hear anyone talking."),
        ("woman", "There are no voices."),
        ("woman", "There is no person in this clip."),
        ("woman", "No human voice can be heard."),
        ("siren", "There is no siren."),
        ("siren", "I can't hear a police car."),
        ("siren", "There are no emergency vehicles."),
        ("siren", "No alarm is heard."),
        ("captioned", "There are no footsteps."),
        ("captioned", "I can't hear any gravel."),
        ("captioned", "There is no crunching."),
    ],
)
def test_what_is_heard_can_not_be_denied(name: str, reply: str) -> None:
    assert absence.judge(ROWS[name], reply, "stop") == "names_present_as_absent"


@pytest.mark.parametrize(
    ("name", "reply"),
    [
        ("dog", "There is no cat and no bird."),
        ("dog", "I can't hear any other animals, and no car."),
        ("dog", "Apart from the dog, there is no horse."),
        ("dog", "Cat, piano, rain"),
        ("dog", "1. Cat\n2. Piano"),
        ("dog", "A cat is not heard in this clip."),
        ("dog", "I can hear a dog, but no cat."),
        ("cattle", "There is no sheep and no pig."),
        ("cattle", "There is no wind in the background."),
        ("cattle", "I can't hear a loud engine."),
        ("drum", "There is no snare drum."),
        ("drum", "I can't hear a guitar or a piano."),
        ("drum", "There is no rain."),
        ("woman", "I can't hear a man."),
        ("woman", "There is no man speaking."),
        ("woman", "There is no male speech in it."),
        ("woman", "There is no dog barking."),
        ("siren", "I can't hear a truck or a train."),
        ("siren", "There is no church bell."),
        ("siren", "There is no music playing."),
        ("captioned", "There is no dog."),
        ("captioned", "I can't hear any loud music."),
        ("captioned", "There are no nearby birds."),
    ],
)
def test_what_is_not_heard_may_be_denied(name: str, reply: str) -> None:
    assert absence.judge(ROWS[name], reply, "stop") is None


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        ("I can hear a dog barking.", "mentions_no_absent"),
        ("I can't hear anything else.", "mentions_no_absent"),
        ("There are no other sounds.", "mentions_no_absent"),
        ("Nothing is missing here.", "mentions_no_absent"),
        ("There are no bagpipes.", "copies_example"),
        ("I can't hear a cat or a sneeze.", "copies_example"),
        ("There is no hail in it.", "copies_example"),
        ("I can hear a violin, but no cat.", "names_absent_as_present"),
        ("The tags mention no cat.", "echoes_evidence_markup"),
        ("No cat.", "too_short"),
        ("", "empty"),
    ],
)
def test_a_free_reply_is_judged_like_any_other(reply: str, reason: str) -> None:
    assert absence.judge(ROWS["dog"], reply, "stop") == reason


@given(st.text())
def test_any_free_reply_is_judged(reply: str) -> None:
    for row in ROWS.values():
        absence.judge(row, reply, "stop")


def test_the_share_of_free_rows_is_that_of_the_config() -> None:
    ctx = context(CLIPS, absence={"rows": 2, "free_form": 0.3})
    rows = absence.compose(CLIPS, ctx)
    assert Counter(row["split"] for row in rows) == {"train": 2 * N_TRAIN, "validation": 12}
    free = [row for row in rows if row["strategy"] == "free_form"]
    assert 0.2 < len(free) / len(rows) < 0.4
    assert {row["task"] for row in free} == {"absence"}
    assert all(row["template_id"].startswith("absence_free/") for row in free)
    assert len({row["prompt_id"] for row in rows}) == len(rows)


def test_free_rows_leave_the_others_as_they_were() -> None:
    drawn = absence.compose(CLIPS, context(CLIPS, absence={"rows": 2}))
    mixed = absence.compose(CLIPS, context(CLIPS, absence={"rows": 2, "free_form": 0.3}))
    kept = [row for row in mixed if row["strategy"] != "free_form"]
    ids = {row["prompt_id"]: row for row in drawn}
    assert kept
    assert all(ids[row["prompt_id"]] == row for row in kept)


def test_a_free_row_reads_what_is_heard_and_watches_for_what_is_not() -> None:
    ctx = context(CLIPS, absence={"free_form": 1})
    (row,) = absence.compose([single("cow")], ctx)
    assert row["evidence"] == "Heard: cow, farm animal, animal."
    assert row["expected"]["present"] == ["cow"]
    assert row["expected"]["absent"]
    assert not {"cow", "animal"} & set(row["expected"]["absent"])


@pytest.mark.parametrize(
    ("one", "evidence"),
    [
        (CAPTIONED, "Heard: Footsteps crunch loudly on gravel nearby."),
        (CATTLE, "Heard: A cow moos as rain falls in the background (cattle)."),
    ],
)
def test_a_free_row_reads_captions(one: Row, evidence: str) -> None:
    (row,) = absence.compose([one], context(CLIPS, absence={"free_form": 1}))
    assert row["evidence"] == evidence


def test_a_corpus_of_one_sound_has_free_rows_too() -> None:
    lone = [single("cow")]
    assert absence.compose(lone, context(lone)) == []
    assert len(absence.compose(lone, context(lone, absence={"free_form": 1}))) == 1
