"""One question about some audio files, answered by a trained model."""

from collections.abc import Sequence
from pathlib import Path

import torch

from balsa_pipe import audio
from balsa_pipe.model.audio_llm import AudioLLM, load_model_config
from balsa_pipe.model.encoders import build_encoder, encode_file
from balsa_pipe.model.features import batch_streams
from balsa_pipe.model.prompt import encode_prompt

MAX_DURATION_S = 30.0


def answer(folder: Path, files: Sequence[Path], question: str, *, max_tokens: int) -> str:
    """Return the model's greedy reply; AudioError when a file can't be decoded."""
    config = load_model_config(folder)
    for file in files:
        audio.probe(file, MAX_DURATION_S)  # a wrong name should not wait for a model to load
    encoders = [build_encoder(encoder) for encoder in config.encoders]
    clips = [
        [stream for encoder in encoders for stream in encode_file(encoder, file, MAX_DURATION_S)]
        for file in files
    ]
    model = AudioLLM.load(folder)
    ids = encode_prompt(
        model.tokenizer,
        len(files),
        question,
        audio_tokens=model.parts.adapter.queries,
        system=model.parts.system,
    )
    with torch.inference_mode():
        embeds = model.embed(torch.tensor([ids]), *batch_streams(clips))[0]
    return model.generate(embeds, max_tokens)[0]
