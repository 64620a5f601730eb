"""Items to raw replies: each system's prompt as embeddings, answered by one engine, kept at once."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from balsa_pipe.chat import render_chat
from balsa_pipe.config import Sampling
from balsa_pipe.engines.base import Engine, Request
from balsa_pipe.engines.stream import stream
from balsa_pipe.hashing import digest, file_sha256
from balsa_pipe.journal import Journal
from balsa_pipe.model.adapter import QFormer
from balsa_pipe.model.audio_llm import AudioLLM
from balsa_pipe.model.features import FeatureStore, batch_streams
from balsa_pipe.model.prompt import encode_prompt
from balsa_pipe.progress import Progress
from balsa_pipe.schemas import Row

ENTRY = ("reply_key", "response")
Log = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Asked:
    """One reply wanted: who is asked, about which clips, in which words."""

    system: str
    clips: tuple[Row, ...]
    question: str
    max_tokens: int

    @property
    def adapted(self) -> bool:
        """Whether the trained LoRA is on."""
        return self.system not in ("base", "untrained")

    def key(self, model_digest: str) -> str:
        """Return the hash of all that the reply depends on; equal questions are asked once."""
        heard = [clip["audio_hash"] for clip in self.clips]
        return digest(model_digest, self.system, heard, self.question, self.max_tokens, size=16)


class Speaker:
    """Turns what is asked into an engine's request, with the sound as embeddings."""

    def __init__(self, model: AudioLLM, store: FeatureStore, *, rng_seed: int) -> None:
        """Hold the trained model and, for comparison, an adapter that has learned nothing."""
        self._model, self._store = model, store
        torch.manual_seed(rng_seed)
        fresh = AudioLLM(model.parts, model.llm, model.tokenizer).adapter.eval()
        self._adapters: dict[bool, QFormer] = {True: model.adapter, False: fresh}

    def request(self, key: str, asked: Asked) -> Request:
        """Return the request: greedy, as published evaluations are."""
        sampling = Sampling(temperature=0.0, min_p=0.0, max_tokens=asked.max_tokens)
        if not asked.clips:
            prompt = render_chat(self._model.tokenizer, self._turns(asked))
            return Request(key, sampling, prompt=prompt, adapted=asked.adapted)
        return Request(key, sampling, embeds=self._embeds(asked), adapted=asked.adapted)

    def _turns(self, asked: Asked) -> list[dict[str, str]]:
        """Return a chat without sound; only the control that lacks it keeps the trained system."""
        system = self._model.parts.system if asked.system == "no_audio" else None
        turns = [] if system is None else [{"role": "system", "content": system}]
        return [*turns, {"role": "user", "content": asked.question}]

    @torch.inference_mode()
    def _embeds(self, asked: Asked) -> Tensor:
        config = self._model.parts
        ids = encode_prompt(
            self._model.tokenizer,
            len(asked.clips),
            asked.question,
            audio_tokens=config.adapter.queries,
            system=config.system,
        )
        frames, masks = batch_streams([self._store.get(clip) for clip in asked.clips])
        adapter = self._adapters[asked.system != "untrained"]
        return self._model.embed(torch.tensor([ids]), frames, masks, adapter=adapter)[0]


def to_asked(system: str, item: Row, max_tokens: int) -> Asked:
    """Return what a system is asked for an item: its own clips, swapped ones, or none."""
    heard: dict[str, list[Row]] = {"no_audio": [], "swapped_audio": item["swapped_clips"]}
    clips = heard.get(system, item["clips"])
    return Asked(system, tuple(clips or ()), item["question"], max_tokens)


def predict_replies(
    wanted: Sequence[tuple[str, Row]],
    max_tokens: Mapping[str, int],
    *,
    speaker: Speaker,
    make_engine: Callable[[], Engine],
    journal: Journal,
    model_digest: str,
    log: Log,
) -> dict[tuple[str, str], str]:
    """Return the raw reply of every (system, item); those in the journal aren't asked again."""
    asked = {
        (system, item["item_id"]): to_asked(system, item, max_tokens[item["suite"]])
        for system, item in wanted
    }
    keys = {name: one.key(model_digest) for name, one in asked.items()}
    missing = {keys[name]: one for name, one in asked.items() if keys[name] not in journal.entries}
    log(f"evaluate: {len(asked)} replies wanted, {len(missing)} different ones still to be asked")
    if missing:
        engine = make_engine()
        try:
            _ask(missing, engine, speaker, journal, log)
        finally:
            engine.close()
        journal.sync()
    no_reply = {"response": ""}
    return {name: journal.entries.get(key, no_reply)["response"] for name, key in keys.items()}


def clips_heard(wanted: Iterable[tuple[str, Row]]) -> Iterator[Row]:
    """Yield every clip that some system will hear."""
    for system, item in wanted:
        yield from to_asked(system, item, 1).clips


def digest_model(folder: Path, engine: str) -> str:
    """Return a hash of a model folder's files and of the engine that runs it."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    parts = [(str(path.relative_to(folder)), file_sha256(path)) for path in files]
    return digest(parts, engine)


def _ask(
    missing: Mapping[str, Asked], engine: Engine, speaker: Speaker, journal: Journal, log: Log
) -> None:
    progress = Progress("evaluate", len(missing), "replies", log)
    requests = (speaker.request(key, one) for key, one in missing.items())
    for reply in stream(engine, requests):
        if reply.finish_reason in ("error", "prompt_too_long"):
            log(f"evaluate: no reply to {missing[reply.key].question!r}: {reply.finish_reason}")
        else:  # what failed is asked again by the next run, which may have more room for it
            journal.append({"reply_key": reply.key, "response": reply.text})
        progress.tick()
