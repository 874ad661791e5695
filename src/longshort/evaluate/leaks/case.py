"""What is searched for leaks, and how a check says where it found one."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np

from longshort.data.sequences import Columns, Floats, Sequences
from longshort.data.sources.inputs import Table
from longshort.data.splits import Cuts
from longshort.data.steps import Ints
from longshort.records import Finding

# rows that are named; the others are counted
_NAMED = 5


@dataclass(frozen=True, eq=False)
class Case:
    """Data, and what else there is to look at.

    Args:
        columns: as they were asked for.
        sequences: the S series, N rows; of rows that were there twice, the first.
        horizon: L, steps that are forecast.
        cuts: where training, validation and test part lie; None where that is not known.
        table: the columns as they were read; None of an array.
        twice: rows of the table that stand in it before already.
        alike: rows of a table without times that repeat an earlier one; they stay.
        predictions: columns that forecast the target in their own row.
        parts: (N,) the part that each row was given by a column: 0 training, 1 validation, 2 test,
            NaN none; None without such a column.
        model: a fitted model, or a function from a frame to a prediction for each of its rows.
        data: what was given to be read.
    """

    columns: Columns
    sequences: Sequences
    horizon: int = 1
    cuts: Cuts | None = None
    table: Table | None = None
    twice: tuple[Ints, ...] = ()
    alike: Ints = field(default_factory=lambda: np.zeros(0, np.int64))
    predictions: tuple[str, ...] = ()
    parts: Floats | None = None
    model: Any = None
    data: Any = None

    def column(self, name: str) -> Floats:
        """(N,) one column of the series."""
        return self.sequences.values[:, self.sequences.index(name)]

    @property
    def targets(self) -> tuple[str, ...]:
        """Names of what is forecast."""
        return tuple(f.name for f in self.sequences.fields if f.role == "target")

    @cached_property
    def within(self) -> Ints:
        """(N,) the number of each flat row within its series."""
        series = self.sequences
        return np.arange(len(series.values)) - np.repeat(series.offsets[:-1], series.lengths)

    def lagged(self, values: Floats, lag: int) -> Floats:
        """(N,) each row's value ``lag`` rows before in the same series (after it, below 0)."""
        lengths = np.repeat(self.sequences.lengths, self.sequences.lengths)
        row = self.within - lag
        inside = (row >= 0) & (row < lengths)
        moved = np.roll(values, lag)
        return np.where(inside, moved, np.nan)

    def rows(self, flat: Iterable[int]) -> tuple[str, ...]:
        """The first few flat rows by series and time."""
        found = []
        for row in list(flat)[:_NAMED]:
            key = self.sequences.keys[int(self.sequences.series_of(np.array([row]))[0])]
            time = self.sequences.time_label(int(row))
            place = time if self.sequences.times is not None else f"row {time}"
            found.append(f"{key}: {place}" if key else place)
        return tuple(found)

    def lines(self, rows: Iterable[int]) -> tuple[str, ...]:
        """The first few rows of the table by their place in it."""
        assert self.table is not None
        told = [self.table.where(int(row)) for row in list(rows)[:_NAMED]]
        return tuple(text.removeprefix(f"{self.table.source}, ") for text in told)


class Check(NamedTuple):
    """One thing that is looked for: its name, a sentence on it, and a search of a case."""

    name: str
    about: str
    search: Callable[[Case], Iterator[Finding]]
