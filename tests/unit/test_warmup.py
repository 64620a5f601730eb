"""The warm-up draws audio tokens to the words of the labels, and leaves the LLM alone."""

from pathlib import Path
from typing import Any

import pytest
import torch
from tiny_model import store, tone, untrained

from balsa_pipe.config import Warmup
from balsa_pipe.errors import ConfigError
from balsa_pipe.train.warmup import _partners, alignment_loss, warm_up

SOUNDS = ("beep", "hum", "siren", "whistle", "buzz")


def run(tiny: Path, model: Any, steps: int, **changes: Any) -> list[dict[str, Any]]:
    told: list[dict[str, Any]] = []
    clips = changes.pop("clips", [tone(tiny, sound) for sound in SOUNDS])
    warm_up(
        model,
        clips,
        store(tiny),
        Warmup(steps=steps, batch_size=5, learning_rate=5e-3, joined=changes.get("joined", 0)),
        rng_seed=changes.get("rng_seed", 0),
        log=told.append,
    )
    return told


def test_its_loss_falls_and_the_llm_is_untouched(tiny: Path) -> None:
    model = untrained(tiny)
    others = {n: w.clone() for n, w in model.named_parameters() if not n.startswith("adapter.")}
    before = run(tiny, untrained(tiny), steps=1)[0]["loss"]
    told = run(tiny, model, steps=60)
    assert [(record["phase"], record["step"]) for record in told] == [
        ("warmup", 50),
        ("warmup", 60),
    ]
    assert told[-1]["loss"] < 0.7 * before
    assert told[-1]["eta_s"] == 0
    for name, weight in others.items():
        assert torch.equal(model.get_parameter(name), weight), name
        assert model.get_parameter(name).grad is None


def test_it_depends_on_its_seed_alone(tiny: Path) -> None:
    models = [untrained(tiny) for _ in range(3)]
    for model, rng_seed in zip(models, (0, 0, 1), strict=True):
        torch.rand(3)
        run(tiny, model, steps=4, rng_seed=rng_seed)
    first, again, other = (model.adapter.output.weight for model in models)
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_joined_clips_are_learned_too(tiny: Path) -> None:
    models = [untrained(tiny), untrained(tiny)]
    for model, joined in zip(models, (0, 1), strict=True):
        told = run(tiny, model, steps=60, joined=joined)
        assert (
            told[-1]["loss"] < 0.8 * run(tiny, untrained(tiny), steps=1, joined=joined)[0]["loss"]
        )
    assert not torch.equal(models[0].adapter.output.weight, models[1].adapter.output.weight)


@pytest.mark.parametrize(("share", "low", "high"), [(0, 0, 0), (0.5, 80, 120), (1, 200, 200)])
def test_partners_join_a_share_of_the_clips(share: float, low: int, high: int) -> None:
    picked = [i % 7 for i in range(200)]
    groups = _partners(picked, 7, share, step=1, rng_seed=0)
    assert low <= sum(len(group) == 2 for group in groups) <= high
    assert all(index in group for index, group in zip(picked, groups, strict=True))
    assert groups == _partners(picked, 7, share, step=1, rng_seed=0)
    pairs = [(i, g) for i, g in zip(picked, groups, strict=True) if len(g) == 2]
    if pairs:
        assert 0.3 < sum(group[0] == index for index, group in pairs) / len(pairs) < 0.8


def test_clips_without_labels_are_left_out(tiny: Path) -> None:
    clips = [tone(tiny, "beep"), tone(tiny, "hum")]
    unlabelled = tone(tiny, "buzz", labels=[])
    models = [untrained(tiny), untrained(tiny)]
    run(tiny, models[0], steps=3, clips=clips)
    run(tiny, models[1], steps=3, clips=[*clips, unlabelled])
    assert torch.equal(models[0].adapter.output.weight, models[1].adapter.output.weight)
    with pytest.raises(ConfigError) as caught:
        run(tiny, models[0], steps=3, clips=[unlabelled])
    assert str(caught.value) == (
        "train.warmup: no clip of the dataset has labels to learn from; set its steps to 0"
    )


def test_tokens_that_are_the_words_of_what_sounds_lose_least() -> None:
    words = torch.eye(4)
    targets, bias = torch.tensor([[1.0, 1.0, 0.0, 0.0]]), torch.zeros(4)
    losses = [
        float(alignment_loss(words[chosen].unsqueeze(0), words, targets, bias))
        for chosen in ([0, 1], [0, 0], [2, 3])
    ]
    assert losses == sorted(losses)
    assert losses[0] < losses[1] < losses[2]


def test_a_clip_without_sounds_has_a_finite_loss() -> None:
    tokens = torch.randn(1, 2, 4, generator=torch.Generator().manual_seed(0))
    loss = alignment_loss(tokens, torch.eye(4), torch.zeros(1, 4), torch.zeros(4))
    assert torch.isfinite(loss)
