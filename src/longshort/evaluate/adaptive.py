r"""Intervals that follow what they missed: adaptive conformal inference, step ahead by step ahead.

Each central interval of nominal coverage c is stretched around the median m by a factor of its
own. When the outcome y of a forecast becomes known,

    [m - e^w (m - l), m + e^w (u - m)]         w <- w + rate * (1{y outside} - (1 - c))

w starts at 0. A step l ahead has its own w and learns of a miss l steps later. Gibbs and Candes
2021, "Adaptive conformal inference under distribution shift", equation 2, in the form of
Angelopoulos, Candes and Tibshirani 2023 ("Conformal PID control", section 2.1), which moves the
threshold instead of the level; here the threshold is the log of a stretch, so that one rate suits
every unit and series. Over T outcomes the share of misses differs from 1 - c by exactly
(w at the end - w at the start) / (rate T), whatever the data do: it vanishes as T grows as long
as no outcome is infinitely many widths away.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from longshort.data.sequences import Floats
from longshort.data.steps import Ints
from longshort.data.windows import Windows
from longshort.errors import ArgumentError
from longshort.metrics.quantiles import central_pairs, quantiles_at
from longshort.yardsticks.base import Forecasts, Method, chunks

# stretches that are remembered: 400 MB
_MOST = 100_000_000
# beyond this a stretch is no number any more
_FARTHEST = 50.0


def adaptive(method: Method, levels: Sequence[float], rate: float) -> Method:
    """The method with intervals that follow what they missed, origin after origin.

    Args:
        method: its windows are consecutive origins of each series.
        levels: Q levels of its quantiles, with at least one central interval.
        rate: how far one miss stretches, above 0 and at most 1; 0.02 to 0.1 are usual.

    Raises:
        ArgumentError: the rate, or levels without a central interval.
    """
    if not 0 < rate <= 1:
        raise ArgumentError(f"adaptive={rate}: must be above 0 and at most 1, such as 0.05")
    if not central_pairs(levels):
        raise ArgumentError(f"levels={list(levels)}: none has a mirror image, so no interval")
    return Method(method.name, method.kind, _Adaptive(method, tuple(levels), rate))


@dataclass(eq=False)
class _Adaptive:
    method: Method
    levels: tuple[float, ...]
    rate: float
    windows: Windows | None = field(default=None, repr=False)
    stretch: NDArray[np.float32] = field(default_factory=lambda: np.zeros(0, np.float32))

    def __call__(self, windows: Windows, index: Ints) -> Forecasts:
        """Forecasts of the windows of these numbers (N,), after all that came before each."""
        if self.windows is not windows:
            self.stretch, self.windows = self._learn(windows), windows
        point, quantiles = self.method(windows, index)
        middle = quantiles_at(quantiles, self.levels, [0.5])
        factor = np.exp(np.clip(self.stretch[index], -_FARTHEST, _FARTHEST), dtype=np.float64)
        moved = quantiles.copy()
        inner = middle[..., 0], middle[..., 0]
        for pair, (low, high) in enumerate(central_pairs(self.levels)):
            below, above = (
                middle[..., 0] + factor[..., pair] * (quantiles[..., end] - middle[..., 0])
                for end in (low, high)
            )
            # an outer end that would cross an inner one stops there
            inner = np.minimum(inner[0], below), np.maximum(inner[1], above)
            moved[..., low], moved[..., high] = inner
        return Forecasts(point, moved)

    def _learn(self, windows: Windows) -> NDArray[np.float32]:
        """(N, L, K, P) the log of each interval's stretch when its window was forecast."""
        pairs = central_pairs(self.levels)
        shape = len(windows), windows.horizon, len(windows.targets), len(pairs)
        if np.prod(shape) > _MOST:
            raise ArgumentError(
                f"adaptive: {shape[0]} forecasts of {shape[1]} steps are more than can be "
                "remembered; evaluate fewer series or a shorter test part"
            )
        found = np.zeros(shape, np.float32)
        misses = 1 - np.array([self.levels[high] - self.levels[low] for low, high in pairs])
        for start, stop in itertools.pairwise([0, *windows.ends]):
            needed = np.full((stop - start, *shape[1:]), np.nan)
            own = np.arange(start, stop)
            for part in chunks(own, windows.horizon * len(windows.targets) * len(self.levels)):
                needed[part - start] = self._needed(windows, part)
            found[own] = self._follow(needed, misses)
        return found

    def _needed(self, windows: Windows, index: Ints) -> Floats:
        """(N, L, K, P) log of the stretch that would just have held what came; NaN if unknown."""
        actual, quantiles = windows.actual(index), self.method(windows, index).quantiles
        middle = quantiles_at(quantiles, self.levels, [0.5])[..., 0]
        away = actual - middle
        found = []
        for low, high in central_pairs(self.levels):
            end = np.where(away > 0, quantiles[..., high], quantiles[..., low])
            with np.errstate(divide="ignore", invalid="ignore"):
                ratio = np.where(away == 0, 0.0, away / (end - middle))
                found.append(np.log(ratio))
        return np.stack(found, -1)

    def _follow(self, needed: Floats, misses: Floats) -> Floats:
        """(n, L, K, P) the stretches of one series' origins in order."""
        origins, horizon = needed.shape[:2]
        used = np.zeros(needed.shape)
        now = np.zeros(needed.shape[1:])
        for origin in range(origins):
            # step l of the forecast made l + 1 origins ago has just become known
            steps = np.arange(min(horizon, origin))
            made = origin - 1 - steps
            outside = needed[made, steps] > used[made, steps]
            change = self.rate * (outside - misses)
            now[steps] += np.where(np.isnan(needed[made, steps]), 0.0, change)
            used[origin] = now
        return used
