"""Long tables of events: who, when, what and how much, and a table of what came of each."""

from __future__ import annotations

import warnings
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from longshort.data.clock import Clock
from longshort.data.corpus import Corpus, Roles, firsts
from longshort.data.sequences import Columns, Field, Floats, Sequences
from longshort.data.sources.categories import read_categories
from longshort.data.sources.documents import (
    check_columns,
    plain_column,
    read_labels,
    read_parts,
)
from longshort.data.sources.elapsed import read_elapsed
from longshort.data.sources.fields import read_fields
from longshort.data.sources.groups import series_of_rows
from longshort.data.sources.inputs import Table, load
from longshort.data.sources.recordings import of_items
from longshort.data.steps import Ints, Times
from longshort.errors import ArgumentError, DataError, LongshortWarning

# numbers of a table of events as a table of codes; beyond that it is no longer one for a network
_MOST = 2**28
# what a series of events says of its columns: one that is not there was never seen
FILL = "events"


class _Events(NamedTuple):
    """Events as they are read: item, time and code of each by number, and its value."""

    keys: tuple[str, ...]
    items: Ints
    times: Times
    clock: Clock
    codes: tuple[str, ...]
    code: Ints
    values: Floats


def read_events(
    events: Any, outcomes: Any | None, roles: Roles, *, labelled: bool = True
) -> Corpus:
    """Patients (or machines, or accounts) of a long table of events.

    A series has a row for every time at which something happened to it, and a channel for every
    code; values of one code at one time are averaged. Codes that ``roles.static`` names are told
    once: their first value.

    Args:
        events: a path or a frame with a row for each event.
        outcomes: a path or a frame with a row for each item: its label, and perhaps columns of
            ``static``, ``group`` and ``part``. Items that it does not name are left out, with a
            ``LongshortWarning``. None where these columns stand in the table of events, the same
            in every row of an item, or where only events are known, to predict on.
        roles: ``item``, ``time``, ``code`` and perhaps ``value`` name columns of events; without a
            value what counts is that it happened.
        labelled: False also takes outcomes without labels.

    Raises:
        DataError: with file, line, column, value and the way out.
        ArgumentError: ``roles`` lacks a name.
    """
    for name in ("item", "time", "code"):
        if getattr(roles, name) is None:
            raise ArgumentError(f"a table of events needs the column of its {name} ({name}=)")
    log = load(events, Columns())
    found = _events(log, roles)
    if outcomes is not None:
        table: Table | None = load(outcomes, Columns())
    else:
        table = _own_outcomes(log, found, roles) if labelled else None
    keys, lines = found.keys, None
    if table is not None:
        keys, lines = _items(table, roles)
    place = {key: at for at, key in enumerate(keys)}
    own = np.array([place.get(key, -1) for key in found.keys] or [0], np.int64)[found.items]
    _tell_left_out(log.source, found, own)
    series = _series(found, own, keys, log.source, tuple(roles.static))
    changes: dict[str, Any] = {}
    if table is not None:
        series = _with_static(series, table, roles)
        changes = {
            "labels": read_labels(table, roles, required=labelled),
            "groups": plain_column(table, roles.group, "group", required=labelled),
            "parts": read_parts(table, roles, required=labelled),
            "lines": lines,
        }
    return Corpus(log.source, series=series, names=keys, **changes)


def _events(table: Table, roles: Roles) -> _Events:
    asked = [(role, getattr(roles, role)) for role in ("item", "time", "code", "value")]
    check_columns(table, [(role, name) for role, name in asked if name is not None])
    if not table.height:
        raise DataError(f"{table.source}: there are no rows; give at least one event")
    assert roles.item is not None
    assert roles.time is not None
    assert roles.code is not None
    keys, items, _ = series_of_rows(table, (roles.item,))
    times, clock = read_elapsed(table.column(roles.time), table.where)
    codes, code = read_categories(table, roles.code)
    if "" in codes:
        row = int((code == codes.index("")).argmax())
        raise DataError(
            f"{table.where(row)}, column {roles.code!r}: the event has no code; give it one, or "
            "remove the row"
        )
    values = np.ones(table.height)
    if roles.value is not None:
        columns = Columns(target=(roles.value,), past=())
        values = read_fields(table, columns, np.arange(table.height), settled=True)[1][:, 0]
    return _Events(keys, items, times, clock, codes, code.astype(np.int64), values)


def _own_outcomes(log: Table, found: _Events, roles: Roles) -> Table:
    """The first row of each item, as a table of outcomes, where all of its rows say the same."""
    check_columns(log, [("label", name) for name in roles.label])
    named = (*roles.label, roles.group, roles.part, *roles.static)
    columns = [name for name in named if name in log.names]
    order = np.argsort(found.items, kind="stable").astype(np.int64)
    counts = np.bincount(found.items, minlength=len(found.keys))
    offsets = np.concatenate([[0], np.cumsum(counts)])
    for name in columns:
        of_items(log, name, plain_column(log, name, name) or (), offsets, order)
    begins = order[offsets[:-1]]
    assert roles.item is not None
    frame = log.data.select(log.names[name] for name in (roles.item, *columns)).collect()
    lines = None if log.lines is None else np.asarray(log.lines)[begins]
    return Table.of(frame[begins], log.source, lines=lines, text=log.text)


def _items(table: Table, roles: Roles) -> tuple[tuple[str, ...], Ints]:
    """The items of a table of outcomes, one in each row, and their lines."""
    assert roles.item is not None
    check_columns(table, [("item", roles.item)])
    keys, ids, _ = series_of_rows(table, (roles.item,))
    if len(keys) != table.height:
        row = int(np.flatnonzero(np.diff(np.maximum.accumulate(ids), prepend=-1) == 0)[0])
        raise DataError(
            f"{table.where(row)}, column {roles.item!r}: {keys[ids[row]]!r} is there twice; give "
            "each item one row of outcomes"
        )
    lines = np.arange(1, table.height + 1) if table.lines is None else np.asarray(table.lines)
    return keys, lines


def _tell_left_out(source: str, found: _Events, own: Ints) -> None:
    """Say how many items have no outcome."""
    without = len(np.unique(found.items[own < 0]))
    if without:
        warnings.warn(
            f"{source}: {without} of {len(found.keys)} items have no row in the table of outcomes "
            "and are left out",
            LongshortWarning,
            stacklevel=3,
        )


def _series(
    found: _Events, own: Ints, keys: tuple[str, ...], source: str, static: tuple[str, ...]
) -> Sequences:
    """A row for every time of every item, a column for every code."""
    used = np.flatnonzero(own >= 0)
    order = used[np.lexsort((found.times[used], own[used]))]
    items, times = own[order], found.times[order]
    fresh = np.ones(len(order), bool)
    fresh[1:] = (items[1:] != items[:-1]) | (times[1:] != times[:-1])
    rows, count, width = np.cumsum(fresh) - 1, int(fresh.sum()), len(found.codes)
    if count * width > _MOST:
        raise DataError(
            f"{source}: {count:,} times of {width:,} codes are too many for one table; keep the "
            "codes that matter"
        )
    known = ~np.isnan(found.values[order])
    flat = (rows * width + found.code[order])[known]
    told = np.bincount(flat, minlength=count * width)
    total = np.bincount(flat, found.values[order][known], minlength=count * width)
    means = np.full(count * width, np.nan)
    np.divide(total, told, out=means, where=told > 0)
    values = means.reshape(count, width)
    lengths = np.bincount(items[fresh], minlength=len(keys))
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    still = [found.codes.index(name) for name in static if name in found.codes]
    moving = [at for at in range(width) if at not in still]
    values[:, still] = np.repeat(firsts(values[:, still], offsets), lengths, axis=0)
    fields = [Field(found.codes[at], "past") for at in moving]
    fields += [Field(found.codes[at], "static") for at in still]
    return Sequences(
        tuple(fields), keys, offsets, times[fresh], None, values[:, [*moving, *still]], source,
        FILL, found.clock,
    )  # fmt: skip


def _with_static(series: Sequences, table: Table, roles: Roles) -> Sequences:
    """The series with the columns of outcomes that do not change in time."""
    names = tuple(name for name in roles.static if name in table.names)
    unknown = [n for n in roles.static if n not in table.names and n not in series.names]
    if unknown:
        check_columns(table, [("static", unknown[0])])
    if not names:
        return series
    fields, once = read_fields(table, Columns(past=(), static=names), np.arange(table.height))
    owner = np.repeat(np.arange(len(series)), series.lengths)
    every = (*series.fields, *fields)
    values = np.concatenate([series.values, once[owner]], 1)
    order = sorted(range(len(every)), key=lambda at: (every[at].labels is not None, at))
    return replace(series, fields=tuple(every[at] for at in order), values=values[:, order])
