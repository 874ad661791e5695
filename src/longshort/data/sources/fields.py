"""Columns as fields: what is read as a number, what as a category, and what cannot be either."""

from __future__ import annotations

import re
from typing import NamedTuple

import numpy as np
import polars as pl

from longshort.data.sequences import CATEGORY_ROLES, Columns, Field, Floats, Role
from longshort.data.sources.categories import read_categories
from longshort.data.sources.inputs import TEXT, Table
from longshort.data.sources.stamps import Where
from longshort.data.steps import Ints
from longshort.errors import DataError, suggest

# read as missing, in any case of letters
MISSING = ("", "na", "n/a", "nan", "null", "none", "?", "-")
_TRUTH = {"true": 1.0, "false": 0.0}
_COMMA = r"^[+-]?\d[\d.]*,[\d,]*\d$"
# how frames and files name an index that nobody named
_UNNAMED = re.compile(r"(Unnamed: \d+|__index_level_\d+__)?$")


class _Numbers(NamedTuple):
    """A column as numbers, and what in it is none."""

    # (N,) missing or unreadable is NaN
    values: Floats
    # rows with text that is neither a number nor a mark of a missing value
    wrong: Ints
    # how many of these are numbers with a comma in them
    commas: int
    # how many rows hold anything at all
    observed: int

    @property
    def words(self) -> int:
        """Rows with text that was never meant as a number."""
        return len(self.wrong) - self.commas


def _numbers(column: pl.Series) -> _Numbers | None:
    """Read a column as numbers; None where its type cannot hold any."""
    dtype = column.dtype
    if dtype.is_numeric() or dtype in (pl.Boolean, pl.Null):
        values = column.cast(pl.Float64).fill_null(float("nan")).to_numpy()
        return _Numbers(values, np.zeros(0, np.int64), 0, int((~np.isnan(values)).sum()))
    if dtype not in TEXT:
        return None
    text = column.cast(pl.String)
    parsed = text.cast(pl.Float64, strict=False)
    unread = (parsed.is_null() & text.is_not_null()).arg_true()
    values = parsed.fill_null(float("nan")).to_numpy(writable=True)
    wrong, commas = np.zeros(0, np.int64), 0
    if len(unread):
        rest = text.gather(unread).str.strip_chars()
        low = rest.str.to_lowercase()
        again = pl.select(
            pl.coalesce(
                rest.cast(pl.Float64, strict=False),
                low.replace_strict(_TRUTH, default=None, return_dtype=pl.Float64),
            )
        ).to_series()
        values[unread.to_numpy()] = again.fill_null(float("nan")).to_numpy()
        bad = again.is_null() & ~low.is_in(MISSING)
        wrong = unread.filter(bad).to_numpy().astype(np.int64)
        commas = int(rest.filter(bad).str.contains(_COMMA).sum())
    return _Numbers(values, wrong, commas, int((~np.isnan(values)).sum()) + len(wrong))


def check_names(table: Table, columns: Columns, require_target: bool) -> None:
    """Refuse columns that are not there, and a table without a target where one is required."""
    for role, name in [*columns.asked(), *(("a category", name) for name in columns.category)]:
        if name not in table.names:
            hint = ""
            if role == "target" and not require_target:
                hint = ". Forecasts go on from its past values; those to come may be empty"
            raise DataError(
                f"{table.source}: there is no column {name!r} (asked for as {role}): "
                f"{suggest(name, table.names)}{hint}"
            )
    if require_target and not columns.target:
        asked = {name for _, name in columns.asked()}
        read = [(n, _numbers(table.column(n))) for n in table.names if n not in asked]
        numeric = [n for n, numbers in read if numbers and not len(numbers.wrong)]
        raise DataError(
            f"{table.source}: no target column is named (target=, --target); the numeric columns "
            f"are: {', '.join(numeric) or '(none)'}"
        )


def read_fields(
    table: Table, columns: Columns, rows: Ints, settled: bool = False
) -> tuple[tuple[Field, ...], Floats]:
    """The fields in order, and their values (N, F), row ``rows[n]`` of the table in n.

    Args:
        settled: which columns are categories is known: text in any other one is an error.
    """
    role_of = {name: role for role, name in columns.asked()}
    chosen = {name: role_of.get(name, "past") for name in columns.category}
    if not settled:
        chosen |= {
            name: role
            for name, role in role_of.items()
            if role in ("past", "future", "static") and _is_text(table, name)
        }
    found: list[tuple[Field, Floats]] = [
        (Field(name, "target"), _asked(table, name, "target")) for name in columns.target
    ]
    if columns.past is None:
        taken = {*role_of, *chosen}
        rest = [name for name in table.names if name not in taken and not _UNNAMED.match(name)]
        found += _other_numbers(table, rest)
    for role, name in columns.asked():
        if role in ("past", "future", "static") and name not in chosen:
            found.append((Field(name, role), _asked(table, name, role)))
    for name in sorted(chosen, key=lambda name: CATEGORY_ROLES.index(chosen[name])):
        labels, codes = read_categories(table, name)
        found.append((Field(name, chosen[name], labels=labels), codes))
    if not found:
        raise DataError(f"{table.source}: no column holds numbers; name a target (--target)")
    fields = tuple(field for field, _ in found)
    values = np.empty((len(rows), len(fields)))
    for at in reversed(range(len(fields))):
        # a column is given up once it is copied: large tables are held once
        values[:, at] = found.pop()[1][rows]
    return fields, values


def _is_text(table: Table, name: str) -> bool:
    """Whether a column that was named holds categories: by its type, or as most of it is text."""
    if table.kind(name) in (pl.Categorical, pl.Enum):
        return True
    if table.kind(name) not in TEXT:
        return False
    found = _numbers(table.column(name))
    return found is not None and 2 * found.words > found.observed


def _asked(table: Table, name: str, role: Role) -> Floats:
    """A column that was named, as numbers; anything else in it is an error."""
    column = table.column(name)
    found = _numbers(column)
    if found is None:
        raise DataError(
            f"{table.where(0)}, column {name!r} ({role}): {column.drop_nulls().first()!r} "
            f"({column.dtype}) is not a number; name a numeric column, or convert this one"
        )
    if len(found.wrong):
        way_out = "correct it, or leave it empty if it is missing"
        if role != "target":
            way_out += "; if these are categories, name the column as one (category=, --category)"
        raise _not_a_number(table, name, found, way_out)
    _refuse_infinite(table, name, found.values)
    return found.values


def _not_a_number(table: Table, name: str, found: _Numbers, way_out: str) -> DataError:
    row = int(found.wrong[0])
    value = str(table.column(name)[row])
    more = f" (rows like it: {len(found.wrong)})" if len(found.wrong) > 1 else ""
    if found.commas:
        way_out = "write decimals with a point (3.5), and no commas between thousands"
    return DataError(
        f"{table.where(row)}, column {name!r}: {value!r} is not a number{more}; {way_out}"
    )


def _refuse_infinite(table: Table, name: str, values: Floats) -> None:
    infinite = np.isinf(values)
    if infinite.any():
        row = int(infinite.argmax())
        raise DataError(
            f"{table.where(row)}, column {name!r}: the value is infinite ({values[row]}); correct "
            "it, or leave it empty if it is missing"
        )


def _other_numbers(table: Table, names: list[str]) -> list[tuple[Field, Floats]]:
    """Every numeric column that nobody named: the past covariates."""
    found = []
    for name in names:
        numbers = _numbers(table.column(name))
        if numbers is None or not numbers.observed:
            continue
        # a column that is mostly numbers is meant as one; any other is text and left alone
        if 2 * numbers.words >= numbers.observed:
            continue
        if len(numbers.wrong):
            way_out = "correct it, or name the covariates (past=, --past) without this column"
            raise _not_a_number(table, name, numbers, way_out)
        _refuse_infinite(table, name, numbers.values)
        found.append((Field(name, "past"), numbers.values))
    return found


def check_static(
    where: Where,
    fields: tuple[Field, ...],
    values: Floats,
    offsets: Ints,
    keys: tuple[str, ...],
    rows: Ints,
) -> None:
    """Refuse static columns that change within a series, and fill in what they leave out."""
    lengths = np.diff(offsets)
    for at, field in enumerate(fields):
        if field.role != "static":
            continue
        # an empty cell is told by the other rows of its series
        labels = field.labels or ()
        empty = labels.index("") if "" in labels else np.nan
        values[values[:, at] == empty, at] = np.nan
        low = np.fmin.reduceat(values[:, at], offsets[:-1])
        first = np.repeat(low, lengths)
        changed = (values[:, at] != first) & ~np.isnan(values[:, at])
        if changed.any():
            row = int(changed.argmax())
            series = int(np.searchsorted(offsets, row, side="right")) - 1
            name = f"series {keys[series]!r}: " if keys[series] else ""
            here, there = _told(field, values[row, at]), _told(field, low[series])
            raise DataError(
                f"{where(int(rows[row]))}, column {field.name!r} (static): {name}the value "
                f"is {here} here and {there} elsewhere in the series; make it a past or future "
                "column if it changes in time"
            )
        values[:, at] = np.where(np.isnan(first), empty, first)


def _told(field: Field, value: float) -> str:
    return f"{value:g}" if field.labels is None else repr(field.labels[int(value)])


def check_targets(source: str, fields: tuple[Field, ...], values: Floats, offsets: Ints) -> None:
    """Refuse a target that no series gives anything to forecast of.

    Raises:
        DataError: no row has a value, or every series repeats a single one.
    """
    for at, field in enumerate(fields):
        if field.role != "target":
            continue
        seen = np.add.reduceat(np.isfinite(values[:, at]), offsets[:-1], dtype=np.int64)
        low = np.fmin.reduceat(values[:, at], offsets[:-1])
        high = np.fmax.reduceat(values[:, at], offsets[:-1])
        # one observed value is not yet constant
        if (seen == 1).any() or (high > low).any():
            continue
        usual = np.unique(low[np.isfinite(low)])
        what = "has no value in any row"
        if len(usual) == 1:
            what = f"is constant ({usual[0]:g} in all {seen.sum()} rows)"
        elif len(usual):
            what = f"is constant in each of {len(offsets) - 1} series"
        raise DataError(
            f"{source}: column {field.name!r} {what}, so there is nothing to forecast; choose "
            "another target"
        )
