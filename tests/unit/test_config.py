"""What users write is checked as a whole, and every mistake is named in one line."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from balsa_pipe.config import (
    TASK_NAMES,
    PipelineConfig,
    WhisperConfig,
    load_config,
    load_stage_config,
    parse_config,
)
from balsa_pipe.errors import ConfigError
from balsa_pipe.tasks import TASKS
from balsa_pipe.yaml_files import load_yaml

CONFIGS = sorted(Path("configs").glob("*.yaml"))
STAGES = ("ingest", "compose", "synthesize", "curate", "train", "evaluate", "report")


def smallest() -> dict[str, Any]:
    return {
        "run": "r",
        "llm": "some/llm",
        "ingest": {"corpora": [{"reader": "demo", "root": "x"}]},
        "train": {
            "encoders": [{"kind": "whisper", "path": "w", "taps": [1]}],
            "phases": [{"name": "one", "tasks": {"caption": 1}, "steps": 5}],
        },
        "evaluate": {"suites": ["a.yaml"]},
    }


def changed(path: str, value: Any) -> dict[str, Any]:
    """Return the smallest config with one key set, as in `train.phases.0.steps`."""
    data = smallest()
    *keys, last = path.split(".")
    place: Any = data
    for key in keys:
        place = place[int(key)] if isinstance(place, list) else place.setdefault(key, {})
    place[int(last) if isinstance(place, list) else last] = value
    return data


def error_of(data: dict[str, Any]) -> str:
    with pytest.raises(ConfigError) as caught:
        parse_config(data, "c.yaml")
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("path", CONFIGS, ids=str)
def test_every_shipped_config_loads(path: Path) -> None:
    config = load_config(path)
    assert config.run == path.stem
    assert all(suite.is_file() for suite in config.evaluate.suites)
    assert (config.synthesize.engine == "fake") == (path.name == "tiny.yaml")


@pytest.mark.parametrize("path", CONFIGS, ids=str)
@pytest.mark.parametrize("stage", STAGES)
def test_a_stage_sees_its_own_section_and_nothing_else(
    path: Path, stage: str, tmp_path: Path
) -> None:
    config = load_config(path)
    view = config.stage(stage)
    assert view.keys() == {"stage", "run", "rng_seed", "llm", "code_version", stage}
    (tmp_path / "stage.json").write_text(json.dumps(view))
    assert load_stage_config(tmp_path / "stage.json").need(stage) == getattr(config, stage)


def test_the_names_of_the_tasks_are_those_of_the_modules() -> None:
    assert set(TASK_NAMES) == set(TASKS)


def test_defaults_fill_what_is_not_written() -> None:
    config = parse_config(smallest())
    assert config.rng_seed == 0
    assert config.synthesize.engine == "vllm"
    assert isinstance(config.train.encoders[0], WhisperConfig)
    assert config.train.encoders[0].window_s == 30


@pytest.mark.parametrize(
    ("path", "value", "expected"),
    [
        ("synthesise", {}, "synthesise: no such key here; is 'synthesize' meant?"),
        ("train.adaptor", 1, "train.adaptor: no such key here; is 'adapter' meant?"),
        ("compose.shards", 0, "compose.shards: Input should be greater than 0, found 0"),
        (
            "synthesize.attempts",
            "many",
            "synthesize.attempts: Input should be a valid integer, unable to parse string as an "
            'integer, found "many"',
        ),
        (
            "train.phases.0.tasks",
            {"listen": 1},
            "train.phases.0.tasks.listen.[key]: Input should be 'caption', 'absence', "
            "'presence_absence', 'presence_qa', 'difference', 'joint_caption' or 'text_only', "
            'found "listen"',
        ),
        (
            "compose.tasks.listen",
            {"rows": 1},
            "compose.tasks.listen: no such key here",
        ),
        (
            "synthesize.engine",
            "gpt",
            "synthesize.engine: Input should be 'vllm' or 'fake', found \"gpt\"",
        ),
        (
            "compose.strategies",
            {"random": 0},
            "compose.strategies: Value error, at least one weight above 0 is needed, "
            'found {"random": 0}',
        ),
        (
            "train.adapter",
            {"hidden_size": 10, "heads": 4},
            "train.adapter: Value error, hidden_size 10 is not a multiple of heads 4, "
            'found {"hidden_size": 10, "heads": 4}',
        ),
        (
            "ingest.splits",
            {"validation": 0.4, "test": 0.6},
            "ingest.splits: Value error, validation 0.4 and test 0.6 leave nothing to train on, "
            'found {"validation": 0.4, "test": 0.6}',
        ),
        (
            "ingest.scenes",
            {"sounds": [3, 2]},
            "ingest.scenes.sounds: Value error, 3 to 2 is no range; the smaller number goes first, "
            "found [3, 2]",
        ),
        (
            "compose.tasks.difference",
            {"clips": [1, 2]},
            "compose.tasks.difference.clips: Value error, a comparison needs 2 clips or more, "
            "and 6 at most can be told apart, found [1, 2]",
        ),
        (
            "run",
            "../outside",
            "run: String should match pattern '^[A-Za-z0-9][A-Za-z0-9_.-]*$', found \"../outside\"",
        ),
        ("rng_seed", -1, "rng_seed: Input should be greater than or equal to 0, found -1"),
        ("rng_seed", 2**32, "rng_seed: Input should be less than 4294967296, found 4294967296"),
    ],
)
def test_a_mistake_is_named_by_its_key(path: str, value: Any, expected: str) -> None:
    assert error_of(changed(path, value)) == f"c.yaml: {expected}"


def test_missing_keys_are_named_too() -> None:
    assert error_of({"run": "r"}) == (
        "c.yaml: llm: Field required; ingest: Field required; train: Field required; "
        "evaluate: Field required"
    )


def test_a_long_value_is_cut_and_stays_one_line() -> None:
    found = error_of(changed("compose.shards", "a\n" * 500))
    assert found.endswith("...")
    assert len(found) < 250


@pytest.mark.parametrize("names", [["one", "one"], ["warmup"]])
def test_phases_need_names_of_their_own(names: list[str]) -> None:
    phases = [{"name": name, "tasks": {"caption": 1}, "steps": 1} for name in names]
    assert (
        f"train.phases: Value error, the name {names[0]} is taken; give each phase its own"
        in error_of(changed("train.phases", phases))
    )


def test_text_only_rows_need_a_lora_to_learn_from_them() -> None:
    phases = [{"name": "one", "tasks": {"text_only": 1}, "steps": 1}]
    config = changed("train.phases", phases)
    assert parse_config(config).train.lora is not None
    config["train"]["lora"] = None
    assert "drop text_only from phases.one" in error_of(config)


def test_a_config_cannot_be_changed_afterwards() -> None:
    config = parse_config(smallest())
    with pytest.raises(ValueError, match="frozen"):
        config.rng_seed = 1


def test_every_mistake_of_a_file_is_in_one_line(tmp_path: Path) -> None:
    data = smallest() | {"rng_seed": "x", "colour": 1}
    (tmp_path / "c.yaml").write_text(yaml.safe_dump(data))
    with pytest.raises(ConfigError) as caught:
        load_config(tmp_path / "c.yaml")
    text = str(caught.value)
    assert text.startswith(f"{tmp_path / 'c.yaml'}: rng_seed: Input should be a valid integer")
    assert text.endswith("; colour: no such key here")


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (None, ": no such file"),
        (b"- a\n- b\n", ": holds list, expected a mapping of keys"),
        (b"", ": holds NoneType, expected a mapping of keys"),
        (b"a: [1,\nb: 2\n", ": not readable as YAML: while parsing a flow sequence"),
        (b"a: \xff\xfe", ": not readable as YAML: 'utf-8' codec can't decode byte 0xff"),
        (b"a: !!python/object:os.system {}", ": not readable as YAML: could not determine"),
    ],
)
def test_a_file_that_is_no_mapping(tmp_path: Path, content: bytes | None, expected: str) -> None:
    path = tmp_path / "c.yaml"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ConfigError) as caught:
        load_yaml(path)
    assert str(caught.value).startswith(f"{path}{expected}")
    assert "\n" not in str(caught.value)


def test_a_folder_is_no_config(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"not readable as YAML: .*Is a directory"):
        load_yaml(tmp_path)


def test_a_byte_order_mark_is_no_key(tmp_path: Path) -> None:
    (tmp_path / "c.yaml").write_bytes(b"\xef\xbb\xbfrun: r\r\n")
    assert load_yaml(tmp_path / "c.yaml") == {"run": "r"}


def test_a_stage_config_that_is_missing_damaged_or_of_another_stage(tmp_path: Path) -> None:
    path = tmp_path / "train.json"
    with pytest.raises(ConfigError) as caught:
        load_stage_config(path)
    assert str(caught.value) == f"{path}: no such file; run snakemake, which writes it"
    path.write_text('{"stage": "train", "run"')
    with pytest.raises(ConfigError, match="Invalid JSON: EOF while parsing"):
        load_stage_config(path)
    view = parse_config(smallest()).stage("compose")
    path.write_text(json.dumps(view))
    with pytest.raises(ConfigError) as caught:
        load_stage_config(path).need("train")
    assert str(caught.value) == "config of stage compose: has no section train; name train.json"
    path.write_text(json.dumps(view | {"compose": {"shards": 1, "colour": 2}}))
    with pytest.raises(ConfigError) as caught:
        load_stage_config(path)
    assert str(caught.value) == f"{path}: compose.colour: no such key here"


def test_paths_and_defaults_survive_the_way_through_json() -> None:
    config = parse_config(smallest())
    again = PipelineConfig.model_validate(config.model_dump(mode="json"))
    assert again == config
