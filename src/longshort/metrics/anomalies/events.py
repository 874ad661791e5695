"""Anomalies as events: which were told, how late, and what was told for nothing.

With M labelled intervals and alarms (intervals too), an event is found where an alarm shares a row
with it, and an alarm is false where it shares none with any event (Hundman et al. 2018):

    precision = found / (found + false)     recall = found / M     F1 = their harmonic mean
    delay(i)  = first alarmed row of event i - its first row, in rows; 0 is at once
    false alarms per day = false / (rows * seconds of a row / 86,400)

Precision, recall and F1 are from 0 to 1, greater is better; a delay is at least 0, less is better.
An alarm that never ends finds every event: read F1 beside the share of alarmed rows.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from longshort.metrics.anomalies.ranges import PrecisionRecall
from longshort.metrics.anomalies.runs import Floats, Marked, intervals, overlapped

DAY = 86_400.0


class Events(NamedTuple):
    """How many events were found and missed, and how many alarms were false."""

    found: int
    missed: int
    false: int

    @property
    def scores(self) -> PrecisionRecall:
        """Precision, recall and, of it, F1; NaN where there is nothing to divide by."""
        told, events = self.found + self.false, self.found + self.missed
        return PrecisionRecall(
            self.found / told if told else float("nan"),
            self.found / events if events else float("nan"),
        )


def events(alarms: Marked, labels: Marked) -> Events:
    """Events found and missed, and false alarms.

    Args:
        alarms, labels: (T,) truth values, or (M, 2) intervals [start, end).

    Raises:
        ArgumentError: intervals are not in order.
    """
    told, true = intervals(alarms, "alarms"), intervals(labels)
    found = int(overlapped(true, told).sum())
    return Events(found, len(true) - found, int((~overlapped(told, true)).sum()))


def event_f1(alarms: Marked, labels: Marked) -> float:
    """F1 of events; see ``events``."""
    return events(alarms, labels).scores.f1


def delays(alarms: Marked, labels: Marked) -> Floats:
    """(M,) rows from the beginning of each event to its first alarmed row; NaN where missed."""
    told, true = intervals(alarms, "alarms"), intervals(labels)
    if not len(told):
        return np.full(len(true), np.nan)
    first = np.searchsorted(told[:, 1], true[:, 0], side="right")
    begins = told[np.minimum(first, len(told) - 1), 0]
    late = np.maximum(begins - true[:, 0], 0).astype(np.float64)
    return np.where(overlapped(true, told), late, np.nan)


def per_day(count: float, rows: int, seconds: float) -> float:
    """A count over so many rows of so many seconds each as a count a day; NaN without rows."""
    return count * DAY / (rows * seconds) if rows and seconds > 0 else float("nan")
