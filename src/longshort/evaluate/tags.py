"""From a fitted tagger and its parts to one ``LabelEvaluation``: entities, or tags of steps."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from longshort.data.codecs.tags import spans
from longshort.data.corpus import Corpus
from longshort.errors import DataError, MissingDependencyError
from longshort.evaluate.forecast import environment
from longshort.evaluate.labels import LabelParts, measured, summarise, verdict_of
from longshort.metrics.bootstrap import drawn_weights, interval
from longshort.metrics.entities import Entity, EntityScore, entity_counts, entity_scores
from longshort.records import (
    ClassScore,
    Difference,
    History,
    LabelData,
    LabelEvaluation,
    LabelScore,
    Measured,
)
from longshort.records.labels import Span, SpanError, SpanFault
from longshort.yardsticks.labels.base import TagMethod
from longshort.yardsticks.labels.crf import commonest, fit_fields, how_good, usual
from longshort.yardsticks.labels.roster import Choice
from longshort.yardsticks.labels.verdict import Told

Tags = list[tuple[str, ...]]
# tags of each item with the probability of each
Sure = Callable[[Corpus], tuple[Tags, list[NDArray[np.float64]]]]

# so many errors are shown, with so many tokens on either side
_SHOWN = 60
_AROUND = 8
_ENTITIES = Told("F1 of entities")
_STEPS = Told("share of right tags")


class _Fitted(NamedTuple):
    """A method, what it says of the test part, its score on validation, and its seconds."""

    method: TagMethod
    tags: Tags
    valid: float | None
    seconds: float | None


def evaluate_tags(
    lstm: TagMethod,
    parts: LabelParts,
    entities: bool,
    *,
    sure: Sure | None = None,
    yardsticks: Choice = "all",
    history: History,
    settings: dict[str, str],
    notes: Sequence[str] = (),
    seed: int = 0,
) -> LabelEvaluation:
    """Fit every yardstick on the training part, and judge all methods on the test part.

    Args:
        lstm: the fitted tagger as a method.
        parts: what it was fitted and chosen on, and the items to judge by. Without a training part
            there are no yardsticks.
        entities: whether tags are entities, in BIO.
        sure: the tagger's tags with their probabilities, for the errors that are shown.
        yardsticks: "quick" leaves out the field; see ``Choice``.
        history, settings, notes: what the record keeps of the fit.
        seed: of the bootstrap.

    Raises:
        DataError: the test part holds no step, or has no tags.
    """
    test = parts.test
    truth = list(test.tags or ())
    if not sum(map(len, truth)):
        raise DataError(f"{test.source}: the test part holds no tags; give it some")
    panel, told = _panel(lstm, parts, entities, yardsticks)
    drawn = _drawn(panel, test, truth, entities, seed)
    metric = "f1" if entities else "token_accuracy"
    scores = tuple(_score(each, truth, entities, drawn.get(each.method.name)) for each in panel)
    naive, classical, reference = _rivals(panel, scores, metric)
    differences = tuple(
        _difference(metric, lstm.name, each.method, scores, drawn) for each in scores[1:]
    )
    errors, faults = _errors(test, panel[0].tags, sure) if entities else ((), {})
    shown = [each for each in panel if each.method.name in (lstm.name, reference)]
    kinds = tuple(sorted({span.type for own in truth for span in spans(own)}))
    classes = kinds if entities else tuple(sorted({tag for own in truth for tag in own}))
    groups = test.groups
    wrong = sum(one != other for one, other in zip(truth, panel[0].tags, strict=True))
    return LabelEvaluation(
        task="tag",
        kind="one",
        classes=classes,
        metric=metric,
        items=len(test),
        scores=scores,
        verdict=verdict_of(
            lstm.name, metric, scores, differences, naive, classical, len(test),
            _ENTITIES if entities else _STEPS,
        ),
        data=_summary(parts, entities),
        history=history,
        groups=None if groups is None else len(set(groups)),
        reference=reference,
        naive=naive,
        differences=differences,
        per_class=tuple(
            row for each in shown for row in _classes(each, truth, classes, entities)
        ),
        confusion=() if entities else _confusion(truth, panel[0].tags, classes),
        wrong=wrong,
        errors=errors,
        faults=faults,
        settings=settings,
        environment=environment(),
        notes=(*notes, *told),
    )  # fmt: skip


def _panel(
    lstm: TagMethod, parts: LabelParts, entities: bool, choice: Choice
) -> tuple[list[_Fitted], list[str]]:
    """Our method first, then every yardstick, fitted; and who is left out."""
    valid = parts.valid if parts.valid is not None and len(parts.valid) else None

    def fitted(method: TagMethod, seconds: float | None) -> _Fitted:
        own = None
        if valid is not None:
            own = how_good(valid.tags or (), method.tags(valid), entities=entities)
        return _Fitted(method, method.tags(parts.test), own, seconds)

    found, told, train = [fitted(lstm, None)], list[str](), parts.train
    if choice == "none":
        return found, told
    if not len(train):
        return found, ["There are no yardsticks: the data that were fitted on were not given."]
    begun = time.perf_counter()
    rule = usual(train) if train.tokens is not None else commonest(train)
    found.append(fitted(rule, time.perf_counter() - begun))
    if choice == "all" and train.tokens is not None:
        begun = time.perf_counter()
        try:
            fields = fit_fields(train, valid, entities=entities)
        except MissingDependencyError as error:
            return found, [f"The linear-chain CRF was left out: {error}."]
        spent = time.perf_counter() - begun
        found += [fitted(field, spent) for field in fields]
    return found, told


def _drawn(
    panel: Sequence[_Fitted], test: Corpus, truth: Tags, entities: bool, seed: int
) -> dict[str, dict[str, NDArray[np.float64]]]:
    """Each method's measures on resampled sentences (or groups of them), all drawn alike."""
    weights = drawn_weights(len(test), test.groups, seed=seed)
    if weights is None:
        return {}
    counts = np.stack([_counts(truth, each.tags, entities) for each in panel], 1)
    # resamples by methods by counts
    sums = np.concatenate([np.tensordot(part, counts, 1) for part in weights])
    return {each.method.name: _measures(sums[:, at], entities) for at, each in enumerate(panel)}


def _counts(truth: Tags, found: Tags, entities: bool) -> NDArray[np.float64]:
    """(N, 5) of each item: entities right, found and there; steps right, and all of them."""
    rows = np.zeros((len(truth), 5))
    if entities:
        rows[:, :3] = entity_counts(_entities(truth), _entities(found))
    for at, (own, answer) in enumerate(zip(truth, found, strict=True)):
        rows[at, 3] = sum(one == other for one, other in zip(own, answer, strict=True))
        rows[at, 4] = len(own)
    return rows


def _measures(sums: NDArray[np.float64], entities: bool) -> dict[str, NDArray[np.float64]]:
    """Scores of summed counts (R, 5); 0 where there is nothing to divide by."""
    correct, found, there, right, steps = sums.T

    def share(part: NDArray[np.float64], whole: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.divide(part, whole, out=np.zeros_like(part), where=whole > 0)

    told = {"token_accuracy": share(right, steps)}
    if not entities:
        return told
    return {
        "f1": share(2 * correct, found + there),
        "precision": share(correct, found),
        "recall": share(correct, there),
        **told,
    }


def _entities(tags: Sequence[Sequence[str]]) -> list[list[Entity]]:
    return [[(span.type, span.start, span.stop) for span in spans(own)] for own in tags]


def _score(
    each: _Fitted, truth: Tags, entities: bool, drawn: dict[str, NDArray[np.float64]] | None
) -> LabelScore:
    sums = _counts(truth, each.tags, entities).sum(0, keepdims=True)
    measures: dict[str, Measured] = {
        name: measured(float(value[0]), None if drawn is None else drawn[name])
        for name, value in _measures(sums, entities).items()
    }
    return LabelScore(each.method.name, each.method.kind, measures, each.valid, each.seconds)


def _rivals(
    panel: Sequence[_Fitted], scores: Sequence[LabelScore], metric: str
) -> tuple[str, str, str]:
    """The best rule, the best classical method and the best of both, on the validation part.

    Without one the best on the test part, which can only help them.
    """

    def value(place: int) -> float:
        valid = panel[place].valid
        return (scores[place].measures[metric].value or 0.0) if valid is None else valid

    def best(*kinds: str) -> str:
        of = [at for at, each in enumerate(panel) if each.method.kind in kinds]
        return panel[max(of, key=value)].method.name if of else ""

    return best("naive"), best("classical"), best("naive", "classical")


def _difference(
    metric: str,
    ours: str,
    theirs: str,
    scores: Sequence[LabelScore],
    drawn: dict[str, dict[str, NDArray[np.float64]]],
) -> Difference:
    values = {each.method: each.measures[metric].value or 0.0 for each in scores}
    ends = interval(drawn[ours][metric] - drawn[theirs][metric]) if drawn else None
    change = values[ours] - values[theirs]
    return Difference(metric, ours, theirs, change, *(ends or (None, None)))


def _classes(
    each: _Fitted, truth: Tags, classes: Sequence[str], entities: bool
) -> list[ClassScore]:
    """Scores of each type of entity, or of each tag."""
    if entities:
        rows = entity_scores(_entities(truth), _entities(each.tags))[1:]
    else:
        there = Counter(tag for own in truth for tag in own)
        told = Counter(tag for own in each.tags for tag in own)
        pairs = zip(truth, each.tags, strict=True)
        same = Counter(a for own, other in pairs for a, b in zip(own, other, strict=True) if a == b)
        rows = [
            EntityScore(
                name,
                same[name] / max(told[name], 1),
                same[name] / max(there[name], 1),
                2 * same[name] / max(told[name] + there[name], 1),
                same[name],
                told[name],
                there[name],
            )
            for name in classes
        ]
    return [
        ClassScore(
            each.method.name,
            row.type,
            row.there,
            row.found,
            row.precision if row.found else None,
            row.recall if row.there else None,
            row.f1 if row.found + row.there else None,
        )
        for row in rows
    ]


def _confusion(truth: Tags, found: Tags, classes: Sequence[str]) -> tuple[tuple[int, ...], ...]:
    """How often each tag (row) was called each (column); tags that are not there are left out."""
    place = {name: at for at, name in enumerate(classes)}
    table = np.zeros((len(classes), len(classes)), np.int64)
    for own, answer in zip(truth, found, strict=True):
        for one, other in zip(own, answer, strict=True):
            if other in place:
                table[place[one], place[other]] += 1
    return tuple(map(tuple, table.tolist()))


def _errors(
    test: Corpus, found: Tags, sure: Sure | None
) -> tuple[tuple[SpanError, ...], dict[SpanFault, int]]:
    """The errors of which the method was surest, among their neighbours; how many of each kind."""
    assert test.tokens is not None or test.series is not None
    shares = sure(test)[1] if sure is not None else None
    every: list[tuple[float, SpanError]] = []
    faults: Counter[SpanFault] = Counter()
    for item, (own, answer) in enumerate(zip(test.tags or (), found, strict=True)):
        for fault, true, told in _faults(own, answer):
            faults[fault] += 1
            chance = None
            span = told or true
            if shares is not None and span is not None:
                chance = float(shares[item][span.start : span.end].min())
            every.append((chance or 0.0, _shown(test, item, fault, true, told, chance)))
    every.sort(key=lambda pair: -pair[0])
    return tuple(error for _, error in every[:_SHOWN]), dict(faults)


_Fault = tuple[SpanFault, Span | None, Span | None]


def _faults(own: Sequence[str], answer: Sequence[str]) -> list[_Fault]:
    """What is wrong between the entities that are there and those that were found."""
    true = [Span(span.start, span.stop, span.type) for span in spans(own)]
    told = [Span(span.start, span.stop, span.type) for span in spans(answer)]
    left = [span for span in true if span not in told]
    found: list[_Fault] = []
    for span in (span for span in told if span not in true):
        near = [each for each in left if each.start < span.end and span.start < each.end]
        if not near:
            found.append(("invented", None, span))
            continue
        other = max(near, key=lambda each: min(each.end, span.end) - max(each.start, span.start))
        left.remove(other)
        same = (other.start, other.end) == (span.start, span.end)
        found.append(("type" if same else "extent", other, span))
    return found + [("missed", span, None) for span in left]


def _shown(
    test: Corpus,
    item: int,
    fault: SpanFault,
    true: Span | None,
    told: Span | None,
    chance: float | None,
) -> SpanError:
    """One error with the tokens around it."""
    held = [span for span in (true, told) if span is not None]
    length = len((test.tags or ())[item])
    first = max(0, min(span.start for span in held) - _AROUND)
    last = min(length, max(span.end for span in held) + _AROUND)
    if test.tokens is not None:
        tokens = test.tokens[item][first:last]
    else:
        tokens = tuple(str(step + 1) for step in range(first, last))

    def moved(span: Span | None) -> tuple[Span, ...]:
        return (
            () if span is None else (replace(span, start=span.start - first, end=span.end - first),)
        )

    return SpanError(test.where(item), fault, tokens, moved(true), moved(told), chance)


def _summary(parts: LabelParts, entities: bool) -> LabelData:
    """What was read; labels counted are types of entities, or tags."""

    def labelled(corpus: Corpus | None) -> Corpus | None:
        if corpus is None:
            return None
        kinds = tuple(
            tuple(span.type for span in spans(own)) if entities else own
            for own in corpus.tags or ((),) * len(corpus)
        )
        return replace(corpus, labels=kinds)

    train, test = labelled(parts.train), labelled(parts.test)
    assert train is not None
    assert test is not None
    return summarise(LabelParts(train, labelled(parts.valid), test))
