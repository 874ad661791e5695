"""Intervals that were calibrated on the validation part hold what they say, whatever the output."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from longshort import Columns, Forecaster, Recurrent, Scaling, Split, Training, Window, load
from longshort.errors import ArgumentError
from longshort.heads.conformal import shifts
from longshort.heads.distributions import LEVELS

COLUMNS = Columns("day", target=["y", "z"])
SETTINGS: dict[str, Any] = {
    "horizon": 2,
    "window": Window(context=6),
    "recurrent": Recurrent(size=6),
    "split": Split(valid=0.3, test=0.3),
}


def noise(rows: int = 500, seed: int = 0) -> pl.DataFrame:
    """Values that are exchangeable: counts, so that every output can forecast them."""
    rng = np.random.default_rng(seed)
    days = np.datetime64("2020-01-01") + np.arange(rows)
    y, z = rng.negative_binomial(5, 0.2, rows), rng.poisson(2.0, rows)
    return pl.DataFrame({"day": days, "y": y.astype(float), "z": z.astype(float)})


def fitted(data: pl.DataFrame, **settings: Any) -> Forecaster:
    training = settings.pop("training", Training(epochs=2, members=1))
    return Forecaster(COLUMNS, **SETTINGS, training=training, **settings).fit(data)


def by_hand(model: Forecaster, data: pl.DataFrame, kind: Any) -> np.ndarray:
    """The shifts that the validation part asks for, from what the networks say without any."""
    series = model._read_again(data)
    _, valid, _ = model._parts(series, model.seen_.recall(series))
    index = np.arange(len(valid))
    kept = [net.head.errors.clone() for net in model.models_]
    for net in model.models_:
        net.head.errors.zero_()
    quantiles = model.forecasts(valid, index.tolist()).quantiles
    for net, errors in zip(model.models_, kept, strict=True):
        net.head.errors.copy_(errors)
    centre, spread = (part[:, None] for part in valid.statistics(index))
    encode = valid.codec.encode_target
    told = encode(quantiles, centre[..., None], spread[..., None])
    return shifts(encode(valid.actual(index), centre, spread), told, LEVELS, kind)


@pytest.mark.parametrize(
    "output", ["quantiles", "gaussian", "student-t", "negative-binomial", "mse", "mae", "huber"]
)
def test_every_output_covers_what_it_says(output: Any) -> None:
    data = noise(1200)
    score = fitted(data, output=output).evaluate(data, yardsticks="quick").scores[0]
    assert (score.method, score.target) == ("LSTM", "y")
    # three standard deviations of what 360 validation and 360 test values leave to chance
    assert score.coverage == pytest.approx(0.8, abs=0.09)


@pytest.mark.parametrize("log", [False, True])
@pytest.mark.parametrize("kind", ["symmetric", "asymmetric"])
def test_the_mean_of_all_networks_is_what_is_calibrated(kind: Any, log: bool) -> None:
    data = noise()
    training = Training(epochs=2, members=3)
    model = fitted(data, calibration=kind, training=training, scaling=Scaling(log=log))
    expected = by_hand(model, data, kind)
    assert np.abs(expected).max() > 0.05
    for net in model.models_:
        np.testing.assert_allclose(net.head.errors.numpy(), expected, atol=1e-5)
    series = model._read_again(data)
    _, valid, _ = model._parts(series, model.seen_.recall(series))
    index = range(len(valid))
    quantiles, actual = model.forecasts(valid, index).quantiles, valid.actual(index)
    inside = (quantiles[..., 1] - 1e-5 <= actual) & (actual <= quantiles[..., 17] + 1e-5)
    # the part that it was calibrated on, to the last window but one
    assert (inside.mean(0) >= 0.8 * (1 + 1 / len(valid)) - 1e-9).all()


def test_it_is_kept_in_the_model_file_and_can_be_left_out(tmp_path: Path) -> None:
    data = noise(300)
    model, plain = fitted(data), fitted(data, calibration="none")
    ends = [0.1, 0.5, 0.9]
    assert (plain.models_[0].head.errors == 0).all()
    assert (model.models_[0].head.errors != 0).any()
    model.save(tmp_path / "m.lstm")
    again = load(tmp_path / "m.lstm")
    assert again.calibration == "symmetric"
    assert again.predict(data, quantiles=ends).equals(model.predict(data, quantiles=ends))
    here, there = (m.predict(data, quantiles=ends) for m in (model, plain))
    assert here["y"].equals(there["y"])
    assert (here["y_q10"] != there["y_q10"]).all()
    with pytest.raises(ArgumentError, match="did you mean 'symmetric'"):
        fitted(data, calibration="symetric")


def test_an_evaluation_says_how_intervals_were_made() -> None:
    data = noise(400)
    model = fitted(data)
    plain, followed = (
        model.evaluate(data, yardsticks="quick"),
        model.evaluate(data, adaptive=0.05, yardsticks="quick"),
    )
    told = (
        "The network's intervals were calibrated on the validation part (split conformal, "
        "symmetric)."
    )
    assert told in plain.notes
    assert any("adaptive conformal inference, rate 0.05" in note for note in followed.notes)
    for before, after in zip(plain.scores, followed.scores, strict=True):
        assert before.mae == after.mae
        assert before.width != after.width
    assert "split conformal" not in " ".join(
        fitted(data, calibration="none").evaluate(data, yardsticks="quick").notes
    )
    points = fitted(data, output="mse", calibration="none").evaluate(data, yardsticks="quick")
    assert "The network's intervals are those of its errors on the validation part." in points.notes
    with pytest.raises(ArgumentError, match="adaptive=2"):
        model.evaluate(data, adaptive=2)


def test_a_short_validation_part_calibrates_points_alone() -> None:
    data = noise(300)
    settings = {**SETTINGS, "split": Split(valid=0.2, test=0.3)}
    training = Training(epochs=1, members=1)
    for output, moved in (("quantiles", False), ("mae", True)):
        model = Forecaster(COLUMNS, **settings, output=output, training=training).fit(data)
        assert bool((model.models_[0].head.errors != 0).any()) == moved


def test_a_refit_keeps_what_was_learnt_on_unseen_windows() -> None:
    data = noise(400)
    settings = {"training": Training(epochs=2, members=2, refit=True, patience=None)}
    again = fitted(data, **settings)
    plain = fitted(data, training=Training(epochs=2, members=1, patience=None))
    assert again.refitted_
    first, second = (net.head.errors for net in again.models_)
    assert (first == plain.models_[0].head.errors).all()
    assert (first != second).any()
