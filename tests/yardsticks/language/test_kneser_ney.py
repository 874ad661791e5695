"""Kneser-Ney against sums over dictionaries, written down as the paper has them."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator

import numpy as np
import pytest

from longshort.data.stretch import Stretch, joined
from longshort.errors import ArgumentError
from longshort.yardsticks.language.kneser_ney import (
    KneserNey,
    KneserNeyYardstick,
    UnigramYardstick,
)

Gram = tuple[int, ...]


def stretch(*documents: list[int]) -> Stretch:
    symbols = np.array([s for document in documents for s in document], np.int64)
    begins = np.cumsum([0, *(len(document) for document in documents[:-1])])
    return Stretch(symbols, begins, np.ones_like(symbols), np.ones_like(symbols))


def text(seed: int, size: int, symbols: int) -> list[int]:
    """0, then symbols from 1 on that lean on the one before them."""
    random = np.random.default_rng(seed)
    found = [0, 1]
    for _ in range(size - 2):
        found.append(int((found[-1] - 1 + random.geometric(0.5)) % (symbols - 1)) + 1)
    return found


class Oracle:
    """The equations, n-gram by n-gram."""

    def __init__(self, documents: list[list[int]], order: int, symbols: int) -> None:
        self.order, self.symbols = order, symbols
        self.counts: list[dict[Gram, int]] = []
        for n in range(1, order + 1):
            raw: dict[Gram, int] = defaultdict(int)
            before: dict[Gram, set[int]] = defaultdict(set)
            first: dict[Gram, int] = defaultdict(int)
            for document in documents:
                for at in range(len(document) - n + 1):
                    gram = tuple(document[at : at + n])
                    if at:
                        before[gram].add(document[at - 1])
                    else:
                        # what is given is not counted as something that was told
                        first[gram] += n > 1
                    raw[gram] += n > 1 or at > 0
            kept = {gram: len(before[gram]) + first[gram] for gram in raw}
            self.counts.append(dict(raw) if n == order else kept)

    def discount(self, n: int, count: int) -> float:
        found = [sum(c == k for c in self.counts[n - 1].values()) for k in (1, 2, 3, 4)]
        off = [0.0, 0.5, 1.0, 1.5]
        if all(found):
            y = found[0] / (found[0] + 2 * found[1])
            told = [k - (k + 1) * y * found[k] / found[k - 1] for k in (1, 2, 3)]
            if all(0 < d <= k for k, d in enumerate(told, 1)):
                off[1:] = told
        return off[min(count, 3)]

    def p(self, history: Gram, symbol: int) -> float:
        history = history[max(0, len(history) - self.order + 1) :]
        return self.p_n(len(history) + 1, history, symbol)

    def p_n(self, n: int, history: Gram, symbol: int) -> float:
        if n == 0:
            return 1 / self.symbols
        lower = self.p_n(n - 1, history[1:], symbol)
        following = [
            c for s in range(self.symbols) if (c := self.counts[n - 1].get((*history, s), 0))
        ]
        if not following:
            return lower
        count = self.counts[n - 1].get((*history, symbol), 0)
        spare = sum(self.discount(n, c) for c in following)
        return (count - self.discount(n, count) + spare * lower) / sum(following)


def nats(oracle: Oracle, documents: list[list[int]]) -> Iterator[float]:
    for document in documents:
        for at, symbol in enumerate(document):
            yield -math.log(oracle.p(tuple(document[:at]), symbol)) if at else 0.0


@pytest.mark.parametrize("order", [1, 2, 3, 5])
@pytest.mark.parametrize("symbols", [3, 8])
def test_numbers_are_those_of_the_equations(order: int, symbols: int) -> None:
    documents = [[*text(seed, 150, symbols), 0] for seed in range(3)] + [[0], [0, 1], [1, 2, 0]]
    others = [text(9, 80, symbols), [0, *[symbols - 1] * 8], [0, 2]]
    found = KneserNey(stretch(*documents), order, symbols).nats(stretch(*others))
    np.testing.assert_allclose(found, list(nats(Oracle(documents, order, symbols), others)))


def test_every_order_of_one_count_is_the_model_of_that_order() -> None:
    counts, other = stretch(text(1, 400, 5), text(2, 30, 5)), stretch(text(3, 100, 5))
    counted = KneserNey(counts, 6, 5)
    for order, found in enumerate(counted.by_order(other, 6), 1):
        np.testing.assert_allclose(found, KneserNey(counts, order, 5).nats(other))
        np.testing.assert_allclose(found, counted.nats(other, order))


@pytest.mark.parametrize("order", [1, 3, 7])
def test_probabilities_sum_to_one_after_any_history(order: int) -> None:
    counted = KneserNey(stretch(text(4, 300, 6), [0, 2, 2]), order, 9)
    for history in ([0], [8, 8, 8], [1, 2, 3, 4, 5], text(4, 300, 6)[-6:]):
        found = counted.distribution(np.array(history, np.int64))
        assert found.sum() == pytest.approx(1)
        assert (found > 0).all()


def test_documents_do_not_run_on_into_each_other() -> None:
    counted = KneserNey(stretch([0, 1, 2] * 20), 4, 3)
    apart = counted.nats(stretch([0, 1, 2], [0, 2, 1]))
    np.testing.assert_allclose(apart[3:], counted.nats(stretch([0, 2, 1])))


def test_it_comes_near_the_entropy_of_a_chain() -> None:
    counted = KneserNey(stretch(text(5, 40_000, 7)), 2, 7)
    wrapped = np.array([sum(0.5 ** (k + 6 * turn) for turn in range(20)) for k in range(1, 7)])
    entropy = -float((wrapped * np.log(wrapped)).sum())
    found = counted.nats(stretch(text(6, 40_000, 7)))[5:].mean()
    assert entropy - 0.01 < found < entropy + 0.01


def test_a_yardstick_chooses_its_order_on_the_validation_part() -> None:
    train, valid, test = (stretch(text(seed, 3000, 6)) for seed in (1, 2, 3))
    method = KneserNeyYardstick().fit(train, valid, 6)
    # the chain remembers one symbol
    assert method.name == "Kneser-Ney 2-gram"
    assert method.kind == "classical"
    np.testing.assert_allclose(method.nats(test), KneserNey(train, 2, 6).nats(test))
    both = KneserNeyYardstick().fit(train, valid, 6, both=True)
    wanted = KneserNey(joined([train, valid]), 2, 6).nats(test)
    np.testing.assert_allclose(both.nats(test), wanted)
    alone = KneserNeyYardstick(3).fit(train, None, 6, both=True)
    assert alone.name == "Kneser-Ney 3-gram"


def test_unigrams_are_shares_of_what_is_told() -> None:
    method = UnigramYardstick().fit(stretch([0, 0, 1]), None, 3)
    found = np.exp(-method.nats(stretch([0, 0, 1, 2])))
    np.testing.assert_allclose(found, [1, 2 / 5, 2 / 5, 1 / 5])


def test_one_symbol_is_no_surprise_and_no_text_is_refused() -> None:
    np.testing.assert_allclose(KneserNey(stretch([0] * 9), 4, 1).nats(stretch([0] * 5)), 0)
    # an order that is longer than the text
    assert np.isfinite(KneserNey(stretch([0, 1]), 8, 3).nats(stretch([2, 1, 0]))).all()
    with pytest.raises(ArgumentError, match="0 symbols"):
        KneserNey(stretch([]), 2, 3)
    with pytest.raises(ArgumentError, match="must be 0 to 2"):
        KneserNey(stretch([0, 3]), 2, 3)
