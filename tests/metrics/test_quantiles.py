from __future__ import annotations

import numpy as np
import pytest

from longshort.errors import ArgumentError
from longshort.metrics.quantiles import central_pairs, check_levels, quantiles_at

LEVELS = [round(0.05 * k, 2) for k in range(1, 20)]


@pytest.mark.parametrize("levels", [[0.1, 0.2, 0.4], [0.5, 0.4], [0.0, 0.5], [], [0.5, 0.5]])
def test_levels_must_be_equally_spaced(levels):
    with pytest.raises(ArgumentError, match="equal steps"):
        check_levels(levels)


def test_quantiles_at_other_levels_are_numpys_straight_lines():
    known = np.sort(np.random.default_rng(0).normal(size=(4, 3, 19)), -1)
    wanted = [0.05, 0.12, 0.5, 0.949, 0.95]
    found = quantiles_at(known, LEVELS, wanted)
    for place in np.ndindex(4, 3):
        np.testing.assert_allclose(found[place], np.interp(wanted, LEVELS, known[place]))
    with pytest.raises(ArgumentError, match=r"level 0\.99: levels from 0\.05 to 0\.95"):
        quantiles_at(known, LEVELS, [0.99])


def test_central_pairs_are_mirror_images():
    assert central_pairs(LEVELS) == [(9 - k, 9 + k) for k in range(1, 10)]
    assert central_pairs([0.1, 0.5, 0.6, 0.9]) == [(0, 3)]
    assert central_pairs([0.5]) == []
