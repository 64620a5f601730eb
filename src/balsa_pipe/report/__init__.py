"""One self-contained page about a run: results with controls, losses, ledgers, sounds."""

import base64
import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from importlib import resources
from pathlib import PurePath
from typing import Any

import jinja2
from markupsafe import Markup

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
from balsa_pipe.report.results import SuiteView, headline_chart, suite_views
from balsa_pipe.report.systems import SYSTEMS, listed
from balsa_pipe.schemas import Row

AUDIO_BUDGET_BYTES = 3_000_000
"""Of each of the two galleries, so that the page stays below 8 MB."""

_FORBIDDEN = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
"""Characters that an HTML file, or UTF-8, can't hold."""


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
    css, script = _file("report.css"), _file("report.js")
    page = _environment().get_template("report.html.j2")
    html: str = page.render(
        run=run,
        title=title,
        css=Markup(css),
        script=Markup(script),
        policy=_policy(css, script),
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
    return _FORBIDDEN.sub("\N{REPLACEMENT CHARACTER}", html.lstrip())


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


@cache
def _environment() -> jinja2.Environment:
    return jinja2.Environment(
        loader=jinja2.PackageLoader("balsa_pipe.report", ""),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def _policy(css: str, script: str) -> str:
    """Return a Content-Security-Policy: our style, our script, data: sound, and no network."""
    return (
        "default-src 'none'; media-src data:; img-src data:; base-uri 'none'; form-action 'none'; "
        f"style-src '{_csp_hash(css)}'; script-src '{_csp_hash(script)}'"
    )


def _csp_hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _file(name: str) -> str:
    return resources.files("balsa_pipe.report").joinpath(name).read_text(encoding="utf-8")
