"""Categories as covariates: what is one, what a forecast makes of it, and what it never does."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pytest
import torch

from longshort import Columns, Forecaster, Recurrent, Split, Training, Window, load
from longshort.contracts import Batch
from longshort.errors import ArgumentError, DataError
from longshort.model import forgotten

KINDS = ("sun", "rain", "snow", "fog")
EFFECT = {"sun": 3.0, "rain": -2.0, "snow": 0.0, "fog": 8.0, "": -5.0}
COLUMNS = Columns("day", "shop", "sold", past="event", future="sky", static="land")
SMALL = {
    "window": Window(context=4, relative="none", calendar=False),
    "recurrent": Recurrent(size=8, dropout=0.0),
    "split": Split(valid=0.2, test=None),
}
ONE_EPOCH = Training(epochs=1, members=1)


def shops(names: str = "ab", rows: int = 140, seed: int = 0) -> pl.DataFrame:
    """Sales that are what the sky of the same day says, and a little noise; each shop has a land.

    The last two days are still to come: only the sky is known of them. Cells of the sky are empty
    here and there.
    """
    rng = np.random.default_rng(seed)
    frames = []
    for name in names:
        sky = rng.choice([*KINDS, ""], rows)
        sold = np.array([EFFECT[kind] for kind in sky]) + 0.1 * rng.normal(size=rows)
        sold[-2:] = np.nan
        event = np.where(np.arange(rows) % 7 == 0, "market", "none")
        frames.append(
            pl.DataFrame(
                {
                    "shop": [name] * rows,
                    "day": np.datetime64("2024-01-01") + np.arange(rows),
                    "sold": sold,
                    "event": [*event[:-2], None, None],
                    "sky": [kind or None for kind in sky],
                    "land": ["up" if name < "n" else "down"] * rows,
                }
            ).with_columns(pl.col("sold").fill_nan(None))
        )
    return pl.concat(frames)


def last(frame: pl.DataFrame, column: str, values: list[str | None]) -> pl.DataFrame:
    """The table with other values in the last two days of its only shop."""
    kept = frame[column].to_list()[:-2]
    return frame.with_columns(pl.Series(column, [*kept, *values]))


@pytest.fixture(scope="module")
def data() -> pl.DataFrame:
    return shops()


@pytest.fixture(scope="module")
def model(data: pl.DataFrame) -> Forecaster:
    training = Training(epochs=12, members=1, rate=3e-2, batch=32, patience=None)
    return Forecaster(COLUMNS, horizon=2, training=training, **SMALL).fit(data)


@pytest.fixture(scope="module")
def quick(data: pl.DataFrame) -> Forecaster:
    return Forecaster(COLUMNS, horizon=2, training=ONE_EPOCH, **SMALL).fit(data)


# what they tell


def test_a_category_known_in_advance_is_worth_what_it_says(
    model: Forecaster, data: pl.DataFrame
) -> None:
    one = data.filter(pl.col("shop") == "a")
    for first in EFFECT:
        for second in ("sun", "fog"):
            found = model.predict(last(one, "sky", [first or None, second]))["sold"].to_numpy()
            assert found == pytest.approx([EFFECT[first], EFFECT[second]], abs=0.8)


def test_an_unseen_category_is_the_unknown_one_whatever_its_name(
    model: Forecaster, data: pl.DataFrame
) -> None:
    one = data.filter(pl.col("shop") == "a")
    hail, dust = (model.predict(last(one, "sky", [kind, "sun"])) for kind in ("hail", "dust"))
    assert hail.equals(dust)
    # it was trained: its forecast lies within what the known ones say, near their mean
    assert abs(hail["sold"][0] - np.mean(list(EFFECT.values()))) < 3
    land = one.with_columns(pl.lit("elsewhere").alias("land"))
    assert model.predict(land)["sold"].is_finite().all()


def test_explanations_find_the_category(model: Forecaster, data: pl.DataFrame) -> None:
    found = model.explain(data)
    assert found.columns == ("sold", "event", "sky", "land")
    for leaning in found.leanings:
        if leaning.column == "sky":
            assert np.argmax(leaning.ahead) == leaning.step - 1
            assert leaning.ahead[leaning.step - 1] > 0.5
    assert found.gap < 1e-4
    rises = {p.column: p.rise for p in found.permutations if p.step == 2}
    assert rises["sky"] == max(rises.values())


def test_every_series_may_have_a_vector_of_its_own() -> None:
    """What a covariate does is up to the shop, which one row of context does not tell."""
    rng = np.random.default_rng(0)
    rows, sign = 150, {"a": 1.0, "b": -1.0}
    x = rng.choice([-1.0, 1.0], (2, rows))
    y = 0.1 * rng.normal(size=(2, rows))
    y[:, 1:] += np.array([[1.0], [-1.0]]) * x[:, :-1]
    table = pl.DataFrame({"shop": np.repeat(["a", "b"], rows), "y": y.ravel(), "x": x.ravel()})
    columns = Columns(group="shop", target="y", past="x", category="shop")
    training = Training(epochs=12, members=1, rate=3e-2, batch=16, patience=None)
    settings = {**SMALL, "window": Window(context=1, relative="none")}
    model = Forecaster(columns, horizon=1, training=training, **settings).fit(table)
    for shop, way in sign.items():
        for value in (-1.0, 1.0):
            now = pl.DataFrame({"shop": [shop], "y": [0.0], "x": [value]})
            assert model.predict(now)["y"][0] == pytest.approx(way * value, abs=0.4)
            stranger = model.predict(now.with_columns(shop=pl.lit("z")))
            assert abs(stranger["y"][0]) < 0.8


# what they are


def test_codes_are_categories_where_they_are_named_so(data: pl.DataFrame) -> None:
    codes = {kind: at for at, kind in enumerate(KINDS)}
    coded = data.with_columns(pl.col("sky").replace_strict(codes, return_dtype=pl.Int64))
    named = COLUMNS.set_params(category="sky")
    plain = Forecaster(COLUMNS, horizon=2, training=ONE_EPOCH, **SMALL).fit(coded)
    model = Forecaster(named, horizon=2, training=ONE_EPOCH, **SMALL).fit(coded)
    assert plain.columns_.category == ("event", "land")
    assert model.columns_.category == ("event", "sky", "land")
    assert model.encoding_.vocabulary.labels[1] == ("", "0", "1", "2", "3")
    assert plain.encoding_.vocabulary.names == ("event", "land")


def test_a_category_without_a_role_is_a_past_covariate(data: pl.DataFrame) -> None:
    table = data.select("day", "shop", "sold", pl.int_range(pl.len()).mod(3).alias("code"))
    columns = Columns("day", "shop", "sold", category="code")
    found = Forecaster(columns, horizon=2, training=ONE_EPOCH, **SMALL).fit(table).columns_
    assert (found.past, found.category) == (("code",), ("code",))


def test_files_frames_and_kinds_of_text_agree(
    quick: Forecaster, data: pl.DataFrame, tmp_path: Path
) -> None:
    wanted = quick.predict(data)["sold"]
    data.write_csv(tmp_path / "a.csv")
    data.write_parquet(tmp_path / "a.parquet")
    data.with_columns(pl.col("sky").cast(pl.Categorical)).write_parquet(tmp_path / "b.parquet")
    for name in ("a.csv", "a.parquet", "b.parquet"):
        assert np.allclose(quick.predict(tmp_path / name)["sold"], wanted, atol=1e-6)


def test_pandas_and_enumerations_are_read_alike(quick: Forecaster, data: pl.DataFrame) -> None:
    wanted = quick.predict(data)["sold"].to_numpy()
    frame = pd.DataFrame(data.to_dict(as_series=False))
    as_category = frame.assign(sky=frame["sky"].astype("category"))
    enumerated = data.with_columns(pl.col("sky").cast(pl.Enum(KINDS)))
    for table in (frame, as_category, enumerated):
        np.testing.assert_allclose(quick.predict(table)["sold"], wanted, atol=1e-6)


def test_fields_of_an_array_are_categories_where_they_are_named_so() -> None:
    rng = np.random.default_rng(0)
    array = np.stack([rng.normal(size=(3, 60)), rng.integers(0, 4, (3, 60))], 2)
    array[0, 5, 1] = np.nan
    columns = Columns(target=0, past=1, category=1)
    model = Forecaster(columns, 2, training=ONE_EPOCH, **SMALL)
    with pytest.raises(ArgumentError, match="role is none"):
        Columns(target=0, past=(), category=1)
    model.fit(array)
    assert model.encoding_.vocabulary.labels == (("", "0", "1", "2", "3"),)
    assert model.predict(array).shape == (3, 2, 1)
    with pytest.raises(DataError, match="no field 'x7'"):
        Forecaster(Columns(target=0, category="x7"), 2, **SMALL).fit(array)


def test_the_vocabulary_is_that_of_the_training_part(data: pl.DataFrame) -> None:
    late = data.with_columns(
        sky=pl.when(pl.col("day") > pl.date(2024, 5, 1)).then(pl.lit("hail")).otherwise("sky")
    )
    model = Forecaster(COLUMNS, horizon=2, training=ONE_EPOCH, **SMALL).fit(late)
    assert model.encoding_.vocabulary.labels == (
        ("market", "none"),
        ("", "fog", "rain", "snow", "sun"),
        ("up",),
    )


def test_training_forgets_a_share_of_all_categories_however_a_batch_is_cut() -> None:
    symbols = {"category0": torch.full((400, 50), 3)}
    batch = Batch(
        {"numbers": torch.ones(400, 50, 1), **symbols},
        torch.full((400,), 50),
        future=symbols,
        static={"category1": torch.full((400,), 2)},
    )
    whole = forgotten(batch, 0.05, seed=7)
    for group in (whole.inputs["category0"], whole.future["category0"], whole.static["category1"]):
        assert set(group.unique().tolist()) == {0, int(group.max())}
    assert (whole.inputs["category0"] == 0).double().mean() == pytest.approx(0.05, abs=0.01)
    assert not torch.equal(whole.inputs["category0"], whole.future["category0"])
    part = forgotten(batch.slice(150, 300), 0.05, seed=7)
    assert torch.equal(part.inputs["category0"], whole.inputs["category0"][150:300])
    assert torch.equal(part.static["category1"], whole.static["category1"][150:300])
    assert torch.equal(whole.inputs["numbers"], batch.inputs["numbers"])


# laws


def test_the_future_tells_only_what_is_known_in_advance(
    quick: Forecaster, data: pl.DataFrame
) -> None:
    one = data.filter(pl.col("shop") == "a")
    before = quick.predict(one)
    assert quick.predict(last(one, "event", ["market", "storm"])).equals(before)
    assert not quick.predict(last(one, "sky", ["fog", "fog"])).equals(before)


def test_the_order_of_series_does_not_matter(quick: Forecaster) -> None:
    table = shops("abcxyz")
    forward = quick.predict(table)
    order = ["z", "c", "a", "y", "b", "x"]
    backward = quick.predict(pl.concat([table.filter(pl.col("shop") == name) for name in order]))
    both = forward.join(backward, on=["shop", "day"], suffix="_again")
    assert both.height == forward.height
    assert np.allclose(both["sold"], both["sold_again"], atol=1e-6)


def test_thousands_of_series_of_different_lengths(quick: Forecaster, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    lengths = rng.integers(4, 12, 5000)
    total = int(lengths.sum())
    within = np.arange(total) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    table = pl.DataFrame(
        {
            "shop": np.repeat([f"s{n}" for n in range(5000)], lengths),
            "day": np.datetime64("2024-01-01") + within,
            "sold": np.where(
                within >= np.repeat(lengths - 2, lengths), np.nan, rng.normal(size=total)
            ),
            "event": rng.choice(["market", "none"], total),
            "sky": rng.choice(KINDS, total),
            "land": np.repeat(rng.choice(["up", "down"], 5000), lengths),
        }
    )
    with pytest.warns(UserWarning, match="left out"):
        found = quick.predict(table)
    long = int((lengths >= 6).sum())
    assert found.height == 2 * long
    assert found["sold"].is_finite().all()


def test_a_saved_model_forecasts_the_same(
    quick: Forecaster, data: pl.DataFrame, tmp_path: Path
) -> None:
    quick.save(tmp_path / "m.lstm")
    again = load(tmp_path / "m.lstm")
    assert again.predict(data).equals(quick.predict(data))
    assert again.columns_ == quick.columns_
    assert again.fields_ == quick.fields_
    again.save(tmp_path / "n.lstm")
    assert (tmp_path / "n.lstm").read_bytes() == (tmp_path / "m.lstm").read_bytes()


def test_the_record_tells_categories_and_counts_empty_cells(data: pl.DataFrame) -> None:
    settings = {**SMALL, "split": Split(valid=0.2, test=0.2)}
    model = Forecaster(COLUMNS, horizon=2, training=ONE_EPOCH, **settings).fit(data)
    found = {f.name: f for f in model.evaluate(data, yardsticks="quick").data.fields}
    # the last two days of both shops have no event
    assert (found["sky"].unit, found["sky"].low) == ("5 categories", None)
    assert found["sky"].missing == data["sky"].null_count()


def test_yardsticks_read_categories_too() -> None:
    """What the sky of a day says is all there is to say."""
    table = shops(rows=240).with_columns(pl.col("sky").fill_null("clear")).drop_nulls("sold")
    settings = {**SMALL, "split": Split(valid=0.2, test=0.2)}
    model = Forecaster(COLUMNS, horizon=2, training=ONE_EPOCH, **settings).fit(table)
    found = model.evaluate(table)
    errors = {score.method: score.mae for score in found.scores}
    assert errors["ridge autoregression"] < 0.3
    assert errors["gradient boosting"] < 0.6
    assert errors["persistence"] > 3


def test_a_static_category_need_not_stand_in_every_row(
    quick: Forecaster, data: pl.DataFrame
) -> None:
    sparse = data.with_columns(land=pl.when(pl.int_range(pl.len()).over("shop") == 3).then("land"))
    assert quick.predict(sparse).equals(quick.predict(data))
    bare = quick.predict(data.with_columns(land=pl.lit("")))
    assert bare["sold"].is_finite().all()


# bad input


def test_wrong_roles_are_told() -> None:
    with pytest.raises(ArgumentError, match="'y' is named as a category, and its role is target"):
        Columns(target="y", category="y")
    with pytest.raises(ArgumentError, match=r"'z'.* role is none: name it in past, future"):
        Columns(target="y", past=(), category="z")
    with pytest.raises(DataError, match=r"no column 'sku'.*asked for as a category"):
        Forecaster(Columns("day", "shop", "sold", category="sku")).fit(shops())


def test_text_that_changes_within_a_series_is_not_static(data: pl.DataFrame) -> None:
    columns = COLUMNS.set_params(past=(), future=(), static="sky")
    with pytest.raises(DataError, match=r"'sky' \(static\): series 'a': the value is '\w*' here"):
        Forecaster(columns, horizon=2, **SMALL).fit(data)


def test_a_number_with_a_slip_is_no_category(data: pl.DataFrame, tmp_path: Path) -> None:
    price = [f"{n}.5" for n in range(data.height)]
    price[7] = "about 3"
    data.with_columns(pl.Series("price", price)).write_csv(tmp_path / "p.csv")
    with pytest.raises(DataError, match=r"line 9, column 'price': 'about 3'.*--category"):
        Forecaster(COLUMNS.set_params(past="price"), horizon=2, **SMALL).fit(tmp_path / "p.csv")


def test_text_where_the_model_read_numbers_is_told(data: pl.DataFrame) -> None:
    numbered = data.with_columns(price=pl.int_range(pl.len()).cast(pl.Float64))
    model = Forecaster(
        COLUMNS.set_params(past="price"), horizon=2, training=ONE_EPOCH, **SMALL
    ).fit(numbered)
    with pytest.raises(DataError, match="column 'price': 'cheap' is not a number"):
        model.predict(data.with_columns(price=pl.lit("cheap")))


def test_a_future_category_that_is_nowhere_is_told(quick: Forecaster, data: pl.DataFrame) -> None:
    with pytest.raises(DataError, match="column 'sky' is known in advance, and none of its values"):
        quick.predict(data.drop_nulls("sold"))


def test_a_table_without_its_target_is_told(quick: Forecaster, data: pl.DataFrame) -> None:
    with pytest.raises(DataError, match=r"no column 'sold' \(.*go on from its past values"):
        quick.predict(data.drop("sold"))
