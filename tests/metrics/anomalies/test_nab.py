"""The NAB score against the benchmark's published results and the rules of its paper."""

from __future__ import annotations

import math

import numpy as np
import pytest

from longshort.errors import ArgumentError
from longshort.metrics.anomalies import PROFILES, Raw, nab_raw, nab_score
from longshort.metrics.anomalies.nab import probation, worths

# what the Windowed Gaussian detector tells of five series at its threshold, and what the
# benchmark's own results (windowedGaussian_standard_scores.csv, NAB 1.0) say that is worth:
# rows, first and last row of each window, rows told, score
PUBLISHED = {
    "ec2_cpu_utilization_24ae8d": (
        4032,
        [(3447, 3647), (3677, 3877)],
        [729, 1018, 1309, 1597, 1883, 2172, 2461, 2748, 3032, 3321, 3547, 3614, 3898],
        -1.266678759349383,
    ),
    "elb_request_count_8c0756": (
        4032, [(683, 883), (3582, 3782)], [3682], -0.13844919792440225
    ),
    "exchange-3_cpc_results": (
        1538,
        [(271, 321), (413, 463), (952, 1002)],
        [296, 297, 438, 439, 976, 1121],
        2.5026632611866138,
    ),
    "exchange-4_cpc_results": (
        1643,
        [(340, 394), (749, 803), (1249, 1303)],
        [367, 372, 514, 518, 1276, 1401, 1565],
        0.2922884634276035,
    ),
    "exchange-4_cpm_results": (
        1643,
        [(347, 387), (729, 769), (1256, 1296), (1381, 1421)],
        [367, 372, 514, 518, 1276, 1401, 1565],
        1.274710362684976,
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", PUBLISHED)
def test_raw_scores_are_the_published_ones(name: str) -> None:
    rows, windows, told, published = PUBLISHED[name]
    found = np.zeros(rows, bool)
    found[told] = True
    # what happens on probation counts for nothing
    found[: probation(rows)] = True
    given = [(first, last + 1) for first, last in windows]
    assert nab_raw(found, given) == pytest.approx(Raw(published, len(windows)), abs=1e-12)


def test_probation_is_that_of_the_benchmark() -> None:
    assert [probation(rows) for rows in (100, 4032, 5000, 22695)] == [15, 604, 750, 750]


def test_worths_are_those_of_the_paper() -> None:
    worth = worths([(30, 40), (75, 96)], 100)
    inside = np.zeros(100, bool)
    inside[30:40] = inside[75:96] = True
    assert (worth[inside] > 0).all()
    assert (worth[~inside] < 0).all()
    # the left edge of any window is worth 1, what comes before the first -1
    assert worth[[30, 75]] == pytest.approx(1)
    assert (worth[:30] == -1).all()
    # relative position 1 behind a window: 2 sigmoid(-5) - 1
    assert worth[39 + 9] == pytest.approx(-0.98661, abs=1e-5)
    assert worth[39 + 27] == -1
    # later detections are worth less, later false ones cost more
    assert (np.diff(worth[30:40]) < 0).all()
    assert (np.diff(worth[40:60]) < 0).all()


@pytest.mark.parametrize("profile", PROFILES)
def test_perfect_is_100_and_silence_is_0(profile: str) -> None:
    windows = [(300, 340), (700, 760)]
    perfect = np.zeros(1000, bool)
    perfect[[300, 700]] = True
    assert nab_score([nab_raw(perfect, windows, profile)], profile) == pytest.approx(100)
    assert nab_score([nab_raw(np.zeros(1000), windows, profile)], profile) == 0


def test_a_window_on_probation_is_neither_earned_nor_missed() -> None:
    told = np.zeros(1000, bool)
    told[300] = True
    windows = [(20, 60), (300, 340)]
    assert nab_raw(told, windows) == (pytest.approx(1), 1)
    assert nab_score([nab_raw(told, windows)]) == pytest.approx(100)
    assert nab_score([nab_raw(np.zeros(1000), windows)]) == 0


def test_profiles_weigh_as_the_paper_says() -> None:
    windows = [(300, 340), (700, 760)]
    told = np.zeros(1000, bool)
    told[[200, 250, 300]] = True
    # one found, one missed, two false ones before any window
    assert nab_raw(told, windows).score == pytest.approx(1 - 1 - 0.22)
    assert nab_raw(told, windows, "reward_low_FP").score == pytest.approx(1 - 1 - 0.44)
    assert nab_raw(told, windows, "reward_low_FN").score == pytest.approx(1 - 2 - 0.22)
    assert nab_score([nab_raw(told, windows)]) == pytest.approx(100 * (-0.22 + 2) / 4)
    # a second detection in a window earns nothing
    again = told.copy()
    again[310] = True
    assert nab_raw(again, windows) == nab_raw(told, windows)


def test_series_without_windows_only_cost() -> None:
    told = np.zeros(1000, bool)
    told[[500, 501]] = True
    assert nab_raw(told, []) == (pytest.approx(-0.22), 0)
    assert math.isnan(nab_score([nab_raw(told, [])]))
    both = [nab_raw(told, []), nab_raw(told, [(500, 540)])]
    assert nab_score(both) == pytest.approx(100 * (1 - 0.22 + 1) / 2)
    with pytest.raises(ArgumentError, match=r"profile='standart'.*standard"):
        nab_raw(told, [], "standart")
    with pytest.raises(ArgumentError, match="profile='x'"):
        nab_score([], "x")
