"""The order that examples are read in."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from longshort.data.steps import Ints

# batches that are sorted by length at once
_BLOCK = 50


@dataclass(frozen=True)
class Sampler:
    """The order of one pass over ``size`` examples, ``rows`` at a time.

    The whole state is (seed, epoch, position): the same three numbers give the same batches on any
    machine, and a pass goes on where another one stopped.

    A pass of at most ``most`` batches reads as many examples drawn without replacement, other ones
    in each epoch; without ``shuffle`` they are spread evenly, the same in each.

    Where the examples' ``lengths`` (size,) are given, those of a batch are of about the same
    length, so that little of it is padding: the order is cut into blocks of 50 batches, each block
    is sorted, and its batches come in any order (bucketing; Khomenko et al. 2016). Without
    ``shuffle`` the whole pass is sorted. What does not fill a batch comes last.
    """

    size: int
    rows: int
    shuffle: bool = True
    seed: int = 0
    epoch: int = 0
    position: int = 0
    most: int | None = None
    lengths: Ints | None = field(default=None, repr=False, compare=False)

    def __len__(self) -> int:
        """Batches of a whole pass."""
        whole = math.ceil(self.size / self.rows)
        return whole if self.most is None else min(whole, self.most)

    def order(self) -> Ints:
        """The example numbers of this pass in their order."""
        drawn = min(self.size, len(self) * self.rows)
        if not self.shuffle:
            spread = np.linspace(0, self.size - 1, drawn).round().astype(np.int64)
            order = np.arange(self.size) if drawn == self.size else spread
            if self.lengths is None:
                return order
            return order[np.argsort(self.lengths[order], kind="stable")]
        key = np.array([self.seed & (2**64 - 1), self.epoch], np.uint64)
        random = np.random.Generator(np.random.Philox(key=key))
        if drawn == self.size:
            order = random.permutation(self.size)
        else:
            order = random.choice(self.size, drawn, replace=False)
        if self.lengths is None:
            return order
        return _bucketed(order, self.lengths, self.rows, random)

    def batches(self) -> Iterator[tuple[int, list[int]]]:
        """(position, example numbers) from ``position`` to the end of the pass."""
        order = self.order()
        for position in range(self.position, len(self)):
            start = position * self.rows
            yield position, order[start : start + self.rows].tolist()


def _bucketed(order: Ints, lengths: Ints, rows: int, random: np.random.Generator) -> Ints:
    """An order in which every ``rows`` examples are of about the same length."""
    full = len(order) // rows * rows
    sorted_ = order.copy()
    for start in range(0, full, _BLOCK * rows):
        block = order[start : min(start + _BLOCK * rows, full)]
        sorted_[start : start + len(block)] = block[np.argsort(lengths[block], kind="stable")]
    batches = sorted_[:full].reshape(-1, rows)
    sorted_[:full] = batches[random.permutation(len(batches))].reshape(-1)
    return sorted_
