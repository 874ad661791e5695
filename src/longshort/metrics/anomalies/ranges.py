"""Precision and recall of intervals, by how much of each is met.

Tatbul et al. 2018 (NeurIPS, "Precision and recall for time series"). For labelled intervals R_i and
alarms P_j, with weights delta(t) by the place t = 1, ..., n within an interval of n rows,

    omega(R, P) = sum of delta over rows of R that P holds / sum of delta over R
    overlap(R)  = gamma(x) sum over j of omega(R, P_j)       x alarms meet R
    recall      = mean over i of alpha [x > 0] + (1 - alpha) overlap(R_i)
    precision   = mean over j of overlap(P_j), the roles exchanged, alpha = 0

    gamma(x)    1 ("one"), or 1 / x for x > 1 ("reciprocal": an anomaly told in pieces counts less)
    delta(t)    1 ("flat"), n - t + 1 ("front": early rows count more), t ("back"), or the smaller
                of t and n - t + 1 ("middle")

From 0 to 1, greater is better. Nothing alarmed has no precision, nothing labelled no recall (NaN).
"""

from __future__ import annotations

from typing import Literal, NamedTuple, get_args

import numpy as np

from longshort.errors import ArgumentError, suggest
from longshort.metrics.anomalies.runs import Floats, Ints, Marked, intervals

Bias = Literal["flat", "front", "middle", "back"]
Cardinality = Literal["one", "reciprocal"]


class PrecisionRecall(NamedTuple):
    """Precision and recall, 0 to 1, NaN where there is nothing to divide by."""

    precision: float
    recall: float

    @property
    def f1(self) -> float:
        """Their harmonic mean; 0 where nothing was found, NaN where nothing is labelled."""
        if np.isnan(self.recall):
            return float("nan")
        precision = 0.0 if np.isnan(self.precision) else self.precision
        total = precision + self.recall
        return 2 * precision * self.recall / total if total else 0.0


def range_scores(
    alarms: Marked,
    labels: Marked,
    *,
    alpha: float = 0.0,
    cardinality: Cardinality = "reciprocal",
    bias: Bias = "flat",
) -> PrecisionRecall:
    """Range-based precision and recall.

    Args:
        alarms, labels: (T,) truth values, or (M, 2) intervals [start, end).
        alpha: what of recall is for meeting an anomaly at all, 0 to 1.
        cardinality: gamma.
        bias: delta.

    Raises:
        ArgumentError: a setting is unknown or out of range, or intervals are not in order.
    """
    if not 0 <= alpha <= 1:
        raise ArgumentError(f"alpha is from 0 to 1; got {alpha}")
    for name, value, known in (("cardinality", cardinality, Cardinality), ("bias", bias, Bias)):
        if value not in get_args(known):
            raise ArgumentError(f"{name}={value!r}: {suggest(value, get_args(known))}")
    told, true = intervals(alarms, "alarms"), intervals(labels)
    precise, _ = _overlaps(told, true, cardinality, bias)
    found, met = _overlaps(true, told, cardinality, bias)
    return PrecisionRecall(_mean(precise), _mean(alpha * met + (1 - alpha) * found))


def _overlaps(these: Ints, others: Ints, gamma: Cardinality, bias: Bias) -> tuple[Floats, Floats]:
    """(M,) the overlap of each interval with the others, and 1 where there is any."""
    found, met = np.zeros(len(these)), np.zeros(len(these))
    for at, (start, end) in enumerate(these.tolist()):
        first = int(np.searchsorted(others[:, 1], start, side="right"))
        last = int(np.searchsorted(others[:, 0], end, side="left"))
        if last <= first:
            continue
        total = np.concatenate([[0.0], np.cumsum(_weights(end - start, bias))])
        inside = np.clip(others[first:last], start, end) - start
        share = (total[inside[:, 1]] - total[inside[:, 0]]).sum() / total[-1]
        found[at] = share / (last - first if gamma == "reciprocal" else 1)
        met[at] = 1.0
    return found, met


def _weights(rows: int, bias: Bias) -> Floats:
    place = np.arange(1, rows + 1, dtype=np.float64)
    if bias == "flat":
        return np.ones(rows)
    if bias == "front":
        return place[::-1].copy()
    return place if bias == "back" else np.minimum(place, place[::-1])


def _mean(values: Floats) -> float:
    return float(values.mean()) if len(values) else float("nan")
