"""How large a run will be: rows, tokens, hours, disk, before any of it is spent."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from balsa_pipe.chat import encode_chat, load_tokenizer, render_chat
from balsa_pipe.config import PipelineConfig
from balsa_pipe.database import database, stream
from balsa_pipe.draft import Draft, is_fresh, run_folder
from balsa_pipe.errors import CorpusError, ModelError
from balsa_pipe.inspection.records import SHARDS
from balsa_pipe.inspection.table import render_table
from balsa_pipe.schemas import SEED_PROMPT, Row
from balsa_pipe.shards import list_shards, write_shard
from balsa_pipe.text import safe_text

Count = Callable[[Row], list[Any]]
"""Seed prompt to its prompt as the pieces that are counted: token ids, or words where there are none."""

BLOCK = 32
"""Tokens that vLLM shares as a whole between prompts of one opening: 32 on the CPU, 16 on a GPU."""

_WORD = re.compile(r"\w+|[^\w\s]")
_TOKENS_A_WORD, _TOKENS_A_TURN = 1.2, 5  # of SmolLM2's tokenizer on the demo's prompts
_BYTES_A_TOKEN = 4.0  # of English text
_BYTES_A_SAMPLE = 64  # keys and seeds, which don't compress
_BYTES_AN_ENTRY = 320  # of a journal, besides the reply
_RATE = re.compile(r" (\d+) tokens/s, kept ")


@dataclass(frozen=True, slots=True)
class Replies:
    """Reply tokens a row of each task, replies that were rejected included, and how fast they came."""

    tokens: Mapping[str, float]
    tokens_per_s: float | None  # the prompts' reading included; None: not known
    source: str


@dataclass(frozen=True, slots=True)
class Estimate:
    """What a run will take; None: not known."""

    tasks: list[Row]
    total: Row
    bytes: dict[str, int]
    hours_low: float | None
    hours_high: float | None
    notes: list[str]  # what the numbers rest on


def estimate(
    cfg: PipelineConfig,
    draft: Draft,
    *,
    replies: Replies | None = None,
    tokens_per_s: float | None = None,
) -> Estimate:
    """Return what a run will take.

    tokens_per_s: reply tokens a second; None: those of the replies, where they are known. Tokens of
    replies are at most max_tokens for each attempt, and fewer where former replies tell.
    """
    if not draft.rows:
        raise CorpusError("estimate: no clip of the config is asked anything; see compose.tasks")
    count, counted = prompt_counter(cfg.llm)
    tasks = _tasks(cfg, draft, count, replies)
    total: Row = {"task": "all", **{name: _sum(tasks, name) for name in tasks[0] if name != "task"}}
    rate = tokens_per_s or (replies.tokens_per_s if replies else None)
    notes = [*draft.notes, counted, *([replies.source] if replies else [])]
    if rate:
        notes.append(f"time: at {rate:.0f} reply tokens/s, starts of the engine excluded")
    known = _hours(total["reply_tokens"], rate)
    return Estimate(
        tasks=tasks,
        total=total,
        bytes=_bytes(cfg, draft, total),
        hours_low=known,
        hours_high=known or _hours(total["reply_tokens_at_most"], rate),
        notes=notes,
    )


def former_replies(cfg: PipelineConfig) -> Replies | None:
    """Return what the samples in the run's folder tell; None: there are none of this config."""
    folder = run_folder(cfg)
    samples = sorted((folder / "samples").glob("*.parquet"))
    if not samples or not is_fresh(cfg, "synthesize", samples[0]):
        return None
    query = f"SELECT task, avg(n_tokens * n_attempts) AS tokens FROM {SHARDS} GROUP BY task"
    with database({SHARDS: list_shards(folder / "samples")}) as db:
        tokens = {row["task"]: row["tokens"] for row in stream(db, query)}
    logs = sorted((folder / "logs" / "synthesize").glob("*.log"))
    rates = [rate for path in logs if (rate := logged_rate(path.read_text(encoding="utf-8")))]
    rate = sum(rates) / len(rates) if rates else None
    spoken = f", at {rate:.0f} tokens/s" if rate else ""
    return Replies(tokens, rate, f"replies are as long as those in {folder / 'samples'}{spoken}")


def logged_rate(text: str) -> float | None:
    """Return the reply tokens a second that a log of synthesize says last."""
    found = _RATE.findall(text)
    return float(found[-1]) if found else None


def fresh_tokens(prompts: Sequence[Sequence[Any]]) -> int:
    """Return how many tokens of prompts in this order are read, not taken from the prefix cache."""
    return sum(map(len, prompts)) - sum(_shared(a, b) for a, b in pairwise(prompts))


def prompt_counter(llm: str) -> tuple[Count, str]:
    """Return what splits a prompt into tokens, and a note on how good they are."""
    try:
        tokenizer = load_tokenizer(llm, at_hand=True)
    except ModelError:
        return _words, (
            f"the tokenizer of {llm} is not on this machine: tokens are guessed from words and may "
            "be a fifth off"
        )
    return (
        lambda row: encode_chat(tokenizer, render_chat(tokenizer, row["messages"])),
        f"prompt tokens were counted by the tokenizer of {llm}",
    )


def _words(row: Row) -> list[str]:
    """Return as many pieces as a chat has tokens, about: each a word, so that openings are alike."""
    pieces: list[str] = []
    for turn in row["messages"]:
        words = _WORD.findall(turn["content"])
        more = round((_TOKENS_A_WORD - 1) * len(words)) + _TOKENS_A_TURN
        pieces += [*words, *[turn["role"]] * more]
    return pieces


def _tasks(cfg: PipelineConfig, draft: Draft, count: Count, replies: Replies | None) -> list[Row]:
    """Return rows and tokens of each task."""
    found = []
    for task in dict.fromkeys(row["task"] for row in draft.rows):
        limit = cfg.synthesize.sampling_of(task).max_tokens
        members = [row for row in draft.rows if row["task"] == task]
        rows = sum(map(draft.weight, members))
        tokens, cached = _prompt_tokens(cfg, draft, members, count)
        mean = replies.tokens.get(task) if replies else None
        found.append(
            {
                "task": task,
                "rows": round(rows),
                "prompt_tokens": round(tokens),
                "of_them_cached": round(cached),
                "reply_tokens": None if mean is None else round(rows * mean),
                "reply_tokens_at_most": round(rows * limit * cfg.synthesize.attempts),
            }
        )
    return found


def _prompt_tokens(
    cfg: PipelineConfig, draft: Draft, rows: Sequence[Row], count: Count
) -> tuple[float, float]:
    """Return the tokens of a task's prompts, and those of them that the prefix cache holds.

    Each shard has an engine of its own, whose first prompt of a wording reads all of its opening.
    """
    tokens = cached = 0.0
    for wording in dict.fromkeys(row["template_id"] for row in rows):
        members = [row for row in rows if row["template_id"] == wording]
        prompts = list(map(count, members))
        weights = list(map(draft.weight, members))
        openings = [_shared(a, b) for a, b in pairwise(prompts)]
        tokens += sum(weight * len(prompt) for weight, prompt in zip(weights, prompts, strict=True))
        opening = sum(openings) / len(openings) if openings else 0.0
        cached += max(sum(weights) - cfg.compose.shards, 0) * opening
    return tokens, cached


def _shared(one: Sequence[Any], other: Sequence[Any]) -> int:
    """Return how much of two prompts is one opening, in whole blocks."""
    same = 0
    for a, b in zip(one, other, strict=False):
        if a != b:
            break
        same += 1
    return same // BLOCK * BLOCK


def _bytes(cfg: PipelineConfig, draft: Draft, total: Row) -> dict[str, int]:
    """Return the size of what each stage writes; from samples on, of what it may be at most."""
    scale = total["rows"] / max(len(draft.rows), 1)
    with TemporaryDirectory(prefix="balsa-") as folder:
        path = Path(folder) / "rows.parquet"
        write_shard(path, draft.rows, SEED_PROMPT)
        seed_prompts = round(path.stat().st_size * scale)
    tokens = total["reply_tokens"] or total["reply_tokens_at_most"] / cfg.synthesize.attempts
    replies = round(tokens * _BYTES_A_TOKEN)
    samples = seed_prompts + total["rows"] * _BYTES_A_SAMPLE + replies
    return {
        "clips": draft.clips_bytes,
        "seed_prompts": seed_prompts,
        "samples": samples,
        "journal": total["rows"] * _BYTES_AN_ENTRY + replies,
        "dataset": samples,
    }


def _hours(tokens: float | None, rate: float | None) -> float | None:
    return None if tokens is None or not rate else tokens / rate / 3600


def _sum(tasks: Sequence[Row], name: str) -> int | None:
    values = [task[name] for task in tasks]
    return None if None in values else sum(values)


def render_estimate(found: Estimate) -> str:
    """Return an estimate as a table, lines on disk and hours, and what they rest on."""
    rows = found.tasks if len(found.tasks) == 1 else [*found.tasks, found.total]
    rows = [{k: v for k, v in row.items() if k != "reply_tokens" or v is not None} for row in rows]
    disk = ", ".join(f"{name} {_size(size)}" for name, size in found.bytes.items())
    lines = [
        f"disk: {disk} ({_size(sum(found.bytes.values()))}; without scenes, models and checkpoints)",
        f"time to synthesize: {_time_text(found)}",
        *(f"- {note}" for note in found.notes),
    ]
    return render_table(rows) + "\n" + "".join(safe_text(line) + "\n" for line in lines)


def _time_text(found: Estimate) -> str:
    low, high = found.hours_low, found.hours_high
    if high is None:
        return "not known; --tokens-per-second says how fast, or `balsa preview` measures it"
    if low is None:
        return f"at most {_duration(high)}"
    short, long = _duration(low), _duration(high)
    return f"about {long}" if short == long else f"{short} to {long}"


def _duration(hours: float) -> str:
    for unit, scale in (("h", 1.0), ("min", 60.0)):
        if hours * scale >= 1:
            return f"{_few(hours * scale)} {unit}"
    return f"{_few(hours * 3600)} s"


def _few(value: float) -> str:
    """Return a number with two digits that count."""
    return f"{value:.0f}" if value >= 10 else f"{value:.2g}"


def _size(size: float) -> str:
    for unit, scale in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if size >= scale:
            return f"{_few(size / scale)} {unit}"
    return f"{size:.0f} B"
