"""The score of the Numenta Anomaly Benchmark: early detections earn, false ones cost.

Lavin and Ahmad 2015 (ICMLA, "Evaluating real-time anomaly detection algorithms"). With the scaled
sigmoid sigma(y) = 2 / (1 + exp(5 y)) - 1, a detection at row i is worth

    sigma(-(last - i + 1) / n) / sigma(-1)   inside of a window of n rows that ends at row ``last``
    sigma((i - last) / (n - 1))              after the nearest window before it; -1 from y = 3 on
    -1                                       before the first window

The first rows of a series (15 %, at most 750) are on probation and count for nothing. Each window
counts by the worthiest detection in it, or costs a miss; every other detection costs:

    raw   = w_tp sum of worths - w_fn windows missed + w_fp sum of worths outside (below 0)
    score = 100 (sum of raw - null) / (perfect - null)

over all series, where a perfect detector earns w_tp for each window and the null detector tells
nothing, at w_fn each. 100 is perfect, 0 is silence, and it may be negative. Greater is better.

The published scoreboard takes, for each detector and profile, the one threshold that is best on
the labels of the whole benchmark. A threshold that was set without labels scores lower by right.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from longshort.errors import ArgumentError, suggest
from longshort.metrics.anomalies.runs import Floats, Marked, intervals

# share of the rows on probation, and the most rows that it is taken of
_PROBATION, _MOST = 0.15, 5000


class Profile(NamedTuple):
    """What a window found earns, a false detection costs, and a window missed costs."""

    found: float
    false: float
    missed: float


PROFILES = {
    "standard": Profile(1.0, 0.11, 1.0),
    "reward_low_FP": Profile(1.0, 0.22, 1.0),
    "reward_low_FN": Profile(1.0, 0.11, 2.0),
}


class Raw(NamedTuple):
    """The raw score of a series, and how many windows end after its probation."""

    score: float
    windows: int


def probation(rows: int) -> int:
    """Rows at the beginning of a series that count for nothing."""
    return int(min(math.floor(_PROBATION * rows), _PROBATION * _MOST))


def worths(windows: Marked, rows: int) -> Floats:
    """(rows,) what a detection at each row is worth before weights: above 0 inside a window.

    Raises:
        ArgumentError: windows are not in order.
    """
    own = intervals(windows, "windows")
    row = np.arange(rows)
    past = np.searchsorted(own[:, 1], row, side="right") - 1
    found = np.full(rows, -1.0)
    if not len(own):
        return found
    size = own[:, 1] - own[:, 0]
    last = own[np.maximum(past, 0), 1] - 1
    place = (row - last) / np.maximum(size[np.maximum(past, 0)] - 1, 1)
    found = np.where((past >= 0) & (place < 3), _sigmoid(place), found)
    for (start, end), n in zip(own.tolist(), size.tolist(), strict=True):
        inside = np.arange(start, min(end, rows))
        found[inside] = _sigmoid(-(end - inside) / n) / _sigmoid(-1.0)
    return found


def nab_raw(
    detections: ArrayLike,
    windows: Marked,
    profile: str = "standard",
    *,
    ignored: int | None = None,
) -> Raw:
    """The raw score of one series.

    Args:
        detections: (T,) whether each row is told to be anomalous.
        windows: (T,) truth values, or (M, 2) intervals [start, end): the labelled windows.
        profile: "standard", "reward_low_FP" or "reward_low_FN".
        ignored: rows at the beginning that count for nothing; None is ``probation``.

    Raises:
        ArgumentError: there is no such profile, or windows are not in order.
    """
    if profile not in PROFILES:
        raise ArgumentError(f"profile={profile!r}: {suggest(profile, PROFILES)}")
    weight, told = PROFILES[profile], np.asarray(detections, bool)
    first = probation(len(told)) if ignored is None else ignored
    own = intervals(windows, "windows")
    worth = worths(own, len(told))
    told = told & (np.arange(len(told)) >= first)
    total = weight.false * float(worth[told & (worth < 0)].sum())
    # a window on probation to its end is neither found nor missed
    for start, end in own.tolist():
        if end > first:
            hits = worth[start:end][told[start:end]]
            total += weight.found * float(hits.max()) if len(hits) else -weight.missed
    return Raw(total, int((own[:, 1] > first).sum()))


def nab_score(series: Iterable[Raw], profile: str = "standard") -> float:
    """The score of several series together, 100 for a perfect detector; NaN without any window.

    Raises:
        ArgumentError: there is no such profile.
    """
    if profile not in PROFILES:
        raise ArgumentError(f"profile={profile!r}: {suggest(profile, PROFILES)}")
    weight, every = PROFILES[profile], list(series)
    windows = sum(each.windows for each in every)
    if not windows:
        return float("nan")
    null, perfect = -weight.missed * windows, weight.found * windows
    return 100 * (sum(each.score for each in every) - null) / (perfect - null)


def _sigmoid(place: float | Floats) -> Floats:
    return np.asarray(2 / (1 + np.exp(5 * np.asarray(place, np.float64))) - 1)
