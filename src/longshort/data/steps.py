"""The time from one row to the next, by the calendar: found in stamps, and gone forward by."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from longshort.errors import ArgumentError, suggest

Times = NDArray[np.datetime64]
Ints = NDArray[np.int64]
Unit = Literal["n", "us", "s", "min", "h", "d", "bd", "w", "mo", "q", "y"]
_MICROSECONDS: dict[str, int] = {
    # a plain count is kept as that many microseconds
    "n": 1,
    "us": 1,
    "s": 1_000_000,
    "min": 60_000_000,
    "h": 3_600_000_000,
    "d": 86_400_000_000,
    "w": 604_800_000_000,
}
_MONTHS = {"mo": 1, "q": 3, "y": 12}
_WORDS: dict[str, str] = {
    "n": "step",
    "us": "microsecond",
    "s": "second",
    "min": "minute",
    "h": "hour",
    "d": "day",
    "bd": "business day",
    "w": "week",
    "mo": "month",
    "q": "quarter",
    "y": "year",
}
# a mean Gregorian month, in seconds
_MONTH_SECONDS = 365.2425 * 86_400 / 12


@dataclass(frozen=True)
class Step:
    """The time from one row to the next.

    Args:
        count: how many units, at least 1.
        unit: us, s, min, h, d, bd (Monday to Friday), w, mo, q or y; n where rows are counted in
            whole numbers that are no times.
        day: for mo, q and y only: the day of the month that stamps fall on, cut to the month's
            length, so that 31 means month ends; None keeps each stamp's own day.
    """

    count: int
    unit: Unit
    day: int | None = None

    def __post_init__(self) -> None:
        if self.unit not in get_args(Unit):
            raise ArgumentError(
                f"step unit {self.unit!r} is unknown: {suggest(self.unit, get_args(Unit))}"
            )
        if self.count < 1 or (self.unit == "bd" and self.count != 1):
            most = "1" if self.unit == "bd" else "at least 1"
            raise ArgumentError(f"step count of unit {self.unit!r} is {most}; got {self.count}")
        if self.day is not None and (self.unit not in _MONTHS or not 1 <= self.day <= 31):
            raise ArgumentError(
                f"step day is 1 to 31, with unit mo, q or y; got {self.day} with {self.unit!r}"
            )

    @property
    def label(self) -> str:
        """In words: "1 day", "30 minutes"."""
        return f"{self.count} {_WORDS[self.unit]}{'s' if self.count > 1 else ''}"

    @property
    def seconds(self) -> float:
        """Its length in seconds; the mean length for months, quarters and years; a day for bd."""
        if self.unit in _MONTHS:
            return self.count * _MONTHS[self.unit] * _MONTH_SECONDS
        return self.count * _MICROSECONDS["d" if self.unit == "bd" else self.unit] / 1e6

    @property
    def fixed(self) -> int | None:
        """Its length in microseconds; None where the calendar decides."""
        return None if self.unit in (*_MONTHS, "bd") else self.count * _MICROSECONDS[self.unit]

    @property
    def whole_days(self) -> bool:
        """Whether stamps of this step differ by days, so that a date names a row."""
        return self.seconds % 86_400 == 0 or self.unit in _MONTHS

    def advance(self, times: Times, n: int | Ints) -> Times:
        """Times ``n`` steps later (earlier where negative), by the calendar.

        Args:
            times: datetime64 of any shape.
            n: an int, or int64 that broadcasts against ``times``.

        Returns:
            datetime64[us] of the broadcast shape. Months keep the time of day and the day of the
            month, cut to the month's length; business days skip Saturdays and Sundays.
        """
        times = np.asarray(times, dtype="datetime64[us]")
        n = np.asarray(n, dtype=np.int64)
        days = times.astype("datetime64[D]")
        if self.unit in _MONTHS:
            month = times.astype("datetime64[M]")
            day = days - month.astype("datetime64[D]")
            if self.day is not None:
                day = np.full_like(day, self.day - 1)
            later = month + n * (self.count * _MONTHS[self.unit])
            start = later.astype("datetime64[D]")
            length = (later + 1).astype("datetime64[D]") - start
            moved = start + np.minimum(day, length - 1)
        elif self.unit == "bd":
            moved = np.asarray(np.busday_offset(days, n, roll="backward"))
        else:
            length = np.timedelta64(self.count * _MICROSECONDS[self.unit], "us")
            return np.asarray(times + n * length)
        return np.asarray(moved.astype("datetime64[us]") + (times - days))

    def between(self, start: Times, end: Times) -> tuple[Ints, NDArray[np.bool_]]:
        """How many whole steps lie from ``start`` to ``end``, and whether they fit exactly."""
        start = np.asarray(start, dtype="datetime64[us]")
        end = np.asarray(end, dtype="datetime64[us]")
        if self.unit in _MONTHS:
            months = (end.astype("datetime64[M]") - start.astype("datetime64[M]")).astype(np.int64)
            steps = months // (self.count * _MONTHS[self.unit])
        elif self.unit == "bd":
            steps = np.busday_count(start.astype("datetime64[D]"), end.astype("datetime64[D]"))
        else:
            length = self.count * _MICROSECONDS[self.unit]
            steps = (end - start).astype(np.int64) // length
        steps = np.asarray(steps, dtype=np.int64)
        return steps, np.asarray(self.advance(start, steps) == end)


def step_in_words(spacing: str) -> Step | None:
    """The step that "rows 30 minutes apart" tells of; None where rows are simply in order.

    Raises:
        ArgumentError: it tells of none that there is.
    """
    found = re.fullmatch(r"rows (\d+) (.+?)s? apart", spacing)
    if found is None:
        return None
    units: dict[str, Unit] = {_WORDS[unit]: unit for unit in get_args(Unit)}
    if found[2] not in units:
        raise ArgumentError(f"{spacing!r}: {suggest(found[2], units)}")
    return Step(int(found[1]), units[found[2]])


def fixed_step(microseconds: int) -> Step:
    """The step of that many microseconds, in the largest unit that divides it."""
    units: tuple[Unit, ...] = ("w", "d", "h", "min", "s", "us")
    unit = next(u for u in units if microseconds % _MICROSECONDS[u] == 0)
    return Step(microseconds // _MICROSECONDS[unit], unit)


def pairs(times: Times, offsets: Ints) -> tuple[Times, Times]:
    """Each row's time and the next one's, for all neighbours within a series."""
    first = pair_rows(len(times), offsets)
    return times[first], times[first + 1]


def pair_rows(rows: int, offsets: Ints) -> Ints:
    """The first row of every pair of neighbours within a series, as ``pairs`` orders them."""
    return np.flatnonzero(_inside(rows, offsets)).astype(np.int64)


def falling(times: Times, offsets: Ints) -> Ints:
    """Rows that are followed by the same or an earlier time in their series."""
    return np.flatnonzero(_inside(len(times), offsets) & (times[1:] <= times[:-1]))


def differences(times: Times, offsets: Ints) -> Ints:
    """Microseconds from each row to the next, for all neighbours within a series."""
    apart = np.diff(np.asarray(times, "datetime64[us]")).view(np.int64)
    inside = _inside(len(times), offsets)
    return apart if inside.all() else apart[inside]


def _inside(rows: int, offsets: Ints) -> NDArray[np.bool_]:
    """Whether each row but the last is in the same series as the next one."""
    inside = np.ones(max(rows - 1, 0), dtype=bool)
    inner = offsets[1:-1]
    inside[inner[(inner > 0) & (inner < rows)] - 1] = False
    return inside


def infer_step(times: Times, offsets: Ints | None = None, *, counted: bool = False) -> Step | None:
    """The step that most neighbouring rows agree on.

    Args:
        times: (N,) of datetime64, rising within each series.
        offsets: (S+1,) first row of each series and N; None for one series.
        counted: times are plain counts.

    Returns:
        Months, quarters and years where nine in ten neighbours fall on the same day of the month
        (or on month ends); business days where the step is a day, weekends are left out and no
        stamp is on one; otherwise the most common difference, the smaller of equally common ones.
        None where no series has two rows.
    """
    times = np.asarray(times, dtype="datetime64[us]")
    if offsets is None:
        offsets = np.array([0, len(times)], dtype=np.int64)
    apart = differences(times, offsets)
    apart = apart[apart > 0]
    if not len(apart):
        return None
    lengths, counts = np.unique(apart, return_counts=True)
    usual = int(lengths[counts.argmax()])
    if counted:
        return Step(usual, "n")
    day = _MICROSECONDS["d"]
    if usual != day and usual < 28 * day:
        return fixed_step(usual)
    before, after = pairs(times, offsets)
    rising = after > before
    before, after = before[rising], after[rising]
    if usual >= 28 * day:
        return _month_step(before, after) or fixed_step(usual)
    stamps = np.concatenate([before, after]).astype("datetime64[D]")
    weekend = (before.astype("datetime64[D]").astype(np.int64) + 3) % 7 == 4
    over = weekend & ((after - before).astype(np.int64) == 3 * day)
    business = bool(over.any()) and bool(np.is_busday(stamps).all())
    return Step(1, "bd") if business else fixed_step(usual)


def _month_step(before: Times, after: Times) -> Step | None:
    """A step in months, quarters or years where nine in ten neighbours follow one."""
    stamps = np.concatenate([before, after])
    month = stamps.astype("datetime64[M]").astype("datetime64[D]")
    day = (stamps.astype("datetime64[D]") - month).astype(np.int64) + 1
    nearly = math.ceil(0.9 * len(before))
    for anchor in (31, int(day.max()) if day.max() > 28 else None, None):
        by_month = Step(1, "mo", anchor)
        if anchor is not None:
            # every stamp must itself be on the anchor's day, not only be followed by it
            own = by_month.advance(before, 0) == before
            if int(own.sum()) < nearly:
                continue
        months, exact = by_month.between(before, after)
        exact &= months > 0
        if int(exact.sum()) < nearly:
            continue
        found, counts = np.unique(months[exact], return_counts=True)
        count = int(found[counts.argmax()])
        unit: Unit = "y" if count % 12 == 0 else "q" if count % 3 == 0 else "mo"
        return Step(count // _MONTHS[unit], unit, anchor)
    return None


def time_text(time: np.datetime64, step: Step | None = None) -> str:
    """ISO 8601 text of a time stamp; the date alone where the step is of whole days.

    Without a step the date stands alone at midnight.
    """
    time = time.astype("datetime64[us]")
    midnight = time == time.astype("datetime64[D]")
    if (step.whole_days) if step is not None else bool(midnight):
        return str(np.datetime_as_string(time, unit="D"))
    whole = time == time.astype("datetime64[s]")
    return str(np.datetime_as_string(time, unit="s" if whole else "us"))
