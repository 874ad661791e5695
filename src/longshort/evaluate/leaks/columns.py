"""Columns that tell what they cannot know, or tell nothing."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import numpy as np
import polars as pl

from longshort.data.sequences import Floats, Sequences
from longshort.data.sources.inputs import TEXT
from longshort.data.splits import Cuts
from longshort.data.steps import Ints
from longshort.evaluate.leaks.case import Case
from longshort.records import Finding, Sure

# rows before the origin that count as a target's own past, and the most rows ahead that are tried
_PAST, _FARTHEST = 12, 48
# numbers that all pairs of columns may take together, and the fewest rows that tell anything
_NUMBERS, _FEWEST = 20_000_000, 60
# of what a target's own past leaves open, the share that a column explains
_ALL, _MOST = 0.9995, 0.95
# correlation with the target's next way up or down, from which a column is its label
_LABEL = 0.97
# below this share of its variance nothing is left open
_OPEN = 1e-6
# how near to 0 and 1 a standardised column's mean and spread come, and how far its training part's
_NEAR, _AWAY = 1e-3, 1e-2


def proxies(case: Case) -> Iterator[Finding]:
    """Covariates that tell the target's future, beyond what its own past tells of it.

    For target y, covariate c and each lead j, two least-squares fits of y(t + j): on y(t), ...,
    y(t - 11), and on these and c(t), c(t - 1) (of a column that is known in advance, c(t + 1)).
    A column that holds y(t + j), a linear function of it, or a moving average that reaches so far,
    leaves nothing of what was open; the share that it takes away is what is judged.
    """
    series = case.sequences
    covariates = [
        field
        for field in series.numbers
        if field.role in ("target", "past", "future") and field.name not in case.predictions
    ]
    pairs = max(1, len(covariates) * len(case.targets))
    leads = min(max(case.horizon, 8), _FARTHEST)
    rows = max(1000, _NUMBERS // (pairs * (leads + _PAST)))
    for target in case.targets:
        for field in covariates:
            if field.name == target:
                continue
            ahead = field.role == "future"
            if field.role != "target" and _same(case, target, field.name):
                yield _copy(target, field.name, ahead)
                continue
            if field.role != "target" and (lead := _labels(case, target, field.name, leads)):
                yield _label(target, field.name, lead)
                continue
            shares = _explained(case, target, field.name, leads, rows, 1 if ahead else 0)
            if shares is None or shares.max() < _MOST:
                continue
            # of leads that do alike, the farthest: two rows of a column tell two leads
            lead = int(np.flatnonzero(shares >= shares.max() - 1e-3)[-1]) + 1
            yield _proxy(target, field.name, lead, float(shares[lead - 1]), ahead)


def _same(case: Case, target: str, name: str) -> bool:
    """Whether a column is a linear function of the target in the same row."""
    y, c = case.column(target), case.column(name)
    seen = np.isfinite(y) & np.isfinite(c)
    if seen.sum() < _FEWEST or not y[seen].std() or not c[seen].std():
        return False
    return bool(np.corrcoef(y[seen], c[seen])[0, 1] ** 2 > 1 - 1e-9)


def _labels(case: Case, target: str, name: str, leads: int) -> int:
    """Rows ahead of which a column of two or three values tells the target's way; 0 for none."""
    c, y = case.column(name), case.column(target)
    told = c[np.isfinite(c)]
    # most columns have more values than that in their first rows
    if len(np.unique(told[:1000])) > 3 or not 2 <= len(np.unique(told)) <= 3:
        return 0
    before = np.sign(y - case.lagged(y, 1))
    for lead in range(1, leads + 1):
        way = np.sign(case.lagged(y, -lead) - y)
        seen = np.isfinite(way) & np.isfinite(c) & np.isfinite(before) & (way != 0)
        if seen.sum() < _FEWEST or not way[seen].std() or not c[seen].std():
            continue
        follows = abs(np.corrcoef(way[seen], c[seen])[0, 1])
        # a target that always turns, or never does, tells its way by itself
        if follows > _LABEL and abs(np.mean(way[seen] * before[seen])) < _LABEL:
            return lead
    return 0


def _label(target: str, name: str, lead: int) -> Finding:
    rows = f"{lead} row{'s' if lead > 1 else ''}"
    text = f"column {name!r} tells whether {target!r} goes up or down in the next {rows}"
    remedy = "it is a label, not a covariate: it is not known before the target is; leave it out"
    return Finding("proxy", "certain", text, remedy, (name, target))


def _copy(target: str, name: str, ahead: bool) -> Finding:
    text = f"column {name!r} is the target {target!r} in the same row, or a linear function of it"
    if ahead:
        remedy = "it cannot be known in advance: leave it out of the future columns"
        return Finding("proxy", "certain", text, remedy, (name, target))
    remedy = "a model that reads rows before the origin gains nothing by it: leave it out"
    return Finding("proxy", "possible", text, remedy, (name, target))


def _proxy(target: str, name: str, lead: int, share: float, ahead: bool) -> Finding:
    sure: Sure = "certain" if share >= _ALL else "likely"
    when = "1 row ahead and before" if ahead else "up to the origin"
    text = (
        f"column {name!r}, {when}, tells {100 * share:.4g} % of what the past of {target!r} "
        f"leaves open of its value {lead} row{'s' if lead > 1 else ''} ahead"
    )
    remedy = (
        "find out when its values are really known (a shift, a centred average, a label?), and "
        "shift it back or leave it out; a true early sign of the target may stay"
    )
    return Finding("proxy", sure, text, remedy, (name, target))


def _explained(
    case: Case, target: str, name: str, leads: int, most: int, reach: int
) -> Floats | None:
    """(J,) of what is open of the target 1 to J rows ahead, the share that a column explains."""
    y, c = _centred(case, target), _centred(case, name)
    lengths = np.repeat(case.sequences.lengths, case.sequences.lengths)
    rows = np.flatnonzero((case.within >= _PAST) & (case.within + leads < lengths))
    rows = rows[:: max(1, len(rows) // most)]
    before = [y[rows - lag] for lag in range(_PAST)]
    # steps instead of values, which are nearly the same from row to row
    before = [before[0], *(a - b for a, b in itertools.pairwise(before))]
    own = c[rows + reach], c[rows + reach - 1]
    after = [y[rows + lead] for lead in range(1, leads + 1)]
    whole = np.stack([*before, own[0], own[0] - own[1], *after], 1)
    whole = whole[np.isfinite(whole).all(1)]
    if len(whole) < _FEWEST:
        return None
    whole = whole - whole.mean(0)
    spread = np.sqrt((whole**2).mean(0))
    if not spread[_PAST] or not spread[-leads:].all():
        return None
    whole = whole / np.where(spread > 0, spread, 1)
    moments = whole.T @ whole / len(whole)
    past, both = np.arange(_PAST), np.arange(_PAST + 2)
    left = [_left(moments, known, leads) for known in (past, both)]
    shares = 1 - left[1] / np.maximum(left[0], _OPEN)
    return np.where(left[0] > _OPEN, shares, 0.0)


def _left(moments: Floats, known: Ints, leads: int) -> Floats:
    """(J,) mean squares that a least-squares fit on the known columns leaves of the last J."""
    inner, cross = moments[np.ix_(known, known)], moments[known][:, -leads:]
    fitted = (cross * (np.linalg.pinv(inner, rcond=1e-11, hermitian=True) @ cross)).sum(0)
    return np.asarray(np.maximum(np.diag(moments)[-leads:] - fitted, 0))


def _centred(case: Case, name: str) -> Floats:
    """(N,) a column less each series' mean."""
    series, values = case.sequences, case.column(name)
    seen = np.isfinite(values)
    starts = np.repeat(np.arange(len(series)), series.lengths)
    total = np.bincount(starts, np.where(seen, values, 0.0), len(series))
    count = np.bincount(starts, seen, len(series))
    return np.asarray(values - (total / np.maximum(count, 1))[starts])


def constants(case: Case) -> Iterator[Finding]:
    """Columns without a value, or with one only."""
    if case.table is None:
        for field in case.sequences.fields:
            values = case.column(field.name)
            values = values[np.isfinite(values)]
            if not len(values) or (values == values[0]).all():
                yield _idle(field.name, "" if not len(values) else f"{values[0]:g}", len(values))
        return
    named = {case.columns.time, *case.columns.group}
    for name in case.table.names:
        if name in named:
            continue
        column = case.table.column(name)
        if column.dtype in TEXT:
            column = column.cast(pl.String).str.strip_chars().replace("", None)
        column = column.drop_nulls()
        if column.dtype.is_float():
            column = column.drop_nans()
        if column.n_unique() < 2:
            yield _idle(name, str(column[0]) if len(column) else "", len(column))


def _idle(name: str, value: str, count: int) -> Finding:
    if not count:
        return Finding(
            "constant", "certain", f"column {name!r} is empty", "leave it out", (name,), (), 0
        )
    text = f"column {name!r} is {value} in every row that has a value ({count} rows)"
    return Finding("constant", "certain", text, "leave it out: nothing is learnt from it", (name,))


def scaled(case: Case) -> Iterator[Finding]:
    """Columns that were scaled by all rows, those of the test part among them.

    A column that was standardised has a mean of 0 and a spread of 1 over the rows that did it; one
    scaled to a range has its ends 0 and 1 there. Where that holds of all rows and not of the
    training part, the later rows had a say in it.
    """
    if case.cuts is None or not (case.cuts.valid_start < case.cuts.end).any():
        return
    for field in case.sequences.numbers:
        if field.role == "static" or field.name in case.predictions:
            continue
        values = case.column(field.name)
        for how, sure in _scaled(values, case.sequences, case.cuts):
            text = (
                f"column {field.name!r} was {how} over all rows and not over the training part: "
                "the rows that judge had a say in what is learnt from"
            )
            remedy = "give the column as it was measured: it is scaled by the training part here"
            yield Finding("scaler", sure, text, remedy, (field.name,))


def _scaled(values: Floats, series: Sequences, cuts: Cuts) -> Iterator[tuple[str, Sure]]:
    fitted = cuts.parts() == 0
    seen = np.isfinite(values)
    everything, training = values[seen], values[seen & fitted]
    if len(training) < 10 or len(training) == len(everything):
        return
    off, apart = _off(everything), _off(training)
    if off < _NEAR and apart > max(_AWAY, 3 * off):
        yield "standardised", "certain" if off < 1e-5 else "likely"
    elif len(series) > 1:
        each = [values[series.rows(s)] for s in range(min(len(series), 1000))]
        offs = [_off(part[np.isfinite(part)]) for part in each if np.isfinite(part).sum() > 10]
        early = [part[: cuts.valid_start[s]] for s, part in enumerate(each)]
        aparts = [_off(part[np.isfinite(part)]) for part in early if np.isfinite(part).sum() > 10]
        if offs and aparts and np.median(offs) < _NEAR and np.median(aparts) > _AWAY:
            yield "standardised series by series", "certain"
    ends, early_ends = ((float(p.min()), float(p.max())) for p in (everything, training))
    if ends in ((0.0, 1.0), (-1.0, 1.0)) and ends != early_ends and len(np.unique(training)) > 10:
        # a share that was measured has few decimals, a number that was divided has many
        many = np.abs(1e4 * training - np.round(1e4 * training)) > 1e-6
        sure: Sure = "likely" if many.mean() > 0.5 else "possible"
        yield f"scaled to the range {ends[0]:g} to {ends[1]:g}", sure


def _off(values: Floats) -> float:
    """How far a column is from a mean of 0 and a spread of 1, whichever way that is counted."""
    if len(values) < 2:
        return float("inf")
    spreads = [abs(float(values.std(ddof=ddof)) - 1) for ddof in (0, 1)]
    return max(abs(float(values.mean())), min(spreads))
