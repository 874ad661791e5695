"""Where the values of a series lie, and how wide: centre and spread of many series at once."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from longshort.data.sequences import Floats
from longshort.data.steps import Ints

Method = Literal["standard", "minmax", "robust", "none"]
Stats = tuple[Floats, Floats]


def statistics(values: Floats, offsets: Ints, method: Method) -> Stats:
    """Centre and spread (S, F) of the series of (N, F).

    Args:
        values: missing is NaN.
        offsets: (S+1,) first row of each series, and N.
        method: see ``Scaling``.

    Returns:
        Both NaN where nothing is observed; the spread alone where all values are the same. With
        "none" 0 and 1 everywhere.
    """
    shape = len(offsets) - 1, values.shape[1]
    if method == "none":
        return np.zeros(shape), np.ones(shape)
    centre, spread = np.full(shape, np.nan), np.full(shape, np.nan)
    for column in range(shape[1]):
        observed = ~np.isnan(values[:, column])
        seen = values[observed, column]
        place = np.concatenate([[0], np.cumsum(observed)])[offsets]
        used = np.flatnonzero(np.diff(place))
        if not len(used):
            continue
        start, count = place[:-1][used], np.diff(place)[used]
        low, high = np.minimum.reduceat(seen, start), np.maximum.reduceat(seen, start)
        # squares of very large or small numbers leave the range of float64
        size = np.maximum(np.abs(low), np.abs(high))
        size[size == 0] = 1.0
        seen /= _each(size, count)
        middle, width = _scale(seen, start, count, method)
        differs = low < high
        centre[used, column] = np.where(differs, middle * size, low)
        spread[used, column] = np.where(differs & (width * size > 0), width * size, np.nan)
    return centre, spread


def _scale(seen: Floats, start: Ints, count: Ints, method: Method) -> Stats:
    """Centre and spread (S,) of observed values, ``count`` of each series from ``start`` on."""
    if method == "minmax":
        low, high = np.minimum.reduceat(seen, start), np.maximum.reduceat(seen, start)
        return low, high - low
    mean = _sums(seen, start) / count
    squares = seen - _each(mean, count)
    squares *= squares
    deviation = np.sqrt(_sums(squares, start) / count)
    if method == "standard":
        return mean, deviation
    ordered = seen[np.lexsort((seen, np.repeat(start, count)))]
    low, middle, high = (_quantile(ordered, start, count, level) for level in (0.25, 0.5, 0.75))
    # half of the values (nearly) equal, as in days of rain, say nothing of the other half
    return middle, np.where(high - low > 1e-9 * deviation, high - low, deviation)


def _each(values: NDArray[Any], count: Ints) -> NDArray[Any]:
    """A value of each series for all of its rows."""
    return values if len(count) == 1 else np.repeat(values, count)


def _sums(values: Floats, start: Ints) -> Floats:
    # numpy's own sum keeps more digits of one long series than reduceat does
    return np.array([values.sum()]) if len(start) == 1 else np.add.reduceat(values, start)


def _quantile(ordered: Floats, start: Ints, count: Ints, level: float) -> Floats:
    """(S,) a quantile of rising values by linear interpolation (Hyndman and Fan 1996, type 7)."""
    place = level * (count - 1)
    below = np.floor(place).astype(np.int64)
    low, high = ordered[start + below], ordered[start + np.minimum(below + 1, count - 1)]
    return np.asarray(low + (high - low) * (place - below))


def usual_deviation(values: Floats, offsets: Ints) -> Floats:
    """(F,) standard deviation within series, over all of them; 0 where nothing varies."""
    _, deviation = statistics(values, offsets, "standard")
    weight = np.where(np.isfinite(deviation), np.diff(offsets)[:, None], 0)
    squares = (np.square(np.nan_to_num(deviation)) * weight).sum(0)
    return np.asarray(np.sqrt(squares / np.maximum(weight.sum(0), 1)))
