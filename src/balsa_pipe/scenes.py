"""Scenes: mixtures of a split's own recordings, with exact labels, order and onsets."""

import math
import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import lru_cache, partial
from itertools import count as count_up
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from balsa_pipe.audio import load_mono, write_flac
from balsa_pipe.config import Scenes
from balsa_pipe.hashing import digest, ranked, unit
from balsa_pipe.schemas import Row

if TYPE_CHECKING:
    import torch

CORPUS = "scenes"
MAX_PART_S = 4.0

_GAP_S = 0.1  # silence between sounds in sequence, at least
_FADE_S = 0.05  # at the end of a part that is cut
_QUIETEST_DB = -6.0  # the gain of a part lies between this and 0
_HEARD_DB = -50.0  # below its peak by this much a recording counts as not yet begun
_LOUDNESS_S = 0.4  # parts are levelled by their loudest stretch of this length
_PEAK_DB = -1.0  # of the whole scene
_CACHED = 512  # decoded recordings kept in memory, half a megabyte each


def make_scenes(
    clips: Iterable[Row],
    cfg: Scenes,
    *,
    split: str,
    count: int,
    rng_seed: int,
    out_dir: Path,
    workers: int = 1,
    tick: Callable[[], None] = lambda: None,
) -> list[Row]:
    """Return `count` scenes of a split's labelled clips as clip rows, rendered below out_dir.

    Fewer come back when not enough clips have labels that can stand side by side.
    """
    clips = [clip for clip in clips if _is_usable(clip, split)]
    drawn = islice(draw_parts(clips, cfg.sounds, rng_seed=rng_seed), count)
    load = lru_cache(_CACHED)(partial(_load_part, cfg.sample_rate_hz))

    render = partial(_render, cfg, out_dir / split, load, phrase_clips(clips))
    rows = []
    with _one_torch_thread(), ThreadPoolExecutor(workers) as pool:
        for row in pool.map(render, drawn):
            rows.append(row)
            tick()
    return rows


def sketch_scenes(
    clips: Iterable[Row], cfg: Scenes, *, split: str, count: int, rng_seed: int
) -> list[Row]:
    """Return scenes of the same recordings as make_scenes, one after the other; nothing is mixed.

    They tell how many there are and about how much is said of each: their ids, and when their parts
    begin, are not those of the scenes that will be heard.
    """
    clips = [clip for clip in clips if _is_usable(clip, split)]
    phrases = phrase_clips(clips)
    drawn = islice(draw_parts(clips, cfg.sounds, rng_seed=rng_seed), count)
    return [_sketch(cfg, phrases, *turn) for turn in drawn]


def draw_parts(
    clips: list[Row], sounds: tuple[int, int], *, rng_seed: int
) -> Iterator[tuple[list[Any], list[Row]]]:
    """Yield each scene's salt and clips without end, or nothing when no two clips go together.

    Every clip is asked to open a scene equally often. Its partners are drawn by kind of sound
    first, so rare kinds are heard more often than their share of the clips. Draws are by hash, so
    a new clip changes few scenes but those that it gets into.
    """
    kinds = _by_kind(clips)
    tickets = [(kind, i) for kind, members in kinds.items() for i in range(_n_tickets(members))]
    for turn in count_up():
        fruitful = False
        for first in ranked(clips, rng_seed, CORPUS, turn, key=lambda clip: clip["clip_id"]):
            salt = [rng_seed, CORPUS, first["clip_id"], turn]
            chosen = _choose(first, kinds, tickets, sounds, salt)
            if len(chosen) >= min(sounds):
                fruitful = True
                yield salt, ranked(chosen, *salt, "order", key=lambda clip: clip["clip_id"])
        if not fruitful:
            return


def describe_scene(parts: list[Row], phrases: Mapping[str, str]) -> str:
    """Return one sentence on what is heard in which order; parts come sorted by onset."""
    together: list[list[Row]] = []
    for part in parts:
        if together and part["onset_s"] < max(p["onset_s"] + p["duration_s"] for p in together[-1]):
            together[-1].append(part)
        else:
            together.append([part])
    groups = [" together with ".join(phrases[part["clip_id"]] for part in g) for g in together]
    text = groups[0] if len(groups) == 1 else "first " + ", then ".join(groups)
    return text[:1].upper() + text[1:] + "."


def phrase_clips(clips: Iterable[Row]) -> dict[str, str]:
    """Return how each clip is named inside a sentence: its caption, or else its telling labels.

    A label says nothing new where another implies it, as "snare drum" does "drum" in the corpus.
    """
    clips = list(clips)
    holders: dict[str, set[str]] = {}
    for clip in clips:
        for label in clip["labels"]:
            holders.setdefault(label, set()).add(clip["clip_id"])
    return {
        clip["clip_id"]: _inside_sentence(next(iter(clip["captions"]), ""))
        or ", ".join(
            label
            for label in clip["labels"]
            if not any(holders[other] < holders[label] for other in clip["labels"])
        )
        for clip in clips
    }


def _inside_sentence(text: str) -> str:
    text = text.strip().rstrip(".! ")
    word = text.split(" ", 1)[0]
    return text[:1].lower() + text[1:] if word == "A" or word[1:].islower() else text


# ---- choice ----------------------------------------------------------------------------------


def _is_usable(clip: Row, split: str) -> bool:
    return clip["split"] == split and bool(clip["path"] and clip["labels"] and not clip["parts"])


def _by_kind(clips: list[Row]) -> dict[str, list[Row]]:
    """Group clips by the rarest of their labels, which is the one that says most."""
    uses = Counter(label for clip in clips for label in clip["labels"])
    kinds: dict[str, list[Row]] = {}
    for clip in clips:
        kind = min(clip["labels"], key=lambda label: (uses[label], label))
        kinds.setdefault(kind, []).append(clip)
    return kinds


def _n_tickets(members: list[Row]) -> int:
    """Halfway between using each clip and using each kind equally often."""
    return math.isqrt(len(members) - 1) + 1


def _choose(
    first: Row,
    kinds: dict[str, list[Row]],
    tickets: list[tuple[str, int]],
    sounds: tuple[int, int],
    salt: list[Any],
) -> list[Row]:
    """Return the first clip and partners that share neither a label nor a recording with others."""
    low, high = min(sounds), max(sounds)
    wanted = low + int(unit(*salt, "sounds") * (high - low + 1))
    chosen = [first]
    for kind, _ in ranked(tickets, *salt, "kind"):
        if len(chosen) >= wanted:
            break
        fitting = [clip for clip in kinds[kind] if not any(_overlap(clip, c) for c in chosen)]
        chosen += ranked(fitting, *salt, "clip", key=lambda clip: clip["clip_id"])[:1]
    return chosen


def _overlap(clip: Row, other: Row) -> bool:
    return any(not set(clip[key]).isdisjoint(other[key]) for key in ("labels", "recordings"))


# ---- layout ----------------------------------------------------------------------------------


def _layout(lengths: list[int], total: int, gap: int, salt: list[Any]) -> list[int]:
    """Return onsets in samples: some parts overlap the one before, no part overlaps two others."""
    onsets, end, overlapped = [0], lengths[0], False
    loose = [0]  # parts before which the silence may be longer
    for i, length in enumerate(lengths[1:], start=1):
        overlapped = not overlapped and unit(*salt, "overlap", i) < 0.5
        if overlapped:
            onset = onsets[-1] + int(lengths[i - 1] * (0.3 + 0.4 * unit(*salt, "onset", i)))
        else:
            onset = end + gap
            loose.append(i)
        onsets.append(onset)
        end = max(end, onset + length)
    silences = sorted(int(unit(*salt, "silence", i) * (total - end)) for i in loose)
    moved, silence = dict(zip(loose, silences, strict=True)), 0
    for i in range(len(onsets)):
        silence = moved.get(i, silence)
        onsets[i] += silence
    return onsets


# ---- sound -----------------------------------------------------------------------------------


def _render(
    cfg: Scenes,
    folder: Path,
    load: Callable[[str, float, float], "torch.Tensor"],
    phrases: Mapping[str, str],
    turn: tuple[list[Any], list[Row]],
) -> Row:
    """Mix one scene, write it and return its row."""
    import torch

    salt, chosen = turn
    rate, total = cfg.sample_rate_hz, int(cfg.duration_s * cfg.sample_rate_hz)
    gap = int(min(_GAP_S, cfg.duration_s / (4 * len(chosen))) * rate)
    longest = (total - gap * (len(chosen) - 1)) // len(chosen)
    sounds = [
        _cut(load(clip["path"], clip["start_s"], clip["duration_s"]), longest, rate)
        for clip in chosen
    ]
    onsets = _layout([len(sound) for sound in sounds], total, gap, salt)
    gains = [round(_QUIETEST_DB * unit(*salt, "gain", clip["clip_id"]), 2) for clip in chosen]
    mix = torch.zeros(total)
    for sound, onset, gain_db in zip(sounds, onsets, gains, strict=True):
        mix[onset : onset + len(sound)] += _level(sound, rate) * 10 ** (gain_db / 20)
    mix *= 10 ** (_PEAK_DB / 20) / mix.abs().max()
    parts = [
        _part(clip, onset_s=onset / rate, duration_s=len(sound) / rate, gain_db=gain_db)
        for clip, sound, onset, gain_db in zip(chosen, sounds, onsets, gains, strict=True)
    ]
    return {**_write(mix, parts, cfg.sample_rate_hz, folder), **_inherited(chosen, parts, phrases)}


def _sketch(cfg: Scenes, phrases: Mapping[str, str], salt: list[Any], chosen: list[Row]) -> Row:
    length = cfg.duration_s / len(chosen)
    parts = [
        _part(clip, onset_s=i * length, duration_s=length, gain_db=0.0)
        for i, clip in enumerate(chosen)
    ]
    source_id = digest("sketch", *salt)
    return {
        "clip_id": digest(CORPUS, source_id, 0),
        "audio_hash": None,
        "corpus": CORPUS,
        "source_id": source_id,
        "path": None,
        "start_s": 0.0,
        "duration_s": cfg.duration_s,
        "sample_rate_hz": cfg.sample_rate_hz,
        "channels": 1,
        **_inherited(chosen, parts, phrases),
    }


def _part(clip: Row, *, onset_s: float, duration_s: float, gain_db: float) -> Row:
    told = {name: clip[name] for name in ("clip_id", "labels", "captions")}
    return {**told, "onset_s": onset_s, "duration_s": duration_s, "gain_db": gain_db}


def _write(mix: "torch.Tensor", parts: list[Row], rate: int, folder: Path) -> Row:
    """Write a scene's sound and return the columns that come from it."""
    exact = ("clip_id", "onset_s", "duration_s", "gain_db")
    source_id = digest([[part[name] for name in exact] for part in parts])
    clip_id = digest(CORPUS, source_id, 0)
    path = folder / f"{clip_id}.flac"
    return {
        "clip_id": clip_id,
        "audio_hash": write_flac(path, mix, rate),
        "corpus": CORPUS,
        "source_id": source_id,
        "path": stored_path(path),
        "start_s": 0.0,
        "duration_s": len(mix) / rate,
        "sample_rate_hz": rate,
        "channels": 1,
    }


def _inherited(chosen: list[Row], parts: list[Row], phrases: Mapping[str, str]) -> Row:
    """Return the columns that come from the scene's clips."""
    return {
        "recordings": _unique(name for clip in chosen for name in clip["recordings"]),
        "split": chosen[0]["split"],
        "split_given": False,
        "labels": _unique(label for clip in chosen for label in clip["labels"]),
        "captions": [describe_scene(parts, phrases)],
        "licence": "; ".join(_unique(c["licence"] for c in chosen if c["licence"])) or None,
        "source": "; ".join(_unique(c["source"] for c in chosen if c["source"])) or None,
        "parts": parts,
    }


def stored_path(path: Path) -> str:
    """Return a path as rows hold it: relative to the working folder when below it, with slashes."""
    full = Path(os.path.abspath(path))
    return (full.relative_to(Path.cwd()) if full.is_relative_to(Path.cwd()) else full).as_posix()


def _unique(values: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(values))


@contextmanager
def _one_torch_thread() -> Iterator[None]:
    """The work is shared out by scene; torch's own threads would only wait for each other."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _load_part(rate: int, path: str, start_s: float, duration_s: float) -> "torch.Tensor":
    """Return what is heard of a recording, (n,), without the quiet before and after, cut to 4 s."""
    mono = load_mono(Path(path), rate, duration_s, start_s)
    heard = (mono.abs() > mono.abs().max() * 10 ** (_HEARD_DB / 20)).nonzero()
    return _cut(mono[int(heard[0]) : int(heard[-1]) + 1], int(MAX_PART_S * rate), rate)


def _cut(sound: "torch.Tensor", longest: int, rate: int) -> "torch.Tensor":
    """Return at most so many samples, with a fade-out where the sound goes on."""
    import torch

    if len(sound) <= longest:
        return sound
    fade = min(int(_FADE_S * rate), longest)
    return sound[:longest] * torch.cat([torch.ones(longest - fade), torch.linspace(1, 0, fade)])


def _level(sound: "torch.Tensor", rate: int) -> "torch.Tensor":
    """Return a sound scaled so that its loudest 0.4 s have an RMS of 0.1."""
    from torch.nn.functional import avg_pool1d

    size = min(int(_LOUDNESS_S * rate), len(sound))
    power = avg_pool1d(sound.square()[None], size, stride=max(1, size // 4)).max()
    return sound * (0.1 / power.sqrt())
