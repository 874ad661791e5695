"""Alarms: runs of rows above a threshold, with their peak and the channels that caused them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
import polars as pl

from longshort.data.sequences import Columns, Floats, Sequences
from longshort.tasks.anomalies.faults import fault_words
from longshort.tasks.anomalies.scores import shares
from longshort.tasks.anomalies.thresholds import Bools, runs_of

Cause = Literal["surprise", "stuck", "missing"]


class Scored(NamedTuple):
    """What was found of N rows of series one after the other.

    Args:
        sequences: the series.
        surprise: (N, K) nats, NaN where nothing was told.
        channels: (N, K) scores. scores: (N,) of the rows.
        limits: (N,) what scores were held against. flags: (N,) which rows are above.
        stuck, missing: (N, K) which channels are faulty.
    """

    sequences: Sequences
    surprise: Floats
    channels: Floats
    scores: Floats
    limits: Floats
    flags: Bools
    stuck: Bools
    missing: Bools


@dataclass(frozen=True)
class Alarm:
    """One alarm.

    Args:
        series: the number of the series.
        start, end, peak: flat rows: the first above the threshold, the last, and the highest.
        score: at the peak.
        cause: what the score of the rows was unusual by, or a sensor that is "stuck" or "missing".
        shares: (K,) of each channel at the peak.
    """

    series: int
    start: int
    end: int
    peak: int
    score: float
    cause: Cause
    shares: Floats


def find_alarms(
    sequences: Sequences,
    scores: Floats,
    channels: Floats,
    flags: Bools,
    apart: int,
    cause: Cause = "surprise",
) -> list[Alarm]:
    """The runs of flagged rows as alarms, in the order of their rows.

    Args:
        scores: (N,) of rows. channels: (N, K) of which the shares are told. flags: (N,).
        apart: rows without a flag that end an alarm.
    """
    first, last = runs_of(flags, sequences.offsets, apart)
    found = []
    for start, end in zip(first.tolist(), last.tolist(), strict=True):
        peak = start + int(np.argmax(scores[start : end + 1]))
        series = int(sequences.series_of(np.array([start]))[0])
        told = shares(channels[peak])
        found.append(Alarm(series, start, end, peak, float(scores[peak]), cause, told))
    return found


def alarm_table(sequences: Sequences, columns: Columns, alarms: list[Alarm]) -> pl.DataFrame:
    """One row per alarm: the groups, start, end and peak (times, or rows counted from 0), the
    score, the cause, the channel that has most of it, and the share of each.
    """
    names, series = columns.target, [alarm.series for alarm in alarms]
    found: dict[str, pl.Series] = {}
    if sequences.groups is not None and columns.group:
        own = sequences.groups[np.array(series, np.int64)]
        found = {name: own[name] for name in columns.group}
    for name in ("start", "end", "peak"):
        rows = np.array([getattr(alarm, name) for alarm in alarms], np.int64)
        if sequences.times is not None:
            found[name] = sequences.clock.column(name, sequences.times[rows])
        else:
            within = rows - sequences.offsets[np.array(series, np.int64)]
            found[name] = pl.Series(name, within, dtype=pl.Int64)
    lengths = [alarm.end - alarm.start + 1 for alarm in alarms]
    found["rows"] = pl.Series("rows", lengths, dtype=pl.Int64)
    found["score"] = pl.Series("score", [alarm.score for alarm in alarms], dtype=pl.Float64)
    found["cause"] = pl.Series("cause", [alarm.cause for alarm in alarms], dtype=pl.String)
    leading = [names[int(np.argmax(alarm.shares))] for alarm in alarms]
    found["channel"] = pl.Series("channel", leading, dtype=pl.String)
    for at, name in enumerate(names):
        told = [float(alarm.shares[at]) for alarm in alarms]
        found[f"share_{name}"] = pl.Series(f"share_{name}", told, dtype=pl.Float64)
    return pl.DataFrame(found)


def all_alarms(found: Scored, apart: int) -> list[Alarm]:
    """Alarms of rows that were scored: by surprise, and of each channel that is faulty."""
    sequences = found.sequences
    alarms = find_alarms(sequences, found.scores, found.channels, found.flags, apart)
    causes: dict[Cause, Bools] = {"stuck": found.stuck, "missing": found.missing}
    for cause, flags in causes.items():
        for k in range(flags.shape[1]):
            own = np.zeros_like(found.channels)
            own[:, k] = 1
            alarms += find_alarms(sequences, found.scores, own, flags[:, k], 1, cause)
    return sorted(alarms, key=lambda alarm: (alarm.start, alarm.end))


def score_table(found: Scored, columns: Columns) -> pl.DataFrame:
    """One row for each row of the series, see ``AnomalyDetector.predict``."""
    sequences, names = found.sequences, columns.target
    series = np.repeat(np.arange(len(sequences)), sequences.lengths)
    table: list[pl.Series] = []
    if sequences.groups is not None:
        table += list(sequences.groups[series])
    if sequences.times is not None and columns.time is not None:
        table.append(sequences.clock.column(columns.time, sequences.times))
    else:
        rows = np.arange(len(series)) - sequences.offsets[series]
        table.append(pl.Series("row", rows))
    table.append(pl.Series("score", found.scores))
    table.append(pl.Series("threshold", found.limits))
    table.append(pl.Series("alarm", found.flags))
    table.append(pl.Series("fault", fault_words(found.stuck, found.missing, names)))
    if len(names) > 1:
        told = shares(found.channels)
        table += [pl.Series(f"share_{name}", told[:, k]) for k, name in enumerate(names)]
    return pl.DataFrame(table)
