"""One part of a text as symbols, with where its documents begin and what each symbol stands for."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from longshort.errors import DataError

Ints = NDArray[np.int64]


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
    """

    symbols: Ints
    begins: Ints
    counts: Ints
    bytes: Ints

    @property
    def scored(self) -> NDArray[np.bool_]:
        """(N,), False at the first symbol of each document."""
        mask = np.ones(len(self.symbols), bool)
        mask[self.begins] = False
        return mask

    def backwards(self) -> Stretch:
        """The same documents from the last symbol of all to the first."""
        ends = np.append(self.begins[1:], len(self.symbols))
        begins = len(self.symbols) - ends[::-1]
        own = (self.symbols, self.counts, self.bytes)
        symbols, counts, size = (values[::-1].copy() for values in own)
        return Stretch(symbols, begins, counts, size)

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
