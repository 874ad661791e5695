"""Backtest: the test part in folds, and the model and all yardsticks refitted before each."""

from __future__ import annotations

import itertools
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from longshort.data.sequences import Sequences
from longshort.data.splits import Cuts, Portion
from longshort.data.steps import Ints
from longshort.data.windows import Windows
from longshort.evaluate.forecast import Terms, Windowed
from longshort.evaluate.rolling import evaluate_folds, fold_starts
from longshort.heads.distributions import LEVELS
from longshort.records import Epoch, Evaluation, History, Stop
from longshort.tasks.calibration import in_words
from longshort.tasks.ensemble import Progress
from longshort.tasks.forecast import Forecaster
from longshort.tasks.runs import Runs
from longshort.yardsticks.roster import Choice


def backtest(
    model: Forecaster,
    data: Any,
    *,
    folds: int = 5,
    refit: bool = True,
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
        level, adaptive, yardsticks: as for ``Forecaster.evaluate``.
        folder: where the model of each fold is kept as soon as it is fitted, and a checkpoint of
            the one at work; the same call goes on from there.
        progress: who is told how it goes on.

    Raises:
        KeyboardInterrupt: Ctrl-C; what was finished is kept in the folder.
        ArgumentError: too many folds.
        DataError: there are no later rows, or the rows that were fitted on are missing.
        OutputError: the folder cannot be written.
    """
    whole = model._opened(data)
    starts = fold_starts(whole.test, folds)
    models = [model]
    parts = [whole]
    if refit:
        runs = Runs(folder, progress)
        series, cuts = whole.test.sequences, model.seen_.recall(whole.test.sequences)
        valid_rows = cuts.test_start - cuts.valid_start
        for number, (start, end) in enumerate(itertools.pairwise(starts)):
            # a series that has not begun is in no part, one that has ended in the first two
            begin = np.clip(np.where(number, start, cuts.test_start), 0, series.lengths)
            fold = Cuts(np.maximum(begin - valid_rows, 0), begin, series.lengths)
            fitted = model
            if number:
                text = f"fold {number + 1} of {folds}: fitted on what comes before it"
                fresh = type(model)(**{**model.settings_, "device": model.device})
                # every fold's windows reach back as far
                fresh.set_params(window__context=model.encoding_.context)
                # nothing of the fold, nor of later ones, is there to be read
                past = Portion(series, fold).before(begin)
                fitted = runs.fitted(f"fold{number + 1}", text, fresh, past)
                models.append(fitted)
            parts[number : number + 1] = [_windows(fitted, series, fold, start, end)]
    season, seed = model.settings_["window"].season, model.random_state
    terms = Terms(LEVELS, level, model.refitted_, season, adaptive, yardsticks, seed)
    lstms = [one._method() for one in models]
    told = _history(models), model._settings()
    found = evaluate_folds(lstms, parts, whole, starts, terms, *told)
    how = (
        f"The test part was cut into {folds} folds; before each, the LSTM and every yardstick were "
        "fitted anew on everything before it. The LSTM of the first fold is the given one."
        if refit
        else f"The test part was cut into {folds} folds; nothing was fitted anew between them."
    )
    words = [how, *found.notes, in_words(model.models_, model.calibration), model.left_out_]
    return replace(found, notes=tuple(note for note in words if note))


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
