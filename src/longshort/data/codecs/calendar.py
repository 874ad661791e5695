"""The calendar as smooth numbers: where a time stamp stands in the year, the week, the day.

A cycle's phase p in [0, 1) becomes sin(2 pi p) and cos(2 pi p), so that December is next to
January and 23:00 next to 00:00.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from longshort.data.sequences import Floats
from longshort.data.steps import Step, Times
from longshort.errors import ArgumentError, suggest

Cycle = Literal["year", "week", "day", "hour"]

_DAY = 86_400.0
# a cycle is worth telling up to this step, in seconds: a longer one sees at most its two halves
_LONGEST: dict[Cycle, float] = {
    "year": 183 * _DAY,
    "week": 3 * _DAY,
    "day": _DAY / 2,
    "hour": 1200.0,
}
# steps per cycle by unit, for a count of 1: the shortest season first
_SEASONS: dict[str, tuple[int, ...]] = {
    "s": (3600, 86_400),
    "min": (1440, 10_080),
    "h": (24, 168),
    "d": (7, 365),
    "bd": (5, 261),
    "w": (52,),
    "mo": (12,),
    "q": (4,),
}


def calendar_cycles(step: Step | None) -> tuple[Cycle, ...]:
    """The cycles that rows of this step move through, the longest first.

    ``1 month`` gives ("year",), ``1 day`` ("year", "week"), ``1 hour`` ("year", "week", "day"),
    steps up to 20 minutes also "hour"; () for yearly rows, plain counts and where there is no step.
    """
    if step is None or step.unit == "n":
        return ()
    return tuple(cycle for cycle, longest in _LONGEST.items() if step.seconds <= longest)


def phase(times: Times, cycle: str) -> Floats:
    """Where each time stands in a cycle: 0 at its beginning, below 1; any shape.

    The year begins on 1 January and has 365 or 366 days as it comes; the week begins on Monday.

    Raises:
        ArgumentError: the cycle is unknown.
    """
    times = np.asarray(times, dtype="datetime64[us]")
    if cycle == "year":
        year = times.astype("datetime64[Y]")
        start = year.astype("datetime64[us]")
        length = (year + 1).astype("datetime64[us]") - start
        return np.asarray((times - start) / length, dtype=np.float64)
    micro = times.astype(np.int64)
    # 1 January 1970 was a Thursday, three days after the week's beginning
    origin, seconds = {"week": (3 * _DAY, 7 * _DAY), "day": (0.0, _DAY), "hour": (0.0, 3600.0)}.get(
        cycle, (0.0, 0.0)
    )
    if not seconds:
        raise ArgumentError(f"cycle {cycle!r} is unknown: {suggest(cycle, get_args(Cycle))}")
    length = int(seconds * 1e6)
    return ((micro + int(origin * 1e6)) % length) / length


def encode_calendar(times: Times, cycles: Sequence[str]) -> NDArray[np.float32]:
    """Sine and cosine of each time's phase in each cycle.

    Args:
        times: datetime64 of any shape (...).
        cycles: C names, as ``calendar_cycles`` gives them.

    Returns:
        float32 (..., 2 C) in -1 to 1: sine and cosine of the first cycle, then of the next.

    Raises:
        ArgumentError: a cycle is unknown.
    """
    times = np.asarray(times, dtype="datetime64[us]")
    encoded = np.empty((*times.shape, 2 * len(cycles)), dtype=np.float32)
    for at, cycle in enumerate(cycles):
        angle = 2 * np.pi * phase(times, cycle)
        encoded[..., 2 * at] = np.sin(angle)
        encoded[..., 2 * at + 1] = np.cos(angle)
    return encoded


def seasons(step: Step | None) -> tuple[int, ...]:
    """Season lengths, in rows, that a series of this step may have; the shortest first.

    1 day: (7, 365); 1 hour: (24, 168); 30 minutes: (48, 336); 1 week: (52,); 1 month: (12,);
    1 quarter: (4,); business days: (5, 261). Counts above 1 keep the seasons they divide evenly.
    (1,) where there is none, or no step.
    """
    if step is None:
        return (1,)
    found = [s // step.count for s in _SEASONS.get(step.unit, ()) if s % step.count == 0]
    return tuple(s for s in found if s > 1) or (1,)
