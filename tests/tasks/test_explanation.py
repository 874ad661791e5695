"""What forecasts lean on: problems whose answer is known, and every kind of column."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
import pytest
import torch
from torch import Tensor, nn

from longshort import Columns, Decoder, Forecaster, Recurrent, Scaling, Split, Training, Window
from longshort.contracts import Batch, Encoded, Loss, Prediction, State
from longshort.errors import DataError
from longshort.heads.base import Head
from longshort.model import Model
from longshort.records import Explanation
from longshort.tasks.explanation import columns_of

ROWS, CONTEXT = 1500, 6


def two(rows: int = ROWS) -> pl.DataFrame:
    """A value that is made of the one three rows ago and of what was pushed a row ago alone."""
    rng = np.random.default_rng(0)
    push, noise = rng.normal(size=rows), 0.5 * rng.normal(size=rows)
    value = np.zeros(rows)
    for row in range(3, rows):
        value[row] = -0.7 * value[row - 3] + 0.7 * push[row - 1] + noise[row]
    day = np.datetime64("2020-01-01") + np.arange(rows)
    return pl.DataFrame({"day": day, "y": value, "push": push, "idle": rng.normal(size=rows)})


def forecaster(**changes: Any) -> Forecaster:
    settings = {
        "window": Window(context=CONTEXT, relative="none", calendar=False),
        "recurrent": Recurrent(16, dropout=0.0),
        "training": Training(
            epochs=25, members=1, rate=0.02, weight_decay=0.3, schedule="onecycle", patience=None
        ),
        "split": Split(valid=0.2, test=0.2), "output": "mse", **changes,
    }  # fmt: skip
    return Forecaster(Columns("day", target="y", past=("push", "idle")), **settings)


def cells(found: Explanation, step: int = 1) -> dict[tuple[str, int], float]:
    """Share of each column at each lag."""
    return {
        (leaning.column, lag): share
        for leaning in found.leanings
        if leaning.step == step
        for lag, share in enumerate(leaning.past, start=1)
    }


@pytest.fixture(scope="module")
def fitted() -> Forecaster:
    return forecaster().fit(two())


def test_a_network_that_has_learnt_it_shows_lag_3_and_the_push(fitted: Forecaster) -> None:
    found = fitted.explain(two())
    best = fitted.history_.best(0)
    assert best is not None
    assert best.valid_loss is not None
    # noise of 0.5^2 in a variance of (0.7^2 + 0.5^2) / (1 - 0.7^2)
    assert best.valid_loss < 1.2 * 0.25 / 1.45
    shares = cells(found)
    (first, most), (second, more), (_, rest) = sorted(shares.items(), key=lambda x: -x[1])[:3]
    assert {first, second} == {("y", 3), ("push", 1)}
    assert most + more > 0.65
    assert rest < 0.08
    assert sum(share for (column, _), share in shares.items() if column == "idle") < 0.12
    assert sum(leaning.share for leaning in found.leanings) == pytest.approx(1, abs=1e-3)
    assert found.gap < 1e-4
    rises = {p.column: p for p in found.permutations}
    assert rises["push"].low > 0.8
    assert rises["y"].low > 0.8
    assert abs(rises["idle"].rise) < 0.1


class Read(nn.Module):
    """A trunk that hands its numbers on."""

    def __init__(self) -> None:
        super().__init__()
        self.one = nn.Parameter(torch.ones(()))

    def forward(self, batch: Batch, state: State | None = None) -> Encoded:
        x = batch.inputs["numbers"] * self.one
        return Encoded(x, (x,), State(), batch.lengths)


class Rule(Head):
    """y three rows ago times -0.7 and push a row ago times 0.7; nothing else is looked at."""

    def loss(self, encoded: Encoded, batch: Batch) -> Loss:
        raise NotImplementedError

    def decode(self, encoded: Encoded, batch: Batch) -> Prediction:
        told: Tensor = -0.7 * encoded.z[:, -3, :1] + 0.7 * encoded.z[:, -1, 1:2]
        return Prediction(told.unsqueeze(1))


def test_a_rule_shows_exactly_what_it_reads() -> None:
    """The shares by hand: mean distances from the training mean, in scaled units."""
    rule = forecaster(training=Training(epochs=1, members=1)).fit(two())
    rule.models_ = [Model(Read(), Rule())]
    found = rule.explain(two())
    shares = cells(found)
    windows, background = rule._parts(
        rule._read_again(two()), rule.seen_.recall(rule._read_again(two()))
    )[1::-1]
    index = np.linspace(0, len(windows) - 1, found.windows).round().astype(int)
    x = windows.inputs(index).astype(float)
    base = background.inputs(np.arange(len(background)))
    assert found.windows == 128
    sizes = {
        ("y", 3): np.abs(x[:, -3, 0] - base[..., 0].mean()).mean(),
        ("push", 1): np.abs(x[:, -1, 1] - base[..., 1].mean()).mean(),
    }
    for cell, share in shares.items():
        assert share == pytest.approx(sizes.get(cell, 0) / sum(sizes.values()), abs=0.01)
        assert (share == 0) == (cell not in sizes)
    assert {p.column for p in found.permutations if p.rise != 0} == {"y", "push"}


def test_what_is_known_in_advance_and_what_stays_is_told_apart() -> None:
    rng, parts = np.random.default_rng(1), []
    for town in range(8):
        plan, size = rng.normal(size=60), rng.normal()
        value = 2 * plan + 2 * size + 0.05 * rng.normal(size=60)
        parts.append(pl.DataFrame({"town": str(town), "y": value, "plan": plan, "size": size}))
    columns = Columns(group="town", target="y", future="plan", static="size")
    model = Forecaster(
        columns,
        4,
        window=Window(context=4, relative="none"),
        recurrent=Recurrent(8, dropout=0.0),
        training=Training(epochs=15, members=2, rate=0.03, weight_decay=0.0),
    ).fit(pl.concat(parts))
    found = model.explain(pl.concat(parts))
    assert found.steps == (1, 2, 4)
    assert found.columns == ("y", "plan", "size")
    for step in found.steps:
        by = {x.column: x for x in found.leanings if x.step == step}
        # of the plan its value at that very step
        assert int(np.argmax(by["plan"].ahead)) == step - 1
        assert by["plan"].ahead[step - 1] > 0.3
        assert by["size"].still > 0.02
        assert by["y"].ahead == ()
        assert by["y"].still == 0
        assert sum(x.share for x in by.values()) == pytest.approx(1, abs=1e-3)


@pytest.mark.parametrize(("relative", "lags"), [("last", {1, 2, 3}), ("season", {7, 6, 1})])
def test_what_a_forecast_is_told_relative_to_counts_at_its_lag(
    relative: Any, lags: set[int]
) -> None:
    """An untrained network says almost nothing of its own: the reference is all there is."""
    window = Window(context=5, relative=relative, season=7)
    training = Training(epochs=1, steps=1, members=1, rate=1e-9)
    model = forecaster(window=window, training=training, horizon=7).fit(two(300))
    with torch.no_grad():
        model.models_[0].head.readout.weight.zero_()
    found = model.explain(two(300))
    assert found.steps == (1, 4, 7)
    for step in found.steps:
        shares = cells(found, step)
        expected = 1 if relative == "last" else 7 - step + 1
        assert shares["y", expected] > 0.99
    # a season is longer than the context
    assert {len(x.past) for x in found.leanings if x.past} == {5 if relative == "last" else 7}


def test_every_column_has_its_places() -> None:
    """Masks and calendar cycles among them; a column may be called as a cycle is."""
    frame = two(300).with_columns(
        pl.when(pl.arange(0, 300) % 7 == 0).then(None).otherwise(pl.col("idle")).alias("idle"),
        pl.col("push").alias("week"), pl.arange(0, 300).cast(pl.Float64).alias("plan"),
    )  # fmt: skip
    columns = Columns("day", target="y", past=("idle", "week"), future="plan")
    model = Forecaster(
        columns, window=Window(context=4), training=Training(epochs=1, members=1)
    ).fit(frame)
    places = {c.name: c.reads for c in columns_of(model.fields_, model.encoding_)}
    assert places["y"] == {"inputs.numbers": [0]}
    assert places["idle"] == {"inputs.numbers": [1, 3]}
    assert places["plan"]["inputs.numbers"] == [4]
    assert places["plan"]["future.numbers"] == [0]
    assert places["week"] == {"inputs.numbers": [2]}
    assert places["time of year"] == {"inputs.numbers": [5, 6], "future.numbers": [1, 2]}
    every = [at for reads in places.values() for at in reads.get("inputs.numbers", [])]
    assert sorted(every) == list(range(9))
    assert model.explain(frame).columns[0] == "y"


def test_other_data_are_refused(fitted: Forecaster) -> None:
    with pytest.raises(DataError):
        fitted.explain(two().head(100))


def test_scaling_and_level_change_no_share() -> None:
    """Shares are of scaled numbers: another unit of measurement says the same."""
    frame, training = two(300), Training(epochs=3, members=1)
    other = frame.with_columns(pl.col("push") * 1000 + 5000)
    one, same = (
        cells(forecaster(training=training, scaling=Scaling()).fit(data).explain(data))
        for data in (frame, other)
    )
    assert all(one[cell] == pytest.approx(same[cell], abs=1e-3) for cell in one)


def shops() -> pl.DataFrame:
    """What a shop sells: by the day's weather, which was known the day before, and by its kind."""
    rng, parts = np.random.default_rng(2), []
    for shop in range(6):
        sky = rng.choice(["sun", "rain", "snow"], 70)
        kind = ["small", "large"][shop % 2]
        told = pl.Series("sky", sky)
        sold = told.replace_strict({"sun": 2.0, "rain": 0.0, "snow": -2.0}).to_numpy()
        sold = sold + 2 * (kind == "large") + 0.1 * rng.normal(size=70)
        idle = pl.Series("idle", rng.choice(["a", "b"], 70))
        parts.append(
            pl.DataFrame({"sold": sold, "sky": sky, "idle": idle}).with_columns(
                shop=pl.lit(str(shop)), kind=pl.lit(kind)
            )
        )
    return pl.concat(parts)


@pytest.mark.parametrize("channels", ["joint", "shared"])
def test_categories_have_shares_as_numbers_have(channels: Any) -> None:
    columns = Columns(group="shop", target="sold", past="idle", future="sky", static="kind")
    model = Forecaster(
        columns,
        2,
        window=Window(context=3, relative="none"),
        recurrent=Recurrent(8, dropout=0.0),
        training=Training(epochs=12, members=1, rate=0.03, weight_decay=0.0),
        decoder=Decoder(channels=channels),
    ).fit(shops())
    found = model.explain(shops())
    assert set(found.columns) >= {"sold", "sky", "idle", "kind"}
    assert found.gap < 1e-3
    for step in (1, 2):
        by = {x.column: x for x in found.leanings if x.step == step}
        assert sum(x.share for x in by.values()) == pytest.approx(1, abs=1e-3)
        assert int(np.argmax(by["sky"].ahead)) == step - 1
        assert by["sky"].ahead[step - 1] > 0.3
        assert by["kind"].still > 0
        assert by["idle"].share < 0.15
    rises = {p.column: p.rise for p in found.permutations if p.step == 1}
    assert rises["sky"] > 1
    assert rises["sky"] > 3 * abs(rises["idle"])


def test_a_network_that_runs_on_is_asked_for_its_first_step() -> None:
    """It answers step by step: the next value leans on the push a row before and lag 3."""
    model = forecaster(
        horizon=4, decoder=Decoder("last", mode="recursive", paths=20),
    ).fit(two())  # fmt: skip
    found = model.explain(two())
    assert (found.steps, found.horizon) == ((1,), 1)
    (first, most), (second, more) = sorted(cells(found).items(), key=lambda x: -x[1])[:2]
    assert {first, second} == {("y", 3), ("push", 1)}
    assert most + more > 0.5
    assert {p.column: p.rise for p in found.permutations}["push"] > 0.5


def test_differences_from_a_season_before_are_the_targets_own() -> None:
    window = Window(context=4, relative="season", season=5, differences=True, calendar=False)
    training = Training(epochs=1, steps=2, members=1)
    found = forecaster(window=window, training=training).fit(two(300)).explain(two(300))
    assert set(found.columns) == {"y", "push", "idle"}
    assert sum(x.share for x in found.leanings) == pytest.approx(1, abs=1e-3)
