"""How well scores of single rows tell labelled rows from the others.

    AUC-PR   average precision, sum_k (R(k) - R(k - 1)) P(k) over falling thresholds; of a random
             score it is the share of labelled rows
    AUC-ROC  the probability that a labelled row scores above another one, ties counting half;
             0.5 of a random score

Both as scikit-learn has them, from 0 to 1, greater is better.
"""

from __future__ import annotations

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


def _both(scores: ArrayLike, labels: Marked) -> tuple[Floats, Bools]:
    found, truth = checked(scores, labels)
    if not 0 < truth.sum() < len(truth):
        raise ArgumentError(
            f"labels: {int(truth.sum())} of {len(truth)} rows are anomalous, so that there is "
            "nothing to tell apart"
        )
    return found, truth
