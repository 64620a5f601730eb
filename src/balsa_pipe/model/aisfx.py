"""The aiSFX encoder (ISMIR 2022) as a plain torch module: sound in, a sequence of vectors out."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

import torch
from torch import Tensor, nn
from torch.nn import functional

from balsa_pipe.errors import ModelError, one_line


@dataclass(frozen=True)
class AisfxShape:
    """The numbers that the weights were trained with."""

    sample_rate_hz: int = 44100
    n_fft: int = 2048
    hop_length: int = 1024
    mel_bins: int = 96
    channels: tuple[int, ...] = (64, 128, 256, 512)
    min_frames: int = 100
    mel_gain: float = 1e4
    mel_max: float = 9.457798957824707


class AisfxEncoder(nn.Module):
    """Eight convolutions over a mel spectrogram; one vector for eight frames (5.4 a second)."""

    window: Tensor
    mel_filters: Tensor

    def __init__(self, shape: AisfxShape | None = None) -> None:
        """Start with random weights; from_folder brings the trained ones."""
        super().__init__()
        self.shape = shape = shape or AisfxShape()
        widths = zip((1, *shape.channels), shape.channels, strict=False)
        self.blocks = nn.ModuleList(_Block(inputs, outputs) for inputs, outputs in widths)
        window = torch.hann_window(shape.n_fft, periodic=False)
        self.register_buffer("window", window, persistent=False)
        self.register_buffer("mel_filters", mel_filters(shape), persistent=False)

    @property
    def hidden_size(self) -> int:
        """Return the width of an output vector."""
        return self.shape.channels[-1]

    @property
    def frames_per_vector(self) -> int:
        """Return how many spectrogram frames an output vector spans."""
        return int(2 ** (len(self.blocks) - 1))

    @classmethod
    def from_folder(cls, path: str | Path) -> Self:
        """Return the encoder of a folder with config.json and model.safetensors, frozen."""
        from safetensors import SafetensorError
        from safetensors.torch import load_file

        folder = Path(path)
        try:
            encoder = cls(_read_shape(folder / "config.json"))
            encoder.load_state_dict(load_file(folder / "model.safetensors"))
        except FileNotFoundError as exc:
            raise ModelError(
                f"{folder}: no aiSFX encoder there (config.json and model.safetensors); "
                "run `balsa fetch demo`, or leave the encoder out of train.encoders"
            ) from exc
        except (KeyError, RuntimeError, SafetensorError, TypeError, ValueError) as exc:
            detail = one_line(exc, 200)
            raise ModelError(f"{folder}: not an aiSFX encoder: {detail}; fetch it again") from exc
        return encoder.eval().requires_grad_(False)

    def forward(self, mono_44k: Tensor) -> Tensor:
        """Return (T, hidden_size) of (samples,) at 44.1 kHz; T spans the sound, not the padding."""
        spectrogram = self.spectrogram(mono_44k)
        frames = len(spectrogram)
        padding = max(0, self.shape.min_frames - frames)
        hidden = functional.pad(spectrogram, (0, 0, 0, padding))[None, None]  # (1, 1, frames, mel)
        hidden = hidden.to(next(self.blocks.parameters()))
        for index, block in enumerate(self.blocks):
            hidden = block(hidden)
            if index < len(self.blocks) - 1:
                hidden = functional.max_pool2d(hidden, 2)
        vectors = hidden[0].mean(dim=2).T  # (frames / 8, channels)
        return vectors[: max(1, -(-frames // self.frames_per_vector))]

    def spectrogram(self, mono_44k: Tensor) -> Tensor:
        """Return the (frames, mel_bins) log-mel spectrogram, scaled to about 0..1."""
        shape = self.shape
        complex_bins = torch.stft(
            mono_44k.to(self.window),
            shape.n_fft,
            shape.hop_length,
            window=self.window,
            center=True,
            pad_mode="constant",
            return_complex=True,
        )
        mel = self.mel_filters @ complex_bins.abs().square()
        return torch.log10(shape.mel_gain * mel + 1).T / shape.mel_max


class _Block(nn.Module):
    """Two 3x3 convolutions, each with batch norm and ReLU."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)

    def forward(self, hidden: Tensor) -> Tensor:
        """Return (batch, outputs, frames, mel) of (batch, inputs, frames, mel)."""
        hidden = functional.relu(self.bn1(self.conv1(hidden)))
        return functional.relu(self.bn2(self.conv2(hidden)))


def mel_filters(shape: AisfxShape) -> Tensor:
    """Return (mel_bins, n_fft // 2 + 1) triangles on the HTK mel scale, each of sum 1."""
    top = shape.sample_rate_hz / 2
    bins = _mel(torch.linspace(0, top, shape.n_fft // 2 + 1, dtype=torch.float64))
    edges = torch.linspace(0, float(bins[-1]), shape.mel_bins + 2, dtype=torch.float64)
    low, centre, high = (edges[i : i + shape.mel_bins, None] for i in range(3))
    rising, falling = (bins - low) / (centre - low), (high - bins) / (high - centre)
    weights = torch.minimum(rising, falling).clamp(min=0)
    return (weights / weights.sum(dim=1, keepdim=True)).float()


def _mel(hertz: Tensor) -> Tensor:
    return 2595 * torch.log10(1 + hertz / 700)


def shape_to_json(shape: AisfxShape) -> str:
    """Return the config.json that from_folder reads."""
    return json.dumps({"model_type": "aisfx", **asdict(shape)}, indent=2) + "\n"


def _read_shape(path: Path) -> AisfxShape:
    data: dict[str, Any] = json.loads(path.read_text())
    if data.pop("model_type", None) != "aisfx":
        raise ValueError("config.json does not name model_type aisfx")
    return AisfxShape(**{**data, "channels": tuple(data["channels"])})
