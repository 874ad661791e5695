"""Clocks against zoneinfo: local days of 23, 24 and 25 hours in four zones, and back again."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from longshort.data.clock import Clock, check_zone, on_wall, parse, to_universal, to_wall
from longshort.data.steps import Step
from longshort.errors import ArgumentError

# one north and one south of the equator, a change of half an hour, and one at midnight
ZONES = ["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "America/Sao_Paulo"]
INSTANTS = st.datetimes(datetime(1990, 1, 1), datetime(2037, 1, 1))


def stamps(*moments: datetime) -> np.ndarray:
    return np.array([moment.replace(tzinfo=None) for moment in moments], "datetime64[us]")


@settings(max_examples=200, deadline=None)
@given(st.lists(INSTANTS, min_size=1, max_size=5), st.sampled_from(ZONES))
def test_walls_show_what_zoneinfo_shows(moments: list[datetime], zone: str) -> None:
    instants = stamps(*moments)
    shown = [m.replace(tzinfo=UTC).astimezone(ZoneInfo(zone)) for m in moments]
    walls = to_wall(instants, zone)
    np.testing.assert_array_equal(walls, stamps(*shown))
    np.testing.assert_array_equal(to_wall(instants[None], zone), walls[None])
    # back again, to the first of two passes of an hour; zoneinfo calls the second one fold 1
    back = [m.replace(fold=0).astimezone(UTC) for m in shown]
    np.testing.assert_array_equal(to_universal(walls, zone), stamps(*back))
    late = [m.replace(fold=1).astimezone(UTC) for m in shown]
    np.testing.assert_array_equal(on_wall(walls, zone, "latest"), stamps(*late))


@pytest.mark.parametrize("zone", ZONES)
def test_days_have_as_many_hours_as_zoneinfo_says(zone: str) -> None:
    midnights = np.arange("2016-01-01", "2019-01-01", dtype="datetime64[D]").astype(
        "datetime64[us]"
    )
    hours = np.diff(to_universal(midnights, zone)) / np.timedelta64(1, "h")
    # a midnight that clocks leave out is told from zoneinfo, too: an hour later
    truth = []
    for day in midnights.astype(object):
        begin, end = (
            (day + timedelta(days=n)).replace(tzinfo=ZoneInfo(zone)).astimezone(UTC) for n in (0, 1)
        )
        truth.append((end - begin) / timedelta(hours=1))
    np.testing.assert_array_equal(hours, truth[:-1])
    change = 0.5 if zone == "Australia/Lord_Howe" else 1.0
    assert set(hours) == {24 - change, 24, 24 + change}


def test_times_that_clocks_never_show() -> None:
    skipped = np.array(["2024-03-31T02:30"], "datetime64[us]")
    assert np.isnat(on_wall(skipped, "Europe/Berlin", "earliest")).all()
    (instant,) = to_universal(skipped, "Europe/Berlin")
    told = datetime(2024, 3, 31, 2, 30, tzinfo=ZoneInfo("Europe/Berlin")).astimezone(UTC)
    assert instant == stamps(told)[0]


@settings(max_examples=60, deadline=None)
@given(INSTANTS, st.sampled_from(ZONES))
def test_text_with_an_offset_is_read_back(moment: datetime, zone: str) -> None:
    moment = moment.replace(microsecond=0)
    clock = Clock("time", zone, universal=True)
    (instant,) = stamps(moment)
    text = clock.text(instant)
    assert datetime.fromisoformat(text) == moment.replace(tzinfo=UTC)
    assert clock.read(text) == instant
    wall = Clock("time", zone)
    assert wall.read(text) == to_wall(np.array([instant]), zone)[0]


def test_what_a_user_writes_without_a_zone_is_local() -> None:
    clock = Clock("time", "Europe/Berlin", universal=True)
    assert clock.read("2024-07-01") == np.datetime64("2024-06-30T22:00", "us")
    assert Clock("time", "Europe/Berlin").read("2024-07-01") == np.datetime64("2024-07-01", "us")
    assert Clock().read("2024-07-01T02:00+02:00") == np.datetime64("2024-07-01", "us")
    assert Clock("year").read("2024") == np.datetime64("2024-01-01", "us")
    assert Clock("count").read("17") == np.datetime64(17, "us")
    with pytest.raises(ArgumentError, match="valid 'soon': the time column counts"):
        Clock("count").read("soon", "valid")


def test_stamps_are_read_in_all_forms_of_a_table() -> None:
    for text in ("2014-01-01", "2014/01/01", "2014-01", "2014", "2014-01-01T00:00", "20140101"):
        assert parse(text) == (np.datetime64("2014-01-01", "us"), False)
    assert parse("2014-01-01T02:00+02:00") == (np.datetime64("2014-01-01", "us"), True)
    for text in ("soon", "2014-13-01", "2147483648", "9" * 40):
        with pytest.raises(ArgumentError, match="is not a date or time: write 2014-01-01"):
            parse(text, "test")


@pytest.mark.parametrize(
    ("clock", "column"),
    [
        (Clock(), pl.Series([datetime(2024, 3, 31), datetime(2024, 10, 27)])),
        (Clock("date"), pl.Series([datetime(2024, 3, 31), datetime(2024, 10, 27)]).cast(pl.Date)),
        (Clock("year"), pl.Series([2024, 2025])),
        (Clock("count"), pl.Series([-3, 2_000_000])),
        (
            Clock("time", "Europe/Berlin"),
            pl.Series([datetime(2024, 3, 31), datetime(2024, 10, 27)]).dt.replace_time_zone(
                "Europe/Berlin"
            ),
        ),
        (
            Clock("time", "Europe/Berlin", universal=True),
            pl.Series([datetime(2024, 10, 27, 0), datetime(2024, 10, 27, 1)])
            .dt.replace_time_zone("UTC")
            .dt.convert_time_zone("Europe/Berlin"),
        ),
    ],
)
def test_stamps_come_back_in_the_users_own_kind(clock: Clock, column: pl.Series) -> None:
    times = column.dt.convert_time_zone("UTC") if clock.zone else column
    if clock.kind == "year":
        plain = column.cast(pl.String).str.to_datetime("%Y", time_unit="us")
    elif clock.zone and not clock.universal:
        plain = column.dt.replace_time_zone(None)
    elif clock.zone:
        plain = times.dt.replace_time_zone(None)
    else:
        plain = column.cast(pl.Datetime("us"))
    found = clock.column("t", plain.to_numpy())
    assert found.dtype == column.dtype
    assert found.to_list() == column.to_list()


def test_labels_of_years_and_counts() -> None:
    assert Clock("year").text(np.datetime64("2024-01-01", "us"), Step(1, "y")) == "2024"
    assert Clock("count").text(np.datetime64(-5, "us"), Step(5, "n")) == "-5"
    assert Clock().text(np.datetime64("2024-01-01", "us"), Step(1, "d")) == "2024-01-01"


def test_zones_have_names() -> None:
    assert check_zone("Europe/Berlin") == "Europe/Berlin"
    # as pandas names a fixed offset
    assert check_zone("UTC+01:00") == check_zone("+01:00")
    for name in ("Berlin", "", "CET/Winter", "UTC+05:30"):
        with pytest.raises(ArgumentError, match=r"IANA name, such as Europe/Berlin or UTC"):
            check_zone(name)
    for arguments in (("minute",), ("time", None, True)):
        with pytest.raises(ArgumentError):
            Clock(*arguments)  # type: ignore[arg-type]
