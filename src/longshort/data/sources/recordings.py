"""Long tables of recordings: a row for each time step, and a column that names the recording."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, TypeVar

import numpy as np

from longshort.data.clock import Clock
from longshort.data.corpus import Corpus, Roles
from longshort.data.sequences import Columns, Sequences
from longshort.data.sources.documents import (
    check_columns,
    plain_column,
    read_labels,
    read_parts,
)
from longshort.data.sources.elapsed import read_elapsed
from longshort.data.sources.fields import check_static, read_fields
from longshort.data.sources.groups import series_of_rows
from longshort.data.sources.inputs import Table, load
from longshort.data.steps import Ints, falling
from longshort.errors import ArgumentError, DataError

T = TypeVar("T")
# roles of columns that data need not have
_SPARED = ("label", "part", "transcript")


def read_recordings(
    data: Any,
    roles: Roles,
    *,
    labelled: bool = True,
    stepwise: bool = False,
    alone: bool = False,
) -> Corpus:
    """Recordings of a long table.

    Rows of one recording may stand anywhere; they are read in the order of their times, or as they
    stand where there are none. Channels are numbers, or text that is then a category.

    Args:
        data: a path, or a frame of any library that narwhals knows.
        roles: ``item`` names the recording of a row; ``time``, ``channels``, ``static``, ``label``,
            ``group`` and ``part`` what else is known.
        labelled: False also takes data without labels, to predict on.
        stepwise: every row has its own label; they become the corpus's tags.
        alone: a table whose roles name no item is one recording.

    Raises:
        DataError: with file, line, column, value and the way out. A label, group or part that
            changes within a recording is an error, and so are two rows of one time.
        ArgumentError: ``roles`` names no item.
    """
    if roles.item is None and not alone:
        raise ArgumentError("a table of recordings needs the column that names them (item, --item)")
    table = load(data, Columns())
    if not table.height:
        raise DataError(f"{table.source}: there are no rows; give at least one row of data")
    asked = [(role, name) for role, name in roles.asked() if role not in _SPARED]
    check_columns(table, asked)
    keys, ids, _ = series_of_rows(table, () if roles.item is None else (roles.item,))
    times, clock, rows = _in_order(table, roles, ids)
    offsets = np.concatenate([[0], np.cumsum(np.bincount(ids, minlength=len(keys)))])
    if times is not None:
        _refuse_twice(table, roles, times[rows], offsets, rows)
    columns = Columns(past=roles.channels, static=roles.static)
    fields, values = read_fields(_without(table, roles), columns, rows)
    check_static(table.where, fields, values, offsets, keys, rows)
    series = Sequences(
        fields, keys, offsets, None if times is None else times[rows], None, values,
        table.source, clock=clock,
    )  # fmt: skip
    labels = read_labels(table, roles, required=labelled)
    parts = read_parts(table, roles, required=labelled)
    groups = plain_column(table, roles.group, "group", required=labelled)
    said = plain_column(table, roles.transcript, "transcript", required=labelled)
    told = None
    if stepwise and labels is not None:
        told = _tags(table, labels, offsets, rows)
    elif labels is not None:
        labels = of_items(table, "label", labels, offsets, rows)
    return Corpus(
        table.source,
        series=series,
        labels=None if stepwise else labels,
        tags=told,
        transcripts=_of_items(table, "transcript", said, offsets, rows),
        groups=_of_items(table, "group", groups, offsets, rows),
        parts=_of_items(table, "part", parts, offsets, rows),
        moments=None if times is None else times[rows][offsets[:-1]],
        lines=_lines(table, offsets, rows),
        names=keys,
    )


def _in_order(table: Table, roles: Roles, ids: Ints) -> tuple[Any, Clock, Ints]:
    """Times of the table's rows, what they are, and the rows by recording and time."""
    if roles.time is None:
        return None, Clock(), np.argsort(ids, kind="stable").astype(np.int64)
    times, clock = read_elapsed(table.column(roles.time), table.where)
    return times, clock, np.lexsort((times, ids)).astype(np.int64)


def _refuse_twice(table: Table, roles: Roles, times: Any, offsets: Ints, rows: Ints) -> None:
    twice = falling(times, offsets)
    if len(twice):
        one, two = sorted((int(rows[twice[0]]), int(rows[twice[0] + 1])))
        first = table.where(one).removeprefix(f"{table.source}, ")
        raise DataError(
            f"{table.where(two)}, column {roles.time!r}: the recording has another row of the same "
            f"time ({first}); keep one of them"
        )


def _without(table: Table, roles: Roles) -> Table:
    """The table without what is no channel."""
    taken = {
        *roles.label, roles.item, roles.time, roles.group, roles.part, roles.transcript
    }  # fmt: skip
    return replace(table, names={n: own for n, own in table.names.items() if n not in taken})


def of_items(
    table: Table, role: str, told: Sequence[T], offsets: Ints, rows: Ints
) -> tuple[T, ...]:
    """What each item's rows say of it, (N,), which must be one thing.

    Raises:
        DataError: two rows of an item say different things.
    """
    found = []
    for start, end in zip(offsets[:-1].tolist(), offsets[1:].tolist(), strict=True):
        own = [told[row] for row in rows[start:end].tolist()]
        known = next((each for each in own if each), own[0])
        for row, each in zip(rows[start:end].tolist(), own, strict=True):
            if each and each != known:
                raise DataError(
                    f"{table.where(row)}: the {role} is {_text(each)} here and {_text(known)} "
                    f"elsewhere in the recording; give a recording one {role}"
                )
        found.append(known)
    return tuple(found)


def _of_items(
    table: Table, role: str, told: Sequence[T] | None, offsets: Ints, rows: Ints
) -> tuple[T, ...] | None:
    return None if told is None else of_items(table, role, told, offsets, rows)


def _text(value: object) -> str:
    return ", ".join(map(repr, value)) if isinstance(value, tuple) else repr(value)


def _tags(
    table: Table, labels: Sequence[tuple[str, ...]], offsets: Ints, rows: Ints
) -> tuple[tuple[str, ...], ...]:
    """A label for every row of every recording."""
    for row, own in enumerate(labels):
        if len(own) != 1:
            raise DataError(f"{table.where(row)}: {len(own)} labels, where every row needs one")
    flat = [labels[row][0] for row in rows.tolist()]
    return tuple(
        tuple(flat[start:end])
        for start, end in zip(offsets[:-1].tolist(), offsets[1:].tolist(), strict=True)
    )


def _lines(table: Table, offsets: Ints, rows: Ints) -> Ints:
    """The line that each item begins on: of its first row in the file."""
    firsts = np.minimum.reduceat(rows, offsets[:-1])
    return firsts + 1 if table.lines is None else np.asarray(table.lines)[firsts]
