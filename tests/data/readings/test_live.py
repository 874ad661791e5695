"""Rows that are read one by one are what the reading of whole recordings makes of them."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
import pytest

from longshort import Roles, Signal
from longshort.data.readings.live import LiveSignal
from longshort.data.readings.signals import SignalReading
from longshort.errors import ArgumentError
from longshort.tasks.labels.reading import read_corpus

ROLES = Roles(
    item="who", time="when", static=("age", "ward"), channels=("pulse", "gauge", "mood", "code")
)


def visits(items: int = 6, rows: int = 9) -> pl.DataFrame:
    rng = np.random.default_rng(0)
    many = np.array([f"code{n}" for n in range(40)])
    parts = []
    for item in range(items):
        when = np.datetime64("2024-01-01", "us") + np.cumsum(
            rng.integers(1, 600, rows)
        ) * np.timedelta64(1, "m")
        pulse = np.where(rng.random(rows) < 0.4, np.nan, rng.normal(70, 9, rows))
        parts.append(pl.DataFrame({
            "who": f"p{item}", "when": when, "pulse": pulse, "gauge": rng.normal(size=rows),
            "mood": rng.choice(["well", "ill", "so"], rows), "code": rng.choice(many, rows),
            "age": float(item) if item else None, "ward": "ab"[item % 2],
        }, schema_overrides={"age": pl.Float64}))  # fmt: skip
    return pl.concat(parts).fill_nan(None)


@pytest.mark.parametrize(
    "signal",
    [
        Signal(),
        Signal("ranks", gaps="decay"),
        Signal("none", gaps="mean"),
        Signal(missing=False),
    ],
)
def test_a_row_is_read_as_in_the_whole(signal: Signal) -> None:
    table = visits()
    corpus = read_corpus(table, ROLES, labelled=False)
    reading = SignalReading.fit(corpus, signal)
    whole = reading.read(corpus, range(len(corpus)))
    live = LiveSignal(reading, len(corpus))
    layout = live.layout(("who",), "when")
    assert set(layout.needed) == set(table.columns)
    keys = [f"p{item}" for item in range(6)]
    # some sessions at a time, in any order
    rng = np.random.default_rng(1)
    place = np.zeros(6, int)
    while (place < 9).any():
        some = np.flatnonzero((rng.random(6) < 0.6) & (place < 9))
        if not len(some):
            continue
        rows: list[dict[str, Any]] = [
            table.filter(who=keys[item]).row(int(place[item]), named=True) for item in some
        ]
        values = np.stack([layout.values(row) for row in rows])
        times = np.array([layout.time(row) for row in rows])
        found, seen = live.step(some, values, times)
        assert (seen[:, 0] == [row["pulse"] is not None for row in rows]).all()
        assert set(found.inputs) == set(whole.inputs)
        for name, wanted in whole.inputs.items():
            np.testing.assert_allclose(found.inputs[name], wanted[some, place[some]], atol=1e-6)
        for name, wanted in whole.static.items():
            np.testing.assert_allclose(found.static[name], wanted[some], atol=1e-6)
        place[some] += 1


def test_an_unknown_label_is_none_that_was_fitted() -> None:
    table = visits()
    corpus = read_corpus(table, ROLES, labelled=False)
    live = LiveSignal(SignalReading.fit(corpus), 1)
    layout = live.layout((), "when")
    row = {**table.row(0, named=True), "mood": "new", "code": "new"}
    found, _ = live.step(np.array([0]), layout.values(row)[None], np.array([layout.time(row)]))
    assert not found.inputs["labels"].any()
    whole = SignalReading.fit(corpus, Signal("item"))
    with pytest.raises(ArgumentError, match="needs a recording to its end"):
        LiveSignal(whole, 1)
