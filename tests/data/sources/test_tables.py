"""Roles, series and values of tables, and frames of the user's own kind."""

from __future__ import annotations

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from longshort.data.sequences import Columns, Field
from longshort.data.sources.tables import frame_like, read_table
from longshort.errors import DataError

PLAIN = Columns(time="date", target="y")


def table(**columns) -> pl.DataFrame:
    rows = len(next(iter(columns.values())))
    return pl.DataFrame({"date": [f"2012-01-{n + 1:02d}" for n in range(rows)], **columns})


def write(folder, **columns):
    path = folder / "w.csv"
    table(**columns).write_csv(path)
    return path


def refused(data, columns=PLAIN, **options) -> str:
    with pytest.raises(DataError) as caught:
        read_table(data, columns, **options)
    return str(caught.value)


def test_fields_stand_in_the_order_of_roles_and_of_the_user():
    frame = table(a=[1, 2], b=[3, 4], c=[5, 6], d=[7, 7], e=[9, 8], f=[1, 0], text=["u", "v"])
    columns = Columns(time="date", target=("c", "a"), future="e", static="d")
    got = read_table(frame, columns)
    assert got.fields == (
        Field("c", "target"),
        Field("a", "target"),
        Field("b", "past"),
        Field("f", "past"),
        Field("e", "future"),
        Field("d", "static"),
    )
    np.testing.assert_array_equal(got.values[0], [5, 1, 3, 1, 9, 7])
    assert read_table(frame, columns.set_params(past=())).names == ("c", "a", "e", "d")
    assert read_table(frame, columns.set_params(past="f")).names == ("c", "a", "f", "e", "d")


def test_a_misspelt_column_is_refused_with_the_nearest(tmp_path):
    message = refused(write(tmp_path, temp_max=[1, 2]), Columns(time="date", target="temp_mx"))
    for part in ("w.csv", "'temp_mx'", "target", "did you mean 'temp_max'", "date, temp_max"):
        assert part in message


def test_no_target_lists_the_numeric_columns(tmp_path):
    message = refused(write(tmp_path, y=[1, 2], z=[3, 4], text=["a", "b"]), Columns(time="date"))
    assert "w.csv: no target column is named (target=, --target)" in message
    assert message.endswith("numeric columns are: y, z")


@pytest.mark.parametrize("role", ["target", "past", "future", "static"])
def test_text_in_a_numeric_column_is_refused_with_its_line(tmp_path, role):
    columns = Columns(time="date", target="y", past=())
    columns = columns.set_params(**{role: "z"})
    message = refused(write(tmp_path, y=["1", "2", "3", "5"], z=["1", "n.a.", "2", "x"]), columns)
    for part in ("w.csv, line 3", "'z'", "'n.a.'", "not a number", "rows like it: 2", "correct it"):
        assert part in message


def test_a_column_of_another_kind_is_no_number():
    frame = table(y=[1.0, 2.0], when=pd.to_datetime(["2012-01-01", "2012-01-02"]).to_numpy())
    message = refused(frame, Columns(time="date", target="when"))
    assert "a data frame, row 0, column 'when' (target)" in message
    assert "convert this one" in message
    assert read_table(frame, PLAIN).names == ("y",)


def test_text_columns_nobody_asked_for_are_left_alone_but_not_slips(tmp_path):
    y = [1, 2, 3, 5]
    assert read_table(write(tmp_path, y=y, z=["a", "b", "1", "2"]), PLAIN).names == ("y",)
    assert read_table(write(tmp_path, y=y, z=["", "NA", "-", None]), PLAIN).names == ("y",)
    message = refused(write(tmp_path, y=y, z=["1", "2", "b", ""]), PLAIN)
    for part in ("w.csv, line 4", "'z'", "'b'", "--past"):
        assert part in message


def test_decimal_commas_are_told(tmp_path):
    path = tmp_path / "w.csv"
    for text in ("date;y\n2012-01-01;1\n2012-01-02;1,5\n", "date;y;z\n2012;1;2,5\n2013;1,5;3,5\n"):
        path.write_text(text)
        message = refused(path)
        assert "w.csv, line 3, column 'y': '1,5' is not a number" in message
        assert "write decimals with a point (3.5)" in message
    path.write_text("date;y;z\n2012;1;2,5\n2013;2;3,5\n")
    assert "w.csv, line 2, column 'z': '2,5'" in refused(path)


def test_infinite_values_are_refused_with_their_line(tmp_path):
    for name in ("y", "z"):
        columns = {"y": ["1", "2", "3"], "z": ["1", "2", "3"], name: ["1", "2", "-inf"]}
        message = refused(write(tmp_path, **columns))
        for part in ("w.csv, line 4", f"'{name}'", "-inf", "leave it empty"):
            assert part in message


def test_series_are_named_by_their_group_columns():
    frame = table(y=[1, 2, 3, 4], store=[7, 7, 8, 8], item=["a", "b", "a", "b"])
    one = read_table(frame, Columns(target="y", group="item"))
    assert one.keys == ("a", "b")
    both = read_table(frame, Columns(target="y", group=("store", "item")), require_target=False)
    assert both.keys[0] == "store=7, item=a"
    assert len(both) == 4
    whole = frame.with_columns(pl.col("store").cast(pl.Float64))
    assert read_table(whole, Columns(target="y", group="store")).keys == ("7", "8")


def test_a_missing_group_is_refused_with_its_line(tmp_path):
    path = write(tmp_path, y=[1, 2, 3], k=["a", "", "b"])
    message = refused(path, Columns(time="date", target="y", group="k"))
    assert "w.csv, line 3, column 'k': the name of the series is missing; fill it in" in message


def test_a_static_column_that_changes_is_refused(tmp_path):
    path = write(tmp_path, y=[1, 2, 3, 4], k=list("aabb"), size=[1, 1, 2, 3])
    message = refused(path, Columns(time="date", target="y", group="k", static="size"))
    for part in ("w.csv, line 5", "'size'", "series 'b'", "is 3 here and 2 elsewhere", "past or"):
        assert part in message


def test_a_constant_target_is_refused_where_a_target_is_required(tmp_path):
    columns = Columns(time="date", target=("x", "y"), group="k")
    path = write(tmp_path, x=[1, 2, 3, 4, 5], y=[3.5, 3.5, 3.5, None, 3.5], k=list("aabbb"))
    message = refused(path, columns)
    for part in ("w.csv", "'y'", "constant (3.5 in all 4 rows)", "choose another target"):
        assert part in message
    got = read_table(path, columns, require_target=False)
    assert got.keys == ("a", "b")
    path = write(tmp_path, x=[1, 2, 3, 4, 5], y=[1.0, 1, 3.5, None, 3.5], k=list("aabbb"))
    assert "constant in each of 2 series" in refused(path, columns)
    # of many series, some may stand still
    path = write(tmp_path, x=[1, 2, 3, 4, 5], y=[1.0, 2, 3.5, None, 3.5], k=list("aabbb"))
    assert len(read_table(path, columns)) == 2
    # one observed value is not yet constant
    path = write(tmp_path, x=[1, 2, 3, 4], y=[1.0, 2, 3.5, None], k=list("aabb"))
    assert len(read_table(path, columns)) == 2


def test_a_target_without_values_is_refused(tmp_path):
    path = write(tmp_path, y=["NA", "?", ""], z=[1, 2, 3])
    assert "w.csv: column 'y' has no value in any row" in refused(path)
    got = read_table(path, PLAIN, require_target=False)
    assert np.isnan(got.values[:, 0]).all()
    assert read_table(path, Columns(time="date"), require_target=False).names == ("z",)


def test_trouble_with_the_file_is_told_before_trouble_with_the_series(tmp_path):
    path = tmp_path / "w.csv"
    path.write_text("date,y\n2012-01-01,1\nsoon,1\n")
    assert "w.csv, line 3, column 'date': 'soon'" in refused(path)


@pytest.mark.parametrize("dtype", [float, np.float32, int])
def test_arrays_are_samples_of_steps_of_fields(dtype):
    cube = np.arange(24).reshape(2, 4, 3).astype(dtype)
    got = read_table(cube, Columns())
    assert (got.keys, got.source, got.times, got.step) == (("0", "1"), "an array", None, None)
    assert [(f.name, f.role) for f in got.fields] == [(f"x{n}", "target") for n in range(3)]
    np.testing.assert_array_equal(got.values.reshape(2, 4, 3), cube)
    chosen = read_table(cube, Columns(target=2, future="x0"))
    assert [(f.name, f.role) for f in chosen.fields] == [
        ("x2", "target"),
        ("x1", "past"),
        ("x0", "future"),
    ]
    np.testing.assert_array_equal(chosen.values[:, 0], cube[:, :, 2].ravel())
    np.testing.assert_array_equal(read_table(cube[:, :, 0], Columns()).values, got.values[:, :1])
    one = read_table(cube[0, :, 0], Columns())
    assert one.keys == ("",)
    assert len(one.values) == 4


@pytest.mark.parametrize(
    ("array", "columns", "message"),
    [
        (
            np.array([["a"]]),
            Columns(),
            r"an array of shape \(1, 1\) and type <U1 is not read: give",
        ),
        (np.zeros((0, 3)), Columns(), r"shape \(0, 3\)"),
        (np.zeros((1, 1, 1, 1)), Columns(), r"shape \(1, 1, 1, 1\)"),
        (np.ones((2, 3)), Columns(), r"an array: column 'x0' is constant \(1 in all 6 rows\)"),
        (np.eye(3), Columns(time="t"), r"no column 't' for time: .*leave time out"),
        (np.eye(3)[None], Columns(target="x3"), r"no field 'x3': The names are: x0, x1, x2"),
        (
            np.array([[1, 2], [3, np.inf]]),
            Columns(),
            r"sample 1, time step 1, field 'x0': the value is infinite \(inf\); write NaN",
        ),
    ],
)
def test_arrays_that_are_no_series_are_refused(array, columns, message):
    with pytest.raises(DataError, match=message):
        read_table(array, columns)


def test_answers_come_in_the_users_own_kind_of_frame():
    times = np.array(["2012-01-01", "2012-01-02"], dtype="datetime64[us]")
    columns = pl.DataFrame(
        {
            "series": ["a", "b"],
            "time": times,
            "y": np.array([1.5, np.nan]),
            "n": [1, 2],
            "there": pl.Series(times).dt.replace_time_zone("Europe/Berlin"),
            "day": pl.Series(times).cast(pl.Date),
        }
    )
    kinds = {
        pd.DataFrame: (pd.DataFrame({"y": [1]}), pd.Series([1])),
        pa.Table: (pa.table({"y": [1]}),),
        pl.DataFrame: (
            pl.DataFrame({"y": [1]}),
            pl.LazyFrame({"y": [1]}),
            pl.Series([1]),
            "w.csv",
            np.eye(2),
        ),
    }
    for kind, given in kinds.items():
        for data in given:
            answer = frame_like(data, columns)
            assert isinstance(answer, kind)
            back = pl.DataFrame(pl.from_arrow(answer)) if kind is pa.Table else answer
            assert list(back.columns) == columns.columns
            assert [str(t) for t in back["there"]] == [
                "2012-01-01 00:00:00+01:00",
                "2012-01-02 00:00:00+01:00",
            ]
            np.testing.assert_array_equal(np.asarray(back["day"], "datetime64[us]"), times)
            np.testing.assert_array_equal(np.asarray(back["time"]), times)
            np.testing.assert_array_equal(np.asarray(back["y"]), columns["y"])
            assert list(back["series"]) == ["a", "b"]
