"""Kneser-Ney against sums over dictionaries, written down as the paper has them."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator

import numpy as np
import pytest

from longshort.errors import ArgumentError
from longshort.yardsticks.language.kneser_ney import (
    KneserNey,
    KneserNeyYardstick,
    UnigramYardstick,
)

Gram = tuple[int, ...]


def joined(*documents: list[int]) -> np.ndarray:
    """Documents one after the other; each begins with 0."""
    return np.array([s for document in documents for s in document], np.int64)


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
            for number, document in enumerate(documents):
                # the border that ends a document is read in it, too
                ended = [*document, 0] if number + 1 < len(documents) else document
                for at in range(len(ended) - n + 1):
                    gram = tuple(ended[at : at + n])
                    if n == 1 and at == 0 and number:
                        continue
                    raw[gram] += 1
                    if at:
                        before[gram].add(ended[at - 1])
                    else:
                        first[gram] += 1
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
    for number, document in enumerate(documents):
        for at, symbol in enumerate([*document, 0] if number + 1 < len(documents) else document):
            if at:
                yield -math.log(oracle.p(tuple(document[:at]), symbol))


@pytest.mark.parametrize("order", [1, 2, 3, 5])
@pytest.mark.parametrize("symbols", [3, 8])
def test_numbers_are_those_of_the_equations(order: int, symbols: int) -> None:
    documents = [text(seed, 150, symbols) for seed in range(3)] + [[0], [0, 1], [0, 1, 2]]
    others = [text(9, 80, symbols), [0, *[symbols - 1] * 8], [0, 2]]
    found = KneserNey(joined(*documents), order, symbols, border=0).nats(joined(*others))
    np.testing.assert_allclose(found, list(nats(Oracle(documents, order, symbols), others)))


@pytest.mark.parametrize("order", [1, 4])
def test_a_text_without_borders_is_one_document(order: int) -> None:
    one, other = text(1, 300, 4), text(2, 60, 4)
    found = KneserNey(joined(one), order, 4).nats(joined(other))
    np.testing.assert_allclose(found, list(nats(Oracle([one], order, 4), [other])))


def test_every_order_of_one_count_is_the_model_of_that_order() -> None:
    counts, other = joined(text(1, 400, 5), text(2, 30, 5)), joined(text(3, 100, 5))
    counted = KneserNey(counts, 6, 5, 0)
    for order, found in enumerate(counted.by_order(other, 6), 1):
        np.testing.assert_allclose(found, KneserNey(counts, order, 5, 0).nats(other))
        np.testing.assert_allclose(found, counted.nats(other, order))


@pytest.mark.parametrize("order", [1, 3, 7])
def test_probabilities_sum_to_one_after_any_history(order: int) -> None:
    counted = KneserNey(joined(text(4, 300, 6), [0, 2, 2]), order, 9, 0)
    for history in ([0], [8, 8, 8], [1, 2, 3, 4, 5], text(4, 300, 6)[-6:]):
        found = counted.distribution(np.array(history, np.int64))
        assert found.sum() == pytest.approx(1)
        assert (found > 0).all()


def test_documents_do_not_run_on_into_each_other() -> None:
    counted = KneserNey(joined([0, 1, 2] * 20), 4, 3, 0)
    apart = counted.nats(joined([0, 1, 2], [0, 2, 1]))
    np.testing.assert_allclose(apart[3:], counted.nats(joined([0, 2, 1])))


def test_it_comes_near_the_entropy_of_a_chain() -> None:
    counted = KneserNey(joined(text(5, 40_000, 7)), 2, 7)
    wrapped = np.array([sum(0.5 ** (k + 6 * turn) for turn in range(20)) for k in range(1, 7)])
    entropy = -float((wrapped * np.log(wrapped)).sum())
    found = counted.nats(joined(text(6, 40_000, 7)))[5:].mean()
    assert entropy - 0.01 < found < entropy + 0.01


def test_a_yardstick_chooses_its_order_on_the_validation_part() -> None:
    train, valid, test = (joined(text(seed, 3000, 6)) for seed in (1, 2, 3))
    method = KneserNeyYardstick().fit(train, valid, 6, border=0, both=False)
    # the chain remembers one symbol
    assert method.name == "Kneser-Ney 2-gram"
    assert method.kind == "classical"
    np.testing.assert_allclose(method.nats(test), KneserNey(train, 2, 6, 0).nats(test))
    both = KneserNeyYardstick().fit(train, valid, 6, border=0, both=True)
    wanted = KneserNey(np.append(train, valid), 2, 6, 0).nats(test)
    np.testing.assert_allclose(both.nats(test), wanted)
    alone = KneserNeyYardstick(3).fit(train, None, 6, border=0, both=True)
    assert alone.name == "Kneser-Ney 3-gram"


def test_unigrams_are_shares() -> None:
    method = UnigramYardstick().fit(np.array([0, 0, 1]), None, 3, border=None, both=False)
    np.testing.assert_allclose(np.exp(-method.nats(np.array([0, 1, 2]))), [2 / 6, 1 / 6])


def test_one_symbol_is_no_surprise_and_no_text_is_refused() -> None:
    np.testing.assert_allclose(KneserNey(joined([0] * 9), 4, 1).nats(joined([0] * 5)), 0)
    # an order that is longer than the text
    assert np.isfinite(KneserNey(joined([0, 1]), 8, 3).nats(joined([2, 1, 0]))).all()
    with pytest.raises(ArgumentError, match="0 symbols"):
        KneserNey(joined([]), 2, 3)
    with pytest.raises(ArgumentError, match="must be 0 to 2"):
        KneserNey(joined([0, 3]), 2, 3)
