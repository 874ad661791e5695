"""What scores rows by how anomalous they are, and what a yardstick for anomalies is."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, Protocol

import numpy as np

from longshort.data.sequences import Floats, Sequences
from longshort.data.steps import Ints
from longshort.records import Kind


class Alarms(NamedTuple):
    """What is alarmed in one series of T rows.

    intervals: (M, 2) of first row and row after last, in order.
    threshold: (T,) what a score had to reach, NaN where there was none.
    channels: of each alarm, what caused it: shares by name that sum to 1; {} where nothing is said.
    """

    intervals: Ints
    threshold: Floats
    channels: tuple[dict[str, float], ...] = ()


class AnomalyMethod(NamedTuple):
    """Whatever watches series: a name, what kind it is, and what it makes of rows.

    scores: of each series (T,), greater is more anomalous; a row's score depends on rows up to it
        alone. NaN where nothing can be told.
    alarms: of each series, by the method's own threshold; None lets the evaluation set one by the
        rule that it is given, the same for all.
    """

    name: str
    kind: Kind
    scores: Callable[[Sequences], list[Floats]]
    alarms: Callable[[Sequences], list[Alarms]] | None = None


class AnomalyYardstick(Protocol):
    """A rule or a classical method that learns what is usual from training rows."""

    @property
    def name(self) -> str:
        """How it is called in tables."""
        ...

    @property
    def kind(self) -> Kind:
        """ "naive" for a rule without fitted parameters or nearly so, "classical" for a model."""
        ...

    def refuses(self, train: Sequences) -> str:
        """A sentence on why it cannot be fitted on such rows; "" if it can."""
        ...

    def fit(self, train: Sequences, seed: int) -> AnomalyMethod:
        """Learn from the training rows alone, without labels.

        Args:
            train: every series' training rows; a series may have none.
            seed: of whatever is random.
        """
        ...


class Usual(NamedTuple):
    """Where the targets of each series lie and how wide, by its key; of all series for others."""

    by_key: dict[str, tuple[Floats, Floats]]
    of_all: tuple[Floats, Floats]

    @classmethod
    def of(cls, train: Sequences) -> Usual:
        """Means and deviations (K,) of observed training values, deviations above 0."""
        own = {
            key: _moments(train.targets[train.rows(at)])
            for at, key in enumerate(train.keys)
            if np.isfinite(train.targets[train.rows(at)]).any()
        }
        return cls(own, _moments(train.targets))

    def scaled(self, series: Sequences, at: int) -> Floats:
        """(T, K) targets of one series in deviations from its mean; missing ones stay so."""
        mean, deviation = self.by_key.get(series.keys[at], self.of_all)
        return (series.targets[series.rows(at)] - mean) / deviation


def _moments(values: Floats) -> tuple[Floats, Floats]:
    seen = np.isfinite(values)
    count = np.maximum(seen.sum(0), 1)
    mean = np.where(seen, values, 0.0).sum(0) / count
    spread = np.sqrt(np.where(seen, np.square(values - mean), 0.0).sum(0) / count)
    # a channel that never moved: any change is measured in parts of its size
    return mean, np.where(spread > 0, spread, np.maximum(1e-6 * np.abs(mean), 1e-12))


def over_channels(values: Floats) -> Floats:
    """(T,) the mean of (T, K) over channels that are observed; NaN where none is."""
    seen = np.isfinite(values)
    total = np.where(seen, values, 0.0).sum(1)
    return np.where(seen.any(1), total / np.maximum(seen.sum(1), 1), np.nan)
