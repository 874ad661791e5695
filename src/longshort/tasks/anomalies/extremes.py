r"""The tail of a distribution: generalised Pareto by maximum likelihood.

Excesses y > 0 over a high level have, in the limit, the density (Pickands 1975)

    f(y) = 1/s (1 + g y / s)^(-1/g - 1),   and with g = 0   f(y) = 1/s e^(-y/s)

With x = g / s the two likelihood equations are one (Grimshaw 1993, Technometrics 35(2)):

    u(x) v(x) = 1,   u(x) = mean of 1 / (1 + x y),   v(x) = 1 + mean of log(1 + x y)

whose roots lie in (-1 / y_max, 0) and (0, 2 (y_mean - y_min) / y_min^2), and g = v(x) - 1. Of all
roots, and of g = 0, the one of the highest likelihood is taken.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from longshort.data.sequences import Floats

# with fewer excesses the shape cannot be told from chance: the tail is exponential
LEAST = 20
# points at which each interval is looked at for a change of sign, and halvings of one
_GRID, _HALVINGS = 200, 60


class Tail(NamedTuple):
    """A generalised Pareto distribution: shape g (0 is exponential) and scale s."""

    shape: float
    scale: float

    def beyond(self, share: float) -> float:
        """The excess that is exceeded with a probability of ``share``, 0 to 1."""
        if share >= 1:
            return 0.0
        if abs(self.shape) < 1e-9:
            return -self.scale * math.log(share)
        return self.scale / self.shape * math.expm1(-self.shape * math.log(share))

    def survival(self, excess: Floats) -> Floats:
        """The probability that more than this is exceeded."""
        y = np.maximum(excess, 0) / self.scale
        if abs(self.shape) < 1e-9:
            return np.asarray(np.exp(-y))
        return np.asarray(np.maximum(1 + self.shape * y, 0) ** (-1 / self.shape))

    def log_likelihood(self, excess: Floats) -> float:
        """Sum of log f over excesses."""
        y = excess / self.scale
        if abs(self.shape) < 1e-9:
            return float(-len(y) * math.log(self.scale) - y.sum())
        inside = 1 + self.shape * y
        if (inside <= 0).any():
            return -math.inf
        return float(-len(y) * math.log(self.scale) - (1 + 1 / self.shape) * np.log(inside).sum())


def fit_tail(excess: Floats) -> Tail:
    """The tail of N excesses above 0.

    Raises:
        ValueError: there is none.
    """
    y = np.asarray(excess, np.float64)
    y = y[y > 0]
    if not len(y):
        raise ValueError("no excess to fit a tail to")
    mean, most, least = float(y.mean()), float(y.max()), float(y.min())
    best = Tail(0.0, mean)
    if len(y) < LEAST or most == least:
        return best
    # in units of the mean
    y = y / mean
    low, high = -mean / most, 2 * (1 - least / mean) / (least / mean) ** 2
    below = low * (1 - np.geomspace(1e-8, 1 - 1e-8, _GRID))
    above = np.geomspace(1e-8, max(high, 1e-7), _GRID)
    tails = [best]
    for grid in (below, above):
        for root in _roots(y, grid):
            shape = float(np.log1p(root * y).mean())
            # beyond -1 the likelihood has no bound
            if shape > -1 and shape * root > 0:
                tails.append(Tail(shape, mean * shape / root))
    return max(tails, key=lambda tail: tail.log_likelihood(mean * y))


def _equation(y: Floats, x: Floats) -> Floats:
    """u(x) v(x) - 1 at many x."""
    inside = 1 + x[:, None] * y
    return np.asarray((1 / inside).mean(1) * (1 + np.log(inside).mean(1)) - 1)


def _roots(y: Floats, grid: Floats) -> list[float]:
    """Where the equation changes its sign between neighbours of a grid, by bisection."""
    values = _equation(y, grid)
    at = np.flatnonzero(np.sign(values[:-1]) * np.sign(values[1:]) < 0)
    if not len(at):
        return []
    low, high, sign = grid[at].copy(), grid[at + 1].copy(), np.sign(values[at])
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        same = np.sign(_equation(y, middle)) == sign
        low, high = np.where(same, middle, low), np.where(same, high, middle)
    return [float(root) for root in (low + high) / 2]
