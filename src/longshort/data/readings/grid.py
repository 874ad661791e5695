"""Rows at irregular times laid on a grid: each cell is the mean of what was measured in it."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np

from longshort.data.corpus import firsts
from longshort.data.sequences import Floats, Sequences
from longshort.data.steps import Ints
from longshort.errors import ArgumentError, DataError

_MICROSECONDS = {
    "": 1, "us": 1, "ms": 1_000, "s": 1_000_000, "min": 60_000_000, "h": 3_600_000_000,
    "d": 86_400_000_000, "w": 604_800_000_000,
}  # fmt: skip
# cells of one item, far beyond what a network can be trained on
_MOST = 1_000_000


def duration(text: str) -> int:
    """ "1h" in microseconds; a number alone is a count.

    Raises:
        ArgumentError: it cannot be read, or is shorter than a microsecond.
    """
    found = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([a-z]*)\s*", str(text))
    if found is None or found[2] not in _MICROSECONDS:
        units = ", ".join(filter(None, _MICROSECONDS))
        raise ArgumentError(
            f"every={text!r} is not a length of time: write a number and one of {units}, such as "
            "1h or 30min, or a number alone where times are counts"
        )
    length = round(float(found[1]) * _MICROSECONDS[found[2]])
    if length < 1:
        raise ArgumentError(f"every={text!r}: must be a microsecond or more")
    return length


def lay(series: Sequences, every: str) -> Sequences:
    """The series on a grid whose cells begin at whole multiples of ``every``.

    A number alone is in the unit of times that are numbers themselves, and else seconds.

    A cell without a row is there, too, and all missing. Numbers are means, categories the last one
    of the cell; what does not change in time is told in every cell.

    Raises:
        DataError: there are no times, ``every`` has a unit and they are counts, or an item has more
            than a million cells.
    """
    if series.times is None:
        raise DataError(
            f"{series.source} has no times that a grid of {every} could be laid on: name a time "
            "column, or leave every out"
        )
    bare, counted = every.strip()[-1:].isdigit(), series.clock.kind == "count"
    if counted and not bare:
        raise DataError(
            f"{series.source}: every={every!r} is not of the kind of its times, which are whole "
            "numbers; write a number alone"
        )
    # decimal numbers are kept as seconds
    length = duration(every) if counted or not bare else duration(f"{every}s")
    cells = series.times.astype(np.int64) // length
    starts = cells[np.minimum(series.offsets[:-1], max(len(cells) - 1, 0))] if len(cells) else cells
    ends = cells[series.offsets[1:] - 1] if len(cells) else cells
    lengths = np.zeros(len(series), np.int64)
    some = series.lengths > 0
    lengths[some] = (ends - starts)[some] + 1
    if len(lengths) and lengths.max() > _MOST:
        worst = int(lengths.argmax())
        raise DataError(
            f"{series.label(worst)}: {lengths[worst]:,} cells of {every}; use a longer one"
        )
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    owner = np.repeat(np.arange(len(series)), series.lengths)
    place = offsets[owner] + cells - starts[owner] if len(cells) else cells
    values = _cells(series, place, offsets)
    first = np.repeat(starts, lengths) if len(cells) else cells
    within = np.arange(offsets[-1]) - np.repeat(offsets[:-1], lengths)
    times = ((first + within) * length).astype("datetime64[us]")
    return replace(series, offsets=offsets, times=times, step=None, values=values)


def _cells(series: Sequences, place: Ints, offsets: Ints) -> Floats:
    """(cells, F) of rows that lie in the cells ``place``."""
    count = int(offsets[-1])
    values = np.full((count, len(series.fields)), np.nan)
    still = [at for at, field in enumerate(series.fields) if field.role == "static"]
    for at, field in enumerate(series.fields):
        seen = np.flatnonzero(~np.isnan(series.values[:, at]))
        own = series.values[seen, at]
        if field.labels is not None or at in still:
            values[place[seen], at] = own
            continue
        told = np.bincount(place[seen], minlength=count)
        total = np.bincount(place[seen], weights=own, minlength=count)
        values[:, at] = np.divide(total, told, out=values[:, at], where=told > 0)
    if still:
        owner = np.repeat(np.arange(len(series)), np.diff(offsets))
        values[:, still] = firsts(values[:, still], offsets)[owner]
    return values
