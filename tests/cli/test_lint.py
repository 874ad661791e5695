"""``longshort lint`` as a user meets it, and what a fit says by itself."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from longshort.cli.app import main

ROOT = Path(__file__).parent.parent.parent
WEATHER = ROOT / "examples" / "seattle-weather.csv"


def run(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as stop:
        main(arguments)
    said = capsys.readouterr()
    return int(stop.value.code or 0), said.out, said.err


@pytest.fixture
def leaking(tmp_path: Path) -> Path:
    """Weather with tomorrow's temperature beside today's."""
    path = tmp_path / "leaking.csv"
    table = pl.read_csv(WEATHER)[:400]
    table.with_columns(label=pl.col("temp_max").shift(-1, fill_value=0)).write_csv(path)
    return path


def test_clean_data_exit_with_0_and_say_what_was_looked_for(
    capsys: pytest.CaptureFixture[str],
) -> None:
    code, out, _ = run(["lint", str(WEATHER), "--time", "date", "--target", "temp_max"], capsys)
    assert code == 0
    assert "1,461 rows" in out
    assert "nothing found" in out
    assert "proxy" in out


def test_a_leak_exits_with_7_and_names_column_and_way_out(
    leaking: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["lint", str(leaking), "--time", "date", "--target", "temp_max"]
    code, out, _ = run(command, capsys)
    assert code == 7
    assert "certain proxy" in out
    assert "'label'" in out
    assert "way out" in out
    code, out, _ = run([*command, "--json", "--out", str(tmp_path / "found.json")], capsys)
    assert code == 7
    told = json.loads(out)
    assert told["findings"][0]["columns"] == ["label", "temp_max"]
    assert json.loads((tmp_path / "found.json").read_text()) == told
    assert run([*command, "--check", "duplicates"], capsys)[0] == 0


def test_another_librarys_predictions_are_judged(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    walk = np.cumsum(np.random.default_rng(0).normal(size=200))
    path = tmp_path / "predictions.csv"
    table = pl.DataFrame({"t": range(200), "y": walk, "yhat": np.roll(walk, 1)})
    table.write_csv(path)
    command = ["lint", str(path), "--target", "y", "--prediction", "yhat", "--time", "t"]
    code, out, _ = run(command, capsys)
    assert code == 7
    assert "'yhat' is 'y' of 1 row before" in out


def test_wrong_arguments_are_said(capsys: pytest.CaptureFixture[str]) -> None:
    command = ["lint", str(WEATHER), "--time", "date", "--target", "temp_max"]
    code, _, err = run([*command, "--check", "proxi"], capsys)
    assert code == 2
    assert "did you mean 'proxy'" in err
    code, _, err = run([*command, "--prediction", "temp_mx"], capsys)
    assert code == 3
    assert "did you mean 'temp_max'" in err


def test_a_fit_says_what_it_finds_and_the_report_keeps_it(
    leaking: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    quick = ["--epochs", "1", "--members", "1", "--size", "4", "--yardsticks", "quick"]
    command = ["fit", "forecast", str(leaking), "--time", "date", "--target", "temp_max"]
    code, _, err = run([*command, *quick, "--out", str(out)], capsys)
    assert code == 0
    assert "certain proxy" in err
    notes = json.loads((out / "evaluation.json").read_text())["notes"]
    assert any("'label'" in note for note in notes)


def test_a_model_file_is_tested_for_the_future(
    leaking: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    quick = ["--epochs", "1", "--members", "1", "--size", "4", "--test", "0"]
    command = ["fit", "forecast", str(WEATHER), "--time", "date", "--target", "temp_max"]
    assert run([*command, *quick, "--out", str(tmp_path)], capsys)[0] == 0
    model = ["--model", str(tmp_path / "model.lstm"), "--check", "future"]
    code, out, _ = run(["lint", *command[2:], *model], capsys)
    assert code == 0
    assert "looked for: future" in out
