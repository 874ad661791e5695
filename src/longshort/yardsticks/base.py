"""What a yardstick is, and how each of them gets its intervals.

A yardstick forecasts points. Its quantiles are the point plus the empirical quantiles of its own
errors, of either sign, on windows that it was not fitted on: the same for every yardstick, so that
no method is judged by an interval that another had no chance to have. Errors count with both signs
so that the point is the median of its own distribution, and a biased rule gets a wide interval
instead of a silent correction that its point does not have.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol, Self

import numpy as np

from longshort.data.sequences import Floats
from longshort.data.steps import Ints
from longshort.data.windows import Windows
from longshort.errors import DataError
from longshort.metrics.real import naive_scale
from longshort.records import Kind

# numbers held at once by one step of a loop over windows: 80 MB in float64
_NUMBERS = 10_000_000
# horizons that the past of a series counts for, when its errors are sized
_PRIOR = 20


class Forecasts(NamedTuple):
    """Forecasts of N windows in raw units: point (N, L, K), quantiles (N, L, K, Q) rising in Q."""

    point: Floats
    quantiles: Floats


@dataclass(frozen=True)
class Method:
    """Whatever is judged: a name, what kind it is, and a function (windows, index) -> Forecasts."""

    name: str
    kind: Kind
    forecast: Callable[[Windows, Ints], Forecasts]

    def __call__(self, windows: Windows, index: Ints) -> Forecasts:
        """Forecasts of the windows of these numbers (N,)."""
        return self.forecast(windows, index)


class Yardstick(Protocol):
    """A rule or a classical method that forecasts from what lies before each origin.

    It never looks at a value at or after the origin, copes with missing values, and gives a
    number wherever the target was observed at least once before the origin.
    """

    @property
    def name(self) -> str:
        """How it is called in tables."""
        ...

    @property
    def kind(self) -> Kind:
        """ "naive" for a rule without fitted parameters or nearly so, "classical" for a model."""
        ...

    def fit(self, train: Windows, valid: Windows | None = None) -> Self:
        """Learn from the training windows; settings, if any, are chosen on the validation ones."""
        ...

    def point(self, windows: Windows, index: Ints) -> Floats:
        """(N, L, K) in raw units for the windows of these numbers (N,)."""
        ...


@dataclass(frozen=True)
class ResidualQuantiles:
    """Quantiles of a yardstick: its point plus scaled quantiles of its own past errors.

        q_p(l, k) = f(l, k) + a(s, k) * Q_p(e(l, k) / a(s, k))

    with a(s, k) the size of the yardstick's errors on series s, so that series of different size
    share one shape; with one series these are the plain empirical quantiles per step and target.

    Args:
        yardstick: what forecasts the points.
        shape: (L, K, Q) quantiles of the relative errors.
        scale: by series name (K,), the size of errors; ``usual`` (K,) for other series.
    """

    yardstick: Yardstick
    shape: Floats
    scale: dict[str, Floats]
    usual: Floats

    def __call__(self, windows: Windows, index: Ints) -> Forecasts:
        """Point and quantiles of the windows of these numbers (N,)."""
        point = self.yardstick.point(windows, index)
        keys = windows.sequences.keys
        used, place = np.unique(windows.where(index)[0], return_inverse=True)
        scale = np.array([self.scale.get(keys[s], self.usual) for s in used])
        scale = scale.reshape(len(used), len(self.usual))
        spread = scale[place][:, None, :, None] * self.shape
        return Forecasts(point, point[..., None] + spread)


def with_quantiles(yardstick: Yardstick, calibration: Windows, levels: Sequence[float]) -> Method:
    """The fitted yardstick as a method with quantiles at ``levels``.

    Quantile p of n errors, each with both signs, is the p (2 n + 1)-th smallest (Hyndman and Fan
    1996, type 6), which a further error of a symmetric distribution stays below with probability p.

    Args:
        yardstick: fitted.
        calibration: windows whose errors are taken, best ones that it was not fitted on.
        levels: Q numbers in (0, 1).

    Raises:
        DataError: there is no calibration window with an observed target.
    """
    index = spread_over(len(calibration), _NUMBERS // _size(calibration))
    series, _ = calibration.where(index)
    errors = calibration.actual(index) - points(yardstick, calibration, index)
    seen = np.isfinite(errors)
    if not seen.any():
        raise DataError(
            f"{calibration.sequences.source}: no observed target among {len(calibration)} "
            "validation forecasts, so the yardsticks' intervals cannot be measured; give a "
            "longer validation part"
        )
    size, count = np.zeros((2, len(calibration.sequences), seen.shape[2]))
    np.add.at(size, series, np.where(seen, np.abs(errors), 0.0).sum(1))
    np.add.at(count, series, seen.sum(1))
    usual = size.sum(0) / np.maximum(count.sum(0), 1)
    scale = _sizes(calibration, size, count, usual)
    divisor = scale[series][:, None, :]
    relative = np.divide(errors, divisor, out=np.where(seen, 0.0, np.nan), where=divisor > 0)
    by_key = dict(zip(calibration.sequences.keys, scale, strict=True))
    quantiles = ResidualQuantiles(yardstick, _quantiles(relative, levels), by_key, usual)
    return Method(yardstick.name, yardstick.kind, quantiles)


def _sizes(calibration: Windows, size: Floats, count: Floats, usual: Floats) -> Floats:
    """(S, K) mean absolute errors, drawn towards what the steps of the series' past would suggest.

    A series with few windows says little about itself, and what it says is also what its errors
    are divided by. Its mean is therefore taken together with that of ``_PRIOR`` horizons, end to
    end, whose errors stand to the series' mean step, up to the last window, as they do over all
    series.

    Args:
        size, count: (S, K) sums of absolute errors, and how many.
        usual: (K,) the mean over all series.
    """
    sequences = calibration.sequences
    past = sequences.crop(0, np.maximum(calibration.first, rows_seen(calibration)))
    step = np.stack(
        [naive_scale(past.values[past.rows(s)][:, calibration.targets]) for s in range(len(past))]
    )
    step = np.where(step > 0, step, 0.0)
    expected = (count * step).sum(0)
    ratio = np.where(step > 0, size, 0.0).sum(0) / np.where(expected > 0, expected, 1.0)
    prior = np.where((step > 0) & (ratio > 0), ratio * step, usual)
    # as many windows overlap as a horizon has steps, and are worth one
    weight = _PRIOR * calibration.horizon**2
    return np.asarray((size + weight * prior) / (count + weight))


def _quantiles(errors: Floats, levels: Sequence[float]) -> Floats:
    """(L, K, Q) of errors (N, L, K); a step without any takes those of all steps together."""
    _, horizon, targets = errors.shape
    found = np.zeros((horizon, targets, len(levels)))
    for target in range(targets):
        whole = errors[:, :, target]
        whole = whole[np.isfinite(whole)]
        for step in range(horizon):
            seen = errors[:, step, target]
            seen = seen[np.isfinite(seen)]
            if not len(seen):
                seen = whole
            if len(seen):
                seen = np.concatenate([seen, -seen])
                found[step, target] = np.quantile(seen, levels, method="weibull")
    return found


def points(yardstick: Yardstick, windows: Windows, index: Ints) -> Floats:
    """(N, L, K) point forecasts, made a part at a time."""
    parts = [yardstick.point(windows, part) for part in chunks(index, _size(windows))]
    empty = np.zeros((0, windows.horizon, len(windows.targets)))
    return np.concatenate([empty, *parts])


def chunks(index: Ints, numbers: int) -> Iterator[Ints]:
    """Parts of ``index`` that hold at most ten million numbers, given those of one window."""
    rows = max(1, _NUMBERS // max(1, numbers))
    for start in range(0, len(index), rows):
        yield index[start : start + rows]


def spread_over(size: int, most: int) -> Ints:
    """All numbers below ``size``, or ``most`` of them, evenly spread."""
    if size <= most:
        return np.arange(size)
    return np.linspace(0, size - 1, max(1, most)).round().astype(np.int64)


def rows_seen(windows: Windows) -> Ints:
    """(S,) rows of each series that lie in or before the horizon of one of its windows."""
    used = windows.last > windows.first
    return np.where(used, windows.last + windows.horizon - 1, 0)


def _size(windows: Windows) -> int:
    return max(1, windows.horizon * len(windows.targets))
