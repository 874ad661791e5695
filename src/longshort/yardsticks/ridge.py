"""Ridge autoregression: the linear model that reads what the LSTM reads and answers what it does.

With u the encoded inputs of the context, the numbers known over the horizon and the static ones,
side by side, and r the reference that the LSTM's answer is relative to,

    y^ = r + W u + b        least sum of (y - y^)^2 + penalty * n * |W|^2 over n windows

Hoerl and Kennard 1970, "Ridge regression: biased estimation for nonorthogonal problems".
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Self

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import Ridge

from longshort.data.sequences import Floats
from longshort.data.steps import Ints
from longshort.data.windows import Windows
from longshort.errors import NotFittedError
from longshort.records import Kind
from longshort.yardsticks.base import chunks, spread_over

# ridge penalties tried, per training window: two a decade
PENALTIES = tuple(float(p) for p in np.logspace(-5, 2, 15))
# numbers in the largest table that ridge regression is given (400 MB)
_TABLE = 50_000_000
# multiplications in one fit: a second or two where many penalties are tried, then a minute once
_TRIAL, _FINAL = 10**11, 2 * 10**12


@dataclass
class RidgeAR:
    """Ridge regression on exactly what the LSTM reads, encoded, answering what the LSTM answers.

    One linear map from the context's numbers, those known over the horizon, and the static ones,
    to every step and target at once, relative to the same reference. An output is fitted on the
    windows where it was observed. More training windows than fit into memory or time are thinned
    evenly.

    Learned: ``penalty``, the weight of the squared coefficients per training window: that of
    ``PENALTIES`` with the least mean absolute error (encoded units) on the validation windows.
    Without those a penalty chosen before is kept (a refit); else it is chosen on the last fifth of
    the training windows of each series.
    """

    name: str = "ridge autoregression"
    kind: Kind = "classical"
    penalty: float | None = None
    coefficients: Floats = field(default_factory=lambda: np.zeros((0, 0)), repr=False)
    intercept: Floats = field(default_factory=lambda: np.zeros(0), repr=False)

    def fit(self, train: Windows, valid: Windows | None = None) -> Self:
        """Choose the penalty on ``valid``, fit on ``train``."""
        index = np.arange(len(train))
        if valid is not None and len(valid):
            self._choose(train, index, valid, np.arange(len(valid)))
        elif self.penalty is None:
            late = _last_fifth(train)
            self._choose(train, index[~late], train, index[late])
        penalty = PENALTIES[-1] if self.penalty is None else self.penalty
        self.coefficients, self.intercept = _ridge(*_table(train, index, _FINAL), penalty)
        return self

    def point(self, windows: Windows, index: Ints) -> Floats:
        """(N, L, K) raw.

        Raises:
            NotFittedError: ``fit`` has not run.
        """
        if not len(self.intercept):
            raise NotFittedError("RidgeAR.point: call fit first")
        parts = [np.zeros((0, len(self.intercept)))]
        parts += [
            features(windows, part) @ self.coefficients + self.intercept
            for part in chunks(index, _width(windows))
        ]
        shape = (len(index), windows.horizon, len(windows.targets))
        encoded = windows.reference(index) + np.concatenate(parts).reshape(shape)
        raw = windows.decode(encoded, index)
        # before the first observation there is nothing to forecast from
        return np.where(np.isnan(windows.seasonal(index, 1)), np.nan, raw)

    def _choose(self, train: Windows, index: Ints, valid: Windows, held: Ints) -> None:
        inputs, outputs = _table(train, index, _TRIAL)
        held = held[spread_over(len(held), _TABLE // _width(valid))]
        unseen, answers = features(valid, held), answered(valid, held)
        if not len(inputs) or np.isnan(answers).all():
            return
        errors = []
        for penalty in PENALTIES:
            coefficients, intercept = _ridge(inputs, outputs, penalty)
            errors.append(np.nanmean(np.abs(unseen @ coefficients + intercept - answers)))
        self.penalty = PENALTIES[int(np.argmin(errors))]


def features(windows: Windows, index: Ints) -> Floats:
    """(N, P) what a linear model reads: inputs, known future and static numbers, side by side."""
    parts = [windows.inputs(index), windows.known(index)]
    if windows.static_width:
        parts.append(windows.batch(index.tolist()).static["numbers"].numpy())
    flat = [part.reshape(len(index), math.prod(part.shape[1:])) for part in parts]
    return np.concatenate(flat, 1).astype(np.float64)


def answered(windows: Windows, index: Ints) -> Floats:
    """(N, L K) encoded targets minus their reference; NaN where missing."""
    centre, spread = (part[:, None] for part in windows.statistics(index))
    encoded = windows.codec.encode_target(windows.actual(index), centre, spread)
    relative = encoded - windows.reference(index)
    return relative.reshape(len(index), windows.horizon * len(windows.targets))


def _width(windows: Windows) -> int:
    """P, the numbers that a linear model reads of one window."""
    ahead = windows.horizon * windows.known_width
    return windows.context * windows.width + ahead + windows.static_width


def _table(windows: Windows, index: Ints, work: int) -> tuple[Floats, Floats]:
    """Inputs (n, P) and outputs (n, J) of the windows, thinned to what can be afforded."""
    width, outputs = _width(windows), answered(windows, index)
    fits = len(_patterns(outputs))
    most = min(_TABLE // width, work // fits // width**2)
    kept = spread_over(len(index), max(most, 2 * windows.context))
    return features(windows, index[kept]), outputs[kept]


def _patterns(outputs: Floats) -> dict[bytes, list[int]]:
    """Outputs that are observed in the same windows, together."""
    found: dict[bytes, list[int]] = {}
    for output, seen in enumerate(np.isfinite(outputs).T):
        found.setdefault(np.packbits(seen).tobytes(), []).append(output)
    return found


def _ridge(inputs: Floats, outputs: Floats, penalty: float) -> tuple[Floats, Floats]:
    """(P, J) coefficients and (J,) intercepts; 0 for outputs that were never observed."""
    coefficients = np.zeros((inputs.shape[1], outputs.shape[1]))
    intercept = np.zeros(outputs.shape[1])
    for group in _patterns(outputs).values():
        seen = np.isfinite(outputs[:, group[0]])
        if not seen.any():
            continue
        model = Ridge(alpha=penalty * int(seen.sum()))
        model.fit(inputs[seen], outputs[seen][:, group])
        coefficients[:, group] = np.reshape(model.coef_, (len(group), -1)).T
        intercept[group] = model.intercept_
    return coefficients, intercept


def _last_fifth(windows: Windows) -> NDArray[np.bool_]:
    """(N,) True for the last fifth of each series' windows."""
    series, origin = windows.where(np.arange(len(windows)))
    last, first = windows.last[series], windows.first[series]
    return last - origin <= (last - first) // 5
