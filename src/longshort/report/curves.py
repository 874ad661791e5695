"""Curves of scores and losses, as Altair specifications."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt

from longshort.errors import ArgumentError
from longshort.records import Evaluation, History
from longshort.report.layout import (
    WIDE,
    drawn_from,
    drawn_targets,
    inner_width,
    need,
    prose,
    side_by_side,
    tips,
)
from longshort.report.numerals import count, number, percent
from longshort.report.runs import Run, runs_of
from longshort.report.theme import (
    LSTM,
    MUTED,
    SHARE,
    TRAIN,
    Style,
    labelled,
    listed,
    lstm_name,
    method_styles,
)
from longshort.report.timeline import finite


def horizon_chart(
    evaluation: Evaluation, *, measure: str = "mae", width: int = 920
) -> alt.ConcatChart:
    """Error by steps ahead, every method, one panel per target.

    Args:
        evaluation: the record; its ``steps`` are drawn.
        measure: "mae", in the target's unit, or "coverage" of the interval, a share from 0 to 1.
        width: of the whole chart, in pixels.

    Raises:
        ArgumentError: an unknown measure, or a record without ``steps``.
    """
    if measure not in ("mae", "coverage"):
        raise ArgumentError(f"measure={measure!r}: there are 'mae' and 'coverage'")
    need(evaluation.steps, "errors by step")
    styles = method_styles(evaluation)
    targets, few = drawn_targets(evaluation)
    columns = 2 if width >= WIDE and len(targets) > 1 else 1
    x = alt.X(
        "step:Q",
        axis={"title": _ahead(evaluation), "tickMinStep": 1, "grid": False, "format": "d"},
        scale={"domain": [1, max(2, evaluation.horizon)], "nice": False, "padding": 8},
    )
    panels, words = [], []
    for target, unit in targets:
        rows = [
            {"step": s.step, "method": s.method, "value": finite(getattr(s, measure))}
            for s in evaluation.steps
            if s.target == target
        ]
        if measure == "mae":
            y = alt.Y("value:Q", title=labelled("mean absolute error", unit))
            words.append(_horizon_words(rows, target, unit))
        else:
            y = alt.Y("value:Q", title="share inside", axis={"labelExpr": SHARE}, scale=_near(rows))
        layers = _lines(rows, x, y, styles, width)
        if measure == "coverage":
            layers.insert(0, _line_at(evaluation.level, y))
        panel = alt.LayerChart(layer=layers)
        panels.append(panel.properties(width=inner_width(width, columns), height=200, title=target))
    nominal = percent(evaluation.level, 0)
    named = {"mae": "Mean absolute error", "coverage": f"Coverage of the {nominal} interval"}
    title = f"{named[measure]} by steps ahead{few}"
    text = f"{title}, for {listed(list(styles))}. {prose(words)}".strip()
    return side_by_side(panels, columns, width, title, text)


def calibration_chart(evaluation: Evaluation, *, width: int = 920) -> alt.ConcatChart:
    """How often values stayed below each forecast quantile, against how often they should.

    A calibrated method lies on the grey diagonal. One panel per target, both axes are shares.

    Raises:
        ArgumentError: the record holds no ``reliability``.
    """
    need(evaluation.reliability, "observed quantile levels")
    styles = method_styles(evaluation)
    targets, few = drawn_targets(evaluation)
    columns = 2 if width >= WIDE and len(targets) > 1 else 1
    side = min(300, inner_width(width, columns))
    whole = {"domain": [0, 1]}
    quarters = {"values": [0, 0.25, 0.5, 0.75, 1], "labelExpr": SHARE}
    x = alt.X("level:Q", title="nominal level", axis=quarters, scale=whole)
    y = alt.Y("value:Q", title="observed share", axis=quarters, scale=whole)
    ends = [{"level": 0, "value": 0}, {"level": 1, "value": 1}]
    diagonal = drawn_from(ends, "line", color=MUTED, strokeWidth=1).encode(x, y)
    panels, words = [], []
    for target, _ in targets:
        rows = [
            {"level": r.level, "method": r.method, "value": finite(r.observed)}
            for r in evaluation.reliability
            if r.target == target
        ]
        panel = alt.LayerChart(layer=[diagonal, *_lines(rows, x, y, styles, width)])
        panels.append(panel.properties(width=side, height=side, title=target))
        words.append(_calibration_words(rows, target, lstm_name(evaluation)))
    title = f"Observed against nominal quantile levels{few}"
    return side_by_side(
        panels, columns, width, title, f"{title}, for {listed(list(styles))}. {prose(words)}"
    )


def training_chart(history: History, *, width: int = 920) -> alt.ConcatChart:
    """Training and validation loss by epoch, a line per ensemble member; a dot where it was kept.

    Raises:
        ArgumentError: the history is empty.
    """
    need(history.epochs, "epochs")
    runs = runs_of(history)
    domain, colours = ["training part", "validation part"], [TRAIN, LSTM]
    colour = alt.Color(
        "part:N",
        scale={"domain": domain, "range": colours},
        legend={"title": None, "symbolType": "stroke", "symbolStrokeWidth": 2.5},
    )
    longest = max(len(run.epochs) for run in runs)
    x = alt.X(
        "epoch:Q",
        axis={"title": "epoch", "tickMinStep": 1, "grid": False, "format": "d"},
        scale={"domain": [1, max(2, longest)], "nice": False, "padding": 8},
    )
    value = labelled("mean loss per value", history.unit)
    y = alt.Y("loss:Q", title=value, scale={"zero": False})
    rows = [row for run in runs for row in _loss_rows(run, domain)]
    kept = [row for row in rows if row["kept"]]
    lines = drawn_from(rows, "line", strokeWidth=1.6, opacity=0.85, point=longest == 1)
    dots = drawn_from(kept, "point", filled=True, size=75, opacity=1)
    panel = alt.LayerChart(
        layer=[
            lines.encode(x, y, colour, detail="run:N"),
            dots.encode(x, y, colour, tooltip=tips("run:N", "loss:Q")),
        ]
    )
    panel = panel.properties(width=inner_width(width, 1), height=230)
    title = "Loss by epoch"
    words = f"{title}: {count(len(runs), 'training run')}. {prose([run.words() for run in runs])}"
    return side_by_side([panel], 1, width, title, words)


def _lines(
    rows: Sequence[Mapping[str, Any]], x: alt.X, y: alt.Y, styles: Mapping[str, Style], width: int
) -> list[alt.Chart]:
    """A line with points per method; methods differ in colour, dash and shape."""
    names = list(styles)
    columns = 0 if width >= WIDE else 1
    legend = {"title": None, "columns": columns, "symbolStrokeWidth": 0, "symbolLimit": 40}
    colours = {"domain": names, "range": [style.colour for style in styles.values()]}
    shapes = {"domain": names, "range": [style.shape for style in styles.values()]}
    # drawn as the rows say, without a scale: the legend would merge the lines into its symbols
    stroke = alt.Stroke("stroke:N", scale=None)
    dash = alt.StrokeDash("dash:N", scale=None)
    fill = alt.Fill("method:N", scale=colours, legend=legend)
    shape = alt.Shape("method:N", scale=shapes, legend=legend)
    shown = tips("method:N", "value:Q")
    layers: list[alt.Chart] = []
    # ours, the first, is drawn last: it lies on top
    for ours in (False, True):
        some = [(row, styles[row["method"]]) for row in rows if (row["method"] == names[0]) == ours]
        drawn = [{**row, "stroke": style.colour, "dash": style.dash} for row, style in some]
        lines = drawn_from(drawn, "line", strokeWidth=2.4 if ours else 1.3)
        dots = drawn_from(drawn, "point", filled=True, opacity=1, size=46 if ours else 28)
        layers += [lines.encode(x, y, stroke, dash), dots.encode(x, y, fill, shape, tooltip=shown)]
    return layers


def _line_at(level: float, y: alt.Y) -> alt.Chart:
    rule: alt.Chart = drawn_from([{"value": level}], "rule", color=MUTED).encode(y)
    return rule


def _near(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """A scale from a little below the smallest share up to 1."""
    known = [row["value"] for row in rows if row["value"] is not None]
    least = max(0.0, min([0.5, *(value - 0.05 for value in known)]))
    return {"domain": [least, 1], "zero": False}


def _ahead(evaluation: Evaluation) -> str:
    step = evaluation.data.step
    return f"steps ahead (1 step = {step})" if step else "steps ahead"


def _horizon_words(rows: Sequence[Mapping[str, Any]], target: str, unit: str) -> str:
    parts = []
    for method in dict.fromkeys(row["method"] for row in rows):
        line = sorted((r for r in rows if r["method"] == method), key=lambda r: int(r["step"]))
        first, last = number(line[0]["value"]), number(line[-1]["value"])
        parts.append(f"{method} from {first} to {last}")
    return f"{labelled(target, unit)}: {'; '.join(parts)}." if parts else ""


def _calibration_words(rows: Sequence[Mapping[str, Any]], target: str, ours: str) -> str:
    off = [abs(r["value"] - r["level"]) for r in rows if r["method"] == ours and r["value"]]
    return f"{target}: {ours} is at most {percent(max(off))} off the diagonal." if off else ""


def _loss_rows(run: Run, parts: Sequence[str]) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    for place, epoch in enumerate(run.epochs, start=1):
        losses = (epoch.train_loss, epoch.valid_loss)
        for part, loss in zip(parts, losses, strict=True):
            if loss is not None:
                kept = place == run.kept and (part == parts[1] or epoch.valid_loss is None)
                rows.append(
                    {
                        "run": run.name,
                        "epoch": place,
                        "part": part,
                        "loss": finite(loss),
                        "kept": kept,
                    }
                )
    return rows
