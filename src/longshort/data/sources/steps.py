"""Tables with a row for each step: a token of a sentence, or a moment of a series, and its tag."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from longshort.data.corpus import Corpus, Roles
from longshort.data.sequences import Columns, Sequences
from longshort.data.sources.documents import check_columns
from longshort.data.sources.inputs import Table, load
from longshort.data.sources.tables import read_table
from longshort.data.steps import Ints
from longshort.errors import DataError


class Steps(NamedTuple):
    """Items without tags, and the tags of each; None where the table has no such column."""

    corpus: Corpus
    tags: tuple[tuple[str, ...], ...] | None


def read_steps(data: Any, roles: Roles, *, required: bool = True) -> Steps:
    """Sentences (where ``roles.text`` is a column of tokens) or series, step by step.

    Args:
        data: a path or a frame.
        roles: ``item`` says which sentence or series a row belongs to, ``label`` is the tag.
        required: tags must be there.

    Raises:
        DataError: a column is missing, a step has no tag, or a cell cannot be read; with its line.
    """
    if roles.item is None:
        raise DataError(
            "a table with a row for each step: which column says the sentence or series of a row? "
            "Name it (Roles(item=...), --item)"
        )
    return _sentences(data, roles, required) if roles.text is not None else _series(
        data, roles, required
    )  # fmt: skip


def _sentences(data: Any, roles: Roles, required: bool) -> Steps:
    table = load(data, Columns())
    label = roles.label[0]
    asked = [("item", str(roles.item)), ("text", str(roles.text))]
    check_columns(table, [*asked, ("label", label)] if required else asked)
    items = _texts(table, str(roles.item))
    tokens = [token or "_" for token in _texts(table, str(roles.text))]
    tags = _texts(table, label) if label in table.names else None
    _refuse_empty(table, label, tags)
    rows: dict[str, list[int]] = {}
    for row, item in enumerate(items):
        rows.setdefault(item, []).append(row)
    groups = None
    if roles.group is not None:
        check_columns(table, [("group", roles.group)])
        told = _texts(table, roles.group)
        groups = tuple(told[own[0]] for own in rows.values())
    corpus = Corpus(
        table.source,
        tokens=tuple(tuple(tokens[row] for row in own) for own in rows.values()),
        groups=groups,
        names=tuple(rows),
    )
    if tags is None:
        return Steps(corpus, None)
    return Steps(corpus, tuple(tuple(tags[row] for row in own) for own in rows.values()))


def _texts(table: Table, name: str) -> list[str]:
    return ["" if cell is None else str(cell).strip() for cell in table.column(name).to_list()]


def _refuse_empty(table: Table, label: str, tags: list[str] | None) -> None:
    for row, tag in enumerate(tags or ()):
        if not tag:
            raise DataError(f"{table.where(row)}, column {label!r}: no tag; give every row one")


def _series(data: Any, roles: Roles, required: bool) -> Steps:
    """Series by the reader of tables; tags and groups are categories that it reads along."""
    label = roles.label[0]
    table = load(data, Columns())
    known = label in table.names
    if required:
        check_columns(table, [("label", label)])
    codes = tuple(name for name in (label if known else None, roles.group) if name is not None)
    past = None if roles.channels is None else (*roles.channels, *codes)
    if known:
        _refuse_empty(table, label, _texts(table, label))
    columns = Columns(
        roles.time, group=(str(roles.item),), past=past, static=roles.static, category=codes
    )
    series = read_table(data, columns, fill="ignore", require_target=False)
    tags = _told(series, label) if known else None
    groups = None
    if roles.group is not None:
        rows = _told(series, roles.group)
        groups = tuple(own[0] if own else "" for own in rows)
    bare = _without(series, codes)
    if not bare.fields:
        raise DataError(
            f"{series.source}: no column of numbers is left to read; name the channels, or the "
            "column of tokens (Roles(text=...), --text)"
        )
    return Steps(Corpus(series.source, series=bare, groups=groups, names=series.keys), tags)


def _told(series: Sequences, name: str) -> tuple[tuple[str, ...], ...]:
    """A column of categories as text, item by item."""
    place = series.index(name)
    labels = series.fields[place].labels or ()
    codes: Ints = np.nan_to_num(series.values[:, place]).astype(np.int64)
    told = [labels[code] for code in codes.tolist()]
    return tuple(
        tuple(told[start:stop])
        for start, stop in zip(series.offsets[:-1], series.offsets[1:], strict=True)
    )


def _without(series: Sequences, names: tuple[str, ...]) -> Sequences:
    kept = [at for at, field in enumerate(series.fields) if field.name not in names]
    fields = tuple(series.fields[at] for at in kept)
    return replace(series, fields=fields, values=series.values[:, kept])
