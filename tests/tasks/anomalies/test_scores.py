"""Scores against loops by hand, faults of sensors, and labels."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from longshort import Columns, Faults, Scores
from longshort.data.sequences import Field, Sequences
from longshort.data.steps import Step
from longshort.errors import ArgumentError, DataError
from longshort.tasks.anomalies.faults import Watch
from longshort.tasks.anomalies.marks import read_marks, split_labels, with_labels
from longshort.tasks.anomalies.scores import Scoring, shares


def surprise(rows: int = 300) -> np.ndarray:
    rng = np.random.default_rng(0)
    found = rng.gamma(2.0, size=(rows, 4))
    found[rng.random(found.shape) < 0.1] = np.nan
    found[200:, 1] = np.nan
    return found


@pytest.mark.parametrize("settings", [Scores(), Scores(5, None, 3, "mean"), Scores(0, 50)])
@pytest.mark.parametrize("views", [1, 2])
def test_rows_one_by_one_are_rows_as_a_whole(settings: Scores, views: int) -> None:
    u = surprise()
    scoring = Scoring.fit(u[:100], settings, views)
    offsets = np.array([0, 120, 300])
    whole = scoring.channels(u, offsets)
    assert whole.shape == (300, 4 // views)
    for start, stop in ((0, 120), (120, 300)):
        running = scoring.begin(1)
        for row in range(start, stop):
            told, running = scoring.step(u[row : row + 1], running)
            np.testing.assert_allclose(told[0], whole[row], rtol=1e-12, atol=1e-12)


def test_a_score_is_what_its_equations_say() -> None:
    u = surprise()[:, :1]
    scoring = Scoring.fit(u, Scores(smooth=4, adapt=30, cap=2))
    told = u[np.isfinite(u)]
    low, middle, high = np.quantile(told, (0.25, 0.5, 0.75))
    z = np.clip((told - middle) / (high - low), -2, 2)
    fast, slow = 1 - 0.5 ** (1 / 4), 1 - 0.5 ** (1 / 30)
    short, mean, square, found = 0.0, z.mean(), (z * z).mean(), []
    for value in z:
        short = fast * value + (1 - fast) * short
        mean = slow * value + (1 - slow) * mean
        square = slow * value**2 + (1 - slow) * square
        found.append((short - mean) / (np.sqrt(square - mean**2) + 0.3))
    own = scoring.channels(u, np.array([0, len(u)]))[np.isfinite(u[:, 0]), 0]
    np.testing.assert_allclose(own, found, rtol=1e-10)


def test_shares_are_of_what_lies_above_nothing() -> None:
    assert shares(np.array([[3.0, 1.0, -2.0]])).tolist() == [[0.75, 0.25, 0.0]]
    assert shares(np.array([[-1.0, -1.0]])).tolist() == [[0.5, 0.5]]


def test_settings_that_cannot_be_are_told() -> None:
    for given, told in (({"smooth": -1}, "0 or more"), ({"adapt": 5}, "more slowly")):
        with pytest.raises(ArgumentError, match=told):
            Scores(**given)


def test_sensors_that_are_stuck_or_gone() -> None:
    values = np.arange(200.0)[:, None] * [1.0, 1.0]
    values[50:54, 0] = 7.0
    values[100:130, 0] = 3.0
    values[150:175, 1] = np.nan
    offsets = np.array([0, 200])
    watch = Watch.fit(values[:90], np.array([0, 90]), Faults(stuck=5, missing=20))
    # three times the longest run of three rows without a change
    assert watch.stuck.tolist() == [9, 5]
    stuck, missing = watch.whole(values, offsets)
    assert np.flatnonzero(stuck[:, 0]).tolist() == list(range(109, 130))
    assert np.flatnonzero(missing[:, 1]).tolist() == list(range(169, 175))
    assert not stuck[:, 1].any()
    lasting = watch.begin(1)
    for row in range(200):
        one, other, lasting = watch.step(values[row : row + 1], lasting)
        assert np.array_equal(one[0], stuck[row])
        assert np.array_equal(other[0], missing[row])
    never = Watch.fit(values, offsets, Faults(None, None))
    assert not any(part.any() for part in never.whole(values, offsets))


def hours(keys: tuple[str, ...] = ("",), rows: int = 48) -> Sequences:
    count = len(keys)
    times = np.datetime64("2024-01-01", "us") + np.arange(rows) * np.timedelta64(3600, "s")
    return Sequences(
        (Field("flow", "target"), Field("bad", "past")),
        keys,
        np.arange(count + 1) * rows,
        np.tile(times, count),
        Step(1, "h"),
        np.tile(np.array([[1.0, 0.0], [2.0, 1.0]]), (rows * count // 2, 1)),
        "plant/pumps.csv",
    )


def test_labels_are_a_column_intervals_or_a_file(tmp_path: Path) -> None:
    series = hours()
    bare, marks = split_labels(series, "bad")
    assert bare.names == ("flow",)
    assert marks is not None
    assert marks.tolist() == [False, True] * 24
    wanted = [False] * 5 + [True] * 4 + [False] * 39
    pairs = [("2024-01-01 05:00", "2024-01-01T08:30")]
    path = tmp_path / "windows.json"
    path.write_text(json.dumps({"folder/pumps.csv": [list(pair) for pair in pairs]}))
    for given in (pairs, wanted, np.array(wanted), str(path)):
        assert read_marks(given, bare).tolist() == wanted
    two = hours(("a", "b"))
    assert read_marks({"b": pairs}, two).tolist() == [False] * 48 + wanted
    assert read_marks(pairs, two).tolist() == wanted * 2
    assert with_labels(Columns(target="flow", past=()), "bad").past == ("bad",)


def test_labels_that_cannot_be_read_are_told(tmp_path: Path) -> None:
    series = hours()
    path = tmp_path / "windows.json"
    path.write_text(json.dumps({"other.csv": []}))
    for given, told in (
        ([True, False], "2 labels, and 48 rows"),
        ([("then", "later")], "not a date or time"),
        ([("2024-01-02", "2024-01-01")], "ends before it begins"),
        ("nowhere.json", "nowhere.json: cannot be read: No such file"),
        (str(path), "no labels of 'pumps.csv'"),
        ({"pumps.csv": ["2024"]}, "pairs of start and end"),
    ):
        with pytest.raises((ArgumentError, DataError), match=told):
            read_marks(given, series)
    with pytest.raises(DataError, match="is 2"):
        split_labels(series, "flow")
