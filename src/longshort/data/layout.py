"""One row of a table as it comes in a stream, and the contract of what reads such rows."""

from __future__ import annotations

import datetime
import math
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from longshort.contracts import State
from longshort.data.clock import Clock
from longshort.data.sequences import Field, Floats
from longshort.data.sources.fields import MISSING
from longshort.data.steps import Ints, Step, step_in_words
from longshort.errors import DataError, suggest

Gap = Literal["missing", "previous", "ignore"]


@dataclass(frozen=True)
class RowLayout:
    """What a fitted model knows of the columns of its table. Times are microseconds on ``clock``.

    Args:
        fields: the F columns of values; the values of a category are places in its labels, and an
            unknown label has the place after the last one.
        group: columns that name a series.
        time_column: that of times; None where rows have none.
        step: how far apart rows are; None where they lie at any times, or have none.
        clock: what times count.
        gap: what stands in the place of a row that did not come.
    """

    fields: tuple[Field, ...]
    group: tuple[str, ...] = ()
    time_column: str | None = None
    step: Step | None = None
    clock: Clock = Clock()  # noqa: RUF009 - a frozen value
    gap: Gap = "missing"

    @classmethod
    def spaced(
        cls,
        fields: tuple[Field, ...],
        group: tuple[str, ...],
        time: str | None,
        spacing: str,
        clock: Clock,
        fill: str,
    ) -> RowLayout:
        """Of a model that keeps the spacing of its rows in words, and the gap policy of its fit.

        A model that was fitted on data without gaps ("none") reads a row that did not come as one
        whose values are missing.
        """
        gap: Gap = "previous" if fill == "previous" else "ignore" if fill == "ignore" else "missing"
        return cls(fields, group, time, step_in_words(spacing), clock, gap)

    @property
    def names(self) -> tuple[str, ...]:
        """The columns of values."""
        return tuple(field.name for field in self.fields)

    @property
    def needed(self) -> tuple[str, ...]:
        """Every column of a row."""
        own = () if self.time_column is None else (self.time_column,)
        return tuple(dict.fromkeys((*self.group, *own, *self.names)))

    @property
    def timed(self) -> bool:
        """Whether rows have times."""
        return self.time_column is not None

    @property
    def regular(self) -> bool:
        """Whether rows are a step apart."""
        return self.timed and self.step is not None and self.gap != "ignore"

    @cached_property
    def _readers(self) -> tuple[tuple[str, dict[str, int] | None], ...]:
        def places(field: Field) -> dict[str, int] | None:
            return (
                None if field.labels is None else {label: n for n, label in enumerate(field.labels)}
            )

        return tuple((field.name, places(field)) for field in self.fields)

    def values(self, row: Mapping[str, Any]) -> Floats:
        """(F,), NaN where a value is missing, as one is whose column is not there.

        Raises:
            DataError: a value is no number, or none of the columns is there.
        """
        found = np.full(len(self.fields), math.nan)
        there = False
        for at, (name, places) in enumerate(self._readers):
            value = row.get(name, _ABSENT)
            if value is _ABSENT:
                continue
            there = True
            if places is None:
                found[at] = _number(value, name)
            elif not _missing(value):
                found[at] = places.get(_text(value), len(places))
            elif "" in places:
                found[at] = places[""]
        if not there and self.fields:
            known = suggest(next(iter(map(str, row)), ""), self.names)
            raise DataError(f"the row has none of the columns that the model reads: {known}")
        return found

    def key(self, row: Mapping[str, Any]) -> tuple[str, ...]:
        """The name of the row's series; () where there is but one.

        Raises:
            DataError: a column that names the series is not there, or is empty.
        """
        for name in self.group:
            if _missing(row.get(name)):
                raise DataError(f"column {name!r}: the name of the series is missing; fill it in")
        return tuple(_text(row[name]) for name in self.group)

    def time(self, row: Mapping[str, Any]) -> int | None:
        """When the row is; None where rows have no times.

        Raises:
            DataError: the time is not there. ArgumentError: it cannot be read.
        """
        if self.time_column is None:
            return None
        if _missing(row.get(self.time_column)):
            raise DataError(f"column {self.time_column!r}: the time is missing; fill it in")
        return self.moment(row[self.time_column])

    def moment(self, stamp: Any) -> int:
        """A stamp as it is written: text, a date or time of Python or NumPy, or a whole number.

        Raises:
            ArgumentError: it cannot be read.
        """
        name = f"column {self.time_column!r}:" if self.time_column else "time stamp"
        if isinstance(stamp, np.datetime64):
            return int(stamp.astype("datetime64[us]").astype(np.int64))
        if isinstance(stamp, datetime.datetime | datetime.date):
            stamp = stamp.isoformat()
        return int(self.clock.read(_text(stamp), name).astype(np.int64))

    def text(self, time: int) -> str:
        """A time for people."""
        return self.clock.text(np.datetime64(time, "us"), self.step)

    def apart(self, before: Ints, now: Ints) -> tuple[Ints, NDArray[np.bool_]]:
        """(B,) steps from one time to another, and whether they are whole; any day of a month is.

        Raises:
            ValueError: rows keep no step.
        """
        if self.step is None:
            raise ValueError("rows keep no step")
        length = self.step.fixed
        if length is not None:
            gone = now - before
            return gone // length, gone % length == 0
        found, exact = self.step.between(before.view("datetime64[us]"), now.view("datetime64[us]"))
        return found, np.ones_like(exact) if self.step.unit != "bd" else exact

    def later(self, times: Ints, steps: int) -> Ints:
        """(B,) times so many steps later.

        Raises:
            ValueError: rows keep no step.
        """
        if self.step is None:
            raise ValueError("rows keep no step")
        return self.step.advance(times.view("datetime64[us]"), steps).view(np.int64)


class Stream(Protocol):
    """Sessions of one fitted model side by side, numbered from 0, each with a state of its own.

    ``longshort.Session`` looks after what arrives and when; a stream reads it, and answers. Its
    answers are a NamedTuple of arrays whose first axis is that of the rows which were read.

    ``memory``: an answer depends on the last rows alone ("window"; how many, the stream tells), or
    on all since the session began ("carried"). ``layout`` is that of a row of a table; None where
    what is read is a piece of text or sound. ``state`` has the sessions as its first axis.
    """

    memory: Literal["window", "carried"]
    sessions: int
    layout: RowLayout | None

    @property
    def state(self) -> State:
        """What all sessions remember; a copy."""
        ...

    def load(self, state: State) -> None:
        """Go on from such a state.

        Raises:
            ValueError: it does not fit.
        """
        ...

    def begin(self, sessions: Ints, keys: Sequence[tuple[str, ...]]) -> None:
        """These sessions (B,) forget all; ``keys`` are the names of their series, or ()."""
        ...

    def step(self, sessions: Ints, values: Any, times: Ints | None) -> tuple[Any, ...]:
        """Read the next row of each of these sessions, and answer.

        Args:
            sessions: (B,) rising numbers, each once.
            values: (B, F) in the order of ``layout.names``, NaN where missing; a list of B pieces
                where there is no layout.
            times: (B,) of each row; None where rows have no times.
        """
        ...

    def told(self, answers: tuple[Any, ...]) -> list[dict[str, Any]]:
        """Answers as plain values by name, a record for each row; what is not known is None."""
        ...


@runtime_checkable
class Streamed(Protocol):
    """A fitted estimator that can read on and on."""

    def opened(self, sessions: int) -> Stream:
        """So many sessions, all at their beginning.

        Raises:
            ArgumentError: it is not causal, or needs what no stream can know; the message says what
                to fit instead.
        """
        ...

    def fingerprint(self) -> str:
        """64 hexadecimal digits that tell this fitted model from every other one."""
        ...


_ABSENT = object()


def _missing(value: Any) -> bool:
    if value is None or value is _ABSENT:
        return True
    if isinstance(value, str):
        return value.strip().lower() in MISSING
    return isinstance(value, float | np.floating) and math.isnan(value)


def _text(value: Any) -> str:
    """A name as tables are read: without blanks at its ends, whole numbers without a point."""
    if isinstance(value, float | np.floating) and float(value).is_integer():
        value = int(value)
    return unicodedata.normalize("NFC", str(value).strip())


def _number(value: Any, name: str) -> float:
    if _missing(value):
        return math.nan
    try:
        found = float(value)
    except (OverflowError, TypeError, ValueError):
        found = math.inf
    if math.isinf(found):
        raise DataError(
            f"column {name!r} is {str(value)[:40]!r}, and must be a number; correct it, or leave "
            "it empty if it is missing"
        )
    return found
