"""Rows of different lengths in one array, padded only when some of them are read."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from longshort.data.steps import Ints


@dataclass(frozen=True, eq=False)
class Ragged:
    """Row n is ``flat[starts[n]:starts[n + 1]]``.

    Args:
        flat: all rows one after the other.
        starts: (N + 1,) where each begins, and the end of the last.
    """

    flat: NDArray[np.int32]
    starts: Ints

    @classmethod
    def of(cls, rows: Iterable[Sequence[int]]) -> Self:
        """Rows as they come."""
        flat: list[int] = []
        starts = [0]
        for row in rows:
            flat.extend(row)
            starts.append(len(flat))
        return cls(np.array(flat, np.int32), np.array(starts, np.int64))

    @classmethod
    def joined(cls, rows: Sequence[NDArray[Any]]) -> Self:
        """Rows that are arrays of whole numbers."""
        flat = np.concatenate([np.zeros(0, np.int32), *rows]).astype(np.int32)
        return cls(flat, np.cumsum([0, *map(len, rows)], dtype=np.int64))

    @property
    def lengths(self) -> Ints:
        """(N,)"""
        return np.diff(self.starts)

    def padded(self, rows: Ints, least: int = 0) -> NDArray[np.int32]:
        """The rows of numbers (...), each padded with zeros to the longest: (..., G).

        A number below 0 is a row of nothing; G is ``least`` or more.
        """
        there = rows >= 0
        at = np.where(there, rows, 0)
        if not len(self.starts) - 1:
            return np.zeros((*rows.shape, least), np.int32)
        counts = np.where(there, self.lengths[at], 0)
        place = np.arange(max(int(counts.max(initial=0)), least))
        inside = place < counts[..., None]
        found = np.zeros(inside.shape, np.int32)
        found[inside] = self.flat[(self.starts[at][..., None] + place)[inside]]
        return found
