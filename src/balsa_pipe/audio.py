"""The only module that touches soundfile and torchaudio: sound files in, samples out, and back."""

import io
import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import numpy.typing as npt
import soundfile
import xxhash

from balsa_pipe.errors import AudioError
from balsa_pipe.files import whole

if TYPE_CHECKING:
    import torch

AudioReason = Literal[
    "missing_audio",
    "empty_audio",
    "undecodable",
    "truncated_audio",
    "beyond_end",
    "non_finite_samples",
]
Block = npt.NDArray[np.float32]

_BLOCK_SAMPLES = 2**16  # of all channels together: what the processor's cache holds
_PIECE_SAMPLES = 2**20  # resampled at once
_SILENCE = 2**-15  # one step of 16 bits
_LOUD_SOON = 2**12  # frames: most clips are heard to sound after so few
_MAY_BE_NAN = ("FLOAT", "DOUBLE")
_RATES_HZ = range(1_000, 1_000_001)
_WHOLE = 0.99  # containers round their sizes; a file with less than this was cut
_PADDING = 4608  # frames that an encoder may announce and a decoder drop again: four of MP3's
_CLAIM = re.compile(r"^\s*(?:data|SSND|riff|Data Size)\s*: (\d+) \(should be (\d+)\)", re.MULTILINE)
_UNKNOWN_SIZE = 0x7FFF0000  # what a writer into a pipe claims, because it can't know
_OGG_TAIL = 2**17  # two Ogg pages at their longest


class AudioFileError(AudioError):
    """An audio file that can't be used, with its reason for the ledger."""

    def __init__(self, reason: AudioReason, message: str) -> None:
        """Say why in one word and in one line."""
        super().__init__(message)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class AudioFacts:
    """What a file holds, of the part that is used."""

    duration_s: float
    sample_rate_hz: int
    channels: int
    audio_hash: str  # equal for equal samples at the same rate, whatever the container
    silent: bool  # the mono mix, which is all that is ever listened to, stays below a 16-bit step
    cropped: bool  # more follows after the part that is used


def probe(path: Path, max_duration_s: float | None = None, start_s: float = 0) -> AudioFacts:
    """Return the facts of max_duration_s of a file from start_s on.

    Raises AudioFileError when there are none.
    """
    with _open(path) as sound:
        hasher = xxhash.xxh3_128(f"{sound.samplerate},{sound.channels};".encode())
        frames, silent = 0, True
        for block in _blocks(sound, path, max_duration_s, start_s):
            hasher.update(block.astype("<f4", copy=False).data)
            silent = silent and _is_silent(block)
            frames += len(block)
        return AudioFacts(
            duration_s=frames / sound.samplerate,
            sample_rate_hz=sound.samplerate,
            channels=sound.channels,
            audio_hash=hasher.hexdigest(),
            silent=silent,
            cropped=max_duration_s is not None and sound.frames > sound.tell(),
        )


def _is_silent(block: Block) -> bool:
    pieces = (block[at : at + _LOUD_SOON] for at in range(0, len(block), _LOUD_SOON))
    return all(float(np.abs(piece.mean(axis=1)).max()) < _SILENCE for piece in pieces)


def load_mono(
    path: Path,
    sample_rate_hz: int = 16000,
    max_duration_s: float | None = None,
    start_s: float = 0,
) -> "torch.Tensor":
    """Return max_duration_s of a file from start_s on, as float32 mono samples, (n,), at a rate.

    Raises AudioFileError when the file can't be decoded.
    """
    import torch

    with _open(path) as sound:
        mono = [block.mean(axis=1) for block in _blocks(sound, path, max_duration_s, start_s)]
        rate = sound.samplerate
    return resample(torch.from_numpy(np.concatenate(mono)), rate, sample_rate_hz)


def resample(mono: "torch.Tensor", from_hz: int, to_hz: int) -> "torch.Tensor":
    """Return samples (n,) at another rate; rates without a short ratio are met within 1e-6."""
    import torch
    from torchaudio.functional import resample as convert

    # An odd rate such as 44101 Hz would need a filter of gigabytes; 44100 Hz sounds the same.
    ratio = Fraction(to_hz, from_hz).limit_denominator(1000)
    old, new = ratio.denominator, ratio.numerator
    # Long files go in pieces, each with what the filter sees on both sides, to save memory.
    step, context = old * (_PIECE_SAMPLES // old), old * 16
    pieces = []
    for start in range(0, len(mono), step):
        left = max(0, start - context)
        piece: torch.Tensor = convert(mono[left : start + step + context], old, new)
        skip = (start - left) * new // old
        pieces.append(piece[skip : skip + step * new // old])
    return torch.cat(pieces)


def write_flac(path: Path, mono: "torch.Tensor", sample_rate_hz: int) -> str:
    """Write samples (n,) in -1..1 as 16-bit FLAC, whole or not at all; return their audio_hash."""
    samples = (mono.clamp(-1, 1) * 32767).round().short().numpy()
    encoded = io.BytesIO()
    try:
        soundfile.write(encoded, samples, sample_rate_hz, format="FLAC", subtype="PCM_16")
        with whole(path) as partial:
            partial.write_bytes(encoded.getbuffer())
    except (OSError, soundfile.LibsndfileError) as exc:
        raise AudioError(f"{path}: could not be written ({exc}); nothing was left there") from exc
    hasher = xxhash.xxh3_128(f"{sample_rate_hz},1;".encode())
    hasher.update((samples / np.float32(32768)).astype("<f4", copy=False).data)
    return hasher.hexdigest()


@contextmanager
def _open(path: Path) -> Iterator[Any]:
    """Open a sound file; what libsndfile says against it becomes an AudioFileError."""
    _check_file(path)
    try:
        with _sound_file(path) as sound:
            if sound.samplerate not in _RATES_HZ:
                raise AudioFileError(
                    "undecodable",
                    f"{path}: says {sound.samplerate} Hz; expected 1000 to 1000000 Hz",
                )
            yield sound
    except (soundfile.LibsndfileError, OSError) as exc:
        raise AudioFileError("undecodable", _explain(path, exc)) from exc


def _sound_file(path: Path) -> Any:
    """Open by descriptor, so that the bytes decide what a file is and not its name."""
    try:
        return soundfile.SoundFile(os.open(path, os.O_RDONLY), closefd=True)
    except soundfile.LibsndfileError:
        if path.suffix.lower() != ".mp3":
            raise
        # An MP3 with an untidy start is only recognised by its name.
        with suppress(soundfile.LibsndfileError):
            return soundfile.SoundFile(path)
        raise


def _check_file(path: Path) -> None:
    try:
        size = path.stat().st_size if path.is_file() else None
    except OSError:  # a name that no file can have
        size = None
    if size is None:
        raise AudioFileError("missing_audio", f"{path}: no such audio file")
    if size == 0:
        raise AudioFileError("empty_audio", f"{path}: zero bytes; copy or download it again")


def _blocks(
    sound: Any, path: Path, max_duration_s: float | None, start_s: float
) -> Iterator[Block]:
    """Yield blocks (frames, channels); raises at the end if the file has less than it promises."""
    wanted = _frames_wanted(sound, max_duration_s)
    step = max(1, _BLOCK_SAMPLES // sound.channels)
    start, frames = min(round(start_s * sound.samplerate), sound.frames), 0
    if start:
        sound.seek(start)
    while frames < wanted:
        block = sound.read(min(step, wanted - frames), dtype="float32", always_2d=True)
        if not len(block):
            break
        if sound.subtype in _MAY_BE_NAN and not np.isfinite(block).all():
            raise AudioFileError(
                "non_finite_samples", f"{path}: holds NaN or infinite samples; export it again"
            )
        frames += len(block)
        yield block
    if frames < wanted and _is_truncated(sound, path, start + frames):
        raise AudioFileError(
            "truncated_audio", f"{path}: ends before its header says; copy or download it again"
        )
    if frames == 0 and start:
        raise AudioFileError(
            "beyond_end", f"{path}: no samples from {start_s:g} s on, where the clip starts"
        )
    if frames == 0:
        raise AudioFileError("empty_audio", f"{path}: a sound file without samples")


def _frames_wanted(sound: Any, max_duration_s: float | None) -> int:
    return (
        sys.maxsize if max_duration_s is None else max(1, round(max_duration_s * sound.samplerate))
    )


def _is_truncated(sound: Any, path: Path, frames: int) -> bool:
    if sound.format == "OGG":
        return _ogg_is_cut(path)
    if frames < _WHOLE * sound.frames - _PADDING:
        return sound.format != "MP3" or _mp3_counts_frames(path)
    if sound.format in ("WAV", "WAVEX", "AIFF", "AU", "W64"):
        claims = [(int(said), int(found)) for said, found in _CLAIM.findall(sound.extra_info)]
        return any(found < _WHOLE * said and said < _UNKNOWN_SIZE for said, found in claims)
    return False


def _ogg_is_cut(path: Path) -> bool:
    """Whether the last Ogg page isn't whole; a missing end flag alone is common in whole files."""
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - _OGG_TAIL))
        tail = file.read()
    page = tail[tail.rfind(b"OggS") :]
    segments = page[26] if len(page) > 26 else 0
    return len(page) < 27 + segments + sum(page[27 : 27 + segments])


def _mp3_counts_frames(path: Path) -> bool:
    """Whether an MP3 file says its own length; else libsndfile only guesses it from the bitrate."""
    with path.open("rb") as file:
        head = file.read(2**21)
    return b"Xing" in head or b"Info" in head


def _explain(path: Path, exc: Exception) -> str:
    detail = str(getattr(exc, "error_string", None) or getattr(exc, "strerror", None) or exc)
    try:
        with path.open("rb") as file:
            start = f"; it starts with {file.read(12)!r}"
    except OSError:
        start = ""
    return f"{path}: not decodable as sound ({detail.rstrip('.')}){start}"
