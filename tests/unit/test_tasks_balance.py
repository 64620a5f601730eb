from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from balsa_pipe.tasks.balance import Wishes, match

SOUNDS = "abcdef"
WISHES = st.dictionaries(
    st.text("xyz123", min_size=1, max_size=4),
    st.builds(Wishes, st.lists(st.sampled_from(SOUNDS), unique=True), st.integers(0, 4)),
    max_size=12,
)
QUOTA = st.fixed_dictionaries({sound: st.integers(0, 5) for sound in SOUNDS})


def test_the_first_wish_is_granted_where_there_is_room() -> None:
    wishes = {"x": Wishes("ab", 1), "y": Wishes("ba", 1)}
    assert match(wishes, {"a": 1, "b": 1}) == {"x": ["a"], "y": ["b"]}


def test_who_loses_the_first_wish_gets_the_second() -> None:
    wishes = {name: Wishes("ab", 1) for name in "xy"}
    matched = match(wishes, {"a": 1, "b": 1})
    assert sorted(matched.values()) == [["a"], ["b"]]


def test_another_salt_lets_another_clip_win() -> None:
    wishes = {name: Wishes("ab", 1) for name in "xy"}
    outcomes = {match(wishes, {"a": 1, "b": 1}, salt)["x"][0] for salt in range(20)}
    assert outcomes == {"a", "b"}


def test_a_clip_without_wishes_left_goes_without() -> None:
    assert match({"x": Wishes("a", 2), "y": Wishes("", 2)}, {"a": 5}) == {"x": ["a"]}


@given(WISHES, QUOTA)
def test_no_quota_or_number_of_places_is_exceeded_and_no_possible_wish_is_left(
    wishes: dict[str, Wishes], quota: dict[str, int]
) -> None:
    matched = match(wishes, quota)
    given_out = Counter(sound for sounds in matched.values() for sound in sounds)
    assert all(given_out[sound] <= quota[sound] for sound in SOUNDS)
    for clip, wish in wishes.items():
        got = matched.get(clip, [])
        assert len(got) == len(set(got)) <= wish.places
        assert set(got) <= set(wish.sounds)
        if len(got) < wish.places:
            assert all(s in got or given_out[s] == quota[s] for s in wish.sounds)


@given(WISHES, QUOTA)
def test_the_order_of_the_clips_changes_nothing(
    wishes: dict[str, Wishes], quota: dict[str, int]
) -> None:
    assert match(wishes, quota) == match(dict(reversed(wishes.items())), quota)
