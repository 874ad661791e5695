"""A classifier of recordings, events and files of the archives, from the path to probabilities."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest

import longshort
from longshort import Recurrent, Training
from longshort.data.corpus import Roles
from longshort.data.partition import Partition
from longshort.data.readings.signals import Signal
from longshort.tasks.classify import Classifier

QUICK = {
    "recurrent": Recurrent(8, dropout=0.0),
    "training": Training(epochs=4, members=1, rate=1e-2),
    "partition": Partition(by="stratified", valid=0.0),
}


def test_a_folder_of_the_archive_is_learnt(tmp_path: Path) -> None:
    for part, seed in (("TRAIN", 0), ("TEST", 1)):
        rng = np.random.default_rng(seed)
        lines = ["@univariate true", "@classLabel true up down", "@data"]
        for item in range(16):
            sign = 1 if item % 2 else -1
            values = sign * np.linspace(-1, 1, 12) + rng.normal(0, 0.1, 12)
            lines.append(f"{','.join(map(str, values))}:{'up' if item % 2 else 'down'}")
        (tmp_path / f"P_{part}.ts").write_text("\n".join(lines))
    model = Classifier(**{**QUICK, "partition": Partition(valid=0.0)}).fit(tmp_path)
    assert model.score(tmp_path / "P_TEST.ts") == 1


def test_recordings_of_mixed_lengths_with_gaps_are_learnt(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    rows = []
    for item in range(24):
        for at in range(int(rng.integers(1, 9))):
            level = item % 2 + rng.normal(0, 0.1)
            rows.append([f"r{item}", at / 10, None if rng.random() < 0.2 else level, item % 2])
    path = tmp_path / "walks.csv"
    pl.DataFrame(rows, ["walk", "at", "x", "kind"], orient="row").write_csv(path)
    roles = Roles(item="walk", time="at", label=("kind",))
    model = Classifier(roles, **QUICK).fit(path)
    assert model.score(path) > 0.8
    told = model.predict_proba(path)
    assert np.isfinite(told).all()


@pytest.mark.parametrize("gaps", ["carry", "decay"])
def test_what_was_not_measured_tells_something(tmp_path: Path, gaps: str) -> None:
    """The values say nothing; whether there is a second one says all."""
    rng = np.random.default_rng(0)
    rows, died = [], []
    for item in range(32):
        times = sorted(rng.choice(600, 8, replace=False).tolist())
        for at in times:
            code = "lactate" if item % 2 and rng.random() < 0.6 else "pulse"
            rows.append([item, f"{at // 60:02d}:{at % 60:02d}", code, rng.normal()])
        died.append([item, item % 2])
    events = pl.DataFrame(rows, ["who", "at", "what", "much"], orient="row")
    outcomes = pl.DataFrame(died, ["who", "died"], orient="row")
    roles = Roles(item="who", time="at", code="what", value="much", label=("died",))
    signal = Signal(every="1h", gaps=gaps)  # type: ignore[arg-type]
    model = Classifier(roles, signal=signal, **QUICK)
    model.fit({"events": events, "outcomes": outcomes})
    assert model.score({"events": events, "outcomes": outcomes}) > 0.8
    path = tmp_path / "model.lstm"
    model.save(path)
    again = longshort.load(path)
    np.testing.assert_array_equal(again.predict_proba(events), model.predict_proba(events))
