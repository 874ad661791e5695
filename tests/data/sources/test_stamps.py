"""Time stamps: how they may be written, and what they are."""

from __future__ import annotations

import numpy as np
import pandas as pd
import polars as pl
import pytest

from longshort.data.clock import Clock
from longshort.data.sources.stamps import read_stamps
from longshort.errors import DataError


def where(row: int) -> str:
    return f"w.csv, line {row + 2}"


def stamps(*texts: str) -> list[str]:
    times, _ = read_stamps(pl.Series("date", texts), where)
    return [str(t) for t in times.astype("datetime64[s]")]


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


def test_what_stamps_are_is_told_by_their_clock():
    def clock(values, zone=None):
        return read_stamps(pl.Series("t", values), where, zone)[1]

    assert clock(["2012-01-01", "2012-01-02"]) == Clock("date")
    assert clock(["2012-01-01", "2012-01-02 06:00"]) == Clock("time")
    assert clock(["2012-01-01"], "Europe/Berlin") == Clock("time", "Europe/Berlin")
    assert clock(["2012", "2013"]) == clock([2012, 2013]) == Clock("year")
    assert clock(["20120131", "20120201"]) == clock([20120131, 20120201]) == Clock("date")
    assert clock(["0", "1"]) == clock([0, 1]) == clock([0.0, 1.0]) == Clock("count")
    assert clock(["20120131", "20120199"]) != Clock("date")
    zoned = pl.Series([pd.Timestamp("2012-01-01", tz="Asia/Tokyo")])
    assert clock(zoned) == Clock("time", "Asia/Tokyo", universal=True)
    assert clock(zoned, "UTC") == Clock("time", "UTC", universal=True)
    assert clock(["2012-01-01T00:00+09:00"]).zone == "Etc/GMT-9"
    assert clock(["2012-01-01T00:00Z"]).zone == "UTC"
    # an offset of half an hour is no zone of its own, and summer time has no name
    assert clock(["2012-01-01T00:00+05:30"]).zone == "UTC"
    assert clock(["2012-01-01T00:00+01:00", "2012-07-01T00:00+0200"]).zone == "UTC"


def test_offsets_of_different_places_are_refused():
    told = ["2012-01-01T00:00+01", "2012-01-02T00:00-05:00"]
    with pytest.raises(DataError) as caught:
        stamps(*told)
    for part in ("w.csv, line 3", "'date'", repr(told[1]), repr(told[0]), "--zone UTC"):
        assert part in str(caught.value)
    times, clock = read_stamps(pl.Series("date", told), where, "UTC")
    assert str(times[1]) == "2012-01-02T05:00:00.000000"
    assert clock == Clock("time", "UTC", universal=True)


def test_counted_seconds_are_no_rows():
    for column in (pl.Series("t", [0, 1325376000]), pl.Series("t", ["0", "1325376000"])):
        with pytest.raises(DataError, match=r"line 3, column 't': 1325376000 is not a time stamp"):
            read_stamps(column, where)
    for value in (True, 0.5):
        with pytest.raises(DataError, match=r"line 2, column 't': .* is not a time stamp"):
            read_stamps(pl.Series("t", [value]), where)
