"""Ingest: corpora become clips, each on one side of the split, and every row left out is named."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from balsa_pipe.audio import AudioFacts, AudioFileError, probe
from balsa_pipe.config import IngestConfig, Splits
from balsa_pipe.corpora import CORPORA
from balsa_pipe.corpora.base import Note, RawClip, Reject, clean_text
from balsa_pipe.errors import CorpusError
from balsa_pipe.hashing import digest, unit
from balsa_pipe.progress import Progress
from balsa_pipe.scenes import make_scenes, stored_path
from balsa_pipe.schemas import Row

T = TypeVar("T")
Log = Callable[[str], None]
Key = tuple[str, str]
"""What clips can share: ("recording", its name) or ("sound", its hash)."""

SIDES = ("test", "validation", "train")
"""When a table puts one recording on two sides, the first of these keeps its rows."""

_SILENCE = 2**-15  # one step of 16 bits
_MAX_LABEL_CHARS = 100  # longer ones are sentences in the wrong column
_WORD_CHARS = 20  # a caption without spaces must end somewhere too
_BATCH = 1024


@dataclass(frozen=True, slots=True)
class IngestResult:
    """The rows of clips.parquet, and what became of every row of the corpora."""

    rows: list[Row]
    ledger: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Heard:
    """A clip of a corpus whose audio was decoded."""

    corpus: str
    raw: RawClip
    path: Path
    facts: AudioFacts

    @property
    def name(self) -> str:
        """What people find it by."""
        return f"{self.corpus}/{self.raw.source_id}"

    @property
    def recording(self) -> str:
        """The source recording; a clip that names none is its own."""
        return self.raw.recording or self.name

    @property
    def keys(self) -> tuple[Key, Key]:
        """What no other side of the split may share."""
        return ("recording", self.recording), ("sound", self.facts.audio_hash)


def ingest_clips(
    cfg: IngestConfig, *, rng_seed: int, scenes_dir: Path, workers: int, log: Log
) -> IngestResult:
    """Return the clips of all corpora and the scenes made of them, with the ledger.

    Raises CorpusError when no row becomes a clip.
    """
    ledger = _Ledger(log)
    raws = list(ledger.sift(_read_corpora(cfg, ledger)))
    heard = list(ledger.sift(_listen(raws, cfg, workers, ledger)))
    sided = ledger.sift(choose_sides(heard, cfg.splits, rng_seed))
    rows = [_to_row(clip, side) for clip, side in ledger.sift(drop_repeats(sided))]
    if not rows:
        raise CorpusError(ledger.nothing_left())
    scenes = _make_all_scenes(rows, cfg, rng_seed, scenes_dir, workers, ledger)
    return IngestResult(rows + scenes, ledger.close(clips=len(rows), scenes=len(scenes)))


# ---- metadata --------------------------------------------------------------------------------


def _read_corpora(cfg: IngestConfig, ledger: "_Ledger") -> Iterator[tuple[str, RawClip] | Reject]:
    names = [corpus.name for corpus in cfg.corpora]
    if len(set(names)) < len(names):
        raise CorpusError(f"ingest.corpora: names {names} must differ; ids are made of them")
    for corpus in cfg.corpora:
        for entry in CORPORA[corpus.reader](corpus):
            if isinstance(entry, Note):
                ledger.note(entry.name, entry.detail)
                continue
            ledger.read += 1
            yield entry if isinstance(entry, Reject) else _tidy(corpus.name, entry, cfg, ledger)


def _tidy(
    corpus: str, raw: RawClip, cfg: IngestConfig, ledger: "_Ledger"
) -> tuple[str, RawClip] | Reject:
    """Bring labels and caption into one form: lower-case labels, captions of bounded length."""
    labels = dict.fromkeys(clean_text(label).lower() for label in raw.labels)
    short = tuple(label for label in labels if 0 < len(label) <= _MAX_LABEL_CHARS)
    caption = clean_text(raw.caption or "")
    cut = _cut_words(caption, cfg.max_caption_words)
    ledger.note("label_dropped", count=len(labels) - len(short))
    ledger.note("caption_cut", count=cut != caption)
    if not cut and not short:
        return Reject(f"{corpus}/{raw.source_id}", "no_text", "neither a caption nor a label")
    return corpus, replace(raw, labels=short, caption=cut or None)


def _cut_words(text: str, most: int) -> str:
    words = text.split()
    return (" ".join(words[:most]) if len(words) > most else text)[: most * _WORD_CHARS]


# ---- audio -----------------------------------------------------------------------------------


def _listen(
    raws: Sequence[tuple[str, RawClip]], cfg: IngestConfig, workers: int, ledger: "_Ledger"
) -> Iterator[Heard | Reject]:
    """Decode all files, in order; threads do, since libsndfile and the hash release the GIL."""
    progress = Progress("ingest", len(raws), "clips", ledger.log)
    with ThreadPoolExecutor(workers) as pool:
        for start in range(0, len(raws), _BATCH):
            for result in pool.map(partial(_hear, cfg), raws[start : start + _BATCH]):
                ledger.note("cropped", count=isinstance(result, Heard) and result.facts.cropped)
                yield result
                progress.tick()


def _hear(cfg: IngestConfig, named: tuple[str, RawClip]) -> Heard | Reject:
    corpus, raw = named
    where = f"{corpus}/{raw.source_id}"
    if raw.path is None:
        return Reject(where, "missing_audio", "the row names no audio file")
    try:
        facts = probe(raw.path, cfg.max_duration_s)
    except AudioFileError as exc:
        return Reject(where, exc.reason, str(exc))
    if facts.duration_s < cfg.min_duration_s:
        found = f"{facts.duration_s:.3f} s, ingest.min_duration_s is {cfg.min_duration_s}"
        return Reject(where, "too_short", found)
    if facts.peak < _SILENCE:
        return Reject(where, "silent", "no sample differs from zero by a 16-bit step")
    return Heard(corpus, raw, raw.path, facts)


# ---- split -----------------------------------------------------------------------------------


def choose_sides(
    clips: Sequence[Heard], splits: Splits, rng_seed: int
) -> Iterator[tuple[Heard, str] | Reject]:
    """Yield each clip with its side; clips that share a recording or a sound are on one side.

    A side that the table gives counts for the whole group; where it gives two, rows of the side
    that comes later in SIDES are rejected. Other groups go by the hash of their smallest recording
    against the shares, so clips that are added don't move those that were there.
    """
    groups = unite(clip.keys for clip in clips)
    given: dict[Key, str] = {}
    for clip in clips:
        if clip.raw.split:
            group = groups[clip.keys[0]]
            given[group] = min(clip.raw.split, given.get(group, "train"), key=SIDES.index)
    for clip in clips:
        group = groups[clip.keys[0]]
        side = given.get(group) or _drawn_side(unit(rng_seed, "split", group[1]), splits)
        if clip.raw.split in (None, side):
            yield clip, side
        else:
            detail = f"given to {clip.raw.split}, but its recording or sound is in {side} too"
            yield Reject(clip.name, "split_leak", detail)


def unite(key_sets: Iterable[Sequence[Key]]) -> dict[Key, Key]:
    """Return for each key the smallest key of its group; keys that occur together are one group."""
    parent: dict[Key, Key] = {}

    def root(key: Key) -> Key:
        while parent.setdefault(key, key) != key:
            parent[key] = parent[parent[key]]
            key = parent[key]
        return key

    for keys in key_sets:
        roots = [root(key) for key in keys]
        for other in roots:
            parent[other] = min(roots)
    return {key: root(key) for key in list(parent)}


def _drawn_side(drawn: float, splits: Splits) -> str:
    if drawn < splits.test:
        return "test"
    return "validation" if drawn < splits.test + splits.validation else "train"


def drop_repeats(sided: Iterable[tuple[Heard, str]]) -> Iterator[tuple[Heard, str] | Reject]:
    """Yield the first clip of each sound, and a Reject for every later one."""
    first: dict[str, Heard] = {}
    for clip, side in sided:
        original = first.setdefault(clip.facts.audio_hash, clip)
        if original is clip:
            yield clip, side
        else:
            yield Reject(clip.name, "duplicate_audio", f"same sound as {original.name}")


# ---- rows ------------------------------------------------------------------------------------


def _to_row(clip: Heard, side: str) -> Row:
    return {
        "clip_id": digest(clip.corpus, clip.raw.source_id, 0),
        "audio_hash": clip.facts.audio_hash,
        "corpus": clip.corpus,
        "source_id": clip.raw.source_id,
        "recordings": [clip.recording],
        "split": side,
        "path": stored_path(clip.path),
        "duration_s": clip.facts.duration_s,
        "sample_rate_hz": clip.facts.sample_rate_hz,
        "channels": clip.facts.channels,
        "labels": list(clip.raw.labels),
        "caption": clip.raw.caption,
        "licence": clip.raw.licence,
        "source": clip.raw.source,
        "parts": [],
    }


def _make_all_scenes(
    rows: list[Row],
    cfg: IngestConfig,
    rng_seed: int,
    scenes_dir: Path,
    workers: int,
    ledger: "_Ledger",
) -> list[Row]:
    scenes: list[Row] = []
    for split in reversed(SIDES):
        wanted: int = getattr(cfg.scenes, split)
        if not wanted:
            continue
        made = make_scenes(
            rows,
            cfg.scenes,
            split=split,
            count=wanted,
            rng_seed=rng_seed,
            out_dir=scenes_dir,
            workers=workers,
            tick=Progress(f"ingest, {split}", wanted, "scenes", ledger.log).tick,
        )
        if missing := wanted - len(made):
            detail = f"{missing} {split} scenes not made: too few clips with labels that differ"
            ledger.note("scenes_missing", detail, missing)
        scenes += made
    return scenes


# ---- ledger ----------------------------------------------------------------------------------


class _Ledger:
    """What became of every row."""

    def __init__(self, log: Log) -> None:
        self.log = log
        self.read = 0
        self._rejects: list[Reject] = []
        self._notes: Counter[str] = Counter()

    def sift(self, items: Iterable[T | Reject]) -> Iterator[T]:
        """Yield what isn't a Reject, and write down the Rejects."""
        for item in items:
            if isinstance(item, Reject):
                self._rejects.append(item)
            else:
                yield item

    def note(self, name: str, detail: str | None = None, count: int = 1) -> None:
        """Count something done to rows that are kept."""
        if count:
            self._notes[name] += count
        if detail:
            self.log(f"ingest: {detail}")

    def nothing_left(self) -> str:
        """Return why no row is left, with the first reject as an example."""
        if not self._rejects:
            return "ingest.corpora: no rows; is the metadata empty?"
        reasons = ", ".join(f"{k} {n}" for k, n in self._reasons().items())
        first = self._rejects[0]
        example = f"the first, {first.where}: {first.detail}"
        return f"ingest.corpora: none of {self.read} rows can be used ({reasons}); {example}"

    def _reasons(self) -> dict[str, int]:
        return dict(sorted(Counter(reject.reason for reject in self._rejects).items()))

    def close(self, *, clips: int, scenes: int) -> dict[str, Any]:
        """Return the counts and the rejected rows as JSON-able data, and say the counts."""
        rejected = self._reasons()
        counts = {"in": self.read, "out": clips, "scenes": scenes, "rejected": rejected}
        notes = dict(sorted(self._notes.items()))
        self.log(f"ingest: {self.read} rows in, {clips} clips and {scenes} scenes out")
        for what, found in (("rejected", rejected), ("noted", notes)):
            if found:
                self.log(f"ingest: {what}: " + ", ".join(f"{k} {n}" for k, n in found.items()))
        rows = [{"where": r.where, "reason": r.reason, "detail": r.detail} for r in self._rejects]
        return {**counts, "notes": notes, "rows": rows}
