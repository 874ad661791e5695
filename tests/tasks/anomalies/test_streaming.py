"""Rows that are pushed one by one have the scores that they have as a whole."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
import pytest

from longshort import (
    AnomalyDetector,
    Columns,
    Recurrent,
    Scaling,
    Scores,
    Session,
    Surprise,
    Threshold,
    Training,
    Window,
)
from longshort.errors import ArgumentError, DataError

QUICK: dict[str, Any] = {
    "recurrent": Recurrent(6, dropout=0.0),
    "window": Window(12),
    "training": Training(epochs=2, members=2, rate=2e-2, steps=4),
    "fill": "missing",
}
MINUTE = np.timedelta64(60_000_000, "us")


def plant(rows: int = 160, pumps: str = "ab", missing: float = 0.05) -> pl.DataFrame:
    """Pumps of different levels, two channels each, covariates of every kind, and holes."""
    rng = np.random.default_rng(0)
    tables = []
    for level, pump in enumerate(pumps, 1):
        at = np.arange(rows)
        flow = 10 * level + np.sin(at / 3) + rng.normal(0, 0.2, rows)
        heat = np.cos(at / 3) + rng.normal(0, 0.2, rows)
        for channel in (flow, heat):
            channel[rng.random(rows) < missing] = np.nan
        heat[100:130] = heat[99]
        flow[140:145] += 4
        table = {
            "time": np.datetime64("2024-03-01", "us") + 10 * MINUTE * at,
            "pump": [pump] * rows, "flow": flow, "heat": heat,
            "load": rng.normal(size=rows), "planned": (at % 20 < 5).astype(float),
            "mode": [("idle", "run", "")[n // 7 % 3] for n in at], "size": [float(level)] * rows,
        }  # fmt: skip
        tables.append(pl.DataFrame(table))
    return pl.concat(tables).fill_nan(None)


def replayed(detector: AnomalyDetector, table: pl.DataFrame, **given: Any) -> list[dict[str, Any]]:
    session = Session(detector, table["pump"].n_unique(), **given)
    return [
        session.told(tuple(part[None] for part in session.push(row)))[0]
        for row in table.rows(named=True)
    ]


CONFIGURED: dict[str, dict[str, Any]] = {
    "plain": {"columns": Columns("time", "pump", ["flow", "heat"], past=())},
    "season": {
        "columns": Columns("time", "pump", ["flow", "heat"], past=()),
        "window": Window(12, relative="season", season=19),
        "scaling": Scaling(per_series=True),
    },
    "covariates": {
        "columns": Columns(
            "time", "pump", ["flow", "heat"], ["load", "mode"], ["planned"], ["size"],
            category=["pump"],
        ),
        "threshold": Threshold("dynamic", window=40, every=10),
    },
    "reconstruction": {
        "columns": Columns("time", "pump", ["flow", "heat"], ["load"]),
        "surprise": Surprise("reconstruction", "gaussian", code=3),
        "scaling": Scaling(per_series=True),
    },
    "both": {
        "columns": Columns("time", "pump", ["flow", "heat"], past=()),
        "surprise": Surprise("both", code=3),
    },
    "shared": {
        "columns": Columns("time", "pump", ["flow", "heat"], past=()),
        "surprise": Surprise(output="gaussian", channels="shared"),
        "window": Window(12, relative="none"),
        "scores": Scores(smooth=0, adapt=None, channels="mean"),
    },
}  # fmt: skip


# what others show in part
_SLOW = ("reconstruction", "shared")


@pytest.mark.parametrize(
    "name",
    [pytest.param(n, marks=pytest.mark.slow if n in _SLOW else ()) for n in CONFIGURED],
)
def test_pushed_rows_have_the_scores_of_the_whole(name: str) -> None:
    table = plant()
    detector = AnomalyDetector(**QUICK | CONFIGURED[name]).fit(table)
    whole = detector.predict(table)
    told = pl.DataFrame(replayed(detector, table), infer_schema_length=None)
    for column in ("score", "share_flow"):
        np.testing.assert_allclose(told[column], whole[column], atol=2e-5)
    wanted = whole.select(pl.when(pl.col("threshold").is_finite()).then("threshold"))
    np.testing.assert_allclose(told["threshold"], wanted["threshold"], atol=2e-5)
    assert told["fault"].to_list() == whole["fault"].to_list()
    close = np.abs(np.asarray(whole["score"] - whole["threshold"])) < 1e-4
    assert (told["alarm"].to_numpy() == whole["alarm"].to_numpy())[~close].all()


def test_sessions_are_kept_and_go_on() -> None:
    table = plant().sort("time", "pump")[:120]
    detector = AnomalyDetector(**QUICK | CONFIGURED["covariates"]).fit(plant())
    session, told = Session(detector, 2), []
    for number, row in enumerate(table.rows(named=True)):
        if number % 37 == 0:
            session = Session.restore(detector, session.snapshot())
        told.append(session.push(row).score)
    whole = detector.predict(table).sort("time", "pump")
    np.testing.assert_allclose(told, whole["score"], atol=2e-5)


def test_a_row_that_does_not_come_is_one_without_values() -> None:
    table = plant(pumps="a", missing=0.0)
    detector = AnomalyDetector(**QUICK | CONFIGURED["plain"]).fit(table)
    holes = table.filter(~pl.int_range(pl.len()).is_between(50, 52))
    whole = detector.predict(holes)
    assert whole.height == table.height
    came = whole.filter(~pl.int_range(pl.len()).is_between(50, 52))
    told = [row["score"] for row in replayed(detector, holes)]
    np.testing.assert_allclose(told, came["score"], atol=2e-5)


def test_what_reads_both_ways_reads_no_stream() -> None:
    table = plant(pumps="a")
    settings = QUICK | CONFIGURED["plain"] | {"recurrent": Recurrent(6, bidirectional=True)}
    with pytest.raises(ArgumentError, match="bidirectional"):
        Session(AnomalyDetector(**settings).fit(table))


def test_a_value_that_cannot_be_encoded_changes_nothing() -> None:
    settings = {**QUICK, "scaling": Scaling(log=True), "surprise": Surprise("both")}
    table = plant(pumps="a", missing=0)
    detector = AnomalyDetector(Columns("time", "pump", "flow", past=()), **settings).fit(table)
    rows = table.rows(named=True)[:20]
    spoilt, whole = Session(detector), Session(detector)
    for at, row in enumerate(rows):
        if at in (0, 15):
            with pytest.raises(DataError, match="'flow' is -1"):
                spoilt.push({**row, "flow": -1.0})
        np.testing.assert_array_equal(spoilt.push(row).score, whole.push(row).score)
    assert spoilt.snapshot() == whole.snapshot()
