"""A test part of labelled sequences opened once: classified or tagged by every method."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, Literal

from pydantic import Field, TypeAdapter

from longshort.errors import DataError
from longshort.records.evaluation import Kind
from longshort.records.media import Audio, Image
from longshort.records.training import History, Tuning
from longshort.records.written import Scored, Written, read

# What was asked of each item: labels for the whole, or a tag for each of its steps.
LabelTask = Literal["classify", "tag"]
# How labels go together: one of several, each there or not, or one of an order.
LabelKind = Literal["one", "many", "ordered"]
# What is wrong with an entity: not found, found where none is, found with another type, or with
# other ends.
SpanFault = Literal["missed", "invented", "type", "extent"]


@dataclass(frozen=True)
class Measured:
    """One score with its 95 % bootstrap interval; None is what cannot be said."""

    value: float | None
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class LabelScore:
    """One method on the whole test part.

    ``measures`` are by name, as in ``metrics.labels`` and ``metrics.entities``: "accuracy",
    "macro_f1", "f1", ... ``valid`` is the evaluation's metric on the validation part, None where
    there is none; ``seconds`` is how long fitting took, None where it is not known.
    """

    method: str
    kind: Kind
    measures: dict[str, Measured]
    valid: float | None = None
    seconds: float | None = None


@dataclass(frozen=True)
class ClassScore:
    """One method on one class, or one type of entity.

    ``support`` is how often it occurs in the test part, ``predicted`` how often the method says so;
    ``precision``, ``recall`` and ``f1`` (0 to 1) are None where there is nothing to divide by.
    """

    method: str
    label: str
    support: int
    predicted: int
    precision: float | None
    recall: float | None
    f1: float | None


@dataclass(frozen=True)
class ReliabilityBin:
    """Predictions of about the same probability: how sure the method was, how often it was right.

    ``confidence`` is their mean probability, ``observed`` the share that came true (0 to 1),
    ``low`` and ``high`` its 95 % interval (Wilson 1927).
    """

    method: str
    confidence: float
    observed: float
    items: int
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class Mark:
    """What weighed for the prediction (above 0) or against it (below 0), from -1 to 1.

    ``start`` and ``end`` (exclusive) count characters of the text, or steps of the curves.
    """

    start: int
    end: int
    weight: float


@dataclass(frozen=True)
class Curve:
    """One channel of a series as it was read; None is what was not observed.

    ``every`` is how many steps lie between two values: long curves are thinned.
    """

    name: str
    values: tuple[float | None, ...]
    every: int = 1


# levels of a spectrogram: 0 to LEVELS - 1
LEVELS = 10


@dataclass(frozen=True)
class Spectrogram:
    """How loud each band of a recording is, from the lowest one: a digit for each column of time.

    ``seconds`` is how long all of it is.
    """

    levels: tuple[Annotated[str, Field(pattern="^[0-9]*$")], ...]
    seconds: float


@dataclass(frozen=True)
class Sketch:
    """Pen strokes in a box from -1 to 1, x to the right and y down, each of one point or more."""

    strokes: tuple[tuple[tuple[float, float], ...], ...]

    @property
    def points(self) -> int:
        """Of all strokes."""
        return sum(map(len, self.strokes))


@dataclass(frozen=True)
class Mistake:
    """One item of the test part that our method got wrong.

    ``where`` says how to find it; ``probability`` is what it gave the ``predicted`` labels,
    ``truth_probability`` what it gave the true ones. An item is shown as ``text``, as ``curves``,
    as a ``spectrogram``, of which marks count columns, or as a ``sketch``, of which they count
    points; or as an ``image``, of which they count columns. ``sound`` is its beginning to listen
    to, as a data URI.
    """

    where: str
    truth: tuple[str, ...]
    predicted: tuple[str, ...]
    probability: float
    truth_probability: float
    text: str = ""
    curves: tuple[Curve, ...] = ()
    marks: tuple[Mark, ...] = ()
    spectrogram: Spectrogram | None = None
    sketch: Sketch | None = None
    image: Image | None = None
    sound: Audio = ""

    @property
    def steps(self) -> int:
        """How many characters, rows, columns or points marks may count."""
        if self.sketch is not None:
            return self.sketch.points
        if self.image is not None:
            return self.image.width
        if self.spectrogram is not None:
            return min(map(len, self.spectrogram.levels), default=0)
        return max((len(c.values) * c.every for c in self.curves), default=len(self.text))


@dataclass(frozen=True)
class Span:
    """An entity: its type, and its tokens from ``start`` to ``end`` (exclusive)."""

    start: int
    end: int
    label: str


@dataclass(frozen=True)
class SpanError:
    """One entity that our method missed, invented or got half right, among its neighbours.

    ``truth`` and ``predicted`` are the entities at that place; their numbers count ``tokens``,
    which are the sentence or a part of it. ``probability`` is what was given to the predicted tags,
    None where the method gives none.
    """

    where: str
    fault: SpanFault
    tokens: tuple[str, ...]
    truth: tuple[Span, ...]
    predicted: tuple[Span, ...]
    probability: float | None = None


@dataclass(frozen=True)
class Difference:
    """Our method beside another one on the same items.

    ``change`` is ours minus theirs in the measure's own unit, ``low`` and ``high`` its paired 95 %
    bootstrap interval over items (over groups where there are any).
    """

    measure: str
    ours: str
    theirs: str
    change: float | None
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class LabelPart:
    """One part of the data. ``labels`` counts each label, ``steps`` all tokens or rows.

    ``middle`` and ``longest`` are the median and the greatest length of an item in steps, of a text
    in characters.
    """

    name: Literal["train", "valid", "test"]
    items: int
    groups: int | None
    labels: dict[str, int]
    steps: int
    middle: int
    longest: int


@dataclass(frozen=True)
class LabelData:
    """What was read, and how it was split."""

    source: str
    content: Literal["texts", "tokens", "series", "sound", "ink", "pictures"]
    channels: tuple[str, ...] = ()
    parts: tuple[LabelPart, ...] = ()


@dataclass(frozen=True)
class LabelEvaluation(Written, Scored[LabelScore]):
    """A test part opened once: every method on the same items, and the verdict in words.

    ``classes`` are the labels, or types of entities, in the order of ``confusion``, whose rows are
    the truth and whose columns our method's answers (empty where labels are not exclusive).
    ``positive`` is the class that AUROC and AUPRC are about where there are two. ``metric`` is what
    choices were made by, ``reference`` the yardstick that was best by it on the validation part and
    ``naive`` the best of the rules; "" where there is none. ``items`` counts the test part, and
    ``groups`` what was resampled instead of items. ``notes`` are what a reader must know to
    compare.
    """

    task: LabelTask
    kind: LabelKind
    classes: tuple[str, ...]
    metric: str
    items: int
    scores: tuple[LabelScore, ...]
    verdict: str
    data: LabelData
    history: History
    positive: str | None = None
    groups: int | None = None
    reference: str = ""
    naive: str = ""
    differences: tuple[Difference, ...] = ()
    per_class: tuple[ClassScore, ...] = ()
    confusion: tuple[tuple[int, ...], ...] = ()
    reliability: tuple[ReliabilityBin, ...] = ()
    mistakes: tuple[Mistake, ...] = ()
    wrong: int = 0
    errors: tuple[SpanError, ...] = ()
    faults: dict[SpanFault, int] = field(default_factory=dict)
    settings: dict[str, str] = field(default_factory=dict)
    environment: dict[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    tuning: Tuning | None = None

    @staticmethod
    def from_json(text: str | bytes, where: str = "the evaluation") -> LabelEvaluation:
        """Read a record that ``to_json`` wrote.

        Raises:
            DataError: the text is not JSON or not such a record; ``where`` is named.
        """
        found = read(_LABELS, text, where, "an evaluation record", "evaluate")
        _check(found, where)
        return found


def _check(found: LabelEvaluation, where: str) -> None:
    """Raises DataError where parts of a record do not fit each other."""
    classes, rows = len(found.classes), found.confusion
    if rows and (len(rows) != classes or any(len(row) != classes for row in rows)):
        told = f"confusion: not {classes} rows of {classes} numbers"
        raise DataError(f"{where}: not an evaluation record: {told}. Make a new one.")
    for at, mistake in enumerate(found.mistakes):
        steps = mistake.steps
        if any(not 0 <= mark.start <= mark.end <= steps for mark in mistake.marks):
            told = f"mistakes.{at}: a mark lies outside its {steps} characters or steps"
            raise DataError(f"{where}: not an evaluation record: {told}. Make a new one.")
    for at, error in enumerate(found.errors):
        spans = (*error.truth, *error.predicted)
        if any(not 0 <= span.start < span.end <= len(error.tokens) for span in spans):
            told = f"errors.{at}: a span lies outside its {len(error.tokens)} tokens"
            raise DataError(f"{where}: not an evaluation record: {told}. Make a new one.")


_LABELS = TypeAdapter(LabelEvaluation)
