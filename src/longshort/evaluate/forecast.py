"""From fitted networks and their windows to one ``Evaluation``: what a Forecaster is judged by."""

from __future__ import annotations

import os
import platform
from collections.abc import Sequence
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version
from typing import NamedTuple

import numpy as np
import torch

from longshort import __version__
from longshort.data.sequences import Floats, Sequences
from longshort.data.steps import Ints
from longshort.data.windows import Windows
from longshort.evaluate.adaptive import adaptive
from longshort.evaluate.judge import Rivals, choose, judge, naive_scales
from longshort.kernels.dispatch import engine
from longshort.records import (
    DataSummary,
    Evaluation,
    FieldSummary,
    Fold,
    ForecastPoint,
    History,
    Part,
)
from longshort.yardsticks.base import Method, rows_seen, with_quantiles
from longshort.yardsticks.boosting import Boosting
from longshort.yardsticks.roster import Choice, Roster, roster
from longshort.yardsticks.seasons import beating, best_season, season_in_words, season_ratios
from longshort.yardsticks.statistical import Statistical


class Windowed(NamedTuple):
    """The windows of each part; ``both`` is training and validation together."""

    train: Windows
    valid: Windows
    both: Windows
    test: Windows

    def thinned(self, every: int) -> Windowed:
        """The same parts, with test origins so many rows apart."""
        return self._replace(test=self.test.thinned(every))


class Terms(NamedTuple):
    """How an evaluation is done.

    Args:
        levels: Q quantile levels of every method, rising in equal steps.
        level: nominal coverage of the interval that is reported.
        refit: the LSTM was fitted on training and validation part, so the yardsticks are, too.
        season: rows of one season where the user named it; None finds it on the training rows.
        adaptive: rate of intervals that follow what they missed, see ``evaluate.adaptive``; None
            leaves every method's as they are.
        yardsticks: "all" or the "quick" ones.
        seed: of the bootstrap.
    """

    levels: Sequence[float]
    level: float = 0.8
    refit: bool = False
    season: int | None = None
    adaptive: float | None = None
    yardsticks: Choice = "all"
    seed: int = 0


class Seasons(NamedTuple):
    """Rows of one season: of the seasonal naive (None for none) and of MASE, and why, in words."""

    naive: int | None
    mase: int
    told: str


class Panel(NamedTuple):
    """The fitted yardsticks, whom to be measured against if that is known, and what to say."""

    methods: list[Method]
    rivals: Rivals | None
    told: tuple[str, ...]


class Stage(NamedTuple):
    """A fold of a rolling evaluation: the test windows in it, and what ``records.Fold`` tells."""

    windows: Ints
    start: str
    end: str
    rows: int


def evaluate_forecasts(
    lstm: Method, parts: Windowed, terms: Terms, history: History, settings: dict[str, str]
) -> Evaluation:
    """Fit every yardstick on what the LSTM was fitted on, and judge them all on the test part.

    Args:
        lstm: the fitted networks as a method.
        parts: windows of the same series, cut as the LSTM's fit cut them.
        terms: see ``Terms``.
        history, settings: what the record keeps of the fit.
    """
    seasons = seasons_of(parts, terms)
    found = panel(parts, terms, seasons)
    found.methods.insert(0, lstm)
    return record(found, parts, terms, seasons, history, settings)


def seasons_of(parts: Windowed, terms: Terms) -> Seasons:
    """Seasons as they were named, or found on the training rows."""
    rows = rows_fitted(parts)
    ratios = season_ratios(rows, parts.test.horizon)
    mase = terms.season or beating(ratios)
    told = season_in_words(ratios, mase, rows.step)
    return Seasons(terms.season or best_season(ratios), mase, told)


def rows_fitted(parts: Windowed) -> Sequences:
    """The training rows alone."""
    return parts.train.sequences.crop(0, rows_seen(parts.train))


def record(
    judged: Panel,
    parts: Windowed,
    terms: Terms,
    seasons: Seasons,
    history: History,
    settings: dict[str, str],
    folds: Sequence[Stage] = (),
) -> Evaluation:
    """Judge all methods, the LSTM first, on the test part; folds are also scored by themselves."""
    methods = judged.methods
    if terms.adaptive is not None:
        methods = [adaptive(method, terms.levels, terms.adaptive) for method in methods]
    found = judge(
        methods,
        parts.test,
        None if terms.refit or not len(parts.valid) else parts.valid,
        levels=terms.levels,
        level=terms.level,
        scales=naive_scales(rows_fitted(parts), seasons.mase),
        rivals=judged.rivals,
        seed=terms.seed,
        stretches=[fold.windows for fold in folds],
    )
    fields = parts.test.sequences.fields
    return Evaluation(
        task="forecast",
        targets=tuple(fields[k].name for k in parts.test.targets),
        units=tuple(fields[k].unit for k in parts.test.targets),
        horizon=parts.test.horizon,
        level=terms.level,
        season=seasons.naive or 1,
        mase_season=seasons.mase,
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
        notes=(*_notes(parts, terms), seasons.told, *judged.told),
        folds=tuple(
            Fold(fold.start, fold.end, fold.rows, len(fold.windows), scores)
            for fold, scores in zip(folds, found.stretches, strict=True)
        ),
    )


def panel(parts: Windowed, terms: Terms, seasons: Seasons) -> Panel:
    """Every yardstick, fitted and chosen as the LSTM was."""
    valid = parts.valid if len(parts.valid) else None
    fitted = parts.both if terms.refit else parts.train
    # with a refit no window is left that the yardsticks have not seen
    measured = fitted if terms.refit or valid is None else valid

    def called() -> Roster:
        windows = [part for part in (measured, valid, parts.test) if part is not None]
        return roster(windows, seasons.naive, seasons.mase, terms.yardsticks)

    rivals = None
    if terms.refit and valid is not None:
        # chosen before anything is refitted on the validation part
        early = [yardstick.fit(parts.train, valid) for yardstick in called().yardsticks]
        rivals = choose([with_quantiles(one, valid, terms.levels) for one in early], valid)
    yardsticks, left_out = called()
    methods = [
        with_quantiles(yardstick.fit(fitted, valid), measured, terms.levels)
        for yardstick in yardsticks
    ]
    bounded = [one.note for one in yardsticks if isinstance(one, Boosting | Statistical)]
    return Panel(methods, rivals, tuple(note for note in (*bounded, *left_out) if note))


def _notes(parts: Windowed, terms: Terms) -> tuple[str, ...]:
    found = []
    if terms.refit:
        found.append(
            "Choices were made on the validation part; then the LSTM and every yardstick were "
            "fitted again on training and validation part together."
        )
    if parts.test.every > 1:
        found.append(
            f"Test origins are {parts.test.every} rows apart: {len(parts.test):,} of "
            f"{len(parts.test.thinned(1)):,} were forecast (every=1 takes all)."
        )
    if not len(parts.valid):
        found.append(
            "There was no validation part: training did not stop early, and the yardsticks' "
            "intervals come from the rows they were fitted on."
        )
    if terms.adaptive is not None:
        found.append(
            "The intervals of every method followed what they had missed on the test part until "
            f"each origin (adaptive conformal inference, rate {terms.adaptive:g})."
        )
    fill = parts.test.sequences.fill
    if fill != "none":
        found.append(f"Gaps in time were treated by the policy {fill!r} (--fill).")
    return tuple(found)


def summarise(parts: Windowed) -> DataSummary:
    """What was read and how it was cut."""
    series = parts.test.sequences
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
        fields=fields_of(series),
        parts=tuple(
            part_of(name, windows.sequences, start, end, len(windows))
            for (name, windows), start, end in zip(named, cuts, cuts[1:], strict=False)
            if (end > start).any()
        ),
    )


def fields_of(series: Sequences) -> tuple[FieldSummary, ...]:
    """Every column as it was read."""
    fields = []
    for column, field in enumerate(series.fields):
        values = series.values[:, column]
        if field.labels is not None:
            missing = int(np.isnan(values).sum())
            if "" in field.labels:
                missing += int((values == field.labels.index("")).sum())
            unit = f"{len(field.labels)} categories"
            fields.append(FieldSummary(field.name, field.role, unit, missing, None, None, None))
            continue
        seen = values[np.isfinite(values)]
        low, mean, high = (
            (float(seen.min()), float(seen.mean()), float(seen.max()))
            if len(seen)
            else (None, None, None)
        )
        missing = len(values) - len(seen)
        fields.append(FieldSummary(field.name, field.role, field.unit, missing, low, mean, high))
    return tuple(fields)


def part_of(name: str, series: Sequences, start: Ints, end: Ints, origins: int) -> Part:
    """One part: rows ``start`` to ``end`` (S,) of every series."""
    used = np.flatnonzero(end > start)
    first, last = series.offsets[used] + start[used], series.offsets[used] + end[used] - 1
    if series.times is not None:
        first = first[np.argsort(series.times[first])]
        last = last[np.argsort(series.times[last])]
    labels = series.time_label(int(first[0])), series.time_label(int(last[-1]))
    rows = int((end - start)[used].sum())
    return Part(name, *labels, rows, origins)  # type: ignore[arg-type]


def environment() -> dict[str, str]:
    """What the numbers were made with."""
    chosen = engine()
    fitted_by = {}
    for package in ("scikit-learn", "statsforecast"):
        with suppress(PackageNotFoundError):
            fitted_by[package] = version(package)
    return {
        "longshort": __version__,
        "python": platform.python_version(),
        "torch": torch.__version__,
        "numpy": np.__version__,
        **fitted_by,
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
