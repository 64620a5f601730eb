"""What went in and what came out: the ledgers, the loss curves and the provenance as tables."""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from balsa_pipe.report.plots import Point, Series, line_chart, percent, share_bar
from balsa_pipe.report.systems import words

Pair = tuple[str, str]

MAX_ROWS = 30
"""Rejected rows that the page names one by one; the ledger has all."""


@dataclass(frozen=True, slots=True)
class TaskLine:
    """A task's line in the ledger of the data."""

    task: str
    kept: str
    bar: Markup
    reasons: Sequence[tuple[str, int]]


@dataclass(frozen=True, slots=True)
class LossView:
    """The curves of training, and their ends in numbers."""

    chart: Markup
    lines: Sequence[Sequence[str]]  # phase, first and last training loss, the same of validation
    steps: int


def task_lines(ledger: Mapping[str, Any]) -> list[TaskLine]:
    """Return each task's kept share and reject reasons, most frequent first."""
    rejected = mapping(ledger, "rejected")
    shares = mapping(ledger, "kept_share")
    return [
        TaskLine(
            words(task),
            percent(_finite(shares.get(task))),
            share_bar(_finite(shares.get(task)) or 0.0, percent(_finite(shares.get(task)))),
            _by_count(rejected.get(task)),
        )
        for task in sorted({*rejected, *shares})
    ]


def pairs(found: Mapping[str, Any], *, leave_out: Sequence[str] = ()) -> list[Pair]:
    """Return a nested mapping as lines of name and text, in its own order."""
    lines: list[Pair] = []
    for name, value in found.items():
        if name in leave_out:
            continue
        if isinstance(value, Mapping):
            lines += [(f"{words(str(name))}: {key}", text) for key, text in pairs(value)]
        else:
            lines.append((words(str(name)), value_text(value)))
    return lines


def reject_rows(ingest_ledger: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    """Return where, why and what was found, of the first rows that ingest left out."""
    rows = ingest_ledger.get("rows")
    if not isinstance(rows, list):
        return []
    return [
        (value_text(row.get("where")), words(str(row.get("reason"))), value_text(row.get("detail")))
        for row in rows[:MAX_ROWS]
        if isinstance(row, Mapping)
    ]


def value_text(value: Any) -> str:
    """Return any JSON value as text for a reader."""
    if value is None:
        return "not measured"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}".replace(",", "\N{NARROW NO-BREAK SPACE}")
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, str):
        return (
            value if len(value) <= 500 else f"{value[:500]} … ({len(value) - 500} characters more)"
        )
    if isinstance(value, list | tuple):
        shown = ", ".join(map(_element, value[:12]))
        return shown + (f" and {len(value) - 12} more" if len(value) > 12 else "")
    return str(value)


def duration_text(seconds: Any) -> str:
    """Return seconds as a person says them."""
    found = _finite(seconds)
    if found is None:
        return "not measured"
    minutes, rest = divmod(round(found), 60)
    return f"{minutes} min {rest:02} s" if minutes else f"{found:.1f} s"


def loss_view(train_log: Sequence[Mapping[str, Any]]) -> LossView:
    """Return loss curves, one phase behind the other; steps count on from phase to phase."""
    starts, steps = _phase_starts(train_log)
    train: dict[str, list[Point]] = {}
    validation: dict[str, list[Point]] = {}
    for entry in train_log:
        phase, step = str(entry.get("phase", "")), _finite(entry.get("step"))
        for found, name in ((train, "loss"), (validation, "eval_loss")):
            loss = _finite(entry.get(name))
            if loss is not None and step is not None:
                found.setdefault(phase, []).append((starts[phase] + step, loss))
    series = [Series(f"{words(name)}, training", "train", p) for name, p in train.items()]
    series += [
        Series(f"{words(name)}, validation", "validation", p) for name, p in validation.items()
    ]
    boundaries = [(start, words(phase)) for phase, start in starts.items()]
    chart = line_chart(series, "Loss over training steps", boundaries=boundaries)
    return LossView(chart, [_ends(phase, train, validation) for phase in starts], steps)


def _phase_starts(train_log: Sequence[Mapping[str, Any]]) -> tuple[dict[str, float], int]:
    """Return the step at which each phase starts, and the number of steps in all."""
    last: dict[str, float] = {}
    for entry in train_log:
        phase, step = str(entry.get("phase", "")), _finite(entry.get("step"))
        last[phase] = max(last.get(phase, 0.0), step or 0.0)
    starts, total = {}, 0.0
    for phase, steps in last.items():
        starts[phase] = total
        total += steps
    return starts, int(total)


def _ends(
    phase: str, train: Mapping[str, list[Point]], validation: Mapping[str, list[Point]]
) -> list[str]:
    ends = [*_first_last(train.get(phase, [])), *_first_last(validation.get(phase, []))]
    return [words(phase), *("not measured" if end is None else f"{end:.3f}" for end in ends)]


def _first_last(points: Sequence[Point]) -> tuple[float | None, float | None]:
    return (points[0][1], points[-1][1]) if points else (None, None)


def _by_count(reasons: Any) -> list[tuple[str, int]]:
    if not isinstance(reasons, Mapping):
        return []
    counts = [(words(str(name)), int(_finite(count) or 0)) for name, count in reasons.items()]
    return sorted(counts, key=lambda reason: (-reason[1], reason[0]))


def mapping(found: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """Return the mapping under a name; anything else is an empty one."""
    value = found.get(name)
    return value if isinstance(value, Mapping) else {}


def _finite(value: Any) -> float | None:
    if isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value):
        return float(value)
    return None


def _element(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
