"""What users write: one frozen model per stage, unknown keys forbidden. The only schema of a config."""

from datetime import date
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, Self, TypeVar, get_args

from pydantic import AfterValidator, Field, ValidationError, field_validator, model_validator

from balsa_pipe.corpus_config import Corpus, FrozenModel
from balsa_pipe.errors import ConfigError
from balsa_pipe.yaml_files import explain, load_yaml

TaskName = Literal[
    "caption",
    "absence",
    "presence_absence",
    "presence_qa",
    "difference",
    "joint_caption",
    "text_only",
]
TASK_NAMES: tuple[TaskName, ...] = get_args(TaskName)
Strategy = Literal["random", "popular", "adversarial", "hard"]
Likeness = Literal["random", "similar", "dissimilar"]
Verdict = Literal["free", "closed", "forced"]
Positive = Annotated[int, Field(gt=0)]
RngSeed = Annotated[int, Field(ge=0, lt=2**32)]  # what numpy takes


def _check_order(value: tuple[int, int]) -> tuple[int, int]:
    if value[0] > value[1]:
        raise ValueError(f"{value[0]} to {value[1]} is no range; the smaller number goes first")
    return value


def _check_weights(value: dict[Any, float]) -> dict[Any, float]:
    if not sum(value.values()) > 0:
        raise ValueError("at least one weight above 0 is needed")
    return value


K = TypeVar("K")
Range = Annotated[tuple[Positive, Positive], AfterValidator(_check_order)]
Weights = Annotated[dict[K, Annotated[float, Field(ge=0)]], AfterValidator(_check_weights)]
"""What is drawn how often, in proportion; a name that is left out is never drawn."""


class _Section(FrozenModel):
    code_version: ClassVar[int] = 1
    """Raise by one when a change of code makes old outputs of this stage wrong."""


# ---- ingest ----------------------------------------------------------------------------------


class Splits(FrozenModel):
    """Shares of the source recordings on each side; the rest trains."""

    validation: float = Field(default=0.1, ge=0, lt=1)
    test: float = Field(default=0.2, ge=0, lt=1)

    @model_validator(mode="after")
    def validate_rest(self) -> Self:
        """Refuse shares that leave nothing to train on."""
        if self.validation + self.test >= 1:
            raise ValueError(
                f"validation {self.validation} and test {self.test} leave nothing to train on"
            )
        return self


class Scenes(FrozenModel):
    """Mixtures of a split's own recordings, made where single clips are few."""

    train: int = Field(default=0, ge=0)
    validation: int = Field(default=0, ge=0)
    test: int = Field(default=0, ge=0)
    sounds: Range = (2, 3)
    duration_s: float = Field(default=8.0, gt=0, le=30)
    sample_rate_hz: Positive = 32000


class IngestConfig(_Section):
    """Which corpora become clips, and on which side of the split each lands."""

    corpora: list[Corpus] = Field(min_length=1)
    held_out: list[Corpus] = Field(
        default=[],
        description="evaluation sets: none of their clips is ever trained on, told by id and sound",
    )
    missing_audio: Literal["reject", "keep"] = Field(
        default="reject",
        description="a clip whose file isn't there; keep: its metadata is used until it is",
    )
    splits: Splits = Splits()
    scenes: Scenes = Scenes()
    min_duration_s: float = Field(default=0.1, ge=0)
    max_duration_s: float = Field(default=30.0, gt=0, le=30)
    max_caption_words: Positive = 100


# ---- compose ---------------------------------------------------------------------------------


class PerClip(FrozenModel):
    """How many rows of a task each clip gets; 0.5: every other clip gets one."""

    rows: float = Field(default=1, ge=0)


class Absence(PerClip):
    """Rows on what isn't heard."""

    free_form: float = Field(
        default=0,
        ge=0,
        le=1,
        description="share of the rows for which the LLM reads what is heard and thinks of absent"
        " sounds itself; in the others it reads absent sounds, drawn from the corpus",
    )


class PerPair(FrozenModel):
    """How many rows of a task each clip starts, with which clips beside it.

    Half of the partners are drawn from all clips. Similar ones ask for a closer look; dissimilar
    ones make sure that plain contrasts occur also where most clips are of one kind.
    """

    rows: float = Field(default=1, ge=0, description="a clip, both orders counted")
    clips: Range = Field(default=(2, 2), description="fewest and most clips of a row, all as often")
    pairing: Weights[Likeness] = Field(
        default={"random": 0.5, "similar": 0.3, "dissimilar": 0.2},
        description="random: any clips that can be told apart; similar: they share a label or a"
        " kind of sound; dissimilar: they share none, not even a heading of the ontology",
    )
    both_orders: float = Field(
        default=0.25, ge=0, le=1, description="share of the comparisons asked in both orders"
    )

    @field_validator("clips")
    @classmethod
    def validate_clips(cls, value: tuple[int, int]) -> tuple[int, int]:
        """Refuse a comparison of a clip with nothing, or of more clips than replies have names for."""
        if value[0] < 2 or value[1] > 6:
            raise ValueError("a comparison needs 2 clips or more, and 6 at most can be told apart")
        return value


class PresenceQa(FrozenModel):
    """Yes/no questions on present sounds, and as many on absent ones."""

    pairs: float = Field(default=2, ge=0, description="present and absent question pairs a clip")
    verdict: Verdict = Field(
        default="free",
        description="free: any reply; closed: it must open with Yes or No; forced, for a weak LLM:"
        " the labels choose which, the LLM writes the rest",
    )


class Tasks(FrozenModel):
    """The mix of tasks."""

    caption: PerClip = PerClip()
    absence: Absence = Absence()
    presence_absence: PerClip = PerClip()
    presence_qa: PresenceQa = PresenceQa()
    difference: PerPair = PerPair()
    joint_caption: PerPair = PerPair()
    text_only: PerClip = PerClip(rows=0)


class ComposeConfig(_Section):
    """Which questions are asked about which clips."""

    code_version: ClassVar[int] = 2

    shards: Positive = 1
    prompts: Path = Path("configs/prompts")
    tasks: Tasks = Tasks()
    absent_sounds: Positive = 2
    strategies: Weights[Strategy] = Field(
        default={"random": 1.0, "popular": 1.0, "adversarial": 1.0, "hard": 0.0},
        description="weights of the ways to draw absent sounds; hard: siblings of a present one in"
        " the ontology, which labels often leave out though they are there: see docs/negatives.md",
    )


# ---- synthesize ------------------------------------------------------------------------------


class Sampling(FrozenModel):
    """How replies are drawn."""

    temperature: float = Field(default=0.7, ge=0)
    min_p: float = Field(default=0.1, ge=0, le=1)
    max_tokens: Positive = 96


class TaskSampling(FrozenModel):
    """How replies of one task are drawn, where that differs."""

    temperature: float | None = Field(default=None, ge=0)
    min_p: float | None = Field(default=None, ge=0, le=1)
    max_tokens: Positive | None = None


class SynthesizeConfig(_Section):
    """Who answers the seed prompts, and how long."""

    code_version: ClassVar[int] = 2

    engine: Literal["vllm", "fake"] = "vllm"
    sampling: Sampling = Sampling()
    task_sampling: dict[TaskName, TaskSampling] = Field(
        default={}, description="what differs from sampling in the rows of a task"
    )
    attempts: Positive = Field(
        default=1, description="replies drawn for a prompt until one passes the judge"
    )
    max_model_len: Positive = 1024
    max_num_seqs: Positive = 64
    dtype: Literal["bfloat16", "float32", "float16"] = "bfloat16"
    gpu_memory_utilization: float = Field(default=0.9, gt=0, le=1)

    def sampling_of(self, task: TaskName) -> Sampling:
        """Return how replies of a task are drawn."""
        change = self.task_sampling.get(task, TaskSampling())
        return self.sampling.model_copy(update=change.model_dump(exclude_none=True))


# ---- curate ----------------------------------------------------------------------------------


class CurateConfig(_Section):
    """When two rows say the same, and what the card says of itself."""

    code_version: ClassVar[int] = 2

    near_duplicate_jaccard: float = Field(default=0.85, gt=0, le=1)
    max_sketches: Positive = Field(
        default=50_000,
        description="replies of a task that are compared across clips, to see whether they are"
        " all alike; 50 000 take 300 MB of memory",
    )
    title: str = "Audio-language alignment data"
    citation: str | None = Field(default=None, description="how to cite the dataset, as BibTeX")
    published: date | None = Field(default=None, description="the day it is given out")


# ---- train -----------------------------------------------------------------------------------


EncoderDtype = Annotated[
    Literal["bfloat16", "float32"],
    Field(description="of the encoder's weights; the features that are kept are float16"),
]


class WhisperConfig(FrozenModel):
    """A frozen transformers Whisper encoder."""

    kind: Literal["whisper"]
    path: str
    taps: list[Annotated[int, Field(ge=0)]] = Field(
        min_length=1, description="0-based encoder layers whose raw outputs are used"
    )
    window_s: int = Field(
        default=30, gt=0, le=30, description="sound is cut or padded to this; Whisper's own is 30"
    )
    pool_frames: Positive = Field(default=8, description="frames of 20 ms averaged into one")
    dtype: EncoderDtype = "float32"


class SoundEffectsConfig(FrozenModel):
    """The frozen aiSFX encoder (ISMIR 2022), good at sounds that aren't speech."""

    kind: Literal["aisfx"]
    path: str
    pool_frames: Positive = Field(default=1, description="frames of 186 ms averaged into one")
    dtype: EncoderDtype = "float32"


EncoderConfig = Annotated[WhisperConfig | SoundEffectsConfig, Field(discriminator="kind")]


class AdapterConfig(FrozenModel):
    """The Q-Former: learned queries that look at the encoders' frames."""

    queries: Positive = 16
    layers: Positive = 2
    hidden_size: Positive = 256
    heads: Positive = 4
    dropout: float = Field(default=0.1, ge=0, lt=1)

    @model_validator(mode="after")
    def validate_heads(self) -> Self:
        """Refuse a width that the heads don't divide."""
        if self.hidden_size % self.heads:
            raise ValueError(
                f"hidden_size {self.hidden_size} is not a multiple of heads {self.heads}"
            )
        return self


class LoraSettings(FrozenModel):
    """The PEFT adapter on the LLM."""

    r: Positive = 8
    alpha: Positive = 16
    dropout: float = Field(default=0.05, ge=0, lt=1)
    target_modules: list[str] = Field(default=["q_proj", "k_proj", "v_proj"])


class Phase(FrozenModel):
    """A stretch of training on some of the tasks."""

    name: str = Field(pattern=r"^[a-z_]+$")
    tasks: dict[TaskName, Annotated[float, Field(gt=0)]] = Field(
        min_length=1, description="task: share of the examples drawn"
    )
    steps: Positive
    batch_size: Positive = 16
    learning_rate: float = Field(default=1e-3, gt=0)
    lora_learning_rate: float = Field(default=5e-4, gt=0)
    warmup_steps: int = Field(default=10, ge=0)
    label_tokens: float = Field(
        default=0, ge=0, le=1, description="share of the examples that read their clips' labels"
    )


class Warmup(FrozenModel):
    """Optional phase before the LLM is run: adapter outputs are drawn to the words of the labels."""

    steps: int = Field(default=0, ge=0)
    batch_size: Positive = 64
    learning_rate: float = Field(default=1e-3, gt=0)
    joined: float = Field(
        default=0, ge=0, le=1, description="share of the clips that another one's frames join"
    )


class TrainConfig(_Section):
    """The model's parts and how they are fitted."""

    encoders: list[EncoderConfig] = Field(min_length=1)
    adapter: AdapterConfig = AdapterConfig()
    lora: LoraSettings | None = LoraSettings()
    warmup: Warmup = Warmup()
    phases: list[Phase] = Field(min_length=1)
    system_prompt: str | None = Field(
        default=None, description="null: the chat template's own; it costs tokens in every row"
    )
    max_reply_tokens: Positive = 128
    verdict_weight: float = Field(
        default=1.0, ge=1, description="what the yes or no that opens a reply counts, in tokens"
    )
    text_weight: float = Field(
        default=1.0, gt=0, description="what a reply token of a text-only row counts"
    )
    max_text_tokens: Positive = Field(
        default=128, description="reply tokens of a text-only row on which LoRA is held, the first"
    )
    save_steps: Positive = 50
    validation_rows: Positive = 64
    features: Path = Path("data/features")
    dtype: Literal["bfloat16", "float32"] = "bfloat16"

    @model_validator(mode="after")
    def validate_text(self) -> Self:
        """Refuse text-only rows where nothing learns from them."""
        wanting = [phase.name for phase in self.phases if "text_only" in phase.tasks]
        if self.lora is None and wanting:
            raise ValueError(
                "text_only keeps LoRA from unlearning text, and lora is null; drop text_only from "
                f"phases.{', '.join(wanting)}"
            )
        return self

    @field_validator("phases")
    @classmethod
    def validate_names(cls, value: list[Phase]) -> list[Phase]:
        """Refuse two phases of one name: each keeps its checkpoints under it."""
        names = ["warmup", *(phase.name for phase in value)]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(f"the name {', '.join(twice)} is taken; give each phase its own")
        return value


# ---- evaluate and report ---------------------------------------------------------------------


class EvaluateConfig(_Section):
    """Which suites, asked through which engine."""

    engine: Literal["vllm", "transformers"] = "vllm"
    suites: list[Path] = Field(min_length=1)
    features: Path = Path("data/features")
    max_items: Positive | None = Field(default=None, description="at most so many items a suite")
    bootstrap: Positive = 1000
    max_num_seqs: Positive = 64
    max_model_len: Positive = 1024
    gpu_memory_utilization: float = Field(default=0.9, gt=0, le=1)
    dtype: Literal["bfloat16", "float32", "float16"] = "bfloat16"


class ReportConfig(_Section):
    """What the page shows."""

    title: str = "balsa_pipe report"
    gallery: Positive = 12


# ---- the whole -------------------------------------------------------------------------------


class PipelineConfig(FrozenModel):
    """A whole run: everything under data/<run>/ follows from it."""

    run: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$")
    rng_seed: RngSeed = 0
    llm: str = Field(
        description="model folder or hub id: writes the data, is trained, is evaluated"
    )
    assets: list[Literal["demo"]] = Field(
        default=[], description="asset sets that `balsa fetch` must bring first"
    )
    ingest: IngestConfig
    compose: ComposeConfig = ComposeConfig()
    synthesize: SynthesizeConfig = SynthesizeConfig()
    curate: CurateConfig = CurateConfig()
    train: TrainConfig
    evaluate: EvaluateConfig
    report: ReportConfig = ReportConfig()

    def stage(self, name: str) -> dict[str, Any]:
        """Return what one stage may see: its section, its code version, the shared keys, JSON-able."""
        section: _Section = getattr(self, name)
        return {
            "stage": name,
            "run": self.run,
            "rng_seed": self.rng_seed,
            "llm": self.llm,
            "code_version": section.code_version,
            name: section.model_dump(mode="json"),
        }


class StageConfig(FrozenModel):
    """One stage's view of the config, as the workflow writes it to data/<run>/config/<stage>.json."""

    stage: str
    run: str
    rng_seed: RngSeed
    llm: str
    code_version: int
    ingest: IngestConfig | None = None
    compose: ComposeConfig | None = None
    synthesize: SynthesizeConfig | None = None
    curate: CurateConfig | None = None
    train: TrainConfig | None = None
    evaluate: EvaluateConfig | None = None
    report: ReportConfig | None = None

    def need(self, name: str) -> Any:
        """Return a stage's section; ConfigError when the file is another stage's."""
        section = getattr(self, name)
        if section is None:
            raise ConfigError(
                f"config of stage {self.stage}: has no section {name}; name {name}.json"
            )
        return section


def parse_config(data: dict[str, Any], where: str = "config") -> PipelineConfig:
    """Return a checked config; ConfigError names every wrong key at once."""
    try:
        return PipelineConfig.model_validate(data)
    except ValidationError as exc:
        raise ConfigError(f"{where}: {explain(exc, PipelineConfig.model_json_schema())}") from exc


def load_config(path: Path) -> PipelineConfig:
    """Return the config of a YAML file; ConfigError when it can't be read or doesn't fit."""
    return parse_config(load_yaml(path), str(path))


def load_stage_config(path: Path) -> StageConfig:
    """Return a stage's config as the workflow wrote it, or all stages' as a user wrote them."""
    if path.suffix in (".yaml", ".yml"):
        config = load_config(path).model_dump()
        known = {name: config[name] for name in StageConfig.model_fields if name in config}
        return StageConfig.model_validate({"stage": "all", "code_version": 0, **known})
    if not path.is_file():
        raise ConfigError(f"{path}: no such file; run snakemake, which writes it")
    try:
        return StageConfig.model_validate_json(path.read_bytes())
    except ValidationError as exc:
        raise ConfigError(f"{path}: {explain(exc, StageConfig.model_json_schema())}") from exc
