from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from balsa_pipe.evaluate.retention import (
    CHECKS,
    Rules,
    broken_rules,
    pack_rules,
    unpack_rules,
)


def test_every_rule_has_a_check_and_every_check_a_rule() -> None:
    assert set(CHECKS) == set(Rules.model_fields)


@pytest.mark.parametrize(
    ("rule", "value", "reply", "good"),
    [
        ("equals", ["a b"], "a b", True),
        ("equals", ["a b"], " a b\n", True),
        ("equals", ["a b"], "a b.", False),
        ("equals", ["a b"], "A b", False),
        ("answer_is", ["5", "five"], "5", True),
        ("answer_is", ["5", "five"], "Five.", True),
        ("answer_is", ["5"], "5!", True),
        ("answer_is", ["5"], "5..", False),
        ("answer_is", ["5"], "It is 5", False),
        ("contains_any", ["small", "little"], "A LITTLE cat", True),
        ("contains_any", ["small"], "smaller", False),
        ("contains_any", ["7"], "17", False),
        ("contains_any", ["7"], "2 + 5 = 7.", True),
        ("contains_any", ["good day"], "Good day!", True),
        ("contains_any", ["c++"], "C++ is", True),
        ("contains_all", ["moon", "dog"], "A dog and a moon", True),
        ("contains_all", ["moon", "dog"], "A dog", False),
        ("excludes", ["cold"], "Winter is cold.", False),
        ("excludes", ["cold"], "Winter is colder.", True),
        ("regex", r"\bRIVER\b", "RIVER", True),
        ("regex", r"\bRIVER\b", "river", False),
        ("starts_with", "Waves", " Waves roll.", True),
        ("starts_with", "Waves", "The Waves", False),
        ("starts_with", "Waves", "waves", False),
        ("ends_with", "sky.", "In the sky. ", True),
        ("ends_with", "sky.", "In the sky", False),
        ("min_words", 3, "one two three", True),
        ("min_words", 3, "one two", False),
        ("max_words", 2, "one two", True),
        ("max_words", 2, "one two three", False),
        ("n_items", 3, "red, green, blue", True),
        ("n_items", 3, "red, green and blue", False),
        ("n_items", 3, "red, green,", False),
        ("n_lines", 2, "one\n\n two ", True),
        ("n_lines", 2, "one two", False),
        ("n_bullets", 2, "- one\n- two", True),
        ("n_bullets", 2, "Tips:\n  * one\n• two", True),
        ("n_bullets", 2, "1. one\n2. two", False),
        ("n_bullets", 1, "**bold** words", False),
        ("n_bullets", 1, "-5 degrees", False),
        ("json_keys", ["a"], '{"a": 1, "b": 2}', True),
        ("json_keys", ["a", "b"], '{"a": 1}', False),
        ("json_keys", ["a"], 'Here: {"a": 1}', False),
        ("json_keys", ["a"], '```json\n{"a": 1}\n```', False),
        ("json_keys", ["a"], '["a"]', False),
        ("json_keys", ["a"], '{"a": ', False),
        ("json_keys", ["a"], "[" * 100_000, False),
        ("all_lower", True, "no capitals, 2 words", True),
        ("all_lower", True, "One capital", False),
        ("all_lower", True, "123", False),
        ("all_upper", True, "STOP 2!", True),
        ("all_upper", True, "STOp", False),
        ("no_commas", True, "one and two", True),
        ("no_commas", True, "one, two", False),
        ("quoted", True, '"Hello there"', True),
        ("quoted", True, '"Hello" there', False),
        ("quoted", True, '""', False),
    ],
)
def test_rule(rule: str, value: Any, reply: str, good: bool) -> None:
    assert broken_rules(Rules.model_validate({rule: value}), reply) == ([] if good else [rule])


def test_all_rules_must_hold_and_the_broken_ones_are_named() -> None:
    rules = Rules(contains_any=["honey"], max_words=2, no_commas=True)
    assert broken_rules(rules, "Honey.") == []
    assert broken_rules(rules, "Bees make honey.") == ["max_words"]
    assert broken_rules(rules, "Bees make wax, too.") == ["contains_any", "max_words", "no_commas"]


@pytest.mark.parametrize("reply", ["", "  \n"])
def test_empty_reply_breaks_every_rule(reply: str) -> None:
    rules = Rules(excludes=["cold"], max_words=2, no_commas=True)
    assert broken_rules(rules, reply) == ["excludes", "max_words", "no_commas"]


@pytest.mark.parametrize(
    "wrong", [{"max_words": 0}, {"contains_any": []}, {"all_lower": False}, {"unknown": 1}]
)
def test_rule_with_a_wrong_value_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Rules.model_validate(wrong)


def test_rules_survive_the_way_through_an_item() -> None:
    rules = Rules(contains_any=["è", '"'], regex=r"\bé", max_words=3, all_lower=True)
    assert pack_rules(rules) == [
        '{"contains_any": ["è", "\\""]}',
        '{"regex": "\\\\bé"}',
        '{"max_words": 3}',
        '{"all_lower": true}',
    ]
    assert unpack_rules(pack_rules(rules)) == rules


@pytest.mark.parametrize("gold", [["yes"], ["3"], ['{"polite": true}']])
def test_gold_without_rules_is_an_error(gold: list[str]) -> None:
    with pytest.raises(ValueError, match="holds no rules"):
        unpack_rules(gold)


@given(st.text(min_size=1))
def test_any_reply_is_judged_by_every_rule(reply: str) -> None:
    values = {"equals": ["a"], "json_keys": ["a"], "n_items": 2, "n_bullets": 1, "all_upper": True}
    assert set(broken_rules(Rules.model_validate(values), reply)) <= set(values)
