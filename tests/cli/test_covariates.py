"""Covariates of every kind and forecasts of any horizon through the command line."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from longshort.cli.app import main

QUICK = ["--epochs", "1", "--members", "1", "--size", "4", "--context", "6", "--test", "0.2"]
QUICK += ["--yardsticks", "quick"]


def run(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as stop:
        main(arguments)
    said = capsys.readouterr()
    assert "Traceback" not in said.err
    return int(stop.value.code or 0), said.out, said.err


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Sales of two shops; of the last five days the sky alone is known."""
    rng = np.random.default_rng(0)
    rows = 100
    sold = rng.poisson(9.0, 2 * rows).astype(float)
    sold[np.arange(2 * rows) % rows >= rows - 5] = np.nan
    path = tmp_path_factory.mktemp("data") / "sales.csv"
    pl.DataFrame(
        {
            "shop": np.repeat([7, 8], rows),
            "day": np.tile(np.datetime64("2024-01-01") + np.arange(rows), 2),
            "sold": np.where(
                np.arange(2 * rows) % rows < rows - 5, rng.poisson(9, 2 * rows), np.nan
            ),
            "sky": rng.choice(["sun", "rain", ""], 2 * rows),
            "code": rng.integers(0, 4, 2 * rows),
        }
    ).with_columns(pl.col("sold").fill_nan(None)).write_csv(path)
    return path


@pytest.mark.parametrize("mode", ["direct", "recursive"])
def test_categories_and_any_horizon(
    mode: str, table: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    columns = ["--time", "day", "--group", "shop", "--target", "sold", "--future", "sky"]
    options = ["--category", "shop,code", "--horizon", "2", "--mode", mode]
    fit = ["fit", "forecast", str(table), *columns, *options, *QUICK, "--out", str(tmp_path)]
    assert run(fit, capsys)[0] == 0
    page = (tmp_path / "report.html").read_text()
    for name in ("shop", "code", "sky", "3 categories"):
        assert name in page
    out = tmp_path / "ahead.parquet"
    predict = ["predict", str(tmp_path / "model.lstm"), str(table), "--out", str(out)]
    assert run(predict, capsys)[0] == 0
    assert pl.read_parquet(out)["shop"].to_list() == [7, 7, 8, 8]
    assert run([*predict, "--paths", "3"], capsys)[0] == 0
    assert pl.read_parquet(out).columns == ["shop", "path", "day", "sold"]
    assert pl.read_parquet(out)["path"].to_list() == 2 * [1, 1, 2, 2, 3, 3]
    assert run([*predict, "--paths", "0"], capsys)[0] == 2
    code, _, err = run([*predict, "--horizon", "5"], capsys)
    if mode == "direct":
        assert code == 2
        assert "--mode recursive" in err
    else:
        assert code == 0
        assert pl.read_parquet(out).height == 10


def test_a_horizon_beyond_what_is_known_in_advance_is_told(
    table: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pl.read_csv(table).drop_nulls("sold").write_csv(tmp_path / "past.csv")
    columns = ["--time", "day", "--group", "shop", "--target", "sold", "--future", "sky"]
    fit = ["fit", "forecast", str(table), *columns, "--mode", "recursive", *QUICK]
    assert run([*fit, "--out", str(tmp_path)], capsys)[0] == 0
    predict = ["predict", str(tmp_path / "model.lstm"), str(tmp_path / "past.csv")]
    code, _, err = run([*predict, "--horizon", "3"], capsys)
    assert code == 3
    assert "'sky' is known in advance, and none of its values for the 3 steps" in err
