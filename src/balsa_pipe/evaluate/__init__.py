"""Evaluation: suites and clips become items, replies become predictions, those become numbers."""

from collections.abc import Sequence

from balsa_pipe.evaluate.bootstrap import Resampling
from balsa_pipe.evaluate.items import make_items
from balsa_pipe.evaluate.metrics import build_metrics
from balsa_pipe.evaluate.score import score_predictions, wanted_replies
from balsa_pipe.evaluate.suites import Suite, load_suites
from balsa_pipe.schemas import Row
from balsa_pipe.vocabulary import Vocabulary

__all__ = [
    "Resampling",
    "build_metrics",
    "load_suites",
    "make_all_items",
    "score_predictions",
    "wanted_replies",
]


def make_all_items(
    suites: Sequence[Suite], clips: Sequence[Row], *, rng_seed: int, max_items: int | None = None
) -> list[Row]:
    """Return the items of all suites on the test clips, in the training clips' vocabulary."""
    vocabulary = Vocabulary.from_clips(clips)
    return [
        item
        for suite in suites
        for item in make_items(suite, clips, vocabulary, rng_seed=rng_seed, max_items=max_items)
    ]
