"""Which samples and predictions the page shows, and what it says of each."""

import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import zip_longest
from typing import Any

from balsa_pipe.hashing import ranked
from balsa_pipe.report.audio_clips import Player, PlayerMaker
from balsa_pipe.report.systems import SYSTEMS, words
from balsa_pipe.schemas import Row

MAX_TEXT = 700


@dataclass(frozen=True, slots=True)
class ClipView:
    """A clip of a card: its sound, and what its metadata say."""

    title: str
    player: Player
    labels: str
    caption: str
    parts: str
    credit: str
    path: str


@dataclass(frozen=True, slots=True)
class Card:
    """A sample or a prediction: kind is what the page's buttons filter by."""

    kind: str
    badges: Sequence[tuple[str, str]]  # text, style
    clips: Sequence[ClipView]
    question: str
    answers: Sequence[tuple[str, str, str]]  # who, what, style
    row_id: str
    details: Sequence[tuple[str, str]] = field(default=())


def sample_cards(samples: Iterable[Row], count: int, players: PlayerMaker) -> list[Card]:
    """Return cards of training samples: every task in turn, drawn by hash, no duplicates."""
    unique = (row for row in samples if row.get("duplicate_of") is None)
    chosen = in_turns(unique, lambda row: (row["task"],), lambda row: row["prompt_id"], count)
    return [_sample_card(row, players) for row in chosen]


def prediction_cards(predictions: Iterable[Row], count: int, players: PlayerMaker) -> list[Card]:
    """Return cards of the trained model's replies: each suite in turn, right and wrong by turns."""
    rows = list(predictions)
    others: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        others[row["item_id"]].append(row)
    trained = (row for row in rows if row["system"] == "trained")
    chosen = in_turns(
        trained, lambda row: (row["suite"], _outcome(row)), lambda row: row["item_id"], count
    )
    return [_prediction_card(row, others[row["item_id"]], players) for row in chosen]


def short(text: str | None, length: int = MAX_TEXT) -> str:
    """Return a text, cut where it is too long for a card; the cut is told."""
    text = text or ""
    cut = len(text) - length
    return text if cut <= 0 else f"{text[:length]} … ({cut} characters more)"


def in_turns(
    rows: Iterable[Row],
    group: Callable[[Row], tuple[str, ...]],
    key: Callable[[Row], str],
    count: int,
) -> list[Row]:
    """Return the first of each group, then the second of each, up to count."""
    groups: dict[tuple[str, ...], list[Row]] = defaultdict(list)
    for row in rows:
        found = groups[group(row)]
        found.append(row)
        if len(found) > 16 * count:  # all of a large dataset would fill the memory
            found[:] = ranked(found, "report", key=key)[:count]
    turns = zip_longest(*(ranked(groups[name], "report", key=key) for name in sorted(groups)))
    return [row for turn in turns for row in turn if row is not None][:count]


def _sample_card(row: Row, players: PlayerMaker) -> Card:
    forced = bool(row.get("verdict_forced"))
    verdict = (row.get("expected") or {}).get("verdict")
    badges = [(words(row["task"]), "task")]
    if verdict:
        badges.append((f"verdict {verdict}: {'forced' if forced else 'the LLM’s own'}", "plain"))
    return Card(
        kind=row["task"],
        badges=badges,
        clips=clip_views(row, players),
        question=short(row.get("question")),
        answers=[("The LLM wrote", short(row.get("response")), "reply")],
        row_id=row["prompt_id"],
        details=[
            ("evidence the LLM read in place of the sound", short(row.get("evidence"))),
            ("wording", str(row.get("template_id") or "")),
            ("absent sound drawn", str(row.get("strategy") or "")),
            ("replies drawn", str(row.get("n_attempts") or "")),
        ],
    )


def _prediction_card(row: Row, siblings: Sequence[Row], players: PlayerMaker) -> Card:
    outcome = _outcome(row)
    answers = [
        ("Expected", short(gold_text(row["gold"])), "gold"),
        ("Trained model", _reply(row), outcome),
    ]
    others = {sibling["system"]: sibling for sibling in siblings if sibling["system"] != "trained"}
    answers += [
        (label[0].upper() + label[1:], _reply(others[name]), "other")
        for name, label in SYSTEMS.items()
        if name in others
    ]
    return Card(
        kind=outcome,
        badges=[(words(row["suite"]), "task"), (outcome, outcome)],
        clips=clip_views(row, players),
        question=short(row.get("question")),
        answers=answers,
        row_id=row["item_id"],
        details=[
            ("sound asked for", str(row.get("sound") or "")),
            ("strategy", str(row.get("strategy") or "")),
            ("sound swapped in", "; ".join(map(_clip_words, row.get("swapped_clips") or []))),
            ("read as", row["answer"] if row.get("answer") is not None else "unparsed"),
            ("score", f"{row['score']:g}"),
        ],
    )


def gold_text(gold: Sequence[str]) -> str:
    """Return what was expected in words; rules of a text prompt are JSON objects."""
    return "; ".join(_rule(text) for text in gold)


def _rule(text: str) -> str:
    if not text.startswith("{"):
        return text
    try:
        rule = json.loads(text)
    except ValueError:
        return text
    if not isinstance(rule, dict):
        return text
    return "; ".join(f"{words(name)}: {_plain(value)}" for name, value in rule.items())


def _plain(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _outcome(row: Row) -> str:
    score = row["score"]
    return "right" if score >= 1 else "wrong" if score <= 0 else "partly right"


def _reply(row: Row) -> str:
    return short(row["response"]) or "(nothing)"


def clip_views(row: Row, players: PlayerMaker) -> list[ClipView]:
    """Return the clips of a row, each with its player."""
    clips = row.get("clips") or []
    return [
        _clip_view(clip, f"Clip {index}" if len(clips) > 1 else "Clip", players)
        for index, clip in enumerate(clips, 1)
    ]


def _clip_view(clip: Row, title: str, players: PlayerMaker) -> ClipView:
    return ClipView(
        title=title,
        player=players.player(clip),
        labels=short(", ".join(clip.get("labels") or []), 300),
        caption=short(" / ".join(clip.get("captions") or []), 300),
        parts=_parts(clip.get("parts") or []),
        credit=short("; ".join(filter(None, [clip.get("source"), clip.get("licence")])), 500),
        path=str(clip.get("path") or ""),
    )


def _clip_words(clip: Row) -> str:
    return short(_words(clip), 300)


def _words(one: Mapping[str, Any]) -> str:
    """Return what tells of a clip or part: a caption, or else its labels."""
    return next(iter(one.get("captions") or []), ", ".join(one.get("labels") or []))


def _parts(parts: Sequence[Mapping[str, Any]]) -> str:
    """Return a scene's recordings in order: what, from when to when."""
    told = [
        f"{_words(part)} ({part['onset_s']:.1f}–{part['onset_s'] + part['duration_s']:.1f} s)"
        for part in sorted(parts, key=lambda part: float(part["onset_s"]))
    ]
    return short("; ".join(told), 500)
