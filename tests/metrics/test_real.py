from __future__ import annotations

import numpy as np
import polars as pl
import pytest
import scoringrules
from scipy.stats import norm
from sklearn.metrics import mean_pinball_loss
from utilsforecast import losses

from longshort.errors import ArgumentError
from longshort.metrics.real import (
    block_length,
    block_sums,
    check_levels,
    coverage,
    crps_from_quantiles,
    mae,
    mase,
    naive_scale,
    pinball,
    pinball_losses,
    rmse,
    skill,
    skill_interval,
    width,
)

LEVELS = [round(0.05 * k, 2) for k in range(1, 20)]
random = np.random.default_rng(7)


def frame(actual, **columns):
    days = range(len(actual))
    return pl.DataFrame({"unique_id": ["a"] * len(actual), "ds": days, "y": actual, **columns})


def test_errors_agree_with_utilsforecast():
    actual, point = random.normal(size=(2, 50))
    table = frame(actual, model=point)
    assert mae(actual, point) == pytest.approx(losses.mae(table, ["model"])["model"][0])
    assert rmse(actual, point) == pytest.approx(losses.rmse(table, ["model"])["model"][0])


@pytest.mark.parametrize("season", [1, 7])
def test_mase_agrees_with_utilsforecast(season):
    train, actual, point = random.normal(size=(3, 40))
    theirs = losses.mase(frame(actual, model=point), ["model"], season, frame(train))["model"][0]
    assert mase(actual, point, naive_scale(train, season)) == pytest.approx(theirs)


def test_interval_scores_agree_with_utilsforecast():
    actual, point = random.normal(size=(2, 60))
    low, high = point - 1.0, point + 1.3
    table = frame(actual, **{"m": point, "m-lo-80": low, "m-hi-80": high})
    assert coverage(actual, low, high) == losses.coverage(table, ["m"], 80)["m"][0]
    assert width(low, high) == pytest.approx(2.3)


@pytest.mark.parametrize("level", [0.05, 0.5, 0.8])
def test_pinball_agrees_with_scikit_learn_and_utilsforecast(level):
    actual, point = random.normal(size=(2, 30))
    ours = pinball(actual, point[:, None], [level])
    assert ours == pytest.approx(mean_pinball_loss(actual, point, alpha=level))
    table = frame(actual, model=point)
    assert ours == pytest.approx(losses.quantile_loss(table, {"model": "model"}, level)["model"][0])


def test_pinball_is_least_at_the_empirical_quantile():
    actual = random.normal(size=999)
    candidates = np.linspace(-2, 2, 401)
    tried = [pinball(actual, np.full((999, 1), c), [0.3]) for c in candidates]
    assert candidates[int(np.argmin(tried))] == pytest.approx(np.quantile(actual, 0.3), abs=0.011)


def test_crps_agrees_with_scoringrules():
    actual = random.normal(size=(4, 3))
    quantiles = np.sort(random.normal(size=(4, 3, 19)), -1)
    theirs = scoringrules.crps_quantile(actual, quantiles, np.array(LEVELS)).mean()
    assert crps_from_quantiles(actual, quantiles, LEVELS) == pytest.approx(theirs)


def test_crps_tends_to_the_closed_form_of_a_gaussian():
    actual = random.normal(size=200)
    levels = (np.arange(2000) + 0.5) / 2000
    quantiles = np.broadcast_to(1.5 * norm.ppf(levels) + 0.3, (200, 2000))
    exact = scoringrules.crps_normal(actual, 0.3, 1.5).mean()
    assert crps_from_quantiles(actual, quantiles, levels) == pytest.approx(exact, rel=1e-3)


def test_crps_of_a_forecast_without_spread_is_the_absolute_error():
    actual, point = random.normal(size=(2, 30))
    quantiles = np.repeat(point[:, None], 19, 1)
    assert crps_from_quantiles(actual, quantiles, LEVELS) == pytest.approx(mae(actual, point))


def test_missing_actuals_are_left_out():
    actual = random.normal(size=(5, 3, 2))
    point = random.normal(size=actual.shape)
    quantiles = np.sort(random.normal(size=(*actual.shape, 19)), -1)
    scale = random.uniform(1, 2, size=(5, 1, 2))
    gaps = random.uniform(size=actual.shape) < 0.4
    actual[gaps] = np.nan
    y, f, q = actual[~gaps], point[~gaps], quantiles[~gaps]
    assert mae(actual, point) == pytest.approx(np.abs(y - f).mean())
    assert rmse(actual, point) == pytest.approx(np.sqrt(((y - f) ** 2).mean()))
    scales = np.broadcast_to(scale, actual.shape)[~gaps]
    assert mase(actual, point, scale) == pytest.approx((np.abs(y - f) / scales).mean())
    assert crps_from_quantiles(actual, quantiles, LEVELS) == pytest.approx(
        crps_from_quantiles(y, q, LEVELS)
    )
    inside = coverage(actual, quantiles[..., 1], quantiles[..., -2])
    assert inside == pytest.approx(((q[:, 1] <= y) & (y <= q[:, -2])).mean())


def test_nothing_observed_has_no_score():
    nothing = np.full(3, np.nan)
    assert np.isnan(mae(nothing, np.zeros(3)))
    assert np.isnan(rmse(nothing, np.zeros(3)))
    assert np.isnan(crps_from_quantiles(nothing, np.zeros((3, 19)), LEVELS))
    assert np.isnan(coverage(nothing, np.zeros(3), np.ones(3)))
    assert np.isnan(width(np.zeros(0), np.zeros(0)))


def test_a_missing_forecast_is_not_forgiven():
    point = np.array([1.0, np.nan])
    assert np.isnan(mae(np.ones(2), point))
    assert np.isnan(coverage(np.ones(2), point - 1, point + 1))


def test_series_without_a_scale_are_left_out_of_mase():
    actual, point = np.array([[1.0], [5.0], [7.0]]), np.zeros((3, 1))
    assert mase(actual, point, np.array([[2.0], [0.0], [np.nan]])) == 0.5


def test_naive_scale_is_the_mean_step_between_observed_pairs():
    values = random.normal(size=(30, 2))
    values[random.uniform(size=values.shape) < 0.2] = np.nan
    for season in (1, 4):
        for k in range(2):
            steps = [
                abs(values[t, k] - values[t - season, k])
                for t in range(season, 30)
                if np.isfinite(values[t, k] + values[t - season, k])
            ]
            assert naive_scale(values, season)[k] == pytest.approx(np.mean(steps))
    assert np.isnan(naive_scale(values, 30)).all()
    assert naive_scale(values[:, 0], 2).shape == ()


def test_skill():
    assert skill(1.5, 2.0) == 0.25
    assert skill(2.0, 2.0) == 0
    assert np.isnan(skill(1.0, 0.0))


@pytest.mark.parametrize("levels", [[0.1, 0.2, 0.4], [0.5, 0.4], [0.0, 0.5], [], [0.5, 0.5]])
def test_levels_must_be_equally_spaced(levels):
    with pytest.raises(ArgumentError, match="equal steps"):
        check_levels(levels)


def test_shapes_must_fit():
    with pytest.raises(ArgumentError, match="must be equal"):
        mae(np.zeros((3, 1)), np.zeros(3))
    with pytest.raises(ArgumentError, match=r"need \(3, 2\)"):
        pinball_losses(np.zeros(3), np.zeros((2, 3)), [0.1, 0.9])
    with pytest.raises(ArgumentError, match="season"):
        naive_scale(np.zeros(3), 0)


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
