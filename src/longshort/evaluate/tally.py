"""Sums of every score over origins, so that nothing but one part of the forecasts is ever held."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from longshort.data.sequences import Floats
from longshort.data.steps import Ints
from longshort.data.windows import Windows
from longshort.errors import DataError
from longshort.metrics.bootstrap import block_sums, ratio_interval, skill, skill_interval
from longshort.metrics.measures import COVERAGE, CRPS, MAE, MASE, MEASURES, Case, totals
from longshort.records import FoldScore, Reliability, Score, StepScore
from longshort.yardsticks.base import Forecasts, Method
from longshort.yardsticks.verdict import Rival


class Scales(NamedTuple):
    """(S, K) what MASE and RMSSE divide by; NaN or 0 leaves a series out of them."""

    absolute: Floats
    root: Floats


class Resampled(NamedTuple):
    """Sums over resampled origins: absolute errors and values inside (R, M, K), values (R, K)."""

    error: Floats
    inside: Floats
    seen: Floats


# every method's scores over a stretch of the test part
Stretch = tuple[FoldScore, ...]


class Tally:
    """Every score of M methods, summed by step and target.

    Args:
        methods: what is judged.
        test: the windows they are judged on.
        levels: Q levels of all methods' quantiles.
        ends: places of the two ends of the interval whose coverage is told.
        scales: see ``Scales``.
    """

    def __init__(
        self,
        methods: Sequence[Method],
        test: Windows,
        levels: Sequence[float],
        ends: tuple[int, int],
        scales: Scales,
    ) -> None:
        self.methods, self.levels, self.ends, self.scales = methods, levels, ends, scales
        self.at = {method.name: number for number, method in enumerate(methods)}
        # the method whose steps get an interval of their own
        self.first = next((n for n, m in enumerate(methods) if m.kind == "lstm"), 0)
        shape = test.horizon, len(test.targets)
        sums = len(MEASURES), 2, len(methods), *shape
        self.sums = {m.name: part for m, part in zip(MEASURES, np.zeros(sums), strict=True)}
        self.count = np.zeros(shape)
        self.below = np.zeros((len(methods), shape[1], len(levels)))
        self.error, self.inside = np.zeros((2, len(test), len(methods), shape[1]))
        self.seen, self.held = np.zeros((2, len(test), *shape), np.int8)

    def add(self, test: Windows, index: Ints) -> None:
        """Forecast and score the windows of these numbers."""
        actual = test.actual(index)
        forecasts = [Forecasts(*map(np.asarray, method(test, index))) for method in self.methods]
        scored = np.isfinite(actual)
        for point, quantiles in forecasts:
            scored = scored & np.isfinite(point) & np.isfinite(quantiles).all(-1)
        truth = np.where(scored, actual, np.nan)
        series, _ = test.where(index)
        scale, root = (np.broadcast_to(part[series][:, None], actual.shape) for part in self.scales)
        last = test.seasonal(index, 1)
        self.count += scored.sum(0)
        self.seen[index] = scored
        for number, (point, quantiles) in enumerate(forecasts):
            case = Case(truth, point, quantiles, self.levels, self.ends, scale, root, last)
            for measure in MEASURES:
                losses, weights = totals(measure, case, 0)
                self.sums[measure.name][0, number] += losses
                self.sums[measure.name][1, number] += weights
            held = np.where(scored, COVERAGE.losses(case), 0.0)
            self.error[index, number] = np.where(scored, case.error, 0.0).sum(1)
            self.inside[index, number] = held.sum(1)
            if number == self.first:
                self.held[index] = held
            under = scored[..., None] & (actual[..., None] <= quantiles)
            self.below[number] += under.sum((0, 1))

    def check(self, test: Windows) -> None:
        """Refuse a target that nothing can be said about."""
        for k, name in enumerate(names_of(test)):
            where = f"{test.sequences.source}: column {name!r}"
            if not self.count[:, k].any():
                raise DataError(
                    f"{where}: none of the {len(test)} test forecasts has an observed value to be "
                    "compared with; give a longer test part, or another target"
                )
            if not self.sums[MASE.name][1, 0, :, k].any():
                raise DataError(
                    f"{where} is constant or missing on the training rows, so MASE has no scale; "
                    "begin the validation part later (--valid), or leave the column out"
                )

    def resample(self, test: Windows, seed: int, resamples: int) -> Resampled | None:
        """Sums over resampled origins; None where they are too few."""
        series, _ = test.where(np.arange(len(test)))
        seen = self.seen.sum(1, dtype=np.float64)
        flat = [part.reshape(len(test), -1) for part in (self.error, self.inside, seen)]
        parts = np.concatenate(flat, 1)
        sums = block_sums(parts, series, test.horizon, resamples=resamples, seed=seed)
        if sums is None:
            return None
        shape = resamples, *self.error.shape[1:]
        error, inside, seen = np.split(sums, [flat[0].shape[1], 2 * flat[0].shape[1]], 1)
        return Resampled(error.reshape(shape), inside.reshape(shape), seen)

    def mae(self, name: str, k: int) -> float:
        """A method's mean absolute error on target k."""
        losses, weights = self.sums[MAE.name][:, self.at[name], :, k].sum(-1)
        return float(MAE.ratio(losses, weights))

    def rival(self, k: int, ours: str, name: str, sums: Resampled | None) -> Rival:
        """The method of that name as a rival of ours."""
        interval = None
        if sums is not None:
            mine, theirs = (sums.error[:, self.at[each], k] for each in (ours, name))
            interval = skill_interval(mine, theirs)
        return Rival(name, self.mae(name, k), interval)

    def scores(self, k: int, target: str, reference: str, sums: Resampled | None) -> list[Score]:
        """Every method's scores on target k."""
        found = []
        for number, method in enumerate(self.methods):
            values: dict[str, float | None] = {}
            for measure in MEASURES:
                value = float(measure.ratio(*self.sums[measure.name][:, number, :, k].sum(-1)))
                values[measure.name] = value if np.isfinite(value) else None
            faced = self.rival(k, method.name, reference, sums)
            interval, compared = faced.interval, method.name != reference and faced.mae > 0
            if compared:
                values["skill"] = skill(self.mae(method.name, k), faced.mae)
            if compared and interval is not None:
                values["skill_low"], values["skill_high"] = interval
            if sums is not None:
                held = ratio_interval(sums.inside[:, number, k], sums.seen[:, k])
                values["coverage_low"], values["coverage_high"] = held or (None, None)
            found.append(Score(method.name, method.kind, target, **values))  # type: ignore[arg-type]
        return found

    def steps(self, test: Windows, seed: int, resamples: int) -> tuple[StepScore, ...]:
        """Error and coverage at each step ahead that has an observed value."""
        series, _ = test.where(np.arange(len(test)))
        found = []
        for k, name in enumerate(names_of(test)):
            both = np.concatenate([self.held[..., k], self.seen[..., k]], 1)
            sums = block_sums(both, series, test.horizon, resamples=resamples, seed=seed)
            for number, method in enumerate(self.methods):
                for step in np.flatnonzero(self.count[:, k]).tolist():
                    interval = None
                    if sums is not None and number == self.first:
                        interval = ratio_interval(sums[:, step], sums[:, test.horizon + step])
                    error, held, crps = (
                        float(measure.ratio(*self.sums[measure.name][:, number, step, k]))
                        for measure in (MAE, COVERAGE, CRPS)
                    )
                    ends = interval or (None, None)
                    found.append(StepScore(method.name, name, step + 1, error, held, crps, *ends))
        return tuple(found)

    def stretch(self, index: Ints, names: Sequence[str], reference: Mapping[str, str]) -> Stretch:
        """Every method's error and coverage over some origins, and its skill over the reference."""
        seen = self.seen[index].sum((0, 1), dtype=np.float64)
        error, inside = self.error[index].sum(0), self.inside[index].sum(0)
        found = []
        for k, name in enumerate(names):
            # values that are missing throughout the stretch are not scored in it
            for number, method in enumerate(self.methods if seen[k] else ()):
                mae = float(error[number, k] / seen[k])
                faced = float(error[self.at[reference[name]], k] / seen[k])
                other = method.name != reference[name] and faced > 0
                gain = skill(mae, faced) if other else None
                held = float(inside[number, k] / seen[k])
                found.append(FoldScore(method.name, method.kind, name, mae, held, gain))
        return tuple(found)

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


def names_of(windows: Windows) -> list[str]:
    """The K targets' names."""
    return [windows.sequences.fields[at].name for at in windows.targets]
