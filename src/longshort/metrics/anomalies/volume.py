"""The area and the volume under curves that forgive labels a few rows.

Paparrizos et al. 2022 (PVLDB 15(11)). Where an anomaly begins and ends is seldom known to the row,
so its label fades over a buffer of b rows on either side: with d rows to the nearest labelled row,

    l_b(t) = 1 inside,  sqrt(1 - d / b) for 1 <= d <= b // 2,  0 beyond

(sums of neighbours, at most 1). For rows p that are alarmed at a threshold, with P labelled rows,
T rows in all, S stretches of labelled rows and b // 2 rows on either side, E of them alarmed,

    TP = sum of l_b over p        weight = P + (sum of l_b over alarmed rows outside of labels) / 2
    recall = min(TP / weight, 1) E / S
    precision = TP / |p|          false positive rate = (|p| - TP) / (T - weight)

Range-AUC-PR is the sum over falling thresholds of precision times the rise of recall (an average
precision), range-AUC-ROC the area under recall over the false positive rate by trapezoids; VUS-PR
and VUS-ROC are their means over buffers b = 0, 1, ..., B. This is what the authors' benchmark
TSB-AD (Liu and Paparrizos 2024, NeurIPS) computes; the paper's first version weighs by all of l_b,
alarmed or not. From 0 to 1, greater is better; of a random score they are near the share of
labelled rows (PR) and near 0.5 (ROC), both a little above, by their buffers.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from longshort.errors import ArgumentError
from longshort.metrics.anomalies.runs import Bools, Floats, Ints, Marked, checked, intervals, runs

# thresholds on a curve: evenly spaced ranks of the scores, as in the authors' code
THRESHOLDS = 250
# thresholds on curves of rows alone that are drawn again and again
_POINTS = 2_000
# the longest buffer that is chosen by itself, in rows
_LONGEST = 500


class Areas(NamedTuple):
    """Under the curve of precision over recall, and under the receiver's curve."""

    pr: float
    roc: float


def buffer_length(labels: Marked) -> int:
    """B where none is given: the median length of the labelled anomalies, at most 500 rows."""
    own = intervals(labels)
    return int(min(np.median(own[:, 1] - own[:, 0]), _LONGEST)) if len(own) else 0


def vus(
    scores: ArrayLike,
    labels: Marked,
    buffer: int | None = None,
    *,
    thresholds: int = THRESHOLDS,
    most: int | None = None,
) -> Areas:
    """Volumes under the surfaces: the mean of ``range_auc`` over buffers 0 to ``buffer``.

    Args:
        scores: (T,), greater is more anomalous.
        labels: (T,) truth values, or (M, 2) intervals [start, end).
        buffer: B in rows; None takes ``buffer_length`` of the labels.
        thresholds: points of each curve.
        most: at most so many buffers, evenly spread; None takes every one.

    Raises:
        ArgumentError: no row or every row is labelled, or scores and labels do not fit.
    """
    curves = _Curves(scores, labels, thresholds)
    return Areas(*curves.volumes(buffer, most)[0].tolist())


def areas_drawn(
    scores: ArrayLike,
    labels: Marked,
    buffer: int,
    groups: Ints,
    counts: Floats,
    *,
    most: int | None = None,
) -> Floats:
    """(R, 4) VUS-PR, VUS-ROC, AUC-PR and AUC-ROC where groups of rows count more than once or not.

    The areas without a buffer are taken over at most 2,000 thresholds. NaN where no labelled row
    counts, or no other one.

    Args:
        scores, labels, buffer, most: see ``vus``.
        groups: (T,) number of the group of each row; an anomaly belongs to that of its first row.
        counts: (R, G) how often each group counts.

    Raises:
        ArgumentError: see ``vus``.
    """
    given = groups, counts
    volumes = _Curves(scores, labels, THRESHOLDS, *given).volumes(buffer, most)
    return np.concatenate([volumes, _Curves(scores, labels, _POINTS, *given).points()], 1)


def range_auc(
    scores: ArrayLike, labels: Marked, buffer: int, *, thresholds: int = THRESHOLDS
) -> Areas:
    """Areas under both curves with labels that fade over one buffer.

    Raises:
        ArgumentError: see ``vus``.
    """
    return Areas(*_Curves(scores, labels, thresholds).areas(buffer)[0].tolist())


def vus_pr(scores: ArrayLike, labels: Marked, buffer: int | None = None) -> float:
    """VUS-PR; see ``vus``."""
    return vus(scores, labels, buffer).pr


def vus_roc(scores: ArrayLike, labels: Marked, buffer: int | None = None) -> float:
    """VUS-ROC; see ``vus``."""
    return vus(scores, labels, buffer).roc


def faded(labels: Bools, buffer: int) -> Floats:
    """(T,) l_b: labels that fade over ``buffer // 2`` rows on either side of each anomaly."""
    rows, found = len(labels), labels.astype(np.float64)
    distance = np.arange(1, buffer // 2 + 1)
    weight = np.sqrt(1 - distance / max(buffer, 1))
    for start, end in runs(labels).tolist():
        after = end - 1 + distance
        found[after[after < rows]] += weight[after < rows]
        before = start - distance
        found[before[before >= 0]] += weight[before >= 0]
    return np.minimum(found, 1.0)


def _stretches(labels: Bools, buffer: int) -> Ints:
    """(S, 2) anomalies with half a buffer on either side; those that touch then are one."""
    own, half = runs(labels), buffer // 2
    apart = own[:-1, 1] - 1 + half < own[1:, 0] - half
    first = own[np.concatenate([[True], apart]), 0] - half
    last = own[np.concatenate([apart, [True]]), 1] + half
    return np.asarray(np.clip(np.stack([first, last], 1), 0, len(labels)))


class _Curves:
    """What curves of every buffer share: which threshold each row passes first, by groups of rows.

    Everything is told for each of R draws, in which groups of rows count so many times.
    """

    def __init__(
        self,
        scores: ArrayLike,
        labels: Marked,
        thresholds: int,
        groups: Ints | None = None,
        counts: Floats | None = None,
    ) -> None:
        self.scores, self.labels = checked(scores, labels)
        rows, positive = len(self.scores), int(self.labels.sum())
        if not 0 < positive < rows:
            raise ArgumentError(
                f"labels: {positive} of {rows} rows are anomalous, so that no curve can be drawn"
            )
        falling = -np.sort(-self.scores)
        self.thresholds = falling[np.linspace(0, rows - 1, thresholds).astype(np.int64)]
        self.groups = np.zeros(rows, np.int64) if groups is None else groups
        self.counts = np.ones((1, 1)) if counts is None else counts
        # the first threshold that each row passes, and with its group the place in a table
        passed = np.searchsorted(-self.thresholds, -self.scores, side="left")
        self.place = self.groups * thresholds + passed
        self.alarmed = self._passed(np.ones(rows))
        self.inside = self._passed(self.labels.astype(np.float64))

    def _passed(self, weights: Floats) -> Floats:
        """(R, thresholds) sums of (T,) weights of the rows at or above each threshold."""
        shape = self.counts.shape[1], len(self.thresholds)
        table = np.bincount(self.place, weights, shape[0] * shape[1]).reshape(shape)
        return np.asarray(self.counts @ np.cumsum(table, 1))

    def volumes(self, buffer: int | None, most: int | None) -> Floats:
        """(R, 2) means of areas over buffers."""
        longest = buffer_length(self.labels) if buffer is None else buffer
        buffers = np.arange(longest + 1)
        if most is not None and len(buffers) > most:
            buffers = np.unique(np.linspace(0, longest, most).round().astype(np.int64))
        return np.asarray(np.mean([self.areas(each) for each in buffers.tolist()], axis=0))

    def areas(self, buffer: int) -> Floats:
        """(R, 2) areas under both curves."""
        hits = self._passed(faded(self.labels, buffer))
        weight = self.inside[:, -1:] + (hits - self.inside) / 2
        recall = np.minimum(_over(hits, weight), 1.0) * self._met(buffer)
        return self._under(recall, hits, _over(self.alarmed - hits, self.alarmed[:, -1:] - weight))

    def points(self) -> Floats:
        """(R, 2) areas of rows alone: average precision, and under the receiver's curve."""
        positive, others = self.inside[:, -1:], self.alarmed[:, -1:] - self.inside[:, -1:]
        wrong = _over(self.alarmed - self.inside, others)
        return self._under(_over(self.inside, positive), self.inside, wrong)

    def _under(self, recall: Floats, hits: Floats, wrong: Floats) -> Floats:
        none = np.zeros((len(recall), 1))
        rise = np.concatenate([none, recall], 1)
        pr = (np.diff(rise) * np.where(self.alarmed > 0, _over(hits, self.alarmed), 0.0)).sum(1)
        across = np.concatenate([none, wrong, none + 1], 1)
        roc = np.trapezoid(np.concatenate([rise, none + 1], 1), across, axis=1)
        return np.stack([pr, roc], 1)

    def _met(self, buffer: int) -> Floats:
        """(R, thresholds) share of the stretches that are alarmed in some row."""
        stretches = _stretches(self.labels, buffer)
        peaks = np.array([self.scores[start:end].max() for start, end in stretches.tolist()])
        begins = runs(self.labels)[:, 0]
        # the anomalies of a stretch that was put together count as its first one
        first = begins[np.searchsorted(begins, stretches[:, 0], side="left")]
        counts = self.counts[:, self.groups[first]]
        alarmed = (peaks[:, None] >= self.thresholds).astype(np.float64)
        return _over(counts @ alarmed, counts.sum(1, keepdims=True))


def _over(part: Floats, whole: Floats) -> Floats:
    return np.where(whole > 0, part / np.where(whole > 0, whole, 1.0), np.nan)
