"""Where a row comes from: its clips, wording, messages, model, seed, configs, verdict and copies."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from balsa_pipe.card.provenance import FILE, read_provenance, stage_configs, wordings_of
from balsa_pipe.database import database, stream
from balsa_pipe.errors import ShardError
from balsa_pipe.inspection.records import groups
from balsa_pipe.schemas import Row
from balsa_pipe.shards import read_facts
from balsa_pipe.text import safe_text

NAMED = 5
"""Ids that the error on an ambiguous prefix lists."""

_REPLIES = ("dataset row", "sample")
"""Record types that have a lineage; a row that is of both is shown as the dataset has it."""
_CLIP = (
    *("clip_id", "corpus", "source_id", "recordings", "split", "path", "start_s", "duration_s"),
    *("audio_hash", "labels", "captions", "licence", "source", "parts"),
)
_MODEL = ("model", "model_revision", "engine")
_SAMPLING = ("sampling", "rng_seed", "n_attempts", "n_prompt_tokens", "n_tokens", "finish_reason")


def lineage(path: Path, prefix: str) -> Row:
    """Return all that leads to the row whose prompt_id begins so, as JSON-able data.

    Raises ShardError when no row does or several do, or when the path has no samples or dataset.
    """
    views = _views(path)
    with database(views, numbered=True) as db:
        shards = {str(shard.resolve()): shard for found in views.values() for shard in found}
        prompt_id = _one_id(path, prefix, list(_ids(db, views, prefix)))
        rows = [row for view in views for row in _rows(db, view, prompt_id)]
        row = rows[0]
        copies = list(_copies(db, views, prompt_id))
    return _told(row, shards[row["filename"]], copies)


def lines(found: Row) -> Iterator[str]:
    """Yield a lineage as people read it: one fact a line, configs by their hashes alone."""
    hashes = {stage: f"config sha256 {one['sha256']}" for stage, one in found["configs"].items()}
    yield from _lines(found | {"configs": hashes or None}, 0)


def _views(path: Path) -> dict[str, list[Path]]:
    found = {group.record.name: group.shards for group in groups(path)}
    views = {name.split()[0]: found[name] for name in _REPLIES if name in found}
    if not views:
        raise ShardError(
            f"{path}: holds {', '.join(sorted(found))} shards; expected a run's folder, or samples "
            "or a dataset of it"
        )
    return views


def _ids(db: Any, views: dict[str, list[Path]], prefix: str) -> Iterator[str]:
    asked = " UNION ".join(f"SELECT prompt_id FROM {view}" for view in views)
    query = f"SELECT prompt_id FROM ({asked}) WHERE starts_with(prompt_id, $prefix)"
    for row in stream(db, f"{query} ORDER BY ALL LIMIT {NAMED + 1}", {"prefix": prefix}):
        yield row["prompt_id"]


def _one_id(path: Path, prefix: str, found: list[str]) -> str:
    """Return the one id that begins so; an id that others only go on from is meant itself."""
    if prefix in found:
        return prefix
    if not found:
        raise ShardError(
            f"{path}: no row's prompt_id begins with {prefix!r}; "
            "`balsa shards head` or `grep` shows ids"
        )
    if len(found) > 1:
        more = " and more" if len(found) > NAMED else ""
        named = safe_text(", ".join(found[:NAMED]))
        raise ShardError(
            f"{path}: {prefix!r} begins several prompt_ids: {named}{more}; add letters"
        )
    return found[0]


def _rows(db: Any, view: str, prompt_id: str) -> list[Row]:
    query = f"SELECT * FROM {view} WHERE prompt_id = $id ORDER BY filename, file_row_number"
    return list(stream(db, query, {"id": prompt_id}))


def _copies(db: Any, views: dict[str, list[Path]], prompt_id: str) -> Iterator[str]:
    """Yield the rows that are marked as saying the same as this one."""
    if "dataset" in views:
        query = "SELECT prompt_id FROM dataset WHERE duplicate_of = $id ORDER BY ALL"
        for row in stream(db, query, {"id": prompt_id}):
            yield row["prompt_id"]


def _told(row: Row, shard: Path, copies: list[str]) -> Row:
    wording = (row["template_id"], row["template_hash"])
    made_by, wordings = _making(shard, wording)
    return {
        "prompt_id": row["prompt_id"],
        "task": row["task"],
        "split": row["split"],
        "shard": {
            "path": str(shard),
            "row": row["file_row_number"],
            "written_by": read_facts(shard),
        },
        "clips": [{name: clip[name] for name in _CLIP} for clip in row["clips"]],
        "wording": {
            "template_id": wording[0],
            "template_hash": wording[1],
            **{name: wordings.get(name) for name in ("file", "text", "evidence")},
        },
        "asked": {name: row[name] for name in ("evidence", "question", "strategy", "expected")},
        "messages": row["messages"],
        "response": row["response"],
        "model": {name: row[name] for name in _MODEL},
        "sampling": {name: row[name] for name in _SAMPLING},
        "row_key": row["row_key"],
        "verdict": _verdict(row),
        "duplicates": {"duplicate_of": row.get("duplicate_of"), "duplicates": copies},
        "configs": made_by,
    }


def _verdict(row: Row) -> Row:
    reason = row["reject_reason"]
    return {
        "kept": reason is None,
        "reject_reason": reason,
        "forced": row["verdict_forced"],
        "reply_pattern": row["reply_pattern"],
    }


def _making(shard: Path, wording: tuple[str, str]) -> tuple[Any, Row]:
    """Return the stages' configs and the row's wording, from the run or what the dataset tells.

    A dataset's provenance.json wins, as the run's files may have changed since.
    """
    for folder in shard.resolve().parents:
        if (folder / FILE).is_file():
            told = read_provenance(folder)
            return told["stages"], told["wordings"].get(wording[0], {})
        if (configs := folder / "config").is_dir() and (found := stage_configs(configs)):
            return found, wordings_of(found, configs, [wording])[wording[0]]
    return {}, {}


def _lines(value: Any, depth: int) -> Iterator[str]:
    for name, inner in value.items():
        start = "  " * depth + safe_text(str(name))
        if isinstance(inner, dict) and inner:
            yield start
            yield from _lines(inner, depth + 1)
        elif isinstance(inner, list) and inner and isinstance(inner[0], dict):
            yield start
            for number, one in enumerate(inner, start=1):
                yield "  " * (depth + 1) + str(number)
                yield from _lines(one, depth + 2)
        else:
            yield f"{start}  {_cell(inner)}"


def _cell(value: Any) -> str:
    if value is None:
        return "-"
    return safe_text(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))
