"""From fitted networks and their windows to one ``Evaluation``: what a Forecaster is judged by."""

from __future__ import annotations

import os
import platform
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch

from longshort import __version__
from longshort.data.sequences import Floats
from longshort.data.steps import Ints
from longshort.data.windows import Windows
from longshort.evaluate.adaptive import adaptive
from longshort.evaluate.judge import Rivals, choose, judge, naive_scales
from longshort.kernels.dispatch import engine
from longshort.records import (
    DataSummary,
    Evaluation,
    FieldSummary,
    ForecastPoint,
    History,
    Part,
)
from longshort.yardsticks.base import Method, rows_seen, with_quantiles
from longshort.yardsticks.series import all_yardsticks, best_season, find_season


class Windowed(NamedTuple):
    """The windows of each part; ``both`` is training and validation together."""

    train: Windows
    valid: Windows
    both: Windows
    test: Windows


def evaluate_forecasts(
    lstm: Method,
    parts: Windowed,
    *,
    levels: Sequence[float],
    level: float,
    refit: bool,
    season: int | None,
    adaptive_rate: float | None = None,
    history: History,
    settings: dict[str, str],
    seed: int,
) -> Evaluation:
    """Fit every yardstick on what the LSTM was fitted on, and judge them all on the test part.

    Args:
        lstm: the fitted networks as a method.
        parts: windows of the same series, cut as the LSTM's fit cut them.
        levels: Q quantile levels of every method, rising in equal steps.
        level: nominal coverage of the interval that is reported.
        season: rows of one season where the user named it; None finds it on the training rows.
        refit: the LSTM was fitted on training and validation part, so the yardsticks are, too.
        adaptive_rate: of intervals that follow what they missed, see ``evaluate.adaptive``; None
            leaves every method's as they are.
        history, settings: what the record keeps of the fit.
        seed: of the bootstrap.
    """
    valid = parts.valid if len(parts.valid) else None
    rows = parts.train.sequences.crop(0, rows_seen(parts.train))
    mase_season = season or find_season(rows, parts.test.horizon)
    season = season or best_season(rows, parts.test.horizon)
    rivals = _rivals(parts.train, valid, season, levels) if refit else None
    fitted = parts.both if refit else parts.train
    # with a refit no window is left that the yardsticks have not seen
    measured = fitted if refit or valid is None else valid
    methods = [lstm] + [
        with_quantiles(yardstick.fit(fitted, valid), measured, levels)
        for yardstick in all_yardsticks(season)
    ]
    if adaptive_rate is not None:
        methods = [adaptive(method, levels, adaptive_rate) for method in methods]
    found = judge(
        methods,
        parts.test,
        None if refit else valid,
        levels=levels,
        level=level,
        scales=naive_scales(rows, mase_season),
        rivals=rivals,
        seed=seed,
    )
    fields = parts.test.sequences.fields
    return Evaluation(
        task="forecast",
        targets=tuple(fields[k].name for k in parts.test.targets),
        units=tuple(fields[k].unit for k in parts.test.targets),
        horizon=parts.test.horizon,
        level=level,
        season=season or 1,
        mase_season=mase_season,
        origins=found.origins,
        reference=found.reference,
        scores=found.scores,
        steps=found.steps,
        reliability=found.reliability,
        forecasts=found.forecasts,
        verdict=found.verdict,
        data=summarise(parts),
        history=history,
        settings=settings,
        environment=environment(),
        notes=_notes(parts, refit, valid is None, adaptive_rate),
    )


def _rivals(
    train: Windows, valid: Windows | None, season: int | None, levels: Sequence[float]
) -> Rivals | None:
    """What to be measured against, chosen before anything is refitted on the validation part."""
    if valid is None:
        return None
    fitted = [yardstick.fit(train, valid) for yardstick in all_yardsticks(season)]
    return choose([with_quantiles(yardstick, valid, levels) for yardstick in fitted], valid)


def _notes(
    parts: Windowed, refit: bool, no_valid: bool, adaptive_rate: float | None
) -> tuple[str, ...]:
    found = []
    if refit:
        found.append(
            "Choices were made on the validation part; then the LSTM and every yardstick were "
            "fitted again on training and validation part together."
        )
    if no_valid:
        found.append(
            "There was no validation part: training did not stop early, and the yardsticks' "
            "intervals come from the rows they were fitted on."
        )
    if adaptive_rate is not None:
        found.append(
            "The intervals of every method followed what they had missed on the test part until "
            f"each origin (adaptive conformal inference, rate {adaptive_rate:g})."
        )
    fill = parts.test.sequences.fill
    if fill != "none":
        found.append(f"Gaps in time were treated by the policy {fill!r} (--fill).")
    return tuple(found)


def summarise(parts: Windowed) -> DataSummary:
    """What was read and how it was cut."""
    series = parts.test.sequences
    fields = []
    for column, field in enumerate(series.fields):
        values = series.values[:, column]
        seen = values[np.isfinite(values)]
        low, mean, high = (
            (float(seen.min()), float(seen.mean()), float(seen.max()))
            if len(seen)
            else (None, None, None)
        )
        missing = len(values) - len(seen)
        fields.append(FieldSummary(field.name, field.role, field.unit, missing, low, mean, high))
    cuts = [
        np.zeros(len(series), np.int64),
        rows_seen(parts.train),
        rows_seen(parts.both),
        series.lengths,
    ]
    named = (("train", parts.train), ("valid", parts.valid), ("test", parts.test))
    return DataSummary(
        source=series.source,
        series=len(series),
        rows=len(series.values),
        step=series.step.label if series.step else "rows in order",
        fill=series.fill,
        fields=tuple(fields),
        parts=tuple(
            _part(name, windows, start, end)
            for (name, windows), start, end in zip(named, cuts, cuts[1:], strict=False)
            if (end > start).any()
        ),
    )


def _part(name: str, windows: Windows, start: Ints, end: Ints) -> Part:
    series = windows.sequences
    used = np.flatnonzero(end > start)
    first, last = series.offsets[used] + start[used], series.offsets[used] + end[used] - 1
    if series.times is not None:
        first = first[np.argsort(series.times[first])]
        last = last[np.argsort(series.times[last])]
    labels = series.time_label(int(first[0])), series.time_label(int(last[-1]))
    rows = int((end - start)[used].sum())
    return Part(name, *labels, rows, len(windows))  # type: ignore[arg-type]


def environment() -> dict[str, str]:
    """What the numbers were made with."""
    chosen = engine()
    return {
        "longshort": __version__,
        "python": platform.python_version(),
        "torch": torch.__version__,
        "numpy": np.__version__,
        "system": f"{platform.system()} {platform.machine()}",
        "cores": str(os.cpu_count()),
        "threads": str(torch.get_num_threads()),
        "engine": f"{chosen.name}: {chosen.reason}",
    }


HistoryRow = tuple[str, str, str, float | None]


def ahead_points(
    windows: Windows, point: Floats, low: Floats, high: Floats, rows: int
) -> tuple[list[HistoryRow], list[ForecastPoint]]:
    """Forecasts (S, L, K) after the last row as records, and the ``rows`` values before them."""
    series = windows.sequences
    past: list[HistoryRow] = []
    ahead: list[ForecastPoint] = []
    names = [series.fields[k].name for k in windows.targets]
    for n, s in enumerate(windows.where(range(len(windows)))[0].tolist()):
        origin = int(series.offsets[s]) + int(windows.first[s])
        start = max(int(series.offsets[s]), origin - rows)
        for k, name in enumerate(names):
            column = windows.targets[k]
            for row in range(start, origin):
                value = float(series.values[row, column])
                kept = value if np.isfinite(value) else None
                past.append((series.keys[s], name, series.time_label(row), kept))
            for step in range(windows.horizon):
                told = (float(part[n, step, k]) for part in (point, low, high))
                time = series.time_label(origin + step)
                ahead.append(ForecastPoint(series.keys[s], name, time, step + 1, None, *told))
    return past, ahead
