"""Recordings without labels as examples, and what a network that learnt of them reads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise
from typing import Any, ClassVar, Self, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from longshort.contracts import Batch
from longshort.data.corpus import Corpus
from longshort.data.items import Items
from longshort.data.readings.signals import SignalReading
from longshort.data.steps import Ints

T = TypeVar("T")

# what the groups that a pretrained network reads are called before their own names
_OWN, _STILL = "pretrained.", "pretrained.still."
# the group of numbers that are told
CHANNELS = "channels"


@dataclass(frozen=True, eq=False)
class Onward(Items):
    """Recordings whose own values are the targets.

    A batch has them as targets (B, T, C), those that were seen as its mask, and what was last seen
    of each channel as its reference, all scaled. ``encoding`` is a ``SignalReading``.
    """

    @cached_property
    def _seen(self) -> tuple[NDArray[np.bool_], Ints]:
        assert isinstance(self.encoding, SignalReading)
        series, seen = self.encoding.scaled(self.corpus)
        return seen, series.offsets

    def batch(self, index: Sequence[int]) -> Batch:
        """The recordings of the given numbers."""
        batch = super().batch(index)
        values = batch.inputs[CHANNELS]
        flat, offsets = self._seen
        seen = np.zeros(values.shape, bool)
        for row, item in enumerate(self.chosen[np.asarray(index, np.int64)].tolist()):
            own = flat[offsets[item] : offsets[item + 1]]
            seen[row, : len(own)] = own
        return batch.replace(targets=values, reference=values, target_mask=torch.from_numpy(seen))


@dataclass(frozen=True, eq=False)
class SeriesFeed:
    """What a network that was trained on other recordings reads of these, on the scale of those.

    Args:
        reading: its own.
    """

    reading: SignalReading
    kind: ClassVar[str] = "series"

    def read(self, reading: Any, corpus: Corpus, items: Sequence[int]) -> Mapping[str, Tensor]:
        """Its groups, (B, T, F), and (B, 1, F) what does not change in time, by longer names."""
        found = self.reading.read(corpus, items)
        moving = {f"{_OWN}{name}": each for name, each in found.inputs.items()}
        return moving | {f"{_STILL}{n}": each.unsqueeze(1) for n, each in found.static.items()}

    def put_down(self) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
        """What the model file keeps."""
        return self.reading.put_down()

    @classmethod
    def take_up(cls, settings: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> Self:
        """The feed whose ``put_down()`` these are; ModelFileError where they are not."""
        return cls(SignalReading.take_up(settings, arrays))


def fed(batch: Batch) -> Batch:
    """The batch that a pretrained network reads: its own groups by their own names."""
    inputs = {name: each for name, each in batch.inputs.items() if name.startswith(_OWN)}
    still = {name: each[:, 0] for name, each in inputs.items() if name.startswith(_STILL)}
    return Batch(
        {n.removeprefix(_OWN): each for n, each in inputs.items() if n not in still},
        batch.lengths,
        static={n.removeprefix(_STILL): each for n, each in still.items()},
        row=batch.row,
    )


def pieces(corpus: Corpus, longest: int) -> Corpus:
    """The recordings of a corpus in pieces of at most ``longest`` rows, in order.

    Pieces of one recording are of about the same length, and know nothing of each other.
    """
    series = corpus.series
    assert series is not None
    names = corpus.names or series.keys
    owners, offsets, keys, told = [], [0], [], []
    for item, (start, stop) in enumerate(pairwise(series.offsets.tolist())):
        count = max(1, -(-(stop - start) // longest))
        cuts = np.linspace(start, stop, count + 1).round().astype(int).tolist()
        for first, last in pairwise(cuts):
            owners.append(item)
            offsets.append(last)
            part = f" from row {first - start + 1}" if count > 1 else ""
            keys.append(f"{series.keys[item]}{part}")
            told.append(f"{names[item]}{part}".strip())
    first = np.array(offsets[:-1], np.int64)
    moments = first if series.times is None or not len(first) else series.times[first]

    def of(given: tuple[T, ...] | None) -> tuple[T, ...] | None:
        return None if given is None else tuple(given[item] for item in owners)

    return Corpus(
        corpus.source,
        series=replace(series, keys=tuple(keys), offsets=np.array(offsets), groups=None),
        groups=of(corpus.groups),
        parts=of(corpus.parts),
        moments=moments,
        names=tuple(told),
    )
