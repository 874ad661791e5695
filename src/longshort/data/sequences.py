"""Sequences in memory: which column plays which role, the time step, and the values themselves.

All series lie one after the other in flat arrays, so that a table of ten thousand series is four
arrays and not ten thousand objects. Missing values are NaN.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any, Literal, Self, get_args

import numpy as np
from numpy.typing import NDArray

from longshort.contracts import Params
from longshort.errors import ArgumentError, suggest

Role = Literal["time", "group", "target", "past", "future", "static"]
Unit = Literal["us", "s", "min", "h", "d", "bd", "w", "mo", "q", "y"]
Times = NDArray[np.datetime64]
Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

# the order in which the numeric roles stand in Sequences.fields
NUMERIC_ROLES: tuple[Role, ...] = ("target", "past", "future", "static")

_MICROSECONDS: dict[str, int] = {
    "us": 1,
    "s": 1_000_000,
    "min": 60_000_000,
    "h": 3_600_000_000,
    "d": 86_400_000_000,
    "w": 604_800_000_000,
}
_MONTHS = {"mo": 1, "q": 3, "y": 12}
_WORDS: dict[str, str] = {
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


def _names(value: object) -> tuple[str, ...]:
    """One name, or several, as a tuple of text; integers name the columns of an array."""
    if isinstance(value, str | int):
        return (str(value),)
    if not isinstance(value, Iterable):
        raise ArgumentError(f"a column is named by text, or several by a list; got {value!r}")
    return tuple(str(name) for name in value)


@dataclass(frozen=True)
class Columns(Params):
    """Which column of a table plays which role.

    A single name or a list is accepted wherever several are possible, and kept as a tuple.
    Integers name the columns of an array: ``Columns(target=0)`` and ``Columns(target="x0")`` are
    the same column there.

    Args:
        time: the column of time stamps; None where rows are simply ordered.
        group: columns that together name a series; () where there is one series.
        target: what is to be predicted.
        past: covariates known up to the present; None means every other numeric column, () none.
        future: covariates known in advance over the whole horizon (holidays, prices).
        static: covariates that do not change within a series.

    Raises:
        ArgumentError: a column is given twice, or a name is not text.
    """

    time: str | None = None
    group: tuple[str, ...] = ()
    target: tuple[str, ...] = ()
    past: tuple[str, ...] | None = None
    future: tuple[str, ...] = ()
    static: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.time is not None:
            if not isinstance(self.time, str | int):
                raise ArgumentError(f"time is the name of one column; got {self.time!r}")
            object.__setattr__(self, "time", str(self.time))
        for role in ("group", "target", "past", "future", "static"):
            value = getattr(self, role)
            if value is None and role != "past":
                value = ()
            object.__setattr__(self, role, None if value is None else _names(value))
        seen: dict[str, str] = {}
        for role, name in self.asked():
            if name in seen:
                both = role if seen[name] == role else f"{seen[name]} and {role}"
                raise ArgumentError(f"column {name!r} is given twice ({both}); name it once")
            seen[name] = role

    def asked(self) -> list[tuple[Role, str]]:
        """Every (role, name) that was named, in the order of the roles."""
        pairs: list[tuple[Role, str]] = [] if self.time is None else [("time", self.time)]
        pairs += [("group", name) for name in self.group]
        pairs += [("target", name) for name in self.target]
        pairs += [("past", name) for name in self.past or ()]
        pairs += [("future", name) for name in self.future]
        return pairs + [("static", name) for name in self.static]


@dataclass(frozen=True)
class Field:
    """One numeric column: its name, its role, and the unit its values are in ("" if unknown)."""

    name: str
    role: Role
    unit: str = ""


@dataclass(frozen=True)
class Step:
    """The time from one row to the next.

    Args:
        count: how many units, at least 1.
        unit: us, s, min, h, d, bd (Monday to Friday), w, mo, q or y.
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


def fixed_step(microseconds: int) -> Step:
    """The step of that many microseconds, in the largest unit that divides it."""
    units: tuple[Unit, ...] = ("w", "d", "h", "min", "s", "us")
    unit = next(u for u in units if microseconds % _MICROSECONDS[u] == 0)
    return Step(microseconds // _MICROSECONDS[unit], unit)


def pairs(times: Times, offsets: Ints) -> tuple[Times, Times]:
    """Each row's time and the next one's, for all neighbours within a series."""
    if len(times) < 2:
        return times[:0], times[:0]
    inside = np.ones(len(times) - 1, dtype=bool)
    inner = offsets[1:-1]
    inside[inner[(inner > 0) & (inner < len(times))] - 1] = False
    return times[:-1][inside], times[1:][inside]


def infer_step(times: Times, offsets: Ints | None = None) -> Step | None:
    """The step that most neighbouring rows agree on.

    Args:
        times: (N,) of datetime64, rising within each series.
        offsets: (S+1,) first row of each series and N; None for one series.

    Returns:
        Months, quarters and years where nine in ten neighbours fall on the same day of the month
        (or on month ends); business days where the step is a day, weekends are left out and no
        stamp is on one; otherwise the most common difference, the smaller of equally common ones.
        None where no series has two rows.
    """
    times = np.asarray(times, dtype="datetime64[us]")
    if offsets is None:
        offsets = np.array([0, len(times)], dtype=np.int64)
    before, after = pairs(times, offsets)
    rising = after > before
    before, after = before[rising], after[rising]
    if not len(before):
        return None
    lengths, counts = np.unique((after - before).astype(np.int64), return_counts=True)
    usual = int(lengths[counts.argmax()])
    day = _MICROSECONDS["d"]
    if usual >= 28 * day:
        monthly = _month_step(before, after)
        if monthly is not None:
            return monthly
    if usual == day:
        stamps = np.concatenate([before, after]).astype("datetime64[D]")
        weekend = (before.astype("datetime64[D]").astype(np.int64) + 3) % 7 == 4
        over = weekend & ((after - before).astype(np.int64) == 3 * day)
        if bool(over.any()) and bool(np.is_busday(stamps).all()):
            return Step(1, "bd")
    return fixed_step(usual)


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


@dataclass(frozen=True, eq=False)
class Sequences:
    """Ragged series in flat arrays: S series, N rows in all, F numeric fields.

    Args:
        fields: the F numeric columns in the order target, past, future, static.
        keys: the S series' names, all different; ("",) for a single unnamed series.
        offsets: (S+1,) of int64; rows of series s are offsets[s] to offsets[s+1].
        times: (N,) of datetime64[us] in UTC or local as read, rising within each series; None
            where rows are simply ordered.
        step: the time from row to row; None without times, or where no series has two rows.
        values: (N, F) of float64; missing is NaN, never infinite.
        source: what was read, for messages: "weather.csv", "a data frame", "an array".
        fill: the gap policy that was applied.

    Raises:
        ArgumentError: the parts do not fit each other.
    """

    fields: tuple[Field, ...]
    keys: tuple[str, ...]
    offsets: Ints
    times: Times | None
    step: Step | None
    values: Floats
    source: str
    fill: str = "none"

    def __post_init__(self) -> None:
        def put(name: str, value: object) -> None:
            object.__setattr__(self, name, value)

        put("fields", tuple(self.fields))
        put("keys", tuple(self.keys))
        put("offsets", np.asarray(self.offsets, dtype=np.int64))
        put("values", np.asarray(self.values, dtype=np.float64))
        if self.times is not None:
            put("times", np.asarray(self.times, dtype="datetime64[us]"))
        for wrong in _misfits(self):
            raise ArgumentError(f"Sequences of {self.source}: {wrong}")

    def __len__(self) -> int:
        """S, the number of series."""
        return len(self.keys)

    def __repr__(self) -> str:
        step = self.step.label if self.step else "rows in order"
        roles = ", ".join(f"{field.name} ({field.role})" for field in self.fields)
        size = f"{len(self)} series, {len(self.values)} rows"
        return f"Sequences({self.source}: {size}, {step}; {roles})"

    @property
    def names(self) -> tuple[str, ...]:
        """The F fields' names."""
        return tuple(field.name for field in self.fields)

    @property
    def lengths(self) -> Ints:
        """(S,) rows of each series."""
        return np.diff(self.offsets)

    def index(self, name: str) -> int:
        """The place of a field in ``values``' last axis.

        Raises:
            ArgumentError: there is no such field; the nearest name is suggested.
        """
        if name not in self.names:
            raise ArgumentError(f"{self.source}: no field {name!r}: {suggest(name, self.names)}")
        return self.names.index(name)

    def role_indices(self, role: Role) -> list[int]:
        """The places of all fields of a role, in order."""
        return [at for at, field in enumerate(self.fields) if field.role == role]

    def length(self, series: int) -> int:
        """How many rows a series has."""
        return int(self.offsets[series + 1] - self.offsets[series])

    def rows(self, series: int) -> slice:
        """The rows of a series in the flat arrays."""
        return slice(int(self.offsets[series]), int(self.offsets[series + 1]))

    def series_of(self, rows: Ints) -> Ints:
        """The number of the series that each flat row belongs to."""
        return np.searchsorted(self.offsets, rows, side="right").astype(np.int64) - 1

    def select(self, series: Iterable[int]) -> Self:
        """The given series, in that order."""
        chosen = [int(s) for s in series]
        return self._take(chosen, self.offsets[:-1][chosen], self.offsets[1:][chosen])

    def crop(self, start: Ints | int, end: Ints | int | None = None) -> Self:
        """Rows ``start`` to ``end`` of every series, counted within the series.

        Args:
            start: (S,) of int64 or one int, at least 0; beyond a series' end nothing is left of it.
            end: like ``start``; None is each series' own end.
        """
        lengths = self.lengths
        first = np.clip(np.broadcast_to(start, lengths.shape), 0, lengths)
        last = lengths if end is None else np.clip(np.broadcast_to(end, lengths.shape), 0, lengths)
        base = self.offsets[:-1]
        return self._take(range(len(self)), base + first, base + np.maximum(first, last))

    def head(self, rows: int) -> Self:
        """The first ``rows`` rows of every series (fewer where it is shorter)."""
        return self.crop(0, rows)

    def tail(self, rows: int) -> Self:
        """The last ``rows`` rows of every series (fewer where it is shorter)."""
        return self.crop(np.maximum(self.lengths - rows, 0))

    def between(self, start: np.datetime64 | None, end: np.datetime64 | None) -> Self:
        """The rows with ``start`` <= time < ``end``; None leaves that side open.

        Raises:
            ArgumentError: there are no times.
        """
        first, last = self.lengths * 0, self.lengths
        if start is not None:
            first = self.first_at(start)
        if end is not None:
            last = self.first_at(end)
        return self.crop(first, last)

    def first_at(self, time: np.datetime64) -> Ints:
        """(S,) row within each series that is the first at or after ``time``; its length if none.

        Raises:
            ArgumentError: there are no times.
        """
        if self.times is None:
            raise ArgumentError(f"{self.source} has no times: count in rows, or name a time column")
        times = self.times
        found = [np.searchsorted(times[self.rows(s)], time) for s in range(len(self))]
        return np.array(found, dtype=np.int64)

    def time_label(self, row: int) -> str:
        """A flat row's time as ISO text, or its number within its series (from 0)."""
        if self.times is not None:
            return time_text(self.times[row], self.step)
        series = int(self.series_of(np.array([row]))[0])
        return str(row - int(self.offsets[series]))

    def _take(self, series: Iterable[int], first: Ints, last: Ints) -> Self:
        """Flat rows first to last of each of the given series."""
        lengths = last - first
        offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
        rows = np.repeat(first - offsets[:-1], lengths) + np.arange(offsets[-1])
        return replace(
            self,
            keys=tuple(self.keys[s] for s in series),
            offsets=offsets,
            times=None if self.times is None else self.times[rows],
            values=self.values[rows],
        )


def _misfits(sequences: Sequences) -> Iterable[str]:
    """What does not fit, in words; nothing where all is well."""
    fields, keys, offsets = sequences.fields, sequences.keys, sequences.offsets
    values, times = sequences.values, sequences.times
    order = [NUMERIC_ROLES.index(f.role) if f.role in NUMERIC_ROLES else -1 for f in fields]
    if -1 in order:
        yield f"field {fields[order.index(-1)]} is not numeric; roles are {NUMERIC_ROLES}"
    if order != sorted(order):
        yield f"fields stand in the order {NUMERIC_ROLES}; got {[f.role for f in fields]}"
    if len({f.name for f in fields}) != len(fields):
        yield f"two fields have the same name: {[f.name for f in fields]}"
    if len(set(keys)) != len(keys):
        yield "two series have the same key"
    if values.ndim != 2 or values.shape[1] != len(fields):
        yield f"values are (N, {len(fields)}); got {values.shape}"
    if offsets.shape != (len(keys) + 1,):
        yield f"offsets are ({len(keys) + 1},) for {len(keys)} series; got {offsets.shape}"
    if offsets[0] != 0 or offsets[-1] != len(values) or (np.diff(offsets) < 0).any():
        yield f"offsets rise from 0 to {len(values)}; got {_ends(offsets)}"
    if np.isinf(values).any():
        row, column = np.argwhere(np.isinf(values))[0]
        yield f"row {row} of {fields[column].name!r} is infinite"
    if times is None:
        if sequences.step is not None:
            yield f"a step ({sequences.step.label}) without times"
        return
    if times.shape != (len(values),):
        yield f"times are ({len(values)},); got {times.shape}"
    if np.isnat(times).any():
        yield f"row {int(np.isnat(times).argmax())} has no time"
    before, after = pairs(times, offsets)
    if not (after > before).all():
        at = int((after <= before).argmax())
        yield f"times rise within a series; got {before[at]} before {after[at]}"


def _ends(offsets: Ints) -> list[Any]:
    return offsets.tolist() if len(offsets) <= 4 else [*offsets[:2], "...", *offsets[-2:]]
