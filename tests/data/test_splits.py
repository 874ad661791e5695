from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from longshort.data.sequences import Columns, Field, Sequences
from longshort.data.sources.tables import read_table
from longshort.data.splits import Cuts, Split, cut
from longshort.data.steps import Step
from longshort.errors import ArgumentError, DataError

EXAMPLE = Path(__file__).parents[2] / "examples" / "seattle-weather.csv"


def series(*lengths: int, times: bool = True) -> Sequences:
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    days = np.concatenate(
        [np.datetime64("2012-01-01", "us") + np.arange(n) * np.timedelta64(1, "D") for n in lengths]
    )
    return Sequences(
        (Field("y", "target"),),
        tuple(f"s{at}" for at in range(len(lengths))),
        offsets,
        days if times else None,
        Step(1, "d") if times else None,
        np.zeros((offsets[-1], 1)),
        "w.csv",
    )


def test_the_example_is_cut_at_its_years():
    weather = read_table(EXAMPLE, Columns(time="date", target="temp_max"))
    cuts = cut(weather, Split(valid="2014-01-01", test="2015-01-01"))
    parts = [cuts.valid_start, cuts.test_start - cuts.valid_start, cuts.end - cuts.test_start]
    assert [int(part[0]) for part in parts] == [731, 365, 365]
    assert weather.time_label(int(cuts.valid_start[0])) == "2014-01-01"


@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.integers(4, 300), min_size=1, max_size=4),
    st.floats(0.01, 0.45),
    st.one_of(st.none(), st.floats(0.01, 0.45)),
)
def test_shares_without_times_are_of_each_series_to_the_nearest_row(lengths, valid, test):
    # of so few rows nothing may be left for training, which is another test's matter
    assume(all(round(n * valid) + round(n * (test or 0)) < n - 2 for n in lengths))
    data = series(*lengths, times=False)
    cuts = cut(data, Split(valid=valid, test=test))
    if len(set(lengths)) == 1:
        # series of the same days are cut the same, with times or without
        dated = cut(series(*lengths), Split(valid=valid, test=test))
        np.testing.assert_array_equal(dated.valid_start, cuts.valid_start)
        np.testing.assert_array_equal(dated.test_start, cuts.test_start)
    np.testing.assert_array_equal(
        cuts.parts(),
        np.concatenate(
            [
                [0] * v + [1] * (t - v) + [2] * (e - t)
                for v, t, e in zip(cuts.valid_start, cuts.test_start, cuts.end, strict=True)
            ]
        ),
    )
    for s, length in enumerate(lengths):
        asked = 0 if test is None else max(1, test * length)
        assert abs((cuts.end[s] - cuts.test_start[s]) - asked) <= 0.5
        assert abs((cuts.test_start[s] - cuts.valid_start[s]) - max(1, valid * length)) <= 0.5
        assert cuts.end[s] == length
        assert cuts.valid_start[s] > 0


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.integers(1, 60), st.integers(0, 50)), min_size=2, max_size=4),
    st.floats(0.05, 0.4),
    st.floats(0.05, 0.4),
)
def test_shares_cut_series_that_end_at_different_dates_at_the_same_ones(spans, valid, test):
    start = np.datetime64("2012-01-01", "us")
    days = [start + (begin + np.arange(n)) * np.timedelta64(1, "D") for n, begin in spans]
    offsets = np.concatenate([[0], np.cumsum([n for n, _ in spans])])
    keys = tuple(f"s{at}" for at in range(len(spans)))
    times = np.concatenate(days)
    values = np.zeros((len(times), 1))
    data = Sequences((Field("y", "target"),), keys, offsets, times, Step(1, "d"), values, "w.csv")
    try:
        cuts = cut(data, Split(valid=valid, test=test))
    except DataError:
        assert len(np.unique(times)) < 8
        return
    parts = cuts.parts()
    # no day is in two parts, whichever series it is of
    for early, late in ((0, 1), (1, 2)):
        assert (times[parts == early].max() < times[parts == late]).all()
    # and no other day would come nearer to the shares
    for part, share in ((2, test), (1, valid)):
        inside = times[parts <= part]
        rows = [int((inside >= day).sum()) for day in np.unique(inside)]
        nearest = min(abs(count - share * len(times)) for count in rows)
        assert abs((parts == part).sum() - share * len(times)) == pytest.approx(nearest)


def test_no_test_part_unless_asked_for():
    cuts = cut(series(100), Split())
    assert (cuts.valid_start[0], cuts.test_start[0], cuts.end[0]) == (85, 100, 100)


def test_a_share_beside_a_time_stamp():
    cuts = cut(series(100), Split(valid=0.1, test="2012-03-01"))
    assert (cuts.valid_start[0], cuts.test_start[0]) == (50, 60)
    cuts = cut(series(100), Split(valid="2012-03-01", test=0.1))
    assert (cuts.valid_start[0], cuts.test_start[0]) == (60, 90)


def test_time_stamps_cut_every_series_at_the_same_time():
    cuts = cut(series(100, 20, 70), Split(valid="2012-02-01", test="2012-03-01"))
    np.testing.assert_array_equal(cuts.valid_start, [31, 20, 31])
    np.testing.assert_array_equal(cuts.test_start, [60, 20, 60])
    np.testing.assert_array_equal(cuts.end, [100, 20, 70])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"valid": 0.0}, "above 0 and below 1.*got 0.0"),
        ({"valid": 1.0}, "above 0"),
        ({"valid": 20}, "above 0 and below 1, or a time stamp; got 20"),
        ({"valid": None}, "got None"),
        ({"valid": True}, "got True"),
        ({"test": -0.1}, "test is a share"),
        ({"valid": 0.5, "test": 0.5}, "nothing is left to train on"),
        ({"valid": "2015-01-01", "test": "2014-01-01"}, "valid='2015-01-01', test='2014-01-01'"),
        ({"valid": "next year"}, "valid 'next year' is not a date"),
        ({"test": "2014-13-01"}, "test '2014-13-01' is not a date or time: write 2014-01-01"),
    ],
)
def test_impossible_splits_are_refused(arguments, message):
    with pytest.raises(ArgumentError, match=message):
        Split(**arguments)


@pytest.mark.parametrize(
    ("split", "part"),
    [
        (Split(valid="2011-01-01"), "training"),
        (Split(valid="2013-01-01"), "validation"),
        (Split(valid="2012-02-01", test="2013-01-01"), "test"),
    ],
)
def test_an_empty_part_is_refused_with_the_datas_reach(split, part):
    with pytest.raises(DataError, match=f"no row for the {part} part.*2012-01-01 to 2012-04-09"):
        cut(series(100), split)


def test_dates_need_times():
    with pytest.raises(ArgumentError, match=r"valid='2012-02-01'.*w\.csv was read without times.*"):
        cut(series(100, times=False), Split(valid="2012-02-01"))
    assert cut(series(100, times=False), Split(valid=0.2)).valid_start[0] == 80


def test_a_test_part_before_the_validation_part_is_refused():
    with pytest.raises(ArgumentError, match=r"in series 's0'; move one"):
        cut(series(100), Split(valid="2012-04-05", test=0.5))


def test_overlapping_cuts_are_refused():
    Cuts(np.array([3]), np.array([5]), np.array([9]))
    for starts in ([6, 5, 9], [3, 10, 9], [-1, 5, 9]):
        with pytest.raises(ArgumentError, match="overlap or are out of order"):
            Cuts(*(np.array([start]) for start in starts))
    with pytest.raises(ArgumentError, match="as many series"):
        Cuts(np.array([3]), np.array([5, 5]), np.array([9]))
