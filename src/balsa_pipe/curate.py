"""curate: which samples become the dataset, which of them say the same, and what was left out."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from balsa_pipe.config import CurateConfig
from balsa_pipe.errors import ShardError
from balsa_pipe.hashing import digest
from balsa_pipe.schemas import Row
from balsa_pipe.text import words

Ledger = dict[str, Any]

_PERMUTATIONS = 128
_SHINGLE_WORDS = 3


@dataclass(frozen=True, slots=True)
class CurateResult:
    """The dataset's rows by split, and the count of all rows that came in."""

    train: list[Row]
    validation: list[Row]
    ledger: Ledger


def curate_rows(samples: Iterable[Row], cfg: CurateConfig) -> CurateResult:
    """Return the kept samples as dataset rows, duplicates marked, in the order they came.

    Rejected samples stay in their shards with their reasons; the ledger counts them.
    """
    total: Counter[str] = Counter()
    rejected: dict[str, Counter[str]] = defaultdict(Counter)
    kept: list[Row] = []
    for sample in samples:
        total[sample["task"]] += 1
        if sample["reject_reason"] is None:
            kept.append({**sample, "duplicate_of": None})
        else:
            rejected[sample["task"]][sample["reject_reason"]] += 1
    duplicates = _mark_duplicates(kept, cfg.near_duplicate_jaccard)
    splits = _by_split(kept)
    ledger = {
        "in": total.total(),
        "out": len(kept),
        **{split: len(rows) for split, rows in splits.items()},
        "rejected": {task: dict(reasons.most_common()) for task, reasons in rejected.items()},
        "duplicates": {"exact": duplicates["exact"], "near": duplicates["near"]},
        "kept_share": {
            task: round(1 - rejected[task].total() / count, 4) for task, count in total.items()
        },
    }
    return CurateResult(splits["train"], splits["validation"], ledger)


def _by_split(rows: list[Row]) -> dict[str, list[Row]]:
    splits: dict[str, list[Row]] = {"train": [], "validation": []}
    for row in rows:
        if row["split"] not in splits:
            raise ShardError(
                f"samples: prompt {row['prompt_id']} is of split {row['split']!r}, expected train "
                "or validation: test clips are never taught; run the compose stage again"
            )
        splits[row["split"]].append(row)
    return splits


def _mark_duplicates(rows: list[Row], threshold: float) -> Counter[str]:
    """Set duplicate_of in rows that say what an earlier one says; return how many, by kind.

    Only rows of the same clips and task are compared, group by group, so that memory is bounded
    by the largest group and two recordings may well be described in the same words.
    """
    groups: dict[tuple[str, ...], list[Row]] = defaultdict(list)
    for row in rows:
        about = sorted(clip["clip_id"] for clip in row["clips"]) or [row["question"]]
        groups[(row["task"], *about)].append(row)
    kinds: Counter[str] = Counter()
    for group in groups.values():
        if len(group) > 1:
            kinds["exact"] += _mark_exact(group)
            kinds["near"] += _mark_near(group, threshold)
            _point_at_unique(group)
    return kinds


def _mark_exact(group: list[Row]) -> int:
    """Mark rows with the question and, but for case and punctuation, the response of another."""
    first: dict[tuple[str, ...], str] = {}
    marked = 0
    for row in group:
        said = (row["question"], *words(row["response"]))
        original = first.setdefault(said, row["prompt_id"])
        if original != row["prompt_id"]:
            row["duplicate_of"] = original
            marked += 1
    return marked


def _mark_near(group: list[Row], threshold: float) -> int:
    """Mark rows whose words are nearly those of an earlier row that asks for the same sounds."""
    from datasketch import MinHashLSH

    index = MinHashLSH(num_perm=_PERMUTATIONS, params=_bands(threshold))
    shingles: dict[str, frozenset[str]] = {}
    marked = 0
    for row in group:
        if row["duplicate_of"] is not None or row["prompt_id"] in shingles:
            continue
        name, mine = row["prompt_id"], _shingles(row)
        sketch = _sketch(mine)
        alike = [one for one in index.query(sketch) if _jaccard(mine, shingles[one]) >= threshold]
        if alike:
            row["duplicate_of"] = min(alike, key=list(shingles).index)
            marked += 1
        else:
            shingles[name] = mine
            index.insert(name, sketch)
    return marked


@lru_cache(maxsize=4)
def _bands(threshold: float) -> tuple[int, int]:
    """Return the bands and rows of an index that misses little; finding them takes a while.

    What it finds too much is measured exactly afterwards. Near 1 there would be one band only,
    which an index can't do with.
    """
    from datasketch import MinHashLSH

    wanted = min(threshold, 0.95)
    best = MinHashLSH(threshold=wanted, num_perm=_PERMUTATIONS, weights=(0.1, 0.9))
    return best.b, best.r


def _point_at_unique(group: list[Row]) -> None:
    """Let a copy of a near-duplicate point at what both are like."""
    original = {row["prompt_id"]: row["duplicate_of"] for row in group}
    for row in group:
        row["duplicate_of"] = original.get(row["duplicate_of"]) or row["duplicate_of"]


def _shingles(row: Row) -> frozenset[str]:
    """Return a row's runs of three words, each with the sounds asked for.

    Questions on two sounds share most words and mean different things, so they share no run.
    """
    tokens = [*words(row["question"]), *words(row["response"])]
    asked = digest(row["expected"])
    runs = range(max(1, len(tokens) - _SHINGLE_WORDS + 1))
    return frozenset(" ".join([asked, *tokens[at : at + _SHINGLE_WORDS]]) for at in runs)


def _sketch(shingles: Iterable[str]) -> Any:
    from datasketch import MinHash

    sketch = MinHash(num_perm=_PERMUTATIONS, seed=1)
    sketch.update_batch([shingle.encode() for shingle in sorted(shingles)])
    return sketch


def _jaccard(one: frozenset[str], other: frozenset[str]) -> float:
    return len(one & other) / len(one | other)
