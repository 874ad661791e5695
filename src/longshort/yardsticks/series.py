"""Yardsticks for series tables: rules that anyone can follow.

With origin o (the first row to forecast), lead l = 0, 1, ... and x the raw target:

    persistence             x(o - 1), which is the forecast of a random walk
    mean                    the mean of every x before o
    seasonal naive (m)      the latest x before o at the phase of row o + l, m rows a season
    drift                   x(o - 1) + (l + 1) times the mean step since the first observation
    climatology             what is usual at that place of the calendar, from the training rows

Hyndman and Athanasopoulos 2021, "Forecasting: principles and practice", section 5.2, for the
first three. The classical method, ridge autoregression, is in ``yardsticks.ridge``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Self

import numpy as np

from longshort.data.codecs.calendar import Cycle, calendar_cycles, phase
from longshort.data.sequences import Floats
from longshort.data.steps import Ints, Step, Times
from longshort.data.windows import Windows
from longshort.records import Kind
from longshort.yardsticks.base import rows_seen

# per cycle: its length in seconds, harmonics fitted, and cycles that must have been seen
_CYCLES: dict[Cycle, tuple[float, int, float]] = {
    "year": (365.2425 * 86_400, 2, 1),
    "week": (7 * 86_400, 3, 2),
    "day": (86_400, 4, 2),
    "hour": (3600, 2, 2),
}


@dataclass(frozen=True)
class Persistence:
    """The last observed value, at every step."""

    name: str = "persistence"
    kind: Kind = "naive"

    def fit(self, train: Windows, valid: Windows | None = None) -> Self:
        """Nothing to learn."""
        return self

    def point(self, windows: Windows, index: Ints) -> Floats:
        """(N, L, K) raw."""
        return windows.seasonal(index, 1)


@dataclass(frozen=True)
class Mean:
    """The mean of every value observed before the origin, at every step."""

    name: str = "mean"
    kind: Kind = "naive"

    def fit(self, train: Windows, valid: Windows | None = None) -> Self:
        """Nothing to learn."""
        return self

    def point(self, windows: Windows, index: Ints) -> Floats:
        """(N, L, K) raw."""
        mean = _mean_before(windows, index)[:, None]
        return np.broadcast_to(mean, (len(index), windows.horizon, mean.shape[2])).copy()


@dataclass(frozen=True)
class SeasonalNaive:
    """The latest observed value at the same phase; the last value where there is none yet.

    Args:
        season: rows of one season.
    """

    season: int
    kind: Kind = "naive"

    @property
    def name(self) -> str:
        """ "seasonal naive (7)"."""
        return f"seasonal naive ({self.season})"

    def fit(self, train: Windows, valid: Windows | None = None) -> Self:
        """Nothing to learn."""
        return self

    def point(self, windows: Windows, index: Ints) -> Floats:
        """(N, L, K) raw."""
        found = windows.seasonal(index, self.season)
        if np.isnan(found).any():
            found = np.where(np.isnan(found), windows.seasonal(index, 1), found)
        return found


@dataclass(frozen=True)
class Drift:
    """A straight line through the first and the last observed value before the origin."""

    name: str = "drift"
    kind: Kind = "naive"

    def fit(self, train: Windows, valid: Windows | None = None) -> Self:
        """Nothing to learn."""
        return self

    def point(self, windows: Windows, index: Ints) -> Floats:
        """(N, L, K) raw."""
        series, origin = windows.where(index)
        values, start = _own_rows(windows, series)
        seen = np.isfinite(values)
        rows = np.arange(len(values))[:, None]
        # flat rows of the nearest observation at or before, and at or after, each row
        before = np.maximum.accumulate(np.where(seen, rows, -1), 0)
        after = np.minimum.accumulate(np.where(seen, rows, len(values))[::-1], 0)[::-1]
        end = start + origin
        last = before[np.maximum(end - 1, 0)]
        known = (last >= start[:, None]) & (origin > 0)[:, None]
        last = np.where(known, last, start[:, None])
        first = np.where(known, after[np.minimum(start, len(values) - 1)], last)
        latest = np.take_along_axis(values, last, 0)
        rise = latest - np.take_along_axis(values, first, 0)
        slope = rise / np.maximum(last - first, 1)
        lead = (end[:, None] + np.arange(windows.horizon))[..., None] - last[:, None]
        point = latest[:, None] + lead * slope[:, None]
        return np.where(known[:, None], point, np.nan)


def _own_rows(windows: Windows, series: Ints) -> tuple[Floats, Ints]:
    """Raw targets of the series from the first to the last of these, and where each begins."""
    offsets, (first, last) = windows.sequences.offsets, (0, -1)
    if len(series):
        first, last = int(series.min()), int(series.max())
    base = offsets[first]
    return windows.sequences.targets[base : offsets[last + 1]], offsets[series] - base


class _Calendar(NamedTuple):
    """One series' climatology: the cycles it has, and a coefficient per column and target."""

    cycles: tuple[Cycle, ...]
    coefficients: Floats


@dataclass
class Climatology:
    """What is usual at that time of the year, week, day and hour, fitted on training rows.

    Least squares per series and target on a constant and on harmonics (sines and cosines of
    whole multiples of the phase) of the calendar's cycles: 2 of the year where the training rows
    span more than one; 3 of the week, 4 of the day and 2 of the hour where they span two of them,
    as far as the step can tell them apart. Without times: the training mean. A series or target
    without training rows takes the mean of what was observed before the origin.
    """

    name: str = "climatology"
    kind: Kind = "naive"
    fitted: dict[str, _Calendar] = field(default_factory=dict, repr=False)

    def fit(self, train: Windows, valid: Windows | None = None) -> Self:
        """Learn from every row in or before a training window's horizon."""
        sequences = train.sequences
        self.fitted = {}
        for number, rows in enumerate(rows_seen(train)):
            start = int(sequences.offsets[number])
            part = slice(start, start + int(rows))
            values = sequences.values[part, train.targets]
            times = None if sequences.times is None else sequences.times[part]
            cycles = _cycles(times, values, sequences.step)
            design = _design(times, len(values), cycles, sequences.step)
            self.fitted[sequences.keys[number]] = _Calendar(cycles, _least_squares(design, values))
        return self

    def point(self, windows: Windows, index: Ints) -> Floats:
        """(N, L, K) raw."""
        series, _ = windows.where(index)
        times = windows.times(index)
        found = np.full((len(index), windows.horizon, len(windows.targets)), np.nan)
        order = np.argsort(series, kind="stable")
        for own in np.split(order, np.flatnonzero(np.diff(series[order])) + 1):
            usual = self.fitted.get(windows.sequences.keys[series[own[0]]]) if len(own) else None
            if usual is None:
                continue
            stamps = None if times is None else times[own].reshape(-1)
            count = len(own) * windows.horizon
            design = _design(stamps, count, usual.cycles, windows.sequences.step)
            found[own] = (design @ usual.coefficients).reshape(-1, *found.shape[1:])
        if np.isnan(found).any():
            found = np.where(np.isnan(found), _mean_before(windows, index)[:, None], found)
        return found


def _cycles(times: Times | None, values: Floats, step: Step | None) -> tuple[Cycle, ...]:
    """The cycles that the observed rows of a series span often enough."""
    if times is None or step is None or np.isnan(values).all():
        return ()
    stamps = times[np.isfinite(values).any(1)]
    span = (stamps[-1] - stamps[0]) / np.timedelta64(1, "s") + step.seconds
    return tuple(c for c in calendar_cycles(step) if span > _CYCLES[c][0] * _CYCLES[c][2])


def _design(times: Times | None, rows: int, cycles: Sequence[Cycle], step: Step | None) -> Floats:
    """(rows, 1 + 2 harmonics of every cycle): a constant, then cosines and sines."""
    columns = [np.ones(rows)]
    if times is not None and step is not None:
        for cycle in cycles:
            length, harmonics, _ = _CYCLES[cycle]
            # a harmonic needs two rows to a wave
            most = int(length / step.seconds / 2 + 1e-6)
            angle = 2 * np.pi * phase(times, cycle)
            for harmonic in range(1, min(harmonics, most) + 1):
                columns += [np.cos(harmonic * angle), np.sin(harmonic * angle)]
    return np.stack(columns, 1)


def _least_squares(design: Floats, values: Floats) -> Floats:
    """(P, K) coefficients for values (n, K), on observed rows; NaN where there are none."""
    found = np.full((design.shape[1], values.shape[1]), np.nan)
    for target in range(values.shape[1]):
        seen = np.isfinite(values[:, target])
        if seen.any():
            found[:, target] = np.linalg.lstsq(design[seen], values[seen, target], rcond=1e-9)[0]
    return found


def _mean_before(windows: Windows, index: Ints) -> Floats:
    """(N, K) mean of the raw values observed before each origin; NaN where there are none."""
    series, origin = windows.where(index)
    found = np.full((len(index), len(windows.targets)), np.nan)
    # each series by itself: a sum over others would leave their rounding behind
    for own in np.split(np.arange(len(index)), np.flatnonzero(np.diff(series)) + 1):
        if len(own):
            rows = windows.sequences.rows(int(series[own[0]]))
            values = windows.sequences.values[rows][: origin[own].max(), windows.targets]
            seen, zero = np.isfinite(values), np.zeros((1, values.shape[1]))
            total = np.concatenate([zero, np.cumsum(np.where(seen, values, 0.0), 0)])[origin[own]]
            count = np.concatenate([zero, np.cumsum(seen, 0)])[origin[own]]
            found[own] = np.where(count > 0, total / np.maximum(count, 1), np.nan)
    return found
