"""The field's weights as numbers say what crfsuite says; a shift finds more; the usual tag."""

from __future__ import annotations

import numpy as np
import pytest
import sklearn_crfsuite

from longshort.data.codecs.tags import spans
from longshort.data.corpus import Corpus
from longshort.data.readings.features import features
from longshort.yardsticks.labels.crf import (
    _as_numbers,
    commonest,
    fit_fields,
    how_good,
    usual,
)

NAMES = ["Ada", "Bob", "Cleo", "Dan"]
WORDS = ["met", "saw", "the", "old", "and", "ran"]


def corpus(count: int, seed: int) -> Corpus:
    """Names are persons, but now and then a name is none, so that rare entities are missed."""
    rng = np.random.default_rng(seed)
    tokens, tags = [], []
    for _ in range(count):
        words, marks = [], []
        for _ in range(rng.integers(2, 9)):
            if rng.random() < 0.3:
                words.append(str(rng.choice(NAMES)))
                marks.append("B-PER" if rng.random() < 0.4 else "O")
            else:
                words.append(str(rng.choice(WORDS)))
                marks.append("O")
        tokens.append(tuple(words))
        tags.append(tuple(marks))
    return Corpus("made up", tokens=tuple(tokens), tags=tuple(tags))


@pytest.fixture(scope="module")
def train() -> Corpus:
    return corpus(120, 0)


def test_weights_as_numbers_answer_as_crfsuite_does(train: Corpus) -> None:
    field = sklearn_crfsuite.CRF("lbfgs", c1=0.01, c2=0.1, max_iterations=50)
    read = [features(tokens) for tokens in train.tokens or ()]
    field.fit(read, [list(own) for own in train.tags or ()])
    other = corpus(60, 1)
    theirs = field.predict([features(tokens) for tokens in other.tokens or ()])
    numbers = _as_numbers(field)
    assert numbers.best(numbers.scores(other), 0.0) == [tuple(own) for own in theirs]


def test_a_shift_finds_what_is_rare(train: Corpus) -> None:
    valid, test = corpus(60, 2), corpus(200, 3)
    plain, shifted = fit_fields(train, valid, entities=True)
    truth = test.tags or ()

    def found(tags: list[tuple[str, ...]]) -> int:
        return sum(len(spans(own)) for own in tags)

    assert found(shifted.tags(test)) > found(plain.tags(test))
    better = how_good(truth, shifted.tags(test), entities=True)
    assert better > how_good(truth, plain.tags(test), entities=True)
    (alone,) = fit_fields(train, None, entities=True)
    assert alone.name == "linear-chain CRF"


def test_the_usual_tag_of_a_word() -> None:
    seen = Corpus("x", tokens=(("a", "b", "a"),), tags=(("N", "V", "N"),))
    rule = usual(seen)
    assert rule.tags(Corpus("y", tokens=(("b", "a", "new"), ()))) == [("V", "N", "N"), ()]
    assert rule.kind == "naive"
    assert commonest(seen).name == rule.name
