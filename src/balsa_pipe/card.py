"""The dataset card: a README.md that says what is in a dataset, how it was made and whose it is."""

import html
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import yaml

from balsa_pipe.schemas import Row

MAX_SOURCES = 500
"""Sources that the card names under a licence; the rows name all."""

_SIZES = (("n<1K", 10**3), ("1K<n<10K", 10**4), ("10K<n<100K", 10**5), ("100K<n<1M", 10**6))
_MARKDOWN = re.compile(r"([\\`*_\[\]#|~])")

_INTRO = """\
Each row is a reply that a text LLM wrote to a question about sound. It read captions and tags in
place of the sound (`evidence`); a model that hears gets the sound itself there, the same `question`
as the user's turn, and the LLM's own `response` as the target. The audio isn't included: `clips`
says which recordings a row is about, where they come from and what is known of them.

```python
from datasets import load_dataset

rows = load_dataset("path/to/this/folder")
unique = rows["train"].filter(lambda row: row["duplicate_of"] is None)
```"""

_NEGATIVES = """\
Absent sounds are drawn from the vocabulary of the corpus itself: `random` takes any sound,
`popular` prefers frequent ones, `adversarial` those that often go along with the clip's own. A
sound counts as absent only if it is no label of the clip, no other name or kind of one, and no
word of its caption. A reply that takes an absent sound for present, or the reverse, is rejected.
Where a row compares clips, its strategy says how the others were drawn: `random`, or `similar` ones
that share a kind of sound."""

_LIMITS = """\
- The LLM read about the sounds and never heard them: a row is as true as its clip's metadata, and a
  sound that nobody wrote down may be called absent.
- Replies are kept or rejected by rules, never edited; rules miss some errors. `ledger.json` counts
  the rejected ones by reason.
- Rows that say the same of the same clips are marked by `duplicate_of` and not removed.
- Where `verdict_forced` is true, the labels chose yes or no and the LLM wrote the rest; where
  `n_example_turns` isn't 0, the LLM saw example turns before the question."""


def dataset_card(
    rows: Iterable[Row], ledger: Mapping[str, Any], facts: Mapping[str, object]
) -> str:
    """Return the README.md of a dataset; facts holds its title and what else is to be told.

    Text from data is escaped, so that none of it is read as Markdown or HTML.
    """
    rows = list(rows)
    title = " ".join(str(facts["title"]).split())
    parts = [
        _header(title, rows),
        f"# {_text(title)}\n\n{_INTRO}",
        _section("Rows", _counts(rows), _totals(ledger)),
        _section("Questions", _wordings(rows)),
        _section("Who wrote the replies", _writers(rows), _others(facts)),
        _section("How absent sounds and other clips were drawn", _NEGATIVES, _strategies(rows)),
        _section("Known limits", _LIMITS),
        _section("Licences and sources", _sources(rows)),
    ]
    return "\n\n".join(parts) + "\n"


def _header(title: str, rows: Sequence[Row]) -> str:
    """Return the YAML block that the hub reads."""
    splits = [name for name in ("train", "validation") if any(row["split"] == name for row in rows)]
    data_files = [{"split": name, "path": f"{name}/*.parquet"} for name in splits]
    size = next((name for name, limit in _SIZES if len(rows) < limit), "n>1M")
    header = {
        "pretty_name": title,
        "license": "other",
        "license_name": "licences-of-the-sources",
        "tags": ["audio", "synthetic"],
        "size_categories": [size],
        "configs": [{"config_name": "default", "data_files": data_files}],
    }
    block = yaml.safe_dump(header, sort_keys=False, allow_unicode=True, width=10_000)
    return f"---\n{block}---"


def _counts(rows: Sequence[Row]) -> str:
    counts = Counter((row["task"], row["split"]) for row in rows)
    doubles = Counter(row["task"] for row in rows if row["duplicate_of"] is not None)
    tasks = sorted({task for task, _ in counts})
    return _table(
        ("task", "train", "validation", "of these marked as duplicates"),
        [
            (task, counts[task, "train"], counts[task, "validation"], doubles[task])
            for task in tasks
        ],
    )


def _totals(ledger: Mapping[str, Any]) -> str:
    lines = [
        f"- {_text(task)}: {share:.0%} of the replies kept; rejected: {_reasons(ledger, task)}"
        for task, share in sorted(ledger["kept_share"].items())
    ]
    return "\n".join([f"{ledger['in']} replies were judged, {ledger['out']} kept.", "", *lines])


def _reasons(ledger: Mapping[str, Any], task: str) -> str:
    reasons = ledger["rejected"].get(task, {})
    return ", ".join(f"{_text(reason)} {count}" for reason, count in reasons.items()) or "none"


def _wordings(rows: Sequence[Row]) -> str:
    counts = Counter(row["template_id"] for row in rows)
    first = {row["template_id"]: row["question"] for row in reversed(rows)}
    return _table(
        ("wording", "rows", "for example"),
        [(name, counts[name], first[name]) for name in sorted(counts)],
    )


def _writers(rows: Iterable[Row]) -> str:
    columns = ("model", "model_revision", "engine", "sampling")
    counts = Counter(tuple(row[column] for column in columns) for row in rows)
    return _table(
        ("model", "revision", "engine", "sampling", "rows"),
        [(*writer, count) for writer, count in counts.most_common()],
    )


def _others(facts: Mapping[str, object]) -> str:
    return "\n".join(
        f"- {_text(name)}: {_text(_told(value))}"
        for name, value in facts.items()
        if name != "title"
    )


def _told(value: object) -> object:
    """Return a mapping as words, anything else as it is."""
    if not isinstance(value, Mapping):
        return value
    return ", ".join(f"{name}: {_told(one)}" for name, one in value.items())


def _strategies(rows: Iterable[Row]) -> str:
    counts = Counter((row["task"], row["strategy"]) for row in rows if row["strategy"] is not None)
    return _table(
        ("task", "strategy", "rows"), [(*key, count) for key, count in sorted(counts.items())]
    )


def _sources(rows: Iterable[Row]) -> str:
    clips = {clip["clip_id"]: clip for row in rows for clip in row["clips"]}
    by_licence: dict[str, Counter[str]] = defaultdict(Counter)
    for clip in clips.values():
        source = clip["source"] or f"corpus {clip['corpus']}, source not recorded"
        by_licence[clip["licence"] or "licence not recorded"][source] += 1
    return "\n\n".join(
        f"**{_text(licence)}** ({sources.total()} clips)\n\n{_named(sources)}"
        for licence, sources in sorted(by_licence.items())
    )


def _named(sources: Counter[str]) -> str:
    named = sorted(sources.items())
    lines = [f"- {_text(source)} ({count} clips)" for source, count in named[:MAX_SOURCES]]
    if len(named) > MAX_SOURCES:
        lines.append(f"- and {len(named) - MAX_SOURCES} more, in `clips[].source` of the rows")
    return "\n".join(lines)


def _section(title: str, *parts: str) -> str:
    return "\n\n".join([f"## {title}", *(part for part in parts if part)])


def _table(head: Sequence[str], lines: Sequence[Sequence[object]]) -> str:
    """Return a Markdown table; nothing when it would have no lines."""
    if not lines:
        return ""
    rows = [head, ["---"] * len(head), *([_text(cell) for cell in line] for line in lines)]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def _text(value: object) -> str:
    """Return a value as one line that Markdown and HTML show as it is."""
    return _MARKDOWN.sub(r"\\\1", html.escape(" ".join(str(value).split()), quote=False))
