"""Centre and spread of many series at once, beside numpy on each of them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from longshort.data.codecs.spread import statistics, usual_deviation


def plain(seen: np.ndarray, method: str) -> tuple[float, float]:
    seen = seen[~np.isnan(seen)]
    if not len(seen):
        return np.nan, np.nan
    if seen.min() == seen.max():
        return seen[0], np.nan
    if method == "minmax":
        return seen.min(), np.ptp(seen)
    if method == "robust":
        low, middle, high = np.quantile(seen, [0.25, 0.5, 0.75])
        return middle, high - low if high - low > 1e-9 * seen.std() else seen.std()
    return seen.mean(), seen.std()


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.integers(0, 12), min_size=1, max_size=6),
    st.sampled_from(["standard", "minmax", "robust"]),
    st.sampled_from([0.0, 0.3, 0.9]),
    st.integers(0, 1000),
)
def test_every_series_has_its_own(lengths, method, missing, seed):
    rng = np.random.default_rng(seed)
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    values = np.stack([rng.normal(size=offsets[-1]), rng.integers(0, 2, offsets[-1]) * 1e200], 1)
    values[rng.random(values.shape) < missing] = np.nan
    centre, spread = statistics(values, offsets, method)
    for series in range(len(lengths)):
        for column in range(2):
            rows = values[offsets[series] : offsets[series + 1], column]
            scale = 1.0 if column == 0 else 1e200
            middle, width = plain(rows / scale, method)
            assert centre[series, column] / scale == pytest.approx(middle, nan_ok=True, abs=1e-12)
            assert spread[series, column] / scale == pytest.approx(width, nan_ok=True, abs=1e-12)


def test_nothing_is_done_where_nothing_is_asked_for():
    centre, spread = statistics(np.ones((3, 2)), np.array([0, 1, 3]), "none")
    assert (centre == 0).all()
    assert (spread == 1).all()


def test_deviation_within_series_is_that_of_levels_taken_out():
    rng = np.random.default_rng(0)
    values = rng.normal(size=(300, 1)) + np.repeat([0.0, 1e6, -5.0], 100)[:, None]
    own = [values[at : at + 100].var() for at in (0, 100, 200)]
    assert usual_deviation(values, np.array([0, 100, 200, 300])) == pytest.approx(
        np.sqrt(np.mean(own))
    )
    assert usual_deviation(np.ones((4, 1)), np.array([0, 4])) == 0
