"""How far a long loop is, how fast it goes, and when it will end."""

import time
from collections.abc import Callable

_EVERY_S = 5.0


class Progress:
    """Says so every few seconds, and once more at the end."""

    def __init__(self, what: str, total: int, unit: str, log: Callable[[str], None]) -> None:
        """Start the clock; make one when the work itself begins, not what has to load before."""
        self._what, self._total, self._unit, self._log = what, total, unit, log
        self._done = 0
        self._start = self._told = time.monotonic()

    def tick(self, more: Callable[[float], str] = lambda _elapsed_s: "") -> None:
        """Count one more as done; `more` adds to the line, given the seconds since the start."""
        self._done += 1
        now = time.monotonic()
        if self._done == 1:
            self._told = now  # one alone says too little about the rest
        if now - self._told >= _EVERY_S or self._done == self._total:
            self._told = now
            self._log(self._line(max(now - self._start, 1e-9), more))

    def _line(self, elapsed_s: float, more: Callable[[float], str]) -> str:
        rate = self._done / elapsed_s
        share = f"{self._done}/{self._total} {self._unit} ({self._done / self._total:.0%})"
        left = _duration((self._total - self._done) / rate)
        details = [share, f"{rate:.1f} {self._unit}/s", more(elapsed_s), f"{left} left"]
        return f"{self._what}: " + ", ".join(detail for detail in details if detail)


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest:02d} s" if minutes else f"{rest} s"
