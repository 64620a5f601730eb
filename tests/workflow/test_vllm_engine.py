"""The real vLLM with the demo's LLM: it streams, repeats itself, and takes sounds and adapters."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from balsa_pipe.chat import load_tokenizer, render_chat
from balsa_pipe.config import Sampling, SynthesizeConfig
from balsa_pipe.engines import Reply, Request, build_engine, identify
from balsa_pipe.engines.base import Engine
from balsa_pipe.schemas import Row
from balsa_pipe.synthesize import open_journal, synthesize_samples

MODEL = Path("data/assets/models/smollm2-135m-instruct")
CFG = SynthesizeConfig(
    max_num_seqs=8, max_model_len=256, dtype="float32", sampling=Sampling(max_tokens=24)
)
GREEDY = Sampling(temperature=0, max_tokens=8)
SOUNDS = ["a dog", "rain", "a violin", "church bells", "a train", "typing", "sheep", "wind"]

psutil: Any = pytest.importorskip("psutil")
pytestmark = [
    pytest.mark.vllm,
    pytest.mark.skipif(not MODEL.is_dir(), reason=f"{MODEL} isn't there: run `balsa fetch demo`"),
]


@pytest.fixture(scope="module")
def tokenizer() -> Any:
    return load_tokenizer(str(MODEL))


@pytest.fixture(scope="module")
def adapted(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A transformers model under a random LoRA, which is also saved; its path is in `.folder`."""
    torch = pytest.importorskip("torch")
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    base = AutoModelForCausalLM.from_pretrained(MODEL, dtype=torch.float32)
    lora = LoraConfig(r=4, lora_alpha=8, target_modules=["q_proj", "k_proj", "v_proj"])
    model = get_peft_model(base, lora)
    generator = torch.Generator().manual_seed(0)
    for name, weight in model.named_parameters():
        if "lora_" in name:
            weight.data.normal_(std=0.1, generator=generator)
    model.folder = tmp_path_factory.mktemp("lora")
    model.save_pretrained(model.folder)
    return model.eval()


@pytest.fixture(scope="module")
def engine(adapted: Any) -> Iterator[Engine]:
    engine = build_engine("vllm", str(MODEL), CFG, embeds=True, adapter=adapted.folder)
    yield engine
    engine.close()


def prompt_of(tokenizer: Any, sound: str) -> str:
    content = f"[Begin of audio] Sounds: {sound}. [End of audio] What can you hear?"
    return render_chat(tokenizer, [{"role": "user", "content": content}])


def rows(tokenizer: Any, n: int = 8) -> list[Request]:
    return [
        Request(str(i), CFG.sampling, prompt_of(tokenizer, sound), rng_seed=i)
        for i, sound in enumerate(SOUNDS[:n])
    ]


def drain(engine: Engine, requests: list[Request]) -> list[list[Reply]]:
    """Return the replies of each step that had some."""
    for request in requests:
        engine.submit(request)
    steps: list[list[Reply]] = []
    while sum(map(len, steps)) < len(requests):
        replies = engine.step()
        steps += [replies] if replies else []
    return steps


def ask(engine: Engine, *requests: Request) -> list[Reply]:
    """Return the replies in the order of the requests."""
    found = {reply.key: reply for step in drain(engine, list(requests)) for reply in step}
    return [found[request.key] for request in requests]


def greedy(model: Any, tokenizer: Any, prompt: str) -> str:
    """Return what transformers writes to a prompt."""
    import torch

    ids = torch.tensor([tokenizer.encode(prompt, add_special_tokens=False)])
    with torch.no_grad():
        out = model.generate(
            input_ids=ids,
            attention_mask=torch.ones_like(ids),
            do_sample=False,
            max_new_tokens=GREEDY.max_tokens,
        )
    text: str = tokenizer.decode(out[0, ids.shape[1] :], skip_special_tokens=True)
    return text


def test_it_runs_in_this_process_alone(engine: Engine) -> None:
    assert psutil.Process().children(recursive=True) == []
    assert engine.identity == identify("vllm", str(MODEL))
    assert engine.identity.engine.startswith("vllm ")
    assert engine.capacity == 16


def test_replies_come_as_they_finish(engine: Engine, tokenizer: Any) -> None:
    lengths = [2, 24, 4, 12]
    requests = [
        Request(str(n), Sampling(max_tokens=n), prompt_of(tokenizer, "rain"), rng_seed=n)
        for n in lengths
    ]
    steps = drain(engine, requests)
    assert len(steps) >= 3
    replies = [reply for step in steps for reply in step]
    assert sorted(reply.key for reply in replies) == sorted(map(str, lengths))
    assert all(0 < reply.n_tokens <= int(reply.key) for reply in replies)
    assert {reply.finish_reason for reply in replies} <= {"stop", "length"}
    assert steps[0][0].key == "2"


def test_more_requests_than_fit_wait_their_turn(engine: Engine, tokenizer: Any) -> None:
    requests = [
        Request(f"{n}", Sampling(max_tokens=3), prompt_of(tokenizer, "wind"), rng_seed=n)
        for n in range(30)
    ]
    assert len(ask(engine, *requests)) == 30


def test_a_row_repeats_alone_and_among_others(engine: Engine, tokenizer: Any) -> None:
    requests = rows(tokenizer)
    together = ask(engine, *requests)
    assert ask(engine, *requests[::-1])[::-1] == together
    for request, reply in list(zip(requests, together, strict=True))[:3]:
        assert ask(engine, request) == [reply]
    assert len({reply.text for reply in together}) == len(together)


def test_another_seed_is_another_reply(engine: Engine, tokenizer: Any) -> None:
    prompt = prompt_of(tokenizer, "a dog")
    requests = [Request(f"{n}", CFG.sampling, prompt, rng_seed=n) for n in range(4)]
    assert len({reply.text for reply in ask(engine, *requests)}) > 1


def test_a_forced_reply_matches_its_pattern(engine: Engine, tokenizer: Any) -> None:
    prompt = prompt_of(tokenizer, "a dog")
    pattern = r"No, [a-z ]{5,20}\."
    forced = Request("f", Sampling(max_tokens=40), prompt, rng_seed=1, reply_pattern=pattern)
    (reply,) = ask(engine, forced)
    assert reply.finish_reason == "stop"
    assert reply.text.startswith("No, ")
    assert reply.text.endswith(".")
    assert 10 <= len(reply.text) <= 25


def test_a_hopeless_request_fails_alone(engine: Engine, tokenizer: Any) -> None:
    prompt = prompt_of(tokenizer, "a dog")
    long = Request("long", CFG.sampling, prompt_of(tokenizer, "rain " * 300), rng_seed=1)
    bad = Request("bad", CFG.sampling, prompt, rng_seed=1, reply_pattern="(unclosed")
    good = Request("good", CFG.sampling, prompt, rng_seed=1)
    replies = ask(engine, long, bad, good)
    assert [reply.finish_reason for reply in replies[:2]] == ["prompt_too_long", "error"]
    assert replies[0].n_prompt_tokens > 300
    assert replies[2].text


def test_special_tokens_are_not_in_the_text(engine: Engine, tokenizer: Any) -> None:
    assert not any("<|" in reply.text for reply in ask(engine, *rows(tokenizer)))


def test_prompt_embeddings_and_lora_answer_as_transformers_does(
    engine: Engine, tokenizer: Any, adapted: Any
) -> None:
    import torch

    prompt = prompt_of(tokenizer, "church bells")
    ids = torch.tensor(tokenizer.encode(prompt, add_special_tokens=False))
    embeds = adapted.get_input_embeddings()(ids)  # (T, H), with a gradient
    texts = {
        reply.key: reply.text
        for reply in ask(
            engine,
            Request("base", GREEDY, prompt),
            Request("base embeds", GREEDY, embeds=embeds),
            Request("lora", GREEDY, prompt, adapted=True),
            Request("lora embeds", GREEDY, embeds=embeds, adapted=True),
            Request("other embeds", GREEDY, embeds=embeds.flip(0)),
        )
    }
    # All in one batch: vLLM has mixed up rows with and without a LoRA on the CPU.
    with adapted.disable_adapter():
        base = greedy(adapted, tokenizer, prompt)
    lora = greedy(adapted, tokenizer, prompt)
    assert base != lora
    assert texts["base"] == texts["base embeds"] == base
    assert texts["lora"] == texts["lora embeds"] == lora
    assert texts["other embeds"] not in (base, lora)
    # More than fit at once, so that some are read while others are being written.
    many = [
        Request(f"{n}", Sampling(temperature=0, max_tokens=2 + n % 5), embeds=embeds, adapted=True)
        for n in range(12)
    ]
    assert all(reply.text and lora.startswith(reply.text) for reply in ask(engine, *many))


def test_seed_prompts_become_samples(engine: Engine, tokenizer: Any, tmp_path: Path) -> None:
    seed_prompts: list[Row] = [
        {
            "prompt_id": sound,
            "task": "caption",
            "messages": [{"role": "user", "content": f"Describe {sound} in five words."}],
            "reply_pattern": None,
            "expected": {"present": [sound], "absent": [], "verdict": None},
            "clips": [],
        }
        for sound in SOUNDS[:3]
    ]

    class Kept:
        """The module's engine, which this run must not close."""

        identity, capacity = engine.identity, engine.capacity
        submit, step = staticmethod(engine.submit), staticmethod(engine.step)

        def close(self) -> None:
            pass

    def run() -> list[Row]:
        with open_journal(tmp_path / "j.jsonl") as journal:
            return synthesize_samples(
                seed_prompts,
                tokenizer=tokenizer,
                identity=engine.identity,
                make_engine=Kept,
                journal=journal,
                cfg=CFG,
                judge=lambda row, text, reason: "too_long" if reason == "length" else None,
                log=lambda line: None,
            )

    samples = run()
    assert [sample["prompt_id"] for sample in samples] == SOUNDS[:3]
    assert all(sample["response"] and sample["n_tokens"] > 0 for sample in samples)
    assert json.loads(samples[0]["sampling"])["dtype"] == "float32"
    assert run() == samples
