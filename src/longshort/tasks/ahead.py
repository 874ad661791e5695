"""What comes after the last row of every series: forecasts of a block of series at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import polars as pl
from numpy.typing import NDArray

from longshort.contracts import whole
from longshort.data.encoding import Encoding
from longshort.data.sequences import Columns, Floats, Sequences
from longshort.data.splits import listed
from longshort.data.windows import Windows
from longshort.errors import ArgumentError
from longshort.evaluate.forecast import ahead_points
from longshort.metrics.quantiles import quantiles_at
from longshort.records import ForecastPoint
from longshort.report.charts import HistoryRow
from longshort.yardsticks.base import Forecasts

# windows and their numbers to paths (N, n, L, K)
Draw = Callable[[Windows, Sequence[int]], Floats]
# what is held at once: series, their rows, and numbers of their forecasts
_SERIES, _ROWS, _NUMBERS = 4096, 1_000_000, 10_000_000


@dataclass(frozen=True)
class Ahead:
    """The horizon after each series' last observed target.

    Args:
        sequences: the S series.
        encoding: how they are read.
        forecast: windows and their numbers to forecasts.
        known: levels of the quantiles that it gives.
        fits: (S,) which series are long enough, see ``long_enough``.
        numbers: held of one step and target of one series.
    """

    sequences: Sequences
    encoding: Encoding
    forecast: Callable[[Windows, Sequence[int]], Forecasts]
    known: Sequence[float]
    fits: NDArray[np.bool_]
    numbers: int = 20

    def parts(self) -> Iterator[tuple[Windows, Forecasts]]:
        """Windows, one of each series, and their forecasts: a block of series at a time."""
        for block in self._blocks():
            windows = Windows.ahead(block, self.encoding)
            yield windows, self.forecast(windows, range(len(windows)))

    def points(
        self, rows: int, band: tuple[float, float]
    ) -> tuple[list[HistoryRow], list[ForecastPoint]]:
        """The last ``rows`` of every series that fits, and what comes next, as charts draw it.

        ``band`` are the levels of the interval's ends.
        """
        series = self.sequences.select(np.flatnonzero(self.fits).tolist())
        windows = Windows.ahead(series, self.encoding)
        found = self.forecast(windows, range(len(windows)))
        ends = quantiles_at(found.quantiles, self.known, band)
        return ahead_points(windows, found.point, ends[..., 0], ends[..., 1], rows)

    def _blocks(self) -> Iterator[Sequences]:
        """The series that fit, in order, as many at a time as memory is meant for."""
        sequences = self.sequences
        targets = len(sequences.role_indices("target"))
        most = _NUMBERS // (self.encoding.horizon * max(1, targets) * self.numbers)
        most = min(_SERIES, max(1, most))
        start = 0
        while start < len(sequences):
            limit = sequences.offsets[start] + _ROWS
            reach = int(np.searchsorted(sequences.offsets, limit, side="right")) - 1
            stop = min(max(start + 1, reach), start + most, len(sequences))
            kept = np.flatnonzero(self.fits[start:stop])
            block = sequences.block(start, stop)
            start = stop
            if len(kept):
                yield block if len(kept) == len(block) else block.select(kept.tolist())

    def tables(self, columns: Columns, levels: Sequence[float]) -> Iterator[pl.DataFrame]:
        """One row per series and step: the series, the time (or step), targets and quantiles."""
        for windows, found in self.parts():
            table = self._rows_of(windows, columns)
            wanted = quantiles_at(found.quantiles, self.known, levels)
            for k, name in enumerate(columns.target):
                table.append(pl.Series(name, found.point[:, :, k].reshape(-1)))
                for at, level in enumerate(levels):
                    values = wanted[:, :, k, at].reshape(-1)
                    table.append(pl.Series(f"{name}_q{100 * level:g}", values))
            yield pl.DataFrame(table)

    def path_tables(self, columns: Columns, draw: Draw, count: int) -> Iterator[pl.DataFrame]:
        """One row per series, path and step: the series, "path" from 1, the time, targets."""
        for windows, paths in self.paths(draw):
            table = self._rows_of(windows, columns, count)
            for k, name in enumerate(columns.target):
                table.append(pl.Series(name, paths[..., k].reshape(-1)))
            yield pl.DataFrame(table)

    def paths(self, draw: Draw) -> Iterator[tuple[Windows, Floats]]:
        """Windows, one of each series, and their paths (N, n, L, K), a block at a time."""
        for block in self._blocks():
            windows = Windows.ahead(block, self.encoding)
            yield windows, draw(windows, range(len(windows)))

    @staticmethod
    def _rows_of(windows: Windows, columns: Columns, paths: int | None = None) -> list[pl.Series]:
        """What names each row of a table: the series, the path where there are several, the time.

        Rows are in the order of series, path, step.
        """
        sequences, horizon, each = windows.sequences, windows.horizon, paths or 1
        table: list[pl.Series] = []
        if sequences.groups is not None:
            table += list(sequences.groups[np.repeat(np.arange(len(sequences)), horizon * each)])
        if paths is not None:
            number = np.repeat(np.arange(1, paths + 1), horizon)
            table.append(pl.Series("path", np.tile(number, len(sequences))))
        times = windows.times(range(len(windows)))
        if times is None:
            step = np.tile(np.arange(1, horizon + 1), len(sequences) * each)
            table.append(pl.Series("step", step))
        else:
            stamps = np.repeat(times[:, None], each, 1).reshape(-1)
            table.append(sequences.clock.column(columns.time or "time", stamps))
        return table

    def array(self, levels: Sequence[float]) -> Floats:
        """(S, L, K), or (S, L, K, levels) where there are levels; NaN of series that do not fit."""
        made = [
            quantiles_at(found.quantiles, self.known, levels) if levels else found.point
            for _, found in self.parts()
        ]
        return self._whole(made)

    def path_array(self, draw: Draw) -> Floats:
        """(S, n, L, K); NaN of series that do not fit."""
        return self._whole([paths for _, paths in self.paths(draw)])

    def _whole(self, made: list[Floats]) -> Floats:
        """What was made of the series that fit, with NaN for the others."""
        whole = np.full((len(self.sequences), *made[0].shape[1:]), np.nan)
        whole[self.fits] = np.concatenate(made)
        return whole


def for_horizon(encoding: Encoding, horizon: int | None) -> Encoding:
    """The encoding for another horizon than was fitted; None leaves it.

    Raises:
        ArgumentError: it is no whole number of 1 or more, or the model answers only its own.
    """
    if horizon is None or whole("horizon", horizon, 1) == encoding.horizon:
        return encoding
    if not encoding.recursive:
        raise ArgumentError(
            f"horizon={horizon}: the model was fitted to answer {encoding.horizon} steps at once; "
            "fit with this horizon, or with Decoder(mode='recursive') (--mode recursive), which "
            "answers any"
        )
    return replace(encoding, horizon=int(horizon))


def long_enough(
    sequences: Sequences, encoding: Encoding, *, refuse: bool
) -> tuple[NDArray[np.bool_], str]:
    """(S,) which series have a context of rows up to their last target, and who has not, in words.

    Args:
        refuse: a series that has not is an error.

    Raises:
        DataError: no series is long enough, or one is not and that is refused.
    """
    rows = sequences.observed_end
    fits = rows >= encoding.context
    short = np.flatnonzero(~fits)
    if len(short) and (refuse or not fits.any()):
        # says which one, and what is wrong with it
        Windows.ahead(sequences.select(short[:1].tolist()), encoding)
    sentence = (
        f"{{}} have fewer rows up to their last target than the {encoding.context} that the model "
        "reads, and are left out"
    )
    return fits, listed(sequences, short, rows[short], sentence)
