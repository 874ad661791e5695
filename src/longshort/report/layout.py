"""How panels are put side by side into one chart, and what a chart needs to say."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import altair as alt

from longshort.errors import ArgumentError
from longshort.records import Comparison, Evaluation
from longshort.report.theme import config

# what an axis' labels and title take beside a panel, what axis and heading take between rows of
# panels, and the padding around the whole, in pixels
_BESIDE, _BETWEEN, _PADDING = 70, 80, 6
# a chart this wide has room for panels side by side
WIDE = 600
# targets that get a panel of their own in a chart
_MOST_TARGETS = 8


def drawn_from(rows: Iterable[Mapping[str, Any]], mark: str, **look: Any) -> alt.Chart:
    """A mark for rows that the specification carries itself.

    Rows are kept as text, and marks, scales and axes are given as plain mappings: Altair copies
    what it knows, with every option it might have, for each layer, panel and property.
    """
    text = json.dumps([dict(row) for row in rows], ensure_ascii=False, allow_nan=False)
    data = alt.InlineData(values=text, format={"type": "json"})
    shape: Any = {"type": mark, **look}
    return alt.Chart(data, mark=shape)


def tips(*names: str) -> list[dict[str, str]]:
    """What a notebook shows of a point under the pointer: text for "x:N", a number for "x:Q"."""
    shown = []
    for name, kind in (name.split(":") for name in names):
        if kind == "Q":
            shown.append({"field": name, "type": "quantitative", "format": ".4g"})
        else:
            shown.append({"field": name, "type": "nominal"})
    return shown


def side_by_side(
    panels: Sequence[alt.LayerChart], columns: int, width: int, title: str, description: str
) -> alt.ConcatChart:
    """One chart of panels, filled row by row; ``description`` says it in words."""
    chart: alt.ConcatChart = alt.ConcatChart(concat=list(panels), columns=columns)
    heading = {"text": textwrap.wrap(title, max(20, (width - _BESIDE) // 9)), "fontSize": 14}
    chart = chart.properties(title=heading, description=description)
    # panels of one row and column line up, whatever their axes need
    chart = chart.properties(bounds="flush", spacing={"row": _BETWEEN, "column": _BESIDE})
    configured: alt.ConcatChart = chart.configure(**config())
    return configured


def inner_width(width: int, columns: int) -> int:
    """What is left for one panel's drawing area, in pixels."""
    return (width - 2 * _PADDING) // columns - _BESIDE


def need(found: Iterable[Any], what: str) -> None:
    """Raise ArgumentError where there is nothing to draw."""
    if not list(found):
        raise ArgumentError(f"there are no {what} to draw: the record holds none")


def prose(sentences: Iterable[str]) -> str:
    """Sentences one after the other, empty ones left out."""
    return " ".join(sentence for sentence in sentences if sentence)


def units_of(evaluation: Evaluation) -> dict[str, str]:
    """The unit of each target by name."""
    return dict(zip(evaluation.targets, evaluation.units, strict=True))


def drawn_targets(evaluation: Evaluation | Comparison) -> tuple[list[tuple[str, str]], str]:
    """Targets with their units, the first few; and words for the title where there are more."""
    pairs = list(zip(evaluation.targets, evaluation.units, strict=True))
    if len(pairs) <= _MOST_TARGETS:
        return pairs, ""
    return pairs[:_MOST_TARGETS], f" ({_MOST_TARGETS} of {len(pairs):,} targets)"
