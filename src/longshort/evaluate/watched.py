"""Stretches of watched series as they are drawn: thinned, with what was labelled and alarmed."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import NamedTuple

import numpy as np

from longshort.data.sequences import Floats
from longshort.data.steps import Ints
from longshort.evaluate.alarms import Judged, Test
from longshort.metrics.anomalies import overlapped, runs
from longshort.records import AlarmFault, AlarmRate, Marked, Shown, Trace, Watched

# series that are drawn, bins of each, channels of each
_SERIES, _BINS, _CHANNELS = 4, 1000, 3
# misses and false alarms that are shown, bins of each, and rows on either side at least
_WORST, _SHOWN_BINS, _AROUND = 3, 240, 40
# thresholds that alarms are counted for
_THRESHOLDS = 40


def watched(method: Judged, test: Test) -> tuple[Watched, ...]:
    """The test part of a few series: those with labels or alarms first."""
    lengths = test.lengths
    held = [
        (0 if test.labels is None else len(runs(test.labels[at])), len(alarms))
        for at, alarms in enumerate(method.alarms)
    ]
    order = sorted(range(len(lengths)), key=lambda at: (-min(held[at][0], 1), -held[at][0], at))
    chosen = sorted(at for at in order[:_SERIES] if lengths[at])
    return tuple(_stretch(method, test, at, 0, int(lengths[at]), _BINS) for at in chosen)


class _Fault(NamedTuple):
    series: int
    start: int
    end: int
    peak: float


def worst(method: Judged, test: Test) -> tuple[Shown, ...]:
    """Missed events, those that moved the score least first, and the highest false alarms."""
    if test.labels is None:
        return ()
    missed, false = [], []
    for at, alarms in enumerate(method.alarms):
        true = runs(test.labels[at])
        over = method.scores[at] - _level(method.thresholds[at])
        missed += [
            _Fault(at, a, b, float(over[a:b].max()))
            for a, b in true[~overlapped(true, alarms)].tolist()
        ]
        false += [_Fault(at, a, b, float(over[a:b].max()))
                  for a, b in alarms[~overlapped(alarms, true)].tolist()]  # fmt: skip
    missed.sort(key=lambda each: each.peak)
    false.sort(key=lambda each: -each.peak)
    return (*_shown("missed", missed, method, test), *_shown("false", false, method, test))


def _shown(
    fault: AlarmFault, faults: Iterable[_Fault], method: Judged, test: Test
) -> Iterable[Shown]:
    for each in list(faults)[:_WORST]:
        rows = int(test.lengths[each.series])
        beside = max(_AROUND, 2 * (each.end - each.start))
        start, end = max(0, each.start - beside), min(rows, each.end + beside)
        around = _stretch(method, test, each.series, start, end, _SHOWN_BINS)
        marks = around.labels if fault == "missed" else around.alarms
        begun = _time(test, each.series, each.start)
        yield Shown(fault, next(mark for mark in marks if mark.start == begun), around)


def _level(thresholds: Floats) -> Floats:
    """Thresholds that can be subtracted: 0 where there is none."""
    return np.where(np.isfinite(thresholds), thresholds, 0.0)


def _stretch(method: Judged, test: Test, at: int, start: int, end: int, most: int) -> Watched:
    """Rows ``start`` to ``end`` of a series' test part in at most so many bins."""
    series, first = test.portion.sequences, int(test.portion.cuts.test_start[at])
    rows = np.arange(series.offsets[at] + first + start, series.offsets[at] + first + end)
    every = max(1, math.ceil(len(rows) / most))
    edges = np.arange(0, len(rows), every)
    targets = series.targets[rows]
    traces = []
    for place in range(min(targets.shape[1], _CHANNELS)):
        low, high = _extremes(targets[:, place], edges)
        traces.append(Trace(series.fields[place].name, series.fields[place].unit, low, high))
    scores, levels = method.scores[at][start:end], method.thresholds[at][start:end]
    return Watched(
        series=series.keys[at],
        every=every,
        times=tuple(series.time_label(int(row)) for row in rows[edges]),
        traces=tuple(traces),
        scores=_extremes(scores, edges)[1],
        thresholds=_extremes(levels, edges)[0],
        labels=() if test.labels is None else _labels(method, test, at, start, end),
        alarms=_alarms(method, test, at, start, end),
    )


def _extremes(
    values: Floats, edges: Ints
) -> tuple[tuple[float | None, ...], tuple[float | None, ...]]:
    """The least and the greatest value of each bin; None where a bin has none."""
    low, high = np.fmin.reduceat(values, edges), np.fmax.reduceat(values, edges)
    return tuple(map(_known, low.tolist())), tuple(map(_known, high.tolist()))


def _known(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _labels(method: Judged, test: Test, at: int, start: int, end: int) -> tuple[Marked, ...]:
    assert test.labels is not None
    true = runs(test.labels[at])
    met = overlapped(true, method.alarms[at])
    return tuple(
        _mark(method, test, at, a, b, bool(found))
        for (a, b), found in zip(true.tolist(), met.tolist(), strict=True)
        if a < end and b > start
    )


def _alarms(method: Judged, test: Test, at: int, start: int, end: int) -> tuple[Marked, ...]:
    own = method.alarms[at]
    right: list[bool | None] = [None] * len(own)
    if test.labels is not None:
        right = overlapped(own, runs(test.labels[at])).tolist()
    causes = method.channels[at] or ({},) * len(own)
    return tuple(
        _mark(method, test, at, a, b, good, cause)
        for (a, b), good, cause in zip(own.tolist(), right, causes, strict=True)
        if a < end and b > start
    )


def _mark(
    method: Judged,
    test: Test,
    at: int,
    start: int,
    end: int,
    right: bool | None,
    cause: dict[str, float] | None = None,
) -> Marked:
    ranked = sorted((cause or {}).items(), key=lambda pair: -pair[1])[:_CHANNELS]
    return Marked(
        _time(test, at, start),
        _time(test, at, end - 1),
        float(method.scores[at][start:end].max()),
        right,
        dict(ranked),
    )


def _time(test: Test, at: int, row: int) -> str:
    series = test.portion.sequences
    return series.time_label(int(series.offsets[at] + test.portion.cuts.test_start[at] + row))


def relative(method: Judged) -> bool:
    """Whether thresholds differ and are all above 0, so that multiples of them can be told."""
    every = np.concatenate(method.thresholds)
    return method.threshold is None and bool(np.isfinite(every).all() and (every > 0).all())


def rates(method: Judged, test: Test) -> tuple[AlarmRate, ...]:
    """Alarms, false ones and events found, by falling threshold from the greatest score down."""
    scores = method.scores
    if relative(method):
        scores = [own / level for own, level in zip(scores, method.thresholds, strict=True)]
    every = np.sort(np.concatenate(scores))[::-1]
    rows = len(every)
    if not rows:
        return ()
    # down to where twice as many rows would be alarmed as are
    alarmed = sum(int((own[:, 1] - own[:, 0]).sum()) for own in method.alarms)
    last = min(rows, max(rows // 5, 2 * alarmed, 1))
    places = np.unique(np.geomspace(1, last, _THRESHOLDS).round().astype(np.int64))
    found, labels = [], test.labels
    true = None if labels is None else [runs(own) for own in labels]
    for threshold in dict.fromkeys(every[places - 1].tolist()):
        alarms = [runs(own >= threshold) for own in scores]
        amount = sum(map(len, alarms))
        if true is None:
            found.append(AlarmRate(threshold, test.unit * amount / rows))
            continue
        pairs = list(zip(alarms, true, strict=True))
        false = sum(int((~overlapped(own, events)).sum()) for own, events in pairs)
        met = sum(int(overlapped(events, own).sum()) for own, events in pairs)
        total = sum(map(len, true))
        share = met / total if total else None
        unit = test.unit / rows
        found.append(AlarmRate(threshold, unit * amount, unit * false, share))
    return tuple(found)
