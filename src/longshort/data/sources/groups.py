"""Columns that name series: which rows belong together, and what the user called them."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from longshort.data.sources.inputs import TEXT, Table
from longshort.data.steps import Ints
from longshort.errors import DataError


def series_of_rows(
    table: Table, group: tuple[str, ...]
) -> tuple[tuple[str, ...], Ints, pl.DataFrame | None]:
    """Names of series as they first appear, each row's series (N,), and their own columns (S rows).

    Raises:
        DataError: a name is missing, or written in two ways; the rows are told.
    """
    if not group:
        return ("",), np.zeros(table.height, dtype=np.int64), None
    parts = [_group(table, name) for name in group]
    ids = np.zeros(table.height, dtype=np.int64)
    for part in parts:
        ids, first = distinct(ids * len(part.names) + part.numbers)
    texts = [part.names.gather(part.numbers[first]).to_list() for part in parts]
    if len(group) == 1:
        keys = tuple(texts[0])
    else:
        named = [[f"{name}={text}" for text in own] for name, own in zip(group, texts, strict=True)]
        keys = tuple(", ".join(pieces) for pieces in zip(*named, strict=True))
    if len(set(keys)) < len(keys):
        twice = next(key for at, key in enumerate(keys) if key in keys[:at])
        raise DataError(
            f"{table.source}: two series are both called {twice!r}; name them without ', ' and '='"
        )
    return keys, ids, pl.DataFrame([part.values.gather(part.numbers[first]) for part in parts])


class _Group(NamedTuple):
    """A group column: each row's number (N,), and by number the name and the value."""

    numbers: Ints
    names: pl.Series
    values: pl.Series


def _group(table: Table, name: str) -> _Group:
    """A group column; names are compared as text, in text files without blanks at their ends."""
    column = _named_rows(table, name)
    try:
        text = column.cast(pl.String).cast(pl.Categorical)
    except pl.exceptions.PolarsError:
        raise DataError(
            f"{table.source}, column {name!r}: values of type {column.dtype} cannot name series; "
            "name another column (group=, --group)"
        ) from None
    absent = text.is_null()
    if absent.any():
        raise _nameless(table, name, int(absent.arg_true()[0]))
    numbers, first = distinct(text.to_physical().to_numpy())
    written = text.gather(first).cast(pl.String)
    if table.text:
        written = written.str.strip_chars()
        merged, own = distinct(written.cast(pl.Categorical).to_physical().to_numpy())
        numbers, first, written = merged[numbers], first[own], written.gather(own)
    names = written.str.strip_chars().str.normalize("NFC")
    if (names == "").any():
        raise _nameless(table, name, int(first[(names == "").arg_true()[0]]))
    seen: dict[str, int] = {}
    for at, plain in enumerate(names):
        if seen.setdefault(plain, at) != at:
            other = seen[plain]
            raise DataError(
                f"{table.where(int(first[at]))}, column {name!r}: {written[at]!r} is the name "
                f"{written[other]!r} in {table.where(int(first[other]))}, but for blanks or the "
                "form of Unicode; write it the same everywhere"
            )
    values = column.gather(first).cast(table.kind(name)) if not table.text else written
    whole = values.cast(pl.Int64, strict=False) if table.text else None
    if whole is not None and bool((whole.cast(pl.String) == values).fill_null(value=False).all()):
        values = whole
    return _Group(numbers, names, values.alias(name))


def _named_rows(table: Table, name: str) -> pl.Series:
    """A column of names: whole numbers without a point, text as categories, NaN as missing."""
    kind = table.kind(name)
    if kind in TEXT:
        return table.column(name, pl.Categorical)
    return without_point(table.column(name))


def without_point(column: pl.Series) -> pl.Series:
    """A column as names are made of it: whole numbers without a point, NaN as missing."""
    if column.dtype.is_float():
        column = column.fill_nan(None)
        if bool((column.drop_nulls() % 1 == 0).all()):
            column = column.cast(pl.Int64)
    return column


def _nameless(table: Table, name: str, row: int) -> DataError:
    return DataError(
        f"{table.where(row)}, column {name!r}: the name of the series is missing; fill it in, or "
        "remove the row"
    )


def distinct(codes: NDArray[Any]) -> tuple[Ints, Ints]:
    """Each code's number (N,), counted as they first appear, and the row where each one does."""
    # rows of one series mostly stand together: runs are few
    starts = np.concatenate([[0], np.flatnonzero(codes[1:] != codes[:-1]) + 1])
    _, first, inverse = np.unique(codes[starts], return_index=True, return_inverse=True)
    order = np.argsort(first)
    place = np.empty(len(order), np.int64)
    place[order] = np.arange(len(order))
    return np.repeat(place[inverse], np.diff(starts, append=len(codes))), starts[first[order]]
