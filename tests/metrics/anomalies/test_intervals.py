"""Alarms as intervals against what papers and other implementations tell of them."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from longshort.errors import ArgumentError
from longshort.metrics.anomalies import (
    Events,
    affiliation,
    affiliations,
    delays,
    event_f1,
    events,
    joined,
    mask,
    overlapped,
    per_day,
    range_scores,
    runs,
)

MASKS = st.lists(st.booleans(), min_size=1, max_size=30).map(np.array)
PAIRS = st.integers(1, 30).flatmap(
    lambda rows: st.tuples(*[st.lists(st.booleans(), min_size=rows, max_size=rows)] * 2)
)


@given(MASKS)
def test_runs_and_masks_are_each_others_reverse(marked: np.ndarray) -> None:
    found = runs(marked)
    assert (mask(found, len(marked)) == marked).all()
    for start, end in found:
        assert marked[start:end].all()
        assert start == 0 or not marked[start - 1]
        assert end == len(marked) or not marked[end]


@given(PAIRS)
def test_events_are_those_that_share_a_row(pair: tuple[list[bool], list[bool]]) -> None:
    told, true = (np.array(each) for each in pair)
    shared = [bool(told[a:b].any()) for a, b in runs(true)]
    wrong = [not true[a:b].any() for a, b in runs(told)]
    assert overlapped(runs(true), runs(told)).tolist() == shared
    assert events(told, true) == Events(sum(shared), shared.count(False), sum(wrong))
    late = [
        float(np.flatnonzero(told[a:b])[0]) if told[a:b].any() else math.nan for a, b in runs(true)
    ]
    assert np.array_equal(delays(told, true), np.array(late), equal_nan=True)


def test_event_scores_by_hand() -> None:
    labels = [(10, 20), (40, 50), (70, 80)]
    alarms = [(5, 12), (15, 16), (30, 35), (44, 60)]
    assert events(alarms, labels) == Events(found=2, missed=1, false=1)
    assert event_f1(alarms, labels) == pytest.approx(2 / 3)
    assert delays(alarms, labels).tolist()[:2] == [0, 4]
    assert math.isnan(event_f1(alarms, []))
    assert event_f1([], labels) == 0
    # 3 alarms in two days of five-minute rows
    assert per_day(3, 576, 300) == pytest.approx(1.5)
    assert math.isnan(per_day(3, 0, 300))
    assert joined([runs([True, False]), runs([False, True])], [2, 2]).tolist() == [[0, 1], [3, 4]]


# Huet et al. 2022, the example of the paper in seconds, and what its authors' code tells of it
PAPER_LABELS = [(0, 600), (3000, 4200), (10200, 10500)]
PAPER_ALARMS = [
    (300, 360), (420, 600), (660, 720), (2400, 3600), (6900, 7800), (8100, 8400), (9900, 10200),
]  # fmt: skip


def test_affiliation_is_that_of_the_paper() -> None:
    found = affiliations(PAPER_ALARMS, PAPER_LABELS, 10800)
    assert found[1] == pytest.approx([0.672222222, 0.944444444], abs=1e-9)
    whole = affiliation(PAPER_ALARMS, PAPER_LABELS, 10800)
    assert whole == pytest.approx(tuple(found.mean(0)))


def by_sampling(
    alarms: np.ndarray, labels: np.ndarray, rows: int, fine: int
) -> list[tuple[float, float]]:
    """The definition on a fine grid of times: chances are shares of the zone that are farther."""
    middle = (labels[:-1, 1] + labels[1:, 0]) / 2
    edges = [0.0, *middle, float(rows)]
    found = []
    for (start, end), low, high in zip(labels, edges, edges[1:], strict=False):
        zone = np.arange(low, high, 1 / fine) + 0.5 / fine
        told = zone[[(any(a <= x < b for a, b in alarms)) for x in zone]]
        inside = zone[(zone >= start) & (zone < end)]
        far = np.maximum(np.maximum(start - zone, zone - end), 0)
        precise = [np.mean(far >= max(start - x, x - end, 0) - 1e-12) for x in told]
        recalled = []
        for y in inside:
            nearest = np.abs(told - y).min() if len(told) else math.inf
            # a step of the grid is nothing
            recalled.append(np.mean(np.abs(zone - y) >= nearest - 1e-12) if len(told) else 0.0)
        found.append((float(np.mean(precise)) if len(told) else math.nan, float(np.mean(recalled))))
    return found


@pytest.mark.parametrize("seed", range(6))
def test_affiliation_is_the_chance_that_a_random_time_is_farther(seed: int) -> None:
    random = np.random.default_rng(seed)
    rows = 60
    labels = runs(np.convolve(random.random(rows) > 0.95, np.ones(4), "same") > 0)
    alarms = runs(np.convolve(random.random(rows) > 0.93, np.ones(3), "same") > 0)
    if not len(labels):
        labels = np.array([[20, 25]])
    exact = affiliations(alarms, labels, rows)
    sampled = np.array(by_sampling(alarms, labels, rows, 40))
    assert exact == pytest.approx(sampled, abs=0.02, nan_ok=True)


def test_affiliation_without_alarms_or_labels() -> None:
    assert affiliations([], [(1, 10)], 10)[0, 1] == 0
    assert math.isnan(affiliations([], [(1, 10)], 10)[0, 0])
    assert math.isnan(affiliation([(1, 2)], [], 10).recall)
    assert affiliation([True, True], [True, True]) == (1, 1)
    with pytest.raises(ArgumentError, match="number of rows, at least 10"):
        affiliation([(1, 2)], [(1, 10)])
    with pytest.raises(ArgumentError, match="at least 10"):
        affiliation([(1, 2)], [(1, 10)], 5)


def spelt_out(these: np.ndarray, others: np.ndarray, bias: str, cardinality: str) -> float:
    """Tatbul et al. 2018, figure 2, word by word."""
    overlaps = []
    for a, b in runs(these):
        n = b - a
        delta = {
            "flat": lambda t, n: 1,
            "front": lambda t, n: n - t + 1,
            "back": lambda t, n: t,
            "middle": lambda t, n: t if t <= n / 2 else n - t + 1,
        }[bias]
        met = [(c, d) for c, d in runs(others) if c < b and d > a]
        omega = 0.0
        for c, d in met:
            inside = sum(delta(t, n) for t in range(1, n + 1) if c <= a + t - 1 < d)
            omega += inside / sum(delta(t, n) for t in range(1, n + 1))
        gamma = 1 if cardinality == "one" or len(met) < 2 else 1 / len(met)
        overlaps.append((omega * gamma, bool(met)))
    return overlaps


@given(
    PAIRS,
    st.sampled_from(["flat", "front", "middle", "back"]),
    st.sampled_from(["one", "reciprocal"]),
    st.sampled_from([0.0, 0.3, 1.0]),
)
def test_range_scores_are_those_of_the_definition(
    pair: tuple[list[bool], list[bool]], bias: str, cardinality: str, alpha: float
) -> None:
    told, true = (np.array(each) for each in pair)
    found = range_scores(told, true, alpha=alpha, bias=bias, cardinality=cardinality)  # type: ignore[arg-type]
    if told.any():
        precise = [share for share, _ in spelt_out(told, true, bias, cardinality)]
        assert found.precision == pytest.approx(np.mean(precise))
    else:
        assert math.isnan(found.precision)
    if true.any():
        recalled = [
            alpha * met + (1 - alpha) * share
            for share, met in spelt_out(true, told, bias, cardinality)
        ]
        assert found.recall == pytest.approx(np.mean(recalled))
    else:
        assert math.isnan(found.recall)
        assert math.isnan(found.f1)


def test_range_scores_of_known_cases() -> None:
    # the first example of the package prts
    assert range_scores([1, 1, 1, 1, 0], [1, 1, 0, 0, 0], cardinality="one") == (0.5, 1.0)
    assert range_scores([1, 1, 1, 1, 0], [1, 1, 0, 0, 0]).f1 == pytest.approx(2 / 3)
    with pytest.raises(ArgumentError, match="alpha is from 0 to 1; got 2"):
        range_scores([1, 0], [1, 0], alpha=2)
    with pytest.raises(ArgumentError, match=r"bias='fornt'.*front"):
        range_scores([1, 0], [1, 0], bias="fornt")  # type: ignore[arg-type]
