"""Models that read the future: what comes after the origin is changed, and forecasts must not be.

The rows from an origin on get other values, in every column but those that are known in advance.
A forecast made before the origin cannot know them, so it must stay as it was, to the last digit.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any, Protocol, runtime_checkable

import narwhals as nw
import numpy as np
from numpy.typing import NDArray

from longshort.data.sequences import Floats, Sequences
from longshort.data.steps import Ints
from longshort.data.windows import Windows
from longshort.errors import ArgumentError
from longshort.evaluate.leaks.case import Case
from longshort.records import Finding
from longshort.yardsticks.base import Forecasts, spread_over

# origins that are tried; a function from frame to predictions is asked less often
_ORIGINS, _ASKED = 12, 4
# of a forecast's size, what rounding may change
_ROUNDING = 1e-6


@runtime_checkable
class Forecasting(Protocol):
    """A fitted model that forecasts windows of series."""

    def windows(self, X: Any) -> Windows:
        """Every window of the data."""
        ...

    def forecasts(self, windows: Windows, index: Sequence[int]) -> Forecasts:
        """Point and quantiles of the given windows."""
        ...


def future(case: Case) -> Iterator[Finding]:
    """Forecasts that change with what comes after their origin.

    Raises:
        ArgumentError: the model is neither a fitted one nor a function, or the function does not
            give a number for each row.
    """
    if case.model is None:
        return
    if isinstance(case.model, Forecasting):
        yield from _windows(case.model, case)
    elif callable(case.model):
        yield from _function(case.model, case)
    else:
        raise ArgumentError(
            f"model={type(case.model).__name__}: give a fitted Forecaster, or a function from a "
            "frame to a prediction for each of its rows"
        )


def _windows(model: Forecasting, case: Case) -> Iterator[Finding]:
    windows = model.windows(case.data)
    changed: list[str] = []
    columns: dict[str, None] = {}
    chosen = spread_over(len(windows), _ORIGINS)
    for number in chosen.tolist():
        (series,), (origin,) = windows.where([number])
        alone = windows.sequences.select([int(series)])
        # the model learns its scaling of a new series from what lies before the first origin
        own = Windows(alone, windows.encoding, np.array([origin]), np.array([origin + 1]))
        before = model.forecasts(own, [0])
        names = [f.name for f in alone.fields if f.role in ("target", "past")]
        if not _moved(model, own, before, names):
            continue
        changed.append(windows.label(number))
        columns |= dict.fromkeys(n for n in names if _moved(model, own, before, [n]))
    if changed:
        yield _finding(tuple(columns), changed, f"{len(changed)} of {len(chosen)} origins")


def _moved(model: Forecasting, windows: Windows, before: Forecasts, names: Sequence[str]) -> bool:
    """Whether the forecast changes with what these columns hold from the origin on."""
    series, start = windows.sequences, int(windows.first[0])
    for change in (_others, _none):
        values = series.values.copy()
        for at in (series.index(name) for name in names):
            labels = series.fields[at].labels
            column = values[:, at]
            # of a category, another one
            other_column = change(column) if labels is None else (column + 1) % len(labels)
            values[start:, at] = other_column[start:]
        other = replace(series, values=values)
        again = Windows(other, windows.encoding, windows.first, windows.last)
        found = model.forecasts(again, [0])
        if any(not _alike(a, b) for a, b in zip(before, found, strict=True)):
            return True
    return False


def _others(values: Floats) -> Floats:
    """Other values: of the same sign where all have one, whole where all are, far away."""
    seen = values[np.isfinite(values)]
    size = np.ceil(np.abs(seen).max()) + 1 if len(seen) else 1.0
    return np.where(np.isfinite(values), 3 * values + size, size)


def _none(values: Floats) -> Floats:
    return np.full(values.shape, np.nan)


def _alike(a: NDArray[Any], b: NDArray[Any]) -> bool:
    both = np.isfinite(a) & np.isfinite(b)
    size = float(np.abs(a[both]).max()) if both.any() else 1.0
    same = (np.isfinite(a) == np.isfinite(b)).all()
    return bool(same and (np.abs(a - b)[both] <= _ROUNDING * max(size, 1e-12)).all())


def _function(model: Callable[[Any], Any], case: Case) -> Iterator[Finding]:
    """A function from a frame to a prediction for each of its rows, made a horizon before it."""
    try:
        frame = nw.from_native(case.data, eager_only=True)
    except TypeError:
        raise ArgumentError(
            "model: a function is given the data as you give them, so give a frame (Polars, "
            "pandas, PyArrow)"
        ) from None
    series, rows = case.sequences, len(frame)
    if rows != len(series.values) or len(series) > 1:
        raise ArgumentError(
            f"model: {rows} rows, of which {len(series.values)} in {len(series)} series can be "
            "read; a function is tested on one series without gaps or rows that are there twice"
        )
    before = _asked(model, case.data, rows)
    names = [f.name for f in series.fields if f.role in ("target", "past")]
    changed: list[int] = []
    columns: dict[str, None] = {}
    origins = rows // 3 + spread_over(rows - rows // 3 - 1, _ASKED)
    for origin in origins.tolist():
        late = _late(model, frame, series, names, origin, before, case.horizon)
        if not len(late):
            continue
        changed += late.tolist()
        columns |= {
            name: None
            for name in names
            if len(_late(model, frame, series, [name], origin, before, case.horizon))
        }
    if changed:
        labels = case.rows(sorted(set(changed)))
        yield _finding(tuple(columns), labels, f"{len(set(changed))} rows before what was changed")


def _late(
    model: Callable[[Any], Any],
    frame: Any,
    series: Sequences,
    names: Sequence[str],
    origin: int,
    before: Floats,
    horizon: int,
) -> Ints:
    """Rows whose prediction changes with what these columns hold from the origin on."""
    changed = []
    for name in names:
        values = series.values[:, series.index(name)].copy()
        values[origin:] = _others(values)[origin:]
        changed.append(nw.new_series(name, values, backend=frame.implementation))
    found = _asked(model, frame.with_columns(*changed).to_native(), len(before))
    # the forecast of a row was made a horizon before it
    known = np.arange(len(before)) < origin + horizon
    moved = [not _alike(a, b) for a, b in zip(before, found, strict=True)]
    return np.flatnonzero(known & np.array(moved))


def _asked(model: Callable[[Any], Any], data: Any, rows: int) -> Floats:
    """(N, ...) what a function predicts."""
    found = np.asarray(model(data), np.float64)
    if found.ndim < 1 or len(found) != rows:
        raise ArgumentError(
            f"model: gives numbers of shape {found.shape} for {rows} rows; it must give one for "
            "each row (NaN where it has none)"
        )
    return found.reshape(rows, -1)


def _finding(columns: tuple[str, ...], rows: Sequence[str], many: str) -> Finding:
    text = (
        f"forecasts change with what comes after they are made ({many}), through "
        f"{', '.join(repr(name) for name in columns) or 'several columns together'}"
    )
    remedy = (
        "look for what is fitted on all rows (a scaler, a filled gap, a centred average, a shift "
        "by the wrong sign) before the data are cut"
    )
    return Finding("future", "certain", text, remedy, columns, tuple(rows[:5]), len(rows))
