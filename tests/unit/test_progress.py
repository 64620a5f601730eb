"""Progress: a line every few seconds and one at the end, never on the first tick alone."""

import pytest

from balsa_pipe.progress import Progress


def test_it_tells_rate_and_time_left(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 100.0
    monkeypatch.setattr("balsa_pipe.progress.time.monotonic", lambda: now)
    said: list[str] = []
    progress = Progress("features", 200, "clips", said.append)
    now += 20.0  # the first one is slow
    for _ in range(200):
        progress.tick(lambda elapsed_s: f"after {elapsed_s:.0f} s")
        now += 0.0625
    assert said == [
        "features: 81/200 clips (40%), 3.2 clips/s, after 25 s, 37 s left",
        "features: 161/200 clips (80%), 5.4 clips/s, after 30 s, 7 s left",
        "features: 200/200 clips (100%), 6.2 clips/s, after 32 s, 0 s left",
    ]


def test_a_long_one_is_told_in_minutes_and_a_single_one_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = 0.0
    monkeypatch.setattr("balsa_pipe.progress.time.monotonic", lambda: now)
    said: list[str] = []
    slow, single = (Progress("slow", n, "rows", said.append) for n in (10, 1))
    for _ in range(2):
        now += 30
        slow.tick()
    single.tick()
    assert said == [
        "slow: 2/10 rows (20%), 0.0 rows/s, 4 min 00 s left",
        "slow: 1/1 rows (100%), 0.0 rows/s, 0 s left",
    ]
