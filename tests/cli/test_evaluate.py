"""``longshort evaluate --rolling`` as a user meets it."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from longshort.cli.app import main
from longshort.tasks.runs import Runs


def run(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as stop:
        main(arguments)
    said = capsys.readouterr()
    return int(stop.value.code or 0), said.out, said.err


@pytest.fixture
def folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Path:
    """A table of a slow wave, and a model of its first part."""
    random = np.random.default_rng(0)
    wave = np.sin(np.arange(300) / 9) + 0.2 * random.normal(size=300)
    days = np.datetime64("2020-01-01") + np.arange(300)
    pl.DataFrame({"day": days, "y": wave}).write_csv(tmp_path / "wave.csv")
    fit = ["fit", "forecast", str(tmp_path / "wave.csv"), "--time", "day", "--target", "y"]
    quick = ["--epochs", "1", "--members", "1", "--size", "4", "--yardsticks", "quick"]
    assert run([*fit, *quick, "--context", "5", "--out", str(tmp_path)], capsys)[0] == 0
    return tmp_path


def test_folds_are_told_kept_and_gone_on_with(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    command = ["evaluate", str(folder / "model.lstm"), str(folder / "wave.csv")]
    quick = ["--rolling", "3", "--yardsticks", "quick"]
    out = folder / "rolled"
    real = Runs.fitted

    def stopped(self, name, *given):
        if name == "test3":
            raise KeyboardInterrupt
        return real(self, name, *given)

    monkeypatch.setattr(Runs, "fitted", stopped)
    code, _, err = run([*command, *quick, "--out", str(out)], capsys)
    assert code == 130
    assert "the same command goes on from here" in err
    monkeypatch.setattr(Runs, "fitted", real)
    code, told, err = run([*command, *quick, "--out", str(out)], capsys)
    assert code == 0
    assert "fold 3 of 3" in err
    assert "fold 2 of 3" not in err
    assert "by the fold that begins at" in told
    record = json.loads((out / "evaluation.json").read_text())
    assert len(record["folds"]) == 3
    assert 'id="folds"' in (out / "report.html").read_text()
    code, told, err = run([*command, *quick, "--part", "valid"], capsys)
    assert code == 0
    assert "fold 1 of 3" in err
    code, told, err = run([*command, *quick, "--no-refit"], capsys)
    assert code == 0
    assert "fitted on" not in err


def test_a_wrong_number_of_folds_is_said(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command = ["evaluate", str(folder / "model.lstm"), str(folder / "wave.csv")]
    for more, says in ((["--rolling", "1"], "rolling=1"), (["--part", "valid"], "--rolling")):
        code, _, err = run([*command, *more], capsys)
        assert code == 2
        assert says in err
