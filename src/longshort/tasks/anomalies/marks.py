"""Labels of anomalies: a column, intervals, or a file of windows, as one mark for each row."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from longshort.data.sequences import Columns, Sequences
from longshort.errors import ArgumentError, DataError, suggest
from longshort.tasks.anomalies.thresholds import Bools

Interval = tuple[str, str]


def with_labels(columns: Columns, label: str | None) -> Columns:
    """Columns to read a table by, that of the labels among them."""
    if label is None or columns.past is None or label in columns.past:
        return columns
    return columns.set_params(past=(*columns.past, label))


def split_labels(sequences: Sequences, label: str | None) -> tuple[Sequences, Bools | None]:
    """Series without the column of labels, and its marks (N,).

    Raises:
        DataError: the column holds something else than 0 and 1, or true and false.
    """
    if label is None or label not in sequences.names:
        return sequences, None
    at = sequences.index(label)
    field, values = sequences.fields[at], sequences.values[:, at]
    if field.labels is not None:
        raise DataError(
            f"{sequences.source}: column {label!r} of labels holds text such as "
            f"{field.labels[-1]!r}; write 1 (or true) for anomalous rows and 0 for others"
        )
    odd = np.isfinite(values) & (values != 0) & (values != 1)
    if odd.any():
        row = int(odd.argmax())
        raise DataError(
            f"{sequences.source}, {sequences.time_label(row)}: column {label!r} of labels is "
            f"{values[row]:g}; write 1 for anomalous rows and 0 for others"
        )
    kept = [place for place in range(len(sequences.fields)) if place != at]
    fields = tuple(sequences.fields[place] for place in kept)
    return replace(sequences, fields=fields, values=sequences.values[:, kept]), values == 1


def read_marks(labels: Any, sequences: Sequences) -> Bools:
    """(N,) True where a row is labelled as anomalous.

    Args:
        labels: (N,) of true and false in the rows' order; pairs (start, end) of times, or of rows
            where there are no times, both included, for all series; a mapping from a series' name
            to such pairs; or the path of a JSON file with either, as the Numenta Anomaly Benchmark
            writes its windows: of a mapping, the entry is taken whose name ends in the name of the
            file that was read, or in the series'.
        sequences: the series.

    Raises:
        ArgumentError: labels of another kind, or of another number of rows.
        DataError: a file of labels cannot be read, or has none for these series.
    """
    source = "labels"
    if isinstance(labels, str | os.PathLike):
        source = str(labels)
        try:
            labels = json.loads(Path(labels).read_text(encoding="utf-8"))
        except OSError as error:
            raise DataError(f"{source}: cannot be read: {error.strerror or error}") from error
        except ValueError as error:
            raise DataError(f"{source}: not a JSON file of intervals ({error})") from None
    if isinstance(labels, Mapping):
        found = np.zeros(len(sequences.values), bool)
        for series in range(len(sequences)):
            own = _entry(labels, sequences, series, source)
            found[sequences.rows(series)] = _inside(own, sequences, series, source)
        return found
    given = np.asarray(labels) if not _pairs(labels) else None
    if given is not None and given.dtype.kind in "biuf" and given.ndim == 1 and len(given):
        if len(given) != len(sequences.values) or len(sequences) > 1:
            raise ArgumentError(
                f"{len(given)} labels, and {len(sequences.values)} rows in {len(sequences)} series "
                f"of {sequences.source}: give a column of labels (labels=, --labels), or intervals"
            )
        return np.asarray(given.astype(float) == 1)
    if not isinstance(labels, Sequence) and given is None:
        raise ArgumentError(
            f"labels are a {type(labels).__name__}; give true and false for each row, pairs of "
            "start and end, a mapping from series to pairs, or the path of a JSON file"
        )
    parts = [_inside(labels, sequences, at, source) for at in range(len(sequences))]
    return np.concatenate(parts) if parts else np.zeros(0, bool)


def _pairs(labels: Any) -> bool:
    return isinstance(labels, Sequence) and all(
        isinstance(each, Sequence | np.ndarray) and not isinstance(each, str) and len(each) == 2
        for each in labels
    )


def _entry(labels: Mapping[str, Any], sequences: Sequences, series: int, source: str) -> Any:
    """The pairs of one series."""
    key = sequences.keys[series]
    wanted = key or Path(sequences.source).name
    near = [name for name in labels if name == wanted or str(name).endswith(f"/{wanted}")]
    if not near:
        if key:
            return []
        known = suggest(wanted, [str(name) for name in labels])
        raise DataError(f"{source}: no labels of {wanted!r}: {known}")
    return labels[near[0]]


def _inside(pairs: Any, sequences: Sequences, series: int, source: str) -> Bools:
    """Which rows of a series lie in one of the pairs."""
    rows = sequences.rows(series)
    if not _pairs(pairs):
        raise ArgumentError(
            f"{source}: {str(pairs)[:60]!r} are not pairs of start and end, such as "
            '[["2014-02-26 13:45:00", "2014-02-27 06:25:00"]]'
        )
    found = np.zeros(rows.stop - rows.start, bool)
    for start, end in pairs:
        if sequences.times is None:
            found[_row(start, source) : _row(end, source) + 1] = True
        else:
            own = sequences.times[rows]
            low, high = (_moment(value, sequences) for value in (start, end))
            if high < low:
                raise DataError(
                    f"{source}: the interval from {start} to {end} ends before it begins; write "
                    "its start first"
                )
            found |= (own >= low) & (own <= high)
    return found


def _row(value: Any, source: str) -> int:
    try:
        return max(int(value), 0)
    except (TypeError, ValueError):
        raise ArgumentError(
            f"{source}: {value!r} is a time, and the rows have none: name the time column (--time),"
            " or count rows from 0"
        ) from None


def _moment(value: Any, sequences: Sequences) -> np.datetime64:
    if isinstance(value, np.datetime64):
        return value
    return sequences.clock.read(str(value), "labels")


def kept_rows(sequences: Sequences) -> Bools:
    """(N,) rows that ``until_observed`` keeps."""
    within = np.arange(len(sequences.values)) - np.repeat(sequences.offsets[:-1], sequences.lengths)
    return np.asarray(within < np.repeat(sequences.observed_end, sequences.lengths))
