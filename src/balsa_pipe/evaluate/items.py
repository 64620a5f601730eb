"""From a suite and the test clips to items; every choice is a hash, every absence is verified."""

from collections.abc import Sequence

from balsa_pipe.evaluate.pools import (
    Limits,
    Stock,
    Turn,
    alike,
    clip_id,
    draw_turns,
    take_stock,
)
from balsa_pipe.evaluate.retention import pack_rules
from balsa_pipe.evaluate.suites import (
    SLOT,
    CaptionRecallSuite,
    DifferenceSuite,
    PresenceSuite,
    Suite,
    TextRetentionSuite,
)
from balsa_pipe.hashing import digest, ranked
from balsa_pipe.schemas import Row
from balsa_pipe.vocabulary import Vocabulary, sounds_of


def make_items(
    suite: Suite,
    clips: Sequence[Row],
    vocabulary: Vocabulary,
    *,
    rng_seed: int,
    max_items: int | None = None,
) -> list[Row]:
    """Return a suite's items on the test clips that have audio; at most max_items, never skewed."""
    if isinstance(suite, TextRetentionSuite):
        units = _text_units(suite, rng_seed)
    else:
        askable = [clip for clip in clips if _is_askable(clip, suite.clips)]
        stock = take_stock(askable, vocabulary, rng_seed, suite.suite)
        match suite:
            case PresenceSuite():
                units = _presence_units(suite, stock, vocabulary, rng_seed)
            case DifferenceSuite():
                units = _difference_units(suite, stock, vocabulary, rng_seed)
            case CaptionRecallSuite():
                units = _recall_units(suite, askable, stock, vocabulary, rng_seed)
    return first_units(units, max_items)


def first_units(units: Sequence[list[Row]], max_items: int | None) -> list[Row]:
    """Return the items of the first units that fit whole: half a unit would skew the balance."""
    items: list[Row] = []
    for unit in units:
        if max_items is not None and len(items) + len(unit) > max_items:
            break
        items += unit
    return items


def _is_askable(clip: Row, kinds: str) -> bool:
    if clip["split"] != "test" or clip["audio_hash"] is None:
        return False
    return kinds == "both" or bool(clip["parts"]) == (kinds == "scenes")


def _limits(suite: PresenceSuite | DifferenceSuite) -> Limits:
    return Limits(suite.max_per_sound, suite.min_train_recordings, suite.min_test_clips)


def _presence_units(
    suite: PresenceSuite, stock: Stock, vocabulary: Vocabulary, rng_seed: int
) -> list[list[Row]]:
    """Units on one sound: a clip with it and, by strategy, one without it."""
    return [
        [
            _presence_item(suite, turn.sound, strategy, clip, gold, stock, vocabulary, rng_seed)
            for strategy, absent in turn.absent.items()
            for gold, clip in (("yes", turn.present), ("no", absent))
        ]
        for turn in draw_turns(stock, vocabulary, _limits(suite), suite.strategies, rng_seed)
    ]


def _presence_item(
    suite: PresenceSuite,
    sound: str,
    strategy: str,
    clip: Row,
    gold: str,
    stock: Stock,
    vocabulary: Vocabulary,
    rng_seed: int,
) -> Row:
    others = stock.absent[sound] if gold == "yes" else stock.present[sound]
    key = (rng_seed, suite.suite, sound, clip_id(clip))  # no strategy: same clip, same question
    return _item(
        suite,
        (*key, strategy),
        cluster=clip_id(clip),
        strategy=strategy,
        clips=[clip],
        swapped_clips=[alike(others, clip, *key)],
        question=ranked(suite.wordings, *key)[0].replace(SLOT, vocabulary.spoken(sound)),
        sound=sound,
        gold=[gold],
    )


def _difference_units(
    suite: DifferenceSuite, stock: Stock, vocabulary: Vocabulary, rng_seed: int
) -> list[list[Row]]:
    return [
        _pair_items(suite, turn, vocabulary.spoken(turn.sound), rng_seed)
        for turn in draw_turns(stock, vocabulary, _limits(suite), ["random"], rng_seed)
    ]


def _pair_items(suite: DifferenceSuite, turn: Turn, spoken: str, rng_seed: int) -> list[Row]:
    """Both orders of a pair; each is the other's swapped audio, as it gives the other answer."""
    sound, present, absent = turn.sound, turn.present, turn.absent["random"]
    key = (rng_seed, suite.suite, sound, clip_id(present), clip_id(absent))
    return [
        _item(
            suite,
            (*key, gold),
            cluster=digest("pair", *key),
            clips=clips,
            swapped_clips=clips[::-1],
            question=ranked(suite.wordings, *key)[0].replace(SLOT, spoken),
            sound=sound,
            gold=[gold],
        )
        for gold, clips in (("first", [present, absent]), ("second", [absent, present]))
    ]


def _recall_units(
    suite: CaptionRecallSuite,
    clips: Sequence[Row],
    stock: Stock,
    vocabulary: Vocabulary,
    rng_seed: int,
) -> list[list[Row]]:
    labelled = [clip for clip in clips if sounds_of(clip)]
    return [
        [_recall_item(suite, clip, vocabulary.specific(sounds_of(clip)), stock, rng_seed)]
        for clip in ranked(labelled, rng_seed, suite.suite, key=clip_id)
    ]


def _recall_item(
    suite: CaptionRecallSuite, clip: Row, gold: list[str], stock: Stock, rng_seed: int
) -> Row:
    lacking = [{clip_id(other) for other in stock.absent.get(sound, [])} for sound in gold]
    ids = set.intersection(*lacking)
    others = [other for other in stock.absent.get(gold[0], []) if clip_id(other) in ids]
    key = (rng_seed, suite.suite, clip_id(clip))
    return _item(
        suite,
        key,
        cluster=clip_id(clip),
        clips=[clip],
        swapped_clips=[alike(others, clip, *key)] if others else [],
        question=ranked(suite.wordings, *key)[0],
        gold=gold,
    )


def _text_units(suite: TextRetentionSuite, rng_seed: int) -> list[list[Row]]:
    return [
        [
            _item(
                suite,
                (suite.suite, prompt.prompt),
                cluster=digest("prompt", prompt.prompt),
                strategy=prompt.kind,
                question=prompt.prompt,
                gold=pack_rules(prompt.rules),
            )
        ]
        for prompt in ranked(suite.prompts, rng_seed, key=lambda prompt: prompt.prompt)
    ]


def _item(
    suite: Suite,
    key: Sequence[object],
    *,
    cluster: str,
    question: str,
    gold: list[str],
    strategy: str | None = None,
    clips: Sequence[Row] = (),
    swapped_clips: Sequence[Row] = (),
    sound: str | None = None,
) -> Row:
    return {
        "item_id": digest("item", suite.version, *key),
        "suite": suite.suite,
        "suite_version": suite.version,
        "cluster": cluster,
        "strategy": strategy,
        "clips": list(clips),
        "swapped_clips": list(swapped_clips),
        "question": question,
        "sound": sound,
        "gold": gold,
    }
