"""The test part, opened once: every method on the same origins, and the verdict in plain words.

A value is scored where it was observed and every method forecast it, so that no method is judged
on easier values than another. What the LSTM is compared with is chosen on the validation part:
per target, the naive rule and the classical method with the least error there.

Skill is 1 - MAE / MAE of the reference. Its 95 % interval is a paired block bootstrap over
origins (``metrics.bootstrap.block_sums``) of both methods' absolute errors, summed per origin.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from longshort.data.sequences import Floats, Sequences
from longshort.data.steps import Ints
from longshort.data.windows import Windows
from longshort.errors import ArgumentError
from longshort.evaluate.points import forecast_points
from longshort.evaluate.tally import Scales, Stretch, Tally, names_of
from longshort.metrics.quantiles import check_levels
from longshort.metrics.real import naive_scale
from longshort.records import ForecastPoint, Reliability, Score, StepScore
from longshort.yardsticks.base import Method, chunks
from longshort.yardsticks.verdict import verdict


class Rivals(NamedTuple):
    """By target, the name of the naive and of the classical method to be measured against."""

    naive: dict[str, str]
    classical: dict[str, str]


class Judgement(NamedTuple):
    """What ``judge`` found: parts of a ``records.Evaluation``.

    ``reference`` is by target the naive method that skill is measured against, ``origins`` the
    number of forecasts of each method, ``forecasts`` those of the LSTM (else the first method),
    ``stretches`` the scores over each of the stretches that were asked for.
    """

    scores: tuple[Score, ...]
    steps: tuple[StepScore, ...]
    reliability: tuple[Reliability, ...]
    reference: dict[str, str]
    forecasts: tuple[ForecastPoint, ...]
    origins: int
    verdict: str
    stretches: tuple[Stretch, ...] = ()


def judge(
    methods: Sequence[Method],
    test: Windows,
    valid: Windows | None,
    *,
    levels: Sequence[float],
    scales: Scales,
    level: float = 0.8,
    rivals: Rivals | None = None,
    seed: int = 0,
    resamples: int = 1000,
    stretches: Sequence[Ints] = (),
) -> Judgement:
    """Score every method at every origin of the test windows.

    Args:
        methods: at most one of kind "lstm", at least one "naive", any number "classical", with
            different names.
        test: windows that no method was fitted on.
        valid: windows to choose the rivals on; None or empty takes the first method of each kind.
        levels: Q levels of all methods' quantiles, rising in equal steps.
        scales: (S, K) for MASE and RMSSE, see ``naive_scales``.
        level: nominal coverage of the central interval; both its ends must be among ``levels``.
        rivals: chosen before, by ``choose``: methods refitted on the validation part too must not
            be compared there. None chooses them here.
        seed, resamples: of the bootstrap.
        stretches: numbers of the test windows that are also scored by themselves.

    Raises:
        ArgumentError: methods or levels that do not fit.
        DataError: a target has no value that can be scored, or no scale.
    """
    _check(methods)
    names = names_of(test)
    if rivals is None:
        rivals = least(methods, None, names) if valid is None else choose(methods, valid)
    tally = Tally(methods, test, levels, interval_ends(levels, level), scales)
    size = len(methods) * test.horizon * len(names) * (len(levels) + 1)
    for index in chunks(np.arange(len(test)), size):
        tally.add(test, index)
    tally.check(test)
    sums = tally.resample(test, seed, resamples)
    scores: list[Score] = []
    sentences = []
    lstm = next((m for m in methods if m.kind == "lstm"), None)
    for k, name in enumerate(names):
        naive, classical = rivals.naive[name], rivals.classical.get(name)
        scores += tally.scores(k, name, naive, sums)
        if lstm is not None:
            unit = test.sequences.fields[test.targets[k]].unit
            faced = tally.rival(k, lstm.name, naive, sums)
            other = None if classical is None else tally.rival(k, lstm.name, classical, sums)
            mae = tally.mae(lstm.name, k)
            sentences.append(verdict(name, unit, mae, faced, other, len(test), lstm.name))
    return Judgement(
        tuple(scores),
        tally.steps(test, seed, resamples),
        tally.reliability(names),
        dict(rivals.naive),
        forecast_points(lstm or methods[0], test.thinned(1), tally.ends),
        len(test),
        " ".join(sentences),
        tuple(tally.stretch(index, names, rivals.naive) for index in stretches),
    )


def choose(methods: Sequence[Method], valid: Windows) -> Rivals:
    """By target, the naive and the classical method with the least MAE on these windows.

    Args:
        methods: those of kind "lstm" are left out.
        valid: validation windows; with none of them, the first method of each kind is taken.
    """
    names = names_of(valid)
    peers = [method for method in methods if method.kind != "lstm"]
    errors = absolute_errors(peers, valid)
    return least(peers, errors, names)


def absolute_errors(methods: Sequence[Method], windows: Windows) -> Floats:
    """(M, K) sums of absolute errors over the values that every method forecast."""
    errors = np.zeros((len(methods), len(windows.targets)))
    size = 2 * len(methods) * windows.horizon * len(windows.targets)
    for index in chunks(np.arange(len(windows)), size):
        actual = windows.actual(index)
        losses = np.stack([np.abs(actual - method(windows, index).point) for method in methods])
        errors += np.where(np.isfinite(losses).all(0), losses, 0.0).sum((1, 2))
    return errors


def least(methods: Sequence[Method], errors: Floats | None, names: Sequence[str]) -> Rivals:
    """Per target, the naive and the classical method with the least error (M, K), or the first."""
    found: dict[str, dict[str, str]] = {"naive": {}, "classical": {}}
    for kind, by_target in found.items():
        own = [at for at, method in enumerate(methods) if method.kind == kind]
        for k, name in enumerate(names if own else ()):
            best = 0 if errors is None else int(np.argmin(errors[own, k]))
            by_target[name] = methods[own[best]].name
    return Rivals(found["naive"], found["classical"])


def naive_scales(train: Sequences, season: int) -> Scales:
    """What MASE and RMSSE divide by: the seasonal naive's errors on training rows.

    A series that is shorter than the season, or repeats it exactly, takes the last value's errors;
    NaN or 0 where they are no use either.

    Args:
        train: the training rows, and nothing later.
        season: rows of one season, 1 or more.
    """
    targets = train.role_indices("target")
    found = np.full((2, len(train), len(targets)), np.nan)
    for number in range(len(train)):
        values = train.values[train.rows(number)][:, targets]
        for power in (1, 2):
            scale, least = (naive_scale(values, lag, power) for lag in (season, 1))
            found[power - 1, number] = np.where(scale > 0, scale, least)
    return Scales(*found)


def interval_ends(levels: Sequence[float], level: float) -> tuple[int, int]:
    """Places among ``levels`` of the two ends of the central interval of nominal ``level``.

    Raises:
        ArgumentError: ``levels`` do not rise in equal steps, or an end is not among them.
    """
    known = check_levels(levels)
    low, high = (int(np.abs(known - end).argmin()) for end in ((1 - level) / 2, (1 + level) / 2))
    if not (low < high and np.allclose(known[[low, high]], [(1 - level) / 2, (1 + level) / 2])):
        mirrored = [p for p in known if p > 0.5 and np.isclose(known, 1 - p).any()]
        possible = ", ".join(f"{2 * p - 1:.3g}" for p in mirrored)
        raise ArgumentError(f"level={level}: the quantiles give intervals of {possible or 'none'}")
    return low, high


def _check(methods: Sequence[Method]) -> None:
    names = [method.name for method in methods]
    kinds = [method.kind for method in methods]
    if len(set(names)) < len(names):
        raise ArgumentError(f"methods {names}: two have the same name; rename one")
    if "naive" not in kinds or kinds.count("lstm") > 1:
        raise ArgumentError(
            f"methods of kinds {kinds}: skill is measured against a naive method, so give one or "
            "more, and no more than one of kind 'lstm'"
        )
