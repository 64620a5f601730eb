"""README.md: what is in a dataset, how it was made, whose it is, and what it is no good for."""

import html
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import yaml

from balsa_pipe.card.columns import columns, flat
from balsa_pipe.card.facts import Facts
from balsa_pipe.card.licences import caution, hub_licence
from balsa_pipe.hashing import digest
from balsa_pipe.language import language
from balsa_pipe.text import safe_text

_SIZES = (("n<1K", 10**3), ("1K<n<10K", 10**4), ("10K<n<100K", 10**5), ("100K<n<1M", 10**6))
_CODES = {"Dutch": "nl", "French": "fr", "German": "de", "Indonesian": "id", "Italian": "it",
          "Polish": "pl", "Portuguese": "pt", "Spanish": "es", "Swedish": "sv", "Turkish": "tr",
          "Vietnamese": "vi"}  # fmt: skip
_MARKDOWN = re.compile(r"([\\`*_\[\]#|~$])")
_STAMP = re.compile(r"<!-- made from the dataset: ([0-9a-f]{32}) -->")

_INTRO = """\
Each row is a reply that a text LLM wrote to a question about sound. It read captions and tags in
place of the sound (`evidence`); a model that hears gets the sound itself there, the same `question`
as the user's turn, and the LLM's own `response` as the target. The audio isn't included: `clips`
says which recordings a row is about, where they come from and what is known of them."""

_LOAD = """\
```python
from datasets import load_dataset

rows = load_dataset("path/to/this/folder")
unique = rows["train"].filter(lambda row: row["duplicate_of"] is None)
```

`croissant.json` describes the same rows for tools that read Croissant; it can't declare
`clips[].parts`, which only the Parquet files have. `provenance.json` holds the configs and wordings
that made the rows: `balsa shards lineage path/to/this/folder PROMPT_ID` leads a row back to its
clips, wording, model and config."""

_NEGATIVES = """\
Absent sounds are drawn from the vocabulary of the corpus itself: `random` takes any sound,
`popular` prefers frequent ones, `adversarial` those that often go along with the clip's own, `hard`
their siblings in AudioSet's ontology, which labels often leave out though they are there. A
sound counts as absent only if it is no label of the clip, no other name or kind of one, and no
word of its caption. In `free_form` rows the LLM read what is heard and thought of absent sounds
itself; they were looked up in the clip's labels and captions and in AudioSet's ontology. A reply
that takes an absent sound for present, or the reverse, is rejected.
Where a row compares clips, its strategy says how the others were drawn: `random`; `similar`, which
share a label or a kind of sound; or `dissimilar`, which share neither, nor a word of their texts."""

_LIMITS = """\
- Labels are incomplete: the LLM read about the sounds and never heard them, so a row is as true as
  its clip's metadata, and a sound that nobody wrote down may be called absent.
- Replies are kept or rejected by rules, never edited; rules miss some errors.
- Rows that say the same of the same clips are marked by `duplicate_of` and not removed.
- Where `verdict_forced` is true, the labels chose yes or no and the LLM wrote the rest; where
  `n_example_turns` isn't 0, the LLM saw example turns before the question.
- Captions and labels are the text of strangers: markup and chat tokens in them are left as they
  were. Escape them before they get into a prompt or a page."""


def readme(facts: Facts) -> str:
    """Return the text of README.md; text from data is escaped, so it is read as text alone."""
    parts = [
        f"# {_text(facts.title)}\n\n{_INTRO}",
        _section("Loading", _LOAD),
        _section("Rows", _mix(facts), _totals(facts.ledger)),
        _section("Clips", _corpora(facts), _left_out(facts.provenance["clips"]), _held_out(facts)),
        _section("Questions", _wordings(facts)),
        _section("Who wrote the replies", _writers(facts), _stages(facts)),
        _section("How absent sounds and other clips were drawn", _NEGATIVES),
        _section("Columns", _columns()),
        _section("Known limits", _LIMITS),
        _section("Licences and sources", _cautions(facts), _sources(facts)),
    ]
    body = "\n\n".join(parts)
    whole = f"{_header(facts)}\n\n{body}"
    return f"{whole}\n\n<!-- made from the dataset: {digest(whole, size=16)} -->\n"


def stamp_of(card: str) -> str | None:
    """Return the hash of all that was generated, which stays when people write more into the card.

    None: it isn't a generated card.
    """
    found = _STAMP.findall(card)
    return found[-1] if found else None


def description(facts: Facts) -> str:
    """Return what the dataset is, in a few sentences."""
    counts = ", ".join(f"{count} in {split}" for split, count in facts.rows.items())
    return f"{' '.join(_INTRO.split())} Rows: {counts}."


def languages(facts: Facts) -> list[str]:
    """Return the languages that are asked in, as ISO 639 codes; replies are in the same.

    English, where a question is too short to tell.
    """
    asked = [language(row["question"]) or "English" for row in facts.wordings]
    return sorted({_CODES.get(name, "en") for name in asked}) or ["en"]


def _header(facts: Facts) -> str:
    """Return the YAML block that the hub reads."""
    rows = facts.rows
    data_files = [{"split": name, "path": f"{name}/*.parquet"} for name in rows if rows[name]]
    count = sum(rows.values())
    header = {
        "pretty_name": facts.title,
        "language": languages(facts),
        **_licence(facts),
        "task_categories": _task_categories(facts, count),
        "tags": ["audio", "synthetic"],
        "size_categories": [next((name for name, limit in _SIZES if count < limit), "n>1M")],
        "configs": [{"config_name": "default", "data_files": data_files}],
    }
    block = yaml.safe_dump(header, sort_keys=False, allow_unicode=True, width=10_000)
    return f"---\n{block}---"


def _licence(facts: Facts) -> dict[str, Any]:
    """Return the hub's keys of the sources' licences, which it has no common name for."""
    found = {hub_licence(row["licence"]) for row in facts.licences}
    if found and None not in found:
        return {"license": sorted(name for name in found if name)}
    return {"license": "other", "license_name": "licences-of-the-sources"}


def _task_categories(facts: Facts, count: int) -> list[str]:
    heard = ["audio-text-to-text"] if count > facts.silent_rows else []
    return heard + (["text-generation"] if facts.silent_rows else [])


def _mix(facts: Facts) -> str:
    head = ("task", "yes or no", "drawn by", "train", "validation", "of these duplicates")
    names = ("task", "verdict", "strategy", "train", "validation", "duplicates")
    total = [sum(row[name] for row in facts.mix) for name in names[3:]]
    lines = [["-" if row[name] is None else row[name] for name in names] for row in facts.mix]
    return _table(head, [*lines, ["all", "", "", *total]])


def _totals(ledger: Mapping[str, Any]) -> str:
    lines = [
        f"- {_text(task)}: {share:.0%} of the replies kept; "
        f"rejected: {_counts(ledger['rejected'].get(task, {}))}"
        for task, share in sorted(ledger["kept_share"].items())
    ]
    lines += _near_copies(ledger)
    return "\n".join([f"{ledger['in']} replies were judged, {ledger['out']} kept.", "", *lines])


def _near_copies(ledger: Mapping[str, Any]) -> list[str]:
    """Return how much alike the kept replies are from clip to clip, where that was looked at."""
    return [
        f"- {_text(task)}: {found['share']:.0%} of {found['compared']} replies are near-copies of "
        "a reply to other clips"
        for task, found in sorted(ledger.get("near_copies", {}).items())
    ]


def _corpora(facts: Facts) -> str:
    names = ("corpus", "clips", "hours")
    return _table(names, [[row[name] for name in names] for row in facts.corpora])


def _left_out(clips: Mapping[str, Any]) -> str:
    """Return what ingest counted, of all sides of the split."""
    lines = [
        f"{clips.get('in', 0)} rows of metadata were read; {clips.get('out', 0)} clips and "
        f"{clips.get('scenes', 0)} mixed scenes came of them, test clips included.",
        f"Left out: {_counts(clips.get('rejected', {}))}.",
        f"Noted: {_counts(clips.get('notes', {}))}.",
    ]
    return "\n".join(lines)


def _held_out(facts: Facts) -> str:
    ingest = facts.provenance["stages"].get("ingest", {}).get("config", {}).get("ingest", {})
    names = [_text(corpus.get("name", corpus["reader"])) for corpus in ingest.get("held_out", [])]
    if not names:
        return "Held out: no benchmark was named; clips of the test side are never taught."
    count = facts.provenance["clips"].get("held_out", 0)
    return (
        f"Held out: {', '.join(names)} ({count} recordings and sounds). No row is about a "
        "recording of these, nor about one that sounds the same."
    )


def _wordings(facts: Facts) -> str:
    names = ("template_id", "rows", "question")
    lines = [[row[name] for name in names] for row in facts.wordings]
    table = _table(("wording", "rows", "for example"), lines)
    return _folded(f"{len(lines)} wordings", table) if table else ""


def _writers(facts: Facts) -> str:
    names = ("model", "model_revision", "engine", "sampling", "rows")
    head = ("model", "revision", "engine", "sampling", "rows")
    return _table(head, [[row[name] for name in names] for row in facts.writers])


def _stages(facts: Facts) -> str:
    lines = [
        f"- {_text(stage)}: config {one['sha256'][:16]}, code version "
        f"{_text(one['config'].get('code_version'))}, seed {_text(one['config'].get('rng_seed'))}"
        for stage, one in facts.provenance["stages"].items()
    ]
    made = f"Made by balsa\\_pipe {_text(facts.provenance['balsa_pipe'])}, run "
    return "\n".join(
        [f"{made}{_text(facts.provenance['run'])}; see `provenance.json`.", "", *lines]
    )


def _columns() -> str:
    lines = [(column.name, column.meaning) for column in flat(columns())]
    return _table(("column", "what it is"), lines)


def _cautions(facts: Facts) -> str:
    told = [(row["licence"], caution(row["licence"])) for row in facts.licences]
    lines = [f"- {_text(licence)}: {why}" for licence, why in told if why]
    intro = "Before you pass the data on or sell what was made of it, look at these licences:"
    return "\n".join([intro, "", *lines]) if lines else ""


def _sources(facts: Facts) -> str:
    by_licence: dict[str, list[str]] = defaultdict(list)
    for row in facts.sources:
        line = f"- {_text(row['source'])} ({row['clips']} clips)"
        by_licence[row["licence"]].append(line)
    parts = []
    for row in facts.licences:
        lines = by_licence[row["licence"]]
        if row["sources"] > len(lines):
            more = row["sources"] - len(lines)
            lines.append(f"- and {more} more, in `clips[].source` of the rows")
        listed = _folded(f"{row['sources']} sources", "\n".join(lines))
        parts.append(f"**{_text(row['licence'])}** ({row['clips']} clips)\n\n{listed}")
    return "\n\n".join(parts)


def _folded(summary: str, body: str) -> str:
    """Return text that a page shows on request; the summary is HTML, of our own words alone."""
    return f"<details><summary>{summary}</summary>\n\n{body}\n\n</details>"


def _counts(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{_text(name)} {count}" for name, count in counts.items()) or "none"


def _section(title: str, *parts: str) -> str:
    return "\n\n".join([f"## {title}", *(part for part in parts if part)])


def _table(head: Sequence[str], lines: Iterable[Sequence[object]]) -> str:
    """Return a Markdown table; nothing when it would have no lines."""
    cells = [[_text(cell) for cell in line] for line in lines]
    rows = [head, ["---"] * len(head), *cells]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows) if cells else ""


def _text(value: object) -> str:
    """Return a value as one line that Markdown and HTML show as it is."""
    return _MARKDOWN.sub(r"\\\1", html.escape(safe_text(str(value)), quote=False))
