"""From messages to the text an LLM reads: its own chat template around text that stays text."""

import datetime
import re
import unicodedata
from collections.abc import Iterable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from balsa_pipe.errors import ModelError, one_line

Tokenizer = Any
"""A transformers tokenizer; the library ships no types."""

_TODAY = datetime.date(2024, 7, 26)  # Llama's own default; a real date would change every prompt
_PROBE = "balsa-system-probe"


def load_tokenizer(model: str, *, at_hand: bool = False) -> Tokenizer:
    """Return the tokenizer of a model folder or hub id; ModelError when it can't be had.

    at_hand: only one that is on this machine; the hub is not asked.
    """
    from transformers import AutoTokenizer

    if looks_like_folder(model) and not Path(model).is_dir():
        raise ModelError(
            f"llm: {model}: no such model folder; run `balsa fetch demo`, which brings the demo's "
            "models, or correct `llm:` in the config (a folder or a hub id)"
        )
    try:
        return AutoTokenizer.from_pretrained(
            model, trust_remote_code=False, local_files_only=at_hand
        )
    except (OSError, ValueError) as exc:
        reason = one_line(exc)
        raise ModelError(
            f"llm: {model}: no tokenizer could be loaded ({reason}); check `llm:` in the config "
            "and, for a hub id, the network"
        ) from exc


def looks_like_folder(model: str) -> bool:
    """Tell whether a model is named by a path; a hub id has one slash and starts plainly."""
    return Path(model).is_dir() or model.count("/") != 1 or model[0] in "./~"


def neutralise(text: str, tokenizer: Tokenizer) -> str:
    """Return text that holds none of the tokenizer's added tokens: each is broken by a space."""
    marks = _marks(tokenizer, len(tokenizer))
    if marks is None:
        return text
    clean = _broken(text, marks)
    normalizer = getattr(getattr(tokenizer, "backend_tokenizer", None), "normalizer", None)
    if normalizer is not None and marks.search(normalizer.normalize_str(clean)):
        # The tokenizer folds look-alikes, such as full-width brackets, into its own tokens.
        clean = _broken(unicodedata.normalize("NFKC", clean), marks)
    return clean


def render_chat(tokenizer: Tokenizer, messages: Iterable[Mapping[str, str]]) -> str:
    """Return the chat as the LLM reads it, contents neutralised, up to where its reply begins."""
    if not tokenizer.chat_template:
        raise ModelError(
            f"llm: {tokenizer.name_or_path}: its tokenizer has no chat template; "
            "expected an instruction-tuned model, set `llm:` to one"
        )
    turns = [
        {"role": turn["role"], "content": neutralise(turn["content"], tokenizer)}
        for turn in messages
    ]
    if not _takes_system(tokenizer, tokenizer.chat_template):
        turns = _fold_system(turns)
    return _render(tokenizer, turns)


def encode_chat(tokenizer: Tokenizer, prompt: str) -> list[int]:
    """Return a rendered chat's token ids; its special tokens are in the text already."""
    ids: list[int] = tokenizer.encode(prompt, add_special_tokens=False)
    return ids


@lru_cache(maxsize=16)
def _marks(tokenizer: Tokenizer, _size: int) -> re.Pattern[str] | None:
    """Return a pattern of all added tokens; the size is there to notice tokens added later."""
    added = {token.content for token in tokenizer.added_tokens_decoder.values()}
    names = {name for name in added | set(tokenizer.all_special_tokens) if not name.isspace()}
    longest_first = sorted(names, key=lambda name: (-len(name), name))
    return re.compile("|".join(map(re.escape, longest_first))) if names else None


def _broken(text: str, marks: re.Pattern[str]) -> str:
    """Return the text with every mark broken, again and again until no break made a new one."""
    while marks.search(text):
        text = marks.sub(_break, text)
    return text


def _break(match: re.Match[str]) -> str:
    mark = match.group()
    return f"{mark[0]} {mark[1:]}" if len(mark) > 1 else ""


@lru_cache(maxsize=16)
def _takes_system(tokenizer: Tokenizer, _template: str) -> bool:
    """Some templates refuse a system turn, some drop it without a word: try one."""
    from jinja2 import TemplateError

    probe = [{"role": "system", "content": _PROBE}, {"role": "user", "content": "Hello"}]
    try:
        return _PROBE in _render(tokenizer, probe)
    except TemplateError:
        return False


def _fold_system(turns: list[dict[str, str]]) -> list[dict[str, str]]:
    """Return the chat with its system text at the head of the first user turn."""
    system = [turn["content"] for turn in turns if turn["role"] == "system"]
    rest = [turn for turn in turns if turn["role"] != "system"]
    if system and rest:
        rest[0] = {**rest[0], "content": "\n\n".join([*system, rest[0]["content"]])}
    return rest


def _render(tokenizer: Tokenizer, turns: list[dict[str, str]]) -> str:
    text: str = tokenizer.apply_chat_template(
        turns,
        tokenize=False,
        add_generation_prompt=True,
        date_string=_TODAY.strftime("%d %b %Y"),
        strftime_now=_TODAY.strftime,
    )
    return text
