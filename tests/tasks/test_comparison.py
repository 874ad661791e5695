"""Configurations side by side: chosen on the validation part, told apart on the test part."""

from __future__ import annotations

import itertools

import numpy as np
import polars as pl
import pytest

from longshort import (
    Columns,
    Forecaster,
    Recurrent,
    Split,
    Training,
    Window,
    compare,
)
from longshort.errors import ArgumentError, DataError
from longshort.metrics.difference import diebold_mariano
from longshort.records import Comparison

SPLIT = Split(valid="2020-07-01", test="2020-08-20")
CONFIGS = {"small": {"size": 2}, "gru": {"cell": "gru", "context": 9}, "still": {"rate": 1e-9}}


@pytest.fixture(scope="module")
def base() -> Forecaster:
    return Forecaster(
        Columns("day", target="warm"),
        horizon=3,
        split=SPLIT,
        window=Window(context=6),
        recurrent=Recurrent(size=4),
        training=Training(epochs=3, members=1),
    )


@pytest.fixture(scope="module")
def compared(base: Forecaster, series: pl.DataFrame) -> Comparison:
    return compare(series, base, CONFIGS, seeds=2, yardsticks="quick")


def by_hand(base: Forecaster, series: pl.DataFrame, changes: dict, seed: int) -> np.ndarray:
    """(N, L) absolute errors of one fit at every origin of the test part."""
    own = Forecaster(**base.get_params(deep=False)).set_params(random_state=seed, **changes)
    # the first row of the test part must be there to be cut at
    first = pl.lit("2020-08-20").str.to_date()
    own.fit(series.filter(pl.col("day") < first + pl.duration(days=3)))
    errors = []
    for day in series.filter(pl.col("day") >= first)["day"]:
        truth = series.filter(pl.col("day") >= day)["warm"][:3].to_numpy()
        if len(truth) == 3:
            told = own.predict(series.filter(pl.col("day") < day))["warm"].to_numpy()
            errors.append(np.abs(truth - told))
    return np.array(errors)


def test_errors_differences_and_p_values_are_those_of_fits_by_hand(base, series, compared):
    changes = {
        "small": {"recurrent__size": 2},
        "gru": {"recurrent__cell": "gru", "window__context": 9},
        "still": {"training__rate": 1e-9},
    }
    errors = {
        name: np.stack([by_hand(base, series, own, seed) for seed in (0, 1)])
        for name, own in changes.items()
    }
    scores = {score.method: score for score in compared.scores}
    told = {one.name: one for one in compared.contenders}
    for name, found in errors.items():
        assert scores[name].mae == pytest.approx(found.mean(), rel=1e-5)
        assert told[name].errors["warm"] == pytest.approx(found.mean((1, 2)), rel=1e-5)
        assert told[name].seeds == (0, 1)
        # a mean over seeds of a root, not the root of a mean
        roots = np.sqrt((found**2).mean((1, 2)))
        assert scores[name].rmse == pytest.approx(roots.mean(), rel=1e-5)
    assert compared.origins == 66
    pair = next(p for p in compared.pairs if p.second == "still")
    one, other = (errors[name].mean((0, 2)) for name in (pair.first, pair.second))
    assert pair.change == pytest.approx(one.mean() / other.mean() - 1, rel=1e-4)
    assert pair.p_value == pytest.approx(diebold_mariano(one, other, 3).p_value, rel=1e-3)
    assert pair.low < pair.change < pair.high


def test_the_choice_is_that_of_the_validation_part(compared):
    least = min(compared.contenders, key=lambda one: one.valid)
    assert compared.chosen == least.name
    assert compared.verdict.startswith(f"Of 3 configurations, '{least.name}' had the least error")
    assert {pair.second for pair in compared.pairs} == {
        score.method for score in compared.scores
    } - {compared.chosen}
    # a network that learns nothing is worse than the one that was chosen
    still = next(p for p in compared.pairs if p.second == "still")
    assert still.high < 0
    assert "is better than 'still'" in compared.verdict


def test_differences_agree_with_the_scores(compared):
    maes = {score.method: score.mae for score in compared.scores}
    for pair in compared.pairs:
        assert pair.change == pytest.approx(maes[pair.first] / maes[pair.second] - 1)
    reference = compared.reference["warm"]
    for score in compared.scores:
        if score.method != reference:
            assert score.skill == pytest.approx(1 - score.mae / maes[reference])


def test_settings_that_differ_are_told(compared):
    told = {one.name: one.settings for one in compared.contenders}
    assert told == {
        "small": {"size": "2"},
        "gru": {"cell": "gru", "context": "9"},
        "still": {"rate": "1e-09"},
    }


def test_the_same_network_twice_is_no_difference(base, series):
    found = compare(series, base, {"one": {}, "same": {"size": 4}}, seeds=1, yardsticks="quick")
    pair = next(p for p in found.pairs if p.second in ("one", "same"))
    assert pair.change == 0
    assert pair.p_value is None
    assert "no difference that the data can show between 'one' and 'same'" in found.verdict


def test_a_record_is_read_again(compared):
    assert Comparison.from_json(compared.to_json()) == compared
    with pytest.raises(DataError, match="not a comparison record"):
        Comparison.from_json('{"targets": 3}')


class Watching:
    def __init__(self, stop: str = "") -> None:
        self.stop, self.notes, self.starts = stop, [], 0

    def note(self, text: str) -> None:
        self.notes.append(text)
        if self.stop and text.startswith(self.stop):
            raise KeyboardInterrupt

    def start(self, summary: str, seconds: float, epochs: int) -> None:
        self.starts += 1

    def epoch(self, epoch) -> None: ...

    def finish(self, history) -> None: ...


def test_what_was_interrupted_goes_on_and_new_ones_are_added(base, series, compared, tmp_path):
    asked = {"seeds": 2, "yardsticks": "quick", "folder": tmp_path}
    with pytest.raises(KeyboardInterrupt):
        compare(series, base, CONFIGS, progress=Watching("gru, seed 1"), **asked)
    names = [path.name.rpartition("-")[0] for path in sorted(tmp_path.glob("*.lstm"))]
    assert names == ["gru-seed0", "small-seed0", "small-seed1"]
    watching = Watching()
    again = compare(series, base, CONFIGS, progress=watching, **asked)
    assert watching.starts == 3
    assert watching.notes[0] == "gru, seed 1 (fit 4 of 6)"
    assert again.scores == compared.scores
    assert again.pairs == compared.pairs
    more = Watching()
    later = compare(series, base, {**CONFIGS, "wide": {"size": 6}}, progress=more, **asked)
    assert more.starts == 2
    # the same test part for other configurations is no longer unseen
    assert not any("opened 1 time" in note for note in again.notes)
    assert "opened 1 time before: for small, gru, still; 2 seeds" in later.notes[-1]


def test_the_test_part_changes_no_fit_and_no_choice(base, series, compared):
    late = pl.col("day") >= pl.lit("2020-08-20").str.to_date()
    other = series.with_columns(
        warm=pl.when(late).then(-5 * pl.col("warm") + 3).otherwise(pl.col("warm"))
    )
    found = compare(other, base, CONFIGS, seeds=2, yardsticks="quick")
    assert found.chosen == compared.chosen
    assert found.rival == compared.rival
    for one, before in zip(found.contenders, compared.contenders, strict=True):
        assert one.valid == pytest.approx(before.valid, rel=1e-9)


def test_without_a_test_part_or_configurations_nothing_is_compared(base, series):
    with pytest.raises(ArgumentError, match="needs a test part"):
        compare(series, base.set_params(split=Split()), CONFIGS)
    base.set_params(split=SPLIT)
    with pytest.raises(ArgumentError, match="there is none"):
        compare(series, base, {})
    with pytest.raises(ArgumentError, match="two methods are called 'persistence'"):
        compare(series, base, {"persistence": {}}, seeds=1, yardsticks="quick")


def test_pairs_stand_in_the_order_of_the_scores(compared):
    order = [score.method for score in compared.scores if score.method != compared.chosen]
    assert [pair.second for pair in compared.pairs] == order
    assert all(a != b for a, b in itertools.pairwise(order))
