"""Charts of records, as Altair specifications: a notebook shows them, the page inlines them.

Each function takes a record and the width to fill, in pixels, and returns one chart with a title,
a description in words for readers who do not see it, and axes with units. Nothing here changes
Altair's global theme.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise

import altair as alt

from longshort.errors import ArgumentError
from longshort.records import Evaluation, ForecastPoint
from longshort.report.layout import WIDE, inner_width, need, prose, side_by_side, units_of
from longshort.report.numerals import count, number, percent
from longshort.report.panels import Clock, Key, forecast_panel
from longshort.report.theme import labelled, listed, lstm_name
from longshort.report.timeline import (
    Panel,
    finite,
    in_time_order,
    one_step_panels,
    origin_panels,
    read_times,
)

# a value that happened: series, target, ISO 8601 time or row number, value (None: missing)
HistoryRow = tuple[str, str, str, float | None]


def one_step_chart(
    evaluation: Evaluation, *, width: int = 920, most_points: int = 2000
) -> alt.ConcatChart:
    """Each target over the test part: what happened, the forecast one step ahead, its interval.

    At most ``most_points`` points are drawn in all; a panel's title says so where it has fewer
    than there are. The axes are in the targets' units.

    Raises:
        ArgumentError: the record holds no forecasts one step ahead.
    """
    panels = one_step_panels(evaluation, most_points)
    need(panels, "forecasts one step ahead")
    key = Key.of(lstm_name(evaluation), evaluation.level, width)
    clock = Clock.of(read_times(time for panel in panels for time in panel.times))
    units = units_of(evaluation)
    inner = inner_width(width, 1)
    drawn = [
        forecast_panel(p, clock, key, units[p.target], _panel_title(p), inner, 190) for p in panels
    ]
    words = [_one_step_words(panel, units[panel.target]) for panel in panels]
    title = "One step ahead over the test part"
    text = f"{title}: {key.forecast} beside what happened. {prose(words)}"
    return side_by_side(drawn, 1, width, title, text)


def origins_chart(
    evaluation: Evaluation, *, width: int = 920, per_target: int = 3
) -> alt.ConcatChart:
    """Forecasts of the whole horizon from a few origins per target, spread over the test part.

    A dashed line marks the origin: the last value that the forecast knew.

    Raises:
        ArgumentError: the record holds no forecast of a whole horizon (or the horizon is 1).
    """
    panels = origin_panels(evaluation, per_target)
    need(panels, "forecasts of a whole horizon")
    key = Key.of(lstm_name(evaluation), evaluation.level, width)
    clock = Clock.of(read_times(time for panel in panels for time in panel.times))
    columns = min(per_target, len(panels)) if width >= WIDE else 1
    units = units_of(evaluation)
    inner = inner_width(width, columns)
    drawn = [
        forecast_panel(
            panel, clock, key, units[panel.target], _panel_title(panel, "from"), inner, 150, True
        )
        for panel in panels
    ]
    title = f"{count(evaluation.horizon, 'step')} ahead from a few origins"
    starts = listed([f"{panel.target} from {panel.points[0].time}" for panel in panels], 12)
    return side_by_side(drawn, columns, width, title, f"{title}: {key.forecast} of {starts}.")


def forecast_chart(
    history: Iterable[HistoryRow],
    forecast: Iterable[ForecastPoint],
    *,
    units: Mapping[str, str] | None = None,
    level: float | None = None,
    method: str = "LSTM",
    title: str = "Forecast",
    recent: int = 120,
    most_panels: int = 12,
    width: int = 720,
) -> alt.ConcatChart:
    """What happened and what is forecast next: a row per target and series.

    Args:
        history: rows before the forecast, in time order: series, target, time, value.
        forecast: one forecast per series and target, any order; an actual value is drawn too.
        units: of the targets, by name.
        level: nominal coverage of the interval (0 to 1), for the legend.
        method: who forecasts, for the legend.
        title: of the whole chart.
        recent: rows of history drawn per series and target, the last ones.
        most_panels: panels drawn; the title says how many there are.
        width: of the whole chart, in pixels.

    Raises:
        ArgumentError: no forecast, or two values for one series, target and time.
        DataError: a time is neither ISO 8601 nor a row number.
    """
    every = _joined(history, forecast, recent)
    need(every, "forecast points")
    panels = every[:most_panels]
    clock = Clock.of(read_times(time for panel in panels for time in panel.times))
    key = Key.of(method, level, width)
    inner = inner_width(width, 1)
    drawn, words = [], []
    for panel in panels:
        unit = (units or {}).get(panel.target, "")
        name = _panel_title(panel)
        drawn.append(forecast_panel(panel, clock, key, unit, name, inner, 190, True))
        first, last = panel.points[0], panel.points[-1]
        words.append(
            f"{labelled(name, unit)}: {number(first.point)} at {first.time}, "
            f"{number(last.point)} at {last.time}."
        )
    if len(every) > len(panels):
        title = f"{title} ({len(panels)} of {len(every):,} panels)"
    return side_by_side(drawn, 1, width, title, f"{title}. {prose(words)}")


def _joined(
    history: Iterable[HistoryRow], forecast: Iterable[ForecastPoint], recent: int
) -> list[Panel]:
    """A panel per target and series of the forecast, with its last rows of history."""
    groups: dict[tuple[str, str], list[ForecastPoint]] = {}
    for point in forecast:
        groups.setdefault((point.target, point.series), []).append(point)
    past: dict[tuple[str, str], list[tuple[str, float | None]]] = {key: [] for key in groups}
    for series, target, time, value in history:
        if (target, series) in past:
            past[target, series].append((time, value))
    panels = []
    for (target, series), found in groups.items():
        points = in_time_order(found)
        _once(points)
        rows = past[target, series]
        before = tuple(rows[max(0, len(rows) - recent) :])
        panels.append(Panel(series, target, tuple(points), len(points), before))
    return panels


def _panel_title(panel: Panel, since: str = "") -> str:
    words = [panel.target, panel.series]
    if since:
        words.append(f"{since} {panel.points[0].time}")
    if len(panel.points) < panel.total:
        words.append(f"{len(panel.points):,} of {panel.total:,} points drawn")
    return " · ".join(word for word in words if word)


def _one_step_words(panel: Panel, unit: str) -> str:
    known = [p for p in panel.points if finite(p.actual) is not None]
    inside = sum(p.low <= float(p.actual or 0) <= p.high for p in known)
    share = percent(inside / len(known), 0) if known else "none"
    return (
        f"{labelled(panel.target, unit)}, {panel.points[0].time} to {panel.points[-1].time}: "
        f"{share} of {count(len(known), 'drawn value')} inside the interval."
    )


def _once(points: Sequence[ForecastPoint]) -> None:
    for first, second in pairwise(points):
        if first.time == second.time:
            raise ArgumentError(
                f"two forecasts of {first.target!r}"
                f"{f' of series {first.series!r}' if first.series else ''} for {first.time}: "
                "give forecast_chart the forecasts of one origin"
            )
