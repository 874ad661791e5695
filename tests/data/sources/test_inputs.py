"""Files and frames that are written differently and say the same, and files that are broken."""

from __future__ import annotations

import gzip
from pathlib import Path

import narwhals as nw
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from longshort.data.sequences import Columns, Sequences
from longshort.data.sources.inputs import load
from longshort.data.sources.tables import read_table
from longshort.data.steps import Step
from longshort.errors import DataError

EXAMPLE = Path(__file__).parents[3] / "examples" / "seattle-weather.csv"
WEATHER = Columns(time="date", target="temp_max")
PLAIN = Columns(time="date", target="y")


def read(folder: Path, text: str | bytes, columns: Columns = PLAIN, name: str = "w.csv", **options):
    path = folder / name
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return read_table(path, columns, **options)


def assert_same(one: Sequences, other: Sequences) -> None:
    assert (one.fields, one.keys, one.step) == (other.fields, other.keys, other.step)
    np.testing.assert_array_equal(one.offsets, other.offsets)
    np.testing.assert_array_equal(one.times, other.times)
    np.testing.assert_array_equal(one.values, other.values)


def test_the_example_is_what_pandas_reads():
    ours = read_table(EXAMPLE, WEATHER)
    theirs = pd.read_csv(EXAMPLE, parse_dates=["date"])
    assert ours.names == ("temp_max", "precipitation", "temp_min", "wind")
    assert [field.role for field in ours.fields] == ["target", "past", "past", "past"]
    np.testing.assert_array_equal(ours.values, theirs[list(ours.names)].to_numpy())
    np.testing.assert_array_equal(ours.times, theirs["date"].to_numpy())
    assert (ours.keys, ours.step, ours.source) == (("",), Step(1, "d"), "seattle-weather.csv")


@pytest.mark.parametrize(
    "name",
    ["w.tsv", "W.CSV", "w.csv.gz", "w.tsv.gz", "w.parquet", "w.jsonl", "w.ndjson", "w.jsonl.gz"],
)
def test_every_kind_of_file_gives_the_same(tmp_path, name):
    frame = pl.read_csv(EXAMPLE, try_parse_dates=True)
    path = tmp_path / name
    kind = name.lower().removesuffix(".gz").rpartition(".")[2]
    if kind == "parquet":
        frame.write_parquet(path)
    else:
        text = (
            frame.write_ndjson()
            if kind in ("jsonl", "ndjson")
            else frame.write_csv(separator="\t" if kind == "tsv" else ",")
        ).encode()
        path.write_bytes(gzip.compress(text) if name.endswith(".gz") else text)
    read_again = read_table(path, WEATHER)
    assert_same(read_again, read_table(EXAMPLE, WEATHER))
    assert read_again.source == name
    assert_same(read_table(str(path), WEATHER), read_again)


def frames():
    theirs = pd.read_csv(EXAMPLE, parse_dates=["date"])
    ours = pl.read_csv(EXAMPLE, try_parse_dates=True)
    return {
        "polars": ours,
        "polars, lazy": ours.lazy(),
        "polars, dates as text": pl.read_csv(EXAMPLE),
        "polars, all text": pl.read_csv(EXAMPLE, infer_schema=False),
        "polars, a zone": ours.with_columns(
            pl.col("date").cast(pl.Datetime("ns")).dt.replace_time_zone("Asia/Tokyo")
        ),
        "pandas": theirs,
        "pandas, index": theirs.set_index("date"),
        "pandas, a zone": theirs.assign(date=theirs["date"].dt.tz_localize("UTC")),
        "pandas, periods": theirs.assign(date=theirs["date"].dt.to_period("D")),
        "pandas, objects": theirs.astype(object),
        "pandas, nullable": theirs.convert_dtypes(),
        "pandas, arrow": theirs.convert_dtypes(dtype_backend="pyarrow"),
        "pyarrow": ours.to_arrow(),
        "narwhals": nw.from_native(theirs),
    }


@pytest.mark.parametrize("kind", list(frames()))
def test_every_kind_of_frame_gives_the_same(kind):
    read_again = read_table(frames()[kind], WEATHER)
    assert_same(read_again, read_table(EXAMPLE, WEATHER))
    assert read_again.source == "a data frame"


def test_an_index_of_times_is_the_time_column():
    theirs = pd.read_csv(EXAMPLE, parse_dates=["date"]).set_index("date")
    expected = read_table(EXAMPLE, WEATHER)
    assert_same(read_table(theirs, Columns(target="temp_max")), expected)
    assert_same(read_table(theirs.rename_axis(None), Columns(target="temp_max")), expected)
    periods = theirs.set_index(theirs.index.to_period("D"))
    assert_same(read_table(periods, Columns(target="temp_max")), expected)
    one = read_table(theirs["temp_max"], Columns())
    assert one.names == ("temp_max",)
    np.testing.assert_array_equal(one.values[:, 0], expected.values[:, 0])
    assert read_table(pl.Series([1.0, 2.0]), Columns()).names == ("x0",)


def test_index_levels_can_be_named_like_columns():
    frame = pd.DataFrame(
        {
            "k": ["a", "a", "b", "b"],
            "date": pd.to_datetime(["2012-01-01", "2012-01-02"] * 2),
            "y": [1.0, 2, 3, 5],
        }
    )
    columns = Columns(time="date", target="y", group="k")
    assert_same(read_table(frame.set_index(["k", "date"]), columns), read_table(frame, columns))
    assert_same(read_table(frame.set_index("k"), columns), read_table(frame, columns))


def test_missing_values_of_every_library_are_missing():
    expected = [1.0, np.nan, 3.0]
    for frame in (
        pd.DataFrame({"y": [1, None, 3]}),
        pd.DataFrame({"y": pd.array([1, None, 3], dtype="Int64")}),
        pd.DataFrame({"y": [1, "NA", 3]}),
        pl.DataFrame({"y": [1, None, 3]}),
        pl.DataFrame({"y": [1.0, float("nan"), 3.0]}),
        pl.DataFrame({"y": ["1", " ", "3"]}),
        pl.DataFrame({"y": pl.Series(["1", "?", "3"], dtype=pl.Categorical)}),
        pa.table({"y": [1, None, 3]}),
    ):
        got = read_table(frame, Columns(target="y"))
        np.testing.assert_array_equal(got.values[:, 0], expected)
    for flags in (pd.DataFrame({"y": [True, False]}), pl.DataFrame({"y": ["true", "False"]})):
        np.testing.assert_array_equal(read_table(flags, Columns(target="y")).values[:, 0], [1, 0])


@pytest.mark.parametrize(
    "text",
    [
        "date,y,z\n2012-01-01,1.5,2\n2012-01-02,2,\n",
        "date;y;z\n2012-01-01;1.5;2\n2012-01-02;2;\n",
        "date\ty\tz\n2012-01-01\t1.5\t2\n2012-01-02\t2\t\n",
        "date,y,z\r\n2012-01-01,1.5,2\r\n2012-01-02,2,\r\n",
        "date,y,z\r2012-01-01,1.5,2\r2012-01-02,2,",
        "\ufeffdate,y,z\n2012-01-01,1.5,2\n2012-01-02,2,\n",
        "\n\ndate , y,z \n\n2012-01-01, 1.5,2 \n\n2012-01-02,2e0,NA\n\n\n",
        '"date","y","z"\n"2012-01-01","1.5","2"\n"2012-01-02",2,""\n',
        '"date","y","z"\n\n"2012-01-01","1.5","2"\n\n\n"2012-01-02",2,"-"\n\n',
        'date,y,z\n2012-01-01,+1.5,2\n2012-01-02,2.,"nUll"',
    ],
)
def test_separated_text_in_every_dress_gives_the_same(tmp_path, text):
    got = read(tmp_path, text)
    assert got.names == ("y", "z")
    np.testing.assert_array_equal(got.values, [[1.5, 2], [2, np.nan]])


def test_commas_and_line_ends_in_quotes_are_part_of_a_value(tmp_path):
    text = 'k,"a, b",y\n"x, ""1""",2,1\n"two\nlines",2,1\n"x, ""1""",2,3\n"two\nlines",2,oops\n'
    columns = Columns(target="y", group="k")
    with pytest.raises(DataError, match=r"w\.csv, line 6, column 'y': 'oops'"):
        read(tmp_path, text, columns)
    got = read(tmp_path, text.replace("oops", "4"), columns)
    assert got.keys == ('x, "1"', "two\nlines")
    assert got.names == ("y", "a, b")


def test_columns_without_a_name_are_left_alone(tmp_path):
    got = read(tmp_path, ",date,,y\n0,2012-01-01,5,1\n1,2012-01-02,6,2\n")
    assert got.names == ("y",)
    frame = pd.DataFrame({"Unnamed: 0": [0, 1], "y": [1.0, 2.0]})
    assert read_table(frame, Columns(target="y")).names == ("y",)


def test_numbered_columns_of_a_frame_are_named_by_number():
    frame = pd.DataFrame(np.arange(6.0).reshape(3, 2))
    assert read_table(frame, Columns(target=1)).names == ("1", "0")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", r"w\.csv: the file is empty \(0 bytes\); give one"),
        ("date,y\n", r"w\.csv: there is a header and no rows below it"),
        ("\n\r\n", r"w\.csv: the file holds blank lines only"),
        (",\n1,2\n", r"w\.csv, line 1: no column has a name"),
        ("a,y,b,y\n1,2,3,4\n", r"w\.csv, line 1: two columns are named 'y' \(columns 2 and 4\)"),
        (
            "date,y\n2012-01-01,1\n\n2012-01-02\n",
            r"w\.csv, line 4: 1 value where the header in line 1 names 2 columns, separated by ','",
        ),
        (
            "date,y\n2012-01-01,1,5\n",
            r"w\.csv, line 2: 3 values where .* \(decimal commas\? write 3\.5\); correct",
        ),
        ('a,y\n"1",2\n3,4,5\n', r"w\.csv, line 3: 3 values"),
        ('a,y\n1,2\n"3,4\n5,6\n', r"w\.csv, line 3: .*quotation mark \(\"\) that is not closed"),
        ('a,y\n1,2\n"3"4,4\n', r"w\.csv, line 3: .*quotation mark"),
        (
            b"a,y\n1,2\n\xe9,3\n",
            r"w\.csv, line 3: byte 0xe9 is not UTF-8 .at offset 8.; .*iconv -f latin1",
        ),
        ("a,y\n1,2\n".encode("utf-16"), r"w\.csv, line 1: byte 0xff is not UTF-8"),
    ],
)
def test_broken_text_is_refused_by_line(tmp_path, text, message):
    with pytest.raises(DataError, match=message):
        read(tmp_path, text)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"date": "2012-01-01", "y": 1}\n{"date": ', r"w\.jsonl, line 2: .* is not JSON: .*write"),
        ('{"y": 1}\n\n[2]\n', r"w\.jsonl, line 3: '\[2\]' is not an object; write one object"),
        ('[{"y": 1}]', r"w\.jsonl, line 1: .* is not an object"),
        ('{"date": "2012", "y": 1}\n\n{"date": "2013", "y": "z"}', r"w\.jsonl, line 3, .*'y': 'z'"),
        ("\n \n", r"w\.jsonl: the file holds blank lines only"),
        ("", r"w\.jsonl: the file is empty"),
    ],
)
def test_broken_json_is_refused_by_line(tmp_path, text, message):
    with pytest.raises(DataError, match=message):
        read(tmp_path, text, name="w.jsonl")


def test_json_lines_may_leave_values_out(tmp_path):
    text = '{"date": "2012", "y": 1}\n\n{"y": NaN, "date": "2013", "z": 2}\n{"date": "2014"}\n'
    got = read(tmp_path, text, name="w.jsonl", require_target=False)
    assert got.names == ("y", "z")
    np.testing.assert_array_equal(got.values, [[1, np.nan], [np.nan, 2], [np.nan, np.nan]])
    mixed = '{"date": "2012", "y": 1}\n{"date": "2013", "y": "2.5"}\n{"date": "2014", "y": "NA"}\n'
    got = read(tmp_path, mixed, name="w.jsonl")
    np.testing.assert_array_equal(got.values[:, 0], [1, 2.5, np.nan])


def test_paths_that_are_no_table_are_refused(tmp_path):
    with pytest.raises(DataError, match=r"this is a folder; give one file \(\.csv"):
        read_table(tmp_path, PLAIN)
    with pytest.raises(DataError, match=r"nothing\.csv: there is no such file; give the path"):
        read_table(tmp_path / "nothing.csv", PLAIN)
    with pytest.raises(DataError, match=r"weather\.xlsx: files of this kind are not read; \.csv,"):
        read(tmp_path, "x", name="weather.xlsx")
    with pytest.raises(DataError, match=r"w\.parquet: not a Parquet file"):
        read(tmp_path, "x", name="w.parquet")
    whole = gzip.compress(b"date,y\n2012,1\n2013,2\n")
    assert len(read(tmp_path, whole, name="w.csv.gz").values) == 2
    for broken in (b"date,y\n", whole[:-6], whole[:12] + b"\0\1\2" + whole[15:]):
        with pytest.raises(DataError, match=r"w\.csv\.gz: not a whole gzip file"):
            read(tmp_path, broken, name="w.csv.gz")
    (tmp_path / "weather.csv").write_text("date,y\n")
    with pytest.raises(DataError, match=r"no such file; did you mean 'weather\.csv'"):
        read_table(tmp_path / "wether.csv", PLAIN)


def test_objects_that_are_no_table_are_refused():
    for data in ([1.0, 2.0], {"y": [1.0]}, None, 3):
        with pytest.raises(DataError, match=f"data of type {type(data).__name__} are not read"):
            read_table(data, PLAIN)
    twice = pd.DataFrame([[1.0, 2.0]], columns=["y", "y"])
    for frame in (twice, pa.table([[1.0], [2.0]], names=["y", "y"])):
        with pytest.raises(DataError, match="a data frame: two columns are named 'y'"):
            read_table(frame, Columns(target="y"))
    for empty in (pl.DataFrame({"y": []}), pd.DataFrame({"y": []})):
        with pytest.raises(DataError, match="a data frame: there are no rows"):
            read_table(empty, Columns(target="y"))


def test_codes_that_pandas_calls_categories_are_no_numbers() -> None:
    frame = pd.DataFrame({"y": [1.0, 2.0, 3.0], "shop": pd.Categorical([30, None, 10])})
    assert load(frame, Columns(target="y")).column("shop").to_list() == ["30", None, "10"]
