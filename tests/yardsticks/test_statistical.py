"""AutoETS, AutoARIMA and Theta: the library's own forecasts, from every origin, in bounded time."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

from longshort.errors import ArgumentError, NotFittedError
from longshort.yardsticks import statistical
from longshort.yardsticks.statistical import Statistical, arima, ets, filled, theta

from .conftest import every, sequences, walks, windows

pytest.importorskip("statsforecast")
MAKES = {"AutoETS": ets, "AutoARIMA": arima, "Theta": theta}


def library(name, values, season):
    """The library's model, fitted to values."""
    from statsforecast import models

    kind = {"AutoETS": "AutoETS", "AutoARIMA": "AutoARIMA", "Theta": "AutoTheta"}[name]
    options = {"approximation": True} if name == "AutoARIMA" else {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return getattr(models, kind)(season_length=season, **options).fit(values)


def seasonal_walk(rows, season, seed=0):
    rng = np.random.default_rng(seed)
    wave = 3 * np.sin(2 * np.pi * np.arange(rows) / season)
    return (50 + wave + 0.3 * rng.normal(size=rows).cumsum() + rng.normal(size=rows))[:, None]


@pytest.mark.parametrize("name", MAKES)
@pytest.mark.parametrize("season", [1, 7])
def test_forecasts_are_the_librarys_from_every_origin(name, season):
    values = seasonal_walk(160, 7)
    data = sequences(values)
    train, test = windows(data, 4, 118), windows(data, 121, 157)
    fitted = Statistical(name, MAKES[name], season).fit(train)
    found = fitted.point(test, every(test))[..., 0]
    size = np.abs(values[:120]).mean()
    theirs = library(name, values[:120, 0] / size, season)
    for n, origin in enumerate(range(121, 157)):
        expected = size * theirs.forward(values[:origin, 0] / size, h=3)["mean"]
        # ARIMA is rolled forward by its difference equation, which forgets how it began
        np.testing.assert_allclose(found[n], expected, rtol=5e-3 if name == "AutoARIMA" else 1e-9)


def test_the_difference_equation_is_exact_where_nothing_lies_before_the_beginning():
    """ARIMA(1,1,1) with drift by hand: every forecast from every origin, one at a time."""
    phi, psi, drift = 0.6, -0.4, 0.25
    left, right = np.convolve([1, -phi], [1, -1]), np.array([1.0, psi])
    roll = statistical._difference_equation(left, right, 0.0, drift)
    x = np.random.default_rng(0).normal(size=60).cumsum()
    known = np.arange(10, 60, 7)
    found = roll(x, known, 5)
    n = x - drift * np.arange(1, 61)
    errors = np.zeros(60)
    for t in range(2, 60):
        moved = (n[t] - n[t - 1]) - phi * (n[t - 1] - n[t - 2])
        errors[t] = moved - psi * errors[t - 1]
    for row, told in zip(known, found, strict=True):
        level, step, last = n[row - 1], n[row - 1] - n[row - 2], errors[row - 1]
        for lead in range(5):
            step = phi * step + (psi * last if lead == 0 else 0.0)
            level += step
            assert told[lead] == pytest.approx(level + drift * (row + lead + 1))


@pytest.mark.parametrize("name", MAKES)
def test_nothing_at_or_after_the_origin_is_seen(name):
    values = walks(90, targets=1, gaps=0.1)[0] + 20
    changed = values.copy()
    changed[70:] = 500.0
    told = []
    for each in (values, changed):
        data = sequences(each)
        fitted = Statistical(name, MAKES[name]).fit(windows(data, 4, 55))
        told.append(fitted.point(windows(data, 60, 71), np.arange(11)))
    np.testing.assert_array_equal(*told)
    assert np.isfinite(told[0]).all()


def test_a_part_of_the_windows_is_that_part_of_all():
    data = sequences(*[walk + 30 for walk in walks(80, 70)])
    train, test = windows(data, 4, 40), windows(data, 45, 60)
    fitted = Statistical("AutoETS", ets).fit(train)
    some = fitted.point(test, np.array([17, 3, 3]))
    whole = Statistical("AutoETS", ets).fit(train).point(test, every(test))
    np.testing.assert_array_equal(some, whole[[17, 3, 3]])
    np.testing.assert_array_equal(fitted.point(test, every(test)), whole)


def test_a_long_season_is_taken_out_before(monkeypatch):
    rng = np.random.default_rng(1)
    t = np.arange(400)
    values = 30 + 8 * np.sin(2 * np.pi * t / 48) + rng.normal(size=400) * 0.1
    data = sequences(values[:, None])
    train, test = windows(data, 4, 250, horizon=60), windows(data, 320, 330, horizon=60)
    told = []

    def seen(values, season):
        told.append((len(values), season))
        return arima(values, season)

    point = Statistical("AutoARIMA", seen, 48).fit(train).point(test, every(test))
    ((rows, season),) = told
    assert (rows, season) == (309 - 48, 1)
    # a season ahead and more, too
    assert np.abs(point - test.actual(every(test))).mean() < 0.3


def test_many_series_share_the_models_of_some(monkeypatch):
    monkeypatch.setattr(statistical, "FITS", 4)
    rng = np.random.default_rng(2)
    sizes = 10 ** rng.uniform(0, 4, size=12)
    series = [
        size * (20 + walk) for size, walk in zip(sizes, walks(*[80] * 12, targets=1), strict=True)
    ]
    data = sequences(*series)
    train, test = windows(data, 4, 60), windows(data, 65, 75)
    calls = []

    def counted(values, season):
        calls.append(len(values))
        return arima(values, season)

    fitted = Statistical("AutoARIMA", counted).fit(train)
    assert len(calls) == 4
    assert fitted.note.startswith("AutoARIMA was fitted on 4 of 12 series; every other series")
    point, actual = fitted.point(test, every(test)), test.actual(every(test))
    naive = test.seasonal(every(test), 1)
    which, _ = test.where(every(test))
    for s in range(12):
        ours, theirs = (np.abs(p - actual)[which == s].mean() for p in (point, naive))
        assert ours < 1.3 * theirs


@pytest.mark.parametrize("name", MAKES)
def test_series_that_tell_nothing_keep_their_last_value(name):
    short, flat = walks(30, targets=1)[0], np.full((60, 1), 4.0)
    empty = np.full((60, 1), np.nan)
    empty[3] = 2.0
    data = sequences(short, flat, empty, np.full((60, 1), np.nan))
    view = windows(data, 8, 9, context=4, train=9)
    later = windows(data, 20, 25, context=4, train=9)
    fitted = Statistical(name, MAKES[name], 7).fit(view)
    np.testing.assert_array_equal(
        fitted.point(later, every(later)), later.seasonal(every(later), 1)
    )


def test_no_warning_leaks_and_a_broken_model_says_nothing(recwarn):
    def broken(values, season):
        warnings.warn("possible convergence problem", stacklevel=1)
        raise ValueError("no model able to be fitted")

    data = sequences(walks(60, targets=1)[0])
    view = windows(data, 4, 50)
    point = Statistical("odd", broken).fit(view).point(view, every(view))
    np.testing.assert_array_equal(point, view.seasonal(every(view), 1))
    assert not recwarn.list


def test_it_must_be_fitted_and_installed(monkeypatch):
    view = windows(sequences(walks(60, targets=1)[0]), 4, 50)
    with pytest.raises(NotFittedError, match=r"AutoETS\.point: call fit"):
        Statistical("AutoETS", ets).point(view, every(view))
    monkeypatch.setattr(statistical, "installed", lambda: False)
    with pytest.raises(ArgumentError, match=r"pip install 'longshort\[yardsticks\]'"):
        Statistical("AutoETS", ets).fit(view)


def test_missing_values_are_the_one_before_them():
    rows = np.array([np.nan, 1.0, np.nan, np.nan, 4.0, np.nan])
    np.testing.assert_array_equal(filled(rows), [np.nan, 1, 1, 1, 4, 4])
