"""Tails, thresholds and the alarms that they come to."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from scipy.stats import genpareto

from longshort import Threshold
from longshort.errors import ArgumentError
from longshort.tasks.anomalies.extremes import Tail, fit_tail
from longshort.tasks.anomalies.judging import threshold_rule
from longshort.tasks.anomalies.thresholds import (
    Calm,
    dynamic,
    find_limit,
    held,
    peaks_of,
    runs_of,
)

from ...yardsticks.anomalies.conftest import plant  # noqa: TID252


@pytest.mark.parametrize("shape", [-0.3, 0.0, 0.2, 0.6])
def test_a_tail_is_that_of_scipy(shape: float) -> None:
    own = genpareto.rvs(shape, scale=2.0, size=400, random_state=1)
    found = fit_tail(own)
    theirs = genpareto.fit(own, floc=0)
    likelihood = genpareto.logpdf(own, theirs[0], 0, theirs[2]).sum()
    assert found.log_likelihood(own) >= likelihood - 1e-3
    assert found.shape == pytest.approx(theirs[0], abs=0.02)
    assert found.scale == pytest.approx(theirs[2], rel=0.02)
    np.testing.assert_allclose(
        found.survival(own), genpareto.sf(own, found.shape, 0, found.scale), rtol=1e-9
    )
    assert found.survival(np.array([found.beyond(0.01)]))[0] == pytest.approx(0.01)


def test_few_excesses_have_an_exponential_tail() -> None:
    own = np.array([1.0, 2.0, 6.0])
    assert fit_tail(own) == Tail(0.0, 3.0)
    assert fit_tail(np.full(50, 2.0)) == Tail(0.0, 2.0)
    assert Tail(0.0, 3.0).beyond(1.0) == 0
    with pytest.raises(ValueError, match="no excess"):
        fit_tail(np.zeros(3))


def calm(scores: np.ndarray, series: int = 1, unit: str = "a day") -> Calm:
    offsets = np.linspace(0, len(scores), series + 1).astype(np.int64)
    return Calm(scores, offsets, len(scores) / 1440, unit)


@pytest.mark.parametrize("method", ["spot", "conformal"])
@pytest.mark.parametrize("rate", [0.2, 1.0, 5.0])
def test_so_many_alarms_come_as_were_asked_for(method: str, rate: float) -> None:
    """Of scores like those that the threshold was found on, autocorrelated and with heavy tails."""
    rng, counts = np.random.default_rng(0), []
    settings = Threshold(method, rate, apart=20)  # type: ignore[arg-type]
    for _ in range(20):
        noise = rng.standard_t(4, 2 * 30 * 1440)
        score = np.convolve(noise, 0.8 ** np.arange(20), "valid")
        before, after = np.array_split(score, 2)
        limit = find_limit(calm(before), settings)
        assert limit.unit == "a day"
        counts.append(len(runs_of(after > limit.value, np.array([0, len(after)]), 20)[0]))
    assert np.mean(counts) / 30 == pytest.approx(rate, rel=0.35)


def test_a_span_that_is_too_short_promises_no_more_than_it_can() -> None:
    limit = find_limit(calm(np.arange(144.0) % 10), Threshold("conformal", 0.5))
    assert limit.expected == pytest.approx(10)
    assert "too short" in limit.told
    # extreme values go beyond what was seen
    rng = np.random.default_rng(0)
    scores = rng.normal(size=1440)
    assert find_limit(calm(scores), Threshold("spot", 0.01)).value > scores.max()


def test_peaks_and_runs_are_told_apart_by_rows() -> None:
    scores = np.array([0, 5, 0, 4, 0, 0, 0, 0, 3, 0, 0, 0.0])
    assert peaks_of(scores, np.array([0, 12]), 3).tolist() == [5, 3]
    assert peaks_of(scores, np.array([0, 2, 12]), 3).tolist() == [5, 4, 3]
    flags = scores > 2
    assert [part.tolist() for part in runs_of(flags, np.array([0, 12]), 3)] == [[1, 8], [3, 8]]
    first, last = runs_of(flags, np.array([0, 3, 12]), 100)
    assert (first.tolist(), last.tolist()) == ([1, 3], [1, 8])


def test_a_dynamic_threshold_finds_what_stands_out_of_the_recent_past() -> None:
    rng = np.random.default_rng(0)
    scores = np.abs(rng.normal(1, 0.1, 1200))
    scores[600:604] = 4
    settings = Threshold("dynamic", window=300, every=10)
    flags, limits = dynamic(scores, settings)
    assert np.flatnonzero(flags).tolist() == [600, 601, 602, 603]
    # nothing is held against rows to come
    again, same = dynamic(scores[:602], settings)
    assert np.array_equal(again, flags[:602])
    assert np.array_equal(same, limits[:602])
    offsets = np.array([0, 602, 1200])
    told, found = held(scores, offsets, find_limit(calm(scores), settings), settings)
    for start, stop in pairwise(offsets.tolist()):
        own = dynamic(scores[start:stop], settings)
        assert np.array_equal(found[start:stop], own[0])
        assert np.array_equal(told[start:stop], own[1])


def test_a_fixed_threshold_tells_what_it_came_to() -> None:
    scores = np.tile([0.0] * 99 + [3.0], 20)
    limit = find_limit(calm(scores), Threshold("fixed", value=2.0))
    assert limit.value == 2
    assert limit.expected == pytest.approx(20 / (2000 / 1440))


def test_without_a_score_above_the_median_nothing_is_an_alarm() -> None:
    limit = find_limit(calm(np.zeros(100)), Threshold())
    assert math.isfinite(limit.value)
    assert not held(np.zeros(9), np.array([0, 9]), limit, Threshold())[1].any()


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"method": "fixed"}, "a value goes with"),
        ({"value": 1.0}, "a value goes with"),
        ({"apart": 0}, "1 or more"),
        ({"prune": 1.0}, "below 1"),
        ({"rate": math.nan}, "above 0"),
    ],
)
def test_what_cannot_be_is_told(given: dict[str, float], told: str) -> None:
    with pytest.raises(ArgumentError, match=told):
        Threshold(**given)  # type: ignore[arg-type]


@pytest.mark.parametrize("method", ["spot", "conformal"])
def test_a_method_whose_scores_never_move_raises_no_alarm(method: Any) -> None:
    still = np.full(500, 2.0)
    rule = threshold_rule(plant(1)[0].sequences, Threshold(method))
    assert 2 < rule(still) < 2 + 1e-9
    # of others it is the limit that the detector's own scores must be above
    moved = np.random.default_rng(0).normal(size=500)
    calm = Calm(moved, np.array([0, 500]), 500 / 24, "a day")
    limit = find_limit(calm, Threshold(method)).value
    assert (moved >= rule(moved)).sum() == (moved > limit).sum()
