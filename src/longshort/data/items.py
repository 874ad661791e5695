"""Labelled sequences as examples: what a network reads of them, and what it is to answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from longshort.contracts import Batch
from longshort.data.corpus import Corpus
from longshort.data.steps import Ints


class Inputs(NamedTuple):
    """What a network reads of some items: parts of a ``Batch``, padded with zeros."""

    inputs: Mapping[str, Tensor]
    lengths: Tensor
    static: Mapping[str, Tensor] = {}


@dataclass(frozen=True)
class Characters:
    """A network over the characters of each step, which becomes part of what a step is.

    kind: "cnn" (Ma and Hovy 2016) or "lstm" (Lample et al. 2016). symbols: characters there are;
    0 is padding, 1 the unknown one. width: numbers of one character. size: numbers of a step.
    """

    kind: str
    symbols: int
    width: int = 30
    size: int = 50


@dataclass(frozen=True, eq=False)
class Trunk:
    """A network that was trained before on something else: what ``layers.pretrained`` makes it of.

    kind: its name in the table of ``layers.pretrained``. settings: what it is built from, JSON
    values. tune: whether its weights learn. dropout: share of what it says of a step that training
    sets to zero. layers: "mix" of all, or the "last". first: its weights by name; nothing where
    they come from a model file.
    """

    kind: str
    settings: Mapping[str, Any]
    tune: bool = False
    dropout: float = 0.0
    layers: str = "mix"
    first: Mapping[str, NDArray[np.float32]] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Widths:
    """How wide what an encoding gives is: what ``layers.embed.Embed.of`` builds from.

    numbers, static: width of each group of numbers. symbols, labels: (vocabulary size, embedding
    width) of each group of symbols, (B, T) and (B,). characters: of each group of characters,
    (B, T, C) of int64. bags: of each group of bags of symbols, (B, T, G) of int32 with 0 for
    nothing, the group of symbols to whose vectors the bag's mean is added, and the symbols there
    are. first: the first values (size, width) of a group's table, NaN for values to be drawn.
    frozen: groups whose tables do not learn. forget: (size,) chance that training reads a symbol
    as symbol 0, by group. dropout: share of the embedded values that training sets to zero.
    scale: standard deviation of the tables' first values. fading: by group of numbers whose values
    fade while they are not seen, the groups that tell which were seen and since when not. trunk: a
    pretrained network whose vectors stand beside all else; None for none.
    """

    numbers: Mapping[str, int] = field(default_factory=dict)
    symbols: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    static: Mapping[str, int] = field(default_factory=dict)
    labels: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    characters: Mapping[str, Characters] = field(default_factory=dict)
    bags: Mapping[str, tuple[str, int]] = field(default_factory=dict)
    first: Mapping[str, NDArray[np.float32]] = field(default_factory=dict)
    frozen: tuple[str, ...] = ()
    forget: Mapping[str, NDArray[np.float32]] = field(default_factory=dict)
    dropout: float = 0.0
    scale: float = 1.0
    fading: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    trunk: Trunk | None = None


class ItemEncoding(Protocol):
    """How items become numbers: fitted on the training part, kept in the model file."""

    @property
    def widths(self) -> Widths:
        """What the network's embedding is built from."""
        ...

    def lengths(self, corpus: Corpus) -> Ints:
        """(N,) steps that a network reads of each item."""
        ...

    def read(self, corpus: Corpus, items: Sequence[int]) -> Inputs:
        """What a network reads of these items."""
        ...

    def put_down(self) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
        """What the model file keeps, as JSON values and arrays."""
        ...


class Changing(Protocol):
    """What changes examples while they are learnt from, and only then."""

    def read(
        self, encoding: ItemEncoding, corpus: Corpus, items: Sequence[int], seed: int
    ) -> Inputs:
        """What a network reads of these items, each changed at random.

        What is drawn for an item is a function of the seed and its place among the items alone.
        """
        ...


@dataclass(frozen=True, eq=False)
class Items:
    """Examples of a corpus: those of the numbers ``chosen``, or all.

    Args:
        corpus: the items.
        encoding: how they become numbers.
        targets: (N, ...) what is asked of each item, of int64 or float32, or N arrays (T,) of int64
            where every step is asked; None for prediction.
        chosen: (M,) numbers of the corpus's items that are examples.
        changed: what changes them each time they are read, drawn from torch's default generator,
            which training seeds by epoch and position; None for examples as they are.
        apart: the N arrays have lengths of their own, and end with -1 where they are padded.
    """

    corpus: Corpus
    encoding: ItemEncoding
    targets: NDArray[Any] | Sequence[Ints] | None
    chosen: Ints
    changed: Changing | None = None
    streams: None = None
    apart: bool = False

    def __len__(self) -> int:
        """M, the number of examples."""
        return len(self.chosen)

    @property
    def steps(self) -> Ints:
        """(M,) how long each example is: batches are made of examples of about the same length."""
        return self.encoding.lengths(self.corpus)[self.chosen]

    def batch(self, index: Sequence[int]) -> Batch:
        """The examples of the given numbers."""
        items = self.chosen[np.asarray(index, np.int64)].tolist()
        inputs, lengths, static = self._read(items)
        batch = Batch(
            inputs=inputs, lengths=lengths, static=static,
            source=torch.tensor(items), seeds=torch.tensor(items),
        )  # fmt: skip
        if self.targets is None:
            return batch
        if isinstance(self.targets, np.ndarray):
            return batch.replace(targets=torch.from_numpy(self.targets[items]))
        # as wide as what is read, of which every batch has a step
        width = max(int(lengths.max()), 1)
        if self.apart:
            width = max(len(self.targets[item]) for item in items)
        padded = torch.full((len(items), width), -1 if self.apart else 0, dtype=torch.int64)
        for row, item in enumerate(items):
            own = self.targets[item]
            padded[row, : len(own)] = torch.from_numpy(own)
        return batch.replace(targets=padded)

    def _read(self, items: list[int]) -> Inputs:
        if self.changed is None:
            return self.encoding.read(self.corpus, items)
        # one draw a call, as of dropout
        seed = int(torch.randint(2**62, ()))
        return self.changed.read(self.encoding, self.corpus, items, seed)

    def label(self, number: int) -> str:
        """One example in words."""
        return self.corpus.where(int(self.chosen[number]))

    def digest(self) -> bytes:
        """Bytes that change with anything that any batch holds."""
        return self.corpus.digest() + self.chosen.tobytes()
