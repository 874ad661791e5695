"""What real-valued forecasts are scored by, each score written once: what is summed over what.

y is what happened, f the forecast, q_p its quantile at level p, l and u the ends of an interval.
Every score is a ratio of two sums over the elements whose y is observed,

    score = sum of losses / sum of weights          (or the square root of that)

so that the parts of a whole add up: ``totals`` sums along an axis, ``score`` over everything. NaN
in ``actual`` is a missing value and is left out; a score of nothing is NaN. NaN in a forecast is
not forgiven: the score is NaN. ``metrics.real`` has the same scores by name, and says what each is.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from longshort.metrics.quantiles import central_pairs

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Case:
    """What happened and what was told of it: what every score is computed from.

    Args:
        actual: (...), NaN where missing.
        point: (...).
        quantiles: (..., Q) at ``levels`` (Q,), rising.
        ends: places among the quantiles of the two ends of the interval that is scored.
        scale, root_scale: (...) of ``naive_scale`` with power 1 and 2; elements whose scale is 0
            or NaN are left out of the scores that are divided by it.
        last: (...) the last value that was known when the forecast was made.
    """

    actual: Floats
    point: Floats | None = None
    quantiles: Floats | None = None
    levels: Sequence[float] = ()
    ends: tuple[int, int] = (0, -1)
    scale: Floats | None = None
    root_scale: Floats | None = None
    last: Floats | None = None

    @cached_property
    def observed(self) -> NDArray[np.bool_]:
        """(...) True where a value is scored."""
        return ~np.isnan(self.actual)

    @cached_property
    def error(self) -> Floats:
        """(...) |y - f|."""
        assert self.point is not None
        return np.abs(self.actual - self.point)

    @cached_property
    def pinball(self) -> Floats:
        """(..., Q) max(p (y - q_p), (p - 1) (y - q_p))."""
        assert self.quantiles is not None
        p = np.asarray(self.levels, np.float64)
        error = self.actual[..., None] - self.quantiles
        return np.asarray(np.maximum(p * error, (p - 1) * error))

    @cached_property
    def interval(self) -> tuple[Floats, Floats]:
        """The lower and the upper end (...) of the interval."""
        assert self.quantiles is not None
        low, high = self.ends
        return self.quantiles[..., low], self.quantiles[..., high]

    @cached_property
    def parts(self) -> tuple[Floats, Floats, Floats]:
        """Dispersion, over- and underprediction (...) of the weighted interval score."""
        assert self.quantiles is not None
        y, q, p = self.actual, self.quantiles, np.asarray(self.levels, np.float64)
        dispersion, above, below = np.zeros((3, *y.shape))
        weight = 0.0
        for low, high in central_pairs(self.levels):
            dispersion += p[low] * (q[..., high] - q[..., low])
            above += np.maximum(q[..., low] - y, 0)
            below += np.maximum(y - q[..., high], 0)
            weight += 1
        for middle in np.flatnonzero(np.isclose(p, 0.5)):
            above += 0.5 * np.maximum(q[..., middle] - y, 0)
            below += 0.5 * np.maximum(y - q[..., middle], 0)
            weight += 0.5
        divisor = weight or np.nan
        return dispersion / divisor, above / divisor, below / divisor

    @cached_property
    def moved(self) -> NDArray[np.bool_]:
        """(...) True where the value is not the last one known."""
        assert self.last is not None
        return np.asarray((self.actual != self.last) & np.isfinite(self.last))


class Measure(NamedTuple):
    """One score: its name, the losses, their weights (None: 1 each), and whether it is a root."""

    name: str
    losses: Callable[[Case], Floats]
    weights: Callable[[Case], Floats] | None = None
    root: bool = False

    def ratio(self, total: ArrayLike, weight: ArrayLike) -> Floats:
        """The score of sums; NaN where nothing was summed."""
        weight = np.asarray(weight, np.float64)
        found = np.divide(total, weight, out=np.full(weight.shape, np.nan), where=weight != 0)
        return np.asarray(np.sqrt(found) if self.root else found)


def totals(
    measure: Measure, case: Case, axis: int | tuple[int, ...] | None = None
) -> tuple[Floats, Floats]:
    """Sums of losses and of weights of observed elements along ``axis``; None is over all."""
    seen = case.observed
    losses = np.where(seen, measure.losses(case), 0.0)
    weights = np.where(seen, measure.weights(case), 0.0) if measure.weights else seen
    return np.asarray(losses.sum(axis)), np.asarray(weights.sum(axis), np.float64)


def score(measure: Measure, case: Case) -> float:
    """The score of all observed elements."""
    return float(measure.ratio(*totals(measure, case)))


def _over(losses: Floats, divisor: Floats | None) -> Floats:
    """losses / divisor where it is above 0; 0 elsewhere."""
    wide = np.broadcast_to(_known(divisor), losses.shape)
    return np.divide(losses, wide, out=np.zeros(losses.shape), where=wide > 0)


def _usable(divisor: Floats | None) -> Floats:
    return np.asarray(_known(divisor) > 0, np.float64)


def _known(part: Floats | None) -> Floats:
    assert part is not None
    return part


def _symmetric(case: Case) -> Floats:
    return 2 * _over(case.error, np.abs(case.actual) + np.abs(_known(case.point)))


def _inside(case: Case) -> Floats:
    low, high = case.interval
    inside = ((low <= case.actual) & (case.actual <= high)).astype(np.float64)
    return np.where(np.isnan(low) | np.isnan(high), np.nan, inside)


def _direction(case: Case) -> Floats:
    last = _known(case.last)
    agreed = np.sign(_known(case.point) - last) * np.sign(case.actual - last)
    return np.where(case.moved, (1 + agreed) / 2, 0.0)


MAE = Measure("mae", lambda case: case.error)
RMSE = Measure("rmse", lambda case: np.square(case.error), root=True)
MASE = Measure("mase", lambda c: _over(c.error, c.scale), lambda c: _usable(c.scale))
RMSSE = Measure(
    "rmsse",
    lambda c: np.square(_over(c.error, c.root_scale)),
    lambda c: _usable(c.root_scale),
    root=True,
)
SMAPE = Measure("smape", _symmetric)
MAPE = Measure(
    "mape", lambda c: _over(c.error, np.abs(c.actual)), lambda c: _usable(np.abs(c.actual))
)
WAPE = Measure("wape", lambda case: case.error, lambda case: np.abs(case.actual))
CRPS = Measure("crps", lambda case: 2 * case.pinball.mean(-1))
WQL = Measure("wql", lambda case: 2 * case.pinball.mean(-1), lambda case: np.abs(case.actual))
COVERAGE = Measure("coverage", _inside)
WIDTH = Measure("width", lambda case: case.interval[1] - case.interval[0])
DISPERSION = Measure("dispersion", lambda case: case.parts[0])
OVERPREDICTION = Measure("overprediction", lambda case: case.parts[1])
UNDERPREDICTION = Measure("underprediction", lambda case: case.parts[2])
DIRECTION = Measure("direction", _direction, lambda case: case.moved.astype(np.float64))

MEASURES = (
    MAE, RMSE, MASE, RMSSE, SMAPE, MAPE, WAPE, CRPS, WQL, COVERAGE, WIDTH,
    DISPERSION, OVERPREDICTION, UNDERPREDICTION, DIRECTION,
)  # fmt: skip
