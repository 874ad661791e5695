"""Times within a recording: stamps, or the time that has passed since it began."""

from __future__ import annotations

import numpy as np
import polars as pl

from longshort.data.clock import Clock
from longshort.data.sources.inputs import TEXT
from longshort.data.sources.stamps import Where, read_stamps
from longshort.data.steps import Times
from longshort.errors import DataError

# hours that may go beyond a day, minutes and perhaps seconds
_PASSED = r"^(\d+):([0-5]\d)(?::([0-5]\d(?:\.\d+)?))?$"
_SECONDS = 1e6


def read_elapsed(column: pl.Series, where: Where) -> tuple[Times, Clock]:
    """A column of times as datetime64[us], and what they are.

    Beside what ``read_stamps`` reads there are "07:30" and "26:00:05.5", hours and minutes since
    the beginning, and decimal numbers, which are seconds since then. Both count from 1970 on.

    Raises:
        DataError: a time is missing or cannot be read; the row and the value are told.
    """
    if column.dtype in TEXT:
        text = column.cast(pl.String).str.strip_chars()
        known = text.drop_nulls()
        clocks = known.str.contains(_PASSED).sum()
        if 2 * clocks > len(known) > clocks:
            row = int((~text.str.contains(_PASSED)).arg_max() or 0)
            raise DataError(
                f"{where(row)}, column {column.name!r}: {text[row]!r} is not a time, and most "
                "others are hours and minutes (07:30 or 26:00:05.5); mend it, or remove the row"
            )
        if len(known) and clocks == len(known):
            hours, minutes, seconds = (
                text.str.extract(_PASSED, group).cast(pl.Float64) for group in (1, 2, 3)
            )
            passed = hours * 3600 + minutes * 60 + seconds.fill_null(0)
            return _from_seconds(passed, column, where), Clock("time")
        numbers = text.cast(pl.Float64, strict=False)
        if len(known) and numbers.null_count() == column.null_count():
            column = numbers.alias(column.name)
    if column.dtype.is_float() and bool(((column % 1) != 0).any()):
        return _from_seconds(column, column, where), Clock("time")
    return read_stamps(column, where)


def _from_seconds(passed: pl.Series, column: pl.Series, where: Where) -> Times:
    values = passed.cast(pl.Float64).fill_null(float("nan")).to_numpy()
    wrong = ~(np.abs(values) < 1e12)
    if wrong.any():
        row = int(wrong.argmax())
        raise DataError(
            f"{where(row)}, column {column.name!r}: {column[row]!r} is not a time; give every row "
            "one, or remove the row"
        )
    return (values * _SECONDS).round().astype(np.int64).astype("datetime64[us]")
