"""Fits that are killed, interrupted and gone on with."""

from __future__ import annotations

import contextlib
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

import longshort
from longshort import Columns, Forecaster, Training, artifact
from longshort.checkpoint import Checkpoint
from longshort.data.windows import Windows
from longshort.errors import ArgumentError, ModelFileError, OutputError, TrainingError
from longshort.records import Epoch, History

from .conftest import SMALL
from .forking import fit


def history_of(found: History) -> History:
    """Without what no two runs have in common."""
    return replace(found, epochs=tuple(replace(epoch, seconds=0.0) for epoch in found.epochs))


def same(one: Forecaster, other: Forecaster) -> None:
    assert history_of(one.history_) == history_of(other.history_)
    assert one.refitted_ == other.refitted_
    for first, second in zip(one.models_, other.models_, strict=True):
        mine, theirs = first.state_dict(), second.state_dict()
        assert all(np.array_equal(mine[name].numpy(), theirs[name].numpy()) for name in theirs)


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


class Told:
    """Progress that writes down what it was told."""

    def __init__(self, interrupt: int = 0) -> None:
        self.notes: list[str] = []
        self.epochs: list[Epoch] = []
        self.interrupt = interrupt

    def start(self, summary: str, seconds: float, epochs: int) -> None: ...

    def note(self, text: str) -> None:
        self.notes.append(text)

    def epoch(self, epoch: Epoch) -> None:
        self.epochs.append(epoch)
        if len(self.epochs) == self.interrupt:
            raise KeyboardInterrupt

    def finish(self, history: History) -> None: ...


@pytest.mark.parametrize("output", ["quantiles", "mae"])
@pytest.mark.parametrize("refit", [False, True])
def test_a_fit_goes_on_from_any_of_its_checkpoints(
    series: pl.DataFrame,
    columns: Columns,
    refit: bool,
    output: Any,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A copy of every checkpoint on its way, each the beginning of the rest."""
    training = Training(epochs=3, members=2, refit=refit, patience=1, rate=0.02, batch=64)
    model = Forecaster(columns, output=output, **{**SMALL, "training": training})
    free = longshort.Forecaster(**model.get_params(deep=False)).fit(series)
    at, write, copies = tmp_path / "checkpoint.lstm", Checkpoint.write, []

    def keep(self: Checkpoint, *given: Any) -> None:
        write(self, *given)
        copies.append(tmp_path / f"copy{len(copies)}")
        shutil.copy(self.path, copies[-1])

    with monkeypatch.context() as patch:
        patch.setattr(Checkpoint, "write", keep)
        model.fit(series, checkpoint=Checkpoint(at, every=0))
    same(model, free)
    # taken away once all is done
    assert not at.exists()
    assert len(copies) >= 4 * 2 * (1 + refit)
    for copy in [copies[0], *random.Random(0).sample(copies[1:-1], 3), copies[-1]]:
        shutil.copy(copy, at)
        told = Told()
        model.fit(series, progress=told, checkpoint=str(at))
        same(model, free)
        assert told.notes == [f"going on from {at}"]
        assert (
            tuple(replace(e, seconds=0.0) for e in told.epochs) == history_of(free.history_).epochs
        )
        assert not at.exists()


def test_ctrl_c_leaves_a_checkpoint_to_go_on_from(
    series: pl.DataFrame, columns: Columns, tmp_path: Path
) -> None:
    at = Checkpoint(tmp_path / "checkpoint.lstm", every=0)
    model = Forecaster(columns, **SMALL)
    model.fit(series, progress=Told(interrupt=4), checkpoint=at)
    assert model.history_.stops[-1] == "interrupted"
    assert len(model.history_.epochs) == 4
    assert names(tmp_path) == {"checkpoint.lstm", "checkpoint.previous.lstm"}
    model.fit(series, checkpoint=at)
    same(model, Forecaster(columns, **SMALL).fit(series))
    assert names(tmp_path) == set()


def test_a_checkpoint_can_stay(series: pl.DataFrame, columns: Columns, tmp_path: Path) -> None:
    at = Checkpoint(tmp_path / "checkpoint.lstm", every=0, keep=True)
    model = Forecaster(columns, **SMALL).fit(series, checkpoint=at)
    assert at.exists
    same(Forecaster(columns, **SMALL).fit(series, checkpoint=at), model)


def test_other_settings_and_data_are_refused_by_name(
    series: pl.DataFrame, columns: Columns, tmp_path: Path
) -> None:
    at = Checkpoint(tmp_path / "checkpoint.lstm", every=0)
    Forecaster(columns, **SMALL).fit(series, progress=Told(interrupt=2), checkpoint=at)
    other = Forecaster(columns, **SMALL).set_params(training__rate=0.5, random_state=1)
    with pytest.raises(ArgumentError) as error:
        other.fit(series, checkpoint=at)
    says = str(error.value)
    assert says.startswith(f"{at.path} belongs to a fit with other settings or data: ")
    assert "random_state was 0 and is 1; training__rate was 0.003 and is 0.5. Go on" in says
    assert "begin anew: delete it, or fit with --no-resume" in says
    changed = series.with_columns(warm=pl.col("warm") + (pl.int_range(pl.len()) == 40))
    with pytest.raises(ArgumentError, match=r"data: data was [0-9a-f]{64} and is [0-9a-f]{64}\."):
        Forecaster(columns, **SMALL).fit(changed, checkpoint=at)
    # another machine's device is no other setting; what was there is untouched
    assert at.read().content.kind == "checkpoint"
    Forecaster(columns, **SMALL, device="auto").fit(series, checkpoint=at)


def test_a_checkpoint_that_fits_no_network_is_refused(
    series: pl.DataFrame, columns: Columns, tmp_path: Path
) -> None:
    at = Checkpoint(tmp_path / "checkpoint.lstm", every=0)
    Forecaster(columns, **SMALL).fit(series, progress=Told(interrupt=2), checkpoint=at)
    content = at.read().content
    for change in ("weights", "optimizer", "history", "turn", "now"):
        tensors, sections = dict(content.tensors), dict(content.sections)
        if change == "weights":
            tensors["now.weights.head.readout.bias"] = np.zeros(3, np.float32)
        elif change == "optimizer":
            tensors["now.optimizer.0.exp_avg"] = np.zeros(3, np.float32)
        elif change == "history":
            tensors["history"] = np.frombuffer(b'[{"epoch": "first"}]', np.uint8)
        else:
            sections[change] = {"nonsense": 1}
        artifact.write(at.path, content.kind, content.version, sections, tensors)
        with pytest.raises(ModelFileError, match=r"checkpoint\.lstm"):
            Forecaster(columns, **SMALL).fit(series, checkpoint=at)


def test_a_full_disk_ends_the_fit_by_name_and_it_goes_on_later(
    series: pl.DataFrame, columns: Columns, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    at, count, sync = tmp_path / "checkpoint.lstm", iter(range(1000)), longshort.artifact.os.fsync

    def full(handle: int) -> None:
        if next(count) == 11:
            raise OSError(28, "No space left on device")
        sync(handle)

    with monkeypatch.context() as patch:
        patch.setattr("longshort.artifact.os.fsync", full)
        with pytest.raises(OutputError, match=rf"cannot write {at}: No space left on device"):
            Forecaster(columns, **SMALL).fit(series, checkpoint=Checkpoint(at, every=0))
    assert names(tmp_path) == {"checkpoint.lstm", "checkpoint.previous.lstm"}
    model = Forecaster(columns, **SMALL).fit(series, checkpoint=at)
    same(model, Forecaster(columns, **SMALL).fit(series))


def test_rows_that_cannot_be_learnt_from_are_named(
    series: pl.DataFrame, columns: Columns, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By what was read and the first time that they forecast, on the command line's words too."""
    batch = Windows.batch

    def poisoned(self: Windows, index: Any) -> Any:
        found = batch(self, index)
        assert found.targets is not None
        found.targets[np.isin(index, [40, 41])] = np.inf
        return found

    monkeypatch.setattr(Windows, "batch", poisoned)
    with pytest.raises(TrainingError) as error:
        Forecaster(columns, horizon=2, **SMALL).fit(series)
    # the first window forecasts the ninth day
    days = [f"a data frame, from 2020-02-{day:02d}" for day in (18, 19)]
    assert re.match(r"the loss is (inf|nan) at epoch 1, batch \d+ \(in", str(error.value))
    assert any(day in str(error.value) for day in days)
    assert "lower Training(rate=0.003) (--rate), set Training(clip=...) (--clip)" in str(
        error.value
    )


# kill -9


class Forking:
    """A process whose children fit, and are killed."""

    def __init__(self) -> None:
        script = Path(__file__).with_name("forking.py")
        self.process = subprocess.Popen(
            [sys.executable, str(script)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def _line(self) -> int:
        assert self.process.stdout is not None
        return int(self.process.stdout.readline())

    def run(self, folder: Path, *, after: float | None = None, moment: int = -1) -> bool:
        """Fit, killed after some seconds or at some call; whether it came to its end."""
        assert self.process.stdin is not None
        self.process.stdin.write(f"{folder} {moment}\n")
        self.process.stdin.flush()
        child = self._line()
        if after is not None:
            time.sleep(after)
            with contextlib.suppress(ProcessLookupError):
                os.kill(child, signal.SIGKILL)
        code = self._line()
        assert code in (0, -signal.SIGKILL)
        return code == 0


@pytest.fixture
def forking() -> Iterator[Forking]:
    found = Forking()
    with found.process:
        yield found
        found.process.kill()


def check_kills(folder: Path, kills: int, seed: int, forking: Forking) -> None:
    """So many kills, half of them inside the saving; every file readable, every model the same."""
    expected = fit()
    source = random.Random(seed)
    killed = finished = 0
    while killed < kills or not finished:
        if killed % 2:
            done = forking.run(folder, moment=source.randint(1, 60))
        else:
            done = forking.run(folder, after=source.uniform(0, 0.5))
        killed += not done
        for name in ("checkpoint.lstm", "checkpoint.previous.lstm"):
            if (folder / name).exists():
                artifact.read(folder / name)
        if done:
            finished += 1
            found = longshort.load(folder / "model.lstm")
            same(found, expected)  # type: ignore[arg-type]
            # a kill in the very last moment can leave half of a model under another name
            assert all(
                name.endswith("model.lstm") or ".model.lstm." in name for name in names(folder)
            )
            for path in folder.iterdir():
                path.unlink()


def test_kills_at_a_few_moments(tmp_path: Path, forking: Forking) -> None:
    check_kills(tmp_path, 6, 0, forking)


@pytest.mark.slow
def test_a_hundred_kills_at_random_moments(tmp_path: Path, forking: Forking) -> None:
    check_kills(tmp_path, 100, 1, forking)
