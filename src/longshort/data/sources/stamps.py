"""Time stamps of tables: how they may be written, and what they are read as."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import polars as pl

from longshort.data.clock import Clock, check_zone
from longshort.data.sources.inputs import UNREADABLE
from longshort.data.steps import Times
from longshort.errors import ArgumentError, DataError

# row of the table -> "weather.csv, line 17"
Where = Callable[[int], str]

ACCEPTED = (
    "accepted are 2012-01-31, 2012/01/31, 2012-01-31T12:30, 2012-01-31 12:30:59.5, the same with a "
    "zone (Z or +02:00), 20120131, 2012-01, 2012, and small whole numbers that count the rows"
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
_OFFSET = r"([+-]\d\d(:?\d\d)?)$"
# whole numbers from here on are seconds, or parts of seconds, since 1970, and no count of rows
_EPOCH = 100_000_000
# what can be written with a year of four digits
_FIRST, _LAST = np.datetime64("0001-01-01"), np.datetime64("9999-12-31T23:59:59.999999")


def read_stamps(column: pl.Series, where: Where, zone: str | None = None) -> tuple[Times, Clock]:
    """A column of dates, times, text, years or counts as datetime64[us], and what they are.

    Args:
        column: the stamps.
        where: a row, in words.
        zone: what the user named; see ``Columns``. Stamps with a zone come back as instants in UTC,
            others as they are written: ``localise`` makes instants of them once they are in order.

    Raises:
        DataError: a stamp is missing or cannot be read, or some have a zone and others none; the
            row and the accepted forms are told.
    """
    name, dtype = column.name, column.dtype
    if isinstance(dtype, pl.Datetime) and dtype.time_zone is not None:
        clock = Clock("time", zone or dtype.time_zone, universal=True)
        column = column.dt.convert_time_zone("UTC").dt.replace_time_zone(None)
    elif isinstance(dtype, pl.Datetime):
        clock = Clock("time", zone)
    elif dtype == pl.Date:
        clock = Clock("date")
    elif dtype in (pl.String, pl.Categorical, pl.Enum):
        column, clock = _read_text(column.cast(pl.String).str.strip_chars(), where, zone)
    elif dtype.is_integer() or (dtype.is_float() and _whole(column)):
        column, clock = _read_integers(column.cast(pl.Int64, strict=False), where)
    elif column.null_count() < len(column):
        value = column.drop_nulls()[0]
        raise DataError(
            f"{where(0)}, column {name!r}: {value!r} ({dtype}) is not a time stamp; {ACCEPTED}, "
            "and columns of dates or times"
        )
    else:
        clock = Clock()
    absent = column.is_null()
    if absent.any():
        raise DataError(
            f"{where(_first(absent))}, column {name!r}: the time stamp is missing; give every row "
            "one, or remove the row"
        )
    try:
        times = column.cast(pl.Datetime("us")).to_numpy().astype("datetime64[us]", copy=False)
    except UNREADABLE:
        raise DataError(
            f"{where(0)} on, column {name!r}: time stamps beyond the year 9999"
        ) from None
    beyond = (times < _FIRST) | (times > _LAST)
    if beyond.any():
        row = int(beyond.argmax())
        raise DataError(
            f"{where(row)}, column {name!r}: {times[row]} lies outside of the years 1 to 9999"
        )
    return times, clock


def _whole(column: pl.Series) -> bool:
    found = column.drop_nulls()
    return bool(len(found)) and bool((found.is_finite() & (found % 1 == 0)).all())


def _read_integers(column: pl.Series, where: Where) -> tuple[pl.Series, Clock]:
    """Years (2012), dates (20120131) or counts as stamps."""
    found = column.drop_nulls()
    if bool(found.is_between(1000, 2999).all()):
        return column.cast(pl.String).str.to_datetime("%Y", time_unit="us"), Clock("year")
    if bool(found.is_between(1000_01_01, 2999_12_31).all()):
        dates = column.cast(pl.String).str.to_datetime("%Y%m%d", time_unit="us", strict=False)
        if dates.null_count() == column.null_count():
            return dates, Clock("date")
    large = (column.abs() >= _EPOCH).fill_null(value=False)
    if large.any():
        row = _first(large)
        raise DataError(
            f"{where(row)}, column {column.name!r}: {column[row]} is not a time stamp; {ACCEPTED}, "
            "and columns of dates or times. Convert counted seconds to such a column first"
        )
    return column.cast(pl.Datetime("us")), Clock("count")


def _first(mask: pl.Series) -> int:
    index = mask.arg_max()
    return 0 if index is None else int(index)


def _read_text(text: pl.Series, where: Where, zone: str | None) -> tuple[pl.Series, Clock]:
    """Text as stamps; null where it is empty."""
    text = pl.select(pl.when(text != "").then(text).alias(text.name)).to_series()
    given = text.drop_nulls()
    if len(given) and bool(given.str.contains(r"^[+-]?\d{1,18}$").all()):
        return _read_integers(text.cast(pl.Int64), where)
    parsed, zoned = _parse(text, where)
    if zoned.any():
        return parsed, Clock("time", zone or _zone_of(text, where), universal=True)
    dates = len(given) and bool((parsed == parsed.dt.truncate("1d")).all())
    return parsed, Clock("date" if dates and zone is None else "time", zone)


def _zone_of(text: pl.Series, where: Where) -> str:
    """The zone of stamps with an offset from UTC: that offset, or UTC where it changes by an hour.

    Raises:
        DataError: offsets are further apart than summer and winter time.
    """
    signs = text.str.extract(_OFFSET).fill_null("+00")
    minutes = {
        sign: int(f"{sign[0]}1") * (60 * int(sign[1:3]) + int(sign[3:].lstrip(":") or 0))
        for sign in signs.unique().to_list()
    }
    low, high = (most(minutes, key=minutes.__getitem__) for most in (min, max))
    if minutes[high] - minutes[low] > 60:
        rows = [_first(signs == offset) for offset in (low, high)]
        raise DataError(
            f"{where(max(rows))}, column {text.name!r}: {text[max(rows)]!r} is in another time "
            f"zone than {text[min(rows)]!r}; name the zone whose days and hours count (zone=, "
            "--zone UTC), or give all stamps the same"
        )
    try:
        fixed = f"{low[:3]}:{low[3:].lstrip(':') or '00'}"
        return check_zone(fixed if minutes[low] and minutes[low] == minutes[high] else "UTC")
    except ArgumentError:
        # an offset of half an hour, which is no zone by itself
        return "UTC"


def _parse(text: pl.Series, where: Where) -> tuple[pl.Series, pl.Series]:
    """Naive stamps, null without text, in UTC where they had a zone; and where they had one."""
    parsed = pl.Series(text.name, [None] * len(text), dtype=pl.Datetime("us"))
    zoned = pl.Series(text.name, [False] * len(text), dtype=pl.Boolean)
    left = text
    # one form fits a whole column as a rule; each further one is tried on what is left over
    while left.null_count() < len(left):
        value = left.drop_nulls()[0]
        row = _first(left.is_not_null())
        form = next((f for f in (*_PLAIN, *_ZONED) if _fits(value, f)), None)
        if form is None:
            value, row = _odd(text, value, row)
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
    return parsed.alias(text.name), zoned


def _odd(text: pl.Series, value: str, row: int) -> tuple[str, int]:
    """The first value that is no number, and its row, where most others are; else those given."""
    numbers = text.is_null() | text.cast(pl.Float64, strict=False).is_not_null()
    others = ~numbers
    if int(others.sum()) * 2 >= int(text.is_not_null().sum()):
        return value, row
    row = _first(others)
    return str(text[row]), row


def _fits(value: str, form: str) -> bool:
    # %Y takes any number of digits, which would read 1325376000 as a year
    if len(value) != {"%Y": 4, "%Y%m%d": 8}.get(form, len(value)):
        return False
    one = pl.Series([value]).str.to_datetime(form, strict=False, time_unit="us")
    return one[0] is not None
