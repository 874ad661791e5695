"""Sample paths: the distribution of every step is the one that is told, and steps hang together."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from longshort import (
    Columns,
    Decoder,
    Forecaster,
    Recurrent,
    Split,
    Training,
    Window,
    artifact,
    load,
)
from longshort.errors import ArgumentError, ModelFileError

LEVELS = (0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95)
SMALL: dict[str, Any] = {
    "window": Window(context=6),
    "recurrent": Recurrent(4, dropout=0.0),
    "split": Split(0.3, None),
}
DECAY, HORIZON = 0.8, 5


def make(rows: int = 1200, seed: int = 0) -> pl.DataFrame:
    """Two autoregressions whose noise is correlated by 0.9."""
    rng = np.random.default_rng(seed)
    noise = rng.multivariate_normal([0, 0], [[1, 0.9], [0.9, 1]], rows)
    y = np.zeros((rows, 2))
    for t in range(1, rows):
        y[t] = DECAY * y[t - 1] + noise[t]
    return pl.DataFrame({"a": y[:, 0], "b": 3 * y[:, 1]})


@pytest.fixture(scope="module")
def data() -> pl.DataFrame:
    return make()


@pytest.fixture(scope="module", params=["quantiles", "student-t", "mse"])
def direct(request: pytest.FixtureRequest, data: pl.DataFrame) -> Forecaster:
    training = Training(epochs=3, members=2, rate=1e-2)
    columns = Columns(target=("a", "b"))
    return Forecaster(columns, HORIZON, output=request.param, training=training, **SMALL).fit(data)


@pytest.fixture(scope="module")
def plain(data: pl.DataFrame) -> Forecaster:
    training = Training(epochs=3, members=1, rate=1e-2)
    return Forecaster(Columns(target=("a", "b")), HORIZON, training=training, **SMALL).fit(data)


@pytest.fixture(scope="module")
def recursive(data: pl.DataFrame) -> Forecaster:
    training = Training(epochs=2, members=2, rate=1e-2)
    decoder = Decoder(mode="recursive", paths=60)
    columns = Columns(target=("a", "b"))
    return Forecaster(columns, HORIZON, training=training, decoder=decoder, **SMALL).fit(data)


def quantiles(paths: pl.DataFrame, name: str, level: float) -> np.ndarray:
    """Of every step of the only series."""
    wide = paths.pivot("step", index="path", values=name).drop("path").to_numpy()
    return np.quantile(wide, level, axis=0, method="hazen")


def test_steps_of_direct_paths_have_the_quantiles_that_are_told(
    direct: Forecaster, data: pl.DataFrame
) -> None:
    told = direct.predict(data, LEVELS)
    paths = direct.sample(data, 2000)
    for name in ("a", "b"):
        for level in LEVELS:
            found = quantiles(paths, name, level)
            np.testing.assert_allclose(found, told[f"{name}_q{100 * level:g}"], atol=0.01)


def test_steps_of_recursive_paths_have_the_quantiles_that_are_told(
    recursive: Forecaster, data: pl.DataFrame
) -> None:
    told = recursive.predict(data, LEVELS)
    same, other = recursive.sample(data, 60), recursive.sample(data, 3000, seed=5)
    for name in ("a", "b"):
        spread = told[f"{name}_q75"] - told[f"{name}_q25"]
        for level in LEVELS:
            wanted = told[f"{name}_q{100 * level:g}"].to_numpy()
            # the prediction's own paths
            np.testing.assert_allclose(quantiles(same, name, level), wanted, atol=1e-5)
            # four standard errors of a quantile of 60 draws of a normal distribution
            error = 0.74 * spread * np.sqrt(level * (1 - level) / 60) / density(level)
            assert (np.abs(quantiles(other, name, level) - wanted) < 4 * error.to_numpy()).all()


def density(level: float) -> float:
    from scipy.stats import norm

    return float(norm.pdf(norm.ppf(level)))


@pytest.mark.parametrize("kind", ["plain", "recursive"])
def test_steps_and_targets_hang_together_as_the_process_does(
    kind: str, data: pl.DataFrame, request: pytest.FixtureRequest
) -> None:
    """Corr(e_j, e_k) = decay^(k - j) sd_j / sd_k, and 0.9 between the targets."""
    model = request.getfixturevalue(kind)
    paths = model.sample(data, 1000, seed=1)
    a, b = (paths.pivot("step", index="path", values=n).drop("path").to_numpy() for n in ("a", "b"))
    steps = np.arange(1, HORIZON + 1)
    sd = np.sqrt((1 - DECAY ** (2 * steps)) / (1 - DECAY**2))
    j, k = np.meshgrid(steps, steps, indexing="ij")
    theory = DECAY ** np.abs(k - j) * np.minimum(sd[:, None], sd) / np.maximum(sd[:, None], sd)
    found = np.corrcoef(a.T)
    np.testing.assert_allclose(found, theory, atol=0.2)
    between = [np.corrcoef(a[:, n], b[:, n])[0, 1] for n in range(HORIZON)]
    np.testing.assert_allclose(between, 0.9, atol=0.1)


def test_a_seed_is_a_set_of_paths(direct: Forecaster, data: pl.DataFrame) -> None:
    assert direct.sample(data, 10, seed=3).equals(pl.concat(direct.sample_parts(data, 10, 3)))
    assert not direct.sample(data, 10, seed=3).equals(direct.sample(data, 10, seed=4))


def test_frames_and_arrays_agree(data: pl.DataFrame) -> None:
    series = np.stack([make(60, seed).to_numpy() for seed in range(3)])
    training = Training(epochs=1, members=1)
    for decoder in (Decoder(), Decoder(mode="recursive", paths=20)):
        model = Forecaster(horizon=2, training=training, decoder=decoder, **SMALL).fit(series)
        found = model.sample(series, 7)
        assert found.shape == (3, 7, 2, 2)
        # in any order, each series has the paths that are its own
        assert np.isfinite(found).all()
    table = pl.concat([make(60, seed).with_columns(town=pl.lit(f"t{seed}")) for seed in range(3)])
    columns = Columns(group="town", target=("a", "b"))
    model = Forecaster(columns, 2, training=training, **SMALL).fit(table)
    forward = model.sample(table, 7)
    assert forward.columns == ["town", "path", "step", "a", "b"]
    assert forward["path"].to_list() == 3 * [n for n in range(1, 8) for _ in range(2)]
    names = ["t2", "t0", "t1"]
    turned = model.sample(pl.concat([table.filter(pl.col("town") == name) for name in names]), 7)
    both = forward.join(turned, on=["town", "path", "step"], suffix="_again")
    np.testing.assert_allclose(both["a"], both["a_again"], rtol=1e-5, atol=1e-6)


def test_series_are_drawn_by_themselves() -> None:
    one = make(200)
    table = pl.concat([one.with_columns(town=pl.lit(name)) for name in "xy"])
    columns = Columns(group="town", target=("a", "b"))
    for decoder in (Decoder(), Decoder(mode="recursive", paths=20)):
        model = Forecaster(
            columns, 2, training=Training(epochs=1, members=1), decoder=decoder, **SMALL
        ).fit(table)
        paths = model.sample(table, 1000).filter(pl.col("step") == 1)
        x, y = (paths.filter(pl.col("town") == name)["a"] for name in "xy")
        assert abs(np.corrcoef(x, y)[0, 1]) < 0.15


def test_a_saved_model_draws_the_same(
    direct: Forecaster, data: pl.DataFrame, tmp_path: Path
) -> None:
    path = tmp_path / "m.lstm"
    direct.save(path)
    assert load(path).sample(data, 9).equals(direct.sample(data, 9))
    found = artifact.read(path)
    name = "learned.errors.ranks"
    ranks = found.tensors[name].copy()
    assert ranks.shape[1:] == (HORIZON, 2)
    other = ranks.copy()
    other[0] = -1
    for wrong, says in (
        (ranks.transpose(2, 1, 0), "ranks of errors are int16"),
        (ranks.astype(np.uint16), "ranks of errors are int16"),
        (np.zeros_like(ranks), "not the numbers of their windows"),
        (other, "not the numbers of their windows"),
    ):
        artifact.write(path, *found[:3], {**found.tensors, name: wrong})
        with pytest.raises(ModelFileError, match=says):
            load(path)
    # a file of before paths were drawn
    artifact.write(path, *found[:3], {n: a for n, a in found.tensors.items() if n != name})
    with pytest.raises(ArgumentError, match="not known how the steps of a horizon hang together"):
        load(path).sample(data)


def test_what_is_asked_for_must_be_possible(direct: Forecaster, data: pl.DataFrame) -> None:
    for wrong, says in (({"count": 0}, "count=0"), ({"seed": -1}, "seed=-1")):
        with pytest.raises(ArgumentError, match=says):
            direct.sample(data, **wrong)
    with pytest.raises(ArgumentError, match="horizon=9"):
        direct.sample(data, horizon=9)
