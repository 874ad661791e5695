"""Time stamps of tables: reading them, their order, the step they keep, and the gaps in it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
import polars as pl

from longshort.data.sequences import Floats
from longshort.data.steps import Ints, Step, Times, fixed_step, infer_step, pairs, time_text
from longshort.errors import ArgumentError, DataError, suggest

Fill = Literal["none", "missing", "previous", "ignore"]
# row of the table -> "weather.csv, line 17"
Where = Callable[[int], str]

ACCEPTED = (
    "accepted are 2012-01-31, 2012/01/31, 2012-01-31T12:30, 2012-01-31 12:30:59.5, the same with a "
    "zone (Z or +02:00, read as UTC), 20120131, 2012-01 and 2012"
)
_PLAIN = (
    *(f"%Y{mark}%m{mark}%d" for mark in "-/"),
    *(f"%Y{m}%m{m}%d{t}%H:%M{s}" for s in (":%S%.f", "") for m in "-/" for t in "T "),
    "%Y-%m",
    "%Y/%m",
    "%Y%m%d",
    "%Y",
)
_ZONED = tuple(f"%Y-%m-%d{t}%H:%M{s}%#z" for s in (":%S%.f", "") for t in "T ")
# inserted rows beyond this many per row that was read are a wrong stamp rather than a gap
_MOST_INSERTED = 20


@dataclass(frozen=True)
class Stamped:
    """Series in time order, and how to speak of their rows.

    Args:
        times: (N,) stamps, series after series.
        offsets: (S+1,) first row of each series, and N.
        keys: the S series' names.
        rows: (N,) the row of the table that each one was read from.
        name: the time column.
        source: what was read.
        where: a row of the table, in words.
        grouped: whether the user named group columns.
    """

    times: Times
    offsets: Ints
    keys: Sequence[str]
    rows: Ints
    name: str
    source: str
    where: Where
    grouped: bool

    def series(self, row: int) -> str:
        """ "series 'a': " for the series that a row is in; "" where there is only one unnamed."""
        key = self.keys[int(np.searchsorted(self.offsets, row, side="right")) - 1]
        return f"series {key!r}: " if key else ""

    def place(self, row: int) -> str:
        """ "line 17" or "row 16", without the source."""
        return self.where(int(self.rows[row])).removeprefix(f"{self.source}, ")


def check_fill(fill: str) -> None:
    """Raise an ArgumentError where a gap policy is unknown."""
    if fill not in get_args(Fill):
        raise ArgumentError(f"fill {fill!r} is unknown: {suggest(str(fill), get_args(Fill))}")


def read_stamps(column: pl.Series, where: Where) -> Times:
    """A column of dates, times, text or years as datetime64[us], zones converted to UTC.

    Raises:
        DataError: a stamp is missing or cannot be read; the row and the accepted forms are told.
    """
    name, dtype = column.name, column.dtype
    if isinstance(dtype, pl.Datetime):
        if dtype.time_zone is not None:
            column = column.dt.convert_time_zone("UTC").dt.replace_time_zone(None)
    elif dtype.is_integer() and _are_years(column):
        column = column.cast(pl.String).str.to_datetime("%Y", time_unit="us")
    elif dtype in (pl.String, pl.Categorical, pl.Enum):
        column = _parse(column.cast(pl.String).str.strip_chars(), where)
    elif dtype != pl.Date and column.null_count() < len(column):
        value = column.drop_nulls()[0]
        raise DataError(
            f"{where(0)}, column {name!r}: {value!r} ({dtype}) is not a time stamp; {ACCEPTED}, "
            "and columns of dates or times. Convert counted seconds to such a column first"
        )
    absent = column.is_null()
    if absent.any():
        raise DataError(
            f"{where(_first(absent))}, column {name!r}: the time stamp is missing; give every row "
            "one, or remove the row"
        )
    return column.cast(pl.Datetime("us")).to_numpy().astype("datetime64[us]")


def _are_years(column: pl.Series) -> bool:
    found = column.drop_nulls()
    return bool(len(found)) and bool(found.is_between(1000, 2999).all())


def _first(mask: pl.Series) -> int:
    index = mask.arg_max()
    return 0 if index is None else int(index)


def _parse(text: pl.Series, where: Where) -> pl.Series:
    """Text as naive UTC or local stamps; null where it is empty."""
    text = pl.select(pl.when(text != "").then(text).alias(text.name)).to_series()
    parsed = pl.Series(text.name, [None] * len(text), dtype=pl.Datetime("us"))
    zoned = pl.Series(text.name, [False] * len(text), dtype=pl.Boolean)
    left = text
    # one form fits a whole column as a rule; each further one is tried on what is left over
    while left.null_count() < len(left):
        value = left.drop_nulls()[0]
        row = _first(left.is_not_null())
        form = next((f for f in (*_PLAIN, *_ZONED) if _fits(value, f)), None)
        if form is None:
            raise DataError(
                f"{where(row)}, column {text.name!r}: {value!r} is not a time stamp; {ACCEPTED}"
            )
        read = left.str.to_datetime(form, strict=False, time_unit="us")
        if form in _ZONED:
            read = read.dt.replace_time_zone(None)
            zoned = zoned | read.is_not_null()
        parsed = pl.select(pl.coalesce(parsed, read)).to_series()
        left = pl.select(pl.when(read.is_null()).then(left).alias(text.name)).to_series()
    if zoned.any() and not zoned.filter(text.is_not_null()).all():
        without = _first(text.is_not_null() & ~zoned)
        raise DataError(
            f"{where(without)}, column {text.name!r}: {text[without]!r} has no time zone, but "
            f"{text[_first(zoned)]!r} has one; give all stamps a zone, or none"
        )
    return parsed.alias(text.name)


def _fits(value: str, form: str) -> bool:
    # %Y takes any number of digits, which would read 1325376000 as a year
    if len(value) != {"%Y": 4, "%Y%m%d": 8}.get(form, len(value)):
        return False
    one = pl.Series([value]).str.to_datetime(form, strict=False, time_unit="us")
    return one[0] is not None


def check_order(stamped: Stamped) -> None:
    """Refuse stamps that are not rising within a series.

    Raises:
        DataError: the first duplicate or step back, with both places and stamps.
    """
    times, offsets = stamped.times, stamped.offsets
    before, after = pairs(times, offsets)
    wrong = np.flatnonzero(after <= before)
    if not len(wrong):
        return
    # of several series, the one whose trouble comes first in the file
    rows = _pair_rows(len(times), offsets)[wrong]
    row = int(rows[stamped.rows[rows + 1].argmin()])
    first, second = (time_text(times[r]) for r in (row, row + 1))
    place, series = stamped.where(int(stamped.rows[row + 1])), stamped.series(row)
    several = (
        ""
        if stamped.grouped
        else ". If the table holds several series, name the column that tells them apart (--group)"
    )
    if times[row] == times[row + 1]:
        raise DataError(
            f"{place}, column {stamped.name!r}: {series}{second} is there twice (also in "
            f"{stamped.place(row)}); keep one row of each time stamp{several}"
        )
    raise DataError(
        f"{place}, column {stamped.name!r}: {series}{second} comes after {first} in "
        f"{stamped.place(row)}; sort the rows by {stamped.name!r}{several}"
    )


def _pair_rows(rows: int, offsets: Ints) -> Ints:
    """The first row of every pair of neighbours within a series, as ``pairs`` orders them."""
    last = np.zeros(rows, dtype=bool)
    last[offsets[1:] - 1] = True
    return np.flatnonzero(~last).astype(np.int64)


def settle_step(stamped: Stamped, fill: Fill) -> tuple[Step | None, Ints]:
    """The step of the rows, and how many steps each pair of neighbours is apart.

    Returns:
        The step, None where no series has two rows; and (P,) of int64, 1 where there is no gap
        and everywhere with ``fill="ignore"``.

    Raises:
        DataError: the rows keep no step, one is off it, or rows are absent and ``fill="none"``.
    """
    before, after = pairs(stamped.times, stamped.offsets)
    step = infer_step(stamped.times, stamped.offsets)
    if step is None:
        return None, np.zeros(0, dtype=np.int64)
    steps, exact = step.between(before, after)
    single = exact & (steps == 1)
    irregular = single.mean() < 0.5 or exact.mean() < 0.9
    if fill == "ignore":
        if irregular:
            step = fixed_step(int(np.median((after - before).astype(np.int64))))
        return step, np.ones(len(before), dtype=np.int64)
    rows = _pair_rows(len(stamped.times), stamped.offsets)
    if irregular:
        odd = int(rows[(~single).argmax()])
        raise DataError(
            f"{_between(stamped, odd)}, and the rows keep no regular step (the most common is "
            f"{_as_often(step, single)}). Make them regular (one row per hour, day, ...), or read "
            "them as equally spaced with fill='ignore' (--fill ignore)"
        )
    if not exact.all():
        odd = int(rows[(~exact).argmax()])
        raise DataError(
            f"{_between(stamped, odd)}, which is not a whole number of steps of {step.label} "
            f"({_as_often(step, single)}). Correct the stamp, or read the rows as equally spaced "
            "with fill='ignore' (--fill ignore)"
        )
    absent = steps - 1
    if fill == "none" and absent.any():
        odd = int(rows[(absent > 0).argmax()])
        raise DataError(
            f"{_between(stamped, odd)}, a gap where rows are {step.label} apart (gaps: "
            f"{int((absent > 0).sum())}, absent rows: {int(absent.sum())}). Say what to do about "
            "them with fill= (--fill): 'missing' inserts rows without values, 'previous' repeats "
            "the covariates of the row before, 'ignore' reads the rows as equally spaced"
        )
    return step, steps


def _as_often(step: Step, single: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> str:
    return f"{step.label} in {int(single.sum())} of {len(single)} neighbouring rows"


def _between(stamped: Stamped, row: int) -> str:
    """Two neighbouring rows and their stamps."""
    first, second = (time_text(stamped.times[r]) for r in (row, row + 1))
    return (
        f"{stamped.where(int(stamped.rows[row + 1]))}, column {stamped.name!r}: "
        f"{stamped.series(row)}{first} is followed by {second}"
    )


def insert_rows(
    stamped: Stamped, step: Step, steps: Ints, values: Floats, fill: Fill, targets: list[int]
) -> tuple[Times, Ints, Floats]:
    """Insert a row for every absent stamp.

    Args:
        steps: (P,) how many steps each pair of neighbours is apart, from ``settle_step``.
        values: (N, F).
        fill: "missing" leaves inserted rows NaN; "previous" repeats the row before the gap, except
            in ``targets``: a target that was never observed is neither learnt nor scored.
        targets: columns of ``values``.

    Returns:
        Times (M,), offsets (S+1,), values (M, F) with the absent rows in.

    Raises:
        DataError: more than twenty times as many rows would be inserted as were read.
    """
    times, offsets = stamped.times, stamped.offsets
    rows = _pair_rows(len(times), offsets)
    ahead = np.ones(len(times), dtype=np.int64)
    ahead[rows] = steps
    total = int(ahead.sum())
    if total > (1 + _MOST_INSERTED) * len(times):
        widest = int(rows[steps.argmax()])
        raise DataError(
            f"{_between(stamped, widest)}: filling the gaps would make {total} rows of "
            f"{len(times)}. Correct the stamp if it is wrong, or use fill='ignore' (--fill ignore)"
        )
    # each row that was read starts a run of itself and the rows absent after it
    start = np.concatenate([[0], np.cumsum(ahead)])
    parent = np.repeat(np.arange(len(times)), ahead)
    within = np.arange(total) - start[parent]
    filled = values[parent]
    new = within > 0
    grown = times[parent]
    grown[new] = step.advance(grown[new], within[new])
    if fill == "missing":
        filled[new] = np.nan
    else:
        filled[np.ix_(new, targets)] = np.nan
    return grown, start[offsets].astype(np.int64), filled
