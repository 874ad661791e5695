"""Sequences in memory: which column plays which role, the time step, and the values themselves.

All series lie one after the other in flat arrays, so that a table of ten thousand series is four
arrays and not ten thousand objects. Missing values are NaN.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Literal, Self

import numpy as np
import polars as pl
from numpy.typing import NDArray

from longshort.contracts import Params
from longshort.data.clock import Clock, check_zone
from longshort.data.steps import Ints, Step, Times, falling
from longshort.errors import ArgumentError, suggest

Role = Literal["time", "group", "target", "past", "future", "static"]
Floats = NDArray[np.float64]

# the order in which the roles of numbers stand in Sequences.fields, and after them of categories
NUMERIC_ROLES: tuple[Role, ...] = ("target", "past", "future", "static")
CATEGORY_ROLES: tuple[Role, ...] = ("past", "future", "static", "group")


def composed(name: str) -> str:
    """A name in Unicode's composed form (NFC), so that one name is one text however it is typed."""
    return unicodedata.normalize("NFC", name)


def _names(value: object) -> tuple[str, ...]:
    """One name, or several, as a tuple of text; integers name the columns of an array."""
    if isinstance(value, str | int | np.integer):
        return (composed(str(value)),)
    if not isinstance(value, Iterable):
        raise ArgumentError(f"a column is named by text, or several by a list; got {value!r}")
    return tuple(composed(str(name)) for name in value)


@dataclass(frozen=True)
class Columns(Params):
    """Which column of a table plays which role.

    A single name or a list is accepted wherever several are possible, and kept as a tuple.
    Integers name the columns of an array: ``Columns(target=0)`` and ``Columns(target="x0")`` are
    the same column there.

    Past, future and static columns may hold numbers or categories: text is a category, true and
    false are the numbers 1 and 0, and whole numbers that are codes are named in ``category``. Each
    category becomes a learned vector; an empty cell is a category of its own.

    Args:
        time: the column of time stamps; None where rows are simply ordered.
        group: columns that together name a series; () where there is one series.
        target: what is to be predicted.
        past: covariates known up to the present; None means every other numeric column and those
            of ``category`` that have no other role, () none.
        future: covariates known in advance over the whole horizon (holidays, prices).
        static: covariates that do not change within a series.
        zone: the time zone ("Europe/Berlin") that stamps without one are local times of, and that
            stamps with one are told in; None reads them as they are written.
        category: columns of codes to be read as categories, though they are numbers; a group column
            named here gives every series a learned vector of its own.

    Raises:
        ArgumentError: a column is given twice, a name is not text, there is no such zone, or a
            category has a role that needs numbers, or none.
    """

    time: str | None = None
    group: tuple[str, ...] = ()
    target: tuple[str, ...] = ()
    past: tuple[str, ...] | None = None
    future: tuple[str, ...] = ()
    static: tuple[str, ...] = ()
    zone: str | None = None
    category: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.time is not None:
            if not isinstance(self.time, str | int | np.integer):
                raise ArgumentError(f"time is the name of one column; got {self.time!r}")
            object.__setattr__(self, "time", composed(str(self.time)))
        if self.zone is not None:
            object.__setattr__(self, "zone", check_zone(self.zone))
        for role in ("group", "target", "past", "future", "static", "category"):
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
        for name in self.category:
            role = seen.get(name, "past" if self.past is None else "none")
            if role not in CATEGORY_ROLES:
                raise ArgumentError(
                    f"column {name!r} is named as a category, and its role is {role}: name it in "
                    "past, future, static or group"
                )

    def resolved(self, fields: Sequence[Field]) -> Columns:
        """Every column by name: what "all other numeric columns" turned out to be."""
        names = {
            role: tuple(field.name for field in fields if field.role == role)
            for role in NUMERIC_ROLES
        }
        category = tuple(field.name for field in fields if field.labels is not None)
        return self.set_params(**names, category=category)

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
    """One column: its name, its role, and the unit its values are in ("" if unknown).

    The values of a column of categories are places in ``labels``, which is None for numbers. An
    empty cell has the label "".
    """

    name: str
    role: Role
    unit: str = ""
    labels: tuple[str, ...] | None = None


@dataclass(frozen=True, eq=False)
class Sequences:
    """Ragged series in flat arrays: S series, N rows in all, F fields.

    Args:
        fields: the F columns: numbers in the order target, past, future, static, and after them
            categories in the order past, future, static, group.
        keys: the S series' names, all different; ("",) for a single unnamed series.
        offsets: (S+1,) of int64; rows of series s are offsets[s] to offsets[s+1].
        times: (N,) of datetime64[us] on ``clock``, rising within each series; None where rows are
            simply ordered.
        step: the time from row to row; None without times, or where no series has two rows.
        values: (N, F) of float64; missing is NaN, never infinite.
        source: what was read, for messages: "weather.csv", "a data frame", "an array".
        fill: the gap policy that was applied.
        clock: what ``times`` count, and how they are told.
        groups: S rows, the user's own columns that name the series; None without them.

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
    clock: Clock = Clock()  # noqa: RUF009 - a frozen value
    groups: pl.DataFrame | None = field(default=None, repr=False)

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
        """The places of all fields of numbers of a role, in order."""
        return [at for at, field in enumerate(self.numbers) if field.role == role]

    @property
    def numbers(self) -> tuple[Field, ...]:
        """The fields that hold numbers, which come first."""
        return tuple(field for field in self.fields if field.labels is None)

    @property
    def categories(self) -> tuple[Field, ...]:
        """The fields that hold categories, which come last."""
        return self.fields[len(self.numbers) :]

    def plain(self) -> Self:
        """The numbers alone, without copying them."""
        width = len(self.numbers)
        if width == len(self.fields):
            return self
        return replace(self, fields=self.fields[:width], values=self.values[:, :width])

    def length(self, series: int) -> int:
        """How many rows a series has."""
        return int(self.offsets[series + 1] - self.offsets[series])

    def rows(self, series: int) -> slice:
        """The rows of a series in the flat arrays."""
        return slice(int(self.offsets[series]), int(self.offsets[series + 1]))

    def label(self, series: int) -> str:
        """A series for messages: what was read, and the series' name where it has one."""
        key = self.keys[int(series)]
        return f"{self.source}: series {key!r}" if key else self.source

    def series_of(self, rows: Ints) -> Ints:
        """The number of the series that each flat row belongs to."""
        return np.searchsorted(self.offsets, rows, side="right").astype(np.int64) - 1

    def select(self, series: Iterable[int]) -> Self:
        """The given series, in that order."""
        chosen = np.array([int(s) for s in series], np.int64)
        return self._take(
            self.offsets[:-1][chosen],
            self.offsets[1:][chosen],
            keys=tuple(self.keys[s] for s in chosen.tolist()),
            groups=None if self.groups is None else self.groups[chosen],
        )

    def block(self, start: int, stop: int) -> Self:
        """Series ``start`` to ``stop - 1``, without copying their rows."""
        offsets = self.offsets[start : stop + 1]
        rows = slice(int(offsets[0]), int(offsets[-1]))
        return replace(
            self,
            keys=self.keys[start:stop],
            offsets=offsets - offsets[0],
            times=None if self.times is None else self.times[rows],
            values=self.values[rows],
            groups=None if self.groups is None else self.groups[start:stop],
        )

    def crop(self, start: Ints | int, end: Ints | int | None = None) -> Self:
        """Rows ``start`` to ``end`` of every series, counted within the series.

        Args:
            start: (S,) of int64 or one int, at least 0; beyond a series' end nothing is left of it.
            end: like ``start``; None is each series' own end.
        """
        lengths = self.lengths
        first = np.clip(np.broadcast_to(start, lengths.shape), 0, lengths)
        last = lengths if end is None else np.clip(np.broadcast_to(end, lengths.shape), 0, lengths)
        if not first.any() and (last == lengths).all():
            return self
        base = self.offsets[:-1]
        return self._take(base + first, base + np.maximum(first, last))

    @property
    def targets(self) -> Floats:
        """(N, K) of ``values``, a view: targets are the first fields."""
        return self.values[:, : len(self.role_indices("target"))]

    @cached_property
    def observed_end(self) -> Ints:
        """(S,) rows up to the last one with an observed target; 0 where none is."""
        seen = np.flatnonzero(~np.isnan(self.targets).all(axis=1))
        last = np.searchsorted(seen, self.offsets[1:]) - 1
        rows = seen[last] if len(seen) else np.full(len(self), -1)
        found = (last >= 0) & (rows >= self.offsets[:-1])
        return np.where(found, rows - self.offsets[:-1] + 1, 0)

    def until_observed(self) -> Self:
        """Each series up to its last row with an observed target."""
        return self.crop(0, self.observed_end)

    @cached_property
    def extremes(self) -> tuple[Floats, Floats]:
        """The least and the greatest value of each field, (F,); NaN where it has none."""
        low, high = (
            most.reduce(self.values, axis=0, initial=np.nan) for most in (np.fmin, np.fmax)
        )
        return low, high

    @cached_property
    def filled(self) -> Floats:
        """(N, F) values with each gap closed by the latest one before it in the same series."""
        return carry_forward(self.values, self.offsets, 1)

    def phased(self, season: int) -> Floats:
        """(N, K) targets, each gap closed by the latest one a whole number of seasons before it."""
        found: dict[int, Floats] = self.__dict__.setdefault("_phased", {})
        if season not in found:
            found[season] = carry_forward(self.targets, self.offsets, season)
        return found[season]

    @property
    def spacing(self) -> str:
        """How far apart rows are, in words."""
        return "rows in order" if self.step is None else f"rows {self.step.label} apart"

    def first_at(self, time: np.datetime64) -> Ints:
        """(S,) row within each series that is the first at or after ``time``; its length if none.

        Raises:
            ArgumentError: there are no times.
        """
        if self.times is None:
            raise ArgumentError(f"{self.source} has no times: count in rows, or name a time column")
        before = np.concatenate([[0], np.cumsum(self.times < time)])
        return np.diff(before[self.offsets]).astype(np.int64)

    def time_label(self, row: int) -> str:
        """A flat row's time as ISO text, or its number within its series (from 0)."""
        if self.times is not None:
            return self.clock.text(self.times[row], self.step)
        series = int(self.series_of(np.array([row]))[0])
        return str(row - int(self.offsets[series]))

    def _take(self, first: Ints, last: Ints, **changes: Any) -> Self:
        """Flat rows first to last of as many series."""
        lengths = last - first
        offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
        rows = np.repeat(first - offsets[:-1], lengths) + np.arange(offsets[-1])
        times = None if self.times is None else self.times[rows]
        return replace(self, offsets=offsets, times=times, values=self.values[rows], **changes)


def carry_forward(values: Floats, offsets: Ints, season: int) -> Floats:
    """Fill NaN at row r with the value at r - season, r - 2 season, ... of the same series.

    Args:
        values: (N, F); returned as they are where nothing is missing.
        offsets: (S+1,).
        season: rows of one season, at least 1.
    """
    gaps = np.isnan(values)
    if not gaps.any():
        return values
    filled = np.array(values, np.float64)
    rows = order = np.arange(len(values))
    start = np.repeat(offsets[:-1], np.diff(offsets))
    if season > 1:
        # rows of one phase of one series, one after the other
        within = rows - start
        order = np.lexsort((within, within % season, start))
        start = np.maximum.accumulate(np.where(within[order] < season, rows, 0))
    for column in np.flatnonzero(gaps.any(axis=0)):
        own = filled[order, column]
        # the latest observed row at or before each one; the first of its run where there is none
        latest = np.maximum.accumulate(np.where(np.isnan(own), start, rows))
        filled[order, column] = own[latest]
    return filled


def _misfits(sequences: Sequences) -> Iterable[str]:
    """What does not fit, in words; nothing where all is well."""
    fields, keys, offsets = sequences.fields, sequences.keys, sequences.offsets
    values, times = sequences.values, sequences.times
    order = [_place(f) for f in fields]
    if -1 in order:
        odd = fields[order.index(-1)]
        yield f"field {odd} is not numeric and no category; roles are {NUMERIC_ROLES}"
    if order != sorted(order):
        yield f"fields stand in the order {NUMERIC_ROLES}; got {[f.role for f in fields]}"
    if len({f.name for f in fields}) != len(fields):
        yield f"two fields have the same name: {[f.name for f in fields]}"
    if len(set(keys)) != len(keys):
        yield "two series have the same key"
    if sequences.groups is not None and sequences.groups.height != len(keys):
        yield f"{len(keys)} series and {sequences.groups.height} rows that name them"
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
    wrong = falling(times, offsets)
    if len(wrong):
        yield f"times rise within a series; got {times[wrong[0]]} before {times[wrong[0] + 1]}"


def _place(field: Field) -> int:
    """Where a field's role stands in the order of fields; -1 where it is none."""
    roles, first = NUMERIC_ROLES, 0
    if field.labels is not None:
        roles, first = CATEGORY_ROLES, len(NUMERIC_ROLES)
    return first + roles.index(field.role) if field.role in roles else -1


def _ends(offsets: Ints) -> list[Any]:
    return offsets.tolist() if len(offsets) <= 4 else [*offsets[:2], "...", *offsets[-2:]]
