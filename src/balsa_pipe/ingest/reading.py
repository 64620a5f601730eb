"""Metadata becomes clips: one form for labels and captions, an id, a recording, a drawn side."""

from collections.abc import Iterator
from dataclasses import replace

import pyarrow as pa
import pyarrow.compute as pc

from balsa_pipe.config import IngestConfig
from balsa_pipe.corpora import CORPORA
from balsa_pipe.corpora.base import NO_TEXT, RAW_CLIP, RawClip, Reject, clean_text
from balsa_pipe.corpora.files import Note, require_file, require_root
from balsa_pipe.corpus_config import Corpus
from balsa_pipe.errors import CorpusError
from balsa_pipe.ingest.ledger import Ledger
from balsa_pipe.ingest.sides import Draw
from balsa_pipe.scenes import stored_path
from balsa_pipe.schemas import CLIP

_MAX_LABEL_CHARS = 100  # longer ones are sentences in the wrong column
_WORD_CHARS = 20  # a caption without spaces must end somewhere too
_BATCH_ROWS = 4096
_SHARED = r"^(youtube|freesound):"


def read_clips(
    corpora: list[Corpus], cfg: IngestConfig, draw: Draw, ledger: Ledger, *, texts: bool = True
) -> Iterator[pa.RecordBatch]:
    """Yield the clips of corpora in batches; rows that can't be one go to the ledger.

    texts: whether a clip needs a label or a caption.
    Raises CorpusError when a corpus can't be read at all.
    """
    for corpus in corpora:
        _check(corpus)
        for raw in _raw_batches(corpus, cfg, ledger, texts):
            yield _to_clips(corpus, raw, draw)


def require_names(corpora: list[Corpus]) -> None:
    """Raise CorpusError when two corpora bear one name."""
    names = [corpus.name for corpus in corpora]
    if len(set(names)) < len(names):
        raise CorpusError(f"ingest.corpora: names {names} must differ; ids are made of them")


def _check(corpus: Corpus) -> None:
    for path in corpus.files:
        require_file(path, corpus.name)
    if corpus.reader != "demo":  # whose reader says how to fetch it
        require_root(corpus.root, corpus.name)


# ---- rows to batches -------------------------------------------------------------------------


def _raw_batches(
    corpus: Corpus, cfg: IngestConfig, ledger: Ledger, texts: bool
) -> Iterator[pa.RecordBatch]:
    """Yield a corpus in batches of RAW_CLIP, in its order."""
    rows: list[RawClip] = []
    for entry in CORPORA[corpus.reader].read(corpus):
        if isinstance(entry, Note):
            ledger.note(entry.name, entry.detail)
            continue
        if isinstance(entry, pa.RecordBatch):
            ledger.read += entry.num_rows
            ledger.tell(corpus.name, clips=entry.num_rows, captions=0, labels=_n_texts(entry))
            yield entry
            continue
        ledger.read += 1
        if isinstance(entry, Reject):
            if texts or entry.clip is None:
                ledger.reject(entry)
                continue
            entry = entry.clip
        clip = _tidy(entry, cfg, ledger)
        if texts and not clip.labels and not clip.captions:
            ledger.reject(Reject(f"{corpus.name}/{clip.source_id}", "no_text", NO_TEXT))
            continue
        ledger.tell(corpus.name, clips=1, captions=len(entry.captions), labels=len(clip.labels))
        rows.append(clip)
        if len(rows) == _BATCH_ROWS:
            yield _batch(rows)
            rows = []
    if rows:
        yield _batch(rows)


def _n_texts(batch: pa.RecordBatch) -> int:
    return len(batch.column("labels").flatten())


def _batch(rows: list[RawClip]) -> pa.RecordBatch:
    columns = {name: [getattr(row, name) for row in rows] for name in RAW_CLIP.names}
    columns["path"] = [path and stored_path(path) for path in columns["path"]]
    return pa.RecordBatch.from_pydict(columns, RAW_CLIP)


def _tidy(raw: RawClip, cfg: IngestConfig, ledger: Ledger) -> RawClip:
    """Bring labels and captions into one form: lower-case labels, captions of bounded length."""
    labels = dict.fromkeys(clean_text(label).lower() for label in raw.labels)
    short = tuple(label for label in labels if 0 < len(label) <= _MAX_LABEL_CHARS)
    captions = dict.fromkeys(map(clean_text, raw.captions))
    cut = tuple(dict.fromkeys(_cut_words(text, cfg.max_caption_words) for text in captions if text))
    ledger.note("label_dropped", count=len(labels) - len(short))
    ledger.note("caption_cut", count=len(set(cut) - set(captions)))
    ledger.note("caption_repeated", count=len(raw.captions) - len(captions))
    return replace(raw, labels=short, captions=cut)


def _cut_words(text: str, most: int) -> str:
    words = text.split()
    return (" ".join(words[:most]) if len(words) > most else text)[: most * _WORD_CHARS]


# ---- columns ---------------------------------------------------------------------------------


def _to_clips(corpus: Corpus, raw: pa.RecordBatch, draw: Draw) -> pa.RecordBatch:
    """Return the clips that rows of metadata tell of, each on its given or drawn side."""
    n = raw.num_rows
    names = pa.repeat(corpus.name, n)
    recording = _recordings(corpus.name, raw)
    clip_id, drawn = draw(names, raw.column("source_id"), recording)
    given = raw.column("split")
    made = {
        "clip_id": clip_id,
        "corpus": names,
        "recordings": pa.ListArray.from_arrays(pa.array(range(n + 1), pa.int32()), recording),
        "split": pc.coalesce(given, drawn),
        "parts": pa.array([[]] * n, CLIP.field("parts").type),
        "split_given": given.is_valid(),
    }
    told = {name: raw.column(name) for name in RAW_CLIP.names if name not in made}
    return pa.record_batch([_column(field, n, told | made) for field in CLIP], CLIP)


def _column(field: pa.Field, n: int, found: dict[str, pa.Array]) -> pa.Array:
    return found[field.name].cast(field.type) if field.name in found else pa.nulls(n, field.type)


def _recordings(corpus: str, raw: pa.RecordBatch) -> pa.Array:
    """Return what each clip is cut from; a name is the corpus's own unless it is an id of a site."""
    named = pc.coalesce(raw.column("recording"), raw.column("source_id"))
    shared = pc.match_substring_regex(named, _SHARED)
    return pc.if_else(shared, named, pc.binary_join_element_wise(corpus, named, "/"))
