"""What a run would ask, without the run: clips read from the metadata, seed prompts of some or all."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

from balsa_pipe.compose import active_tasks, compose_seed_prompts, prompt_names
from balsa_pipe.config import ComposeConfig, PipelineConfig
from balsa_pipe.hashing import ranked
from balsa_pipe.ingest import Places, ingest_clips
from balsa_pipe.prompts import load_book
from balsa_pipe.schemas import CLIP, Row
from balsa_pipe.shards import read_shard
from balsa_pipe.tasks.common import COMPOSED_SPLITS
from balsa_pipe.workflow import asset_stamps, metadata_files, stage_json

Log = Callable[[str], None]

MOST_ROWS = 2500
"""Seed prompts that are written for an estimate; more would take longer and tell no more."""


@dataclass(frozen=True, slots=True)
class Draft:
    """Seed prompts of a run's clips, or of a share of them that was drawn by hash."""

    rows: list[Row]
    clips: int  # of the run, those of the test split too
    clips_bytes: int
    stands_for: dict[str, float]  # split: how many rows of the run one row here stands for
    notes: list[str]  # what differs from the run's own rows

    def weight(self, row: Row) -> float:
        """Return how many rows of the run a row stands for."""
        return self.stands_for[row["split"]]


def run_folder(cfg: PipelineConfig) -> Path:
    """Return where the workflow writes a run."""
    return Path("data") / cfg.run


def draft_rows(cfg: PipelineConfig, log: Log, most_rows: int = MOST_ROWS) -> Draft:
    """Return the seed prompts that a run would have; of many clips, those of some are written.

    The clips are those of the run's folder if they are fresh; else the metadata are read into a
    temporary folder, without listening. Raises CorpusError and PromptError as the stages do.
    """
    kept = run_folder(cfg) / "clips.parquet"
    if is_fresh(cfg, "ingest", kept):
        found = Draft([], 0, kept.stat().st_size, {}, [f"the clips are those of {kept}"])
        return _composed(cfg, found, read_shard(kept, CLIP), most_rows)
    with TemporaryDirectory(prefix="balsa-") as name:
        folder = Path(name)
        clips = folder / "clips.parquet"
        places = Places(clips, folder / "rejects", folder / "scenes", folder / "facts.sqlite")
        ingest_clips(cfg.ingest, places, rng_seed=cfg.rng_seed, workers=1, log=log, listen=False)
        found = Draft([], 0, clips.stat().st_size, {}, _unheard(cfg))
        return _composed(cfg, found, read_shard(clips, CLIP), most_rows)


def is_fresh(cfg: PipelineConfig, stage: str, output: Path) -> bool:
    """Tell whether a stage has written a file from this config and, if it ingests, these metadata."""
    section = run_folder(cfg) / "config" / f"{stage}.json"
    try:
        if section.read_text(encoding="utf-8").strip() != stage_json(cfg, stage).strip():
            return False
        sources = [section]
        if stage == "ingest":
            sources += map(Path, [*metadata_files(cfg), *asset_stamps(cfg)])
        written = output.stat().st_mtime_ns
        return all(source.stat().st_mtime_ns <= written for source in sources)
    except OSError:
        return False


def _unheard(cfg: PipelineConfig) -> list[str]:
    """Return what isn't known of clips before they are listened to."""
    notes = []
    if any(corpus.root is not None for corpus in cfg.ingest.corpora):
        notes.append(
            "no audio was opened: clips that ingest will find silent, too short, missing or twice "
            "are counted"
        )
    if any(getattr(cfg.ingest.scenes, split) for split in ("train", "validation", "test")):
        notes.append("scenes are sketches: as many, of the same recordings, but not their ids")
    return notes


def _composed(cfg: PipelineConfig, found: Draft, clips: list[Row], most_rows: int) -> Draft:
    chosen = _some(clips, most_rows / max(_rows_a_clip(cfg.compose), 1e-9))
    book = load_book(cfg.compose.prompts, prompt_names(cfg.compose))
    rows = compose_seed_prompts(chosen, book, cfg.compose, rng_seed=cfg.rng_seed)
    stands_for = {
        split: _count(clips, split) / max(_count(chosen, split), 1) for split in COMPOSED_SPLITS
    }
    notes = found.notes
    if len(chosen) < len(clips):
        notes = [
            *notes,
            f"seed prompts were written for {len(chosen)} of {len(clips)} clips, drawn by hash, "
            "and counts are scaled up from them; absent sounds and partners come from among them",
        ]
    return replace(found, rows=rows, clips=len(clips), stands_for=stands_for, notes=notes)


def _rows_a_clip(cfg: ComposeConfig) -> float:
    """Return how many rows a training clip has at most, over all tasks."""
    tasks = cfg.tasks
    single: list[float] = [
        getattr(tasks, task).rows for task in active_tasks(cfg) if task != "presence_qa"
    ]
    return sum(single) + 2 * tasks.presence_qa.pairs


def _some(clips: Sequence[Row], most: float) -> Sequence[Row]:
    """Return all clips, or a share of each split, at least one of each."""
    if len(clips) <= most:
        return clips
    share = most / len(clips)
    return [
        clip
        for split in sorted({clip["split"] for clip in clips})
        for clip in _first(_in_hash_order(clips, split), share)
    ]


def _in_hash_order(clips: Sequence[Row], split: str) -> list[Row]:
    """Return the clips of a split in hash order."""
    members = (clip for clip in clips if clip["split"] == split)
    return ranked(members, "draft", key=lambda clip: clip["clip_id"])


def _first(clips: Sequence[Row], share: float) -> Sequence[Row]:
    return clips[: max(1, round(share * len(clips)))]


def _count(clips: Sequence[Row], split: str) -> int:
    return sum(clip["split"] == split for clip in clips)
