"""A hidden Markov model of each class: the one that finds a series most likely names it.

Rabiner 1989, "A tutorial on hidden Markov models"; Gaussian states with a variance per channel, as
hmmlearn (extra ``yardsticks``) fits them.
"""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

import numpy as np

from longshort.data.corpus import Corpus
from longshort.data.sequences import Floats
from longshort.records import Kind
from longshort.yardsticks.labels.base import LabelMethod
from longshort.yardsticks.labels.choice import Predict, chosen, indicator, not_single
from longshort.yardsticks.labels.neighbours import padded, scales

# hidden states that are tried, rounds of learning, and numbers that are read in a minute or two
_STATES, _ROUNDS, _NUMBERS = (2, 4, 8), 15, 3_000_000


def installed() -> bool:
    """Whether hmmlearn is there."""
    return find_spec("hmmlearn") is not None


@dataclass(frozen=True)
class Markov:
    """One model per class; how many hidden states is chosen by ``metric``."""

    metric: str = "macro_f1"
    name: str = "HMM per class"
    kind: Kind = "classical"

    def refuses(self, train: Corpus) -> str:
        """Where there is no series, or no hmmlearn."""
        if why := not_single(train):
            return why
        assert train.series is not None
        width = len(scales(train))
        if not width:
            return "there are no channels of numbers"
        if not installed():
            return "it needs hmmlearn (pip install 'longshort[yardsticks]')"
        numbers = len(train.series.values) * width
        if numbers > _NUMBERS:
            return (
                f"{numbers:,} numbers are more than the {_NUMBERS:,} that it can learn in minutes"
            )
        return ""

    def fit(
        self,
        train: Corpus,
        valid: Corpus | None,
        classes: Sequence[str],
        seed: int,
        several: bool = False,
    ) -> LabelMethod:
        """Learn a model of each class from the training part."""

        def fitted(states: int, part: Corpus) -> Predict:
            spread = scales(part)
            label = indicator(part, classes).argmax(1)
            x, lengths = padded(part, spread)
            models = []
            for k in range(len(classes)):
                own = np.flatnonzero(label == k)
                models.append(_learnt(x[own], lengths[own], states, seed) if len(own) else None)
            share = np.bincount(label, minlength=len(classes)) / len(label)

            def predict(items: Corpus) -> Floats:
                new, ends = padded(items, spread)
                odds = np.stack([_likelihood(model, new, ends) for model in models], 1)
                odds += np.log(np.maximum(share, 1e-12))
                odds = np.exp(odds - odds.max(1, keepdims=True))
                return np.asarray(odds / odds.sum(1, keepdims=True))

            return predict

        predict = chosen(_STATES, fitted, train, valid, classes, self.metric, several)
        return LabelMethod(self.name, self.kind, predict)


def _learnt(x: Floats, lengths: Any, states: int, seed: int) -> Any:
    from hmmlearn.hmm import GaussianHMM

    rows = np.concatenate([each[:end] for each, end in zip(x, lengths, strict=True)])
    # a state needs rows of its own
    states = max(1, min(states, len(rows) // 4))
    model = GaussianHMM(
        states, "diag", min_covar=1e-3, n_iter=_ROUNDS, random_state=seed, implementation="log"
    )
    with _quiet():
        return model.fit(rows, lengths)


def _likelihood(model: Any, x: Floats, lengths: Any) -> Floats:
    if model is None:
        return np.full(len(x), -np.inf)
    with _quiet():
        return np.array([_finite(model, one[:end]) for one, end in zip(x, lengths, strict=True)])


def _finite(model: Any, rows: Floats) -> float:
    try:
        found = float(model.score(rows))
    except ValueError:
        # a state that was never left has no row of transitions
        return -1e12
    return found if np.isfinite(found) else -1e12


@contextmanager
def _quiet() -> Iterator[None]:
    """Without what hmmlearn says about rounds that did not help."""
    logger = logging.getLogger("hmmlearn.base")
    level = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)
