"""One self-contained page about a run: results with controls, losses, ledgers, sounds."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import PurePath
from typing import Any

from balsa_pipe.report.audio_clips import PlayerMaker
from balsa_pipe.report.gallery import prediction_cards, sample_cards
from balsa_pipe.report.ledgers import (
    MAX_ROWS,
    duration_text,
    loss_view,
    mapping,
    pairs,
    reject_rows,
    task_lines,
    value_text,
)
from balsa_pipe.report.page import render_page
from balsa_pipe.report.results import SuiteView, headline_chart, suite_views
from balsa_pipe.report.systems import SYSTEMS, listed
from balsa_pipe.schemas import Row

AUDIO_BUDGET_BYTES = 3_000_000
"""Of each of the two galleries, so that the page stays below 8 MB."""


def build_report(
    *,
    run: str,
    title: str,
    metrics: Mapping[str, Any] | None = None,
    train_log: Sequence[Mapping[str, Any]] = (),
    ingest_ledger: Mapping[str, Any] | None = None,
    ledger: Mapping[str, Any] | None = None,
    samples: Iterable[Row] = (),
    predictions: Iterable[Row] = (),
    facts: Mapping[str, Any] | None = None,
    gallery: int = 12,
) -> str:
    """Return the page as HTML that needs nothing but itself; what is missing is "not measured".

    gallery: cards of samples, and as many of predictions. Rows are schemas.DATASET_ROW and
    schemas.PREDICTION; their clips' paths are opened from the working directory. Facts are shown
    as they are; llm, encoders and timings (stage -> seconds) have places of their own.
    """
    facts, ledger = facts or {}, ledger or {}
    suites = suite_views(metrics or {})
    losses = loss_view(train_log)
    return render_page(
        "report.html.j2",
        styles=("report.css",),
        scripts=("report.js",),
        run=run,
        title=title,
        lead=lead(facts, ledger, losses.steps),
        suites=suites,
        systems=_shown_systems(suites),
        chart=headline_chart(suites),
        losses=losses,
        ledger=pairs(ledger, leave_out=("rejected", "kept_share")),
        tasks=task_lines(ledger),
        ingest=pairs(ingest_ledger or {}, leave_out=("rows",)),
        max_rows=MAX_ROWS,
        left_out=reject_rows(ingest_ledger or {}),
        samples=sample_cards(samples, gallery, PlayerMaker(AUDIO_BUDGET_BYTES)),
        predictions=prediction_cards(predictions, gallery, PlayerMaker(AUDIO_BUDGET_BYTES)),
        facts=pairs(facts, leave_out=("timings",)),
        timings=[(stage, duration_text(s)) for stage, s in mapping(facts, "timings").items()],
    )


def lead(facts: Mapping[str, Any], ledger: Mapping[str, Any], steps: int) -> str:
    """Return one sentence on what was trained, of what is known."""
    parts = [PurePath(str(facts["llm"])).name if facts.get("llm") else "A language model"]
    if encoders := facts.get("encoders"):
        encoders = encoders if isinstance(encoders, list) else [encoders]
        names = [PurePath(str(encoder)).name for encoder in encoders]
        parts.append(f"listening through {listed(names)}")
    if ledger.get("train"):
        parts.append(f"trained on {value_text(ledger['train'])} rows that the LLM wrote itself")
    if steps:
        parts.append(f"fitted in {value_text(steps)} steps")
    return ", ".join(parts) + "." if len(parts) > 1 else ""


def _shown_systems(suites: Sequence[SuiteView]) -> list[tuple[str, str]]:
    """Return the systems that some suite asked, constant answers left out."""
    asked = {system.name for suite in suites for system in suite.systems}
    return [(name, label) for name, label in SYSTEMS.items() if name in asked]
