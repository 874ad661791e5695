"""A detector from the file to scores, alarms and the model file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

import longshort
from longshort import AnomalyDetector, Columns, Recurrent, Threshold, Training, Window
from longshort.errors import ArgumentError, DataError, LongshortWarning

QUICK: dict[str, Any] = {
    "recurrent": Recurrent(12, dropout=0.0),
    "window": Window(24),
    "training": Training(epochs=15, members=1, rate=2e-2, weight_decay=0.0),
}
ROWS, FIT = 900, 600


def sensors(rows: int = ROWS, seed: int = 0) -> pl.DataFrame:
    """Two channels of a daily wave; the first jumps for ten rows, the second stops later on."""
    rng = np.random.default_rng(seed)
    at = np.arange(rows)
    wave = np.sin(2 * np.pi * at / 24)
    flow = 5 + wave + rng.normal(0, 0.1, rows)
    heat = 20 - 2 * wave + rng.normal(0, 0.2, rows)
    flow[700:710] += 3
    heat[800:870] = heat[800]
    hour = np.datetime64("2024-01-01", "us") + at * np.timedelta64(3_600_000_000, "us")
    return pl.DataFrame(
        {"time": hour, "flow": flow, "heat": heat, "bad": ((at >= 700) & (at < 710)).astype(int)}
    )


@pytest.fixture(scope="module")
def data() -> pl.DataFrame:
    return sensors()


@pytest.fixture(scope="module")
def detector(data: pl.DataFrame) -> AnomalyDetector:
    columns = Columns("time", target=["flow", "heat"])
    return AnomalyDetector(columns, labels="bad", **QUICK).fit(data[:FIT])


def test_what_jumps_has_the_highest_score_and_its_channel_is_named(
    detector: AnomalyDetector, data: pl.DataFrame
) -> None:
    before = data[:800]
    scores = detector.anomaly_scores(before)
    assert 700 <= int(scores[FIT:].argmax()) + FIT < 725
    alarms = detector.alarms(before).filter(pl.col("cause") == "surprise").sort("score")
    worst = alarms.row(-1, named=True)
    assert worst["channel"] == "flow"
    assert worst["share_flow"] + worst["share_heat"] == pytest.approx(1)
    assert data["time"][695] < worst["start"] <= data["time"][705] < worst["end"]


def test_a_sensor_that_stops_is_told(detector: AnomalyDetector, data: pl.DataFrame) -> None:
    stuck = detector.alarms(data).filter(pl.col("cause") == "stuck")
    assert stuck["channel"].to_list() == ["heat"]
    assert stuck["start"][0] == data["time"][850]
    assert stuck["end"][0] == data["time"][869]
    assert detector.predict(data)["fault"][855] == "heat stuck"


def test_a_row_has_its_score_from_the_rows_up_to_it(
    detector: AnomalyDetector, data: pl.DataFrame
) -> None:
    whole = detector.anomaly_scores(data)
    changed = data.with_columns(pl.when(pl.int_range(pl.len()) < 750).then("flow").otherwise(99.0))
    np.testing.assert_allclose(detector.anomaly_scores(data[:750]), whole[:750], atol=1e-5)
    np.testing.assert_allclose(detector.anomaly_scores(changed)[:750], whole[:750], atol=1e-5)


def test_labels_are_never_an_input(detector: AnomalyDetector, data: pl.DataFrame) -> None:
    turned = data.with_columns(bad=1 - pl.col("bad"))
    for other in (turned, data.drop("bad")):
        assert np.array_equal(detector.anomaly_scores(other), detector.anomaly_scores(data))
    assert [field.name for field in detector.fields_] == ["flow", "heat"]
    assert detector.score(data[:800]) > 3 * data[:800]["bad"].mean()


def test_a_file_keeps_everything(
    detector: AnomalyDetector, data: pl.DataFrame, tmp_path: Path
) -> None:
    detector.save(tmp_path / "model.lstm")
    again = longshort.load(tmp_path / "model.lstm")
    assert isinstance(again, AnomalyDetector)
    assert again.predict(data).equals(detector.predict(data))
    assert again.alarms(data).equals(detector.alarms(data))
    assert again.threshold_ == detector.threshold_
    again.save(tmp_path / "again.lstm")
    assert (tmp_path / "again.lstm").read_bytes() == (tmp_path / "model.lstm").read_bytes()


def test_settings_that_cannot_be_are_told() -> None:
    with pytest.raises(ArgumentError, match="must be above 0"):
        Threshold(rate=0)
    with pytest.raises(ArgumentError, match="spot"):
        Threshold(method="spott")  # type: ignore[arg-type]


def test_a_channel_that_never_changes_is_watched_with_a_word(data: pl.DataFrame) -> None:
    columns = Columns("time", target=["flow", "still"], past=())
    still = data.with_columns(still=pl.when(pl.int_range(pl.len()) < 650).then(7.0).otherwise(9.0))
    with pytest.warns(LongshortWarning, match="'still' never changes"):
        found = AnomalyDetector(columns, **QUICK).fit(still[:FIT])
    told = found.predict(still[:655])
    assert told["score"][650] > told["score"][649] + 0.3
    assert told["share_still"][650] > 0.9
    with pytest.raises(DataError, match="constant in the training part"):
        AnomalyDetector(Columns("time", target=["still"], past=()), **QUICK).fit(still[:FIT])
