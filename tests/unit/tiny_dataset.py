"""A finished dataset's folder, as curate leaves it, made of a few samples."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sample_rows import make_clip, make_sample

from balsa_pipe.card import dataset_files
from balsa_pipe.card.provenance import STAGES
from balsa_pipe.config import CurateConfig
from balsa_pipe.curate import SPLITS, curate_samples
from balsa_pipe.prompts import Prompt
from balsa_pipe.schemas import DATASET_ROW, SAMPLE, Row
from balsa_pipe.shards import write_shard

CLIPS = {"in": 9, "out": 6, "scenes": 1, "rejected": {"too_long": 2}, "notes": {}, "held_out": 5}
PROMPTS = Path("configs/prompts").resolve()
QUESTION = "Describe the audio in one sentence."
HASH = Prompt.load(PROMPTS / "caption.yaml", "caption").template_hash("describe")

SAMPLES = [
    make_sample("a1", template_id="caption/describe", template_hash=HASH, question=QUESTION),
    make_sample("a2", template_id="caption/describe", template_hash=HASH, question=QUESTION),
    make_sample("c3", "", reject_reason="empty"),
    make_sample(
        "d4",
        "There is no cat in this clip.",
        task="absence",
        split="validation",
        strategy="popular",
        template_id="absence/rule_out",
        question="Which sounds can you rule out?",
        expected={"present": ["dog"], "absent": ["cat"], "verdict": None},
        clips=[make_clip("clip-b", split="validation", licence="CC-BY-4.0", source="Bob")],
    ),
]


def make_dataset(run: Path, samples: Sequence[Row] = SAMPLES, **told: Any) -> Path:
    """Write samples, configs and dataset into a run's folder; return the dataset's.

    told: what the card tells besides, and `ingest`, the section of that stage's config.
    """
    ingest = told.pop("ingest", {"corpora": [], "held_out": []})
    sections = {"ingest": ingest, "compose": {"prompts": str(PROMPTS)}}
    (run / "config").mkdir(parents=True)
    for stage in STAGES:
        config = {"stage": stage, "run": "tiny", "rng_seed": 3, "code_version": 2}
        config[stage] = sections.get(stage, {})
        (run / "config" / f"{stage}.json").write_text(json.dumps(config))
    write_shard(run / "samples" / "00000.parquet", samples, SAMPLE)
    dataset = run / "dataset"
    with curate_samples(lambda columns: iter(samples), CurateConfig()) as curation:
        for split in SPLITS:
            write_shard(dataset / split / "00000.parquet", curation.rows(split), DATASET_ROW)
    about: dict[str, Any] = {"title": "Tiny data", "run": "tiny", "balsa_pipe": "1.0"}
    about |= {"ledger": curation.ledger, "clips": CLIPS, **told}
    for name, text in dataset_files(dataset, run / "config", about).items():
        (dataset / name).write_text(text)
    return dataset
