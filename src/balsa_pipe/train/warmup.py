"""A cheap first phase without the LLM: audio tokens are drawn to the words of the clip's labels.

Ours, not the papers': a Q-Former that starts from noise spends most of a short run on finding the
LLM's word space at all. Here its tokens learn to lie near the LLM's own embeddings of the clip's
sound words and away from the words of sounds that are certainly not there (as the first stage of
BLIP-2 aligns its Q-Former before any LLM is run). It costs seconds, since no LLM runs.
"""

import math
import time
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from transformers import get_cosine_schedule_with_warmup

from balsa_pipe.config import Warmup
from balsa_pipe.errors import ConfigError
from balsa_pipe.hashing import ranked, seed, unit
from balsa_pipe.model.audio_llm import AudioLLM
from balsa_pipe.model.features import FeatureStore, batch_streams
from balsa_pipe.schemas import Row
from balsa_pipe.train.label_tokens import sound_embeddings

LOGIT_SCALE = 10.0
NEARNESS = 0.5


def warm_up(
    model: AudioLLM,
    clips: Sequence[Row],
    store: FeatureStore,
    config: Warmup,
    *,
    rng_seed: int,
    log: Callable[[dict[str, Any]], None],
) -> None:
    """Fit the adapter of a fresh model to the labels of the training clips, in place.

    A clip without labels says nothing about what is absent, so it is left out; ConfigError when
    none has any.
    """
    clips = [clip for clip in clips if clip["labels"]]
    if not clips:
        raise ConfigError(
            "train.warmup: no clip of the dataset has labels to learn from; set its steps to 0"
        )
    sounds = sorted({label for clip in clips for label in clip["labels"]})
    words = sound_embeddings(model, sounds)
    targets = torch.tensor([[sound in clip["labels"] for sound in sounds] for clip in clips])
    streams = [store.get(clip) for clip in clips]
    head = nn.Parameter(targets.float().mean(dim=0).clamp(0.01, 0.99).logit())  # how common each is
    optimizer = torch.optim.AdamW(
        [*model.adapter.parameters(), head], lr=config.learning_rate, weight_decay=0.05
    )
    schedule = get_cosine_schedule_with_warmup(optimizer, config.steps // 10, config.steps)
    torch.manual_seed(seed("warmup", rng_seed))
    model.adapter.train()
    start = time.monotonic()
    for step in range(1, config.steps + 1):
        picked = _batch(len(clips), config.batch_size, step, rng_seed)
        joined = _partners(picked, len(clips), config.joined, step, rng_seed)
        frames, masks = batch_streams([_in_sequence(streams, group) for group in joined])
        present = torch.stack([targets[group].any(dim=0) for group in joined])
        loss = alignment_loss(model.adapter(frames, masks), words, present.float(), head)
        loss.backward()
        nn.utils.clip_grad_norm_(model.adapter.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()  # here, so that the next phase doesn't begin with gradients of this one
        schedule.step()
        if step % 50 == 0 or step == config.steps:
            eta = (time.monotonic() - start) / step * (config.steps - step)
            log({"phase": "warmup", "step": step, "loss": loss.item(), "eta_s": round(eta)})


def alignment_loss(tokens: Tensor, words: Tensor, targets: Tensor, bias: Tensor) -> Tensor:
    """Return how badly tokens (B, Q, H) tell a clip's sounds (B, S), given their words (S, H).

    A sound's logit is a soft maximum over the tokens of their likeness to its word, so that several
    tokens can each name one sound of a mixture. A second term draws the nearest token to the very
    embedding of each sound that is there, which is what the LLM can read.
    """
    centred = nn.functional.normalize(words - words.mean(dim=0), dim=-1)
    near = nn.functional.normalize(tokens, dim=-1) @ centred.T  # (B, Q, S)
    logits = (near * LOGIT_SCALE).logsumexp(dim=1) - math.log(tokens.shape[1]) + bias
    classify = nn.functional.binary_cross_entropy_with_logits(logits, targets)
    distance = torch.cdist(tokens, words.expand(len(tokens), -1, -1)) / words.norm(dim=-1)
    missed = (distance.amin(dim=1) * targets).sum() / targets.sum().clamp(min=1)
    loss: Tensor = classify + NEARNESS * missed
    return loss


def _batch(n_clips: int, size: int, step: int, rng_seed: int) -> list[int]:
    """Return a batch of clip numbers, each turn through the clips in a new order."""
    first = (step - 1) * size
    order: dict[int, list[int]] = {}
    picked = []
    for position in range(first, first + size):
        turn, index = divmod(position, n_clips)
        if turn not in order:
            order[turn] = ranked(range(n_clips), "warmup", rng_seed, turn)
        picked.append(order[turn][index])
    return picked


def _partners(
    picked: Sequence[int], n_clips: int, share: float, step: int, rng_seed: int
) -> list[list[int]]:
    """Return each clip's number, for a share of them with another's before or behind it."""
    groups = []
    for position, index in enumerate(picked):
        salt = ("joined", rng_seed, step, position)
        group = [index]
        if unit(*salt) < share:
            group.insert(seed(*salt, "place") % 2, seed(*salt, "partner") % n_clips)
        groups.append(group)
    return groups


def _in_sequence(streams: Sequence[Sequence[Tensor]], group: Sequence[int]) -> list[Tensor]:
    """Return the frames of clips one after the other, stream by stream: a scene for free."""
    return [torch.cat(frames) for frames in zip(*(streams[i] for i in group), strict=True)]
