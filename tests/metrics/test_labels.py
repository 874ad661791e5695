from __future__ import annotations

import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as sk

from longshort.errors import ArgumentError
from longshort.metrics.bootstrap import drawn_weights, interval
from longshort.metrics.labels import (
    Answers,
    area_under_roc,
    average_precision,
    bins,
    calibration_error,
    check_measure,
    confusion,
    measures_of,
    per_class,
    resampled,
    score,
)


def answers(items: int, classes: int, seed: int, kind: str = "one") -> Answers:
    random = np.random.default_rng(seed)
    if kind == "many":
        truth = random.random((items, classes)) < 0.4
        return Answers(truth, random.random((items, classes)).round(1), "many")
    label = random.integers(classes, size=items)
    odds = random.random((items, classes)).round(1) + 0.05 + 0.5 * np.eye(classes)[label]
    return Answers(np.eye(classes, dtype=bool)[label], odds / odds.sum(1, keepdims=True), "one")


@given(st.integers(12, 60), st.integers(2, 5), st.integers(0, 10_000), st.booleans())
@settings(max_examples=40, deadline=None)
def test_scores_are_scikit_learns_with_any_weights(
    items: int, classes: int, seed: int, weighted: bool
) -> None:
    found = answers(items, classes, seed)
    truth, best = found.truth.argmax(1), found.probabilities.argmax(1)
    if len(np.unique(truth)) < classes:
        return
    random = np.random.default_rng(seed + 1)
    w = random.integers(1, 4, items).astype(float) if weighted else np.ones(items)
    p = found.probabilities
    one = p[:, 1] if classes == 2 else p
    expected = {
        "accuracy": sk.accuracy_score(truth, best, sample_weight=w),
        "balanced_accuracy": sk.balanced_accuracy_score(truth, best, sample_weight=w),
        "macro_recall": sk.recall_score(
            truth, best, average="macro", sample_weight=w, zero_division=0
        ),
        "macro_f1": sk.f1_score(truth, best, average="macro", sample_weight=w),
        "log_loss": sk.log_loss(truth, p, sample_weight=w),
        "brier": sk.brier_score_loss(truth, one, sample_weight=w),
        "auroc": sk.roc_auc_score(truth, one, multi_class="ovr", sample_weight=w),
        "auprc": sk.average_precision_score(
            found.truth if classes > 2 else truth, one, average="macro", sample_weight=w
        ),
    }
    from longshort.metrics.labels import MEASURES

    for name, value in expected.items():
        got = MEASURES[name].compute(found, w[None])
        assert got[0] == pytest.approx(value, abs=1e-12), name


@given(st.integers(12, 40), st.integers(0, 10_000))
@settings(max_examples=20, deadline=None)
def test_several_labels_are_scikit_learns(items: int, seed: int) -> None:
    found = answers(items, 3, seed, "many")
    if not (found.truth.any(0) & ~found.truth.all(0)).all():
        return
    assert score("accuracy", found) == sk.accuracy_score(found.truth, found.predicted)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        f1 = sk.f1_score(found.truth, found.predicted, average="macro")
    assert score("macro_f1", found) == pytest.approx(f1)
    p = found.probabilities
    assert score("auroc", found) == pytest.approx(sk.roc_auc_score(found.truth, p))
    assert score("auprc", found) == pytest.approx(sk.average_precision_score(found.truth, p))
    losses = [sk.log_loss(found.truth[:, k], np.clip(p[:, k], 1e-15, 1 - 1e-15)) for k in range(3)]
    assert score("log_loss", found) == pytest.approx(np.mean(losses))


def test_areas_are_those_of_every_pair() -> None:
    random = np.random.default_rng(0)
    value, yes = random.integers(0, 6, 30).astype(float), random.random(30) < 0.4
    w = random.integers(0, 3, (5, 30)).astype(float)
    for row in w:
        pairs = [
            (row[i] * row[j], (value[i] > value[j]) + 0.5 * (value[i] == value[j]))
            for i in np.flatnonzero(yes)
            for j in np.flatnonzero(~yes)
        ]
        brute = sum(a * b for a, b in pairs) / sum(a for a, _ in pairs)
        assert area_under_roc(value, yes, row[None])[0] == pytest.approx(brute)
        theirs = sk.average_precision_score(yes, value, sample_weight=row)
        assert average_precision(value, yes, row[None])[0] == pytest.approx(theirs)


def test_the_classes_table_and_confusion_are_scikit_learns() -> None:
    found = answers(80, 4, 3)
    truth, best = found.truth.argmax(1), found.probabilities.argmax(1)
    np.testing.assert_array_equal(confusion(found), sk.confusion_matrix(truth, best))
    precision, recall, f1, support = sk.precision_recall_fscore_support(truth, best)
    own = per_class(found)
    for mine, theirs in (
        (own.precision, precision), (own.recall, recall), (own.f1, f1), (own.support, support),
    ):  # fmt: skip
        np.testing.assert_allclose(mine[0], theirs)


def test_calibration_in_bins_of_equal_mass() -> None:
    random = np.random.default_rng(1)
    p = random.random(5000)
    came = random.random(5000) < p
    honest = Answers(np.stack([~came, came], 1), np.stack([1 - p, p], 1))
    found = bins(honest)
    assert [each.items for each in found] == [500] * 10
    share, mean = _curve(came, p)
    np.testing.assert_allclose([each.observed for each in found], share)
    np.testing.assert_allclose([each.confidence for each in found], mean)
    assert all(each.low <= each.observed <= each.high for each in found)
    assert calibration_error(honest) < 0.02
    # always sure, right half of the time: 0.5 beside 1
    truth = np.tile(np.eye(3, dtype=bool)[:2], (50, 1))
    sure = Answers(truth, np.tile([1.0, 0.0, 0.0], (100, 1)))
    assert calibration_error(sure) == pytest.approx(0.5)
    assert len(bins(sure)) == 1


def _curve(came: np.ndarray, p: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    from sklearn.calibration import calibration_curve

    return calibration_curve(came, p, n_bins=10, strategy="quantile")


def test_the_bootstrap_is_paired_and_as_wide_as_theory_says() -> None:
    found = answers(400, 2, 5)
    twice = resampled({"a": found, "b": found}, ["accuracy", "calibration_error"])
    assert twice is not None
    np.testing.assert_array_equal(twice["a"]["accuracy"], twice["b"]["accuracy"])
    assert "calibration_error" not in twice["a"]
    share = score("accuracy", found)
    low, high = interval(twice["a"]["accuracy"]) or (0, 0)
    assert high - low == pytest.approx(2 * 1.96 * np.sqrt(share * (1 - share) / 400), rel=0.1)
    assert resampled({"a": answers(5, 2, 0)}, ["accuracy"]) is None


def test_groups_are_drawn_whole() -> None:
    names = np.repeat([f"p{i}" for i in range(20)], 5)
    drawn = drawn_weights(100, names.tolist(), resamples=50)
    assert drawn is not None
    for weights in drawn:
        by_group = weights.reshape(len(weights), 20, 5)
        assert (by_group == by_group[:, :, :1]).all()
        assert (weights.sum(1) == 100).all()
    assert drawn_weights(100, ["a", "b"] * 50) is None


def test_names() -> None:
    assert "class_distance" in measures_of("ordered")
    assert "class_distance" not in measures_of("one")
    with pytest.raises(ArgumentError, match="did you mean 'macro_f1'"):
        check_measure("macrof1")
