"""The gallery page in a real browser: filters, keys, sound, and hostile captions that stay text."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from balsa_pipe.inspection.gallery import gallery_page
from workflow.test_report_page import (
    ARGS,
    CAPTIONS,
    CHROMIUM,
    DECODE,
    HOSTILE,
    LOADED,
    LOW_CONTRAST,
    TASKS,
    Opened,
    playwright,
    write_tone,
)

QUOTED = '"><img src=x onerror=alert(3)>'
REASONS = (None, "empty", HOSTILE)


def make_page(folder: Path) -> Path:
    clips = [
        {
            "clip_id": f"c{i}",
            "corpus": "tones",
            "source_id": QUOTED,
            "path": write_tone(folder / f"a tone {i}.wav", 300 + 200 * i) if i else None,
            "start_s": 0.0,
            "labels": ["dog", caption],
            "captions": [caption, QUOTED],
            "licence": "CC0-1.0",
            "source": QUOTED,
            "parts": [],
        }
        for i, caption in enumerate(CAPTIONS)
    ]
    rows = [
        {
            "prompt_id": f"p{i}",
            "task": task,
            "clips": [clips[i], clips[1]] if task == "difference" else [clips[i]],
            "evidence": CAPTIONS[i],
            "question": f"Question {i}? {QUOTED}",
            "response": f"Reply {'woof' if i == 1 else 'moo'} {HOSTILE}",
            "expected": {"present": [QUOTED], "absent": [HOSTILE], "verdict": None},
            "messages": [{"role": "user", "content": QUOTED}],
            "template_id": QUOTED,
            "model": "tiny",
            "reject_reason": REASONS[i],
        }
        for i, task in enumerate(TASKS)
    ]
    page = folder / "rows.html"
    page.write_text(gallery_page(rows, f"Rows of {HOSTILE}", [QUOTED] * 3), encoding="utf-8")
    return page


@pytest.fixture(scope="module")
def page_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_page(tmp_path_factory.mktemp("gallery"))


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with playwright.sync_playwright() as driver:
        chromium = driver.chromium.launch(executable_path=CHROMIUM, args=ARGS)
        yield chromium
        chromium.close()


@pytest.fixture
def opened(browser: Any, page_path: Path) -> Iterator[Opened]:
    opened = Opened(browser, page_path)
    yield opened
    assert opened.troubles == []
    asked = [url for url in opened.requests if not url.startswith("data:")]
    assert asked == [page_path.as_uri()]
    opened.page.context.close()


def shown(opened: Opened) -> list[str]:
    """Return the ids of the rows that can be seen."""
    cards = opened.page.locator("article.card").all()
    return [card.locator(".row-id").inner_text() for card in cards if card.is_visible()]


def test_rows_are_filtered_by_task_verdict_and_text(opened: Opened) -> None:
    page = opened.page
    assert shown(opened) == ["p0", "p1", "p2"]
    page.select_option("#task", "difference")
    assert shown(opened) == ["p2"]
    page.select_option("#verdict", "kept")
    assert shown(opened) == []
    assert page.locator("#none").is_visible()
    page.click("#all")
    page.select_option("#verdict", HOSTILE)
    assert shown(opened) == ["p2"]
    page.click("#all")
    page.fill("#text", "WOOF question")
    assert shown(opened) == ["p1"]
    assert page.locator("#count").inner_text() == "1 of 3 rows"
    page.fill("#text", "<script>alert(1)")
    assert shown(opened) == ["p0", "p1", "p2"]


def test_the_keyboard_is_enough(opened: Opened) -> None:
    page = opened.page
    page.keyboard.press("Tab")
    assert page.evaluate("() => document.activeElement.textContent") == "Skip to the rows"
    page.keyboard.press("/")
    page.keyboard.type("woof/jk")
    assert page.locator("#text").input_value() == "woof/jk"
    assert shown(opened) == []
    page.keyboard.press("Escape")
    assert shown(opened) == ["p0", "p1", "p2"]
    page.evaluate("() => document.activeElement.blur()")
    focused = "() => document.activeElement.querySelector('.row-id').textContent"
    for key, row in (("j", "p0"), ("j", "p1"), ("j", "p2"), ("j", "p2"), ("k", "p1")):
        page.keyboard.press(key)
        assert page.evaluate(focused) == row


def test_players_have_sound_and_others_say_why_not(opened: Opened) -> None:
    players = opened.page.locator("audio").element_handles()
    assert len(players) == 3  # p0 has no file; p1; p2 and p1's
    for player in players:
        loaded = player.evaluate(LOADED)
        assert loaded["failed"] is None
        assert loaded["seconds"] == pytest.approx(1.5, abs=0.2)
        assert player.evaluate(DECODE)["peak"] > 0.2
    assert "no audio here" in opened.page.locator("article.card").first.inner_text()
    assert "3 of 4 clips have sound here" in opened.page.locator(".about").inner_text()


def test_a_row_that_is_hidden_falls_silent(opened: Opened) -> None:
    player = opened.page.locator("audio").first.element_handle()
    player.evaluate("(audio) => { audio.loop = true; return audio.play(); }")
    opened.page.select_option("#task", "difference")
    opened.page.wait_for_function("(audio) => audio.paused", arg=player, timeout=15000)


def test_hostile_text_is_shown_as_text(opened: Opened) -> None:
    page = opened.page
    page.evaluate("() => document.querySelectorAll('details').forEach((d) => d.open = true)")
    assert page.locator("h1").inner_text() == f"Rows of {HOSTILE}"
    assert page.locator("script").count() == 1
    assert page.locator("img").count() == 0
    texts = page.locator("article.card").first.inner_text()
    assert HOSTILE in texts
    assert QUOTED in texts
    assert page.locator("#verdict option").all_inner_texts()[1:] != []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_can_be_read_in_light_and_dark(browser: Any, page_path: Path, scheme: str) -> None:
    opened = Opened(browser, page_path, color_scheme=scheme)
    opened.page.evaluate("() => document.querySelectorAll('details').forEach((d) => d.open = true)")
    assert opened.page.evaluate(LOW_CONTRAST) == []
    opened.page.click("#theme")
    assert opened.page.evaluate(LOW_CONTRAST) == []
    opened.page.context.close()


def test_every_control_has_a_name(opened: Opened) -> None:
    names = opened.page.evaluate(
        """() => [...document.querySelectorAll("select, input, button, audio")].map((e) =>
          (e.labels?.[0]?.textContent || e.getAttribute("aria-label") || e.textContent).trim())"""
    )
    assert len(names) >= 5
    assert all(names)


def test_it_fits_a_narrow_screen(browser: Any, page_path: Path) -> None:
    opened = Opened(browser, page_path, viewport={"width": 360, "height": 700})
    widths = opened.page.evaluate("() => [document.documentElement.scrollWidth, innerWidth]")
    assert widths[0] <= widths[1]
    opened.page.context.close()


def test_it_can_be_read_without_scripts(browser: Any, page_path: Path) -> None:
    opened = Opened(browser, page_path, java_script_enabled=False)
    assert opened.page.locator("article.card").count() == 3
    assert opened.page.locator("audio").first.is_visible()
    assert not opened.page.locator("#search").is_visible()
    opened.page.context.close()
