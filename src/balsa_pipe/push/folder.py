"""A dataset's folder before it goes out: whole, sound, its card true, no path of this machine."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from posixpath import commonpath, dirname
from typing import Any

import pyarrow as pa

from balsa_pipe.card import CROISSANT, PROVENANCE, README, card_files, facts_of
from balsa_pipe.card.provenance import LOCAL, is_local, local_path
from balsa_pipe.card.readme import stamp_of
from balsa_pipe.database import database, literal, stream
from balsa_pipe.errors import ShardError
from balsa_pipe.files import write_whole
from balsa_pipe.inspection.check import check
from balsa_pipe.schemas import DATASET_ROW
from balsa_pipe.shards import list_shards, read_batches, read_facts, shard_writer

Log = Callable[[str], None]

BESIDE = (README, CROISSANT, PROVENANCE)
"""The files beside the shards."""

_AGAIN = "run snakemake, or `balsa curate`, which writes it"
_ENDS = f"""
SELECT clip.corpus AS corpus, min(clip.path) FILTER (starts_with(clip.path, '/')) AS first,
    max(clip.path) FILTER (starts_with(clip.path, '/')) AS last
FROM (SELECT unnest(clips) AS clip FROM dataset)
WHERE regexp_matches(clip.path, {literal(LOCAL)}) GROUP BY clip.corpus ORDER BY clip.corpus
"""


def files_of(folder: Path) -> dict[str, Path]:
    """Return the files of a dataset by their names in it; nothing else that lies there goes out."""
    shards = {shard.relative_to(folder).as_posix(): shard for shard in list_shards(folder)}
    return {**{name: folder / name for name in BESIDE}, **shards}


def require_sound(folder: Path) -> None:
    """Raise ShardError unless a dataset's folder is whole and its shards are sound."""
    if not folder.is_dir():
        raise ShardError(f"{folder}: no such folder; name the folder of a dataset")
    for name in BESIDE:
        if not (folder / name).is_file():
            raise ShardError(f"{folder}: has no {name}, so it is no finished dataset; {_AGAIN}")
    if problems := check(folder, audio=False):
        more = f" and {len(problems) - 1} more" if len(problems) > 1 else ""
        raise ShardError(f"{problems[0]}{more}; `balsa shards check {folder}` lists them")


def publishable(folder: Path, card: Mapping[str, str], scratch: Path, log: Log) -> Path:
    """Return a folder to upload: this one, or a copy whose clips have no path of this machine.

    card: what the card's files should say. Raises ShardError when they say something else.
    """
    _require_true(folder, card)
    roots = _roots(folder)
    if not roots:
        return folder
    log(
        "push: paths of clips are told below the folder that their corpus shares, as they name "
        f"this machine: {', '.join(roots)}"
    )
    for name in (README, PROVENANCE):
        write_whole(scratch / name, (folder / name).read_text(encoding="utf-8"))
    for shard in list_shards(folder):
        copy = scratch / shard.relative_to(folder)
        with shard_writer(copy, DATASET_ROW, facts=read_facts(shard)) as write:
            for batch in _relative(shard, roots):
                write(batch)
    write_whole(scratch / CROISSANT, card_files(facts_of(scratch))[CROISSANT])
    return scratch


def _require_true(folder: Path, card: Mapping[str, str]) -> None:
    """Raise ShardError when the card tells of other shards; a README may say more than we wrote."""
    found = {name: (folder / name).read_text(encoding="utf-8") for name in card}
    stale = [CROISSANT] if found[CROISSANT] != card[CROISSANT] else []
    stale += [README] if stamp_of(found[README]) != stamp_of(card[README]) else []
    if stale:
        raise ShardError(
            f"{folder}: {' and '.join(stale)} don't tell of the shards that are there now; {_AGAIN} "
            "again"
        )


def _roots(folder: Path) -> dict[str, str]:
    """Return the folder that the absolute paths of each corpus share; none: they are relative.

    What the first and the last path in alphabetical order share, all between them do.
    """
    with database({"dataset": list_shards(folder)}) as db:
        return {row["corpus"]: _shared(row["first"], row["last"]) for row in stream(db, _ENDS)}


def _shared(first: str | None, last: str | None) -> str:
    """Return the folder that two paths share; empty: they are of a system that isn't this one."""
    return commonpath([dirname(first), dirname(last)]) if first and last else ""


def _relative(shard: Path, roots: Mapping[str, str]) -> Iterator[pa.RecordBatch]:
    for batch in read_batches(shard):
        rows = batch.to_pylist()
        for row in rows:
            row["clips"] = [_public(clip, roots) for clip in row["clips"]]
        yield pa.RecordBatch.from_pylist(rows, schema=DATASET_ROW)


def _public(clip: dict[str, Any], roots: Mapping[str, str]) -> dict[str, Any]:
    path = clip["path"]
    if path is None or not is_local(path):
        return clip
    root, inside = roots[clip["corpus"]], local_path(path)
    below = inside.relative_to(root).as_posix() if path.startswith("/") else inside.name
    return {**clip, "path": below}
