"""Rolling origins: each fold is forecast by what was fitted before it, and by nothing else."""

from __future__ import annotations

import itertools
from datetime import date

import numpy as np
import polars as pl
import pytest

from longshort import (
    Columns,
    Evaluation,
    Forecaster,
    Recurrent,
    Split,
    Training,
    Window,
    backtest,
    load,
)
from longshort.errors import ArgumentError
from longshort.evaluate.rolling import fold_starts

QUICK = {
    "window": Window(context=6),
    "recurrent": Recurrent(size=4),
    "training": Training(epochs=2, members=1),
}


@pytest.fixture(scope="module")
def model(series: pl.DataFrame) -> Forecaster:
    columns = Columns("day", target="warm")
    split = Split(valid="2020-07-01", test="2020-08-20")
    return Forecaster(columns, horizon=3, split=split, **QUICK).fit(series)


@pytest.fixture(scope="module")
def rolled(model: Forecaster, series: pl.DataFrame) -> Evaluation:
    return backtest(model, series, folds=3, yardsticks="quick")


def lstm(evaluation: Evaluation):
    return next(s for s in evaluation.scores if s.kind == "lstm")


def test_a_fold_is_what_a_fit_on_the_rows_before_it_says(model, series, rolled):
    # by hand: cut the table, fit with the fold's own stamps, score its origins
    errors = []
    bounds = [*(fold.start for fold in rolled.folds), "2020-10-25"]
    assert bounds[0] == "2020-08-20"
    for number, (start, end) in enumerate(itertools.pairwise(bounds)):
        begin, stop = (pl.lit(text).str.to_date() for text in (start, end))
        own = model
        if number:
            # as many validation rows as the model had
            first = str(np.datetime64(start) - np.timedelta64(50, "D"))
            split = Split(valid=first, test=start)
            own = Forecaster(Columns("day", target="warm"), horizon=3, split=split, **QUICK)
            # a row of the test part must be there, and is not read
            own.fit(series.filter(pl.col("day") < begin + pl.duration(days=3)))
        days = series.filter((pl.col("day") >= begin) & (pl.col("day") < stop))["day"]
        found = []
        for day in days:
            truth = series.filter(pl.col("day") >= day)["warm"][:3]
            if len(truth) == 3:
                told = own.predict(series.filter(pl.col("day") < day))["warm"]
                found.append(np.abs(truth.to_numpy() - told.to_numpy()).mean())
        fold = rolled.folds[number]
        score = next(s for s in fold.scores if s.kind == "lstm")
        assert fold.origins == len(found)
        assert score.mae == pytest.approx(np.mean(found), rel=1e-5)
        errors += found
    assert lstm(rolled).mae == pytest.approx(np.mean(errors), rel=1e-5)
    assert rolled.origins == len(errors)


def test_folds_are_of_equal_size_and_pool_to_the_whole(rolled):
    sizes = [fold.origins for fold in rolled.folds]
    assert max(sizes) - min(sizes) <= 1
    for whole in rolled.scores:
        parts = [s for f in rolled.folds for s in f.scores if s.method == whole.method]
        # every value of this series is observed
        pooled = np.average([s.mae for s in parts], weights=sizes)
        assert whole.mae == pytest.approx(pooled)
        assert whole.coverage == pytest.approx(
            np.average([s.coverage for s in parts], weights=sizes)
        )
    reference = rolled.reference["warm"]
    for fold in rolled.folds:
        maes = {s.method: s.mae for s in fold.scores}
        for score in fold.scores:
            if score.method == reference:
                assert score.skill is None
            else:
                assert score.skill == pytest.approx(1 - score.mae / maes[reference])


def test_each_fold_is_fitted_on_more_rows(rolled):
    rows = [fold.rows for fold in rolled.folds]
    assert rows == sorted(set(rows))
    assert len({e.member for e in rolled.history.epochs}) == 3
    assert "fitted anew" in rolled.notes[0]


def test_later_rows_change_no_earlier_fold(model, series, rolled):
    late = pl.col("day") >= pl.lit(rolled.folds[2].start).str.to_date()
    other = series.with_columns(
        [pl.when(late).then(pl.col(n) * -3 + 7).otherwise(pl.col(n)) for n in ("warm", "lead")]
    )
    again = backtest(model, other, folds=3, yardsticks="quick")
    # origins of the first fold reach no row that was changed
    assert again.folds[0] == rolled.folds[0]
    assert again.folds[2] != rolled.folds[2]


def test_without_a_refit_the_scores_are_those_of_evaluate(model, series):
    plain = model.evaluate(series, yardsticks="quick")
    told = backtest(model, series, folds=4, refit=False, yardsticks="quick")
    assert told.scores == plain.scores
    assert told.verdict == plain.verdict
    assert len(told.folds) == 4
    assert len(told.history.epochs) == 2


def test_the_validation_part_is_judged_without_opening_the_test_part(model, series):
    test = pl.col("day") >= pl.lit("2020-08-20").str.to_date()
    blind = series.with_columns(warm=pl.when(test).then(1e6).otherwise(pl.col("warm")))
    asked = {"folds": 2, "part": "valid", "yardsticks": "quick"}
    found, again = (backtest(model, data, **asked) for data in (series, blind))
    assert found.scores == again.scores
    assert [fold.start for fold in found.folds] == ["2020-07-01", "2020-07-25"]
    # by hand: the model of the first fold never saw the part
    split = Split(valid="2020-05-12", test="2020-07-01")
    own = Forecaster(Columns("day", target="warm"), horizon=3, split=split, **QUICK)
    days = series["day"].to_list()
    july = days.index(date(2020, 7, 1))
    own.fit(series[: july + 3])
    errors = [
        np.abs(series["warm"][at : at + 3].to_numpy() - own.predict(series[:at])["warm"].to_numpy())
        for at in range(july, july + found.folds[0].origins)
    ]
    score = next(s for s in found.folds[0].scores if s.kind == "lstm")
    assert score.mae == pytest.approx(np.mean(errors), rel=1e-5)
    assert "test part was not opened" in found.notes[0]
    with pytest.raises(ArgumentError, match="refit it before each"):
        backtest(model, series, refit=False, **asked)
    with pytest.raises(ArgumentError, match="did you mean 'valid'"):
        backtest(model, series, part="vaild")


def test_a_record_with_folds_is_read_again(rolled):
    assert Evaluation.from_json(rolled.to_json()) == rolled


class Stopping:
    """Whoever watches presses Ctrl-C when a fold begins."""

    def __init__(self, fold: str) -> None:
        self.fold, self.notes, self.starts = fold, [], 0

    def note(self, text: str) -> None:
        self.notes.append(text)
        if self.fold and text.startswith(self.fold):
            raise KeyboardInterrupt

    def start(self, summary: str, seconds: float, epochs: int) -> None:
        self.starts += 1

    def epoch(self, epoch) -> None: ...

    def finish(self, history) -> None: ...


def test_what_was_interrupted_goes_on(model, series, rolled, tmp_path):
    asked = {"folds": 3, "yardsticks": "quick", "folder": tmp_path / "folds"}
    with pytest.raises(KeyboardInterrupt):
        backtest(model, series, progress=Stopping("fold 3"), **asked)
    (kept,) = (tmp_path / "folds").iterdir()
    assert kept.name.startswith("test2-")
    watching = Stopping("")
    again = backtest(model, series, progress=watching, **asked)
    assert watching.starts == 1
    assert again.scores == rolled.scores
    assert again.folds == rolled.folds
    assert all(load(p).get_params()["horizon"] == 3 for p in (tmp_path / "folds").iterdir())
    # other data are fitted anew
    other = Stopping("")
    changed = series.with_columns(warm=pl.col("warm") + 1e-3)
    backtest(model, changed, progress=other, **asked)
    assert other.starts == 2


def test_series_of_different_lengths_are_cut_at_the_same_time(series):
    short = series.with_columns(name=pl.lit("b"), warm=-pl.col("warm"))[150:]
    begun = series.with_columns(name=pl.lit("c"))[255:]
    both = pl.concat([series.with_columns(name=pl.lit("a")), short, begun])
    columns = Columns("day", "name", "warm")
    split = Split(valid="2020-07-01", test="2020-08-20")
    own = Forecaster(columns, horizon=3, split=split, **QUICK)
    with pytest.warns(UserWarning, match="nothing is learnt"):
        own.fit(both)
    found = backtest(own, both, folds=2, yardsticks="quick")
    assert found.folds[0].start == "2020-08-20"
    assert sum(fold.origins for fold in found.folds) == found.origins
    assert all(np.isfinite(s.mae) for s in found.scores)


def test_rows_without_times_are_cut_series_by_series():
    values = np.random.default_rng(0).normal(size=(2, 120, 1)).cumsum(1)
    own = Forecaster(Columns(), horizon=2, split=Split(0.2, 0.2), **QUICK).fit(values)
    found = backtest(own, values, folds=2, yardsticks="quick")
    assert [fold.origins for fold in found.folds] == [22, 24]
    assert found.folds[0].start == "96"


@pytest.mark.parametrize(("folds", "says"), [(1, "rolling=1"), (500, "66 origins")])
def test_a_number_of_folds_that_cannot_be_is_said(model, series, folds, says):
    with pytest.raises(ArgumentError, match=says):
        backtest(model, series, folds=folds)


def test_starts_of_folds_are_in_order(model, series):
    test = model._opened(series).test
    for folds in (2, 5, 60):
        starts = np.stack(fold_starts(test, folds))
        assert (np.diff(starts, axis=0) > 0).all()
