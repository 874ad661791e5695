"""The search for leaks: every check there is, on whatever is given."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any

import numpy as np
import polars as pl

from longshort.contracts import whole
from longshort.data.sequences import Columns, Floats, Sequences, composed
from longshort.data.sources.inputs import Table, load
from longshort.data.sources.spacing import Fill
from longshort.data.sources.tables import read_table
from longshort.data.splits import Cuts, Split, cut
from longshort.data.steps import Ints
from longshort.errors import ArgumentError, DataError, suggest
from longshort.evaluate.leaks import columns as of_columns
from longshort.evaluate.leaks import models, predictions, rows
from longshort.evaluate.leaks.case import Case, Check
from longshort.records import Findings

CHECKS = (
    Check("duplicates", "rows that are there twice", rows.duplicates),
    Check("copies", "series under two names", rows.copies),
    Check("overlap", "parts that run into each other", rows.overlap),
    Check("repeats", "stretches of the training part in the test part", rows.repeats),
    Check("proxy", "columns that tell the target's future", of_columns.proxies),
    Check("scaler", "columns that were scaled by all rows", of_columns.scaled),
    Check("constant", "columns that say nothing", of_columns.constants),
    Check("shifted", "forecasts that are the last value moved along", predictions.shifted),
    Check("future", "models whose forecasts change with the future", models.future),
)
_SURE = ("certain", "likely", "possible")
# of rows without times, the share that repeats others by accident
_RARE = 0.05
_PARTS = {
    0: ("train", "training", "fit", "0"),
    1: ("valid", "validation", "val", "dev", "1"),
    2: ("test", "testing", "holdout", "2"),
}


def lint(
    data: Any,
    columns: Columns = Columns(),  # noqa: B008 - a frozen value
    *,
    prediction: str | Sequence[str] = (),
    part: str | None = None,
    model: Any = None,
    horizon: int = 1,
    split: Split | None = None,
    fill: Fill = "missing",
    checks: Sequence[str] | None = None,
) -> Findings:
    """Search data, splits, predictions and models for what makes a score look better than it is.

    Nothing is fitted but small linear models, and nothing is changed. Works as well on data,
    predictions and functions of another library.

    Args:
        data: a path, a frame or an array, as ``Forecaster.fit`` takes them.
        columns: which column is what.
        prediction: columns that forecast the (first) target in their own row; of a table with
            several steps ahead, name the step among the groups.
        part: a column that says of each row whether it is "train", "valid" or "test".
        model: a fitted ``Forecaster``; or a function from a frame like ``data`` (of one series) to
            a prediction for each row. What it says must not change with what comes after.
        horizon: L, steps that are forecast ahead.
        split: where training, validation and test part lie; without it, and without ``part``, the
            last 15 % are taken as the test part and 15 % before them as the validation part.
        fill: what to do with gaps in time, see ``Forecaster``.
        checks: names of checks (see ``CHECKS``); None runs all that what is given allows.

    Returns:
        The findings, the surest first.

    Raises:
        DataError: the data cannot be read.
        ArgumentError: an unknown check, part or model.
    """
    known = [check.name for check in CHECKS]
    for name in checks or ():
        if name not in known:
            raise ArgumentError(f"checks: there is none called {name!r}: {suggest(name, known)}")
    told = (prediction,) if isinstance(prediction, str) else tuple(prediction)
    case = _read(data, columns, tuple(map(composed, told)), part, fill)
    case = replace(
        case,
        horizon=whole("horizon", horizon, 1),
        cuts=_cut(case.sequences, split, case.parts),
        model=model,
        data=data,
    )
    needed = {"overlap": part, "shifted": told, "future": model}
    run = [
        check
        for check in CHECKS
        if (checks is None or check.name in checks)
        and needed.get(check.name, True) not in (None, ())
    ]
    found = [finding for check in run for finding in check.search(case)]
    found.sort(key=lambda finding: _SURE.index(finding.sure))
    series = case.sequences
    return Findings(
        series.source,
        len(series),
        len(series.values),
        tuple(check.name for check in run),
        tuple(found),
    )


def _cut(sequences: Sequences, split: Split | None, parts: Floats | None) -> Cuts | None:
    """Where the parts lie: as asked, as a column says, or as is usual."""
    if split is not None:
        return cut(sequences, split)
    if parts is None:
        with suppress(DataError, ArgumentError):
            return cut(sequences, Split(0.15, 0.15))
        return None
    number = np.repeat(np.arange(len(sequences)), sequences.lengths)
    within = np.arange(len(parts)) - sequences.offsets[:-1][number]
    starts = []
    for least in (1, 2):
        first = sequences.lengths.copy()
        later = np.flatnonzero(parts >= least)
        np.minimum.at(first, number[later], within[later])
        starts.append(first)
    return Cuts(starts[0], np.maximum(*starts), sequences.lengths)


def _read(data: Any, columns: Columns, told: tuple[str, ...], part: str | None, fill: Fill) -> Case:
    """Whatever can be read: of rows that are there twice, the first ones."""
    if isinstance(data, np.ndarray):
        if told or part is not None:
            raise ArgumentError("prediction= and part= name columns: give a frame or a file")
        return Case(columns, read_table(data, columns, fill=fill))
    table = load(data, columns)
    if columns.time is None and table.time is not None:
        columns = columns.set_params(time=table.time)
    asked = [*told, *([] if part is None else [part])]
    for name in asked:
        if name not in table.names:
            raise DataError(f"{table.source}: no column {name!r}: {suggest(name, table.names)}")
    more = [name for name in asked if columns.past is not None and name not in columns.past]
    wanted = columns if columns.past is None else columns.set_params(past=(*columns.past, *more))
    frame = table.data.collect()
    frame.columns = [composed(str(name)) for name in frame.columns]
    if part is not None:
        frame = frame.with_columns(_part(table, frame[part]))
    same, others = _twice(frame, wanted)
    alike = _alike(frame) if columns.time is None else np.zeros(0, np.int64)
    readable: Any = data
    if len(same) or len(others) or part is not None:
        gone = np.concatenate([same, others])
        readable = frame.filter(~np.isin(np.arange(frame.height), gone))
    # without a target, there are still rows and columns to look at
    sequences = read_table(readable, wanted, fill=fill, require_target=bool(wanted.target))
    sequences = replace(sequences, source=table.source)
    parts = None
    if part is not None:
        at = sequences.index(part)
        parts = sequences.values[:, at].copy()
        kept = [n for n in range(len(sequences.fields)) if n != at]
        fields = tuple(sequences.fields[n] for n in kept)
        sequences = replace(sequences, fields=fields, values=sequences.values[:, kept])
    return Case(
        columns,
        sequences,
        table=table,
        twice=(same, others),
        alike=alike,
        predictions=told,
        parts=parts,
    )


def _part(table: Table, column: pl.Series) -> pl.Series:
    """Names of parts as numbers."""
    text = column.cast(pl.String).str.strip_chars().str.to_lowercase()
    names = {name: float(number) for number, all_ in _PARTS.items() for name in all_}
    unknown = ~text.is_in(list(names)) & text.is_not_null() & (text != "")
    if unknown.any():
        row = int(unknown.arg_max() or 0)
        raise DataError(
            f"{table.where(row)}, column {column.name!r}: {column[row]!r} is no part; write train, "
            "valid or test"
        )
    return text.replace_strict(names, default=None, return_dtype=pl.Float64).alias(column.name)


def _twice(frame: pl.DataFrame, columns: Columns) -> tuple[Ints, Ints]:
    """Rows that repeat an earlier one in every column, and those of a series and time of before."""
    none = np.zeros(0, np.int64)
    named = [name for name in (columns.time, *columns.group) if name is not None]
    if columns.time is None or any(name not in frame.columns for name in named):
        return none, none
    place = frame.select(pl.struct(named).is_first_distinct()).to_series().to_numpy()
    if place.all():
        return none, none
    row = frame.select(pl.struct(pl.all()).is_first_distinct()).to_series().to_numpy()
    return np.flatnonzero(~row), np.flatnonzero(row & ~place)


def _alike(frame: pl.DataFrame) -> Ints:
    """Rows that repeat an earlier one, where that is rare enough to be no matter of course."""
    repeated = ~frame.select(pl.struct(pl.all()).is_first_distinct()).to_series().to_numpy()
    rare = frame.width > 1 and repeated.mean() <= _RARE
    return np.flatnonzero(repeated) if rare else np.zeros(0, np.int64)
