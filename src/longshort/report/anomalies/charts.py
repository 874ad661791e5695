"""Watched series drawn: what happened, scores and thresholds, and what was labelled and alarmed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Any

import altair as alt

from longshort.errors import ArgumentError
from longshort.records import AnomalyEvaluation, Marked, Trace, Watched
from longshort.report.layout import drawn_from, inner_width, need, prose, side_by_side, tips
from longshort.report.numerals import count, number
from longshort.report.panels import Clock
from longshort.report.theme import INK, LSTM, TRAIN, labelled
from longshort.report.timeline import finite, read_times

# Okabe and Ito's, as the theme's
_LABEL, _RIGHT = "#E69F00", "#009E73"
_NAMES = {
    "labelled": ("labelled anomaly", _LABEL),
    "right": ("true alarm", _RIGHT),
    "false": ("false alarm", TRAIN),
    "alarm": ("alarm", LSTM),
}
# heights of panels, and what lies between them, in pixels
_TALL, _LOW, _BETWEEN = 120, 90, 40
# numbers from here on are written with a letter for their size
_LARGE = 1e5


def watch_chart(
    evaluation: AnomalyEvaluation, series: str | None = None, *, width: int = 920
) -> alt.ConcatChart:
    """One series of the test part, which zooms and moves along time in a notebook.

    Args:
        evaluation: the record.
        series: its key; None for the first that is drawn.
        width: of the whole chart, in pixels.

    Raises:
        ArgumentError: the record draws no series, or none of this key.
    """
    found = [own for own in evaluation.watched if series is None or own.series == series]
    if not found:
        known = ", ".join(repr(own.series) for own in evaluation.watched) or "none"
        raise ArgumentError(f"series={series!r}: the record draws {known}")
    return stretch_chart(found[0], width=width, zoom=True)


def stretch_chart(
    own: Watched, *, title: str = "", parts: int = 1, width: int = 920, zoom: bool = False
) -> alt.ConcatChart:
    """A stretch of rows: a panel of each channel, and one of the score below them.

    Args:
        own: what is drawn.
        title: of the chart; "" is the series.
        parts: cut along time into so many, one below the other, each as wide as the whole.
        width: of the whole chart, in pixels.
        zoom: the chart zooms along time in a notebook.
    """
    need(own.times, "rows")
    own = _coarser(own, width * parts)
    marks = (*own.labels, *own.alarms)
    texts = [*own.times, *(time for mark in marks for time in (mark.start, mark.end))]
    clock = Clock.of(read_times(texts))
    inner = inner_width(width, 1)
    pieces = _cut(own, clock, parts)
    panels = [
        panel
        for at, piece in enumerate(pieces, 1)
        for panel in _panels(piece, own, clock, inner, zoom, at == len(pieces))
    ]
    name = title or own.series or "The test part"
    if len(own.times) and own.every > 1:
        name += f" · least and greatest of every {own.every:,} rows"
    chart = side_by_side(panels, 1, width, name, f"{name}. {_words(own)}")
    chart = chart.properties(spacing={"row": _BETWEEN, "column": 0})
    return chart.resolve_scale(x="shared") if zoom else chart


def _coarser(own: Watched, most: int) -> Watched:
    """As many bins in one that no more are left than there are pixels."""
    times = -(-len(own.times) // max(1, most))
    if times < 2:
        return own

    def least(values: Sequence[float | None]) -> tuple[float | None, ...]:
        return tuple(_most(values[at : at + times], min) for at in range(0, len(values), times))

    def greatest(values: Sequence[float | None]) -> tuple[float | None, ...]:
        return tuple(_most(values[at : at + times], max) for at in range(0, len(values), times))

    return replace(
        own,
        every=own.every * times,
        times=own.times[::times],
        traces=tuple(replace(t, low=least(t.low), high=greatest(t.high)) for t in own.traces),
        scores=greatest(own.scores),
        thresholds=least(own.thresholds),
    )


def _most(values: Sequence[float | None], of: Callable[[Sequence[float]], float]) -> float | None:
    known = [value for value in values if value is not None]
    return of(known) if known else None


def _cut(own: Watched, clock: Clock, parts: int) -> list[Watched]:
    """Equal parts along time, each with the marks that reach into it, cut to it."""
    size = -(-len(own.times) // max(1, parts))
    found = []
    for start in range(0, len(own.times), max(1, size)):
        rows = slice(start, start + size + 1)
        times = own.times[rows]
        if len(times) < 2:
            continue
        found.append(
            replace(
                own,
                times=times,
                traces=tuple(
                    replace(trace, low=trace.low[rows], high=trace.high[rows])
                    for trace in own.traces
                ),
                scores=own.scores[rows],
                thresholds=own.thresholds[rows],
                labels=tuple(_within(own.labels, times, clock)),
                alarms=tuple(_within(own.alarms, times, clock)),
            )
        )
    return found or [own]


def _within(marks: Iterable[Marked], times: Sequence[str], clock: Clock) -> Iterable[Marked]:
    stamps: Any = clock.stamps
    first, last = stamps[times[0]], stamps[times[-1]]
    for mark in marks:
        if stamps[mark.end] >= first and stamps[mark.start] <= last:
            start = times[0] if stamps[mark.start] < first else mark.start
            yield replace(mark, start=start, end=times[-1] if stamps[mark.end] > last else mark.end)


def _panels(
    piece: Watched, whole: Watched, clock: Clock, width: int, zoom: bool, last: bool
) -> list[alt.LayerChart]:
    """A panel of each channel and of the score, over the same times; scales are the whole's."""
    shared = clock.axis(piece.times, width)
    ends = [clock.value(piece.times[0]), clock.value(piece.times[-1])]
    found = []
    for at, trace in enumerate(piece.traces):
        x = _x(shared, ends, {"title": None, "labels": False})
        panel = _values(piece, trace, whole.traces[at], clock, x, zoom)
        found.append(panel.properties(width=width, height=_TALL))
    x = _x(shared, ends, {} if last else {"title": None})
    lowest = _scores(piece, whole, clock, x, zoom).properties(width=width, height=_LOW)
    if zoom:
        along = alt.selection_interval(bind="scales", encodings=["x"], name="along")
        lowest = lowest.add_params(along)
    return [*found, lowest]


def _x(shared: alt.X, ends: Sequence[Any], changed: dict[str, Any]) -> alt.X:
    """The time axis over the whole panel; what is written of it may be changed."""
    given: Any = shared.to_dict()
    axis = {**given["axis"], **changed}
    scale = {**given["scale"], "domain": list(ends)}
    return alt.X(f"t:{'T' if given['type'] == 'temporal' else 'Q'}", scale=scale, axis=axis)


def _values(
    piece: Watched, trace: Trace, whole: Trace, clock: Clock, x: alt.X, zoom: bool
) -> alt.LayerChart:
    rows = [
        {"t": clock.value(time), "time": time, "low": finite(low), "high": finite(high)}
        for time, low, high in zip(piece.times, trace.low, trace.high, strict=True)
    ]
    scale, axis = _scale([*whole.low, *whole.high], labelled(trace.name, trace.unit))
    y = alt.Y("high:Q", axis=axis, scale=scale)
    shown = _tips(zoom, "time:N", "low:Q", "high:Q")
    look = {"strokeWidth": 0.9, "strokeJoin": "round"}
    if piece.every > 1:
        area = drawn_from(rows, "area", fill=INK, fillOpacity=0.35, stroke=INK, **look)
        drawn = area.encode(x, y, y2="low:Q", **shown)
    else:
        drawn = drawn_from(rows, "line", color=INK, **look).encode(x, y, **shown)
    return alt.LayerChart(layer=[*_shaded(piece, clock, x, zoom), drawn])


def _tips(zoom: bool, *names: str) -> dict[str, Any]:
    """What is told of a point under the pointer; nothing on a page, which has no pointer."""
    return {"tooltip": tips(*names)} if zoom else {}


def _scores(piece: Watched, whole: Watched, clock: Clock, x: alt.X, zoom: bool) -> alt.LayerChart:
    rows = [
        {"t": clock.value(time), "time": time, "score": finite(score), "threshold": finite(level)}
        for time, score, level in zip(piece.times, piece.scores, piece.thresholds, strict=True)
    ]
    scale, axis = _scale([*whole.scores, *whole.thresholds], "score")
    y = alt.Y("score:Q", axis=axis, scale=scale)
    line = drawn_from(rows, "line", color=LSTM, strokeWidth=1.1, strokeJoin="round")
    layers = [
        *_shaded(piece, clock, x, zoom),
        line.encode(x, y, **_tips(zoom, "time:N", "score:Q", "threshold:Q")),
    ]
    if any(threshold is not None for threshold in piece.thresholds):
        level = drawn_from(rows, "line", color=INK, strokeWidth=1, strokeDash=[4, 3])
        layers.append(level.encode(x, alt.Y("threshold:Q", axis=axis, scale=scale)))
    return alt.LayerChart(layer=layers)


def _scale(values: Iterable[float | None], title: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """From the least to the greatest value, and the axis of that: 800M, not 800,000,000."""
    known = [value for value in map(finite, values) if value is not None]
    low, high = min(known, default=0.0), max(known, default=1.0)
    ends = [low, high] if high > low else [low - 0.5, high + 0.5]
    axis: dict[str, Any] = {"title": title, "tickCount": 4}
    if max(abs(low), abs(high)) >= _LARGE:
        axis["labelExpr"] = "datum.value ? format(datum.value, '~s') : '0'"
    return {"zero": False, "domain": ends, "nice": True}, axis


def _shaded(piece: Watched, clock: Clock, x: alt.X, zoom: bool) -> list[alt.Chart]:
    """Labelled stretches behind a panel, alarms in a lane above it."""
    told = {*map(_kind, piece.alarms), *(["labelled"] if piece.labels else [])}
    names = [kind for kind in _NAMES if kind in told]
    scale = {
        "domain": [_NAMES[kind][0] for kind in names],
        "range": [_NAMES[kind][1] for kind in names],
    }
    legend = {"title": None, "symbolType": "square", "symbolStrokeWidth": 0, "symbolOpacity": 0.6}
    colour = alt.Color("key:N", scale=scale, legend=legend)
    layers = []
    for marks, look, alarmed in (
        (piece.labels, {"opacity": 0.3}, False),
        (piece.alarms, {"opacity": 0.85}, True),
    ):
        rows = [
            {
                "t": clock.value(mark.start),
                "end": clock.value(mark.end),
                "key": _NAMES[_kind(mark) if alarmed else "labelled"][0],
                "from": mark.start,
                "to": mark.end,
                "greatest": finite(mark.score),
            }
            for mark in marks
        ]
        if not rows:
            continue
        bar = drawn_from(rows, "rect", strokeWidth=1.5, **look)
        spans: dict[str, Any] = {"x": x, "x2": "end", "color": colour}
        spans |= _tips(zoom, "key:N", "from:N", "to:N", "greatest:Q")
        spans["stroke"] = alt.Stroke("key:N", scale=scale, legend=None)
        if alarmed:
            # above the panel, where nothing else is drawn
            spans["y"], spans["y2"] = alt.value(-8), alt.value(-2)
        layers.append(bar.encode(**spans))
    return layers


def _kind(mark: Marked) -> str:
    return "alarm" if mark.right is None else "right" if mark.right else "false"


def _words(own: Watched) -> str:
    scores = [score for score in map(finite, own.scores) if score is not None]
    told = []
    if scores:
        told.append(f"Scores from {number(min(scores))} to {number(max(scores))}.")
    if own.labels:
        met = sum(mark.right is True for mark in own.labels)
        told.append(
            f"{count(len(own.labels), 'labelled anomaly', 'labelled anomalies')}, {met} met."
        )
    told.append(f"{count(len(own.alarms), 'alarm')}.")
    told += [f"Alarm from {mark.start} to {mark.end}." for mark in own.alarms[:8]]
    return prose(told)
