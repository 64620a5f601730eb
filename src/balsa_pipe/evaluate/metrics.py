"""Predictions in, numbers out: every reply in the denominator, null where undefined."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from balsa_pipe.evaluate.bootstrap import Resampling, ci95, mean
from balsa_pipe.evaluate.suites import Suite
from balsa_pipe.schemas import Row

Numbers = dict[str, Any]
Summary = Callable[[Sequence[Row], Resampling], Numbers]

LABEL_JOINT = "; "
"""Between the labels of a caption_recall answer."""


def build_metrics(
    predictions: Iterable[Row],
    suites: Sequence[Suite],
    facts: Mapping[str, Any],
    resampling: Resampling,
) -> Numbers:
    """Return metrics.json: the facts of the run, suite versions, and suites.<suite>.<system>."""
    rows = _group(predictions, lambda row: row["suite"])
    return {
        **facts,
        "versions": {suite.suite: suite.version for suite in suites},
        "suites": {
            suite.suite: _rounded(summarise_suite(suite, rows.get(suite.suite, []), resampling))
            for suite in suites
        },
    }


def summarise_suite(suite: Suite, rows: Sequence[Row], resampling: Resampling) -> Numbers:
    """Return the numbers of each system, and of each constant answer as one more system."""
    summarise = SUMMARIES[suite.kind]
    by_system = _group(rows, lambda row: row["system"])
    systems: list[str] = list(suite.systems)
    numbers = {name: summarise(by_system.get(name, []), resampling) for name in systems}
    if "trained" in numbers:
        numbers["trained"]["minus"] = {
            other: paired_difference(
                by_system.get("trained", []), by_system.get(other, []), resampling
            )
            for other in systems
            if other != "trained"
        }
    for answer in CONSTANTS.get(suite.kind, ()):
        numbers[f"always_{answer}"] = summarise(constant_answers(rows, answer), resampling)
    return numbers


def constant_answers(rows: Sequence[Row], answer: str) -> list[Row]:
    """Return one prediction an item, as of a system that always gives the same answer."""
    items = {row["item_id"]: row for row in rows}.values()
    return [{**row, "answer": answer, "score": float(row["gold"] == [answer])} for row in items]


def paired_difference(
    rows: Sequence[Row], others: Sequence[Row], resampling: Resampling
) -> Numbers:
    """Return the mean gain in score over another system on the same items, with its interval."""
    scores = {row["item_id"]: row["score"] for row in others}
    shared = [row for row in rows if row["item_id"] in scores]
    gains = [row["score"] - scores[row["item_id"]] for row in shared]
    clusters = [row["cluster"] for row in shared]
    return {"n": len(gains), "difference": mean(gains), "ci95": ci95(gains, clusters, resampling)}


def summarise_presence(rows: Sequence[Row], resampling: Resampling) -> Numbers:
    """Return accuracy, yes rate, and precision, recall and F1 of both answers, with breakdowns."""
    return {
        **_verdicts(rows, resampling),
        "strategies": _by(rows, lambda row: row["strategy"], _verdicts, resampling),
        "clips": _by(rows, clip_kind, _verdicts, resampling),
        "sounds": {
            sound: {
                "n": len(group),
                "accuracy": mean([row["score"] for row in group]),
                "yes_rate": answer_rate(group, "yes"),
            }
            for sound, group in _group(rows, lambda row: row["sound"]).items()
        },
    }


def _verdicts(rows: Sequence[Row], resampling: Resampling) -> Numbers:
    return {
        **_headline("accuracy", rows, resampling),
        "accuracy_parsed": mean([row["score"] for row in rows if row["answer"] is not None]),
        "yes_rate": answer_rate(rows, "yes"),
        "no": class_scores(rows, "no"),
        "yes": class_scores(rows, "yes"),
    }


def class_scores(rows: Sequence[Row], positive: str) -> Numbers:
    """Return precision, recall and F1 of one answer; an unparsed reply is never that answer."""
    given = sum(row["answer"] == positive for row in rows)
    wanted = sum(row["gold"] == [positive] for row in rows)
    right = sum(row["answer"] == positive and row["gold"] == [positive] for row in rows)
    return {
        "precision": _share(right, given),
        "recall": _share(right, wanted),
        "f1": _share(2 * right, given + wanted),
    }


def summarise_difference(rows: Sequence[Row], resampling: Resampling) -> Numbers:
    """Return accuracy, how often "first" was said, and the share of pairs right in both orders."""
    pairs = [pair for pair in _group(rows, lambda row: row["cluster"]).values() if len(pair) == 2]
    both = sum(all(row["score"] == 1 for row in pair) for pair in pairs)
    return {
        **_headline("accuracy", rows, resampling),
        "yes_rate": None,
        "first_rate": answer_rate(rows, "first"),
        "n_pairs": len(pairs),
        "order_consistency": _share(both, len(pairs)),
        "clips": _by(rows, clip_kind, _accuracy, resampling),
        "sounds": _by(rows, lambda row: row["sound"], _accuracy, resampling),
    }


def summarise_recall(rows: Sequence[Row], resampling: Resampling) -> Numbers:
    """Return the mean share of labels mentioned, and the length of the replies that it took."""
    named = defaultdict(list)
    for row in rows:
        found = (row["answer"] or "").split(LABEL_JOINT)
        for label in row["gold"]:
            named[label].append(float(label in found))
    return {
        **_headline("rate", rows, resampling),
        "yes_rate": None,
        "mean_words": mean([len(row["response"].split()) for row in rows]),
        "clips": _by(rows, clip_kind, _rate, resampling),
        "sounds": {
            label: {"n": len(hits), "rate": mean(hits)} for label, hits in sorted(named.items())
        },
    }


def summarise_retention(rows: Sequence[Row], resampling: Resampling) -> Numbers:
    """Return the share of prompts whose every rule was followed, in all and by kind of prompt."""
    return {
        **_headline("rate", rows, resampling),
        "yes_rate": None,
        "kinds": _by(rows, lambda row: row["strategy"], _rate, resampling),
    }


SUMMARIES: dict[str, Summary] = {
    "presence": summarise_presence,
    "caption_recall": summarise_recall,
    "difference": summarise_difference,
    "text_retention": summarise_retention,
}

CONSTANTS = {"presence": ("yes", "no"), "difference": ("first", "second")}


def answer_rate(rows: Sequence[Row], answer: str) -> float | None:
    """Return the share of all replies that give an answer; None of no rows."""
    return mean([float(row["answer"] == answer) for row in rows])


def clip_kind(row: Row) -> str:
    """Return single, scene (one mixture of recordings at least) or none, by an item's clips."""
    if not row["clips"]:
        return "none"
    return "scene" if any(clip["parts"] for clip in row["clips"]) else "single"


def _headline(metric: str, rows: Sequence[Row], resampling: Resampling) -> Numbers:
    scores, clusters = [row["score"] for row in rows], [row["cluster"] for row in rows]
    return {
        "n": len(rows),
        "n_clusters": len(set(clusters)),
        metric: mean(scores),
        "ci95": ci95(scores, clusters, resampling),
        "unparsed": sum(row["answer"] is None for row in rows),
    }


def _accuracy(rows: Sequence[Row], _: Resampling) -> Numbers:
    return {"n": len(rows), "accuracy": mean([row["score"] for row in rows])}


def _rate(rows: Sequence[Row], _: Resampling) -> Numbers:
    return {"n": len(rows), "rate": mean([row["score"] for row in rows])}


def _by(
    rows: Sequence[Row], key: Callable[[Row], str], summarise: Summary, resampling: Resampling
) -> Numbers:
    return {name: summarise(group, resampling) for name, group in _group(rows, key).items()}


def _group(rows: Iterable[Row], key: Callable[[Row], str]) -> dict[str, list[Row]]:
    groups: defaultdict[str, list[Row]] = defaultdict(list)
    for row in rows:
        groups[key(row)].append(row)
    return dict(sorted(groups.items()))


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None


def _rounded(value: Any) -> Any:
    """Six decimals: more than any set of items can tell, and readable."""
    if isinstance(value, float):
        return round(value, 6)
    if isinstance(value, list):
        return [_rounded(one) for one in value]
    if isinstance(value, dict):
        return {key: _rounded(one) for key, one in value.items()}
    return value
