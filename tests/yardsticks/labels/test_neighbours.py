from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from longshort.data.corpus import Corpus
from longshort.data.sequences import Field, Sequences
from longshort.yardsticks.labels.neighbours import Nearest, bounds, nearest, warped


def brute(x: np.ndarray, y: np.ndarray, window: int) -> float:
    window = max(window, abs(len(x) - len(y)))
    table = np.full((len(x) + 1, len(y) + 1), np.inf)
    table[0, 0] = 0
    for i in range(1, len(x) + 1):
        for j in range(1, len(y) + 1):
            if abs(i - j) <= window:
                cost = float(np.square(x[i - 1] - y[j - 1]).sum())
                table[i, j] = cost + min(table[i - 1, j], table[i, j - 1], table[i - 1, j - 1])
    return float(table[-1, -1])


@given(st.integers(0, 10_000), st.integers(0, 12), st.integers(1, 3))
@settings(max_examples=40, deadline=None)
def test_distances_are_those_of_the_whole_table(seed: int, window: int, width: int) -> None:
    random = np.random.default_rng(seed)
    rows, columns = random.integers(1, 11, 2)
    x, y = random.normal(size=(1, rows, width)), random.normal(size=(1, columns, width))
    found = warped(x, y, np.array([[rows, columns]]), window)
    assert found[0] == pytest.approx(brute(x[0], y[0], window))


def test_padding_does_not_matter() -> None:
    random = np.random.default_rng(0)
    x, y = random.normal(size=(6, 9, 2)), random.normal(size=(6, 12, 2))
    ends = np.stack([random.integers(5, 10, 6), random.integers(5, 10, 6)], 1)
    window = 4
    found = warped(x, y, ends, window)
    alone = [brute(x[p, :a], y[p, :b], window) for p, (a, b) in enumerate(ends)]
    np.testing.assert_allclose(found, alone)


@given(st.integers(0, 10_000), st.integers(0, 9))
@settings(max_examples=6, deadline=None)
def test_bounds_are_below_and_skipping_by_them_changes_nothing(seed: int, window: int) -> None:
    random = np.random.default_rng(seed)
    x, y = random.normal(size=(7, 10, 2)), random.normal(size=(21, 10, 2))
    y[20] = y[3]
    every = np.array([[brute(a, b, window) for b in y] for a in x])
    assert (bounds(x, y, window) <= every + 1e-9).all()
    ends = np.full(7, 10), np.full(21, 10)
    np.testing.assert_array_equal(nearest(x, ends[0], y, ends[1], window), every.argmin(1))
    own = np.array([[brute(a, b, window) for b in y] for a in y])
    np.fill_diagonal(own, np.inf)
    found = nearest(y, ends[1], y, ends[1], window, own=True)
    np.testing.assert_array_equal(found, own.argmin(1))


def test_gestures_are_told(gesture_parts: tuple[Corpus, Corpus, Corpus]) -> None:
    train, valid, test = gesture_parts
    assert Nearest().refuses(train) == ""
    method = Nearest().fit(train, valid, train.classes, 0)
    found = method.probabilities(test)
    np.testing.assert_allclose(found.sum(1), 1)
    truth = [train.classes.index(label) for (label,) in test.labels or ()]
    assert (found.argmax(1) == truth).mean() > 0.95


def test_what_it_does_not_serve(review_parts: tuple[Corpus, Corpus, Corpus]) -> None:
    assert Nearest().refuses(review_parts[0]) == "there are no series"
    long = Sequences(
        (Field("x", "past"),), ("a", "b"), np.array([0, 400_000, 800_000]), None, None,
        np.zeros((800_000, 1)), "long",
    )  # fmt: skip
    corpus = Corpus("long", series=long, labels=(("a",), ("b",)))
    assert "more than it can compare" in Nearest().refuses(corpus)


def ucr(name: str, part: str) -> Corpus:
    folder = Path(os.environ.get("LONGSHORT_DATA", "none")) / name
    files = sorted(folder.glob(f"{name}_{part}.ts"))
    if not files:
        pytest.skip(f"set LONGSHORT_DATA to a folder with {name}/{name}_{part}.ts")
    rows = [
        line.rsplit(":", 1)
        for line in files[0].read_text().splitlines()
        if line and line[0] not in "#@"
    ]
    values = np.array([[float(v) for v in numbers.split(",")] for numbers, _ in rows])
    items, length = values.shape
    series = Sequences(
        (Field("x", "past"),), tuple(map(str, range(items))), np.arange(items + 1) * length,
        None, None, values.reshape(-1, 1), name,
    )  # fmt: skip
    return Corpus(name, series=series, labels=tuple((label.strip(),) for _, label in rows))


# The UCR Time Series Classification Archive's own 1-NN DTW without a window (Dau et al. 2018)
@pytest.mark.parametrize(
    ("name", "accuracy"), [("GunPoint", 0.907), ("ArrowHead", 0.703), ("ItalyPowerDemand", 0.950)]
)
def test_accuracies_are_the_published_ones(name: str, accuracy: float) -> None:
    train, test = ucr(name, "TRAIN"), ucr(name, "TEST")
    method = Nearest(window=1.0).fit(train, None, train.classes, 0)
    truth = [train.classes.index(label) for (label,) in test.labels or ()]
    found = (method.probabilities(test).argmax(1) == truth).mean()
    assert found == pytest.approx(accuracy, abs=0.0006)
