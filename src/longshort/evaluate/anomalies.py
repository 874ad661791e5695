"""From a fitted detector and its parts to one ``AnomalyEvaluation``: what it is judged by."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import cast

import numpy as np

from longshort.data.sequences import Floats
from longshort.data.splits import Portion
from longshort.data.steps import Ints
from longshort.errors import ArgumentError, DataError, suggest
from longshort.evaluate.alarms import MEANS, Judged, Rule, Tally, Test, judged
from longshort.evaluate.forecast import environment, fields_of, part_of
from longshort.evaluate.labels import measured
from longshort.evaluate.redrawn import Drawn, redrawn
from longshort.evaluate.watched import rates, relative, watched, worst
from longshort.metrics.anomalies import PROFILES, runs
from longshort.metrics.anomalies.runs import Bools
from longshort.records import (
    AnomalyData,
    AnomalyEvaluation,
    AnomalyMetric,
    AnomalyScore,
    Difference,
    History,
    Kind,
    Measured,
    SeriesScore,
)
from longshort.yardsticks.anomalies.base import AnomalyMethod
from longshort.yardsticks.anomalies.roster import Choice, roster
from longshort.yardsticks.labels.verdict import LabelRival, Told, label_verdict

# what methods may be compared by, and its name in words
METRICS = {
    "vus_pr": "VUS-PR",
    "vus_roc": "VUS-ROC",
    "auc_pr": "AUC-PR",
    "auc_roc": "AUC-ROC",
}
# rows that labels fade over in VUS
BUFFER = 20
_LABELLED = (*MEANS, "event_precision", "event_recall", "event_f1")
_RATES = ("alarms", "alarmed")


def evaluate_anomalies(
    lstm: AnomalyMethod,
    parts: Portion,
    labels: Bools | None = None,
    *,
    rule: Rule,
    expected: float | None = None,
    told: str = "",
    metric: str = "vus_pr",
    buffer: int = BUFFER,
    yardsticks: Choice = "all",
    extra: Sequence[AnomalyMethod] = (),
    history: History,
    settings: dict[str, str],
    notes: Sequence[str] = (),
    seed: int = 0,
) -> AnomalyEvaluation:
    """Fit every yardstick on the training rows, and judge all methods on the test part.

    Args:
        lstm: the fitted detector as a method.
        parts: whole series, and where their parts begin: methods read rows before the test part,
            and are judged on test rows alone.
        labels: (N,) which rows are anomalous, of every row of the series; None where nobody knows.
        rule: sets a threshold of each series from its scores before the test part: for every
            method without alarms of its own.
        expected: alarms a day (per 1,000 rows without times) that thresholds were set for.
        told: the rule in words.
        metric: what methods are compared by, see ``METRICS``.
        buffer: rows that labels fade over in VUS, at most.
        yardsticks: "all", "quick" or "none".
        extra: further fitted methods to be judged beside them.
        history, settings, notes: what the record keeps of the fit.
        seed: of the bootstrap and the yardsticks.

    Raises:
        ArgumentError: there is no such metric, or not as many labels as rows.
        DataError: there is no test row.
    """
    _check(parts, labels, metric, buffer)
    test = Test.of(parts, labels, buffer)
    panel, seconds, left_out = _panel(lstm, parts, yardsticks, extra, seed)
    found = [judged(method, test, rule) for method in panel]
    tallies = [Tally.of(each, test) for each in found]
    drawn = redrawn(found, tallies, test, seed)
    scores = tuple(
        _score(each, tally, drawn.scores[at], seconds[at], test)
        for at, (each, tally) in enumerate(zip(found, tallies, strict=True))
    )
    events = None if test.labels is None else sum(len(runs(own)) for own in test.labels)
    differences = tuple(
        _difference(metric, scores[0], each, drawn.scores[0], drawn.scores[at])
        for at, each in enumerate(scores[1:], 1)
        if events
    )
    naive, classical = (_best(scores, metric, kind) for kind in _OTHERS)
    return AnomalyEvaluation(
        task="anomaly",
        metric=cast(AnomalyMetric, metric),
        buffer=buffer,
        scores=scores,
        verdict=_verdict(metric, scores, tallies[0], differences, (naive, classical), expected),
        data=summarise(test, labels),
        history=history,
        expected=expected,
        rule=told,
        reference=classical or naive,
        naive=naive,
        resampled=drawn.told,
        differences=differences,
        by_series=_by_series(found[0], tallies[0], metric, test),
        watched=watched(found[0], test),
        shown=worst(found[0], test),
        rates=rates(found[0], test),
        relative=relative(found[0]),
        settings=settings,
        environment=environment(),
        notes=(*notes, *_notes(test, events), *left_out),
    )


_OTHERS: tuple[Kind, Kind] = ("naive", "classical")


def _check(parts: Portion, labels: Bools | None, metric: str, buffer: int) -> None:
    series = parts.sequences
    if metric not in METRICS:
        raise ArgumentError(f"metric={metric!r}: {suggest(metric, METRICS)}")
    if buffer < 0:
        raise ArgumentError(f"buffer is a number of rows, 0 or more; got {buffer}")
    if labels is not None and np.shape(labels) != (len(series.values),):
        raise ArgumentError(
            f"labels are one for each of the {len(series.values):,} rows of {series.source}; got "
            f"{np.shape(labels)}"
        )
    if not (parts.cuts.end > parts.cuts.test_start).any():
        raise DataError(f"{series.source}: there is no test row to judge; give a test part")


def _panel(
    lstm: AnomalyMethod,
    parts: Portion,
    yardsticks: Choice,
    extra: Sequence[AnomalyMethod],
    seed: int,
) -> tuple[list[AnomalyMethod], list[float | None], tuple[str, ...]]:
    """Our method first, then the given ones, then every yardstick, fitted, with its seconds."""
    train = parts.sequences.crop(0, parts.cuts.valid_start)
    found, seconds = [lstm, *extra], list[float | None]([None] * (1 + len(extra)))
    called = roster(train, yardsticks)
    for yardstick in called.yardsticks:
        begun = time.perf_counter()
        found.append(yardstick.fit(train, seed))
        seconds.append(time.perf_counter() - begun)
    return found, seconds, called.left_out


def _score(
    each: Judged, tally: Tally, drawn: Drawn, seconds: float | None, test: Test
) -> AnomalyScore:
    names = list(_RATES)
    if test.labels is not None:
        names = [*_LABELLED, "false_alarms", *names, *(f"nab_{name}" for name in PROFILES)]
    measures = {name: measured(float(tally.value(name)), drawn.get(name)) for name in names}
    if len(tally.delays):
        seconds_of_row = _step(test) or 1.0
        measures["delay"] = Measured(float(np.median(tally.delays)) * seconds_of_row)
    return AnomalyScore(each.method.name, each.method.kind, measures, each.threshold, seconds)


def _step(test: Test) -> float | None:
    step = test.portion.sequences.step
    return None if step is None or step.unit == "n" else float(step.seconds)


def _difference(
    metric: str, ours: AnomalyScore, theirs: AnomalyScore, one: Drawn, two: Drawn
) -> Difference:
    first, second = ours.measures[metric].value, theirs.measures[metric].value
    if first is None or second is None:
        return Difference(metric, ours.method, theirs.method, None)
    apart: Floats | None = None
    if metric in one and metric in two:
        apart = one[metric] - two[metric]
    found = measured(first - second, apart)
    return Difference(metric, ours.method, theirs.method, first - second, found.low, found.high)


def _best(scores: Sequence[AnomalyScore], metric: str, kind: Kind) -> str:
    """The best of a kind on the test part: nothing is labelled on which one could choose before."""
    ranked = [
        (value, each.method)
        for each in scores
        if each.kind == kind and (value := each.measures.get(metric, Measured(None)).value)
    ]
    return max(ranked)[1] if ranked else ""


def _verdict(
    metric: str,
    scores: Sequence[AnomalyScore],
    tally: Tally,
    differences: Sequence[Difference],
    rivals: tuple[str, str],
    expected: float | None,
) -> str:
    """Whether the detector earned its keep, and what its alarms came to."""
    ours, unit = scores[0], "a day" if tally.unit != 1000 else "per 1,000 rows"
    asked = "" if expected is None else f", where the threshold was set for {expected:.3g}"
    found, missed, false = tally.counts[:, :3].sum(0).astype(int).tolist()
    rate = ours.measures["alarms"].value or 0.0
    if metric not in ours.measures or ours.measures[metric].value is None:
        amount = int(tally.counts[:, 3].sum())
        return (
            f"Nothing is labelled, so nothing can be judged: the {ours.method} raised "
            f"{amount:,} alarm{'' if amount == 1 else 's'}, {rate:.3g} {unit}{asked}."
        )
    by_name = {each.method: each.measures[metric] for each in scores}
    beside = {each.theirs: each for each in differences}
    told = Told(METRICS[metric], share=False)
    naive, classical = (
        LabelRival(name, by_name[name], beside[name]) if name else None for name in rivals
    )
    first = label_verdict(
        told, by_name[ours.method], naive, classical, found + missed, ours.method, "anomalies"
    )
    wrong = ours.measures["false_alarms"].value or 0.0
    return (
        f"{first} Its alarms found {found:,} of {found + missed:,} labelled anomalies; {false:,} "
        f"met none, {wrong:.3g} {unit}. All alarms together are {rate:.3g} {unit}{asked}."
    )


def _by_series(ours: Judged, tally: Tally, metric: str, test: Test) -> tuple[SeriesScore, ...]:
    keys, found = test.portion.sequences.keys, []
    for at, key in enumerate(keys):
        met, missed, false = tally.counts[at, :3].astype(int).tolist()
        value = float(tally.means[metric][at])
        score = value if np.isfinite(value) else None
        found.append(SeriesScore(key, len(ours.scores[at]), met + missed, met, false, score))
    return tuple(found)


def _notes(test: Test, events: int | None) -> list[str]:
    if events is None:
        return ["Nothing is labelled: there are alarms and their rates, and no scores."]
    found = [
        "Labels are used for scores alone: no threshold was chosen by them.",
        "Nothing before the test part need be labelled, so the yardsticks that the verdict speaks "
        "of are the best ones on the test part: a choice that favours them.",
    ]
    assert test.labels is not None
    without = sum(not own.any() for own in test.labels)
    if without and events:
        found.append(
            f"{without:,} series without a labelled row have no score of their own; their alarms "
            "count among the false ones."
        )
    return found


def summarise(test: Test, labels: Bools | None) -> AnomalyData:
    """What was watched, how it was cut, and what of the test part is labelled."""
    series, cuts = test.portion.sequences, test.portion.cuts
    bounds: list[Ints] = [np.zeros_like(cuts.end), cuts.valid_start, cuts.test_start, cuts.end]
    parts = [
        part_of(name, series, start, end, int((end - start).sum()))
        for name, start, end in zip(("train", "valid", "test"), bounds, bounds[1:], strict=False)
        if (end > start).any()
    ]
    own = test.labels
    return AnomalyData(
        source=series.source,
        series=len(series),
        rows=len(series.values),
        spacing=series.spacing,
        unit="1,000 rows" if _step(test) is None else "day",
        step=_step(test),
        labelled=None if own is None else sum(bool(each.any()) for each in own),
        events=None if own is None else sum(len(runs(each)) for each in own),
        share=None if own is None else float(np.concatenate(own).mean()),
        fields=fields_of(series),
        parts=tuple(parts),
    )
