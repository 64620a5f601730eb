"""A Whisper model in CTranslate2's format becomes a folder that transformers loads."""

import json
import re
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from balsa_pipe.errors import AssetError

Array = NDArray[Any]
Tensors = dict[str, Array]

_FORMAT_VERSION = 6
_DTYPES = ("<f4", "<i1", "<i2", "<i4", "<f2")
_HEAD_SIZE = 64
_RENAMED = (
    (r"layer_(\d+)/", r"layers.\1."),
    (r"self_attention/layer_norm/", "self_attn_layer_norm."),
    (r"self_attention/linear_1/", "self_attn.out_proj."),
    (r"(?<!self_)attention/layer_norm/", "encoder_attn_layer_norm."),
    (r"(?<!self_)attention/linear_0/", "encoder_attn.q_proj."),
    (r"(?<!self_)attention/linear_2/", "encoder_attn.out_proj."),
    (r"ffn/layer_norm/", "final_layer_norm."),
    (r"ffn/linear_0/", "fc1."),
    (r"ffn/linear_1/", "fc2."),
    (r"position_encodings/encodings$", "embed_positions.weight"),
    (r"embeddings/", "embed_tokens."),
    (r"gamma$", "weight"),
    (r"beta$", "bias"),
    (r"/", "."),
)
_STACKED = {
    "self_attention/linear_0/": ("self_attn.", ("q_proj", "k_proj", "v_proj")),
    "/attention/linear_1/": ("encoder_attn.", ("k_proj", "v_proj")),
}


class _Reader:
    """Reads one little-endian value after the other."""

    def __init__(self, data: bytes) -> None:
        self.data, self.at = data, 0

    def number(self, code: str) -> int:
        (value,) = struct.unpack_from(f"<{code}", self.data, self.at)
        self.at += struct.calcsize(f"<{code}")
        return int(value)

    def bytes(self, size: int) -> bytes:
        self.at += size
        if self.at > len(self.data):
            raise struct.error("file ends early")
        return self.data[self.at - size : self.at]

    def text(self) -> str:
        return self.bytes(self.number("H")).rstrip(b"\0").decode()

    def variable(self) -> tuple[str, Array]:
        name = self.text()
        shape = [self.number("I") for _ in range(self.number("B"))]
        dtype = np.dtype(_DTYPES[self.number("B")])
        return name, np.frombuffer(self.bytes(self.number("I")), dtype).reshape(shape)


def read_ct2(data: bytes) -> Tensors:
    """Return name -> array of a CTranslate2 Whisper file."""
    reader = _Reader(data)
    try:
        version, spec = reader.number("I"), reader.text()
        if (version, spec) != (_FORMAT_VERSION, "WhisperSpec"):
            raise AssetError(
                f"model.bin holds {spec!r} of format {version}, "
                f"expected 'WhisperSpec' of format {_FORMAT_VERSION}"
            )
        reader.number("I")
        return dict(reader.variable() for _ in range(reader.number("I")))
    except (struct.error, IndexError, ValueError) as exc:
        raise AssetError(f"model.bin is no CTranslate2 file: {exc}; fetch again") from exc


def to_transformers(tensors: Mapping[str, Array]) -> Tensors:
    """Return the weights under WhisperModel's names; stacked projections are split."""
    renamed: Tensors = {}
    for name, array in tensors.items():
        stacked = next((key for key in _STACKED if key in name), None)
        if stacked:
            prefix, parts = _STACKED[stacked]
            layer, kind = name.split(stacked)
            for part, rows in zip(parts, np.split(array, len(parts)), strict=True):
                if not (part == "k_proj" and kind == "bias"):
                    renamed[f"{_rename(layer.rstrip('/') + '/')}{prefix}{part}.{kind}"] = rows
        elif array.ndim and not name.startswith("decoder/projection"):
            renamed[_rename(name)] = array
    return renamed


def _rename(name: str) -> str:
    for pattern, replacement in _RENAMED:
        name = re.sub(pattern, replacement, name)
    return name


def whisper_config(weights: Mapping[str, Array]) -> dict[str, Any]:
    """Return transformers' config.json, read off the shapes of the weights."""
    width, mels = weights["encoder.conv1.weight"].shape[:2]
    layers = {
        part: len(
            {name for name in weights if re.fullmatch(rf"{part}.layers.\d+.fc1.weight", name)}
        )
        for part in ("encoder", "decoder")
    }
    return {
        "model_type": "whisper",
        "architectures": ["WhisperModel"],
        "dtype": "float32",
        "d_model": width,
        "num_mel_bins": mels,
        "vocab_size": weights["decoder.embed_tokens.weight"].shape[0],
        "max_source_positions": weights["encoder.embed_positions.weight"].shape[0],
        "max_target_positions": weights["decoder.embed_positions.weight"].shape[0],
        **{
            f"{part}_{key}": value
            for part in ("encoder", "decoder")
            for key, value in (
                ("layers", layers[part]),
                ("attention_heads", width // _HEAD_SIZE),
                ("ffn_dim", weights[f"{part}.layers.0.fc1.weight"].shape[0]),
            )
        },
    }


def convert_whisper(model_bin: bytes, folder: Path) -> None:
    """Write config.json, model.safetensors and preprocessor_config.json into folder."""
    from safetensors.numpy import save_file

    weights = to_transformers(read_ct2(model_bin))
    config = whisper_config(weights)
    extractor = {
        "feature_extractor_type": "WhisperFeatureExtractor",
        "feature_size": config["num_mel_bins"],
        "sampling_rate": 16000,
        "n_fft": 400,
        "hop_length": 160,
        "chunk_length": 30,
        "padding_value": 0.0,
        "padding_side": "right",
        "return_attention_mask": False,
    }
    folder.mkdir(parents=True, exist_ok=True)
    contiguous = {name: np.ascontiguousarray(array) for name, array in weights.items()}
    save_file(contiguous, folder / "model.safetensors", metadata={"format": "pt"})
    for name, content in (("config.json", config), ("preprocessor_config.json", extractor)):
        (folder / name).write_text(json.dumps(content, indent=2) + "\n")
