"""A small weather-like series and a small forecaster, fitted once."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from longshort import Columns, Forecaster, Recurrent, Split, Training, Window

SMALL = {
    "window": Window(context=8),
    "recurrent": Recurrent(size=8),
    "training": Training(epochs=3, members=2),
}


def make_series(rows: int = 300, seed: int = 0) -> pl.DataFrame:
    """Two targets that follow a yearly wave and a covariate that leads the first by a day."""
    rng = np.random.default_rng(seed)
    lead = rng.normal(size=rows + 1)
    wave = 10 * np.sin(2 * np.pi * np.arange(rows) / 90)
    start = np.datetime64("2020-01-01")
    return pl.DataFrame(
        {
            "day": start + np.arange(rows),
            "warm": wave + 2 * lead[:-1] + rng.normal(size=rows) * 0.1,
            "cold": wave / 2 + rng.normal(size=rows),
            "lead": lead[1:],
        }
    )


@pytest.fixture(scope="session")
def series() -> pl.DataFrame:
    return make_series()


@pytest.fixture(scope="session")
def columns() -> Columns:
    return Columns(time="day", target=["warm", "cold"])


@pytest.fixture(scope="session")
def fitted(series: pl.DataFrame, columns: Columns) -> Forecaster:
    split = Split(valid=0.2, test=0.2)
    return Forecaster(columns, horizon=3, split=split, **SMALL).fit(series)
