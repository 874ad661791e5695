"""A whole evaluation: every yardstick on the same windows, and what a reader must know."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from longshort import Columns, Forecaster, Recurrent, Split, Training, Window
from longshort.errors import ArgumentError
from longshort.records import Evaluation

RULES = ["persistence", "seasonal naive (7)", "drift", "mean", "climatology"]
QUICK = ["LSTM", *RULES, "ridge autoregression"]
SLOW = ["gradient boosting", "AutoETS", "AutoARIMA", "Theta"]


def weekly(rows: int = 260) -> pl.DataFrame:
    rng = np.random.default_rng(0)
    days = np.arange(rows)
    sold = 50 + 9 * np.sin(2 * np.pi * days / 7) + 0.3 * rng.normal(size=rows).cumsum()
    stamps = np.datetime64("2022-01-01") + days
    return pl.DataFrame({"day": stamps, "sold": sold + rng.normal(size=rows)})


@pytest.fixture(scope="module")
def model() -> Forecaster:
    return Forecaster(
        Columns("day", target="sold"),
        horizon=3,
        window=Window(context=10),
        split=Split(valid=0.2, test=0.2),
        recurrent=Recurrent(size=6),
        training=Training(epochs=2, members=1),
    ).fit(weekly())


def test_every_yardstick_is_judged_on_the_same_windows(model: Forecaster) -> None:
    pytest.importorskip("statsforecast")
    found = model.evaluate(weekly())
    assert [score.method for score in found.scores] == [*QUICK, *SLOW]
    assert {score.kind for score in found.scores[-5:]} == {"classical"}
    by_name = {score.method: score for score in found.scores}
    # what knows the week beats what does not
    for name in ("AutoETS", "AutoARIMA", "Theta", "gradient boosting"):
        assert by_name[name].mae < 0.6 * by_name["persistence"].mae
        assert 0.5 < by_name[name].coverage <= 1
    best = min(by_name.values(), key=lambda score: score.mae)
    assert best.kind == "classical"
    assert f"best classical method ({best.method})" in found.verdict
    assert found.environment["statsforecast"]
    assert Evaluation.from_json(found.to_json()) == found


def test_the_quick_ones_alone(model: Forecaster) -> None:
    found = model.evaluate(weekly(), yardsticks="quick")
    assert [score.method for score in found.scores] == QUICK
    with pytest.raises(ArgumentError, match="yardsticks='slow'"):
        model.evaluate(weekly(), yardsticks="slow")  # type: ignore[arg-type]


def test_the_season_is_said_in_words(model: Forecaster) -> None:
    found = model.evaluate(weekly(), yardsticks="quick")
    assert (found.season, found.mase_season) == (7, 7)
    (said,) = [note for note in found.notes if "season" in note]
    assert said.startswith("The season is 7 rows of 1 day: on the training part, the error of the")
