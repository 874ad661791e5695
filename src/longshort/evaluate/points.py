"""Single forecasts that are kept to be drawn."""

from __future__ import annotations

import numpy as np

from longshort.data.windows import Windows
from longshort.evaluate.tally import names_of
from longshort.records import ForecastPoint
from longshort.yardsticks.base import Method, spread_over

# how much of single forecasts is kept for charts: series, fans per series, points in all
_SERIES, _FANS, _POINTS = 3, 4, 1500


def forecast_points(
    method: Method, windows: Windows, ends: tuple[int, int]
) -> tuple[ForecastPoint, ...]:
    """Forecasts to draw: one step ahead without a gap, and every step from a few origins.

    At most three series, spread evenly; of each, as many of its last origins as about 1500 points
    in all allow, and up to four of these with their whole horizon, spread evenly over those that
    have some of the same rows before them.
    """
    horizon, names = windows.horizon, names_of(windows)
    used = np.flatnonzero(windows.last > windows.first)
    most = max(1, min(_SERIES, _POINTS // (2 * horizon * len(names))))
    chosen = used[spread_over(len(used), most)]
    share = _POINTS // max(1, len(chosen) * len(names))
    fans = min(_FANS, max(1, share // (2 * horizon)))
    rows = max(1, share - fans * (horizon - 1))
    points: list[ForecastPoint] = []
    for series in chosen:
        end = int(windows.ends[series])
        count = int(windows.counts[series])
        index = np.arange(end - min(rows, count), end)
        lead = min(max(14, 2 * horizon), len(index) // 2)
        whole = {lead + place for place in spread_over(len(index) - lead, fans).tolist()}
        point, quantiles = (np.asarray(part) for part in method(windows, index))
        bounds = np.stack([point, *(quantiles[..., at] for at in ends)], -1)
        actual = windows.actual(index)
        start = windows.sequences.offsets[series] + windows.where(index)[1]
        points += [
            ForecastPoint(
                windows.sequences.keys[series],
                name,
                windows.sequences.time_label(int(start[at] + step)),
                step + 1,
                float(actual[at, step, k]) if np.isfinite(actual[at, step, k]) else None,
                *map(float, bounds[at, step, k]),
            )
            for k, name in enumerate(names)
            for at in range(len(index))
            for step in range(horizon if at in whole else 1)
            if np.isfinite(bounds[at, step, k]).all()
        ]
    return tuple(points)
