"""An engine for tests: it repeats the evidence in a plausible sentence, always alike."""

import re
from pathlib import Path

from balsa_pipe.engines.base import EngineIdentity, EngineSettings, Reply, Request
from balsa_pipe.hashing import seed, unit

VERSION = "1"

_BLOCK = re.compile(r"\[Begin of audio( \d+)?\](.*?)\[End of audio(?: \d+)?\]", re.DOTALL)
_FACT = re.compile(r"(Sounds|Not heard): ([^.]*)\.")
_BAD_SHARE = 0.05
_ORDINALS = ("first", "second", "third", "fourth")


class FakeEngine:
    """Answers from the prompt's own words; about one reply in twenty is empty, to be rejected."""

    def __init__(
        self,
        model: str,
        settings: EngineSettings,
        *,
        identity: EngineIdentity,
        embeds: bool = False,
        adapter: Path | None = None,
    ) -> None:
        """Take what every engine takes; only the settings and the identity matter here."""
        self._identity = identity
        self._settings = settings
        self._waiting: list[tuple[int, Reply]] = []  # steps left

    @property
    def identity(self) -> EngineIdentity:
        """Who answers."""
        return self._identity

    @property
    def capacity(self) -> int:
        """How many requests in flight keep it full."""
        return 2 * self._settings.max_num_seqs

    def submit(self, request: Request) -> None:
        """Queue a request; some take longer than others."""
        reply = _answer(request, self._settings.max_model_len)
        self._waiting.append((seed("steps", request.prompt, request.rng_seed) % 4, reply))

    def step(self) -> list[Reply]:
        """Work for a moment and return the replies that finished, the latest submitted first."""
        done = [reply for left, reply in self._waiting if left == 0]
        self._waiting = [(left - 1, reply) for left, reply in self._waiting if left > 0]
        return done[::-1]

    def close(self) -> None:
        """Forget what is queued."""
        self._waiting.clear()


def _answer(request: Request, max_model_len: int) -> Reply:
    prompt = request.prompt or ""
    n_prompt_tokens, limit = len(prompt.split()), request.sampling.max_tokens
    if n_prompt_tokens + limit > max_model_len:
        return Reply(request.key, "", "prompt_too_long", n_prompt_tokens, 0)
    words = _write(request, prompt).split()
    reason = "stop" if len(words) <= limit else "length"
    words = words[:limit]
    return Reply(request.key, " ".join(words), reason, n_prompt_tokens, len(words))


def _write(request: Request, prompt: str) -> str:
    if unit("bad", prompt, request.rng_seed) < _BAD_SHARE:
        return ""
    heard = [_facts(block) for block in _last_blocks(prompt)]
    if request.reply_pattern is not None:
        return _matching(request.reply_pattern, ", ".join(sounds for sounds, _ in heard))
    if len(heard) > 1:
        return _listed(heard)
    sounds, absent = heard[0] if heard else ("nothing at all", "")
    return f"I can hear {sounds}, but no {absent}." if absent else f"I can hear {sounds} here."


def _last_blocks(prompt: str) -> list[str]:
    """Return the evidence of each clip of the last turn; example turns come before it."""
    blocks = _BLOCK.findall(prompt)
    number = int(blocks[-1][0] or 1) if blocks else 0
    return [text.strip() for _, text in blocks[len(blocks) - number :]]


def _facts(block: str) -> tuple[str, str]:
    """Return the sounds that a clip has and those that it lacks, as text."""
    facts = dict(_FACT.findall(block))
    lacks = " and no ".join(facts.get("Not heard", "").split(", "))
    return facts.get("Sounds", block).replace(", ", " and "), lacks


def _listed(heard: list[tuple[str, str]]) -> str:
    clips = zip(_ORDINALS, heard, strict=False)
    return ", ".join(f"the {ordinal} clip has {sounds}" for ordinal, (sounds, _) in clips) + "."


def _matching(pattern: str, sounds: str) -> str:
    """Return a reply to a pattern that opens with a verdict and goes on freely, as ours do."""
    verdict = pattern.split(",")[0]
    plain = re.sub(r"[^A-Za-z0-9 ,'-]", " ", sounds)[:60]
    return (
        f"{verdict}, only {plain} is there." if verdict == "No" else f"{verdict}, {plain} is there."
    )
