"""A test part opened once."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from pydantic import TypeAdapter

from longshort.records.explanation import Explanation
from longshort.records.training import History, Tuning
from longshort.records.written import Written, check_units, read

# What a method is: ours, a rule without fitted parameters, or a fitted classical method.
Kind = Literal["lstm", "naive", "classical"]


@dataclass(frozen=True)
class Score:
    """One method's errors on one target over the test part, averaged over origins and steps.

    ``metrics.real`` says what each is. ``mae``, ``rmse``, ``crps``, ``width`` and the three parts
    that ``crps`` is the sum of (``dispersion``, ``overprediction``, ``underprediction``) are in the
    target's own unit; ``mase``, ``rmsse``, ``smape`` (0 to 2), ``mape``, ``wape`` and ``wql`` have
    none; ``coverage`` is the share of values inside the interval and ``direction`` that of moves
    foreseen (0 to 1). ``skill`` is 1 - MAE over the reference method's MAE; None for the reference
    itself. ``low`` and ``high`` are the ends of a 95 % block-bootstrap interval. None is what
    cannot be said, such as a percentage of nothing.
    """

    method: str
    kind: Kind
    target: str
    mae: float
    rmse: float
    mase: float
    crps: float
    coverage: float
    width: float
    skill: float | None = None
    skill_low: float | None = None
    skill_high: float | None = None
    coverage_low: float | None = None
    coverage_high: float | None = None
    rmsse: float | None = None
    smape: float | None = None
    mape: float | None = None
    wape: float | None = None
    wql: float | None = None
    dispersion: float | None = None
    overprediction: float | None = None
    underprediction: float | None = None
    direction: float | None = None


@dataclass(frozen=True)
class StepScore:
    """One method's error on one target at one step ahead (1 = the next step).

    The LSTM's coverage has a 95 % block-bootstrap interval.
    """

    method: str
    target: str
    step: int
    mae: float
    coverage: float
    crps: float | None = None
    coverage_low: float | None = None
    coverage_high: float | None = None


@dataclass(frozen=True)
class Reliability:
    """How often a method's quantile of nominal ``level`` was not exceeded on the test part."""

    method: str
    target: str
    level: float
    observed: float


@dataclass(frozen=True)
class ForecastPoint:
    """One forecast value beside what happened.

    ``time`` is ISO 8601 text, or the row number within the series where there is no time.
    ``actual`` is None where it was missing.
    """

    series: str
    target: str
    time: str
    step: int
    actual: float | None
    point: float
    low: float
    high: float


@dataclass(frozen=True)
class Part:
    """One part of the data: rows and forecast origins from ``start`` to ``end`` (inclusive)."""

    name: Literal["train", "valid", "test"]
    start: str
    end: str
    rows: int
    origins: int


@dataclass(frozen=True)
class FieldSummary:
    """One column as it was read: its range over all rows, and how much of it was missing."""

    name: str
    role: str
    unit: str
    missing: int
    low: float | None
    mean: float | None
    high: float | None


@dataclass(frozen=True)
class DataSummary:
    """What was read: where from, how much, at which time step, and how it was split."""

    source: str
    series: int
    rows: int
    step: str
    fill: str
    fields: tuple[FieldSummary, ...] = ()
    parts: tuple[Part, ...] = ()


@dataclass(frozen=True)
class FoldScore:
    """One method on one target in one fold; see ``Score``."""

    method: str
    kind: Kind
    target: str
    mae: float
    coverage: float
    skill: float | None = None


@dataclass(frozen=True)
class Fold:
    """One stretch of the test part that was forecast by methods fitted on what came before it.

    ``start`` and ``end`` are the first and last origin, ``rows`` how many the methods were fitted
    and chosen on.
    """

    start: str
    end: str
    rows: int
    origins: int
    scores: tuple[FoldScore, ...]


@dataclass(frozen=True)
class Evaluation(Written):
    """A test part opened once: every method on the same origins, and the verdict in words.

    ``level`` is the nominal coverage of the intervals; ``reference`` names, per target, the naive
    method that skill is measured against (chosen on the validation part); ``season`` is the lag of
    the MASE scaling and of the seasonal naive. ``notes`` are what a reader must know to compare.
    ``folds`` are the stretches of a rolling evaluation, in order.
    """

    task: str
    targets: tuple[str, ...]
    units: tuple[str, ...]
    horizon: int
    level: float
    season: int
    mase_season: int
    origins: int
    reference: dict[str, str]
    scores: tuple[Score, ...]
    steps: tuple[StepScore, ...]
    reliability: tuple[Reliability, ...]
    forecasts: tuple[ForecastPoint, ...]
    verdict: str
    data: DataSummary
    history: History
    settings: dict[str, str] = field(default_factory=dict)
    environment: dict[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    folds: tuple[Fold, ...] = ()
    tuning: Tuning | None = None
    explanation: Explanation | None = None

    @staticmethod
    def from_json(text: str | bytes, where: str = "the evaluation") -> Evaluation:
        """Read a record that ``to_json`` wrote.

        Raises:
            DataError: the text is not JSON or not such a record; ``where`` is named.
        """
        found = read(_EVALUATION, text, where, "an evaluation record", "evaluate")
        check_units(found.units, found.targets, where)
        return found


_EVALUATION = TypeAdapter(Evaluation)
