"""Whether one forecast is better than another beyond chance: the test of Diebold and Mariano."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import t as student

from longshort.errors import ArgumentError

Floats = NDArray[np.float64]


class Difference(NamedTuple):
    """A test of equal losses.

    ``mean`` is that of the first forecast's losses minus the second's, below 0 where the first is
    better; ``statistic`` is that over its standard error, corrected for few origins; ``p_value``
    (0 to 1, two-sided) is how often chance alone gives one as far from 0.
    """

    mean: float
    statistic: float
    p_value: float


def diebold_mariano(first: ArrayLike, second: ArrayLike, horizon: int) -> Difference | None:
    r"""Test that two forecasts are equally good, from their losses at the same n origins.

        d_t = a_t - b_t         g_k = sum over t of (d_t - mean d) (d_(t-k) - mean d) / n
        DM  = mean d / sqrt((g_0 + 2 sum of g_k for k = 1 to h - 1) / n)
        DM* = DM sqrt((n + 1 - 2 h + h (h - 1) / n) / n), compared with Student's t, n - 1 degrees

    Diebold and Mariano 1995, "Comparing predictive accuracy"; the correction and Student's t are
    those of Harvey, Leybourne and Newbold 1997, "Testing the equality of prediction mean squared
    errors". h - 1 lags, because errors of origins h apart share nothing. Where the sum
    of autocovariances is not above 0, lag k is weighed by 1 - k / h (Newey and West 1987), with
    which it is.

    Args:
        first, second: (n,) losses a and b, consecutive origins in order, without missing ones.
        horizon: h, steps forecast from each origin, 1 or more.

    Returns:
        None where fewer than two horizons, or than four origins, are too few to tell, and where
        the losses differ by the same amount at every origin.

    Raises:
        ArgumentError: the shapes differ, a loss is missing, or the horizon is below 1.
    """
    a, b = np.asarray(first, np.float64), np.asarray(second, np.float64)
    if a.shape != b.shape or a.ndim != 1:
        raise ArgumentError(f"losses of shape {a.shape} and {b.shape}: must be equal, (n,)")
    if not (np.isfinite(a).all() and np.isfinite(b).all()):
        raise ArgumentError("losses must be finite: leave out origins where one is missing")
    if horizon < 1:
        raise ArgumentError(f"horizon={horizon}: must be 1 or more")
    d, n = a - b, len(a)
    if n < max(4, 2 * horizon):
        return None
    mean = float(d.mean())
    around = d - mean
    covariances = np.array([around[k:] @ around[: n - k] for k in range(horizon)]) / n
    # differences that are equal but for rounding
    if covariances[0] <= 1e-24 * max(1.0, float(np.abs(a).max())) ** 2:
        return None
    lags = np.arange(1, horizon)
    spread = covariances[0] + 2 * covariances[1:].sum()
    if spread <= 0:
        spread = covariances[0] + 2 * ((1 - lags / horizon) * covariances[1:]).sum()
    few = (n + 1 - 2 * horizon + horizon * (horizon - 1) / n) / n
    statistic = float(mean / np.sqrt(spread / n) * np.sqrt(few))
    return Difference(mean, statistic, float(2 * student.sf(abs(statistic), n - 1)))
