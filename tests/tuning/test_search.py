"""The search for settings: repeatable, resumable, blind to the test part, and better for it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from longshort import Columns, Forecaster, Recurrent, Split, Training, Window, tune
from longshort.errors import ArgumentError, MissingDependencyError, TrainingError
from longshort.records import Trial
from longshort.tuning import Choice, Range, usual_space
from longshort.tuning.search import JOURNAL

ROWS, TEST = 240, 40
SPACE = {
    "window__context": Choice((1, 3, 6)),
    "training__rate": Range(1e-4, 3e-2, log=True),
    "recurrent__dropout": Range(0.0, 0.5),
}


def third(rows: int = ROWS) -> pl.DataFrame:
    """Each value is that of three rows ago and noise: a shorter context knows nothing."""
    rng = np.random.default_rng(0)
    values = rng.normal(size=rows)
    for row in range(3, rows):
        values[row] = 0.95 * values[row - 3] + 0.1 * rng.normal()
    return pl.DataFrame({"y": values})


def forecaster(**changes: Any) -> Forecaster:
    settings = {
        "window": Window(context=1, relative="none"),
        "recurrent": Recurrent(size=8, dropout=0.0),
        "training": Training(epochs=8, batch=32, members=2, rate=1e-3, refit=True),
        "split": Split(valid=0.2, test=TEST / ROWS),
        "output": "mse", **changes,
    }  # fmt: skip
    return Forecaster(Columns(target="y"), 1, **settings)


class Seen:
    """What a search told, and Ctrl-C after so many trials."""

    def __init__(self, stop: int = 10**9) -> None:
        self.trials: list[Trial] = []
        self.stop = stop

    def trial(self, trial: Trial, best: Trial, count: int) -> None:
        self.trials.append(trial)
        assert best.loss is not None
        if len(self.trials) == self.stop:
            raise KeyboardInterrupt


def told(trials: Any) -> list[tuple[Any, ...]]:
    """Without what no two searches have in common."""
    return [(t.number, t.settings, t.loss, t.outcome, t.epochs) for t in trials]


@pytest.fixture(scope="module")
def whole() -> Any:
    return tune(forecaster(), third(), 12, space=SPACE)


def test_it_finds_what_matters(whole: Any) -> None:
    record = whole.record
    assert len(record.trials) == 12
    assert record.trials[0].settings == {
        "window__context": 1, "training__rate": 1e-3, "recurrent__dropout": 0.0,
    }  # fmt: skip
    best = record.trials[record.best]
    assert best.settings["window__context"] >= 3
    assert best.loss == min(t.loss for t in record.trials if t.outcome == "done")
    assert best.loss < 0.5 * record.trials[0].loss
    assert sum(record.importance.values()) == pytest.approx(1)
    assert set(record.importance) == set(SPACE)
    assert record.unit == "mse"
    # some were given up, and none before every trial's least epochs
    early = [t for t in record.trials if t.outcome == "early"]
    assert early
    assert all(3 <= t.epochs < 8 for t in early)


def test_the_best_settings_are_an_estimators(whole: Any) -> None:
    found, best = whole.estimator, whole.record.trials[whole.record.best].settings
    assert found.window.context == best["window__context"]
    assert found.training.rate == best["training__rate"]
    # the rest is as it was
    assert (found.training.members, found.training.refit) == (2, True)
    assert found.recurrent.size == 8
    assert not hasattr(found, "models_")


def test_the_same_search_finds_the_same(whole: Any) -> None:
    assert told(tune(forecaster(), third(), 4, space=SPACE).record.trials) == told(
        whole.record.trials[:4]
    )


def test_the_test_part_stays_shut(whole: Any) -> None:
    """Whatever stands there, the trials are the same, bit by bit."""
    data = third()
    y = data["y"].to_numpy().copy()
    y[-TEST:] = 1e3 * np.random.default_rng(1).normal(size=TEST)
    other = tune(forecaster(), data.with_columns(y=y), 5, space=SPACE)
    assert told(other.record.trials) == told(whole.record.trials[:5])


def test_a_search_that_is_broken_off_goes_on_as_if_it_had_not(whole: Any, tmp_path: Path) -> None:
    first, second = Seen(), Seen()
    tune(forecaster(), third(), 3, space=SPACE, out=tmp_path, progress=first)
    # killed in the middle of a line, and in the middle of a trial
    journal = tmp_path / JOURNAL
    lines = journal.read_bytes().splitlines(keepends=True)
    creation = max(i for i, line in enumerate(lines) if b'"op_code":4' in line)
    journal.write_bytes(b"".join([*lines[: creation + 2], b'{"op_code":5,"tri']))
    tune(forecaster(), third(), 5, space=SPACE, out=tmp_path, progress=second)
    assert told(first.trials) == told(whole.record.trials[:3])
    assert told(second.trials) == told(whole.record.trials[2:5])
    # nothing is left to do
    again = tune(forecaster(), third(), 5, space=SPACE, out=tmp_path, progress=Seen(1))
    assert told(again.record.trials) == told(whole.record.trials[:5])


class Interrupting(Forecaster):
    """Ctrl-C while trial ``at`` (from 0) reads its data."""

    count, at = 0, 2

    def fit(self, *given: Any, **named: Any) -> Any:
        type(self).count += 1
        if type(self).count == type(self).at + 1:
            raise KeyboardInterrupt
        return super().fit(*given, **named)


def test_ctrl_c_keeps_the_trials_before(
    whole: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Interrupting, "count", 0)
    base = Interrupting(**forecaster().get_params(deep=False))
    found = tune(base, third(), 6, space=SPACE, out=tmp_path)
    assert found.interrupted
    assert told(found.record.trials) == told(whole.record.trials[:2])
    rest = tune(base, third(), 4, space=SPACE, out=tmp_path)
    assert not rest.interrupted
    assert told(rest.record.trials) == told(whole.record.trials[:4])
    monkeypatch.setattr(Interrupting, "count", 2)
    with pytest.raises(KeyboardInterrupt):
        tune(base, third(), 6, space=SPACE)


def test_a_study_of_something_else_is_refused(tmp_path: Path) -> None:
    tune(forecaster(), third(), 1, space=SPACE, out=tmp_path)
    with pytest.raises(ArgumentError, match="output was mse and is mae"):
        tune(forecaster(output="mae"), third(), 2, space=SPACE, out=tmp_path)
    with pytest.raises(ArgumentError, match="data was"):
        tune(forecaster(), third(ROWS - 1), 2, space=SPACE, out=tmp_path)
    found = tune(forecaster(output="mae"), third(), 1, space=SPACE, out=tmp_path, resume=False)
    assert len(found.record.trials) == 1


def test_trials_that_fail_are_told_and_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    class Failing(Forecaster):
        def fit(self, *given: Any, **named: Any) -> Any:
            if self.training.rate != 1e-3:
                raise TrainingError("the loss is nan")
            return super().fit(*given, **named)

    base = Failing(**forecaster().get_params(deep=False))
    found = tune(base, third(), 3, space=SPACE)
    assert [t.outcome for t in found.record.trials] == ["done", "failed", "failed"]
    assert [t.loss is None for t in found.record.trials] == [False, True, True]
    with pytest.raises(TrainingError, match="every one of 1 trials failed"):
        tune(base.set_params(training__rate=2e-3), third(), 1, space=SPACE)


def test_the_usual_space_is_small_and_holds_what_was_given() -> None:
    estimator = forecaster(window=Window(context=None, season=7))
    parts = estimator._learn(third())
    space = usual_space(estimator, parts)
    assert set(space) == {
        "recurrent__size", "recurrent__depth", "recurrent__dropout", "training__rate",
        "training__batch", "training__weight_decay", "window__context", "window__relative",
    }  # fmt: skip
    assert space["window__context"] == Choice((7, 14, 28))
    # no more of it than a short training part has
    short = forecaster(window=Window(context=None, season=100))
    assert usual_space(short, short._learn(third(60)))["window__context"] == Choice((7, 14))
    found = tune(estimator.set_params(recurrent__size=5), third(), 1)
    assert found.estimator.recurrent.size == 5
    assert found.estimator.window.context == 14


def test_wrong_spaces_are_refused() -> None:
    with pytest.raises(ArgumentError, match=r"no setting 'recurrent__sise': did you mean"):
        tune(forecaster(), third(), 1, space={"recurrent__sise": Choice((1,))})
    with pytest.raises(ArgumentError, match="at least one value"):
        Choice(())
    with pytest.raises(ArgumentError, match="above 0 with log"):
        Range(0.0, 1.0, log=True)
    with pytest.raises(ArgumentError, match="trials=0"):
        tune(forecaster(), third(), 0)
    # no number of a logarithmic range, and tried all the same
    base = forecaster().set_params(training__weight_decay=0.0)
    found = tune(base, third(), 1, space={"training__weight_decay": Range(1e-3, 1.0, log=True)})
    assert found.record.trials[0].settings == {"training__weight_decay": 0.0}


def test_without_optuna_the_way_out_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "optuna", None)
    with pytest.raises(MissingDependencyError, match=r"pip install 'longshort\[tune\]'"):
        tune(forecaster(), third(), 1)
