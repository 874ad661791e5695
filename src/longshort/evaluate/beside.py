"""Several detectors that were judged on the same test part, side by side in one record."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np

from longshort.data.sequences import Floats
from longshort.errors import ArgumentError, DataError
from longshort.evaluate.anomalies import METRICS
from longshort.evaluate.labels import measured
from longshort.metrics.bootstrap import drawn_weights
from longshort.records import AnomalyEvaluation, AnomalyScore, Difference

# what must be the same in records that stand side by side, and what it is called
_SAME: dict[str, Callable[[AnomalyEvaluation], object]] = {
    "metric": lambda one: one.metric,
    "buffer": lambda one: one.buffer,
    "test rows": lambda one: [part for part in one.data.parts if part.name == "test"],
    "series": lambda one: [each.series for each in one.by_series],
    "labels": lambda one: (one.data.labelled, one.data.events, one.data.share),
}


def beside(records: Mapping[str, AnomalyEvaluation], seed: int = 0) -> AnomalyEvaluation:
    """One record of several detectors, the best by the metric first, with the first's yardsticks.

    What is drawn is of the best; differences are from it, over series where eight or more are
    labelled.

    Args:
        records: by the name that each detector shall have; two or more.
        seed: of the bootstrap.

    Raises:
        ArgumentError: there are fewer than two.
        DataError: two were not judged on the same rows and labels, or nothing is labelled.
    """
    if len(records) < 2:
        raise ArgumentError(f"records: two or more are compared; got {len(records)}")
    names = list(records)
    for name in names[1:]:
        _check(names[0], records[names[0]], name, records[name])
    metric = records[names[0]].metric
    values = {name: _value(name, record) for name, record in records.items()}
    ranked = sorted(names, key=lambda name: -values[name])
    best = records[ranked[0]]
    ours = [replace(_ours(name, records[name]), method=name) for name in ranked]
    others = [each for each in records[names[0]].scores if each.kind != "lstm"]
    differences = tuple(_apart(metric, ranked[0], name, records, seed) for name in ranked[1:])
    return replace(
        best,
        scores=(*ours, *others),
        verdict=_verdict(metric, values, ranked, differences),
        differences=differences,
        settings=_settings(records),
        notes=(
            f"Drawn are the alarms of {ranked[0]}; the yardsticks are those of {names[0]}.",
            "Which one is best was seen on the test part: judge it anew on rows that come later.",
            *best.notes,
        ),
    )


def _check(first: str, one: AnomalyEvaluation, second: str, two: AnomalyEvaluation) -> None:
    for what, of in _SAME.items():
        if of(one) != of(two):
            raise DataError(
                f"{first} and {second} differ in their {what}: only what was judged on the same "
                "test part can be compared; evaluate both on the same data"
            )


def _ours(name: str, record: AnomalyEvaluation) -> AnomalyScore:
    found = record.ours
    if found is None:
        raise DataError(f"{name}: the record holds no scores of a detector; evaluate it again")
    return found


def _value(name: str, record: AnomalyEvaluation) -> float:
    found = _ours(name, record).measures.get(record.metric)
    if found is None or found.value is None:
        raise DataError(f"{name}: nothing is labelled, so there is nothing to compare by")
    return found.value


def _apart(
    metric: str, first: str, second: str, records: Mapping[str, AnomalyEvaluation], seed: int
) -> Difference:
    """The first minus the second, series by series."""
    one, two = (_by_series(records[name]) for name in (first, second))
    change = float(np.nanmean(one) - np.nanmean(two))
    drawn: Floats | None = None
    known = np.flatnonzero(np.isfinite(one) & np.isfinite(two))
    parts = drawn_weights(len(known), seed=seed)
    if parts is not None:
        weights = np.concatenate(list(parts))
        drawn = weights @ (one - two)[known] / weights.sum(1)
    found = measured(change, drawn)
    return Difference(metric, first, second, change, found.low, found.high)


def _by_series(record: AnomalyEvaluation) -> Floats:
    return np.array([np.nan if e.score is None else e.score for e in record.by_series])


def _verdict(
    metric: str, values: Mapping[str, float], ranked: list[str], apart: tuple[Difference, ...]
) -> str:
    """Which one is best, and whether that is beyond chance."""
    best, words = ranked[0], METRICS[metric]
    first = f"{best} has the highest {words}, {values[best]:.3f}"
    if any(each.low is None for each in apart):
        rest = " and ".join(f"{name} ({values[name]:.3f})" for name in ranked[1:])
        return f"{first}, before {rest}; series are too few to tell chance from skill."
    near = [each.theirs for each in apart if (each.low or 0.0) <= 0]
    if near:
        return f"{first}; it cannot be told apart from {' and '.join(near)}."
    return f"{first}, beyond chance above all others."


def _settings(records: Mapping[str, AnomalyEvaluation]) -> dict[str, str]:
    """Settings that differ, by detector."""
    every = dict.fromkeys(key for record in records.values() for key in record.settings)
    return {
        f"{name}: {key}": record.settings.get(key, "not set")
        for key in every
        if len({record.settings.get(key) for record in records.values()}) > 1
        for name, record in records.items()
    }
