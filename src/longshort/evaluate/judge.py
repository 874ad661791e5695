"""The test part, opened once: every method on the same origins, and the verdict in plain words.

A value is scored where it was observed and every method forecast it, so that no method is judged
on easier values than another. What the LSTM is compared with is chosen on the validation part:
per target, the naive rule and the classical method with the least error there.

Skill is 1 - MAE / MAE of the reference. Its 95 % interval is a paired block bootstrap over
origins (``metrics.real.block_sums``) of both methods' absolute errors, summed per origin.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from longshort.data.sequences import Floats, Sequences
from longshort.data.steps import Ints
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
from longshort.records import ForecastPoint, Reliability, Score, StepScore
from longshort.yardsticks.base import Forecasts, Method, chunks, spread_over
from longshort.yardsticks.verdict import Rival, verdict

__all__ = [
    "Forecasts",
    "Judgement",
    "Method",
    "Rival",
    "Rivals",
    "choose",
    "forecast_points",
    "judge",
    "mase_scales",
    "verdict",
]

# how much of single forecasts is kept for charts: series, fans per series, points in all
_SERIES, _FANS, _POINTS = 3, 4, 1500
_MEASURES = ("absolute", "squared", "scaled", "crps", "inside", "width")


class Rivals(NamedTuple):
    """By target, the name of the naive and of the classical method to be measured against."""

    naive: dict[str, str]
    classical: dict[str, str]


class Judgement(NamedTuple):
    """What ``judge`` found: parts of a ``records.Evaluation``.

    ``reference`` is by target the naive method that skill is measured against, ``origins`` the
    number of forecasts of each method, ``forecasts`` those of the LSTM (else the first method).
    """

    scores: tuple[Score, ...]
    steps: tuple[StepScore, ...]
    reliability: tuple[Reliability, ...]
    reference: dict[str, str]
    forecasts: tuple[ForecastPoint, ...]
    origins: int
    verdict: str


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
        methods: at most one of kind "lstm", at least one "naive", any number "classical", with
            different names.
        test: windows that no method was fitted on.
        valid: windows to choose the rivals on; None or empty takes the first method of each kind.
        levels: Q levels of all methods' quantiles, rising in equal steps.
        naive_scale: (S, K) for MASE, see ``mase_scales``; NaN or 0 leaves a series out of it.
        level: nominal coverage of the central interval; both its ends must be among ``levels``.
        rivals: chosen before, by ``choose``: methods refitted on the validation part too must not
            be compared there. None chooses them here.
        seed, resamples: of the bootstrap.

    Raises:
        ArgumentError: methods or levels that do not fit.
        DataError: a target has no value that can be scored, or no scale.
    """
    _check(methods)
    names = _names(test)
    if rivals is None:
        rivals = _least(methods, None, names) if valid is None else choose(methods, valid)
    tally = _Tally(methods, test, levels, interval_ends(levels, level), naive_scale)
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
            sentences.append(verdict(name, unit, tally.mae(lstm.name, k), faced, other, len(test)))
    return Judgement(
        tuple(scores),
        tally.steps(names),
        tally.reliability(names),
        dict(rivals.naive),
        forecast_points(lstm or methods[0], test, tally.ends),
        len(test),
        " ".join(sentences),
    )


def choose(methods: Sequence[Method], valid: Windows) -> Rivals:
    """By target, the naive and the classical method with the least MAE on these windows.

    Args:
        methods: those of kind "lstm" are left out.
        valid: validation windows; with none of them, the first method of each kind is taken.
    """
    names = _names(valid)
    peers = [method for method in methods if method.kind != "lstm"]
    errors = np.zeros((len(peers), len(names)))
    size = 2 * len(peers) * valid.horizon * len(names)
    for index in chunks(np.arange(len(valid)), size):
        actual = valid.actual(index)
        losses = np.stack([np.abs(actual - method(valid, index).point) for method in peers])
        errors += np.where(np.isfinite(losses).all(0), losses, 0.0).sum((1, 2))
    return _least(peers, errors, names)


def _least(methods: Sequence[Method], errors: Floats | None, names: Sequence[str]) -> Rivals:
    """Rivals by errors (M, K); without errors the first of each kind."""
    found: dict[str, dict[str, str]] = {"naive": {}, "classical": {}}
    for kind, by_target in found.items():
        own = [at for at, method in enumerate(methods) if method.kind == kind]
        for k, name in enumerate(names if own else ()):
            best = 0 if errors is None else int(np.argmin(errors[own, k]))
            by_target[name] = methods[own[best]].name
    return Rivals(found["naive"], found["classical"])


def mase_scales(train: Sequences, season: int) -> Floats:
    """(S, K) what MASE divides by: the seasonal naive's mean absolute error on training rows.

    A series that is shorter than the season, or repeats it exactly, takes the last value's error;
    NaN or 0 where that is no use either.

    Args:
        train: the training rows, and nothing later.
        season: rows of one season, 1 or more.
    """
    targets = train.role_indices("target")
    found = np.full((len(train), len(targets)), np.nan)
    for number in range(len(train)):
        values = train.values[train.rows(number)][:, targets]
        scale = naive_scale(values, season)
        found[number] = np.where(scale > 0, scale, naive_scale(values, 1))
    return found


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


class _Tally:
    """Sums over origins, so that nothing but one part of the forecasts is ever held."""

    def __init__(
        self,
        methods: Sequence[Method],
        test: Windows,
        levels: Sequence[float],
        ends: tuple[int, int],
        scale: Floats,
    ) -> None:
        self.methods, self.levels, self.ends, self.scale = methods, levels, ends, scale
        self.at = {method.name: number for number, method in enumerate(methods)}
        shape = test.horizon, len(test.targets)
        self.count = np.zeros(shape)
        self.scaled = np.zeros(shape[1])
        self.total = {name: np.zeros((len(methods), *shape)) for name in _MEASURES}
        self.below = np.zeros((len(methods), shape[1], len(levels)))
        self.origin = np.zeros((len(test), len(methods), shape[1]))

    def add(self, test: Windows, index: Ints) -> None:
        """Forecast and score the windows of these numbers."""
        actual = test.actual(index)
        forecasts = [Forecasts(*map(np.asarray, method(test, index))) for method in self.methods]
        scored = np.isfinite(actual)
        for point, quantiles in forecasts:
            scored = scored & np.isfinite(point) & np.isfinite(quantiles).all(-1)
        scale = self.scale[test.where(index)[0]][:, None]
        usable = scored & (scale > 0)
        self.count += scored.sum(0)
        self.scaled += usable.sum((0, 1))
        for number, (point, quantiles) in enumerate(forecasts):
            error = np.abs(actual - point)
            low, high = (quantiles[..., end] for end in self.ends)
            measured = {
                "absolute": error,
                "squared": np.square(error),
                "scaled": np.where(usable, error / np.where(usable, scale, 1.0), 0.0),
                "crps": 2 * pinball_losses(actual, quantiles, self.levels).mean(-1),
                "inside": (low <= actual) & (actual <= high),
                "width": high - low,
            }
            for name, value in measured.items():
                self.total[name][number] += np.where(scored, value, 0.0).sum(0)
            under = scored[..., None] & (actual[..., None] <= quantiles)
            self.below[number] += under.sum((0, 1))
            self.origin[index, number] = np.where(scored, error, 0.0).sum(1)

    def check(self, test: Windows) -> None:
        """Refuse a target that nothing can be said about."""
        for k, name in enumerate(_names(test)):
            where = f"{test.sequences.source}: column {name!r}"
            if not self.count[:, k].any():
                raise DataError(
                    f"{where}: none of the {len(test)} test forecasts has an observed value to be "
                    "compared with; give a longer test part, or another target"
                )
            if not self.scaled[k]:
                raise DataError(
                    f"{where} is constant or missing on the training rows, so MASE has no scale; "
                    "begin the validation part later (--valid), or leave the column out"
                )

    def resample(self, test: Windows, seed: int, resamples: int) -> Floats | None:
        """(R, M, K) summed absolute errors of resampled origins; None where they are too few."""
        series, _ = test.where(np.arange(len(test)))
        flat = self.origin.reshape(len(test), -1)
        sums = block_sums(flat, series, test.horizon, resamples=resamples, seed=seed)
        return None if sums is None else sums.reshape(resamples, *self.origin.shape[1:])

    def mae(self, name: str, k: int) -> float:
        """A method's mean absolute error on target k."""
        return self._mean("absolute", self.at[name], k)

    def _mean(self, measure: str, number: int, k: int) -> float:
        count = self.scaled[k] if measure == "scaled" else self.count[:, k].sum()
        return float(self.total[measure][number, :, k].sum() / count)

    def rival(self, k: int, ours: str, name: str, sums: Floats | None) -> Rival:
        """The method of that name as a rival of ours."""
        interval = None
        if sums is not None:
            interval = skill_interval(sums[:, self.at[ours], k], sums[:, self.at[name], k])
        return Rival(name, self.mae(name, k), interval)

    def scores(self, k: int, target: str, reference: str, sums: Floats | None) -> list[Score]:
        """Every method's scores on target k."""
        found = []
        for number, method in enumerate(self.methods):
            means = {name: self._mean(name, number, k) for name in _MEASURES}
            faced = self.rival(k, method.name, reference, sums)
            compared = method.name != reference and faced.mae > 0
            interval = faced.interval if compared else None
            found.append(
                Score(
                    method.name,
                    method.kind,
                    target,
                    mae=means["absolute"],
                    rmse=math.sqrt(means["squared"]),
                    mase=means["scaled"],
                    crps=means["crps"],
                    coverage=means["inside"],
                    width=means["width"],
                    skill=skill(means["absolute"], faced.mae) if compared else None,
                    skill_low=interval[0] if interval else None,
                    skill_high=interval[1] if interval else None,
                )
            )
        return found

    def steps(self, names: Sequence[str]) -> tuple[StepScore, ...]:
        """Error and coverage at each step ahead that has an observed value."""
        return tuple(
            StepScore(
                method.name,
                name,
                step + 1,
                mae=float(self.total["absolute"][number, step, k] / self.count[step, k]),
                coverage=float(self.total["inside"][number, step, k] / self.count[step, k]),
            )
            for number, method in enumerate(self.methods)
            for k, name in enumerate(names)
            for step in range(len(self.count))
            if self.count[step, k]
        )

    def reliability(self, names: Sequence[str]) -> tuple[Reliability, ...]:
        """How often each quantile was not exceeded."""
        return tuple(
            Reliability(
                method.name,
                name,
                float(level),
                float(self.below[number, k, at] / self.count[:, k].sum()),
            )
            for number, method in enumerate(self.methods)
            for k, name in enumerate(names)
            for at, level in enumerate(self.levels)
        )


def forecast_points(
    method: Method, windows: Windows, ends: tuple[int, int]
) -> tuple[ForecastPoint, ...]:
    """Forecasts to draw: one step ahead without a gap, and every step from a few origins.

    At most three series, spread evenly; of each, as many of its last origins as about 1500 points
    in all allow, and up to four of these, spread evenly, with their whole horizon.
    """
    horizon, names = windows.horizon, _names(windows)
    used = np.flatnonzero(windows.last > windows.first)
    most = max(1, min(_SERIES, _POINTS // (2 * horizon * len(names))))
    chosen = used[spread_over(len(used), most)]
    share = _POINTS // max(1, len(chosen) * len(names))
    fans = min(_FANS, max(1, share // (2 * horizon)))
    rows = max(1, share - fans * (horizon - 1))
    points: list[ForecastPoint] = []
    for series in chosen:
        end = int(windows.ends[series])
        count = int(windows.last[series] - windows.first[series])
        index = np.arange(end - min(rows, count), end)
        whole = set(spread_over(len(index), fans).tolist())
        point, quantiles = (np.asarray(part) for part in method(windows, index))
        bounds = np.stack([point, *(quantiles[..., at] for at in ends)], -1)
        actual = windows.actual(index)
        start = windows.sequences.offsets[series] + windows.where(index)[1]
        points += [
            ForecastPoint(
                windows.sequences.keys[series],
                name,
                windows.sequences.time_label(int(start[at] + step)),
                step + 1,
                float(actual[at, step, k]) if np.isfinite(actual[at, step, k]) else None,
                *map(float, bounds[at, step, k]),
            )
            for k, name in enumerate(names)
            for at in range(len(index))
            for step in range(horizon if at in whole else 1)
            if np.isfinite(bounds[at, step, k]).all()
        ]
    return tuple(points)


def _names(windows: Windows) -> list[str]:
    return [windows.sequences.fields[at].name for at in windows.targets]


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
