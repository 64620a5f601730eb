"""Hugging Face's audiofolder: sound files, with metadata beside them or labels as folders."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path, PurePosixPath

from balsa_pipe.corpora.base import (
    CorpusInfo,
    RawClip,
    Reject,
    as_words,
    audio_below,
    clean_texts,
    clips_of,
    label_list,
    list_files,
    locate,
    merged,
    text_in,
)
from balsa_pipe.corpora.files import Cells, Note, Records, read_records
from balsa_pipe.corpus_config import FOLDER_METADATA, AudioFolderCorpus
from balsa_pipe.errors import CorpusError

SUFFIXES = frozenset({".wav", ".flac", ".mp3", ".ogg", ".opus", ".m4a", ".aiff", ".au"})
SPLITS = {
    **dict.fromkeys(["train", "training"], "train"),
    **dict.fromkeys(["validation", "valid", "val", "dev"], "validation"),
    **dict.fromkeys(["test", "testing", "eval", "evaluation"], "test"),
}


def read_audiofolder(cfg: AudioFolderCorpus) -> Iterator[RawClip | Reject | Note]:
    """Yield the clips that metadata files tell of; where there are none, folders are labels.

    Raises CorpusError when the folder holds no sound, or metadata that can't be read.
    """
    names = []
    for where, cells in list_files(cfg.root):
        if isinstance(cells, str):
            yield Reject(where, "bad_row", cells)
        else:
            names.append(PurePosixPath(cells["file_name"]))
    tables = [name for name in names if name.name.lower() in FOLDER_METADATA]
    sounds = [name.as_posix() for name in names if name.suffix.lower() in SUFFIXES]
    if not tables and not sounds:
        raise CorpusError(f"{cfg.root}: holds neither sound files nor a metadata.csv")
    if tables:
        yield from merged(_read_tables(cfg, tables, sounds))
    else:
        entries = ((f"{cfg.root}/{name}", {"file_name": name}) for name in sounds)
        yield from clips_of(entries, partial(_read_file, cfg))


# ---- folders are labels ----------------------------------------------------------------------


def _read_file(cfg: AudioFolderCorpus, cells: Cells) -> RawClip:
    name: str = cells["file_name"]
    side, folders = _side(name)
    return RawClip(
        source_id=name,
        path=audio_below(cfg.root, name),
        labels=clean_texts(map(as_words, folders[-1:])),
        split=side,
    )


def _side(name: str) -> tuple[str | None, list[str]]:
    """Return the side that a file's outermost folder names, and its other folders."""
    *folders, _ = name.split("/")
    side = SPLITS.get(folders[0].lower()) if folders else None
    return side, folders if side is None else folders[1:]


# ---- metadata --------------------------------------------------------------------------------


def _read_tables(
    cfg: AudioFolderCorpus, tables: list[PurePosixPath], sounds: list[str]
) -> Iterator[RawClip | Reject | Note]:
    told = set()
    for folder in dict.fromkeys(table.parent for table in tables):
        here = [table.name for table in tables if table.parent == folder]
        if len(here) > 1:
            raise CorpusError(f"{cfg.root / folder}: holds {', '.join(here)}; keep one of them")
        records, column = _open_table(cfg, cfg.root / folder / here[0])
        yield from records.notes
        for entry in clips_of(records.entries, partial(_read_row, cfg, folder, column)):
            if isinstance(entry, RawClip):
                told.add(entry.source_id)
            yield entry
    if untold := [name for name in sounds if name not in told]:
        detail = f"{cfg.root}: no metadata tells of {len(untold)} sound files, as {untold[0]}"
        yield Note("files_without_metadata", detail)


def _open_table(cfg: AudioFolderCorpus, path: Path) -> tuple[Records, str]:
    """Return a metadata file's rows and the column that names the files."""
    if not path.resolve().is_relative_to(cfg.root.resolve()):
        raise CorpusError(f"{path}: a link that leads out of the folder; copy the file here")
    records = read_records(path)
    named = [name for name in records.columns if name == "file_name" or name.endswith("_file_name")]
    column = "file_name" if "file_name" in named else "".join(named[:1])
    texts = [name for name in [*cfg.caption, *cfg.labels] if name in records.columns]
    if not column or not texts:
        wanted = ", ".join([*cfg.caption, *cfg.labels])
        raise CorpusError(
            f"{path}: has the columns {records.columns}; expected file_name and one of {wanted}, "
            f"which `caption` and `labels` of corpus {cfg.name} set"
        )
    if path.suffix.lower() == ".parquet":  # of which only the columns that are wanted are read
        records = read_records(path, [column, *texts])
    return records, column


def _read_row(cfg: AudioFolderCorpus, folder: PurePosixPath, column: str, cells: Cells) -> RawClip:
    named = PurePosixPath(folder, text_in(cells, column)).as_posix()
    _, name = locate(cfg.root.resolve(), named)
    captions = (cells.get(caption) for caption in cfg.caption)
    several = (value if isinstance(value, list) else [value] for value in captions)
    return RawClip(
        source_id=name,
        path=cfg.root / name,
        labels=clean_texts(text for field in cfg.labels for text in label_list(cells.get(field))),
        captions=clean_texts(text for texts in several for text in texts),
        split=_side(name)[0],
    )


AUDIOFOLDER = CorpusInfo(
    read_audiofolder,
    about="your own clips in the layout of Hugging Face's audiofolder",
    licence="your own",
    home="yours",
    files="none; `root` holds a metadata.csv, .jsonl or .parquet, or one in each of train/, "
    "validation/ and test/, or a folder for each label",
)
