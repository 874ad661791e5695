"""Intervals that follow what they missed: against a plain loop, and against their theorem."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import norm

from longshort.data.codecs.numbers import NumberCodec
from longshort.data.encoding import Encoding
from longshort.data.sequences import Field, Sequences
from longshort.data.windows import Windows
from longshort.errors import ArgumentError
from longshort.evaluate import adaptive as room
from longshort.evaluate.adaptive import adaptive
from longshort.yardsticks import base
from longshort.yardsticks.base import Forecasts, Method

LEVELS = tuple(round(0.05 * k, 2) for k in range(1, 20))


def windows(*series: np.ndarray, horizon: int = 3, first: int = 4) -> Windows:
    lengths = [len(values) for values in series]
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    keys = tuple(f"s{number}" for number in range(len(series)))
    values = np.concatenate(series)
    fields = tuple(Field(f"x{at}", "target") for at in range(values.shape[1]))
    data = Sequences(fields, keys, offsets, None, None, values, "a test")
    encoding = Encoding(NumberCodec.fit(data, data.lengths), 4, horizon, "last", 1, (), ())
    starts = np.full(len(series), first)
    return Windows(data, encoding, starts, data.lengths - horizon + 1)


def standard_normal(view: Windows, index: np.ndarray) -> Forecasts:
    """Whatever happens: the standard normal."""
    point = np.zeros((len(index), view.horizon, len(view.targets)))
    return Forecasts(point, point[..., None] + norm.ppf(LEVELS))


METHOD = Method("normal", "lstm", standard_normal)


def draws(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=shape)


@pytest.mark.parametrize("numbers", [10_000_000, 200])
def test_stretches_are_those_of_a_plain_loop(numbers: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(base, "_NUMBERS", numbers)
    series = [3 * draws(40, 2, seed=1), draws(25, 2, seed=2)]
    series[0][10:14, 1] = np.nan
    view, rate = windows(*series), 0.3
    _, found = adaptive(METHOD, LEVELS, rate)(view, np.arange(len(view)))
    number = 0
    for values in series:
        for k in range(2):
            for step in range(3):
                for pair in range(1, 10):
                    low, high = 9 - pair, 9 + pair
                    end = norm.ppf(LEVELS[high])
                    w, waiting = 0.0, []
                    for at, origin in enumerate(range(4, len(values) - 2)):
                        # what has become known before this origin
                        for row, used in [m for m in waiting if m[0] < origin]:
                            waiting.remove((row, used))
                            if np.isfinite(values[row, k]):
                                miss = abs(values[row, k]) > np.exp(used) * end
                                w += rate * (miss - 2 * LEVELS[low])
                        waiting.append((origin + step, w))
                        told = found[number + at, step, k]
                        inner = max(told[9:high], default=-np.inf)
                        assert told[high] == pytest.approx(max(np.exp(w) * end, inner), rel=1e-6)
                        assert told[low] == pytest.approx(-told[high], rel=1e-6)
        number += len(values) - 6


def test_the_share_of_misses_is_what_the_stretch_has_moved_by() -> None:
    """An identity, whatever the data do: here far outside for long, then at the median."""
    rate, levels = 0.1, (0.1, 0.5, 0.9)
    values = np.zeros((400, 1))
    values[:150] = 1e3

    def told(view: Windows, index: np.ndarray) -> Forecasts:
        point = np.zeros((len(index), 1, 1))
        return Forecasts(point, point[..., None] + norm.ppf(levels))

    view = windows(values, horizon=1)
    index = np.arange(len(view))
    ends = adaptive(Method("normal", "lstm", told), levels, rate)(view, index).quantiles[:, 0, 0]
    actual = view.actual(index)[:, 0, 0]
    missed = (actual < ends[:, 0]) | (actual > ends[:, 2])
    stretch = np.log(ends[:, 2] / norm.ppf(0.9))
    last = stretch[-1] + rate * (missed[-1] - 0.2)
    assert missed.mean() - 0.2 == pytest.approx(last / (rate * len(view)), abs=1e-5)
    # it stretched until it held what is a thousand deviations away, and no further
    enough = np.log(1e3 / norm.ppf(0.9))
    assert enough < stretch.max() < enough + rate


def test_what_drifts_is_covered_again() -> None:
    values = draws(1200, 1, seed=3)
    values[400:] *= 3
    view = windows(values, horizon=2)
    index = np.arange(600, len(view))
    actual = view.actual(index)

    def coverage(method: Method) -> float:
        quantiles = method(view, index).quantiles
        return float(((quantiles[..., 1] <= actual) & (actual <= quantiles[..., 17])).mean())

    assert coverage(METHOD) < 0.45
    assert coverage(adaptive(METHOD, LEVELS, 0.05)) == pytest.approx(0.8, abs=0.03)


def test_what_is_right_stays_about_as_it_is() -> None:
    view = windows(draws(800, 1, seed=4), horizon=1)
    index = np.arange(len(view))
    told = adaptive(METHOD, LEVELS, 0.02)(view, index)
    before = METHOD(view, index)
    assert (told.point == before.point).all()
    assert (told.quantiles[..., 9] == before.quantiles[..., 9]).all()
    factor = told.quantiles[..., 17] / before.quantiles[..., 17]
    assert 0.7 < factor.min() < factor.max() < 1.4
    assert (np.diff(told.quantiles, axis=-1) >= 0).all()


def test_nothing_that_is_still_to_come_is_known() -> None:
    values = draws(60, 1, seed=5)
    changed = values.copy()
    changed[30:] = 50.0
    for horizon in (1, 3):
        told = [
            adaptive(METHOD, LEVELS, 0.5)(view, np.arange(27)).quantiles
            for view in (windows(values, horizon=horizon), windows(changed, horizon=horizon))
        ]
        # origins 4 to 30, the last of which knows rows up to 29
        np.testing.assert_array_equal(*told)


def test_any_part_of_the_windows_can_be_asked_for() -> None:
    view = windows(draws(50, 1), draws(30, 1, seed=1))
    method = adaptive(METHOD, LEVELS, 0.1)
    whole = method(view, np.arange(len(view))).quantiles
    index = np.array([50, 3, 44, 17])
    np.testing.assert_array_equal(method(view, index).quantiles, whole[index])


def test_an_interval_without_width_stays_without() -> None:
    def certain(view: Windows, index: np.ndarray) -> Forecasts:
        point = np.zeros((len(index), view.horizon, 1))
        return Forecasts(point, np.zeros((*point.shape, 19)))

    view = windows(draws(3000, 1), horizon=1)
    told = adaptive(Method("certain", "lstm", certain), LEVELS, 1.0)(view, np.arange(len(view)))
    assert (told.quantiles == 0).all()


def test_impossible_settings_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    for rate in (0.0, -1.0, 1.5, float("nan")):
        with pytest.raises(ArgumentError, match=r"such as 0\.05"):
            adaptive(METHOD, LEVELS, rate)
    with pytest.raises(ArgumentError, match="mirror image"):
        adaptive(METHOD, [0.5, 0.9], 0.1)
    monkeypatch.setattr(room, "_MOST", 100)
    view = windows(draws(50, 1))
    with pytest.raises(ArgumentError, match="fewer series"):
        adaptive(METHOD, LEVELS, 0.1)(view, np.arange(3))
