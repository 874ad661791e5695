"""The test part, opened once: every method on the same origins, and the verdict in plain words.

A value is scored where it was observed and every method has a forecast of it, so that no method
is judged on easier values than another. What the LSTM is compared with is chosen on the
validation part: per target the naive rule and the classical method with the least error there.

Skill is 1 - MAE / MAE of the reference. Its 95 % interval is a paired block bootstrap over
origins (``metrics.real.block_sums``): both methods' absolute errors, summed per origin.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from longshort.data.sequences import Floats, Ints, Sequences
from longshort.data.windows import Windows
from longshort.errors import ArgumentError, DataError
from longshort.metrics.real import (
    block_sums,
    check_levels,
    naive_scale,
    pinball_losses,
    skill,
    skill_interval,
)
from longshort.records import ForecastPoint, Kind, Reliability, Score, StepScore
from longshort.yardsticks.base import Forecasts, Method, chunks

__all__ = [
    "Forecasts",
    "Judgement",
    "Method",
    "Rival",
    "Rivals",
    "choose",
    "judge",
    "mase_scales",
    "verdict",
]

# what is kept of single forecasts, for charts: series, fans per series, points in all
_SERIES, _FANS, _POINTS = 3, 4, 1500


class Rivals(NamedTuple):
    """Per target the name of the naive and of the classical method to be measured against."""

    naive: dict[str, str]
    classical: dict[str, str]


class Judgement(NamedTuple):
    """What ``judge`` found: parts of a ``records.Evaluation``.

    ``reference`` names the naive method behind each target's skill; ``origins`` is how many
    forecasts each method made; ``forecasts`` are the LSTM's (of the first method without one).
    """

    scores: tuple[Score, ...]
    steps: tuple[StepScore, ...]
    reliability: tuple[Reliability, ...]
    reference: dict[str, str]
    forecasts: tuple[ForecastPoint, ...]
    origins: int
    verdict: str


class Rival(NamedTuple):
    """A method beside the LSTM: its MAE, and the interval of 1 - MAE of the LSTM over it."""

    name: str
    mae: float
    interval: tuple[float, float] | None


def judge(
    methods: Sequence[Method],
    test: Windows,
    valid: Windows | None,
    *,
    levels: Sequence[float],
    naive_scale: Floats,
    level: float = 0.8,
    rivals: Rivals | None = None,
    seed: int = 0,
    resamples: int = 1000,
) -> Judgement:
    """Score every method at every origin of the test windows.

    Args:
        methods: one of kind "lstm", at least one "naive", any number "classical"; all names
            different.
        test: windows that no method has been fitted on.
        valid: windows to choose the rivals on; None or empty takes the first of each kind.
        levels: Q levels of all methods' quantiles, rising in equal steps.
        naive_scale: (S, K) for MASE, see ``mase_scales``; NaN or 0 leaves a series out of it.
        level: nominal coverage of the central interval; both its ends must be among ``levels``.
        rivals: chosen before, by ``choose``; None chooses them here. A refit on the validation
            part must choose before it.
        seed, resamples: of the bootstrap.

    Raises:
        ArgumentError: levels or methods that do not fit.
        DataError: a target has no value that can be scored, or no scale.
    """
    _check(methods)
    rivals = rivals or choose(methods, valid if valid is not None else test, chosen=valid is None)
    tally = _Tally(methods, test, levels, level, naive_scale)
    size = len(methods) * test.horizon * len(test.targets) * (len(levels) + 1)
    for index in chunks(np.arange(len(test)), size):
        tally.add([method(test, index) for method in methods], test, index)
    tally.check(test)
    ours = next((method for method in methods if method.kind == "lstm"), methods[0])
    scores, sentences = [], []
    for target, name in enumerate(_names(test)):
        sums = _resampled(tally, test, target, seed, resamples)
        scores += tally.scores(target, name, rivals.naive[name], sums)
        if ours.kind == "lstm":
            faced = [rivals.naive[name], rivals.classical.get(name)]
            naive, classical = (tally.rival(ours.name, r, target, sums) for r in faced)
            unit = test.sequences.fields[test.targets[target]].unit
            mae = tally.mae(ours.name, target)
            assert naive is not None
            sentences.append(verdict(name, unit, mae, naive, classical, len(test)))
    return Judgement(
        tuple(scores),
        tally.steps(_names(test)),
        tally.reliability(_names(test)),
        dict(rivals.naive),
        forecast_points(ours, test, tally.ends),
        len(test),
        " ".join(sentences),
    )
