"""How many alarms there would be at other thresholds, as an Altair specification."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import altair as alt

from longshort.records import AlarmRate, AnomalyEvaluation, Measured
from longshort.report.layout import (
    WIDE,
    drawn_from,
    inner_width,
    need,
    prose,
    side_by_side,
    tips,
)
from longshort.report.numerals import number, percent
from longshort.report.theme import LSTM, MUTED, SHARE, TRAIN
from longshort.report.timeline import finite

_COLOURS = {"all alarms": LSTM, "false alarms": TRAIN}


def rates_chart(evaluation: AnomalyEvaluation, *, width: int = 920) -> alt.ConcatChart:
    """Alarms per day against the threshold; with labels the share found against false alarms.

    Raises:
        ArgumentError: the record holds no rates of alarms.
    """
    need(_known(evaluation), "rates of alarms")
    columns = 2 if width >= WIDE and evaluation.labelled else 1
    inner = inner_width(width, columns)
    panels = [_by_threshold(evaluation).properties(width=inner, height=220)]
    if evaluation.labelled:
        panels.append(_found(evaluation).properties(width=inner, height=220))
    unit = evaluation.data.unit
    title = f"Alarms per {unit} at other thresholds"
    least, most = _known(evaluation)[0], _known(evaluation)[-1]
    told = [
        f"{number(each.alarms)} at a threshold of {number(each.threshold)}"
        + (f" with {percent(each.found, 0)} found." if each.found is not None else ".")
        for each in (least, most)
    ]
    return side_by_side(panels, columns, width, title, f"{title}. {prose(told)}")


def _known(evaluation: AnomalyEvaluation) -> list[AlarmRate]:
    return [each for each in evaluation.rates if finite(each.threshold) is not None]


def _by_threshold(evaluation: AnomalyEvaluation) -> alt.LayerChart:
    ours, unit = evaluation.ours, evaluation.data.unit
    thresholds = [each.threshold for each in _known(evaluation)]
    # a threshold that scores of many sizes pass is read by its powers of ten
    wide = min(thresholds) > 0 and max(thresholds) > 50 * min(thresholds)
    title = "multiple of each threshold" if evaluation.relative else "threshold"
    ticks: dict[str, Any] = {"values": _decades(thresholds)} if wide else {"tickCount": 5}
    x = alt.X(
        "threshold:Q",
        axis={"title": title, "grid": False, "format": "~s" if wide else "~g", **ticks},
        scale={"type": "log" if wide else "linear", "zero": False, "nice": False, "padding": 8},
    )
    rows: list[dict[str, Any]] = [
        {"threshold": each.threshold, "rate": rate, "key": key}
        for each in _known(evaluation)
        for key, rate in zip(_COLOURS, (each.alarms, each.false), strict=True)
        if finite(rate) and (rate or 0.0) > 0
    ]
    shown: list[float] = [row["rate"] for row in rows]
    expected = finite(evaluation.expected)
    expected = expected if expected and expected > 0 else None
    shown += [expected] if expected else []
    y = alt.Y(
        "rate:Q", axis={"title": f"alarms per {unit}", "values": _decades(shown)}, scale=_log()
    )
    named = [key for key in _COLOURS if any(row["key"] == key for row in rows)]
    scale = {"domain": named, "range": [_COLOURS[key] for key in named]}
    legend = {"title": None, "symbolType": "stroke", "symbolStrokeWidth": 2.5}
    colour = alt.Color("key:N", scale=scale, legend=legend)
    layers = [_line(rows).encode(x, y, colour, tooltip=tips("key:N", "threshold:Q", "rate:Q"))]
    own = 1.0 if evaluation.relative else None if ours is None else finite(ours.threshold)
    if own is not None:
        layers.insert(0, _rule({"threshold": own}).encode(x))
    if expected:
        layers.insert(0, _rule({"rate": expected}).encode(y))
    return alt.LayerChart(layer=layers)


def _found(evaluation: AnomalyEvaluation) -> alt.LayerChart:
    ours = evaluation.ours
    rows: list[dict[str, Any]] = [
        {"rate": each.false, "found": each.found, "threshold": each.threshold}
        for each in _known(evaluation)
        if finite(each.false) and (each.false or 0.0) > 0 and finite(each.found) is not None
    ]
    title = f"false alarms per {evaluation.data.unit}"
    ticks = _decades([row["rate"] for row in rows])
    x = alt.X("rate:Q", axis={"title": title, "grid": False, "values": ticks}, scale=_log())
    quarters = {"title": "anomalies found", "values": [0, 0.25, 0.5, 0.75, 1], "labelExpr": SHARE}
    y = alt.Y("found:Q", axis=quarters, scale={"domain": [0, 1]})
    shown = tips("threshold:Q", "rate:Q", "found:Q")
    layers = [_line(rows, color=LSTM).encode(x, y, tooltip=shown)]
    if ours is not None:
        rate, found = (
            finite(ours.measures.get(name, Measured(None)).value)
            for name in ("false_alarms", "event_recall")
        )
        if rate and found is not None:
            dot = drawn_from([{"rate": rate, "found": found}], "point", filled=True, size=110,
                             color=LSTM, opacity=1)  # fmt: skip
            layers.append(dot.encode(x, y))
    return alt.LayerChart(layer=layers)


def _line(rows: list[dict[str, Any]], **look: Any) -> alt.Chart:
    return drawn_from(rows, "line", strokeWidth=1.8, interpolate="step-after", **look)


def _rule(at: dict[str, float]) -> alt.Chart:
    return drawn_from([at], "rule", color=MUTED, strokeDash=[4, 3])


def _decades(values: Sequence[float]) -> list[float]:
    """1, 2 and 5 times powers of ten among the values, or the powers alone where they are many."""
    known = [value for value in values if value > 0]
    if not known:
        return []
    low, high = min(known), max(known)
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    steps = (1, 2, 5) if len(powers) <= 3 else (1,)
    every = [step * 10.0**power for power in powers for step in steps]
    return [value for value in every if low <= value <= high]


def _log() -> dict[str, Any]:
    return {"type": "log", "nice": False, "padding": 8}
