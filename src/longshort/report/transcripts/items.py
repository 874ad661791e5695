"""Single recordings on the page: what was read, with the transcript below it, and its sound."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from longshort.records import Curve, Heard, Picture, Sketch
from longshort.report.labels.items import item, player
from longshort.report.labels.sketch import lines
from longshort.report.markup import scrolled, text
from longshort.report.numerals import percent

# the picture's size on the page, the strip of symbols below it, and the room of a curve
_WIDTH, _HEIGHT, _STRIP, _CURVE = 920, 150, 34, 110
# no two labels are nearer than so many points
_APART = 13
# room around pen strokes
_EDGE = 8


def recording(found: Heard, step: float | None) -> str:
    """One recording: truth above what was told, what was read with the alignment, and its sound."""
    wrong = sum(truth != told for truth, told in found.edits)
    edits = "right" if not wrong else "1 edit" if wrong == 1 else f"{wrong} edits"
    head = (
        f"{text(edits)}, sure {text(percent(found.confidence, 0))} "
        f"<small>{text(found.where)}</small>"
    )
    truth, told = _marked(found.edits)
    lines = "".join(
        f'<div><span class="who">{who}</span><span lang="">{words}</span></div>'
        for who, words in (("is", truth or "<i>nothing</i>"), ("said", told or "<i>nothing</i>"))
    )
    body = f'<div class="pair">{lines}</div>{drawing(found, step)}'
    return item(head, body + player(found.sound))


def _marked(edits: Sequence[tuple[str, str]]) -> tuple[str, str]:
    """Truth and answer, what differs marked; long symbols with blanks between them."""
    between = " " if any(len(one) > 1 or len(two) > 1 for one, two in edits) else ""
    sides: tuple[list[str], list[str]] = ([], [])
    for one, two in edits:
        for side, symbol in zip(sides, (one, two), strict=True):
            if one == two:
                side.append(text(symbol))
            elif symbol:
                kind = "for" if side is sides[0] else "against"
                side.append(f'<mark class="{kind}" style="--w:0.6">{text(symbol)}</mark>')
    return between.join(sides[0]), between.join(sides[1])


class _Place(NamedTuple):
    """Where a symbol is on the page, from left to right, and how sure it is."""

    text: str
    left: float
    right: float
    confidence: float


def drawing(found: Heard, step: float | None) -> str:
    """What was read of a recording, with what was told where below it; an SVG."""
    pieces = found.symbols or found.words
    length = 0.0 if found.picture is None else found.picture.length
    wide, high = float(_WIDTH), float(_HEIGHT)
    places = None
    if found.sketch is not None and found.sketch.points:
        inner, high, places = _ink(found.sketch, found)
    elif found.image is not None:
        share = min(_WIDTH / found.image.width, _HEIGHT / found.image.height)
        wide, high = share * found.image.width, share * found.image.height
        inner = f'<image href="{text(found.image.source)}" width="{wide:.1f}" height="{high:.1f}"/>'
    elif found.picture is not None:
        inner = "".join(_cells(found.picture))
    elif found.curves:
        length = max((len(c.values) * c.every for c in found.curves), default=1) * (step or 1.0)
        inner, high = "".join(_curves(found.curves)), float(_CURVE)
    else:
        return ""
    if places is None:
        scale = wide / max(length, 1e-9)
        places = [_Place(p.text, p.start * scale, p.end * scale, p.confidence) for p in pieces]
    inner += "".join(_labels(places, high))
    said = text(f"{found.where}: {found.told or 'nothing'}")
    drawn = (
        f'<svg class="heard" viewBox="0 0 {_WIDTH} {high + _STRIP:.0f}" role="img" '
        f'aria-label="{said}">{inner}</svg>'
    )
    return scrolled(drawn, f"{found.where}, drawn")


def _ink(sketch: Sketch, found: Heard) -> tuple[str, float, list[_Place]]:
    """Pen strokes as they were drawn, how high they are, and where each symbol was told."""
    points = np.array([point for own in sketch.strokes for point in own])
    low, span = points.min(0), np.maximum(np.ptp(points, 0), 1e-3)
    scale = min((_WIDTH - 2 * _EDGE) / span[0], (_HEIGHT - 2 * _EDGE) / span[1], _WIDTH / 4)
    marks = lines(sketch, found.marks, 2 / scale, 5 / scale)
    x, y = _EDGE - scale * low
    inner = f'<g transform="translate({x:.1f} {y:.1f}) scale({scale:.2f})">{marks}</g>'
    places = []
    for mark, piece in zip(found.marks, found.symbols, strict=False):
        own = points[mark.start : max(mark.end, mark.start + 1), 0]
        if len(own):
            left, right = scale * own.min() + x, scale * own.max() + x
            places.append(_Place(piece.text, left, right, piece.confidence))
    # not in the order of writing: a stroke may be drawn after what follows it
    places.sort(key=lambda each: each.left + each.right)
    return inner, scale * span[1] + 2 * _EDGE, places


def _cells(picture: Picture) -> Iterator[str]:
    """Levels as rectangles, those of one level in one path; level 0 is the page."""
    rows, columns = len(picture.rows), max((len(row) for row in picture.rows), default=1)
    wide, high = _WIDTH / max(columns, 1), _HEIGHT / max(rows, 1)
    for level in range(1, 10):
        parts = []
        for at, row in enumerate(picture.rows):
            y = _HEIGHT - (at + 1) * high
            start = None
            for column, cell in enumerate(f"{row}0"):
                if cell == str(level) and start is None:
                    start = column
                elif cell != str(level) and start is not None:
                    run = (column - start) * wide
                    parts.append(f"M{start * wide:.1f} {y:.1f}h{run:.1f}v{high:.1f}h-{run:.1f}z")
                    start = None
        if parts:
            yield f'<path d="{"".join(parts)}" style="--w:{level / 9:.2f}"/>'


def _curves(curves: Sequence[Curve]) -> Iterator[str]:
    """Channels as lines, all on one scale."""
    values = [v for curve in curves for v in curve.values if v is not None]
    low, high = min(values, default=0.0), max(values, default=1.0)
    scale = (_CURVE - 8) / ((high - low) or 1.0)
    for at, curve in enumerate(curves):
        wide = _WIDTH / max(len(curve.values), 1)
        points: list[str] = []
        begin = True
        for place, value in enumerate(curve.values):
            if value is None:
                begin = True
                continue
            y = 4 + (high - value) * scale
            points.append(f"{'M' if begin else 'L'}{(place + 0.5) * wide:.1f} {y:.1f}")
            begin = False
        yield f'<path class="line c{at % 6}" d="{"".join(points)}"/>'


def _labels(places: Sequence[_Place], top: float) -> Iterator[str]:
    """Where each symbol is: a tick below the picture, and the symbol below that."""
    last = float(-_APART)
    for place in places:
        x = (place.left + place.right) / 2
        yield (
            f'<rect class="piece" x="{place.left:.1f}" y="{top:.1f}" '
            f'width="{max(place.right - place.left, 1):.1f}" height="4" '
            f'style="--w:{place.confidence:.2f}"/>'
        )
        if x - last >= _APART:
            at = f'x="{x:.1f}" y="{top + 20:.1f}"'
            yield f'<text {at} text-anchor="middle">{text(place.text)}</text>'
            last = x
