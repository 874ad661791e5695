"""Pen strokes as steps, against geometry and what goes back."""

import numpy as np
import pytest

from longshort.data.codecs.ink import (
    bent,
    bezier,
    curves,
    drawn,
    joined,
    levelled,
    points,
    resampled,
    slant,
    split,
)


def circle(count: int = 200, around: tuple[float, float] = (0, 0)) -> np.ndarray:
    angle = np.linspace(0, 2 * np.pi, count)
    return np.stack([np.cos(angle) + around[0], np.sin(angle) + around[1]], 1)


def to_line(place: np.ndarray, line: np.ndarray) -> float:
    """How far a point is from a line of many points."""
    return float(np.hypot(*(line - place).T).min())


def test_splitting_and_joining_go_back() -> None:
    strokes = [circle(9), np.array([[3.0, 4.0]]), circle(4)]
    again = split(joined(strokes))
    assert [len(own) for own in again] == [9, 1, 4]
    assert all(np.allclose(a, b, atol=1e-6) for a, b in zip(again, strokes, strict=True))
    assert np.isnan(joined(strokes)[:, 2]).all()
    assert split(joined([])) == []


def test_points_lie_at_equal_arc_length_whatever_the_speed() -> None:
    slow = circle(1000)
    # the second half of the way is drawn ten times as fast
    fast = np.concatenate([slow[:500], slow[500::10], slow[-1:]])
    even, other = resampled(slow, 0.1), resampled(fast, 0.1)
    gaps = np.hypot(*np.diff(even, axis=0).T)
    assert len(even) == round(2 * np.pi / 0.1) + 1
    assert np.ptp(gaps) < 1e-3
    assert np.allclose(even, other, atol=2e-3)
    assert np.allclose(even[[0, -1]], slow[[0, -1]])


@pytest.mark.parametrize("stroke", [np.array([[2.0, 3.0]]), np.array([[2.0, 3.0]] * 5)])
def test_a_dot_is_one_step(stroke: np.ndarray) -> None:
    assert resampled(stroke, 0.1).tolist() == [[2.0, 3.0]]
    steps = points([stroke, circle()], 0.5)
    assert steps[0].tolist() == [2, 3, 0, 0, 1, 2, 3]
    assert len(curves([stroke], 0.1)) == 2


def test_moves_tell_the_strokes() -> None:
    strokes = [circle(), circle(50, (5, 1)), np.array([[1.0, 1.0]])]
    steps = points(strokes, 0.2)
    assert steps[:, 4].sum() == 3
    again = split(drawn(steps))
    even = [resampled(own, 0.2) for own in strokes]
    assert all(np.allclose(a, b, atol=1e-5) for a, b in zip(again, even, strict=True))
    # directions are those of the moves, and of a circle at right angles to the radius
    inside = steps[1 : len(even[0]) - 1]
    assert np.allclose((inside[:, 2:4] * inside[:, 5:7]).sum(1), 0, atol=0.02)
    assert points([], 0.2).shape == (0, 7)
    assert len(drawn(points([], 0.2))) == 0


def test_a_box_is_two_wide_around_the_middle_and_goes_back() -> None:
    strokes = [circle(60, (40, -7)) * [30, 10]]
    level = levelled(strokes, upright=True)
    every = np.concatenate(level.strokes)
    assert np.allclose([every.min(0), every.max(0)], [[-1, -1 / 3], [1, 1 / 3]], atol=0.02)
    assert np.allclose(level.back(level.strokes[0]), strokes[0])
    assert np.allclose(np.ptp(levelled(strokes, "height").strokes[0][:, 1]), 2)
    assert np.allclose(np.ptp(levelled(strokes, "none").strokes[0], axis=0), np.ptp(strokes[0], 0))
    # a flat line has no height, and a dot nothing
    flat = levelled([np.array([[0.0, 5.0], [4.0, 5.0]])], "height").strokes[0]
    assert flat.tolist() == [[-1, 0], [1, 0]]
    assert levelled([np.array([[7.0, 7.0]])]).strokes[0].tolist() == [[0, 0]]
    assert levelled([]).strokes == []


@pytest.mark.parametrize("lean", [-0.4, 0.0, 0.3])
def test_slant_is_found_and_taken_out(lean: float) -> None:
    t = np.linspace(0, 1, 30)
    # y goes down, so that what leans to the right moves left on its way down
    bars = [np.stack([at - lean * t, t], 1) for at in (0.0, 1.0, 2.0)]
    bars[1] = bars[1][::-1]
    assert np.isclose(slant(bars), lean)
    level = levelled(bars, upright=True)
    assert all(np.ptp(own[:, 0]) < 1e-9 for own in level.strokes)
    assert np.allclose(level.back(level.strokes[2]), bars[2])
    assert slant([np.array([[0.0, 0], [1, 0]])]) == 0


def test_one_curve_is_found_again() -> None:
    control = np.array([[0, 0], [0.3, 1.0], [1.2, 0.8], [1, 0]])
    t = np.linspace(0, 1, 80)[:, None]
    u = 1 - t
    line = u**3 * control[0] + 3 * u**2 * t * control[1] + 3 * u * t**2 * control[2]
    line = line + t**3 * control[3]
    found = bezier(line, 0.02)
    assert len(found) == 1
    assert np.allclose(found[0], control, atol=0.25)


@pytest.mark.parametrize("error", [0.02, 0.1])
def test_curves_stay_near_the_strokes_and_go_back(error: float) -> None:
    t = np.linspace(0, 4, 300)
    strokes = [circle(), np.stack([t, np.sin(3 * t)], 1), np.array([[0.5, 0.5]])]
    steps = curves(strokes, error)
    assert len(steps) < 60
    again = bent(steps, 50)
    # of a circle its points are as far from the middle as they should be
    lines = split(again)
    assert np.abs(np.hypot(*lines[0].T) - 1).max() < error + 0.01
    assert len(lines) == 3
    assert np.allclose(lines[0][[0, -1]], [[1, 0], [1, 0]], atol=1e-4)
    assert max(to_line(place, strokes[1]) for place in lines[1]) < error + 0.02
    assert max(to_line(place, lines[1]) for place in strokes[1]) < 0.1 + error
    # fewer where they may lie farther off
    assert len(curves(strokes, 0.3)) <= len(steps)
    assert curves([], error).shape == (0, 9)
