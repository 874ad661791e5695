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
    coverage,
    crps_from_quantiles,
    crps_from_samples,
    directional_accuracy,
    mae,
    mape,
    mase,
    naive_scale,
    pinball,
    pinball_losses,
    rmse,
    rmsse,
    smape,
    wape,
    weighted_interval_score,
    width,
    wql,
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


def test_rmsse_agrees_with_utilsforecast():
    train, actual, point = random.normal(size=(3, 40))
    for season in (1, 7):
        theirs = losses.rmsse(frame(actual, model=point), ["model"], season, frame(train))
        found = rmsse(actual, point, naive_scale(train, season, power=2))
        assert found == pytest.approx(theirs["model"][0])


def test_relative_errors_agree_with_utilsforecast():
    actual, point = random.normal(size=(2, 50))
    point[3] = actual[3] = 0.0
    table = frame(actual, model=point)
    assert wape(actual, point) == pytest.approx(losses.nd(table, ["model"])["model"][0])
    # theirs runs from 0 to 1
    assert smape(actual, point) == pytest.approx(2 * losses.smape(table, ["model"])["model"][0])
    rest = frame(np.delete(actual, 3), model=np.delete(point, 3))
    assert mape(actual, point) == pytest.approx(losses.mape(rest, ["model"])["model"][0])


def test_weighted_quantile_loss_agrees_with_utilsforecast():
    actual = random.gamma(2, size=30)
    quantiles = np.sort(random.gamma(2, size=(30, 19)), -1)
    names = [f"q{at}" for at in range(19)]
    table = frame(actual, **dict(zip(names, quantiles.T, strict=True)))
    theirs = losses.scaled_crps(table, {"m": names}, np.array(LEVELS))["m"][0]
    assert wql(actual, quantiles, LEVELS) == pytest.approx(theirs)


def test_directions_are_counted_one_by_one():
    last = np.array([1.0, 1, 1, 1, 1, np.nan, 1])
    actual = np.array([2.0, 2, 2, 0, 1, 3, np.nan])
    point = np.array([5.0, 1, 0, 0, 5, 4, 5])
    # right, half (no move foreseen), wrong, right; no move, no last value and no value are left out
    assert directional_accuracy(actual, point, last) == 2.5 / 4
    assert np.isnan(directional_accuracy(np.ones(3), np.zeros(3), np.ones(3)))


@pytest.mark.parametrize("fair", [False, True])
@pytest.mark.parametrize("count", [2, 7, 50])
def test_crps_of_samples_agrees_with_scoringrules_and_with_brute_force(count, fair):
    actual, samples = random.normal(size=(5, 3)), random.normal(size=(5, 3, count))
    kind = "fair" if fair else "nrg"
    theirs = scoringrules.crps_ensemble(actual, samples, estimator=kind).mean()
    assert crps_from_samples(actual, samples, fair=fair) == pytest.approx(theirs)
    apart = np.abs(samples[..., :, None] - samples[..., None, :]).sum((-1, -2))
    brute = np.abs(samples - actual[..., None]).mean(-1)
    brute -= apart / (2 * count * (count - fair))
    assert crps_from_samples(actual, samples, fair=fair) == pytest.approx(brute.mean())


def test_crps_of_many_samples_is_that_of_their_distribution():
    actual = random.normal(size=20)
    samples = random.normal(0.3, 1.5, size=(20, 20_000))
    exact = scoringrules.crps_normal(actual, 0.3, 1.5).mean()
    assert crps_from_samples(actual, samples, fair=True) == pytest.approx(exact, abs=0.01)


def test_weighted_interval_score_agrees_with_scoringrules_and_is_the_crps():
    actual = random.normal(size=(6, 4))
    quantiles = np.sort(random.normal(size=(6, 4, 19)), -1)
    alpha = 2 * np.array(LEVELS[:9])
    # without the median, whose error its NumPy part leaves out (version 0.10)
    intervals = scoringrules.weighted_interval_score(
        actual, quantiles[..., 9], quantiles[..., :9], quantiles[..., :9:-1], alpha, w_median=0.0
    )
    theirs = (intervals + 0.5 * np.abs(actual - quantiles[..., 9]) / 9.5).mean()
    found = weighted_interval_score(actual, quantiles, LEVELS)
    assert found.total == pytest.approx(theirs)
    assert found.total == pytest.approx(crps_from_quantiles(actual, quantiles, LEVELS))
    assert found.total == pytest.approx(sum(found[1:]))


def test_the_parts_of_an_interval_score_are_width_and_misses_to_either_side():
    quantiles = np.array([[0.0, 1.0, 4.0]])
    levels = (0.1, 0.5, 0.9)
    for actual, over, under in ((1.0, 0, 0), (-3.0, 3 + 0.5 * 4, 0), (6.0, 0, 2 + 0.5 * 5)):
        found = weighted_interval_score([actual], quantiles, levels)
        expected = np.array([0.1 * 4, over, under]) / 1.5
        np.testing.assert_allclose(found[1:], expected)
        one = scoringrules.interval_score(actual, 0.0, 4.0, 0.2)
        assert found.total == pytest.approx((0.1 * one + 0.5 * abs(actual - 1)) / 1.5)
    # a level without its mirror image says nothing of an interval
    lone = weighted_interval_score([6.0], np.array([[0.0, 1, 2, 4]]), (0.1, 0.5, 0.7, 0.9))
    assert lone == weighted_interval_score([6.0], quantiles, levels)


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


def test_shapes_must_fit():
    with pytest.raises(ArgumentError, match="must be equal"):
        mae(np.zeros((3, 1)), np.zeros(3))
    with pytest.raises(ArgumentError, match=r"need \(3, 2\)"):
        pinball_losses(np.zeros(3), np.zeros((2, 3)), [0.1, 0.9])
    with pytest.raises(ArgumentError, match=r"need \(3, 'n'\) with n of 2"):
        crps_from_samples(np.zeros(3), np.zeros((3, 1)), fair=True)
    with pytest.raises(ArgumentError, match="must be equal"):
        directional_accuracy(np.zeros(3), np.zeros(3), np.zeros(2))
    with pytest.raises(ArgumentError, match="season"):
        naive_scale(np.zeros(3), 0)
