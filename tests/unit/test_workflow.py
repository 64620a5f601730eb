"""Which config a run has, who may run, and what Snakemake watches."""

import json
import multiprocessing
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml

from balsa_pipe.config import load_config, load_stage_config
from balsa_pipe.errors import BalsaError, ConfigError, CorpusError
from balsa_pipe.locks import JOB_LOCK, joined_run
from balsa_pipe.workflow import (
    DEFAULT_CONFIG,
    asset_stamps,
    claim_folder,
    metadata_files,
    prompt_files,
    read_workflow,
    require_metadata,
    stage_json,
)

TINY = Path("configs/tiny.yaml")


def tiny_data() -> dict[str, Any]:
    data: dict[str, Any] = yaml.safe_load(TINY.read_text())
    return data


# ---- the config ------------------------------------------------------------------------------


def test_without_a_config_the_demo_runs() -> None:
    assert read_workflow({}, []) == load_config(DEFAULT_CONFIG)
    assert read_workflow({}, []).run == "demo"


def test_a_config_file_replaces_the_demo_whole() -> None:
    found = read_workflow(tiny_data(), [TINY])
    assert found == load_config(TINY)
    assert found.assets == []
    assert found.train.warmup.steps == 10


def test_a_key_on_the_command_line_changes_the_demo_alone_where_it_is_named() -> None:
    demo = load_config(DEFAULT_CONFIG)
    found = read_workflow({"rng_seed": 8, "synthesize": {"sampling": {"max_tokens": 5}}}, [])
    assert found.rng_seed == 8
    assert found.synthesize.sampling.max_tokens == 5
    assert found.synthesize.sampling.temperature == demo.synthesize.sampling.temperature
    assert found.synthesize.attempts == demo.synthesize.attempts
    for stage in ("ingest", "compose", "curate", "train", "evaluate", "report"):
        assert getattr(found, stage) == getattr(demo, stage)


def test_a_list_on_the_command_line_replaces_a_list() -> None:
    found = read_workflow({"evaluate": {"suites": ["configs/evals/presence.yaml"]}}, [])
    assert found.evaluate.suites == [Path("configs/evals/presence.yaml")]
    assert found.evaluate.max_items == load_config(DEFAULT_CONFIG).evaluate.max_items


def test_a_mistake_names_where_it_was_made() -> None:
    with pytest.raises(ConfigError) as caught:
        read_workflow(tiny_data() | {"colour": 1}, [TINY])
    assert str(caught.value) == "configs/tiny.yaml: colour: no such key here"
    with pytest.raises(ConfigError) as caught:
        read_workflow({"rng_seed": "x"}, [])
    assert str(caught.value).startswith("configs/demo.yaml with --config: rng_seed: ")


# ---- one at a time ---------------------------------------------------------------------------


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Path:
    monkeypatch.setenv(JOB_LOCK, "")  # put back after the test
    monkeypatch.delenv(JOB_LOCK)
    return tmp_path / "data"


def hold(folder: Path, job: bool, ready: Any) -> None:
    """Hold a run's lock, or that of one of its jobs, until killed."""
    if job:
        os.environ[JOB_LOCK] = str(folder / ".lock")
        with joined_run():
            ready.set()
            signal.pause()
    lock = claim_folder(folder)
    ready.set()
    signal.pause()
    lock.close()


@contextmanager
def held(folder: Path, *, job: bool = False) -> Iterator[None]:
    """Have another process hold the lock; afterwards it is killed by kill -9."""
    fork = multiprocessing.get_context("fork")
    ready = fork.Event()
    process = fork.Process(target=hold, args=(folder, job, ready))
    process.start()
    try:
        assert ready.wait(60)
        yield
    finally:
        process.kill()
        process.join(60)
    assert process.exitcode == -signal.SIGKILL


def test_a_second_run_in_a_folder_is_refused_until_the_first_has_ended(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder.parent)
    with held(folder), pytest.raises(BalsaError) as caught:
        claim_folder(folder)
    assert str(caught.value) == (
        f"{folder}: another snakemake is at work here; wait until it ends or stop it, "
        "then run the same command again"
    )
    with claim_folder(folder):  # the first was ended by kill -9
        assert os.environ[JOB_LOCK] == str(folder.resolve() / ".lock")


def test_a_job_that_outlived_its_run_is_waited_for(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder.parent)
    with held(folder, job=True), pytest.raises(BalsaError) as caught:
        claim_folder(folder)
    assert str(caught.value) == (
        f"{folder}: a job of a run that was killed is still at work here; wait until it ends or "
        "stop it (`pgrep -af balsa` names it), then run the same command again"
    )
    claim_folder(folder).close()


def test_jobs_of_a_run_work_beside_each_other_and_beside_it(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder.parent)
    with held(folder), held(folder, job=True), held(folder, job=True):
        pass


def test_a_command_outside_of_a_run_needs_no_lock(folder: Path) -> None:
    with joined_run():
        assert not folder.exists()


def test_what_a_killed_snakemake_left_is_cleared(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder.parent)
    for name in ("locks", "incomplete", "metadata"):
        left = folder.parent / ".snakemake" / name / "0.input.lock"
        left.parent.mkdir(parents=True)
        left.touch()
    claim_folder(folder).close()
    left_over = {str(path.relative_to(folder.parent)) for path in folder.parent.rglob("*.lock")}
    assert left_over == {"data/.lock", ".snakemake/metadata/0.input.lock"}


def test_nothing_is_cleared_while_another_is_at_work(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder.parent)
    with held(folder):
        left = folder.parent / ".snakemake" / "locks" / "0.input.lock"
        left.touch()
        with pytest.raises(BalsaError):
            claim_folder(folder)
        assert left.exists()


# ---- what snakemake watches ------------------------------------------------------------------


def test_only_the_prompt_files_in_use_are_watched() -> None:
    config = load_config(TINY)
    tasks = config.compose.tasks.model_copy(
        update={"absence": config.compose.tasks.absence.model_copy(update={"rows": 0})}
    )
    compose = config.compose.model_copy(update={"tasks": tasks})
    found = prompt_files(config.model_copy(update={"compose": compose}))
    assert "configs/prompts/caption.yaml" in found
    assert "configs/prompts/absence.yaml" not in found
    assert all(Path(path).is_file() for path in prompt_files(config))


def test_metadata_and_assets_are_those_that_the_config_names() -> None:
    assert metadata_files(load_config(TINY)) == ["data/assets/tiny/metadata.csv"]
    assert asset_stamps(load_config(TINY)) == []
    assert metadata_files(load_config(DEFAULT_CONFIG)) == []
    assert asset_stamps(load_config(DEFAULT_CONFIG)) == ["data/assets/demo.json"]


HELD_OUT = {"reader": "audioset", "metadata": ["data/eval_segments.csv"]}


def test_metadata_of_corpora_and_of_held_out_sets_is_watched() -> None:
    data = tiny_data()
    several = {"reader": "wavcaps", "metadata": ["data/bbc.json", "data/freesound.json"]}
    folder = {"reader": "cochlscene", "root": "data/cochlscene"}
    data["ingest"]["corpora"] += [several, folder]
    data["ingest"]["held_out"] = [HELD_OUT]
    assert metadata_files(read_workflow(data, [TINY])) == [
        "data/assets/tiny/metadata.csv",
        "data/bbc.json",
        "data/freesound.json",
        "data/eval_segments.csv",
    ]


def test_metadata_inside_an_audiofolder_is_watched(tmp_path: Path) -> None:
    data = tiny_data()
    (tmp_path / "train").mkdir()
    data["ingest"]["corpora"] = [{"reader": "audiofolder", "root": str(tmp_path)}]
    assert metadata_files(read_workflow(data, [TINY])) == []
    files = [tmp_path / "metadata.csv", tmp_path / "train" / "metadata.jsonl"]
    for path in (*files, tmp_path / "train" / "metadata.txt"):
        path.touch()
    assert metadata_files(read_workflow(data, [TINY])) == [str(path) for path in files]


def test_metadata_that_is_not_there_is_named(tmp_path: Path) -> None:
    data = tiny_data()
    table, segments = tmp_path / "clips.csv", tmp_path / "segments.csv"
    data["ingest"]["corpora"][0]["metadata"] = str(table)
    data["ingest"]["held_out"] = [HELD_OUT | {"metadata": str(segments)}]
    config = read_workflow(data, [TINY])
    with pytest.raises(CorpusError, match=f"{table}: no such metadata file of corpus tones"):
        require_metadata(config)
    table.touch()
    with pytest.raises(CorpusError, match=f"{segments}: no such metadata file of corpus audioset"):
        require_metadata(config)
    segments.touch()
    require_metadata(config)


def test_a_stages_text_changes_with_what_the_stage_may_see_only(tmp_path: Path) -> None:
    config = load_config(TINY)
    other = config.model_copy(
        update={"report": config.report.model_copy(update={"title": 'it\'s {another} "title"'})}
    )
    assert stage_json(other, "train") == stage_json(config, "train")
    assert stage_json(other, "report") != stage_json(config, "report")
    (tmp_path / "report.json").write_text(stage_json(other, "report"))
    assert load_stage_config(tmp_path / "report.json").need("report") == other.report
    assert json.loads(stage_json(config, "train"))["run"] == "tiny"
