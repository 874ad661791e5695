"""The recursive decoder: what it learns, any horizon, and the laws that no sample may break."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import torch

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
from longshort.data.windows import Windows
from longshort.errors import ArgumentError
from longshort.tasks import paths

from .test_categories import COLUMNS, EFFECT, last, shops

FEW = Decoder(mode="recursive", paths=20)
ONE_EPOCH = Training(epochs=1, members=1)
SMALL: dict[str, Any] = {
    "window": Window(context=6),
    "recurrent": Recurrent(4, dropout=0.0),
    "decoder": FEW,
    "training": ONE_EPOCH,
    "split": Split(0.2, None),
}
DECAY, NOISE = 0.8, 10.0


def towns(names: str = "ab", rows: int = 80) -> pl.DataFrame:
    """Two targets, one with gaps, and a covariate of every role; the last two days are to come."""
    rng = np.random.default_rng(3)
    frames = []
    for number, name in enumerate(names):
        warm = 10 * (number + 1) + rng.normal(size=rows).cumsum()
        warm[rng.random(rows) < 0.1] = np.nan
        cold = rng.normal(size=rows)
        warm[-2:] = cold[-2:] = np.nan
        frames.append(
            pl.DataFrame(
                {
                    "town": [name] * rows,
                    "day": np.datetime64("2024-01-01") + np.arange(rows),
                    "warm": warm,
                    "cold": cold,
                    "wind": rng.normal(size=rows),
                    "sky": rng.choice(["sun", "rain"], rows),
                    "plan": rng.normal(size=rows),
                    "fair": rng.choice(["yes", "no"], rows),
                    "height": [100.0 * number] * rows,
                }
            ).with_columns(pl.col("warm", "cold").fill_nan(None))
        )
    return pl.concat(frames)


ROLES = Columns("day", "town", ("warm", "cold"), ("wind", "sky"), ("plan", "fair"), "height")


@pytest.fixture(scope="module")
def data() -> pl.DataFrame:
    return towns()


@pytest.fixture(scope="module")
def model(data: pl.DataFrame) -> Forecaster:
    settings = {**SMALL, "training": Training(epochs=2, members=2)}
    return Forecaster(ROLES, horizon=2, **settings).fit(data)


# what it learns


@pytest.fixture(scope="module")
def walk() -> pl.DataFrame:
    """An autoregression with known coefficient and noise."""
    rng = np.random.default_rng(0)
    y = np.zeros(1500)
    for t in range(1, len(y)):
        y[t] = DECAY * y[t - 1] + rng.normal()
    return pl.DataFrame({"y": 50 + NOISE * y})


@pytest.fixture(scope="module", params=["gaussian", "quantiles"])
def learnt(request: pytest.FixtureRequest, walk: pl.DataFrame) -> Forecaster:
    training = Training(epochs=6, members=1, rate=1e-2)
    settings = {**SMALL, "training": training, "decoder": Decoder(mode="recursive")}
    return Forecaster(Columns(target="y"), 6, output=request.param, **settings).fit(walk)


def test_an_autoregression_is_learnt_and_spreads_as_theory_says(
    learnt: Forecaster, walk: pl.DataFrame
) -> None:
    paths = learnt.sample(walk, 2000, horizon=12)
    steps = np.arange(1, 13)
    told = paths.group_by("step").agg(pl.col("y").mean().alias("mean"), pl.col("y").std())
    told = told.sort("step")
    start = walk["y"][-1] - 50
    np.testing.assert_allclose(told["mean"], 50 + start * DECAY**steps, atol=3.0)
    theory = NOISE * np.sqrt((1 - DECAY ** (2 * steps)) / (1 - DECAY**2))
    np.testing.assert_allclose(told["y"], theory, rtol=0.15)
    # a path is an autoregression, too
    wide = paths.pivot("step", index="path", values="y").drop("path").to_numpy() - 50
    slope = (wide[:, 3:-1] * wide[:, 4:]).sum() / (wide[:, 3:-1] ** 2).sum()
    assert slope == pytest.approx(DECAY, abs=0.1)


def test_over_one_step_it_is_the_direct_decoder(learnt: Forecaster, walk: pl.DataFrame) -> None:
    """With the same weights both tell the same distribution of the next value."""
    direct = Forecaster(
        Columns(target="y"), 1, output=learnt.output, **{**SMALL, "decoder": Decoder()}
    ).fit(walk)
    weights = learnt.models_[0].state_dict()
    own = direct.models_[0].state_dict()
    shared = {name: weights[name] for name in own if name != "head.errors"}
    direct.models_[0].load_state_dict({**shared, "head.errors": torch.zeros(1, 1, 19)})
    learnt.models_[0].head.calibrate(torch.zeros_like(learnt.models_[0].head.errors))
    levels = (0.1, 0.25, 0.5, 0.75, 0.9)
    one = direct.predict(walk, levels).to_numpy()
    same = learnt.predict(walk, levels, horizon=1).to_numpy()
    np.testing.assert_allclose(same, one, atol=0.03 * NOISE)


def test_what_is_known_in_advance_is_read_before_its_step() -> None:
    training = Training(epochs=15, members=1, rate=3e-2, batch=32, patience=None)
    settings = {**SMALL, "window": Window(context=4, relative="none", calendar=False)}
    settings |= {"training": training, "recurrent": Recurrent(8, dropout=0.0)}
    table = shops()
    model = Forecaster(COLUMNS, horizon=2, **settings).fit(table)
    one = table.filter(pl.col("shop") == "a")
    for kind in EFFECT:
        found = model.predict(last(one, "sky", [kind or None, "fog"]))["sold"]
        assert found.to_numpy() == pytest.approx([EFFECT[kind], EFFECT["fog"]], abs=1.2)
    # and the explanation of the next step says so
    told = model.explain(table)
    (sky,) = (leaning for leaning in told.leanings if leaning.column == "sky")
    assert told.steps == (1,)
    assert len(sky.ahead) == 1
    assert sky.ahead[0] > 0.5


# any horizon


def test_a_longer_horizon_begins_with_the_shorter_one(
    learnt: Forecaster, walk: pl.DataFrame
) -> None:
    long, short = (learnt.predict(walk, (0.1, 0.9), horizon=n) for n in (15, 4))
    assert long.height == 15
    np.testing.assert_allclose(long[:4].to_numpy(), short.to_numpy(), rtol=1e-6)
    assert learnt.predict(walk).height == 6


def test_a_direct_model_answers_its_own_horizon_alone(walk: pl.DataFrame) -> None:
    model = Forecaster(Columns(target="y"), 2, **{**SMALL, "decoder": Decoder()}).fit(walk[:200])
    assert model.predict(walk, horizon=2).height == 2
    with pytest.raises(ArgumentError, match=r"horizon=3.*answer 2 steps at once.*--mode recursive"):
        model.predict(walk, horizon=3)
    with pytest.raises(ArgumentError, match="horizon=0"):
        model.predict(walk, horizon=0)


# every kind of output


@pytest.mark.parametrize(
    "output", ["quantiles", "gaussian", "student-t", "negative-binomial", "mse", "huber"]
)
@pytest.mark.parametrize("relative", ["last", "season", "none"])
def test_every_output_runs_on(output: Any, relative: Any, tmp_path: Path) -> None:
    data = towns()
    counted = pl.col("warm", "cold").abs().round()
    data = data.with_columns(counted) if output == "negative-binomial" else data
    settings = {**SMALL, "window": Window(context=6, relative=relative, season=3)}
    scaling = Scaling(per_series=relative != "none")
    model = Forecaster(ROLES, 2, output=output, scaling=scaling, **settings).fit(data)
    found = model.predict(data, (0.05, 0.5, 0.95), horizon=2)
    model.save(tmp_path / "m.lstm")
    assert load(tmp_path / "m.lstm").predict(data, (0.05, 0.5, 0.95), horizon=2).equals(found)
    paths = model.sample(data, 5)
    assert paths.height == 2 * 5 * 2
    for name in ("warm", "cold"):
        assert found[name].is_finite().all()
        assert paths[name].is_finite().all()
        assert (found[f"{name}_q5"] <= found[f"{name}_q50"]).all()
        assert (found[f"{name}_q50"] <= found[f"{name}_q95"]).all()
        assert found[f"{name}_q5"].sum() < found[f"{name}_q95"].sum()
        if output == "negative-binomial":
            assert (found[name] >= 0).all()
            assert (paths[name] == paths[name].round()).all()


@pytest.mark.parametrize(
    ("recurrent", "decoder"),
    [
        (Recurrent(4, cell="gru", depth=2, dropout=0.0), FEW),
        (Recurrent(4, cell="slstm", stem=3, dropout=0.0), FEW),
        (Recurrent(4, cell="rnn", dropout=0.0), replace(FEW, highway="none")),
        (Recurrent(4, dropout=0.0), replace(FEW, channels="shared")),
    ],
    ids=["gru", "stem", "rnn", "shared"],
)
def test_every_network_that_streams_runs_on(
    recurrent: Recurrent, decoder: Decoder, data: pl.DataFrame
) -> None:
    """And the second step is what the network says of a context one row longer."""
    settings = {**SMALL, "recurrent": recurrent, "decoder": decoder, "output": "mse"}
    model = Forecaster(ROLES, 3, **settings)
    model.fit(data)
    (net,) = model.models_
    windows = model_windows(model, data)
    batch = windows.batch([5, 40])
    with torch.no_grad():
        rolled = net.paths(batch, 1)[..., 0]
        prompt = {name: group[:, :8].clone() for name, group in batch.inputs.items()}
        for step in range(2):
            at = 6 + step
            prompt["numbers"][:, at, :2] = rolled[:, step]
            prompt["numbers"][:, at, list(net.fed.masks)] = 1.0
        reference = torch.cat([batch.reference[:, :6], rolled[:, :2]], 1)
        longer = batch.replace(inputs=prompt, lengths=torch.full((2,), 8), reference=reference)
        whole = net.head.parameters_after(net.encoder(longer), longer)
    torch.testing.assert_close(whole[:, 5:, :, 0], rolled, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("mode", ["direct", "recursive"])
def test_channels_that_share_weights_are_explained_with_their_categories(
    mode: Any, data: pl.DataFrame
) -> None:
    decoder = replace(FEW, channels="shared", mode=mode)
    found = Forecaster(ROLES, 2, **{**SMALL, "decoder": decoder}).fit(data).explain(data)
    assert found.gap < 1e-4
    assert sum(x.share for x in found.leanings if x.column == "sky") > 0
    assert sum(x.share for x in found.leanings if x.column == "fair") > 0


def model_windows(model: Forecaster, data: pl.DataFrame) -> Windows:
    """Every window whose horizon has been."""
    series = model._read_again(data)
    first = np.full(len(series), model.encoding_.context)
    return Windows(series, model.encoding_, first, series.lengths - model.encoding_.horizon + 1)


def test_what_cannot_run_on_is_refused(data: pl.DataFrame) -> None:
    for changes, name in (
        ({"recurrent": Recurrent(4, bidirectional=True)}, r"Recurrent\(bidirectional=True\)"),
        ({"recurrent": Recurrent(4, stem=3, stride=2)}, r"Recurrent\(stride=2\)"),
        ({"decoder": replace(FEW, segment=2)}, r"Decoder\(segment=2\)"),
        ({"decoder": replace(FEW, centred=True)}, r"Decoder\(centred=True\)"),
        ({"decoder": replace(FEW, highway="context")}, r"Decoder\(highway='context'\)"),
        ({"window": Window(context=6, differences=True)}, r"Window\(differences=True\)"),
    ):
        with pytest.raises(ArgumentError, match=f"{name}: .*--mode direct"):
            Forecaster(ROLES, 2, **{**SMALL, **changes}).fit(data)
    for count in (5, 10**9):
        with pytest.raises(ArgumentError, match="paths"):
            Decoder(paths=count)
    with pytest.raises(ArgumentError, match="'recursive'"):
        Decoder(mode="recursiv")


# laws


def test_nothing_after_the_origin_is_read_but_what_is_known_in_advance(
    model: Forecaster, data: pl.DataFrame
) -> None:
    windows = model_windows(model, data)
    series, rng = windows.sequences, np.random.default_rng(0)
    (_,), (origin,) = windows.where([30])
    before = model.forecasts(windows, [30])
    for column, field in enumerate(series.fields):
        if field.role == "static":
            continue
        values = series.values.copy()
        after = values[origin:80, column]
        values[origin:80, column] = (
            1 - after if field.labels is not None else rng.normal(size=len(after))
        )
        changed = Windows(
            replace(series, values=values), windows.encoding, windows.first, windows.last
        )
        found = model.forecasts(changed, [30])
        same = all(np.array_equal(a, b) for a, b in zip(before, found, strict=True))
        assert same == (field.role != "future"), field


def test_the_order_and_the_number_of_series_do_not_matter(model: Forecaster) -> None:
    table = towns("abcdefg")
    whole = model.predict(table, (0.1, 0.9))
    for names in ("gfedcba", "c"):
        part = pl.concat([table.filter(pl.col("town") == name) for name in names])
        again = model.predict(part, (0.1, 0.9))
        both = whole.join(again, on=["town", "day"], suffix="_again")
        assert both.height == 2 * len(names)
        for name in ("warm", "warm_q10", "cold_q90"):
            np.testing.assert_allclose(both[name], both[f"{name}_again"], rtol=1e-5, atol=1e-5)


def test_thousands_of_series_of_different_lengths_come_in_parts(model: Forecaster) -> None:
    rng = np.random.default_rng(0)
    lengths = rng.integers(6, 14, 5000)
    total = int(lengths.sum())
    within = np.arange(total) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    ahead = within >= np.repeat(lengths - 2, lengths)
    table = pl.DataFrame(
        {
            "town": np.repeat([f"t{n}" for n in range(5000)], lengths),
            "day": np.datetime64("2024-01-01") + within,
            "warm": np.where(ahead, np.nan, rng.normal(size=total)),
            "cold": np.where(ahead, np.nan, rng.normal(size=total)),
            "wind": rng.normal(size=total),
            "sky": rng.choice(["sun", "hail"], total),
            "plan": rng.normal(size=total),
            "fair": rng.choice(["yes", "no"], total),
            "height": 0.0,
        }
    )
    with pytest.warns(UserWarning, match="left out"):
        parts = list(model.predict_parts(table))
    assert len(parts) > 1
    assert sum(part.height for part in parts) == 2 * int((lengths >= 8).sum())
    assert all(part["warm"].is_finite().all() for part in parts)


def test_the_same_seed_gives_the_same_network(model: Forecaster, data: pl.DataFrame) -> None:
    again = Forecaster(**model.get_params(deep=False)).fit(data)
    assert again.predict(data, (0.1,)).equals(model.predict(data, (0.1,)))


def test_evaluation_reads_it_as_any_other(data: pl.DataFrame) -> None:
    table = data.drop_nulls("cold")
    settings = {**SMALL, "split": Split(0.2, 0.2)}
    model = Forecaster(ROLES, 2, **settings).fit(table)
    found = model.evaluate(table, yardsticks="quick")
    assert found.settings["decoder.mode"] == "recursive"
    assert np.isfinite(model.score(table))


def test_paths_of_many_origins_are_drawn_from_fewer(
    data: pl.DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = data.drop_nulls("cold")
    model = Forecaster(ROLES, 2, **{**SMALL, "split": Split(0.2, 0.2)}).fit(data)
    whole = model.evaluate(data, yardsticks="quick")
    thin = model.evaluate(data, yardsticks="quick", every=4)
    assert thin.origins < whole.origins
    assert any("Test origins are 4 rows apart" in note for note in thin.notes)
    assert not any("rows apart" in note for note in whole.notes)
    # as far apart as the bound on paths asks for
    steps = len(model.models_) * model.decoder.paths * model.horizon * whole.origins
    monkeypatch.setattr(paths, "_STEPS", steps // 4 + 1)
    assert model.evaluate(data, yardsticks="quick").scores == thin.scores
    with pytest.raises(ArgumentError, match="every=0"):
        model.evaluate(data, every=0)
