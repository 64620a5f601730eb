"""The command line: quick to start, examples that parse, one line for a user's mistake."""

import json
import shlex
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
from command_line import Run, one_line
from made_up_clips import single
from tiny_model import shaken, untrained

from balsa_pipe import cli
from balsa_pipe.config import load_config
from balsa_pipe.schemas import CLIP
from balsa_pipe.shards import write_shard
from balsa_pipe.tasks import TASKS

HEAVY = {
    "datasets", "duckdb", "jinja2", "numpy", "pyarrow", "pydantic", "soundfile", "torch",
    "transformers", "vllm", "yaml",
}  # fmt: skip


def commands(group: Any = None, name: str = "balsa") -> Iterator[tuple[str, Any]]:
    """Yield every command with the words that call it."""
    group = group or typer.main.get_command(cli.app)
    for word, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from commands(command, f"{name} {word}")
        else:
            yield f"{name} {word}", command


COMMANDS = dict(commands())

# ---- help ------------------------------------------------------------------------------------


def test_starting_up_imports_nothing_heavy() -> None:
    code = (
        "import runpy, sys; sys.argv = ['balsa', '--help']\n"
        "try: runpy.run_module('balsa_pipe', run_name='__main__')\n"
        "except SystemExit as ended: print(ended.code, *sorted(sys.modules), file=sys.stderr)"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    status, *modules = ended.stderr.split()
    assert status == "0"
    assert "From audio metadata to a trained" in ended.stdout
    assert not HEAVY & set(modules)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_help_has_an_example_that_parses(name: str, run: Run) -> None:
    command = COMMANDS[name]
    example = " ".join(command.help.split("Example: ")[1].split())
    words = shlex.split(example)
    assert " ".join(words[: len(name.split())]) == name
    command.make_context(name, words[len(name.split()) :])
    status, out, _ = run(*name.split()[1:], "--help")
    assert status == 0
    assert "Example: balsa" in out


def test_there_is_a_command_for_each_stage() -> None:
    stages = ("ingest", "compose", "synthesize", "curate", "train", "evaluate", "report")
    assert {f"balsa {stage}" for stage in stages} <= COMMANDS.keys()


# ---- mistakes --------------------------------------------------------------------------------


@pytest.fixture
def stage(tmp_path: Path) -> Callable[..., Path]:
    """Return a way to write a stage's config, with changes to its section."""

    def write(name: str, **changes: Any) -> Path:
        view = load_config(Path("configs/tiny.yaml")).stage(name)
        view[name] |= changes
        (tmp_path / f"{name}.json").write_text(json.dumps(view))
        return tmp_path / f"{name}.json"

    return write


def compose(config: Path, folder: Path) -> list[object]:
    return ["compose", "--config", config, "--clips", folder / "c.parquet", "--out", folder / "s"]


def test_a_config_that_is_missing_or_damaged(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "compose.json"
    told = one_line(run(*compose(path, tmp_path)))
    assert told == f"{path}: no such file; run snakemake, which writes it"
    path.write_text('{"stage": "compose",')
    told = one_line(run(*compose(path, tmp_path)))
    assert told.startswith(f"{path}: config: Invalid JSON: EOF while parsing")


@pytest.mark.parametrize(
    ("name", "changes", "told"),
    [
        ("compose", {"colour": 1}, "compose.colour: no such key here"),
        (
            "compose",
            {"shards": "two"},
            "compose.shards: Input should be a valid integer, unable to parse string as an integer, "
            'found "two"',
        ),
        (
            "compose",
            {"tasks": {"listen": {"rows": 1}}},
            "compose.tasks.listen: no such key here",
        ),
    ],
)
def test_a_config_that_does_not_fit(
    run: Run, stage: Callable[..., Path], tmp_path: Path, name: str, changes: Any, told: str
) -> None:
    path = stage(name, **changes)
    assert one_line(run(*compose(path, tmp_path))) == f"{path}: {told}"


def test_a_phase_on_an_unknown_task(run: Run, stage: Callable[..., Path], tmp_path: Path) -> None:
    path = stage("train", phases=[{"name": "one", "tasks": {"listen": 1}, "steps": 1}])
    words: list[object] = ["train", "--config", path]
    for option in ("--train", "--validation", "--checkpoints", "--out", "--losses"):
        words += [option, tmp_path / option.strip("-")]
    assert "train.phases.0.tasks.listen.[key]: Input should be 'caption'" in one_line(run(*words))


def test_another_stages_config(run: Run, stage: Callable[..., Path], tmp_path: Path) -> None:
    told = one_line(run(*compose(stage("train"), tmp_path)))
    assert told == "config of stage train: has no section compose; name compose.json"


def test_a_missing_shard(run: Run, stage: Callable[..., Path], tmp_path: Path) -> None:
    told = one_line(run(*compose(stage("compose"), tmp_path)))
    assert told == f"{tmp_path / 'c.parquet'}: no such shard; run the stage that writes it first"
    told = one_line(run("shards", "head", tmp_path / "none"))
    assert told == (
        f"{tmp_path / 'none'}: no *.parquet files; run the stage that writes them first"
    )


def test_no_rows_to_train_on(run: Run, stage: Callable[..., Path], tmp_path: Path) -> None:
    words: list[object] = ["train", "--config", stage("train")]
    for option in ("--train", "--validation", "--checkpoints", "--out", "--losses"):
        words += [option, tmp_path / option.strip("-")]
    assert one_line(run(*words)) == (
        f"{tmp_path / 'train'}: no *.parquet files; run the stage that writes them first"
    )


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (None, "no such file; run the stage that writes it first"),
        ("{", "damaged (Expecting property name enclosed in double quotes: line 1 column 2 "
              "(char 1)); delete it and run its stage again"),
        ("[]", "damaged (no object in it); delete it and run its stage again"),
        ("{}", "damaged (no suites in it); delete it and run its stage again"),
    ],
)  # fmt: skip
def test_metrics_that_are_missing_or_damaged(
    run: Run, tmp_path: Path, content: str | None, told: str
) -> None:
    path = tmp_path / "metrics.json"
    if content is not None:
        path.write_text(content)
    assert one_line(run("summary", tmp_path)) == f"{path}: {told}"


def test_a_report_without_its_losses(run: Run, stage: Callable[..., Path], tmp_path: Path) -> None:
    (tmp_path / "m.json").write_text('{"suites": {}}')
    (tmp_path / "l.json").write_text("{}")
    (tmp_path / "p.parquet").touch()
    facts = {"llm": "x", "llm_revision": "y", "encoders": [], "adapter": {}}
    (tmp_path / "config.json").write_text(json.dumps(facts))
    words = ["report", "--config", stage("report"), "--metrics", tmp_path / "m.json"]
    words += ["--clips-ledger", tmp_path / "l.json", "--ledger", tmp_path / "l.json"]
    words += ["--predictions", tmp_path / "p.parquet", "--dataset", tmp_path]
    words += ["--model", tmp_path, "--out", tmp_path / "r.html"]
    told = one_line(run(*words, "--losses", tmp_path / "none.jsonl"))
    assert told == f"{tmp_path / 'none.jsonl'}: no such file; run the stage that writes it first"
    (tmp_path / "torn.jsonl").write_text('{"step": 1}\n{"step"')
    told = one_line(run(*words, "--losses", tmp_path / "torn.jsonl"))
    assert told.startswith(f"{tmp_path / 'torn.jsonl'}: damaged (")


def test_a_place_that_cannot_be_written(
    run: Run, stage: Callable[..., Path], tmp_path: Path
) -> None:
    from balsa_pipe.schemas import CLIP

    write_shard(tmp_path / "c.parquet", [], CLIP)
    (tmp_path / "s").touch()
    told = one_line(run(*compose(stage("compose", shards=1), tmp_path)))
    assert told.startswith(f"{tmp_path / 's' / '00000.parquet'}: could not be written (")


@pytest.mark.parametrize(
    "words",
    [[], ["listen"], ["train"], ["shards", "head", ".", "-n", "many"], ["ask", "model"]],
    ids=" ".join,
)
def test_words_that_are_no_command_are_explained(run: Run, words: list[str]) -> None:
    status, out, err = run(*words)
    assert status == 2
    assert "Usage: " in out + err
    assert "Traceback" not in out + err


def test_a_bug_keeps_its_traceback(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(cli, "read_json", broken)
    monkeypatch.setattr(sys, "argv", ["balsa", "summary"])
    with pytest.raises(ZeroDivisionError):
        cli.main()


# ---- tables ----------------------------------------------------------------------------------


def test_a_summary_shows_the_systems_and_not_the_baselines(run: Run, tmp_path: Path) -> None:
    found = {"n": 8, "accuracy": 0.75, "ci95": [0.5, 1.0], "yes_rate": 0.5, "unparsed": 1}
    recall = {"n": 3, "rate": 0.25, "ci95": [0.0, 0.5], "unparsed": 0}
    suites = {"presence": {"trained": found, "always_yes": found}, "recall": {"trained": recall}}
    (tmp_path / "metrics.json").write_text(json.dumps({"suites": suites}))
    status, out, _ = run("summary", tmp_path)
    assert status == 0
    assert "always_yes" not in out
    assert "75.0 %  50.0 % to 100.0 %  50.0 %" in out
    assert "25.0 %  0.0 % to 50.0 %    - " in out
    assert f"report: {tmp_path / 'report.html'}" in out
    _, out, _ = run("summary", tmp_path, "--json")
    assert [(row["suite"], row["right"]) for row in json.loads(out)] == [
        ("presence", 0.75),
        ("recall", 0.25),
    ]


def test_compose_counts_the_rows_of_each_task_and_names_those_without(
    run: Run, stage: Callable[..., Path], tmp_path: Path
) -> None:
    clips = [single("violin", number) for number in range(3)]  # no clip lacks one
    write_shard(tmp_path / "c.parquet", clips, CLIP)
    tasks: dict[str, dict[str, int]] = {task: {"rows": 0} for task in TASKS}
    tasks |= {"caption": {"rows": 1}, "presence_qa": {"pairs": 1}}
    status, _, err = run(*compose(stage("compose", tasks=tasks), tmp_path))
    assert status == 0
    first, second = err.splitlines()
    assert first == "compose: 3 seed prompts: caption 3, presence_qa 0"
    assert second.startswith("compose: none of presence_qa: the clips are too few, or")


# ---- ask -------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def model(tiny: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("model")
    shaken(untrained(tiny, system="Listen."), 0.01).save(folder)
    return folder


def test_a_model_is_asked_about_sounds(run: Run, model: Path, tiny: Path) -> None:
    import torch

    from balsa_pipe.model.audio_llm import AudioLLM
    from balsa_pipe.model.encoders import build_encoder, encode_file
    from balsa_pipe.model.features import batch_streams
    from balsa_pipe.model.prompt import encode_prompt

    files = [tiny / "audio" / "beep_0.wav", tiny / "audio" / "hum_5.wav"]
    loaded = AudioLLM.load(model)
    encoder = build_encoder(loaded.parts.encoders[0])
    streams = batch_streams([encode_file(encoder, file, 30.0) for file in files])
    ids = encode_prompt(
        loaded.tokenizer, 2, "Is there a sound of beep?", audio_tokens=3, system="Listen."
    )
    with torch.inference_mode():
        wanted = loaded.generate(loaded.embed(torch.tensor([ids]), *streams)[0], 9)[0]
    status, out, _ = run("ask", model, *files, "Is there a sound of beep?", "--max-tokens", "9")
    assert (status, out) == (0, f"{wanted}\n")
    assert wanted


def test_wrong_sounds_for_a_model(run: Run, model: Path, tmp_path: Path) -> None:
    told = one_line(run("ask", model, tmp_path / "none.wav", "What?"))
    assert told == f"{tmp_path / 'none.wav'}: no such audio file"
    (tmp_path / "text.wav").write_text("I am a text.\n")
    told = one_line(run("ask", model, tmp_path / "text.wav", "What?"))
    assert told.startswith(f"{tmp_path / 'text.wav'}: not decodable as sound (")
    assert told.endswith("; it starts with b'I am a text.'")
    (tmp_path / "empty.wav").touch()
    assert "empty.wav: zero bytes" in one_line(run("ask", model, tmp_path / "empty.wav", "What?"))


def test_a_question_without_a_sound_or_a_model(run: Run, model: Path, tmp_path: Path) -> None:
    assert one_line(run("ask", model, "What?")) == (
        "ask: name at least one audio file, then the question in quotes"
    )
    assert one_line(run("ask", tmp_path, "a.wav", "What?")) == (
        f"{tmp_path}: not a balsa_pipe model (no config.json); train one first"
    )
