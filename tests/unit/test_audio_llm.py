"""The model: where sound goes, what the loss is of, what learns, what is saved and how it loads."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from tiny_model import ADAPTER, LORA, parts, row, shaken, store, tone, untrained
from torch import Tensor

from balsa_pipe.engines.identity import model_revision
from balsa_pipe.errors import ModelError
from balsa_pipe.model.audio_llm import AudioLLM, load_llm, load_model_config
from balsa_pipe.model.features import batch_streams
from balsa_pipe.model.prompt import AUDIO_SLOT, IGNORE, encode_prompt
from balsa_pipe.schemas import Row
from balsa_pipe.train.collate import Collator
from balsa_pipe.train.examples import to_example

QUESTION = "What can you hear?"


@pytest.fixture(scope="module")
def model(tiny: Path) -> AudioLLM:
    """Return a model that is as if trained; tests leave it as it is."""
    return shaken(untrained(tiny))


@pytest.fixture(scope="module")
def rows(tiny: Path) -> list[Row]:
    """Return rows with one clip, two, none and one, and replies of different lengths."""
    beep, hum = tone(tiny, "beep"), tone(tiny, "hum", 3)
    return [
        row("a", [beep], "A beep."),
        row("b", [hum, beep], "First a hum, then there is a beep.", question="Compare them."),
        row("c", [], "Yes."),
        row("d", [hum], "There is a hum, and nothing else at all."),
    ]


def batch(tiny: Path, model: AudioLLM, rows: list[Row]) -> dict[str, Any]:
    return Collator(store(tiny), model, 99)([to_example(one) for one in rows])


def loss(model: AudioLLM, tensors: dict[str, Any], **other: Any) -> Tensor:
    found: Tensor = model(**tensors, **other)["loss"]
    return found


@torch.no_grad()
def prompt(tiny: Path, model: AudioLLM, clips: list[Row]) -> Tensor:
    ids = encode_prompt(
        model.tokenizer, len(clips), QUESTION, audio_tokens=ADAPTER.queries, system=None
    )
    streams = batch_streams([store(tiny).get(clip) for clip in clips])
    return model.embed(torch.tensor([ids]), *streams)[0]


def reply(tiny: Path, model: AudioLLM, clips: list[Row]) -> str:
    return model.generate(prompt(tiny, model, clips), 12)[0]


# ---- where the sound goes --------------------------------------------------------------------


@torch.no_grad()
def test_sound_fills_the_slots_clip_by_clip_and_words_stay(
    tiny: Path, model: AudioLLM, rows: list[Row]
) -> None:
    tensors = batch(tiny, model, rows[:2])
    found = model.embed(tensors["ids"], tensors["frames"], tensors["masks"])
    spoken = model.adapter(tensors["frames"], tensors["masks"])  # beep; hum, beep
    slots = tensors["ids"] == AUDIO_SLOT
    assert slots.sum(dim=1).tolist() == [3, 6]
    torch.testing.assert_close(found[0][slots[0]], spoken[0])
    torch.testing.assert_close(found[1][slots[1]], spoken[1:].flatten(0, 1))
    words = model.llm.get_input_embeddings()(tensors["ids"].clamp(min=0))
    assert torch.equal(found[~slots], words[~slots])


@torch.no_grad()
def test_the_order_of_the_clips_counts(tiny: Path, model: AudioLLM, rows: list[Row]) -> None:
    swapped = rows[1] | {"clips": rows[1]["clips"][::-1]}
    one, other = (loss(model, batch(tiny, model, [each])) for each in (rows[1], swapped))
    assert one != other


@pytest.mark.parametrize(
    ("n_slots", "n_clips", "expected"),
    [
        (1, 2, r"3 audio slots for torch.Size\(\[2, 3\]\) audio tokens"),
        (2, 1, r"6 audio slots for torch.Size\(\[1, 3\]\) audio tokens"),
        (0, 1, r"0 audio slots for"),
        (1, 0, "the batch has audio slots but no clips"),
    ],
)
def test_another_number_of_clips_than_of_slots_is_refused(
    tiny: Path, model: AudioLLM, n_slots: int, n_clips: int, expected: str
) -> None:
    ids = torch.tensor([[5, *[AUDIO_SLOT] * (3 * n_slots), 6]])
    clips = [store(tiny).get(tone(tiny, "beep"))] * n_clips
    streams = batch_streams(clips) if clips else ((), ())
    with pytest.raises(ValueError, match=expected):
        model.embed(ids, *streams)


@torch.no_grad()
def test_another_adapter_may_speak(tiny: Path, model: AudioLLM) -> None:
    ids = torch.full((1, 3), AUDIO_SLOT)
    streams = batch_streams([store(tiny).get(tone(tiny, "beep"))])
    other = untrained(tiny).adapter.eval()
    found = model.embed(ids, *streams, adapter=other)
    torch.testing.assert_close(found, other(*streams))


@torch.no_grad()
def test_audio_tokens_start_as_loud_as_words(tiny: Path) -> None:
    model = untrained(tiny).eval()
    streams = batch_streams([store(tiny).get(tone(tiny, "beep"))])
    tokens = model.adapter(*streams)
    words = model.llm.get_input_embeddings().weight
    assert 0.3 < float(tokens.std() / words.std()) < 3


# ---- the loss --------------------------------------------------------------------------------


@torch.no_grad()
def loss_by_hand(model: AudioLLM, tensors: dict[str, Any]) -> tuple[float, int]:
    """Return the summed loss on the replies from the LLM's whole logits, row by row, unpadded.

    A row with sound is learned; one without is to be said as the LLM says it without LoRA.
    """
    embeds = model.embed(tensors["ids"], tensors["frames"], tensors["masks"])
    total, count = 0.0, 0
    rows = zip(embeds, tensors["ids"], tensors["attention_mask"], tensors["labels"], strict=True)
    for row_embeds, ids, mask, labels in rows:
        real = mask.bool()
        now = chances(model, row_embeds[real])
        with model.llm.disable_adapter():
            before = chances(model, row_embeds[real])
        for position, label in enumerate(labels[real].tolist()):
            if label == IGNORE:
                continue
            count += 1
            if (ids == AUDIO_SLOT).any():
                total -= float(now[position - 1, label])
            else:
                drift = before.exp() * (before - now)
                total += float(drift[position - 1].sum())
    return total, count


def chances(model: AudioLLM, embeds: Tensor) -> Tensor:
    logits: Tensor = model.llm(inputs_embeds=embeds.unsqueeze(0)).logits[0]
    return logits.float().log_softmax(dim=-1)


@pytest.mark.parametrize("chosen", [[0], [0, 1], [2], [0, 1, 2, 3]])
@torch.no_grad()
def test_the_loss_is_that_of_the_reply_tokens_alone(
    tiny: Path, model: AudioLLM, rows: list[Row], chosen: list[int]
) -> None:
    tensors = batch(tiny, model, [rows[index] for index in chosen])
    total, count = loss_by_hand(model, tensors)
    assert count == int((tensors["labels"] != IGNORE).sum())
    assert float(loss(model, tensors)) == pytest.approx(total / count, rel=1e-5)
    assert float(loss(model, tensors, num_items_in_batch=100)) == pytest.approx(
        total / 100, rel=1e-5
    )


@torch.no_grad()
def test_text_without_sound_costs_nothing_until_lora_moves_it(tiny: Path, rows: list[Row]) -> None:
    model = untrained(tiny)
    tensors = batch(tiny, model, [rows[2]])
    assert tensors["keeps"].tolist() == [True]
    assert float(loss(model, tensors)) == pytest.approx(0, abs=1e-6)
    assert float(loss(shaken(model), tensors)) > 1e-3
    del tensors["keeps"]
    assert float(loss(untrained(tiny), tensors)) > 1  # as a reply to learn, it costs a lot


@torch.no_grad()
def test_labels_count_by_their_weights(tiny: Path, model: AudioLLM, rows: list[Row]) -> None:
    tensors = batch(tiny, model, rows)
    none = torch.zeros_like(tensors["weights"])
    alone = []
    for index in range(len(rows)):
        weights = none.clone()
        weights[index] = 1.0
        alone.append(float(loss(model, tensors | {"weights": weights})))
    assert sum(alone) == pytest.approx(float(loss(model, tensors)), rel=1e-5)
    doubled = tensors["weights"].clone()
    doubled[1] *= 2
    wanted = sum(alone) + alone[1]
    assert float(loss(model, tensors | {"weights": doubled})) == pytest.approx(wanted, rel=1e-5)
    del tensors["weights"]
    assert float(loss(model, tensors)) == pytest.approx(sum(alone), rel=1e-5)


def test_a_question_is_read_and_not_learned(tiny: Path, model: AudioLLM, rows: list[Row]) -> None:
    tensors = batch(tiny, model, rows)
    for ids, labels, row_ in zip(tensors["ids"], tensors["labels"], rows, strict=True):
        target = labels[labels != IGNORE]
        assert model.tokenizer.decode(target) == row_["response"] + "<|im_end|>"
        assert torch.equal(ids[-len(target) :], target)


def gradients(model: AudioLLM) -> dict[str, Tensor]:
    return {
        name: weight.grad.clone()
        for name, weight in model.named_parameters()
        if weight.grad is not None
    }


def test_four_rows_are_two_times_two(tiny: Path, rows: list[Row]) -> None:
    model = shaken(untrained(tiny))
    whole = batch(tiny, model, rows)
    count = (whole["labels"] != IGNORE).sum()
    one = loss(model, whole, num_items_in_batch=count)
    one.backward()
    at_once = gradients(model)
    model.zero_grad()
    halves = [
        loss(model, batch(tiny, model, half), num_items_in_batch=count)
        for half in (rows[:2], rows[2:])
    ]
    for half in halves:
        half.backward()
    torch.testing.assert_close(sum(halves), one)
    for name, gradient in gradients(model).items():
        torch.testing.assert_close(gradient, at_once[name], atol=1e-5, rtol=1e-4)


# ---- what learns -----------------------------------------------------------------------------


def test_only_the_adapter_and_the_lora_learn(tiny: Path, rows: list[Row]) -> None:
    model = shaken(untrained(tiny)).train()
    before = {name: weight.clone() for name, weight in model.named_parameters()}
    optimizer = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=0.01)
    for _ in range(3):
        optimizer.zero_grad()
        loss(model, batch(tiny, model, rows)).backward()
        optimizer.step()
    moved = {name for name, w in model.named_parameters() if not torch.equal(w, before[name])}
    learns = {name for name in before if name.startswith("adapter.") or "lora_" in name}
    assert moved == gradients(model).keys() == learns == model.state_dict().keys()
    for name, weight in load_llm(str(tiny / "llm"), torch.float32).named_parameters():
        inside = name.replace("_proj.weight", "_proj.base_layer.weight")
        kept = dict(model.llm.base_model.model.named_parameters())
        assert torch.equal(weight, kept[inside] if inside in kept else kept[name])


def test_without_lora_the_adapter_learns_alone(tiny: Path, tmp_path: Path) -> None:
    model = untrained(tiny, has_lora=False)
    assert {name.split(".")[0] for name in model.state_dict()} == {"adapter"}
    shaken(model).save(tmp_path / "model")
    assert not (tmp_path / "model" / "lora").exists()
    clip = tone(tiny, "hum")
    again = AudioLLM.load(tmp_path / "model", torch.float32)
    assert reply(tiny, again, [clip]) == reply(tiny, model, [clip])


# ---- replies ---------------------------------------------------------------------------------


@torch.no_grad()
def greedy(llm: Any, embeds: Tensor, n: int, stop: int) -> list[int]:
    """Return the likeliest tokens one by one, each time from the start."""
    ids: list[int] = []
    for _ in range(n):
        ids.append(int(llm(inputs_embeds=embeds.unsqueeze(0)).logits[0, -1].argmax()))
        if ids[-1] == stop:
            break
        embeds = torch.cat([embeds, llm.get_input_embeddings()(torch.tensor(ids[-1:]))])
    return ids


@pytest.mark.parametrize("adapted", [True, False])
def test_a_reply_is_the_likeliest_whatever_the_llms_own_habits(
    tiny: Path, tmp_path: Path, adapted: bool
) -> None:
    folder = tmp_path / "llm"
    shutil.copytree(tiny / "llm", folder)
    habits = {"repetition_penalty": 9.0, "do_sample": True, "temperature": 2.0, "max_length": 5}
    (folder / "generation_config.json").write_text(json.dumps(habits))
    model = shaken(untrained(tiny, llm=str(folder)))
    llm = model.llm if adapted else load_llm(str(folder), torch.float32)
    with torch.no_grad():
        embeds = model.embed(torch.tensor([[7, 8, 9, 9, 9]]), (), ())[0]
    wanted = greedy(llm, embeds, 12, model.tokenizer.eos_token_id)
    text, n_tokens = model.generate(embeds, 12, adapted=adapted)
    assert n_tokens == len(wanted)
    assert text == model.tokenizer.decode(wanted, skip_special_tokens=True).strip()


def test_the_base_llm_comes_back_after_a_reply_without_lora(tiny: Path, model: AudioLLM) -> None:
    with torch.no_grad():
        embeds = model.embed(torch.tensor([[7, 8, 9]]), (), ())[0]
    first = model.generate(embeds, 8)
    assert model.generate(embeds, 8, adapted=False) != first
    assert model.generate(embeds, 8) == first


# ---- saved and loaded ------------------------------------------------------------------------


@pytest.fixture
def saved(model: AudioLLM, tmp_path: Path) -> Path:
    model.save(tmp_path / "model")
    return tmp_path / "model"


def test_a_saved_model_says_the_same(tiny: Path, model: AudioLLM, saved: Path) -> None:
    again = AudioLLM.load(saved, torch.float32)
    assert not again.training
    beep, hum = tone(tiny, "beep"), tone(tiny, "hum", 2)
    assert not torch.equal(prompt(tiny, model, [beep]), prompt(tiny, model, [hum]))
    for clips in ([beep], [hum, beep]):
        assert torch.equal(prompt(tiny, again, clips), prompt(tiny, model, clips))
        assert reply(tiny, again, clips) == reply(tiny, model, clips)
    for name, weight in model.state_dict().items():
        assert torch.equal(again.get_parameter(name), weight)
    assert again.parts == model.parts == load_model_config(saved)


def test_a_saved_model_is_plain_files(saved: Path, tiny: Path) -> None:
    names = {str(path.relative_to(saved)) for path in saved.rglob("*") if path.is_file()}
    assert names == {
        "config.json",
        "adapter.safetensors",
        "lora/adapter_config.json",
        "lora/adapter_model.safetensors",
        "lora/README.md",
    }
    assert load_file(saved / "adapter.safetensors")["queries"].shape == (2, 3, 16)
    assert not any("base_layer" in name for name in load_file(saved / "lora" / LORA_FILE))


LORA_FILE = "adapter_model.safetensors"


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-50])


def reshape(path: Path) -> None:
    smaller = {name: tensor[..., :1].clone() for name, tensor in load_file(path).items()}
    save_file(smaller, path)


def drop_one(path: Path) -> None:
    save_file(dict(list(load_file(path).items())[1:]), path)


def rename_one(path: Path) -> None:
    first, *rest = load_file(path).items()
    save_file({"another": first[1], **dict(rest)}, path)


@pytest.mark.parametrize("damage", [Path.unlink, cut, reshape, drop_one, rename_one])
@pytest.mark.parametrize(
    ("name", "where", "what"),
    [
        ("adapter.safetensors", "adapter.safetensors", "the model"),
        (f"lora/{LORA_FILE}", "lora", "the llm"),
    ],
)
def test_weights_that_are_missing_torn_or_of_another_model(
    saved: Path, damage: Callable[[Path], None], name: str, where: str, what: str
) -> None:
    damage(saved / name)
    with pytest.raises(ModelError) as caught:
        AudioLLM.load(saved, torch.float32)
    text = str(caught.value)
    assert text.startswith(f"{saved / where}: does not fit {what} (")
    assert text.endswith("); train again")
    assert "\n" not in text
    assert len(text) < 500


@pytest.mark.parametrize(
    "content",
    [None, "{", "[]", '{"peft_type": "NEW"}', '{"peft_type": "LORA", "target_modules": ["none"]}'],
)
def test_a_lora_config_that_is_missing_or_no_lora(saved: Path, content: str | None) -> None:
    path = saved / "lora" / "adapter_config.json"
    path.unlink() if content is None else path.write_text(content)
    with pytest.raises(ModelError, match=r"lora: does not fit the llm \(.*\); train again"):
        AudioLLM.load(saved, torch.float32)


def test_a_pickled_lora_is_not_opened(saved: Path) -> None:
    weights = load_file(saved / "lora" / LORA_FILE)
    (saved / "lora" / LORA_FILE).unlink()
    torch.save(weights, saved / "lora" / "adapter_model.bin")
    with pytest.raises(ModelError, match=r"no adapter_model.safetensors"):
        AudioLLM.load(saved, torch.float32)


def test_a_folder_that_is_no_model(tmp_path: Path) -> None:
    with pytest.raises(ModelError) as caught:
        AudioLLM.load(tmp_path)
    assert str(caught.value) == (
        f"{tmp_path}: not a balsa_pipe model (no config.json); train one first"
    )


@pytest.mark.parametrize(
    ("content", "expected"),
    [("{", "Invalid JSON"), ("{}", "Field required"), ('{"colour": 1}', "Field required")],
)
def test_a_model_config_of_another_version(saved: Path, content: str, expected: str) -> None:
    (saved / "config.json").write_text(content)
    with pytest.raises(ModelError, match=f"config.json: not of this version: {expected}"):
        AudioLLM.load(saved)


def test_a_model_on_another_llm_is_refused(tiny: Path, tmp_path: Path) -> None:
    folder = tmp_path / "llm"
    shutil.copytree(tiny / "llm", folder)
    trained_on = model_revision(str(folder))
    untrained(tiny, llm=str(folder)).save(tmp_path / "model")
    (folder / "generation_config.json").write_text("{}")
    with pytest.raises(ModelError) as caught:
        AudioLLM.load(tmp_path / "model")
    assert str(caught.value) == (
        f"{tmp_path / 'model'}: was trained on {folder} of revision {trained_on}, but what is "
        f"there now is {model_revision(str(folder))}; bring that one back, or train again"
    )
    shutil.rmtree(folder)
    with pytest.raises(ModelError, match=f"llm: {folder}: no model there"):
        AudioLLM.load(tmp_path / "model")


@pytest.mark.parametrize(
    "damage",
    [
        lambda folder: cut(folder / "model.safetensors"),
        lambda folder: (folder / "config.json").write_text("{"),
        lambda folder: (folder / "model.safetensors").rename(folder / "pytorch_model.bin"),
    ],
)
def test_an_llm_that_cannot_be_loaded(tiny: Path, tmp_path: Path, damage: Any) -> None:
    folder = tmp_path / "llm"
    shutil.copytree(tiny / "llm", folder)
    damage(folder)
    with pytest.raises(ModelError) as caught:
        load_llm(str(folder), torch.float32)
    text = str(caught.value)
    assert text.startswith(f"llm {folder}: can't be loaded (")
    assert text.endswith("); run `balsa doctor`")
    assert "\n" not in text


def test_a_model_is_built_in_the_number_format_asked_for(tiny: Path) -> None:
    model = AudioLLM.build(parts(tiny), LORA, torch.bfloat16)
    formats = {name.split(".")[0]: w.dtype for name, w in model.named_parameters()}
    assert formats["adapter"] == torch.float32
    assert model.llm.get_input_embeddings().weight.dtype == torch.bfloat16
    assert {w.dtype for n, w in model.named_parameters() if "lora_" in n} == {torch.float32}
