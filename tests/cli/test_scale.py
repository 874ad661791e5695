"""Large tables through the command line, within the memory that is promised for them."""

from __future__ import annotations

import runpy
from pathlib import Path

import polars as pl
import pytest

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parent.parent.parent
QUICK = ("--horizon", "6", "--steps", "100", "--epochs", "1", "--members", "1", "--test", "0.01")


@pytest.mark.parametrize(
    ("series", "rows", "most"), [(1000, 10_000, 2048), (100_000, 100, 4096), (50_000, 30, 2048)]
)
def test_memory_stays_below_what_is_promised(
    series: int, rows: int, most: int, tmp_path: Path
) -> None:
    scale = runpy.run_path(str(ROOT / "benchmarks" / "scale.py"))
    table, out, ahead = (tmp_path / name for name in ("t.parquet", "fitted", "ahead.parquet"))
    scale["make"](table, series, rows)
    # a part of so few rows has no horizon of six
    options = QUICK if rows > 1000 else (*QUICK[:-1], "0.2", "--valid", "0.2")
    fit = scale["measure"](*scale["fit_arguments"](table, out, options))
    assert not fit["code"], fit
    assert fit["memory"] < most
    predict = scale["measure"]("predict", str(out / "model.lstm"), str(table), "--out", str(ahead))
    assert not predict["code"], predict
    assert predict["memory"] < most
    found = pl.scan_parquet(ahead)
    assert found.select(pl.len()).collect().item() == 6 * series
    assert found.select(pl.col("series").n_unique()).collect().item() == series
    assert found.select(pl.col("y").is_finite().all()).collect().item()
