"""One part of a text as symbols, with where its documents begin and what each symbol stands for."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from longshort.errors import DataError

Ints = NDArray[np.int64]


class Strangers(NamedTuple):
    """Words of a run of symbols that no symbol stands for: where, and how they are written.

    Args:
        places: (M,), rising.
        numbers: (M,), which of the words stands there.
        letters: (W, C) of the words, see ``data.codecs.spelling``.
    """

    places: Ints
    numbers: Ints
    letters: NDArray[np.int16]

    def cut(self, start: int, stop: int) -> Strangers:
        """Those of a part of the run, as a run of its own."""
        low, high = np.searchsorted(self.places, [start, stop])
        return Strangers(self.places[low:high] - start, self.numbers[low:high], self.letters)

    def turned(self, size: int) -> Strangers:
        """Those of the run of ``size`` symbols from its end."""
        return Strangers(size - 1 - self.places[::-1], self.numbers[::-1], self.letters)

    def spread(self, inserted: Ints) -> Strangers:
        """Those of the run after symbols were inserted before these places of it, rising."""
        return self._replace(places=self.places + np.searchsorted(inserted, self.places, "right"))

    def followed(self, size: int, later: Strangers) -> Strangers:
        """Those of this run, of ``size`` symbols, and of another one behind it."""
        wide = max(self.letters.shape[1], later.letters.shape[1])
        both = (self.letters, later.letters)
        letters = [np.pad(one, ((0, 0), (0, wide - one.shape[1]))) for one in both]
        return Strangers(
            np.concatenate([self.places, later.places + size]),
            np.concatenate([self.numbers, later.numbers + len(self.letters)]),
            np.concatenate(letters),
        )

    def at(self, places: Ints) -> NDArray[np.int64] | None:
        """How the words at places (B, T) are written, (B, T, C): 0 where no stranger stands.

        None where there is none.
        """
        if not len(self.places):
            return None
        found = np.searchsorted(self.places, places).clip(max=len(self.places) - 1)
        there = self.places[found] == places
        if not there.any():
            return None
        letters = self.letters[self.numbers[found[there]]]
        letters = letters[:, : int((letters > 0).sum(1).max())]
        told = np.zeros((*places.shape, letters.shape[1]), np.int64)
        told[there] = letters
        return told


class Stretch(NamedTuple):
    """Documents one after the other, N symbols in all.

    The first symbol of a document is given and never scored: nothing comes before it. A mark that
    stands before each document makes its first real symbol one that is scored.

    Args:
        symbols: (N,), 0 to K - 1.
        begins: (D,), where documents begin, rising, the first at 0.
        counts: (N,), how many of what scores are told per each symbol stands for: characters of a
            text, frames or notes of music; a mark stands for 0.
        bytes: (N,), and bytes of a text in UTF-8. Of an unknown word both are the word's own.
        strangers: how unknown words are written, where the model reads that.
    """

    symbols: Ints
    begins: Ints
    counts: Ints
    bytes: Ints
    strangers: Strangers | None = None

    @property
    def scored(self) -> NDArray[np.bool_]:
        """(N,), False at the first symbol of each document."""
        mask = np.ones(len(self.symbols), bool)
        mask[self.begins] = False
        return mask

    def strangers_in(self, start: int, stop: int) -> Strangers | None:
        """How unknown words of a part are written, as a run of its own."""
        return None if self.strangers is None else self.strangers.cut(start, stop)

    def backwards(self) -> Stretch:
        """The same documents from the last symbol of all to the first."""
        ends = np.append(self.begins[1:], len(self.symbols))
        begins = len(self.symbols) - ends[::-1]
        own = (self.symbols, self.counts, self.bytes)
        symbols, counts, size = (values[::-1].copy() for values in own)
        strangers = None if self.strangers is None else self.strangers.turned(len(symbols))
        return Stretch(symbols, begins, counts, size, strangers)

    def documents(self) -> Ints:
        """(N,), the number of the document that each symbol is in."""
        starts = np.zeros(len(self.symbols), np.int64)
        starts[self.begins[1:]] = 1
        return starts.cumsum()

    def check(self, what: str) -> None:
        """Raises DataError where nothing can be scored; ``what`` names the part."""
        if not self.scored.any():
            raise DataError(
                f"{what}: {len(self.symbols)} symbols in {len(self.begins)} documents: a score "
                "needs a document of two symbols or more; give more text, or a larger share of it"
            )


def joined(parts: list[Stretch]) -> Stretch:
    """Parts one after the other; documents do not run on from one to the next."""
    sizes = np.cumsum([0, *(len(part.symbols) for part in parts)])
    return Stretch(
        np.concatenate([part.symbols for part in parts]),
        np.concatenate([part.begins + at for part, at in zip(parts, sizes, strict=False)]),
        np.concatenate([part.counts for part in parts]),
        np.concatenate([part.bytes for part in parts]),
    )
