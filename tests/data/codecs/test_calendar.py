from __future__ import annotations

import calendar
from datetime import datetime, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from longshort.data.codecs.calendar import (
    calendar_cycles,
    encode_calendar,
    phase,
    seasons,
)
from longshort.data.steps import Step
from longshort.errors import ArgumentError

MOMENTS = st.datetimes(datetime(1890, 1, 1), datetime(2200, 1, 1))


def times(*texts: str) -> np.ndarray:
    return np.array(texts, dtype="datetime64[us]")


@settings(max_examples=200, deadline=None)
@given(MOMENTS)
def test_phases_agree_with_the_standard_library(moment):
    at = np.datetime64(moment, "us")
    begins, ends = datetime(moment.year, 1, 1), datetime(moment.year + 1, 1, 1)
    assert phase(at, "year") == pytest.approx((moment - begins) / (ends - begins), abs=1e-12)
    midnight = datetime(moment.year, moment.month, moment.day)
    monday = midnight - timedelta(days=moment.weekday())
    assert phase(at, "week") == pytest.approx((moment - monday) / timedelta(days=7), abs=1e-12)
    assert phase(at, "day") == pytest.approx((moment - midnight) / timedelta(days=1), abs=1e-12)
    assert phase(at, "hour") == pytest.approx((moment.minute * 60 + moment.second) / 3600, abs=3e-4)


def test_leap_years_and_year_ends():
    for year in (1900, 2000, 2023, 2024):
        days = 365 + calendar.isleap(year)
        assert phase(times(f"{year}-12-31"), "year")[0] == pytest.approx((days - 1) / days)
    # the year's middle is noon on 2 July, and its midnight in leap years
    np.testing.assert_allclose(phase(times("2023-07-02T12:00", "2024-07-02"), "year"), 0.5)


def test_a_cycle_closes():
    at = times("2023-12-31T23:59:59.999999", "2024-01-01", "2023-12-31T23:00", "2024-01-01T01:00")
    encoded = encode_calendar(at, ("year", "week", "day"))
    assert encoded.dtype == np.float32
    assert encoded.shape == (4, 6)
    np.testing.assert_allclose(encoded[0], encoded[1], atol=1e-4)
    # 1 January 2024 was a Monday: every cycle begins
    np.testing.assert_allclose(encoded[1], [0, 1, 0, 1, 0, 1], atol=1e-7)
    np.testing.assert_allclose(encoded[2, 4:], encoded[3, 4:] * [-1, 1], atol=1e-6)


def test_sine_and_cosine_stand_on_the_unit_circle_in_any_shape():
    at = np.datetime64("2020-02-28", "us") + np.arange(24).reshape(2, 3, 4) * np.timedelta64(7, "h")
    encoded = encode_calendar(at, ("year", "week", "day", "hour"))
    assert encoded.shape == (2, 3, 4, 8)
    np.testing.assert_allclose(encoded[..., ::2] ** 2 + encoded[..., 1::2] ** 2, 1, rtol=1e-5)
    assert encode_calendar(at, ()).shape == (2, 3, 4, 0)


@pytest.mark.parametrize(
    ("step", "cycles"),
    [
        (Step(1, "y"), ()),
        (Step(2, "q"), ("year",)),
        (Step(1, "mo", 31), ("year",)),
        (Step(1, "w"), ("year",)),
        (Step(1, "d"), ("year", "week")),
        (Step(1, "bd"), ("year", "week")),
        (Step(12, "h"), ("year", "week", "day")),
        (Step(30, "min"), ("year", "week", "day")),
        (Step(10, "min"), ("year", "week", "day", "hour")),
        (None, ()),
    ],
)
def test_cycles_that_a_step_moves_through(step, cycles):
    assert calendar_cycles(step) == cycles


@pytest.mark.parametrize(
    ("step", "expected"),
    [
        (Step(1, "d"), (7, 365)),
        (Step(1, "h"), (24, 168)),
        (Step(30, "min"), (48, 336)),
        (Step(10, "min"), (144, 1008)),
        (Step(6, "h"), (4, 28)),
        (Step(1, "w"), (52,)),
        (Step(2, "w"), (26,)),
        (Step(1, "mo"), (12,)),
        (Step(2, "mo"), (6,)),
        (Step(1, "q"), (4,)),
        (Step(2, "q"), (2,)),
        (Step(1, "bd"), (5, 261)),
        (Step(1, "y"), (1,)),
        (Step(5, "h"), (1,)),
        (Step(7, "min"), (1440,)),
        (None, (1,)),
    ],
)
def test_seasons_of_a_step(step, expected):
    assert seasons(step) == expected


def test_an_unknown_cycle_is_refused():
    with pytest.raises(ArgumentError, match=r"'weak' is unknown.*did you mean 'week'"):
        encode_calendar(times("2024-01-01"), ("weak",))
