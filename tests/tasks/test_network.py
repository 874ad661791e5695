"""Forecasters with every network and every decoder: the laws that none of them may break."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import torch
from sklearn.base import clone

from longshort import (
    Columns,
    Decoder,
    Forecaster,
    Recurrent,
    Scaling,
    Split,
    Training,
    Window,
    load,
)
from longshort.errors import ArgumentError

from .conftest import make_series

NETWORKS: dict[str, tuple[Recurrent, Decoder]] = {
    "gru": (Recurrent(8, cell="gru"), Decoder()),
    "rnn": (Recurrent(8, cell="rnn"), Decoder("none")),
    "slstm": (Recurrent(8, cell="slstm"), Decoder("context")),
    "stem": (Recurrent(8, stem=3), Decoder("context", segment=4)),
    "strided": (Recurrent(8, stem=3, stride=2, bidirectional=True), Decoder(centred=True)),
    "shared": (Recurrent(8), Decoder(channels="shared")),
    "segments": (Recurrent(8), Decoder("context", 3, "shared", centred=True)),
    "bare": (Recurrent(8, depth=2), Decoder("none", 8, "shared")),
}


def gappy() -> pl.DataFrame:
    """Values of one target are missing here and there, so that it has a mask."""
    hole = pl.Series(np.random.default_rng(1).random(300) < 0.1)
    return make_series().with_columns(pl.when(~hole).then(pl.col("warm")).alias("warm"))


def make(name: str, **settings: Any) -> Forecaster:
    recurrent, decoder = NETWORKS[name]
    given = {"training": Training(epochs=2, members=1), "window": Window(context=8), **settings}
    columns = Columns(time="day", target=["warm", "cold"])
    return Forecaster(
        columns, 3, recurrent=recurrent, decoder=decoder, split=Split(0.2, 0.2), **given
    )


@pytest.fixture(scope="session")
def gaps() -> pl.DataFrame:
    return gappy()


@pytest.fixture(scope="session", params=NETWORKS)
def fitted(request: pytest.FixtureRequest, gaps: pl.DataFrame) -> Forecaster:
    return make(request.param).fit(gaps)


def told(model: Forecaster, data: pl.DataFrame) -> np.ndarray:
    return model.predict(data, quantiles=(0.1, 0.9)).drop("day").to_numpy()


def test_a_forecast_depends_on_its_context_alone(fitted: Forecaster, gaps: pl.DataFrame) -> None:
    # the target has no gap here, so that nothing is filled from before the context
    stop = next(at for at in range(250, 300) if not gaps["warm"][at - 8 : at].null_count())
    whole = told(fitted, gaps[:stop])
    assert np.isfinite(whole).all()
    assert np.allclose(told(fitted, gaps[stop - 8 : stop]), whole, rtol=0, atol=1e-6)
    later = pl.arange(0, len(gaps), eager=True) >= stop
    names = ("warm", "cold")
    ahead = gaps.with_columns(
        *[pl.when(~later).then(pl.col(name)).alias(name) for name in names],
        pl.when(later).then(1e6).otherwise(pl.col("lead")).alias("lead"),
    )
    assert np.array_equal(told(fitted, ahead), whole)


def test_many_windows_at_once_are_what_each_is_alone(
    fitted: Forecaster, gaps: pl.DataFrame
) -> None:
    parts = fitted._learn(gaps)
    windows = parts.both
    together = fitted.forecasts(windows, range(40))
    for at in (0, 17, 39):
        alone = fitted.forecasts(windows, [at])
        assert np.allclose(alone.quantiles, together.quantiles[at : at + 1], rtol=0, atol=1e-5)


def test_padded_steps_are_not_read(fitted: Forecaster, gaps: pl.DataFrame) -> None:
    batch, model = fitted._learn(gaps).train.batch(range(6)), fitted.models_[0]
    numbers = torch.nn.functional.pad(batch.inputs["numbers"], (0, 0, 0, 5), value=torch.nan)
    with torch.no_grad():
        plain = model.predict(batch)
        padded = model.predict(batch.replace(inputs={"numbers": numbers}))
    torch.testing.assert_close(padded.quantiles, plain.quantiles, rtol=0, atol=1e-5)


def test_a_batch_without_rows_has_no_loss(fitted: Forecaster, gaps: pl.DataFrame) -> None:
    # what a process is left with where several share a small batch
    batch, model = fitted._learn(gaps).train.batch([]), fitted.models_[0]
    loss, _ = model.loss(batch)
    assert (loss.total.item(), int(loss.count)) == (0, 0)
    assert model.predict(batch).quantiles.shape == (0, 3, 2, 19)


def test_the_same_seed_gives_the_same_forecast_and_a_file_keeps_it(
    fitted: Forecaster, gaps: pl.DataFrame, tmp_path: Path
) -> None:
    first = told(fitted, gaps)
    assert np.array_equal(told(clone(fitted).fit(gaps), gaps), first)
    fitted.save(tmp_path / "model.lstm")
    again = load(tmp_path / "model.lstm")
    assert again.get_params() == fitted.get_params()
    assert np.array_equal(told(again, gaps), first)


@pytest.mark.parametrize("relative", ["last", "season", "none", "differences"])
@pytest.mark.parametrize("name", ["stem", "segments"])
def test_forecasts_scale_with_the_series(name: str, relative: Any, gaps: pl.DataFrame) -> None:
    # powers of two change no digit, so the training runs are the same to the last bit
    scaled = gaps.with_columns(pl.col("warm") * 8, pl.col("lead") / 4)
    differences = relative == "differences"
    relative = "season" if differences else relative
    window = Window(8, relative, season=7, differences=differences)
    one, two = (make(name, window=window).fit(data) for data in (gaps, scaled))
    expected = told(one, gaps) * np.array([8, 8, 8, 1, 1, 1])
    assert np.allclose(told(two, scaled), expected, rtol=1e-9)


@pytest.mark.parametrize("output", ["gaussian", "student-t", "mae"])
def test_every_output_goes_through_shared_channels(output: Any, gaps: pl.DataFrame) -> None:
    found = told(make("segments", output=output).fit(gaps), gaps)
    assert np.isfinite(found).all()
    assert (found[:, 1] < found[:, 2]).all()


def test_shared_channels_treat_targets_alike() -> None:
    """Targets that change places change forecasts only in their places."""
    series = make_series()
    columns = [
        Columns("day", target=names, past="lead") for names in (("warm", "cold"), ("cold", "warm"))
    ]
    settings = {
        "window": Window(context=8),
        "recurrent": Recurrent(8, dropout=0.0),
        "decoder": Decoder("context", channels="shared"),
        "training": Training(epochs=2, members=1),
        "output": "mae",
        "scaling": Scaling(),
    }
    one, two = (Forecaster(each, 3, **settings).fit(series).predict(series) for each in columns)
    for name in ("warm", "cold"):
        assert np.allclose(one[name], two[name], atol=1e-4)


@pytest.mark.parametrize("channels", ["joint", "shared"])
def test_a_series_that_repeats_itself_but_for_a_drift_is_told_by_differences(channels: Any) -> None:
    """A line of differences says that what was above last season stays above."""
    rng = np.random.default_rng(0)
    rows = np.arange(400)
    wave = np.sin(2 * np.pi * rows / 7)
    drift = [np.repeat(rng.normal(size=20).cumsum(), 20) for _ in range(2)]
    data = pl.DataFrame({"a": 3 * wave + drift[0], "b": wave + drift[1]})
    errors = []
    for differences in (True, False):
        model = Forecaster(
            Columns(target=["a", "b"]),
            2,
            window=Window(3, "season", 7, differences=differences),
            recurrent=Recurrent(2, dropout=0.0),
            decoder=Decoder("context", channels=channels),
            training=Training(epochs=30, members=1, rate=0.01, weight_decay=0.0),
        ).fit(data[:300])
        errors.append(1 - model.score(data[290:]))
    assert errors[0] < 0.7 * errors[1]


def test_centred_networks_do_not_see_a_level() -> None:
    series = make_series()
    model = make("segments", window=Window(8, calendar=False), scaling=Scaling()).fit(series)
    moved = series.with_columns(pl.col("warm") + 64)
    expected = told(model, series) + np.array([64, 64, 64, 0, 0, 0])
    assert np.allclose(told(model, moved), expected, atol=1e-4)


def test_the_network_is_told_in_words(fitted: Forecaster) -> None:
    assert f"{fitted.recurrent.name}(8)" in fitted.summary()
    assert fitted._method().name == fitted.recurrent.name


def test_what_cannot_be_is_refused(gaps: pl.DataFrame) -> None:
    with pytest.raises(ArgumentError, match=r"Decoder\(segment=9\): the context has 8 rows"):
        make("bare").set_params(decoder__segment=9).fit(gaps)
    for settings, says in (
        ({"highway": "contxt"}, "did you mean 'context'"),
        ({"channels": "share"}, "did you mean 'shared'"),
        ({"segment": 0}, r"Decoder\(segment\)=0"),
    ):
        with pytest.raises(ArgumentError, match=says):
            Decoder(**settings)
