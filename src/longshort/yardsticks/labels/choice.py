"""How a yardstick's settings are chosen, and what it learns its labels as."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from longshort.data.corpus import Corpus
from longshort.data.sequences import Floats
from longshort.data.steps import Ints
from longshort.errors import DataError, suggest
from longshort.metrics.labels import MEASURES, Answers, Bools, Together, score

Predict = Callable[[Corpus], Floats]
Setting = TypeVar("Setting")

# parts of a cross-validation where there is no validation part
_FOLDS = 5


def indicator(corpus: Corpus, classes: Sequence[str]) -> Bools:
    """(N, K) True where an item has a label.

    Raises:
        DataError: an item has no label, or one that is not among the classes.
    """
    place = {label: k for k, label in enumerate(classes)}
    found = np.zeros((len(corpus), len(classes)), np.bool_)
    if corpus.labels is None:
        raise DataError(f"{corpus.source}: the items have no labels; name the column of labels")
    for item, labels in enumerate(corpus.labels):
        for label in labels:
            if label not in place:
                raise DataError(
                    f"{corpus.where(item)}: the label {label!r} was not among those the model was "
                    f"fitted on. {suggest(label, classes)}. Fit on data that have it, or leave the "
                    "item out."
                )
            found[item, place[label]] = True
    return found


def together(several: bool) -> Together:
    """How the answers of a yardstick are read."""
    return "many" if several else "one"


def not_single(train: Corpus) -> str:
    """Why items cannot be learnt from as series of one label each; "" if they can."""
    if train.series is None:
        return "there are no series"
    if any(len(labels) != 1 for labels in train.labels or ()):
        return "an item may have several labels"
    return ""


def chosen(
    settings: Sequence[Setting],
    fit: Callable[[Setting, Corpus], Predict],
    train: Corpus,
    valid: Corpus | None,
    classes: Sequence[str],
    metric: str,
    several: bool = False,
) -> Predict:
    """The model, fitted on the training part, of the setting that is best by ``metric``.

    On the validation part where there is one, else by a cross-validation of five parts within the
    training part, by groups where there are any. Of equals the one with the least log-loss is
    taken: few items tell few settings apart by accuracy.
    """
    if len(settings) == 1:
        return fit(settings[0], train)
    whole = valid is not None and len(valid) > 0
    pairs = [(train, valid)] if whole and valid else list(_crossed(train, classes))
    truth = np.concatenate([indicator(part, classes) for _, part in pairs])
    best, kept = (-np.inf, -np.inf), None
    for setting in settings:
        models = [fit(setting, rest) for rest, _ in pairs]
        found = [model(part) for model, (_, part) in zip(models, pairs, strict=True)]
        value = goodness(metric, Answers(truth, np.concatenate(found), together(several)))
        if kept is None or value > best:
            best, kept = value, (setting, models)
    assert kept is not None
    return kept[1][0] if whole else fit(kept[0], train)


def goodness(metric: str, answers: Answers) -> tuple[float, float]:
    """What methods are ranked by, the greater the better: the measure, then the log-loss."""
    value = score(metric, answers)
    value = -np.inf if np.isnan(value) else value if MEASURES[metric].higher else -value
    return value, -score("log_loss", answers)


def _crossed(train: Corpus, classes: Sequence[str]) -> Iterator[tuple[Corpus, Corpus]]:
    for rest, part in folds(train, indicator(train, classes)):
        yield train.select(rest), train.select(part)


def folds(train: Corpus, truth: Bools) -> Iterator[tuple[Ints, Ints]]:
    """(to fit on, to predict) by label and group, spread evenly and without a seed.

    Items of a label, in their order, are dealt to the parts in turn; a group goes where its first
    item does.
    """
    names = train.groups or [str(item) for item in range(len(train))]
    label = [tuple(np.flatnonzero(row)) for row in truth]
    turn: dict[tuple[np.intp, ...], int] = {}
    part: dict[str, int] = {}
    for item in range(len(train)):
        if names[item] not in part:
            part[names[item]] = turn.get(label[item], 0)
            turn[label[item]] = (part[names[item]] + 1) % _FOLDS
    place = np.array([part[name] for name in names])
    for fold in np.unique(place):
        yield np.flatnonzero(place != fold), np.flatnonzero(place == fold)


def one_each(
    make: Callable[[], Any], inputs: Any, truth: Bools, several: bool
) -> Callable[[Any], Floats]:
    """A scikit-learn classifier as probabilities of all classes; one for each of several labels.

    A class that the items do not have gets the probability 0.
    """
    if several:
        models = [
            _fitted(make(), inputs, column)
            if 0 < column.sum() < len(column)
            else float(column.mean())
            for column in truth.T
        ]
        return lambda x: np.stack(
            [
                np.full(x.shape[0], model)
                if isinstance(model, float)
                else model.predict_proba(x)[:, 1]
                for model in models
            ],
            1,
        )
    label = truth.argmax(1)
    there = np.unique(label)
    if len(there) == 1:
        return lambda x: np.tile(np.eye(truth.shape[1])[there[0]], (x.shape[0], 1))
    model = _fitted(make(), inputs, label)

    def probabilities(x: Any) -> Floats:
        found = np.zeros((x.shape[0], truth.shape[1]))
        found[:, model.classes_] = model.predict_proba(x)
        return found

    return probabilities


def _fitted(model: Any, inputs: Any, label: NDArray[Any]) -> Any:
    """The model; that its last steps were cut off is no news for whoever judges by it."""
    from sklearn.exceptions import ConvergenceWarning

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return model.fit(inputs, label)
