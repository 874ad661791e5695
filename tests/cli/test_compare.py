"""``longshort compare`` as a user meets it."""

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
def command(tmp_path: Path) -> list[str]:
    """A comparison of a slow wave, quick and small."""
    random = np.random.default_rng(0)
    wave = np.sin(np.arange(300) / 9) + 0.2 * random.normal(size=300)
    days = np.datetime64("2020-01-01") + np.arange(300)
    pl.DataFrame({"day": days, "y": wave}).write_csv(tmp_path / "wave.csv")
    data = [str(tmp_path / "wave.csv"), "--time", "day", "--target", "y", "--context", "5"]
    quick = ["--epochs", "1", "--size", "4", "--yardsticks", "quick", "--seeds", "2"]
    return ["compare", *data, *quick, "--out", str(tmp_path / "out")]


TWO = ["--config", "gru: cell=gru", "--config", "wide: size=6"]


def test_one_table_one_sentence_one_page(
    command: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, err = run([*command, *TWO], capsys)
    assert code == 0
    for word in ("gru", "wide", "persistence", "ridge", "Of 2 configurations", "y: use"):
        assert word in out
    assert "wide, seed 1 (fit 4 of 4)" in err
    folder = tmp_path / "out"
    assert {p.name for p in folder.iterdir()} == {"comparison.json", "report.html", "runs"}
    assert len(list((folder / "runs").glob("*.lstm"))) == 4
    record = json.loads((folder / "comparison.json").read_text())
    assert [one["name"] for one in record["contenders"]] == ["gru", "wide"]
    again = tmp_path / "again.html"
    told = ["report", str(folder / "comparison.json"), "--out", str(again)]
    assert run(told, capsys)[0] == 0
    assert again.read_text() == (folder / "report.html").read_text()


def test_what_was_interrupted_goes_on(
    command: list[str],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    real = Runs.fitted

    def stopped(self, name, *given):
        if name == "wide-seed0":
            raise KeyboardInterrupt
        return real(self, name, *given)

    monkeypatch.setattr(Runs, "fitted", stopped)
    code, _, err = run([*command, *TWO], capsys)
    assert code == 130
    assert "the same command goes on from here" in err
    monkeypatch.setattr(Runs, "fitted", real)
    code, _, err = run([*command, *TWO], capsys)
    assert code == 0
    assert "gru, seed" not in err
    assert "wide, seed 0 (fit 3 of 4)" in err


def test_configurations_come_from_a_file_too(
    command: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "configs.toml"
    path.write_text('[gru]\ncell = "gru"\n')
    code, out, _ = run([*command, "--configs", str(path), "--config", "plain:"], capsys)
    assert code == 0
    assert "gru" in out
    assert "plain" in out
    code, _, err = run([*command, "--configs", str(path), "--config", "gru: size=3"], capsys)
    assert code == 2
    assert "two called 'gru'" in err


@pytest.mark.parametrize(
    ("more", "code", "says"),
    [
        (["--config", "gru"], 2, "gru: cell=gru, size=64"),
        (["--config", "a: sise=3"], 2, "did you mean 'size'"),
        (["--configs", "absent.toml"], 3, "absent.toml"),
        (["--test", "0"], 2, "needs a test part"),
        (["--seeds", "0"], 2, "seeds=0"),
    ],
)
def test_errors_are_words_and_exit_codes(
    command: list[str],
    more: list[str],
    code: int,
    says: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    found, _, err = run([*command, *more], capsys)
    assert found == code
    assert says in err.replace("\n", "")
