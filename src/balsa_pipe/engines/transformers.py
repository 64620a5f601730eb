"""The trained model through transformers: one reply at a time, greedy; for machines without vLLM."""

from collections import deque

from balsa_pipe.engines.base import EngineIdentity, Reply, Request
from balsa_pipe.model.audio_llm import AudioLLM
from balsa_pipe.model.prompt import plain_ids


class TransformersEngine:
    """Answers prompts and prompt embeddings with a loaded AudioLLM, its LoRA on or off."""

    capacity = 8

    def __init__(self, model: AudioLLM, identity: EngineIdentity) -> None:
        """Take a loaded model."""
        self.identity = identity
        self._model = model
        self._waiting: deque[Request] = deque()

    def submit(self, request: Request) -> None:
        """Queue a request."""
        if request.sampling.temperature > 0 or request.reply_pattern:
            raise ValueError("the transformers engine is greedy and knows no reply patterns")
        self._waiting.append(request)

    def step(self) -> list[Reply]:
        """Answer the oldest request."""
        if not self._waiting:
            return []
        request = self._waiting.popleft()
        embeds = request.embeds
        if embeds is None:
            ids = plain_ids(self._model.tokenizer, request.prompt or "")
            embeds = self._model.embed(ids.unsqueeze(0), (), ())[0]
        text, n_tokens = self._model.generate(
            embeds, request.sampling.max_tokens, adapted=request.adapted
        )
        finish = "length" if n_tokens >= request.sampling.max_tokens else "stop"
        return [Reply(request.key, text, finish, len(embeds), n_tokens)]

    def close(self) -> None:
        """Hold nothing that needs freeing."""
