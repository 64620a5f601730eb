"""Clips as sound inside the page: short, mono, 16 kHz, small, as data: URIs."""

import base64
import io
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from markupsafe import Markup

from balsa_pipe.audio import load_mono
from balsa_pipe.errors import AudioError
from balsa_pipe.report.plots import waveform
from balsa_pipe.schemas import Row

if TYPE_CHECKING:
    import torch

SAMPLE_RATE_HZ = 16000
MAX_SECONDS = 15.0
_PEAKS = 80
_COMPRESSION = 0.8  # about 40 kbit/s; the same samples give the same bytes, as Ogg's wouldn't


@dataclass(frozen=True, slots=True)
class Player:
    """A clip to be played; uri None: the note says why there is none."""

    uri: str | None
    note: str = ""
    seconds: float | None = None
    wave: Markup | None = None


class PlayerMaker:
    """Makes players until their sound has used up a budget of bytes."""

    def __init__(self, budget_bytes: int) -> None:
        """Start with an empty page."""
        self._left = budget_bytes
        self._made: dict[tuple[str, float, float | None], Player] = {}

    def player(self, clip: Row) -> Player:
        """Return a clip's player; one without sound when it can't be had, or the page is full."""
        path = str(clip.get("path") or "")
        if not path:
            return Player(None, "no audio here: the metadata names no file")
        stretch = path, clip.get("start_s") or 0.0, clip.get("duration_s")
        if stretch not in self._made:
            self._made[stretch] = make_player(*stretch)
        made = self._made[stretch]
        size = len(made.uri or "")
        if size > self._left:
            return Player(None, f"audio left out to keep the page small ({path})")
        self._left -= size
        return made


def make_player(path: str, start_s: float = 0, duration_s: float | None = None) -> Player:
    """Return the player of a stretch of a file, whatever is wrong with the file."""
    seconds = min(duration_s or math.inf, MAX_SECONDS + 0.05)
    try:
        mono = load_mono(Path(path), SAMPLE_RATE_HZ, seconds, start_s)
        longer = len(mono) > MAX_SECONDS * SAMPLE_RATE_HZ
        mono = mono[: int(MAX_SECONDS * SAMPLE_RATE_HZ)]
        uri = "data:audio/mpeg;base64," + base64.b64encode(encode_mp3(mono)).decode()
    except (AudioError, OSError, ValueError, RuntimeError) as exc:
        reason = getattr(exc, "reason", type(exc).__name__).replace("_", " ")
        return Player(None, f"audio not available ({path}): {reason}")
    note = f"the first {MAX_SECONDS:g} s" if longer else ""
    return Player(
        uri, note, len(mono) / SAMPLE_RATE_HZ, waveform(peaks(mono), "loudness over time")
    )


def encode_mp3(mono: "torch.Tensor") -> bytes:
    """Return samples (n,) at 16 kHz as MP3, which every browser plays."""
    import soundfile

    encoded = io.BytesIO()
    soundfile.write(
        encoded,
        mono.clamp(-1, 1).numpy(),
        SAMPLE_RATE_HZ,
        format="MP3",
        subtype="MPEG_LAYER_III",
        bitrate_mode="CONSTANT",
        compression_level=_COMPRESSION,
    )
    return encoded.getvalue()


def peaks(mono: "torch.Tensor", count: int = _PEAKS) -> Sequence[float]:
    """Return the largest magnitude of each of count stretches, the loudest of all as 1."""
    step = max(1, -(-len(mono) // count))
    found = [float(mono[at : at + step].abs().max()) for at in range(0, len(mono), step)]
    top = max(found, default=0.0)
    return [peak / top if top else 0.0 for peak in found]
