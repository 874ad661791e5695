"""A few numbers that say what a series was like, and the models that read them.

Of each channel: the last and the first value, mean, least and greatest value, spread, the slope of
a line, and how many values were observed; of each half, quarter and eighth of the series the mean
and the spread (Deng et al. 2013, "A time series forest"). What does not change within an item is
read as it is.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal
from weakref import WeakKeyDictionary

import numpy as np

from longshort.data.corpus import Corpus
from longshort.data.sequences import Floats, Sequences
from longshort.records import Kind
from longshort.yardsticks.labels.base import LabelMethod
from longshort.yardsticks.labels.choice import Predict, chosen, indicator, one_each

Reader = Literal["logistic regression", "ridge", "gradient boosting"]

# parts of a series by themselves, the fewest rows of the usual item that they need, and the most
# channels
_PIECES, _ROWS, _CHANNELS = (2, 4, 8), 16, 12
# settings that are tried: inverse penalty, penalty, and (trees, rate)
_STRENGTHS = (0.001, 0.01, 0.1, 1.0)
_PENALTIES = (0.1, 1.0, 10.0, 100.0, 1000.0)
_TREES = ((100, 0.05), (200, 0.05), (100, 0.1))
# categories that get a number each
_CATEGORIES = 50


# features of the corpora that are still in use: three models read the same ones, several times
_KNOWN: WeakKeyDictionary[Corpus, tuple[Floats, Floats]] = WeakKeyDictionary()


def summary(corpus: Corpus) -> tuple[Floats, Floats]:
    """(N, S) simple features of each item, and (N, P) those of its pieces; NaN where not known."""
    if corpus not in _KNOWN:
        _KNOWN[corpus] = _summary(corpus)
    return _KNOWN[corpus]


def _summary(corpus: Corpus) -> tuple[Floats, Floats]:
    series = corpus.series
    assert series is not None
    simple, pieces = [], []
    static, channels = _roles(series)
    for item in range(len(series)):
        values = series.values[series.rows(item)]
        known = values[:, static]
        head = known[0] if len(known) else np.full(len(static), np.nan)
        own = [head, *(_one(values[:, k], labels) for k, labels in channels)]
        simple.append(np.concatenate(own))
        numbers = values[:, [k for k, labels in channels if labels == 0]]
        cut = [part for many in _PIECES for part in np.array_split(numbers, many)]
        # pieces of many channels are more numbers than items can tell apart
        few = numbers.shape[1] <= _CHANNELS
        pieces.append(np.concatenate([_piece(part) for part in cut if few] or [np.zeros(0)]))
    return np.stack(simple), np.stack(pieces)


def _roles(series: Sequences) -> tuple[list[int], list[tuple[int, int]]]:
    """Places of what does not change, and (place, number of categories or 0) of what does."""
    static = [at for at, each in enumerate(series.fields) if each.role == "static"]
    channels = [
        (at, 0 if each.labels is None else min(_CATEGORIES, len(each.labels)))
        for at, each in enumerate(series.fields)
        if each.role in ("past", "target")
    ]
    return static, channels


def _one(values: Floats, categories: int) -> Floats:
    """What one channel was like; of a channel of categories the share of each."""
    seen = values[np.isfinite(values)]
    if categories:
        counts = np.bincount(np.minimum(seen, categories - 1).astype(int), minlength=categories)
        return np.asarray(counts / max(1, len(seen)))
    if not len(seen):
        return np.array([*np.full(7, np.nan), 0.0])
    at = np.flatnonzero(np.isfinite(values)).astype(np.float64)
    centred = at - at.mean()
    slope = float(centred @ seen / max(1e-12, centred @ centred))
    told = (seen[-1], seen[0], seen.mean(), seen.min(), seen.max(), seen.std(), slope, len(seen))
    return np.array(told, np.float64)


def _piece(values: Floats) -> Floats:
    with warnings.catch_warnings():
        # a piece without a value has no mean
        warnings.simplefilter("ignore", RuntimeWarning)
        return np.concatenate([np.nanmean(values, 0), np.nanstd(values, 0)])


@dataclass(frozen=True)
class Features:
    """Simple features, read by one of three models whose settings are chosen by ``metric``."""

    reader: Reader = "logistic regression"
    metric: str = "macro_f1"
    kind: Kind = field(default="classical")

    @property
    def name(self) -> str:
        """By what reads them."""
        return f"{self.reader} on simple features"

    def refuses(self, train: Corpus) -> str:
        """Where there is no series."""
        if train.series is None:
            return "there are no series"
        if self.reader == "ridge" and any(len(labels) != 1 for labels in train.labels or ()):
            return "an item may have several labels"
        return ""

    def fit(
        self,
        train: Corpus,
        valid: Corpus | None,
        classes: Sequence[str],
        seed: int,
        several: bool = False,
    ) -> LabelMethod:
        """Learn from the training part's features."""
        fits = {
            "logistic regression": (_STRENGTHS, _regression),
            "ridge": (_PENALTIES, _ridge),
            "gradient boosting": (_TREES, _boosting(seed)),
        }
        settings, make = fits[self.reader]
        wide = self._reads_pieces(train)

        def fitted(setting: Any, part: Corpus) -> Predict:
            numbers = _numbers(part, wide)
            table = _Table.of(numbers) if self.reader != "gradient boosting" else None
            inputs = table(numbers) if table else numbers
            truth = indicator(part, classes)
            found = one_each(lambda: make(setting), inputs, truth, several)

            def predict(items: Corpus) -> Floats:
                new = _numbers(items, wide)
                return found(table(new) if table else new)

            return predict

        predict = chosen(list(settings), fitted, train, valid, classes, self.metric, several)
        return LabelMethod(self.name, self.kind, predict)

    def _reads_pieces(self, train: Corpus) -> bool:
        """Whether pieces are read: a line through few items needs few numbers, and pieces of a few
        rows say nothing.
        """
        assert train.series is not None
        usual = np.median(train.series.lengths) if len(train) else 0
        return bool(self.reader != "logistic regression" and usual >= _ROWS)


def _numbers(corpus: Corpus, wide: bool) -> Floats:
    simple, pieces = summary(corpus)
    return np.concatenate([simple, pieces], 1) if wide else simple


@dataclass(frozen=True, eq=False)
class _Table:
    """Numbers of mean 0 and spread 1, what is not known at the mean, and told to be so."""

    mean: Floats
    spread: Floats
    gaps: Any

    @classmethod
    def of(cls, numbers: Floats) -> _Table:
        with warnings.catch_warnings():
            # a feature that no item has
            warnings.simplefilter("ignore", RuntimeWarning)
            mean, spread = np.nanmean(numbers, 0), np.nanstd(numbers, 0)
        usable = np.isfinite(spread) & (spread > 1e-12)
        gaps = np.isnan(numbers).any(0) & usable
        return cls(np.where(usable, mean, 0.0), np.where(usable, spread, np.inf), gaps)

    def __call__(self, numbers: Floats) -> Floats:
        known = np.isfinite(numbers)
        scaled = np.where(known, (np.where(known, numbers, 0.0) - self.mean) / self.spread, 0.0)
        # a single wild value does not decide
        return np.concatenate([np.clip(scaled, -5, 5), ~known[:, self.gaps]], 1)


def _regression(strength: float) -> Any:
    from sklearn.linear_model import LogisticRegression

    return LogisticRegression(C=strength, max_iter=2000)


def _boosting(seed: int) -> Callable[[Any], Any]:
    def make(setting: tuple[int, float]) -> Any:
        from sklearn.ensemble import HistGradientBoostingClassifier

        trees, rate = setting
        return HistGradientBoostingClassifier(
            max_iter=trees, learning_rate=rate, max_leaf_nodes=15, min_samples_leaf=5,
            l2_regularization=1.0, early_stopping=False, random_state=seed,
        )  # fmt: skip

    return make


def _ridge(penalty: float) -> Any:
    return Ridge(penalty)


class Ridge:
    """Ridge regression on one-hot classes, its answers made probabilities by a softmax."""

    def __init__(self, penalty: float) -> None:
        self.penalty = penalty

    def fit(self, inputs: Floats, label: Any) -> Ridge:
        """Learn."""
        from sklearn.linear_model import RidgeClassifier

        self.model = RidgeClassifier(alpha=self.penalty).fit(inputs, label)
        self.classes_ = self.model.classes_
        return self

    def predict_proba(self, inputs: Floats) -> Floats:
        """(N, K): the sign of the line decides, how far from it how surely."""
        found = self.model.decision_function(inputs)
        if found.ndim == 1:
            found = np.stack([-found, found], 1)
        odds = np.exp(found - found.max(1, keepdims=True))
        return np.asarray(odds / odds.sum(1, keepdims=True))
