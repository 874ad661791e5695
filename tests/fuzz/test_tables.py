"""Tables of any content: read, or refused in words that name the file."""

from __future__ import annotations

import gzip
import io
import json
import os
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from longshort.data.sequences import Columns
from longshort.data.sources.tables import read_table
from longshort.errors import DataError

from .conftest import TRIED

pytestmark = pytest.mark.slow

GOLDEN = Path(__file__).parent.parent / "golden" / "sales.csv"
ROLES = [
    Columns(),
    Columns(target=("y",)),
    Columns("t", target=("y",)),
    Columns("t", ("g",), ("y",)),
    Columns("t", ("g",), ("y",), ("x",), ("f",), ("s",)),
    Columns("t", ("g", "x"), ("y", "f")),
]
FILLS = ["none", "missing", "previous", "ignore"]
WORDS = [
    "", " ", "0", "1", "2", "-3.5", "1e5", "1e308", "1e400", "-1e400", "9" * 400, "0x10", "1_000",
    "nan", "NaN", "NA", "inf", "-inf", "Infinity", "true", "None", "3,5", "1.234,5", "1,234.5", "-",
    "2024-01-01", "2024-01-02", "2024-1-3", "01/02/2024", "13/01/2024", "01/13/2024", "2024/01/04",
    "2024-01-01T00:00:00Z", "2024-01-01 12:00", "2024-01-01T12:00:00+05:30", "20240101", "2024",
    "2024-W05", "2024-13-45", "0000-00-00", "9999-12-31", "10000-01-01", "1677-09-21", "1e9",
    "1704067200", "1704067200000", "Jan 2024", "2024Q1", "12:00", "a", "b", "\u202e", "雨", "\x00",
    '"', '""', "'", ";", "\t", "|", "=1+1", "\ufeff", "\u00a0", "e", "y", "t", "g",
]  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("fuzz")


def holds(path: Path, data: bytes, columns: Columns, fill: str, required: bool) -> None:
    """The property: numbers or gaps in order of time, or words with the file's name."""
    TRIED["test_tables.py"] += 1
    path.unlink(missing_ok=True)
    path.write_bytes(data)
    try:
        found = read_table(path, columns, fill=fill, require_target=required)  # type: ignore[arg-type]
    except DataError as refusal:
        said = str(refusal)
        assert path.name in said
        assert len(said) < 3000
        return
    assert not np.isinf(found.values).any()
    assert found.offsets[-1] == len(found.values)
    if found.times is not None:
        for series in range(len(found)):
            times = found.times[found.rows(series)]
            assert (np.diff(times).astype(np.int64) > 0).all()


roles = st.sampled_from(ROLES)
fills = st.sampled_from(FILLS)
names = st.lists(st.sampled_from(["t", "g", "y", "x", "f", "s", "", "y ", "雨"]), max_size=7)


@st.composite
def csv_text(draw: st.DrawFn) -> bytes:
    """A header and rows; now and then ragged, quoted, in another encoding or broken off."""
    header = draw(names)
    separator = draw(st.sampled_from([",", ",", ";", "\t", "|"]))
    end = draw(st.sampled_from(["\n", "\n", "\r\n", "\r", "\n\n"]))
    cell = st.sampled_from(WORDS) | st.text(max_size=5)
    width = len(header)
    lengths = st.just(width) if draw(st.booleans()) else st.integers(0, width + 2)
    rows = draw(st.lists(lengths.flatmap(lambda n: st.lists(cell, min_size=n, max_size=n))))
    quote = draw(st.sampled_from([lambda w: w, lambda w: '"' + w.replace('"', '""') + '"']))
    text = end.join(separator.join(quote(word) for word in row) for row in [header, *rows])
    coding = draw(st.sampled_from(["utf-8", "utf-8", "utf-8-sig", "latin-1", "utf-16"]))
    data = text.encode(coding, errors="replace")
    return data[: draw(st.integers(0, len(data)))] if draw(st.booleans()) else data


@st.composite
def daily(draw: st.DrawFn) -> bytes:
    """A good daily table of two series with a few cells replaced, rows swapped or repeated."""
    rows = [
        [f"2024-01-{day:02}", group, str(day * 1.5), str(-day), str(day % 3), "7"]
        for group in "ab"
        for day in range(1, 13)
    ]
    for _ in range(draw(st.integers(0, 4))):
        at, to = draw(st.integers(0, len(rows) - 1)), draw(st.integers(0, len(rows) - 1))
        kind = draw(st.sampled_from(["cell", "cell", "swap", "repeat", "drop"]))
        if kind == "cell":
            rows[at][draw(st.integers(0, 5))] = draw(st.sampled_from(WORDS) | st.text(max_size=4))
        elif kind == "swap":
            rows[at], rows[to] = rows[to], rows[at]
        elif kind == "repeat":
            rows.insert(to, list(rows[at]))
        else:
            del rows[at]
            rows = rows or [["2024-01-01", "a", "1", "1", "1", "7"]]
    return "\n".join(",".join(row) for row in [list("tgyxfs"), *rows]).encode()


@settings(max_examples=1500)
@given(data=csv_text(), columns=roles, fill=fills, required=st.booleans())
def test_any_csv(folder: Path, data: bytes, columns: Columns, fill: str, required: bool) -> None:
    holds(folder / "any.csv", data, columns, fill, required)


@settings(max_examples=1500)
@given(data=daily(), columns=roles, fill=fills, required=st.booleans())
def test_a_daily_table_gone_wrong(
    folder: Path, data: bytes, columns: Columns, fill: str, required: bool
) -> None:
    holds(folder / "daily.csv", data, columns, fill, required)


@settings(max_examples=500)
@given(
    data=st.binary(max_size=200),
    suffix=st.sampled_from([".csv", ".tsv", ".jsonl", ".parquet", ".csv.gz", ".jsonl.gz"]),
    columns=roles,
)
def test_any_bytes(folder: Path, data: bytes, suffix: str, columns: Columns) -> None:
    packed = gzip.compress(data) if suffix.endswith("gz") and len(data) % 2 else data
    holds(folder / f"bytes{suffix}", packed, columns, "none", True)


@pytest.mark.parametrize(
    ("name", "data", "says"),
    [
        ("deep.jsonl", b"[" * 10**6, "not JSON"),
        ("digits.jsonl", b'{"y": ' + b"9" * 5000 + b"}", "not JSON|y"),
        ("mixed.jsonl", b'{"y": false}\n{"y": []}', "kinds"),
        ("bomb.csv.gz", gzip.compress(b"y\n" + b"1\n" * 2**26), "200 times"),
    ],
)
def test_what_was_found_once(folder: Path, name: str, data: bytes, says: str) -> None:
    (folder / name).write_bytes(data)
    with pytest.raises(DataError, match=says):
        read_table(folder / name, Columns(target=("y",)))


def test_what_is_no_regular_file_is_not_read(folder: Path) -> None:
    (folder / "zeros.csv").symlink_to("/dev/zero")
    os.mkfifo(folder / "pipe.csv")
    for path in (folder / "zeros.csv", folder / "pipe.csv", Path("/dev/zero")):
        with pytest.raises(DataError, match="no regular file"):
            read_table(path, Columns(target=("y",)))


def test_dates_out_of_range_are_named(folder: Path) -> None:
    for day in (2**31 - 1, 10**7, -(10**6)):
        dates = pl.Series("t", [0, day], dtype=pl.Int32).cast(pl.Date)
        pl.DataFrame([dates, pl.Series("y", [1.0, 2.0])]).write_parquet(folder / "days.parquet")
        with pytest.raises(DataError, match=r"days\.parquet.*9999"):
            read_table(folder / "days.parquet", Columns("t", target=("y",)))


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.sampled_from(WORDS),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=2), inner),
    max_leaves=3,
)
objects = st.dictionaries(st.sampled_from(["t", "g", "y", "x", ""]), values)


@settings(max_examples=1000)
@given(
    lines=st.lists(objects.map(json.dumps) | values.map(json.dumps) | st.text(max_size=9)),
    columns=roles,
    fill=fills,
)
def test_any_json_lines(folder: Path, lines: list[str], columns: Columns, fill: str) -> None:
    data = "\n".join(lines).encode(errors="replace")
    holds(folder / "any.jsonl", data, columns, fill, True)


def parquet() -> bytes:
    buffer = io.BytesIO()
    pl.read_csv(GOLDEN, try_parse_dates=True).write_parquet(buffer)
    return buffer.getvalue()


WHOLE = parquet()
SALES = Columns("day", ("shop",), ("sold",), ("price",), ("promo",), ("area",))


@settings(max_examples=1500)
@given(st.data())
def test_damaged_parquet(folder: Path, data: st.DataObject) -> None:
    broken = bytearray(WHOLE)
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(WHOLE) - 1))
        kind = data.draw(st.sampled_from(["flip", "flip", "cut", "fill"]))
        if kind == "cut":
            del broken[at:]
        elif at < len(broken):
            broken[at] = data.draw(st.integers(0, 255)) if kind == "fill" else broken[at] ^ 1
    holds(folder / "damaged.parquet", bytes(broken), SALES, "none", True)


@settings(max_examples=300)
@given(st.data())
def test_parquet_of_any_types(folder: Path, data: st.DataObject) -> None:
    height = data.draw(st.integers(0, 6))
    kinds = [
        pl.Int8, pl.UInt64, pl.Float32, pl.Boolean, pl.String, pl.Binary, pl.Date, pl.Time, pl.Null,
        pl.Datetime("ns"), pl.Datetime("ms", "UTC"), pl.Duration, pl.List(pl.Int64), pl.Categorical,
        pl.Struct({"a": pl.Int64}), pl.Decimal(38, 2),
    ]  # fmt: skip
    frame = pl.DataFrame(
        {
            name: pl.Series(name, [None] * height, dtype=data.draw(st.sampled_from(kinds)))
            if data.draw(st.booleans())
            else pl.Series(name, range(height))
            for name in data.draw(st.sets(st.sampled_from("tgyxfs"), min_size=1))
        }
    )
    buffer = io.BytesIO()
    frame.write_parquet(buffer)
    holds(folder / "typed.parquet", buffer.getvalue(), data.draw(roles), "none", True)
