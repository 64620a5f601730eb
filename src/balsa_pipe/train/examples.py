"""From dataset rows to the fixed list of examples that a phase trains on; pure."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from balsa_pipe.config import Phase, TaskName
from balsa_pipe.errors import ConfigError
from balsa_pipe.hashing import digest, ranked, unit
from balsa_pipe.schemas import Row

_STRETCH = 8
"""Batches among which rows are grouped by their width."""


@dataclass(frozen=True, slots=True)
class Example:
    """What the model hears, is asked, and should say."""

    prompt_id: str
    task: str
    clips: tuple[Row, ...]
    question: str
    reply: str
    has_verdict: bool = False  # the reply opens with yes or no
    label_salt: str | None = None  # draws the label tokens that stand in for the sound, if any


def to_example(row: Row, label_salt: str | None = None) -> Example:
    """Return the example of a dataset row: the evidence is left out, the sound takes its place."""
    return Example(
        prompt_id=row["prompt_id"],
        task=row["task"],
        clips=tuple(row["clips"]),
        question=row["question"],
        reply=row["response"],
        has_verdict=row["expected"]["verdict"] is not None,
        label_salt=label_salt,
    )


def draw_examples(rows: Iterable[Row], phase: Phase, *, rng_seed: int) -> list[Example]:
    """Return steps x batch_size examples: tasks by their shares, each task's rows in turn.

    Rows that say what another row says are left out. ConfigError when a task has no rows.
    """
    pools = _pools(rows, phase, rng_seed)
    sequence = _interleave(phase.tasks, phase.steps * phase.batch_size)
    position: dict[str, int] = defaultdict(int)
    drawn = []
    for task in sequence:
        pool = pools[task]
        turn, index = divmod(position[task], len(pool))
        if index == 0:
            pools[task] = pool = _shuffled(pool, "turn", rng_seed, phase.name, turn)
        salt = digest(rng_seed, phase.name, turn, pool[index]["prompt_id"])
        reads = unit("label tokens", salt) < phase.label_tokens
        drawn.append(to_example(pool[index], salt if reads else None))
        position[task] += 1
    return _group(drawn, phase.batch_size)


def _shuffled(rows: Iterable[Row], *salt: Any) -> list[Row]:
    """Return rows in hash order, but a yes to a question beside a no to the same.

    Drawn apart, a small batch often holds one answer more than the other, and what it leans to last
    is what the model leans to.
    """
    nth: Counter[tuple[str, str | None]] = Counter()
    places = []
    for row in ranked(rows, *salt, key=lambda row: row["prompt_id"]):
        asked = _asked(row)
        answer = (asked, row["expected"]["verdict"])
        places.append((digest(*salt, asked, nth[answer]), row))
        nth[answer] += 1
    return [row for _, row in sorted(places, key=lambda place: place[0])]


def _asked(row: Row) -> str:
    """Return the sound that a question with a verdict is on; of another row, itself."""
    expected = row["expected"]
    if expected["verdict"] is None:
        return str(row["prompt_id"])
    return str((expected["absent"] or expected["present"])[0])


def _group(examples: Sequence[Example], batch_size: int) -> list[Example]:
    """Bring rows of about a width together, so that short ones are seldom padded to long ones.

    Within a few batches only, which keep their order, so that the mix of tasks stays even in time.
    """
    grouped: list[Example] = []
    for start in range(0, len(examples), batch_size * _STRETCH):
        places = range(start, min(start + batch_size * _STRETCH, len(examples)))
        alike = sorted(places, key=lambda place: _width(examples[place]))
        batches = [alike[i : i + batch_size] for i in range(0, len(alike), batch_size)]
        batches.sort(key=lambda batch: sum(batch) / len(batch))
        grouped += [examples[place] for batch in batches for place in batch]
    return grouped


def _width(example: Example) -> tuple[int, int]:
    """Return what to sort by: the number of clips; of text without sound, the longest first.

    The text of rows with sound doesn't count: a batch of one length is often a batch of one answer.
    """
    characters = 0 if example.clips else len(example.question) + len(example.reply)
    return len(example.clips), -characters


def _pools(rows: Iterable[Row], phase: Phase, rng_seed: int) -> dict[str, list[Row]]:
    pools: dict[str, list[Row]] = {task: [] for task in phase.tasks}
    for row in rows:
        if row["task"] in pools and row["duplicate_of"] is None:
            pools[row["task"]].append(row)
    empty = [task for task, pool in pools.items() if not pool]
    if empty:
        raise ConfigError(
            f"train.phases.{phase.name}: the dataset has no rows of {', '.join(empty)}; add them to "
            "compose.tasks, look at their reject reasons in ledger.json, or drop them from the phase"
        )
    return pools


def _interleave(shares: Mapping[TaskName, float], count: int) -> Sequence[str]:
    """Return task names so that every stretch of the list has about the shares asked for."""
    total = sum(shares.values())
    credit = dict.fromkeys(shares, 0.0)
    names: list[str] = []
    for _ in range(count):
        for task, share in shares.items():
            credit[task] += share / total
        best = max(credit, key=lambda task: credit[task])
        credit[best] -= 1
        names.append(best)
    return names
