"""Label tokens: the words of a clip's labels as embeddings, which can stand in for its sound.

Ours, not the papers': a small LLM that never compared a question with a list of sounds does not
begin to in a few hundred steps on noisy audio tokens. On its own embeddings of the labels it does
in a few dozen, and it goes on doing so on audio tokens, which the warm-up has drawn to the same
words. (Text in the place of sound is how zero-shot audio captioning is trained, for example
WSAC, Kouzelis and Katsouros 2023.)
"""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from balsa_pipe.hashing import ranked, seed
from balsa_pipe.model.audio_llm import AudioLLM
from balsa_pipe.model.prompt import text_tokens
from balsa_pipe.schemas import Row

NOISE = 0.65
"""In standard deviations of the embeddings: a little farther than the audio tokens of clips never
heard fall from their words. With less, the LLM takes such clips' tokens for too far, and says no."""

BLENDED = 0.5
"""This share of the tokens is a mixture of two labels, as one audio token of a mixture is."""


class LabelTokens:
    """Draws the tokens that a perfect adapter might give for a clip."""

    def __init__(self, model: AudioLLM) -> None:
        """Hold the model, whose word embeddings are used."""
        self._model = model
        self._known: dict[str, Tensor] = {}

    def draw(self, clip: Row, *salt: Any) -> Tensor | None:
        """Return (queries, H): every label in turn, in a drawn order; None without labels."""
        if not clip["labels"]:
            return None
        words = torch.stack([self._word(label) for label in ranked(clip["labels"], *salt)])
        generator = torch.Generator().manual_seed(seed("label tokens", *salt))
        count = self._model.parts.adapter.queries
        first = words[torch.arange(count) % len(words)]
        other = words[torch.randint(len(words), (count,), generator=generator)]
        share, blended = torch.rand(2, count, 1, generator=generator)
        share = share * (blended < BLENDED)
        noise = torch.randn(first.shape, generator=generator) * words.std() * NOISE
        return torch.lerp(first, other, share) + noise

    def _word(self, label: str) -> Tensor:
        if label not in self._known:
            self._known[label] = sound_embeddings(self._model, [label])[0].cpu()
        return self._known[label]


@torch.no_grad()
def sound_embeddings(model: AudioLLM, sounds: Sequence[str]) -> Tensor:
    """Return (S, H): the mean of the LLM's input embeddings of each sound's words."""
    table = model.llm.get_input_embeddings()
    rows = [
        torch.tensor(text_tokens(model.tokenizer, " " + sound), device=table.weight.device)
        for sound in sounds
    ]
    return torch.stack([table(row).float().mean(dim=0) for row in rows])
