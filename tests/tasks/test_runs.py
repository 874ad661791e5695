"""Fits that are kept are found again by their name, their settings and their data."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from longshort import Forecaster, Recurrent, Split, Training, Window
from longshort.data.splits import Portion
from longshort.errors import OutputError
from longshort.tasks.runs import Runs


@pytest.fixture(scope="module")
def data() -> Portion:
    values = np.random.default_rng(0).normal(size=(1, 60, 1)).cumsum(1)
    portion = Forecaster(split=Split(0.2, 0.2))._portion(values)
    return portion.before(portion.cuts.test_start)


def estimator(size: int = 2, device: str = "cpu") -> Forecaster:
    return Forecaster(
        window=Window(context=4),
        recurrent=Recurrent(size=size),
        training=Training(epochs=1, members=1),
        device=device,
    )


def test_a_fit_is_read_again_and_anything_else_is_fitted(tmp_path: Path, data: Portion) -> None:
    runs = Runs(tmp_path / "runs")
    first = runs.fitted("one: a/b", "", estimator(), data)
    again = runs.fitted("one: a/b", "", estimator(), data)
    assert again is not first
    assert again.history_ == first.history_
    (path,) = (tmp_path / "runs").iterdir()
    assert path.name.startswith("one-a-b-")
    runs.fitted("one: a/b", "", estimator(3), data)
    shorter = data.before(data.sequences.lengths - 1)
    runs.fitted("one: a/b", "", estimator(), shorter)
    assert len(list((tmp_path / "runs").iterdir())) == 3
    # where it runs does not make it another one
    assert runs.fitted("one: a/b", "", estimator(device="auto"), data).history_ == first.history_


def test_nothing_is_kept_without_a_folder(data: Portion) -> None:
    assert Runs(None).fitted("a", "", estimator(), data).history_.epochs
    assert Runs(None).opened("x", "a") == []


def test_a_test_part_is_known_to_have_been_opened(tmp_path: Path) -> None:
    runs = Runs(tmp_path)
    assert runs.opened("data", "gru") == []
    assert runs.opened("data", "gru") == []
    assert runs.opened("data", "gru, wide") == ["gru"]
    assert runs.opened("other", "wide") == []
    assert Runs(tmp_path).opened("data", "gru") == ["gru, wide"]


def test_a_folder_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="cannot write into"):
        Runs(tmp_path / "file" / "runs")


def test_what_lies_before_a_row_is_cut_there(data: Portion) -> None:
    cuts = data.cuts
    assert (cuts.test_start == cuts.end).all()
    assert (data.sequences.lengths == cuts.end).all()
    part = data.before(np.array([10]))
    assert part.sequences.lengths.tolist() == [10]
    assert part.cuts.valid_start.tolist() == [10]
    assert part.digest() != data.digest()
    assert len(data.before(np.array([0])).sequences) == 0
