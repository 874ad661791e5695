"""Gradient boosting: scikit-learn's trees on what the LSTM reads, in bounded time."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.ensemble import HistGradientBoostingRegressor

from longshort.errors import NotFittedError
from longshort.yardsticks import boosting
from longshort.yardsticks.boosting import Boosting, examples, features, steps
from longshort.yardsticks.ridge import answered

from .conftest import every, sequences, walks, windows

ROLES = ("target", "target", "past", "future", "static")


def parts(*lengths, gaps=0.0):
    series = walks(*lengths, targets=5, gaps=gaps)
    for values in series:
        values[:, 4] = values[0, 4] if np.isfinite(values[0, 4]) else 1.0
    data = sequences(*series, fields=ROLES)
    return windows(data, 4, 60, train=62), windows(data, 62, 70, train=62)


def test_an_example_is_a_window_and_a_step_beside_what_is_known_of_it():
    view, _ = parts(90, 80, gaps=0.1)
    inputs, answers = examples(view, every(view), 1, 10_000)
    relative = answered(view, every(view)).reshape(len(view), 3, 2)
    rows = [(n, step) for n in range(len(view)) for step in range(3)]
    rows = [(n, step) for n, step in rows if np.isfinite(relative[n, step, 1])]
    assert len(rows) == len(inputs) < 3 * len(view)
    for row, (n, step) in list(enumerate(rows))[::17]:
        index = np.array([n])
        expected = [
            *view.inputs(index)[0].ravel(), *view.known(index)[0, step], *view.static(index)[0],
            step,
        ]  # fmt: skip
        np.testing.assert_allclose(inputs[row], expected, rtol=1e-6)
        assert answers[row] == relative[n, step, 1]


def test_forecasts_are_scikit_learns_with_the_best_number_of_trees():
    train, valid = parts(90, 85, gaps=0.05)
    fitted = Boosting().fit(train, valid)
    told = np.zeros((len(valid), 3, 2))
    for k in range(2):
        settings = {
            "loss": "absolute_error", "learning_rate": 0.1, "max_leaf_nodes": 15,
            "min_samples_leaf": 20, "early_stopping": False, "random_state": 0,
        }  # fmt: skip
        inputs, answers = examples(train, every(train), k, 10**9)
        held, truth = examples(valid, every(valid), k, 10**9)
        errors = []
        for trees in (1, fitted.trees[k], 100):
            model = HistGradientBoostingRegressor(max_iter=trees, **settings).fit(inputs, answers)
            errors.append(np.abs(model.predict(held) - truth).mean())
        assert errors[1] <= min(errors)
        model = HistGradientBoostingRegressor(max_iter=fitted.trees[k], **settings)
        model.fit(inputs, answers)
        index = every(valid)
        read = features(valid, np.repeat(index, 3), steps(valid, index))
        told[..., k] = model.predict(read).reshape(-1, 3)
    expected = valid.decode(valid.reference(every(valid)) + told, every(valid))
    np.testing.assert_allclose(fitted.point(valid, every(valid)), expected)


def test_it_finds_what_no_line_can_say():
    rng = np.random.default_rng(1)
    x = rng.uniform(-1, 1, size=(900, 1))
    for t in range(1, 900):
        x[t] = 1 - 1.8 * x[t - 1] ** 2 + 0.02 * rng.normal()
    data = sequences(x, step=None)
    train, valid, test = (
        windows(data, a, b, horizon=1) for a, b in ((4, 500), (501, 650), (651, 890))
    )
    point = Boosting().fit(train, valid).point(test, every(test))
    actual = test.actual(every(test))
    # the next value of this map is not correlated with the one before
    assert np.abs(point - actual).mean() < 0.3 * np.abs(actual - actual.mean()).mean()


def test_a_refit_chooses_on_windows_that_were_not_fitted_on():
    train, valid = parts(90, 85)
    both = windows(train.sequences, 4, 70, train=62)
    first, again = Boosting().fit(train, valid), Boosting().fit(both, valid)
    assert again.trees == first.trees
    index = every(valid)
    assert (again.point(valid, index) != first.point(valid, index)).any()


def test_examples_are_thinned_and_that_is_said(monkeypatch):
    train, valid = parts(90, 85)
    assert Boosting().fit(train, valid).note == ""
    monkeypatch.setattr(boosting, "_EXAMPLES", 100)
    fitted = Boosting().fit(train, valid)
    assert fitted.note == (
        f"Gradient boosting was fitted on 100 of the {3 * len(train)} pairs of a training window "
        "and a step, evenly spread."
    )


def test_of_a_long_context_the_last_rows_are_read(monkeypatch):
    monkeypatch.setattr(boosting, "_NUMBERS", 20)
    view, _ = parts(90)
    rows = 20 // view.width
    assert rows < view.context
    index = np.array([5])
    found = features(view, index, np.array([1]))[0]
    np.testing.assert_array_equal(found[: rows * view.width], view.inputs(index)[0, -rows:].ravel())


def test_a_target_that_was_never_observed_keeps_its_reference():
    series = walks(90, targets=2)[0]
    series[:70, 1] = np.nan
    data = sequences(series)
    train, valid, test = (windows(data, *ends) for ends in ((4, 50), (53, 60), (75, 80)))
    point = Boosting().fit(train, valid).point(test, every(test))
    np.testing.assert_allclose(point[..., 1], test.seasonal(every(test), 1)[..., 1])


def test_it_must_be_fitted():
    view, _ = parts(90)
    with pytest.raises(NotFittedError, match="fit first"):
        Boosting().point(view, every(view))
