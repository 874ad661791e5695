"""Yardsticks for anomalies: rules that anyone can follow.

With x(t) a target at row t, in deviations of its training rows, means and deviations over rows
BEFORE t, and each score the mean over channels:

    random                 a number drawn for each row, which knows nothing: what chance comes to
    rolling z-score (w)    |x(t) - mean| / deviation of the w rows before
    windowed Gaussian      -log P(|X| >= |x(t)|) for X normal with mean and deviation of all rows
                           before, at most 6,400 (Windowed Gaussian of Lavin and Ahmad 2015)
    seasonal residual (m)  |x(t) - median of training rows at the phase of t| / (1.4826 times the
                           median of that over training rows), m rows a season

A deviation is at least a thousandth of that of the training rows, so that a flat stretch is not
followed by an infinite score.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from longshort.data.sequences import Floats, Sequences
from longshort.records import Kind
from longshort.yardsticks.anomalies.base import AnomalyMethod, Usual, over_channels
from longshort.yardsticks.seasons import best_season, season_ratios

# rows of the rolling and of the long window, and the least deviation
_ROLLING, _LONG, _LEAST = 100, 6_400, 1e-3


@dataclass(frozen=True)
class Random:
    """What chance comes to."""

    name: str = "random"
    kind: Kind = "naive"

    def refuses(self, train: Sequences) -> str:
        """Never."""
        return ""

    def fit(self, train: Sequences, seed: int) -> AnomalyMethod:
        """Nothing to learn."""

        def scores(series: Sequences) -> list[Floats]:
            drawn = np.random.Generator(np.random.Philox(seed))
            return [drawn.random(int(rows)) for rows in series.lengths]

        return AnomalyMethod(self.name, self.kind, scores)


@dataclass(frozen=True)
class RollingZ:
    """How many deviations a value lies from the rows before it.

    Args:
        window: rows.
    """

    window: int = _ROLLING
    kind: Kind = "naive"

    @property
    def name(self) -> str:
        """ "rolling z-score (100)"."""
        return f"rolling z-score ({self.window})"

    def refuses(self, train: Sequences) -> str:
        """Never."""
        return ""

    def fit(self, train: Sequences, seed: int) -> AnomalyMethod:
        """Learn the scale of each channel."""
        usual = Usual.of(train)

        def scores(series: Sequences) -> list[Floats]:
            return [
                over_channels(np.abs(_standing(usual.scaled(series, at), self.window)))
                for at in range(len(series))
            ]

        return AnomalyMethod(self.name, self.kind, scores)


@dataclass(frozen=True)
class WindowedGaussian:
    """How improbable a value is under the normal distribution of the rows before it."""

    name: str = "windowed Gaussian"
    kind: Kind = "naive"

    def refuses(self, train: Sequences) -> str:
        """Never."""
        return ""

    def fit(self, train: Sequences, seed: int) -> AnomalyMethod:
        """Learn the scale of each channel."""
        from scipy.special import log_ndtr

        usual = Usual.of(train)

        def scores(series: Sequences) -> list[Floats]:
            standing = [_standing(usual.scaled(series, at), _LONG) for at in range(len(series))]
            return [over_channels(-np.log(2) - log_ndtr(-np.abs(z))) for z in standing]

        return AnomalyMethod(self.name, self.kind, scores)


class _Phases(NamedTuple):
    """Of one series: medians (m, K) by phase, and the usual size (K,) of what is left."""

    median: Floats
    size: Floats


@dataclass(frozen=True)
class SeasonalResidual:
    """How far a value lies from what is usual at that place of the season.

    The season is the one by which the seasonal naive errs least on the training rows; where none
    fits in twice there is one phase.
    """

    name: str = "seasonal residual"
    kind: Kind = "naive"

    def refuses(self, train: Sequences) -> str:
        """Never."""
        return ""

    def fit(self, train: Sequences, seed: int) -> AnomalyMethod:
        """Learn the season, and the median and spread of each channel at each phase."""
        ratios = season_ratios(train, 1) if len(train.values) else {}
        season = best_season(ratios) or 1
        usual = Usual.of(train)
        own = {
            key: _phases(usual.scaled(train, at), season)
            for at, key in enumerate(train.keys)
            if train.length(at)
        }
        pooled = np.concatenate([usual.scaled(train, at) for at in range(len(train))])
        others = _phases(pooled, 1)

        def scores(series: Sequences) -> list[Floats]:
            found = []
            for at, key in enumerate(series.keys):
                x, phases = usual.scaled(series, at), own.get(key, others)
                median = phases.median[np.arange(len(x)) % len(phases.median)]
                found.append(over_channels(np.abs(x - median) / phases.size))
            return found

        name = f"{self.name} ({season})" if season > 1 else self.name
        return AnomalyMethod(name, self.kind, scores)


def _phases(x: Floats, season: int) -> _Phases:
    """Phases count from the first row of the series."""
    from warnings import catch_warnings, simplefilter

    with catch_warnings():
        # a phase or channel without any value
        simplefilter("ignore", RuntimeWarning)
        whole = np.nan_to_num(np.nanmedian(x, 0))
        median = np.stack([np.nanmedian(x[phase::season], 0) for phase in range(season)])
        median = np.where(np.isfinite(median), median, whole)
        left = np.abs(x - median[np.arange(len(x)) % season])
        size = 1.4826 * np.nan_to_num(np.nanmedian(left, 0))
    return _Phases(median, np.maximum(size, _LEAST))


def _standing(x: Floats, window: int) -> Floats:
    """(T, K) of (x - mean) / deviation over the ``window`` rows before; NaN before the third row.

    Rows of what is missing are passed over.
    """
    seen = np.isfinite(x)
    value = np.where(seen, x, 0.0)
    zero = np.zeros((1, x.shape[1]))
    sums = [np.concatenate([zero, np.cumsum(v, 0)]) for v in (seen.astype(float), value, value**2)]
    end = np.arange(len(x))
    start = np.maximum(end - window, 0)
    count, total, square = (s[end] - s[start] for s in sums)
    known = np.maximum(count, 1)
    mean = total / known
    variance = np.maximum(square / known - np.square(mean), 0.0)
    found = (x - mean) / np.maximum(np.sqrt(variance), _LEAST)
    return np.where(count >= 2, found, np.nan)
