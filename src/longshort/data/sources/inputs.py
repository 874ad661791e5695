"""Files and frames as columns: bytes in, a Polars frame out, and where each row came from."""

from __future__ import annotations

import csv
import gzip
import io
import json
import os
import stat
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import narwhals as nw
import numpy as np
import polars as pl

from longshort.data.clock import check_zone
from longshort.data.sequences import Columns, composed
from longshort.data.sources.parquet import check_pages
from longshort.data.steps import Ints
from longshort.errors import ArgumentError, DataError, suggest

SUFFIXES = (".csv", ".tsv", ".csv.gz", ".tsv.gz", ".parquet", ".jsonl", ".ndjson", ".jsonl.gz")
_READ = (*SUFFIXES, ".ndjson.gz")
# what a reader raises of bytes that are no table; a panic of Polars is no Exception
UNREADABLE = (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError)
# a text is unpacked to at most so many times its packed size, or to 64 MiB
_MOST_PACKED = 200
# columns of text
TEXT = (pl.String, pl.Categorical, pl.Enum)


@dataclass(frozen=True)
class Table:
    """Columns as they can be read, and how to speak of their rows.

    Args:
        data: the columns; text files give text, everything else keeps its types.
        names: by composed name (NFC), what each column is called in ``data``.
        height: N, rows.
        source: "weather.csv" or "a data frame".
        lines: (N,) the line of the file that each row begins on; None counts rows from 0.
        time: the time column, where the frame's own index is one.
        target: the target, where there is only one column.
        text: cells were text, in which blanks at the ends and types are not told.
    """

    data: pl.LazyFrame
    names: dict[str, str]
    height: int
    source: str
    lines: Ints | None = None
    time: str | None = None
    target: str | None = None
    text: bool = False

    @classmethod
    def of(cls, frame: pl.DataFrame, source: str, **more: Any) -> Table:
        """A frame in memory."""
        return cls(frame.lazy(), _composed(frame.columns, source), frame.height, source, **more)

    def where(self, row: int) -> str:
        """ "weather.csv, line 17", or "a data frame, row 15" counted from 0."""
        place = f"row {row}" if self.lines is None else f"line {self.lines[row]}"
        return f"{self.source}, {place}"

    def kind(self, name: str) -> pl.DataType:
        """The type of a column."""
        return self.data.collect_schema()[self.names[name]]

    def column(self, name: str, kind: type[pl.DataType] | None = None) -> pl.Series:
        """One column by its composed name, read now; ``kind`` converts it while it is read.

        Raises:
            DataError: the file cannot be read to its end.
        """
        chosen = pl.col(self.names[name]).alias(name)
        try:
            frame = self.data.select(chosen if kind is None else chosen.cast(kind)).collect()
        except UNREADABLE as error:
            raise DataError(
                f"{self.source}, column {name!r}: cannot be read: {_first_line(error)}"
            ) from None
        if frame.height != self.height:
            raise DataError(
                f"{self.source}, column {name!r}: {frame.height} values in {self.height} rows; the "
                "file is damaged"
            )
        return frame.to_series()


def _composed(names: Iterable[object], source: str) -> dict[str, str]:
    """Columns by their composed names; two columns of one name are refused."""
    found: dict[str, str] = {}
    for name in map(str, names):
        if (plain := composed(name)) in found:
            forms = " in two forms of Unicode" if found[plain] != name else ""
            raise DataError(
                f"{source}: two columns are named {plain!r}{forms}; give each its own name"
            )
        found[plain] = name
    return found


def _first_line(error: BaseException) -> str:
    return str(error).partition("\n")[0]


def load(data: Any, columns: Columns) -> Table:
    """Read a path or a frame.

    Args:
        data: what ``read_table`` takes, arrays excepted.
        columns: which levels of a pandas index are asked for.

    Raises:
        DataError: the file or the object cannot be read; line and value are named.
    """
    return (
        _from_path(Path(data))
        if isinstance(data, str | os.PathLike)
        else _from_frame(data, columns)
    )


def _from_path(path: Path) -> Table:
    name = path.name
    kind = name.lower().removesuffix(".gz").rpartition(".")[2]
    try:
        if path.is_dir():
            raise DataError(f"{path}: this is a folder; give one file ({', '.join(SUFFIXES)})")
        found = path.stat()
        if not stat.S_ISREG(found.st_mode):
            raise DataError(f"{path}: this is no regular file; give the path of a table")
        empty = found.st_size == 0
        raw = b"" if kind == "parquet" or not name.lower().endswith(_READ) else path.read_bytes()
    except FileNotFoundError:
        siblings = _siblings(path)
        near = suggest(name, siblings) if siblings else "give the path to a table"
        raise DataError(f"{path}: there is no such file; {near}") from None
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror or error}") from None
    if not name.lower().endswith(_READ):
        raise DataError(
            f"{name}: files of this kind are not read; {', '.join(SUFFIXES)} are. Save it as one "
            "of these, or read it yourself and give the frame"
        )
    if empty:
        raise DataError(f"{name}: the file is empty (0 bytes); give one with a header and rows")
    if kind == "parquet":
        return _scan_parquet(path)
    if name.lower().endswith(".gz"):
        raw = unpacked(raw, name)
    raw = utf8(raw, name)
    return _read_text(raw, name) if kind in ("csv", "tsv") else _read_json(raw, name)


def unpacked(raw: bytes, name: str) -> bytes:
    """What a gzip file holds.

    Raises:
        DataError: it is damaged, or a bomb.
    """
    most = max(2**26, _MOST_PACKED * len(raw))
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(raw)) as file:
            found = file.read(most + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(f"{name}: not a whole gzip file: {error}; compress it anew") from None
    if len(found) > most:
        raise DataError(
            f"{name}: unpacks to more than {_MOST_PACKED} times its size; unpack it yourself if "
            "you know what it is"
        )
    return found


def _scan_parquet(path: Path) -> Table:
    """A Parquet file whose columns are read one by one, when they are asked for."""
    try:
        check_pages(path)
        data = pl.scan_parquet(path, glob=False, hive_partitioning=False)
        names = data.collect_schema().names()
        height = int(data.select(pl.len()).collect().item())
    except (*UNREADABLE, ValueError) as error:
        raise DataError(
            f"{path.name}: not a Parquet file that can be read: {_first_line(error)}"
        ) from None
    return Table(data, _composed(names, path.name), height, path.name)


def _siblings(path: Path) -> list[str]:
    """Files beside a path that does not exist, for a suggestion."""
    try:
        return sorted(p.name for p in path.parent.iterdir() if p.name.lower().endswith(_READ))[:9]
    except OSError:
        return []


def utf8(raw: bytes, name: str) -> bytes:
    """UTF-8 with plain line ends and no byte order mark."""
    try:
        raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise DataError(
            f"{name}, line {line}: byte 0x{raw[error.start]:02x} is not UTF-8 (at "
            f"offset {error.start}); save the file as UTF-8 (for one in Latin-1: iconv -f latin1 "
            f"-t utf-8 {name})"
        ) from None
    raw = raw.removeprefix(b"\xef\xbb\xbf")
    return raw.replace(b"\r\n", b"\n").replace(b"\r", b"\n") if b"\r" in raw else raw


def _read_text(raw: bytes, name: str) -> Table:
    """Comma, semicolon or tab separated text with a header; every column stays text."""
    rows = raw.split(b"\n")
    first = next((line for line in rows if line), b"")
    if not first:
        raise DataError(f"{name}: the file holds blank lines only; give a header and rows")
    separator = _separator(first.decode())
    if b'"' in raw:
        lines, counts, blank = _records(raw, separator, name)
    else:
        full = np.array([bool(line) for line in rows])
        lines, blank = np.flatnonzero(full) + 1, set(np.flatnonzero(~full).tolist())
        mark = separator.encode()
        counts = np.array([line.count(mark) + 1 for line in rows if line])
    # what follows the last line end is no line
    if blank - {len(rows) - 1}:
        raw = b"\n".join(line for at, line in enumerate(rows) if at not in blank)
    header = _header(rows[lines[0] - 1 :], separator, f"{name}, line {lines[0]}")
    ragged = counts != len(header)
    if ragged.any():
        at = int(ragged.argmax())
        many = separator == "," and counts[at] > len(header)
        comma = " (decimal commas? write 3.5)" if many else ""
        raise DataError(
            f"{name}, line {lines[at]}: {_count(int(counts[at]), 'value')} where the header in "
            f"line {lines[0]} names {_count(len(header), 'column')}, separated by "
            f"{separator!r}{comma}; correct the line"
        )
    if len(lines) == 1:
        raise DataError(f"{name}: there is a header and no rows below it; give rows of data")
    wrong = 'look for a quotation mark (") that is not closed or stands inside a value'
    try:
        frame = pl.read_csv(raw, separator=separator, infer_schema=False, has_header=False)[1:]
    except pl.exceptions.PolarsError as error:
        raise DataError(f"{name}: not separated text: {_first_line(error)}; {wrong}") from None
    if frame.height != len(lines) - 1:
        raise DataError(f"{name}: {frame.height} rows in {len(lines) - 1} lines of data; {wrong}")
    # columns without a name cannot be asked for
    named = [pl.nth(at).alias(cell) for at, cell in enumerate(header) if cell]
    return Table.of(frame.select(named), name, lines=lines[1:].astype(np.int64), text=True)


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _separator(header: str) -> str:
    """The mark that parts the header's names: comma, semicolon or tab, whichever is there most."""
    outside = "".join(header.split('"')[::2])
    return max(",;\t", key=outside.count)


def _records(raw: bytes, separator: str, name: str) -> tuple[Ints, Ints, set[int]]:
    """Text with quotation marks: each record's first line and how many values it has.

    Returns:
        Lines (from 1) and counts of every record, the header included, and the blank lines (from
        0) between them.
    """
    reader = csv.reader(io.StringIO(raw.decode(), newline=""), delimiter=separator, strict=True)
    lines, counts, blank, line = [], [], set(), 1
    try:
        for record in reader:
            if record:
                lines.append(line)
                counts.append(len(record))
            else:
                blank.add(line - 1)
            line = reader.line_num + 1
    except csv.Error as error:
        raise DataError(
            f'{name}, line {line}: not separated text: {error}; look for a quotation mark (") that '
            "is not closed or stands inside a value"
        ) from None
    return np.array(lines), np.array(counts), blank


def _header(rows: list[bytes], separator: str, place: str) -> list[str]:
    """The columns' names, without blanks around them; ``rows`` begins with their line."""
    reader = csv.reader((f"{row.decode()}\n" for row in rows), delimiter=separator)
    header = [composed(cell.strip()) for cell in next(reader)]
    for at, cell in enumerate(header):
        first = header.index(cell)
        if cell and first < at:
            raise DataError(
                f"{place}: two columns are named {cell!r} (columns {first + 1} and {at + 1}); "
                "give each its own name"
            )
    if not any(header):
        raise DataError(f"{place}: no column has a name; write the names there")
    return header


def _read_json(raw: bytes, name: str) -> Table:
    """JSON lines: one object with the columns' names in every line."""
    rows = raw.split(b"\n")
    full = [at for at, line in enumerate(rows) if line.strip()]
    lines = np.array(full, dtype=np.int64) + 1
    if not full:
        raise DataError(f"{name}: the file holds blank lines only; write one object in each line")
    try:
        frame = pl.read_ndjson(
            io.BytesIO(b"\n".join(rows[at] for at in full)), infer_schema_length=None
        )
    except UNREADABLE:
        frame = _mixed([_object(rows[at], f"{name}, line {at + 1}") for at in full], name)
    if frame.height != len(full):
        for at in full:
            _object(rows[at], f"{name}, line {at + 1}")
        raise DataError(f"{name}: {frame.height} rows in {len(full)} lines; give one row a line")
    return Table.of(frame, name, lines=lines)


def _mixed(objects: list[dict[str, Any]], name: str) -> pl.DataFrame:
    """Objects whose values are of several kinds under one name."""
    try:
        return pl.DataFrame(objects, strict=False, infer_schema_length=None)
    except (*UNREADABLE, TypeError, ValueError, OverflowError) as error:
        raise DataError(
            f"{name}: the values under one name are of kinds that fit no column "
            f"({_first_line(error)}); write numbers, text or null"
        ) from None


def _object(line: bytes, place: str) -> dict[str, Any]:
    shown = line[:40].decode(errors="replace")
    example = 'one object such as {"date": "2012-01-31", "y": 1.5}'
    try:
        value = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise DataError(
            f"{place}: {shown!r} is not JSON: {error}; write {example} in each line"
        ) from None
    if not isinstance(value, dict):
        raise DataError(f"{place}: {shown!r} is not an object; write {example} in each line")
    return value


def _from_frame(data: Any, columns: Columns) -> Table:
    """A frame or series of any library that narwhals knows."""
    source = "a data frame"
    try:
        given: Any = nw.from_native(data, allow_series=True)
    except nw.exceptions.DuplicateError:
        # PyArrow's columns are the values
        _composed(getattr(data, "column_names", data.columns), source)
        raise
    except TypeError:
        raise DataError(
            f"data of type {type(data).__name__} are not read: give a path to a table, a frame "
            "(Polars, pandas, PyArrow) or a numpy array of numbers"
        ) from None
    target = None
    if isinstance(given, nw.Series):
        target = composed(str(given.name)) if given.name not in (None, "") else "x0"
        given = given.alias(target).to_frame()
    if isinstance(given, nw.LazyFrame):
        given = given.collect()
    if given.implementation.is_polars():
        return Table.of(given.to_native(), source, target=target)
    if given.implementation.is_pyarrow():
        arrow = given.to_native()
        _composed(arrow.column_names, source)
        return Table.of(pl.DataFrame(pl.from_arrow(arrow)), source, target=target)
    time = None
    if given.implementation.is_pandas_like():
        native, time = _index_as_columns(given.to_native(), columns)
        _composed(native.columns, source)
        given = nw.from_native(native)
    frame = pl.DataFrame([_column(c) for c in given.iter_columns()])
    return Table.of(frame, source, time=time, target=target)


def _index_as_columns(native: Any, columns: Columns) -> tuple[Any, str | None]:
    """A pandas frame with text names, its index a column where it is asked for or holds times."""
    asked = {name for _, name in columns.asked()}
    names = [composed(str(name)) for name in native.index.names]
    native = native.rename(columns=str)
    wanted = [name for name in names if name in asked and name not in native.columns]
    if wanted:
        native = native.rename_axis(index=names).reset_index(level=wanted)
        return _plain_periods(native), None
    kind = getattr(native.index, "inferred_type", "")
    if columns.time is not None or kind not in ("datetime64", "period"):
        return _plain_periods(native), None
    name = names[0] if native.index.name is not None else "index"
    while name in native.columns:
        name = f"{name} of rows"
    return _plain_periods(native.rename_axis(index=name).reset_index()), name


def _plain_periods(native: Any) -> Any:
    """Periods (2012Q1) as the time stamps they begin at, which is what narwhals can read."""
    for name, dtype in native.dtypes.items():
        if str(dtype).startswith("period"):
            native = native.assign(**{name: native[name].dt.to_timestamp()})
    return native


def _column(series: Any) -> pl.Series:
    """A narwhals column as a Polars one, without needing PyArrow."""
    name, dtype = series.name, series.dtype
    if isinstance(dtype, nw.Datetime):
        if dtype.time_zone is None:
            return pl.Series(name, series.to_numpy().astype("datetime64[us]"))
        instants = series.dt.convert_time_zone("UTC").dt.replace_time_zone(None).to_numpy()
        column = pl.Series(name, instants.astype("datetime64[us]")).dt.replace_time_zone("UTC")
        try:
            return column.dt.convert_time_zone(check_zone(dtype.time_zone))
        except ArgumentError:
            # a fixed offset that has no name
            return column
    absent = series.is_null().to_numpy()
    if dtype.is_numeric() and not absent.any():
        return pl.Series(name, series.to_numpy())
    items = [None if gone else item for gone, item in zip(absent, series.to_list(), strict=True)]
    if isinstance(dtype, nw.Categorical | nw.Enum):
        # codes that were declared to be categories are no numbers
        return pl.Series(name, [None if item is None else str(item) for item in items], pl.String)
    try:
        return pl.Series(name, items)
    except (TypeError, pl.exceptions.PolarsError):
        return pl.Series(name, [None if item is None else str(item) for item in items])
