"""Backtest: the test part in folds, and the model and all yardsticks refitted before each."""

from __future__ import annotations

import itertools
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np

from longshort.data.sequences import Sequences
from longshort.data.splits import Cuts, Portion
from longshort.data.steps import Ints
from longshort.data.windows import Windows
from longshort.errors import ArgumentError, DataError, suggest
from longshort.evaluate.forecast import Terms, Windowed
from longshort.evaluate.rolling import evaluate_folds, fold_starts
from longshort.heads.distributions import LEVELS
from longshort.records import Epoch, Evaluation, History, Stop
from longshort.tasks.calibration import in_words
from longshort.tasks.ensemble import Progress
from longshort.tasks.forecast import Forecaster
from longshort.tasks.runs import Runs
from longshort.yardsticks.roster import Choice

# which rows are judged
Judged = Literal["test", "valid"]


def backtest(
    model: Forecaster,
    data: Any,
    *,
    folds: int = 5,
    refit: bool = True,
    part: Judged = "test",
    level: float = 0.8,
    adaptive: float | None = None,
    yardsticks: Choice = "all",
    folder: str | Path | None = None,
    progress: Progress | None = None,
) -> Evaluation:
    """Evaluate with rolling origins: the test part is cut by time into folds of equal size.

    With ``refit``, before each fold the model is fitted anew, with its own settings, on everything
    before the fold: its validation part is as long as it was and ends where the fold begins, its
    training part is all before that. The first fold is the given model's. Every yardstick is
    fitted on the same rows. Results are pooled over all folds (``Evaluation.scores``), and told
    fold by fold (``Evaluation.folds``).

    Args:
        model: fitted.
        data: the data given to ``fit``, with the later rows.
        folds: how many, 2 or more.
        refit: False leaves the model and the yardsticks as they are, and tells the folds.
        part: "test", all rows after those that the model has seen; or "valid", its validation part,
            before which the model is fitted anew, so that choices can be made and no test opened.
        level, adaptive, yardsticks: as for ``Forecaster.evaluate``.
        folder: where the model of each fold is kept as soon as it is fitted, and a checkpoint of
            the one at work; the same call goes on from there.
        progress: who is told how it goes on.

    Raises:
        KeyboardInterrupt: Ctrl-C; what was finished is kept in the folder.
        ArgumentError: too many folds, or a part that cannot be judged so.
        DataError: there are no later rows, or the rows that were fitted on are missing.
        OutputError: the folder cannot be written.
    """
    if part not in get_args(Judged):
        raise ArgumentError(f"part={part!r}: {suggest(part, get_args(Judged))}")
    if part == "valid" and not refit:
        raise ArgumentError(
            'part="valid": the model has seen this part while it was trained; refit it before each '
            "fold, or roll over the test part"
        )
    model._check_fitted()
    series, cuts = _judged(model, data, part)
    whole = _windows(model, series, cuts, cuts.test_start, cuts.end - model.horizon + 1)
    if not len(whole.test):
        raise DataError(
            f"{series.source}: no {model.horizon} rows come after those the model has seen (up to "
            f"{model.seen_.until(series)}); give data that go on"
        )
    starts = fold_starts(whole.test, folds)
    models = [model]
    parts = [whole]
    if refit:
        models = _refitted(model, series, cuts, starts, Runs(folder, progress), part)
        parts = [
            _windows(one, series, _before(cuts, start, number), start, end)
            for number, (one, (start, end)) in enumerate(
                zip(models, itertools.pairwise(starts), strict=True)
            )
        ]
        whole = parts[0]._replace(test=whole.test)
    season, seed = model.settings_["window"].season, model.random_state
    terms = Terms(LEVELS, level, model.refitted_, season, adaptive, yardsticks, seed)
    lstms = [one._method() for one in models]
    told = _history(models), model._settings()
    found = evaluate_folds(lstms, parts, whole, starts, terms, *told)
    how = (
        f"The test part was cut into {folds} folds; before each, the LSTM and every yardstick were "
        "fitted anew on everything before it."
        if refit
        else f"The test part was cut into {folds} folds; nothing was fitted anew between them."
    )
    if part == "valid":
        how += (
            " What is called the test part here is the validation part of the model's own fit; its "
            "test part was not opened."
        )
    words = [how, *found.notes, in_words(model.models_, model.calibration), model.left_out_]
    return replace(found, notes=tuple(note for note in words if note))


def _judged(model: Forecaster, data: Any, part: Judged) -> tuple[Sequences, Cuts]:
    """Series up to the end of the part that is judged, which is the test part of the cuts."""
    series = model._read_again(data)
    cuts = model.seen_.recall(series)
    if part == "test":
        return series, cuts
    rows = cuts.test_start - cuts.valid_start
    begin = np.maximum(cuts.valid_start - rows, 0)
    return series.crop(0, cuts.test_start), Cuts(begin, cuts.valid_start, cuts.test_start)


def _before(cuts: Cuts, start: Ints, number: int) -> Cuts:
    """The cuts of a fold: a validation part as long as it was ends where the fold begins."""
    # a series that has not begun is in no part, one that has ended in the first two
    begin = np.clip(start if number else cuts.test_start, 0, cuts.end)
    rows = cuts.test_start - cuts.valid_start
    return Cuts(np.maximum(begin - rows, 0), begin, cuts.end)


def _refitted(
    model: Forecaster, series: Sequences, cuts: Cuts, starts: list[Ints], runs: Runs, part: Judged
) -> list[Forecaster]:
    """The model of each fold."""
    found = []
    folds = len(starts) - 1
    for number, start in enumerate(starts[:-1]):
        if not number and part == "test":
            # that is how it was fitted
            found.append(model)
            continue
        fresh = type(model)(**{**model.settings_, "device": model.device})
        # every fold's windows reach back as far
        fresh.set_params(window__context=model.encoding_.context)
        # nothing of the fold, nor of later ones, is there to be read
        own = _before(cuts, start, number)
        past = Portion(series, own).before(own.test_start)
        text = f"fold {number + 1} of {folds}: fitted on what comes before it"
        found.append(runs.fitted(f"{part}{number + 1}", text, fresh, past))
    return found


def _windows(
    model: Forecaster, sequences: Sequences, cuts: Cuts, start: Ints, end: Ints
) -> Windowed:
    """A fold's parts as its model reads them."""
    train, valid, both = model._parts(sequences, cuts)
    first = np.maximum(start, model.encoding_.context)
    return Windowed(train, valid, both, Windows(sequences, model.encoding_, first, end))


def _history(models: list[Forecaster]) -> History:
    """Every fold's training one after the other; networks are counted on."""
    epochs: list[Epoch] = []
    stops: list[Stop] = []
    before = 0
    for model in models:
        own = model.history_
        epochs += [replace(epoch, member=epoch.member + before) for epoch in own.epochs]
        stops += own.stops
        before += max((epoch.member for epoch in own.epochs), default=-1) + 1
    return History(tuple(epochs), tuple(stops), models[0].history_.unit)
