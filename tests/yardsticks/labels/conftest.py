"""Small labelled corpora: short reviews, and gestures of two channels."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from longshort.data.corpus import Corpus
from longshort.data.sequences import Field, Sequences

GOOD, BAD = ("good", "great", "lovely", "fine"), ("bad", "poor", "dull", "awful")


def recordings(values: Sequence[np.ndarray], labels: Sequence[str], **known: object) -> Corpus:
    """A corpus of series, each (T, F)."""
    width = values[0].shape[1]
    series = Sequences(
        fields=tuple(Field(f"x{k}", "past") for k in range(width)),
        keys=tuple(f"r{i}" for i in range(len(values))),
        offsets=np.concatenate([[0], np.cumsum([len(each) for each in values])]),
        times=None,
        step=None,
        values=np.concatenate(values),
        source="gestures",
    )
    return Corpus("gestures", series=series, labels=tuple((each,) for each in labels), **known)


def gestures(items: int, seed: int) -> Corpus:
    """A bump that comes early or late, of lengths from 20 to 30."""
    random = np.random.default_rng(seed)
    values, labels = [], []
    for item in range(items):
        rows = int(random.integers(20, 31))
        at = (0.25 if item % 2 else 0.75) * rows + random.normal(0, 1)
        bump = np.exp(-np.square((np.arange(rows) - at) / 3))
        values.append(np.stack([bump, -bump], 1) + random.normal(0, 0.1, (rows, 2)))
        labels.append("early" if item % 2 else "late")
    return recordings(values, labels)


def reviews(items: int, seed: int) -> Corpus:
    """Eight words, two of which tell good from bad."""
    random = np.random.default_rng(seed)
    texts, labels = [], []
    for item in range(items):
        words = [f"word{random.integers(30)}" for _ in range(6)]
        words += random.choice(GOOD if item % 2 else BAD, 2).tolist()
        texts.append(" ".join(random.permutation(words)))
        labels.append("pos" if item % 2 else "neg")
    return Corpus("reviews.csv", texts=tuple(texts), labels=tuple((each,) for each in labels))


@pytest.fixture(scope="session")
def gesture_parts() -> tuple[Corpus, Corpus, Corpus]:
    return gestures(40, 0), gestures(20, 1), gestures(60, 2)


@pytest.fixture(scope="session")
def review_parts() -> tuple[Corpus, Corpus, Corpus]:
    return reviews(200, 0), reviews(60, 1), reviews(120, 2)
