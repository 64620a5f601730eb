"""Frozen encoders: the tapped layers are the raw ones, and only the sound's own frames are kept."""

import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from tiny_model import whisper
from torch import Tensor

from balsa_pipe.audio import AudioFileError
from balsa_pipe.config import SoundEffectsConfig
from balsa_pipe.errors import ModelError
from balsa_pipe.model.aisfx import AisfxEncoder, AisfxShape, shape_to_json
from balsa_pipe.model.encoders import (
    FrameEncoder,
    SoundEffectsFrames,
    WhisperFrames,
    build_encoder,
    encode_file,
    pool,
)

RATE = 16_000


def noise(seconds: float, rate: int = RATE) -> Tensor:
    return torch.randn(int(seconds * rate), generator=torch.Generator().manual_seed(3)) * 0.1


def mel_of(tiny: Path, mono: Tensor, window_s: int) -> Tensor:
    from transformers import WhisperFeatureExtractor

    extractor = WhisperFeatureExtractor(feature_size=80, chunk_length=window_s)
    mel: Tensor = extractor(mono.numpy(), sampling_rate=RATE, return_tensors="pt").input_features
    return mel


def whole_encoder(tiny: Path) -> Any:
    from transformers import WhisperModel

    return WhisperModel.from_pretrained(tiny / "whisper", dtype=torch.float32).encoder.eval()


def layer_by_layer(encoder: Any, mel: Tensor) -> list[Tensor]:
    """Return each layer's raw output, without hooks, for a window of any length."""
    gelu = torch.nn.functional.gelu
    hidden = gelu(encoder.conv2(gelu(encoder.conv1(mel)))).permute(0, 2, 1)
    hidden = hidden + encoder.embed_positions.weight[: hidden.shape[1]]
    outputs = []
    for layer in encoder.layers:
        output = layer(hidden, None)
        hidden = output if isinstance(output, Tensor) else output[0]
        outputs.append(hidden)
    return outputs


@pytest.mark.parametrize("window_s", [30, 3, 1])
@torch.inference_mode()
def test_the_tapped_layers_are_those_of_a_run_without_hooks(tiny: Path, window_s: int) -> None:
    mono = noise(0.9)
    found = WhisperFrames(whisper(tiny, window_s=window_s, pool_frames=1)).encode(mono)
    wanted = layer_by_layer(whole_encoder(tiny), mel_of(tiny, mono, window_s))
    for stream, layer in zip(found, wanted, strict=True):
        assert layer.shape == (1, 50 * window_s, 32)
        torch.testing.assert_close(stream, layer[0, :45], atol=1e-5, rtol=1e-4)


@torch.inference_mode()
def test_at_30_s_they_lead_to_the_encoders_own_output(tiny: Path) -> None:
    mono, encoder = noise(30.0), whole_encoder(tiny)
    (last,) = WhisperFrames(whisper(tiny, taps=[1], window_s=30, pool_frames=1)).encode(mono)
    wanted = encoder(mel_of(tiny, mono, 30)).last_hidden_state[0]
    torch.testing.assert_close(encoder.layer_norm(last), wanted, atol=1e-5, rtol=1e-4)
    assert not torch.allclose(last, wanted)


def test_streams_come_in_the_order_of_the_taps(tiny: Path) -> None:
    mono = noise(0.5)
    first, second = WhisperFrames(whisper(tiny, taps=[0, 1])).encode(mono)
    assert torch.equal(WhisperFrames(whisper(tiny, taps=[1])).encode(mono)[0], second)
    backwards = WhisperFrames(whisper(tiny, taps=[1, 0])).encode(mono)
    assert torch.equal(backwards[0], second)
    assert torch.equal(backwards[1], first)


@pytest.mark.parametrize(
    ("seconds", "frames"),
    [(0.001, 1), (0.02, 1), (0.16, 1), (0.18, 2), (1.0, 7), (2.0, 13), (2.5, 13)],
)
def test_there_are_as_many_frames_as_there_is_sound(
    tiny: Path, seconds: float, frames: int
) -> None:
    encoder = WhisperFrames(whisper(tiny, window_s=2, pool_frames=8))
    assert [stream.shape for stream in encoder.encode(noise(seconds))] == [(frames, 32)] * 2
    assert encoder.widths == [32, 32]


def test_what_lies_beyond_the_window_is_not_heard(tiny: Path) -> None:
    encoder, mono = WhisperFrames(whisper(tiny, window_s=1)), noise(2.0)
    for one, other in zip(encoder.encode(mono), encoder.encode(mono[:RATE]), strict=True):
        torch.testing.assert_close(one, other)


def test_no_hook_stays_behind_and_nothing_can_learn(tiny: Path) -> None:
    encoder = WhisperFrames(whisper(tiny))
    encoder.encode(noise(0.2))
    encoder.extractor = WhisperFrames(whisper(tiny, window_s=1)).extractor
    with pytest.raises(ValueError, match="expects the mel input features to be of length 200"):
        encoder.encode(noise(0.2))
    assert all(not layer._forward_hooks for layer in encoder.encoder.layers)
    assert not any(weight.requires_grad for weight in encoder.encoder.parameters())


def test_frames_are_averaged_in_groups() -> None:
    frames = torch.arange(10.0).reshape(5, 2)
    assert pool(frames, 2).tolist() == [[1, 2], [5, 6], [8, 9]]
    assert torch.equal(pool(frames, 1), frames)
    assert pool(frames, 99).tolist() == [[4, 5]]


def test_taps_that_the_encoder_does_not_have(tiny: Path) -> None:
    with pytest.raises(ModelError) as caught:
        build_encoder(whisper(tiny, taps=[0, 2]))
    assert str(caught.value) == f"{tiny / 'whisper'}: has layers 0 to 1, taps ask for [0, 2]"


def torn(folder: Path) -> None:
    weights = folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:5000])


@pytest.mark.parametrize(
    "damage",
    [
        shutil.rmtree,
        torn,
        lambda folder: (folder / "model.safetensors").unlink(),
        lambda folder: (folder / "config.json").write_text("{"),
        lambda folder: (folder / "preprocessor_config.json").unlink(),
    ],
)
def test_a_whisper_folder_that_is_not_one(tiny: Path, tmp_path: Path, damage: Any) -> None:
    folder = tmp_path / "whisper"
    shutil.copytree(tiny / "whisper", folder)
    damage(folder)
    with pytest.raises(ModelError) as caught:
        build_encoder(whisper(tiny, path=str(folder)))
    text = str(caught.value)
    assert text.startswith(f"{folder}: not a Whisper model folder or hub id (")
    assert text.endswith("); correct train.encoders, or fetch it again")
    assert "\n" not in text


def sound_effects(folder: Path, **changes: Any) -> SoundEffectsConfig:
    from safetensors.torch import save_file

    torch.manual_seed(0)
    shape = AisfxShape(channels=(4, 8, 16, 32))
    folder.mkdir()
    save_file(AisfxEncoder(shape).state_dict(), folder / "model.safetensors")
    (folder / "config.json").write_text(shape_to_json(shape))
    facts = {"kind": "aisfx", "path": str(folder)}
    return SoundEffectsConfig.model_validate(facts | changes)


def test_sound_effect_frames_are_the_encoders_own_averaged(tmp_path: Path) -> None:
    encoder = build_encoder(sound_effects(tmp_path / "aisfx", pool_frames=2))
    assert isinstance(encoder, SoundEffectsFrames)
    mono = noise(1.0, 44_100)
    (stream,) = encoder.encode(mono)
    own = AisfxEncoder.from_folder(tmp_path / "aisfx")(mono)
    assert own.shape == (6, 32)
    torch.testing.assert_close(stream, own.reshape(3, 2, 32).mean(dim=1))
    assert encoder.widths == [32]


@pytest.mark.parametrize("kind", ["whisper", "aisfx"])
def test_bfloat16_frames_are_about_those_of_float32(tiny: Path, tmp_path: Path, kind: str) -> None:
    def encoder(dtype: str) -> FrameEncoder:
        if kind == "whisper":
            return build_encoder(whisper(tiny, dtype=dtype))
        return build_encoder(sound_effects(tmp_path / dtype, dtype=dtype))

    exact = encoder("float32")
    mono = noise(1.0, exact.sample_rate_hz)
    for full, half in zip(exact.encode(mono), encoder("bfloat16").encode(mono), strict=True):
        assert full.dtype == half.dtype == torch.float32
        assert not torch.equal(half, full)
        assert float((half - full).norm() / full.norm()) < 0.03


def test_a_torn_sound_effect_encoder(tmp_path: Path) -> None:
    config = sound_effects(tmp_path / "aisfx")
    torn(tmp_path / "aisfx")
    with pytest.raises(ModelError, match=r"not an aiSFX encoder: .*; fetch it again"):
        build_encoder(config)


def test_a_file_is_read_at_the_encoders_rate_and_up_to_a_length(tiny: Path, tmp_path: Path) -> None:
    import soundfile

    soundfile.write(tmp_path / "a.wav", noise(1.5, 8_000).numpy(), 8_000)
    encoder = build_encoder(whisper(tiny, pool_frames=1))
    assert len(encode_file(encoder, tmp_path / "a.wav", None)[0]) == 75
    assert len(encode_file(encoder, tmp_path / "a.wav", 0.5)[0]) == 25
    with pytest.raises(AudioFileError, match="no such audio file"):
        encode_file(encoder, tmp_path / "b.wav", None)
