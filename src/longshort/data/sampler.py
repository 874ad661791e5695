"""The order that examples are read in."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from longshort.data.steps import Ints


@dataclass(frozen=True)
class Sampler:
    """The order of one pass over ``size`` examples, ``rows`` at a time.

    The whole state is (seed, epoch, position): the same three numbers give the same batches on any
    machine, and a pass goes on where another one stopped.

    A pass of at most ``most`` batches reads as many examples drawn without replacement, other ones
    in each epoch; without ``shuffle`` they are spread evenly, the same in each.
    """

    size: int
    rows: int
    shuffle: bool = True
    seed: int = 0
    epoch: int = 0
    position: int = 0
    most: int | None = None

    def __len__(self) -> int:
        """Batches of a whole pass."""
        whole = math.ceil(self.size / self.rows)
        return whole if self.most is None else min(whole, self.most)

    def order(self) -> Ints:
        """The example numbers of this pass in their order."""
        drawn = min(self.size, len(self) * self.rows)
        if not self.shuffle:
            if drawn == self.size:
                return np.arange(self.size)
            return np.linspace(0, self.size - 1, drawn).round().astype(np.int64)
        key = np.array([self.seed & (2**64 - 1), self.epoch], np.uint64)
        random = np.random.Generator(np.random.Philox(key=key))
        if drawn == self.size:
            return random.permutation(self.size)
        return random.choice(self.size, drawn, replace=False)

    def batches(self) -> Iterator[tuple[int, list[int]]]:
        """(position, example numbers) from ``position`` to the end of the pass."""
        order = self.order()
        for position in range(self.position, len(self)):
            start = position * self.rows
            yield position, order[start : start + self.rows].tolist()
