from __future__ import annotations

import numpy as np
import pytest

from longshort.metrics.measures import MEASURES, Case, score, totals

LEVELS = [round(0.05 * k, 2) for k in range(1, 20)]


def case(part=slice(None)):
    rng = np.random.default_rng(3)
    shape = (40, 3, 2)
    actual = rng.normal(size=shape)
    actual[rng.uniform(size=shape) < 0.2] = np.nan
    actual[5, 0, 0] = 0.0
    scale = rng.choice([0.0, 0.5, 2.0, np.nan], size=shape)
    quantiles = np.sort(rng.normal(size=(*shape, 19)), -1)
    last = rng.normal(size=shape)
    return Case(
        actual[part],
        rng.normal(size=shape)[part],
        quantiles[part],
        LEVELS,
        (1, 17),
        scale[part],
        2 * scale[part],
        last[part],
    )


@pytest.mark.parametrize("measure", MEASURES, ids=lambda m: m.name)
def test_parts_add_up_to_the_whole(measure):
    whole = score(measure, case())
    assert np.isfinite(whole)
    halves = [totals(measure, case(part), 0) for part in (slice(0, 13), slice(13, 40))]
    sums = [sum(part) for part in zip(*halves, strict=True)]
    assert sums[0].shape == (3, 2)
    assert float(measure.ratio(*(s.sum() for s in sums))) == pytest.approx(whole, rel=1e-12)


@pytest.mark.parametrize("measure", MEASURES, ids=lambda m: m.name)
def test_what_is_missing_counts_for_nothing_whatever_was_told_of_it(measure):
    told = case()
    gap = np.isnan(told.actual)
    assert gap.any()
    changed = Case(
        told.actual,
        np.where(gap, np.nan, told.point),
        np.where(gap[..., None], np.nan, told.quantiles),
        LEVELS,
        told.ends,
        told.scale,
        told.root_scale,
        told.last,
    )
    assert score(measure, changed) == score(measure, told)


def test_names_are_those_of_the_records():
    names = [measure.name for measure in MEASURES]
    assert len(set(names)) == len(names)
