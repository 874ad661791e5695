"""A fitted detector as a method beside yardsticks, and the rule that sets their thresholds."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from longshort.data.sequences import Floats, Sequences
from longshort.data.splits import Cuts, Seen
from longshort.errors import ArgumentError, DataError
from longshort.evaluate.alarms import Rule
from longshort.tasks.anomalies.alarms import Scored, find_alarms
from longshort.tasks.anomalies.thresholds import Calm, Limit, Threshold, duration, find_limit
from longshort.yardsticks.anomalies.base import Alarms, AnomalyMethod


def detector_method(
    name: str, scored: Callable[[Sequences], Scored], channels: tuple[str, ...], apart: int
) -> AnomalyMethod:
    """What an evaluation asks of a detector: scores, and alarms with their causes.

    Args:
        name: how it is called in tables.
        scored: everything that is told of series.
        channels: their names.
        apart: rows without an alarm that end one.
    """
    last: list[tuple[Sequences, Scored]] = []

    def found(sequences: Sequences) -> Scored:
        # scores and alarms are asked for one after the other, of the same series
        if not (last and last[0][0] is sequences):
            last[:] = [(sequences, scored(sequences))]
        return last[0][1]

    def scores(sequences: Sequences) -> list[Floats]:
        told = found(sequences).scores
        return [told[sequences.rows(at)] for at in range(len(sequences))]

    def alarms(sequences: Sequences) -> list[Alarms]:
        told = found(sequences)
        faulty = told.stuck | told.missing
        # of a row that is an alarm by its faults alone, they are the cause
        causes = np.where((~told.flags & faulty.any(1))[:, None], faulty, told.channels)
        flags = told.flags | faulty.any(1)
        every = find_alarms(sequences, told.scores, causes, flags, apart)
        answers = []
        for at in range(len(sequences)):
            start = int(sequences.offsets[at])
            own = [alarm for alarm in every if alarm.series == at]
            rows = [(alarm.start - start, alarm.end + 1 - start) for alarm in own]
            shares = tuple(
                dict(sorted(zip(channels, map(float, alarm.shares), strict=True), key=_falling))
                for alarm in own
            )
            limits = told.limits[sequences.rows(at)]
            limits = np.where(np.isfinite(limits), limits, np.nan)
            answers.append(Alarms(np.array(rows, np.int64).reshape(-1, 2), limits, shares))
        return answers

    return AnomalyMethod(name, "lstm", scores, alarms)


def _falling(share: tuple[str, float]) -> float:
    return -share[1]


def threshold_rule(sequences: Sequences, settings: Threshold) -> Rule:
    """What sets the threshold of methods without one: by the same rate of alarms, without labels.

    A threshold that is fixed, or dynamic, says nothing of other methods' scores: theirs is set by
    extreme values, for one alarm in 1,000 rows.
    """
    own = settings if settings.method in ("spot", "conformal") else Threshold(apart=settings.apart)

    def rule(scores: Floats) -> float:
        offsets = np.array([0, len(scores)], np.int64)
        limit = find_limit(Calm(scores, offsets, *duration(sequences, len(scores))), own)
        # alarms lie above a limit, and reach what a rule answers: scores that never move are none
        return float(np.nextafter(limit.value, np.inf))

    return rule


def in_words(limit: Limit, settings: Threshold) -> str:
    """How alarms come about, for a record."""
    return (
        f"Threshold by {settings.method}: {limit.told}. It expects {limit.expected:.3g} alarms "
        f"{limit.unit}."
    )


def refuse_windows(by: str) -> None:
    """Refuse to explain what is expected where nothing is.

    Raises:
        ArgumentError: so it is.
    """
    if by == "reconstruction":
        raise ArgumentError(
            "a detector by reconstruction expects nothing that could be explained: what an alarm "
            "was caused by, alarms() tells (predict --alarms)"
        )


def refuse_seen(sequences: Sequences, cuts: Cuts, seen: Seen) -> None:
    """Refuse data without a row that the model has not seen.

    Raises:
        DataError: there is none.
    """
    if not (cuts.end > cuts.test_start).any():
        raise DataError(
            f"{sequences.source}: no row comes after those the model has seen (up to "
            f"{seen.until(sequences)}). Evaluate on data that go on, or fit with Split(test=...) "
            "(--test), which leaves a part unseen."
        )
