"""How near alarms are to anomalies, and anomalies to alarms, beside chance.

Huet, Navarro and Rossi 2022 (KDD, "Local evaluation of time series anomaly detection algorithms").
Rows are a line of time; each labelled interval J owns the zone E of the times that are nearer to it
than to any other. In each zone, with U uniform on E and dist the distance to the nearest point,

    precision(J) = mean over alarmed x in E of      P(dist(U, J) >= dist(x, J))
    recall(J)    = mean over y in J of              P(|U - y|    >= dist(y, alarms in E))

and precision and recall are the means over all J (precision over those with an alarm in E). From 0
to 1, greater is better; alarms at random come near 0.5 and more, so 0.5 is not half of the way.
"""

from __future__ import annotations

import numpy as np

from longshort.errors import ArgumentError
from longshort.metrics.anomalies.ranges import PrecisionRecall
from longshort.metrics.anomalies.runs import Floats, Marked, intervals


def affiliation(alarms: Marked, labels: Marked, rows: int | None = None) -> PrecisionRecall:
    """Affiliation precision and recall; NaN where nothing is alarmed, or nothing labelled.

    Args:
        alarms, labels: (T,) truth values, or (M, 2) intervals [start, end).
        rows: T, needed where both are intervals.

    Raises:
        ArgumentError: the number of rows is not known, or an interval ends beyond them.
    """
    found = affiliations(alarms, labels, rows)
    if not len(found):
        return PrecisionRecall(float("nan"), float("nan"))
    known = found[np.isfinite(found[:, 0]), 0]
    precision = float(known.mean()) if len(known) else float("nan")
    return PrecisionRecall(precision, float(found[:, 1].mean()))


def affiliations(alarms: Marked, labels: Marked, rows: int | None = None) -> Floats:
    """(M, 2) precision and recall of each labelled interval; no precision (NaN) without an alarm.

    Raises:
        ArgumentError: see ``affiliation``.
    """
    told, true = intervals(alarms, "alarms"), intervals(labels)
    for given in (alarms, labels):
        if rows is None and np.asarray(given).ndim == 1 and np.asarray(given).size:
            rows = len(np.asarray(given))
    last = max((int(own[-1, 1]) for own in (told, true) if len(own)), default=0)
    if rows is None or last > rows:
        raise ArgumentError(f"rows={rows}: give the number of rows, at least {last}")
    middle = (true[:-1, 1] + true[1:, 0]) / 2
    edges = np.concatenate([[0.0], middle, [float(rows)]])
    found = np.full((len(true), 2), np.nan)
    for at, event in enumerate(true.astype(np.float64)):
        zone = edges[at : at + 2]
        inside = np.clip(told.astype(np.float64), *zone)
        inside = inside[inside[:, 0] < inside[:, 1]]
        found[at] = _precision(inside, event, zone), _recall(inside, event, zone)
    return found


def _precision(told: Floats, event: Floats, zone: Floats) -> float:
    if not len(told):
        return float("nan")
    (start, end), (low, high) = event, zone
    short = min(start - low, high - end)

    def survival(x: Floats) -> Floats:
        distance = np.maximum(start - x, x - end)
        left = np.minimum(distance, short) + distance + end - start
        return np.asarray(1 - left / (high - low))

    total = 0.0
    for first, last in told:
        total += max(0.0, min(last, end) - max(first, start))
        # on either side the chance is linear in x but for one bend
        for begin, stop, bend in (
            (first, min(last, start), start - short), (max(first, end), last, end + short)
        ):  # fmt: skip
            if begin < stop:
                x = np.unique(np.clip([begin, bend, stop], begin, stop))
                total += float(np.trapezoid(survival(x), x))
    return total / float((told[:, 1] - told[:, 0]).sum())


def _recall(told: Floats, event: Floats, zone: Floats) -> float:
    if not len(told):
        return 0.0
    (start, end), (low, high) = event, zone
    ends = told.reshape(-1)
    # bends: ends of alarms, the middle between two, and where an edge of the zone is as near
    bends = [event, ends, (ends[1:-1:2] + ends[2::2]) / 2, (ends + low) / 2, (ends + high) / 2]
    y = np.unique(np.clip(np.concatenate(bends), start, end))
    outside = np.maximum(told[:, 0] - y[:, None], y[:, None] - told[:, 1])
    distance = np.maximum(outside, 0.0).min(1)
    nearer = np.minimum(distance, y - low) + np.minimum(distance, high - y)
    return float(np.trapezoid(1 - nearer / (high - low), y) / (end - start))
