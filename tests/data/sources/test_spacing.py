"""Rows in time: their order, their step and the gaps in it, and clocks that are changed."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from longshort.data.clock import Clock
from longshort.data.sequences import Columns
from longshort.data.sources.tables import read_table
from longshort.data.steps import Step
from longshort.errors import ArgumentError, DataError

PLAIN = Columns(time="date", target="y")
GROUPED = Columns(time="date", target="y", group="k")


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


# clocks that are changed

# where clocks go forward and back in 2024, by day
CHANGES = {
    "Europe/Berlin": ("2024-03-31", "2024-10-27"),
    "America/New_York": ("2024-03-10", "2024-11-03"),
    "Australia/Sydney": ("2024-10-06", "2024-04-07"),
    "Australia/Lord_Howe": ("2024-10-06", "2024-04-07"),
}


def around(day: str, zone: str, minutes: int) -> list[datetime]:
    """Every so many minutes from the day before a day to the day after it, as zoneinfo has them."""
    start = datetime.fromisoformat(day).replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)
    steps = range(-24 * 60, 48 * 60, minutes)
    return [(start + timedelta(minutes=n)).astimezone(ZoneInfo(zone)) for n in steps]


def frame(moments: list[datetime], *, zone: str | None = None) -> pl.DataFrame:
    plain = pl.Series("date", [m.replace(tzinfo=None) for m in moments], dtype=pl.Datetime("us"))
    if zone is not None:
        instants = pl.Series("date", [m.astimezone(UTC).replace(tzinfo=None) for m in moments])
        plain = instants.dt.replace_time_zone("UTC").dt.convert_time_zone(zone)
    return pl.DataFrame({"date": plain, "y": np.arange(len(moments)) % 7})


def instants(moments: list[datetime]) -> np.ndarray:
    return np.array([m.astimezone(UTC).replace(tzinfo=None) for m in moments], "datetime64[us]")


@pytest.mark.parametrize("minutes", [60, 30])
@pytest.mark.parametrize("zone", list(CHANGES))
def test_hours_over_a_change_of_clocks_are_regular_in_universal_time(zone, minutes, tmp_path):
    for day in CHANGES[zone]:
        moments = around(day, zone, minutes)
        expected = Clock("time", zone, universal=True)
        # of a half hour that is shown twice, whole hours see but one and cannot say which
        alone = zone == "Australia/Lord_Howe" and minutes == 60
        named = PLAIN.set_params(zone=zone)
        text = frame(moments).with_columns(date=pl.Series([m.isoformat() for m in moments]))
        text.write_csv(tmp_path / "w.csv")
        for data, columns in (
            (frame(moments, zone=zone), PLAIN),
            # local times without a zone, and text with offsets, once the zone is named
            *([] if alone else [(frame(moments), named)]),
            (tmp_path / "w.csv", named),
            (frame(moments, zone="UTC"), named),
        ):
            got = read_table(data, columns)
            np.testing.assert_array_equal(got.times, instants(moments))
            assert (got.clock, got.step) == (
                expected,
                Step(minutes, "min") if minutes < 60 else Step(1, "h"),
            )
        # the calendar is that of the wall
        walls = np.array([m.replace(tzinfo=None) for m in moments], "datetime64[us]")
        np.testing.assert_array_equal(got.clock.local(got.times), walls)
        told = datetime.fromisoformat(got.time_label(len(moments) - 1))
        assert told == moments[-1]


@pytest.mark.parametrize("zone", list(CHANGES))
def test_local_times_without_a_zone_are_refused_over_a_change_of_clocks(zone, tmp_path):
    forward, back = (around(day, zone, 30) for day in CHANGES[zone])
    for moments, says in ((forward, "a gap where rows are"), (back, "comes after|is there twice")):
        frame(moments).write_csv(tmp_path / "w.csv")
        with pytest.raises(DataError, match=says) as caught:
            read_table(tmp_path / "w.csv", PLAIN)
        row = next(
            n
            for n in range(1, len(moments))
            if moments[n].replace(tzinfo=None) - moments[n - 1].replace(tzinfo=None)
            != timedelta(minutes=30)
        )
        for part in (f"w.csv, line {row + 2}", "Columns(zone=...)", "--zone Europe/Berlin"):
            assert part in str(caught.value)


def test_series_are_told_apart_in_an_hour_that_is_shown_twice():
    moments = around("2024-10-27", "Europe/Berlin", 60)
    both = pl.concat([frame(moments).with_columns(k=pl.lit(k)) for k in "ab"])
    columns = GROUPED.set_params(zone="Europe/Berlin")
    got = read_table(both, columns)
    np.testing.assert_array_equal(got.times, np.tile(instants(moments), 2))
    mixed = pl.concat([both.gather_every(2), both.gather_every(2, 1)]).sort(
        "k", maintain_order=True
    )
    with pytest.raises(DataError, match="comes after"):
        read_table(mixed, columns)


def test_a_time_that_clocks_leave_out_is_refused():
    moments = [datetime(2024, 3, 31, 0, 30) + timedelta(hours=n) for n in range(6)]
    with pytest.raises(DataError) as caught:
        read_table(frame(moments), PLAIN.set_params(zone="Europe/Berlin"))
    for part in ("row 2", "2024-03-31T02:30:00", "left out by the clocks of Europe/Berlin"):
        assert part in str(caught.value)


@pytest.mark.parametrize("zone", [*CHANGES, "America/Sao_Paulo"])
@pytest.mark.parametrize("hours", [24, 12])
def test_local_days_of_23_and_25_hours_are_days(zone, hours):
    # rows at the same local times, all year long
    start = datetime(2018, 1, 1, 6)
    walls = [start + timedelta(hours=hours * n) for n in range(365 * 24 // hours)]
    moments = [w.replace(tzinfo=ZoneInfo(zone)) for w in walls]
    apart = {
        (b.astimezone(UTC) - a.astimezone(UTC)) / timedelta(hours=1)
        for a, b in itertools.pairwise(moments)
    }
    assert len(apart) == 3
    for data, columns in (
        (frame(moments, zone=zone), PLAIN),
        (frame(moments), PLAIN.set_params(zone=zone)),
    ):
        got = read_table(data, columns)
        assert got.step == (Step(1, "d") if hours == 24 else Step(12, "h"))
        assert got.clock == Clock("time", zone)
        np.testing.assert_array_equal(got.times, np.array(walls, "datetime64[us]"))
        ahead = got.clock.column("date", got.step.advance(got.times[-1:], 1))
        assert ahead.to_list() == [moments[-1] + timedelta(hours=hours)]
        assert str(ahead.dtype.time_zone) == zone


def test_offsets_without_a_named_zone_make_no_days(tmp_path):
    days = [datetime(2024, 3, 25 + n, tzinfo=ZoneInfo("Europe/Berlin")) for n in range(7)]
    days += [datetime(2024, 4, 1 + n, tzinfo=ZoneInfo("Europe/Berlin")) for n in range(7)]
    text = pl.DataFrame({"date": [d.isoformat() for d in days], "y": range(14)})
    text.write_csv(tmp_path / "w.csv")
    with pytest.raises(DataError, match=r"not a whole number of steps of 1 day.*--zone"):
        read_table(tmp_path / "w.csv", PLAIN)
    got = read_table(tmp_path / "w.csv", PLAIN.set_params(zone="Europe/Berlin"))
    assert (got.step, got.clock) == (Step(1, "d"), Clock("time", "Europe/Berlin"))


def test_a_fitted_clock_is_kept():
    moments = [
        datetime(2024, 1, 1, tzinfo=ZoneInfo("Europe/Berlin")) + timedelta(hours=6 * n)
        for n in range(40)
    ]
    # in winter six hours are six hours, in local time and in universal time
    data = frame(moments, zone="Europe/Berlin")
    for like in (Clock("time", "Europe/Berlin"), Clock("time", "Europe/Berlin", universal=True)):
        assert read_table(data, PLAIN, like=like).clock == like
    there = read_table(
        frame(moments, zone="Asia/Tokyo"), PLAIN, like=Clock("time", "Europe/Berlin")
    )
    np.testing.assert_array_equal(there.times, [m.replace(tzinfo=None) for m in moments])
    with pytest.raises(DataError, match=r"no time zone, and the model .* of Europe/Berlin"):
        read_table(frame(moments), PLAIN, like=Clock("time", "Europe/Berlin"))
    with pytest.raises(DataError, match=r"a time zone \(Europe/Berlin\), and .* without one"):
        read_table(data, PLAIN, like=Clock())


def test_a_fitted_model_has_no_setting_to_change():
    gap = pl.DataFrame({"date": days(1, 2, 3, 7, 8), "y": range(5)})
    with pytest.raises(DataError, match=r"or fit the model again with fill= \(--fill\)"):
        read_table(gap, PLAIN, require_target=False)
    twice = pl.DataFrame({"date": days(1, 2, 2, 3), "y": range(4)})
    with pytest.raises(DataError, match=r"fit the model again and name the column .*\(--group\)"):
        read_table(twice, PLAIN, require_target=False)


# counts, months, business days


def test_counts_are_rows_with_gaps():
    got = read_table(
        pl.DataFrame({"date": [10, 15, 20, 30], "y": [1, 2, 3, 5]}), PLAIN, fill="missing"
    )
    assert (got.step, got.step.label, got.clock) == (Step(5, "n"), "5 steps", Clock("count"))
    np.testing.assert_array_equal(got.clock.column("date", got.times), [10, 15, 20, 25, 30])
    np.testing.assert_array_equal(got.values[:, 0], [1, 2, 3, np.nan, 5])
    with pytest.raises(
        DataError, match=r"20 is followed by 30, a gap where rows are 5 steps apart"
    ):
        read_table(pl.DataFrame({"date": [10, 15, 20, 30], "y": [1, 2, 3, 5]}), PLAIN)
    with pytest.raises(DataError, match=r"row 2, .*: 15 is there twice"):
        read_table(pl.DataFrame({"date": [10, 15, 15], "y": [1, 2, 3]}), PLAIN)


@pytest.mark.parametrize("frequency", ["ME", "QE", "B", "BME", "MS", "YE", "SME"])
def test_calendar_steps_go_on_as_pandas_does(frequency):
    index = pd.date_range("2019-11-29", periods=40, freq=frequency)
    data = pd.DataFrame({"date": index[:30], "y": np.arange(30) % 7})
    if frequency in ("BME", "SME"):
        # the last business day and half months are no regular steps, and are never guessed at
        with pytest.raises(DataError, match=r"no regular step|not a whole number of steps"):
            read_table(data, PLAIN)
        return
    got = read_table(data, PLAIN)
    ahead = got.step.advance(np.repeat(got.times[-1:], 10), np.arange(1, 11))
    np.testing.assert_array_equal(ahead, index[30:].to_numpy())
