"""What a forecast is worth: the measures of the page, from errors by step and target."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from forecasts.sets import Set
from longshort import Evaluation, Forecaster
from longshort.data.windows import Windows
from longshort.evaluate.adaptive import adaptive
from longshort.evaluate.judge import judge, naive_scales
from longshort.heads.distributions import LEVELS
from longshort.metrics.quantiles import quantiles_at
from longshort.records import StepScore
from longshort.yardsticks.base import with_quantiles
from longshort.yardsticks.series import Persistence

Floats = NDArray[np.float64]
# the interval that is reported
LEVEL = 0.8
# by which adaptive intervals follow what they have missed
RATE = 0.05


def test_windows(model: Forecaster, table: pl.DataFrame) -> Windows:
    """Every origin after the rows that a model has seen."""
    sequences = model._read_again(table)
    cuts = model.seen_.recall(sequences)
    first = np.maximum(cuts.test_start, model.encoding_.context)
    return Windows(sequences, model.encoding_, first, cuts.end - model.encoding_.horizon + 1)


def errors(model: Forecaster, windows: Windows) -> dict[str, Any]:
    """Mean errors of all windows: ``mae`` (L, K), and by target ``mse``, ``mape``, and so on."""
    sums: dict[str, Any] = {}
    count = np.zeros((windows.horizon, len(windows.targets)))
    for start in range(0, len(windows), 256):
        index = range(start, min(start + 256, len(windows)))
        actual, found = windows.actual(index), model.forecasts(windows, index)
        low, high = np.moveaxis(
            quantiles_at(found.quantiles, LEVELS, ((1 - LEVEL) / 2, (1 + LEVEL) / 2)), -1, 0
        )
        error = found.point - actual
        with np.errstate(divide="ignore", invalid="ignore"):
            parts = {
                "mae": np.abs(error),
                "mse": error**2,
                "mape": np.where(actual != 0, np.abs(error / actual), np.nan),
                "coverage": np.where(np.isnan(actual), np.nan, (low <= actual) & (actual <= high)),
                "width": high - low,
            }
        count += np.isfinite(actual).sum(0)
        for name, part in parts.items():
            sums[name] = sums.get(name, 0.0) + np.nansum(part, 0)
    told = {"mae": (sums.pop("mae") / count).tolist()}
    return told | {name: (part / count).mean(0).tolist() for name, part in sums.items()}


def coverage(found: Sequence[StepScore], method: str) -> list[list[Any]]:
    """Target, step, coverage, and the ends of its interval."""
    return [
        [step.target, step.step, step.coverage, step.coverage_low, step.coverage_high]
        for step in found
        if step.method == method
    ]


def adaptive_coverage(model: Forecaster, table: pl.DataFrame) -> list[list[Any]]:
    """The same of intervals that follow what they missed, see ``longshort.evaluate.adaptive``."""
    windows = test_windows(model, table)
    parts = model._parts(windows.sequences, model.seen_.recall(windows.sequences))
    rule = with_quantiles(Persistence(), parts[1], LEVELS)
    methods = [adaptive(method, LEVELS, RATE) for method in (model._method(), rule)]
    scales = naive_scales(windows.sequences.crop(0, windows.first), 1)
    found = judge(methods, windows, None, levels=LEVELS, level=LEVEL, scales=scales)
    return coverage(found.steps, methods[0].name)


def told_errors(found: Evaluation, method: str) -> dict[str, Any]:
    """The same of one method of an evaluation."""
    by_target = {score.target: score for score in found.scores if score.method == method}
    scores = [by_target[target] for target in found.targets]
    by_step = {(s.target, s.step): s.mae for s in found.steps if s.method == method}
    steps = range(1, found.horizon + 1)
    return {
        "mae": [[by_step[target, step] for target in found.targets] for step in steps],
        "mse": [score.rmse**2 for score in scores],
        "mape": [score.mape for score in scores],
        "crps": [score.crps for score in scores],
        "coverage": [score.coverage for score in scores],
        "width": [score.width for score in scores],
        "kind": scores[0].kind,
    }


def measure(name: str, told: dict[str, Any], task: Set, spread: Sequence[float]) -> float | None:
    """One measure of ``Set.measures``; ``spread`` is what errors are divided by, by target."""
    by_step, scale = np.array(told["mae"]), np.array(spread)
    if name == "MAE":
        return float((by_step.mean(0) / scale).mean())
    if name == "MSE":
        return float((np.array(told["mse"]) / scale**2).mean())
    if name == "MAPE %":
        return None if None in told["mape"] else 100 * float(np.mean(told["mape"]))
    if name == "CRPS":
        return float(np.mean(told["crps"])) if "crps" in told else None
    target, _, when = name.partition(" ")
    own = by_step[:, list(task.columns.target).index(target)]
    return float(own[0] if when == "day 1" else own.mean())
