"""Rows as they arrive: read, and what is done about those that come late, twice or not at all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, cast, get_args

import numpy as np
from numpy.typing import NDArray

from longshort.contracts import Params
from longshort.data.layout import RowLayout
from longshort.data.steps import Ints
from longshort.errors import ArgumentError, DataError, suggest

Late = Literal["refuse", "ignore"]
Missing = Literal["fill", "refuse", "reset"]


@dataclass(frozen=True)
class Arrival(Params):
    """What is done about rows that do not come a step after the one before.

    Args:
        late: a row that is earlier than the one before, or of the same time: "refuse" it with an
            error, or "ignore" it.
        missing: rows that did not come: "fill" them as the model was fitted to (without values, or
            with those of the row before), "refuse" the row after them, or "reset": begin anew.
        longest: steps; where more than so many rows did not come, the session begins anew.

    Raises:
        ArgumentError: a value that is not possible.
    """

    late: Late = "refuse"
    missing: Missing = "fill"
    longest: int = 100

    def __post_init__(self) -> None:
        for name, known in (("late", get_args(Late)), ("missing", get_args(Missing))):
            if (value := getattr(self, name)) not in known:
                raise ArgumentError(f"Arrival({name}={value!r}): {suggest(str(value), known)}")
        self._whole(0, "longest")


class ArrivalError(DataError):
    """A row that does not come when it should: which one, of those that were given at once."""

    def __init__(self, row: int, told: str) -> None:
        super().__init__(told)
        self.row = row


class Arrived(NamedTuple):
    """Of B rows: which are read, which begin anew, and how many steps are missing before each."""

    read: NDArray[np.bool_]
    begin: NDArray[np.bool_]
    gaps: Ints


def arrived(
    arrival: Arrival, layout: RowLayout, last: Ints, times: Ints, begin: NDArray[np.bool_]
) -> Arrived:
    """What is to be done about rows of sessions.

    Args:
        arrival: what is asked.
        layout: how far apart rows are.
        last: (B,) when the row before was.
        times: (B,) when the rows are.
        begin: (B,) sessions that have no row before.

    Raises:
        ArrivalError: a row comes late, off its step, or after others that are missing, and that is
            refused.
    """
    read = begin | (times > last)
    late = np.flatnonzero(~read)
    if len(late) and arrival.late == "refuse":
        at = int(late[0])
        told = "repeats the time of" if times[at] == last[at] else "is not after"
        raise ArrivalError(
            at,
            f"{layout.text(int(times[at]))} {told} the row before ({layout.text(int(last[at]))}); "
            "leave it out, or use Arrival(late='ignore') (--late ignore)",
        )
    if not layout.regular:
        return Arrived(read, begin, np.zeros(len(times), np.int64))
    counts = read & ~begin
    steps, exact = layout.apart(np.where(counts, last, times), times)
    wrong = np.flatnonzero(counts & ~exact)
    if len(wrong):
        at = int(wrong[0])
        raise ArrivalError(
            at,
            f"{layout.text(int(times[at]))} is no whole number of steps after "
            f"{layout.text(int(last[at]))}; correct the time, or fit with fill='ignore' "
            "(--fill ignore), which reads rows in order",
        )
    gaps = np.where(counts, np.maximum(steps - 1, 0), 0)
    if (gaps > 0).any() and arrival.missing == "refuse":
        at = int((gaps > 0).argmax())
        raise ArrivalError(
            at,
            f"{gaps[at]} rows are missing before {layout.text(int(times[at]))}; give them, reset "
            "the session, or use Arrival(missing='fill') (--missing fill)",
        )
    anew = gaps > (0 if arrival.missing == "reset" else arrival.longest)
    return Arrived(read, begin | anew, np.where(anew, 0, gaps))


@dataclass(frozen=True)
class Rows:
    """Rows as they came: (B, F) values or pieces, (B,) times, and the series of each."""

    values: Any
    times: Ints | None
    keys: list[tuple[str, ...]] | None

    @classmethod
    def read(cls, rows: Any, times: Sequence[Any] | None, layout: RowLayout | None) -> Rows:
        """Rows as ``Session.push_many`` takes them.

        Raises:
            DataError: one cannot be read.
        """
        if layout is None:
            return cls(list(rows), None, None)
        if isinstance(rows, np.ndarray) or not isinstance(rows[0], Mapping):
            values = np.asarray(rows, np.float64)
            if values.ndim != 2 or values.shape[1] != len(layout.names):
                raise DataError(
                    f"rows of shape {values.shape}: give {len(layout.names)} values for each, of "
                    f"{', '.join(layout.names)}"
                )
            if np.isinf(values).any():
                at, column = np.argwhere(np.isinf(values))[0]
                raise DataError(f"row {at}: {layout.names[column]} is infinite; NaN is missing")
            return cls(values, _moments(times, len(values), layout), None)
        values = np.stack([layout.values(row) for row in rows])
        keys = [layout.key(row) for row in rows] if layout.group else None
        if times is not None:
            return cls(values, _moments(times, len(values), layout), keys)
        own = [time for row in rows if (time := layout.time(row)) is not None]
        return cls(values, np.array(own, np.int64) if own else None, keys)

    def take(self, at: Ints) -> Rows:
        """Those of these places."""
        listed = isinstance(self.values, list)
        return Rows(
            [self.values[n] for n in at.tolist()] if listed else self.values[at],
            None if self.times is None else self.times[at],
            None if self.keys is None else [self.keys[n] for n in at.tolist()],
        )

    def key(self, at: int) -> tuple[str, ...]:
        """The series of one of them; () where that is not told."""
        return () if self.keys is None else self.keys[at]


def _moments(times: Sequence[Any] | None, count: int, layout: RowLayout) -> Ints | None:
    if times is None:
        if layout.regular:
            raise ArgumentError("the model reads rows that are a step apart: give their times")
        return None
    if len(times) != count:
        raise ArgumentError(f"{len(times)} times for {count} rows")
    if isinstance(times, np.ndarray) and times.dtype.kind == "M":
        return cast(Ints, np.asarray(times, "datetime64[us]").astype(np.int64))
    return np.array([layout.moment(stamp) for stamp in times], np.int64)


def spread(answers: Any, places: Ints, count: int) -> Any:
    """Answers at their places among ``count``; nothing is known of the others."""

    def moved(part: NDArray[Any]) -> NDArray[Any]:
        blank: Any = {"f": np.nan, "b": False, "O": None, "M": np.datetime64("NaT")}
        whole_ = np.full((count, *part.shape[1:]), blank.get(part.dtype.kind, -1), part.dtype)
        whole_[places] = part
        return whole_

    return type(answers)(*(moved(np.asarray(part)) for part in answers))


def merged(answers: Any, told: Any, places: Ints) -> Any:
    """Answers with those of another turn at their places."""
    if told is None:
        return answers
    for part, new in zip(answers, told, strict=True):
        part[places] = new[places]
    return answers
