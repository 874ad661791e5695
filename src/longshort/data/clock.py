"""The clock that time stamps are read on: local or universal time, dates, years, plain counts.

Inside, every stamp is a number of microseconds that steps are counted in. A clock says what those
numbers are, and gives stamps back in the kind that the user's own column has.

Hours and minutes pass evenly in universal time (UTC), days and months on the wall: in a zone with
daylight-saving time a local day has 23, 24 or 25 hours. Stamps with a zone are therefore counted in
UTC where rows are less than a day apart, and by the local calendar else.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal, get_args

import numpy as np
import polars as pl

from longshort.data.steps import Step, Times, time_text
from longshort.errors import ArgumentError

Kind = Literal["time", "date", "year", "count"]
_DAY = np.timedelta64(1, "D")


@dataclass(frozen=True)
class Clock:
    """What the microseconds of ``Sequences.times`` are.

    Args:
        kind: what the user's column holds: times, dates, years as whole numbers (2012), or a count
            of whole numbers, whose unit is then read as a microsecond.
        zone: the IANA name of the time zone, where stamps have one.
        universal: stamps are instants in UTC; else they are what a clock on the wall shows.
    """

    kind: Kind = "time"
    zone: str | None = None
    universal: bool = False

    def __post_init__(self) -> None:
        if self.kind not in get_args(Kind):
            raise ArgumentError(f"a clock's kind is one of {get_args(Kind)}; got {self.kind!r}")
        if self.zone is not None:
            object.__setattr__(self, "zone", check_zone(self.zone))
        elif self.universal:
            raise ArgumentError("a clock in universal time needs the zone that it is told in")

    def local(self, times: Times) -> Times:
        """What a clock on the wall shows: what calendars and seasons go by; any shape."""
        return to_wall(times, self.zone) if self.zone and self.universal else times

    def column(self, name: str, times: Times) -> pl.Series:
        """(N,) stamps as a column of the user's own kind: times (in their zone), dates, numbers."""
        if self.kind == "count":
            return pl.Series(name, np.asarray(times, "datetime64[us]").view(np.int64))
        column = pl.Series(name, np.asarray(times, "datetime64[us]"))
        if self.kind == "year":
            return column.dt.year().cast(pl.Int64)
        if self.kind == "date":
            return column.cast(pl.Date)
        if self.zone is None:
            return column
        instants = times if self.universal else to_universal(times, self.zone)
        return pl.Series(name, instants).dt.replace_time_zone("UTC").dt.convert_time_zone(self.zone)

    def text(self, time: np.datetime64, step: Step | None = None) -> str:
        """A stamp for people: "2012-01-31", "2012-01-31T12:30:00", with an offset, "2012", "17"."""
        if self.kind == "count":
            return str(int(time.astype("datetime64[us]").astype(np.int64)))
        if self.kind == "year":
            return str(time.astype("datetime64[Y]"))
        if not self.universal:
            return time_text(time, step)
        wall = self.local(np.array([time], "datetime64[us]"))[0]
        minutes = int((wall - time) / np.timedelta64(1, "m"))
        sign, size = "-" if minutes < 0 else "+", abs(minutes)
        return f"{time_text(wall, Step(1, 's'))}{sign}{size // 60:02d}:{size % 60:02d}"

    def read(self, text: str, name: str = "time stamp") -> np.datetime64:
        """A stamp that the user wrote, on this clock; without a zone it is meant as a local one.

        Raises:
            ArgumentError: it cannot be read; ``name`` and the accepted forms are told.
        """
        if self.kind == "count":
            try:
                return np.datetime64(int(text), "us")
            except ValueError:
                raise ArgumentError(
                    f"{name} {text!r}: the time column counts in whole numbers; write one"
                ) from None
        moment, zoned = parse(text, name)
        if self.zone is None or zoned == self.universal:
            return moment
        there = to_wall if zoned else to_universal
        return np.datetime64(there(np.array([moment]), self.zone)[0], "us")


def check_zone(zone: str) -> str:
    """The zone by its usual name, if there is one; an ArgumentError otherwise."""
    # pandas calls a fixed offset UTC+01:00
    plain = zone.removeprefix("UTC") if zone[3:4] in ("+", "-") else zone
    try:
        dtype = pl.Series([0]).cast(pl.Datetime("us", plain)).dtype if plain else None
    except (pl.exceptions.PolarsError, TypeError):
        dtype = None
    if not isinstance(dtype, pl.Datetime) or dtype.time_zone is None:
        raise ArgumentError(
            f"there is no time zone {zone!r}: write its IANA name, such as Europe/Berlin or UTC"
        )
    return dtype.time_zone


def to_wall(times: Times, zone: str) -> Times:
    """What clocks of a zone show at instants in UTC; any shape."""
    column = pl.Series(np.asarray(times, "datetime64[us]").reshape(-1))
    shown = column.dt.replace_time_zone("UTC").dt.convert_time_zone(zone).dt.replace_time_zone(None)
    return shown.to_numpy().astype("datetime64[us]", copy=False).reshape(np.shape(times))


def to_universal(times: Times, zone: str) -> Times:
    """The instants at which clocks of a zone show these local times, (N,).

    A time that is shown twice (clocks go back) is the first of both; one that is never shown
    (clocks go forward) is as long after the change as it would have been without it.
    """
    instants = pl.Series(on_wall(times, zone, "earliest"))
    if instants.null_count():
        # an hour that is left out: count on from the same time on the day before
        before = pl.Series(on_wall(times - _DAY, zone, "earliest")) + _DAY.astype(object)
        instants = pl.select(pl.coalesce(instants, before)).to_series()
    return instants.to_numpy().astype("datetime64[us]", copy=False)


def on_wall(times: Times, zone: str, which: Literal["earliest", "latest"]) -> Times:
    """The instants at which clocks of a zone show these local times, (N,); NaT where they never do.

    Args:
        times: local times.
        zone: IANA name.
        which: of the two instants of an hour that is shown twice.
    """
    column = pl.Series(np.asarray(times, "datetime64[us]")).dt.replace_time_zone(
        zone, ambiguous=which, non_existent="null"
    )
    instants = column.dt.convert_time_zone("UTC").dt.replace_time_zone(None)
    return instants.to_numpy().astype("datetime64[us]", copy=False)


def parse(text: str, name: str = "time stamp") -> tuple[np.datetime64, bool]:
    """An ISO date or time as datetime64[us], converted to UTC where it has a zone; whether it has.

    Raises:
        ArgumentError: it cannot be read; ``name`` and the accepted forms are told.
    """
    try:
        moment = _moment(text.strip().replace("/", "-"))
        zoned = moment.tzinfo is not None
        if zoned:
            moment = moment.astimezone(UTC).replace(tzinfo=None)
    except (ValueError, OverflowError):
        raise ArgumentError(
            f"{name} {text!r} is not a date or time: write 2014-01-01 or 2014-01-01T12:00"
        ) from None
    return np.datetime64(moment, "us"), zoned


def _moment(plain: str) -> datetime:
    """An ISO date or time, a month or a year."""
    try:
        return datetime.fromisoformat(plain if plain.count("-") != 1 else f"{plain}-01")
    except ValueError:
        return datetime(int(plain), 1, 1)
