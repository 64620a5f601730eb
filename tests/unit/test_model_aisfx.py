"""The aiSFX encoder: front end, shapes, folders."""

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from balsa_pipe.errors import ModelError
from balsa_pipe.model.aisfx import AisfxEncoder, AisfxShape, mel_filters, shape_to_json

SMALL = AisfxShape(channels=(4, 8, 16, 32))


@pytest.fixture(scope="module")
def encoder() -> AisfxEncoder:
    torch.manual_seed(0)
    return AisfxEncoder(SMALL).eval()


@pytest.mark.parametrize(
    ("samples", "vectors"),
    [(0, 1), (1, 1), (1024 * 7, 1), (1024 * 8, 2), (44100, 6), (44100 * 5, 27)],
)
def test_there_is_a_vector_for_eight_frames(
    encoder: AisfxEncoder, samples: int, vectors: int
) -> None:
    assert encoder(torch.randn(samples)).shape == (vectors, 32)


def test_properties_and_size_of_the_real_network() -> None:
    real = AisfxEncoder()
    assert (real.hidden_size, real.frames_per_vector) == (512, 8)
    assert sum(weight.numel() for weight in real.parameters()) == 4_686_144


def test_padding_is_cut_off(encoder: AisfxEncoder) -> None:
    sound = torch.randn(1024 * 32)
    padded = torch.cat([sound, torch.zeros(1024 * 68)])
    torch.testing.assert_close(encoder(sound)[:3], encoder(padded)[:3])


def test_silence_is_zero_and_full_scale_about_one(encoder: AisfxEncoder) -> None:
    silence = encoder.spectrogram(torch.zeros(4096))
    assert silence.shape == (5, 96)
    assert silence.abs().max() == 0
    tone = torch.sin(torch.arange(44100) * 2 * torch.pi * 1000 / 44100)
    assert 0.8 < float(encoder.spectrogram(tone).max()) < 1.1


@pytest.mark.parametrize("hertz", [100, 1000, 8000])
def test_a_tone_lands_in_its_mel_band(encoder: AisfxEncoder, hertz: int) -> None:
    tone = torch.sin(torch.arange(44100) * 2 * torch.pi * hertz / 44100)
    mel = 2595 * torch.log10(torch.tensor(1 + hertz / 700))
    top = 2595 * torch.log10(torch.tensor(1 + 22050 / 700))
    expected = float(mel / top * 97) - 1
    found = int(encoder.spectrogram(tone)[20].argmax())
    assert abs(found - expected) <= 1


def test_mel_filters_are_triangles_of_sum_one() -> None:
    filters = mel_filters(AisfxShape())
    assert filters.shape == (96, 1025)
    assert filters.min() == 0
    torch.testing.assert_close(filters.sum(dim=1), torch.ones(96))
    peaks = filters.argmax(dim=1)
    assert (peaks.diff() > 0).all()


def test_folder_round_trip(encoder: AisfxEncoder, tmp_path: Path) -> None:
    save_file(encoder.state_dict(), tmp_path / "model.safetensors")
    (tmp_path / "config.json").write_text(shape_to_json(SMALL))
    loaded = AisfxEncoder.from_folder(tmp_path)
    sound = torch.randn(44100)
    torch.testing.assert_close(loaded(sound), encoder(sound))
    assert not loaded.training
    assert not any(weight.requires_grad for weight in loaded.parameters())


def test_missing_folder_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(ModelError) as caught:
        AisfxEncoder.from_folder(tmp_path / "none")
    assert str(caught.value) == (
        f"{tmp_path / 'none'}: no aiSFX encoder there (config.json and model.safetensors); "
        "run `balsa fetch demo`, or leave the encoder out of train.encoders"
    )


@pytest.mark.parametrize("config", ["{}", "no json", '{"model_type": "aisfx", "channels": [1]}'])
def test_another_folder_is_refused(encoder: AisfxEncoder, tmp_path: Path, config: str) -> None:
    save_file(encoder.state_dict(), tmp_path / "model.safetensors")
    (tmp_path / "config.json").write_text(config)
    with pytest.raises(ModelError, match="not an aiSFX encoder"):
        AisfxEncoder.from_folder(tmp_path)
