"""A drawing as it is drawn again: its strokes in a box, thinned to a few hundred points."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from longshort.data.codecs.ink import Points, Strokes, levelled, resampled, split
from longshort.records import Sketch

# points of a sketch, about
_POINTS = 240


def sketch(drawing: Strokes) -> Sketch:
    """The strokes of a drawing (P, 4) at equal arc length, in a box from -1 to 1."""
    strokes = levelled(split(drawing)).strokes
    spacing = max(sum(map(length, strokes)) / _POINTS, 1e-9)
    even = [resampled(own, spacing) for own in strokes]
    return Sketch(tuple(tuple((round(x, 3), round(y, 3)) for x, y in own.tolist()) for own in even))


def stretches(lines: Sequence[Points], count: int) -> list[tuple[int, int]]:
    """Which of ``count`` points of a sketch each step stands for, by the line that it stands for.

    Lines are those of all strokes, one after the other; a step of no length stands for one point.
    """
    ends = np.cumsum([0.0, *map(length, lines)])
    cuts = np.round(ends / max(float(ends[-1]), 1e-9) * count).astype(int).tolist()
    return [(min(a, count - 1), min(max(b, a + 1), count)) for a, b in pairwise(cuts)]


def length(line: Points) -> float:
    """How long a line is."""
    return float(np.hypot(*np.diff(line, axis=0).T).sum())
