r"""Split-conformal calibration: intervals that held on unseen data as often as they say.

With y what happened on n unseen examples and q_p the quantile that was told at level p,

    symmetric    of the central interval [q_p, q_(1-p)], coverage c = 1 - 2p:
                 r = the ceil((n + 1) c)-th smallest of max(q_p - y, y - q_(1-p))
                 q_p <- q_p - r,   q_(1-p) <- q_(1-p) + r
    asymmetric   of every level by itself, p > 1/2:
                 q_p <- q_p + the ceil((n + 1) p)-th smallest of y - q_p
                 and below the median the same with signs reversed

Romano, Patterson and Candes 2019, "Conformalized quantile regression", theorems 1 and 2: a further
example that is exchangeable with the n lies in the symmetric interval with a probability of at
least c, and of at most c + 1 / (n + 1) where no two scores are equal; the asymmetric one keeps
each tail. The median stays where it is, and so does the point. For a forecast without spread the
interval is that of its absolute errors.

Forecasts of a time series are not exchangeable: windows overlap, and the world drifts. What is
measured on test data tells how far this carries.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from longshort.errors import ArgumentError, suggest
from longshort.metrics.quantiles import central_pairs

Calibration = Literal["symmetric", "asymmetric", "none"]
Floats = NDArray[np.float64]

# horizons, end to end, that the unseen examples must span; fewer say too little of the tails
LEAST_HORIZONS = 40


def enough(examples: int, horizon: int) -> bool:
    """Whether that many overlapping examples say enough to calibrate with."""
    return examples >= LEAST_HORIZONS * horizon


def radius(scores: Floats, level: float) -> Floats:
    """The ceil((n + 1) level)-th smallest score along axis 0, which a further one stays below.

    Args:
        scores: (n, ...), NaN where missing.
        level: in (0, 1).

    Returns:
        (...), the largest score where n is too small for the level, NaN where n is 0.
    """
    ranked = np.sort(scores, 0)
    count = np.isfinite(ranked).sum(0)
    rank = np.ceil((count + 1) * level - 1e-9).astype(np.int64)
    place = np.clip(np.minimum(rank, count) - 1, 0, None)
    if not len(ranked):
        return np.full(scores.shape[1:], np.nan)
    found = np.take_along_axis(ranked, place[None], 0)[0]
    return np.asarray(np.where(count > 0, found, np.nan))


def shifts(
    actual: Floats, quantiles: Floats, levels: Sequence[float], calibration: Calibration
) -> Floats:
    """What is added to each quantile, per step and target.

    A step with too few examples for a level takes the scores of all steps together.

    Args:
        actual: (N, L, K), NaN where missing.
        quantiles: (N, L, K, Q) of the same examples.
        levels: Q levels, rising; those without a mirror image stay as they are in "symmetric".
        calibration: "symmetric", "asymmetric" or "none".

    Returns:
        (L, K, Q), 0 where nothing is known.
    """
    found = np.zeros(quantiles.shape[1:])
    if calibration == "symmetric":
        for low, high in central_pairs(levels):
            scores = np.maximum(quantiles[..., low] - actual, actual - quantiles[..., high])
            width = _by_step(scores, levels[high] - levels[low])
            found[..., low], found[..., high] = -width, width
    elif calibration == "asymmetric":
        for at, level in enumerate(levels):
            if not math.isclose(level, 0.5):
                sign = 1 if level > 0.5 else -1
                scores = sign * (actual - quantiles[..., at])
                found[..., at] = sign * _by_step(scores, max(level, 1 - level))
    return np.nan_to_num(found)


def _by_step(scores: Floats, level: float) -> Floats:
    """(L, K) radii of scores (N, L, K)."""
    own = radius(scores, level)
    whole = radius(scores.reshape(-1, scores.shape[2]), level)
    few = np.isfinite(scores).sum(0) < math.ceil(level / (1 - level) - 1e-9)
    return np.where(few, whole, own)


def check_calibration(calibration: str) -> Calibration:
    """The calibration if it is one; an ArgumentError that names the nearest otherwise."""
    if calibration not in get_args(Calibration):
        known = get_args(Calibration)
        raise ArgumentError(f"calibration is {calibration!r}: {suggest(calibration, known)}")
    return calibration  # type: ignore[return-value]
