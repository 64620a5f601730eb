"""What a dataset is mixed of, beside what its config asks for."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from balsa_pipe.compose import active_tasks
from balsa_pipe.config import (
    TASK_NAMES,
    Absence,
    ComposeConfig,
    PerPair,
    PresenceQa,
    TaskName,
    load_stage_config,
)
from balsa_pipe.database import Database, database, stream
from balsa_pipe.errors import ConfigError
from balsa_pipe.inspection.columns import find_column
from balsa_pipe.inspection.records import SHARDS, Group, one_record
from balsa_pipe.schemas import Row
from balsa_pipe.tasks.absence import FREE_FORM

Key = tuple[str, str, str]
"""What is counted, of which task's rows ("all": of every task's), and which value of it."""

Counted = tuple[int, float | None]
"""Rows, and their share."""

_ORDER = (
    *("task", "verdict", "uneven", "strategy", "pairing", "clips", "both orders"),
    *("wordings", "most used"),
)
_KEPT = ("reject_reason", "duplicate_of")
"""Columns that are null in the rows that a model is taught."""

_COLUMNS = {
    "task": "task",
    "verdict": "expected.verdict",
    "strategy": "strategy",
    "clips": "n_clips",
    "wording": "template_id",
    "ids": "clips.clip_id",
    "present": "expected.present",
    "absent": "expected.absent",
}
_FOLDERS_UP = 3
_DRAWS_ABSENT: tuple[TaskName, ...] = ("absence", "presence_absence", "presence_qa")

_GROUPS = """
SELECT task, verdict, strategy, clips, wording, count(*) AS rows FROM kept GROUP BY ALL
"""
_ORDERS = """
SELECT task, count(*) AS comparisons, count(*) FILTER (is_twice) AS twice
FROM (
    SELECT task, min(hash(ids)) <> max(hash(ids)) AS is_twice
    FROM kept WHERE clips > 1 GROUP BY task, hash(list_sort(ids))
)
GROUP BY task
"""
_SOUNDS = """
SELECT task, count(*) AS sounds, sum(yes + no) AS rows, sum(abs(yes - no)) AS uneven
FROM (
    SELECT task, if(verdict = 'no', absent[1], present[1]) AS sound,
        count(*) FILTER (verdict = 'yes') AS yes, count(*) FILTER (verdict = 'no') AS no
    FROM kept WHERE verdict IN ('yes', 'no') GROUP BY ALL
)
GROUP BY task
"""


def mix(path: Path, log: Callable[[str], None] = lambda line: None) -> list[Row]:
    """Return what the kept rows are mixed of: what, of which task, value, rows, share, wanted.

    wanted is the share that the run's config asks for (config/compose.json beside the shards), None
    without one; the log says if it can't be read. Raises ShardError for rows that have no task.
    """
    group = one_record(path)
    kept = _kept_rows(path, group)
    wanted = _wanted(path, log)
    found: dict[Key, Counted] = {key: (0, 0.0) for key in wanted}
    with database({SHARDS: group.shards}) as db:
        found.update(_reached(db, kept))
    return [
        {
            **dict(zip(("what", "of", "value"), key, strict=True)),
            "rows": rows,
            "share": share if share is None else round(share, 4),
            "wanted": round(wanted[key], 4) if key in wanted else None,
        }
        for key, (rows, share) in sorted(found.items(), key=lambda one: _place(one[0]))
    ]


def wanted_mix(cfg: ComposeConfig) -> dict[Key, float]:
    """Return the shares that a config asks for, of a training clip's rows."""
    sections = {task: getattr(cfg.tasks, task) for task in active_tasks(cfg)}
    rows = {
        task: 2 * one.pairs if isinstance(one, PresenceQa) else one.rows
        for task, one in sections.items()
    }
    shares = _shares("task", "all", rows)
    for task, section in sections.items():
        if isinstance(section, PerPair):
            low, high = section.clips
            shares |= _shares("pairing", task, section.pairing)
            shares |= _shares("clips", task, {str(n): 1 for n in range(low, high + 1)})
            shares["both orders", task, "comparisons"] = section.both_orders
        if isinstance(section, PresenceQa):
            shares |= _shares("verdict", task, {"yes": 1, "no": 1})
            shares["uneven", task, "sounds"] = 0
        if task in _DRAWS_ABSENT:
            shares |= _strategies(cfg, task, section)
    return {key: share for key, share in shares.items() if share > 0 or key[0] == "uneven"}


def _strategies(cfg: ComposeConfig, task: TaskName, section: object) -> dict[Key, float]:
    free = section.free_form if isinstance(section, Absence) else 0
    drawn = _shares("strategy", task, cfg.strategies)
    return {key: share * (1 - free) for key, share in drawn.items()} | {
        ("strategy", task, FREE_FORM): free
    }


def _shares(what: str, of: str, weights: Mapping[Any, float]) -> dict[Key, float]:
    total = sum(weights.values())
    return {(what, of, value): weight / total for value, weight in weights.items()}


def _wanted(path: Path, log: Callable[[str], None]) -> dict[Key, float]:
    """Return what the config asks for that lies beside the shards; nothing where there is none."""
    whole = path.resolve()
    for folder in (whole, *whole.parents)[: _FOLDERS_UP + 1]:
        file = folder / "config" / "compose.json"
        if file.is_file():
            try:
                return wanted_mix(load_stage_config(file).need("compose"))
            except ConfigError as exc:
                log(f"shards: what was wanted isn't shown: {exc}")
    return {}


def _reached(db: Database, kept: str) -> Iterator[tuple[Key, Counted]]:
    """Yield what is counted in the kept rows, and its share of them."""
    groups = list(stream(db, kept + _GROUPS))
    counts = Counter[Key]()
    for row in groups:
        counts.update(dict.fromkeys(_keys(row), row["rows"]))
    totals = Counter[tuple[str, str]]()
    for (what, of, _), rows in counts.items():
        totals[what, of] += rows
    for (what, of, value), rows in counts.items():
        if what != "wording":
            yield (what, of, value), (rows, rows / totals[what, of])
    yield from _wordings({key: rows for key, rows in counts.items() if key[0] == "wording"})
    for row in stream(db, kept + _ORDERS):
        key = ("both orders", row["task"], "comparisons")
        yield key, (row["twice"], row["twice"] / row["comparisons"])
    for row in stream(db, kept + _SOUNDS):
        yield ("uneven", row["task"], "sounds"), (row["uneven"], row["uneven"] / row["rows"])


def _keys(row: Row) -> Iterator[Key]:
    """Yield all that a row counts under."""
    task = row["task"]
    yield "task", "all", task
    yield "wording", task, row["wording"]
    if row["clips"] > 1:
        yield "clips", task, str(row["clips"])
    if row["verdict"] is not None:
        yield "verdict", task, row["verdict"]
    if row["strategy"] is not None:
        yield ("pairing" if row["clips"] > 1 else "strategy"), task, row["strategy"]


def _wordings(counts: Mapping[Key, int]) -> Iterator[tuple[Key, Counted]]:
    """Yield how many wordings each task has, and the one that is used most."""
    for task in {of for _, of, _ in counts}:
        of_task = {value: rows for (_, of, value), rows in counts.items() if of == task}
        most = max(sorted(of_task), key=lambda value: of_task[value])
        total = sum(of_task.values())
        yield ("wordings", task, str(len(of_task))), (total, None)
        yield ("most used", task, most), (of_task[most], of_task[most] / total)


def _kept_rows(path: Path, group: Group) -> str:
    """Return the SQL that names the kept rows, with the columns that are counted."""
    columns = (f"{find_column(path, group.record, c).sql} AS {n}" for n, c in _COLUMNS.items())
    kept = (f"{name} IS NULL" for name in _KEPT if name in group.record.schema.names)
    where = " AND ".join(kept) or "true"
    return f"WITH kept AS (SELECT {', '.join(columns)} FROM {SHARDS} WHERE {where})"


def _place(key: Key) -> tuple[int, int, Key]:
    """Return where a line stands: as listed above, tasks in their order."""
    what, of, value = key
    task = of if what != "task" else value
    return _ORDER.index(what), [*TASK_NAMES, task].index(task), key
