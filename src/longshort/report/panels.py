"""One panel of forecasts: what happened as dots, the forecast as a line, its interval as a band."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import altair as alt

from longshort.records import ForecastPoint
from longshort.report.layout import WIDE, drawn_from, tips
from longshort.report.numerals import percent
from longshort.report.theme import BAND, INK, LSTM, MUTED, labelled
from longshort.report.timeline import Panel, Stamp, finite

# with more dots per pixel than this they run into each other: what happened becomes a line
_DENSEST = 0.5


@dataclass(frozen=True)
class Key:
    """The names in the legend of a forecast chart."""

    actual: str
    forecast: str
    interval: str
    columns: int

    @staticmethod
    def of(method: str, level: float | None, width: int) -> Key:
        """Names for a method's forecasts with intervals of a nominal level, in a chart's width."""
        interval = "interval" if level is None else f"{percent(level, 0)} interval"
        return Key("what happened", f"{method} forecast", interval, 0 if width >= WIDE else 2)

    def colour(self) -> alt.Color:
        """The colour that a layer's name has, with a legend shared by every layer and panel."""
        names = [self.actual, self.forecast, self.interval]
        scale = {"domain": names, "range": [INK, LSTM, BAND]}
        legend = {
            "title": None,
            "columns": self.columns,
            "symbolType": "square",
            "symbolStrokeWidth": 0,
            "symbolOpacity": 1,
        }
        return alt.Color("key:N", scale=scale, legend=legend)


@dataclass(frozen=True)
class Clock:
    """The time axis of a chart: the stamps by their text, and what the axis is called."""

    stamps: Mapping[str, Stamp]
    title: str
    temporal: bool

    @staticmethod
    def of(stamps: Mapping[str, Stamp]) -> Clock:
        """Dates, times of day, or row numbers, whichever the stamps are."""
        moments = [stamp for stamp in stamps.values() if isinstance(stamp, datetime)]
        if not moments:
            return Clock(stamps, "row of the series", False)
        whole = all(m.hour == m.minute == m.second == m.microsecond == 0 for m in moments)
        return Clock(stamps, "date" if whole else "time", True)

    def value(self, text: str) -> str | int:
        """A stamp as Vega-Lite reads it."""
        stamp = self.stamps[text]
        return stamp.strftime("%Y-%m-%dT%H:%M:%S.%fZ") if isinstance(stamp, datetime) else stamp

    def axis(self, times: Sequence[str], width: int) -> alt.X:
        """The x encoding; times are shown as they were written, never in the reader's zone."""
        count = max(3, width // 90)
        ticks: dict[str, Any] = {"title": self.title, "grid": False, "labelOverlap": "greedy"}
        if self.temporal:
            ticks |= {"tickCount": count, **self._dates(times, count)}
            return alt.X("t:T", scale={"type": "utc", "nice": False}, axis=ticks)
        ticks |= {"tickCount": count, "tickMinStep": 1}
        return alt.X("t:Q", scale={"zero": False, "nice": False}, axis=ticks)

    def _dates(self, times: Sequence[str], count: int) -> dict[str, Any]:
        """How the labels of a span of dates read; nothing where the axis' own choice is best."""
        shown = [stamp for t in times if isinstance(stamp := self.stamps[t], datetime)]
        days = (max(shown) - min(shown)) / timedelta(days=1)
        if self.title == "date" and days < count:
            return {"tickCount": "day", "format": "%-d %b"}
        if days < 1 / 12 or days > 900:
            return {}
        if days < count:
            return {"format": "%-d %b %H:%M"}
        return {"format": "%-d %b" if days <= 100 else "%b %Y"}


def forecast_panel(
    panel: Panel,
    clock: Clock,
    key: Key,
    unit: str,
    title: str,
    width: int,
    height: int,
    origin: bool = False,
) -> alt.LayerChart:
    """Layers of one series and target; its axis is in ``unit``.

    ``origin`` marks with a rule where the forecast begins, and joins what happened by a line.
    """
    points = panel.points
    happened = [(time, finite(value)) for time, value in panel.before]
    last = happened[-1][0] if happened else None
    happened += [(p.time, finite(p.actual)) for p in points]
    seen = [{"t": clock.value(time), "time": time, "actual": v} for time, v in happened]
    told = [_told(p, clock) for p in points]
    x = clock.axis(panel.times, width)
    y = alt.Y("low:Q", title=labelled(panel.target, unit), scale={"zero": False})
    # an area of one point has no width
    band = ("area", {}) if len(points) > 1 else ("bar", {"width": 6})
    layers = [
        _named(drawn_from(told, band[0], **band[1]), key.interval).encode(
            x, y, y2="high:Q", color=key.colour()
        )
    ]
    if origin and last is not None:
        rule = drawn_from([{"t": clock.value(last)}], "rule", color=MUTED, strokeDash=[3, 3])
        layers.append(rule.encode(x))
    layers += _happened(seen, x, key, width, joined=origin)
    stroke = 1.8 if len(points) <= _DENSEST * width else 1.1
    dotted = {"size": 18, "filled": True} if len(points) <= 60 else False
    line = drawn_from(told, "line", strokeWidth=stroke, strokeJoin="round", point=dotted)
    shown = tips("time:N", "point:Q", "low:Q", "high:Q", "actual:Q")
    layers.append(
        _named(line, key.forecast).encode(x, y="point:Q", color=key.colour(), tooltip=shown)
    )
    drawn: alt.LayerChart = alt.LayerChart(layer=layers)
    return drawn.properties(width=width, height=height, title=title)


def _named(layer: alt.Chart, name: str) -> alt.Chart:
    """The layer with its name in the legend."""
    return layer.transform_calculate(key=json.dumps(name))


def _happened(
    seen: list[dict[str, Any]], x: alt.X, key: Key, width: int, joined: bool
) -> list[alt.Chart]:
    known = [row for row in seen if row["actual"] is not None]
    many = len(known) > _DENSEST * width
    layers: list[alt.Chart] = []
    if many or joined:
        # a missing value breaks the line
        thickness = 0.8 if many else 1.1
        line = drawn_from(seen, "line", strokeWidth=thickness, strokeJoin="round", opacity=0.75)
        layers.append(_named(line, key.actual).encode(x, y="actual:Q", color=key.colour()))
    if not many:
        size = 22 if len(known) <= 80 else 11
        dots = drawn_from(known, "point", filled=True, size=size, opacity=1)
        shown = tips("time:N", "actual:Q")
        layers.append(
            _named(dots, key.actual).encode(x, y="actual:Q", color=key.colour(), tooltip=shown)
        )
    return layers


def _told(point: ForecastPoint, clock: Clock) -> dict[str, Any]:
    return {
        "t": clock.value(point.time),
        "time": point.time,
        "actual": finite(point.actual),
        "point": finite(point.point),
        "low": finite(point.low),
        "high": finite(point.high),
    }
