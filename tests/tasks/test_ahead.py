"""Forecasts of many series: in the user's own columns and kinds, in parts, and of which not."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from longshort import Columns, Forecaster, Recurrent, Scaling, Split, Training, Window, load
from longshort.errors import DataError, LongshortWarning
from longshort.tasks import ahead

from .conftest import make_series

QUICK: dict[str, Any] = {
    "window": Window(context=4),
    "recurrent": Recurrent(size=4),
    "training": Training(epochs=1, members=1),
}


def many(*lengths: int) -> pl.DataFrame:
    """Series named by a shop, which is a whole number, and an item."""
    return pl.concat(
        make_series(rows, seed)
        .select("day", "warm", "lead")
        .with_columns(shop=pl.lit(7 + seed // 2), item=pl.lit("ab"[seed % 2]))
        for seed, rows in enumerate(lengths)
    )


COLUMNS = Columns("day", ("shop", "item"), "warm")


@pytest.fixture(scope="module")
def model() -> Forecaster:
    return Forecaster(COLUMNS, 2, **QUICK).fit(many(60, 50, 40))


def test_predictions_have_the_users_own_group_columns_and_types(
    model: Forecaster, tmp_path: Path
) -> None:
    data = many(60, 50, 40).with_columns(
        pl.col("shop").cast(pl.UInt8), pl.col("item").cast(pl.Enum(["a", "b", "c"]))
    )
    found = model.predict(data, [0.1])
    assert found.columns == ["shop", "item", "day", "warm", "warm_q10"]
    assert found.schema["shop"] == pl.UInt8
    assert found.schema["item"] == pl.Enum(["a", "b", "c"])
    assert found.schema["day"] == pl.Date
    told = [tuple(row) for row in found.select("shop", "item").iter_rows()]
    assert told == [(7, "a")] * 2 + [(7, "b")] * 2 + [(8, "a")] * 2
    last = data.group_by("shop", "item", maintain_order=True).agg(pl.col("day").max())["day"]
    ahead = [day + timedelta(days=n) for day in last for n in (1, 2)]
    assert found["day"].to_list() == ahead
    theirs = model.predict(data.with_columns(pl.col("item").cast(pl.String)).to_pandas(), [0.1])
    assert isinstance(theirs, pd.DataFrame)
    assert theirs["shop"].dtype == np.uint8
    assert theirs["item"].tolist() == found["item"].cast(pl.String).to_list()
    category = data.to_pandas().astype({"item": "category"})
    assert model.predict(category)["item"].dtype == "category"
    arrow = model.predict(many(60, 50, 40).to_arrow())
    assert isinstance(arrow, pa.Table)
    assert arrow.schema.field("shop").type == pa.int32()
    data.write_csv(tmp_path / "s.csv")
    text = model.predict(tmp_path / "s.csv")
    assert text.schema["shop"] == pl.Int64
    assert text.schema["day"] == pl.Date
    assert text["shop"].to_list() == found["shop"].to_list()
    # names that only look like numbers stay what they are
    data.with_columns(shop="0" + pl.col("shop").cast(pl.String)).write_csv(tmp_path / "s.csv")
    new = model.predict(tmp_path / "s.csv")
    assert new["shop"].to_list()[0] == "07"


def test_new_series_are_forecast(model: Forecaster) -> None:
    found = model.predict(many(60, 50, 40, 30))
    assert found.height == 8
    assert found["warm"].is_finite().all()
    own = Forecaster(COLUMNS, 2, scaling=Scaling(per_series=True), **QUICK).fit(many(60, 50))
    raised = many(60, 50, 40).with_columns(
        warm=pl.when(pl.col("shop") == 8).then(pl.col("warm") + 1e6).otherwise("warm")
    )
    # a new series is scaled by its own rows
    assert (own.predict(raised).filter(shop=8)["warm"] - 1e6).abs().max() < 100


@pytest.mark.parametrize("zone", ["Europe/Berlin", "America/New_York"])
def test_times_keep_their_zone_over_a_change_of_clocks(zone: str, tmp_path: Path) -> None:
    start = datetime(2024, 9, 1, tzinfo=ZoneInfo(zone))
    days = [start + timedelta(days=n) for n in range(56 if zone == "Europe/Berlin" else 63)]
    # the next day is one of 25 hours
    column = pl.Series("t", [d.astimezone(ZoneInfo("UTC")).replace(tzinfo=None) for d in days])
    times = column.dt.replace_time_zone("UTC").dt.convert_time_zone(zone)
    rng = np.random.default_rng(0)
    data = pl.DataFrame({"t": times, "y": rng.normal(size=len(days)).cumsum()})
    model = Forecaster(Columns("t", target="y"), 2, **QUICK).fit(data)
    ahead = [days[-1] + timedelta(days=n) for n in (1, 2)]
    assert len({day.utcoffset() for day in ahead}) == 2
    found = model.predict(data)
    assert found["t"].to_list() == ahead
    assert str(found.schema["t"].time_zone) == zone  # type: ignore[attr-defined]
    theirs = model.predict(data.to_pandas())
    assert theirs["t"].tolist() == ahead
    model.save(tmp_path / "m.lstm")
    elsewhere = data.with_columns(pl.col("t").dt.convert_time_zone("Asia/Tokyo"))
    again = load(tmp_path / "m.lstm").predict(elsewhere)
    assert again["t"].to_list() == ahead
    with pytest.raises(DataError, match="no time zone, and the model was fitted on stamps of"):
        model.predict(data.with_columns(pl.col("t").dt.replace_time_zone(None)))
    # the split is told in local time
    parts = Forecaster(
        Columns("t", target="y"), 2, split=Split("2024-10-10", "2024-10-20"), **QUICK
    )
    named = parts.fit(data).evaluate(data).data.parts
    assert [part.start[:10] for part in named] == ["2024-09-01", "2024-10-10", "2024-10-20"]


@pytest.mark.parametrize("first", [0, 2001])
def test_counts_and_years_come_back_as_numbers(first: int) -> None:
    rng = np.random.default_rng(1)
    data = pl.DataFrame({"t": first + np.arange(60), "y": rng.normal(size=60)})
    model = Forecaster(Columns("t", target="y"), 3, **QUICK).fit(data)
    assert model.encoding_.cycles == ()
    assert model.predict(data)["t"].to_list() == [first + 60, first + 61, first + 62]
    parts = model.set_params(split=Split(str(first + 40), str(first + 50))).fit(data)
    assert [part.rows for part in parts.evaluate(data).data.parts] == [40, 10, 10]


def test_parts_are_the_whole(model: Forecaster, monkeypatch: pytest.MonkeyPatch) -> None:
    data = many(60, 50, 40, 12, 30, 45)
    whole = model.predict(data, [0.1, 0.9])
    for limit in ({"_SERIES": 1}, {"_SERIES": 4}, {"_ROWS": 70}, {"_NUMBERS": 200}):
        with monkeypatch.context() as patched:
            for name, value in limit.items():
                patched.setattr(ahead, name, value)
            parts = list(model.predict_parts(data, [0.1, 0.9]))
            assert len(parts) > 1
            assert pl.concat(parts).equals(whole) or np.allclose(
                pl.concat(parts).select("warm", "warm_q10", "warm_q90"),
                whole.select("warm", "warm_q10", "warm_q90"),
                atol=1e-6,
            )


def test_short_series_are_left_out_by_name_and_number(tmp_path: Path) -> None:
    data = many(60, 6, 50, 5, 40)
    with pytest.warns(LongshortWarning) as caught:
        model = Forecaster(COLUMNS, 3, split=Split(0.2, 0.2), **QUICK).fit(data)
    told = (
        "2 of 5 series, whose training part is shorter than the 7 rows of a context and a horizon"
    )
    names = "'shop=7, item=b' (6 rows), 'shop=8, item=b' (5 rows)"
    assert str(caught[0].message) == f"nothing is learnt from {told}: {names}"
    model.save(tmp_path / "m.lstm")
    assert load(tmp_path / "m.lstm").left_out_ == model.left_out_
    assert any(told in note for note in model.evaluate(data).notes)
    # they are as long as the context, and forecast
    assert model.predict(data).height == 15
    shorter = many(60, 3, 50, 2, 40)
    with pytest.warns(LongshortWarning, match=r"2 of 5 series have fewer rows .* the 4 that"):
        found = model.predict(shorter)
    assert found.height == 9
    strict = Forecaster(COLUMNS, 3, **{**QUICK, "window": Window(context=4, short="refuse")})
    with pytest.raises(DataError, match=r"series 'shop=7, item=b': .* leave the series out"):
        strict.fit(data)
    with pytest.raises(DataError, match=r"series 'shop=7, item=b': 3 rows before"):
        strict.fit(many(60, 50, 40)).predict(shorter)
    with pytest.raises(DataError, match=r"3 rows before the first forecast.*context of 4"):
        model.predict(many(3, 2))


def test_short_samples_of_an_array_have_no_numbers() -> None:
    rng = np.random.default_rng(2)
    cube = rng.normal(size=(3, 40, 1)).cumsum(1)
    model = Forecaster(horizon=2, **QUICK).fit(cube)
    cube[1, 2:] = np.nan
    with pytest.warns(LongshortWarning, match=r"1 of 3 series .*: '1' \(2 rows\)"):
        found = model.predict(cube, [0.5])
    assert np.isnan(found[1]).all()
    assert np.isfinite(found[[0, 2]]).all()


def test_shifted_rows_without_times_are_noticed() -> None:
    rng = np.random.default_rng(3)
    rows = pl.DataFrame({"y": rng.normal(size=120).cumsum()})
    model = Forecaster(Columns(target="y"), 2, **QUICK).fit(rows[:100])
    assert model.evaluate(rows).origins == 19
    for changed in (rows[1:], rows.with_columns(pl.col("y").shift(1).fill_null(0.0)), rows * 2):
        with pytest.raises(DataError, match="the first 100 rows are not those that the model was"):
            model.evaluate(changed)
    # the same numbers of another type are the same rows
    assert model.evaluate(rows.to_pandas()).origins == 19


# columns and arrays as they come


def test_names_in_two_forms_of_unicode_are_one_name(tmp_path: Path) -> None:
    parted = "tempe\u0301rature"
    composed = "temp\u00e9rature"
    data = make_series(60).select("day", pl.col("warm").alias(parted))
    columns = Columns("day", target=composed)
    model = Forecaster(columns, 2, **QUICK).fit(data)
    assert model.columns_.target == (composed,)
    for form in (composed, parted):
        data.rename({parted: form}).write_csv(tmp_path / "s.csv")
        assert model.predict(tmp_path / "s.csv").columns == ["day", composed]
        assert np.array_equal(
            model.predict(data.rename({parted: form}))[composed], model.predict(data)[composed]
        )
    with pytest.raises(DataError, match=r"two columns are named .* in two forms of Unicode"):
        model.predict(data.with_columns(pl.col(parted).alias(composed)))


@pytest.mark.parametrize("kind", [">f8", ">f4", ">i4", "<f2", "f4", "f8", "i8", "u1", "bool"])
def test_arrays_of_every_number_type_and_order(kind: str, tmp_path: Path) -> None:
    rng = np.random.default_rng(4)
    cube = rng.integers(0, 2 if kind == "bool" else 100, (2, 30, 1)).astype(kind)
    plain = Forecaster(horizon=2, **QUICK).fit(cube.astype(np.float64))
    expected = plain.predict(cube.astype(np.float64))
    fixed = cube.copy()
    fixed.flags.writeable = False
    np.save(tmp_path / "cube.npy", cube)
    mapped = np.load(tmp_path / "cube.npy", mmap_mode="r")
    for form in (cube, fixed, mapped, np.asfortranarray(cube), cube[:, ::-1][:, ::-1]):
        assert np.array_equal(Forecaster(horizon=2, **QUICK).fit(form).predict(form), expected)
    frame = pd.DataFrame({"x0": cube[0, :, 0]})
    one = Forecaster(Columns(target="x0"), 2, **QUICK)
    told = one.fit(frame).predict(frame)["x0"].to_numpy()
    frame = pd.DataFrame({"x0": cube[0, :, 0].astype(np.float64)})
    assert np.array_equal(one.fit(frame).predict(frame)["x0"].to_numpy(), told)


@pytest.mark.parametrize("kind", ["Int64", "Float32", "Float64", "boolean", "int64[pyarrow]"])
def test_nullable_columns_are_numbers_with_gaps(kind: str) -> None:
    values = [1, 0, None, 1, 1, 0, 1, None, 0, 1] * 4
    frame = pd.DataFrame({"y": pd.array(values, dtype=kind)})
    plain = pl.DataFrame({"y": [None if v is None else float(v) for v in values]})
    columns = Columns(target="y")
    expected = Forecaster(columns, 2, **QUICK).fit(plain).predict(plain)["y"]
    assert np.array_equal(Forecaster(columns, 2, **QUICK).fit(frame).predict(frame)["y"], expected)


def test_masked_elements_are_missing() -> None:
    rng = np.random.default_rng(5)
    cube = rng.normal(size=(1, 40, 1))
    holes = np.zeros(cube.shape, bool)
    holes[0, [3, 10]] = True
    told = Forecaster(horizon=1, **QUICK).fit(np.ma.masked_array(cube, holes))
    gaps = np.where(holes, np.nan, cube)
    assert np.array_equal(
        told.predict(gaps), Forecaster(horizon=1, **QUICK).fit(gaps).predict(gaps)
    )


def test_one_series_of_one_row() -> None:
    row = pl.DataFrame({"day": [datetime(2024, 1, 1)], "warm": [1.0]})
    columns = Columns("day", target="warm")
    with pytest.raises(DataError, match="leaves no row for the validation part"):
        Forecaster(columns, **QUICK).fit(row)
    model = Forecaster(columns, **QUICK).fit(make_series(60)[["day", "warm"]])
    with pytest.raises(DataError, match="1 rows before the first forecast"):
        model.predict(row)
    alone = Forecaster(columns, **{**QUICK, "window": Window(context=1)})
    alone.fit(make_series(60)[["day", "warm"]])
    with pytest.raises(DataError, match="one row does not tell the time step"):
        alone.predict(row)
