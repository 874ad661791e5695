"""Scores of real-valued forecasts.

y is what happened, f the forecast, q_p its quantile at level p. A mean runs over every element
whose y is observed: NaN in ``actual`` is a missing value and is left out, so that a mean over
nothing is NaN. NaN in a forecast is not forgiven: the score is NaN.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from longshort.errors import ArgumentError

Floats = NDArray[np.float64]

# numbers held at once while resampling
_NUMBERS = 5_000_000


def mae(actual: ArrayLike, point: ArrayLike) -> float:
    """Mean absolute error: mean |y - f|, in the unit of y; lower is better, 0 is perfect.

    Args:
        actual, point: of one shape (...).

    Raises:
        ArgumentError: the shapes differ.
    """
    y, f = _pair(actual, point)
    return _mean(np.abs(y - f), y)


def rmse(actual: ArrayLike, point: ArrayLike) -> float:
    """Root mean squared error: sqrt(mean (y - f)^2), in the unit of y; lower is better.

    Args:
        actual, point: of one shape (...).

    Raises:
        ArgumentError: the shapes differ.
    """
    y, f = _pair(actual, point)
    return float(np.sqrt(_mean(np.square(y - f), y)))


def naive_scale(values: ArrayLike, season: int = 1) -> Floats:
    """What ``mase`` divides by: mean |x_t - x_(t - m)| over the training rows of one series.

    Hyndman and Koehler 2006, equation for the scaled error, with the seasonal naive of lag m in
    place of the last value.

    Args:
        values: (n,) or (n, K), the training rows in order; pairs with a NaN are left out.
        season: m, rows of one season; 1 is the last value.

    Returns:
        () or (K,), in the unit of the values; NaN where no pair is observed.

    Raises:
        ArgumentError: ``season`` is below 1.
    """
    if season < 1:
        raise ArgumentError(f"season is a number of rows, 1 or more; got {season}")
    x = np.asarray(values, np.float64)
    steps = np.abs(x[season:] - x[:-season])
    observed = np.isfinite(steps)
    count = observed.sum(0)
    total = np.where(observed, steps, 0.0).sum(0)
    return np.asarray(np.where(count > 0, total / np.maximum(count, 1), np.nan))


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
    y, f = _pair(actual, point)
    divisor = np.broadcast_to(np.asarray(scale, np.float64), y.shape)
    usable = divisor > 0
    scaled = np.abs(y - f) / np.where(usable, divisor, 1.0)
    return _mean(scaled, np.where(usable, y, np.nan))


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
    y, q, p = _quantiles(actual, quantiles, levels)
    error = y[..., None] - q
    return np.asarray(np.maximum(p * error, (p - 1) * error))


def pinball(actual: ArrayLike, quantiles: ArrayLike, levels: Sequence[float]) -> float:
    """Mean of ``pinball_losses`` over observed elements and levels; same arguments and errors."""
    return _mean(pinball_losses(actual, quantiles, levels).mean(-1), np.asarray(actual))


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
    return 2 * pinball(actual, quantiles, levels)


def check_levels(levels: Sequence[float]) -> Floats:
    """Quantile levels as an array (Q,).

    Raises:
        ArgumentError: they are not in (0, 1), or do not rise in equal steps.
    """
    p = np.asarray(levels, np.float64)
    steps = np.diff(p)
    inside = p.ndim == 1 and p.size > 0 and bool(((p > 0) & (p < 1)).all())
    if not inside or (len(steps) and not (steps.min() > 0 and np.ptp(steps) < 1e-6)):
        raise ArgumentError(
            f"levels={list(np.ravel(p))}: must lie in (0, 1) and rise in equal steps, "
            "such as 0.05, 0.10, ..., 0.95"
        )
    return p


def quantiles_at(quantiles: Floats, known: Sequence[float], levels: Sequence[float]) -> Floats:
    """Quantiles read at other levels, by straight lines between the known ones.

    Args:
        quantiles: (..., Q) at ``known``, which rise.
        levels: P numbers between the first and the last known level.

    Returns:
        (..., P).

    Raises:
        ArgumentError: a level outside the known ones.
    """
    found = np.zeros((*quantiles.shape[:-1], len(levels)))
    for at, level in enumerate(levels):
        if not known[0] - 1e-9 <= level <= known[-1] + 1e-9:
            raise ArgumentError(
                f"quantile level {level}: levels from {known[0]} to {known[-1]} are known"
            )
        place = float(np.interp(level, known, range(len(known))))
        below = min(int(place + 1e-9), len(known) - 2)
        part = place - below
        found[..., at] = (1 - part) * quantiles[..., below] + part * quantiles[..., below + 1]
    return found


def coverage(actual: ArrayLike, low: ArrayLike, high: ArrayLike) -> float:
    """Share of values with low <= y <= high, 0 to 1; best where it is the nominal level.

    Args:
        actual, low, high: of one shape (...).

    Raises:
        ArgumentError: the shapes differ.
    """
    y, below = _pair(actual, low)
    _, above = _pair(actual, high)
    inside = (y >= below) & (y <= above)
    unknown = np.isnan(below) | np.isnan(above)
    return _mean(np.where(unknown, np.nan, inside.astype(np.float64)), y)


def width(low: ArrayLike, high: ArrayLike) -> float:
    """Mean of high - low, in the unit of y; at equal coverage narrower is better.

    Args:
        low, high: of one shape (...).

    Raises:
        ArgumentError: the shapes differ.
    """
    below, above = _pair(low, high)
    return float((above - below).mean()) if below.size else float("nan")


def skill(loss: float, reference_loss: float) -> float:
    """Skill score: 1 - loss / reference loss; 1 is perfect, 0 is no better than the reference.

    NaN where the reference makes no error, because then nothing can be said.
    """
    return 1.0 - loss / reference_loss if reference_loss > 0 else float("nan")


def block_length(origins: int, horizon: int) -> int:
    """max(L, ceil(n^(1/3))), and never more than n.

    Errors of consecutive origins share up to L - 1 steps of what happened, so that they depend on
    each other at least that far; n^(1/3) is the order that is best for a mean (Hall, Horowitz and
    Jing 1995).
    """
    return max(1, min(origins, max(horizon, math.ceil(math.pow(origins, 1 / 3) - 1e-9))))


def block_sums(
    losses: ArrayLike,
    series: ArrayLike,
    horizon: int,
    *,
    resamples: int = 1000,
    seed: int = 0,
) -> Floats | None:
    """Sums of losses over resampled blocks of consecutive origins: a block bootstrap.

    A block is ``block_length`` consecutive origins of one series, which goes on at the beginning
    of that series where it meets its end. Kuensch 1989 and Liu and Singh 1992 (moving blocks);
    Politis and Romano 1992 (the wrap-around, by which every origin counts alike). Blocks are drawn
    from all series, so that few origins in each of many series are as good as many in one.

    Args:
        losses: (N, M) of M methods at N origins, the origins of a series together and in order;
            every method is resampled by the same draws.
        series: (N,) number of the series of each origin.
        horizon: L.
        resamples: R.
        seed: the same one draws the same blocks.

    Returns:
        (R, M), or None where there are fewer than four blocks: too few to tell a spread from.
    """
    values = np.asarray(losses, np.float64)
    _, first, which, sizes = np.unique(
        series, return_index=True, return_inverse=True, return_counts=True
    )
    length = np.array([block_length(int(size), horizon) for size in sizes])[which]
    draws = round(float((1 / length).sum())) if len(length) else 0
    if draws < 4:
        return None
    start, end = first[which], (first + sizes)[which]
    stop = np.arange(len(values)) + length
    total = np.concatenate([np.zeros((1, values.shape[1])), np.cumsum(values, 0)])
    inside = total[np.minimum(stop, end)] - total[:-1]
    around = total[start + np.maximum(stop - end, 0)] - total[start]
    blocks = inside + around
    # a start weighs 1 / length, so that an origin of a short series is drawn as often as any other
    weight = np.cumsum(1 / length)
    random = np.random.Generator(np.random.Philox(seed))
    sums = np.empty((resamples, values.shape[1]))
    part = max(1, _NUMBERS // (draws * values.shape[1]))
    for row in range(0, resamples, part):
        rows = min(part, resamples - row)
        place = np.searchsorted(weight, random.random((rows, draws)) * weight[-1], side="right")
        sums[row : row + rows] = blocks[np.minimum(place, len(values) - 1)].sum(1)
    return sums


def skill_interval(
    sums: Floats | None, reference_sums: Floats | None, level: float = 0.95
) -> tuple[float, float] | None:
    """Central interval of ``skill`` over resampled sums (R,) of both methods, paired.

    None where there are none, or where the reference makes no error in some resample.
    """
    if sums is None or reference_sums is None or not (reference_sums > 0).all():
        return None
    skills = 1.0 - sums / reference_sums
    low, high = np.quantile(skills, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def _pair(actual: ArrayLike, point: ArrayLike) -> tuple[Floats, Floats]:
    y, f = np.asarray(actual, np.float64), np.asarray(point, np.float64)
    if y.shape != f.shape:
        raise ArgumentError(f"values of shape {y.shape} and {f.shape} are compared: must be equal")
    return y, f


def _quantiles(
    actual: ArrayLike, quantiles: ArrayLike, levels: Sequence[float]
) -> tuple[Floats, Floats, Floats]:
    y, q = np.asarray(actual, np.float64), np.asarray(quantiles, np.float64)
    p = np.asarray(levels, np.float64)
    if q.shape != (*y.shape, *p.shape) or p.ndim != 1:
        raise ArgumentError(
            f"quantiles of shape {q.shape}: {p.size} levels of values of shape {y.shape} "
            f"need {(*y.shape, p.size)}"
        )
    if not ((p > 0) & (p < 1)).all():
        raise ArgumentError(f"levels={p.tolist()}: must lie in (0, 1)")
    return y, q, p


def _mean(losses: Floats, actual: Floats) -> float:
    observed = ~np.isnan(actual)
    return float(losses[observed].mean()) if observed.any() else float("nan")
