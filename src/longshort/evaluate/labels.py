"""From a fitted classifier and its parts to one ``LabelEvaluation``: what it is judged by."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from longshort.data.corpus import Corpus
from longshort.data.sequences import Floats
from longshort.errors import ArgumentError, DataError, suggest
from longshort.evaluate.forecast import environment
from longshort.evaluate.mistakes import Marks, mistakes
from longshort.metrics.bootstrap import interval
from longshort.metrics.labels import (
    MEASURES,
    Answers,
    Bools,
    bins,
    check_measure,
    confusion,
    measures_of,
    per_class,
    resampled,
    score,
)
from longshort.records import (
    ClassScore,
    Difference,
    History,
    LabelData,
    LabelEvaluation,
    LabelKind,
    LabelPart,
    LabelScore,
    Measured,
    ReliabilityBin,
)
from longshort.yardsticks.labels.base import LabelMethod
from longshort.yardsticks.labels.choice import goodness, indicator
from longshort.yardsticks.labels.roster import Choice, roster
from longshort.yardsticks.labels.verdict import LabelRival, Told, label_verdict


class LabelParts(NamedTuple):
    """The parts of a split, each with labels; ``valid`` is None where there is none."""

    train: Corpus
    valid: Corpus | None
    test: Corpus


def evaluate_labels(
    lstm: LabelMethod,
    parts: LabelParts,
    classes: Sequence[str],
    *,
    kind: LabelKind = "one",
    metric: str = "macro_f1",
    yardsticks: Choice = "all",
    extra: Sequence[LabelMethod] = (),
    marks: Marks | None = None,
    history: History,
    settings: dict[str, str],
    notes: Sequence[str] = (),
    seed: int = 0,
) -> LabelEvaluation:
    """Fit every yardstick on the training part, and judge all methods on the test part.

    Args:
        lstm: the fitted network as a method.
        parts: what it was fitted and chosen on, and the items to judge by.
        classes: K labels, in the order of the probabilities.
        kind: how labels go together.
        metric: by which yardsticks are chosen and the verdict is spoken, see ``metrics.labels``.
        yardsticks: see ``Choice``.
        extra: further fitted methods to be judged beside them.
        marks: tells what weighed in the mistakes that are shown.
        history, settings, notes: what the record keeps of the fit.
        seed: of the bootstrap and the yardsticks.

    Raises:
        DataError: an item of the test part has no label, or one that is not among the classes.
    """
    check_measure(metric)
    if metric not in measures_of(kind):
        raise ArgumentError(f"metric={metric!r}: {suggest(metric, measures_of(kind))}")
    truth = _truth(parts.test, classes, kind)
    panel, left_out = _panel(lstm, parts, classes, kind, metric, yardsticks, extra, seed)
    answers = {
        each.name: Answers(truth, _checked(each, parts.test, len(classes)), kind) for each in panel
    }
    rivals = _rivals(panel, answers, metric)
    names = measures_of(kind)
    groups = parts.test.groups
    drawn = resampled(answers, names, groups, seed=seed)
    scores = tuple(_score(each, answers[each.name], names, drawn) for each in panel)
    others = [each.name for each in panel if each.name != lstm.name]
    differences = tuple(_difference(metric, lstm.name, name, scores, drawn) for name in others)
    shown = [each.name for each in panel if each.name in (lstm.name, rivals.reference)]
    ours = answers[lstm.name]
    wrong, worst = mistakes(ours, parts.test, classes, marks)
    return LabelEvaluation(
        task="classify",
        kind=kind,
        classes=tuple(classes),
        metric=metric,
        items=len(parts.test),
        scores=scores,
        verdict=verdict_of(
            lstm.name, metric, scores, differences, rivals.naive, rivals.classical, len(parts.test)
        ),
        data=summarise(parts),
        history=history,
        positive=classes[1] if len(classes) == 2 and kind != "many" else None,
        groups=None if groups is None else len(set(groups)),
        reference=rivals.reference,
        naive=rivals.naive,
        differences=differences,
        per_class=tuple(row for name in shown for row in _classes(name, answers[name], classes)),
        confusion=() if kind == "many" else tuple(map(tuple, confusion(ours).tolist())),
        reliability=tuple(row for name in shown for row in _reliability(name, answers[name])),
        mistakes=worst,
        wrong=wrong,
        settings=settings,
        environment=environment(),
        notes=(*notes, *rivals.notes, *left_out),
    )


class Fitted(NamedTuple):
    """A fitted method: its score on the validation part, and the seconds that fitting took.

    ``rank`` is what it is chosen by there, None where there is no validation part.
    """

    method: LabelMethod
    valid: float | None
    seconds: float | None
    rank: tuple[float, float] | None = None

    @property
    def name(self) -> str:
        """The method's."""
        return self.method.name


class _Rivals(NamedTuple):
    """Names of the methods to be compared with, "" where there is none; and what to say of it."""

    naive: str
    classical: str
    reference: str
    notes: tuple[str, ...] = ()


def _truth(corpus: Corpus, classes: Sequence[str], kind: LabelKind) -> Bools:
    """(N, K) True where an item of the test part has a label."""
    if not len(corpus):
        raise DataError(f"{corpus.source}: the test part holds no item; give it some")
    found = indicator(corpus, classes)
    if kind != "many":
        for item in np.flatnonzero(found.sum(1) != 1)[:1]:
            raise DataError(
                f"{corpus.where(item)}: {int(found[item].sum())} labels, where one is needed to "
                "judge by. Give it one, or leave the item out."
            )
    return found


def _panel(
    lstm: LabelMethod,
    parts: LabelParts,
    classes: Sequence[str],
    kind: LabelKind,
    metric: str,
    yardsticks: Choice,
    extra: Sequence[LabelMethod],
    seed: int,
) -> tuple[list[Fitted], tuple[str, ...]]:
    """Our method first, then the given ones, then every yardstick, fitted; and who is left out."""
    valid = parts.valid if parts.valid is not None and len(parts.valid) else None
    known = None if valid is None else _truth(valid, classes, kind)

    def checked(method: LabelMethod, seconds: float | None) -> Fitted:
        if valid is None or known is None:
            return Fitted(method, None, seconds)
        own = Answers(known, _checked(method, valid, len(classes)), kind)
        value = score(metric, own)
        rank = goodness(metric, own)
        return Fitted(method, None if np.isnan(value) else value, seconds, rank)

    found = [checked(each, None) for each in (lstm, *extra)]
    called = roster(parts.train, metric, yardsticks)
    for yardstick in called.yardsticks:
        begun = time.perf_counter()
        method = yardstick.fit(parts.train, valid, classes, seed, kind == "many")
        found.append(checked(method, time.perf_counter() - begun))
    return found, called.left_out


def _checked(method: LabelMethod | Fitted, corpus: Corpus, classes: int) -> Floats:
    """(N, K) probabilities, if that is what they are."""
    method = method.method if isinstance(method, Fitted) else method
    found = np.asarray(method.probabilities(corpus), np.float64)
    if found.shape != (len(corpus), classes) or not ((found >= 0) & (found <= 1 + 1e-6)).all():
        raise ArgumentError(
            f"{method.name}: gave {found.shape} numbers that are not all probabilities, where "
            f"({len(corpus)}, {classes}) are needed"
        )
    return np.minimum(found, 1.0)


def _rivals(panel: Sequence[Fitted], answers: Mapping[str, Answers], metric: str) -> _Rivals:
    """The best rule and the best classical method on the validation part.

    Without one the best on the test part are taken, which can only help them.
    """
    best: dict[str, tuple[tuple[float, float], str]] = {}
    noted = any(each.rank is None for each in panel)
    for each in panel:
        rank = goodness(metric, answers[each.name]) if noted else each.rank
        assert rank is not None
        for kind in {each.method.kind, "other"} if each.method.kind != "lstm" else ():
            if kind not in best or rank > best[kind][0]:
                best[kind] = (rank, each.name)
    named = [best[kind][1] if kind in best else "" for kind in ("naive", "classical", "other")]
    told = (
        "There was no validation part: the yardsticks that ours is compared with are those that "
        "were best on the test part, which can only help them."
    )
    return _Rivals(named[0], named[1], named[2], (told,) if noted and named[2] else ())


Drawn = Mapping[str, Mapping[str, Floats]] | None


def _score(each: Fitted, own: Answers, names: Sequence[str], drawn: Drawn) -> LabelScore:
    measures = {}
    for name in names:
        values = None if drawn is None else drawn[each.name].get(name)
        measures[name] = measured(score(name, own), values)
    return LabelScore(each.name, each.method.kind, measures, each.valid, each.seconds)


def measured(value: float, drawn: Floats | None) -> Measured:
    """A score and the interval of its resamples, None for what is not a number."""
    if np.isnan(value):
        return Measured(None)
    ends = interval(drawn)
    return Measured(value, *(ends or (None, None)))


def _difference(
    metric: str, ours: str, theirs: str, scores: Sequence[LabelScore], drawn: Drawn
) -> Difference:
    values = {each.method: each.measures[metric].value for each in scores}
    first, second = values[ours], values[theirs]
    if first is None or second is None:
        return Difference(metric, ours, theirs, None)
    ends = None
    if drawn is not None and metric in drawn[ours]:
        ends = interval(drawn[ours][metric] - drawn[theirs][metric])
    return Difference(metric, ours, theirs, first - second, *(ends or (None, None)))


def verdict_of(
    name: str,
    metric: str,
    scores: Sequence[LabelScore],
    differences: Sequence[Difference],
    naive: str,
    classical: str,
    items: int,
    told: Told | None = None,
) -> str:
    """The verdict on scores and the differences from two rivals, either of them "" for none."""
    if told is None:
        measure = MEASURES[metric]
        told = Told(measure.words, measure.higher, measure.share)
    by_name = {each.method: each.measures[metric] for each in scores}
    beside = {each.theirs: each for each in differences}

    def rival(named: str) -> LabelRival | None:
        return LabelRival(named, by_name[named], beside[named]) if named else None

    return label_verdict(told, by_name[name], rival(naive), rival(classical), items, name)


def _classes(method: str, own: Answers, classes: Sequence[str]) -> list[ClassScore]:
    found = per_class(own)
    parts = (found.support, found.told, found.precision, found.recall, found.f1)
    rows = np.stack([part[0] for part in parts], 1).tolist()
    return [
        ClassScore(
            method, label, int(row[0]), int(row[1]), *(None if np.isnan(v) else v for v in row[2:])
        )
        for label, row in zip(classes, rows, strict=True)
    ]


def _reliability(method: str, own: Answers) -> list[ReliabilityBin]:
    return [ReliabilityBin(method, *one) for one in bins(own)]


def summarise(parts: LabelParts) -> LabelData:
    """What was read, and how it was split."""
    test = parts.test
    channels: tuple[str, ...] = ()
    if test.series is not None:
        channels = tuple(field.name for field in test.series.fields)
    named = (("train", parts.train), ("valid", parts.valid), ("test", test))
    return LabelData(
        source=test.source,
        content=test.content,
        channels=channels,
        parts=tuple(
            _part(name, corpus) for name, corpus in named if corpus is not None and len(corpus)
        ),
    )


def _part(name: str, corpus: Corpus) -> LabelPart:
    counts: dict[str, int] = dict.fromkeys(corpus.classes, 0)
    for labels in corpus.labels or ():
        for label in labels:
            counts[label] += 1
    lengths = corpus.sizes
    return LabelPart(
        name,  # type: ignore[arg-type]
        len(corpus),
        None if corpus.groups is None else len(set(corpus.groups)),
        counts,
        int(lengths.sum()),
        int(np.median(lengths)),
        int(lengths.max(initial=0)),
    )
