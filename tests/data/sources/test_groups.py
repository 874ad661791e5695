"""Which rows belong to which series, and what the series are called."""

from __future__ import annotations

import datetime

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from longshort.data.sequences import Columns
from longshort.data.sources.groups import distinct
from longshort.data.sources.tables import read_table
from longshort.errors import DataError


def read(group, columns=("k",), **more):
    rows = len(next(iter(group.values())))
    frame = pl.DataFrame({**group, "y": np.arange(rows) % 5})
    return read_table(frame, Columns(target="y", group=columns), **more)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.integers(-3, 3), min_size=1, max_size=30))
def test_numbers_are_counted_as_they_first_appear(codes):
    numbers, first = distinct(np.array(codes))
    order = list(dict.fromkeys(codes))
    assert numbers.tolist() == [order.index(code) for code in codes]
    assert first.tolist() == [codes.index(code) for code in order]


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 3), st.sampled_from("abc")), min_size=2, max_size=25))
def test_rows_of_a_series_are_put_together_in_their_order(pairs):
    got = read({"k": [k for k, _ in pairs], "m": [m for _, m in pairs]}, ("k", "m"))
    order = list(dict.fromkeys(pairs))
    assert got.keys == tuple(f"k={k}, m={m}" for k, m in order)
    assert got.groups.rows() == order
    for number, pair in enumerate(order):
        expected = [at % 5 for at, other in enumerate(pairs) if other == pair]
        assert got.values[got.rows(number), 0].tolist() == expected


@pytest.mark.parametrize(
    ("values", "keys"),
    [
        ([3, 1, 3], ("3", "1")),
        ([3.0, 1.0, 3.0], ("3", "1")),
        ([0.5, 2.0, 0.5], ("0.5", "2.0")),
        ([True, False, True], ("true", "false")),
        ([datetime.date(2024, 1, 31)] * 3, ("2024-01-31",)),
        (["07", "7", "07"], ("07", "7")),
        (pl.Series(["b", "a", "b"], dtype=pl.Categorical), ("b", "a")),
        (pl.Series(["b", "a", "b"], dtype=pl.Enum(["a", "b"])), ("b", "a")),
    ],
)
def test_names_of_every_kind(values, keys):
    got = read({"k": values})
    assert got.keys == keys
    given_as = pl.Series(values)
    assert got.groups.schema["k"] == given_as.dtype
    assert got.groups["k"].to_list() == given_as.unique(maintain_order=True).to_list()


def test_blanks_in_text_files_are_no_part_of_a_name(tmp_path):
    path = tmp_path / "w.csv"
    path.write_text("k,y\na,1\nb ,2\na ,3\n b,4\n")
    got = read_table(path, Columns(target="y", group="k"))
    assert got.keys == ("a", "b")
    assert got.groups["k"].to_list() == ["a", "b"]
    assert got.values[:, 0].tolist() == [1, 3, 2, 4]
    path.write_text("k,y\n7,1\n8,2\n7,3\n")
    assert read_table(path, Columns(target="y", group="k")).groups.schema["k"] == pl.Int64
    path.write_text("k,y\n07,1\n8,2\n07,3\n")
    assert read_table(path, Columns(target="y", group="k")).groups["k"].to_list() == ["07", "8"]


@pytest.mark.parametrize("twice", [("a", "a "), ("caf\u00e9", "cafe\u0301")])
def test_one_name_written_in_two_ways_is_refused(twice):
    with pytest.raises(DataError) as caught:
        read({"k": ["x", *twice]})
    for part in ("a data frame, row 2", "'k'", repr(twice[0]), "row 1", "the same everywhere"):
        assert part in str(caught.value)


def test_two_series_of_one_name_are_refused():
    with pytest.raises(DataError, match=r"two series are both called 'k=1, m=2, m=3'"):
        read({"k": ["1, m=2", "1"], "m": ["3", "2, m=3"]}, ("k", "m"))


@pytest.mark.parametrize("absent", [None, "", "  "])
def test_rows_without_a_name_are_refused(absent):
    with pytest.raises(DataError, match=r"row 1, column 'k': the name of the series is missing"):
        read({"k": ["a", absent, "b"]})


def test_numbers_that_are_missing_name_nothing():
    with pytest.raises(DataError, match=r"row 1, column 'k': the name"):
        read({"k": [1.0, float("nan"), 2.0]})
    with pytest.raises(DataError, match=r"values of type List\(Int64\) cannot name series"):
        read({"k": [[1], [2], [3]]})
