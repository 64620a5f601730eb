"""Whether published metadata files are read whole: what their publishers promise, and what is read.

Run: python benchmarks/real_files.py FOLDER   (audioset/, audiocaps/ and fsd50k/, any of them)
"""

import argparse
import csv
import json
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa

from balsa_pipe.corpora import CORPORA
from balsa_pipe.corpora.base import RawClip, Reject
from balsa_pipe.corpus_config import AudioCapsCorpus, AudioSetCorpus, Fsd50kCorpus
from balsa_pipe.inspection.table import render_table
from balsa_pipe.ontology import audioset

Counts = dict[str, int]


def read_corpus(cfg: AudioSetCorpus | AudioCapsCorpus | Fsd50kCorpus) -> Counts:
    """Return what a reader makes of a file: clips, labels, captions, and rows that it can't use."""
    counts: Counter[str] = Counter(clips=0, labels=0, captions=0, rejected=0)
    for one in CORPORA[cfg.reader].read(cfg):
        if isinstance(one, pa.RecordBatch):
            counts["clips"] += one.num_rows
            counts["labels"] += len(one.column("labels").values)
            counts["captions"] += len(one.column("captions").values)
        elif isinstance(one, RawClip):
            counts.update(clips=1, labels=len(one.labels), captions=len(one.captions))
        elif isinstance(one, Reject):
            counts["rejected"] += 1
    return dict(counts)


def segments(path: Path) -> Counts:
    return read_corpus(AudioSetCorpus(reader="audioset", metadata=[path]))


def captions(path: Path) -> Counts:
    return read_corpus(AudioCapsCorpus(reader="audiocaps", metadata=[path]))


def freesound(path: Path) -> Counts:
    return read_corpus(Fsd50kCorpus(reader="fsd50k", metadata=[path]))


def published_ontology(path: Path) -> Counts:
    """Return the file's own counts, and how many of its nodes the package's table has alike."""
    nodes = json.loads(path.read_text(encoding="utf-8"))
    parents: Counter[str] = Counter(child for node in nodes for child in node["child_ids"])
    ours = audioset().sounds
    alike = [
        node["id"] in ours
        and ours[node["id"]].name == node["name"]
        and ours[node["id"]].restrictions == frozenset(node["restrictions"])
        and all(node["id"] in ours[child].parents for child in node["child_ids"])
        for node in nodes
    ]
    return {
        "nodes": len(nodes),
        "roots": sum(node["id"] not in parents for node in nodes),
        "leaves": sum(not node["child_ids"] for node in nodes),
        "several_parents": sum(n > 1 for n in parents.values()),
        "unrestricted": sum(not node["restrictions"] for node in nodes),
        "blacklisted": sum(node["restrictions"] == ["blacklist"] for node in nodes),
        "abstract": sum(node["restrictions"] == ["abstract"] for node in nodes),
        "alike_in_the_package": sum(alike),
    }


def class_labels(path: Path) -> Counts:
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    ours = audioset().sounds
    named = [row["mid"] in ours and ours[row["mid"]].name == row["display_name"] for row in rows]
    return {"labels": len(rows), "named_alike_in_the_package": sum(named)}


def vocabulary(path: Path) -> Counts:
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file))
    named = [audioset().meanings(label.replace("_", " ")) == {mid} for _, label, mid in rows]
    return {"labels": len(rows), "named_alike_in_the_package": sum(named)}


FILES: dict[str, tuple[Callable[[Path], Counts], Counts]] = {
    "audioset/balanced_train_segments.csv": (
        segments,
        {"clips": 22_160, "labels": 52_882, "rejected": 0},
    ),
    "audioset/class_labels_indices.csv": (
        class_labels,
        {"labels": 527, "named_alike_in_the_package": 527},
    ),
    "audioset/ontology.json": (
        published_ontology,
        {
            "nodes": 632,
            "roots": 7,
            "leaves": 474,
            "several_parents": 38,
            "unrestricted": 543,
            "blacklisted": 66,
            "abstract": 22,
            "alike_in_the_package": 632,
        },
    ),
    "audiocaps/val.csv": (captions, {"clips": 495, "captions": 2475, "rejected": 0}),
    "fsd50k/dev_head.csv": (freesound, {"clips": 7, "labels": 35, "rejected": 0}),
    "fsd50k/vocabulary_extract.csv": (
        vocabulary,
        {"labels": 2, "named_alike_in_the_package": 2},
    ),
}
"""Each file: how it is counted, and what its publishers, or its own head, promise."""


def compared(folder: Path) -> list[dict[str, Any]]:
    """Return for each file that is there what is expected of it and what was found."""
    rows = []
    for name, (count, expected) in FILES.items():
        if (folder / name).is_file():
            found = count(folder / name)
            rows += [
                {"file": name, "what": what, "expected": n, "found": found[what]}
                for what, n in expected.items()
            ]
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    rows = compared(parser.parse_args().folder)
    print(render_table(rows), end="")
    sys.exit(not rows or any(row["expected"] != row["found"] for row in rows))


if __name__ == "__main__":
    main()
