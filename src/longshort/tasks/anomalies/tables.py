"""Tables with labels of anomalies: read so that no label is ever an input."""

from __future__ import annotations

from typing import Any

from longshort.data.encoding import Encoding
from longshort.data.sequences import Columns, Sequences
from longshort.data.sources.spacing import Fill
from longshort.data.sources.tables import read_table
from longshort.errors import ArgumentError, DataError
from longshort.tasks.anomalies.marks import kept_rows, read_marks, split_labels, with_labels
from longshort.tasks.anomalies.thresholds import Bools


def read_to_fit(
    data: Any, columns: Columns, fill: Fill, column: str | None, labels: Any
) -> tuple[Sequences, Bools | None]:
    """Series to learn from, up to their last observed target, and their marks, if there are any.

    Args:
        column: of labels, if they stand in the table.
        labels: if they do not, see ``marks.read_marks``.

    Raises:
        ArgumentError: there are both.
        DataError: the data cannot be read, or lack the column.
    """
    if column is not None and labels is not None:
        raise ArgumentError(
            f"labels={column!r} names a column, and labels were given beside the data: leave one "
            "of them out"
        )
    # a channel that never changes is no error here; one that is not named is
    read = read_table(
        data, with_labels(columns, column), fill=fill, require_target=not columns.target
    )
    sequences, marks = split_labels(read, column)
    if column is not None and marks is None:
        raise DataError(
            f"{sequences.source}: the column of labels {column!r} is not there, or has another "
            "role; name it in labels= (--labels) alone"
        )
    if labels is not None:
        marks = read_marks(labels, sequences)
    kept = None if marks is None else marks[kept_rows(sequences)]
    return sequences.until_observed(), kept


def read_labelled(
    data: Any, columns: Columns, fill: Fill, column: str | None, labels: Any, fitted: Encoding
) -> tuple[Sequences, Bools | None]:
    """Series for a fitted model, and their marks: of ``labels``, or of the column if it is there.

    Labels that are text are the name of a column, or of a JSON file.

    Raises:
        DataError: the data cannot be read, or rows are not as far apart as those that were fitted.
    """
    named = isinstance(labels, str) and not labels.lower().endswith(".json")
    if named:
        column, labels = labels, None
    own = column if labels is None else None

    def read(wanted: Columns) -> Sequences:
        return read_table(data, wanted, fill=fill, require_target=False, like=fitted.clock)

    wanted = with_labels(columns, own)
    try:
        sequences, marks = split_labels(read(wanted), own)
    except DataError:
        if wanted == columns or named:
            raise
        # the column of labels may be gone, as it is from data that come in
        sequences, marks = read(columns), None
    found = sequences.spacing
    unknown = sequences.times is not None and sequences.step is None
    if found != fitted.step and not unknown and fill != "ignore":
        raise DataError(
            f"{sequences.source}: {found}, and the model was fitted on {fitted.step}; give data of "
            "the same time step"
        )
    return sequences, marks if labels is None else read_marks(labels, sequences)
