"""One system's numbers on one suite, and how they are said."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Any

from balsa_pipe.report.plots import percent

Numbers = Mapping[str, Any]

SYSTEMS = {
    "trained": "trained",
    "untrained": "untrained adapter",
    "no_audio": "no audio",
    "swapped_audio": "swapped audio",
    "base": "base LLM",
}
CONSTANT = "always_"


@dataclass(frozen=True, slots=True)
class System:
    """One system's numbers on one suite; None: not measured."""

    name: str
    label: str
    numbers: Numbers

    @property
    def value(self) -> float | None:
        """Its accuracy or rate, 0..1."""
        return number(self.numbers, "accuracy", "rate")

    @property
    def interval(self) -> tuple[float, float] | None:
        """Its 95 % interval, 0..1."""
        found = self.numbers.get("ci95")
        return (float(found[0]), float(found[1])) if found else None

    @property
    def shown(self) -> str:
        """Its value as text."""
        return percent(self.value)

    @property
    def interval_shown(self) -> str:
        """Its interval as text."""
        return interval_text(self.interval)


def number(numbers: Numbers, *names: str) -> float | None:
    """Return the first of the named values that is a number."""
    for name in names:
        value = numbers.get(name)
        if isinstance(value, int | float) and not isinstance(value, bool) and isfinite(value):
            return float(value)
    return None


def interval_text(interval: Sequence[float] | None) -> str:
    """Return an interval in percent."""
    return "not measured" if not interval else f"{100 * interval[0]:.1f}–{100 * interval[1]:.1f}"


def words(name: str) -> str:
    """Return a key of ours as words."""
    return name.replace("_", " ")


def listed(names: Sequence[str]) -> str:
    """Return names as a sentence lists them."""
    return ", ".join([*names[:-2], " and ".join(names[-2:])])
