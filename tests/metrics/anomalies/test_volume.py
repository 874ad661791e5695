"""VUS against the definition spelt out row by row, and against values of the authors' code."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score, roc_auc_score

from longshort.errors import ArgumentError
from longshort.metrics.anomalies import (
    areas_drawn,
    auc_pr,
    auc_roc,
    range_auc,
    runs,
    vus,
    vus_pr,
    vus_roc,
)
from longshort.metrics.anomalies.volume import buffer_length, faded

Rows = list[tuple[int, int]]


def drawn(seed: int, rows: int, events: Rows) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.RandomState(seed)
    labels = np.zeros(rows, bool)
    for first, last in events:
        labels[first : last + 1] = True
    scores = random.rand(rows)
    scores[labels] += 0.5
    return (scores - scores.min()) / (scores.max() - scores.min()), labels


# computed by RangeAUC_volume_opt of TheDatumOrg/TSB-AD 1.5
@pytest.mark.parametrize(
    ("seed", "rows", "events", "buffer", "thresholds", "roc", "pr"),
    [
        (0, 200, [(40, 55), (120, 130)], 10, 50, 0.883237268470, 0.657318866508),
        (1, 300, [(50, 60), (150, 180), (250, 255)], 20, 100, 0.875831252771, 0.720301443269),
    ],
)
def test_the_volume_is_that_of_the_authors(
    seed: int, rows: int, events: Rows, buffer: int, thresholds: int, roc: float, pr: float
) -> None:
    scores, labels = drawn(seed, rows, events)
    found = vus(scores, labels, buffer, thresholds=thresholds)
    assert found == pytest.approx((pr, roc), abs=1e-11)


def test_the_volume_is_that_of_the_authors_to_the_last_digit() -> None:
    labels = np.zeros(64, bool)
    labels[10:15] = labels[38:44] = True
    scores = np.linspace(0.02, 0.18, 64)
    scores[9:16] = [0.25, 0.55, 0.72, 0.91, 0.84, 0.63, 0.31]
    scores[37:45] = [0.22, 0.48, 0.68, 0.93, 0.87, 0.79, 0.56, 0.29]
    scores[53] = 0.62
    assert vus_pr(scores, labels, 11) == pytest.approx(0.9750688705234158, abs=1e-14)


def spelt_out(
    scores: np.ndarray, labels: np.ndarray, buffer: int, thresholds: int
) -> tuple[float, float]:
    """The definition, threshold by threshold and row by row."""
    rows, half = len(scores), buffer // 2
    weight = labels.astype(float)
    near = np.zeros(rows, bool)
    for start, end in runs(labels):
        for row in range(rows):
            away = max(start - row, row - (end - 1))
            if away <= half:
                near[row] = True
            if 1 <= away <= half:
                weight[row] += np.sqrt(1 - away / buffer)
    weight = np.minimum(weight, 1)
    # anomalies whose surroundings meet are one, but not those that only touch within a row
    stretches: list[list[int]] = []
    for start, end in runs(labels):
        if stretches and not stretches[-1][1] - 1 + half < start - half:
            stretches[-1][1] = end
        else:
            stretches.append([start, end])
    recalls, precisions, wrong = [0.0], [], [0.0]
    falling = np.sort(scores)[::-1]
    for rank in np.linspace(0, rows - 1, thresholds).astype(int):
        told = scores >= falling[rank]
        hits = weight[told].sum()
        size = labels.sum() + weight[told & ~labels].sum() / 2
        met = [told[max(0, a - half) : b + half].any() for a, b in stretches]
        recalls.append(min(hits / size, 1) * np.mean(met))
        precisions.append(hits / told.sum())
        wrong.append((told.sum() - hits) / (rows - size))
    pr = sum(p * (b - a) for p, a, b in zip(precisions, recalls, recalls[1:], strict=False))
    recalls.append(1.0)
    wrong.append(1.0)
    roc = sum(
        (wrong[i + 1] - wrong[i]) * (recalls[i + 1] + recalls[i]) / 2 for i in range(len(wrong) - 1)
    )
    return float(pr), float(roc)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.booleans(), st.integers(0, 6)), min_size=3, max_size=40),
    st.integers(0, 12),
)
def test_areas_are_those_of_the_definition(rows: list[tuple[bool, int]], buffer: int) -> None:
    labels = np.array([label for label, _ in rows])
    scores = np.array([score for _, score in rows], float)
    if labels.all() or not labels.any():
        with pytest.raises(ArgumentError, match="no curve can be drawn"):
            range_auc(scores, labels, buffer)
        return
    found = range_auc(scores, labels, buffer, thresholds=15)
    assert found == pytest.approx(spelt_out(scores, labels, buffer, 15), abs=1e-12)


def test_one_row_anomalies_without_buffer_come_to_the_average_precision() -> None:
    scores, labels = drawn(3, 250, [(20, 20), (90, 90), (170, 170)])
    curve = range_auc(scores, labels, 0, thresholds=250)
    # both see the same rows as hits, but recall here also counts anomalies that were met
    assert curve.pr <= average_precision_score(labels, scores) + 1e-12
    one = drawn(3, 250, [(20, 20)])
    assert range_auc(*one, 0).pr == pytest.approx(average_precision_score(one[1], one[0]))


def test_a_perfect_score_is_one_and_chance_is_the_share_of_labels() -> None:
    labels = np.zeros(2000, bool)
    labels[500:600] = labels[1500:1560] = True
    sure = vus(faded(labels, 40), labels, 40)
    assert sure.pr > 0.95
    assert sure.roc > 0.97
    random = np.random.default_rng(0)
    chance = np.mean([vus(random.random(2000), labels, 10, most=3) for _ in range(20)], axis=0)
    assert chance[0] == pytest.approx(labels.mean(), abs=0.02)
    assert chance[1] == pytest.approx(0.5, abs=0.02)


def test_single_names_and_intervals_tell_the_same() -> None:
    scores, labels = drawn(0, 200, [(40, 55), (120, 130)])
    whole = vus(scores, runs(labels), None)
    assert buffer_length(labels) == 13
    assert (vus_pr(scores, labels), vus_roc(scores, labels)) == whole
    assert vus(scores, labels, 13, most=500) == whole
    assert vus(scores, labels, 13, most=4).pr == pytest.approx(whole.pr, abs=0.02)


def test_rows_that_count_twice_are_as_good_as_two() -> None:
    scores, labels = drawn(7, 160, [(10, 30), (90, 99)])
    groups = np.repeat([0, 1], 80)
    counts = np.array([[1.0, 1.0], [2.0, 2.0], [0.0, 2.0], [0.0, 0.0]])
    found = areas_drawn(scores, labels, 6, groups, counts)
    whole = *vus(scores, labels, 6), auc_pr(scores, labels), auc_roc(scores, labels)
    assert found[:2] == pytest.approx(np.array([whole] * 2))
    half = auc_pr(scores[80:], labels[80:]), auc_roc(scores[80:], labels[80:])
    assert found[2, 2:] == pytest.approx(half)
    # other thresholds, as ranks are those of all rows
    assert found[2, :2] == pytest.approx(vus(scores[80:], labels[80:], 6), abs=0.01)
    assert np.isnan(found[3, 2:]).all()


def adjusted_f1(scores: np.ndarray, labels: np.ndarray) -> float:
    """The best F1 over thresholds after point adjustment, as papers have reported it."""
    best = 0.0
    for threshold in np.unique(scores):
        told = scores >= threshold
        for start, end in runs(labels):
            told[start:end] |= told[start:end].any()
        hits = (told & labels).sum()
        best = max(best, 2 * hits / (told.sum() + labels.sum()))
    return best


def test_point_adjustment_praises_chance_and_the_scores_here_do_not() -> None:
    """Kim et al. 2022: why no point-adjusted F1 is told anywhere."""
    labels = np.zeros(2000, bool)
    for start in (200, 700, 1100, 1600):
        labels[start : start + 120] = True
    random = np.random.default_rng(0)
    chance = random.random(2000)
    # a detector that tells half of the anomalies well, and is blind to the others
    first = np.arange(2000) < 1000
    honest = 0.6 * random.random(2000) + 0.5 * (labels & first)
    honest[labels & ~first] = 0
    assert adjusted_f1(chance, labels) > 0.9
    assert adjusted_f1(chance, labels) > adjusted_f1(honest, labels)
    assert vus_pr(chance, labels, 20) < 0.35 < 0.45 < vus_pr(honest, labels, 20)


def test_rows_are_told_apart_as_scikit_learn_does() -> None:
    scores, labels = drawn(5, 120, [(10, 30)])
    assert auc_pr(scores, labels) == average_precision_score(labels, scores)
    assert auc_roc(scores, runs(labels)) == roc_auc_score(labels, scores)


@pytest.mark.parametrize(
    ("scores", "labels", "told"),
    [
        ([1.0, np.nan, 0.0], [True, False, False], "row 1 has none"),
        ([1.0, 0.5], [True, False, False], "3 of them for 2 rows"),
        ([1.0, 0.5], [0.3, 1.0], "true or false"),
        ([[1.0, 0.5]], [True, False], "one for each row"),
        ([1.0, 0.5], [[0, 5]], "ends at row 5 of 2"),
        ([1.0, 0.5, 0.1], [[1, 1]], "in order and apart"),
        ([1.0, 0.5, 0.1], [[1, 2], [0, 1]], "in order and apart"),
        ([1.0, 0.5, 0.1], [[0, 1, 2]], r"\(M, 2\)"),
        ([1.0, 0.5], [False, False], "0 of 2 rows"),
        ([1.0, 0.5], [True, True], "2 of 2 rows"),
    ],
)
def test_what_does_not_fit_is_refused_in_words(
    scores: list[float], labels: list[bool], told: str
) -> None:
    for score in (vus, auc_pr, auc_roc):
        with pytest.raises(ArgumentError, match=told):
            score(scores, labels)  # type: ignore[operator]
