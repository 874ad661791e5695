from __future__ import annotations

import numpy as np
import pytest
from sklearn.linear_model import Ridge

from longshort.data.codecs.numbers import Scaling
from longshort.data.steps import Step
from longshort.data.windows import Windows
from longshort.errors import DataError, NotFittedError
from longshort.yardsticks import base, ridge
from longshort.yardsticks.base import spread_over, with_quantiles
from longshort.yardsticks.ridge import PENALTIES, RidgeAR
from longshort.yardsticks.roster import all_yardsticks
from longshort.yardsticks.series import Climatology, Drift, Mean, Persistence, SeasonalNaive

from .conftest import DAY, LEVELS, every, sequences, walks, windows


def weight(inputs, penalty):
    """The ridge weight of a penalty: relative to the mean variance of the inputs."""
    return penalty * len(inputs) * inputs.var(0).mean()


def brute(view, rule):
    """(N, L, K) of rule(history of one target, lead), called for each number."""
    found = np.full((len(view), view.horizon, len(view.targets)), np.nan)
    for n in range(len(view)):
        (series,), (origin,) = view.where(np.array([n]))
        values = view.sequences.values[view.sequences.rows(series)][:origin]
        for k, target in enumerate(view.targets):
            for lead in range(view.horizon):
                found[n, lead, k] = rule(values[:, target], lead)
    return found


def last_value(history, lead):
    seen = history[np.isfinite(history)]
    return seen[-1] if len(seen) else np.nan


def seasonal(season):
    def rule(history, lead):
        row = len(history) + lead
        while row >= 0:
            if row < len(history) and np.isfinite(history[row]):
                return history[row]
            row -= season
        return last_value(history, lead)

    return rule


def line(history, lead):
    seen = np.flatnonzero(np.isfinite(history))
    if not len(seen):
        return np.nan
    first, last = seen[0], seen[-1]
    slope = (history[last] - history[first]) / (last - first) if last > first else 0.0
    return history[last] + slope * (len(history) + lead - last)


def mean(history, lead):
    seen = history[np.isfinite(history)]
    return seen.mean() if len(seen) else np.nan


@pytest.mark.parametrize("gaps", [0.0, 0.5])
@pytest.mark.parametrize(
    ("yardstick", "rule"),
    [
        (Persistence(), last_value),
        (SeasonalNaive(2), seasonal(2)),
        (SeasonalNaive(5), seasonal(5)),
        (Drift(), line),
        (Mean(), mean),
    ],
)
def test_rules_agree_with_a_plain_loop(yardstick, rule, gaps):
    data = sequences(*walks(14, 9, 17, gaps=gaps))
    view = windows(data, 1, 6, context=1, horizon=4)
    fitted = yardstick.fit(view)
    np.testing.assert_allclose(fitted.point(view, every(view)), brute(view, rule))
    np.testing.assert_allclose(
        fitted.point(view, every(view)[3:7]), brute(view, rule)[3:7], err_msg="a part of them"
    )


def test_drift_continues_a_straight_line_exactly():
    data = sequences(3 + 0.5 * np.arange(20.0)[:, None])
    view = windows(data, 5, 18)
    np.testing.assert_allclose(Drift().point(view, every(view)), view.actual(every(view)))


def test_climatology_finds_the_seasons_of_the_year_and_the_week():
    days = np.arange(900)
    start = np.datetime64("2020-01-01")
    fraction = (days + start.astype("datetime64[D]").astype(int)) % 7
    stamps = start + days
    year = stamps.astype("datetime64[Y]")
    turn = (stamps - year) / ((year + 1).astype("datetime64[D]") - year.astype("datetime64[D]"))
    usual = 10 + 8 * np.cos(2 * np.pi * turn) + np.sin(4 * np.pi * turn) + (fraction == 2)
    data = sequences(usual[:, None])
    train, test = windows(data, 4, 498), windows(data, 500, 890)
    point = Climatology().fit(train).point(test, every(test))
    np.testing.assert_allclose(point, test.actual(every(test)), atol=1e-9)


def test_climatology_of_hours_finds_the_day():
    hours = np.arange(24 * 30)
    usual = 5 + 3 * np.sin(2 * np.pi * hours / 24) + np.cos(2 * np.pi * 3 * hours / 24)
    data = sequences(usual[:, None], step=Step(1, "h"))
    train, test = windows(data, 4, 24 * 20), windows(data, 24 * 21, 24 * 29)
    point = Climatology().fit(train).point(test, every(test))
    np.testing.assert_allclose(point, test.actual(every(test)), atol=1e-9)


@pytest.mark.parametrize("step", [None, Step(1, "y"), DAY])
def test_climatology_without_a_cycle_is_the_training_mean(step):
    series = walks(12, 12, gaps=0.2)
    data = sequences(*series, step=step)
    train, test = windows(data, 4, 6), windows(data, 9, 10)
    point = Climatology().fit(train).point(test, every(test))
    # the last window of training ends in row 5 + 3
    for number, values in enumerate(series):
        for k in range(2):
            np.testing.assert_allclose(point[number, :, k], np.nanmean(values[:8, k]))


def test_climatology_sees_training_rows_only():
    values = walks(800, targets=1)[0]
    later = values.copy()
    later[403:] += 100
    fits = []
    for each in (values, later):
        data = sequences(each)
        fits.append(Climatology().fit(windows(data, 4, 401)))
    test = windows(sequences(values), 500, 600)
    assert (fits[0].point(test, every(test)) == fits[1].point(test, every(test))).all()
    data = sequences(np.where(np.arange(800)[:, None] == 402, 500.0, values))
    changed = Climatology().fit(windows(data, 4, 401))
    assert (changed.point(test, every(test)) != fits[0].point(test, every(test))).all()


def test_climatology_of_an_unknown_series_is_the_mean_of_its_history():
    values = walks(60, 40, gaps=0.3)
    data = sequences(*values)
    fitted = Climatology().fit(windows(data.select([0]), 4, 50))
    test = windows(data, 20, 25)
    expected = brute(test, lambda history, lead: np.nanmean(history))
    assert not np.allclose(fitted.point(test, every(test))[:5], expected[:5])
    np.testing.assert_allclose(fitted.point(test, every(test))[5:], expected[5:])


def test_ridge_is_scikit_learns_on_what_the_network_reads():
    roles = ("target", "target", "past", "future")
    data = sequences(*walks(90, 70, targets=4), fields=roles)
    train, valid = windows(data, 4, 50, train=52), windows(data, 52, 60, train=52)
    fitted = RidgeAR().fit(train, valid)

    def table(view):
        parts = view.inputs(every(view)), view.known(every(view))
        return np.concatenate([part.reshape(len(view), -1) for part in parts], 1).astype(float)

    def target(view):
        values = view.batch(every(view).tolist()).targets.numpy().astype(float)
        return (values - view.reference(every(view))).reshape(len(view), -1)

    def theirs(penalty):
        return Ridge(weight(table(train), penalty)).fit(table(train), target(train))

    errors = [np.abs(theirs(p).predict(table(valid)) - target(valid)).mean() for p in PENALTIES]
    assert fitted.penalty == PENALTIES[int(np.argmin(errors))]
    encoded = theirs(fitted.penalty).predict(table(valid)).reshape(-1, 3, 2)
    expected = valid.decode(encoded + valid.reference(every(valid)), every(valid))
    np.testing.assert_allclose(fitted.point(valid, every(valid)), expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("numbers", [10_000_000, 2000])
@pytest.mark.parametrize("scaling", [Scaling(), Scaling("none")])
def test_ridge_solves_what_scikit_learn_solves(scaling, numbers, monkeypatch):
    monkeypatch.setattr(base, "_NUMBERS", numbers)
    data = sequences(*(1000 + values for values in walks(120, 80)))
    train = windows(data, 4, 70, scaling=scaling)
    inputs, outputs = ridge.features(train, every(train)), ridge.answered(train, every(train))
    for penalty in PENALTIES[::7]:
        fitted = RidgeAR(penalty=penalty).fit(train)
        model = Ridge(weight(inputs, penalty)).fit(inputs, outputs)
        np.testing.assert_allclose(fitted.coefficients, model.coef_.T, rtol=1e-5, atol=1e-7)
        np.testing.assert_allclose(
            inputs @ fitted.coefficients + fitted.intercept, model.predict(inputs), atol=1e-6
        )


def test_ridge_learns_an_autoregression():
    rng = np.random.default_rng(1)
    values = np.zeros((1500, 1))
    for t in range(2, 1500):
        values[t] = 1.2 * values[t - 1] - 0.5 * values[t - 2] + rng.normal()
    data = sequences(values, step=None)
    train, valid = windows(data, 4, 1000, horizon=2), windows(data, 1002, 1200, horizon=2)
    test = windows(data, 1202, 1499, horizon=2)
    point = RidgeAR().fit(train, valid).point(test, every(test))
    past = test.past(every(test), 2)[..., 0]
    one = 1.2 * past[:, 1] - 0.5 * past[:, 0]
    two = 1.2 * one - 0.5 * past[:, 1]
    assert np.abs(point[:, 0, 0] - one).mean() < 0.1
    assert np.abs(point[:, 1, 0] - two).mean() < 0.15


def test_ridge_fits_each_output_on_the_windows_where_it_was_observed():
    series = walks(120, gaps=0.1)
    data = sequences(*series)
    train = windows(data, 4, 80)
    fitted = RidgeAR(penalty=0.1).fit(train)
    inputs, outputs = ridge.features(train, every(train)), ridge.answered(train, every(train))
    for output in range(6):
        seen = np.isfinite(outputs[:, output])
        assert 40 < seen.sum() < len(train)
        model = Ridge(weight(inputs[seen], 0.1)).fit(inputs[seen], outputs[seen, output])
        np.testing.assert_allclose(fitted.coefficients[:, output], model.coef_, atol=1e-8)
        assert fitted.intercept[output] == pytest.approx(model.intercept_)


def test_ridge_chooses_its_penalty_on_windows_it_was_not_fitted_on():
    data = sequences(*walks(200, 190))
    train, valid, both = windows(data, 4, 98), windows(data, 100, 130), windows(data, 4, 130)
    fitted = RidgeAR().fit(train, valid)
    refitted = RidgeAR().fit(both, valid)
    assert refitted.penalty == fitted.penalty
    np.testing.assert_array_equal(
        refitted.coefficients, RidgeAR(penalty=fitted.penalty).fit(both).coefficients
    )
    assert (refitted.coefficients != fitted.coefficients).any()
    # 100 training windows a series: the last 20 choose
    alone = RidgeAR().fit(windows(data, 4, 104))
    errors = []
    for penalty in PENALTIES:
        held = windows(data, 84, 104)
        point = RidgeAR(penalty=penalty).fit(windows(data, 4, 84)).point(held, every(held))
        # both targets and series share one scale here, up to the spread of each target
        _, spread = held.statistics(every(held))
        errors.append(np.abs((point - held.actual(every(held))) / spread[:, None]).mean())
    assert alone.penalty == PENALTIES[int(np.argmin(errors))]


def test_ridge_reads_static_columns():
    level = np.repeat([0.0, 4.0, 9.0], 60)
    noise = np.random.default_rng(2).normal(size=180)
    rows = np.c_[level + noise, level].reshape(3, 60, 2)
    data = sequences(*rows, fields=("target", "static"))
    train, test = windows(data, 4, 40, context=1), windows(data, 45, 55, context=1)
    point = RidgeAR().fit(train).point(test, every(test))
    usual = np.repeat([0.0, 4.0, 9.0], 10)[:, None, None]
    assert np.abs(point - usual).mean() < 0.4


def test_ridge_thins_what_it_cannot_afford(monkeypatch):
    data = sequences(*walks(400))
    train = windows(data, 4, 300)
    width = ridge.features(train, np.arange(1)).shape[1]
    monkeypatch.setattr(ridge, "_WORK", 100 * width**2)
    few = RidgeAR(penalty=1e-3).fit(train)
    kept = spread_over(len(train), 100)
    assert len(kept) == 100
    inputs, outputs = ridge.features(train, kept), ridge.answered(train, kept)
    model = Ridge(weight(inputs, 1e-3)).fit(inputs, outputs)
    np.testing.assert_allclose(few.coefficients, model.coef_.T, atol=1e-8)


def test_ridge_must_be_fitted():
    view = windows(sequences(*walks(20)), 4, 10)
    with pytest.raises(NotFittedError, match="fit first"):
        RidgeAR().point(view, every(view))


@pytest.mark.parametrize("scaling", [Scaling(), Scaling(log=True), Scaling(per_series=True)])
def test_nothing_at_or_after_the_origin_is_seen(scaling):
    series = [np.abs(values) for values in walks(60, 50, gaps=0.1, seed=3)]
    data = sequences(*series, fields=("target", "past"))
    train = windows(data, 4, 28, train=30, scaling=scaling)
    valid = windows(data, 30, 35, train=30, scaling=scaling)
    origin = 40
    changed = [values.copy() for values in series]
    for values in changed:
        values[origin:] = np.random.default_rng(9).uniform(0, 50, size=values[origin:].shape)
    other = sequences(*changed, fields=("target", "past"))
    for yardstick in all_yardsticks(7):
        method = with_quantiles(yardstick.fit(train, valid), valid, LEVELS)
        told = [
            method(
                Windows(each, train.encoding, *np.full((2, 2), [[origin], [origin + 1]])), [0, 1]
            )
            for each in (data, other)
        ]
        assert np.isfinite(told[0].quantiles).all()
        np.testing.assert_array_equal(told[0].point, told[1].point)
        np.testing.assert_array_equal(told[0].quantiles, told[1].quantiles)


def test_one_observation_is_enough_for_a_forecast_and_none_is_too_few():
    values = walks(60, 60, 60)
    for number, known in enumerate((2, None)):
        seen = values[number][2].copy()
        values[number][:44] = np.nan
        if known is not None:
            values[number][known] = seen
    data = sequences(*values)
    train, valid = windows(data, 4, 28), windows(data, 30, 35)
    test = windows(data, 38, 42)
    series, _ = test.where(every(test))
    for yardstick in all_yardsticks(7):
        point = yardstick.fit(train, valid).point(test, every(test))
        assert np.isfinite(point[series != 1]).all(), yardstick.name
        assert np.isnan(point[series == 1]).all(), yardstick.name


def test_names_and_kinds():
    found = {y.name: y.kind for y in all_yardsticks(7)}
    assert found == {
        "persistence": "naive",
        "seasonal naive (7)": "naive",
        "drift": "naive",
        "mean": "naive",
        "climatology": "naive",
        "ridge autoregression": "classical",
    }
    assert [y.name for y in all_yardsticks(None)] == [n for n in found if "seasonal" not in n]
    assert len(all_yardsticks(1)) == 5


def test_quantiles_of_one_series_are_those_of_its_errors():
    data = sequences(*walks(80, gaps=0.1))
    valid, test = windows(data, 4, 50), windows(data, 52, 60)
    method = with_quantiles(Drift(), valid, LEVELS)
    errors = valid.actual(every(valid)) - Drift().point(valid, every(valid))
    point, quantiles = method(test, every(test))
    np.testing.assert_array_equal(point, Drift().point(test, every(test)))
    for step in range(3):
        for k in range(2):
            seen = errors[:, step, k][np.isfinite(errors[:, step, k])]
            # with both signs, so that the point is the median
            seen = np.concatenate([seen, -seen])
            expected = np.quantile(seen, LEVELS, method="weibull")
            np.testing.assert_allclose(
                quantiles[:, step, k] - point[:, step, k, None], np.tile(expected, (8, 1))
            )
    assert (method.name, method.kind) == ("drift", "naive")


def test_quantiles_hold_what_they_say_for_a_further_error_of_the_same_kind():
    # whatever the distribution, as long as it is symmetric
    rng = np.random.default_rng(6)
    errors = rng.laplace(size=(4000, 10, 1, 1))
    ends = np.array([base._quantiles(each[:9], [0.1, 0.9])[0, 0] for each in errors])
    below = (errors[:, 9, 0] <= ends).mean(0)
    assert below == pytest.approx([0.1, 0.9], abs=0.02)


def test_series_of_different_size_have_intervals_of_their_own_size():
    small, large = walks(200, 200, targets=1)
    data = sequences(small, large * 1000)
    valid, test = windows(data, 100, 150), windows(data, 152, 160)
    _, quantiles = with_quantiles(Persistence(), valid, LEVELS)(test, every(test))
    width = (quantiles[..., -1] - quantiles[..., 0]).mean((1, 2))
    series, _ = test.where(every(test))
    errors = np.abs(valid.actual(every(valid)) - Persistence().point(valid, every(valid)))
    which, _ = valid.where(every(valid))
    found = [width[series == s].mean() for s in (0, 1)]
    sizes = [errors[which == s].mean() for s in (0, 1)]
    steps = [np.abs(np.diff(values[:152, 0])).mean() for values in (small, large * 1000)]
    # between what the errors say and what the past says
    bounds = sorted([sizes[1] / sizes[0], steps[1] / steps[0]])
    assert bounds[0] < found[1] / found[0] < bounds[1]


def test_many_series_of_different_size_are_covered_as_often_as_is_said():
    covered = []
    for seed in range(6):
        size = 10 ** np.random.default_rng(seed).uniform(0, 3, size=300)
        series = walks(*[60] * 300, targets=1, seed=seed)
        data = sequences(*(v * a for v, a in zip(series, size, strict=True)))
        # six windows a series, of three steps that overlap
        valid, test = windows(data, 40, 46), windows(data, 49, 57)
        _, quantiles = with_quantiles(Persistence(), valid, LEVELS)(test, every(test))
        actual = test.actual(every(test))
        covered.append(((quantiles[..., 1] <= actual) & (actual <= quantiles[..., -2])).mean())
    assert np.mean(covered) == pytest.approx(0.8, abs=0.02)


def test_quantiles_need_an_observed_error():
    values = walks(40, targets=1)[0]
    values[20:] = np.nan
    data = sequences(values)
    with pytest.raises(DataError, match="longer validation part"):
        with_quantiles(Persistence(), windows(data, 25, 30), LEVELS)


def test_a_step_that_was_never_observed_takes_the_errors_of_the_others():
    values = walks(40, targets=1)[0]
    values[22] = np.nan
    data = sequences(values)
    found = with_quantiles(Persistence(), windows(data, 20, 21), [0.5])(windows(data, 30, 31), [0])
    assert np.isfinite(found.quantiles).all()
