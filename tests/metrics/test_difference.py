from __future__ import annotations

import numpy as np
import pytest
import statsmodels.api as sm
from scipy.stats import norm, t

from longshort.errors import ArgumentError
from longshort.metrics.difference import diebold_mariano


def losses(rows: int, seed: int, lags: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Two losses whose difference is a moving average over ``lags`` more steps, of mean 0."""
    shocks = np.random.default_rng(seed).normal(size=(rows + lags, 2))
    both = np.stack([shocks[k : rows + k] for k in range(lags + 1)]).sum(0)
    return both[:, 0], both[:, 1]


@pytest.mark.parametrize("horizon", [1, 2, 7])
def test_the_uncorrected_statistic_is_that_of_statsmodels(horizon):
    first, second = losses(120, horizon, horizon - 1)
    fit = sm.OLS(first - second, np.ones(120)).fit(
        cov_type="HAC",
        cov_kwds={"maxlags": horizon - 1, "kernel": "uniform", "use_correction": False},
    )
    n = 120
    few = (n + 1 - 2 * horizon + horizon * (horizon - 1) / n) / n
    found = diebold_mariano(first, second, horizon)
    assert found.statistic == pytest.approx(fit.tvalues[0] * np.sqrt(few))
    assert found.mean == pytest.approx(fit.params[0])
    # a normal distribution would have said more than so few origins know
    assert found.p_value == pytest.approx(2 * t.sf(abs(found.statistic), n - 1))
    assert found.p_value > 2 * norm.sf(abs(fit.tvalues[0]))


def test_one_step_ahead_is_the_paired_t_test():
    from scipy.stats import ttest_rel

    first, second = losses(30, 3)
    found, theirs = diebold_mariano(first, second + 0.2, 1), ttest_rel(first, second + 0.2)
    # Harvey, Leybourne and Newbold's correction makes it exactly that
    assert found.statistic == pytest.approx(theirs.statistic)
    assert found.p_value == pytest.approx(theirs.pvalue)


@pytest.mark.parametrize("horizon", [1, 3])
def test_equal_forecasts_are_told_apart_as_seldom_as_it_says(horizon):
    trials = [diebold_mariano(*losses(80, seed, horizon - 1), horizon) for seed in range(1000)]
    share = np.mean([found.p_value < 0.05 for found in trials])
    # a level of 5 %, and what 1000 trials leave to chance and 80 origins to the estimate
    assert 0.03 < share < 0.09


def test_the_better_one_has_the_lower_mean_and_the_other_order_the_other_sign():
    first, second = losses(200, 5)
    found, turned = diebold_mariano(first, second + 1, 1), diebold_mariano(second + 1, first, 1)
    assert found.mean < 0
    assert found.p_value < 1e-6
    assert turned.statistic == pytest.approx(-found.statistic)


def test_a_sum_of_autocovariances_below_zero_takes_newey_and_wests():
    # every shock is taken back by the next: variances of one lag cancel
    back = np.tile([1.0, -1.0], 20) + np.linspace(0, 0.01, 40)
    found = diebold_mariano(back, np.zeros(40), 2)
    assert np.isfinite(found.statistic)


def test_too_few_origins_or_no_spread_tell_nothing():
    assert diebold_mariano([1, 2, 3], [3, 2, 1], 1) is None
    assert diebold_mariano(np.arange(10.0), np.arange(10.0)[::-1], 6) is None
    assert diebold_mariano(np.arange(10.0), np.arange(10.0) + 1, 1) is None


@pytest.mark.parametrize(
    ("first", "second", "horizon", "says"),
    [
        ([1, 2], [1, 2, 3], 1, "shape"),
        ([1, np.nan], [1, 2], 1, "finite"),
        ([1, 2], [1, 2], 0, "horizon=0"),
    ],
)
def test_what_cannot_be_compared_is_said(first, second, horizon, says):
    with pytest.raises(ArgumentError, match=says):
        diebold_mariano(first, second, horizon)
