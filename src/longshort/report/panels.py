"""One panel of forecasts: what happened as dots, the forecast as a line, its interval as a band."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import altair as alt

from longshort.records import ForecastPoint
from longshort.report.layout import drawn_from
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

    @staticmethod
    def of(method: str, level: float | None) -> Key:
        """Names for a method's forecasts with intervals of a nominal level."""
        interval = "interval" if level is None else f"{percent(level, 0)} interval"
        return Key("what happened", f"{method} forecast", interval)

    def colour(self, name: str) -> alt.Color:
        """The colour of one of the three, with a legend shared by every layer and panel."""
        scale = alt.Scale(
            domain=[self.actual, self.forecast, self.interval], range=[INK, LSTM, BAND]
        )
        legend = alt.Legend(title=None, symbolType="square", symbolStrokeWidth=0, symbolOpacity=1)
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
        days = self._days(times)
        ticks = alt.Axis(
            title=self.title, tickCount=max(3, width // 90), labelOverlap=True, grid=False
        )
        if self.temporal:
            if days is not None:
                ticks.format = "%-d %b" if days <= 100 else "%b %Y"
            return alt.X("t:T", scale=alt.Scale(type="utc", nice=False), axis=ticks)
        ticks.tickMinStep = 1
        return alt.X("t:Q", scale=alt.Scale(zero=False, nice=False), axis=ticks)

    def _days(self, times: Sequence[str]) -> float | None:
        """What whole dates span; None where the axis finds its own format."""
        shown = [stamp for t in times if isinstance(stamp := self.stamps[t], datetime)]
        if self.title != "date" or not shown:
            return None
        days = (max(shown) - min(shown)).days
        return days if 10 <= days <= 900 else None


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
    y = alt.Y("low:Q", title=labelled(panel.target, unit), scale=alt.Scale(zero=False))
    tips = [
        alt.Tooltip("time:N"),
        *(alt.Tooltip(f"{n}:Q", format=".4g") for n in ("point", "low", "high", "actual")),
    ]
    base = drawn_from(told)
    band = base.transform_calculate(key=json.dumps(key.interval))
    # an area of one point has no width
    shape = band.mark_area() if len(points) > 1 else band.mark_bar(width=6)
    layers: list[alt.Chart] = [shape.encode(x, y, y2="high:Q", color=key.colour(key.interval))]
    if origin and last is not None:
        rule = drawn_from([{"t": clock.value(last)}])
        layers.append(rule.mark_rule(color=MUTED, strokeDash=[3, 3]).encode(x))
    layers += _happened(seen, x, key, width, joined=origin)
    layers.append(
        base.transform_calculate(key=json.dumps(key.forecast))
        .mark_line(strokeWidth=1.8, strokeJoin="round", point=_dots_on_line(len(points)))
        .encode(x, y="point:Q", color=key.colour(key.forecast), tooltip=tips)
    )
    drawn: alt.LayerChart = alt.LayerChart(layer=layers)
    return drawn.properties(width=width, height=height, title=title)


def _happened(
    seen: list[dict[str, Any]], x: alt.X, key: Key, width: int, joined: bool
) -> list[alt.Chart]:
    known = [row for row in seen if row["actual"] is not None]
    many = len(known) > _DENSEST * width
    tips = [alt.Tooltip("time:N"), alt.Tooltip("actual:Q", format=".4g")]
    base = drawn_from(seen).transform_calculate(key=json.dumps(key.actual))
    colour = key.colour(key.actual)
    layers: list[alt.Chart] = []
    if many or joined:
        # a missing value breaks the line
        line = base.mark_line(strokeWidth=0.8 if many else 1.1, strokeJoin="round", opacity=0.75)
        layers.append(line.encode(x, y="actual:Q", color=colour))
    if not many:
        size = 22 if len(known) <= 80 else 11
        dots = drawn_from(known).transform_calculate(key=json.dumps(key.actual))
        mark = dots.mark_point(filled=True, size=size, opacity=1)
        layers.append(mark.encode(x, y="actual:Q", color=colour, tooltip=tips))
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


def _dots_on_line(amount: int) -> Any:
    return {"size": 18, "filled": True} if amount <= 60 else False
