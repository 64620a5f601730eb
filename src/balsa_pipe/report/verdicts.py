"""What the numbers of a suite do and do not show, in sentences that are computed from them."""

from collections.abc import Mapping, Sequence

from balsa_pipe.report.plots import percent
from balsa_pipe.report.systems import CONSTANT, Numbers, System, interval_text, listed, number

MARKS = {
    "better": "above its controls",
    "unclear": "not shown",
    "worse": "below a control",
    "unknown": "not measured",
}
TEXT_MARKS = MARKS | {"better": "skills kept", "worse": "skills lost"}
TEXT_SUITE = "text_retention"
TEXT_LOSS_POINTS = 5
"""How much text skill a run may lose and still be said to have kept it."""


def judge_suite(suite: str, systems: Sequence[System]) -> tuple[str, list[str]]:
    """Return a suite's verdict, a key of MARKS, and the sentences that say why."""
    trained = next((system for system in systems if system.name == "trained"), None)
    if trained is None or trained.value is None:
        return "unknown", ["The trained model was not measured on this suite."]
    if suite == TEXT_SUITE:
        base = next((system for system in systems if system.name == "base"), None)
        return _judge_text(trained, base)
    controls = [
        system
        for system in systems
        if system.name != "trained" and not system.name.startswith(CONSTANT)
    ]
    return _judge_controls(trained, controls)


def _judge_text(trained: System, base: System | None) -> tuple[str, list[str]]:
    if base is None or base.value is None or trained.value is None:
        return "unknown", [
            "The base LLM was not measured, so nothing can be said of what was kept."
        ]
    points = 100 * (trained.value - base.value)
    change = f"{abs(points):.1f} points {'more' if points >= 0 else 'fewer'} than the base LLM's"
    said = f"The trained LLM follows {_told(trained)} of the instructions, {change} {_told(base)}."
    if points < -TEXT_LOSS_POINTS:
        return "worse", [said, f"That is a loss of more than {TEXT_LOSS_POINTS} points."]
    kept = [said, f"That is within {TEXT_LOSS_POINTS} points: its text skills were kept."]
    interval = _minus(trained, "base").get("ci95")
    if interval and 100 * interval[0] < -TEXT_LOSS_POINTS:
        bounds = f"{_points(interval[0])} to {_points(interval[1])} points"
        return "better", [
            *kept,
            f"Prompt by prompt, the 95 % interval of the change is {bounds}: "
            "a larger loss is not ruled out.",
        ]
    return "better", kept


def _judge_controls(trained: System, controls: Sequence[System]) -> tuple[str, list[str]]:
    measured = [system for system in controls if system.value is not None]
    said = [f"The trained model scores {_told(trained)}."]
    if not measured:
        return "unknown", [*said, "No control was measured, so this number alone proves nothing."]
    sides = {system.label: _side(trained, system) for system in measured}
    for side, text in _SIDES.items():
        if named := [label for label, found in sides.items() if found == side]:
            said.append(text.format(listed(named)))
    said += _paired(trained, measured)
    if len(measured) < len(controls):
        gone = [system.label for system in controls if system.value is None]
        said.append(f"Not measured: {listed(gone)}.")
    if "below" in sides.values():
        return "worse", said
    above = [label for label, side in sides.items() if side == "above"]
    return ("better" if len(above) == len(controls) else "unclear"), said


_SIDES = {
    "above": "That is above {}, and the 95 % intervals do not overlap.",
    "overlap": (
        "Its 95 % interval overlaps that of {}: by that measure this run does not show "
        "that the model does better."
    ),
    "below": "It is below {}, and the 95 % intervals do not overlap.",
    "unknown": "Against {} nothing can be said: an interval is missing.",
}


def _side(trained: System, other: System) -> str:
    mine, theirs = trained.interval, other.interval
    if mine is None or theirs is None:
        return "unknown"
    if mine[0] > theirs[1]:
        return "above"
    return "below" if mine[1] < theirs[0] else "overlap"


def _paired(trained: System, controls: Sequence[System]) -> list[str]:
    """Return the differences on the same questions, where they were measured."""
    told = []
    for system in controls:
        gain = _minus(trained, system.name)
        difference, interval = number(gain, "difference"), gain.get("ci95")
        if difference is not None and interval:
            told.append(
                f"{system.label} {_points(difference)} "
                f"({_points(interval[0])} to {_points(interval[1])})"
            )
    return [f"Question by question, in points against: {'; '.join(told)}."] if told else []


def _minus(trained: System, other: str) -> Numbers:
    """Return the paired difference from another system."""
    found = trained.numbers.get("minus")
    gain = found.get(other) if isinstance(found, Mapping) else None
    return gain if isinstance(gain, Mapping) else {}


def _points(share: float) -> str:
    return f"{100 * share:+.1f}".replace("-", "−")


def _told(system: System) -> str:
    if system.interval is None:
        return percent(system.value)
    return f"{percent(system.value)} (95 % interval {interval_text(system.interval)})"
