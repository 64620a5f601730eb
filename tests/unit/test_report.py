import base64
import hashlib
import io
import itertools
import json
import math
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

from balsa_pipe.hashing import ranked
from balsa_pipe.report import build_report, lead
from balsa_pipe.report.audio_clips import PlayerMaker, make_player, peaks
from balsa_pipe.report.gallery import gold_text, prediction_cards, sample_cards, short
from balsa_pipe.report.ledgers import (
    duration_text,
    loss_view,
    pairs,
    reject_rows,
    task_lines,
    value_text,
)
from balsa_pipe.report.plots import Series, bar_chart, line_chart, nice_ticks, percent
from balsa_pipe.report.results import headline_chart, suite_views
from balsa_pipe.schemas import Row

HOSTILE = (
    "\"'><script>alert(1)</script><img src=https://x.invalid/a onerror=alert(1)>{{ 7*7 }}\x00\x1b"
)


class Page(HTMLParser):
    """A page's elements, with a check that they are nested as they should be."""

    VOID = frozenset({"meta", "link", "img", "br", "input"})

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []
        self._open: list[str] = []
        self.feed(html)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self._open and self._open[-1] not in ("script", "style"):
            self.text.append(data)

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attrs for name, attrs in self.tags if name == tag]

    @property
    def words(self) -> str:
        return " ".join("".join(self.text).split())


def write_tone(path: Path, seconds: float = 0.3, amplitude: float = 0.5) -> Path:
    wave = amplitude * np.sin(2 * math.pi * 440 * np.arange(int(16000 * seconds)) / 16000)
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, wave.astype("float32"), 16000)
    return path


def make_clip(path: Path | str | None, **changes: Any) -> Row:
    return {
        "clip_id": "c1",
        "path": None if path is None else str(path),
        "split_given": False,
        "start_s": 0.0,
        "labels": ["dog"],
        "captions": ["A dog."],
        "licence": "CC0-1.0",
        "source": "somebody",
        "parts": [],
        **changes,
    }


def make_sample(prompt_id: str, task: str = "caption", **changes: Any) -> Row:
    return {
        "prompt_id": prompt_id,
        "task": task,
        "template_id": "caption/describe",
        "clips": [],
        "evidence": "A dog.",
        "question": "What is heard?",
        "strategy": None,
        "expected": {"present": [], "absent": [], "verdict": None},
        "verdict_forced": False,
        "response": "A dog barks.",
        "n_attempts": 1,
        **changes,
    }


def make_prediction(item_id: str, system: str = "trained", **changes: Any) -> Row:
    return {
        "item_id": item_id,
        "suite": "presence",
        "strategy": "random",
        "clips": [],
        "swapped_clips": [],
        "question": "Is there a dog?",
        "sound": "dog",
        "gold": ["yes"],
        "system": system,
        "response": "Yes.",
        "answer": "yes",
        "score": 1.0,
        **changes,
    }


def numbers(value: float, low: float | None, high: float | None, **more: Any) -> dict[str, Any]:
    ci95 = None if low is None else [low, high]
    return {"n": 100, "accuracy": value, "ci95": ci95, "unparsed": 0, "yes_rate": 0.5, **more}


def presence(**systems: dict[str, Any]) -> dict[str, Any]:
    return {"suites": {"presence": systems}}


# ---- the page --------------------------------------------------------------------------------


def test_a_page_about_nothing_says_so() -> None:
    page = Page(build_report(run="empty", title="Nothing yet"))
    for text in (
        "Evaluation: not measured.",
        "Losses: not measured.",
        "Ledger: not measured.",
        "Ingest ledger: not measured.",
        "No samples.",
        "No predictions.",
        "Not recorded.",
    ):
        assert text in page.words


def full_page(folder: Path, text: str = "a text", clips: int = 1) -> str:
    tone = write_tone(folder / "tone.wav")
    part = {"labels": [text], "captions": [text], "onset_s": 0.5, "duration_s": 1.0}
    clip = make_clip(tone, labels=[text], captions=[text], licence=text, source=text, parts=[part])
    gone = make_clip(text, captions=[text])
    sample = make_sample(
        text, text, template_id=text, evidence=text, question=text, response=text, strategy=text
    )
    sample |= {"clips": [clip] * clips + [gone], "expected": {"verdict": text}}
    prediction = make_prediction(text, suite=text, question=text, sound=text, response=text)
    prediction |= {"gold": [text], "answer": text, "clips": [clip], "swapped_clips": [clip]}
    other = prediction | {"system": "no_audio"}
    systems = {
        "trained": numbers(0.7, 0.6, 0.8, sounds={text: {"n": 3, "accuracy": 0.5}}),
        text: numbers(0.5, 0.4, 0.6),
    }
    return build_report(
        run=text,
        title=text,
        metrics={"suites": {text: systems}},
        train_log=[
            {"step": 1, "phase": text, "loss": 2.0},
            {"step": 2, "phase": text, "loss": 1.0},
        ],
        ingest_ledger={text: text, "rows": [{"where": text, "reason": text, "detail": text}]},
        ledger={"in": 3, text: {text: 1}, "rejected": {text: {text: 2}}, "kept_share": {text: 0.5}},
        samples=[sample],
        predictions=[prediction, other],
        facts={"llm": text, "encoders": [text], text: text, "timings": {text: 3}},
    )


def test_hostile_text_stays_text_wherever_it_stands(tmp_path: Path) -> None:
    html = full_page(tmp_path, HOSTILE)
    page = Page(html)
    assert len(page.all("script")) == 1
    assert page.all("img") == []
    assert not [name for _, attrs in page.tags for name in attrs if name.startswith("on")]
    assert "\x00" not in html
    assert "\x1b" not in html
    assert page.words.count("<script>alert(1)</script>") > 30
    assert page.words.count("{{ 7*7 }}") > 30
    assert "49" not in re.sub(r"[0-9a-f]{16}", "", page.words)


def test_nothing_outside_the_page_is_named(tmp_path: Path) -> None:
    page = Page(full_page(tmp_path, "https://x.invalid/a.js"))
    linked = [
        attrs[name] or "" for _, attrs in page.tags for name in ("src", "href") if name in attrs
    ]
    assert linked
    assert all(link.startswith(("data:", "#")) for link in linked)
    assert not {"iframe", "object", "embed", "form", "base"} & {tag for tag, _ in page.tags}
    assert not [attrs for _, attrs in page.tags if "style" in attrs]


def test_the_policy_allows_our_own_style_and_script_only(tmp_path: Path) -> None:
    html = full_page(tmp_path)
    (policy,) = [
        attrs["content"] or ""
        for attrs in Page(html).all("meta")
        if attrs.get("http-equiv") == "Content-Security-Policy"
    ]
    assert policy.startswith("default-src 'none'; media-src data:;")
    for tag in ("style", "script"):
        (text,) = re.findall(rf"<{tag}>(.*?)</{tag}>", html, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{digest}'" in policy


def test_the_page_can_be_used_without_eyes_or_mouse(tmp_path: Path) -> None:
    page = Page(full_page(tmp_path))
    assert page.all("html") == [{"lang": "en"}]
    assert len(page.all("h1")) == 1
    assert all(attrs.get("scope") for attrs in page.all("th"))
    assert len(page.all("caption")) == len(page.all("table"))
    assert all(attrs.get("role") == "img" for attrs in page.all("svg"))
    assert len(page.all("title")) >= len(page.all("svg"))
    assert all(attrs.get("aria-label") and "controls" in attrs for attrs in page.all("audio"))
    ids = [attrs["id"] for _, attrs in page.tags if attrs.get("id")]
    assert len(ids) == len(set(ids))
    for attrs in page.all("a"):
        assert (attrs["href"] or "").removeprefix("#") in ids


def test_the_same_rows_give_the_same_bytes(tmp_path: Path) -> None:
    assert full_page(tmp_path) == full_page(tmp_path)


def test_samples_may_come_as_a_stream(tmp_path: Path) -> None:
    html = build_report(run="r", title="t", samples=(make_sample(f"p{i}") for i in range(3)))
    assert html.count('data-kind="caption"') == 3


def test_importing_the_report_imports_nothing_heavy() -> None:
    code = (
        "import sys, balsa_pipe.report; "
        "print([m for m in ('torch', 'pyarrow.parquet') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


@pytest.mark.parametrize(
    ("facts", "ledger", "steps", "sentence"),
    [
        ({}, {}, 0, ""),
        ({"llm": "SmolLM2"}, {}, 0, ""),
        (
            {"llm": "models/SmolLM2", "encoders": ["data/models/tiny.en", "aisfx"]},
            {"train": 1234},
            240,
            "SmolLM2, listening through tiny.en and aisfx, trained on 1\u202f234 rows that the LLM "
            "wrote itself, fitted in 240 steps.",
        ),
        ({}, {}, 10, "A language model, fitted in 10 steps."),
        ({"encoders": "tiny.en"}, {}, 0, "A language model, listening through tiny.en."),
    ],
)
def test_the_lead(facts: dict[str, Any], ledger: dict[str, Any], steps: int, sentence: str) -> None:
    assert lead(facts, ledger, steps) == sentence


# ---- what the numbers say --------------------------------------------------------------------


def test_above_every_control() -> None:
    (suite,) = suite_views(
        presence(
            trained=numbers(
                0.71,
                0.66,
                0.76,
                minus={"no_audio": {"n": 9, "difference": 0.21, "ci95": [0.15, 0.27]}},
            ),
            untrained=numbers(0.5, 0.46, 0.54),
            no_audio=numbers(0.5, 0.5, 0.5),
            swapped_audio=numbers(0.33, 0.29, 0.38),
            always_yes=numbers(0.5, 0.4, 0.9),
        )
    )
    assert (suite.verdict, suite.mark) == ("better", "above its controls")
    assert suite.sentences == [
        "The trained model scores 71.0\xa0% (95 % interval 66.0–76.0).",
        "That is above untrained adapter, no audio and swapped audio, "
        "and the 95 % intervals do not overlap.",
        "Question by question, in points against: no audio +21.0 (+15.0 to +27.0).",
    ]


@pytest.mark.parametrize(
    ("control", "verdict", "sentence"),
    [
        (
            numbers(0.5, 0.4, 0.61),
            "unclear",
            "Its 95 % interval overlaps that of no audio: by that measure this run does not show "
            "that the model does better.",
        ),
        (
            numbers(0.6, 0.5, 0.6),
            "unclear",
            "Its 95 % interval overlaps that of no audio: by that measure this run does not show "
            "that the model does better.",
        ),
        (
            numbers(0.9, 0.8, 1.0),
            "worse",
            "It is below no audio, and the 95 % intervals do not overlap.",
        ),
        (
            numbers(0.5, None, None),
            "unclear",
            "Against no audio nothing can be said: an interval is missing.",
        ),
        (
            {"n": 0, "accuracy": None, "ci95": None},
            "unknown",
            "No control was measured, so this number alone proves nothing.",
        ),
    ],
)
def test_against_one_control(control: dict[str, Any], verdict: str, sentence: str) -> None:
    (suite,) = suite_views(presence(trained=numbers(0.65, 0.6, 0.7), no_audio=control))
    assert suite.verdict == verdict
    assert suite.sentences[-1] == sentence


def test_one_unmeasured_control_is_enough_for_doubt() -> None:
    (suite,) = suite_views(
        presence(
            trained=numbers(0.65, 0.6, 0.7),
            untrained=numbers(0.5, 0.45, 0.55),
            no_audio={"n": 0, "accuracy": None},
        )
    )
    assert suite.verdict == "unclear"
    assert suite.sentences[-1] == "Not measured: no audio."


@pytest.mark.parametrize(
    ("trained", "base", "verdict", "last"),
    [
        (0.40, 0.42, "better", "That is within 5 points: its text skills were kept."),
        (0.45, 0.42, "better", "That is within 5 points: its text skills were kept."),
        (0.30, 0.42, "worse", "That is a loss of more than 5 points."),
    ],
)
def test_text_retention(trained: float, base: float, verdict: str, last: str) -> None:
    systems = {
        "base": {"n": 120, "rate": base, "ci95": [0.3, 0.5]},
        "trained": {"n": 120, "rate": trained, "ci95": [0.3, 0.5]},
    }
    (suite,) = suite_views({"suites": {"text_retention": systems}})
    assert (suite.verdict, suite.sentences[-1]) == (verdict, last)
    assert suite.metric == "rate"


def test_text_retention_admits_what_its_interval_leaves_open() -> None:
    trained = {"n": 120, "rate": 0.4, "ci95": [0.3, 0.5]}
    trained["minus"] = {"base": {"difference": -0.02, "ci95": [-0.11, 0.07]}}
    systems = {"base": {"n": 120, "rate": 0.42, "ci95": [0.3, 0.5]}, "trained": trained}
    (suite,) = suite_views({"suites": {"text_retention": systems}})
    assert suite.sentences[-1] == (
        "Prompt by prompt, the 95 % interval of the change is −11.0 to +7.0 points: "
        "a larger loss is not ruled out."
    )


def test_a_suite_that_was_not_measured() -> None:
    (suite,) = suite_views(presence())
    assert suite.sentences == ["The trained model was not measured on this suite."]
    (text,) = suite_views({"suites": {"text_retention": {"trained": numbers(0.4, 0.3, 0.5)}}})
    assert text.verdict == "unknown"


def test_a_suites_table_has_the_columns_that_it_measured() -> None:
    class_scores = {"precision": 0.6, "recall": 0.8, "f1": 0.7}
    audio, text = suite_views(
        {
            "suites": {
                "text_retention": {"trained": {"n": 9, "rate": 0.5}},
                "presence": {
                    "no_audio": numbers(0.5, 0.5, 0.5, no=class_scores, yes=class_scores),
                    "trained": numbers(0.7, 0.6, 0.8) | {"unparsed": None},
                },
            }
        }
    )
    assert list(audio.header) == [
        "system",
        "accuracy",
        "95 % interval",
        "questions",
        "unparsed",
        "yes-rate",
        "F1 of yes",
        "F1 of no",
        "recall of no",
    ]
    assert [line[0] for line in audio.lines] == ["trained", "no audio"]
    assert audio.lines[0][4:7] == ["not measured", "50.0\xa0%", "not measured"]
    assert list(text.header) == ["system", "rate", "95 % interval", "questions", "unparsed"]
    assert text.lines == [["trained", "50.0\xa0%", "not measured", "9", "not measured"]]


def test_breakdowns_line_up_the_systems() -> None:
    sounds = {"dog": {"n": 10, "accuracy": 0.9}, "cow": {"n": 4, "accuracy": 1.0}}
    (suite,) = suite_views(
        presence(
            trained=numbers(0.7, 0.6, 0.8, sounds=sounds, strategies={}),
            no_audio=numbers(0.5, 0.5, 0.5, sounds={"dog": {"n": 10, "accuracy": 0.5}}),
            always_yes=numbers(0.5, 0.5, 0.5, sounds=sounds),
        )
    )
    (part,) = suite.breakdowns
    assert part.title == "by sound"
    assert part.systems == ["trained", "no audio"]
    assert [line[:3] for line in part.lines] == [
        ("cow", 4, ["100.0\xa0%", "not measured"]),
        ("dog", 10, ["90.0\xa0%", "50.0\xa0%"]),
    ]


@pytest.mark.parametrize(
    "metrics",
    [
        {"suites": None},
        {"suites": {"presence": None}},
        {"suites": {"presence": {"trained": None}}},
        {"suites": {"presence": {"trained": {}}}},
        {"suites": {"presence": {"trained": {"accuracy": math.nan, "minus": 3, "sounds": {}}}}},
        {"suites": {"presence": {"trained": numbers(0.5, None, None, sounds={"dog": None})}}},
        {"suites": {"text_retention": {"base": {"rate": None}, "trained": {"rate": 0.5}}}},
    ],
)
def test_metrics_with_holes_make_a_page(metrics: dict[str, Any]) -> None:
    Page(build_report(run="r", title="t", metrics=metrics))


json_values = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=8,
)


@settings(max_examples=25)
@given(st.dictionaries(st.text(max_size=5), json_values), st.lists(json_values, max_size=3))
def test_ledgers_and_facts_of_any_shape_make_a_page(found: dict[str, Any], log: list[Any]) -> None:
    entries = [entry for entry in log if isinstance(entry, dict)]
    Page(
        build_report(
            run="r",
            title="t",
            facts=found,
            ledger={"rejected": found, "kept_share": found, "more": found},
            ingest_ledger={"rows": log, **found},
            train_log=[*entries, {"step": 1, "phase": None, "loss": 2.0, "eval_loss": math.nan}],
        )
    )


# ---- charts ----------------------------------------------------------------------------------


@given(st.floats(min_value=1e-6, max_value=1e9))
def test_ticks_are_few_round_and_reach_the_top(high: float) -> None:
    ticks = nice_ticks(high)
    assert ticks[0] == 0
    assert ticks[-1] >= high * (1 - 1e-6)
    assert 2 <= len(ticks) <= 8


def test_ticks_of_nothing() -> None:
    assert nice_ticks(0) == nice_ticks(math.inf) == [0.0, 1.0]
    assert nice_ticks(5) == [0, 1, 2, 3, 4, 5]


def test_bars_are_as_long_as_their_shares() -> None:
    chart = headline_chart(
        suite_views(
            presence(
                trained=numbers(0.5, 0.4, 0.6), no_audio={"n": 0}, always_no=numbers(0.5, 0, 1)
            )
        )
    )
    widths = re.findall(r'<rect class="bar bar-(\w+)" x="160" y="[\d.]+" width="([\d.]+)"', chart)
    assert widths == [("trained", "210.0")]
    assert "50.0\xa0% (40.0–60.0)" in chart
    assert "not measured" in chart
    assert chart.count('class="whisker"') == 3
    assert chart.count('class="chance"') == 1
    assert "<desc>presence: trained 50.0\xa0%, no audio not measured</desc>" in chart


def test_charts_escape_what_they_show() -> None:
    (suite,) = suite_views({"suites": {"<b>": {"trained": numbers(0.5, 0.4, 0.6)}}})
    assert "<b>" not in headline_chart([suite])
    assert Page(str(bar_chart([], "<i>"))).all("i") == []
    assert line_chart([], "nothing") == ""


def test_names_of_short_phases_neither_overlap_nor_leave_the_chart() -> None:
    phases = [(0, "warmup"), (600, "reading"), (760, "single audio"), (820, "multi audio")]
    series = [Series("loss", "train", [(0, 1.0), (840, 0.5)])]
    chart = str(line_chart(series, "losses", boundaries=phases))
    placed = [
        (float(x), float(y), float(x) + 6 * len(name))
        for x, y, name in re.findall(
            r'<text x="([\d.]+)" y="([-\d.]+)"[^>]*>(warmup|reading|single audio|multi audio)<',
            chart,
        )
    ]
    assert len(placed) == 4
    assert all(end <= 760 and y > 8 for _, y, end in placed)
    for (_, y, end), (next_start, next_y, _) in itertools.pairwise(placed):
        assert end <= next_start or y < next_y


def test_loss_curves_follow_on_from_phase_to_phase() -> None:
    log = [
        {"phase": "warmup", "step": 10, "loss": 3.0, "learning_rate": 1e-3},
        {"phase": "warmup", "step": 20, "loss": 2.5},
        {"phase": "single_audio", "step": 10, "loss": 2.0},
        {"phase": "single_audio", "step": 10, "eval_loss": 2.25},
        {"phase": "single_audio", "step": 30, "loss": 1.5},
    ]
    view = loss_view(log)
    assert view.steps == 50
    assert view.lines == [
        ["warmup", "3.000", "2.500", "not measured", "not measured"],
        ["single audio", "2.000", "1.500", "2.250", "2.250"],
    ]
    assert view.chart.count('class="phase"') == 2
    assert "single audio, validation, step 30: 2.250" in view.chart
    xs = [float(x) for x in re.findall(r'<circle class="dot-train" cx="([\d.]+)"', view.chart)]
    assert xs == sorted(xs)


def test_losses_that_are_not_numbers_are_left_out() -> None:
    log = [{"phase": "a", "step": 1, "loss": math.nan}, {"phase": "a", "step": 2, "loss": None}]
    assert loss_view(log).chart == ""
    assert loss_view([]).steps == 0


# ---- ledgers ---------------------------------------------------------------------------------


def test_task_lines_name_shares_and_reasons() -> None:
    ledger = {
        "rejected": {"presence_qa": {"no_verdict": 2, "too_short": 7}},
        "kept_share": {"caption": 1.0, "presence_qa": 0.55},
    }
    lines = task_lines(ledger)
    assert [(line.task, line.kept, line.reasons) for line in lines] == [
        ("caption", "100.0\xa0%", []),
        ("presence qa", "55.0\xa0%", [("too short", 7), ("no verdict", 2)]),
    ]
    assert 'width="55.0"' in lines[1].bar
    assert task_lines({}) == []


def test_nested_facts_become_lines() -> None:
    found = {"llm": "m", "versions": {"torch": "2.13"}, "kept": None, "n": 12345, "ok": True}
    assert pairs(found, leave_out=["llm"]) == [
        ("versions: torch", "2.13"),
        ("kept", "not measured"),
        ("n", "12\u202f345"),
        ("ok", "yes"),
    ]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.123456, "0.1235"),
        (["a", 1], "a, 1"),
        (list("abcdefghijklmno"), "a, b, c, d, e, f, g, h, i, j, k, l and 3 more"),
        ("x" * 502, "x" * 500 + " … (2 characters more)"),
        (False, "no"),
    ],
)
def test_value_text(value: Any, text: str) -> None:
    assert value_text(value) == text


def test_rows_that_ingest_left_out() -> None:
    rows = [{"where": "demo/a", "reason": "too_short", "detail": "0.01 s"}, "odd"]
    assert reject_rows({"rows": rows}) == [("demo/a", "too short", "0.01 s")]
    assert reject_rows({"rows": None}) == []
    assert len(reject_rows({"rows": rows * 100})) < 40


@pytest.mark.parametrize(
    ("seconds", "text"), [(3.21, "3.2 s"), (125, "2 min 05 s"), (None, "not measured")]
)
def test_duration_text(seconds: float | None, text: str) -> None:
    assert duration_text(seconds) == text


def test_percent() -> None:
    assert (percent(0.5), percent(None)) == ("50.0\xa0%", "not measured")


# ---- galleries -------------------------------------------------------------------------------


def test_every_task_has_its_turn() -> None:
    rows = [make_sample(f"p{i}", task="caption") for i in range(50)]
    rows += [make_sample("q0", task="absence"), make_sample("q1", task="difference")]
    cards = sample_cards(rows, 6, PlayerMaker(0))
    assert [card.kind for card in cards] == ["absence", "caption", "difference"] + ["caption"] * 3
    again = sample_cards(list(reversed(rows)), 6, PlayerMaker(0))
    assert [card.row_id for card in again] == [card.row_id for card in cards]


def test_a_large_dataset_gives_the_same_cards_as_its_best() -> None:
    rows = [make_sample(f"p{i}") for i in range(500)]
    cards = sample_cards(iter(rows), 3, PlayerMaker(0))
    best = ranked([row["prompt_id"] for row in rows], "report")[:3]
    assert [card.row_id for card in cards] == best


def test_duplicates_are_not_shown() -> None:
    rows = [make_sample("p0", duplicate_of=None), make_sample("p1", duplicate_of="p0")]
    assert [card.row_id for card in sample_cards(rows, 5, PlayerMaker(0))] == ["p0"]


def test_a_forced_verdict_is_said() -> None:
    forced = make_sample("p", expected={"verdict": "no"}, verdict_forced=True)
    free = make_sample("q", expected={"verdict": "yes"}, verdict_forced=False)
    badges = {
        card.row_id: card.badges[1][0] for card in sample_cards([forced, free], 2, PlayerMaker(0))
    }
    assert badges == {"p": "verdict no: forced", "q": "verdict yes: the LLM’s own"}


def test_right_and_wrong_take_turns_and_show_the_other_systems() -> None:
    rows = [make_prediction(f"r{i}") for i in range(9)]
    rows += [make_prediction(f"w{i}", score=0.0, answer="no", response="No.") for i in range(9)]
    rows += [make_prediction("s0", suite="text_retention", score=0.5)]
    rows += [make_prediction(f"r{i}", "no_audio", response="I can't say.") for i in range(9)]
    cards = prediction_cards(rows, 5, PlayerMaker(0))
    assert [card.kind for card in cards] == ["right", "wrong", "partly right", "right", "wrong"]
    assert cards[0].answers == [
        ("Expected", "yes", "gold"),
        ("Trained model", "Yes.", "right"),
        ("No audio", "I can't say.", "other"),
    ]


def test_an_unparsed_and_empty_reply_is_said() -> None:
    row = make_prediction("i", answer=None, response="", score=0.0)
    (card,) = prediction_cards([row], 1, PlayerMaker(0))
    assert card.answers[1] == ("Trained model", "(nothing)", "wrong")
    assert ("read as", "unparsed") in card.details


@pytest.mark.parametrize(
    ("gold", "text"),
    [
        (["dog", "cow"], "dog; cow"),
        (['{"n_items": 3}', '{"excludes": ["red", "blue"]}'], "n items: 3; excludes: red, blue"),
        (["{broken", "{}"], "{broken; "),
        ([], ""),
    ],
)
def test_gold_text(gold: list[str], text: str) -> None:
    assert gold_text(gold) == text


def test_long_texts_are_cut_and_say_so() -> None:
    assert short("x" * 710) == "x" * 700 + " … (10 characters more)"
    assert short(None) == ""


def test_a_card_shows_every_caption_of_a_clip() -> None:
    clip = make_clip(None, captions=["A dog barks.", "Woof!"])
    (card,) = sample_cards([make_sample("p", clips=[clip])], 1, PlayerMaker(0))
    assert card.clips[0].caption == "A dog barks. / Woof!"


def test_a_scene_names_its_parts_in_order() -> None:
    parts = [
        {"labels": ["rain"], "captions": [], "onset_s": 1.2, "duration_s": 4.0},
        {"labels": ["dog"], "captions": ["A dog barks", "Woof"], "onset_s": 0.0, "duration_s": 2.0},
    ]
    (card,) = sample_cards(
        [make_sample("p", clips=[make_clip(None, parts=parts)])], 1, PlayerMaker(0)
    )
    assert card.clips[0].parts == "A dog barks (0.0–2.0 s); rain (1.2–5.2 s)"
    assert card.clips[0].credit == "somebody; CC0-1.0"


# ---- sound -----------------------------------------------------------------------------------


def decode(uri: str) -> Any:
    kind, data = uri.split(";base64,")
    assert kind == "data:audio/mpeg"
    return soundfile.read(io.BytesIO(base64.b64decode(data)))


def test_a_clip_becomes_short_mono_sound(tmp_path: Path) -> None:
    path = tmp_path / "stereo.wav"
    left = 0.5 * np.sin(2 * math.pi * 440 * np.arange(44100) / 44100)
    soundfile.write(path, np.stack([left, left], axis=1), 44100)
    player = make_player(str(path))
    assert player.uri is not None
    sound, rate = decode(player.uri)
    assert (rate, sound.ndim, player.seconds, player.note) == (16000, 1, 1.0, "")
    assert np.abs(sound).max() == pytest.approx(0.5, abs=0.1)
    assert len(player.uri) < 10_000


def test_a_long_clip_is_cut_and_says_so(tmp_path: Path) -> None:
    player = make_player(str(write_tone(tmp_path / "long.wav", seconds=17)))
    assert (player.seconds, player.note) == (15.0, "the first 15 s")
    whole = make_player(str(write_tone(tmp_path / "whole.wav", seconds=15)))
    assert (whole.seconds, whole.note) == (15.0, "")


def test_clips_of_one_file_have_players_of_their_own(tmp_path: Path) -> None:
    path = tmp_path / "long.wav"
    time = np.arange(16000) / 16000
    seconds = [0.5 * np.sin(2 * math.pi * hertz * time) for hertz in (400, 800, 1600)]
    soundfile.write(path, np.concatenate(seconds), 16000)
    players = PlayerMaker(10**6)
    for start_s, duration_s, hertz in ((0.0, 1.0, 400), (1.0, 1.0, 800), (2.0, None, 1600)):
        player = players.player(make_clip(path, start_s=start_s, duration_s=duration_s))
        assert (player.seconds, player.note) == (1.0, "")
        sound, rate = decode(player.uri or "")
        spectrum = np.abs(np.fft.rfft(sound))
        assert np.argmax(spectrum) * rate / len(sound) == pytest.approx(hertz, abs=2)
    assert players.player(make_clip(path, start_s=3.0)).note == (
        f"audio not available ({path}): beyond end"
    )


@pytest.mark.parametrize(
    ("name", "data", "reason"),
    [
        ("gone.wav", None, "missing audio"),
        ("zero.wav", b"", "empty audio"),
        ("text.wav", b"this is no sound at all", "undecodable"),
        ("a\0b.wav", None, "missing audio"),
    ],
)
def test_a_clip_that_cannot_be_played(
    tmp_path: Path, name: str, data: bytes | None, reason: str
) -> None:
    path = tmp_path / name
    if data is not None:
        path.write_bytes(data)
    player = make_player(str(path))
    assert player.uri is None
    assert player.note == f"audio not available ({path}): {reason}"


def test_a_clip_without_a_path() -> None:
    (card,) = sample_cards([make_sample("p", clips=[make_clip(None)])], 1, PlayerMaker(10**6))
    assert card.clips[0].player.note == "no audio here: the metadata names no file"


def test_the_page_stays_small(tmp_path: Path) -> None:
    path = write_tone(tmp_path / "a.wav")
    size = len(make_player(str(path)).uri or "")
    maker = PlayerMaker(2 * size)
    assert [maker.player(make_clip(path)).uri is None for _ in range(3)] == [False, False, True]
    assert maker.player(make_clip(path)).note == f"audio left out to keep the page small ({path})"


def test_silence_and_single_samples_have_peaks() -> None:
    import torch

    assert set(peaks(torch.zeros(1000))) == {0.0}
    assert peaks(torch.tensor([0.5])) == [1.0]
    found = peaks(torch.linspace(0, 0.25, 16000))
    assert len(found) == 80
    assert max(found) == 1.0


def test_metrics_of_evaluate_are_understood() -> None:
    """The keys here are those that evaluate.metrics writes."""
    from balsa_pipe.evaluate.bootstrap import Resampling
    from balsa_pipe.evaluate.metrics import SUMMARIES

    rows = [
        make_prediction(
            f"i{i}", cluster=f"c{i}", gold=[gold], answer="yes", score=float(gold == "yes")
        )
        for i, gold in enumerate(["yes", "no", "yes", "no"])
    ]
    summary = SUMMARIES["presence"](rows, Resampling(50, 0))
    (suite,) = suite_views(json.loads(json.dumps(presence(trained=summary, no_audio=summary))))
    assert suite.lines[0][:2] == ["trained", "50.0\xa0%"]
    assert [part.title for part in suite.breakdowns] == [
        "by how the absent sound was drawn",
        "by kind of clip",
        "by sound",
    ]
    assert suite.verdict == "unclear"


def test_a_mean_has_one_decimal() -> None:
    trained = {"rate": 0.5, "n": 126, "ci95": [0.4, 0.6], "unparsed": 0, "mean_words": 14.2063}
    (suite,) = suite_views({"suites": {"caption_recall": {"trained": trained}}})
    assert suite.header[-1] == "words a reply"
    assert suite.lines == [["trained", percent(0.5), "40.0–60.0", "126", "0", "14.2"]]
