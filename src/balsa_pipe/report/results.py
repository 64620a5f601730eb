"""metrics.json as the page shows it: a table, a chart and honest sentences, all computed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from balsa_pipe.report.plots import Bar, BarGroup, bar_chart, percent, share_bar
from balsa_pipe.report.systems import (
    CONSTANT,
    SYSTEMS,
    Numbers,
    System,
    interval_text,
    number,
    words,
)
from balsa_pipe.report.verdicts import MARKS, TEXT_MARKS, TEXT_SUITE, judge_suite

BREAKDOWNS = {
    "strategies": "by how the absent sound was drawn",
    "clips": "by kind of clip",
    "kinds": "by kind of instruction",
    "sounds": "by sound",
}


@dataclass(frozen=True, slots=True)
class Breakdown:
    """A suite's numbers apart by strategy, clip, kind or sound: one line a value."""

    title: str
    systems: Sequence[str]
    lines: Sequence[tuple[str, int | None, Sequence[str], Markup]]


@dataclass(frozen=True, slots=True)
class SuiteView:
    """What the page shows of a suite."""

    name: str
    label: str
    metric: str
    header: Sequence[str]
    lines: Sequence[Sequence[str]]
    systems: Sequence[System]
    sentences: Sequence[str]
    verdict: str  # a key of MARKS
    breakdowns: Sequence[Breakdown]

    @property
    def mark(self) -> str:
        """Its verdict in two words."""
        return (TEXT_MARKS if self.name == TEXT_SUITE else MARKS)[self.verdict]

    def system(self, name: str) -> System | None:
        """Return a system by its name."""
        return next((system for system in self.systems if system.name == name), None)


def suite_views(metrics: Numbers) -> list[SuiteView]:
    """Return the suites in the order of metrics.json, those about sound before those about text."""
    suites = [
        _suite_view(name, systems)
        for name, systems in (metrics.get("suites") or {}).items()
        if isinstance(systems, Mapping)
    ]
    return sorted(suites, key=lambda suite: suite.name == TEXT_SUITE)


def headline_chart(suites: Sequence[SuiteView]) -> Markup:
    """Return one bar chart of all suites: each system's share with its interval."""
    groups = [
        BarGroup(
            suite.label,
            [_bar(system) for system in suite.systems if not system.name.startswith(CONSTANT)],
            _best_constant(suite),
        )
        for suite in suites
    ]
    return bar_chart(groups, "Share of right answers, each system on each suite")


def _suite_view(name: str, found: Mapping[str, Any]) -> SuiteView:
    order = [*(n for n in SYSTEMS if n in found), *(n for n in found if n not in SYSTEMS)]
    systems = [
        System(n, SYSTEMS.get(n, words(n)), found[n])
        for n in order
        if isinstance(found[n], Mapping)
    ]
    columns = [c for c in _COLUMNS if any(c.shown(system.numbers) for system in systems)]
    verdict, sentences = judge_suite(name, systems)
    metric = "accuracy" if any("accuracy" in system.numbers for system in systems) else "rate"
    return SuiteView(
        name=name,
        label=words(name),
        metric=metric,
        header=["system", metric, *(column.title for column in columns)],
        lines=[
            [s.label, percent(s.value), *(column.text(s.numbers) for column in columns)]
            for s in systems
        ],
        systems=systems,
        sentences=sentences,
        verdict=verdict,
        breakdowns=[
            b for key, title in BREAKDOWNS.items() if (b := _breakdown(systems, key, title))
        ],
    )


# ---- the table's columns ---------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Column:
    title: str
    path: tuple[str, ...]
    kind: str  # count | mean | share | interval

    def value(self, numbers: Numbers) -> Any:
        """Return what stands under the path; None: nothing."""
        found: Any = numbers
        for key in self.path:
            found = found.get(key) if isinstance(found, Mapping) else None
        return found

    def shown(self, numbers: Numbers) -> bool:
        """Say whether a system has this number; the interval and n are always shown."""
        return self.path[0] in ("n", "ci95", "unparsed") or self.value(numbers) is not None

    def text(self, numbers: Numbers) -> str:
        """Return the cell."""
        value = self.value(numbers)
        if self.kind == "interval":
            return interval_text(value)
        if value is None:
            return "not measured"
        if self.kind == "share":
            return percent(value)
        return f"{value:.1f}" if self.kind == "mean" else f"{value:g}"


_COLUMNS = (
    _Column("95 % interval", ("ci95",), "interval"),
    _Column("questions", ("n",), "count"),
    _Column("unparsed", ("unparsed",), "count"),
    _Column("yes-rate", ("yes_rate",), "share"),
    _Column("F1 of yes", ("yes", "f1"), "share"),
    _Column("F1 of no", ("no", "f1"), "share"),
    _Column("recall of no", ("no", "recall"), "share"),
    _Column("“first”-rate", ("first_rate",), "share"),
    _Column("right in both orders", ("order_consistency",), "share"),
    _Column("words a reply", ("mean_words",), "mean"),
)


# ---- breakdowns ------------------------------------------------------------------------------


def _breakdown(systems: Sequence[System], key: str, title: str) -> Breakdown | None:
    parts = {
        system.name: found
        for system in systems
        if isinstance(found := system.numbers.get(key), Mapping)
        and not system.name.startswith(CONSTANT)
    }
    shown = [system for system in systems if system.name in parts]
    if not any(parts.values()):
        return None
    first = parts[shown[0].name]
    names = sorted(
        {name for found in parts.values() for name in found},
        key=lambda name: (-(_part(first, name) or 0.0), name),
    )
    lines = [
        (
            name,
            _part_count(parts, name),
            [percent(_part(parts[system.name], name)) for system in shown],
            share_bar(_part(first, name) or 0.0, percent(_part(first, name))),
        )
        for name in names
    ]
    return Breakdown(title, [system.label for system in shown], lines)


def _part(found: Numbers, name: str) -> float | None:
    part = found.get(name)
    return number(part, "accuracy", "rate") if isinstance(part, Mapping) else None


def _part_count(parts: Mapping[str, Numbers], name: str) -> int | None:
    for found in parts.values():
        part = found.get(name)
        count = number(part, "n") if isinstance(part, Mapping) else None
        if count is not None:
            return int(count)
    return None


def _bar(system: System) -> Bar:
    low, high = system.interval or (None, None)
    kind = "trained" if system.name == "trained" else "control"
    return Bar(system.label, system.value, low, high, kind)


def _best_constant(suite: SuiteView) -> float | None:
    values = [s.value for s in suite.systems if s.name.startswith(CONSTANT) and s.value is not None]
    return max(values, default=None)
