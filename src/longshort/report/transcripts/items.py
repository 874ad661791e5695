"""Single recordings on the page: what was read, with the transcript below it, and its sound."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from longshort.records import Curve, Heard, Picture, Timed
from longshort.report.labels.items import item
from longshort.report.markup import scrolled, text
from longshort.report.numerals import percent

# the picture's size on the page, the strip of symbols below it, and the room of a curve
_WIDTH, _HEIGHT, _STRIP, _CURVE = 920, 150, 34, 110
# no two labels are nearer than so many points
_APART = 13


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
    if found.sound:
        body += f'<audio controls preload="none" src="{text(found.sound)}"></audio>'
    return item(head, body)


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


def drawing(found: Heard, step: float | None) -> str:
    """The picture or the curves of a recording, with what was told where below it; an SVG."""
    if found.picture is None and not found.curves:
        return ""
    height = (_HEIGHT if found.picture is not None else _CURVE) + _STRIP
    if found.picture is not None:
        length = found.picture.length
        inner = "".join(_cells(found.picture))
    else:
        length = max((len(c.values) * c.every for c in found.curves), default=1) * (step or 1.0)
        inner = "".join(_curves(found.curves))
    inner += "".join(_labels(found.symbols or found.words, max(length, 1e-9), height))
    said = text(f"{found.where}: {found.told or 'nothing'}")
    drawn = (
        f'<svg class="heard" viewBox="0 0 {_WIDTH} {height}" role="img" aria-label="{said}">'
        f"{inner}</svg>"
    )
    return scrolled(drawn, f"{found.where}, drawn")


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


def _labels(pieces: Sequence[Timed], length: float, height: int) -> Iterator[str]:
    """Where each symbol is: a tick from the picture down, and the symbol below it."""
    top, last = height - _STRIP, float(-_APART)
    for piece in pieces:
        x = (piece.start + piece.end) / 2 / length * _WIDTH
        left, right = (edge / length * _WIDTH for edge in (piece.start, piece.end))
        yield (
            f'<rect class="piece" x="{left:.1f}" y="{top}" width="{max(right - left, 1):.1f}" '
            f'height="4" style="--w:{piece.confidence:.2f}"/>'
        )
        if x - last >= _APART:
            yield f'<text x="{x:.1f}" y="{top + 20}" text-anchor="middle">{text(piece.text)}</text>'
            last = x
