"""Conformal calibration against brute force and against its own theorems."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from longshort.contracts import Batch, Encoded, State
from longshort.errors import ArgumentError
from longshort.heads.conformal import check_calibration, enough, radius, shifts
from longshort.heads.distributions import LEVELS
from longshort.heads.real import RealHead

random = np.random.default_rng(11)


def test_a_radius_is_the_smallest_score_that_enough_are_below() -> None:
    for count in (1, 4, 9, 10, 19, 50):
        scores = random.normal(size=(count, 3))
        for level in (0.05, 0.5, 0.8, 0.9):
            rank = math.ceil(round((count + 1) * level, 9))
            expected = np.sort(scores, 0)[min(rank, count) - 1]
            np.testing.assert_array_equal(radius(scores, level), expected)


def test_missing_scores_do_not_count() -> None:
    scores = random.normal(size=(30, 4))
    gaps = random.random((30, 4)) < 0.4
    gaps[:, 3] = True
    found = radius(np.where(gaps, np.nan, scores), 0.8)
    for column in range(3):
        own = scores[~gaps[:, column], column]
        assert found[column] == radius(own[:, None], 0.8)[0]
    assert np.isnan(found[3])
    assert np.isnan(radius(np.zeros((0, 2)), 0.8)).all()


def held(calibration: str, count: int, level: float, rounds: int) -> float:
    """How often a further value lies inside the calibrated interval, of many worlds."""
    low, high = (1 - level) / 2, (1 + level) / 2
    # quantiles that are wrong in place and in width, and values of a skewed world
    values = random.exponential(size=(count + 1, rounds, 1))
    size = 0.5 + random.random((count + 1, rounds, 1))
    wrong = np.stack([0.9 - 0.2 * size, 0.9 + 0 * size, 0.9 + 0.4 * size], -1)
    moved = wrong[-1] + shifts(values[:-1], wrong[:-1], (low, 0.5, high), calibration)
    return float(((moved[..., 0] <= values[-1]) & (values[-1] <= moved[..., 2])).mean())


@pytest.mark.parametrize(("count", "level"), [(9, 0.8), (20, 0.8), (24, 0.5), (60, 0.9)])
def test_marginal_coverage_is_what_the_theorem_says(count: int, level: float) -> None:
    rounds = 40_000
    noise = 4 * math.sqrt(level * (1 - level) / rounds)
    symmetric = held("symmetric", count, level, rounds)
    assert level - noise <= symmetric <= level + 1 / (count + 1) + noise
    if count * (1 - level) / 2 >= 1:
        # each tail has its own remainder
        both = held("asymmetric", count, level, rounds)
        assert level - noise <= both <= level + 2 / (count + 1) + noise


def test_asymmetric_intervals_keep_each_tail() -> None:
    rounds, count = 8_000, 39
    values = random.exponential(size=(count + 1, rounds, 1))
    wrong = np.zeros((count + 1, rounds, 1, 19)) + np.linspace(-1, 1, 19)
    moved = wrong[-1] + shifts(values[:-1], wrong[:-1], LEVELS, "asymmetric")
    below = (values[-1][..., None] <= moved).mean((0, 1))
    for level, share in zip(LEVELS, below, strict=True):
        if level != 0.5:
            assert abs(share - level) <= 1 / (count + 1) + 0.015


def test_a_point_gets_the_interval_of_its_absolute_errors() -> None:
    errors = random.normal(size=(99, 2, 1))
    point = random.normal(size=errors.shape)
    told = np.repeat(point[..., None], 19, -1)
    found = shifts(point + errors, told, LEVELS, "symmetric")
    np.testing.assert_array_equal(found[..., 9], 0)
    np.testing.assert_array_equal(found, -found[..., ::-1])
    for level, at in ((0.1, 10), (0.8, 17), (0.9, 18)):
        expected = np.sort(np.abs(errors), 0)[round(100 * level) - 1]
        np.testing.assert_allclose(found[..., at], expected, atol=1e-12)


def test_quantiles_that_are_right_hardly_move() -> None:
    values = random.normal(size=(20_000, 1, 1))
    from scipy.stats import norm

    told = np.broadcast_to(norm.ppf(LEVELS), (20_000, 1, 1, 19))
    for kind in ("symmetric", "asymmetric"):
        assert np.abs(shifts(values, told, LEVELS, kind)).max() < 0.06
    assert (shifts(values, told, LEVELS, "none") == 0).all()


def test_a_step_with_few_examples_takes_those_of_all_steps() -> None:
    actual = random.normal(size=(30, 3, 1))
    actual[3:, 1] = np.nan
    told = np.zeros((30, 3, 1, 19))
    found = shifts(actual, told, LEVELS, "symmetric")
    whole = radius(np.abs(actual).reshape(-1, 1), 0.9)
    assert found[1, 0, 18] == whole[0]
    # three are enough for the innermost interval
    assert found[1, 0, 10] == np.sort(np.abs(actual[:3, 1, 0]))[0]
    assert (shifts(actual[:, 1:2] * np.nan, told[:, 1:2], LEVELS, "symmetric") == 0).all()


def test_levels_without_a_mirror_image_stay() -> None:
    actual = random.normal(size=(50, 1, 1))
    told = np.zeros((50, 1, 1, 4))
    found = shifts(actual, told, (0.2, 0.5, 0.6, 0.8), "symmetric")
    assert found[0, 0, 2] == 0
    assert found[0, 0, 3] > 0


@pytest.mark.parametrize("output", ["quantiles", "gaussian", "student-t", "mae"])
def test_a_calibrated_head_covers_what_it_says(output: str) -> None:
    """The theorem again, through the head: values that are exchangeable, whatever it has learnt."""
    rounds, count = 300, 59
    head = RealHead(2, 1, 1, output).double()
    source = torch.Generator().manual_seed(1)
    for parameter in head.parameters():
        torch.nn.init.normal_(parameter, std=0.3, generator=source)
    inside = 0
    for _ in range(rounds):
        z = torch.from_numpy(random.normal(size=(count + 1, 1, 2)))
        encoded = Encoded(z, (z,), State(), torch.ones(count + 1, dtype=torch.int64))
        batch = Batch({}, encoded.lengths)
        actual = random.standard_t(3, size=(count + 1, 1, 1)) + z[:, :, :1].numpy()
        head.calibrate(torch.zeros(1, 1, 19, dtype=torch.float64))
        with torch.no_grad():
            told = head.decode(encoded, batch).quantiles.numpy()
            found = shifts(actual[:-1], told[:-1], LEVELS, "symmetric")
            head.calibrate(torch.from_numpy(found))
            moved = head.decode(encoded, batch).quantiles[-1, 0, 0].numpy()
        inside += moved[1] <= actual[-1, 0, 0] <= moved[17]
    noise = 4 * math.sqrt(0.16 / rounds)
    assert 0.8 - noise <= inside / rounds <= 0.8 + 1 / (count + 1) + noise


def test_enough_is_counted_in_horizons() -> None:
    assert enough(280, 7)
    assert not enough(279, 7)
    with pytest.raises(ArgumentError, match="did you mean 'symmetric'"):
        check_calibration("symetric")
