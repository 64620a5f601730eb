"""What users write of the corpora they bring: one frozen model per reader."""

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

Split = Literal["train", "validation", "test"]


def _as_list(value: Any) -> Any:
    return value if isinstance(value, list) else [value]


Files = Annotated[list[Path], BeforeValidator(_as_list), Field(min_length=1)]
"""One path, or a list of them."""


AudioName = Annotated[
    str,
    Field(
        pattern=r"\{youtube_id\}",
        description="name of a clip's file; {youtube_id} and {start_s} are filled in",
    ),
]


class FrozenModel(BaseModel):
    """A section of a config: values as they were written, no key that isn't known."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class _Corpus(FrozenModel):
    name: str = Field(pattern=r"^[a-z0-9_-]+$")
    root: Path | None = Field(
        default=None,
        description="audio root: every audio file lies below it; null: the metadata alone",
    )

    @property
    def files(self) -> list[Path]:
        """The metadata files that it is read from."""
        return []


class _PublishedCorpus(_Corpus):
    """A data set, read from the files that its publishers gave out, unchanged."""

    metadata: Files
    split: Literal["published", "drawn"] | Split = Field(
        default="published",
        description="published: as the publishers split it, where they did; drawn: by hash, by the "
        "shares of ingest.splits; train, validation or test: every clip is on that side",
    )

    @property
    def files(self) -> list[Path]:
        """The metadata files that it is read from."""
        return self.metadata


# ---- your own --------------------------------------------------------------------------------


class Columns(FrozenModel):
    """Which column of a table holds what; null: the table has no such column."""

    path: str | None = "path"
    id: str | None = Field(default=None, description="names a clip; null: its path does")
    caption: str | list[str] | None = Field(
        default="caption", description="a column of captions, or several"
    )
    labels: str | None = "labels"
    split: str | None = None
    licence: str | None = None
    source: str | None = None
    recording: str | None = None


class TableCorpus(_Corpus):
    """A CSV, TSV, JSONL or Parquet file with one row a clip."""

    reader: Literal["table"]
    metadata: Path
    columns: Columns = Columns()
    label_separator: str = ";"

    @property
    def files(self) -> list[Path]:
        """The metadata files that it is read from."""
        return [self.metadata]


FOLDER_METADATA = frozenset({"metadata.csv", "metadata.jsonl", "metadata.parquet"})


class AudioFolderCorpus(_Corpus):
    """A folder in the layout of Hugging Face's audiofolder."""

    reader: Literal["audiofolder"]
    name: str = Field(default="audiofolder", pattern=r"^[a-z0-9_-]+$")
    root: Path
    caption: list[str] = Field(
        default=["caption", "text", "transcription"],
        description="columns of captions; those that the metadata has are read",
    )
    labels: list[str] = Field(default=["label", "labels", "tags"], description="columns of labels")

    @property
    def files(self) -> list[Path]:
        """The metadata files that are there, in the folder or in one of its folders."""
        found = (*self.root.glob("metadata.*"), *self.root.glob("*/metadata.*"))
        return sorted(path for path in found if path.name.lower() in FOLDER_METADATA)


class LhotseCorpus(_Corpus):
    """Lhotse manifests: cuts, or recordings and their supervisions."""

    reader: Literal["lhotse"]
    name: str = Field(default="lhotse", pattern=r"^[a-z0-9_-]+$")
    metadata: Files = Field(description="cuts, or recordings and supervisions; .jsonl or .jsonl.gz")
    labels: list[str] = Field(
        default=["labels", "tags"], description="custom fields of a supervision that hold labels"
    )

    @property
    def files(self) -> list[Path]:
        """The metadata files that it is read from."""
        return self.metadata


class DemoCorpus(_Corpus):
    """The embedded corpus that `balsa fetch demo` unpacks."""

    reader: Literal["demo"]
    name: str = Field(default="demo", pattern=r"^[a-z0-9_-]+$")
    root: Path


# ---- published data sets ---------------------------------------------------------------------


class AudioSetCorpus(_PublishedCorpus):
    """AudioSet: the segments CSVs."""

    reader: Literal["audioset"]
    name: str = Field(default="audioset", pattern=r"^[a-z0-9_-]+$")
    audio_name: AudioName = "Y{youtube_id}.wav"


class AudioCapsCorpus(_PublishedCorpus):
    """AudioCaps, 1.0 or 2.0: train.csv, val.csv, test.csv."""

    reader: Literal["audiocaps"]
    name: str = Field(default="audiocaps", pattern=r"^[a-z0-9_-]+$")
    audio_name: AudioName = "Y{youtube_id}.wav"


class ClothoCorpus(_PublishedCorpus):
    """Clotho 2.1: clotho_captions_<split>.csv, and clotho_metadata_<split>.csv for the sources."""

    reader: Literal["clotho"]
    name: str = Field(default="clotho", pattern=r"^[a-z0-9_-]+$")


class Fsd50kCorpus(_PublishedCorpus):
    """FSD50K: dev.csv and eval.csv of the ground truth."""

    reader: Literal["fsd50k"]
    name: str = Field(default="fsd50k", pattern=r"^[a-z0-9_-]+$")


class Esc50Corpus(_PublishedCorpus):
    """ESC-50: meta/esc50.csv."""

    reader: Literal["esc50"]
    name: str = Field(default="esc50", pattern=r"^[a-z0-9_-]+$")


class MusicCapsCorpus(_PublishedCorpus):
    """MusicCaps: musiccaps-public.csv."""

    reader: Literal["musiccaps"]
    name: str = Field(default="musiccaps", pattern=r"^[a-z0-9_-]+$")
    audio_name: AudioName = "{youtube_id}.wav"


class WavCapsCorpus(_PublishedCorpus):
    """WavCaps: any of its four JSON files."""

    reader: Literal["wavcaps"]
    name: str = Field(default="wavcaps", pattern=r"^[a-z0-9_-]+$")


class VocalSoundCorpus(_PublishedCorpus):
    """VocalSound: datafiles/{tr,val,te,all}.json."""

    reader: Literal["vocalsound"]
    name: str = Field(default="vocalsound", pattern=r"^[a-z0-9_-]+$")


class NonSpeech7kCorpus(_PublishedCorpus):
    """NonSpeech7k: the metadata of its train and test set."""

    reader: Literal["nonspeech7k"]
    name: str = Field(default="nonspeech7k", pattern=r"^[a-z0-9_-]+$")


class CochlSceneCorpus(_Corpus):
    """CochlScene: folders of splits and scenes; it has no metadata but the names of its files."""

    reader: Literal["cochlscene"]
    name: str = Field(default="cochlscene", pattern=r"^[a-z0-9_-]+$")
    root: Path
    split: Literal["published", "drawn"] | Split = "published"


Corpus = Annotated[
    TableCorpus
    | AudioFolderCorpus
    | LhotseCorpus
    | DemoCorpus
    | AudioSetCorpus
    | AudioCapsCorpus
    | ClothoCorpus
    | Fsd50kCorpus
    | Esc50Corpus
    | MusicCapsCorpus
    | WavCapsCorpus
    | VocalSoundCorpus
    | NonSpeech7kCorpus
    | CochlSceneCorpus,
    Field(discriminator="reader"),
]
