"""A picture that was read, with what weighed below it."""

from __future__ import annotations

from collections.abc import Sequence

from longshort.records import Image, Mark
from longshort.report.markup import text
from longshort.report.theme import LSTM, TRAIN

# height of the strip of marks, in pixels of the picture
_STRIP = 6
# marks that weigh less are not drawn
_FAINT = 0.06


def pictured(found: Image, marks: Sequence[Mark]) -> str:
    """An SVG of a picture; below it a strip, blue where it spoke for the answer, orange against."""
    high = found.height + (_STRIP + 2 if marks else 0)
    parts = [
        f'<image href="{text(found.source)}" width="{found.width}" height="{found.height}"/>',
        *(
            f'<rect x="{mark.start}" y="{found.height + 2}" width="{mark.end - mark.start}" '
            f'height="{_STRIP}" fill="{LSTM if mark.weight > 0 else TRAIN}" '
            f'fill-opacity="{abs(mark.weight):.2f}"/>'
            for mark in marks
            if abs(mark.weight) >= _FAINT
        ),
    ]
    told = f"A picture of {found.width} by {found.height} pixels"
    return (
        f'<svg role="img" aria-label="{told}" viewBox="0 0 {found.width} {high}" '
        f'style="width:100%;max-width:{max(2 * found.width, 160)}px;height:auto;max-height:12rem">'
        f"<title>{told}</title>{''.join(parts)}</svg>"
    )
