"""Series and windows of them, for all yardsticks."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from longshort.data.codecs.calendar import calendar_cycles
from longshort.data.codecs.numbers import NumberCodec, Scaling
from longshort.data.encoding import Encoding
from longshort.data.sequences import Field, Sequences
from longshort.data.steps import Step
from longshort.data.windows import Windows

LEVELS = [round(0.05 * k, 2) for k in range(1, 20)]
DAY = Step(1, "d")


def sequences(*series, fields=None, step=DAY, start="2020-01-01"):
    """Series given as arrays (n, F), one field per role; all targets unless said."""
    fields = fields or ("target",) * series[0].shape[1]
    lengths = [len(values) for values in series]
    times = None
    if step is not None:
        first = np.datetime64(start, "us")
        times = np.concatenate([step.advance(first, np.arange(n)) for n in lengths])
    return Sequences(
        tuple(Field(f"x{at}", role) for at, role in enumerate(fields)),
        tuple(f"s{number}" for number in range(len(series))),
        np.concatenate([[0], np.cumsum(lengths)]),
        times,
        step,
        np.concatenate(series),
        "a test",
    )


def windows(data, first, last, *, context=4, horizon=3, train=None, scaling=None, **changes):
    """Windows with origins first to last - 1 of every series."""
    size = len(data)
    train = data.lengths if train is None else np.full(size, train)
    cycles = calendar_cycles(data.step) if data.times is not None else ()
    encoding = Encoding(
        codec=NumberCodec.fit(data, train, scaling or Scaling()),
        context=context,
        horizon=horizon,
        relative="last",
        season=1,
        cycles=cycles,
        masked=(),
    )
    return Windows(data, replace(encoding, **changes), np.full(size, first), np.full(size, last))


def walks(*lengths, targets=2, gaps=0.0, seed=0):
    rng = np.random.default_rng(seed)
    series = [rng.normal(size=(n, targets)).cumsum(0) for n in lengths]
    for values in series:
        values[rng.uniform(size=values.shape) < gaps] = np.nan
    return series


def every(view):
    return np.arange(len(view))
