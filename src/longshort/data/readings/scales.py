"""The scales of channels: learned from the training part, or of each item's own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm

from longshort.data.sequences import Floats
from longshort.data.steps import Ints
from longshort.errors import ModelFileError

Scale = Literal["channel", "ranks", "item", "none"]

# quantiles that ranks are read from
_KNOTS = 201
# no scaled value is further from the mean: products of it are numbers of float32, too
_FAR = 1e6


@dataclass(frozen=True, eq=False)
class Scales:
    """Centre and spread of C channels and of S columns that do not change in time.

    Args:
        scale: see ``Signal``; columns that do not change are never scaled by item.
        centre, spread: (C + S,).
        knots: (K, C + S) quantiles of "ranks", from the least value to the greatest; K is 0 for
            other scales.
        channels: C.
    """

    scale: Scale
    centre: Floats
    spread: Floats
    knots: Floats
    channels: int

    @classmethod
    def fit(cls, scale: Scale, moving: Floats, still: Floats) -> Self:
        """Learn from channels (N, C) and columns (items, S), NaN where a value is missing."""
        centre, spread, knots = [], [], []
        for column in (*moving.T, *still.T):
            seen = column[~np.isnan(column)]
            centre.append(seen.mean() if len(seen) else 0.0)
            deviation = float(seen.std()) if len(seen) else 0.0
            # rounding alone makes a constant's deviation
            usual = deviation > 1e-9 * max(abs(centre[-1]), 1e-300)
            spread.append(deviation if usual else 1.0)
            levels = np.linspace(0, 1, _KNOTS)
            knots.append(np.quantile(seen, levels) if len(seen) else np.zeros(_KNOTS))
        width, rows = len(centre), _KNOTS if scale == "ranks" else 0
        return cls(
            scale,
            np.array(centre, np.float64).reshape(width),
            np.array(spread, np.float64).reshape(width),
            np.array(knots if rows else [], np.float64).reshape(width, rows).T,
            moving.shape[1],
        )

    def moving(self, values: Floats, offsets: Ints) -> Floats:
        """Channels (N, C) of items at ``offsets``, scaled; missing stays NaN."""
        if self.scale == "item":
            return _clipped(_by_item(values, offsets))
        if self.scale == "none":
            return _clipped(values)
        return self._scaled(values, slice(None, self.channels))

    def inverse(self, values: Floats) -> Floats:
        """Scaled channels (..., C) in the data's own units.

        Of "ranks" that is a value between the quantiles of the training part; of "item", whose
        scale is not known, they stay as they are.
        """
        if self.scale in ("item", "none"):
            return values
        if self.scale == "channel":
            return values * self.spread[: self.channels] + self.centre[: self.channels]
        found = np.empty(values.shape)
        for at, knots in enumerate(self.knots[:, : self.channels].T):
            rank = norm.cdf(values[..., at]) * len(knots) - 0.5
            found[..., at] = np.interp(rank, np.arange(len(knots)), knots)
        return found

    def still(self, values: Floats) -> Floats:
        """Columns that do not change in time (items, S), scaled; missing stays NaN."""
        return self._scaled(values, slice(self.channels, None))

    def _scaled(self, values: Floats, own: slice) -> Floats:
        if self.scale != "ranks":
            return _clipped((values - self.centre[own]) / self.spread[own])
        found = np.full(values.shape, np.nan)
        for at, knots in enumerate(self.knots[:, own].T):
            # ties share the middle of their ranks; ends stay within what was seen
            low = np.searchsorted(knots, values[:, at], "left")
            high = np.searchsorted(knots, values[:, at], "right")
            between = np.interp(values[:, at], knots, np.arange(len(knots)))
            rank = np.where(high > low, (low + high - 1) / 2, between)
            level = (rank + 0.5) / len(knots)
            found[:, at] = np.where(np.isnan(values[:, at]), np.nan, norm.ppf(level))
        return found

    def to_parts(self) -> dict[str, NDArray[Any]]:
        """The numbers for the model file."""
        return {"centre": self.centre, "spread": self.spread, "knots": self.knots}

    @classmethod
    def from_parts(
        cls, scale: Scale, channels: int, still: int, arrays: Mapping[str, NDArray[Any]]
    ) -> Self:
        """The scales whose ``to_parts()`` these are.

        Raises:
            ModelFileError: a part is missing, of another shape, or not finite.
        """
        width = channels + still
        try:
            centre, spread, knots = (
                np.asarray(arrays[name], np.float64) for name in ("centre", "spread", "knots")
            )
        except (KeyError, TypeError, ValueError) as error:
            raise ModelFileError(f"the scales of channels cannot be read: {error!r}") from None
        rows = _KNOTS if scale == "ranks" else 0
        shapes = [part.shape for part in (centre, spread, knots)]
        if shapes != [(width,), (width,), (rows, width)]:
            raise ModelFileError(f"the scales of {width} columns have the shapes {shapes}")
        finite = all(np.isfinite(part).all() for part in (centre, spread, knots))
        if not finite or not (spread > 0).all() or (np.diff(knots, axis=0) < 0).any():
            raise ModelFileError("the scales of channels are no numbers that could be learned")
        return cls(scale, centre, spread, knots, channels)


def _clipped(values: Floats) -> Floats:
    return np.clip(values, -_FAR, _FAR)


def _by_item(values: Floats, offsets: Ints) -> Floats:
    """Each item's channels less their mean, divided by their standard deviation."""
    items = len(offsets) - 1
    owner = np.repeat(np.arange(items), np.diff(offsets))
    found = np.empty(values.shape)
    for at in range(values.shape[1]):
        column = values[:, at]
        seen = ~np.isnan(column)
        count = np.maximum(np.bincount(owner[seen], minlength=items), 1)
        mean = np.bincount(owner[seen], weights=column[seen], minlength=items) / count
        apart = column - mean[owner]
        squares = np.bincount(owner[seen], weights=apart[seen] ** 2, minlength=items) / count
        spread = np.sqrt(squares)
        flat = spread <= 1e-9 * np.maximum(np.abs(mean), 1e-300)
        found[:, at] = apart / np.where(flat, 1.0, spread)[owner]
    return found
