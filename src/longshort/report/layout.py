"""How panels are put side by side into one chart, and what a chart needs to say."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import altair as alt

from longshort.errors import ArgumentError
from longshort.records import Evaluation
from longshort.report.theme import config

# what an axis' labels and title take beside a panel, what axis and heading take between rows of
# panels, and the padding around the whole, in pixels
_BESIDE, _BETWEEN, _PADDING = 64, 76, 6
# a chart this wide has room for panels side by side
WIDE = 600


def drawn_from(rows: Iterable[Mapping[str, Any]]) -> alt.Chart:
    """A chart of rows that the specification carries itself."""
    return alt.Chart(alt.InlineData(values=[dict(row) for row in rows]))


def side_by_side(
    panels: Sequence[alt.LayerChart], columns: int, title: str, description: str
) -> alt.ConcatChart:
    """One chart of panels, filled row by row; ``description`` says it in words."""
    chart: alt.ConcatChart = alt.ConcatChart(concat=list(panels), columns=columns)
    chart = chart.properties(title=alt.TitleParams(title, fontSize=13), description=description)
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
