"""Days of two honest series: nothing in them should be found."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest


@pytest.fixture
def honest() -> pl.DataFrame:
    """One series: a target that remembers, and a covariate that helps a little."""
    random = np.random.default_rng(3)
    rows = 400
    y = np.zeros(rows)
    helps = random.normal(size=rows)
    for row in range(1, rows):
        y[row] = 0.8 * y[row - 1] + 0.5 * helps[row - 1] + random.normal()
    days = np.datetime64("2021-01-01") + np.arange(rows)
    return pl.DataFrame({"day": days, "y": y + 20, "helps": helps})
