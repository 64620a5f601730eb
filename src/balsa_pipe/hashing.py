"""Stable ids, seeds and choices, all from one hash, so that nothing depends on order or on the clock."""

import hashlib
import json
import math
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, TypeVar

T = TypeVar("T")

_json = json.JSONEncoder(ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode


def digest(*parts: Any, size: int = 8) -> str:
    """Return a hex digest of JSON-able parts; equal parts give equal digests on every machine."""
    return hashlib.blake2b(_json(parts).encode(), digest_size=size).hexdigest()


def digest_after(*salt: Any) -> Callable[[Any], str]:
    """Return the function that gives digest(*salt, part) of a part, for draws from many."""
    opening = _json(salt)[:-1] + ("," if salt else "")
    state = hashlib.blake2b(opening.encode(), digest_size=8)

    def of(part: Any) -> str:
        hashed = state.copy()
        hashed.update(f"{_json(part)}]".encode())
        return hashed.hexdigest()

    return of


def unit(*parts: Any) -> float:
    """Return a number in [0, 1) that depends on the parts alone."""
    return _unit(digest(*parts))


def _unit(hexdigest: str) -> float:
    return int(hexdigest, 16) / 2**64


def seed(*parts: Any) -> int:
    """Return a 31-bit random seed that depends on the parts alone."""
    return int(digest(*parts), 16) % 2**31


def ranked(items: Iterable[T], *salt: Any, key: Callable[[T], Any] = lambda item: item) -> list[T]:
    """Return the items in hash order (rendezvous hashing); key: what of an item is JSON-able.

    Taking the first k of it draws k items at random, and adding an item to the pool
    changes only the draws that the new item wins.
    """
    of = digest_after(*salt)
    return sorted(items, key=lambda item: of(key(item)))


def drawn(weights: Mapping[T, float], *salt: Any) -> T:
    """Return one of the names, in proportion to their weights; at least one is above 0.

    Weighted rendezvous hashing: a weight that is changed changes only the draws that its name wins
    or loses, and the order of the names changes none.
    """
    of = digest_after(*salt)
    return min(
        (name for name, weight in weights.items() if weight > 0),
        key=lambda name: exponential(of(name)) / weights[name],
    )


def exponential(hexdigest: str) -> float:
    """Return a number above 0, of mean 1, that depends on a digest alone."""
    return -math.log(1.0 - _unit(hexdigest))


def file_sha256(path: Path) -> str:
    """Return the sha256 of a file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
