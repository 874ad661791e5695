"""Ridge autoregression: the linear model that reads what the LSTM reads and answers what it does.

With u the encoded inputs of the context, the numbers known over the horizon and the static ones,
side by side (P in all), and r the reference that the LSTM's answer is relative to,

    y^ = r + W u + b        least sum of (y - y^)^2 + a |W|^2, a = penalty * trace(C) / P

where C is the centred sum of u u' over the training windows, so that the penalty has no unit.
Hoerl and Kennard 1970, "Ridge regression: biased estimation for nonorthogonal problems".

It is solved by its normal equations, which are summed a part of the windows at a time: the table
of all windows is never held, and one eigendecomposition serves every penalty that is tried.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from longshort.data.sequences import Floats
from longshort.data.steps import Ints
from longshort.data.windows import Windows
from longshort.errors import NotFittedError
from longshort.records import Kind
from longshort.yardsticks.base import chunks, spread_over

# penalties tried: two a decade
PENALTIES = tuple(float(p) for p in np.logspace(-5, 2, 15))
# multiplications in one sum of the normal equations: about a minute
_WORK = 2 * 10**12
# groups of outputs, missing in different windows, that the penalty is chosen by
_GROUPS = 4


@dataclass
class RidgeAR:
    """One linear map from what the LSTM reads to every step and target, relative to its reference.

    An output is fitted on the windows where it was observed. More training windows than can be
    summed in about a minute are thinned evenly.

    Learned: ``penalty``, the one of ``PENALTIES`` with the least mean absolute error (encoded
    units) on the validation windows, when fitted on the training windows that end before them: a
    refit on both parts chooses as fairly as a fit on the first. Without validation windows a
    penalty chosen before is kept; else the last fifth of each series' training windows chooses.
    """

    name: str = "ridge autoregression"
    kind: Kind = "classical"
    penalty: float | None = None
    coefficients: Floats = field(default_factory=lambda: np.zeros((0, 0)), repr=False)
    intercept: Floats = field(default_factory=lambda: np.zeros(0), repr=False)

    def fit(self, train: Windows, valid: Windows | None = None) -> Self:
        """Choose the penalty on ``valid``, fit on ``train``."""
        index = np.arange(len(train))
        sums = None
        if valid is not None and len(valid):
            early = before(train, valid)
            sums = _Sums.of(train, index[early])
            self.penalty = _choose(sums, valid, np.arange(len(valid)))
        elif self.penalty is None:
            early = ~_last_fifth(train)
            sums = _Sums.of(train, index[early])
            self.penalty = _choose(sums, train, index[~early])
        if sums is None or not early.all():
            sums = _Sums.of(train, index)
        outputs = train.horizon * len(train.targets)
        self.coefficients = np.zeros((_width(train), outputs))
        self.intercept = np.zeros(outputs)
        for group in sums.groups:
            normal = sums.normal(group)
            gram = normal.gram + normal.weight(self.penalty) * np.eye(len(normal.gram))
            solved = np.linalg.solve(gram, normal.cross)
            self.coefficients[:, group] = solved
            self.intercept[group] = normal.answer - normal.centre @ solved
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


def features(windows: Windows, index: Ints) -> Floats:
    """(N, P) what a linear model reads: inputs, known future and static ones, side by side."""
    parts = [windows.inputs(index), windows.known(index), windows.static(index)]
    parts += windows.flags(index)
    flat = [part.reshape(len(index), math.prod(part.shape[1:])) for part in parts]
    return np.concatenate(flat, 1).astype(np.float64)


def answered(windows: Windows, index: Ints) -> Floats:
    """(N, L K) encoded targets minus their reference; NaN where missing."""
    centre, spread = (part[:, None] for part in windows.statistics(index))
    encoded = windows.codec.encode_target(windows.actual(index), centre, spread)
    relative = encoded - windows.reference(index)
    return relative.reshape(len(index), windows.horizon * len(windows.targets))


class _Normal(NamedTuple):
    """Normal equations of some outputs: centred sums of u u' (P, P) and u y' (P, J), and means."""

    gram: Floats
    cross: Floats
    centre: Floats
    answer: Floats

    def weight(self, penalty: float) -> float:
        """What is added to the diagonal."""
        return penalty * (float(np.trace(self.gram)) / len(self.gram) or 1.0)


@dataclass
class _Sums:
    """Sums over n windows of inputs minus ``shift`` and of outputs, for all groups of outputs.

    ``groups`` are outputs that are observed in the same windows; ``seen`` is (n, J).
    """

    windows: Windows
    index: Ints
    shift: Floats
    gram: Floats
    total: Floats
    cross: Floats
    answers: Floats
    seen: NDArray[np.bool_]
    groups: list[list[int]]

    @classmethod
    def of(cls, windows: Windows, index: Ints) -> Self:
        """The sums over these windows, or as many of them, spread evenly, as can be afforded."""
        width, outputs = _width(windows), windows.horizon * len(windows.targets)
        index = index[spread_over(len(index), max(1, _WORK // max(1, width) ** 2))]
        shift, gram = np.zeros(width), np.zeros((width, width))
        total, cross = np.zeros(width), np.zeros((width, outputs))
        answers = np.zeros(outputs)
        seen = np.zeros((len(index), outputs), dtype=bool)
        done = 0
        for part in chunks(index, width + outputs):
            inputs, targets = features(windows, part), answered(windows, part)
            if not done:
                # sums around a typical value keep their digits
                shift = inputs.mean(0)
            inputs -= shift
            observed = np.isfinite(targets)
            targets[~observed] = 0.0
            gram += inputs.T @ inputs
            total += inputs.sum(0)
            cross += inputs.T @ targets
            answers += targets.sum(0)
            seen[done : done + len(part)] = observed
            done += len(part)
        groups: dict[bytes, list[int]] = {}
        for output in np.flatnonzero(seen.any(0)):
            groups.setdefault(np.packbits(seen[:, output]).tobytes(), []).append(int(output))
        found = list(groups.values())
        return cls(windows, index, shift, gram, total, cross, answers, seen, found)

    def normal(self, group: list[int]) -> _Normal:
        """The normal equations of a group, without the windows where it is missing."""
        missing = self.index[~self.seen[:, group[0]]]
        count = len(self.index) - len(missing)
        gram, total = self.gram.copy(), self.total.copy()
        for part in chunks(missing, len(gram)):
            inputs = features(self.windows, part) - self.shift
            gram -= inputs.T @ inputs
            total -= inputs.sum(0)
        gram -= np.outer(total, total / count)
        answer = self.answers[group] / count
        cross = self.cross[:, group] - np.outer(total, answer)
        return _Normal(gram, cross, self.shift + total / count, answer)


def _choose(sums: _Sums, held: Windows, index: Ints) -> float:
    """The penalty with the least mean absolute error on held-out windows, the largest of equals."""
    errors = np.zeros(len(PENALTIES))
    for at in spread_over(len(sums.groups), _GROUPS):
        group = sums.groups[at]
        normal = sums.normal(group)
        values, vectors = np.linalg.eigh(normal.gram)
        turned = vectors.T @ normal.cross
        for part in chunks(index, 2 * len(values)):
            inputs = (features(held, part) - normal.centre) @ vectors
            answers = answered(held, part)[:, group] - normal.answer
            for number, penalty in enumerate(PENALTIES):
                shrunk = turned / (values + normal.weight(penalty))[:, None]
                errors[number] += np.nansum(np.abs(inputs @ shrunk - answers))
    return PENALTIES[len(errors) - 1 - int(np.argmin(errors[::-1]))]


def _width(windows: Windows) -> int:
    """P, the numbers that a linear model reads of one window."""
    known, still = (int(part.shape[-1]) for part in windows.flags([]))
    ahead = windows.horizon * (windows.known_width + known)
    return windows.context * windows.width + ahead + windows.static_width + still


def before(train: Windows, valid: Windows) -> NDArray[np.bool_]:
    """(N,) True for training windows that end before the first validation one of their series."""
    used = np.flatnonzero(valid.last > valid.first)
    starts = {valid.sequences.keys[s]: int(valid.first[s]) for s in used}
    longest = int(train.sequences.lengths.max(initial=0))
    start = np.array([starts.get(key, longest) for key in train.sequences.keys], dtype=np.int64)
    series, origin = train.where(np.arange(len(train)))
    return np.asarray(origin + train.horizon <= start[series])


def _last_fifth(windows: Windows) -> NDArray[np.bool_]:
    """(N,) True for the last fifth of each series' windows."""
    series, origin = windows.where(np.arange(len(windows)))
    last, first = windows.last[series], windows.first[series]
    return last - origin <= (last - first) // 5
