"""What each column of a dataset means, said once for the card and for Croissant."""

from collections.abc import Iterator
from dataclasses import dataclass

import pyarrow as pa

from balsa_pipe.schemas import DATASET_ROW

MEANINGS = {
    "prompt_id": "names the row: a hash of its task, wording, clips and what it asks about",
    "task": "what kind of question it is",
    "template_id": "the prompt file and the wording in it",
    "template_hash": "hash of all that the rows of this wording share",
    "split": "train or validation; a recording is on one side only",
    "clips": "the clips that the row is about, in the order in which they are heard",
    "clips.clip_id": "hash of corpus, source id and segment",
    "clips.audio_hash": "hash of the decoded samples; null: only the metadata was there",
    "clips.corpus": "the corpus that the clip comes from",
    "clips.source_id": "the clip's name in its corpus",
    "clips.recordings": "the source recordings that it holds; a split never cuts one in two",
    "clips.split": "the clip's side of the split",
    "clips.split_given": "whether the corpus itself says so; else it was drawn by hash",
    "clips.path": "the audio file where the data was made; the audio isn't included",
    "clips.start_s": "where in the file the clip begins, in seconds",
    "clips.duration_s": "length in seconds",
    "clips.sample_rate_hz": "samples a second",
    "clips.channels": "number of channels",
    "clips.labels": "every sound word that is true of the clip, kinds too; it may be incomplete",
    "clips.captions": "captions, each of which describes the whole clip",
    "clips.licence": "the recording's licence, as its corpus gives it",
    "clips.source": "who made it and where it comes from",
    "clips.parts": "the recordings of a mixed scene: what each is, when it starts, how loud it is",
    "evidence": "what the LLM read in place of the sound",
    "question": "the user's turn in training",
    "strategy": "how the absent sound or the other clips were drawn",
    "expected": "what a good reply says",
    "expected.present": "sounds that the reply may name as present",
    "expected.absent": "sounds that it must not name as present",
    "expected.verdict": "yes or no, of a closed question",
    "messages": "the chat that the LLM was sent",
    "messages.role": "who speaks: system, user or assistant",
    "messages.content": "what is said",
    "n_example_turns": "example turns before the question",
    "reply_pattern": "the regular expression that the reply was held to; null: none",
    "verdict_forced": "whether the labels, not the LLM, chose yes or no",
    "row_key": "hash of the rendered chat, the sampling and the model",
    "response": "the LLM's own reply, unedited: the target in training",
    "finish_reason": "why the LLM stopped",
    "n_prompt_tokens": "tokens of the chat",
    "n_tokens": "tokens of the reply",
    "n_attempts": "replies drawn until one passed the judge",
    "model": "the LLM that wrote the reply",
    "model_revision": "hash of its weights, or its commit on the hub",
    "engine": "what ran it, with the version",
    "sampling": "how the reply was drawn, as JSON",
    "rng_seed": "the seed it was drawn with",
    "reject_reason": "null, as the dataset has none of the rejected replies",
    "duplicate_of": "prompt_id of the first row that says the same of the same clips; null: unique",
}


@dataclass(frozen=True, slots=True)
class Column:
    """A column or a field inside one: its dotted name, its meaning, its type, its own fields."""

    name: str
    meaning: str
    kind: pa.DataType
    fields: tuple["Column", ...]

    @property
    def is_list(self) -> bool:
        """Whether a row has several values of it."""
        return bool(pa.types.is_list(self.kind))

    @property
    def inner(self) -> pa.DataType:
        """The type of a single value."""
        return self.kind.value_type if self.is_list else self.kind


def columns() -> tuple[Column, ...]:
    """Return the columns of a dataset, in order."""
    return tuple(_column(field.name, field.type) for field in DATASET_ROW)


def flat(found: tuple[Column, ...]) -> Iterator[Column]:
    """Yield columns, each followed by those inside it."""
    for column in found:
        yield column
        yield from flat(column.fields)


def _column(name: str, kind: pa.DataType) -> Column:
    """Return a column; what is in a scene's parts is told by clip columns of the same names."""
    inner = kind.value_type if pa.types.is_list(kind) else kind
    below = inner if pa.types.is_struct(inner) and name != "clips.parts" else ()
    fields = tuple(_column(f"{name}.{field.name}", field.type) for field in below)
    return Column(name, MEANINGS[name], kind, fields)
