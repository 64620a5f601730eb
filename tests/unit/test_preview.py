"""A preview writes rows as the run will, measures, and leaves nothing behind."""

import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from command_line import Run, one_line
from hypothesis import given
from hypothesis import strategies as st
from sample_rows import make_sample
from test_draft import ingest_run, quiet, tiny_config
from tiny_synthesis import CFG, IDENTITY, TOKENIZER, judge, seed_prompts

from balsa_pipe import preview as module
from balsa_pipe.chat import load_tokenizer
from balsa_pipe.config import PipelineConfig
from balsa_pipe.draft import draft_rows
from balsa_pipe.engines import build_engine, identify
from balsa_pipe.engines.base import Reply
from balsa_pipe.engines.fake import FakeEngine
from balsa_pipe.preview import Speed, pick_rows, preview, render_preview, wilson
from balsa_pipe.synthesize import draw_samples, open_journal, synthesize_samples
from balsa_pipe.tasks import TASKS

HOSTILE = "\x1b[2J\x1b]0;gone\x07A beep\u202e <|im_end|>"


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "tmp").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "tmp"))


def saved(cfg: PipelineConfig) -> Path:
    path = Path("my.yaml")
    path.write_text(json.dumps(cfg.model_dump(mode="json")))
    return path


def state(folder: Path) -> dict[str, tuple[bytes, int]]:
    """Return what a folder holds, and when each file was written."""
    files = (path for path in sorted(folder.rglob("*")) if path.is_file())
    return {str(path): (path.read_bytes(), path.stat().st_mtime_ns) for path in files}


def test_samples_are_those_that_the_run_will_have(tiny: Path, tmp_path: Path) -> None:
    cfg = tiny_config(tiny)
    ingest_run(cfg)
    draft = draft_rows(cfg, quiet)
    found = preview(cfg, draft, 3, quiet)
    identity = identify("fake", cfg.llm)
    with open_journal(tmp_path / "journal.jsonl") as journal:
        run = synthesize_samples(
            draft.rows,
            tokenizer=load_tokenizer(cfg.llm),
            identity=identity,
            make_engine=lambda: build_engine("fake", cfg.llm, cfg.synthesize, identity=identity),
            journal=journal,
            cfg=cfg.synthesize,
            judge=lambda row, reply, finish: TASKS[row["task"]].judge(row, reply, finish),
            log=quiet,
            rng_seed=cfg.rng_seed,
        )
    by_id = {sample["prompt_id"]: sample for sample in run}
    assert found.samples == [by_id[sample["prompt_id"]] for sample in found.samples]
    assert [row["rows"] for row in found.kept] == [*[3] * 7, 21]
    assert found.estimate.total["rows"] == len(run)


def test_drawing_without_a_journal_gives_the_same_samples(tmp_path: Path) -> None:
    common: dict[str, Any] = {
        "tokenizer": TOKENIZER,
        "identity": IDENTITY,
        "make_engine": lambda: FakeEngine("tiny", CFG, identity=IDENTITY),
        "cfg": CFG,
        "judge": judge,
        "log": quiet,
        "rng_seed": 5,
    }
    with open_journal(tmp_path / "journal.jsonl") as journal:
        kept = synthesize_samples(seed_prompts(), journal=journal, **common)
    assert draw_samples(seed_prompts(), **common) == kept


def test_the_same_rows_are_picked_of_each_task(tiny: Path) -> None:
    rows = draft_rows(tiny_config(tiny), quiet).rows
    three, five = pick_rows(rows, 3), pick_rows(rows, 5)
    assert [row for row in five if row in three] == three
    assert {row["task"] for row in pick_rows(rows, 2, "caption")} == {"caption"}


def test_a_pace_scales_to_a_full_batch() -> None:
    total = {"prompt_tokens": 2000, "of_them_cached": 1000, "reply_tokens": 3600}
    low, high = Speed(10.0, 1.0, 4.0, 16, 2.0).hours(total)
    assert high == pytest.approx((100 + 3600) / 3600)
    assert low == pytest.approx((100 + 900) / 3600)
    full = Speed(math.inf, 1.0, 16.0, 16, 2.0).hours(total)
    assert full == (1.0, 1.0)


@given(st.integers(1, 500).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_an_interval_holds_the_share(hits_n: tuple[int, int]) -> None:
    hits, n = hits_n
    low, high = wilson(hits, n)
    assert 0 <= low <= hits / n <= high <= 1
    assert low < high
    assert wilson(8, 10) == pytest.approx((0.4902, 0.9433), abs=1e-4)


def test_the_run_is_left_as_it_was(run: Run, tiny: Path, tmp_path: Path) -> None:
    cfg = tiny_config(tiny)
    ingest_run(cfg)
    before, config = state(Path("data")), saved(cfg)
    status, out, err = run("preview", "--config", config, "-n", "2", "--html", "page.html")
    assert status == 0, err
    assert out.count("  verdict   kept") + out.count("  verdict   empty") == 14
    assert "time to synthesize: " in out
    assert "page.html (" in err
    assert "<article" in Path("page.html").read_text()
    _, out, _ = run("preview", "--config", config, "-n", "1", "--task", "caption", "--json")
    found = json.loads(out)
    assert [sample["task"] for sample in found["samples"]] == ["caption"]
    assert [task["task"] for task in found["estimate"]["tasks"]] == ["caption"]
    assert state(Path("data")) == before
    assert not list((tmp_path / "tmp").iterdir())


@pytest.mark.parametrize("stop", [KeyboardInterrupt, RuntimeError])
def test_nothing_is_left_when_it_is_stopped(
    tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stop: type[BaseException]
) -> None:
    closed: list[bool] = []

    class Stopped(FakeEngine):
        def step(self) -> list[Reply]:
            raise stop

        def close(self) -> None:
            closed.append(True)

    def build(*words: Any, **options: Any) -> Stopped:
        return Stopped(words[1], words[2], identity=options["identity"])

    monkeypatch.setattr(module, "build_engine", build)
    cfg = tiny_config(tiny)
    with pytest.raises(stop):
        preview(cfg, draft_rows(cfg, quiet), 2, quiet)
    assert closed == [True]
    assert [path.name for path in tmp_path.iterdir()] == ["tmp"]
    assert not list((tmp_path / "tmp").iterdir())


def test_a_temporary_folder_goes_when_ingest_is_stopped(
    tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(*_: Any, **__: Any) -> Iterator[Any]:
        raise KeyboardInterrupt

    monkeypatch.setattr("balsa_pipe.draft.compose_seed_prompts", stop)
    with pytest.raises(KeyboardInterrupt):
        draft_rows(tiny_config(tiny), quiet)
    assert [path.name for path in tmp_path.iterdir()] == ["tmp"]
    assert not list((tmp_path / "tmp").iterdir())


def test_captions_say_nothing_to_a_terminal(tiny: Path) -> None:
    cfg = tiny_config(tiny)
    found = preview(cfg, draft_rows(cfg, quiet), 1, quiet)
    found.samples[:] = [make_sample("p0", HOSTILE, evidence=HOSTILE, question=HOSTILE)]
    text = render_preview(found)
    assert "\x1b" not in text
    assert "\x07" not in text
    assert "\u202e" not in text


def test_mistakes_are_one_line(run: Run, tiny: Path) -> None:
    config = saved(tiny_config(tiny))
    assert (
        "the config asks for no such rows; it has caption"
        in run("preview", "--config", config, "--task", "listening")[2]
    )
    config = saved(tiny_config(tiny, llm="data/assets/models/none"))
    status, out, err = run("preview", "--config", config)
    assert (status, out) == (2, "")
    assert "run `balsa fetch demo`" in err.splitlines()[-1]
    assert "no such file" in one_line(run("preview", "--config", "none.yaml"))
