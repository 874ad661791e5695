"""Rows that are there twice, series under two names, and parts that run into each other."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from longshort.data.sequences import Floats
from longshort.data.steps import Ints
from longshort.evaluate.leaks.case import Case
from longshort.records import Finding

# the fewest rows that a stretch repeats by more than chance, and different values among them
_STRETCH, _DIFFERENT = 8, 6
# the fewest rows of a series that is the same as another by more than chance
_SERIES = 10
# an odd number whose powers spread bits over 64
_MIX = np.uint64(0x9E3779B97F4A7C15)


def duplicates(case: Case) -> Iterator[Finding]:
    """Rows that stand in the table twice, or two of one series at one time."""
    if len(case.alike):
        text = f"{len(case.alike)} rows repeat an earlier row in every column, and have no time"
        remedy = "look whether rows were joined or copied twice, or name the time column (--time)"
        lines = case.lines(case.alike)
        yield Finding("duplicates", "possible", text, remedy, (), lines, len(case.alike))
    if not case.twice:
        return
    same, others = case.twice
    named = tuple(name for _, name in case.columns.asked()[:1]) + case.columns.group
    if len(same):
        text = f"{len(same)} rows repeat an earlier row in every column"
        remedy = "keep one of each: rows that are there twice count twice, in every part"
        yield Finding("duplicates", "certain", text, remedy, (), case.lines(same), len(same))
    if len(others):
        text = f"{len(others)} rows are of a series and time that was there before, with others"
        remedy = "keep one row of each, or name the columns that tell the series apart (--group)"
        yield Finding("duplicates", "certain", text, remedy, named, case.lines(others), len(others))


def copies(case: Case) -> Iterator[Finding]:
    """Series that are the same under two names, or but for a factor and a level."""
    series = case.sequences
    if len(series) < 2:
        return
    first: dict[bytes, int] = {}
    found: list[tuple[int, int]] = []
    for number in range(len(series)):
        values = series.targets[series.rows(number)]
        seen = np.isfinite(values)
        count = seen.sum(0)
        if count.min() < _SERIES:
            continue
        centred = np.where(seen, values, 0.0)
        centred = np.where(seen, values - centred.sum(0) / count, 0.0)
        size = np.sqrt((centred**2).sum(0) / count)
        if not size.all():
            continue
        mark = np.round(centred / size, 6) + 0.0
        before = first.setdefault(mark.tobytes(), number)
        if before != number:
            found.append((before, number))
    if found:
        named = [f"{series.keys[a]} and {series.keys[b]}" for a, b in found]
        text = (
            f"{len(found)} series are the same as another one, or but for a factor and a level: "
            f"{'; '.join(named[:5])}"
        )
        remedy = "keep one of each: a model that has seen one knows the test part of the other"
        columns = (*case.columns.group, *case.targets)
        yield Finding("copies", "certain", text, remedy, columns, tuple(named[:5]), len(found))


def repeats(case: Case) -> Iterator[Finding]:
    """Stretches of the target in the test or validation part that stand in the training part."""
    if case.cuts is None:
        return
    length = max(_STRETCH, case.horizon)
    for target in case.targets:
        values = case.column(target)
        marks, usable = _marks(case, values, length)
        part = case.cuts.parts()
        # a stretch counts where all of it lies in one part
        end = np.minimum(np.arange(len(part)) + length - 1, len(part) - 1)
        usable &= part == part[end]
        train = marks[usable & (part == 0)]
        rows = np.flatnonzero(usable & (part > 0))
        if not len(train) or not len(rows):
            continue
        again = rows[np.isin(marks[rows], train)]
        # what repeats itself all the time, by a rule, is no copy
        own = 1 - len(np.unique(train)) / len(train)
        if len(again) < max(3, 10 * own * len(rows)) or own > 0.02:
            continue
        text = (
            f"{len(again)} stretches of {length} values of {target!r} after the training part "
            "stand in the training part, value for value"
        )
        remedy = "look whether rows were copied or joined twice; a score on them is no forecast"
        yield Finding("repeats", "likely", text, remedy, (target,), case.rows(again), len(again))


def _marks(case: Case, values: Floats, length: int) -> tuple[Ints, NDArray[np.bool_]]:
    """(N,) a number that tells the stretch from each row on, and whether there is one to tell."""
    bits = np.ascontiguousarray(values + 0.0).view(np.uint64)
    lengths = np.repeat(case.sequences.lengths, case.sequences.lengths)
    usable = case.within + length <= lengths
    marks = np.zeros(len(values), np.uint64)
    changes = np.zeros(len(values), np.int64)
    step = np.concatenate([[False], values[1:] != values[:-1]])
    for place in range(length):
        marks = marks * _MIX + np.roll(bits, -place)
        usable &= np.isfinite(np.roll(values, -place))
        if place:
            changes += np.roll(step, -place)
    # few changes are a flat line, which is like any other
    return marks.view(np.int64), usable & (changes >= _DIFFERENT)


def overlap(case: Case) -> Iterator[Finding]:
    """Training rows that lie at or after rows that judge: windows of one read those of the other.

    Where parts were drawn row by row, nearly every test row stands between two training rows, and
    the windows around them share all but one of their values.
    """
    if case.parts is None:
        return
    series = case.sequences
    number = np.repeat(np.arange(len(series)), series.lengths)
    within = case.within
    for part, name, earlier in ((2, "test", (0, 1)), (1, "validation", (0,))):
        first = np.full(len(series), np.iinfo(np.int64).max)
        judged = np.flatnonzero(case.parts == part)
        np.minimum.at(first, number[judged], within[judged])
        late = np.flatnonzero(np.isin(case.parts, earlier) & (within > first[number]))
        if len(late):
            text = (
                f"{len(late)} rows that are learnt from come after the first row of the {name} "
                "part in the same series: their windows share rows with those that judge"
            )
            remedy = "cut by time: everything that is learnt from before everything that judges"
            yield Finding(
                "overlap", "certain", text, remedy, case.targets, case.rows(late), len(late)
            )
        elif series.times is not None and len(judged) and len(series) > 1:
            start = series.times[judged].min()
            late = np.flatnonzero(np.isin(case.parts, earlier) & (series.times >= start))
            if len(late):
                text = (
                    f"{len(late)} rows that are learnt from are of times of the {name} part, in "
                    "other series: what moves all series together is known by then"
                )
                remedy = "cut all series at the same time, unless the aim is series never seen"
                yield Finding(
                    "overlap", "possible", text, remedy, case.targets, case.rows(late), len(late)
                )
