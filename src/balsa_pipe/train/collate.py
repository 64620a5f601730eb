"""Examples to left-padded tensors, with every clip's frames in the order of its slots."""

from collections.abc import Iterable, Sequence
from typing import Any

import torch

from balsa_pipe.model.audio_llm import AudioLLM
from balsa_pipe.model.features import FeatureStore, batch_streams
from balsa_pipe.model.prompt import IGNORE, Encoded, encode_example, pad_left
from balsa_pipe.schemas import Row
from balsa_pipe.train.examples import Example
from balsa_pipe.train.label_tokens import LabelTokens


class Collator:
    """Turns examples into what AudioLLM.forward takes; says which replies it has to cut."""

    def __init__(
        self,
        store: FeatureStore,
        model: AudioLLM,
        max_reply_tokens: int,
        verdict_weight: float = 1.0,
        text_weight: float = 1.0,
        max_text_tokens: int = 128,
    ) -> None:
        """Hold what every batch needs: where replies end, what a verdict and a token of text count."""
        self._verdict_weight, self._text_weight = verdict_weight, text_weight
        self._store = store
        self._tokenizer = model.tokenizer
        self._config = model.parts
        self._max_reply_tokens, self._max_text_tokens = max_reply_tokens, max_text_tokens
        self._label_tokens = LabelTokens(model)
        shape = (model.parts.adapter.queries, model.llm.config.hidden_size)
        self._nothing = torch.full(shape, torch.nan)

    def __call__(self, examples: Sequence[Example]) -> dict[str, Any]:
        """Return ids, attention_mask, labels (B, T) and frames, masks of all clips."""
        encoded = [self._encode(example) for example in examples]
        clips = [self._store.get(clip) for example in examples for clip in example.clips]
        frames, masks = batch_streams(clips) if clips else ([], [])
        lengths = [[1] * len(row.ids) for row in encoded]
        weights = [self._weights(one, row) for one, row in zip(examples, encoded, strict=True)]
        batch = {
            "ids": torch.tensor(pad_left([row.ids for row in encoded], 0)),
            "attention_mask": torch.tensor(pad_left(lengths, 0)),
            "labels": torch.tensor(pad_left([row.labels for row in encoded], IGNORE)),
            "frames": frames,
            "masks": masks,
            "weights": torch.tensor(pad_left(weights, 0)),
        }
        stand_ins = [self._stand_in(one, clip) for one in examples for clip in one.clips]
        if any(one is not self._nothing for one in stand_ins):
            batch["stand_ins"] = torch.stack(stand_ins)
        keeps = [not example.clips for example in examples]
        if any(keeps):
            batch["keeps"] = torch.tensor(keeps)
        return batch

    def replies_cut(self, examples: Iterable[Example]) -> dict[str, int]:
        """Return the reply tokens that are lost, by prompt_id, where any are.

        Text-only rows lose none: of them the LLM's distribution is learned, not the reply.
        """
        unique = {example.prompt_id: example for example in examples if example.clips}
        cut = {name: self._encode(example).cut_tokens for name, example in unique.items()}
        return {name: tokens for name, tokens in cut.items() if tokens}

    def _stand_in(self, example: Example, clip: Row) -> torch.Tensor:
        """Return label tokens, or NaN where the sound is heard."""
        drawn = None
        if example.label_salt:
            drawn = self._label_tokens.draw(clip, example.label_salt, clip["clip_id"])
        return self._nothing if drawn is None else drawn

    def _weights(self, example: Example, encoded: Encoded) -> list[float]:
        """Return what each token counts: the yes or no that opens a reply may count more."""
        weights = [1.0 if example.clips else self._text_weight] * len(encoded.ids)
        if example.has_verdict:
            first = next(i for i, label in enumerate(encoded.labels) if label != IGNORE)
            weights[first] = self._verdict_weight
        return weights

    def _encode(self, example: Example) -> Encoded:
        return encode_example(
            self._tokenizer,
            len(example.clips),
            example.question,
            example.reply,
            audio_tokens=self._config.adapter.queries,
            system=self._config.system if example.clips else None,  # as text is asked elsewhere
            max_reply_tokens=self._max_reply_tokens if example.clips else self._max_text_tokens,
        )
