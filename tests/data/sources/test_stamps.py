"""Time stamps: how they may be written, their order, their step and the gaps in it."""

from __future__ import annotations

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from longshort.data.sequences import Columns
from longshort.data.sources.stamps import read_stamps
from longshort.data.sources.tables import read_table
from longshort.data.steps import Step
from longshort.errors import ArgumentError, DataError

PLAIN = Columns(time="date", target="y")
GROUPED = Columns(time="date", target="y", group="k")


def where(row: int) -> str:
    return f"w.csv, line {row + 2}"


def stamps(*texts: str) -> list[str]:
    times, _ = read_stamps(pl.Series("date", texts), where)
    return [str(t) for t in times.astype("datetime64[s]")]


def write(folder, dates, values=None, keys=None):
    values = range(len(dates)) if values is None else values
    frame = pl.DataFrame({"date": [str(d) for d in dates], "y": list(values)})
    if keys is not None:
        frame = frame.with_columns(k=pl.Series(keys))
    path = folder / "w.csv"
    frame.write_csv(path)
    return path


def days(*numbers: int) -> list[str]:
    return [f"2012-01-{n:02d}" for n in numbers]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2012-03-04", "2012-03-04T00:00:00"),
        ("2012/03/04", "2012-03-04T00:00:00"),
        ("2012/3/4", "2012-03-04T00:00:00"),
        (" 2012-03-04 ", "2012-03-04T00:00:00"),
        ("20120304", "2012-03-04T00:00:00"),
        ("2012-03", "2012-03-01T00:00:00"),
        ("2012", "2012-01-01T00:00:00"),
        ("2012-03-04T05:06", "2012-03-04T05:06:00"),
        ("2012-03-04 05:06", "2012-03-04T05:06:00"),
        ("2012/03/04 05:06:07", "2012-03-04T05:06:07"),
        ("2012-03-04T05:06:07.891", "2012-03-04T05:06:07"),
        ("2012-03-04T05:06:07Z", "2012-03-04T05:06:07"),
        ("2012-03-04 05:06+02:00", "2012-03-04T03:06:00"),
        ("2012-03-04T05:06:07.5-0330", "2012-03-04T08:36:07"),
    ],
)
def test_accepted_forms(text, expected):
    assert stamps(text) == [expected]


def test_forms_may_be_mixed_but_not_zones():
    assert stamps("2012-03-04", "2012-03-04 12:00", "2012/03/05") == [
        "2012-03-04T00:00:00",
        "2012-03-04T12:00:00",
        "2012-03-05T00:00:00",
    ]
    assert stamps("2012-10-28T02:30+02:00", "2012-10-28T02:00+01:00")[1] == "2012-10-28T01:00:00"
    with pytest.raises(DataError, match=r"line 3, column 'date': '2012-03-05' has no time zone"):
        stamps("2012-03-04T00:00Z", "2012-03-05")


@pytest.mark.parametrize(
    "text",
    ["01/02/2012", "3.4.2012", "2012-02-30", "2012-13", "1325376000", "May 2012", "12:30", "99999"],
)
def test_other_forms_are_refused_with_line_value_and_what_is_accepted(text):
    with pytest.raises(DataError) as caught:
        stamps("2012-03-04", text)
    for part in ("w.csv, line 3", "'date'", repr(text), "accepted are 2012-01-31"):
        assert part in str(caught.value)


def test_missing_stamps_are_refused():
    for absent in ("", "  ", None):
        with pytest.raises(DataError, match=r"line 3, column 'date': the time stamp is missing"):
            stamps("2012-03-04", absent, "2012-03-06")
    with pytest.raises(DataError, match="line 2, column 'date': the time stamp is missing"):
        stamps(None, None)


def test_columns_of_years_dates_and_times():
    for column, expected in (
        (pl.Series([2012, 2013]), "2013-01-01"),
        (pl.Series([pd.Timestamp("2012-01-01"), pd.Timestamp("2013-01-01")]), "2013-01-01"),
        (pl.Series([pd.Timestamp("2012-01-01").date()] * 2), "2012-01-01"),
    ):
        assert read_stamps(column, where)[0][1] == np.datetime64(expected)
    for column in (pl.Series("t", [1325376000]), pl.Series("t", [0.5]), pl.Series("t", [True])):
        with pytest.raises(DataError, match=r"line 2, column 't': .*not a time stamp; accepted"):
            read_stamps(column, where)


def test_duplicates_are_refused_with_both_lines(tmp_path):
    with pytest.raises(DataError) as caught:
        read_table(write(tmp_path, days(1, 2, 3, 3)), PLAIN)
    for part in ("w.csv, line 5", "'date'", "2012-01-03 is there twice", "line 4", "--group"):
        assert part in str(caught.value)


def test_unsorted_rows_are_refused_with_both_lines(tmp_path):
    with pytest.raises(DataError) as caught:
        read_table(write(tmp_path, days(1, 2, 4, 3, 2)), PLAIN)
    for part in ("w.csv, line 5", "2012-01-03 comes after 2012-01-04 in line 4", "sort the rows"):
        assert part in str(caught.value)


def test_interleaved_series_keep_their_lines(tmp_path):
    dates, keys = days(1, 1, 2, 2, 3, 3), list("ababab")
    got = read_table(write(tmp_path, dates, [1, 2, 3, 5, 8, 13], keys), GROUPED)
    assert got.keys == ("a", "b")
    np.testing.assert_array_equal(got.values[:, 0], [1, 3, 8, 2, 5, 13])
    dates[4] = "2012-01-02"
    with pytest.raises(DataError, match=r"line 6, .*series 'a': 2012-01-02 is there twice \(also "):
        read_table(write(tmp_path, dates, keys=keys), GROUPED)
    frame = pd.DataFrame({"date": dates, "y": range(6), "k": keys})
    with pytest.raises(DataError, match=r"a data frame, row 4, .*\(also in row 2\)"):
        read_table(frame, GROUPED)


def test_gaps_are_refused_with_their_place_and_count(tmp_path):
    with pytest.raises(DataError) as caught:
        read_table(write(tmp_path, days(1, 2, 3, 7, 8, 9, 10, 12)), PLAIN)
    for part in (
        "w.csv, line 5",
        "2012-01-03 is followed by 2012-01-07",
        "rows are 1 day apart",
        "gaps: 2, absent rows: 4",
        "--fill",
    ):
        assert part in str(caught.value)


def test_gap_policies(tmp_path):
    path = write(tmp_path, days(1, 2, 3, 6, 7), [1, 2, 3, 9, 7])
    nan = np.nan
    for fill, expected in (
        ("missing", [1, 2, 3, nan, nan, 9, 7]),
        ("previous", [1, 2, 3, nan, nan, 9, 7]),
        ("ignore", [1, 2, 3, 9, 7]),
    ):
        got = read_table(path, PLAIN, fill=fill)
        np.testing.assert_array_equal(got.values[:, 0], expected)
        assert (got.step, got.fill) == (Step(1, "d"), fill)
        if fill != "ignore":
            assert [got.time_label(row) for row in range(7)] == days(*range(1, 8))
    with pytest.raises(ArgumentError, match="fill 'zero' is unknown"):
        read_table(path, PLAIN, fill="zero")


def test_filling_leaves_missing_values_and_other_series_alone(tmp_path):
    dates = days(1, 2, 4, 5) + days(10, 12, 13, 14)
    frame = pl.DataFrame(
        {
            "date": dates,
            "k": ["a"] * 4 + ["b"] * 4,
            "y": [1, None, 4, 5, 10, 20, 30, 50],
            "x": [1, None, 4, 5, 10, 20, 30, 50],
            "size": [3, None, 3, 3, 8, 8, 8, 8],
        }
    )
    columns = Columns(time="date", target="y", group="k", static="size")
    nan = np.nan
    got = read_table(frame, columns, fill="previous")
    np.testing.assert_array_equal(got.offsets, [0, 5, 10])
    np.testing.assert_array_equal(got.values[:, 0], [1, nan, nan, 4, 5, 10, nan, 20, 30, 50])
    np.testing.assert_array_equal(got.values[:, 1], [1, nan, nan, 4, 5, 10, 10, 20, 30, 50])
    np.testing.assert_array_equal(got.values[:, 2], [3] * 5 + [8] * 5)
    got = read_table(frame, columns, fill="missing")
    np.testing.assert_array_equal(got.values[:, 2], [3] * 5 + [8] * 5)


@settings(max_examples=40, deadline=None)
@given(st.sampled_from(["D", "B", "h", "ME", "QS"]), st.integers(0, 10_000))
def test_removed_rows_come_back_where_they_were(frequency, seed):
    rng = np.random.default_rng(seed)
    index = pd.date_range("2019-12-05", periods=60, freq=frequency)
    index = index + pd.Timedelta("8h") if frequency == "D" else index
    whole = pd.DataFrame({"y": rng.normal(size=60)}, index=index)
    kept = np.union1d(rng.choice(60, 52, replace=False), [0, 1, 2, 59])
    if frequency == "B":
        kept = np.union1d(kept, np.arange(8))
    got = read_table(whole.iloc[kept], Columns(target="y"), fill="missing")
    np.testing.assert_array_equal(got.times, index.to_numpy())
    expected = np.full(60, np.nan)
    expected[kept] = whole["y"].to_numpy()[kept]
    np.testing.assert_array_equal(got.values[:, 0], expected)
    whole["x"] = whole["y"]
    filled = read_table(whole.iloc[kept], Columns(target="y"), fill="previous")
    forward = pd.Series(expected).ffill().to_numpy()
    np.testing.assert_array_equal(filled.values[:, 0], expected)
    np.testing.assert_array_equal(filled.values[:, 1], forward)


def test_irregular_rows_are_refused_or_read_as_equally_spaced(tmp_path):
    path = write(tmp_path, ["2012-01-01", "2012-01-04", "2012-01-05", "2012-02-11", "2012-02-23"])
    for fill in ("none", "missing"):
        with pytest.raises(DataError, match=r"w\.csv, line .*no regular step.*fill='ignore'"):
            read_table(path, PLAIN, fill=fill)
    got = read_table(path, PLAIN, fill="ignore")
    assert len(got.values) == 5
    assert got.step is not None


def test_a_stamp_off_the_step_is_refused(tmp_path):
    dates = [*days(*range(1, 21)), "2012-01-21T03:00"]
    with pytest.raises(DataError) as caught:
        read_table(write(tmp_path, dates), PLAIN, fill="missing")
    for part in ("w.csv, line 22", "2012-01-21T03:00:00", "whole number of steps of 1 day"):
        assert part in str(caught.value)


def test_a_stamp_far_away_is_not_filled(tmp_path):
    path = write(tmp_path, [*days(1, 2, 3, 4), "2912-01-05"])
    with pytest.raises(DataError, match=r"line 6, .*2912-01-05.* rows of 5\. Correct the stamp"):
        read_table(path, PLAIN, fill="missing")


def test_single_rows_and_no_times_need_no_step(tmp_path):
    frame = pl.DataFrame({"date": days(1, 1, 2), "k": ["a", "b", "b"], "y": [1, 2, 3]})
    assert read_table(frame, GROUPED).step == Step(1, "d")
    assert read_table(frame.head(2), GROUPED).step is None
    got = read_table(frame, Columns(target="y", group="k"))
    assert (got.times, got.step) == (None, None)
