from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import norm

from longshort.data.sequences import Sequences
from longshort.errors import ArgumentError
from longshort.metrics.anomalies import auc_roc
from longshort.yardsticks.anomalies.base import AnomalyYardstick, Usual, over_channels
from longshort.yardsticks.anomalies.roster import roster
from longshort.yardsticks.anomalies.rules import (
    Random,
    RollingZ,
    SeasonalResidual,
    WindowedGaussian,
)
from longshort.yardsticks.anomalies.windows import OnWindows

from .conftest import DAY, plant

EVERY: list[AnomalyYardstick] = [
    Random(),
    RollingZ(),
    RollingZ(30),
    WindowedGaussian(),
    SeasonalResidual(),
    OnWindows("PCA"),
    OnWindows("isolation forest", 10),
]


def trained(series: Sequences) -> Sequences:
    return series.crop(0, 180)


@pytest.mark.parametrize("yardstick", EVERY, ids=lambda each: each.name)
def test_no_score_depends_on_rows_after_it(yardstick: AnomalyYardstick) -> None:
    portion, _ = plant()
    method = yardstick.fit(trained(portion.sequences), 0)
    whole = method.scores(portion.sequences)
    for rows in (50, 181, 450):
        part = method.scores(portion.sequences.crop(0, rows))
        for own, first in zip(part, whole, strict=True):
            assert len(own) == rows
            if yardstick.name != "random" or own is part[0]:
                assert own == pytest.approx(first[:rows], nan_ok=True, abs=1e-9)


@pytest.mark.parametrize("yardstick", EVERY, ids=lambda each: each.name)
def test_nothing_is_learnt_from_rows_after_training(yardstick: AnomalyYardstick) -> None:
    portion, _ = plant()
    before = yardstick.fit(trained(portion.sequences), 3).scores(portion.sequences)
    again = yardstick.fit(trained(portion.sequences), 3).scores(portion.sequences)
    for one, two in zip(before, again, strict=True):
        assert np.array_equal(one, two, equal_nan=True)


@pytest.mark.parametrize("yardstick", EVERY, ids=lambda each: each.name)
def test_missing_values_and_still_channels_are_survived(yardstick: AnomalyYardstick) -> None:
    portion, _ = plant()
    values = portion.sequences.values.copy()
    values[::7, 0] = np.nan
    values[250:300] = np.nan
    values[:, 1] = 4.0
    values[700, 1] = 4.2
    broken = replace(portion.sequences, values=values)
    for scores in yardstick.fit(trained(broken), 0).scores(broken):
        assert np.isfinite(scores[400:]).all()
    # a series that training never saw, and one that is shorter than a window
    other = replace(broken.crop(0, 9), keys=("x", "y"))
    assert [len(each) for each in yardstick.fit(trained(broken), 0).scores(other)] == [9, 9]


@pytest.mark.parametrize(
    ("yardstick", "least"),
    [(SeasonalResidual(), 0.75), (OnWindows("PCA"), 0.6), (WindowedGaussian(), 0.55)],
    ids=lambda each: getattr(each, "name", ""),
)
def test_what_knows_the_rhythm_finds_what_breaks_it(
    yardstick: AnomalyYardstick, least: float
) -> None:
    portion, labels = plant()
    scores = np.concatenate(yardstick.fit(trained(portion.sequences), 0).scores(portion.sequences))
    test = np.concatenate([np.arange(240, 600), np.arange(840, 1200)])
    assert auc_roc(scores[test], labels[test]) > least


def test_the_season_is_found_and_named() -> None:
    portion, _ = plant()
    assert (
        SeasonalResidual().fit(trained(portion.sequences), 0).name == f"seasonal residual ({DAY})"
    )


def test_the_rolling_score_by_hand() -> None:
    portion, _ = plant(1)
    series = portion.sequences
    usual = Usual.of(trained(series))
    x = usual.scaled(series, 0)
    found = RollingZ(30).fit(trained(series), 0).scores(series)[0]
    assert np.isnan(found[:2]).all()
    for row in (2, 17, 100, 305):
        before = x[max(0, row - 30) : row]
        z = np.abs(x[row] - before.mean(0)) / before.std(0)
        assert found[row] == pytest.approx(z.mean())


def test_the_windowed_gaussian_is_the_surprise_of_both_tails() -> None:
    portion, _ = plant(1)
    series = portion.sequences
    x = series.targets
    found = WindowedGaussian().fit(trained(series), 0).scores(series)[0]
    z = (x[304] - x[:304].mean(0)) / x[:304].std(0)
    assert found[304] == pytest.approx(-np.log(2 * norm.sf(np.abs(z))).mean())


def test_channels_that_are_missing_are_passed_over() -> None:
    found = over_channels(np.array([[1.0, 3.0], [np.nan, 5.0], [np.nan, np.nan]]))
    assert found[:2].tolist() == [2, 5]
    assert np.isnan(found[2])


def test_the_roster_says_who_is_left_out_and_why() -> None:
    portion, _ = plant()
    train = trained(portion.sequences)
    assert [each.name for each in roster(train).yardsticks] == [
        "random", "rolling z-score (100)", "windowed Gaussian", "seasonal residual",
        "PCA on windows (20)", "isolation forest on windows (20)",
    ]  # fmt: skip
    assert {each.kind for each in roster(train, "quick").yardsticks} == {"naive"}
    assert roster(train, "none") == ([], ())
    short = roster(train.crop(0, 25))
    assert short.left_out[0] == (
        "PCA on windows (20) was left out: 12 windows to learn from, at least 40 needed."
    )
    with pytest.raises(ArgumentError, match=r"yardsticks='al'.*all"):
        roster(train, "al")  # type: ignore[arg-type]
