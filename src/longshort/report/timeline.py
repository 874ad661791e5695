"""Forecast points put in order: by series and target, along time, and by origin.

A record holds forecasts as a flat list. Here it becomes what a chart draws: the one-step-ahead
line of each series, and the fans of several steps from one origin.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise

from longshort.errors import DataError
from longshort.records import Evaluation, ForecastPoint

# fractional part of the golden ratio: multiples of it never fall into step with a season
_GOLDEN = 0.6180339887498949

Stamp = datetime | int


@dataclass(frozen=True)
class Panel:
    """What one panel of a chart draws of one series and target, in time order.

    ``total`` is the number of points there were; ``points`` may be fewer. ``before`` are times and
    values of what happened before the first point.
    """

    series: str
    target: str
    points: tuple[ForecastPoint, ...]
    total: int
    before: tuple[tuple[str, float | None], ...] = ()

    @property
    def times(self) -> list[str]:
        """Every time stamp that is drawn."""
        return [*(time for time, _ in self.before), *(point.time for point in self.points)]


def read_times(texts: Iterable[str]) -> dict[str, Stamp]:
    """Time stamps by their text: all of them row numbers, or all of them dates and times (UTC).

    Raises:
        DataError: a text is neither a whole number nor ISO 8601; the text is named.
    """
    known = dict.fromkeys(texts)
    try:
        return {text: int(text) for text in known}
    except ValueError:
        pass
    stamps: dict[str, Stamp] = {}
    for text in known:
        try:
            stamp = datetime.fromisoformat(text)
        except ValueError:
            raise DataError(
                f"the record's time {text!r} is neither a row number nor ISO 8601 "
                "(such as 2015-06-30 or 2015-06-30T12:00:00): make the record anew"
            ) from None
        stamps[text] = stamp.astimezone(UTC) if stamp.tzinfo else stamp.replace(tzinfo=UTC)
    return stamps


def in_time_order(points: Iterable[ForecastPoint]) -> list[ForecastPoint]:
    """Points sorted by time, then by step."""
    points = list(points)
    stamps = read_times(p.time for p in points)
    order = {stamp: i for i, stamp in enumerate(sorted(set(stamps.values())))}
    return sorted(points, key=lambda p: (order[stamps[p.time]], p.step))


def thin(points: Sequence[ForecastPoint], most: int) -> tuple[ForecastPoint, ...]:
    """At most ``most`` points: one from each of equally long stretches.

    The place within a stretch moves by the golden ratio, so that the choice neither falls into
    step with a season nor prefers any values: the share inside the interval stays what it was.
    """
    if len(points) <= most:
        return tuple(points)
    edges = [len(points) * i // most for i in range(most + 1)]
    return tuple(
        points[low + int((i * _GOLDEN) % 1.0 * (high - low))]
        for i, (low, high) in enumerate(pairwise(edges))
    )


def one_step_panels(
    evaluation: Evaluation, most_points: int = 2000, most_panels: int = 8
) -> list[Panel]:
    """The test part one step ahead: per target, the first few series, thinned to be drawn.

    Targets come first in the record's order; each has as many series as ``most_panels`` allows
    (at least one, at most three).
    """
    groups = _groups(p for p in evaluation.forecasts if p.step == 1)
    chosen = _choose(list(groups), evaluation.targets, most_panels, 3)
    share = most_points // max(1, len(chosen))
    return [
        Panel(series, target, thin(groups[series, target], share), len(groups[series, target]))
        for series, target in chosen
    ]


def origin_panels(
    evaluation: Evaluation, per_target: int = 3, most_panels: int = 12
) -> list[Panel]:
    """A few fans per target, spread evenly over the series and origins of the test part.

    A fan is a forecast of every step from one origin, with up to two horizons (at least 14 rows)
    of what happened before. Only origins whose whole horizon is in the record count.
    """
    panels: list[Panel] = []
    for target in evaluation.targets[: max(1, most_panels // per_target)]:
        fans = _fans([p for p in evaluation.forecasts if p.target == target], evaluation.horizon)
        panels += [fans[place] for place in _spread(len(fans), per_target)]
    return panels


def _fans(points: Sequence[ForecastPoint], horizon: int) -> list[Panel]:
    fans: list[Panel] = []
    if horizon < 2:
        return fans
    for (series, target), group in _groups(points).items():
        stamps = read_times(p.time for p in group)
        # the group is in time order, so the texts come in the order of their times
        rank = {stamp: place for place, stamp in enumerate(dict.fromkeys(stamps.values()))}
        # the origin is the row of a forecast's first step
        origins: dict[int, list[ForecastPoint]] = {}
        happened: dict[int, ForecastPoint] = {}
        for p in group:
            row = rank[stamps[p.time]]
            origins.setdefault(row - p.step + 1, []).append(p)
            happened.setdefault(row, p)
        for origin, fan in sorted(origins.items()):
            if sorted(p.step for p in fan) != list(range(1, horizon + 1)):
                continue
            rows = range(max(0, origin - max(14, 2 * horizon)), origin)
            before = tuple((happened[row].time, happened[row].actual) for row in rows)
            fans.append(
                Panel(series, target, tuple(sorted(fan, key=lambda p: p.step)), len(fan), before)
            )
    return fans


def _groups(points: Iterable[ForecastPoint]) -> dict[tuple[str, str], list[ForecastPoint]]:
    """Points by series and target, in time order, each time and step once."""
    groups: dict[tuple[str, str], dict[tuple[str, int], ForecastPoint]] = {}
    for point in points:
        groups.setdefault((point.series, point.target), {})[point.time, point.step] = point
    return {key: in_time_order(group.values()) for key, group in groups.items()}


def _choose(
    found: Sequence[tuple[str, str]], targets: Sequence[str], panels: int, series: int
) -> list[tuple[str, str]]:
    each = min(series, max(1, panels // max(1, len(targets))))
    return [
        key
        for target in targets[:panels]
        for key in [key for key in found if key[1] == target][:each]
    ]


def _spread(amount: int, most: int) -> list[int]:
    """``most`` places spread evenly over ``amount``, away from both ends."""
    if amount <= most:
        return list(range(amount))
    return [int((i + 0.5) * amount / most) for i in range(most)]


def finite(value: float | None) -> float | None:
    """The value, or None where it is missing or not finite."""
    return value if value is not None and math.isfinite(value) else None
