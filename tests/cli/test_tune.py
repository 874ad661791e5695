"""A search for settings, as a user of the command line meets it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from longshort import load
from longshort.cli import tune as command
from longshort.cli.app import main

SETTINGS = ["--time", "day", "--target", "y", "--context", "2", "--relative", "none", "--size", "8",
            "--epochs", "4", "--members", "1", "--yardsticks", "quick"]  # fmt: skip


def run(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as stop:
        main(arguments)
    said = capsys.readouterr()
    assert "Traceback" not in said.err
    return int(stop.value.code or 0), said.out, said.err


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    rng, rows = np.random.default_rng(0), 200
    frame = pl.DataFrame(
        {"day": np.datetime64("2020-01-01") + np.arange(rows), "y": rng.normal(size=rows).cumsum()}
    )
    path = tmp_path_factory.mktemp("data") / "walk.csv"
    frame.write_csv(path)
    return path


def test_it_writes_study_model_and_a_report_of_the_trials(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tune = ["tune", "forecast", str(data), *SETTINGS, "--out", str(tmp_path / "tuned")]
    code, out, err = run([*tune, "--trials", "4"], capsys)
    assert code == 0
    assert "trial 4 of 4" in err
    assert "what the losses vary by" in out
    folder = tmp_path / "tuned"
    assert {path.name for path in folder.iterdir()} == {
        "study.journal", "history.jsonl", "model.lstm", "evaluation.json", "report.html",
    }  # fmt: skip
    record = json.loads((folder / "evaluation.json").read_text())["tuning"]
    best = record["trials"][record["best"]]["settings"]
    model = load(folder / "model.lstm")
    assert model.recurrent.size == best["recurrent__size"]
    assert model.training.rate == best["training__rate"]
    page = (folder / "report.html").read_text()
    assert '<a href="#tuning">' in page
    assert "best of 4 trials" in page
    # what is there is not lost by accident, and gone on with when asked
    code, _, err = run([*tune, "--trials", "5"], capsys)
    assert code == 2
    assert "add --resume to go on with it" in err
    code, _, err = run([*tune, "--trials", "4", "--resume"], capsys)
    assert code == 0
    assert "trial" not in err.replace("trials", "")


def test_ctrl_c_says_how_to_go_on(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    tune = ["tune", "forecast", str(data), *SETTINGS, "--out", str(tmp_path / "tuned")]
    search = command.search

    def interrupted(*given: Any, **named: Any) -> Any:
        found = search(given[0], given[1], 1, **named)
        return type(found)(found.estimator, found.record, True)

    with monkeypatch.context() as patch:
        patch.setattr(command, "search", interrupted)
        code, out, err = run([*tune, "--trials", "3"], capsys)
    assert code == 130
    assert "--resume --trials 1 it trains with the best of these" in err
    assert "to its end" in out
    assert {path.name for path in (tmp_path / "tuned").iterdir()} == {"study.journal"}
    code, _, err = run([*tune, "--trials", "1", "--resume", "--test", "0.15"], capsys)
    assert code == 0
    assert (tmp_path / "tuned" / "model.lstm").exists()


def test_a_folder_made_for_nothing_is_taken_away(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tune = ["tune", "forecast", str(data), "--target", "z", "--out", str(tmp_path / "tuned")]
    code, _, err = run(tune, capsys)
    assert code == 3
    assert "'z'" in err
    assert not (tmp_path / "tuned").exists()
