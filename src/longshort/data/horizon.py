"""The rows that a forecast needs: enough before its origin, and those of its horizon."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from longshort.data.sequences import Sequences
from longshort.data.steps import Ints
from longshort.errors import DataError


def refuse_short(sequences: Sequences, rows: Ints, context: int) -> None:
    """Name the first series with fewer ``rows`` (S,) before its first origin than a context."""
    if (rows < context).any():
        series = int((rows < context).argmax())
        raise DataError(
            f"{sequences.label(series)}: {rows[series]} rows before the first forecast, and the "
            f"model reads a context of {context}: give more rows, or fit with a smaller context "
            "(--context)"
        )


def refuse_unknown_future(sequences: Sequences, origins: Ints, horizon: int) -> None:
    """Name the first series of which nothing is known in advance from its origin (S,) on."""
    rows = (sequences.offsets[:-1] + origins)[:, None] + np.arange(horizon)
    for column, field in enumerate(sequences.fields):
        if field.role != "future":
            continue
        unknown = np.isnan(sequences.values[rows, column]).all(axis=1)
        if unknown.any():
            number = int(unknown.argmax())
            raise DataError(
                f"{sequences.label(number)}: column {field.name!r} is known in "
                f"advance, and none of its values for the {horizon} steps from "
                f"{sequences.time_label(int(rows[number, 0]))} is here: add rows with them, "
                "without targets"
            )


def extend(sequences: Sequences, lengths: Ints) -> Sequences:
    """Each series with rows of missing values added at its end until it has ``lengths`` (S,)."""
    old = sequences.lengths
    missing = np.maximum(lengths - old, 0)
    if not missing.any():
        return sequences
    offsets = np.concatenate([[0], np.cumsum(old + missing)])
    total = int(offsets[-1])
    series = np.repeat(np.arange(len(old)), old + missing)
    within = np.arange(total) - offsets[series]
    new = within >= old[series]
    # the last row of a series is what its new rows come after
    rows = sequences.offsets[series] + np.minimum(within, old[series] - 1)
    values = sequences.values[rows]
    still = [field.role in ("static", "group") for field in sequences.fields]
    values[np.ix_(new, ~np.array(still))] = np.nan
    times = sequences.times
    if times is not None:
        if sequences.step is None:
            raise DataError(
                f"{sequences.label(int(missing.argmax()))}: one row does not tell the time step, "
                "so the horizon has no times; give at least two rows"
            )
        times = times[rows]
        times[new] = sequences.step.advance(times[new], (within - old[series] + 1)[new])
    return replace(sequences, offsets=offsets, values=values, times=times)
