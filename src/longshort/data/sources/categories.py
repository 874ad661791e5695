"""Columns of categories: text, or codes that were named as categories."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import polars as pl

from longshort.data.sequences import Floats
from longshort.data.sources.groups import distinct, without_point
from longshort.data.sources.inputs import Table
from longshort.errors import DataError


class Categories(NamedTuple):
    """A column of categories: its labels, and for each row the place of its own, (N,)."""

    labels: tuple[str, ...]
    values: Floats


def read_categories(table: Table, name: str) -> Categories:
    """A column of a table as categories.

    Raises:
        DataError: its values cannot be written as text.
    """
    column = table.column(name)
    try:
        return categories(column)
    except pl.exceptions.PolarsError:
        raise DataError(
            f"{table.source}, column {name!r}: values of type {column.dtype} are no categories; "
            "name another column, or write them as text"
        ) from None


def categories(column: pl.Series) -> Categories:
    """A column as categories: whole numbers without a point, text without blanks at its ends.

    Labels are in Unicode's composed form, in the order of the first rows that have them; a missing
    one is "".
    """
    text = without_point(column).cast(pl.String).fill_null("").cast(pl.Categorical)
    numbers, first = distinct(text.to_physical().to_numpy())
    written = text.gather(first).cast(pl.String).str.strip_chars().str.normalize("NFC")
    places: dict[str, int] = {}
    own = np.array([places.setdefault(label, len(places)) for label in written], np.float64)
    return Categories(tuple(places), own[numbers])
