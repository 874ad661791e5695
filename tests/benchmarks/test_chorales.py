"""The chorales benchmark: its measures against sums by hand, and its page on a small collection."""

from __future__ import annotations

import json
import sys
from functools import partial
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import scipy.io
import torch

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))

from longshort import Recurrent, Training
from longshort.search import Sampling

pytest.importorskip("symusic")
CHORDS = ((27, 34, 43, 51), (32, 36, 39, 48), (34, 38, 41, 53))
QUICK = Training(epochs=2, batch=4, rate=1e-2, members=1, patience=None)


def roll(seed: int) -> np.ndarray:
    random = np.random.default_rng(seed)
    found = np.zeros((random.integers(8, 14), 88), np.uint8)
    for at in range(len(found)):
        found[at, list(CHORDS[(at // 2 + seed) % 3])] = 1
    return found


def cells(*rolls: np.ndarray) -> np.ndarray:
    found = np.empty((1, len(rolls)), object)
    found[0] = rolls
    return found


@pytest.fixture
def data(tmp_path: Path) -> Path:
    path = tmp_path / "chorales.mat"
    parts = {"traindata": range(8), "validdata": range(8, 11), "testdata": range(11, 14)}
    held = {name: cells(*map(roll, seeds)) for name, seeds in parts.items()}
    scipy.io.savemat(path, held)
    return path


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    import chorales

    monkeypatch.setattr(chorales, "SETTINGS", {"plain": (1, Recurrent(8, dropout=0.0), QUICK)})
    monkeypatch.setattr(chorales, "ALONE", {"alone": (Recurrent(8, dropout=0.0), QUICK)})
    monkeypatch.setattr(chorales, "WAYS", (Sampling(), Sampling(min_p=0.1)))
    monkeypatch.setattr(chorales, "DRAWN", 2)
    for name in ("WORK", "RECORDS", "PAGE", "SAMPLE", "PICTURE"):
        monkeypatch.setattr(chorales, name, tmp_path / name)
    ledger = partial(chorales.opening, ledger=tmp_path / "ledger.json", root=tmp_path)
    monkeypatch.setattr(chorales, "opening", ledger)
    return chorales


def test_frames_come_back_and_are_scored_as_published(bench: ModuleType, data: Path) -> None:
    from frames import as_published, frames_alone, network, rolls_of

    parts = bench.split(data)
    rolls = rolls_of(parts.test)
    for found, seed in zip(rolls, range(11, 14), strict=True):
        np.testing.assert_array_equal(found, roll(seed))
    # 0.5 nats of each sign, and each frame has five
    nats = np.where(parts.test.scored, 0.5, 0.0)
    assert as_published(parts.test, nats) == pytest.approx(2.5)
    model = network(Recurrent(8, dropout=0.0), rolls)
    shares = (np.concatenate(rolls).sum(0) + 0.5) / (sum(map(len, rolls)) + 1)
    torch.nn.init.zeros_(model.head.readout.weight)
    later = np.concatenate([one[1:] for one in rolls])
    wanted = -np.log(np.where(later, shares, 1 - shares)).sum(1).mean()
    assert frames_alone([model, model], rolls) == pytest.approx(wanted, rel=1e-5)


def test_the_test_part_is_opened_once_and_told(
    bench: ModuleType, data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit, match="run with --valid first"):
        bench.judge(data, "")
    assert "not been opened" in bench.page()
    bench.choose(data, [])
    assert not (tmp_path / "ledger.json").exists()
    bench.judge(data, "")
    (entry,) = json.loads((tmp_path / "ledger.json").read_text())
    assert {"LSTM", "LSTM, independent keys", "key shares"} < set(entry["scored"])
    bench.sample(data)
    assert bench.SAMPLE.read_bytes()[:4] == b"MThd"
    assert bench.PICTURE.read_text().startswith("<svg")
    page = bench.page()
    for told in ("| **LSTM** | one after another |", "| independent |", "## A sample", "8.45"):
        assert told in page
    with pytest.raises(SystemExit, match="opened before"):
        bench.judge(data, "")


def test_what_a_piece_is_like(bench: ModuleType) -> None:
    found = bench.manner(roll(0).astype(bool))
    assert found["keys that sound at once"] == 4
    assert (found["lowest key"], found["highest key"]) == (21 + 27, 21 + 53)
    assert found["steps of the lowest voice, semitones"] > 1
