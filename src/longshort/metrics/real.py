"""Scores of real-valued forecasts by name: arrays in, a number out.

y is what happened, f the forecast, q_p its quantile at level p. A mean runs over every element
whose y is observed: NaN in ``actual`` is a missing value and is left out, so that a mean over
nothing is NaN. NaN in a forecast is not forgiven: the score is NaN. What is summed over what
stands in ``metrics.measures``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from longshort.errors import ArgumentError
from longshort.metrics.measures import (
    COVERAGE,
    CRPS,
    DIRECTION,
    DISPERSION,
    MAE,
    MAPE,
    MASE,
    OVERPREDICTION,
    RMSE,
    RMSSE,
    SMAPE,
    UNDERPREDICTION,
    WAPE,
    WIDTH,
    WQL,
    Case,
    Floats,
    Measure,
    score,
)
from longshort.metrics.quantiles import check_levels


def mae(actual: ArrayLike, point: ArrayLike) -> float:
    """Mean absolute error: mean |y - f|, in the unit of y; lower is better, 0 is perfect.

    Args:
        actual, point: of one shape (...).

    Raises:
        ArgumentError: the shapes differ.
    """
    return score(MAE, _points(actual, point))


def rmse(actual: ArrayLike, point: ArrayLike) -> float:
    """Root mean squared error: sqrt(mean (y - f)^2), in the unit of y; lower is better.

    Arguments and errors as for ``mae``.
    """
    return score(RMSE, _points(actual, point))


def naive_scale(values: ArrayLike, season: int = 1, power: int = 1) -> Floats:
    """What ``mase`` and ``rmsse`` divide by: the seasonal naive's error on the training rows.

        power 1: mean |x_t - x_(t - m)|            power 2: sqrt(mean (x_t - x_(t - m))^2)

    Hyndman and Koehler 2006, equation for the scaled error, with the seasonal naive of lag m in
    place of the last value.

    Args:
        values: (n,) or (n, K), the training rows of one series in order; pairs with a NaN are
            left out.
        season: m, rows of one season; 1 is the last value.
        power: 1 for ``mase``, 2 for ``rmsse``.

    Returns:
        () or (K,), in the unit of the values; NaN where no pair is observed.

    Raises:
        ArgumentError: ``season`` is below 1.
    """
    if season < 1:
        raise ArgumentError(f"season is a number of rows, 1 or more; got {season}")
    x = np.asarray(values, np.float64)
    steps = np.abs(x[season:] - x[:-season]) ** power
    observed = np.isfinite(steps)
    count = observed.sum(0)
    total = np.where(observed, steps, 0.0).sum(0)
    mean = np.where(count > 0, total / np.maximum(count, 1), np.nan)
    return np.asarray(mean ** (1 / power))


def mase(actual: ArrayLike, point: ArrayLike, scale: ArrayLike) -> float:
    """Mean absolute scaled error: mean |y - f| / scale, no unit; below 1 beats the naive rule.

    It beats what the naive rule did one season ahead on the training rows, which is an easier
    task than forecasting many steps ahead. Hyndman and Koehler 2006, "Another look at measures
    of forecast accuracy".

    Args:
        actual, point: of one shape (...).
        scale: ``naive_scale`` of each element's series and target, broadcast to that shape;
            elements whose scale is 0 or NaN are left out.

    Raises:
        ArgumentError: the shapes differ.
    """
    return score(MASE, _points(actual, point, scale=np.asarray(scale, np.float64)))


def rmsse(actual: ArrayLike, point: ArrayLike, scale: ArrayLike) -> float:
    """Root mean squared scaled error: sqrt(mean ((y - f) / scale)^2), no unit; lower is better.

    Makridakis, Spiliotis and Assimakopoulos 2022 (M5), over all elements at once. The mean, not
    the median, has the least of it, which suits counts with many zeros.

    Args:
        actual, point: of one shape (...).
        scale: ``naive_scale`` with power 2, as for ``mase``.

    Raises:
        ArgumentError: the shapes differ.
    """
    return score(RMSSE, _points(actual, point, root_scale=np.asarray(scale, np.float64)))


def smape(actual: ArrayLike, point: ArrayLike) -> float:
    """Symmetric mean absolute percentage error: mean 2 |y - f| / (|y| + |f|), 0 to 2.

    Lower is better; times 100 it is the percentage of the M3 and M4 competitions (Makridakis and
    Hibon 2000), of which some libraries give the half. 0 where both are 0. It is unkind to values
    near 0. Arguments and errors as for ``mae``.
    """
    return score(SMAPE, _points(actual, point))


def mape(actual: ArrayLike, point: ArrayLike) -> float:
    """Mean absolute percentage error: mean |y - f| / |y|, no unit; lower is better.

    Elements with y = 0 are left out, so that it says nothing of them; it prefers forecasts that
    are too low. Arguments and errors as for ``mae``.
    """
    return score(MAPE, _points(actual, point))


def wape(actual: ArrayLike, point: ArrayLike) -> float:
    """Weighted absolute percentage error: sum |y - f| / sum |y|, no unit; lower is better.

    Also called normalised deviation. Arguments and errors as for ``mae``.
    """
    return score(WAPE, _points(actual, point))


def directional_accuracy(actual: ArrayLike, point: ArrayLike, last: ArrayLike) -> float:
    """Share of moves whose direction was foreseen: sign(f - x) = sign(y - x), 0 to 1.

    x is the last value known. Higher is better; a coin has 0.5, and so has a forecast of no move,
    which counts as half right. Values that did not move are left out.

    Args:
        actual, point, last: of one shape (...).

    Raises:
        ArgumentError: the shapes differ.
    """
    _points(actual, last)
    return score(DIRECTION, _points(actual, point, last=np.asarray(last, np.float64)))


def pinball_losses(actual: ArrayLike, quantiles: ArrayLike, levels: Sequence[float]) -> Floats:
    """Pinball loss of each quantile: max(p (y - q_p), (p - 1) (y - q_p)), in the unit of y.

    Koenker and Bassett 1978, "Regression quantiles". Lower is better; its mean is least where
    q_p is the true quantile.

    Args:
        actual: (...); NaN gives NaN.
        quantiles: (..., Q).
        levels: Q numbers in (0, 1).

    Returns:
        (..., Q).

    Raises:
        ArgumentError: the shapes or the levels do not fit.
    """
    return _told(actual, quantiles, levels).pinball


def pinball(actual: ArrayLike, quantiles: ArrayLike, levels: Sequence[float]) -> float:
    """Mean of ``pinball_losses`` over observed elements and levels; same arguments and errors."""
    return score(CRPS, _told(actual, quantiles, levels)) / 2


def crps_from_quantiles(actual: ArrayLike, quantiles: ArrayLike, levels: Sequence[float]) -> float:
    """Continuous ranked probability score from quantiles, in the unit of y; lower is better.

        CRPS = 2 * integral over p of the pinball loss ~ 2 * mean over levels

    Gneiting and Raftery 2007, "Strictly proper scoring rules", section 4.2. For a forecast
    without spread it is the absolute error. The sum over levels is an approximation that every
    method compared must share: the same levels, equally spaced.

    Args:
        actual: (...).
        quantiles: (..., Q).
        levels: Q numbers in (0, 1), rising in equal steps.

    Raises:
        ArgumentError: the shapes do not fit, or the levels are not equally spaced.
    """
    check_levels(levels)
    return score(CRPS, _told(actual, quantiles, levels))


def wql(actual: ArrayLike, quantiles: ArrayLike, levels: Sequence[float]) -> float:
    """Mean weighted quantile loss: 2 sum of pinball losses / sum |y|, mean over levels, no unit.

    Lower is better; the score of GluonTS' tables (Alexandrov et al. 2020). Arguments as for
    ``pinball_losses``.
    """
    return score(WQL, _told(actual, quantiles, levels))


def crps_from_samples(actual: ArrayLike, samples: ArrayLike, *, fair: bool = False) -> float:
    """Continuous ranked probability score of n draws, exact, in the unit of y; lower is better.

        CRPS = mean_i |x_i - y| - sum_i sum_j |x_i - x_j| / (2 n^2)

    That of the draws' own distribution; ``fair`` divides by 2 n (n - 1) instead, which is without
    bias the CRPS of the distribution that they were drawn from (Ferro 2014).

    Args:
        actual: (...).
        samples: (..., n), n of 1 or more, 2 for ``fair``.

    Raises:
        ArgumentError: the shapes do not fit.
    """
    y, x = np.asarray(actual, np.float64), np.sort(np.asarray(samples, np.float64), -1)
    count = x.shape[-1] if x.ndim else 0
    if x.shape[:-1] != y.shape or count < 1 + fair:
        raise ArgumentError(
            f"samples of shape {x.shape}: values of shape {y.shape} need {(*y.shape, 'n')} with n "
            f"of {1 + fair} or more"
        )
    ranks = 2 * np.arange(1, count + 1) - count - 1
    apart = (x * ranks).sum(-1) / (count * (count - fair))
    losses = np.abs(x - y[..., None]).mean(-1) - apart
    return score(Measure("crps", lambda case: losses), Case(y))


class IntervalScore(NamedTuple):
    """The weighted interval score, and the three parts that add up to it."""

    total: float
    dispersion: float
    overprediction: float
    underprediction: float


def weighted_interval_score(
    actual: ArrayLike, quantiles: ArrayLike, levels: Sequence[float]
) -> IntervalScore:
    """Weighted interval score of all central intervals and the median, in the unit of y.

        WIS = (|y - m| / 2 + sum_k (a_k / 2) IS_k) / (K + 1/2)
        IS  = (u - l) + (2 / a) max(l - y, 0) + (2 / a) max(y - u, 0)

    with a_k = 1 minus the nominal coverage of interval k. Bracher, Ray, Gneiting and Reich 2021,
    "Evaluating epidemic forecasts in an interval format", equations 1 and 2. Lower is better. The
    three terms are dispersion (width), overprediction (the truth lies below) and underprediction
    (above); the median's error belongs to the last two. It equals ``crps_from_quantiles`` where
    every level has its mirror image.

    Args:
        actual: (...).
        quantiles: (..., Q).
        levels: Q numbers in (0, 1); those without a mirror image are left out.

    Raises:
        ArgumentError: the shapes or the levels do not fit.
    """
    case = _told(actual, quantiles, levels)
    parts = [score(part, case) for part in (DISPERSION, OVERPREDICTION, UNDERPREDICTION)]
    return IntervalScore(sum(parts), *parts)


def coverage(actual: ArrayLike, low: ArrayLike, high: ArrayLike) -> float:
    """Share of values with low <= y <= high, 0 to 1; best where it is the nominal level.

    Args:
        actual, low, high: of one shape (...).

    Raises:
        ArgumentError: the shapes differ.
    """
    y, below = _pair(actual, low)
    _, above = _pair(actual, high)
    return score(COVERAGE, Case(y, quantiles=np.stack([below, above], -1)))


def width(low: ArrayLike, high: ArrayLike) -> float:
    """Mean of high - low, in the unit of y; at equal coverage narrower is better.

    Args:
        low, high: of one shape (...).

    Raises:
        ArgumentError: the shapes differ.
    """
    below, above = _pair(low, high)
    return score(WIDTH, Case(np.zeros(below.shape), quantiles=np.stack([below, above], -1)))


def _points(actual: ArrayLike, point: ArrayLike, **more: Floats) -> Case:
    y, f = _pair(actual, point)
    return Case(y, f, **more)  # type: ignore[arg-type]


def _told(actual: ArrayLike, quantiles: ArrayLike, levels: Sequence[float]) -> Case:
    y, q = np.asarray(actual, np.float64), np.asarray(quantiles, np.float64)
    p = np.asarray(levels, np.float64)
    if q.shape != (*y.shape, *p.shape) or p.ndim != 1:
        raise ArgumentError(
            f"quantiles of shape {q.shape}: {p.size} levels of values of shape {y.shape} "
            f"need {(*y.shape, p.size)}"
        )
    if not ((p > 0) & (p < 1)).all():
        raise ArgumentError(f"levels={p.tolist()}: must lie in (0, 1)")
    return Case(y, quantiles=q, levels=p.tolist())


def _pair(actual: ArrayLike, point: ArrayLike) -> tuple[Floats, Floats]:
    y, f = np.asarray(actual, np.float64), np.asarray(point, np.float64)
    if y.shape != f.shape:
        raise ArgumentError(f"values of shape {y.shape} and {f.shape} are compared: must be equal")
    return y, f
