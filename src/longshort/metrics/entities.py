r"""Entities that were found, against those that are there.

An entity is its type and its tokens, and only the whole of it counts (strict, as conlleval: Tjong
Kim Sang & De Meulder 2003). With c the entities that are right, f found, and n there,

    precision P = c / f        recall R = c / n        F1 = 2 P R / (P + R)

each 0 to 1, higher is better, 0 where nothing was found or is there. "micro" counts all types
together. Token accuracy is the share of tokens with the right tag.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

# a type, its first token, and the one after its last
Entity = tuple[str, int, int]
Sentences = Sequence[Collection[Entity]]


class EntityScore(NamedTuple):
    """Scores of one type of entities, "" for all together; see this module's page."""

    type: str
    precision: float
    recall: float
    f1: float
    correct: int
    found: int
    there: int


def entity_counts(truth: Sentences, found: Sentences) -> NDArray[np.int64]:
    """(N, 3) of each sentence's entities: right, found, and there.

    Raises:
        ValueError: as many sentences were not found as there are.
    """
    pairs = zip(truth, found, strict=True)
    rows = [(len(set(t) & set(f)), len(set(f)), len(set(t))) for t, f in pairs]
    return np.array(rows, np.int64).reshape(-1, 3)


def micro(counts: NDArray[np.int64]) -> tuple[float, float, float]:
    """Precision, recall and F1 of counts (..., 3) of what is right, found and there, summed."""
    correct, found, there = (int(n) for n in np.asarray(counts).reshape(-1, 3).sum(0))
    precision = correct / found if found else 0.0
    recall = correct / there if there else 0.0
    # the harmonic mean of both
    f1 = 2 * correct / (found + there) if found + there else 0.0
    return precision, recall, f1


def entity_scores(truth: Sentences, found: Sentences) -> list[EntityScore]:
    """Scores of all entities together, and then of each type, by name."""
    right: Counter[str] = Counter()
    told: Counter[str] = Counter()
    there: Counter[str] = Counter()
    for own, answer in zip(truth, found, strict=True):
        there.update(kind for kind, *_ in set(own))
        told.update(kind for kind, *_ in set(answer))
        right.update(kind for kind, *_ in set(own) & set(answer))
    rows = [("", right.total(), told.total(), there.total())]
    rows += [(kind, right[kind], told[kind], there[kind]) for kind in sorted({*there, *told})]
    return [EntityScore(kind, *micro(np.array([counts])), *counts) for kind, *counts in rows]


def token_accuracy(truth: Sequence[Sequence[str]], found: Sequence[Sequence[str]]) -> float:
    """Share of tokens with the right tag, 0 to 1; 0 where there are none."""
    pairs = [
        (one, other)
        for own, answer in zip(truth, found, strict=True)
        for one, other in zip(own, answer, strict=True)
    ]
    return sum(one == other for one, other in pairs) / len(pairs) if pairs else 0.0
