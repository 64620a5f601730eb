"""A few rows of each task, written and judged as in a run, and what the run would take at that pace."""

import math
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from balsa_pipe.chat import load_tokenizer
from balsa_pipe.config import PipelineConfig
from balsa_pipe.draft import Draft
from balsa_pipe.engines import Engine, EngineIdentity, Reply, Request, build_engine, identify
from balsa_pipe.engines.stream import stream
from balsa_pipe.errors import ConfigError
from balsa_pipe.estimate import (
    Estimate,
    Replies,
    estimate,
    fresh_tokens,
    prompt_counter,
    render_estimate,
)
from balsa_pipe.hashing import ranked
from balsa_pipe.inspection.table import render_cards, render_table
from balsa_pipe.schemas import Row
from balsa_pipe.synthesize import draw_samples
from balsa_pipe.tasks import TASKS

Log = Callable[[str], None]

_Z = 1.96  # of a 95 % interval


@dataclass(frozen=True, slots=True)
class Speed:
    """How fast an engine was, its start left out."""

    reading: float  # prompt tokens a second; infinite where it took no time that could be told
    writing: float  # reply tokens a second, without the time of reading
    in_flight: float  # replies that were written at the same time, on average
    at_once: int  # replies that the config lets it write at the same time
    start_s: float

    def hours(self, total: Row) -> tuple[float, float]:
        """Return the hours of so many tokens: if a full batch takes no longer a step, and as it was."""
        reading = (total["prompt_tokens"] - total["of_them_cached"]) / self.reading
        writing = total["reply_tokens"] / self.writing
        full = min(self.in_flight / self.at_once, 1.0)
        return (reading + writing * full) / 3600, (reading + writing) / 3600


@dataclass(frozen=True, slots=True)
class Preview:
    """Samples of each task, the share kept of each with its interval, and the run's estimate."""

    samples: list[Row]
    kept: list[Row]
    estimate: Estimate
    speed: Speed


@dataclass(slots=True)
class Meter:
    """An engine that notes what it was asked, what came back, and when; it isn't closed by users."""

    engine: Engine
    at_once: int
    asked: list[Request] = field(default_factory=list)
    tokens: Counter[str] = field(default_factory=Counter)  # by request key, all attempts
    seconds: float = 0.0
    written: float = 0.0  # replies in work times seconds
    flying: int = 0

    @property
    def identity(self) -> EngineIdentity:
        """Who answers."""
        return self.engine.identity

    @property
    def capacity(self) -> int:
        """How many requests in flight keep it full."""
        return self.engine.capacity

    def submit(self, request: Request) -> None:
        """Queue a request."""
        self.asked.append(request)
        self.flying += 1
        self.engine.submit(request)

    def step(self) -> list[Reply]:
        """Work for a moment and return the replies that finished."""
        started, flying = time.perf_counter(), self.flying
        replies = self.engine.step()
        seconds = time.perf_counter() - started
        self.seconds += seconds
        self.written += seconds * min(flying, self.at_once)
        self.flying -= len(replies)
        for reply in replies:
            self.tokens[reply.key] += reply.n_tokens
        return replies

    def close(self) -> None:
        """Leave the engine running: it is measured once more."""


def preview(
    cfg: PipelineConfig, draft: Draft, n: int, log: Log, *, task: str | None = None
) -> Preview:
    """Return n samples of each task, drawn by hash and written as synthesize would, and an estimate.

    Raises ModelError and EngineError as synthesize does, ConfigError when the config asks for no row
    of the task. Nothing is written to disk.
    """
    rows = pick_rows(draft.rows, n, task)
    identity = identify(cfg.synthesize.engine, cfg.llm)
    tokenizer = load_tokenizer(cfg.llm)
    log(f"preview: {len(rows)} rows; starting {identity.engine} with {identity.model}")
    started = time.perf_counter()
    engine = build_engine(cfg.synthesize.engine, cfg.llm, cfg.synthesize, identity=identity)
    start_s = time.perf_counter() - started
    with closing(engine):
        meter = Meter(engine, cfg.synthesize.max_num_seqs)
        samples = draw_samples(
            rows,
            tokenizer=tokenizer,
            identity=identity,
            make_engine=lambda: meter,
            cfg=cfg.synthesize,
            judge=lambda row, reply, finish: TASKS[row["task"]].judge(row, reply, finish),
            log=log,
            rng_seed=cfg.rng_seed,
        )
        again = measure_again(meter)
    count, _ = prompt_counter(cfg.llm)
    speed = _speed(meter, again, fresh_tokens(list(map(count, rows))), start_s)
    return Preview(
        samples, kept_shares(samples), _estimate(cfg, draft, samples, meter, speed), speed
    )


def pick_rows(rows: Sequence[Row], n: int, task: str | None = None) -> list[Row]:
    """Return n rows of each task, or of one, drawn by hash, in the order of the run."""
    names = dict.fromkeys(row["task"] for row in rows)
    if task is not None and task not in names:
        raise ConfigError(
            f"--task {task}: the config asks for no such rows; it has {', '.join(names)}"
        )
    chosen = {
        row["prompt_id"]
        for name in names
        if task in (None, name)
        for row in ranked(
            (row for row in rows if row["task"] == name),
            "preview",
            key=lambda row: row["prompt_id"],
        )[:n]
    }
    return [row for row in rows if row["prompt_id"] in chosen]


def measure_again(meter: Meter) -> Meter:
    """Return what it takes to write the same replies when no prompt has to be read any more."""
    again = Meter(meter.engine, meter.at_once)
    requests = (replace(one, key=f"again {i}") for i, one in enumerate(meter.asked))
    for _ in stream(again, requests):
        pass
    return again


def kept_shares(samples: Iterable[Row]) -> list[Row]:
    """Return how many samples of each task, and of all, were kept; 95 % intervals of the share."""
    drawn: Counter[str] = Counter()
    kept: Counter[str] = Counter()
    for sample in samples:
        drawn[sample["task"]] += 1
        kept[sample["task"]] += sample["reject_reason"] is None
    if len(drawn) > 1:
        drawn["all"], kept["all"] = drawn.total(), kept.total()
    return [
        {"task": task, "rows": rows, "kept": kept[task], "interval": wilson(kept[task], rows)}
        for task, rows in drawn.items()
    ]


def wilson(hits: int, n: int) -> tuple[float, float]:
    """Return the 95 % interval of a share, which holds for small n too (Wilson 1927)."""
    share, z2 = hits / n, _Z * _Z
    middle = share + z2 / (2 * n)
    half = _Z * math.sqrt(share * (1 - share) / n + z2 / (4 * n * n))
    low, high = ((middle + side * half) / (1 + z2 / n) for side in (-1, 1))
    return max(min(low, share), 0.0), min(max(high, share), 1.0)  # rounding must not part them


def _speed(meter: Meter, again: Meter, read: int, start_s: float) -> Speed:
    """Return the pace: what the second time saved is what reading took."""
    reading_s = meter.seconds - again.seconds
    return Speed(
        reading=read / reading_s if reading_s > 0 else math.inf,
        writing=max(again.tokens.total(), 1) / max(again.seconds, 1e-9),
        in_flight=again.written / max(again.seconds, 1e-9),
        at_once=meter.at_once,
        start_s=start_s,
    )


def _estimate(
    cfg: PipelineConfig, draft: Draft, samples: Sequence[Row], meter: Meter, speed: Speed
) -> Estimate:
    """Return what all rows of the previewed tasks would take."""
    tokens = _mean_tokens(samples, meter.tokens)
    members = replace(draft, rows=[row for row in draft.rows if row["task"] in tokens])
    replies = Replies(tokens, None, f"replies are as long as those of these {len(samples)} rows")
    found = estimate(cfg, members, replies=replies)
    low, high = speed.hours(found.total)
    basis = (
        f"time: prompts are read at {_rate(speed.reading)} tokens/s and replies written at "
        f"{_rate(speed.writing)}, as here, where {speed.in_flight:.0f} replies were written at once; "
        f"the lower figure takes for granted that {speed.at_once} at once cost no more time a step. "
        f"The engine's start, {speed.start_s:.0f} s here, comes on top for each of "
        f"{cfg.compose.shards} shards"
    )
    return replace(found, hours_low=low, hours_high=high, notes=[*found.notes, basis])


def _mean_tokens(samples: Sequence[Row], tokens: Mapping[str, int]) -> dict[str, float]:
    """Return the reply tokens a row of each task, those of rejected replies too."""
    of_task: dict[str, list[int]] = {}
    for sample in samples:
        of_task.setdefault(sample["task"], []).append(tokens[sample["row_key"]])
    return {task: sum(found) / len(found) for task, found in of_task.items()}


def _rate(value: float) -> str:
    return "more than can be told of so few" if math.isinf(value) else f"{value:.0f}"


def render_preview(found: Preview) -> str:
    """Return every row, the shares that were kept, and the estimate, safe for a terminal."""
    shares = [
        {
            **{name: row[name] for name in ("task", "rows", "kept")},
            "of_all": "{:.0%} to {:.0%}".format(*row["interval"]),
        }
        for row in found.kept
    ]
    return "\n".join(
        [
            render_cards(list(map(_card, found.samples))),
            render_table(shares),
            render_estimate(found.estimate),
        ]
    )


def preview_json(found: Preview) -> dict[str, Any]:
    """Return a preview as JSON-able data; samples whole, as a shard has them."""
    speed = asdict(found.speed)
    if math.isinf(found.speed.reading):
        speed["reading"] = None
    return {
        "samples": found.samples,
        "kept": found.kept,
        "speed": speed,
        "estimate": asdict(found.estimate),
    }


def _card(sample: Row) -> Row:
    """Return what is printed of a sample."""
    tries = f" after {sample['n_attempts']} replies" if sample["n_attempts"] > 1 else ""
    return {
        "row": f"{sample['task']} {sample['prompt_id']}",
        "evidence": sample["evidence"].replace("\n", " | "),  # of several clips
        "question": sample["question"],
        "reply": sample["response"] or "(nothing)",
        "verdict": (sample["reject_reason"] or "kept") + tries,
        "tokens": f"{sample['n_prompt_tokens']} read, {sample['n_tokens']} written",
    }
