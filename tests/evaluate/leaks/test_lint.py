"""Leaks that were put there are found and named, and honest data pass."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import polars as pl
import pytest

import longshort
from longshort import Columns, Split
from longshort.errors import ArgumentError, DataError
from longshort.evaluate.leaks.lint import CHECKS, lint

WEATHER = Path(__file__).parents[3] / "examples" / "seattle-weather.csv"
DAY = Columns("day", target="y")


def found(data, columns=DAY, **more):
    """By check, the findings."""
    told = lint(data, columns, **more)
    return {f.check: f for f in reversed(told.findings)}


def test_honest_data_pass(honest):
    told = lint(honest, DAY)
    assert told.findings == ()
    assert told.clean
    assert told.rows == 400
    assert set(told.checked) == {c.name for c in CHECKS} - {"overlap", "shifted", "future"}


def test_the_weather_passes():
    told = lint(WEATHER, Columns("date", target=["temp_max", "temp_min"]), horizon=7)
    assert told.findings == ()


@pytest.mark.parametrize("columns", [DAY, Columns("day", target="y", past=["helps", "leak"])])
@pytest.mark.parametrize(
    ("leak", "lead"),
    [
        (lambda y: np.roll(y, -1), 1),
        (lambda y: 40 - 3 * np.roll(y, -3), 3),
        # a centred moving average reaches two rows into the future
        (lambda y: np.convolve(np.pad(y, 2, "edge"), np.ones(5) / 5, "valid"), 2),
    ],
)
def test_a_column_of_the_targets_future_is_found(honest, leak, lead, columns):
    leaking = honest.with_columns(leak=leak(honest["y"].to_numpy()))
    finding = found(leaking, columns)["proxy"]
    assert finding.sure == "certain"
    assert finding.columns == ("leak", "y")
    assert f"{lead} row" in finding.text


def test_a_column_that_nearly_tells_the_future_is_likely_one(honest):
    random = np.random.default_rng(1)
    near = np.roll(honest["y"].to_numpy(), -1) + 0.15 * random.normal(size=400)
    finding = found(honest.with_columns(near=near))["proxy"]
    assert finding.sure == "likely"
    assert "early sign" in finding.remedy


def test_a_label_of_where_the_target_goes_is_found():
    walk = np.cumsum(np.random.default_rng(2).normal(size=500))
    data = pl.DataFrame({"close": walk, "label": (np.roll(walk, -3) > walk).astype(int)})
    finding = found(data, Columns(target="close"))["proxy"]
    assert finding.sure == "certain"
    assert "up or down in the next 3 rows" in finding.text
    # which way it went, and a day of the week, are known
    went = np.concatenate([[0], np.sign(np.diff(walk))])
    week = (np.arange(500) % 7 > 4).astype(int)
    data = pl.DataFrame({"close": walk, "went": went, "week": week})
    assert "proxy" not in found(data, Columns(target="close"))


def test_a_slow_target_and_its_own_past_are_no_leak():
    walk = np.cumsum(np.random.default_rng(2).normal(size=500))
    # what was known yesterday and the mean of the last week
    behind = np.convolve(walk, np.ones(7) / 7)[:500]
    data = pl.DataFrame({"y": walk, "before": np.roll(walk, 1), "behind": behind})
    assert "proxy" not in found(data, Columns(target="y"))


def test_a_copy_is_possible_for_the_past_and_certain_in_advance(honest):
    copied = honest.with_columns(fahrenheit=32 + 1.8 * pl.col("y"))
    assert found(copied)["proxy"].sure == "possible"
    known = Columns("day", target="y", future="fahrenheit")
    assert found(copied, known)["proxy"].sure == "certain"


def test_series_are_not_read_into_each_other():
    random = np.random.default_rng(8)
    y = random.normal(size=(6, 80))
    # each series' covariate is the next series' target: known rows later only across the border
    data = pl.DataFrame({"name": np.repeat(list("abcdef"), 80), "y": y.ravel()})
    assert found(data, Columns(group="name", target="y")) == {}


def test_rows_that_are_there_twice_are_named_by_their_lines(honest, tmp_path):
    lines = honest.write_csv().splitlines()
    other = lines[20].rsplit(",", 2)[0] + ",1.5,2.5"
    path = tmp_path / "twice.csv"
    path.write_text("\n".join([*lines[:11], lines[10], *lines[11:21], other, *lines[21:]]) + "\n")
    told = lint(path, DAY)
    same, others = told.findings
    assert same.rows == ("line 12",)
    assert others.rows == ("line 23",)
    assert others.columns == ("day",)
    # the other checks go on without them
    assert told.rows == 400


def test_rows_without_times_that_repeat_others_are_possible_copies(honest):
    rows = honest.drop("day")
    finding = found(pl.concat([rows, rows[50:53]]), Columns(target="y"))["duplicates"]
    assert finding.sure == "possible"
    assert finding.rows == ("row 400", "row 401", "row 402")
    # where rows are alike as a matter of course, nothing is said
    flags = pl.DataFrame({"y": [0, 1, 1, 0] * 50, "x": [1, 0, 1, 0] * 50})
    assert "duplicates" not in found(flags, Columns(target="y"))


def test_a_series_under_two_names_is_found():
    random = np.random.default_rng(4)
    a, b = random.normal(size=(2, 60))
    data = pl.DataFrame(
        {
            "shop": np.repeat(["a", "b", "c", "d"], 60),
            "y": np.concatenate([a, b, 3 + 10 * a, random.normal(size=60)]),
        }
    )
    finding = found(data, Columns(group="shop", target="y"))["copies"]
    assert finding.sure == "certain"
    assert finding.rows == ("a and c",)
    assert finding.count == 1


def test_test_rows_copied_from_the_training_part_are_found(honest):
    y = honest["y"].to_numpy().copy()
    y[360:390] = y[100:130]
    finding = found(honest.with_columns(y=y))["repeats"]
    assert finding.rows[0] == "2021-12-27"
    assert finding.count == 23
    # what repeats itself by a rule does not count
    wave = np.tile([1.0, 5, 2, 8, 3, 9, 4], 58)[:400]
    assert "repeats" not in found(honest.with_columns(y=wave))


def test_empty_and_constant_columns_are_found(honest, tmp_path):
    path = tmp_path / "idle.csv"
    honest.with_columns(unit=pl.lit("kg"), zero=pl.lit(0), gone=pl.lit("")).write_csv(path)
    idle = [f for f in lint(path, DAY).findings if f.check == "constant"]
    assert [f.columns for f in idle] == [("unit",), ("zero",), ("gone",)]
    assert "empty" in idle[2].text
    array = np.stack([honest["y"].to_numpy(), np.ones(400)], -1)[None]
    assert found(array, Columns(target=0))["constant"].columns == ("x1",)


def test_text_is_a_category_and_no_target_is_no_trouble(honest, tmp_path):
    path = tmp_path / "shops.csv"
    sky = pl.Series(["sun", "rain"] * 200)
    honest.with_columns(sky=sky).write_csv(path)
    for asked in (DAY, Columns("day", target="y", past=["helps", "sky"])):
        assert lint(path, asked).findings == ()
    assert "duplicates" in lint(path, Columns("day", past="helps")).checked


def test_parts_drawn_at_random_overlap_and_parts_in_order_do_not(honest):
    random = np.random.default_rng(0)
    drawn = random.choice(["train", "valid", "test"], 400, p=[0.7, 0.15, 0.15])
    finding = found(honest.with_columns(part=drawn), part="part")["overlap"]
    assert finding.sure == "certain"
    assert finding.count > 200
    in_order = ["Train"] * 300 + ["val"] * 50 + ["test"] * 50
    assert found(honest.with_columns(part=pl.Series(in_order)), part="part") == {}
    with pytest.raises(DataError, match=r"row 3, column 'part': 'tset' is no part"):
        lint(
            honest.with_columns(part=pl.Series([*in_order[:3], "tset", *in_order[4:]])), part="part"
        )


def test_training_rows_of_other_series_at_test_times_are_possible_leaks(honest):
    data = pl.concat(
        [
            honest.with_columns(name=pl.lit("a"), part=pl.lit("train")),
            honest.with_columns(name=pl.lit("b"), part=pl.lit("test"), y=-(pl.col("helps") ** 2)),
        ]
    )
    told = found(data, Columns("day", "name", "y", past=()), part="part")
    assert told["overlap"].sure == "possible"


def test_a_scaler_on_all_rows_is_found_and_one_on_the_training_part_is_not(honest):
    y = np.linspace(0, 30, 400) + honest["y"].to_numpy()
    train = y[:280]
    split = Split(0.15, 0.15)
    every = honest.with_columns(y=(y - y.mean()) / y.std())
    assert found(every, split=split)["scaler"].sure == "certain"
    part = honest.with_columns(y=(y - train.mean()) / train.std())
    assert "scaler" not in found(part, split=split)
    ends = honest.with_columns(y=(y - y.min()) / (y.max() - y.min()))
    assert "0 to 1" in found(ends, split=split)["scaler"].text
    # a share or a flag is no scaled column
    flag = honest.with_columns(helps=(pl.col("helps") > 0).cast(pl.Float64))
    assert "scaler" not in found(flag, split=split)


def test_a_scaler_of_each_series_on_all_its_rows_is_found():
    random = np.random.default_rng(5)
    y = random.normal(size=(5, 200)) + np.linspace(0, 8, 200)
    z = (y - y.mean(1, keepdims=True)) / y.std(1, ddof=1, keepdims=True)
    shift = np.array([1, 1, 1, 1, 1.5])[:, None]
    data = pl.DataFrame({"name": np.repeat(list("abcde"), 200), "y": (z * shift).ravel()})
    assert "series by series" in found(data, Columns(group="name", target="y"))["scaler"].text


@pytest.mark.parametrize(
    ("told", "horizon", "sure"),
    [
        (lambda y: np.roll(y, 1), 1, "certain"),
        (lambda y: 0.98 * np.roll(y, 1) + 0.4, 1, "certain"),
        (lambda y: np.roll(y, 1), 3, "certain"),
        (lambda y: y, 1, "certain"),
    ],
)
def test_the_last_value_sold_as_a_forecast_is_found(honest, told, horizon, sure):
    data = honest.with_columns(yhat=told(honest["y"].to_numpy()))
    finding = found(data, prediction="yhat", horizon=horizon)["shifted"]
    assert finding.sure == sure
    assert finding.columns == ("yhat", "y")


def test_a_walk_smoothed_by_a_network_is_found():
    random = np.random.default_rng(9)
    walk = np.cumsum(random.normal(size=600))
    smooth = 0.95 * np.roll(walk, 1) + 0.05 * np.roll(walk, 2) + 0.1 * random.normal(size=600)
    data = pl.DataFrame({"close": walk, "yhat": smooth})
    finding = found(data, Columns(target="close"), prediction="yhat")["shifted"]
    assert "of 1 row before" in finding.text


def test_an_honest_forecast_is_no_shifted_one(honest):
    y, helps = honest["y"].to_numpy(), honest["helps"].to_numpy()
    yhat = 4 + 0.8 * np.roll(y, 1) + 0.5 * np.roll(helps, 1)
    assert "shifted" not in found(honest.with_columns(yhat=yhat), prediction="yhat")


def test_a_function_that_reads_the_future_is_found_with_the_columns(honest):
    def honest_model(frame):
        return frame.select(pl.col("y").shift(1).rolling_mean(3)).to_series()

    def centred(frame):
        return frame.select(pl.col("y").rolling_mean(3, center=True)).to_series()

    def scaled(frame):
        return frame.select(pl.col("y").shift(1) - pl.col("y").mean()).to_series()

    assert "future" not in found(honest, model=honest_model)
    for leaking in (centred, scaled):
        finding = found(honest, model=leaking)["future"]
        assert finding.sure == "certain"
        assert finding.columns == ("y",)
    # two rows ahead, the value of one row before is not known yet
    assert "future" in found(honest, model=honest_model, horizon=2)
    pandas = honest.to_pandas()
    assert "future" in found(pandas, model=lambda frame: frame["y"].rolling(3, center=True).mean())


def test_the_surest_stand_first_and_the_record_is_json(honest):
    leaking = honest.with_columns(copy=pl.col("y"), next=pl.col("y").shift(-1))
    told = longshort.lint(leaking, DAY)
    assert [f.sure for f in told.findings] == ["certain", "possible"]
    assert not told.clean
    assert json.loads(told.to_json())["findings"][0]["columns"] == ["next", "y"]


def test_the_document_and_the_command_name_every_check():
    from longshort.cli.lint import lint as command

    page = (WEATHER.parents[1] / "docs" / "judging.md").read_text()
    rows = re.findall(r"^\| `(\w+)` \|", page, re.MULTILINE)
    assert rows == [check.name for check in CHECKS]
    assert all(f"({check.name})" in command.__doc__ for check in CHECKS)


def test_a_finding_reads_as_a_sentence(honest):
    told = lint(honest.with_columns(next=pl.col("y").shift(-1)), DAY)
    assert str(told).startswith("a data frame: 400 rows in 1 series\ncertain proxy: column 'next'")
    assert "way out: " in str(told)
    twice = lint(pl.concat([honest, honest[:7]]).sort("day"), DAY).findings[0]
    assert twice.where.endswith(" and 2 more")


def test_what_cannot_be_looked_at_is_said(honest):
    with pytest.raises(ArgumentError, match="did you mean 'proxy'"):
        lint(honest, DAY, checks=["proxi"])
    with pytest.raises(DataError, match="no column 'yhat'"):
        lint(honest, DAY, prediction="yhat")
    with pytest.raises(ArgumentError, match="model=int"):
        lint(honest, DAY, model=3)
    with pytest.raises(ArgumentError, match="one for each row"):
        lint(honest, DAY, model=lambda frame: 3.0)
    with pytest.raises(ArgumentError, match="give a frame or a file"):
        lint(np.zeros((1, 50, 1)), prediction="yhat")
