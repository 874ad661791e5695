"""A left-to-right HMM against sums over all paths, and on words that differ in order alone."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from scipy.stats import norm

from longshort.data.corpus import Corpus, Recorded
from longshort.yardsticks.labels.leftright import LeftRight, learn, likelihood


@pytest.fixture
def items() -> list[np.ndarray]:
    random = np.random.default_rng(0)
    return [random.standard_normal((n, 2)) + np.linspace(0, 3, n)[:, None] for n in (4, 6, 5, 7)]


@pytest.mark.parametrize("mixtures", [1, 2])
def test_the_likelihood_is_the_sum_over_all_paths(items: list[np.ndarray], mixtures: int) -> None:
    word = learn(items, 3, mixtures, np.full(2, 0.05))
    for x, found in zip(items, likelihood(word, items), strict=True):
        total = 0.0
        for path in product(range(3), repeat=len(x)):
            steps = np.diff(path)
            if path[0] != 0 or path[-1] != 2 or ((steps != 0) & (steps != 1)).any():
                continue
            p = float(np.exp(word.leave[-1]))
            for at, state in enumerate(path):
                each = norm.pdf(x[at], word.means[state], np.sqrt(word.variances[state])).prod(1)
                p *= float(each @ np.exp(word.weights[state]))
                if at:
                    moved = word.leave if path[at] != path[at - 1] else word.stay
                    p *= float(np.exp(moved[path[at - 1]]))
            total += p
        assert found == pytest.approx(np.log(total))


def test_learning_makes_items_likelier(items: list[np.ndarray]) -> None:
    one, three = (likelihood(learn(items, s, 1, np.full(2, 0.05)), items).sum() for s in (1, 3))
    assert three > one


def test_words_that_differ_in_order_alone() -> None:
    random = np.random.default_rng(1)
    frames, labels = {}, []
    for at in range(40):
        rising = at % 2 == 0
        n = int(random.integers(3, 20)) if at else 0
        x = np.linspace(-2, 2, n)[:, None] * (1 if rising else -1)
        frames[at] = (x + random.standard_normal((n, 1)) * 0.3).astype(np.float32)
        labels.append(("up",) if rising else ("down",))
    sound = tuple(Recorded(samples=np.full(10, at, np.float32), rate=8000) for at in range(40))
    corpus = Corpus("here", sound=sound, labels=tuple(labels))

    def each(part: Corpus) -> list[np.ndarray]:
        return [frames[int(own.samples[0])] for own in part.sound or ()]  # type: ignore[index]

    train, test = corpus.select(range(20)), corpus.select(range(20, 40))
    method = LeftRight(each, settings=((1, 1), (4, 1))).fit(train, None, ("down", "up"), 0)
    told = method.probabilities(test)
    np.testing.assert_allclose(told.sum(1), 1)
    assert [("down", "up")[k] for k in told.argmax(1)] == [own[0] for own in labels[20:]]
    # it is the states that tell the order: one state cannot
    single = LeftRight(each, settings=((1, 1),)).fit(train, None, ("down", "up"), 0)
    right = [("down", "up")[k] for k in single.probabilities(test).argmax(1)]
    assert np.mean([a == b[0] for a, b in zip(right, labels[20:], strict=True)]) < 0.9
