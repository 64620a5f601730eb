"""Ids and choices: literal values, so that no change of code draws other data without notice."""

from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from balsa_pipe.hashing import (
    digest,
    digest_after,
    drawn,
    file_sha256,
    ranked,
    seed,
    unit,
)


def test_digests_are_the_same_for_ever() -> None:
    assert digest("clip", 1, None, [True, 0.5], {"b": "ä", "a": 1}) == "69de7a85e446dcb2"
    assert digest("a", size=16) == "f53b3155b302982e196b7645b7b614b1"
    assert seed("shuffle", 7) == 612836146
    assert unit("split", "dog") == pytest.approx(0.04377401588444414)


@pytest.mark.parametrize(
    ("one", "other"),
    [(("a", "b"), ("ab",)), ((1,), ("1",)), ((None,), ("null",)), ((["a"], []), ([], ["a"]))],
)
def test_parts_do_not_run_together(one: tuple[object, ...], other: tuple[object, ...]) -> None:
    assert digest(*one) != digest(*other)


def test_the_order_of_keys_does_not_matter() -> None:
    assert digest({"a": 1, "b": 2}) == digest({"b": 2, "a": 1})


@given(st.text())
def test_units_and_seeds_are_in_their_ranges(text: str) -> None:
    assert 0 <= unit(text) < 1
    assert 0 <= seed(text) < 2**31


PARTS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=4,
)


@given(st.lists(PARTS, max_size=3), PARTS)
def test_a_salt_that_is_hashed_once_gives_the_same_digests(
    salt: list[object], part: object
) -> None:
    assert digest_after(*salt)(part) == digest(*salt, part)


@given(st.lists(st.text(), unique=True), st.text(), st.randoms())
def test_the_ranking_ignores_order_and_a_newcomer(
    items: list[str], new: str, random: object
) -> None:
    order = ranked(items, "salt")
    random.shuffle(items)  # type: ignore[attr-defined]
    assert ranked(items, "salt") == order
    grown = ranked([*items, new], "salt")
    assert [item for item in grown if item != new] == [item for item in order if item != new]


def test_another_salt_gives_another_order_and_the_key_names_an_item() -> None:
    items = [{"id": n} for n in range(20)]
    one = ranked(items, "a", key=lambda item: item["id"])
    assert one != ranked(items, "b", key=lambda item: item["id"])
    assert [item["id"] for item in one] == ranked(range(20), "a")


def test_file_sha256(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"abc")
    known = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert file_sha256(tmp_path / "file") == known


def test_names_are_drawn_in_proportion_to_their_weights() -> None:
    weights = {"a": 3.0, "b": 1, "never": 0}
    counts = Counter(drawn(weights, number) for number in range(4000))
    assert set(counts) == {"a", "b"}
    assert abs(counts["a"] / 4000 - 0.75) < 5 * (0.75 * 0.25 / 4000) ** 0.5


def test_a_changed_weight_moves_draws_to_or_from_its_name_only() -> None:
    before, after = {"a": 1.0, "b": 1.0, "c": 1.0}, {"c": 1.5, "b": 1.0, "a": 1.0}
    moved = [n for n in range(2000) if drawn(before, n) != drawn(after, n)]
    assert moved
    assert {drawn(after, n) for n in moved} == {"c"}
