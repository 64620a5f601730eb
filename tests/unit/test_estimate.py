"""How large a run will be: tokens as the tokenizer counts them, prefixes that are read once, hours."""

import json
from pathlib import Path

import pytest
from command_line import Run, one_line
from hypothesis import given
from hypothesis import strategies as st
from sample_rows import make_sample, make_seed_prompt
from test_draft import ingest_run, quiet, tiny_config
from tiny_synthesis import CFG, IDENTITY, TOKENIZER, judge, seed_prompts

from balsa_pipe.chat import encode_chat, load_tokenizer, render_chat
from balsa_pipe.draft import Draft, draft_rows
from balsa_pipe.engines.fake import FakeEngine
from balsa_pipe.errors import CorpusError
from balsa_pipe.estimate import (
    BLOCK,
    Replies,
    estimate,
    former_replies,
    fresh_tokens,
    logged_rate,
    prompt_counter,
    render_estimate,
)
from balsa_pipe.schemas import SAMPLE, Row
from balsa_pipe.shards import write_shard
from balsa_pipe.synthesize import draw_samples
from balsa_pipe.workflow import stage_json


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def draft_of(*rows: Row, weight: float = 1.0) -> Draft:
    return Draft(list(rows), 9, 100, {"train": weight, "validation": 1.0}, [])


def test_tokens_are_those_that_the_engine_will_read(tiny: Path) -> None:
    cfg = tiny_config(tiny)
    draft = draft_rows(cfg, quiet)
    found = estimate(cfg, draft)
    tokenizer = load_tokenizer(cfg.llm)
    tokens = [
        len(encode_chat(tokenizer, render_chat(tokenizer, r["messages"]))) for r in draft.rows
    ]
    assert found.total["rows"] == len(draft.rows)
    assert found.total["prompt_tokens"] == sum(tokens)
    assert 0 < found.total["of_them_cached"] < sum(tokens)
    limit = cfg.synthesize.sampling.max_tokens * cfg.synthesize.attempts
    assert found.total["reply_tokens_at_most"] == limit * len(draft.rows)
    assert found.total["reply_tokens"] is None
    assert (found.hours_low, found.hours_high) == (None, None)
    assert sum(task["rows"] for task in found.tasks) == len(draft.rows)


def test_rows_that_stand_for_others_count_as_often(tiny: Path) -> None:
    cfg = tiny_config(tiny)
    row = make_seed_prompt()
    one, ten = estimate(cfg, draft_of(row)), estimate(cfg, draft_of(row, weight=10.0))
    for name in ("rows", "prompt_tokens", "reply_tokens_at_most"):
        assert ten.total[name] == 10 * one.total[name]
    assert ten.bytes["seed_prompts"] == pytest.approx(10 * one.bytes["seed_prompts"], rel=0.01)


def test_each_shard_reads_an_opening_once(tiny: Path) -> None:
    turns = [{"role": "user", "content": "beep " * 80}]
    rows = [
        make_seed_prompt(str(i), messages=[*turns, {"role": "user", "content": f"buzz {i}"}])
        for i in range(4)
    ]
    cfg = tiny_config(tiny)
    count, _ = prompt_counter(cfg.llm)
    prompts = list(map(count, rows))
    opening = len(prompts[1]) - fresh_tokens(prompts[:2]) + len(prompts[0])
    assert opening > BLOCK
    assert cfg.compose.shards == 2
    assert estimate(cfg, draft_of(*rows)).total["of_them_cached"] == 2 * opening
    assert estimate(cfg, draft_of(rows[0])).total["of_them_cached"] == 0


@given(st.lists(st.lists(st.integers(0, 2), max_size=100), max_size=6))
def test_the_cache_saves_no_more_than_there_is(prompts: list[list[int]]) -> None:
    tokens = fresh_tokens(prompts)
    assert 0 <= tokens <= sum(map(len, prompts))
    if prompts:
        repeated = fresh_tokens([*prompts, prompts[-1]])
        assert repeated - tokens == len(prompts[-1]) % BLOCK


def test_hours_come_of_a_pace(tiny: Path) -> None:
    cfg = tiny_config(tiny)
    draft = draft_of(make_seed_prompt())
    limit = cfg.synthesize.sampling.max_tokens
    bounded = estimate(cfg, draft, tokens_per_s=2.0)
    assert (bounded.hours_low, bounded.hours_high) == (None, limit / 2 / 3600)
    assert "time to synthesize: at most" in render_estimate(bounded)
    known = estimate(cfg, draft, replies=Replies({"caption": 7.0}, 2.0, "as there"))
    assert known.hours_low == known.hours_high == 3.5 / 3600
    assert "time to synthesize: about 3.5 s\n" in render_estimate(known)
    assert "not known" in render_estimate(estimate(cfg, draft))


def test_without_a_tokenizer_words_are_counted(tiny: Path) -> None:
    draft = draft_of(make_seed_prompt())
    there = estimate(tiny_config(tiny), draft)
    guessed = estimate(tiny_config(tiny, llm="someone/nothing-there"), draft)
    assert any("guessed from words" in note for note in guessed.notes)
    assert not any("guessed" in note for note in there.notes)
    assert guessed.total["prompt_tokens"] > 0


def test_nothing_to_ask_is_told(tiny: Path) -> None:
    with pytest.raises(CorpusError, match="no clip of the config is asked anything"):
        estimate(tiny_config(tiny), draft_of())


def test_a_former_run_tells_lengths_and_pace(tiny: Path) -> None:
    cfg = tiny_config(tiny)
    assert former_replies(cfg) is None
    folder = Path("data/tiny")
    (folder / "config").mkdir(parents=True)
    (folder / "config/synthesize.json").write_text(stage_json(cfg, "synthesize") + "\n")
    rows = [make_sample("p0", n_tokens=4, n_attempts=2), make_sample("p1", n_tokens=6)]
    write_shard(folder / "samples/00000.parquet", rows, SAMPLE)
    silent = former_replies(cfg)
    assert silent is not None
    assert (silent.tokens, silent.tokens_per_s) == ({"caption": 7.0}, None)
    (folder / "logs/synthesize").mkdir(parents=True)
    lines: list[str] = []
    draw_samples(
        seed_prompts(),
        tokenizer=TOKENIZER,
        identity=IDENTITY,
        make_engine=lambda: FakeEngine("tiny", CFG, identity=IDENTITY),
        cfg=CFG,
        judge=judge,
        log=lines.append,
    )
    (folder / "logs/synthesize/00000.log").write_text("\n".join(lines))
    told = former_replies(cfg)
    assert told is not None
    assert told.tokens_per_s == logged_rate("\n".join(lines))
    assert told.tokens_per_s is not None
    assert former_replies(tiny_config(tiny, llm=str(tiny / "other"))) is None


def test_the_command_prints_a_table_or_json(run: Run, tiny: Path, tmp_path: Path) -> None:
    cfg = tiny_config(tiny)
    path = tmp_path / "my.yaml"
    path.write_text(json.dumps(cfg.model_dump(mode="json")))
    ingest_run(cfg, listen=False)
    before = sorted(Path("data").rglob("*"))
    status, out, _ = run("estimate", "--config", path, "--tokens-per-second", "100")
    assert status == 0
    assert "presence_qa" in out
    assert "disk: clips " in out
    _, out, _ = run("estimate", "--config", path, "--json")
    found = json.loads(out)
    assert found["total"]["rows"] == sum(task["rows"] for task in found["tasks"])
    assert sorted(Path("data").rglob("*")) == before
    assert "no such file" in one_line(run("estimate", "--config", tmp_path / "none.yaml"))
