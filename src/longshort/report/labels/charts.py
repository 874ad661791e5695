"""Charts of labels: how sure against how often right, and the curves of mistakes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import altair as alt

from longshort.records import Curve, Decided, LabelEvaluation, Mark, Mistake, ReliabilityBin
from longshort.report.layout import WIDE, drawn_from, inner_width, need, prose, side_by_side, tips
from longshort.report.numerals import count, percent
from longshort.report.theme import INK, LSTM, MUTED, SHARE, STEPS, TRAIN

# mistakes that are drawn, on a screen and on a phone
MOST_CURVES, _FEWER_CURVES = 8, 4
# looks of channels, other than what shades mean
_CHANNELS = (
    (INK, (1, 0)), ("#009E73", (8, 3)), ("#CC79A7", (6, 3)), ("#E69F00", (2, 2)),
    ("#56B4E9", (8, 3, 2, 3)), ("#6b7280", (1, 3)),
)  # fmt: skip


def reliability_chart(evaluation: LabelEvaluation, *, width: int = 920) -> alt.ConcatChart:
    """How often predictions of each probability came true, ours and the best yardstick's.

    A calibrated method lies on the grey diagonal; bars are 95 % intervals of ours.

    Raises:
        ArgumentError: the record holds no ``reliability``.
    """
    need(evaluation.reliability, "bins of probabilities")
    methods = list(dict.fromkeys(each.method for each in evaluation.reliability))
    ours = evaluation.ours.method if evaluation.ours else methods[0]
    styles = dict(zip([ours, *(m for m in methods if m != ours)], STEPS, strict=False))
    side = min(360, inner_width(width, 1))
    whole = {"domain": [0, 1]}
    quarters = {"values": [0, 0.25, 0.5, 0.75, 1], "labelExpr": SHARE}
    x = alt.X("confidence:Q", title="mean probability", axis=quarters, scale=whole)
    y = alt.Y("observed:Q", title="share that came true", axis=quarters, scale=whole)
    ends = [{"confidence": 0, "observed": 0}, {"confidence": 1, "observed": 1}]
    layers = [drawn_from(ends, "line", color=MUTED, strokeWidth=1).encode(x, y)]
    bars = [
        {"confidence": b.confidence, "low": b.low, "high": b.high}
        for b in evaluation.reliability
        if b.method == ours and b.low is not None
    ]
    if bars:
        rule = drawn_from(bars, "rule", color=LSTM, opacity=0.45, strokeWidth=3)
        layers.append(rule.encode(x, alt.Y("low:Q", scale=whole), alt.Y2("high:Q")))
    legend = {"title": None, "columns": 1, "symbolStrokeWidth": 0, "labelLimit": side}
    names, looks = list(styles), list(styles.values())
    fill = alt.Fill(
        "method:N",
        scale={"domain": names, "range": [look.colour for look in looks]},
        legend=legend,
    )
    shape = alt.Shape(
        "method:N", scale={"domain": names, "range": [look.shape for look in looks]}, legend=legend
    )
    for name in reversed(names):
        rows = [_point(each) for each in evaluation.reliability if each.method == name]
        line = drawn_from(rows, "line", color=styles[name].colour, strokeWidth=1.6)
        dots = drawn_from(rows, "point", filled=True, opacity=1, size=60)
        shown = tips("method:N", "confidence:Q", "observed:Q", "items:Q")
        layers += [line.encode(x, y), dots.encode(x, y, fill, shape, tooltip=shown)]
    panel = alt.LayerChart(layer=layers).properties(width=side, height=side)
    title = "Share that came true by mean probability"
    words = [_words(name, evaluation.reliability) for name in names]
    return side_by_side([panel], 1, width, title, f"{title}. {prose(words)}")


def mistakes_chart(evaluation: LabelEvaluation, *, width: int = 920) -> alt.ConcatChart:
    """The curves of the items that ours got wrong and was most sure of.

    What weighed for the answer is shaded blue, what weighed against it orange.

    Raises:
        ArgumentError: the record holds no mistake with a curve.
    """
    drawn = [each for each in evaluation.mistakes if each.curves]
    need(drawn, "mistakes with curves")
    drawn = drawn[: MOST_CURVES if width >= WIDE else _FEWER_CURVES]
    columns = 2 if width >= WIDE else 1
    panels = [_panel(each, inner_width(width, columns)) for each in drawn]
    title = "What it was most sure of, and was wrong"
    words = [f"{each.where}: said {_said(each)}." for each in drawn]
    return side_by_side(panels, columns, width, title, f"{title}. {prose(words)}")


def _point(each: ReliabilityBin) -> dict[str, Any]:
    return {
        "method": each.method,
        "confidence": each.confidence,
        "observed": each.observed,
        "items": each.items,
    }


def _words(method: str, bins: Sequence[ReliabilityBin]) -> str:
    own = [each for each in bins if each.method == method]
    parts = [
        f"{percent(each.confidence, 0)} came true {percent(each.observed, 0)}" for each in own[:10]
    ]
    return f"{method}: {', '.join(parts)}."


def decided_chart(items: Sequence[Decided], *, width: int = 920) -> alt.ConcatChart:
    """The curves of items, what spoke for their label shaded blue, what against it orange."""
    need(items, "items with curves")
    columns = 2 if width >= WIDE else 1
    panels = [
        _curves([each.where, decided_words(each)], each.curves, each.marks,
                inner_width(width, columns)) for each in items[:MOST_CURVES]
    ]  # fmt: skip
    title = "What decided"
    words = [f"{each.where}: {decided_words(each)}." for each in items]
    return side_by_side(panels, columns, width, title, f"{title}. {prose(words)}")


def decided_words(item: Decided) -> str:
    """A label, its probability, and what that is when nothing is read."""
    sure, start = percent(item.probability, 1), percent(item.start, 1)
    return f"{item.label} {sure} (nothing read: {start})"


def _panel(mistake: Mistake, width: int) -> alt.LayerChart:
    title = [mistake.where, f"said {_said(mistake)}"]
    return _curves(title, mistake.curves, mistake.marks, width)


def _curves(
    title: list[str], curves: Sequence[Curve], marks: Sequence[Mark], width: int
) -> alt.LayerChart:
    """Channels as lines over their rows, and behind them what weighed."""
    names = [curve.name for curve in curves]
    looks = [_CHANNELS[at % len(_CHANNELS)] for at in range(len(names))]
    rows = [
        {"row": at * curve.every, "value": value, "channel": curve.name}
        for curve in curves
        for at, value in enumerate(curve.values)
    ]
    last = max(((len(c.values) - 1) * c.every for c in curves), default=1)
    x = alt.X(
        "row:Q",
        axis={"title": None, "grid": False, "tickMinStep": 1, "format": "d"},
        scale={"domain": [-0.5, max(1, last) + 0.5], "nice": False},
    )
    y = alt.Y("value:Q", title=names[0] if len(names) == 1 else None, scale={"zero": False})
    layers: list[alt.Chart] = []
    for positive, colour in ((True, LSTM), (False, TRAIN)):
        bands = [
            {
                "row": mark.start - 0.5,
                "end": min(mark.end, last + 1) - 0.5,
                "weight": abs(mark.weight),
            }
            for mark in marks
            if (mark.weight > 0) == positive
        ]
        if bands:
            strength = alt.Opacity(
                "weight:Q", scale={"domain": [0, 1], "range": [0, 0.45]}, legend=None
            )
            band = drawn_from(bands, "rect", color=colour)
            layers.append(band.encode(x, alt.X2("end:Q"), strength))
    legend = None
    if len(names) > 1:
        legend = {"title": None, "columns": 3, "symbolType": "stroke", "symbolStrokeWidth": 2.5}
    colour_scale = {"domain": names, "range": [colour for colour, _ in looks]}
    dash_scale = {"domain": names, "range": [list(dash) for _, dash in looks]}
    line = drawn_from(rows, "line", strokeWidth=1.6, point=len(rows) < 3)
    layers.append(
        line.encode(
            x,
            y,
            alt.Color("channel:N", scale=colour_scale, legend=legend),
            alt.StrokeDash("channel:N", scale=dash_scale, legend=None),
        )
    )
    return alt.LayerChart(layer=layers).properties(width=width, height=150, title=title)


def _said(mistake: Mistake) -> str:
    said, true = ", ".join(mistake.predicted) or "none", ", ".join(mistake.truth) or "none"
    return (
        f"{said} ({percent(mistake.probability, 0)}), is {true} "
        f"({percent(mistake.truth_probability, 0)})"
    )


def curves_left_out(evaluation: LabelEvaluation) -> str:
    """How many mistakes are not drawn."""
    drawn = min(MOST_CURVES, sum(bool(each.curves) for each in evaluation.mistakes))
    if drawn >= evaluation.wrong:
        return ""
    return f" Drawn are {count(drawn, 'item')} of {evaluation.wrong:,} (fewer on a narrow screen)."
