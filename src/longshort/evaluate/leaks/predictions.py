"""Forecasts that are the last value moved along, or know more than they can."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from longshort.data.sequences import Floats
from longshort.evaluate.leaks.case import Case
from longshort.records import Finding

# rows back that a forecast is compared with, beyond the horizon; fewest rows
_BACK, _FEWEST = 8, 30
# correlation of steps from which a forecast follows a value, and how much more than the outcome
_FOLLOWS, _MORE = 0.7, 0.2
# of the way from an old value to the outcome, the share that a copy of it has moved
_CLOSE = 0.25


def shifted(case: Case) -> Iterator[Finding]:
    """Forecasts whose steps follow the target's of some rows before, not those that they tell.

    r(k) is the correlation of the forecast's step from row to row with the target's k rows before.
    A forecast tells something where r(0) is above 0; the last value moved along has its peak at
    the horizon. Values of less than a horizon before cannot have been known.
    """
    for target in case.targets:
        y = case.column(target)
        for name in case.predictions:
            p = case.column(name)
            if (np.isfinite(p) & np.isfinite(y)).sum() < _FEWEST:
                continue
            found = _peak(case, y, p)
            if found is not None:
                yield _told(case, target, name, y, p, *found)


def _peak(case: Case, y: Floats, p: Floats) -> tuple[int, Floats] | None:
    """Rows back where the forecast follows the target, and all correlations; None: it does not."""
    step, own = p - case.lagged(p, 1), y - case.lagged(y, 1)
    back = range(case.horizon + _BACK)
    r = np.array([_correlation(step, case.lagged(own, k)) for k in back])
    place = int(np.argmax(r))
    if place == 0:
        exact = _error(p, y) <= 1e-6 * np.nanstd(y)
        return (0, r) if exact or r[0] > 1 - 1e-9 else None
    if r[place] < _FOLLOWS or r[place] - max(r[0], 0) < _MORE:
        return None
    old = case.lagged(y, place)
    near = _error(p, old) < _CLOSE * _error(y, old)
    worse = _error(p, y) > 0.98 * _error(case.lagged(y, case.horizon), y)
    return (place, r) if near or worse else None


def _told(
    case: Case, target: str, name: str, y: Floats, p: Floats, place: int, r: Floats
) -> Finding:
    columns = (name, target)
    if place == 0:
        text = f"{name!r} is {target!r} itself, in every row: no forecast is"
        remedy = "look for the outcome among what the model reads, or in the column's name"
        return Finding("shifted", "certain", text, remedy, columns)
    rows = f"{place} row{'s' if place > 1 else ''}"
    last = _error(case.lagged(y, case.horizon), y)
    text = (
        f"{name!r} is {target!r} of {rows} before, moved along: their steps correlate by "
        f"{r[place]:.2f}, those of the same row by {r[0]:.2f}; its mean absolute error is "
        f"{_error(p, y):.3g}, and repeating the last known value has {last:.3g}"
    )
    if place < case.horizon:
        remedy = f"with a horizon of {case.horizon} that value was not known: shift the forecast"
        return Finding("shifted", "certain", text, remedy, columns)
    remedy = (
        "judge it beside repeating the last value, on the steps: a curve that looks right is no "
        "forecast"
    )
    sure = "certain" if r[place] > 0.99 else "likely"
    return Finding("shifted", sure, text, remedy, columns)  # type: ignore[arg-type]


def _correlation(a: Floats, b: Floats) -> float:
    seen = np.isfinite(a) & np.isfinite(b)
    if seen.sum() < _FEWEST or not a[seen].std() or not b[seen].std():
        return 0.0
    return float(np.corrcoef(a[seen], b[seen])[0, 1])


def _error(a: Floats, b: Floats) -> float:
    """Mean absolute difference where both are there."""
    seen = np.isfinite(a) & np.isfinite(b)
    return float(np.abs(a - b)[seen].mean()) if seen.any() else float("nan")
