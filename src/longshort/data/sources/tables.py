"""Tables of series: files (CSV, TSV, Parquet, JSON lines), frames, and arrays."""

from __future__ import annotations

import os
import re
from dataclasses import replace
from typing import Any, NamedTuple

import narwhals as nw
import numpy as np
import polars as pl
from numpy.typing import NDArray

from longshort.data.sequences import NUMERIC_ROLES, Columns, Field, Floats, Role, Sequences
from longshort.data.sources.inputs import Table, load
from longshort.data.sources.stamps import (
    Fill,
    Stamped,
    check_fill,
    check_order,
    insert_rows,
    read_stamps,
    settle_step,
)
from longshort.data.steps import Ints, Times
from longshort.errors import DataError, suggest

# read as missing, in any case of letters
_MISSING = ("", "na", "n/a", "nan", "null", "none", "?", "-")
_TRUTH = {"true": 1.0, "false": 0.0}
_COMMA = r"^[+-]?\d[\d.]*,[\d,]*\d$"
_TEXT = (pl.String, pl.Categorical, pl.Enum)
# how frames and files name an index that nobody named
_UNNAMED = re.compile(r"(Unnamed: \d+|__index_level_\d+__)?$")


def read_table(
    data: Any, columns: Columns, *, fill: Fill = "none", require_target: bool = True
) -> Sequences:
    """Read series from a file, a frame or an array.

    Args:
        data: a path (.csv, .tsv, .parquet, .jsonl, .ndjson; text files also with .gz); a frame of
            Polars, pandas, PyArrow or another library that narwhals knows; or an array of numbers
            (samples, time steps, features), (samples, time steps) or (time steps,), whose fields
            are named x0, x1, ... and are all targets unless ``columns`` says otherwise.
        columns: which column plays which role. A pandas frame's index of times is taken where
            ``columns.time`` is None, and its index levels can be named like columns.
        fill: what to do about absent time stamps. "none": it is an error; "missing": insert rows
            without values; "previous": insert rows with the covariates of the row before, targets
            stay missing; "ignore": read the rows as equally spaced.
        require_target: False also accepts no target, and targets without values or constant ones,
            as in a table that is only predicted on.

    Returns:
        The series in the order of their first rows. Text in a numeric column that is one of the
        usual marks of a missing value (empty, NA, NaN, null, ?, -) is missing.

    Raises:
        DataError: with file, line (or row, counted from 0), column, value and the way out.
        ArgumentError: ``fill`` is unknown.
    """
    check_fill(fill)
    if isinstance(data, np.ndarray):
        return _from_array(data, columns, fill, require_target)
    table = load(data, columns)
    if columns.time is None and table.time is not None:
        columns = replace(columns, time=table.time)
    if require_target and not columns.target and table.target is not None:
        columns = replace(columns, target=(table.target,))
    if not table.frame.height:
        raise DataError(f"{table.source}: there are no rows; give at least one row of data")
    fields, raw = _fields(table, columns, require_target)
    keys, ids = _series(table, columns.group)
    rows = np.argsort(ids, kind="stable").astype(np.int64)
    offsets = np.concatenate([[0], np.cumsum(np.bincount(ids, minlength=len(keys)))])
    values = raw[rows]
    _check_static(table, fields, values, offsets, keys, rows)
    times: Times | None = None
    stamped, step = None, None
    if columns.time is not None:
        times = read_stamps(table.frame[columns.time], table.where)[rows]
        grouped = bool(columns.group)
        stamped = Stamped(
            times, offsets, keys, rows, columns.time, table.source, table.where, grouped
        )
        check_order(stamped)
        step, steps = settle_step(stamped, fill)
    if require_target:
        _check_targets(table.source, fields, values, offsets, keys)
    if stamped is not None and step is not None and (steps > 1).any():
        targets = [at for at, field in enumerate(fields) if field.role == "target"]
        times, offsets, values = insert_rows(stamped, step, steps, values, fill, targets)
        static = [at for at, field in enumerate(fields) if field.role == "static"]
        values[:, static] = np.repeat(values[offsets[:-1]][:, static], np.diff(offsets), axis=0)
    return Sequences(fields, keys, offsets, times, step, values, table.source, fill)


def frame_like(data: Any, columns: dict[str, NDArray[Any]]) -> Any:
    """A frame of the user's own kind: pandas for pandas, PyArrow for PyArrow, else Polars.

    Args:
        data: what the user gave to ``read_table``; a path or an array gives a Polars frame.
        columns: equally long arrays of numbers, text or datetime64, by name; what is a date in
            ``data`` is a date here.
    """
    table = pl.DataFrame({name: pl.Series(name, values) for name, values in columns.items()})
    if isinstance(data, str | os.PathLike | np.ndarray):
        return table
    native = nw.from_native(data, allow_series=True)
    known = {} if isinstance(native, nw.Series) else native.collect_schema()
    dates = [name for name in columns if known.get(name) == nw.Date]
    if native.implementation.is_polars():
        frame = nw.from_native(table, eager_only=True)
    else:
        lists = {n: v.tolist() if v.dtype.kind in "UO" else v for n, v in columns.items()}
        frame = nw.from_dict(lists, backend=native.implementation)
    return frame.with_columns(*[nw.col(name).cast(nw.Date) for name in dates]).to_native()


class _Numbers(NamedTuple):
    """A column as numbers, and what in it is none."""

    # (N,) missing or unreadable is NaN
    values: Floats
    # rows with text that is neither a number nor a mark of a missing value
    wrong: Ints
    # how many of these are numbers with a comma in them
    commas: int
    # how many rows hold anything at all
    observed: int


def _numbers(column: pl.Series) -> _Numbers | None:
    """Read a column as numbers; None where its type cannot hold any."""
    dtype = column.dtype
    if dtype.is_numeric() or dtype in (pl.Boolean, pl.Null):
        values = column.cast(pl.Float64).fill_null(float("nan")).to_numpy()
        return _Numbers(values, np.zeros(0, np.int64), 0, int((~np.isnan(values)).sum()))
    if dtype not in _TEXT:
        return None
    text = column.cast(pl.String)
    parsed = text.cast(pl.Float64, strict=False)
    unread = (parsed.is_null() & text.is_not_null()).arg_true()
    values = parsed.fill_null(float("nan")).to_numpy(writable=True)
    wrong, commas = np.zeros(0, np.int64), 0
    if len(unread):
        rest = text.gather(unread).str.strip_chars()
        low = rest.str.to_lowercase()
        again = pl.select(
            pl.coalesce(
                rest.cast(pl.Float64, strict=False),
                low.replace_strict(_TRUTH, default=None, return_dtype=pl.Float64),
            )
        ).to_series()
        values[unread.to_numpy()] = again.fill_null(float("nan")).to_numpy()
        bad = again.is_null() & ~low.is_in(_MISSING)
        wrong = unread.filter(bad).to_numpy().astype(np.int64)
        commas = int(rest.filter(bad).str.contains(_COMMA).sum())
    return _Numbers(values, wrong, commas, int((~np.isnan(values)).sum()) + len(wrong))


def _fields(
    table: Table, columns: Columns, require_target: bool
) -> tuple[tuple[Field, ...], Floats]:
    """The numeric fields in order, and their values (N, F) in the order of the table."""
    names = table.frame.columns
    for role, name in columns.asked():
        if name not in names:
            raise DataError(
                f"{table.source}: there is no column {name!r} (asked for as {role}): "
                f"{suggest(name, names)}"
            )
    if require_target and not columns.target:
        free = [n for n in names if n not in {name for _, name in columns.asked()}]
        read = [(n, _numbers(table.frame[n])) for n in free]
        numeric = [n for n, numbers in read if numbers and not len(numbers.wrong)]
        raise DataError(
            f"{table.source}: no target column is named (target=, --target); the numeric columns "
            f"are: {', '.join(numeric) or '(none)'}"
        )
    found: list[tuple[Field, Floats]] = [
        (Field(name, "target"), _asked(table, name, "target")) for name in columns.target
    ]
    if columns.past is None:
        taken = {name for _, name in columns.asked()}
        rest = [name for name in names if name not in taken and not _UNNAMED.match(name)]
        found += _other_numbers(table, rest)
    for role, name in columns.asked():
        if role in ("past", "future", "static"):
            found.append((Field(name, role), _asked(table, name, role)))
    if not found:
        raise DataError(f"{table.source}: no column holds numbers; name a target (--target)")
    fields, values = zip(*found, strict=True)
    return tuple(fields), np.column_stack(values)


def _asked(table: Table, name: str, role: Role) -> Floats:
    """A column that was named, as numbers; anything else in it is an error."""
    column = table.frame[name]
    found = _numbers(column)
    if found is None:
        raise DataError(
            f"{table.where(0)}, column {name!r} ({role}): {column.drop_nulls().first()!r} "
            f"({column.dtype}) is not a number; name a numeric column, or convert this one"
        )
    if len(found.wrong):
        raise _not_a_number(table, name, found, "correct it, or leave it empty if it is missing")
    _refuse_infinite(table, name, found.values)
    return found.values


def _not_a_number(table: Table, name: str, found: _Numbers, way_out: str) -> DataError:
    row = int(found.wrong[0])
    value = str(table.frame[name][row])
    more = f" (rows like it: {len(found.wrong)})" if len(found.wrong) > 1 else ""
    if found.commas:
        way_out = "write decimals with a point (3.5), and no commas between thousands"
    return DataError(
        f"{table.where(row)}, column {name!r}: {value!r} is not a number{more}; {way_out}"
    )


def _refuse_infinite(table: Table, name: str, values: Floats) -> None:
    infinite = np.isinf(values)
    if infinite.any():
        row = int(infinite.argmax())
        raise DataError(
            f"{table.where(row)}, column {name!r}: the value is infinite ({values[row]}); correct "
            "it, or leave it empty if it is missing"
        )


def _other_numbers(table: Table, names: list[str]) -> list[tuple[Field, Floats]]:
    """Every numeric column that nobody named: the past covariates."""
    found = []
    for name in names:
        numbers = _numbers(table.frame[name])
        if numbers is None or not numbers.observed:
            continue
        # a column that is mostly numbers is meant as one; any other is text and left alone
        if 2 * (len(numbers.wrong) - numbers.commas) >= numbers.observed:
            continue
        if len(numbers.wrong):
            way_out = "correct it, or name the covariates (past=, --past) without this column"
            raise _not_a_number(table, name, numbers, way_out)
        _refuse_infinite(table, name, numbers.values)
        found.append((Field(name, "past"), numbers.values))
    return found


def _series(table: Table, group: tuple[str, ...]) -> tuple[tuple[str, ...], Ints]:
    """The series' names in the order they first appear, and each row's series (N,)."""
    if not group:
        return ("",), np.zeros(table.frame.height, dtype=np.int64)
    parts = []
    for name in group:
        column = table.frame[name]
        if column.dtype.is_float() and bool((column.drop_nulls() % 1 == 0).all()):
            column = column.cast(pl.Int64)
        text = column.cast(pl.String).str.strip_chars()
        absent = text.is_null() | (text == "")
        if absent.any():
            raise DataError(
                f"{table.where(int(absent.arg_true()[0]))}, column {name!r}: the name of the "
                "series is missing; fill it in, or remove the row"
            )
        parts.append(text)
    if len(parts) == 1:
        keys = parts[0]
    else:
        pieces = [f"{n}=" + t for n, t in zip(group, parts, strict=True)]
        keys = pl.select(pl.concat_str(pieces, separator=", ")).to_series()
    unique = keys.unique(maintain_order=True)
    ids = keys.replace_strict(unique, np.arange(len(unique)), return_dtype=pl.Int64)
    return tuple(unique.to_list()), ids.to_numpy()


def _check_static(
    table: Table,
    fields: tuple[Field, ...],
    values: Floats,
    offsets: Ints,
    keys: tuple[str, ...],
    rows: Ints,
) -> None:
    """Refuse static columns that change within a series, and fill in what they leave out."""
    lengths = np.diff(offsets)
    for at, field in enumerate(fields):
        if field.role != "static":
            continue
        low = np.fmin.reduceat(values[:, at], offsets[:-1])
        first = np.repeat(low, lengths)
        changed = (values[:, at] != first) & ~np.isnan(values[:, at])
        if changed.any():
            row = int(changed.argmax())
            series = int(np.searchsorted(offsets, row, side="right")) - 1
            name = f"series {keys[series]!r}: " if keys[series] else ""
            raise DataError(
                f"{table.where(int(rows[row]))}, column {field.name!r} (static): {name}the value "
                f"is {values[row, at]:g} here and {low[series]:g} elsewhere in the series; make it "
                "a past or future column if it changes in time"
            )
        values[:, at] = first


def _check_targets(
    source: str, fields: tuple[Field, ...], values: Floats, offsets: Ints, keys: tuple[str, ...]
) -> None:
    """Refuse targets with nothing to forecast: no value at all, or the same one throughout."""
    for at, field in enumerate(fields):
        if field.role != "target":
            continue
        seen = np.add.reduceat(~np.isnan(values[:, at]), offsets[:-1], dtype=np.int64)
        low = np.fmin.reduceat(values[:, at], offsets[:-1])
        high = np.fmax.reduceat(values[:, at], offsets[:-1])
        for empty, series in (
            (True, np.flatnonzero(seen == 0)),
            (False, np.flatnonzero((seen > 1) & (low == high))),
        ):
            if not len(series):
                continue
            first = int(series[0])
            name = f"series {keys[first]!r}: " if keys[first] else ""
            others = f" (series like it: {len(series)})" if len(series) > 1 else ""
            what = (
                "has no value in any row"
                if empty
                else f"is constant ({low[first]:g} in all {seen[first]} rows)"
            )
            raise DataError(
                f"{source}: {name}column {field.name!r} {what}, so there is nothing to "
                f"forecast{others}; choose another target, or leave the series out"
            )


def _from_array(
    data: NDArray[Any], columns: Columns, fill: Fill, require_target: bool
) -> Sequences:
    """Samples of equal length: each is a series."""
    source = "an array"
    if data.dtype.kind not in "biuf" or not 1 <= data.ndim <= 3 or not data.size:
        raise DataError(
            f"{source} of shape {data.shape} and type {data.dtype} is not read: give numbers as "
            "(samples, time steps, features), (samples, time steps) or (time steps,)"
        )
    if data.ndim < 3:
        data = np.atleast_2d(data)[:, :, None]
    samples, steps, width = data.shape
    names = [f"x{at}" for at in range(width)]
    # the fields of an array may also be named by their number
    known = {**{str(at): name for at, name in enumerate(names)}, **{n: n for n in names}}
    chosen: dict[str, Role] = {}
    for role, name in columns.asked():
        if role in ("time", "group"):
            raise DataError(
                f"{source} has no column {name!r} for {role}: its rows are in order and its "
                f"samples are the series; leave {role} out, or give a frame"
            )
        if name not in known:
            raise DataError(f"{source}: there is no field {name!r}: {suggest(name, names)}")
        chosen[known[name]] = role
    if "target" not in chosen.values():
        chosen.update({name: "target" for name in names if name not in chosen})
    elif columns.past is None:
        chosen.update({name: "past" for name in names if name not in chosen})
    flat = np.asarray(data, dtype=np.float64).reshape(-1, width)
    if np.isinf(flat).any():
        row, at = (int(i) for i in np.argwhere(np.isinf(flat))[0])
        raise DataError(
            f"{source}, sample {row // steps}, time step {row % steps}, field {names[at]!r}: the "
            f"value is infinite ({flat[row, at]}); write NaN if it is missing"
        )
    fields = tuple(
        Field(name, role) for role in NUMERIC_ROLES for name in chosen if chosen[name] == role
    )
    values = flat[:, [names.index(field.name) for field in fields]]
    offsets = np.arange(samples + 1, dtype=np.int64) * steps
    keys = ("",) if samples == 1 else tuple(str(at) for at in range(samples))
    table = Table(pl.DataFrame(), source)
    _check_static(table, fields, values, offsets, keys, np.arange(len(values)))
    if require_target:
        _check_targets(source, fields, values, offsets, keys)
    return Sequences(fields, keys, offsets, None, None, values, source, fill)
