"""A recording drawn as its spectrogram, with what weighed below it."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from longshort.records import LEVELS, Mark, Spectrogram
from longshort.report.markup import text
from longshort.report.theme import LSTM, TRAIN

# height of a band and of the strip of marks, in units of a column's width
_BAND, _STRIP = 1.6, 4.0
# marks that weigh less are not drawn
_FAINT = 0.06


def drawn(found: Spectrogram, marks: Sequence[Mark]) -> str:
    """An SVG: time from left to right, low bands below, strong where it is loud; below it a strip,
    blue where it spoke for the answer and orange where against."""
    if not found.levels or not found.levels[0]:
        return "<i>empty</i>"
    wide, bands = len(found.levels[0]), len(found.levels)
    high = bands * _BAND + 1 + (_STRIP if marks else 0)
    paths: dict[str, list[str]] = {}
    for band, row in enumerate(found.levels):
        top, at = (bands - 1 - band) * _BAND, 0
        for level, run in groupby(row):
            width = len(list(run))
            if level != "0":
                paths.setdefault(level, []).append(f"M{at} {top:.1f}h{width}v{_BAND}h-{width}z")
            at += width
    parts = [
        f'<path fill="currentColor" fill-opacity="{int(level) / (LEVELS - 1):.2f}" '
        f'd="{"".join(made)}"/>'
        for level, made in sorted(paths.items())
    ]
    for mark in marks:
        if abs(mark.weight) >= _FAINT:
            colour = LSTM if mark.weight > 0 else TRAIN
            parts.append(
                f'<rect x="{mark.start}" y="{bands * _BAND + 1:.1f}" '
                f'width="{mark.end - mark.start}" height="{_STRIP}" fill="{colour}" '
                f'fill-opacity="{abs(mark.weight):.2f}"/>'
            )
    told = f"Spectrogram of {found.seconds:.2f} s of sound"
    return (
        f'<svg role="img" aria-label="{text(told)}" viewBox="0 0 {wide} {high:.1f}" '
        f'style="width:100%;height:7.5rem" preserveAspectRatio="none" shape-rendering="crispEdges">'
        f"<title>{text(told)}</title>{''.join(parts)}</svg>"
    )
