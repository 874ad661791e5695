"""n-grams: interpolated modified Kneser-Ney, and how often each symbol occurs.

Chen and Goodman 1999, "An empirical study of smoothing techniques for language modeling", Computer
Speech and Language 13(4), section 4.3. With h the n - 1 symbols before w, and h' all but the first:

    p_n(w | h) = max(c(h w) - D(c(h w)), 0) / sum_v c(h v) + g(h) p_(n-1)(w | h')
    g(h)       = (D_1 N_1(h) + D_2 N_2(h) + D_3 N_3+(h)) / sum_v c(h v)
    Y = n_1 / (n_1 + 2 n_2),  D_k = k - (k + 1) Y n_(k+1) / n_k,  k = 1, 2, 3 (3 for 3 and more)

At the highest order c is how often an n-gram occurs; below it, how many different symbols stand
before it, and how often it stands at a document's beginning. N_k(h) counts the symbols that follow
h with c = k, n_k all n-grams with c = k; a document's first symbol is given, and no 1-gram. Below
the first order stands 1 / K, and a history that never occurred hands on to the shorter one, so that
every history gives probabilities that sum to 1.

n-grams are numbered order by order: the number of one is found from that of its first n - 1 symbols
and its last symbol. Nothing but sorted arrays is held, about 60 bytes for each different n-gram.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from longshort.contracts import whole
from longshort.data.sequences import Floats
from longshort.data.stretch import Ints, Stretch, joined
from longshort.errors import ArgumentError
from longshort.records import Kind
from longshort.yardsticks.language.base import LanguageMethod

# what is taken off counts of 1, 2 and more where a text has too few of them to tell
_USUAL = (0.5, 1.0, 1.5)
# no history or n-gram of this number
_NONE = -1


class _Counts:
    """Counts of all n-grams of one order, and what follows of them.

    Args:
        keys: (G,) rising, history * K + symbol.
        counts: (G,), c.
        histories: how many histories there are.
        symbols: K.
    """

    def __init__(self, keys: Ints, counts: Ints, histories: int, symbols: int) -> None:
        ones, twos, threes, fours = (float((counts == k).sum()) for k in (1, 2, 3, 4))
        off = np.array([0.0, *_discounts(ones, twos, threes, fours)])[np.minimum(counts, 3)]
        before = keys // symbols
        self.total = np.bincount(before, counts, histories)
        self.spare = np.bincount(before, off, histories)
        self.left = counts - off


def _discounts(ones: float, twos: float, threes: float, fours: float) -> tuple[float, ...]:
    """D_1, D_2 and D_3, each from 0 to its count."""
    if not (ones and twos and threes and fours):
        return _USUAL
    share = ones / (ones + 2 * twos)
    found = (
        1 - 2 * share * twos / ones,
        2 - 3 * share * threes / twos,
        3 - 4 * share * fours / threes,
    )
    return found if all(0 < d <= k for k, d in enumerate(found, 1)) else _USUAL


class _Order(NamedTuple):
    """All n-grams of one order: numbered by their place among ``keys``.

    ``raw`` is of how often each occurs, ``lower`` of how many symbols stand before it.
    """

    keys: Ints
    raw: _Counts
    lower: _Counts


class KneserNey:
    """Interpolated modified Kneser-Ney of every order from 1 to ``order``; see the module.

    Args:
        text: what is counted.
        order: n, 1 or more.
        symbols: K; every symbol of any text is below it.

    Raises:
        ArgumentError: ``order`` is not a whole number, a symbol is not below K, or there is none.
    """

    def __init__(self, text: Stretch, order: int, symbols: int) -> None:
        self.order, self.symbols = whole("order", order, 1), whole("symbols", symbols, 1)
        self._check(text)
        self._orders = list(self._count(text))

    def _check(self, text: Stretch) -> None:
        if not len(text.symbols):
            raise ArgumentError("n-grams of a text of 0 symbols: there is nothing to count")
        if not 0 <= text.symbols.min() <= text.symbols.max() < self.symbols:
            raise ArgumentError(
                f"symbols {text.symbols.min()} to {text.symbols.max()}: must be 0 to "
                f"{self.symbols - 1}"
            )

    def _count(self, text: Stretch) -> Iterator[_Order]:
        length = _lengths(text)
        keys, ends = self._numbered(text.symbols, length, 1, np.zeros_like(text.symbols))
        histories = 1
        for n in range(1, self.order + 1):
            size = len(keys)
            longer_keys, longer = self._numbered(text.symbols, length, n + 1, ends)
            # one of each longer n-gram tells which n-gram it ends with
            found, place = np.unique(longer, return_index=True)
            before = np.bincount(ends[place[found >= 0]], minlength=size)
            if n > 1:
                before += np.bincount(ends[length == n], minlength=size)
            raw = np.bincount(ends[length >= max(n, 2)], minlength=size)
            counted = (_Counts(keys, c, histories, self.symbols) for c in (raw, before))
            yield _Order(keys, *counted)
            keys, ends, histories = longer_keys, longer, size

    def _numbered(self, text: Ints, length: Ints, n: int, shorter: Ints) -> tuple[Ints, Ints]:
        """All n-grams, and the number of the one that ends at each position (N,)."""
        key = self._keys(text, _histories(shorter, length, n))
        found = np.unique(key[key >= 0])
        return found, np.where(key >= 0, np.searchsorted(found, key), _NONE)

    def _keys(self, text: Ints, history: Ints) -> Ints:
        return np.where(history >= 0, history * self.symbols + text, _NONE)

    def nats(self, text: Stretch, order: int | None = None) -> Floats:
        """(N,), -log p of each symbol given up to ``order`` - 1 before it; 0 where one is given.

        Args:
            text: another text, or the same.
            order: up to that of the counts, which is the default.
        """
        *_, found = self.by_order(text, self.order if order is None else order)
        return found

    def by_order(self, text: Stretch, most: int) -> Iterator[Floats]:
        """``nats`` at order 1, 2, ... ``most``, each for little more than the last alone costs."""
        self._check(text)
        lower = np.full(len(text.symbols), 1 / self.symbols)
        length, ends = _lengths(text), np.zeros_like(text.symbols)
        for n, order in enumerate(self._orders[:most], 1):
            history = _histories(ends, length, n)
            key = self._keys(text.symbols, history)
            place = np.searchsorted(order.keys, key)
            place[place == len(order.keys)] = 0
            # a text may be shorter than the order: then there are no such n-grams
            there = order.keys[place] == key if len(order.keys) else np.zeros(len(key), bool)
            ends = np.where((key >= 0) & there, place, _NONE)
            # occurrences count at the highest order alone, and any order may be that
            yield np.where(length > 1, -np.log(_interpolated(order.raw, history, ends, lower)), 0.0)
            lower = _interpolated(order.lower, history, ends, lower)

    def distribution(self, history: Ints) -> Floats:
        """(K,), the probability of each symbol after a history (N,), N being 1 or more."""
        symbols = np.tile(np.append(history, 0), self.symbols)
        size = len(history) + 1
        symbols[size - 1 :: size] = np.arange(self.symbols)
        begins = np.arange(0, len(symbols), size)
        nats = self.nats(Stretch(symbols, begins, symbols, symbols))
        return np.asarray(np.exp(-nats[size - 1 :: size]))


def _lengths(text: Stretch) -> Ints:
    """(N,), symbols of the document up to each, that one included: an n-gram is no longer."""
    return np.asarray(np.arange(1, len(text.symbols) + 1) - text.begins[text.documents()])


def _histories(ends: Ints, length: Ints, n: int) -> Ints:
    """(N,), the history of each position at order n: the shorter n-gram that ends before it."""
    if n == 1:
        return np.zeros_like(ends)
    return np.where(length >= n, np.concatenate([[_NONE], ends[:-1]]), _NONE)


def _interpolated(counts: _Counts, history: Ints, ends: Ints, lower: Floats) -> Floats:
    """p_n of each position, of p_(n-1)."""
    found = lower.copy()
    known = np.flatnonzero(history >= 0)
    known = known[counts.total[history[known]] > 0]
    left = np.zeros(len(known))
    seen = ends[known] >= 0
    left[seen] = counts.left[ends[known[seen]]]
    spare, total = counts.spare[history[known]], counts.total[history[known]]
    found[known] = (left + spare * lower[known]) / total
    return found


# the yardsticks


@dataclass(frozen=True)
class KneserNeyYardstick:
    """Interpolated modified Kneser-Ney; the order with the least surprise on the validation part.

    Args:
        orders: the highest that is tried. Without a validation part it is the one that is taken.
    """

    orders: int = 8
    kind: Kind = "classical"

    @property
    def name(self) -> str:
        """How it is called in tables; the method that it fits adds its order."""
        return "Kneser-Ney"

    def fit(
        self, train: Stretch, valid: Stretch | None, symbols: int, both: bool = False
    ) -> LanguageMethod:
        """See ``LanguageYardstick``."""
        counted, order = KneserNey(train, self.orders, symbols), self.orders
        if valid is not None and valid.scored.any():
            losses = [nats.sum() for nats in counted.by_order(valid, self.orders)]
            order = int(np.argmin(losses)) + 1
            if both:
                counted = KneserNey(joined([train, valid]), order, symbols)
        return LanguageMethod(
            f"{self.name} {order}-gram", self.kind, lambda text: counted.nats(text, order)
        )


@dataclass(frozen=True)
class UnigramYardstick:
    """How often each symbol occurs, whatever stands before it: (c + 1) / (N + K) (Laplace)."""

    name: str = "unigram"
    kind: Kind = "naive"

    def fit(
        self, train: Stretch, valid: Stretch | None, symbols: int, both: bool = False
    ) -> LanguageMethod:
        """See ``LanguageYardstick``."""
        text = joined([train, valid]) if both and valid is not None else train
        counts = np.bincount(text.symbols[text.scored], minlength=symbols) + 1
        surprise = -np.log(counts / counts.sum())
        return LanguageMethod(
            self.name, self.kind, lambda other: surprise[other.symbols] * other.scored
        )
