"""Rows in time: the clock they are counted on, their order, the step they keep, and its gaps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from longshort.data.clock import Clock, on_wall, to_wall
from longshort.data.sequences import Floats
from longshort.data.sources.stamps import Where
from longshort.data.steps import Ints, Step, Times, falling, fixed_step, infer_step, pair_rows
from longshort.errors import ArgumentError, DataError, suggest

Fill = Literal["none", "missing", "previous", "ignore"]
# pairs of neighbouring rows that are looked at together
_PAIRS = 2**20
_HOUR = np.timedelta64(1, "h")
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
        clock: what the stamps count.
        fitted: the table is read for a model that is fitted, whose settings stand.
    """

    times: Times
    offsets: Ints
    keys: Sequence[str]
    rows: Ints
    name: str
    source: str
    where: Where
    grouped: bool
    clock: Clock
    fitted: bool

    @property
    def use(self) -> str:
        """How a setting is changed."""
        return "fit the model again with" if self.fitted else "use"

    def text(self, row: int, step: Step | None = None) -> str:
        """The stamp of a row."""
        return self.clock.text(self.times[row], step)

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


def localise(stamped: Stamped, like: Clock | None = None) -> Stamped:
    """Stamps on the clock that their steps are counted on, see ``clock``.

    Local times of a zone become instants; of an hour that clocks show twice, the rows before the
    first step back are the first pass, those from it on the second. Rows that are a whole number
    of local days apart, or regular in local time alone, are then counted on the wall.

    Args:
        stamped: rows as they were read, series by series.
        like: the clock that a model was fitted on.

    Raises:
        DataError: a local time that clocks never showed; stamps without a zone for a model that
            was fitted on stamps with one, or the other way round.
    """
    clock, times = stamped.clock, stamped.times
    zone = clock.zone
    if like is not None and (zone is None) != (like.zone is None):
        raise DataError(
            f"{stamped.source}, column {stamped.name!r}: the stamps have "
            f"{'no time zone' if zone is None else f'a time zone ({zone})'}, and the model was "
            f"fitted on stamps {f'of {like.zone}' if zone is None else 'without one'}; give both "
            "alike"
        )
    if zone is None:
        return stamped
    zone = zone if like is None or like.zone is None else like.zone
    if not clock.universal:
        times = _instants(stamped, zone)
    wall = to_wall(times, zone)
    found = replace(stamped, times=times, clock=Clock("time", zone, universal=True))
    if not _by_wall(found, wall) if like is None else like.universal:
        return found
    return replace(found, times=wall, clock=Clock("time", zone))


def _instants(stamped: Stamped, zone: str) -> Times:
    """Local times in the order of their rows as instants in UTC."""
    times, offsets = stamped.times, stamped.offsets
    early, late = (on_wall(times, zone, which) for which in ("earliest", "latest"))
    if np.isnat(early).any():
        row = int(np.isnat(early).argmax())
        raise DataError(
            f"{stamped.where(int(stamped.rows[row]))}, column {stamped.name!r}: "
            f"{stamped.series(row)}{stamped.text(row)} is left out by the clocks of {zone}, which "
            "go forward there; correct the stamp, or the zone"
        )
    twice = early != late
    if not twice.any():
        return early
    first = np.zeros(len(times), dtype=bool)
    first[offsets[:-1]] = True
    before = np.roll(twice, 1) & ~first
    back = twice & before & (times <= np.roll(times, 1))
    steps = np.cumsum(back)
    # steps back since the hour began in this series
    since = steps - np.maximum.accumulate(np.where(twice & ~before, steps, 0))
    return np.where(twice & (since > 0), late, early)


def _by_wall(stamped: Stamped, wall: Times) -> bool:
    """Whether rows keep their step in local time rather than in UTC."""
    if len(falling(wall, stamped.offsets)):
        return False
    local = infer_step(wall, stamped.offsets)
    if local is None or local.whole_days:
        return local is not None
    universal = infer_step(stamped.times, stamped.offsets)
    rows = pair_rows(len(wall), stamped.offsets)
    here = _apart(stamped.times, rows, universal or local)[1]
    return not here.all() and bool(_apart(wall, rows, local)[1].all())


def check_order(stamped: Stamped) -> None:
    """Refuse stamps that are not rising within a series.

    Raises:
        DataError: the first duplicate or step back, with both places and stamps.
    """
    times = stamped.times
    rows = falling(times, stamped.offsets)
    if not len(rows):
        return
    # of several series, the one whose trouble comes first in the file
    row = int(rows[stamped.rows[rows + 1].argmin()])
    first, second = stamped.text(row), stamped.text(row + 1)
    place, series = stamped.where(int(stamped.rows[row + 1])), stamped.series(row)
    hint = _changed_clocks(stamped, row, times[row] - times[row + 1])
    if not hint and not stamped.grouped:
        again = "fit the model again and " if stamped.fitted else ""
        hint = (
            f". If the table holds several series, {again}name the column that tells them apart "
            "(--group)"
        )
    if times[row] == times[row + 1]:
        raise DataError(
            f"{place}, column {stamped.name!r}: {series}{second} is there twice (also in "
            f"{stamped.place(row)}); keep one row of each time stamp{hint}"
        )
    raise DataError(
        f"{place}, column {stamped.name!r}: {series}{second} comes after {first} in "
        f"{stamped.place(row)}; sort the rows by {stamped.name!r}{hint}"
    )


def _changed_clocks(stamped: Stamped, row: int, amount: np.timedelta64) -> str:
    """What to do where clocks were changed: an hour or less, at night, in local time."""
    time = stamped.times[row]
    hour = time - time.astype("datetime64[D]")
    if stamped.clock != Clock("time") or not hour < 4 * _HOUR or not amount <= _HOUR:
        return ""
    return (
        ". If clocks were changed there, name the zone of these local times with Columns(zone=...) "
        "(--zone Europe/Berlin)"
    )


def settle_step(stamped: Stamped, fill: Fill) -> tuple[Step | None, Ints]:
    """The step of the rows, and how many steps each pair of neighbours is apart.

    Returns:
        The step, None where no series has two rows; and (P,) of int64, 1 where there is no gap
        and everywhere with ``fill="ignore"``.

    Raises:
        DataError: the rows keep no step, one is off it, or rows are absent and ``fill="none"``.
    """
    times, counted = stamped.times, stamped.clock.kind == "count"
    step = infer_step(times, stamped.offsets, counted=counted)
    if step is None:
        return None, np.zeros(0, dtype=np.int64)
    rows = pair_rows(len(times), stamped.offsets)
    steps, exact = _apart(times, rows, step)
    single = exact & (steps == 1)
    irregular = single.mean() < 0.5 or exact.mean() < 0.9
    if fill == "ignore":
        if irregular:
            usual = int(np.median((times[rows + 1] - times[rows]).astype(np.int64)))
            step = Step(usual, "n") if counted else fixed_step(usual)
        return step, np.ones(len(rows), dtype=np.int64)
    equally = f"{stamped.use} fill='ignore' (--fill ignore), which reads the rows as equally spaced"
    if irregular or not exact.all():
        odd = int(rows[(~single if irregular else ~exact).argmax()])
        what = (
            f"and the rows keep no regular step (the most common is {_as_often(step, single)}). "
            "Make them regular (one row per hour, day, ...)"
            if irregular
            else f"which is not a whole number of steps of {step.label} "
            f"({_as_often(step, single)}). Correct the stamp"
        )
        hint = ", name the zone whose days count (zone=, --zone)" if stamped.clock.zone else ""
        raise DataError(f"{_between(stamped, odd)}, {what}{hint}, or {equally}")
    absent = steps - 1
    if fill == "none" and absent.any():
        odd = int(rows[(absent > 0).argmax()])
        apart = times[odd + 1] - step.advance(times[odd], 1)[()]
        raise DataError(
            f"{_between(stamped, odd)}, a gap where rows are {step.label} apart (gaps: "
            f"{int((absent > 0).sum())}, absent rows: {int(absent.sum())}). Add the rows, or "
            f"{stamped.use} fill= (--fill): 'missing' inserts rows without values, 'previous' "
            "repeats the covariates of the row before, 'ignore' reads the rows as equally spaced"
            f"{_changed_clocks(stamped, odd, apart)}"
        )
    return step, steps


def _apart(times: Times, rows: Ints, step: Step) -> tuple[Ints, NDArray[np.bool_]]:
    """How many steps each of these rows is before the next one, and whether they fit exactly."""
    steps, exact = np.empty(len(rows), np.int64), np.empty(len(rows), np.bool_)
    for start in range(0, len(rows), _PAIRS):
        part = slice(start, start + _PAIRS)
        steps[part], exact[part] = step.between(times[rows[part]], times[rows[part] + 1])
    return steps, exact


def _as_often(step: Step, single: NDArray[np.bool_]) -> str:
    return f"{step.label} in {int(single.sum())} of {len(single)} neighbouring rows"


def _between(stamped: Stamped, row: int) -> str:
    """Two neighbouring rows and their stamps."""
    return (
        f"{stamped.where(int(stamped.rows[row + 1]))}, column {stamped.name!r}: "
        f"{stamped.series(row)}{stamped.text(row)} is followed by {stamped.text(row + 1)}"
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
    rows = pair_rows(len(times), offsets)
    ahead = np.ones(len(times), dtype=np.int64)
    ahead[rows] = steps
    total = int(ahead.sum())
    if total > (1 + _MOST_INSERTED) * len(times):
        widest = int(rows[steps.argmax()])
        raise DataError(
            f"{_between(stamped, widest)}: filling the gaps would make {total} rows of "
            f"{len(times)}. Correct the stamp if it is wrong, or {stamped.use} fill='ignore' "
            "(--fill ignore)"
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
