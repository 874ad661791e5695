from __future__ import annotations

import numpy as np
import pytest

from longshort.metrics import bootstrap
from longshort.metrics.bootstrap import block_length, block_sums, skill, skill_interval

random = np.random.default_rng(7)


def test_skill():
    assert skill(1.5, 2.0) == 0.25
    assert skill(2.0, 2.0) == 0
    assert np.isnan(skill(1.0, 0.0))


def test_block_length():
    assert block_length(365, 7) == 8
    assert block_length(1000, 1) == 10
    assert block_length(365, 28) == 28
    assert block_length(5, 28) == 5


def test_resampling_draws_every_origin_alike_whatever_the_length_of_its_series():
    sizes = [1, 3, 40, 200]
    series = np.repeat(range(4), sizes)
    total = sum(sizes)
    sums = block_sums(np.eye(total), series, 6, resamples=20_000)
    times = sums.mean(0)
    # a Monte Carlo mean of about one draw per resample
    assert np.abs(times / times.mean() - 1).max() < 0.1
    assert times.mean() == pytest.approx(1, rel=0.05)


def test_resampled_blocks_are_consecutive_within_a_series():
    # the sums of an identity are how often each origin was drawn
    series = np.repeat([0, 1], [24, 12])
    drawn = block_sums(np.eye(36), series, 4, resamples=50)
    for counts in drawn:
        for part in (counts[:24], counts[24:]):
            # as many blocks begin at an origin as end three origins later
            change = part - np.roll(part, 1)
            begins, ends = np.maximum(change, 0).sum(), np.maximum(-change, 0).sum()
            assert begins == ends
            assert part.sum() % 4 == 0


def test_equal_methods_have_skill_zero_exactly():
    losses = random.gamma(2, size=100)
    sums = block_sums(np.stack([losses, losses], 1), np.zeros(100), 3)
    assert skill_interval(sums[:, 0], sums[:, 1]) == (0.0, 0.0)


def test_the_same_seed_draws_the_same_blocks():
    losses = random.gamma(2, size=(100, 2))
    first, again = (block_sums(losses, np.zeros(100), 3, seed=5) for _ in range(2))
    assert (first == again).all()
    assert (first != block_sums(losses, np.zeros(100), 3, seed=6)).any()


def test_too_few_blocks_give_no_interval():
    losses = random.gamma(2, size=(20, 2))
    assert block_sums(losses, np.zeros(20), 7) is None
    assert block_sums(losses[:0], np.zeros(0), 7) is None
    assert skill_interval(None, None) is None
    assert skill_interval(np.ones(5), np.array([1.0, 1, 0, 1, 1])) is None


def half_width(losses, series, horizon):
    sums = block_sums(losses, series, horizon, resamples=600)
    low, high = skill_interval(sums[:, 0], sums[:, 1])
    return (high - low) / 2


def delta_method(losses):
    """Half width of the normal interval of a ratio of means of independent pairs."""
    ours, theirs = losses.T
    ratio = ours.mean() / theirs.mean()
    return 1.96 * np.std(ours - ratio * theirs) / (theirs.mean() * np.sqrt(len(losses)))


@pytest.mark.parametrize("panel", [False, True])
def test_independent_losses_give_the_normal_interval(panel):
    rng = np.random.default_rng(3)
    wide, normal = [], []
    for _ in range(30):
        losses = rng.gamma(2, size=(400, 2)) * [0.9, 1.0]
        # one long series, or many series of two origins each
        series = np.arange(400) // 2 if panel else np.zeros(400)
        wide.append(half_width(losses, series, 1))
        normal.append(delta_method(losses))
    assert np.mean(wide) / np.mean(normal) == pytest.approx(1, abs=0.06)


def test_dependent_losses_give_the_wider_interval_that_theory_says():
    rng = np.random.default_rng(4)
    decay, block = 0.7, 15
    wide, normal = [], []
    for _ in range(30):
        noise = rng.normal(size=(600, 2))
        losses = np.zeros_like(noise)
        for t in range(1, 600):
            losses[t] = decay * losses[t - 1] + noise[t]
        losses = 10 + losses
        wide.append(half_width(losses, np.zeros(600), block))
        normal.append(delta_method(losses))
    # the variance of a mean of blocks of an AR(1), over that of as many independent values
    lags = np.arange(1, block)
    factor = np.sqrt(1 + 2 * ((1 - lags / block) * decay**lags).sum())
    assert factor > 2
    assert np.mean(wide) / np.mean(normal) == pytest.approx(factor, rel=0.08)


def test_the_interval_covers_the_truth_about_as_often_as_it_says():
    rng = np.random.default_rng(5)
    inside = 0
    for _ in range(200):
        losses = rng.gamma(2, size=(300, 2)) * [0.8, 1.0]
        sums = block_sums(losses, np.zeros(300), 1, resamples=300)
        low, high = skill_interval(sums[:, 0], sums[:, 1])
        inside += low <= 0.2 <= high
    assert 0.9 <= inside / 200 <= 0.99


def test_sums_of_many_blocks_are_as_those_of_drawn_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    series = np.repeat(np.arange(300), rng.integers(3, 12, 300))
    losses = rng.gamma(1.0, size=(len(series), 1)) + rng.gamma(2.0, size=(len(series), 3))
    drawn = bootstrap.block_sums(losses, series, 2, resamples=4000)
    monkeypatch.setattr(bootstrap, "_MANY", 10)
    told = bootstrap.block_sums(losses, series, 2, resamples=4000)
    assert drawn is not None
    assert told is not None
    assert told.mean(0) == pytest.approx(drawn.mean(0), rel=0.003)
    assert np.cov(told.T) == pytest.approx(np.cov(drawn.T), rel=0.15)
    for level in (0.025, 0.5, 0.975):
        assert np.quantile(told, level, 0) == pytest.approx(np.quantile(drawn, level, 0), rel=0.005)
