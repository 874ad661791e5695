"""A detector from the file to scores, alarms and the model file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

import longshort
from longshort import (
    AnomalyDetector,
    Columns,
    Recurrent,
    Scaling,
    Surprise,
    Threshold,
    Training,
    Window,
)
from longshort.checkpoint import Checkpoint
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


def test_what_is_not_there_or_far_too_large_scores_and_crashes_nothing(
    detector: AnomalyDetector, data: pl.DataFrame
) -> None:
    at = pl.int_range(pl.len())
    wild = data.with_columns(
        flow=pl.when(at == 640).then(1e30).when(at == 650).then(-1e12).otherwise("flow"),
        heat=pl.when(at.is_between(660, 690)).then(None).otherwise("heat"),
    )
    told = detector.predict(wild)
    assert told["score"].is_finite().all()
    assert told["score"][640] > told["score"][639] + 0.3
    assert told["fault"][685] == "heat missing"
    gone = detector.alarms(wild).filter(pl.col("cause") == "missing")
    assert gone["channel"].to_list() == ["heat"]
    with pytest.raises(DataError, match="no column 'heat'"):
        detector.predict(data.drop("heat"))


def test_data_that_cannot_be_learnt_from_are_told(data: pl.DataFrame) -> None:
    columns = Columns("time", target=["flow", "heat"], past=())
    for given, table, told in (
        ({}, pl.concat([data[:50], data[49:]]), "is there twice"),
        ({}, data.filter(pl.int_range(pl.len()) % 7 != 3), "a gap where rows are 1 hour apart"),
        ({}, data[:20], "one example needs 25"),
        ({"labels": "wrong"}, data, "'wrong'"),
        ({"labels": "bad"}, data.with_columns(bad=pl.lit(1)), "every row is labelled"),
        ({"clean": [("2030-01-01", "2031-01-01")]}, data, "no row lies in the clean ranges"),
    ):
        with pytest.raises(DataError, match=told):
            AnomalyDetector(columns, **QUICK | given).fit(table)


def test_only_clean_rows_are_learnt_from(data: pl.DataFrame) -> None:
    """What the ranges leave out changes no weight."""
    columns = Columns("time", target=["flow"], past=())
    clean = [("2024-01-01", "2024-01-15"), ("2024-01-19", "2024-02-01")]
    quick = QUICK | {"training": Training(epochs=1, members=1), "window": Window(24)}
    wild = data.with_columns(
        flow=pl.when(pl.int_range(pl.len()) == 400).then(5.5).otherwise("flow")
    )
    one, other = (
        AnomalyDetector(columns, clean=clean, scaling=Scaling("none"), **quick).fit(each[:FIT])
        for each in (data, wild)
    )
    for name, weight in one.models_[0].state_dict().items():
        assert weight.equal(other.models_[0].state_dict()[name]), name


def test_a_fit_that_was_broken_off_goes_on_as_if_it_had_not(
    data: pl.DataFrame, tmp_path: Path
) -> None:
    columns = Columns("time", target=["flow"], past=())
    quick = QUICK | {"training": Training(epochs=4, members=1)}
    whole = AnomalyDetector(columns, **quick).fit(data[:FIT])

    class Stop:
        def start(self, *_: Any) -> None: ...
        def note(self, *_: Any) -> None: ...
        def finish(self, *_: Any) -> None: ...
        def epoch(self, epoch: Any) -> None:
            if epoch.epoch == 1:
                raise RuntimeError("power")

    checkpoint = Checkpoint(tmp_path / "checkpoint.lstm", 0.0)
    with pytest.raises(RuntimeError, match="power"):
        AnomalyDetector(columns, **quick).fit(data[:FIT], progress=Stop(), checkpoint=checkpoint)
    assert checkpoint.exists
    again = AnomalyDetector(columns, **quick).fit(data[:FIT], checkpoint=checkpoint)
    assert np.array_equal(again.anomaly_scores(data), whole.anomaly_scores(data))
    assert again.threshold_ == whole.threshold_


@pytest.mark.parametrize("by", ["reconstruction", "both"])
def test_other_views_are_kept_in_the_file_too(by: str, data: pl.DataFrame, tmp_path: Path) -> None:
    quick = QUICK | {"training": Training(epochs=3, members=2, steps=5)}
    columns = Columns("time", target=["flow", "heat"], past=())
    found = AnomalyDetector(columns, surprise=Surprise(by, code=3), **quick).fit(data[:FIT])  # type: ignore[arg-type]
    found.save(tmp_path / "model.lstm")
    again = longshort.load(tmp_path / "model.lstm")
    assert isinstance(again, AnomalyDetector)
    whole = found.anomaly_scores(data)
    assert np.array_equal(again.anomaly_scores(data), whole)
    np.testing.assert_allclose(found.anomaly_scores(data[:750]), whole[:750], atol=1e-5)
    assert whole[700:720].max() > 3 * np.abs(whole[FIT:700]).mean()
    if by == "reconstruction":
        with pytest.raises(ArgumentError, match="expects nothing"):
            found.explain(data)
    else:
        assert found.explain(data).leanings
