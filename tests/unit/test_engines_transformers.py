"""The transformers engine says what the model says, with its LoRA or without."""

from pathlib import Path
from typing import Any

import pytest
import torch
from tiny_model import shaken, untrained

from balsa_pipe.chat import render_chat
from balsa_pipe.config import Sampling
from balsa_pipe.engines.base import EngineIdentity, Reply, Request
from balsa_pipe.engines.stream import stream
from balsa_pipe.engines.transformers import TransformersEngine
from balsa_pipe.model.audio_llm import AudioLLM, load_llm

GREEDY = Sampling(temperature=0.0, min_p=0.0, max_tokens=6)
IDENTITY = EngineIdentity("transformers 5", "tiny", "0")


@pytest.fixture(scope="module")
def model(tiny: Path) -> AudioLLM:
    return shaken(untrained(tiny))


@pytest.fixture
def engine(model: AudioLLM) -> TransformersEngine:
    return TransformersEngine(model, IDENTITY)


def ask(engine: TransformersEngine, **facts: Any) -> Reply:
    wanted: dict[str, Any] = {"key": "k", "sampling": GREEDY} | facts
    request = Request(**wanted)
    (reply,) = stream(engine, [request])
    return reply


@pytest.fixture(scope="module")
def chat(model: AudioLLM) -> str:
    return render_chat(model.tokenizer, [{"role": "user", "content": "Is there a beep?"}])


def test_without_its_lora_it_is_the_base_llm(
    tiny: Path, engine: TransformersEngine, model: AudioLLM, chat: str
) -> None:
    base = load_llm(str(tiny / "llm"), torch.float32)
    ids = model.tokenizer(chat, return_tensors="pt")["input_ids"]
    out = base.generate(ids, max_new_tokens=6, do_sample=False, eos_token_id=2, pad_token_id=2)
    wanted = model.tokenizer.decode(out[0, ids.shape[1] :], skip_special_tokens=True).strip()
    reply = ask(engine, prompt=chat)
    assert reply.text == wanted
    assert reply.n_prompt_tokens == ids.shape[1]
    assert ask(engine, prompt=chat, adapted=True).text != wanted
    assert ask(engine, prompt=chat).text == wanted


@pytest.mark.parametrize("adapted", [True, False])
def test_a_prompt_and_its_embeddings_are_answered_alike(
    engine: TransformersEngine, model: AudioLLM, chat: str, adapted: bool
) -> None:
    ids = model.tokenizer(chat, return_tensors="pt")["input_ids"]
    with torch.no_grad():
        embeds = model.embed(ids, (), ())[0]
    by_text = ask(engine, prompt=chat, adapted=adapted)
    assert ask(engine, embeds=embeds, adapted=adapted) == by_text


def test_a_reply_says_how_it_ended(engine: TransformersEngine, model: AudioLLM, chat: str) -> None:
    longest = Sampling(temperature=0.0, max_tokens=50)
    whole = ask(engine, prompt=chat, sampling=longest)
    assert whole.finish_reason == "stop"
    assert whole.n_tokens < 50
    short = ask(engine, prompt=chat, sampling=Sampling(temperature=0.0, max_tokens=2))
    assert (short.finish_reason, short.n_tokens) == ("length", 2)
    assert whole.text.startswith(short.text)


def test_replies_come_for_each_request_one_a_step(engine: TransformersEngine, chat: str) -> None:
    assert engine.step() == []
    for key in "abc":
        engine.submit(Request(key, GREEDY, prompt=chat))
    assert [reply.key for _ in range(3) for reply in engine.step()] == ["a", "b", "c"]
    assert engine.step() == []
    assert engine.identity == IDENTITY
    engine.close()


def test_more_requests_than_it_holds_are_all_answered(
    engine: TransformersEngine, chat: str
) -> None:
    brief = Sampling(temperature=0.0, max_tokens=1)
    requests = (Request(str(n), brief, prompt=chat) for n in range(12))
    assert sorted(int(reply.key) for reply in stream(engine, requests)) == list(range(12))


@pytest.mark.parametrize(
    "facts", [{"sampling": Sampling(temperature=0.5)}, {"reply_pattern": "Yes|No"}]
)
def test_it_draws_nothing_and_knows_no_patterns(
    engine: TransformersEngine, chat: str, facts: dict[str, Any]
) -> None:
    with pytest.raises(ValueError, match="greedy and knows no reply patterns"):
        ask(engine, prompt=chat, **facts)


def test_a_model_without_lora_answers_too(tiny: Path, chat: str) -> None:
    engine = TransformersEngine(untrained(tiny, has_lora=False).eval(), IDENTITY)
    assert ask(engine, prompt=chat, adapted=True) == ask(engine, prompt=chat)
