"""What there is to tell of a dataset, counted by DuckDB over its shards."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from balsa_pipe.card.licences import UNRECORDED
from balsa_pipe.card.provenance import Provenance
from balsa_pipe.database import Database, database, literal, stream
from balsa_pipe.hashing import file_sha256
from balsa_pipe.schemas import DATASET_ROW, Row
from balsa_pipe.shards import check_schema, count_rows, list_shards

MAX_SOURCES = 500
"""Sources that the card names under a licence; the rows name all."""

_MIX = """
SELECT task, expected.verdict AS verdict, strategy,
    count(*) FILTER (split = 'train') AS train,
    count(*) FILTER (split = 'validation') AS validation,
    count(duplicate_of) AS duplicates
FROM dataset GROUP BY ALL ORDER BY task, verdict NULLS LAST, strategy NULLS LAST
"""
_WORDINGS = """
SELECT template_id, template_hash, count(*) AS rows,
    arg_min(question, prompt_id) AS question
FROM dataset GROUP BY ALL ORDER BY template_id, template_hash
"""
_WRITERS = """
SELECT model, model_revision, engine, sampling, count(*) AS rows
FROM dataset GROUP BY ALL ORDER BY rows DESC, model, model_revision, engine, sampling
"""
_CLIPS = f"""
CREATE TEMP TABLE clip AS
SELECT clip.clip_id AS clip_id, any_value(clip.corpus) AS corpus,
    coalesce(min(clip.licence), {literal(UNRECORDED)}) AS licence,
    coalesce(min(clip.source), 'corpus ' || min(clip.corpus) || ', source not recorded') AS source,
    max(clip.duration_s) AS duration_s
FROM (SELECT unnest(clips) AS clip FROM dataset) GROUP BY clip.clip_id
"""
_CORPORA = """
SELECT corpus, count(*) AS clips, round(coalesce(sum(duration_s), 0) / 3600, 2) AS hours
FROM clip GROUP BY corpus ORDER BY corpus
"""
_LICENCES = """
SELECT licence, count(*) AS clips, count(DISTINCT source) AS sources
FROM clip GROUP BY licence ORDER BY licence
"""
_SOURCES = """
SELECT licence, source, count(*) AS clips FROM clip GROUP BY licence, source
QUALIFY row_number() OVER (PARTITION BY licence ORDER BY source) <= $most
ORDER BY licence, source
"""
_SILENT = "SELECT count(*) AS rows FROM dataset WHERE len(clips) = 0"


@dataclass(frozen=True, slots=True)
class File:
    """A shard of a dataset: its name in the folder, its rows, its bytes and their hash."""

    name: str
    rows: int
    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Facts:
    """What a card tells of a dataset; lists hold a row a line, in a fixed order."""

    files: tuple[File, ...]
    mix: tuple[Row, ...]  # task, verdict, strategy: train, validation, duplicates
    wordings: tuple[Row, ...]  # template_id, template_hash: rows, question
    writers: tuple[Row, ...]  # model, model_revision, engine, sampling: rows
    corpora: tuple[Row, ...]  # corpus: clips, hours
    licences: tuple[Row, ...]  # licence: clips, sources
    sources: tuple[Row, ...]  # licence, source: clips; at most MAX_SOURCES of each licence
    silent_rows: int  # rows without a clip
    provenance: Provenance

    @property
    def title(self) -> str:
        """The dataset's name, on one line."""
        return " ".join(str(self.provenance["title"]).split())

    @property
    def rows(self) -> dict[str, int]:
        """How many rows each split has."""
        return {name: sum(row[name] for row in self.mix) for name in ("train", "validation")}

    @property
    def ledger(self) -> dict[str, Any]:
        """What curate counted."""
        return dict(self.provenance["ledger"])


def gather_facts(folder: Path, provenance: Provenance) -> Facts:
    """Return the facts of a dataset's folder; ShardError when a shard isn't a whole dataset's."""
    shards = list_shards(folder)
    for shard in shards:
        check_schema(shard, DATASET_ROW)
    with database({"dataset": shards}) as db:
        db.execute(_CLIPS)
        return Facts(
            files=tuple(_file(shard, folder) for shard in shards),
            mix=_all(db, _MIX),
            wordings=_all(db, _WORDINGS),
            writers=_all(db, _WRITERS),
            corpora=_all(db, _CORPORA),
            licences=_all(db, _LICENCES),
            sources=_all(db, _SOURCES, most=MAX_SOURCES),
            silent_rows=_all(db, _SILENT)[0]["rows"],
            provenance=provenance,
        )


def wordings_used(folder: Path) -> Iterable[tuple[str, str]]:
    """Return the ids of a dataset's wordings, each with the hash that it had."""
    with database({"dataset": list_shards(folder)}) as db:
        found = stream(db, "SELECT DISTINCT template_id, template_hash FROM dataset ORDER BY ALL")
        return [(row["template_id"], row["template_hash"]) for row in found]


def _all(db: Database, query: str, **values: Any) -> tuple[Row, ...]:
    return tuple(stream(db, query, values or None))


def _file(shard: Path, folder: Path) -> File:
    name = shard.relative_to(folder).as_posix()
    return File(name, count_rows(shard), shard.stat().st_size, file_sha256(shard))
