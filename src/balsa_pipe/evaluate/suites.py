"""Eval suites: what is asked, of whom, how a reply is read and scored; one YAML file a suite."""

from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, field_validator

from balsa_pipe.config import Positive
from balsa_pipe.errors import ConfigError
from balsa_pipe.evaluate.retention import Rules
from balsa_pipe.yaml_files import explain, load_yaml

SLOT = "{{ sound }}"
"""Where a wording names the sound; it is replaced as text, so a sound can't add code."""

AudioSystem = Literal["trained", "untrained", "no_audio", "swapped_audio"]
TextSystem = Literal["trained", "base"]
Strategy = Literal["random", "popular", "adversarial"]  # not hard: a wrong "no" would be scored
ClipKinds = Literal["singles", "scenes", "both"]
Wording = Annotated[str, Field(min_length=1)]


class _Suite(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    suite: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    version: Positive = Field(description="raise it when a change makes old numbers incomparable")
    max_tokens: Positive = Field(default=48, description="longest reply")

    @field_validator("systems", "strategies", "wordings", check_fields=False)
    @classmethod
    def validate_unique(cls, value: list[str]) -> list[str]:
        """Refuse an entry that stands there twice: it would count twice."""
        if twice := _repeated(value):
            raise ValueError(f"these stand there twice: {twice}")
        return value


class _AudioSuite(_Suite):
    systems: list[AudioSystem] = Field(min_length=1)
    clips: ClipKinds = "both"


class _SoundSuite(_AudioSuite):
    wordings: list[Wording] = Field(min_length=1)
    max_per_sound: Positive = Field(description="at most so many clips that hold the sound")
    min_train_recordings: int = Field(
        default=1, ge=0, description="sounds of fewer training recordings are not asked for"
    )
    min_test_clips: Positive = Field(default=1, description="nor those with fewer test clips")

    @field_validator("wordings")
    @classmethod
    def validate_wordings(cls, value: list[str]) -> list[str]:
        """Refuse a wording that doesn't name the sound once, and nothing else."""
        for wording in value:
            if wording.count(SLOT) != 1 or wording.count("{{") != 1:
                raise ValueError(f"each wording holds {SLOT} once and no other variable")
        return value


class PresenceSuite(_SoundSuite):
    """Is a sound in the clip? As often asked where it is as where it isn't, for each sound."""

    kind: Literal["presence"]
    strategies: list[Strategy] = Field(min_length=1, description="how absent clips are drawn")
    parser: Literal["word-boundary"]
    metric: Literal["accuracy"]
    cluster: Literal["clip"]


class CaptionRecallSuite(_AudioSuite):
    """What is in the clip? Scored by the share of its sounds that the reply mentions."""

    kind: Literal["caption_recall"]
    wordings: list[Wording] = Field(min_length=1)
    metric: Literal["rate"]
    cluster: Literal["clip"]


class DifferenceSuite(_SoundSuite):
    """Which of two clips has a sound? Asked in both orders of the clips."""

    kind: Literal["difference"]
    parser: Literal["first-second", "clip-of-sound"]
    metric: Literal["accuracy"]
    cluster: Literal["pair"]


class TextPrompt(BaseModel):
    """One instruction without sound, and the rules of a good reply."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    prompt: str = Field(min_length=1)
    rules: Rules

    @field_validator("rules")
    @classmethod
    def validate_rules(cls, value: Rules) -> Rules:
        """Refuse a prompt that any reply would pass."""
        if not value.model_dump(exclude_none=True):
            raise ValueError("at least one rule is needed")
        return value


class TextRetentionSuite(_Suite):
    """Are plain instructions still followed? Scored by rules, base LLM against trained LLM."""

    kind: Literal["text_retention"]
    systems: list[TextSystem] = Field(min_length=1)
    prompts: list[TextPrompt] = Field(min_length=1)
    metric: Literal["rate"]
    cluster: Literal["item"]

    @field_validator("prompts")
    @classmethod
    def validate_prompts(cls, value: list[TextPrompt]) -> list[TextPrompt]:
        """Refuse a prompt that stands there twice: it would count twice."""
        if twice := _repeated(prompt.prompt for prompt in value):
            raise ValueError(f"these stand there twice: {twice}")
        return value


Suite = PresenceSuite | CaptionRecallSuite | DifferenceSuite | TextRetentionSuite

_SUITE: TypeAdapter[Suite] = TypeAdapter(Annotated[Suite, Field(discriminator="kind")])


def load_suite(path: Path) -> Suite:
    """Return the suite of a YAML file; ConfigError names every wrong key at once."""
    try:
        return _SUITE.validate_python(load_yaml(path))
    except ValidationError as exc:
        raise ConfigError(f"{path}: {explain(exc, _SUITE.json_schema())}") from exc


def load_suites(paths: Sequence[Path]) -> list[Suite]:
    """Return the suites of YAML files, in order; ConfigError when two have the same name."""
    suites = [load_suite(path) for path in paths]
    if twice := _repeated(suite.suite for suite in suites):
        raise ConfigError(f"evaluate.suites: {twice} named by several files; rename all but one")
    return suites


def _repeated(names: Iterable[str]) -> list[str]:
    return sorted(name for name, count in Counter(names).items() if count > 1)
