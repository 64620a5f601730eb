"""How good the text of a run is: every figure of docs/quality.md, from one command.

Run: python benchmarks/quality.py data/demo [data/real ...] [--json | --markdown] [--show 5]

Reads samples/ and dataset/ of each run folder. Exit code 1 when an aim is missed: no contradiction
in presence_qa, in less than 1 % of the kept rows of any other task, no negative that is there.
"""

import argparse
import json
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from contradictions import KINDS, contradictions
from diversity import distinct, self_bleu, words
from negatives import NEGATIVES_TOLD, WRONG, asks_for_no_sound, wrong_negatives

from balsa_pipe.database import Database, database, stream
from balsa_pipe.errors import BalsaError
from balsa_pipe.inspection.table import render_table
from balsa_pipe.schemas import Row
from balsa_pipe.shards import list_shards, read_batches

MEMORY = "1GB"  # of DuckDB; what doesn't fit goes to a temporary folder
BATCH_ROWS = 512
CHECKED = ["task", "clips", "question", "response", "expected", "reject_reason"]

COUNTS = """
SELECT task, count(*) AS rows, count(*) FILTER (reject_reason IS NULL) AS kept,
  count(DISTINCT template_id) AS wordings,
  count(DISTINCT response) FILTER (reject_reason IS NULL) AS replies,
  count(*) FILTER (reject_reason IS NULL) - count(DISTINCT
    hash(list_transform(clips, lambda clip: clip.clip_id), question, response)
  ) FILTER (reject_reason IS NULL) AS duplicates,
  quantile_disc(length(string_split(trim(response), ' ')), [0.05, 0.5, 0.95])
    FILTER (reject_reason IS NULL) AS words,
  count(*) FILTER (reject_reason IS NULL AND expected.verdict = 'yes') AS yes,
  count(*) FILTER (reject_reason IS NULL AND expected.verdict IS NOT NULL) AS closed
FROM samples GROUP BY task ORDER BY task
"""
REASONS = """
SELECT task, reject_reason AS reason, count(*) AS n FROM samples
WHERE reject_reason IS NOT NULL GROUP BY ALL ORDER BY task, n DESC, reason
"""
STRATEGIES = """
SELECT task, strategy, count(*) AS n FROM samples
WHERE strategy IS NOT NULL GROUP BY ALL ORDER BY task, n DESC, strategy
"""
BOTH_ORDERS = """
SELECT task, avg((n > 1)::INT) AS share FROM (
  SELECT task, least(one, other) AS a, greatest(one, other) AS b, count(DISTINCT one) AS n FROM (
    SELECT task, clips[1].clip_id AS one, clips[2].clip_id AS other FROM samples
    WHERE len(clips) = 2
  ) GROUP BY ALL
) GROUP BY task
"""
DRAWN = """
SELECT response FROM samples WHERE task = $task AND reject_reason IS NULL
ORDER BY md5(prompt_id), prompt_id LIMIT $n
"""
MARKED = "SELECT count(*) AS rows, count(duplicate_of) AS marked FROM dataset"


@dataclass
class Found:
    """What the independent checker found in the rows, counted."""

    rows: Counter[str] = field(default_factory=Counter)  # kept rows with a contradiction, by task
    kinds: Counter[tuple[str, str]] = field(default_factory=Counter)  # by task and kind
    negatives: Counter[str] = field(default_factory=Counter)
    n_negatives: int = 0
    no_sounds: int = 0
    examples: list[Row] = field(default_factory=list)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("runs", type=Path, nargs="+", metavar="RUN_FOLDER")
    parser.add_argument("--sample", type=int, default=500, help="replies a task for self-BLEU")
    parser.add_argument("--show", type=int, default=0, help="examples of each kind of finding")
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="one line of JSON")
    form.add_argument("--markdown", action="store_true", help="tables as in docs/quality.md")
    args = parser.parse_args()
    try:
        measured = [measure(run, args.sample, args.show) for run in args.runs]
    except BalsaError as error:
        print(f"quality: {error}", file=sys.stderr)
        sys.exit(2)
    if args.json:
        print(json.dumps(measured))
    else:
        render = markdown if args.markdown else render_table
        print("\n".join(page(one, render) for one in measured))
    sys.exit(any(not aim["met"] for one in measured for aim in one["aims"]))


# ---- figures ---------------------------------------------------------------------------------


def measure(run: Path, n_drawn: int, n_shown: int) -> dict[str, Any]:
    """Return a run's figures; memory doesn't grow with its rows, but for a hash of each reply."""
    shards = list_shards(run / "samples")
    found = check(shards, n_shown)
    views = {"samples": shards}
    if (run / "dataset").is_dir():
        views["dataset"] = list_shards(run / "dataset")
    with database(views, memory=MEMORY) as db:
        counts = list(stream(db, COUNTS))
        orders = {row["task"]: row["share"] for row in stream(db, BOTH_ORDERS)}
        tasks = [task_figures(db, row, found, orders, n_drawn) for row in counts]
        reasons, strategies = list(stream(db, REASONS)), list(stream(db, STRATEGIES))
        marked = next(stream(db, MARKED)) if "dataset" in views else None
    return {
        "run": run.name,
        "tasks": tasks,
        "reject_reasons": reasons,
        "strategies": strategies,
        "contradictions": [
            {"task": task, "kind": kind, "what": KINDS[kind], "rows": n}
            for (task, kind), n in sorted(found.kinds.items())
        ],
        "negatives": {"drawn": found.n_negatives, **{way: found.negatives[way] for way in WRONG}},
        "no_sounds_asked": found.no_sounds,
        "dataset": marked,
        "sample": n_drawn,
        "aims": aims(tasks, found),
        "examples": found.examples,
    }


def check(shards: Sequence[Path], n_shown: int) -> Found:
    """Return what is wrong with the rows of shards, which are read in batches."""
    found = Found()
    for row in rows_of(shards):
        told = row["task"] in NEGATIVES_TOLD
        found.n_negatives += len(row["expected"]["absent"]) if told else 0
        found.no_sounds += row["task"] == "presence_qa" and asks_for_no_sound(row)
        for way, sound in wrong_negatives(row):
            found.negatives[way] += 1
            show(found, row, f"negative is {way}", sound, found.negatives[way] <= n_shown)
        faults = contradictions(row) if row["reject_reason"] is None else []
        found.rows[row["task"]] += bool(faults)
        for kind in {fault.kind for fault in faults}:
            found.kinds[row["task"], kind] += 1
            said = "; ".join(fault.words for fault in faults if fault.kind == kind)
            show(found, row, kind, said, found.kinds[row["task"], kind] <= n_shown)
    return found


def rows_of(shards: Sequence[Path]) -> Iterator[Row]:
    for shard in shards:
        for batch in read_batches(shard, CHECKED, batch_rows=BATCH_ROWS):
            yield from batch.to_pylist()


def show(found: Found, row: Row, kind: str, said: str, wanted: bool) -> None:
    """Keep an example, where one is wanted."""
    if wanted:
        known = [f"{', '.join(clip['labels'])} {clip['captions']}" for clip in row["clips"]]
        about = {"task": row["task"], "kind": kind, "words": said, "question": row["question"]}
        found.examples.append(about | {"response": row["response"], "clips": " | ".join(known)})


def task_figures(
    db: Database, counts: Row, found: Found, orders: dict[str, float], n_drawn: int
) -> dict[str, Any]:
    task, kept = counts["task"], counts["kept"]
    drawn = stream(db, DRAWN, {"task": task, "n": n_drawn})
    texts = [words(row["response"]) for row in drawn]
    return {
        "task": task,
        "rows": counts["rows"],
        "kept": kept,
        "kept_%": percent(kept, counts["rows"]),
        "contradictions": found.rows[task],
        "contradictions_%": percent(found.rows[task], kept, 2),
        "wordings": counts["wordings"],
        "replies": counts["replies"],
        "duplicates": counts["duplicates"],
        "distinct_1": round(distinct(texts, 1), 3),
        "distinct_2": round(distinct(texts, 2), 3),
        "self_bleu": round(self_bleu(texts), 3),
        "words_p5_p50_p95": " ".join(map(str, counts["words"] or [])),
        "yes_%": percent(counts["yes"], counts["closed"]) if counts["closed"] else None,
        "both_orders_%": percent(orders[task], 1) if task in orders else None,
    }


def percent(part: float, whole: float, digits: int = 1) -> float:
    return round(100 * part / whole, digits) if whole else 0.0


def aims(tasks: Sequence[dict[str, Any]], found: Found) -> list[dict[str, Any]]:
    """Return what is aimed at, what was found, and whether that is enough."""
    rows = []
    for figures in tasks:
        n, kept = figures["contradictions"], figures["kept"]
        strict = figures["task"] == "presence_qa"
        wanted = "0" if strict else "< 1 %"
        met = n == 0 if strict else 100 * n < max(kept, 1)
        told = f"{n} of {kept}"
        rows.append(
            {"aim": f"contradictions in {figures['task']}", "wanted": wanted, "found": told}
        )
        rows[-1]["met"] = met
    wrong = found.negatives.total()
    told = f"{wrong} of {found.n_negatives}"
    return [
        *rows,
        {"aim": "negatives that are there", "wanted": "0", "found": told, "met": not wrong},
    ]


# ---- pages -----------------------------------------------------------------------------------


def page(figures: dict[str, Any], render: Any) -> str:
    """Return a run's figures as tables with titles."""
    tables = {
        f"{figures['run']}: replies (distinct-n and self-BLEU on {figures['sample']} a task at most)": (
            figures["tasks"]
        ),
        "rejected": figures["reject_reasons"],
        "contradictions among kept rows": figures["contradictions"],
        "negatives that are there": [figures["negatives"]],
        "strategies": figures["strategies"],
        "examples": figures["examples"],
        "aims": [aim | {"met": "yes" if aim["met"] else "MISSED"} for aim in figures["aims"]],
    }
    parts = [f"{title}\n\n{render(rows)}" for title, rows in tables.items() if rows]
    asked = figures["no_sounds_asked"]
    parts.insert(-1, f"questions on a heading, a place or silence: {asked}\n")
    if marked := figures["dataset"]:
        parts.insert(
            -1, f"dataset: {marked['rows']} rows, {marked['marked']} marked as duplicates\n"
        )
    return "\n".join(parts)


def markdown(rows: list[Row]) -> str:
    """Return rows as a Markdown table."""
    names = list(rows[0])
    cells = [["" if row[name] is None else str(row[name]) for name in names] for row in rows]
    lines = [names, ["---"] * len(names), *cells]
    escaped = [[cell.replace("|", "\\|") for cell in line] for line in lines]
    return "".join(f"| {' | '.join(line)} |\n" for line in escaped)


if __name__ == "__main__":
    main()
