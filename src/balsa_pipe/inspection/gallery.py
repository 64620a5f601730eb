"""Rows of a shard as one page: what was asked, what was said, the verdict, and the sounds."""

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from balsa_pipe.database import Database, database, identifier, is_one_select, literal, stream
from balsa_pipe.errors import ShardError
from balsa_pipe.inspection.records import SHARDS, Group, one_record
from balsa_pipe.report.audio_clips import MAX_SECONDS, PlayerMaker
from balsa_pipe.report.gallery import ClipView, clip_views, gold_text, in_turns, short
from balsa_pipe.report.page import render_page
from balsa_pipe.report.systems import words
from balsa_pipe.schemas import Row

AUDIO_BUDGET_BYTES = 12_000_000
"""Sound in a page; clips that come later are left out, and the page says so."""

MAX_TEXT = 4000

_PROVENANCE = {
    "template_id": "wording",
    "split": "split",
    "strategy": "drawn as",
    "n_attempts": "replies drawn",
    "n_prompt_tokens": "prompt tokens",
    "n_tokens": "reply tokens",
    "finish_reason": "ended by",
    "model": "model",
    "model_revision": "model revision",
    "engine": "engine",
    "sampling": "sampling",
    "rng_seed": "seed",
    "row_key": "row key",
    "template_hash": "wording's hash",
    "duplicate_of": "says the same as",
    "system": "system",
    "answer": "read as",
    "suite_version": "suite version",
    "corpus": "corpus",
    "source_id": "source id",
    "audio_hash": "audio hash",
}
"""Columns and what the page calls them; those that a record lacks are left out."""


@dataclass(frozen=True, slots=True)
class RowCard:
    """A row as the page shows it; task and verdict are what it can be filtered by."""

    row_id: str
    task: str
    verdict: str
    style: str  # right | wrong | plain
    clips: Sequence[ClipView]
    texts: Sequence[tuple[str, str, str]]  # who, what, style
    details: Sequence[tuple[str, str]] = field(default=())


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which rows of a shard are shown."""

    n: int = 50
    where: str | None = None  # a condition in SQL, as DuckDB has it
    task: str | None = None
    reason: str | None = None
    rejected: bool = False

    def condition(self) -> str:
        """Return all of it as one condition in SQL."""
        parts = [f"({self.where})"] if self.where else []
        if self.task:
            parts.append(f"task = {literal(self.task)}")
        if self.reason:
            parts.append(f"reject_reason = {literal(self.reason)}")
        if self.rejected:
            parts.append("reject_reason IS NOT NULL")
        return " AND ".join(parts) or "true"


def gallery(path: Path, wanted: Wanted) -> str:
    """Return a page of rows of a shard or folder, drawn by hash, tasks and verdicts in turn.

    Raises ShardError when the folder holds several record types, foreign ones or no such row, or
    the condition is none.
    """
    group = one_record(path)
    if not group.record.ids or not _shown(group):
        raise ShardError(f"{path}: foreign rows; a gallery shows those of this pipeline's stages")
    with database({SHARDS: group.shards}, hint="") as db:
        found, rows = _select(db, group, wanted)
    if not rows:
        raise ShardError(f"{path}: no {group.record.name} where {wanted.condition()}")
    notes = [f"{len(rows)} of {found} rows of {path}, drawn by hash, tasks and verdicts in turn"]
    if wanted.condition() != "true":
        notes.append(f"only where {wanted.condition()}")
    return gallery_page(rows, f"{group.record.view} of {path}", notes)


def gallery_page(rows: Sequence[Row], title: str, notes: Sequence[str] = ()) -> str:
    """Return rows of one record type as a page that opens offline.

    Clips' paths are opened from the working directory; sound is cut to 15 s a clip and to
    AUDIO_BUDGET_BYTES in all.
    """
    players = PlayerMaker(AUDIO_BUDGET_BYTES)
    cards = [_card(row, players) for row in rows]
    return render_page(
        "rows.html.j2",
        styles=("report.css", "rows.css"),
        scripts=("report.js", "rows.js"),
        title=short(title, 200),
        notes=[*notes[:1], _sound_note(cards), *notes[1:]],
        cards=cards,
        tasks=_counts(card.task for card in cards),
        verdicts=_counts(card.verdict for card in cards),
    )


# ---- which rows ------------------------------------------------------------------------------


def _shown(group: Group) -> bool:
    return bool({"clips", "labels"} & set(group.record.schema.names))


def _select(db: Database, group: Group, wanted: Wanted) -> tuple[int, list[Row]]:
    """Return how many rows there are, and those that are shown; of the others only ids are read."""
    names = group.record.schema.names
    keys = [name for name in ("task", "suite", "reject_reason", "system", "split") if name in names]
    ids = group.record.unique[0]
    columns = ", ".join(map(identifier, dict.fromkeys([*ids, *keys])))
    query = f"SELECT {columns} FROM {SHARDS} WHERE {wanted.condition()}"
    if not is_one_select(db, query):
        raise ShardError(f"--where {wanted.where}: a condition is expected, as in n_tokens > 20")
    found = 0

    def counted(rows: Iterable[Row]) -> Iterable[Row]:
        nonlocal found
        for row in rows:
            found += 1
            yield row

    def name(row: Row) -> str:
        return " ".join(str(row[one]) for one in ids)

    group_of = [one for one in keys if one != "split"] or ["split"]
    chosen = in_turns(
        counted(stream(db, query)),
        lambda row: tuple(str(row[one] or "") for one in group_of),
        name,
        wanted.n,
    )
    places = {name(row): place for place, row in enumerate(chosen)}
    full = f"SELECT * FROM {SHARDS} WHERE list_contains($ids, {identifier(ids[0])})"
    first = [str(row[ids[0]]) for row in chosen]
    rows = [row for row in stream(db, full, {"ids": first}) if name(row) in places]
    return found, sorted(rows, key=lambda row: places[name(row)])


# ---- what is said of a row -------------------------------------------------------------------


def _card(row: Row, players: PlayerMaker) -> RowCard:
    heard = row if "clips" in row else {"clips": [row]}
    verdict, style = _verdict(row)
    return RowCard(
        row_id=next(str(row[name]) for name in ("prompt_id", "item_id", "clip_id") if name in row),
        task=str(row.get("task") or row.get("suite") or row.get("split") or ""),
        verdict=verdict,
        style=style,
        clips=clip_views(heard, players),
        texts=[
            (who, short(text, MAX_TEXT), kind) for who, text, kind in _texts(row, style) if text
        ],
        details=[*_details(row, heard)],
    )


def _verdict(row: Row) -> tuple[str, str]:
    """Return what became of a row, and how it is coloured; nothing, where nothing was judged."""
    if row.get("reject_reason"):
        return str(row["reject_reason"]), "wrong"
    if row.get("duplicate_of"):
        return "duplicate", "partly right"
    if "score" in row:
        score = row["score"]
        told = "right" if score >= 1 else "wrong" if score <= 0 else "partly right"
        return told, told
    return ("kept", "right") if "reject_reason" in row else ("", "plain")


def _texts(row: Row, style: str) -> Iterable[tuple[str, str, str]]:
    """Yield who says what: evidence, question, reply, and what was expected."""
    yield "Evidence, in place of the sound", row.get("evidence") or "", "evidence"
    yield "Question", row.get("question") or "", "question"
    if "response" in row:
        yield "Reply", row["response"] or "(nothing)", f"answer {style}"
    yield "Expected", _expected(row), "answer gold"


def _expected(row: Row) -> str:
    if "gold" in row:
        return gold_text(row["gold"])
    known: dict[str, Any] = row.get("expected") or {}
    parts = {
        "verdict": known.get("verdict") or "",
        "may be named": ", ".join(known.get("present") or []),
        "must not be named as heard": ", ".join(known.get("absent") or []),
    }
    return "\n".join(f"{name}: {value}" for name, value in parts.items() if value)


def _details(row: Row, heard: Row) -> Iterable[tuple[str, str]]:
    """Yield where a row comes from."""
    for name, label in _PROVENANCE.items():
        if row.get(name) is not None:
            yield label, short(str(row[name]), 500)
    if row.get("verdict_forced"):
        yield "verdict", "forced by the labels"
    for clip in heard["clips"]:
        yield "clip", short(f"{clip['clip_id']} {clip['corpus']}/{clip['source_id']}", 500)
        if clip["path"]:
            yield "file", short(clip["path"], 500)
    if row.get("messages"):
        chat = json.dumps(row["messages"], ensure_ascii=False, indent=1)
        yield "the chat that the LLM got", short(chat, 2 * MAX_TEXT)


def _sound_note(cards: Iterable[RowCard]) -> str:
    """Return how many clips can be heard, and why others can't."""
    players = [clip.player for card in cards for clip in card.clips]
    heard = sum(player.uri is not None for player in players)
    cut = f"{heard} of {len(players)} clips have sound here"
    limits = f"at most {MAX_SECONDS:g} s a clip, {AUDIO_BUDGET_BYTES / 1e6:g} MB in all"
    return f"{cut} ({limits}, mono, 16 kHz)" if heard else f"{cut}: no audio here"


def _counts(values: Iterable[str]) -> list[tuple[str, str, int]]:
    """Return values to filter by: the value, its words, how many rows have it."""
    return [(one, words(one), n) for one, n in sorted(Counter(values).items()) if one]
