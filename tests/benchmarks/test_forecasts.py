"""The forecasting benchmark: its measures, its peers, its page, on a toy."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import polars as pl
import pytest

from longshort import Columns, Decoder, Forecaster, Recurrent, Split, Training, Window

BENCHMARKS = Path(__file__).parent.parent.parent / "benchmarks"
ROWS = 260


@pytest.fixture(scope="module")
def bench() -> Iterator[ModuleType]:
    sys.path.insert(0, str(BENCHMARKS))
    import forecasting

    yield forecasting
    sys.path.remove(str(BENCHMARKS))


def table() -> pl.DataFrame:
    rng = np.random.default_rng(0)
    day = np.datetime64("2020-01-01") + np.arange(ROWS)
    wave = np.sin(2 * np.pi * np.arange(ROWS) / 7)
    return pl.DataFrame(
        {"day": day, "a": 5 + wave + 0.2 * rng.normal(size=ROWS), "b": 9 + rng.normal(size=ROWS)}
    )


@pytest.fixture
def toy(bench: ModuleType) -> Any:
    from forecasts.sets import Goal, Set

    return Set(
        "toy",
        "A toy",
        "Two waves.",
        table,
        Columns("day", target=("a", "b"), past=()),
        3,
        Split("2020-06-01", "2020-07-20"),
        {
            "window": Window(12, season=7),
            "recurrent": Recurrent(8, dropout=0.0),
            "decoder": Decoder("context", 4, "shared"),
            "training": Training(epochs=2),
        },
        ("MSE", "MAE", "a day 1", "b days 1-7"),
        (Goal("MAE", 99.0, 0.001),),
        fixed=150,
        curve=(2,),
    )


def test_a_record_becomes_a_page(
    bench: ModuleType, toy: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from contextlib import nullcontext

    from forecasts.page import page

    opened: dict[str, Any] = {}
    monkeypatch.setattr(bench, "opening", lambda *_, **__: nullcontext(opened))
    found: dict[str, Any] = {}
    bench.measured(toy, list(bench.ROWS), found, "")
    assert set(found["networks"]) == set(bench.ROWS) == set(opened)
    counts = {row: one["parameters"] for row, one in found["networks"].items()}
    for row in ("GRU", "RNN", "Transformer"):
        assert counts[row] == pytest.approx(counts["LSTM"], rel=0.35)
    # what is scored by itself is what the evaluation says
    ours, theirs = found["networks"]["LSTM"]["scores"], found["methods"]["LSTM"]["scores"]
    for name in toy.measures:
        assert ours[name] == pytest.approx(theirs[name])
    for name in ("coverage", "width"):
        assert found["networks"]["LSTM"][name] == pytest.approx(found["methods"]["LSTM"][name])
    text = page({"toy": found}, {"toy": toy})
    assert "| LSTM |" in text
    assert "the LSTM's share" in text
    assert "| 76 |" in text


def test_measures_are_those_of_their_names(bench: ModuleType, toy: Any) -> None:
    from forecasts.score import errors, measure, test_windows

    frame = table()
    given = {"columns": toy.columns, "horizon": 3, "split": toy.split, **toy.recipe}
    model = Forecaster(**given).fit(frame)
    windows = test_windows(model, frame)
    index = range(len(windows))
    actual = windows.actual(index)
    assert (actual[0, 0] == frame[["a", "b"]].row(201)).all()
    point, spread = model.forecasts(windows, index).point, np.array([0.5, 2.0])
    told = errors(model, windows)
    expected = {
        "MSE": (((point - actual) / spread) ** 2).mean(),
        "MAE": (np.abs(point - actual) / spread).mean(),
        "MAPE %": 100 * np.abs(point / actual - 1).mean(),
        "a day 1": np.abs(point - actual)[:, 0, 0].mean(),
        "b days 1-7": np.abs(point - actual)[:, :, 1].mean(),
    }
    for name, value in expected.items():
        assert measure(name, told, toy, spread.tolist()) == pytest.approx(value)


def test_the_validation_part_is_scored_without_the_test_part(
    bench: ModuleType, toy: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    assert bench.before_test(toy)["day"][-1].isoformat() == "2020-07-19"
    bench.valid(toy, ["LSTM"])
    assert "toy, LSTM, valid" in capsys.readouterr().out
