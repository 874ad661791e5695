"""Rolling origins: the test part in folds, each forecast by what was fitted before it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from longshort.data.steps import Ints
from longshort.data.windows import Windows
from longshort.errors import ArgumentError, DataError
from longshort.evaluate.forecast import Panel, Stage, Terms, Windowed, panel, record, seasons_of
from longshort.evaluate.judge import choose
from longshort.records import Evaluation, History
from longshort.yardsticks.base import Forecasts, Method


def fold_starts(test: Windows, folds: int) -> list[Ints]:
    """The first origin of each fold, and the end of the last one: folds + 1 of (S,).

    Folds have as many origins each as can be. Rows with times are cut at the same time in every
    series; rows without, series by series.

    Raises:
        ArgumentError: fewer than two folds, or fewer times of origins than folds.
    """
    if folds < 2:
        raise ArgumentError(f"rolling={folds}: give 2 folds or more; one is evaluate without it")
    series, origin = test.where(np.arange(len(test)))
    sequences = test.sequences
    ends = [test.first, *(test.last for _ in range(folds))]
    if sequences.times is None:
        counts = test.last - test.first
        for fold in range(1, folds):
            ends[fold] = test.first + counts * fold // folds
        least = int(counts.max())
    else:
        stamps, many = np.unique(
            sequences.times[sequences.offsets[series] + origin], return_counts=True
        )
        done, least = np.cumsum(many), len(stamps)
        for fold in range(1, folds if least >= folds else 0):
            first = int(np.searchsorted(done, len(test) * fold / folds, side="right"))
            at = sequences.first_at(stamps[min(max(first, fold), least - folds + fold)])
            ends[fold] = np.clip(at, test.first, test.last)
    if least < folds:
        raise ArgumentError(
            f"rolling={folds}: the test part has {least} origins, and each fold needs one; ask "
            "for fewer folds, or give more rows"
        )
    return ends


def stages(test: Windows, starts: Sequence[Ints]) -> list[Stage]:
    """Each fold's windows among all test windows, its first and last origin, and rows before it."""
    series, origin = test.where(np.arange(len(test)))
    sequences = test.sequences
    flat = sequences.offsets[series] + origin
    fold = np.sum([origin >= start[series] for start in starts[1:-1]], axis=0)
    found = []
    for number, start in enumerate(starts[:-1]):
        index = np.flatnonzero(fold == number)
        rows = flat[index]
        order = rows if sequences.times is None else sequences.times[rows]
        first, last = (
            sequences.time_label(int(rows[place])) for place in (order.argmin(), order.argmax())
        )
        found.append(Stage(index, first, last, int(start.sum())))
    return found


def evaluate_folds(
    lstms: Sequence[Method],
    parts: Sequence[Windowed],
    whole: Windowed,
    starts: Sequence[Ints],
    terms: Terms,
    history: History,
    settings: dict[str, str],
) -> Evaluation:
    """Judge methods that were fitted anew before each fold; their forecasts are pooled.

    Args:
        lstms: the networks of each fold; a single one forecasts all of them.
        parts: as many cuts of the same series, ``test`` the fold.
        whole: the first cut, with the whole test part.
        starts: see ``fold_starts``.
        terms, history, settings: see ``evaluate_forecasts``; what skill is measured against is
            chosen on the first fold's validation part.

    Raises:
        DataError: no yardstick can be fitted in every fold.
    """
    seasons = seasons_of(whole, terms)
    told = stages(whole.test, starts)
    if len(lstms) == 1:
        found = panel(whole, terms, seasons)
        found.methods.insert(0, lstms[0])
        return record(found, whole, terms, seasons, history, settings, told)
    panels = [panel(part, terms, seasons) for part in parts]
    for own, lstm in zip(panels, lstms, strict=True):
        own.methods.insert(0, lstm)
    first, valid = panels[0], whole.valid
    rivals = first.rivals or (choose(first.methods, valid) if len(valid) else None)
    # which ones take too long depends on how much is to be forecast
    named = [{method.name: method for method in own.methods} for own in panels]
    shared = [m for m in first.methods if all(m.name in own for own in named)]
    if len(shared) < 2:
        raise DataError(f"{whole.test.sequences.source}: no yardstick can be fitted in every fold")
    tests = [part.test for part in parts]
    methods = [
        Method(m.name, m.kind, Relay([own[m.name] for own in named], tests, starts)) for m in shared
    ]
    notes = dict.fromkeys(note for own in panels for note in own.told)
    gathered = Panel(methods, rivals, tuple(notes))
    return record(gathered, whole, terms, seasons, history, settings, told)


@dataclass(frozen=True, eq=False)
class Relay:
    """A method that hands each origin to whoever was fitted last before it.

    Args:
        methods: one of each fold.
        tests: the fold's windows, as its method reads them.
        starts: see ``fold_starts``.
    """

    methods: Sequence[Method]
    tests: Sequence[Windows]
    starts: Sequence[Ints]

    def __call__(self, windows: Windows, index: Ints) -> Forecasts:
        """Forecasts of the windows of these numbers (N,), whose origins lie in the folds."""
        series, origin = windows.where(index)
        fold = np.sum([origin >= start[series] for start in self.starts[1:-1]], axis=0)
        parts: list[tuple[Ints, Forecasts]] = []
        for number, (method, test) in enumerate(zip(self.methods, self.tests, strict=True)):
            own = np.flatnonzero(fold == number)
            if len(own):
                before = test.ends - test.last
                number_of = np.asarray(before[series[own]] + origin[own], np.int64)
                parts.append((own, method(test, number_of)))
        order = np.argsort(np.concatenate([own for own, _ in parts]))
        point, quantiles = (
            np.concatenate([np.asarray(found[at]) for _, found in parts])[order] for at in (0, 1)
        )
        return Forecasts(point, quantiles)
