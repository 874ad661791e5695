"""Periods of known series, none of others, and the season that the seasonal naive decides."""

from __future__ import annotations

import numpy as np
import pytest

from longshort.data.steps import Step
from longshort.yardsticks.seasons import (
    beating,
    best_season,
    candidates,
    find_season,
    periods,
    season_in_words,
    season_ratios,
)

from .conftest import DAY, sequences, walks

random = np.random.default_rng(5)


def wave(rows, period, *, noise=1.0, trend=0.0, shape=np.sin):
    t = np.arange(rows)
    return shape(2 * np.pi * t / period) + noise * random.normal(size=rows) + trend * t


@pytest.mark.parametrize(
    ("rows", "period"), [(200, 4), (300, 7), (300, 12), (500, 24), (1000, 48), (1500, 168)]
)
@pytest.mark.parametrize("trend", [0.0, 0.05])
def test_the_period_of_a_noisy_wave_is_found(rows, period, trend):
    (found,) = periods(wave(rows, period, trend=trend))
    # a period of which few go by is known to a row
    assert abs(found - period) <= (period > 100)


def test_a_long_period_is_found_to_a_few_rows():
    (year,) = periods(wave(1461, 365, noise=0.5))
    assert abs(year - 365) <= 5


def test_a_wave_on_a_random_walk_is_found():
    assert 7 in periods(wave(600, 7, noise=0.3) + 0.3 * random.normal(size=600).cumsum())


def test_waves_within_waves_are_found_the_strongest_first():
    both = 2 * wave(900, 24, noise=0.2) + wave(900, 100, noise=0.2)
    assert periods(both)[:2] == [24, 100]


def test_a_working_day_has_its_own_period_before_its_overtones():
    t = np.arange(480)
    day = ((t % 24 >= 8) & (t % 24 < 18)) + 0.1 * random.normal(size=480)
    assert periods(day)[0] == 24


@pytest.mark.parametrize("kind", ["noise", "heavy", "walk", "autoregression", "line"])
def test_what_has_no_period_has_none(kind):
    found = 0
    for seed in range(40):
        rng = np.random.default_rng(seed)
        noise = rng.standard_t(3, size=600) if kind == "heavy" else rng.normal(size=600)
        values = {"walk": noise.cumsum(), "line": np.arange(600.0)}.get(kind, noise)
        if kind == "autoregression":
            values = noise.copy()
            for t in range(1, 600):
                values[t] += 0.9 * values[t - 1]
        found += bool(periods(values))
    # one in a thousand is promised of noise
    assert found <= 1


def test_short_constant_and_missing_series_have_no_period():
    assert periods(np.ones(300)) == []
    assert periods(wave(20, 4)) == []
    assert periods(np.full(100, np.nan)) == []
    gaps = wave(400, 7, noise=0.3)
    gaps[random.random(400) < 0.3] = np.nan
    assert periods(gaps) == [7]


def test_candidates_are_the_calendars_and_what_most_series_tell():
    weekly = [wave(300, 10, noise=0.3)[:, None] for _ in range(3)]
    odd = wave(300, 31, noise=0.3)[:, None]
    assert candidates(sequences(*weekly, odd)) == (7, 10, 365)
    assert candidates(sequences(*weekly, odd, step=None)) == (10,)
    # a period that is nearly the calendar's is the calendar's
    assert candidates(sequences(wave(1461, 362, noise=0.3)[:, None])) == (7, 365)


def test_a_season_without_a_calendar_is_found_and_used():
    data = sequences(wave(400, 11, noise=0.2)[:, None], step=None)
    assert find_season(data, 5) == 11


def test_what_beats_the_last_value():
    assert beating({7: 0.9, 24: 0.5, 168: 0.4}) == 168
    assert beating({7: 0.9, 24: 0.5, 168: 0.4}, 24) == 24
    assert beating({7: 1.2}) == 1
    assert beating({}) == 1


def test_seasons_in_words():
    day, hour = DAY, Step(1, "h")
    assert season_in_words({7: 0.82}, 7, day) == (
        "The season is 7 rows of 1 day: on the training part, the error of the seasonal naive is "
        "18 % below that of the last value."
    )
    assert season_in_words({24: 1.1, 168: 1.2}, 1, hour) == (
        "No season was found: on the training part, none of 24, 168 rows has a seasonal naive "
        "that beats the last value."
    )
    assert season_in_words({}, 1, None) == "No season was found in the training part."
    assert season_in_words({7: 0.82}, 30, day) == "The season of 30 rows of 1 day was given."
    assert "21 % above" in season_in_words({7: 1.21}, 7, day)


def test_the_season_of_a_weekly_series_is_seven_days():
    days = np.arange(200.0)
    noise = np.random.default_rng(0).normal(size=200)
    weekly = sequences((3 * np.sin(2 * np.pi * days / 7) + 0.1 * noise)[:, None])
    assert find_season(weekly, 7) == 7
    assert best_season(season_ratios(weekly, 7)) == 7


def test_a_random_walk_has_no_season_but_a_best_candidate():
    walk = sequences(*walks(200, targets=1))
    assert find_season(walk, 3) == 1
    assert best_season(season_ratios(walk, 3)) == 7


def test_seasons_that_do_not_fit_twice_are_left_out():
    assert best_season(season_ratios(sequences(*walks(13, targets=1)), 3)) is None
    assert best_season(season_ratios(sequences(*walks(14, targets=1)), 3)) == 7
    assert best_season(season_ratios(sequences(*walks(400, targets=1), step=None), 3)) is None
    assert find_season(sequences(*walks(13, targets=1)), 3) == 1
    assert set(season_ratios(sequences(*walks(730, targets=1)), 3)) == {7, 365}


@pytest.mark.parametrize("horizon", [3, 10])
def test_seasons_are_compared_at_every_origin_and_step(horizon):
    data = sequences(*walks(40, 9, 30, gaps=0.1))
    ratios = []
    for number in (0, 2):
        values = data.values[data.rows(number)]
        for k in range(2):
            errors = []
            for origin in range(len(values)):
                for lead in range(min(horizon, len(values) - origin)):
                    row = origin + lead - 7 * (lead // 7 + 1)
                    if row >= 0 and origin > 0:
                        actual = values[origin + lead, k]
                        errors.append(
                            [abs(actual - values[row, k]), abs(actual - values[origin - 1, k])]
                        )
            both = np.array(errors)
            both = both[np.isfinite(both).all(1)]
            ratios.append(both[:, 0].sum() / both[:, 1].sum())
    assert season_ratios(data, horizon)[7] == pytest.approx(np.mean(ratios))
