"""Tables of series: files (CSV, TSV, Parquet, JSON lines), frames, and arrays."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import narwhals as nw
import numpy as np
import polars as pl

from longshort.data.clock import Clock
from longshort.data.sequences import Columns, Sequences, composed
from longshort.data.sources.arrays import from_array
from longshort.data.sources.fields import check_names, check_static, check_targets, read_fields
from longshort.data.sources.groups import series_of_rows
from longshort.data.sources.inputs import TEXT, load
from longshort.data.sources.spacing import (
    Fill,
    Stamped,
    check_fill,
    check_order,
    insert_rows,
    localise,
    settle_step,
)
from longshort.data.sources.stamps import read_stamps
from longshort.errors import DataError


def read_table(
    data: Any,
    columns: Columns,
    *,
    fill: Fill = "none",
    require_target: bool = True,
    like: Clock | None = None,
) -> Sequences:
    """Read series from a file, a frame or an array.

    Args:
        data: a path (.csv, .tsv, .parquet, .jsonl, .ndjson; text files also with .gz); a frame of
            Polars, pandas, PyArrow or another library that narwhals knows; or an array of numbers
            (samples, time steps, features), (samples, time steps) or (time steps,), whose fields
            are named x0, x1, ... and are all targets unless ``columns`` says otherwise. Of Parquet
            files only the columns in use are read.
        columns: which column plays which role. A pandas frame's index of times is taken where
            ``columns.time`` is None, and its index levels can be named like columns.
        fill: what to do about absent time stamps. "none": it is an error; "missing": insert rows
            without values; "previous": insert rows with the covariates of the row before, targets
            stay missing; "ignore": read the rows as equally spaced.
        require_target: False is for a model that is fitted: it also accepts no target, and targets
            without values or constant ones, as in a table that is only predicted on.
        like: the clock that the model was fitted on.

    Returns:
        The series in the order of their first rows. Text in a numeric column that is one of the
        usual marks of a missing value (empty, NA, NaN, null, ?, -) is missing.

    Raises:
        DataError: with file, line (or row, counted from 0), column, value and the way out.
        ArgumentError: ``fill`` is unknown.
    """
    check_fill(fill)
    if isinstance(data, np.ndarray):
        return from_array(data, columns, fill, require_target)
    table = load(data, columns)
    if columns.time is None and table.time is not None:
        columns = replace(columns, time=table.time)
    if require_target and not columns.target and table.target is not None:
        columns = replace(columns, target=(table.target,))
    if not table.height:
        raise DataError(f"{table.source}: there are no rows; give at least one row of data")
    check_names(table, columns, require_target)
    keys, ids, groups = series_of_rows(table, columns.group)
    rows = np.arange(len(ids), dtype=np.int64)
    if (np.diff(ids) < 0).any():
        rows = np.argsort(ids, kind="stable").astype(np.int64)
    offsets = np.concatenate([[0], np.cumsum(np.bincount(ids, minlength=len(keys)))])
    stamped, step, steps = None, None, np.zeros(0, np.int64)
    if columns.time is not None:
        read, clock = read_stamps(table.column(columns.time), table.where, columns.zone)
        known = table.where, bool(columns.group), clock, not require_target
        stamped = Stamped(read[rows], offsets, keys, rows, columns.time, table.source, *known)
        stamped = localise(stamped, like)
        check_order(stamped)
        step, steps = settle_step(stamped, fill)
    fields, values = read_fields(table, columns, rows, settled=like is not None)
    check_static(table.where, fields, values, offsets, keys, rows)
    if require_target:
        check_targets(table.source, fields, values, offsets)
    clock = Clock() if stamped is None else stamped.clock
    times = None if stamped is None else stamped.times
    if stamped is not None and step is not None and (steps > 1).any():
        targets = [at for at, field in enumerate(fields) if field.role == "target"]
        times, offsets, values = insert_rows(stamped, step, steps, values, fill, targets)
        static = [at for at, field in enumerate(fields) if field.role in ("static", "group")]
        values[:, static] = np.repeat(values[offsets[:-1]][:, static], np.diff(offsets), axis=0)
    return Sequences(fields, keys, offsets, times, step, values, table.source, fill, clock, groups)


def frame_like(data: Any, table: pl.DataFrame, names: Sequence[str] = ()) -> Any:
    """A frame of the user's own kind: pandas for pandas, PyArrow for PyArrow, else Polars.

    Args:
        data: what the user gave to ``read_table``; a path or an array gives a Polars frame.
        table: columns of numbers, text, dates or times.
        names: columns that are in ``data`` too, and get the names and types that they have there.
    """
    if isinstance(data, str | os.PathLike | np.ndarray):
        return table
    native = nw.from_native(data, allow_series=True)
    schema = {} if isinstance(native, nw.Series) else native.collect_schema()
    known = {composed(str(name)): (name, kind) for name, kind in schema.items()}
    if native.implementation.is_polars():
        frame = nw.from_native(table, eager_only=True)
    else:
        plain = {column.name: _plain(column) for column in table}
        frame = nw.from_dict(plain, backend=native.implementation)
        zones = {n: t.time_zone for n, t in table.schema.items() if isinstance(t, pl.Datetime)}
        frame = frame.with_columns(
            nw.col(name).dt.replace_time_zone("UTC").dt.convert_time_zone(zone)
            for name, zone in zones.items()
            if zone is not None
        )
    for name in names:
        own, kind = known.get(name, (name, None))
        # text is told as what it means
        if kind is not None and kind not in (nw.String, nw.Object, frame.schema[name]):
            frame = frame.with_columns(nw.col(name).cast(kind))
        if isinstance(own, str) and own != name:
            frame = frame.rename({name: own})
    return frame.to_native()


def _plain(column: pl.Series) -> Any:
    """A column as what every library of frames can be built from; times with a zone in UTC."""
    if isinstance(column.dtype, pl.Datetime) and column.dtype.time_zone is not None:
        column = column.dt.convert_time_zone("UTC").dt.replace_time_zone(None)
    if column.dtype == pl.Date:
        column = column.cast(pl.Datetime("us"))
    return column.cast(pl.String).to_list() if column.dtype in TEXT else column.to_numpy()
