"""One number for how good forecasts are: skill over the last value, on every window."""

from __future__ import annotations

import numpy as np

from longshort.data.windows import Windows
from longshort.errors import DataError
from longshort.yardsticks.base import Method, chunks


def skill_over_last(method: Method, windows: Windows) -> float:
    """1 - MAE / MAE of the last value, averaged over targets; a part of the windows at a time.

    Raises:
        DataError: there is no window, or the last value makes no error.
    """
    source, targets = windows.sequences.source, len(windows.targets)
    if not len(windows):
        raise DataError(
            f"{source}: no series has the {windows.context + windows.horizon} rows that one "
            "forecast and its outcome need"
        )
    ours, naive = np.zeros((2, targets))
    for index in chunks(np.arange(len(windows)), 20 * windows.horizon * targets):
        actual = windows.actual(index)
        last = np.abs(actual - windows.seasonal(index, 1))
        error = np.abs(actual - method(windows, index).point)
        seen = np.isfinite(last)
        naive += np.where(seen, last, 0.0).sum((0, 1))
        ours += np.where(seen, error, 0.0).sum((0, 1))
    if not (naive > 0).all():
        column = windows.sequences.fields[windows.targets[int((naive <= 0).argmax())]].name
        raise DataError(
            f"{source}: column {column!r} is constant or missing, so the last value makes no error "
            "that a skill could be measured against"
        )
    return float(np.mean(1 - ours / naive))
