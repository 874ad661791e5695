r"""What a read-out says of one future value: a point, quantiles, or a distribution.

With y the encoded target, r the reference it is told relative to, a the read-out, v the row's
scale (encoded counts are y = n / v) and softplus(x) = log(1 + e^x):

    point              y^ = r + a               loss: (y - y^)^2, |y - y^|, or Huber
    quantiles          q_m = r + a_m at the middle level; every other level adds softplus steps
                       outwards, so that levels cannot cross (Gasthaus et al. 2019; Park et al.
                       2022)
                       loss: mean over levels p of max(p (y - q), (p - 1)(y - q))     (pinball)
    gaussian           m = r + a_1, s = softplus(a_2) + 1e-3
                       -log p = log s + z^2 / 2 + log(2 pi) / 2,   z = (y - m) / s
    student-t          m and s alike, d = 2 + 8 softplus(a_3) degrees of freedom, z alike
                       -log p = log s + log B(1/2, d/2) + log(d) / 2
                                + (d + 1) / 2 * log(1 + z^2 / d)
    negative binomial  mean m = v softplus(4 (r + a_1)) / 4, dispersion
                       k = softplus(a_2) / sqrt(v) + 1e-6, variance m + k m^2, for counts n:
                       -log p = log G(n + 1) + log G(1/k) - log G(n + 1/k)
                                - n log(k m) + (n + 1/k) log(1 + k m)

The losses of the three distributions are nats, exactly -log p: of a density in encoded units, of a
probability for counts. B is the beta function, G the gamma function. The point that is told is the
median, which has the least absolute error; "mse" tells the mean.

Huber 1964; Koenker and Bassett 1978 for the pinball loss; Salinas et al. 2020 (DeepAR) for the
negative binomial, whose mean and dispersion they scale by v and sqrt(v) as here. The sharper
softplus leaves means above a count's usual size as they are.
"""

from __future__ import annotations

import itertools
import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import Any, Literal, get_args

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from longshort.errors import ArgumentError, suggest

Output = Literal["quantiles", "gaussian", "student-t", "negative-binomial", "mse", "mae", "huber"]

# 0.05, 0.10, ... 0.95: the levels that forecasts are trained, scored and reported at.
LEVELS = tuple(round(0.05 * k, 2) for k in range(1, 20))

# least spread of a distribution, in encoded units; least dispersion of counts
_LEAST, _LEAST_DISPERSION = 1e-3, 1e-6
# how sharply the mean of counts bends away from 0
_SHARP = 4.0


class Family(ABC):
    """One output: how many numbers it reads, and what they mean.

    Shapes: a read-out is (..., W), parameters are (..., P), values (...), levels (..., Q).
    """

    unit: str = "nats"
    width: int = 1
    # which number of a read-out is the place, what is told relative to the reference
    place: int = 0
    # whether targets are whole numbers of 0 or more, encoded by their scale alone
    counts: bool = False

    @abstractmethod
    def parameters(self, raw: Tensor, reference: Tensor | None, scale: Tensor | None) -> Tensor:
        """(..., P) from a read-out (..., W); ``reference`` and ``scale`` are (...) or None."""

    @abstractmethod
    def loss(self, parameters: Tensor, target: Tensor) -> Tensor:
        """(...) in ``unit``; ``target`` (...) is encoded."""

    @abstractmethod
    def point(self, parameters: Tensor) -> Tensor:
        """(...) the one best value, encoded."""

    @abstractmethod
    def quantiles(self, parameters: Tensor, levels: Tensor) -> Tensor:
        """(..., Q) the inverse of the cumulative distribution at levels (..., Q) in (0, 1)."""


class Point(Family):
    """One value; its quantiles are itself, until a head is told of its errors."""

    def __init__(self, kind: Literal["mse", "mae", "huber"]) -> None:
        self.unit: str = kind

    def parameters(self, raw: Tensor, reference: Tensor | None, scale: Tensor | None) -> Tensor:
        """(..., 1)."""
        return _relative(raw, reference)

    def loss(self, parameters: Tensor, target: Tensor) -> Tensor:
        """Squared, absolute, or Huber's error."""
        point = parameters.squeeze(-1)
        if self.unit == "mse":
            return (target - point).square()
        if self.unit == "mae":
            return (target - point).abs()
        return functional.huber_loss(point, target, reduction="none")

    def point(self, parameters: Tensor) -> Tensor:
        """The value."""
        return parameters.squeeze(-1)

    def quantiles(self, parameters: Tensor, levels: Tensor) -> Tensor:
        """The value at every level."""
        return parameters + torch.zeros_like(levels, dtype=parameters.dtype)


class Quantiles(Family):
    """Q values that rise.

    Args:
        levels: the Q levels, 0.5 among them.
    """

    unit = "pinball"

    def __init__(self, levels: Sequence[float]) -> None:
        self.levels = tuple(levels)
        self.width = len(self.levels)
        self.middle = self.place = self.levels.index(0.5)

    def parameters(self, raw: Tensor, reference: Tensor | None, scale: Tensor | None) -> Tensor:
        """(..., Q) rising."""
        steps = functional.softplus(raw - 2.0)
        below = -steps[..., : self.middle].flip(-1).cumsum(-1).flip(-1)
        above = steps[..., self.middle + 1 :].cumsum(-1)
        centre = raw[..., self.middle : self.middle + 1]
        return _relative(torch.cat([centre + below, centre, centre + above], -1), reference)

    def loss(self, parameters: Tensor, target: Tensor) -> Tensor:
        """Mean pinball loss over the levels."""
        levels = parameters.new_tensor(self.levels)
        error = target.unsqueeze(-1) - parameters
        return torch.maximum(levels * error, (levels - 1) * error).mean(-1)

    def point(self, parameters: Tensor) -> Tensor:
        """The median."""
        return parameters[..., self.middle]

    def quantiles(self, parameters: Tensor, levels: Tensor) -> Tensor:
        """Straight between the known levels; beyond them as a normal distribution goes on that has
        the two outermost ones.
        """
        known = levels.new_tensor(self.levels)
        if levels.shape == known.shape and torch.equal(levels, known):
            return parameters
        last = max(len(self.levels) - 1, 1)
        right = torch.searchsorted(known, levels).clamp(1, last)
        low, high = right - 1, right.clamp(max=len(self.levels) - 1)
        # beyond the known levels a level is as far out as its normal quantile
        beyond = (levels < known[0]) | (levels > known[-1])
        bent, straight = (torch.special.ndtri(part) for part in (levels, known))
        at = torch.where(beyond, bent, levels)
        below, above = (torch.where(beyond, straight[e], known[e]) for e in (low, high))
        gap = (above - below).clamp(min=1e-12)
        share = ((at - below) / gap).to(parameters.dtype)
        share = torch.where(high > low, share, torch.zeros_like(share))
        shape = (parameters[..., :1] + levels).shape
        wide = parameters.expand(*shape[:-1], -1)
        below, above = (wide.gather(-1, at.expand(shape)) for at in (low, high))
        return below + share * (above - below)


class Gaussian(Family):
    """Mean and standard deviation."""

    width = 2

    def parameters(self, raw: Tensor, reference: Tensor | None, scale: Tensor | None) -> Tensor:
        """(..., 2)."""
        mean, spread = raw[..., :1], raw[..., 1:]
        return torch.cat([_relative(mean, reference), functional.softplus(spread) + _LEAST], -1)

    def loss(self, parameters: Tensor, target: Tensor) -> Tensor:
        """Minus the log density."""
        mean, spread = parameters.unbind(-1)
        return (
            spread.log() + 0.5 * ((target - mean) / spread).square() + 0.5 * math.log(2 * math.pi)
        )

    def point(self, parameters: Tensor) -> Tensor:
        """The mean, which is the median."""
        return parameters[..., 0]

    def quantiles(self, parameters: Tensor, levels: Tensor) -> Tensor:
        """m + s times the normal quantile."""
        mean, spread = parameters[..., :1], parameters[..., 1:]
        normal: Tensor = torch.special.ndtri(levels.to(parameters.dtype))
        return mean + spread * normal


class StudentT(Family):
    """Location, scale (not the standard deviation) and degrees of freedom above 2."""

    width = 3

    def parameters(self, raw: Tensor, reference: Tensor | None, scale: Tensor | None) -> Tensor:
        """(..., 3)."""
        place, spread, freedom = (part.unsqueeze(-1) for part in raw.unbind(-1))
        spread = functional.softplus(spread) + _LEAST
        freedom = 2 + 8 * functional.softplus(freedom)
        return torch.cat([_relative(place, reference), spread, freedom], -1)

    def loss(self, parameters: Tensor, target: Tensor) -> Tensor:
        """Minus the log density."""
        # gamma functions of many degrees of freedom differ in late digits
        place, spread, freedom = parameters.double().unbind(-1)
        half = freedom / 2
        beta = torch.lgamma(half) + 0.5 * math.log(math.pi) - torch.lgamma(half + 0.5)
        square = ((target.double() - place) / spread).square()
        tail = (half + 0.5) * torch.log1p(square / freedom)
        return (spread.log() + beta + 0.5 * freedom.log() + tail).to(parameters.dtype)

    def point(self, parameters: Tensor) -> Tensor:
        """The location, which is mean and median."""
        return parameters[..., 0]

    def quantiles(self, parameters: Tensor, levels: Tensor) -> Tensor:
        """m + s times Student's quantile, which is a constant to gradients."""
        from scipy.special import stdtrit

        place, spread, freedom = (part.unsqueeze(-1) for part in parameters.unbind(-1))
        return place + spread * _inverse(lambda p, d: stdtrit(d, p), levels, freedom)


class NegativeBinomial(Family):
    """Counts, told by log mean and log dispersion of the raw counts, and the row's scale."""

    width = 2
    counts = True

    def parameters(self, raw: Tensor, reference: Tensor | None, scale: Tensor | None) -> Tensor:
        """(..., 3) in float64: log m, log k and v."""
        mean, dispersion = _relative(raw[..., :1], reference).double(), raw[..., 1:].double()
        size = torch.ones_like(mean) if scale is None else scale.double().unsqueeze(-1)
        size = size.expand_as(mean)
        log_mean = _log_softplus(_SHARP * mean) - math.log(_SHARP) + size.log()
        log_dispersion = torch.logaddexp(
            _log_softplus(dispersion) - 0.5 * size.log(),
            dispersion.new_tensor(math.log(_LEAST_DISPERSION)),
        )
        return torch.cat([log_mean, log_dispersion, size], -1)

    def loss(self, parameters: Tensor, target: Tensor) -> Tensor:
        """Minus the log probability of the count."""
        log_mean, log_dispersion, size = parameters.unbind(-1)
        count = (target.double() * size).round()
        number = (-log_dispersion).exp()
        product = log_dispersion + log_mean
        ways = torch.lgamma(count + 1) + torch.lgamma(number) - torch.lgamma(count + number)
        return ways - count * product + (count + number) * _softplus(product)

    def point(self, parameters: Tensor) -> Tensor:
        """The median; what flows back through it is the gradient of the mean."""
        half = torch.full((1,), 0.5, dtype=torch.float64, device=parameters.device)
        median = self.quantiles(parameters, half).squeeze(-1)
        mean = parameters[..., 0].exp() / parameters[..., 2]
        return median + (mean - mean.detach())

    def quantiles(self, parameters: Tensor, levels: Tensor) -> Tensor:
        """The least count whose cumulative probability reaches the level; without a gradient."""
        from scipy.stats import nbinom

        parts = (part.unsqueeze(-1) for part in parameters.detach().unbind(-1))
        log_mean, log_dispersion, size = parts
        number, failure = (-log_dispersion).exp(), torch.sigmoid(-(log_dispersion + log_mean))
        return _inverse(nbinom.ppf, levels, number, failure) / size


def _inverse(function: Callable[..., Any], levels: Tensor, *parameters: Tensor) -> Tensor:
    """SciPy's inverse of a cumulative distribution, as a tensor like the parameters."""
    at, *others = (np.asarray(part.detach().cpu(), np.float64) for part in (levels, *parameters))
    return parameters[0].new_tensor(np.asarray(function(at, *others)))


def _softplus(x: Tensor) -> Tensor:
    """log(1 + e^x) to the last digit: torch's own is a straight line above 20."""
    return torch.logaddexp(x, torch.zeros_like(x))


def _log_softplus(x: Tensor) -> Tensor:
    """log(softplus(x)), which far below 0 is x."""
    low = x < -30
    return torch.where(low, x, _softplus(torch.where(low, torch.zeros_like(x), x)).log())


def _relative(value: Tensor, reference: Tensor | None) -> Tensor:
    """A value (..., W) plus the reference (...)."""
    return value if reference is None else value + reference.unsqueeze(-1)


def family(output: Output, levels: Sequence[float]) -> Family:
    """What an output is; ``levels`` are those of "quantiles"."""
    if output == "quantiles":
        return Quantiles(levels)
    if output == "gaussian":
        return Gaussian()
    if output == "student-t":
        return StudentT()
    if output == "negative-binomial":
        return NegativeBinomial()
    return Point(output)


def check_output(output: str) -> Output:
    """The output if it is one; an ArgumentError that names the nearest otherwise."""
    if output not in get_args(Output):
        raise ArgumentError(f"output is {output!r}: {suggest(output, get_args(Output))}")
    return output  # type: ignore[return-value]


def check_levels(levels: Sequence[float]) -> tuple[float, ...]:
    """Rising levels in (0, 1) with 0.5 among them; an ArgumentError otherwise."""
    found = tuple(float(level) for level in levels)
    rising = all(low < high for low, high in itertools.pairwise(found))
    if not (found and rising and found[0] > 0 and found[-1] < 1 and 0.5 in found):
        raise ArgumentError(
            f"levels are {found}: they must rise, lie between 0 and 1, and contain 0.5"
        )
    return found
