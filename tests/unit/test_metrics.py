import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from balsa_pipe.errors import BalsaError
from balsa_pipe.evaluate.bootstrap import Resampling, ci95
from balsa_pipe.evaluate.metrics import build_metrics, class_scores, paired_difference
from balsa_pipe.evaluate.score import score_predictions, wanted_replies
from balsa_pipe.evaluate.suites import (
    CaptionRecallSuite,
    DifferenceSuite,
    PresenceSuite,
    Suite,
    TextRetentionSuite,
)
from balsa_pipe.schemas import PREDICTION, Row

RESAMPLING = Resampling(n_resamples=200, rng_seed=0)
PRESENCE = PresenceSuite(
    suite="presence",
    version=3,
    kind="presence",
    systems=["trained", "untrained", "no_audio", "swapped_audio"],
    strategies=["random", "popular"],
    max_per_sound=4,
    parser="word-boundary",
    metric="accuracy",
    cluster="clip",
    wordings=["A {{ sound }}?"],
)
DIFFERENCE = DifferenceSuite(
    suite="difference",
    version=1,
    kind="difference",
    systems=["trained"],
    max_per_sound=4,
    parser="first-second",
    metric="accuracy",
    cluster="pair",
    wordings=["A {{ sound }}?"],
)
RECALL = CaptionRecallSuite(
    suite="caption_recall",
    version=1,
    kind="caption_recall",
    systems=["trained", "swapped_audio"],
    metric="rate",
    cluster="clip",
    wordings=["What?"],
)
TEXT = TextRetentionSuite.model_validate(
    {
        "suite": "text_retention",
        "version": 1,
        "kind": "text_retention",
        "systems": ["base", "trained"],
        "metric": "rate",
        "cluster": "item",
        "prompts": [{"kind": "copy", "prompt": "Say 5.", "rules": {"equals": ["5"]}}],
    }
)
SINGLE: Row = {"clip_id": "single", "parts": []}
SCENE: Row = {"clip_id": "scene", "parts": [{}, {}]}


def item(suite: Suite, number: int, gold: list[str], **other: Any) -> Row:
    return {
        "item_id": f"{suite.suite}-{number}",
        "suite": suite.suite,
        "suite_version": suite.version,
        "cluster": f"clip-{number}",
        "strategy": None,
        "clips": [SINGLE],
        "swapped_clips": [SCENE],
        "question": "?",
        "sound": None,
        "gold": gold,
        **other,
    }


def presence_items(n: int = 8) -> list[Row]:
    return [
        item(
            PRESENCE,
            k,
            ["yes" if k % 2 else "no"],
            strategy="random" if k < n / 2 else "popular",
            sound="dog" if k % 4 < 2 else "rain",
            clips=[SCENE if k % 3 == 0 else SINGLE],
        )
        for k in range(n)
    ]


def replies(items: list[Row], **answers: str | list[str]) -> dict[tuple[str, str], str]:
    """Replies by system: one for all items, or one for each."""
    return {
        (system, row["item_id"]): reply
        for system, given in answers.items()
        for row, reply in zip(
            items, [given] * len(items) if isinstance(given, str) else given, strict=True
        )
    }


def numbers(suite: Suite, items: list[Row], **answers: str | list[str]) -> dict[str, Any]:
    rows = score_predictions([suite], items, replies(items, **answers))
    metrics = build_metrics(rows, [suite], {"run": "made-up"}, RESAMPLING)
    found: dict[str, Any] = metrics["suites"][suite.suite]
    return found


def truth(items: list[Row]) -> list[str]:
    return [row["gold"][0] for row in items]


# ---- scoring ---------------------------------------------------------------------------------


def test_predictions_have_the_columns_of_the_schema() -> None:
    items = presence_items(1)
    given = replies(items, trained="No.", untrained="Yes", no_audio="?", swapped_audio="yes")
    rows = score_predictions([PRESENCE], items, given)
    assert [list(row) for row in rows] == [PREDICTION.names] * 4
    assert [(row["system"], row["answer"], row["score"]) for row in rows] == [
        ("trained", "no", 1.0),
        ("untrained", "yes", 0.0),
        ("no_audio", None, 0.0),
        ("swapped_audio", "yes", 0.0),
    ]
    assert rows[0]["response"] == "No."


def test_missing_replies_are_counted_and_the_first_is_named() -> None:
    items = presence_items(3)
    given = replies(items, trained="no", untrained="no", no_audio="no")
    with pytest.raises(BalsaError) as caught:
        score_predictions([PRESENCE], items, given)
    assert str(caught.value) == (
        "evaluate: 3 of 12 items have no reply (first: suite presence, system swapped_audio, "
        "item presence-0); run evaluate again"
    )


def test_item_without_swapped_clips_skips_only_that_control() -> None:
    items = [item(RECALL, 0, ["dog"]), item(RECALL, 1, ["dog"], swapped_clips=[])]
    wanted = wanted_replies([RECALL], items)
    assert [(system, row["item_id"][-1]) for system, row in wanted] == [
        ("trained", "0"),
        ("swapped_audio", "0"),
        ("trained", "1"),
    ]


@pytest.mark.parametrize(
    ("reply", "answer", "score"),
    [
        ("A dog barks in the rain.", "dog; rain", 1.0),
        ("I hear rain.", "rain", 0.5),
        ("I hear dogs.", "dog", 0.5),
        ("There is no dog.", "", 0.0),
        ("A cat.", "", 0.0),
        ("  ", None, 0.0),
    ],
)
def test_recall_counts_the_labels_that_a_reply_affirms(
    reply: str, answer: str | None, score: float
) -> None:
    items = [item(RECALL, 0, ["dog", "rain"], swapped_clips=[])]
    (row,) = score_predictions([RECALL], items, replies(items, trained=reply))
    assert (row["answer"], row["score"]) == (answer, score)


@pytest.mark.parametrize(
    ("reply", "answer", "score"),
    [("5", "pass", 1.0), ("5 it is", "fail: equals", 0.0), ("", None, 0.0)],
)
def test_text_reply_passes_by_its_rules(reply: str, answer: str | None, score: float) -> None:
    items = [item(TEXT, 0, ['{"equals": ["5"]}'], clips=[], swapped_clips=[])]
    rows = score_predictions([TEXT], items, replies(items, base=reply, trained="5"))
    assert (rows[0]["answer"], rows[0]["score"]) == (answer, score)


# ---- presence --------------------------------------------------------------------------------


def test_presence_numbers_by_hand() -> None:
    # gold: no yes no yes no yes no yes
    mixed = ["no", "yes", "yes", "yes", "hm", "no", "no", "hm"]
    items = presence_items()
    found = numbers(
        PRESENCE, items, trained=mixed, untrained="yes", no_audio="no", swapped_audio="hm"
    )
    trained = found["trained"]
    assert (trained["n"], trained["n_clusters"], trained["unparsed"]) == (8, 8, 2)
    assert trained["accuracy"] == 0.5
    assert trained["accuracy_parsed"] == 0.666667
    assert trained["yes_rate"] == 0.375
    assert trained["no"] == {"precision": 0.666667, "recall": 0.5, "f1": 0.571429}
    assert trained["yes"] == {"precision": 0.666667, "recall": 0.5, "f1": 0.571429}
    assert trained["strategies"]["random"]["accuracy"] == 0.75
    assert trained["strategies"]["popular"]["unparsed"] == 2
    assert trained["sounds"] == {
        "dog": {"n": 4, "accuracy": 0.5, "yes_rate": 0.25},
        "rain": {"n": 4, "accuracy": 0.5, "yes_rate": 0.5},
    }
    assert {kind: group["n"] for kind, group in trained["clips"].items()} == {
        "scene": 3,
        "single": 5,
    }
    low, high = trained["ci95"]
    assert 0 <= low < 0.5 < high <= 1


def test_constant_answers_stand_beside_the_systems() -> None:
    items = presence_items()
    found = numbers(
        PRESENCE, items, trained=truth(items), untrained="yes", no_audio="no", swapped_audio="hm"
    )
    for answer in ("yes", "no"):
        assert found[f"always_{answer}"]["accuracy"] == 0.5
        assert found[f"always_{answer}"]["n"] == 8
        assert found[f"always_{answer}"]["yes_rate"] == (answer == "yes")
    assert list(found)[:4] == ["trained", "untrained", "no_audio", "swapped_audio"]


def test_all_yes_has_no_precision_of_no() -> None:
    found = numbers(
        PRESENCE,
        presence_items(),
        trained="yes",
        untrained="yes",
        no_audio="yes",
        swapped_audio="yes",
    )
    assert found["trained"]["no"] == {"precision": None, "recall": 0, "f1": 0}
    assert found["trained"]["yes"] == {"precision": 0.5, "recall": 1, "f1": 0.666667}


def test_all_unparsed_is_all_wrong() -> None:
    found = numbers(
        PRESENCE, presence_items(), trained="", untrained="?", no_audio="?", swapped_audio="?"
    )
    trained = found["trained"]
    assert (trained["accuracy"], trained["unparsed"], trained["yes_rate"]) == (0, 8, 0)
    assert trained["accuracy_parsed"] is None
    assert trained["no"] == {"precision": None, "recall": 0, "f1": 0}


def test_swapped_audio_is_scored_against_the_original_gold() -> None:
    items = presence_items()
    opposite = ["no" if gold == "yes" else "yes" for gold in truth(items)]
    found = numbers(
        PRESENCE,
        items,
        trained=truth(items),
        untrained="no",
        no_audio="no",
        swapped_audio=opposite,
    )
    assert found["swapped_audio"]["accuracy"] == 0
    assert found["trained"]["minus"]["swapped_audio"]["difference"] == 1
    assert found["trained"]["minus"]["untrained"]["difference"] == 0.5


@given(st.lists(st.tuples(st.sampled_from(["yes", "no"]), st.sampled_from(["yes", "no", None]))))
def test_class_scores_are_shares_or_null(answers: list[tuple[str, str | None]]) -> None:
    rows = [{"gold": [gold], "answer": answer} for gold, answer in answers]
    for positive in ("yes", "no"):
        scores = class_scores(rows, positive)
        assert all(value is None or 0 <= value <= 1 for value in scores.values())
        precision, recall, f1 = scores.values()
        if precision and recall:
            assert f1 == pytest.approx(2 * precision * recall / (precision + recall))


# ---- the other kinds -------------------------------------------------------------------------


def test_difference_counts_pairs_that_are_right_in_both_orders() -> None:
    items = [
        item(DIFFERENCE, k, ["second" if k % 2 else "first"], cluster=f"pair-{k // 2}", sound="dog")
        for k in range(6)
    ]
    given = ["first", "second", "first", "first", "first and second", "second"]
    found = numbers(DIFFERENCE, items, trained=given)
    trained = found["trained"]
    assert (trained["n"], trained["n_clusters"], trained["n_pairs"]) == (6, 3, 3)
    assert trained["accuracy"] == 0.666667
    assert trained["order_consistency"] == 0.333333
    assert (trained["first_rate"], trained["unparsed"]) == (0.5, 1)
    assert trained["sounds"] == {"dog": {"n": 6, "accuracy": 0.666667}}
    assert trained["yes_rate"] is None
    assert found["always_first"]["accuracy"] == found["always_second"]["accuracy"] == 0.5
    assert found["always_first"]["order_consistency"] == 0


def test_recall_is_a_mean_of_shares_with_a_rate_for_each_label() -> None:
    items = [item(RECALL, 0, ["dog", "rain"]), item(RECALL, 1, ["dog"])]
    found = numbers(
        RECALL, items, trained=["A dog.", "Rain and a dog, loud."], swapped_audio=["", "A cat."]
    )
    trained = found["trained"]
    assert (trained["rate"], trained["mean_words"], trained["unparsed"]) == (0.75, 3.5, 0)
    assert trained["sounds"] == {"dog": {"n": 2, "rate": 1}, "rain": {"n": 1, "rate": 0}}
    assert found["swapped_audio"]["unparsed"] == 1
    assert trained["minus"]["swapped_audio"]["difference"] == 0.75


def test_text_retention_has_the_paired_difference_to_the_base() -> None:
    items = [
        item(TEXT, k, ['{"equals": ["5"]}'], strategy="copy" if k else "sum", clips=[])
        for k in range(4)
    ]
    found = numbers(TEXT, items, base=["5", "5", "4", "4"], trained=["5", "4", "4", "4"])
    assert (found["base"]["rate"], found["trained"]["rate"]) == (0.5, 0.25)
    assert found["trained"]["kinds"] == {
        "copy": {"n": 3, "rate": 0},
        "sum": {"n": 1, "rate": 1},
    }
    minus = found["trained"]["minus"]["base"]
    assert (minus["n"], minus["difference"]) == (4, -0.25)
    assert -1 <= minus["ci95"][0] <= -0.25 <= minus["ci95"][1] <= 0
    assert "minus" not in found["base"]


# ---- the whole -------------------------------------------------------------------------------


@pytest.mark.parametrize("suite", [PRESENCE, DIFFERENCE, RECALL, TEXT], ids=lambda s: s.suite)
def test_no_items_give_nulls(suite: Suite) -> None:
    metrics = build_metrics([], [suite], {}, RESAMPLING)["suites"][suite.suite]
    for system in suite.systems:
        found = metrics[system]
        assert (found["n"], found["n_clusters"], found["unparsed"]) == (0, 0, 0)
        assert [found[key] for key in (suite.metric, "ci95", "yes_rate")] == [None] * 3


@pytest.mark.parametrize("suite", [PRESENCE, DIFFERENCE, RECALL, TEXT], ids=lambda s: s.suite)
def test_single_cluster_has_no_interval(suite: Suite) -> None:
    gold = {"presence": "yes", "difference": "first", "caption_recall": "dog"}
    one = item(
        suite, 0, [gold.get(suite.suite, '{"equals": ["5"]}')], strategy="random", sound="dog"
    )
    found = numbers(suite, [one], **{system: "yes, first: a dog" for system in suite.systems})
    assert found[suite.systems[0]]["n_clusters"] == 1
    assert found[suite.systems[0]]["ci95"] is None


def test_metrics_file_has_facts_versions_and_suites_and_is_json() -> None:
    facts = {"run": "made-up", "adapter": "abc"}
    metrics = build_metrics([], [PRESENCE, TEXT], facts, RESAMPLING)
    assert list(metrics) == ["run", "adapter", "versions", "suites"]
    assert metrics["versions"] == {"presence": 3, "text_retention": 1}
    assert json.loads(json.dumps(metrics, allow_nan=False)) == metrics


def test_numbers_do_not_depend_on_the_order_of_predictions() -> None:
    items = presence_items()
    rows = score_predictions(
        [PRESENCE],
        items,
        replies(items, trained=truth(items), untrained="yes", no_audio="no", swapped_audio="?"),
    )
    one = build_metrics(rows, [PRESENCE], {}, RESAMPLING)
    assert build_metrics(rows[::-1], [PRESENCE], {}, RESAMPLING) == one


# ---- intervals -------------------------------------------------------------------------------


def test_interval_of_a_mean_is_about_two_standard_errors_wide() -> None:
    values = [float(k % 2) for k in range(400)]
    low, high = ci95(values, [str(k) for k in range(400)], Resampling(4000, 1)) or (0, 0)
    assert (low, high) == pytest.approx((0.5 - 0.049, 0.5 + 0.049), abs=0.006)


def test_interval_is_wider_when_items_share_a_cluster() -> None:
    values = [float(k // 2 % 2) for k in range(400)]
    alone = ci95(values, [str(k) for k in range(400)], Resampling(4000, 1)) or (0, 0)
    paired = ci95(values, [str(k // 2) for k in range(400)], Resampling(4000, 1)) or (0, 0)
    ratio = (paired[1] - paired[0]) / (alone[1] - alone[0])
    assert ratio == pytest.approx(2**0.5, abs=0.1)


def test_interval_covers_the_true_mean_about_95_times_in_100() -> None:
    rng = np.random.default_rng(0)
    clusters = [str(k // 3) for k in range(180)]
    covered = 0
    for trial in range(200):
        means = np.repeat(rng.uniform(0.4, 0.8, size=60), 3)
        values = (rng.uniform(size=180) < means).astype(float)
        low, high = ci95(values.tolist(), clusters, Resampling(300, trial)) or (0, 0)
        covered += low <= 0.6 <= high
    assert 180 <= covered <= 198


@pytest.mark.parametrize("values", [[], [1.0], [1.0, 0.0]])
def test_one_cluster_or_none_has_no_interval(values: list[float]) -> None:
    assert ci95(values, ["a"] * len(values), RESAMPLING) is None


def test_same_seed_gives_the_same_interval_and_another_another() -> None:
    values, clusters = [float(k % 3 == 0) for k in range(50)], [str(k) for k in range(50)]
    assert ci95(values, clusters, Resampling(50, 1)) == ci95(values, clusters, Resampling(50, 1))
    assert ci95(values, clusters, Resampling(50, 1)) != ci95(values, clusters, Resampling(50, 2))


@settings(max_examples=30)
@given(st.lists(st.tuples(st.floats(0, 1), st.sampled_from("abcdef")), min_size=1))
def test_interval_lies_within_the_values(pairs: list[tuple[float, str]]) -> None:
    values, clusters = [value for value, _ in pairs], [cluster for _, cluster in pairs]
    found = ci95(values, clusters, RESAMPLING)
    assert (found is None) == (len(set(clusters)) < 2)
    if found is not None:
        assert min(values) - 1e-9 <= found[0] <= found[1] <= max(values) + 1e-9


def test_paired_difference_joins_on_the_item() -> None:
    rows = [{"item_id": str(k), "cluster": str(k), "score": 1.0} for k in range(3)]
    others = [{"item_id": str(k), "cluster": str(k), "score": 0.0} for k in (2, 1, 7)]
    assert paired_difference(rows, others, RESAMPLING) == {
        "n": 2,
        "difference": 1.0,
        "ci95": [1.0, 1.0],
    }
