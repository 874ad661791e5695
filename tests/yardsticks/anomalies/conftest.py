"""Two series of a daily rhythm with anomalies whose places are known."""

from __future__ import annotations

import numpy as np

from longshort.data.sequences import Field, Sequences
from longshort.data.splits import Cuts, Portion
from longshort.data.steps import Step
from longshort.metrics.anomalies.runs import Bools

ROWS, DAY = 600, 24


def plant(series: int = 2, *, timed: bool = True, seed: int = 0) -> tuple[Portion, Bools]:
    """Hourly flow and pressure of pumps: 180 rows to train, 60 to validate, 360 to test.

    In the test part each pump has three anomalies of ten rows: a peak, a flat stretch and a
    phase that is turned around.
    """
    random = np.random.default_rng(seed)
    time = np.arange(ROWS)
    values, labels = [], []
    for pump in range(series):
        rhythm = np.sin(2 * np.pi * time / DAY)
        own = np.stack([rhythm, 5 + 2 * np.roll(rhythm, 3)], 1)
        own += 0.4 * random.standard_normal(own.shape)
        marked = np.zeros(ROWS, bool)
        for place, start in enumerate((300, 400, 520)):
            rows = slice(start + 7 * pump, start + 7 * pump + 10)
            marked[rows] = True
            own[rows, 0] = (own[rows, 0] + 1.5, np.full(10, 0.9), -own[rows, 0])[place]
        values.append(own)
        labels.append(marked)
    begin = np.datetime64("2024-03-01T00", "us")
    times = np.tile(begin + time * np.timedelta64(1, "h"), series)
    found = Sequences(
        (Field("flow", "target", "m3/h"), Field("pressure", "target", "bar")),
        tuple(f"pump {name}" for name in "ABCDEFGHIJKL"[:series]),
        np.arange(series + 1) * ROWS,
        times if timed else None,
        Step(1, "h") if timed else None,
        np.concatenate(values),
        "pumps.csv",
    )
    cuts = Cuts(*(np.full(series, rows) for rows in (180, 240, ROWS)))
    return Portion(found, cuts), np.concatenate(labels)
