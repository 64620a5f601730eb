"""How varied texts are: distinct-n and self-BLEU, over words in lower case."""

import math
import re
from collections import Counter
from collections.abc import Sequence

Words = list[str]
ORDER = 4


def words(text: str) -> Words:
    """Return a text's words and punctuation marks, in lower case."""
    return re.findall(r"\w+|[^\w\s]", text.lower())


def ngrams(tokens: Words, order: int) -> Counter[tuple[str, ...]]:
    return Counter(tuple(tokens[at : at + order]) for at in range(len(tokens) - order + 1))


def distinct(texts: Sequence[Words], order: int) -> float:
    """Return the share of n-grams that are different (Li et al. 2016); 0 when there are none."""
    counts = sum((ngrams(tokens, order) for tokens in texts), Counter[tuple[str, ...]]())
    return len(counts) / counts.total() if counts else 0.0


def self_bleu(texts: Sequence[Words]) -> float:
    """Return the mean BLEU-4 of each text against all others (Zhu et al. 2018), 0 to 1.

    Sentence BLEU as sacreBLEU computes it: uniform weights, counts clipped by the most that any one
    reference has, the closest reference length (the shorter of two) for the brevity penalty,
    effective order, exponential smoothing (Chen & Cherry 2014, method 3). Time and memory grow with
    the number of words, not with its square: of each n-gram the two largest counts are kept.
    """
    if len(texts) < 2:
        return 0.0
    largest = [
        top_counts([ngrams(tokens, order) for tokens in texts]) for order in range(1, ORDER + 1)
    ]
    lengths = Counter(len(tokens) for tokens in texts)
    return sum(bleu(tokens, largest, lengths) for tokens in texts) / len(texts)


TopCounts = dict[tuple[str, ...], tuple[int, int]]


def top_counts(counts: Sequence[Counter[tuple[str, ...]]]) -> TopCounts:
    """Return of each n-gram the largest count in a text, and the next largest in another."""
    top: TopCounts = {}
    for count in counts:
        for gram, number in count.items():
            first, second = top.get(gram, (0, 0))
            top[gram] = (max(first, number), max(second, min(first, number)))
    return top


def bleu(tokens: Words, largest: Sequence[TopCounts], lengths: Counter[int]) -> float:
    """Return one text's BLEU against the others, 0 to 1."""
    logs, smooth = [], 1.0
    for order, top in enumerate(largest, start=1):
        own = ngrams(tokens, order)
        if not own:
            break
        hits = sum(min(number, others(top[gram], number)) for gram, number in own.items())
        if order == 1 and not hits:
            return 0.0
        if not hits:
            smooth *= 2
        logs.append(math.log(hits / own.total() if hits else 1 / (smooth * own.total())))
    if not logs:
        return 0.0
    return brevity(len(tokens), lengths) * math.exp(sum(logs) / len(logs))


def others(top: tuple[int, int], own: int) -> int:
    """Return the largest count of an n-gram in any other text."""
    first, second = top
    return second if own == first else first


def brevity(length: int, lengths: Counter[int]) -> float:
    """Return the penalty for a text shorter than the closest of the others."""
    rest = [other for other, number in lengths.items() if number > (other == length)]
    closest = min(rest, key=lambda other: (abs(other - length), other))
    return 1.0 if length >= closest else math.exp(1 - closest / length)
