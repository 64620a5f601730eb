"""Ingest: corpora become clips, each on one side of the split, and every row left out is named."""

import shutil
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from balsa_pipe.config import IngestConfig
from balsa_pipe.corpora.base import Reject
from balsa_pipe.corpus_config import Corpus
from balsa_pipe.database import database
from balsa_pipe.errors import CorpusError
from balsa_pipe.files import whole
from balsa_pipe.ingest.facts_cache import FactsCache
from balsa_pipe.ingest.held_out import HeldOut
from balsa_pipe.ingest.ledger import Ledger, Log
from balsa_pipe.ingest.listening import Listener
from balsa_pipe.ingest.reading import read_clips, require_names
from balsa_pipe.ingest.sides import SIDES, Draw, Verdicts, settle
from balsa_pipe.progress import Progress
from balsa_pipe.scenes import make_scenes, sketch_scenes
from balsa_pipe.schemas import CLIP, Row
from balsa_pipe.shards import count_rows, read_batches, shard_writer

Facts = Mapping[str, object]

_SPLIT = CLIP.get_field_index("split")


@dataclass(frozen=True, slots=True)
class Places:
    """Where ingest writes."""

    clips: Path
    rejects: Path  # every row left out, as JSON lines
    scenes: Path
    audio_facts: Path  # a cache, which outlives the job


@dataclass(frozen=True, slots=True)
class _Run:
    """What every step needs."""

    cfg: IngestConfig
    rng_seed: int
    draw: Draw
    ledger: Ledger
    cache: FactsCache
    workers: int
    scratch: Path
    listen: bool


def ingest_clips(
    cfg: IngestConfig,
    places: Places,
    *,
    rng_seed: int,
    workers: int,
    log: Log,
    facts: Facts | None = None,
    listen: bool = True,
) -> dict[str, Any]:
    """Write the clips of all corpora and the scenes made of them; return the ledger.

    Rows pass through in batches, so memory does not grow with their number, unless scenes are made.
    Not to listen is quick and says how large a run would be: no file is opened, and scenes are
    sketches. Raises CorpusError when no row becomes a clip.
    """
    require_names([*cfg.corpora, *cfg.held_out])
    with _started(cfg, places, rng_seed, workers, log, listen) as run:
        guard = _hold_out(run)
        found = run.scratch / "found.parquet"
        read = read_clips(cfg.corpora, cfg, run.draw, run.ledger)
        _write(found, guard.sift(_heard(run, cfg.corpora, read), run.ledger), facts)
        run.ledger.say_corpora()
        verdicts = settle(found, run.draw)
        clips = count_rows(found) - len(verdicts.left_out)
        if not clips:
            raise CorpusError(run.ledger.nothing_left())
        if verdicts:
            amended = run.scratch / "amended.parquet"
            _write(amended, _amend(found, verdicts, run.ledger), facts)
            found = amended
        scenes = _make_scenes(run, found, places.scenes)
        if scenes:
            mixed = run.scratch / "mixed.parquet"
            made = pa.RecordBatch.from_pylist(scenes, CLIP)
            _write(mixed, chain(read_batches(found), [made]), facts)
            found = mixed
        ledger = run.ledger.close(clips=clips, scenes=len(scenes))
        found.replace(places.clips)
        return ledger | {"held_out": len(guard)}


@contextmanager
def _started(
    cfg: IngestConfig, places: Places, rng_seed: int, workers: int, log: Log, listen: bool
) -> Iterator[_Run]:
    """Yield what every step needs; what they leave in the scratch folder goes with it."""
    with (
        _scratch(places.clips.with_name(f".{places.clips.name}.scratch")) as scratch,
        whole(places.rejects) as partial,
        partial.open("w", encoding="utf-8") as rejects,
        FactsCache(places.audio_facts) as cache,
        database({}) as db,
    ):
        draw, ledger = Draw(db, cfg.splits, rng_seed), Ledger(rejects, log)
        yield _Run(cfg, rng_seed, draw, ledger, cache, workers, scratch, listen)


@contextmanager
def _scratch(folder: Path) -> Iterator[Path]:
    """Yield an empty folder that is gone afterwards; what a killed run has left goes first."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _hold_out(run: _Run) -> HeldOut:
    """Return the guard that knows the clips of the evaluation sets; files and texts may be missing."""
    guard = HeldOut()
    cfg = run.cfg.model_copy(update={"missing_audio": "keep"})
    run = replace(run, cfg=cfg, ledger=run.ledger.of_others("held out"))
    read = read_clips(cfg.held_out, cfg, run.draw, run.ledger, texts=False)
    guard.add_sounds(_heard(run, cfg.held_out, guard.add_recordings(read)))
    run.ledger.say_corpora()
    return guard


def _heard(
    run: _Run, corpora: list[Corpus], read: Iterator[pa.RecordBatch]
) -> Iterator[pa.RecordBatch]:
    """Yield clips with the facts of their audio, if any corpus has audio."""
    if not run.listen or all(corpus.root is None for corpus in corpora):
        yield from read
        return
    path = run.scratch / "read.parquet"  # so that the number of files is known
    _write(path, read)
    files = sum(len(batch) - batch.column(0).null_count for batch in read_batches(path, ["path"]))
    listener = Listener(run.cfg, run.cache, run.workers, run.ledger)
    yield from listener.listen(read_batches(path), files)


def _write(path: Path, batches: Iterable[pa.RecordBatch], facts: Facts | None = None) -> None:
    with shard_writer(path, CLIP, facts=facts) as write:
        for batch in batches:
            write(batch)


def _amend(path: Path, verdicts: Verdicts, ledger: Ledger) -> Iterator[pa.RecordBatch]:
    """Yield a file's clips on their final sides; those that are left out go to the ledger."""
    names: dict[int, str] = {}
    originals = {one.like for one in verdicts.left_out.values()}
    first = 0
    for batch in read_batches(path):
        rows = range(first, first + batch.num_rows)
        first += batch.num_rows
        for row, clip in zip(rows, batch.select(["corpus", "source_id"]).to_pylist(), strict=True):
            name = f"{clip['corpus']}/{clip['source_id']}"
            if row in originals:
                names[row] = name
            if out := verdicts.left_out.get(row):
                like = "" if out.like is None else f" {names[out.like]}"
                ledger.reject(Reject(name, out.reason, out.detail + like))
        sides = [verdicts.moved.get(row) for row in rows]
        column = pc.coalesce(pa.array(sides, pa.string()), batch.column("split"))
        batch = batch.set_column(_SPLIT, CLIP.field(_SPLIT), column)
        yield batch.filter(pa.array([row not in verdicts.left_out for row in rows]))


def _make_scenes(run: _Run, clips: Path, folder: Path) -> list[Row]:
    """Return the scenes that the config asks for, mixed from the clips of a file."""
    wanted = {split: getattr(run.cfg.scenes, split) for split in reversed(SIDES)}
    if not any(wanted.values()):
        return []
    rows = [row for batch in read_batches(clips) for row in batch.to_pylist()]
    scenes: list[Row] = []
    for split, count in wanted.items():
        which: Any = {"split": split, "count": count, "rng_seed": run.rng_seed}
        if run.listen:
            tick = Progress(f"ingest, {split}", count, "scenes", run.ledger.log).tick
            made = make_scenes(
                rows, run.cfg.scenes, **which, out_dir=folder, workers=run.workers, tick=tick
            )
        else:
            made = sketch_scenes(rows, run.cfg.scenes, **which)
        if missing := count - len(made):
            detail = f"{missing} {split} scenes not made: too few clips with labels that differ"
            run.ledger.note("scenes_missing", detail, missing)
        scenes += made
    return scenes
