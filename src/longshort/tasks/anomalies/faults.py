"""Sensors that are stuck or gone: what surprise does not see, as nothing new comes.

A channel is stuck where its value has not changed for longer than it ever did, by far, in the rows
that were fitted on; and missing likewise.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from longshort.contracts import Params
from longshort.data.sequences import Floats
from longshort.data.steps import Ints
from longshort.tasks.anomalies.thresholds import Bools

# a run is long by far when it is so many times the longest one of the rows that were fitted on
_TIMES = 3


@dataclass(frozen=True)
class Faults(Params):
    """When a channel counts as faulty.

    Args:
        stuck: rows without a change, at least; None does not look for it.
        missing: rows without a value, at least; None does not look for it.

    Raises:
        ArgumentError: not a whole number of 1 or more.
    """

    stuck: int | None = 50
    missing: int | None = 20

    def __post_init__(self) -> None:
        self._whole(1, "stuck", "missing")


class Lasting(NamedTuple):
    """How long S series' channels have been as they are, (S, K) each, and their last value."""

    same: Ints
    gone: Ints
    last: Floats


@dataclass(frozen=True, eq=False)
class Watch:
    """How many rows without a change, and without a value, are a fault: (K,) each, 0 for never."""

    stuck: Ints
    missing: Ints

    @classmethod
    def fit(cls, values: Floats, offsets: Ints, settings: Faults) -> Self:
        """Limits from the longest runs in rows (N, K) of series one after the other."""
        same, gone = lasting(values, offsets)

        def limit(rows: Ints, least: int | None) -> Ints:
            longest = rows.max(0, initial=0)
            if least is None:
                return np.zeros_like(longest)
            return np.asarray(np.maximum(least, _TIMES * longest), np.int64)

        return cls(limit(same, settings.stuck), limit(gone, settings.missing))

    def begin(self, series: int) -> Lasting:
        """Before the first row of so many series."""
        wide = (series, len(self.stuck))
        return Lasting(np.zeros(wide, np.int64), np.zeros(wide, np.int64), np.full(wide, np.nan))

    def step(self, values: Floats, before: Lasting) -> tuple[Bools, Bools, Lasting]:
        """Which channels (S, K) are stuck, and which missing, after one more row of S series."""
        there = np.isfinite(values)
        changed = there & (values != before.last)
        same = np.where(changed, 0, before.same + there)
        gone = np.where(there, 0, before.gone + 1)
        after = Lasting(same, gone, np.where(there, values, before.last))
        return self._over(same, self.stuck) & there, self._over(gone, self.missing), after

    def whole(self, values: Floats, offsets: Ints) -> tuple[Bools, Bools]:
        """The same for all rows (N, K) of series one after the other."""
        same, gone = lasting(values, offsets)
        stuck = self._over(same, self.stuck) & np.isfinite(values)
        return stuck, self._over(gone, self.missing)

    @staticmethod
    def _over(rows: Ints, limit: Ints) -> Bools:
        return np.asarray((limit > 0) & (rows >= limit))

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """Arrays for a model file."""
        return {"stuck": self.stuck, "missing": self.missing}

    @classmethod
    def from_arrays(cls, arrays: dict[str, NDArray[Any]], channels: int) -> Self:
        """What ``to_arrays`` gave.

        Raises:
            ValueError: the arrays are not of so many channels. KeyError: one is missing.
        """
        parts = [np.asarray(arrays[name], np.int64) for name in ("stuck", "missing")]
        if any(part.shape != (channels,) or (part < 0).any() for part in parts):
            raise ValueError(f"when sensors are faulty is not told of {channels} channels")
        return cls(*parts)


def lasting(values: Floats, offsets: Ints) -> tuple[Ints, Ints]:
    """(N, K) for how many rows each value has not changed, and has been missing, up to each row."""
    same, gone = (np.zeros(values.shape, np.int64) for _ in range(2))
    for start, stop in itertools.pairwise(offsets.tolist()):
        rows = np.arange(stop - start)
        for k in range(values.shape[1]):
            own = values[start:stop, k]
            there = np.isfinite(own)
            # the latest row with a value, and of rows with one those where it changed
            latest = np.maximum.accumulate(np.where(there, rows, -1))
            gone[start:stop, k] = rows - latest
            seen = own[there]
            changed = np.concatenate([[True], seen[1:] != seen[:-1]])[: len(seen)]
            place = np.arange(len(seen))
            run = place - np.maximum.accumulate(np.where(changed, place, 0))
            known = np.concatenate([[0], run])
            same[start:stop, k] = known[np.cumsum(there)]
    return same, gone


def fault_words(stuck: Bools, missing: Bools, names: Sequence[str]) -> list[str]:
    """(N,) the channels of each row that are stuck or missing, in words."""
    found = [""] * len(stuck)
    for flags, word in ((stuck, "stuck"), (missing, "missing")):
        for row, k in np.argwhere(flags):
            told = f"{names[k]} {word}"
            found[row] = f"{found[row]}, {told}" if found[row] else told
    return found
