"""Pen strokes drawn, with what weighed on them."""

from __future__ import annotations

from collections.abc import Sequence

from longshort.records import Mark, Sketch
from longshort.report.theme import LSTM, TRAIN

# marks that weigh less are not drawn
_FAINT = 0.06
_THIN, _THICK = 0.03, 0.09


def sketched(found: Sketch, marks: Sequence[Mark]) -> str:
    """An SVG of the strokes; blue is what spoke for the answer, orange what spoke against it."""
    if not found.points:
        return "<i>empty</i>"
    told = f"{len(found.strokes)} pen strokes"
    return (
        f'<svg role="img" aria-label="{told}" viewBox="-1.1 -1.1 2.2 2.2" width="150" height="150">'
        f"<title>{told}</title>{lines(found, marks, _THIN, _THICK)}</svg>"
    )


def lines(found: Sketch, marks: Sequence[Mark], thin: float, thick: float) -> str:
    """The strokes as lines of an SVG, ``thin`` wide, and what is marked of them ``thick``."""
    drawn = [_line(own, "currentColor", thin, 1.0) for own in found.strokes]
    places = [
        (stroke, point) for stroke, own in enumerate(found.strokes) for point in range(len(own))
    ]
    for mark in marks:
        own = places[mark.start : mark.end]
        if abs(mark.weight) < _FAINT or not own:
            continue
        stroke, first = own[0]
        # to the next point, but not across the air
        last = max((point for other, point in own if other == stroke), default=first)
        piece = found.strokes[stroke][first : last + 2]
        colour = LSTM if mark.weight > 0 else TRAIN
        drawn.append(_line(piece, colour, thick, abs(mark.weight)))
    return f'<g fill="none" stroke-linecap="round" stroke-linejoin="round">{"".join(drawn)}</g>'


def _line(points: Sequence[tuple[float, float]], colour: str, width: float, deep: float) -> str:
    # a line of no length with round ends is a dot
    whole = [*points, points[-1]] if len(points) == 1 else points
    told = " ".join(f"{x:g},{y:g}" for x, y in whole)
    return (
        f'<polyline points="{told}" stroke="{colour}" stroke-width="{width}" '
        f'stroke-opacity="{deep:.2f}"/>'
    )
