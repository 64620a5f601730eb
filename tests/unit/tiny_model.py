"""Clips that can be heard, dataset rows about them, and an untrained model, all from `tiny`."""

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from made_up_clips import clip
from sample_rows import make_sample

from balsa_pipe.audio import probe
from balsa_pipe.config import AdapterConfig, LoraSettings, WhisperConfig
from balsa_pipe.engines.identity import model_revision
from balsa_pipe.model.audio_llm import AudioLLM, AudioLLMConfig
from balsa_pipe.model.features import FeatureStore
from balsa_pipe.schemas import Row

ADAPTER = AdapterConfig(queries=3, layers=1, hidden_size=16, heads=2, dropout=0.0)
LORA = LoraSettings(r=2, alpha=4, dropout=0.0)


def whisper(tiny: Path, **changes: Any) -> WhisperConfig:
    facts = {"kind": "whisper", "path": str(tiny / "whisper"), "taps": [0, 1], "window_s": 2}
    return WhisperConfig.model_validate(facts | changes)


@lru_cache(maxsize=64)
def _facts(path: Path) -> Row:
    facts = probe(path)
    return {"audio_hash": facts.audio_hash, "duration_s": facts.duration_s}


def tone(tiny: Path, sound: str, take: int = 0, **changes: Any) -> Row:
    """Return the clip of one of the tones."""
    path = tiny / "audio" / f"{sound}_{take}.wav"
    facts = {"path": str(path), **_facts(path)}
    return clip(f"{sound}-{take}", [sound, "tone"], **facts) | changes


def row(prompt_id: str, clips: Sequence[Row], response: str, **changes: Any) -> Row:
    """Return a dataset row; a caption unless told."""
    return make_sample(prompt_id, response, clips=list(clips), duplicate_of=None) | changes


def parts(tiny: Path, **changes: Any) -> AudioLLMConfig:
    llm = changes.get("llm", str(tiny / "llm"))
    facts: dict[str, Any] = {
        "llm": llm,
        "llm_revision": model_revision(llm),
        "encoders": [whisper(tiny)],
        "adapter": ADAPTER,
        "stream_widths": [32, 32],
        "system": None,
        "has_lora": True,
    }
    return AudioLLMConfig.model_validate(facts | changes)


def untrained(tiny: Path, **changes: Any) -> AudioLLM:
    """Return a fresh float32 model, always the same one; its LoRA does nothing yet."""
    import torch

    torch.manual_seed(0)
    config = parts(tiny, **changes)
    return AudioLLM.build(config, LORA if config.has_lora else None, torch.float32)


def shaken(model: AudioLLM, size: float = 0.3) -> AudioLLM:
    """Return the model with all that trains moved away from its start, as training would."""
    import torch

    torch.manual_seed(1)
    with torch.no_grad():
        for tensor in model.parameters():
            if tensor.requires_grad:
                tensor.add_(size * torch.randn_like(tensor))
    return model.eval()


def store(tiny: Path) -> FeatureStore:
    """Return a feature store that all tests share."""
    return FeatureStore(tiny / "features", [whisper(tiny)])
