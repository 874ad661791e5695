"""n-grams as what prefix search adds: of the model's own symbols, by counts of transcripts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from longshort.data.stretch import Ints, Stretch
from longshort.heads.ctc import BLANK
from longshort.yardsticks.language.kneser_ney import KneserNey

Floats = NDArray[np.float64]
# histories whose answers are remembered
_HELD = 200_000


class After(Protocol):
    """n-grams of K classes, of which class 0 is where a transcript begins and ends."""

    @property
    def order(self) -> int:
        """n."""
        ...

    def log_p(self, history: tuple[int, ...]) -> Floats:
        """(K,) log-probabilities of what follows up to n - 1 classes, the last one nearest."""
        ...


class Counted:
    """Kneser-Ney n-grams over the symbols of transcripts; see ``yardsticks.language``.

    Args:
        said: symbols (U,) of each transcript, from 1 on.
        order: n.
        classes: K.
    """

    def __init__(self, said: Sequence[Ints], order: int, classes: int) -> None:
        border = np.array([BLANK])
        documents = [np.concatenate([border, own, border]) for own in said]
        begins = np.cumsum([0, *(len(own) for own in documents)])[:-1]
        symbols = np.concatenate(documents)
        self.order = order
        self._counts = KneserNey(Stretch(symbols, begins, symbols, symbols), order, classes)

    def log_p(self, history: tuple[int, ...]) -> Floats:
        """See ``After``."""
        return np.log(self._counts.distribution(np.array(history, np.int64)))


class SymbolPrior:
    """A ``heads.prefixes.Prior``: weight * log p(symbol | those before it) + bonus for each.

    Args:
        after: the n-grams.
        weight: of their log-probabilities.
        bonus: for each symbol.
    """

    def __init__(self, after: After, weight: float, bonus: float) -> None:
        self._after, self._weight, self._bonus = after, weight, bonus
        self._held: dict[tuple[int, ...], Floats] = {}

    def start(self, rows: int) -> Floats:
        """See ``Prior``."""
        self._histories = [(BLANK,)[: max(self._after.order - 1, 1)]] * rows
        self._told = np.repeat(self._of(self._histories[0])[None], rows, 0) if rows else None
        return self._gains()

    def read(self, rows: Ints, choice: Ints) -> Floats:
        """See ``Prior``."""
        assert self._told is not None
        before = self._histories
        self._histories = [before[row] for row in rows.tolist()]
        self._told = self._told[rows]
        keep = max(self._after.order - 1, 1)
        for row in np.flatnonzero(choice >= 0).tolist():
            history = (*self._histories[row], int(choice[row]))[-keep:]
            self._histories[row] = history
            self._told[row] = self._of(history)
        return self._gains()

    def end(self) -> Floats:
        """See ``Prior``."""
        assert self._told is not None
        return np.asarray(self._weight * self._told[:, BLANK])

    def _of(self, history: tuple[int, ...]) -> Floats:
        found = self._held.get(history)
        if found is None:
            if len(self._held) >= _HELD:
                self._held.clear()
            found = self._held[history] = self._after.log_p(history)
        return found

    def _gains(self) -> Floats:
        assert self._told is not None
        return np.asarray(self._weight * self._told + self._bonus)
