"""What every method makes of the test part of series, and every score of that with its resamples.

Scores are of test rows alone, though a method reads what came before them. Where a method says
nothing of a row, the row gets the least score that the method gives: silence is never an alarm.

A threshold is set on rows before the test part and without labels, by one rule for all methods; a
detector that brings its own alarms keeps them. Where an interval is told, it is a bootstrap over
series where eight or more are labelled, else over blocks of consecutive rows that cut no event.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from longshort.data.sequences import Floats
from longshort.data.splits import Portion
from longshort.data.steps import Ints
from longshort.metrics.anomalies import (
    PROFILES,
    affiliation,
    auc_pr,
    auc_roc,
    delays,
    events,
    intervals,
    mask,
    nab_raw,
    overlapped,
    range_scores,
    runs,
    vus,
)
from longshort.metrics.anomalies.runs import Bools
from longshort.yardsticks.anomalies.base import AnomalyMethod

# of one series' scores before the test part (n,), its threshold
Rule = Callable[[Floats], float]
# measures that are means over labelled series
MEANS = (
    "vus_pr", "vus_roc", "auc_pr", "auc_roc", "range_precision", "range_recall", "range_f1",
    "affiliation_precision", "affiliation_recall", "affiliation_f1",
)  # fmt: skip
# measures of counts over all series
COUNTED = ("event_precision", "event_recall", "event_f1", "alarms", "false_alarms", "alarmed")
_FOUND, _MISSED, _FALSE, _ALARMS, _ALARMED, _ROWS = range(6)


class Test(NamedTuple):
    """Test rows of every series: where they begin and end in it, and which are labelled.

    labels: of each series (T,) of its test rows; None where nothing is labelled at all.
    unit: rows that rates are told for: those of a day, or 1,000.
    """

    portion: Portion
    labels: list[Bools] | None
    unit: float
    buffer: int

    @classmethod
    def of(cls, portion: Portion, labels: Bools | None, buffer: int) -> Test:
        """Labels are of every row of the series (N,)."""
        series, cuts = portion.sequences, portion.cuts
        own = None
        if labels is not None:
            begin = series.offsets[:-1]
            own = [
                labels[begin[at] + cuts.test_start[at] : begin[at] + cuts.end[at]]
                for at in range(len(series))
            ]
        timed = series.step is not None and series.step.unit != "n"
        unit = 86_400 / series.step.seconds if series.step is not None and timed else 1000.0
        return cls(portion, own, unit, buffer)

    @property
    def lengths(self) -> Ints:
        """(S,) test rows of each series."""
        return self.portion.cuts.end - self.portion.cuts.test_start

    def cut(self, values: Sequence[Floats]) -> list[Floats]:
        """The test rows of what is told of every row."""
        cuts = self.portion.cuts
        return [own[a:b] for own, a, b in zip(values, cuts.test_start, cuts.end, strict=True)]

    def before(self, values: Sequence[Floats]) -> list[Floats]:
        """Rows that a threshold is set on: the validation part, or training rows without one."""
        cuts = self.portion.cuts
        valid = (cuts.test_start > cuts.valid_start).any()
        first = cuts.valid_start if valid else np.zeros_like(cuts.valid_start)
        return [own[a:b] for own, a, b in zip(values, first, cuts.test_start, strict=True)]

    def clipped(self, alarms: Ints, at: int) -> tuple[Ints, Ints]:
        """Alarms of a series as intervals of its test rows, and which of them remain."""
        first = int(self.portion.cuts.test_start[at])
        moved = np.clip(alarms - first, 0, int(self.lengths[at]))
        kept = np.flatnonzero(moved[:, 0] < moved[:, 1])
        return moved[kept], kept


class Judged(NamedTuple):
    """A method on the test rows: of each series scores, alarms, thresholds and their causes."""

    method: AnomalyMethod
    scores: list[Floats]
    alarms: list[Ints]
    thresholds: list[Floats]
    channels: list[tuple[dict[str, float], ...]]
    threshold: float | None


def judged(method: AnomalyMethod, test: Test, rule: Rule) -> Judged:
    """Scores of the test rows, and alarms by the method's own threshold or by the rule."""
    sequences = test.portion.sequences
    every = [_told(own) for own in method.scores(sequences)]
    scores = test.cut(every)
    if method.alarms is None:
        before = test.before(every)
        # a series of which nothing was seen before takes the scores of all others
        known = [own if len(own) else np.concatenate(before) for own in before]
        found = [float(rule(own)) for own in known]
        alarms = [runs(own >= level) for own, level in zip(scores, found, strict=True)]
        levels = [np.full(len(own), level) for own, level in zip(scores, found, strict=True)]
        return Judged(method, scores, alarms, levels, [()] * len(scores), _constant(levels))
    own_alarms = method.alarms(sequences)
    mine, channels = [], []
    for at, each in enumerate(own_alarms):
        clipped, kept = test.clipped(intervals(each.intervals, "alarms"), at)
        mine.append(clipped)
        channels.append(tuple(each.channels[place] for place in kept) if each.channels else ())
    levels = test.cut([each.threshold for each in own_alarms])
    return Judged(method, scores, mine, levels, channels, _constant(levels))


def _told(scores: Floats) -> Floats:
    """Rows without a score take the least one of the series."""
    seen = np.isfinite(scores)
    least = float(scores[seen].min()) if seen.any() else 0.0
    return np.where(seen, scores, least)


def _constant(levels: Sequence[Floats]) -> float | None:
    """The one threshold of all series, None where it moves or they differ."""
    known = np.concatenate([own[np.isfinite(own)] for own in levels])
    return float(known[0]) if len(known) and np.ptp(known) == 0 else None


class Tally(NamedTuple):
    """What a method comes to on each series; every score is a mean or a ratio of sums of these.

    means: by measure (S,), NaN where it cannot be said.
    counts: (S, 6) events found and missed, false alarms, alarms, alarmed rows, rows.
    nab: by profile (S, 2), raw score and windows.
    delays: rows of every event that was found.
    """

    means: dict[str, Floats]
    counts: Floats
    nab: dict[str, Floats]
    delays: Floats
    unit: float

    @classmethod
    def of(cls, method: Judged, test: Test) -> Tally:
        """Every score of every series."""
        number, lengths = len(test.lengths), test.lengths
        means = {name: np.full(number, np.nan) for name in MEANS}
        counts = np.zeros((number, 6))
        nab = {name: np.zeros((number, 2)) for name in PROFILES}
        late = []
        for at, alarms in enumerate(method.alarms):
            rows = int(lengths[at])
            counts[at, _ALARMS:] = len(alarms), mask(alarms, rows).sum(), rows
            if test.labels is None:
                continue
            labels = test.labels[at]
            true = runs(labels)
            counts[at, :_ALARMS] = events(alarms, true)
            late.append(delays(alarms, true))
            # an alarm is one detection, at its first row
            begun = np.zeros(rows, bool)
            begun[alarms[:, 0]] = True
            for name, own in nab.items():
                own[at] = nab_raw(begun, true, name, ignored=0)
            if labels.any() and not labels.all():
                for name, value in _scored(method.scores[at], alarms, labels, test.buffer).items():
                    means[name][at] = value
        every = np.concatenate(late) if late else np.zeros(0)
        return cls(means, counts, nab, every[np.isfinite(every)], test.unit)

    def value(self, name: str, weights: Floats | None = None) -> Floats:
        """A measure, () or for each of R rows of weights of the series (R,); NaN if unknown."""
        weigh = np.ones((1, len(self.counts))) if weights is None else weights
        if name in self.means:
            seen = np.isfinite(self.means[name])
            total = weigh @ np.where(seen, self.means[name], 0.0)
            found = _over(total, weigh @ seen)
        elif name in COUNTED:
            found = counted(name, weigh @ self.counts, self.unit)
        else:
            profile = name.removeprefix("nab_")
            raw, windows = (weigh @ self.nab[profile]).T
            weight = PROFILES[profile]
            null, perfect = -weight.missed * windows, weight.found * windows
            found = _over(100 * (raw - null), perfect - null)
        return found[0] if weights is None else found


def _scored(scores: Floats, alarms: Ints, labels: Bools, buffer: int) -> dict[str, float]:
    area = vus(scores, labels, buffer)
    ranged, near = range_scores(alarms, labels), affiliation(alarms, labels)
    return {
        "vus_pr": area.pr,
        "vus_roc": area.roc,
        "auc_pr": auc_pr(scores, labels),
        "auc_roc": auc_roc(scores, labels),
        "range_precision": ranged.precision,
        "range_recall": ranged.recall,
        "range_f1": ranged.f1,
        "affiliation_precision": near.precision,
        "affiliation_recall": near.recall,
        "affiliation_f1": near.f1,
    }


def counted(name: str, counts: Floats, unit: float) -> Floats:
    """A measure (R,) of counts (R, 6), which stand as in a tally."""
    found, missed, false, alarms, alarmed, rows = counts.T
    if name == "event_precision":
        return _over(found, found + false)
    if name == "event_recall":
        return _over(found, found + missed)
    if name == "event_f1":
        # of found / (found + false) and found / (found + missed)
        return np.where(found + missed > 0, _over(2 * found, 2 * found + false + missed), np.nan)
    if name == "alarmed":
        return _over(alarmed, rows)
    return _over(unit * (alarms if name == "alarms" else false), rows)


def _over(part: Floats, whole: Floats) -> Floats:
    return np.where(whole > 0, part / np.where(whole > 0, whole, 1.0), np.nan)


def false_ones(alarms: Ints, labels: Bools) -> Bools:
    """(M,) whether each alarm meets no labelled row."""
    return ~overlapped(alarms, runs(labels))
