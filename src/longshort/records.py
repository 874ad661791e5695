"""Plain records of what was learnt and measured: what tables, reports and pages are drawn from.

No torch, no arrays, no behaviour beyond reading and writing JSON: a record made on one machine is
read on another without any of the code that made it.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from typing import Any, Literal, TypeVar

from pydantic import TypeAdapter, ValidationError

from longshort.errors import DataError
from longshort.studies import Explanation, Tuning

# What a method is: ours, a rule without fitted parameters, or a fitted classical method.
Kind = Literal["lstm", "naive", "classical"]
# What can happen within an epoch: numbers went wrong, or memory was not enough.
Happening = Literal["recovery", "memory"]
# How sure a finding is: it cannot be otherwise, most often it is so, look for yourself.
Sure = Literal["certain", "likely", "possible"]
# Why training ended.
Stop = Literal["early", "epochs", "interrupted"]


@dataclass(frozen=True)
class Event:
    """What happened in an epoch, at which batch (from 0), in words."""

    kind: Happening
    batch: int
    text: str


@dataclass(frozen=True)
class Epoch:
    """One pass over the training part.

    ``train_loss`` and ``valid_loss`` are means per scored element in the head's unit;
    ``gradient_norm`` is the mean norm before clipping; ``rate`` is the last learning rate.
    ``valid_loss`` is None where there is no validation part (a refit). ``events`` tell of retries.
    """

    member: int
    epoch: int
    train_loss: float
    valid_loss: float | None
    gradient_norm: float
    rate: float
    seconds: float
    best: bool
    events: tuple[Event, ...] = ()


@dataclass(frozen=True)
class History:
    """Every epoch of every ensemble member, and why each member stopped."""

    epochs: tuple[Epoch, ...] = ()
    stops: tuple[Stop, ...] = ()
    unit: str = ""

    @property
    def seconds(self) -> float:
        """Time spent in all epochs, in seconds."""
        return sum(epoch.seconds for epoch in self.epochs)

    def best(self, member: int) -> Epoch | None:
        """The epoch whose weights a member kept (the last marked best)."""
        marked = [e for e in self.epochs if e.member == member and e.best]
        return marked[-1] if marked else None


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
class Finding:
    """Something that makes a score look better than it is, or that a model cannot learn from.

    ``check`` names what was looked for; ``columns`` and ``rows`` say where (at most the first five
    rows, as times or places in the file, and ``count`` of them in all); ``text`` says what was
    found, and ``remedy`` the way out.
    """

    check: str
    sure: Sure
    text: str
    remedy: str
    columns: tuple[str, ...] = ()
    rows: tuple[str, ...] = ()
    count: int = 0

    @property
    def where(self) -> str:
        """The rows, and how many more there are."""
        more = self.count - len(self.rows)
        return ", ".join(self.rows) + (f" and {more} more" if self.rows and more > 0 else "")

    def __str__(self) -> str:
        where = f"\n  where: {self.where}" if self.rows else ""
        return f"{self.sure} {self.check}: {self.text}{where}\n  way out: {self.remedy}"


@dataclass(frozen=True)
class Findings:
    """What a search for leaks found, the surest first; ``checked`` names what was looked for."""

    source: str
    series: int
    rows: int
    checked: tuple[str, ...]
    findings: tuple[Finding, ...] = ()

    @property
    def clean(self) -> bool:
        """Whether nothing was found that is certain or likely."""
        return all(finding.sure == "possible" for finding in self.findings)

    def __str__(self) -> str:
        head = f"{self.source}: {self.rows:,} rows in {self.series:,} series"
        told = [str(finding) for finding in self.findings] or ["nothing found"]
        return "\n".join([head, *told, f"looked for: {', '.join(self.checked)}"])

    def to_json(self) -> str:
        """This record as JSON text."""
        return json.dumps(asdict(self), ensure_ascii=False, allow_nan=False, indent=1)


@dataclass(frozen=True)
class Evaluation:
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

    def to_json(self) -> str:
        """This record as JSON text; numbers keep every digit."""
        return json.dumps(asdict(self), ensure_ascii=False, allow_nan=False, indent=1)

    @staticmethod
    def from_json(text: str | bytes, where: str = "the evaluation") -> Evaluation:
        """Read a record that ``to_json`` wrote.

        Raises:
            DataError: the text is not JSON or not such a record; ``where`` is named.
        """
        found = _read(_EVALUATION, text, where, "an evaluation record", "evaluate")
        _check_units(found, where)
        return found


@dataclass(frozen=True)
class Contender:
    """One configuration of several that were compared, fitted once per seed.

    ``settings`` are those that make it differ; ``parameters`` and ``seconds`` (of training) are of
    one fit. ``valid`` is its error on the validation part over that of the last value, a mean over
    targets and seeds: what the choice was made by. ``errors`` are by target each seed's mean
    absolute error on the test part.
    """

    name: str
    settings: dict[str, str]
    parameters: int
    seconds: float
    seeds: tuple[int, ...]
    valid: float
    errors: dict[str, tuple[float, ...]]


@dataclass(frozen=True)
class Pair:
    """Two methods on one target: how far the first one's mean absolute error is from the other's.

    ``change`` is first / second - 1, below 0 where the first is better (None where the second makes
    no error), ``low`` and ``high`` its paired 95 % block-bootstrap interval; ``p_value`` is Diebold
    and Mariano's, corrected for few origins. None is what too few origins cannot tell.
    """

    target: str
    first: str
    second: str
    change: float | None
    low: float | None = None
    high: float | None = None
    p_value: float | None = None


@dataclass(frozen=True)
class Comparison:
    """Configurations and yardsticks on one test part, opened once for all of them.

    ``chosen`` is the configuration with the least error on the validation part, ``rival`` by target
    the yardstick with the least error there; ``pairs`` set the chosen one beside every other
    method. A configuration's ``scores`` are means over its seeds. Everything else as in
    ``Evaluation``.
    """

    targets: tuple[str, ...]
    units: tuple[str, ...]
    horizon: int
    level: float
    season: int
    mase_season: int
    origins: int
    reference: dict[str, str]
    contenders: tuple[Contender, ...]
    chosen: str
    rival: dict[str, str]
    scores: tuple[Score, ...]
    pairs: tuple[Pair, ...]
    verdict: str
    data: DataSummary
    settings: dict[str, str] = field(default_factory=dict)
    environment: dict[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    def to_json(self) -> str:
        """This record as JSON text; numbers keep every digit."""
        return json.dumps(asdict(self), ensure_ascii=False, allow_nan=False, indent=1)

    @staticmethod
    def from_json(text: str | bytes, where: str = "the comparison") -> Comparison:
        """Read a record that ``to_json`` wrote.

        Raises:
            DataError: the text is not JSON or not such a record; ``where`` is named.
        """
        found = _read(_COMPARISON, text, where, "a comparison record", "compare")
        _check_units(found, where)
        return found


Record = TypeVar("Record")


def _read(kind: TypeAdapter[Record], text: str | bytes, where: str, what: str, by: str) -> Record:
    try:
        return kind.validate_json(text)
    except ValidationError as error:
        first: Any = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"]) or "the top level"
        told = f"{place}: {first['msg']}"
    raise DataError(f"{where}: not {what}: {told}. Make a new one with 'longshort {by}'.")


def _check_units(found: Evaluation | Comparison, where: str) -> None:
    if len(found.units) != len(found.targets):
        raise DataError(
            f"{where}: not a record of scores: units: {len(found.units)} of them for "
            f"{len(found.targets)} targets. Make a new one."
        )


_EVALUATION = TypeAdapter(Evaluation)
_COMPARISON = TypeAdapter(Comparison)
