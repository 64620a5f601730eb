"""synthesize: the LLM answers the seed prompts; every finished row is kept, come what may."""

import json
import signal
import threading
from collections import Counter, deque
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType

from balsa_pipe.chat import Tokenizer, render_chat
from balsa_pipe.config import SynthesizeConfig
from balsa_pipe.engines.base import Engine, EngineIdentity, Reply, Request
from balsa_pipe.hashing import digest, seed
from balsa_pipe.journal import Entry, Journal
from balsa_pipe.progress import Progress
from balsa_pipe.schemas import Row

Judge = Callable[[Row, str, str], str | None]
"""Seed prompt, response and finish reason to reject reason; None: kept."""
Log = Callable[[str], None]

ENTRY = (
    "row_key",
    "prompt_id",
    "response",
    "finish_reason",
    "n_prompt_tokens",
    "n_tokens",
    "n_attempts",
    "reject_reason",
    "rng_seed",
    "engine",
)
"""The columns of the journal: what can't be worked out again from the seed prompt."""

UNANSWERED = {"prompt_too_long": "prompt_too_long", "error": "engine_error"}
"""Finish reasons of a prompt that got no reply, and the reject reason each becomes."""


@dataclass(frozen=True, slots=True)
class _Job:
    """A seed prompt to be answered."""

    row: Row
    prompt: str
    key: str


@dataclass(slots=True)
class _Tally:
    """What came of the rows so far."""

    rows: int = 0
    kept: int = 0
    tokens: int = 0

    def add(self, entry: Entry) -> None:
        """Count a finished row."""
        self.rows += 1
        self.kept += entry["reject_reason"] is None

    def __call__(self, elapsed_s: float) -> str:
        """Return it in words."""
        return f"{self.tokens / elapsed_s:.0f} tokens/s, kept {self.kept / self.rows:.0%}"


@dataclass(frozen=True, slots=True)
class _Work:
    """What is to be answered, and how it is judged."""

    jobs: list[_Job]
    identity: EngineIdentity
    cfg: SynthesizeConfig
    judge: Judge
    log: Log
    tally: _Tally = field(default_factory=_Tally)


def open_journal(path: Path) -> Journal:
    """Return the journal of a shard's rows, locked for this process."""
    return Journal(path, ENTRY)


def synthesize_samples(
    seed_prompts: Sequence[Row],
    *,
    tokenizer: Tokenizer,
    identity: EngineIdentity,
    make_engine: Callable[[], Engine],
    journal: Journal,
    cfg: SynthesizeConfig,
    judge: Judge,
    log: Log,
    rng_seed: int = 0,
) -> list[Row]:
    """Return one sample per seed prompt, in the same order.

    Rows that the journal holds are taken from it; an engine is made only when some are missing,
    and each reply is in the journal before the next is waited for.
    """
    jobs = [_job(row, tokenizer, identity, cfg, rng_seed) for row in seed_prompts]
    entries = dict(journal.entries)
    missing = {job.key: job for job in jobs if not _is_final(entries.get(job.key), job, cfg)}
    log(
        f"synthesize: {len(jobs)} rows, {len(jobs) - len(missing)} of them in the journal"
        + (f" ({journal.torn_bytes} bytes of a torn line were cut off)" * bool(journal.torn_bytes))
    )
    if missing:
        work = _Work(list(missing.values()), identity, cfg, judge, log)
        with _stopping(log, journal), closing(_answered(work, make_engine)) as answered:
            for entry in answered:
                entries[entry["row_key"]] = entry
                if entry["finish_reason"] != "error":  # what another run may get right
                    journal.append(entry)
        journal.sync()
    samples = [_to_sample(job, entries[job.key], identity, cfg) for job in jobs]
    log(f"synthesize: kept {kept_shares(samples)}")
    return samples


def draw_samples(
    seed_prompts: Sequence[Row],
    *,
    tokenizer: Tokenizer,
    identity: EngineIdentity,
    make_engine: Callable[[], Engine],
    cfg: SynthesizeConfig,
    judge: Judge,
    log: Log,
    rng_seed: int = 0,
) -> list[Row]:
    """Return the samples that synthesize_samples would, and keep nothing."""
    jobs = [_job(row, tokenizer, identity, cfg, rng_seed) for row in seed_prompts]
    work = _Work(jobs, identity, cfg, judge, log)
    with closing(_answered(work, make_engine)) as answered:
        entries = {entry["row_key"]: entry for entry in answered}
    return [_to_sample(job, entries[job.key], identity, cfg) for job in jobs]


def row_key(
    row: Row, prompt: str, identity: EngineIdentity, cfg: SynthesizeConfig, rng_seed: int
) -> str:
    """Return the hash of all that a row's reply and its judgement depend on.

    The engine's version, the model's path and the sizes of the engine are left out: they don't
    make a finished reply wrong.
    """
    sampling = cfg.sampling_of(row["task"])
    return digest(
        row["prompt_id"],
        prompt,
        row["reply_pattern"],
        _judged_facts(row),
        [sampling.model_dump(), cfg.attempts, cfg.dtype, cfg.code_version, rng_seed],
        [identity.engine.split()[0], identity.model_revision],
        size=16,
    )


def kept_shares(samples: Iterable[Row]) -> str:
    """Return the share of kept rows of each task, as one line for people."""
    total: Counter[str] = Counter()
    kept: Counter[str] = Counter()
    for sample in samples:
        total[sample["task"]] += 1
        kept[sample["task"]] += sample["reject_reason"] is None
    return ", ".join(
        f"{task} {kept[task] / count:.0%} ({kept[task]} of {count})"
        for task, count in sorted(total.items())
    )


def _job(
    row: Row, tokenizer: Tokenizer, identity: EngineIdentity, cfg: SynthesizeConfig, rng_seed: int
) -> _Job:
    prompt = render_chat(tokenizer, row["messages"])
    return _Job(row, prompt, row_key(row, prompt, identity, cfg, rng_seed))


def _judged_facts(row: Row) -> list[object]:
    """Return what a judge may look at besides the chat: what is known of the clips."""
    clips = [
        [
            clip["labels"],
            clip["captions"],
            [[part["labels"], part["captions"]] for part in clip["parts"]],
        ]
        for clip in row["clips"]
    ]
    return [row["task"], row["expected"], clips]


def _is_final(entry: Entry | None, job: _Job, cfg: SynthesizeConfig) -> bool:
    """Tell whether an entry still stands: a prompt once too long may fit a longer context."""
    if entry is None or entry["finish_reason"] != "prompt_too_long":
        return entry is not None
    length: int = entry["n_prompt_tokens"] + cfg.sampling_of(job.row["task"]).max_tokens
    return length > cfg.max_model_len


def _answered(work: _Work, make_engine: Callable[[], Engine]) -> Generator[Entry]:
    """Yield an entry per job, with an engine that lives as long as the jobs last."""
    engine = make_engine()
    try:
        progress = Progress("synthesize", len(work.jobs), "rows", work.log)
        for entry in _draw(work, engine):
            yield entry
            work.tally.add(entry)
            progress.tick(work.tally)
    finally:
        engine.close()


def _draw(work: _Work, engine: Engine) -> Iterator[Entry]:
    """Yield entries as they finish, with the engine kept full and rejected replies drawn anew."""
    waiting = deque((job, 1) for job in work.jobs)
    flying: dict[str, tuple[_Job, int]] = {}
    while waiting or flying:
        while waiting and len(flying) < engine.capacity:
            job, attempt = waiting.popleft()
            flying[job.key] = (job, attempt)
            engine.submit(_request(job, attempt, work.cfg))
        for reply in engine.step():
            job, attempt = flying.pop(reply.key)
            work.tally.tokens += reply.n_tokens  # kept or not
            reason = _reject_reason(job, reply, work.judge)
            if reason and attempt < work.cfg.attempts and reply.finish_reason not in UNANSWERED:
                waiting.appendleft((job, attempt + 1))
            else:
                yield _entry(job, reply, attempt, reason, work.identity)


def _request(job: _Job, attempt: int, cfg: SynthesizeConfig) -> Request:
    return Request(
        key=job.key,
        sampling=cfg.sampling_of(job.row["task"]),
        prompt=job.prompt,
        rng_seed=seed(job.key, attempt),
        reply_pattern=job.row["reply_pattern"],
    )


def _reject_reason(job: _Job, reply: Reply, judge: Judge) -> str | None:
    return UNANSWERED.get(reply.finish_reason) or judge(job.row, reply.text, reply.finish_reason)


def _entry(
    job: _Job, reply: Reply, attempt: int, reason: str | None, identity: EngineIdentity
) -> Entry:
    return {
        "row_key": job.key,
        "prompt_id": job.row["prompt_id"],
        "response": reply.text,
        "finish_reason": reply.finish_reason,
        "n_prompt_tokens": reply.n_prompt_tokens,
        "n_tokens": reply.n_tokens,
        "n_attempts": attempt,
        "reject_reason": reason,
        "rng_seed": seed(job.key, attempt),
        "engine": identity.engine,
    }


def _to_sample(job: _Job, entry: Entry, identity: EngineIdentity, cfg: SynthesizeConfig) -> Row:
    drawn = cfg.sampling_of(job.row["task"]).model_dump()
    sampling = {**drawn, "attempts": cfg.attempts, "dtype": cfg.dtype}
    return {
        **job.row,
        **entry,
        "model": identity.model,
        "model_revision": identity.model_revision,
        "sampling": json.dumps(sampling, sort_keys=True),
    }


@contextmanager
def _stopping(log: Log, journal: Journal) -> Iterator[None]:
    """Say what a stopped run has kept; SIGTERM unwinds the stack, as Ctrl-C does."""

    def stop(number: int, frame: FrameType | None) -> None:
        raise SystemExit(128 + number)

    in_main = threading.current_thread() is threading.main_thread()
    before = signal.signal(signal.SIGTERM, stop) if in_main else None
    try:
        yield
    except (KeyboardInterrupt, SystemExit):
        log(
            f"synthesize: stopped; {len(journal.entries)} rows are in the journal, and the same "
            "command goes on from there"
        )
        raise
    finally:
        if in_main:
            signal.signal(signal.SIGTERM, before)
