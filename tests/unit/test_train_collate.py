"""Examples as tensors: padded on the left, clips in the order of their slots, cuts named."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from tiny_model import row, store, tone, untrained

from balsa_pipe.model.audio_llm import AudioLLM
from balsa_pipe.model.prompt import AUDIO_SLOT, IGNORE, encode_example
from balsa_pipe.train.collate import Collator
from balsa_pipe.train.examples import Example, to_example

_ALWAYS = {"ids", "attention_mask", "labels", "frames", "masks", "weights"}


@pytest.fixture(scope="module")
def model(tiny: Path) -> AudioLLM:
    return untrained(tiny, system="Listen.")


@pytest.fixture(scope="module")
def examples(tiny: Path) -> list[Example]:
    beep, hum, buzz = tone(tiny, "beep", 5), tone(tiny, "hum"), tone(tiny, "buzz", 2)
    rows = [
        row("one", [beep], "A beep."),
        row("two", [hum, buzz], "A hum and a buzz, one after the other.", question="And?"),
        row("none", [], "Yes."),
    ]
    return [to_example(one) for one in rows]


def test_a_batch_holds_each_example_at_its_right_end(
    tiny: Path, model: AudioLLM, examples: list[Example]
) -> None:
    batch = Collator(store(tiny), model, 50)(examples)
    assert batch.keys() == _ALWAYS | {"keeps"}
    assert batch["keeps"].tolist() == [False, False, True]
    assert batch["ids"].shape == batch["labels"].shape == batch["attention_mask"].shape
    assert batch["ids"].dtype == batch["labels"].dtype == torch.int64
    for example, ids, labels, mask in zip(
        examples, batch["ids"], batch["labels"], batch["attention_mask"], strict=True
    ):
        alone = encode_example(
            model.tokenizer,
            len(example.clips),
            example.question,
            example.reply,
            audio_tokens=3,
            system="Listen." if example.clips else None,
            max_reply_tokens=50,
        )
        padding = len(ids) - len(alone.ids)
        assert ids.tolist() == [0] * padding + alone.ids
        assert labels.tolist() == [IGNORE] * padding + alone.labels
        assert mask.tolist() == [0] * padding + [1] * len(alone.ids)
    assert (batch["ids"] == AUDIO_SLOT).sum(dim=1).tolist() == [3, 6, 0]


def test_clips_come_in_the_order_of_the_slots_with_masks_of_their_length(
    tiny: Path, model: AudioLLM, examples: list[Example]
) -> None:
    batch = Collator(store(tiny), model, 50)(examples)
    clips = [clip for example in examples for clip in example.clips]
    for index, clip in enumerate(clips):
        for stream, frames, masks in zip(
            store(tiny).get(clip), batch["frames"], batch["masks"], strict=True
        ):
            assert torch.equal(frames[index][masks[index]], stream)
            assert int(masks[index].sum()) == len(stream)


def test_a_batch_without_sound_has_no_frames(
    tiny: Path, model: AudioLLM, examples: list[Example]
) -> None:
    batch = Collator(store(tiny), model, 50)(examples[2:])
    assert batch["frames"] == batch["masks"] == []
    assert torch.isfinite(model(**batch)["loss"])
    assert float(model(**batch | {"keeps": None})["loss"].detach()) > 0  # as a reply to learn


def test_a_batch_with_sound_in_each_row_keeps_none(
    tiny: Path, model: AudioLLM, examples: list[Example]
) -> None:
    assert Collator(store(tiny), model, 50)(examples[:2]).keys() == _ALWAYS


def test_the_verdict_of_a_closed_question_counts_more(
    tiny: Path, model: AudioLLM, examples: list[Example]
) -> None:
    closed = replace(examples[0], reply="Yes, it beeps.", has_verdict=True)
    batch = Collator(store(tiny), model, 50, 4.0)([*examples, closed])
    wanted = batch["attention_mask"].float()
    first = int((batch["labels"][3] != IGNORE).int().argmax())
    assert model.tokenizer.decode(batch["labels"][3][first]) == "Yes"
    wanted[3, first] = 4.0
    assert torch.equal(batch["weights"], wanted)
    plain = model(**batch | {"weights": None})["loss"]
    assert model(**batch)["loss"] > plain  # the loss of each token of a reply to sound is positive


def test_text_without_sound_has_a_weight_of_its_own(
    tiny: Path, model: AudioLLM, examples: list[Example]
) -> None:
    batch = Collator(store(tiny), model, 50, text_weight=3.0)(examples)
    wanted = batch["attention_mask"].float()
    wanted[2] *= 3
    assert torch.equal(batch["weights"], wanted)


def test_label_tokens_stand_in_for_the_sound_of_their_examples_alone(
    tiny: Path, model: AudioLLM, examples: list[Example]
) -> None:
    collate = Collator(store(tiny), model, 50)
    reading = [examples[0], replace(examples[1], label_salt="s"), replace(examples[2])]
    stand_ins = collate(reading)["stand_ins"]
    assert stand_ins.isnan().all(dim=(1, 2)).tolist() == [True, False, False]
    assert not torch.equal(stand_ins[1], stand_ins[2])  # each clip's own labels
    assert "stand_ins" not in collate([replace(examples[2], label_salt="s")])  # nothing to hear


def test_a_row_without_sound_is_asked_as_text_is_asked_elsewhere(
    tiny: Path, model: AudioLLM, examples: list[Example]
) -> None:
    batch = Collator(store(tiny), model, 50)(examples)
    heard, _, text = (model.tokenizer.decode(ids.clamp(min=0)) for ids in batch["ids"])
    assert "Listen." in heard
    assert "Listen." not in text


def test_cut_replies_are_named_with_what_they_lost(
    tiny: Path, model: AudioLLM, examples: list[Example]
) -> None:
    full = [len(model.tokenizer(one.reply)["input_ids"]) + 1 for one in examples]
    longest = max(full) - 4
    collate = Collator(store(tiny), model, longest)
    cut = {"one": full[0] - longest, "two": 4}
    assert collate.replies_cut(examples * 3) == {name: n for name, n in cut.items() if n > 0}
    assert Collator(store(tiny), model, max(full)).replies_cut(examples) == {}
    assert int((collate(examples)["labels"] != IGNORE).sum(dim=1).max()) == longest


def test_text_without_sound_has_a_length_of_its_own_and_loses_nothing_by_it(
    tiny: Path, model: AudioLLM, examples: list[Example]
) -> None:
    collate = Collator(store(tiny), model, 50, max_text_tokens=2)
    replies = (collate(examples)["labels"] != IGNORE).sum(dim=1)
    whole = (Collator(store(tiny), model, 50)(examples)["labels"] != IGNORE).sum(dim=1)
    assert replies.tolist() == [*whole.tolist()[:2], 2]
    assert whole[2] > 2
    assert collate.replies_cut(examples) == {}
