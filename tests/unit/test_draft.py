"""What a run would ask, told before the run: whole for a small corpus, scaled up for a large one."""

import json
import os
from pathlib import Path
from typing import Any

import pytest
import yaml

from balsa_pipe.compose import compose_seed_prompts, prompt_names
from balsa_pipe.config import PipelineConfig, parse_config
from balsa_pipe.draft import draft_rows, is_fresh
from balsa_pipe.ingest import Places, ingest_clips
from balsa_pipe.prompts import load_book
from balsa_pipe.schemas import CLIP
from balsa_pipe.shards import read_shard
from balsa_pipe.workflow import stage_json

TINY = Path("configs/tiny.yaml").resolve()


def tiny_config(tiny: Path, **changes: Any) -> PipelineConfig:
    """Return the tiny config, with a test's own models and sounds."""
    data: dict[str, Any] = yaml.safe_load(TINY.read_text())
    text = json.dumps(data | changes).replace("data/assets/tiny", str(tiny))
    cfg = json.loads(text)
    cfg["compose"] = {**cfg["compose"], "prompts": str(TINY.parent / "prompts")}
    return parse_config(cfg)


def quiet(_line: str) -> None:
    """Say nothing."""


def ingest_run(cfg: PipelineConfig, *, listen: bool = True) -> Path:
    """Write the clips of a run, and the config that they came from, as the workflow does."""
    folder = Path("data") / cfg.run
    (folder / "config").mkdir(parents=True)
    (folder / "config/ingest.json").write_text(stage_json(cfg, "ingest") + "\n")
    places = Places(
        folder / "clips.parquet", folder / "rejects", folder / "scenes", folder / "a.sqlite"
    )
    ingest_clips(cfg.ingest, places, rng_seed=cfg.rng_seed, workers=1, log=quiet, listen=listen)
    return places.clips


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_a_draft_has_as_many_rows_as_the_run(tiny: Path, tmp_path: Path) -> None:
    cfg = tiny_config(tiny)
    draft = draft_rows(cfg, quiet)
    assert not list(tmp_path.iterdir())
    assert any("no audio was opened" in note for note in draft.notes)
    assert any("scenes are sketches" in note for note in draft.notes)
    clips = read_shard(ingest_run(cfg), CLIP)
    book = load_book(cfg.compose.prompts, prompt_names(cfg.compose))
    rows = compose_seed_prompts(clips, book, cfg.compose, rng_seed=cfg.rng_seed)
    assert draft.clips == len(clips)
    assert draft.stands_for == {"train": 1.0, "validation": 1.0}
    assert abs(len(draft.rows) - len(rows)) <= 0.05 * len(rows)

    kept = draft_rows(cfg, quiet)
    assert kept.rows == rows
    assert kept.notes == ["the clips are those of data/tiny/clips.parquet"]


def test_clips_of_another_config_are_not_read(tiny: Path) -> None:
    cfg = tiny_config(tiny)
    clips = ingest_run(cfg, listen=False)
    assert is_fresh(cfg, "ingest", clips)
    assert not is_fresh(tiny_config(tiny, rng_seed=4), "ingest", clips)
    assert not is_fresh(cfg, "synthesize", clips)
    later = clips.stat().st_mtime_ns + 10**9
    section = Path("data/tiny/config/ingest.json")
    os.utime(section, ns=(later, later))
    assert not is_fresh(cfg, "ingest", clips)


def test_of_many_clips_some_stand_for_all(tiny: Path) -> None:
    cfg = tiny_config(tiny)
    whole, part = draft_rows(cfg, quiet), draft_rows(cfg, quiet, most_rows=200)
    assert len(part.rows) < 0.7 * len(whole.rows)
    assert part.clips == whole.clips
    assert "drawn by hash, and counts are scaled up" in part.notes[-1]
    scaled = sum(map(part.weight, part.rows))
    assert scaled == pytest.approx(len(whole.rows), rel=0.25)
    assert part == draft_rows(cfg, quiet, most_rows=200)
