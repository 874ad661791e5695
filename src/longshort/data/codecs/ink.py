r"""Pen strokes as steps that a network reads, and strokes back from them.

A drawing is (P, 4) of float32: x, y (downwards), seconds (NaN where they are not known) and the
number of the stroke. It is brought to one slant and size, then read as points or as curves.

Points lie at equal arc length on every stroke, so that how fast a hand moved does not matter. With
p_t = (x_t, y_t) the t-th of them, a step holds

    p_t - p_{t-1}     where it has moved to, from the stroke before where one begins
    cos a, sin a      the direction there
    u                 1 where the pen came through the air, 0 on paper
    p_t               where it is

Curves are cubic Bezier segments, several points each (Carbune et al. 2020, section 3.1): with the
chord d from end to end and the arms v_1, v_2 from its ends to the control points, a step holds

    d_x, d_y,  |v_1| / |d|, |v_2| / |d|,  angle(d, v_1), angle(-d, v_2),  u

and where the curve ends. What the paper tells of time is left out: strokes need none here.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

Strokes = NDArray[np.float32]
Points = NDArray[np.float64]
# what a drawing's size is told by: the longer side of its box, or its height (lines of text)
Size = Literal["box", "height", "none"]

# numbers of a step without where it is, of points and of curves
POINT, CURVE = 5, 7
# straight lines that a curve is drawn with
PIECES = 8
# two points closer than this share of the spacing are one
_LEAST = 1e-6
# rounds in which a curve's points are moved along it to where it is nearest (Schneider 1990)
_ROUNDS = 6
# an arm is at most so many chords long
_LONGEST = 4.0


def split(drawing: Strokes) -> list[Points]:
    """The strokes of a drawing, each (n, 2), in the order of their numbers' first appearance."""
    if not len(drawing):
        return []
    cuts = np.flatnonzero(np.diff(drawing[:, 3])) + 1
    return [each.astype(np.float64) for each in np.split(drawing[:, :2], cuts)]


def joined(strokes: Sequence[Points]) -> Strokes:
    """Strokes (n, 2) as a drawing of unknown times; ``split`` goes back."""
    rows = [np.zeros((0, 4), np.float32)]
    for number, own in enumerate(strokes):
        made = np.full((len(own), 4), np.nan, np.float32)
        made[:, :2], made[:, 3] = own, number
        rows.append(made)
    return np.concatenate(rows)


def slant(strokes: Sequence[Points]) -> float:
    """How far x moves to the right for each unit upwards, over what is drawn more up than across.

    The tangent of the slant's angle, by the mean direction of steep pieces weighted by their
    length (Jaeger et al. 2001); 0 where nothing is steep. Never more than one.
    """
    total = np.zeros(2)
    for own in strokes:
        moves = np.diff(own, axis=0)
        steep = moves[np.abs(moves[:, 1]) > np.abs(moves[:, 0])]
        # a piece that is drawn downwards tells as much as one that is drawn upwards
        total += (steep * -np.sign(steep[:, 1:])).sum(0) if len(steep) else 0.0
    return 0.0 if not total[1] else float(np.clip(-total[0] / total[1], -1, 1))


class Level(NamedTuple):
    """Strokes brought to one slant and size, and the way back.

    strokes: around (0, 0). unit: what 1 was before. middle: where (0, 0) was. lean: the slant that
    was taken out.
    """

    strokes: list[Points]
    unit: float = 1.0
    middle: Points = np.zeros(2)
    lean: float = 0.0

    def back(self, line: Points) -> Points:
        """Where points (n, 2) were before."""
        there = line * self.unit + self.middle
        return np.stack([there[:, 0] - self.lean * there[:, 1], there[:, 1]], 1)


def levelled(strokes: Sequence[Points], size: Size = "box", upright: bool = False) -> Level:
    """Strokes around the middle of their box, which is 2 wide or high.

    Args:
        strokes: of one drawing.
        size: what is 2: the longer side of the box, or its height; "none" leaves both as they are.
        upright: take the slant out.
    """
    if not strokes:
        return Level([])
    lean = slant(strokes) if upright else 0.0
    straight = [np.stack([own[:, 0] + lean * own[:, 1], own[:, 1]], 1) for own in strokes]
    every = np.concatenate(straight)
    low, high = every.min(0), every.max(0)
    sides = high - low
    # of a drawing without height the other side tells, and of a dot nothing
    side = {"box": sides.max(), "height": sides[1] or sides[0], "none": 2.0}[size] or 2.0
    middle = (low + high) / 2
    return Level([(own - middle) * (2 / side) for own in straight], side / 2, middle, lean)


def resampled(stroke: Points, spacing: float) -> Points:
    """(T, 2) points at equal arc length: the first, the last, and about ``spacing`` between two.

    A stroke of one point, or of no length, is that point.
    """
    steps = np.hypot(*np.diff(stroke, axis=0).T)
    along = np.concatenate([[0.0], np.cumsum(steps)])
    if along[-1] <= _LEAST * spacing:
        return stroke[:1]
    count = max(1, round(along[-1] / spacing))
    at = np.linspace(0, along[-1], count + 1)
    return np.stack([np.interp(at, along, stroke[:, side]) for side in range(2)], 1)


def points(strokes: Sequence[Points], spacing: float) -> NDArray[np.float32]:
    """(T, 7) of the steps of a drawing's points, see above; (0, 7) of nothing."""
    even = [resampled(own, spacing) for own in strokes]
    if not even:
        return np.zeros((0, POINT + 2), np.float32)
    where = np.concatenate(even)
    # the first point is come to from the middle, where a drawing lies
    moves = np.diff(where, axis=0, prepend=np.zeros((1, 2)))
    heads = np.concatenate([_heading(own) for own in even])
    air = np.concatenate([[1.0] + [0.0] * (len(own) - 1) for own in even])
    return np.concatenate([moves, heads, air[:, None], where], 1).astype(np.float32)


def _heading(line: Points) -> Points:
    """(T, 2) cosine and sine of the direction at each point, zeros of a single one."""
    if len(line) < 2:
        return np.zeros((len(line), 2))
    moves = np.gradient(line, axis=0)
    return np.asarray(moves / np.maximum(np.hypot(*moves.T), 1e-12)[:, None])


def drawn(steps: NDArray[np.float32]) -> Strokes:
    """The drawing of steps (T, 5 or more) as ``points`` gives them: its points, by their moves."""
    where = np.cumsum(steps[:, :2].astype(np.float64), 0)
    first = np.flatnonzero(steps[:, 4] > 0.5)
    cuts = first[first > 0]
    return joined(np.split(where, cuts)) if len(steps) else joined([])


# curves


def curves(strokes: Sequence[Points], error: float) -> NDArray[np.float32]:
    """(T, 9) of the steps of a drawing's curves, see above; (0, 9) of nothing.

    Args:
        strokes: with their points close to each other.
        error: how far a point may lie from its curve; curves are cut where it lies farther.
    """
    rows = []
    at = np.zeros(2)
    for own in strokes:
        for number, piece in enumerate(bezier(own, error)):
            if not number:
                # the way to a stroke's beginning is a straight line through the air
                rows.append(_told(np.linspace(at, piece[0], 4), 1.0))
            rows.append(_told(piece, 0.0))
            at = piece[3]
    return np.array(rows, np.float32).reshape(-1, CURVE + 2)


def bent(steps: NDArray[np.float32], pieces: int = PIECES) -> Strokes:
    """The drawing of steps (T, 9) as ``curves`` gives them, each curve in so many straight lines.

    What lies in one place comes back as that place.
    """
    at, found, own = np.zeros(2), [], [np.zeros((0, 2))]
    t = np.linspace(0, 1, pieces + 1)
    for dx, dy, first, second, one, two, air in steps[:, :CURVE].astype(np.float64).tolist():
        chord = np.array([dx, dy])
        if air > 0.5:
            found.append(np.concatenate(own))
            own = [at[None] + chord]
        else:
            arms = _turned(chord, one) * first, _turned(-chord, two) * second
            control = np.stack([at, at + arms[0], at + chord + arms[1], at + chord])
            own.append((_powers(t) @ control)[1:])
        at = at + chord
    found.append(np.concatenate(own))
    return joined([each for each in found if len(each)])


def bezier(stroke: Points, error: float) -> list[Points]:
    """Cubic Bezier curves (4, 2) along a stroke, from its first to its last point."""
    keep = np.concatenate([[True], np.hypot(*np.diff(stroke, axis=0).T) > 0])
    line = stroke[keep]
    if len(line) < 2:
        return [np.repeat(line[:1], 4, 0)]
    return _fitted(line, error)


def _fitted(line: Points, error: float) -> list[Points]:
    if len(line) == 2:
        return [np.linspace(line[0], line[1], 4)]
    steps = np.hypot(*np.diff(line, axis=0).T)
    t = np.concatenate([[0.0], np.cumsum(steps)]) / steps.sum()
    chord = float(np.hypot(*(line[-1] - line[0])))
    if chord * _LONGEST < steps.sum():
        # a loop: nothing can be told by the way from its beginning to its end
        apart = np.hypot(*(line - line[0]).T)
    else:
        for _ in range(_ROUNDS):
            t = _nearer(line, t, _control(line, t))
        control = _control(line, t)
        apart = np.hypot(*(_powers(t) @ control - line).T)
        if apart.max() <= error:
            return [control]
    cut = int(np.clip(apart.argmax(), 1, len(line) - 2))
    return _fitted(line[: cut + 1], error) + _fitted(line[cut:], error)


def _powers(t: Points) -> Points:
    """(n, 4) of the weights of four control points."""
    u = 1 - t
    return np.stack([u**3, 3 * u**2 * t, 3 * u * t**2, t**3], 1)


def _control(line: Points, t: Points) -> Points:
    """The curve from a line's first to its last point whose squares at t are least."""
    weights = _powers(t)
    ends = line[[0, -1]]
    rest = line - weights[:, [0, 3]] @ ends
    inner = weights[:, 1:3]
    # a little towards thirds of the chord, which decides where points are few
    thirds = np.array([[2, 1], [1, 2]]) / 3 @ ends
    ridge = 1e-6 * np.eye(2)
    middle = np.linalg.solve(inner.T @ inner + ridge, inner.T @ rest + ridge @ thirds)
    longest = _LONGEST * float(np.hypot(*(ends[1] - ends[0])))
    for place, end in ((0, ends[0]), (1, ends[1])):
        arm = middle[place] - end
        size = float(np.hypot(*arm))
        middle[place] = end + arm * min(1.0, longest / size) if size else end
    return np.stack([ends[0], *middle, ends[1]])


def _nearer(line: Points, t: Points, control: Points) -> Points:
    """Where on a curve points lie, one step of Newton's method on."""
    one = 3 * np.diff(control, axis=0)
    two = 2 * np.diff(one, axis=0)
    u = 1 - t
    gap = _powers(t) @ control - line
    speed = np.stack([u**2, 2 * u * t, t**2], 1) @ one
    turn = np.stack([u, t], 1) @ two
    slope = (speed**2).sum(1) + (gap * turn).sum(1)
    safe = slope > 1e-12
    moved = t - np.where(safe, (gap * speed).sum(1) / np.where(safe, slope, 1), 0)
    # in order, from end to end
    moved = np.maximum.accumulate(np.clip(moved, 0, 1))
    moved[0], moved[-1] = 0, 1
    return np.asarray(moved)


def _told(control: Points, air: float) -> list[float]:
    chord = control[3] - control[0]
    size = float(np.hypot(*chord))
    arms = control[1] - control[0], control[2] - control[3]
    # a curve without length has no arms
    sizes = [float(np.hypot(*arm)) / max(size, 1e-9) for arm in arms]
    turns = [_angle(chord, arms[0]), _angle(-chord, arms[1])]
    return [*chord, *sizes, *turns, air, *control[3]]


def _angle(a: Points, b: Points) -> float:
    """From a to b, -pi to pi; 0 where either has no length."""
    if max(np.abs(a)) < 1e-9 or max(np.abs(b)) < 1e-9:
        return 0.0
    return float(np.arctan2(a[0] * b[1] - a[1] * b[0], a @ b))


def _turned(a: Points, angle: float) -> Points:
    c, s = np.cos(angle), np.sin(angle)
    return np.array([a[0] * c - a[1] * s, a[0] * s + a[1] * c])
