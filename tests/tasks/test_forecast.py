"""The Forecaster: scikit-learn's conventions, the laws, every kind of data, files, bad input."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV, TimeSeriesSplit
from sklearn.utils.validation import check_is_fitted

import longshort
from longshort import Columns, Forecaster, Recurrent, Scaling, Split, Training, Window, load
from longshort.errors import ArgumentError, DataError, ModelFileError, NotFittedError

from .conftest import SMALL, make_series


def weights(model: Forecaster) -> list[np.ndarray]:
    return [w.numpy() for net in model.models_ for w in net.state_dict().values()]


# what it gives


def test_a_frame_gives_a_row_per_step_in_its_own_kind(
    fitted: Forecaster, series: pl.DataFrame
) -> None:
    found = fitted.predict(series, quantiles=[0.1, 0.9])
    names = ["day", "warm", "warm_q10", "warm_q90", "cold", "cold_q10", "cold_q90"]
    assert isinstance(found, pl.DataFrame)
    assert found.columns == names
    assert found["day"].cast(pl.Date).to_list() == [
        series["day"][-1] + np.timedelta64(n, "D").astype(object) for n in (1, 2, 3)
    ]
    assert (found["warm_q10"] < found["warm"]).all()
    assert (found["warm"] < found["warm_q90"]).all()


def test_pandas_path_and_polars_agree(
    fitted: Forecaster, series: pl.DataFrame, tmp_path: Path
) -> None:
    ours = fitted.predict(series)
    frame = fitted.predict(pd.DataFrame(series.to_dict(as_series=False)))
    assert isinstance(frame, pd.DataFrame)
    series.write_csv(tmp_path / "s.csv")
    assert np.allclose(frame["warm"], ours["warm"], atol=1e-12)
    assert np.allclose(fitted.predict(tmp_path / "s.csv")["warm"], ours["warm"], atol=1e-6)


def test_arrays_give_arrays() -> None:
    rng = np.random.default_rng(0)
    data = rng.normal(size=(5, 60, 2)).cumsum(1)
    model = Forecaster(Columns(target=["x0"]), horizon=4, **SMALL).fit(data)
    assert model.predict(data).shape == (5, 4, 1)
    assert model.predict(data, quantiles=[0.1, 0.5, 0.9]).shape == (5, 4, 1, 3)
    assert np.isfinite(model.score(data))


def test_many_series_at_once_are_what_each_is_alone(columns: Columns) -> None:
    parts = [
        make_series(120, seed).with_columns(pl.lit(name).alias("town"))
        for seed, name in enumerate(["a", "b", "c"])
    ]
    both = pl.concat(parts)
    model = Forecaster(columns.set_params(group=("town",)), horizon=2, **SMALL).fit(both)
    together = model.predict(both)
    assert together["town"].to_list() == ["a", "a", "b", "b", "c", "c"]
    for part in parts:
        alone = model.predict(part)
        same = together.filter(pl.col("town") == part["town"][0])
        assert np.allclose(alone["warm"], same["warm"], atol=1e-6)


@pytest.mark.parametrize("output", ["quantiles", "gaussian", "student-t", "mse", "mae", "huber"])
def test_every_output_gives_rising_quantiles(
    output: Any, series: pl.DataFrame, columns: Columns
) -> None:
    model = Forecaster(columns, horizon=2, output=output, **SMALL).fit(series)
    found = model.predict(series, quantiles=[0.05, 0.5, 0.95])
    assert (found["warm_q5"] < found["warm_q50"]).all()
    assert (found["warm_q50"] < found["warm_q95"]).all()


@pytest.mark.parametrize("per_series", [False, True])
def test_counts_are_forecast_as_counts(per_series: bool, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    rows = np.arange(200)
    sales = [rng.poisson(level * (1 + 0.5 * np.sin(rows / 3))) for level in (0.5, 400)]
    data = pl.DataFrame(
        {
            "day": np.tile(np.datetime64("2020-01-01") + rows, 2),
            "shop": np.repeat(["a", "b"], 200),
            "sold": np.concatenate(sales).astype(float),
        }
    )
    columns = Columns("day", group="shop", target="sold")
    scaling = Scaling(per_series=per_series)
    settings = {**SMALL, "training": Training(epochs=3, members=1)}
    model = Forecaster(
        columns, horizon=3, output="negative-binomial", scaling=scaling, **settings
    ).fit(data)
    model.save(tmp_path / "m.lstm")
    found = load(tmp_path / "m.lstm").predict(data, quantiles=[0.1, 0.5, 0.9])
    assert found.equals(model.predict(data, quantiles=[0.1, 0.5, 0.9]))
    for name in ("sold", "sold_q10", "sold_q90"):
        assert (found[name] >= 0).all()
        assert (found[name] == found[name].round()).all()
    assert (found["sold"] == found["sold_q50"]).all()
    for value, told in ((-1.0, "-1"), (0.5, "0.5")):
        wrong = data.with_columns(
            pl.when(pl.arange(0, 400) == 390).then(value).otherwise(pl.col("sold")).alias("sold")
        )
        wrong.write_csv(tmp_path / "sales.csv")
        told = rf"sales\.csv: column 'sold' of series 'b' is {told} in row 190"
        with pytest.raises(DataError, match=told):
            clone(model).fit(tmp_path / "sales.csv")
        with pytest.raises(DataError, match=told):
            model.predict(tmp_path / "sales.csv")


def test_it_finds_what_a_covariate_tells(series: pl.DataFrame, columns: Columns) -> None:
    training = Training(epochs=40, members=1)
    score = Forecaster(columns, horizon=1, window=Window(context=8), training=training).fit(
        series[:240]
    )
    blind = Forecaster(
        columns.set_params(past=()), horizon=1, window=Window(context=8), training=training
    ).fit(series[:240])
    assert score.score(series[230:]) > blind.score(series[230:]) + 0.1


@pytest.mark.parametrize("relative", ["last", "season", "none"])
def test_missing_values_are_read_as_missing(relative: Any, columns: Columns) -> None:
    rng = np.random.default_rng(1)
    hole = pl.Series(rng.random(300) < 0.2)
    gaps = make_series().with_columns(
        pl.when(~hole).then(pl.col("warm")).alias("warm"),
        pl.when(hole.shift(3)).then(None).otherwise(pl.col("lead")).alias("lead"),
    )
    split = Split(test=0.2)
    model = Forecaster(
        columns,
        horizon=2,
        split=split,
        window=Window(context=8, relative=relative, season=7),
        recurrent=Recurrent(size=8),
        training=Training(epochs=2, members=1),
    ).fit(gaps)
    assert model.encoding_.masked == ("warm", "lead")
    assert np.isfinite(model.predict(gaps)["warm"].to_numpy()).all()
    assert all(np.isfinite(score.mae) for score in model.evaluate(gaps).scores)


# laws


def test_future_values_never_change_a_forecast(fitted: Forecaster, series: pl.DataFrame) -> None:
    origin = 250
    cut = fitted.predict(series[:origin])
    # the same rows with targets gone and covariates changed from the origin on
    later = pl.arange(0, len(series), eager=True) >= origin
    changed = series.with_columns(
        *[pl.when(~later).then(pl.col(name)).alias(name) for name in ("warm", "cold")],
        pl.when(later).then(1e6).otherwise(pl.col("lead")).alias("lead"),
    )
    assert np.array_equal(fitted.predict(changed)["warm"], cut["warm"])


def test_rows_before_the_context_never_change_a_forecast(
    fitted: Forecaster, series: pl.DataFrame
) -> None:
    assert np.array_equal(fitted.predict(series[-8:])["warm"], fitted.predict(series)["warm"])


@pytest.mark.parametrize("method", ["standard", "minmax", "robust"])
def test_forecasts_scale_with_the_series(
    method: Any, series: pl.DataFrame, columns: Columns
) -> None:
    # powers of two change no digit, so the training runs are the same to the last bit
    scaled = series.with_columns(pl.col("warm") * 8, pl.col("lead") / 4)
    settings = {**SMALL, "scaling": Scaling(method)}
    one = Forecaster(columns, horizon=2, **settings).fit(series).predict(series)
    two = Forecaster(columns, horizon=2, **settings).fit(scaled).predict(scaled)
    assert np.allclose(two["warm"], 8 * one["warm"], rtol=1e-9)
    assert np.allclose(two["cold"], one["cold"], rtol=1e-9)


def test_the_same_seed_gives_the_same_network_and_another_one_another(
    fitted: Forecaster, series: pl.DataFrame
) -> None:
    again = clone(fitted).fit(series)
    assert all(map(np.array_equal, weights(fitted), weights(again)))
    other = clone(fitted).set_params(random_state=1).fit(series)
    assert not all(map(np.array_equal, weights(fitted), weights(other)))


def test_test_rows_change_nothing_that_is_learnt(fitted: Forecaster, series: pl.DataFrame) -> None:
    later = pl.arange(0, len(series), eager=True) >= 240
    changed = series.with_columns(
        [pl.when(later).then(99.0).otherwise(pl.col(n)).alias(n) for n in ("warm", "cold", "lead")]
    )
    again = clone(fitted).fit(changed)
    assert all(map(np.array_equal, weights(fitted), weights(again)))


# scikit-learn


def test_clone_and_parameters() -> None:
    model = Forecaster(horizon=5, recurrent=Recurrent(size=7))
    twin = clone(model)
    assert twin.get_params() == model.get_params()
    assert twin.recurrent is model.recurrent
    assert model.get_params()["recurrent__size"] == 7
    assert model.set_params(recurrent__size=9, horizon=2).recurrent == Recurrent(size=9)
    with pytest.raises(ArgumentError, match="did you mean 'horizon'"):
        model.set_params(horizn=2)
    with pytest.raises(ArgumentError, match="did you mean 'size'"):
        model.set_params(recurrent__sise=2)
    with pytest.raises(ArgumentError, match="no settings inside"):
        model.set_params(horizon__x=2)


def test_unfitted_is_said(series: pl.DataFrame) -> None:
    with pytest.raises(NotFittedError, match=r"call fit\(data\)"):
        Forecaster().predict(series)


def test_grid_search_changes_what_lies_inside(series: pl.DataFrame, columns: Columns) -> None:
    frame = series.to_pandas()
    model = Forecaster(columns, **{**SMALL, "training": Training(epochs=2, members=1)})
    search = GridSearchCV(
        model, {"recurrent__size": [4, 8]}, cv=TimeSeriesSplit(2), error_score="raise"
    ).fit(frame)
    check_is_fitted(search.best_estimator_)
    assert search.best_params_["recurrent__size"] in (4, 8)


# training


def test_refit_trains_on_both_parts(series: pl.DataFrame, columns: Columns) -> None:
    training = Training(epochs=3, members=1, refit=True)
    settings = {**SMALL, "training": training}
    model = Forecaster(columns, split=Split(0.2, 0.2), **settings).fit(series)
    best = next(e.epoch for e in reversed(model.history_.epochs) if e.best and e.valid_loss)
    again = [e for e in model.history_.epochs if e.valid_loss is None]
    assert len(again) == best + 1
    assert any("fitted again" in note for note in model.evaluate(series).notes)


def test_ctrl_c_keeps_the_best_so_far(series: pl.DataFrame, columns: Columns) -> None:
    class Impatient:
        def start(self, summary: str, seconds: float, epochs: int) -> None:
            assert "LSTM(8)" in summary
            assert seconds > 0
            assert epochs == 6

        def epoch(self, epoch: longshort.records.Epoch) -> None:
            if epoch.epoch == 1:
                raise KeyboardInterrupt

        def finish(self, history: longshort.records.History) -> None:
            assert history.stops == ("interrupted",)

    model = Forecaster(columns, **SMALL).fit(series, progress=Impatient())
    assert len(model.models_) == 1
    assert np.isfinite(model.predict(series)["warm"].to_numpy()).all()


def test_summary_says_what_it_is(fitted: Forecaster, series: pl.DataFrame) -> None:
    assert "2 networks of 1 x LSTM(8)" in fitted.summary()
    assert "trained in" in fitted.summary()
    fresh = clone(fitted)
    assert "at most about" in fresh.summary(series)
    assert not hasattr(fresh, "models_")


class Interrupt:
    """Progress that presses Ctrl-C before a given call of ``epoch`` is counted."""

    def __init__(self, call: int) -> None:
        self.left = call

    def start(self, summary: str, seconds: float, epochs: int) -> None: ...

    def epoch(self, epoch: longshort.records.Epoch) -> None:
        self.left -= 1
        if not self.left:
            raise KeyboardInterrupt

    def finish(self, history: longshort.records.History) -> None: ...


def test_ctrl_c_in_a_later_member_or_refit_never_spoils_a_finished_one(
    series: pl.DataFrame, columns: Columns, monkeypatch: pytest.MonkeyPatch
) -> None:
    training = Training(epochs=3, members=2, patience=None)
    whole = Forecaster(columns, **{**SMALL, "training": training}).fit(series)
    # Ctrl-C inside the second member's first epoch: only the first one is kept
    calls = iter(range(10_000))
    steps = -(-len(whole._learn(series).train) // 32) * 3
    real = longshort.training.clip

    def interrupt(model: Any, given: Training) -> float:
        if next(calls) == steps:
            raise KeyboardInterrupt
        return real(model, given)

    monkeypatch.setattr("longshort.training.loop.clip", interrupt)
    cut = Forecaster(columns, **{**SMALL, "training": training}).fit(series)
    assert len(cut.models_) == 1
    # intervals are those of all networks that there are
    first = {n: w for n, w in whole.models_[0].state_dict().items() if n != "head.errors"}
    kept = cut.models_[0].state_dict()
    assert all(np.array_equal(kept[name].numpy(), first[name].numpy()) for name in first)


def test_ctrl_c_in_a_refit_keeps_the_network_that_was_chosen(
    series: pl.DataFrame, columns: Columns
) -> None:
    settings = {**SMALL, "training": Training(epochs=3, members=1, patience=None, refit=True)}
    plain = {**SMALL, "training": Training(epochs=3, members=1, patience=None)}
    cut = Forecaster(columns, **settings).fit(series, progress=Interrupt(4))
    chosen = Forecaster(columns, **plain).fit(series)
    assert not cut.refitted_
    assert all(map(np.array_equal, weights(cut), weights(chosen)))
    assert not any(
        "fitted again" in note
        for note in cut.evaluate(pl.concat([series, make_series(400)[300:]])).notes
    )


def test_ctrl_c_before_the_first_epoch_goes_on(
    series: pl.DataFrame, columns: Columns, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(model: Any, given: Training) -> float:
        raise KeyboardInterrupt

    monkeypatch.setattr("longshort.training.loop.clip", interrupt)
    model = Forecaster(columns, **SMALL)
    with pytest.raises(KeyboardInterrupt):
        model.fit(series)
    assert not hasattr(model, "models_")


def test_a_fit_that_fails_leaves_no_half_of_the_one_before(
    series: pl.DataFrame, columns: Columns
) -> None:
    model = Forecaster(columns, **SMALL).fit(series)
    with pytest.raises(DataError):
        model.fit(series.with_columns(warm=pl.lit(1.0)))
    with pytest.raises(NotFittedError):
        model.predict(series)


# evaluation


def test_evaluation_opens_the_test_part_beside_every_yardstick(
    fitted: Forecaster, series: pl.DataFrame
) -> None:
    found = fitted.evaluate(series)
    methods = {score.method for score in found.scores}
    assert {"LSTM", "persistence", "drift", "climatology", "ridge autoregression"} <= methods
    assert [part.rows for part in found.data.parts] == [180, 60, 60]
    assert found.origins == 60 - 3 + 1
    assert longshort.Evaluation.from_json(found.to_json()) == found
    # the persistence row by hand
    values = series["warm"].to_numpy()
    errors = [abs(values[o + s] - values[o - 1]) for o in range(240, 298) for s in range(3)]
    row = next(s for s in found.scores if (s.method, s.target) == ("persistence", "warm"))
    assert row.mae == pytest.approx(np.mean(errors))


def test_evaluation_needs_rows_that_were_not_seen(series: pl.DataFrame, columns: Columns) -> None:
    model = Forecaster(columns, **SMALL).fit(series[:200])
    with pytest.raises(DataError, match=r"no 1 rows come after .*2020-07-18"):
        model.evaluate(series[:200])
    with pytest.raises(DataError, match="that the model was fitted on are here"):
        model.evaluate(series[150:])
    assert model.evaluate(series).origins == 100


def test_evaluation_without_times(series: pl.DataFrame) -> None:
    columns = Columns(target="warm", past="lead")
    model = Forecaster(columns, horizon=2, **SMALL).fit(series[:200])
    assert model.evaluate(series).origins == 99


def test_plot_draws_history_and_forecast(fitted: Forecaster, series: pl.DataFrame) -> None:
    assert "LSTM" in str(fitted.plot(series).to_json())


def test_levels_between_the_trained_ones_lie_between(
    fitted: Forecaster, series: pl.DataFrame
) -> None:
    found = fitted.predict(series, quantiles=[0.1, 0.125, 0.15])
    middle = (found["warm_q10"] + found["warm_q15"]) / 2
    assert np.allclose(found["warm_q12.5"], middle)
    with pytest.raises(ArgumentError, match=r"0\.99"):
        fitted.predict(series, quantiles=[0.99])


# files


def test_a_fresh_process_forecasts_the_same_numbers(
    fitted: Forecaster, series: pl.DataFrame, tmp_path: Path
) -> None:
    fitted.save(tmp_path / "model.lstm")
    series.write_parquet(tmp_path / "s.parquet")
    code = (
        "import sys, longshort\n"
        "found = longshort.load(sys.argv[1]).predict(sys.argv[2], quantiles=[0.1])\n"
        "print([value.hex() for value in found['warm'].to_list() + found['cold_q10'].to_list()])"
    )
    command = [
        sys.executable,
        "-c",
        code,
        str(tmp_path / "model.lstm"),
        str(tmp_path / "s.parquet"),
    ]
    there = subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    here = fitted.predict(series, quantiles=[0.1])
    assert there == str([v.hex() for v in here["warm"].to_list() + here["cold_q10"].to_list()])


def test_a_loaded_model_is_the_whole_estimator(
    fitted: Forecaster, series: pl.DataFrame, tmp_path: Path
) -> None:
    fitted.save(tmp_path / "model.lstm")
    again = load(tmp_path / "model.lstm")
    assert isinstance(again, Forecaster)
    assert again.get_params() == fitted.get_params()
    assert again.history_ == fitted.history_
    assert again.evaluate(series) == fitted.evaluate(series)
    again.save(tmp_path / "again.lstm")
    assert (tmp_path / "again.lstm").read_bytes() == (tmp_path / "model.lstm").read_bytes()


def test_a_file_of_unknown_kind_is_refused(tmp_path: Path) -> None:
    longshort.artifact.write(tmp_path / "x.lstm", "forcaster", "0.1.0", {}, {})
    with pytest.raises(ModelFileError, match="did you mean 'forecaster'"):
        load(tmp_path / "x.lstm")


HOSTILE = [
    ("horizon", 2_000_000, "2000000"),
    ("horizon", 0, "greater than 0"),
    ("horizon", "3", "integer"),
    ("random_state", -1, "greater than or equal to 0"),
    ("fill", "linear", "missing"),
    ("output", "os.system", "quantiles"),
    ("recurrent", {"size": 10**9}, "does not fit together"),
    ("recurrent", {"depth": 10**9}, "depth"),
    ("recurrent", {"depth": 900}, "900 layers"),
    ("recurrent", {"size": 8.5}, "integer"),
    ("fit", {"members": 0, "refitted": False}, "greater than or equal to 1"),
    ("fit", {"members": 3, "refitted": False}, "tensor"),
    ("learned", {"context": -4}, "greater than 0"),
    ("learned", {"cycles": ["century"]}, "year"),
    ("learned", {"masked": ["nothing"]}, "nothing"),
    ("learned", {"columns": {"target": ["lead"]}}, "fit"),
    ("colour", 1, "colour"),
]


@pytest.mark.parametrize(("section", "value", "says"), HOSTILE)
def test_a_file_that_contradicts_itself_is_refused(
    section: str, value: Any, says: str, fitted: Forecaster, tmp_path: Path
) -> None:
    path = tmp_path / "model.lstm"
    fitted.save(path)
    found = longshort.artifact.read(path)
    old = found.sections.get(section)
    found.sections[section] = {**old, **value} if isinstance(old, dict) else value
    longshort.artifact.write(path, found.kind, found.version, found.sections, found.tensors)
    with pytest.raises(ModelFileError, match=says):
        load(path)


@pytest.mark.parametrize("change", ["nan", "type", "absent", "extra"])
def test_weights_that_are_none_are_refused(change: str, fitted: Forecaster, tmp_path: Path) -> None:
    path = tmp_path / "model.lstm"
    fitted.save(path)
    found = longshort.artifact.read(path)
    name = "member1.head.readout.bias"
    weight = np.array(found.tensors[name])
    if change == "absent":
        del found.tensors[name]
    else:
        weight[0] = np.nan if change == "nan" else 0
        kind = np.float64 if change == "type" else np.float32
        found.tensors[name if change != "extra" else "member1.more"] = weight.astype(kind)
    longshort.artifact.write(path, found.kind, found.version, found.sections, found.tensors)
    with pytest.raises(ModelFileError, match=r"member1"):
        load(path)


# bad input


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"horizon": 0}, "horizon=0"),
        ({"output": "quantile"}, "did you mean 'quantiles'"),
        ({"device": "gpux"}, "device='gpux'"),
    ],
)
def test_impossible_settings_are_named(
    change: dict[str, Any], says: str, series: pl.DataFrame, columns: Columns
) -> None:
    with pytest.raises(ArgumentError, match=says):
        Forecaster(columns, **{**SMALL, **change}).fit(series)


def test_data_unlike_the_fit_are_refused(fitted: Forecaster, series: pl.DataFrame) -> None:
    weekly = series.with_columns(
        pl.col("day").dt.offset_by("0d") + (pl.arange(0, 300) * pl.duration(days=6))
    )
    with pytest.raises(
        DataError, match="rows 1 week apart, and the model was fitted on rows 1 day"
    ):
        fitted.predict(weekly)


def test_settings_changed_after_the_fit_change_nothing_that_was_fitted(
    series: pl.DataFrame, columns: Columns, tmp_path: Path
) -> None:
    model = Forecaster(columns, horizon=2, **SMALL).fit(series)
    before = model.predict(series)
    model.set_params(horizon=5, recurrent__size=64)
    assert model.predict(series).equals(before)
    model.save(tmp_path / "model.lstm")
    again = load(tmp_path / "model.lstm")
    assert again.get_params()["horizon"] == 2
    assert again.predict(series).equals(before)


def test_parts_that_tell_nothing_are_said_before_training(columns: Columns) -> None:
    rows = make_series(200)
    place = pl.arange(0, 200, eager=True)
    gone = rows.with_columns(pl.when((place < 140) | (place >= 170)).then("warm").alias("warm"))
    with pytest.raises(DataError, match="'warm' is missing everywhere in the validation part"):
        Forecaster(columns, split=Split(0.15, 0.15), **SMALL).fit(gone)
    flat = rows.with_columns(pl.when(place >= 140).then("warm").otherwise(1.0).alias("warm"))
    with pytest.raises(DataError, match=r"'warm' is constant \(1\) in the training part"):
        Forecaster(columns, split=Split(0.15, 0.15), **SMALL).fit(flat)
    with pytest.raises(DataError, match="30 rows in the validation part, and a horizon of 40"):
        Forecaster(columns, horizon=40, **SMALL).fit(rows)


def test_rows_after_the_last_target_are_not_learnt_from(
    series: pl.DataFrame, columns: Columns
) -> None:
    empty = series[-30:].with_columns(
        pl.lit(None, pl.Float64).alias("warm"), pl.lit(None, pl.Float64).alias("cold")
    )
    told = Forecaster(columns, **SMALL).fit(pl.concat([series[:-30], empty]))
    assert all(
        map(np.array_equal, weights(told), weights(Forecaster(columns, **SMALL).fit(series[:-30])))
    )


def test_a_short_series_is_refused_with_the_numbers(columns: Columns) -> None:
    with pytest.raises(DataError, match=r"17 rows in the training part.* needs 18"):
        Forecaster(columns, horizon=10, **SMALL).fit(make_series(20))


def test_other_columns_at_prediction_are_named(fitted: Forecaster, series: pl.DataFrame) -> None:
    with pytest.raises(DataError, match="leed"):
        fitted.predict(series.rename({"lead": "leed"}))
    with pytest.raises(DataError, match="5 rows"):
        fitted.predict(series[:5])
