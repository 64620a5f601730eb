"""Means with 95 % intervals, resampled by cluster so that related items count as one draw."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

CI95 = (2.5, 97.5)


@dataclass(frozen=True, slots=True)
class Resampling:
    """How often intervals are resampled, and from which random seed."""

    n_resamples: int = 1000
    rng_seed: int = 0


def mean(values: Sequence[float]) -> float | None:
    """Return the mean, or None of no values."""
    return float(np.mean(values)) if len(values) else None


def ci95(
    values: Sequence[float], clusters: Sequence[str], resampling: Resampling
) -> list[float] | None:
    """Return the percentile interval of the mean, or None with fewer than two clusters."""
    _, index = np.unique(np.asarray(clusters, dtype=object), return_inverse=True)
    counts = np.bincount(index)  # (C,)
    if len(counts) < 2:
        return None
    sums = np.bincount(index, weights=np.asarray(values, dtype=float))  # (C,)
    rng = np.random.default_rng(resampling.rng_seed)
    draws = rng.multinomial(
        len(counts), np.full(len(counts), 1 / len(counts)), size=resampling.n_resamples
    )  # (R, C): how often each cluster is drawn
    means = (draws @ sums) / (draws @ counts)
    return [float(bound) for bound in np.percentile(means, CI95)]
