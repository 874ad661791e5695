"""CIDEr-D: how much a caption says what people say of a picture (Vedantam et al. 2015, CVPR).

With g(s) the vector of TF-IDF weights of the n-grams of s, weighted by how rare an n-gram is among
the references of all pictures, for a caption c and its references s_1 ... s_m

    CIDEr-D_n(c) = 10 / m sum_j exp(-(l(c) - l(s_j))^2 / (2 * 6^2))
                   * min(g(c), g(s_j)) . g(s_j) / (|g(c)| |g(s_j)|)
    CIDEr-D(c) = mean of CIDEr-D_n over n = 1 ... 4

where l counts words, and the minimum is taken n-gram by n-gram: who repeats a word gains nothing.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

ORDERS, SIGMA = 4, 6.0

Gram = tuple[str, ...]


def grams(words: Sequence[str], order: int) -> Counter[Gram]:
    """Every n-gram of some words, and how often it is there."""
    return Counter(tuple(words[at : at + order]) for at in range(len(words) - order + 1))


def cider_d(
    told: Sequence[Sequence[str]], references: Sequence[Sequence[Sequence[str]]]
) -> NDArray[np.float64]:
    """(N,) CIDEr-D of each caption, 0 to 10.

    Args:
        told: N captions as words.
        references: of each of N pictures its captions as words. How rare an n-gram is, is counted
            over all of them, so that the score of one caption depends on the others' references.
    """
    documents = len(references)
    found = np.zeros(documents)
    for order in range(1, ORDERS + 1):
        counted = [[grams(words, order) for words in own] for own in references]
        seen = Counter(gram for own in counted for gram in set().union(*own))

        def weights(words: Counter[Gram], seen: Counter[Gram] = seen) -> dict[Gram, float]:
            rarity = math.log(documents)
            return {
                gram: count * (rarity - math.log(max(1, seen[gram])))
                for gram, count in words.items()
            }

        for at, (words, own) in enumerate(zip(told, counted, strict=True)):
            ours = weights(grams(words, order))
            found[at] += sum(
                _alike(ours, weights(theirs))
                * math.exp(-((len(words) - len(reference)) ** 2) / (2 * SIGMA**2))
                for theirs, reference in zip(own, references[at], strict=True)
            ) / max(1, len(own))
    return np.asarray(10 * found / ORDERS)


def _alike(ours: dict[Gram, float], theirs: dict[Gram, float]) -> float:
    """The clipped cosine of two vectors; 0 where one of them is nothing."""
    long = math.hypot(*ours.values()) * math.hypot(*theirs.values())
    if long == 0:
        return 0.0
    return sum(min(own, theirs.get(g, 0.0)) * theirs.get(g, 0.0) for g, own in ours.items()) / long
