"""Rules that a text reply follows or doesn't: pure, by name, with no leniency that a name hides."""

import json
import re
from collections.abc import Callable, Sequence
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

Words = list[str]


class Rules(BaseModel):
    """What one prompt asks of its reply; a reply is good when it follows every rule that is set."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    equals: Words | None = Field(default=None, min_length=1)
    answer_is: Words | None = Field(default=None, min_length=1)
    contains_any: Words | None = Field(default=None, min_length=1)
    contains_all: Words | None = Field(default=None, min_length=1)
    excludes: Words | None = Field(default=None, min_length=1)
    regex: str | None = None
    starts_with: str | None = Field(default=None, min_length=1)
    ends_with: str | None = Field(default=None, min_length=1)
    min_words: int | None = Field(default=None, gt=0)
    max_words: int | None = Field(default=None, gt=0)
    n_items: int | None = Field(default=None, gt=0)
    n_lines: int | None = Field(default=None, gt=0)
    n_bullets: int | None = Field(default=None, gt=0)
    json_keys: Words | None = Field(default=None, min_length=1)
    all_lower: Literal[True] | None = None
    all_upper: Literal[True] | None = None
    no_commas: Literal[True] | None = None
    quoted: Literal[True] | None = None

    @field_validator("regex")
    @classmethod
    def validate_regex(cls, value: str | None) -> str | None:
        """Refuse a pattern that doesn't compile."""
        try:
            re.compile(value or "")
        except re.error as exc:
            raise ValueError(f"not a regular expression: {exc}") from exc
        return value


def pack_rules(rules: Rules) -> list[str]:
    """Return rules as an item's gold: one JSON object a rule, in the order of the rules."""
    wanted = rules.model_dump(exclude_none=True)
    return [json.dumps({name: value}, ensure_ascii=False) for name, value in wanted.items()]


def unpack_rules(gold: Sequence[str]) -> Rules:
    """Return the rules of an item's gold; ValueError when it holds none."""
    wanted: dict[str, Any] = {}
    try:
        for text in gold:
            wanted |= json.loads(text)
        return Rules.model_validate(wanted)
    except (TypeError, json.JSONDecodeError, ValidationError) as exc:
        raise ValueError(f"gold {list(gold)!r} holds no rules") from exc


def broken_rules(rules: Rules, reply: str) -> list[str]:
    """Return the names of the rules that a reply breaks; an empty reply breaks all."""
    text = reply.strip()
    wanted = rules.model_dump(exclude_none=True)
    return [name for name, value in wanted.items() if not text or not CHECKS[name](text, value)]


def equals(text: str, answers: Words) -> bool:
    """Say whether the text is one of the answers, letter for letter."""
    return text in answers


def answer_is(text: str, answers: Words) -> bool:
    """Say whether the text is one of the answers, but for case and one final `.` or `!`."""
    return re.sub(r"[.!]$", "", text).casefold() in [answer.casefold() for answer in answers]


def contains(text: str, words: str) -> bool:
    """Say whether a word or phrase stands in the text as whole words, in any case."""
    return re.search(rf"(?<!\w){re.escape(words)}(?!\w)", text, re.IGNORECASE) is not None


def contains_any(text: str, words: Words) -> bool:
    """Say whether at least one of the words stands in the text."""
    return any(contains(text, word) for word in words)


def contains_all(text: str, words: Words) -> bool:
    """Say whether each of the words stands in the text."""
    return all(contains(text, word) for word in words)


def excludes(text: str, words: Words) -> bool:
    """Say whether none of the words stands in the text."""
    return not contains_any(text, words)


def matches(text: str, pattern: str) -> bool:
    """Say whether the pattern is found in the text."""
    return re.search(pattern, text) is not None


def count_words(text: str) -> int:
    """Return the number of pieces between white space."""
    return len(text.split())


def count_items(text: str) -> int:
    """Return the number of pieces between commas; 0 when one of them is empty."""
    items = [item.strip() for item in text.split(",")]
    return len(items) if all(items) else 0


def count_lines(text: str) -> int:
    """Return the number of lines that are not blank."""
    return sum(bool(line.strip()) for line in text.splitlines())


def count_bullets(text: str) -> int:
    """Return the number of lines that start with `-`, `*` or `•` and a blank."""
    return len(re.findall(r"^[ \t]*[-*•][ \t]", text, re.MULTILINE))


def has_json_keys(text: str, keys: Words) -> bool:
    """Say whether the whole text is a JSON object with these keys."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return False
    return isinstance(value, dict) and all(key in value for key in keys)


def is_quoted(text: str) -> bool:
    """Say whether the text stands in double quotation marks."""
    return len(text) > 2 and text[0] == text[-1] == '"'


CHECKS: dict[str, Callable[[str, Any], bool]] = {
    "equals": equals,
    "answer_is": answer_is,
    "contains_any": contains_any,
    "contains_all": contains_all,
    "excludes": excludes,
    "regex": matches,
    "starts_with": lambda text, start: text.startswith(start),
    "ends_with": lambda text, end: text.endswith(end),
    "min_words": lambda text, number: count_words(text) >= number,
    "max_words": lambda text, number: count_words(text) <= number,
    "n_items": lambda text, number: count_items(text) == number,
    "n_lines": lambda text, number: count_lines(text) == number,
    "n_bullets": lambda text, number: count_bullets(text) == number,
    "json_keys": has_json_keys,
    "all_lower": lambda text, _: text.islower(),
    "all_upper": lambda text, _: text.isupper(),
    "no_commas": lambda text, _: "," not in text,
    "quoted": lambda text, _: is_quoted(text),
}
"""One check a rule: what to do with a reply (outer white space gone) and the rule's value."""
