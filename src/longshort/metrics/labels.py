"""How well labels are told: by which is most probable, and by how probable each is.

With N items, K classes, the truth y(n, k) in {0, 1}, probabilities p(n, k), the predicted classes
z(n, k) in {0, 1} (the most probable one, or each above 0.5 where an item may have several
labels) and weights w(n) that sum to W:

    accuracy           sum_n w [z(n) = y(n)] / W, all labels of an item together
    precision(k)       sum_n w y z / sum_n w z
    recall(k)          sum_n w y z / sum_n w y
    F1(k)              2 sum_n w y z / (sum_n w y + sum_n w z)
    macro-F1           mean of F1(k) over classes that occur among the truths or the answers
    balanced accuracy  mean of recall(k) over classes that occur; also called macro recall
    log-loss           -sum_n w log p(n, truth) / W; with several labels the mean of each by itself
    Brier              sum_n w sum_k (p - y)^2 / W, halved where K = 2 (Brier 1950), so that it is
                       the square error of either; with several labels their mean
    AUROC              the probability that a positive item has a higher p than a negative one, ties
                       counting half; of the second class where K = 2, else the mean of each class
                       against all others (Hand and Till 2001 give the pairwise one)
    AUPRC              average precision, sum_t (R(t) - R(t-1)) P(t) over falling thresholds, of the
                       same classes
    calibration error  sum_b n(b) / N |o(b) - c(b)| over bins of equal mass (Naeini et al. 2015), at
                       most 10 and of 10 items or more, with the mean probability c(b) and the share
                       o(b) that came true: of the second class where K = 2, of the most probable
                       one where K > 2, of every label where an item may have several
    class distance     mean places between the most probable class and the true one, in their order

A resample of items is the same as weights that count how often each was drawn, so everything is
computed from (R, N) weights at once.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from longshort.errors import ArgumentError, suggest
from longshort.metrics.bootstrap import Floats, drawn_weights

Bools = NDArray[np.bool_]
Together = Literal["one", "many", "ordered"]

# where a probability of nothing would make a loss that has no end
_LEAST = 1e-15
# bins of a calibration curve, and the fewest items in one
_BINS, _IN_BIN = 10, 10
# the normal distribution's 97.5 % point
_Z = 1.959963984540054


@dataclass(frozen=True, eq=False)
class Answers:
    """What one method says of N items.

    Args:
        truth: (N, K) True where an item has a label; one in each row unless ``kind`` is "many".
        probabilities: (N, K) in 0 to 1.
        kind: how labels go together: one of several, many that are each there or not, or one of an
            order.
    """

    truth: Bools
    probabilities: Floats
    kind: Together = "one"

    @cached_property
    def predicted(self) -> Bools:
        """(N, K) the labels that the method would give."""
        if self.kind == "many":
            return self.probabilities > 0.5
        best = self.probabilities.argmax(1)
        return np.asarray(best[:, None] == np.arange(self.truth.shape[1]), np.bool_)

    @cached_property
    def judged(self) -> list[int]:
        """Classes that are each set against all others: the second of two, else every one."""
        classes = self.truth.shape[1]
        return [1] if classes == 2 and self.kind != "many" else list(range(classes))

    @cached_property
    def told(self) -> tuple[Floats, Bools]:
        """(M,) probabilities and what came true, as the calibration error reads them."""
        if self.kind == "many":
            return self.probabilities.ravel(), self.truth.ravel()
        if self.truth.shape[1] == 2:
            return self.probabilities[:, 1], self.truth[:, 1]
        right = np.asarray((self.truth & self.predicted).any(1), np.bool_)
        return self.probabilities.max(1), right


class Bin(NamedTuple):
    """Probabilities of about the same size: their mean, the share that came true, and how many.

    ``low`` and ``high`` are the 95 % interval of that share (Wilson 1927).
    """

    confidence: float
    observed: float
    items: int
    low: float
    high: float


def bins(answers: Answers) -> list[Bin]:
    """The calibration curve, in bins of equal mass; equal probabilities share one."""
    probability, came = answers.told
    most = min(_BINS, max(1, len(probability) // _IN_BIN))
    edges = np.unique(np.quantile(probability, np.linspace(0, 1, most + 1)[1:-1]))
    place = np.searchsorted(edges, probability, side="right")
    found = []
    for at in np.unique(place):
        inside = place == at
        items, observed = int(inside.sum()), float(came[inside].mean())
        centre = (observed + _Z**2 / (2 * items)) / (1 + _Z**2 / items)
        half = np.sqrt(observed * (1 - observed) / items + _Z**2 / (4 * items**2))
        half *= _Z / (1 + _Z**2 / items)
        low, high = max(0.0, float(centre - half)), min(1.0, float(centre + half))
        found.append(Bin(float(probability[inside].mean()), observed, items, low, high))
    return found


def calibration_error(answers: Answers) -> float:
    """The expected calibration error over ``bins``, 0 to 1."""
    found = bins(answers)
    total = sum(each.items for each in found)
    return sum(each.items * abs(each.observed - each.confidence) for each in found) / total


class PerClass(NamedTuple):
    """(R, K) each: sums of weights where true, where told, and where both."""

    support: Floats
    told: Floats
    both: Floats

    @property
    def precision(self) -> Floats:
        """NaN where the class is never told."""
        return _ratio(self.both, self.told)

    @property
    def recall(self) -> Floats:
        """NaN where the class does not occur."""
        return _ratio(self.both, self.support)

    @property
    def f1(self) -> Floats:
        """NaN where the class neither occurs nor is told."""
        return _ratio(2 * self.both, self.support + self.told)


def per_class(answers: Answers, weights: Floats | None = None) -> PerClass:
    """What precision, recall and F1 of each class are made of."""
    w = _weights(answers, weights)
    true, told = answers.truth, answers.predicted
    return PerClass(*(w @ part.astype(np.float64) for part in (true, told, true & told)))


def confusion(answers: Answers) -> NDArray[np.int64]:
    """(K, K) items by true class (rows) and predicted class (columns)."""
    return np.asarray(answers.truth.T.astype(np.int64) @ answers.predicted.astype(np.int64))


def _accuracy(a: Answers, w: Floats) -> Floats:
    return _mean((a.truth == a.predicted).all(1), w)


def _log_loss(a: Answers, w: Floats) -> Floats:
    p = np.clip(a.probabilities, _LEAST, 1 - _LEAST)
    if a.kind == "many":
        return _mean(-np.where(a.truth, np.log(p), np.log1p(-p)).mean(1), w)
    share = np.clip(a.probabilities / a.probabilities.sum(1, keepdims=True), _LEAST, 1.0)
    return _mean(-np.log(share[a.truth]), w)


def _brier(a: Answers, w: Floats) -> Floats:
    square = np.square(a.probabilities - a.truth)
    if a.kind == "many":
        return _mean(square.mean(1), w)
    return _mean(square.sum(1) / (2 if a.truth.shape[1] == 2 else 1), w)


def _distance(a: Answers, w: Floats) -> Floats:
    return _mean(np.abs(a.truth.argmax(1) - a.predicted.argmax(1)), w)


def _auroc(a: Answers, w: Floats) -> Floats:
    return _over_classes(a, w, area_under_roc)


def _auprc(a: Answers, w: Floats) -> Floats:
    return _over_classes(a, w, average_precision)


def _recall(a: Answers, w: Floats) -> Floats:
    return _known_mean(per_class(a, w).recall)


def area_under_roc(score: Floats, positive: Bools, weights: Floats) -> Floats:
    """(R,) of (N,) scores with (R, N) weights; NaN where one side has no weight."""
    yes, no = _tied(score, positive, weights)
    below = np.cumsum(no, 1) - no
    found = (yes * (below + no / 2)).sum(1)
    return _ratio(found, yes.sum(1) * no.sum(1))


def average_precision(score: Floats, positive: Bools, weights: Floats) -> Floats:
    """(R,) of (N,) scores with (R, N) weights; NaN where nothing positive has weight."""
    yes, no = (part[:, ::-1] for part in _tied(score, positive, weights))
    right, said = np.cumsum(yes, 1), np.cumsum(yes + no, 1)
    precision = np.divide(right, said, out=np.zeros_like(right), where=said > 0)
    return _ratio((yes * precision).sum(1), yes.sum(1))


def _tied(score: Floats, positive: Bools, weights: Floats) -> tuple[Floats, Floats]:
    """Weights (R, G) of positive and of negative items by different score, rising."""
    order = np.argsort(score, kind="stable")
    ranked = score[order]
    first = np.flatnonzero(np.concatenate([[True], ranked[1:] != ranked[:-1]]))
    sorted_weights = weights[:, order]
    yes = np.add.reduceat(sorted_weights * positive[order], first, axis=1)
    return yes, np.add.reduceat(sorted_weights, first, axis=1) - yes


def _over_classes(a: Answers, w: Floats, area: Callable[[Floats, Bools, Floats], Floats]) -> Floats:
    found = [area(a.probabilities[:, k], a.truth[:, k], w) for k in a.judged]
    # a class that is everywhere or nowhere cannot be told from others
    both = [0 < a.truth[:, k].sum() < len(a.truth) for k in a.judged]
    kept = [each for each, known in zip(found, both, strict=True) if known]
    return _known_mean(np.stack(kept, 1)) if kept else np.full(len(w), np.nan)


class Measure(NamedTuple):
    """One score: its words, which way is better, whether it is a share, and how it is computed.

    ``resampled`` is False where a resample's score is no estimate of the whole's: the calibration
    error of drawn items is greater than that of the items they are drawn from.
    """

    words: str
    higher: bool
    share: bool
    compute: Callable[[Answers, Floats], Floats]
    resampled: bool = True


MEASURES: dict[str, Measure] = {
    "accuracy": Measure("accuracy", True, True, _accuracy),
    "balanced_accuracy": Measure("balanced accuracy", True, True, _recall),
    "macro_recall": Measure("macro recall", True, True, _recall),
    "macro_f1": Measure("macro-F1", True, True, lambda a, w: _known_mean(per_class(a, w).f1)),
    "log_loss": Measure("log-loss", False, False, _log_loss),
    "brier": Measure("Brier score", False, False, _brier),
    "calibration_error": Measure(
        "calibration error",
        False,
        True,
        lambda a, w: np.full(len(w), calibration_error(a)),
        resampled=False,
    ),
    "auroc": Measure("AUROC", True, True, _auroc),
    "auprc": Measure("AUPRC", True, True, _auprc),
    "class_distance": Measure("class distance", False, False, _distance),
}


def measures_of(kind: Together) -> tuple[str, ...]:
    """Names of the measures that say something where labels go together so."""
    left_out = {
        "one": ("macro_recall", "class_distance"),
        "ordered": ("macro_recall",),
        "many": ("balanced_accuracy", "class_distance"),
    }[kind]
    return tuple(name for name in MEASURES if name not in left_out)


def check_measure(name: str, what: str = "metric") -> str:
    """The name, where there is such a measure.

    Raises:
        ArgumentError: there is none.
    """
    if name not in MEASURES:
        raise ArgumentError(f"{what}={name!r}: {suggest(name, MEASURES)}")
    return name


def score(name: str, answers: Answers) -> float:
    """One measure of all items; NaN where it cannot be said."""
    return float(MEASURES[name].compute(answers, np.ones((1, len(answers.truth))))[0])


def resampled(
    methods: Mapping[str, Answers],
    names: Sequence[str],
    groups: Sequence[str] | None = None,
    *,
    resamples: int = 1000,
    seed: int = 0,
) -> dict[str, dict[str, Floats]] | None:
    """By method and measure (R,) scores of resampled items, all methods on the same draws.

    Args:
        methods: answers on the same items.
        names: of the measures.
        groups: names by item; whole groups are drawn where they are given.
        resamples, seed: see ``metrics.bootstrap.drawn_weights``.

    Returns:
        None where there are too few items or groups to tell a spread from.
    """
    items = len(next(iter(methods.values())).truth)
    parts: dict[str, dict[str, list[Floats]]] = {
        method: {name: [] for name in names if MEASURES[name].resampled} for method in methods
    }
    drawn = drawn_weights(items, groups, resamples=resamples, seed=seed)
    if drawn is None:
        return None
    for weights in drawn:
        for method, answers in methods.items():
            for name, found in parts[method].items():
                found.append(MEASURES[name].compute(answers, weights))
    return {
        method: {name: np.concatenate(found) for name, found in by_name.items()}
        for method, by_name in parts.items()
    }


def _weights(answers: Answers, weights: Floats | None) -> Floats:
    return np.ones((1, len(answers.truth))) if weights is None else weights


def _mean(values: NDArray[np.generic], weights: Floats) -> Floats:
    return np.asarray(weights @ values.astype(np.float64) / weights.sum(1))


def _ratio(above: Floats, below: Floats) -> Floats:
    found = np.full(np.shape(below), np.nan)
    np.divide(above, below, out=found, where=below > 0)
    return found


def _known_mean(values: Floats) -> Floats:
    """Means over classes (R, K) -> (R,), of those that are numbers."""
    known = np.isfinite(values)
    return _ratio(np.where(known, values, 0.0).sum(1), known.sum(1).astype(np.float64))
