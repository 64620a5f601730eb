"""No row is lost or doubled, whatever happens to the process, the disk or the engine."""

import errno
import json
import os
import random
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sample_rows import make_clip, make_seed_prompt
from tiny_synthesis import CFG, IDENTITY, TOKENIZER, judge, seed_prompts

from balsa_pipe.chat import render_chat
from balsa_pipe.config import Sampling, SynthesizeConfig
from balsa_pipe.engines import EngineIdentity, Reply, Request, build_engine
from balsa_pipe.engines.base import Engine
from balsa_pipe.errors import EngineError, ShardError
from balsa_pipe.journal import Journal
from balsa_pipe.schemas import SAMPLE, Row
from balsa_pipe.shards import read_shard, write_shard
from balsa_pipe.synthesize import (
    _Tally,
    kept_shares,
    open_journal,
    row_key,
    synthesize_samples,
)

N_SLOW_ROWS = 120


class Bench:
    """A journal path, an engine that is counted, and what was logged."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.log: list[str] = []
        self.requests: list[Request] = []
        self.engines = 0
        self.closed = 0

    def run(self, rows: list[Row], cfg: SynthesizeConfig = CFG, **changes: Any) -> list[Row]:
        given = {
            "tokenizer": TOKENIZER,
            "identity": IDENTITY,
            "make_engine": self.make_engine,
            "cfg": cfg,
            "judge": judge,
            "log": self.log.append,
            **changes,
        }
        with open_journal(self.path) as journal:
            return synthesize_samples(rows, journal=journal, **given)

    def make_engine(self) -> Engine:
        self.engines += 1
        engine = build_engine("fake", "tiny", CFG, identity=IDENTITY)
        submit, close = engine.submit, engine.close

        def counted(request: Request) -> None:
            self.requests.append(request)
            submit(request)

        def counted_close() -> None:
            self.closed += 1
            close()

        engine.submit, engine.close = counted, counted_close  # type: ignore[method-assign]
        return engine


class Scripted:
    """An engine whose replies are written by the test; several may fly at once."""

    identity = IDENTITY

    def __init__(self, write: Callable[[Request], Reply], capacity: int = 3) -> None:
        self.capacity = capacity
        self.write = write
        self.flying: list[Request] = []
        self.most_flying = 0

    def submit(self, request: Request) -> None:
        self.flying.append(request)
        self.most_flying = max(self.most_flying, len(self.flying))

    def step(self) -> list[Reply]:
        return [self.write(self.flying.pop())]

    def close(self) -> None:
        self.flying.clear()


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path / "journal" / "00000.jsonl")


def reply(request: Request, text: str = "A dog.", finish_reason: str = "stop") -> Reply:
    return Reply(request.key, text, finish_reason, 10, len(text.split()))


# ---- rows in, rows out -----------------------------------------------------------------------


def test_one_sample_per_seed_prompt_in_order(bench: Bench, tmp_path: Path) -> None:
    rows = seed_prompts()
    samples = bench.run(rows)
    assert [sample["prompt_id"] for sample in samples] == [row["prompt_id"] for row in rows]
    assert all(
        f"dog {i} " in sample["response"] for i, sample in enumerate(samples) if sample["response"]
    )
    write_shard(tmp_path / "s.parquet", samples, SAMPLE)
    assert read_shard(tmp_path / "s.parquet", SAMPLE) == samples
    assert (bench.engines, bench.closed) == (1, 1)


def test_a_sample_says_who_wrote_it_and_how(bench: Bench) -> None:
    (sample,) = bench.run(seed_prompts(1))
    assert {name: sample[name] for name in ("model", "model_revision", "engine")} == {
        "model": "tiny",
        "model_revision": "rev",
        "engine": "fake 1",
    }
    assert json.loads(sample["sampling"]) == {
        "attempts": 1,
        "dtype": "bfloat16",
        "max_tokens": 30,
        "min_p": 0.1,
        "temperature": 0.7,
    }
    assert sample["rng_seed"] == bench.requests[0].rng_seed


def test_replies_of_a_task_may_be_drawn_in_another_way(bench: Bench) -> None:
    change = {"caption": {"max_tokens": 3, "temperature": 0}}
    cfg = SynthesizeConfig.model_validate({**CFG.model_dump(), "task_sampling": change})
    rows = [make_seed_prompt("p0"), make_seed_prompt("p1", task="absence")]
    brief, usual = bench.run(rows, cfg=cfg)
    assert bench.requests[0].sampling == Sampling(temperature=0, min_p=0.1, max_tokens=3)
    assert bench.requests[1].sampling == CFG.sampling
    assert json.loads(brief["sampling"])["max_tokens"] == brief["n_tokens"] == 3
    assert json.loads(usual["sampling"])["max_tokens"] == 30
    _, same = bench.run(rows)
    assert (len(bench.requests), same["row_key"]) == (3, usual["row_key"])  # only its own task's


def test_rejected_rows_stay_with_their_reason(bench: Bench) -> None:
    samples = bench.run(seed_prompts(100))
    rejected = [sample for sample in samples if sample["reject_reason"] is not None]
    assert 0 < len(rejected) < 20
    assert {sample["reject_reason"] for sample in rejected} == {"empty"}


def test_the_engine_is_kept_full_and_never_overfull(bench: Bench) -> None:
    engine = Scripted(reply, capacity=5)
    bench.run(seed_prompts(12), make_engine=lambda: engine)
    assert engine.most_flying == 5


def test_no_rows_need_no_engine(bench: Bench) -> None:
    assert bench.run([]) == []
    assert bench.engines == 0


def test_the_same_row_twice_is_drawn_once(bench: Bench) -> None:
    samples = bench.run([*seed_prompts(2), *seed_prompts(2)])
    assert samples[:2] == samples[2:]
    assert len(bench.requests) == 2


# ---- attempts --------------------------------------------------------------------------------


def test_a_rejected_reply_is_drawn_again_with_another_seed(bench: Bench) -> None:
    texts = iter(["", "", "A dog."])
    seeds: list[int | None] = []

    def write(request: Request) -> Reply:
        seeds.append(request.rng_seed)
        return reply(request, next(texts))

    cfg = CFG.model_copy(update={"attempts": 4})
    (sample,) = bench.run(seed_prompts(1), cfg, make_engine=lambda: Scripted(write))
    assert (sample["response"], sample["n_attempts"], sample["reject_reason"]) == (
        "A dog.",
        3,
        None,
    )
    assert len(set(seeds)) == 3
    assert sample["rng_seed"] == seeds[-1]


def test_the_last_reply_is_kept_when_none_passes(bench: Bench) -> None:
    texts = iter(["x 1", "x 2", "x 3"])
    cfg = CFG.model_copy(update={"attempts": 3})
    (sample,) = bench.run(
        seed_prompts(1),
        cfg,
        make_engine=lambda: Scripted(lambda request: reply(request, next(texts))),
        judge=lambda row, response, finish_reason: "repeats",
    )
    found = (sample["response"], sample["n_attempts"], sample["reject_reason"])
    assert found == ("x 3", 3, "repeats")


@pytest.mark.parametrize(
    ("finish_reason", "reject_reason"),
    [("prompt_too_long", "prompt_too_long"), ("error", "engine_error")],
)
def test_a_prompt_that_gets_no_reply_is_not_asked_again(
    bench: Bench, finish_reason: str, reject_reason: str
) -> None:
    asked: list[str] = []

    def write(request: Request) -> Reply:
        asked.append(request.key)
        return reply(request, "", finish_reason)

    cfg = CFG.model_copy(update={"attempts": 3})
    (sample,) = bench.run(
        seed_prompts(1),
        cfg,
        make_engine=lambda: Scripted(write),
        judge=lambda *_: pytest.fail("there is nothing to judge"),
    )
    assert (sample["finish_reason"], sample["reject_reason"]) == (finish_reason, reject_reason)
    assert len(asked) == 1


# ---- what is reused --------------------------------------------------------------------------


def test_a_second_run_starts_no_engine(bench: Bench) -> None:
    first = bench.run(seed_prompts())
    before = bench.path.read_bytes()
    assert bench.run(seed_prompts()) == first
    assert bench.engines == 1
    assert bench.path.read_bytes() == before
    assert bench.log[-2] == "synthesize: 30 rows, 30 of them in the journal"


def test_only_new_and_changed_rows_are_drawn(bench: Bench) -> None:
    rows = seed_prompts(10)
    first = bench.run(rows)
    bench.requests.clear()
    changed = make_seed_prompt("p3", evidence="Sounds: a new wording.")
    second = bench.run([make_seed_prompt("new"), *rows[:3], changed, *rows[4:]])
    assert len(bench.requests) == 2
    assert second[1:4] + second[5:] == first[:3] + first[4:]


def test_a_row_is_the_same_alone_and_among_others(bench: Bench, tmp_path: Path) -> None:
    among = bench.run(seed_prompts(20))
    alone = Bench(tmp_path / "other.jsonl").run(seed_prompts(20)[7:8])
    assert alone == among[7:8]


def test_rows_keep_the_engine_version_that_wrote_them(bench: Bench) -> None:
    bench.run(seed_prompts(3))
    later = EngineIdentity("fake 2", "renamed", "rev")
    samples = bench.run(seed_prompts(4), identity=later)
    assert [sample["engine"] for sample in samples] == ["fake 1"] * 3 + ["fake 2"]
    assert {sample["model"] for sample in samples} == {"renamed"}


def key(row: Row | None = None, cfg: SynthesizeConfig = CFG, **changes: Any) -> str:
    row = row or make_seed_prompt()
    identity = changes.get("identity", IDENTITY)
    prompt = render_chat(TOKENIZER, row["messages"])
    return row_key(row, prompt, identity, cfg, changes.get("rng_seed", 0))


@pytest.mark.parametrize(
    "changed",
    [
        lambda: key(make_seed_prompt("p1")),
        lambda: key(make_seed_prompt(question="And now?")),
        lambda: key(make_seed_prompt(reply_pattern="Yes, .*")),
        lambda: key(make_seed_prompt(expected={"present": [], "absent": ["dog"], "verdict": "no"})),
        lambda: key(make_seed_prompt(clips=[make_clip(labels=["cat"])])),
        lambda: key(make_seed_prompt(clips=[make_clip(captions=[])])),
        lambda: key(make_seed_prompt(clips=[make_clip(captions=["A dog barks.", "Woof."])])),
        lambda: key(make_seed_prompt(clips=[make_clip(parts=[{"labels": [], "captions": ["A"]}])])),
        lambda: key(cfg=CFG.model_copy(update={"attempts": 2})),
        lambda: key(cfg=CFG.model_copy(update={"sampling": Sampling(max_tokens=31)})),
        lambda: key(cfg=CFG.model_copy(update={"dtype": "float32"})),
        lambda: key(identity=EngineIdentity("fake 1", "tiny", "other")),
        lambda: key(identity=EngineIdentity("vllm 1", "tiny", "rev")),
        lambda: key(rng_seed=1),
    ],
)
def test_what_a_reply_depends_on_is_in_its_key(changed: Callable[[], str]) -> None:
    assert changed() != key()


@pytest.mark.parametrize(
    "unchanged",
    [
        lambda: key(identity=EngineIdentity("fake 2", "elsewhere", "rev")),
        lambda: key(cfg=CFG.model_copy(update={"max_num_seqs": 99, "max_model_len": 4096})),
        lambda: key(make_seed_prompt(clips=[make_clip(licence="CC-BY", path="moved.wav")])),
        lambda: key(make_seed_prompt(strategy="popular", template_id="caption/renamed")),
    ],
)
def test_what_a_reply_does_not_depend_on_is_not(unchanged: Callable[[], str]) -> None:
    assert unchanged() == key()


def test_a_change_of_code_version_draws_all_rows_again(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.run(seed_prompts(3))
    monkeypatch.setattr(SynthesizeConfig, "code_version", SynthesizeConfig.code_version + 1)
    bench.run(seed_prompts(3))
    assert len(bench.requests) == 6


def test_a_prompt_once_too_long_is_asked_when_the_context_has_grown(bench: Bench) -> None:
    short = CFG.model_copy(update={"max_model_len": 35})
    long = CFG.model_copy(update={"max_model_len": 1024})
    engine = build_engine("fake", "tiny", short, identity=IDENTITY)
    (sample,) = bench.run(seed_prompts(1), short, make_engine=lambda: engine)
    assert sample["reject_reason"] == "prompt_too_long"
    assert bench.run(seed_prompts(1), short) == [sample]
    (sample,) = bench.run(seed_prompts(1), long)
    assert sample["finish_reason"] == "stop"
    assert bench.run(seed_prompts(1), long) == [sample]
    assert bench.engines == 1


def test_an_engine_error_is_tried_again_by_the_next_run(bench: Bench) -> None:
    broken = Scripted(lambda request: reply(request, "", "error"))
    bench.run(seed_prompts(2), make_engine=lambda: broken)
    samples = bench.run(seed_prompts(2))
    assert [sample["finish_reason"] for sample in samples] == ["stop", "stop"]


# ---- faults ----------------------------------------------------------------------------------


def test_an_engine_that_dies_loses_no_finished_row(bench: Bench) -> None:
    replies = iter(range(4))

    def write(request: Request) -> Reply:
        if next(replies, None) is None:
            raise EngineError("engine vllm: it stopped")
        return reply(request)

    engine = Scripted(write)
    with pytest.raises(EngineError):
        bench.run(seed_prompts(10), make_engine=lambda: engine)
    assert engine.flying == []  # closed
    bench.run(seed_prompts(10))
    assert len(bench.requests) == 6


def test_a_full_disk_is_one_line_and_closes_the_engine(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    pwrite, room = os.pwrite, iter(range(6))

    def full(fd: int, data: bytes, offset: int) -> int:
        if next(room, None) is None:
            raise OSError(errno.ENOSPC, "No space left on device")
        return pwrite(fd, data, offset)

    monkeypatch.setattr(os, "pwrite", full)
    with pytest.raises(ShardError, match=r"could not be written \(No space left on device\)"):
        bench.run(seed_prompts(20))
    assert bench.closed == 1
    monkeypatch.undo()
    bench.requests.clear()
    assert len(bench.run(seed_prompts(20))) == 20
    assert len(bench.requests) == 20 - 5  # the header took one write


def test_a_torn_line_costs_one_row(bench: Bench) -> None:
    first = bench.run(seed_prompts(10))
    bench.path.write_bytes(bench.path.read_bytes()[:-3])
    bench.requests.clear()
    assert bench.run(seed_prompts(10)) == first
    assert len(bench.requests) == 1
    assert re.fullmatch(
        r"synthesize: 10 rows, 9 of them in the journal \(\d+ bytes of a torn line were cut off\)",
        bench.log[3],
    )


def slow_run(folder: Path) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, Path(__file__).with_name("tiny_synthesis.py"), folder, str(N_SLOW_ROWS)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def keys_in(path: Path) -> list[str]:
    """Return the keys of the journal's whole lines, doubles and all."""
    lines = path.read_text().split("\n")[1:-1] if path.is_file() else []
    return [json.loads(line)["row"]["row_key"] for line in lines]


def test_kill_9_at_random_moments_loses_and_doubles_nothing(tmp_path: Path) -> None:
    journal = tmp_path / "journal.jsonl"
    rng = random.Random(20261122)
    acknowledged: list[str] = []
    for _ in range(3):
        with slow_run(tmp_path) as run:
            assert run.stdout is not None
            for _ in range(rng.randrange(2, 14)):
                run.stdout.readline()
            time.sleep(rng.random() * 0.02)
            run.send_signal(signal.SIGKILL)
        found = keys_in(journal)
        assert found[: len(acknowledged)] == acknowledged  # kept, and not written again
        assert len(set(found)) == len(found)
        acknowledged = found
    assert 0 < len(acknowledged) < N_SLOW_ROWS
    with slow_run(tmp_path) as run:
        assert run.wait(60) == 0
    assert sorted(keys_in(journal)) == sorted(set(keys_in(journal)))
    samples = read_shard(tmp_path / "samples.parquet", SAMPLE)
    assert [sample["prompt_id"] for sample in samples] == [f"p{i}" for i in range(N_SLOW_ROWS)]
    assert samples == Bench(tmp_path / "undisturbed.jsonl").run(seed_prompts(N_SLOW_ROWS))


def test_sigterm_ends_cleanly_and_says_what_is_kept(tmp_path: Path) -> None:
    with slow_run(tmp_path) as run:
        assert run.stdout is not None
        for _ in range(5):
            run.stdout.readline()
        run.terminate()
        _, err = run.communicate(timeout=30)
    assert run.returncode == 128 + signal.SIGTERM
    n_rows = len(keys_in(tmp_path / "journal.jsonl"))
    assert 0 < n_rows < N_SLOW_ROWS
    assert err.splitlines()[-2:] == [
        "engine closed",
        f"synthesize: stopped; {n_rows} rows are in the journal, and the same command goes on "
        "from there",
    ]


def test_a_second_job_on_the_same_journal_is_told(tmp_path: Path) -> None:
    with slow_run(tmp_path) as first:
        assert first.stdout is not None
        first.stdout.readline()
        first.send_signal(signal.SIGSTOP)  # it must not end before the second has begun
        with slow_run(tmp_path) as second:
            _, err = second.communicate(timeout=30)
        first.kill()
    assert second.returncode == 2
    assert "journal.jsonl: another running job writes this journal; wait until it" in err
    assert len(err.splitlines()) == 1


# ---- words -----------------------------------------------------------------------------------


def test_progress_tells_tokens_and_the_kept_share() -> None:
    tally = _Tally(tokens=60)
    for reason in (None, "empty", None, None):
        tally.add({"reject_reason": reason})
    assert tally(4.0) == "15 tokens/s, kept 75%"


def test_the_last_line_tells_the_kept_share_of_each_task(bench: Bench) -> None:
    rows = [*seed_prompts(40), make_seed_prompt("q", task="absence")]
    samples = bench.run(rows)
    kept = sum(sample["reject_reason"] is None for sample in samples[:40])
    assert bench.log[-2].startswith("synthesize: 41/41 rows (100%), ")
    assert bench.log[-2].endswith(f" tokens/s, kept {(kept + 1) / 41:.0%}, 0 s left")
    assert bench.log[-1] == (
        f"synthesize: kept absence 100% (1 of 1), caption {kept / 40:.0%} ({kept} of 40)"
    )
    assert kept_shares([]) == ""


def test_a_journal_of_other_columns_is_refused(bench: Bench) -> None:
    with Journal(bench.path, ("row_key",)):
        pass
    with pytest.raises(ShardError, match="another version of balsa_pipe wrote it"):
        bench.run(seed_prompts(1))
