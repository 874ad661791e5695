from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from longshort.data.sequences import Columns, Field, Sequences
from longshort.data.steps import Step, fixed_step, infer_step, time_text
from longshort.errors import ArgumentError

FIELDS = (Field("y", "target"), Field("z", "past"))


def stamps(frequency: str, rows: int, start: str = "2011-11-01") -> np.ndarray:
    return pd.date_range(start, periods=rows, freq=frequency).to_numpy().astype("datetime64[us]")


def three_series(times: bool = True) -> Sequences:
    offsets = np.array([0, 4, 5, 11])
    days = np.concatenate([stamps("D", n) for n in (4, 1, 6)])
    values = np.arange(22, dtype=float).reshape(11, 2)
    step = Step(1, "d") if times else None
    return Sequences(
        FIELDS, ("a", "b", "c"), offsets, days if times else None, step, values, "w.csv"
    )


def test_columns_accept_one_name_a_list_or_numbers():
    one = Columns(time="date", target="y", past=["a", "b"])
    assert one.target == ("y",)
    assert one.past == ("a", "b")
    assert Columns(target=0).target == ("0",)
    assert Columns(target="y") == Columns(target=("y",))
    assert Columns().past is None
    assert Columns(past=()).past == ()


def test_columns_name_a_column_once():
    with pytest.raises(ArgumentError, match=r"'y' is given twice \(target and future\)"):
        Columns(target="y", future="y")
    with pytest.raises(ArgumentError, match=r"'y' is given twice \(target\)"):
        Columns(target=("y", "y"))
    with pytest.raises(ArgumentError, match=r"3\.5"):
        Columns(target=3.5)
    with pytest.raises(ArgumentError, match="one column"):
        Columns(time=("a", "b"))


@pytest.mark.parametrize(
    ("frequency", "expected"),
    [
        ("30min", Step(30, "min")),
        ("90min", Step(90, "min")),
        ("h", Step(1, "h")),
        ("6h", Step(6, "h")),
        ("D", Step(1, "d")),
        ("2D", Step(2, "d")),
        ("W-WED", Step(1, "w")),
        ("14D", Step(2, "w")),
        ("B", Step(1, "bd")),
        ("MS", Step(1, "mo")),
        ("ME", Step(1, "mo", 31)),
        ("2MS", Step(2, "mo")),
        ("QS", Step(1, "q")),
        ("QE", Step(1, "q", 31)),
        ("YS", Step(1, "y")),
        ("YE-FEB", Step(1, "y", 31)),
        ("100ms", Step(100_000, "us")),
        ("7s", Step(7, "s")),
    ],
)
def test_step_is_inferred_and_advances_as_pandas_does(frequency, expected):
    times = stamps(frequency, 40)
    step = infer_step(times)
    assert step == expected
    ahead = step.advance(times[3], np.arange(-3, 37))
    np.testing.assert_array_equal(ahead, times)
    steps, exact = step.between(times[3], times)
    np.testing.assert_array_equal(steps, np.arange(-3, 37))
    assert exact.all()


def test_step_survives_gaps_and_keeps_the_time_of_day():
    rng = np.random.default_rng(0)
    for frequency in ("h", "D", "B", "ME", "QS", "W"):
        times = stamps(frequency, 200) + np.timedelta64(9, "h")
        kept = np.sort(rng.choice(200, 180, replace=False))
        assert infer_step(times[kept]) == infer_step(times)


def test_step_of_several_series_is_that_of_most_rows():
    days, hours = stamps("D", 30), stamps("h", 5)
    offsets = np.array([0, 30, 35])
    assert infer_step(np.concatenate([days, hours]), offsets) == Step(1, "d")
    # the jump back from one series to the next is no difference
    assert infer_step(np.concatenate([days, days]), np.array([0, 30, 60])) == Step(1, "d")


def test_single_rows_have_no_step():
    assert infer_step(stamps("D", 1)) is None
    assert infer_step(stamps("D", 3), np.array([0, 1, 2, 3])) is None
    assert infer_step(stamps("D", 0)) is None


def test_month_steps_cut_to_the_months_length():
    day = np.datetime64("2023-01-30", "us")
    months = Step(1, "mo").advance(day, np.array([1, 2, 13]))
    assert [str(t)[:10] for t in months] == ["2023-02-28", "2023-03-30", "2024-02-29"]
    ends = Step(1, "mo", 31).advance(np.datetime64("2023-02-28T12:00", "us"), np.array([0, 1, 12]))
    assert [str(t)[:13] for t in ends] == ["2023-02-28T12", "2023-03-31T12", "2024-02-29T12"]


def test_thirtieth_of_each_month_is_not_lost_in_february():
    times = np.array(["2023-01-30", "2023-02-28", "2023-03-30"], dtype="datetime64[us]")
    step = infer_step(times)
    assert step == Step(1, "mo", 30)
    assert str(step.advance(times[1], 1))[:10] == "2023-03-30"


@settings(max_examples=60, deadline=None)
@given(
    st.datetimes(min_value=pd.Timestamp("1900-01-01"), max_value=pd.Timestamp("2200-01-01")),
    st.integers(-500, 500),
    st.sampled_from([("mo", 1), ("q", 3), ("y", 12)]),
)
def test_calendar_steps_agree_with_pandas_offsets(start, n, unit):
    name, months = unit
    ours = Step(1, name).advance(np.datetime64(start, "us"), n)
    assert pd.Timestamp(ours[()]) == pd.Timestamp(start) + pd.DateOffset(months=months * n)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 40_000), st.integers(-300, 300))
def test_business_days_agree_with_pandas(day, n):
    start = pd.Timestamp("1970-01-01") + pd.offsets.BDay(0) + pd.offsets.BDay(day)
    ours = Step(1, "bd").advance(start.to_datetime64(), n)
    assert pd.Timestamp(ours[()]) == start + pd.offsets.BDay(n)


def test_step_in_words_and_seconds():
    assert Step(1, "d").label == "1 day"
    assert Step(30, "min").label == "30 minutes"
    assert Step(1, "bd").label == "1 business day"
    assert Step(30, "min").seconds == 1800
    assert Step(1, "y").seconds == pytest.approx(365.2425 * 86_400)
    assert fixed_step(3_600_000_000) == Step(1, "h")


@pytest.mark.parametrize(
    "arguments", [(0, "d"), (2, "bd"), (1, "fortnight"), (1, "d", 3), (1, "mo", 32)]
)
def test_impossible_steps_are_refused(arguments):
    with pytest.raises(ArgumentError):
        Step(*arguments)


def test_time_text_is_a_date_where_that_says_all():
    noon = np.datetime64("2012-03-04T12:30", "us")
    assert time_text(noon, Step(1, "d")) == "2012-03-04"
    assert time_text(noon, Step(1, "mo")) == "2012-03-04"
    assert time_text(noon, Step(1, "h")) == "2012-03-04T12:30:00"
    assert time_text(noon.astype("datetime64[D]")) == "2012-03-04"
    assert time_text(noon + np.timedelta64(1, "us")) == "2012-03-04T12:30:00.000001"


def test_series_are_found_by_number_and_field_by_name():
    series = three_series()
    assert len(series) == 3
    assert series.names == ("y", "z")
    assert series.index("z") == 1
    assert series.role_indices("past") == [1]
    assert series.role_indices("static") == []
    assert series.length(2) == 6
    assert series.rows(1) == slice(4, 5)
    np.testing.assert_array_equal(series.lengths, [4, 1, 6])
    np.testing.assert_array_equal(series.series_of(np.arange(11)), [0] * 4 + [1] + [2] * 6)
    with pytest.raises(ArgumentError, match="The names are: y, z"):
        series.index("yy")


def test_select_and_crop_agree_with_slicing_each_series():
    series = three_series()
    picked = series.select([2, 0])
    assert picked.keys == ("c", "a")
    np.testing.assert_array_equal(picked.values[picked.rows(0)], series.values[series.rows(2)])
    np.testing.assert_array_equal(picked.times[picked.rows(1)], series.times[series.rows(0)])
    for start, end in [(0, 2), (1, None), (np.array([3, 0, 5]), np.array([4, 1, 6])), (9, None)]:
        part = series.crop(start, end)
        starts = np.broadcast_to(start, 3)
        ends = series.lengths if end is None else np.broadcast_to(end, 3)
        for s in range(3):
            expected = series.values[series.rows(s)][starts[s] : ends[s]]
            np.testing.assert_array_equal(part.values[part.rows(s)], expected)


def test_rows_are_labelled_by_time_or_by_number_within_the_series():
    assert three_series().time_label(6) == "2011-11-02"
    assert three_series(times=False).time_label(6) == "1"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"keys": ("a", "b")}, "offsets are"),
        ({"keys": ("a", "b", "b")}, "same key"),
        ({"offsets": np.array([0, 4, 3, 11])}, "offsets rise"),
        ({"offsets": np.array([0, 4, 5, 10])}, "offsets rise"),
        ({"values": np.zeros((11, 3))}, "values are"),
        ({"values": np.full((11, 2), np.inf)}, "infinite"),
        ({"fields": (FIELDS[1], FIELDS[0])}, "order"),
        ({"fields": (FIELDS[0], FIELDS[0])}, "same name"),
        ({"fields": (FIELDS[0], Field("t", "time"))}, "not numeric"),
        ({"times": None}, "without times"),
        ({"times": np.zeros(11, "datetime64[us]")}, "times rise"),
        ({"times": np.full(11, np.datetime64("NaT"))}, "no time"),
    ],
)
def test_parts_that_do_not_fit_are_refused(change, message):
    good = three_series()
    parts = {name: getattr(good, name) for name in good.__dataclass_fields__}
    with pytest.raises(ArgumentError, match=message):
        Sequences(**{**parts, **change})
