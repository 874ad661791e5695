"""What forecasts lean on, drawn: shares by column, by place in time, and what is lost without."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import product
from typing import Any

import altair as alt

from longshort.records import Explanation, Leaning
from longshort.report.layout import WIDE, drawn_from, inner_width, need, prose, side_by_side, tips
from longshort.report.numerals import count, percent
from longshort.report.theme import LSTM, MUTED, SHARE, STEPS, listed

# targets and columns that are drawn; cells that are listed
_TARGETS, _COLUMNS, _CELLS = 4, 12, 6
# room for a column's name (beside what a panel's axis has in any case), of which it takes at most,
# and for a row of the chart, in pixels
_NAME, _LONGEST, _ROW = 60, 92, 22


def place_words(place: int) -> str:
    """Where a value stands, seen from the forecast.

    >>> place_words(-1), place_words(-3), place_words(2)
    ('1 row before', '3 rows before', '2 rows ahead')
    """
    return f"{count(abs(place), 'row')} {'before' if place < 0 else 'ahead'}"


def cells(leaning: Leaning) -> list[tuple[int, float]]:
    """Shares by place in time: -1 is the last row that was read, 1 the first that is forecast."""
    past = [(-lag, share) for lag, share in enumerate(leaning.past, start=1)]
    return [*past, *enumerate(leaning.ahead, start=1)]


def strongest(explanation: Explanation, target: str, step: int) -> list[tuple[str, str, float]]:
    """Column, place in words and share of what weighs most, a few."""
    found = []
    for leaning in explanation.leanings:
        if (leaning.target, leaning.step) == (target, step):
            found += [(leaning.column, place_words(at), share) for at, share in cells(leaning)]
            found.append((leaning.column, "always", leaning.still))
    return sorted((cell for cell in found if cell[2] > 0), key=lambda cell: -cell[2])[:_CELLS]


def summary(explanation: Explanation) -> list[str]:
    """A sentence per target: the three columns that weigh most, first and last step."""
    told = []
    for target in explanation.targets:
        parts = []
        for step in dict.fromkeys([explanation.steps[0], explanation.steps[-1]]):
            most = sorted(
                (x for x in explanation.leanings if (x.target, x.step) == (target, step)),
                key=lambda leaning: -leaning.share,
            )
            named = [f"{x.column} ({percent(x.share, 0)})" for x in most[:3] if x.share > 0]
            if named:
                parts.append(f"{count(step, 'step')} ahead on {listed(named)}")
        if parts:
            told.append(f"Forecasts of {target} lean {'; '.join(parts)}.")
    return told


def columns_chart(explanation: Explanation, *, width: int = 920) -> alt.ConcatChart:
    """The share of each column, a mark per step ahead; a panel per target.

    Raises:
        ArgumentError: the record holds no shares.
    """
    need(explanation.leanings, "shares")
    rows = [
        {"target": x.target, "step": x.step, "column": x.column, "value": x.share}
        for x in explanation.leanings
    ]
    title = "How much the forecasts lean on each column"
    axis = {"title": "share of all that was read", "labelExpr": SHARE, "tickCount": 5}
    return _dots(explanation, rows, title, axis, width)


def exchange_chart(explanation: Explanation, *, width: int = 920) -> alt.ConcatChart:
    """How much the error rises without each column, a mark per step ahead; a panel per target.

    Raises:
        ArgumentError: the record holds no exchanges.
    """
    need(explanation.permutations, "exchanges of columns")
    rows = [
        {"target": x.target, "step": x.step, "column": x.column, "value": x.rise}
        for x in explanation.permutations
    ]
    title = "How much worse the forecasts are without each column"
    axis = {"title": "rise of the mean absolute error", "labelExpr": SHARE, "tickCount": 5}
    return _dots(explanation, rows, title, axis, width)


def places_chart(explanation: Explanation, *, width: int = 920) -> alt.ConcatChart:
    """The share of each column at each row before and ahead; a panel per target and step.

    The stronger a cell's colour, the more a forecast leans on it.

    Raises:
        ArgumentError: the record holds no shares.
    """
    need(explanation.leanings, "shares")
    inner = inner_width(width, 1) - _NAME
    most = max((s for x in explanation.leanings for _, s in cells(x)), default=0) or 1.0
    places = [place for x in explanation.leanings for place, _ in cells(x)]
    low, high = min(places, default=-1) - 0.5, max([*places, 0]) + 0.5
    x = alt.X(
        "low:Q",
        scale={"domain": [low, high], "nice": False, "zero": False},
        axis={
            "title": f"rows from the forecast's origin{_each(explanation)}",
            "tickMinStep": 1, "grid": False, "format": "d",
        },
    )  # fmt: skip
    shade = alt.Opacity(
        "share:Q", scale={"domain": [0, most], "range": [0, 1], "zero": True}, legend=None
    )
    panels, words = [], []
    for target, step in product(explanation.targets[:_TARGETS], explanation.steps):
        names = _ordered(explanation, target)
        rows = [
            {
                "column": leaning.column, "place": place_words(place), "share": share,
                "low": place - 0.5, "high": place + 0.5,
            }
            for leaning in explanation.leanings
            if (leaning.target, leaning.step) == (target, step) and leaning.column in names
            for place, share in cells(leaning)
        ]  # fmt: skip
        y = _names(names)
        shown = tips("column:N", "place:N", "share:Q")
        shades = drawn_from(rows, "rect", color=LSTM, stroke=None).encode(
            x, y, x2="high:Q", opacity=shade, tooltip=shown
        )
        origin = drawn_from([{"low": 0}], "rule", color=MUTED, strokeDash=[3, 3]).encode(x)
        panel = alt.LayerChart(layer=[shades, origin])
        ahead = f"{target}, {count(step, 'step')} ahead"
        panels.append(panel.properties(width=inner, height=_ROW * len(names), title=ahead))
        top = [
            f"{c} {where} {percent(s, 0)}" for c, where, s in strongest(explanation, target, step)
        ]
        words.append(f"{ahead}: {listed(top[:4]) or 'nothing'}." if top else "")
    title = f"Where in time the forecasts look{_few(explanation)}"
    return side_by_side(panels, 1, width - _NAME, title, f"{title}. {prose(words)}")


def _dots(
    explanation: Explanation,
    rows: Sequence[Mapping[str, Any]],
    title: str,
    axis: Mapping[str, Any],
    width: int,
) -> alt.ConcatChart:
    """A mark per column and step, told apart by colour and shape; a panel per target."""
    inner = inner_width(width, 1) - _NAME
    steps = [f"{count(step, 'step')} ahead" for step in explanation.steps]
    legend = {"title": None, "columns": 0 if width >= WIDE else 2, "symbolStrokeWidth": 0}
    fill = alt.Fill(
        "when:N", scale={"domain": steps, "range": [s.colour for s in STEPS]}, legend=legend
    )
    shape = alt.Shape(
        "when:N", scale={"domain": steps, "range": [s.shape for s in STEPS]}, legend=legend
    )
    x = alt.X("value:Q", axis={**axis}, scale={"zero": True})
    panels, words = [], []
    for target in explanation.targets[:_TARGETS]:
        names = _ordered(explanation, target)
        drawn = [
            {**row, "when": f"{count(row['step'], 'step')} ahead"}
            for row in rows
            if row["target"] == target and row["column"] in names
        ]
        y = _names(names, grid=True)
        zero = drawn_from([{"value": 0}], "rule", color=MUTED).encode(x)
        dots = drawn_from(drawn, "point", filled=True, opacity=1, size=60).encode(
            x, y, fill, shape, tooltip=tips("column:N", "when:N", "value:Q")
        )
        panel = alt.LayerChart(layer=[zero, dots])
        panels.append(panel.properties(width=inner, height=_ROW * len(names), title=target))
        told = [f"{r['column']} {percent(r['value'], 0)}" for r in drawn if r["step"] == 1]
        words.append(f"{target}, 1 step ahead: {listed(told, 8)}." if told else "")
    title = f"{title}{_few(explanation)}"
    return side_by_side(panels, 1, width - _NAME, title, f"{title}. {prose(words)}")


def _ordered(explanation: Explanation, target: str) -> list[str]:
    """The columns that weigh most, the first first, over all steps."""
    total = dict.fromkeys(explanation.columns, 0.0)
    for leaning in explanation.leanings:
        if leaning.target == target:
            total[leaning.column] = total.get(leaning.column, 0.0) + leaning.share
    return sorted(total, key=lambda name: -total[name])[:_COLUMNS]


def _names(names: Sequence[str], *, grid: bool = False) -> alt.Y:
    """The axis of column names, in this order."""
    look = {
        "title": None,
        "labelLimit": _LONGEST,
        "labelFlush": False,
        "grid": grid,
        "ticks": False,
    }
    return alt.Y("column:N", sort=list(names), scale={"domain": list(names)}, axis=look)


def _each(explanation: Explanation) -> str:
    return f" (1 row = {explanation.time_step})" if explanation.time_step[:1].isdigit() else ""


def _few(explanation: Explanation) -> str:
    """What is not drawn, for a title."""
    few = []
    if len(explanation.targets) > _TARGETS:
        few.append(f"{_TARGETS} of {len(explanation.targets)} targets")
    if len(explanation.columns) > _COLUMNS:
        few.append(f"{_COLUMNS} of {len(explanation.columns)} columns")
    return f" ({', '.join(few)})" if few else ""
