"""How well scores of single rows tell labelled rows from the others.

    AUC-PR   average precision, sum_k (R(k) - R(k - 1)) P(k) over falling thresholds; of a random
             score it is the share of labelled rows
    AUC-ROC  the probability that a labelled row scores above another one, ties counting half;
             0.5 of a random score

Both as scikit-learn has them, from 0 to 1, greater is better.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from longshort.errors import ArgumentError
from longshort.metrics.anomalies.runs import Bools, Floats, Marked, checked


def auc_pr(scores: ArrayLike, labels: Marked) -> float:
    """Average precision.

    Args:
        scores: (T,), greater is more anomalous.
        labels: (T,) truth values, or (M, 2) intervals [start, end).

    Raises:
        ArgumentError: no row or every row is labelled, or scores and labels do not fit.
    """
    from sklearn.metrics import average_precision_score

    found, truth = _both(scores, labels)
    return float(average_precision_score(truth, found))


def auc_roc(scores: ArrayLike, labels: Marked) -> float:
    """Area under the receiver's curve; see ``auc_pr``."""
    from sklearn.metrics import roc_auc_score

    found, truth = _both(scores, labels)
    return float(roc_auc_score(truth, found))


def areas_drawn(scores: ArrayLike, labels: Marked, weights: Floats) -> Floats:
    """(R, 2) AUC-PR and AUC-ROC where each row counts as often as (R, T) weights say.

    NaN where no labelled row counts, or no other one.

    Raises:
        ArgumentError: see ``auc_pr``.
    """
    found, truth = _both(scores, labels)
    order = np.argsort(-found, kind="stable")
    # the last row of each score: ties are passed together
    last = np.flatnonzero(np.append(np.diff(found[order]) != 0, True))
    hits = np.cumsum(weights[:, order] * truth[order], 1)[:, last]
    told = np.cumsum(weights[:, order], 1)[:, last]
    none = np.zeros((len(weights), 1))
    total, others = hits[:, -1:], told[:, -1:] - hits[:, -1:]
    with np.errstate(invalid="ignore", divide="ignore"):
        recall = np.concatenate([none, hits / total], 1)
        wrong = np.concatenate([none, (told - hits) / others], 1)
        precision = np.where(told > 0, hits / told, 0.0)
    return np.stack([(np.diff(recall) * precision).sum(1), np.trapezoid(recall, wrong, axis=1)], 1)


def _both(scores: ArrayLike, labels: Marked) -> tuple[Floats, Bools]:
    found, truth = checked(scores, labels)
    if not 0 < truth.sum() < len(truth):
        raise ArgumentError(
            f"labels: {int(truth.sum())} of {len(truth)} rows are anomalous, so that there is "
            "nothing to tell apart"
        )
    return found, truth
