"""Problems whose answer is known: what a recurrence must remember, for how long, and what it gains.

Each is an ``Examples`` that makes example n of (seed, n) alone: the same two numbers give the same
example in any batch, order, process and version, and two seeds share no examples on purpose. So
training, validation and test parts are three seeds.

``chance`` is the lowest mean loss of a model that knows all about a problem but does not remember
what it must, ``optimum`` that of one which does; both are expectations over all examples.

Hochreiter & Schmidhuber (1997), Neural Computation 9(8), experiments 1, 4 and 6; the forms of the
adding and of the copy problem that are usual today are those of Arjovsky, Shah & Bengio (2016,
arXiv 1511.06464).
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from longshort.contracts import Batch, Params, within
from longshort.errors import ArgumentError

Values = NDArray[np.float32] | NDArray[np.int64]


class Example(NamedTuple):
    """One row: what is read, (T, F) of float32 or (T,) of int64, and what is asked for."""

    read: Values
    target: Values


@dataclass(frozen=True, kw_only=True)
class Problem(Params, ABC):
    """Examples that are made when they are asked for.

    Args:
        size: how many there are.
        seed: of all of them, 0 to 2**64 - 1.

    Raises:
        ArgumentError: a value out of range, or a number of an example that there is not.
    """

    size: int = 10_000
    seed: int = 0

    # of ``chance`` and ``optimum``, per scored element
    unit: ClassVar[str]
    group: ClassVar[str]

    def __post_init__(self) -> None:
        self._at_least("size", 0)
        self._at_least("seed", 0)

    @property
    def streams(self) -> int | None:
        """None: examples are independent of each other."""
        return None

    @property
    @abstractmethod
    def chance(self) -> float:
        """Mean loss of the best model that does not remember."""

    @property
    @abstractmethod
    def optimum(self) -> float:
        """Mean loss of the best model."""

    @abstractmethod
    def example(self, number: int) -> Example:
        """The example of that number, which may also be ``size`` or larger."""

    def __len__(self) -> int:
        return self.size

    def batch(self, index: Sequence[int]) -> Batch:
        """The examples of those numbers; shorter ones are padded to the longest with zeros."""
        for number in index:
            if not 0 <= number < self.size:
                raise ArgumentError(
                    f"{type(self).__name__}: no example {number}, there are {self.size}"
                )
        examples = [self.example(int(number)) for number in index]
        lengths = torch.tensor([len(example.read) for example in examples], dtype=torch.int64)
        inputs = {self.group: _padded([example.read for example in examples])}
        return self._batch(inputs, lengths, [example.target for example in examples])

    def _batch(
        self,
        inputs: dict[str, Tensor],
        lengths: Tensor,
        targets: list[Values],
    ) -> Batch:
        return Batch(inputs, lengths, targets=_padded(targets))

    def _at_least(self, name: str, least: int) -> None:
        value = getattr(self, name)
        if value < least:
            raise ArgumentError(f"{type(self).__name__}({name}={value}): must be {least} or more")


@dataclass(frozen=True, kw_only=True)
class Adding(Problem):
    """Add the two numbers that were marked, among many that were not.

    Read: "numbers" (B, T, 2), numbers from U(0, 1) and marks, one 1 in each half and 0 elsewhere.
    Asked for: the sum of the two marked numbers, (B, 1, 1). Loss: squared error.

    The sum of two U(0, 1) has mean 1 and variance 1/6, so that 1 is the best answer of who does
    not remember.

    Args:
        steps: T, 2 or more.
    """

    steps: int = 100

    unit: ClassVar[str] = "squared error"
    group: ClassVar[str] = "numbers"

    def __post_init__(self) -> None:
        super().__post_init__()
        self._at_least("steps", 2)

    @property
    def chance(self) -> float:
        """1/6, the variance of the sum."""
        return 1 / 6

    @property
    def optimum(self) -> float:
        """0."""
        return 0.0

    def example(self, number: int) -> Example:
        """Numbers and marks (T, 2), and the sum (1, 1)."""
        words = _words(self.seed, number, self.steps + 2)
        read = np.zeros((self.steps, 2), np.float32)
        # 24 bits, so that float32 holds them as they are
        read[:, 0] = (words[:-2] >> np.uint64(40)) * 2.0**-24
        half = self.steps // 2
        marked = [_below(words[-2], half), half + _below(words[-1], self.steps - half)]
        read[marked, 1] = 1
        total = read[marked, 0].sum(dtype=np.float32)
        return Example(read, np.full((1, 1), total, np.float32))


@dataclass(frozen=True, kw_only=True)
class Copying(Problem):
    """Say again, after a delay, the symbols that were read first.

    Read: "symbols" (B, delay + 2 * length): ``length`` symbols from 0 .. kinds - 1, delay - 1
    blanks (``kinds``), a signal (``kinds`` + 1), and ``length`` blanks more. Asked for: at every
    step a symbol, (B, T): blank, and over the last ``length`` steps what was read first. Loss:
    -log p, per step.

    Who does not remember is sure of the blanks and guesses among ``kinds`` at each of the last
    steps: length * log(kinds) / T.

    Args:
        delay: steps between the last symbol and the first answer, 1 or more.
        length: symbols to be remembered, 1 or more.
        kinds: of symbols, 2 or more.
    """

    delay: int = 100
    length: int = 10
    kinds: int = 8

    unit: ClassVar[str] = "nats"
    group: ClassVar[str] = "symbols"

    def __post_init__(self) -> None:
        super().__post_init__()
        for name, least in (("delay", 1), ("length", 1), ("kinds", 2)):
            self._at_least(name, least)

    @property
    def steps(self) -> int:
        """T."""
        return self.delay + 2 * self.length

    @property
    def symbols(self) -> int:
        """How many different symbols are read and asked for, blank and signal included."""
        return self.kinds + 2

    @property
    def chance(self) -> float:
        """length * log(kinds) / T."""
        return self.length * math.log(self.kinds) / self.steps

    @property
    def optimum(self) -> float:
        """0."""
        return 0.0

    def example(self, number: int) -> Example:
        """Symbols (T,) and what is to be said at each step (T,)."""
        words = _words(self.seed, number, self.length)
        first = [_below(word, self.kinds) for word in words]
        read = np.full(self.steps, self.kinds, np.int64)
        read[: self.length] = first
        read[-self.length - 1] = self.kinds + 1
        target = np.full(self.steps, self.kinds, np.int64)
        target[-self.length :] = first
        return Example(read, target)


@dataclass(frozen=True, kw_only=True)
class TemporalOrder(Problem):
    """Tell in which order a few symbols came that lie far apart in noise.

    Read: "symbols" (B, T), T from ``steps`` to ``steps`` + ``steps`` // 10: E, then noise from
    a, b, c, d, and B at the end; among the noise, ``relevant`` symbols that are X or Y, the first
    of them after one tenth of ``steps``, the others after a half, or after 33 and 66 hundredths,
    each up to one tenth later. Asked for: which of the 2 ** relevant orders it was, (B,), the
    first symbol counting most and Y as 1. Loss: -log p. With 100 steps these are experiments 6a
    and 6b of the paper.

    Who has lost one of the symbols still knows the others: ``chance`` is that of who remembers
    none of them, relevant * log 2, an accuracy of 1/4 or 1/8.

    Args:
        steps: length of the shortest examples, 10 or more.
        relevant: 2 or 3.
    """

    steps: int = 100
    relevant: int = 2

    unit: ClassVar[str] = "nats"
    group: ClassVar[str] = "symbols"
    symbols: ClassVar[str] = "abcdXYEB"

    def __post_init__(self) -> None:
        super().__post_init__()
        self._at_least("steps", 10)
        if self.relevant not in (2, 3):
            raise ArgumentError(f"TemporalOrder(relevant={self.relevant}): must be 2 or 3")

    @property
    def classes(self) -> int:
        """How many orders there are."""
        return int(2**self.relevant)

    @property
    def chance(self) -> float:
        """relevant * log 2."""
        return self.relevant * math.log(2)

    @property
    def optimum(self) -> float:
        """0."""
        return 0.0

    def example(self, number: int) -> Example:
        """Symbols (T,) and the order ()."""
        tenth = self.steps // 10
        words = _words(self.seed, number, self.steps + tenth + 2 * self.relevant + 1)
        length = self.steps + _below(words[0], tenth + 1)
        places, kinds = words[1 : 1 + 2 * self.relevant].reshape(2, -1)
        read = np.array([_below(word, 4) for word in words[-length:]], np.int64)
        read[0], read[-1] = self.symbols.index("E"), self.symbols.index("B")
        order = 0
        starts = (10, 50) if self.relevant == 2 else (10, 33, 66)
        for start, place, kind in zip(starts, places, kinds, strict=True):
            late = _below(kind, 2)
            read[start * self.steps // 100 + _below(place, tenth + 1)] = 4 + late
            order = 2 * order + late
        return Example(read, np.array(order, np.int64))


@dataclass(frozen=True, kw_only=True)
class Reber(Problem):
    """Predict the next symbol of strings from the embedded Reber grammar.

    A string is B, then T or P, then a string of Reber's (1967) grammar, then the second symbol
    again, then E. In Reber's grammar every choice is between two symbols and a fair one:

        1: T 2 | P 3    2: S 2 | X 4    3: T 3 | V 5    4: X 3 | S 6    5: P 4 | V 6    6: E

    (from place 1, after B, T leads to place 2 and P to place 3). Read: "symbols" (B, T), all but
    the last symbol. Asked for: the next one, (B, T), scored where a row has not ended. Loss:
    -log p, per symbol.

    The expected number of choices after place k solves n1 = 1 + (n2 + n3) / 2 and so on: it is 6
    from place 1, so that a string has 12 symbols on average, 11 to be predicted, with 7 choices
    among them and no other doubt. Who does not remember the second symbol guesses it once more.
    """

    unit: ClassVar[str] = "nats"
    group: ClassVar[str] = "symbols"
    symbols: ClassVar[str] = "BTPSXVE"

    @property
    def chance(self) -> float:
        """8 log 2 / 11: every choice, and the last but one symbol guessed."""
        return 8 * math.log(2) / 11

    @property
    def optimum(self) -> float:
        """7 log 2 / 11: every choice, and nothing else."""
        return 7 * math.log(2) / 11

    def string(self, number: int) -> str:
        """The string of that number, letters as in ``symbols``."""
        coins = _coins(self.seed, number)
        outer = "TP"[next(coins)]
        inner, place = "B", 1
        while place != 6:
            symbol, place = _REBER[place][next(coins)]
            inner += symbol
        return f"B{outer}{inner}E{outer}E"

    def example(self, number: int) -> Example:
        """Symbols (T,) and the next ones (T,)."""
        string = self.string(number)
        symbols = np.array([self.symbols.index(letter) for letter in string], np.int64)
        return Example(symbols[:-1], symbols[1:])

    def _batch(
        self,
        inputs: dict[str, Tensor],
        lengths: Tensor,
        targets: list[Values],
    ) -> Batch:
        batch = super()._batch(inputs, lengths, targets)
        return batch.replace(target_mask=within(lengths, batch.target().shape[1]))


_REBER = {
    1: (("T", 2), ("P", 3)),
    2: (("S", 2), ("X", 4)),
    3: (("T", 3), ("V", 5)),
    4: (("X", 3), ("S", 6)),
    5: (("P", 4), ("V", 6)),
}


def _words(seed: int, number: int, count: int) -> NDArray[np.uint64]:
    """Random words of 64 bits: Philox4x64-10 (Salmon et al. 2011), of key (seed, number)."""
    return np.random.Philox(key=np.array([seed, number], np.uint64)).random_raw(count)


def _below(word: np.uint64, bound: int) -> int:
    """A number from 0 to bound - 1, each as likely as the others to within bound / 2**64."""
    return int(word) * bound >> 64


def _coins(seed: int, number: int) -> Iterator[int]:
    """Fair coins, 0 or 1, as many as anybody wants."""
    bits = np.random.Philox(key=np.array([seed, number], np.uint64))
    while True:
        word = int(bits.random_raw())
        yield from (word >> place & 1 for place in range(64))


def _padded(rows: Sequence[Values]) -> Tensor:
    """Rows of different lengths as one tensor, zeros behind the shorter ones."""
    tensors = [torch.from_numpy(row) for row in rows]
    return pad_sequence(tensors, batch_first=True) if rows[0].ndim else torch.stack(tensors)
