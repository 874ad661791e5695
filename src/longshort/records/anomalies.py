"""A test part of series watched once: scored and alarmed by every method."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from pydantic import TypeAdapter

from longshort.errors import DataError
from longshort.records.evaluation import FieldSummary, Kind, Part
from longshort.records.labels import Difference, Measured
from longshort.records.training import History, Tuning
from longshort.records.written import Scored, Written, read

# What methods may be compared by.
AnomalyMetric = Literal["vus_pr", "vus_roc", "auc_pr", "auc_roc"]
# Why an interval is shown: an anomaly that no alarm met, or an alarm that met no anomaly.
AlarmFault = Literal["missed", "false"]


@dataclass(frozen=True)
class AnomalyScore:
    """One method on the whole test part; ``metrics.anomalies`` defines every measure.

    ``measures`` by name: "vus_pr", "vus_roc", "auc_pr", "auc_roc", "range_precision",
    "range_recall", "range_f1", "affiliation_precision", "affiliation_recall", "affiliation_f1",
    "event_precision", "event_recall", "event_f1" (0 to 1, means over series that hold labelled
    rows, but for events, which are counted over all series); "delay" (the median, in the unit of
    the data); "alarms" and "false_alarms" (a day, or per 1,000 rows without times); "alarmed" (the
    share of rows); "nab_standard", "nab_reward_low_FP", "nab_reward_low_FN" (100 is perfect).
    ``threshold`` is that of all series, None where it moves or they differ; ``seconds`` is how long
    fitting took.
    """

    method: str
    kind: Kind
    measures: dict[str, Measured]
    threshold: float | None = None
    seconds: float | None = None


@dataclass(frozen=True)
class SeriesScore:
    """Our method on one series: the metric (None without labelled rows), and its alarms."""

    series: str
    rows: int
    events: int
    found: int
    false: int
    score: float | None


@dataclass(frozen=True)
class Marked:
    """An interval from ``start`` to ``end`` (both inclusive), as ISO 8601 text or row numbers.

    ``score`` is the greatest one within it. ``channels`` are shares of what caused an alarm, 0 to
    1, the greatest first. ``right`` says of an alarm whether it met an anomaly, of an anomaly
    whether an alarm met it; None without labels.
    """

    start: str
    end: str
    score: float
    right: bool | None = None
    channels: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Trace:
    """One channel of a stretch of rows, thinned: the least and the greatest value of each bin."""

    name: str
    unit: str
    low: tuple[float | None, ...]
    high: tuple[float | None, ...]


@dataclass(frozen=True)
class Watched:
    """A stretch of one series, in bins of ``every`` rows: what happened, and what was made of it.

    ``times`` are the bins' first rows; ``scores`` the greatest score of each bin, ``thresholds``
    the least threshold, None where rows have none.
    """

    series: str
    every: int
    times: tuple[str, ...]
    traces: tuple[Trace, ...]
    scores: tuple[float | None, ...]
    thresholds: tuple[float | None, ...]
    labels: tuple[Marked, ...] = ()
    alarms: tuple[Marked, ...] = ()


@dataclass(frozen=True)
class Shown:
    """One of the worst misses or false alarms, among the rows around it."""

    fault: AlarmFault
    at: Marked
    around: Watched


@dataclass(frozen=True)
class AlarmRate:
    """At one threshold: alarms and false alarms (per day or 1,000 rows), share of events found.

    ``threshold`` is a score, or a multiple of each series' own threshold where the record says so.
    """

    threshold: float
    alarms: float
    false: float | None = None
    found: float | None = None


@dataclass(frozen=True)
class AnomalyData:
    """What was watched, and how it was split.

    ``unit`` of rates is "day" or "1,000 rows"; ``step`` seconds of a row, None without times.
    ``labelled`` series hold ``events`` labelled intervals in the test part, ``share`` of its rows;
    None where nothing is labelled at all.
    """

    source: str
    series: int
    rows: int
    spacing: str
    unit: Literal["day", "1,000 rows"]
    step: float | None = None
    labelled: int | None = None
    events: int | None = None
    share: float | None = None
    fields: tuple[FieldSummary, ...] = ()
    parts: tuple[Part, ...] = ()


@dataclass(frozen=True)
class AnomalyEvaluation(Written, Scored[AnomalyScore]):
    """A test part opened once: every method on the same rows, and the verdict in words.

    ``metric`` is what methods are compared by and ``buffer`` that of VUS in rows; without labels
    there are no scores but rates of alarms. ``expected`` alarms (a day, or per 1,000 rows) is what
    thresholds were set for, on rows before the test part and without labels. ``rates`` are of our
    method, by falling threshold; ``relative`` where thresholds are told as multiples of those of
    each series and row. ``resampled`` says in words what intervals are drawn over.
    """

    task: Literal["anomaly"]
    metric: AnomalyMetric
    buffer: int
    scores: tuple[AnomalyScore, ...]
    verdict: str
    data: AnomalyData
    history: History
    expected: float | None = None
    rule: str = ""
    reference: str = ""
    naive: str = ""
    resampled: str = ""
    differences: tuple[Difference, ...] = ()
    by_series: tuple[SeriesScore, ...] = ()
    watched: tuple[Watched, ...] = ()
    shown: tuple[Shown, ...] = ()
    rates: tuple[AlarmRate, ...] = ()
    relative: bool = False
    settings: dict[str, str] = field(default_factory=dict)
    environment: dict[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    tuning: Tuning | None = None

    @property
    def labelled(self) -> bool:
        """Whether the test part holds labelled anomalies."""
        return bool(self.data.events)

    @staticmethod
    def from_json(text: str | bytes, where: str = "the evaluation") -> AnomalyEvaluation:
        """Read a record that ``to_json`` wrote.

        Raises:
            DataError: the text is not JSON or not such a record; ``where`` is named.
        """
        found = read(_ANOMALIES, text, where, "an evaluation record", "evaluate")
        stretches = [(f"watched.{at}", own) for at, own in enumerate(found.watched)]
        stretches += [(f"shown.{at}.around", own.around) for at, own in enumerate(found.shown)]
        for place, own in stretches:
            columns = [own.scores, own.thresholds, *(t.low for t in own.traces)]
            columns += [t.high for t in own.traces]
            if any(len(column) != len(own.times) for column in columns):
                told = f"{place}: not all columns have {len(own.times)} values"
                raise DataError(f"{where}: not an evaluation record: {told}. Make a new one.")
        return found


_ANOMALIES = TypeAdapter(AnomalyEvaluation)
