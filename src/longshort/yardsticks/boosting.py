"""Gradient boosting: trees that read what the LSTM reads and answer what it does.

One model per target for all steps: the step ahead is one of its inputs, beside the context, the
static numbers and what is known in advance of that very step, so that every step is answered
directly and none builds on another. It answers relative to the LSTM's own reference, and minimises
the absolute error. Friedman 2001, "Greedy function approximation: a gradient boosting machine",
as scikit-learn's histogram trees (Ke et al. 2017, LightGBM).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from longshort.data.sequences import Floats
from longshort.data.steps import Ints
from longshort.data.windows import Windows
from longshort.errors import NotFittedError
from longshort.records import Kind
from longshort.yardsticks.base import chunks, spread_over
from longshort.yardsticks.ridge import answered, before

# examples of a fit, of the choice of how many trees, and numbers read of the context
_EXAMPLES, _CHOSEN_ON, _NUMBERS = 20_000, 5_000, 256
# most trees, and those without windows to choose on
_TREES, _USUAL = 100, 50


@dataclass(eq=False)
class Boosting:
    """Gradient-boosted trees; more examples than ``_EXAMPLES`` are thinned evenly.

    Learned: ``trees``, by target how many have the least mean absolute error on the validation
    windows, when fitted on the training windows that end before them: a refit on both parts
    chooses as fairly as a fit on the first. ``note`` says what was thinned.
    """

    name: str = "gradient boosting"
    kind: Kind = "classical"
    note: str = ""
    trees: dict[int, int] = field(default_factory=dict)
    models: list[Any] = field(default_factory=list, repr=False)

    def fit(self, train: Windows, valid: Windows | None = None) -> Self:
        """Choose the number of trees on ``valid``, unless it is known, and fit on ``train``."""
        index = np.arange(len(train))
        if valid is not None and len(valid):
            self.trees = self._choose(train, index[before(train, valid)], valid)
        self.models = [
            self._fit(train, index, k, self.trees.get(k, _USUAL)) for k in range(len(train.targets))
        ]
        every = len(train) * train.horizon
        if every > _EXAMPLES:
            self.note = (
                f"Gradient boosting was fitted on {_EXAMPLES:,} of the {every:,} pairs of a "
                "training window and a step, evenly spread."
            )
        return self

    def _choose(self, train: Windows, early: Ints, valid: Windows) -> dict[int, int]:
        found = {}
        for k in range(len(train.targets)):
            model = self._fit(train, early, k, _TREES)
            inputs, answers = examples(valid, np.arange(len(valid)), k, _CHOSEN_ON)
            if model is not None and len(answers):
                stages = model.staged_predict(inputs)
                errors = [np.abs(stage - answers).mean() for stage in stages]
                found[k] = 1 + int(np.argmin(errors))
        return found

    def _fit(self, train: Windows, index: Ints, k: int, trees: int) -> Any:
        """The model of target k; None where it was never observed."""
        from sklearn.ensemble import HistGradientBoostingRegressor

        inputs, answers = examples(train, index, k, _EXAMPLES)
        model = HistGradientBoostingRegressor(
            loss="absolute_error",
            learning_rate=0.1,
            max_iter=trees,
            max_leaf_nodes=15,
            min_samples_leaf=20,
            early_stopping=False,
            random_state=0,
        )
        return model.fit(inputs, answers) if len(answers) else None

    def point(self, windows: Windows, index: Ints) -> Floats:
        """(N, L, K) raw.

        Raises:
            NotFittedError: ``fit`` has not run.
        """
        if not self.models:
            raise NotFittedError("Boosting.point: call fit first")
        shape = windows.horizon, len(windows.targets)
        told = np.zeros((len(index), *shape))
        done = 0
        for part in chunks(index, windows.horizon * (_NUMBERS + windows.known_width)):
            inputs = features(windows, np.repeat(part, windows.horizon), steps(windows, part))
            for k, model in enumerate(self.models):
                if model is not None and len(inputs):
                    found = model.predict(inputs).reshape(len(part), -1)
                    told[done : done + len(part), :, k] = found
            done += len(part)
        raw = windows.decode(windows.reference(index) + told, index)
        # before the first observation there is nothing to forecast from
        return np.where(np.isnan(windows.seasonal(index, 1)), np.nan, raw)


def steps(windows: Windows, index: Ints) -> Ints:
    """(N L,) every step of every window, window by window."""
    return np.tile(np.arange(windows.horizon), len(index))


def features(windows: Windows, index: Ints, step: Ints) -> NDArray[np.float32]:
    """(N, P) of one window and step each: latest inputs, what is known of the step, static, step.

    Of a long context the last rows are read, as many as have ``_NUMBERS`` numbers.
    """
    numbers, place = np.unique(index, return_inverse=True)
    rows = max(1, min(windows.context, _NUMBERS // max(1, windows.width)))
    context = windows.inputs(numbers)[:, -rows:].reshape(len(numbers), rows * windows.width)[place]
    known, static = windows.known(numbers)[place, step], windows.static(numbers)[place]
    ahead, still = windows.flags(numbers)
    flags = ahead[place, step], still[place]
    return np.concatenate([context, known, static, *flags, step[:, None].astype(np.float32)], 1)


def examples(
    windows: Windows, index: Ints, k: int, most: int
) -> tuple[NDArray[np.float32], Floats]:
    """Features and answers of target k, relative and encoded, of observed pairs, evenly spread.

    A pair is one of the windows ``index`` and a step; at most ``most`` of them are taken.
    """
    horizon = windows.horizon
    pairs = spread_over(len(index) * horizon, most)
    index, step = index[pairs // horizon], pairs % horizon
    numbers, place = np.unique(index, return_inverse=True)
    shape = len(numbers), horizon, len(windows.targets)
    answers = answered(windows, numbers).reshape(shape)[place, step, k]
    seen = np.isfinite(answers)
    return features(windows, index[seen], step[seen]), answers[seen]
