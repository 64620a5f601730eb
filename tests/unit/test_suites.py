from pathlib import Path
from typing import Any

import pytest
import yaml

from balsa_pipe.errors import ConfigError
from balsa_pipe.evaluate.suites import TextRetentionSuite, load_suite, load_suites

EVALS = Path("configs/evals")
PRESENCE: dict[str, Any] = {
    "suite": "presence",
    "version": 1,
    "kind": "presence",
    "systems": ["trained", "untrained"],
    "strategies": ["random"],
    "max_per_sound": 4,
    "parser": "word-boundary",
    "metric": "accuracy",
    "cluster": "clip",
    "wordings": ["Is there a {{ sound }}?"],
}
TEXT: dict[str, Any] = {
    "suite": "text_retention",
    "version": 1,
    "kind": "text_retention",
    "systems": ["base", "trained"],
    "metric": "rate",
    "cluster": "item",
    "prompts": [{"kind": "fact", "prompt": "Say hello.", "rules": {"contains_any": ["hello"]}}],
}


def write(tmp_path: Path, suite: dict[str, Any], name: str = "suite.yaml") -> Path:
    path = tmp_path / name
    path.write_text(yaml.safe_dump(suite))
    return path


@pytest.mark.parametrize("path", sorted(EVALS.glob("*.yaml")), ids=str)
def test_shipped_suite_is_named_like_its_file(path: Path) -> None:
    assert load_suite(path).suite == path.stem


def test_shipped_suites_have_the_systems_of_the_results_table() -> None:
    systems = {suite.suite: suite.systems for suite in load_suites(sorted(EVALS.glob("*.yaml")))}
    assert systems["presence"] == ["trained", "untrained", "no_audio", "swapped_audio"]
    assert systems["text_retention"] == ["base", "trained"]


def test_shipped_text_prompts_are_many_and_of_many_kinds() -> None:
    suite = load_suite(EVALS / "text_retention.yaml")
    assert isinstance(suite, TextRetentionSuite)
    assert len(suite.prompts) >= 120
    assert len({prompt.kind for prompt in suite.prompts}) >= 12


@pytest.mark.parametrize(
    ("base", "change", "message"),
    [
        (PRESENCE, {"wording": ["x"]}, "presence.wording: no such key here; is 'wordings' meant?"),
        (
            PRESENCE,
            {"wordings": ["Is there a dog?"]},
            "presence.wordings: Value error, each wording holds {{ sound }} once and no other "
            'variable, found ["Is there a dog?"]',
        ),
        (
            PRESENCE,
            {"wordings": ["A {{ sound }} or a {{ thing }}?"]},
            "presence.wordings: Value error, each wording holds {{ sound }} once and no other "
            'variable, found ["A {{ sound }} or a {{ thing }}?"]',
        ),
        (
            PRESENCE,
            {"systems": ["trained", "trained"]},
            "presence.systems: Value error, these stand there twice: ['trained'], "
            'found ["trained", "trained"]',
        ),
        (
            PRESENCE,
            {"systems": ["base"]},
            "presence.systems.0: Input should be 'trained', 'untrained', 'no_audio' or "
            "'swapped_audio', found \"base\"",
        ),
        (
            PRESENCE,
            {"strategies": ["hard"]},
            "presence.strategies.0: Input should be 'random', 'popular' or 'adversarial', "
            'found "hard"',
        ),
        (
            PRESENCE,
            {"parser": "first-second"},
            "presence.parser: Input should be 'word-boundary', found \"first-second\"",
        ),
        (
            PRESENCE,
            {"max_per_sound": 0},
            "presence.max_per_sound: Input should be greater than 0, found 0",
        ),
        (
            TEXT,
            {"prompts": [{"kind": "fact", "prompt": "Say hello.", "rules": {}}]},
            "text_retention.prompts.0.rules: Value error, at least one rule is needed, found {}",
        ),
        (
            TEXT,
            {"prompts": [{"kind": "fact", "prompt": "Hi.", "rules": {"polite": True}}]},
            "text_retention.prompts.0.rules.polite: no such key here",
        ),
        (
            TEXT,
            {"prompts": [{"kind": "fact", "prompt": "Hi.", "rules": {"regex": "("}}]},
            "text_retention.prompts.0.rules.regex: Value error, not a regular expression: missing "
            '), unterminated subpattern at position 0, found "("',
        ),
        (TEXT, {"clips": "both"}, "text_retention.clips: no such key here"),
    ],
)
def test_wrong_key_or_value_is_one_line(
    tmp_path: Path, base: dict[str, Any], change: dict[str, Any], message: str
) -> None:
    path = write(tmp_path, base | change)
    with pytest.raises(ConfigError) as caught:
        load_suite(path)
    assert str(caught.value) == f"{path}: {message}"


def test_prompt_that_stands_there_twice_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path, TEXT | {"prompts": TEXT["prompts"] * 2})
    with pytest.raises(ConfigError, match=r"these stand there twice: \['Say hello.'\]"):
        load_suite(path)


def test_unknown_kind_is_named(tmp_path: Path) -> None:
    path = write(tmp_path, PRESENCE | {"kind": "smell"})
    with pytest.raises(ConfigError, match=r"Input tag 'smell' found using 'kind' does not match"):
        load_suite(path)


def test_missing_kind_is_named(tmp_path: Path) -> None:
    path = write(tmp_path, {key: value for key, value in TEXT.items() if key != "kind"})
    with pytest.raises(ConfigError, match="Unable to extract tag using discriminator 'kind'"):
        load_suite(path)


def test_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"nope\.yaml: no such file"):
        load_suite(tmp_path / "nope.yaml")


def test_two_files_of_one_suite_are_refused(tmp_path: Path) -> None:
    paths = [write(tmp_path, PRESENCE, "a.yaml"), write(tmp_path, PRESENCE, "b.yaml")]
    with pytest.raises(ConfigError) as caught:
        load_suites(paths)
    assert str(caught.value) == (
        "evaluate.suites: ['presence'] named by several files; rename all but one"
    )


def test_no_question_of_text_retention_is_among_those_that_training_replays() -> None:
    prompts = yaml.safe_load(Path("configs/prompts/text_only.yaml").read_text())
    replayed = {question["text"].split("{{")[0].strip() for question in prompts["questions"]}
    suite = load_suite(EVALS / "text_retention.yaml")
    assert isinstance(suite, TextRetentionSuite)
    asked = [prompt.prompt for prompt in suite.prompts]
    openings = {start for start in replayed if len(start.split()) > 3}
    assert not [one for one in asked if any(one.startswith(start) for start in openings)]
