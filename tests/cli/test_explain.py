"""What a model leans on, as a user of the command line asks for it."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from longshort.cli.app import main
from longshort.records import Evaluation

QUICK = [
    "--epochs",
    "2",
    "--members",
    "1",
    "--size",
    "8",
    "--context",
    "4",
    "--yardsticks",
    "quick",
]


def run(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as stop:
        main(arguments)
    said = capsys.readouterr()
    assert "Traceback" not in said.err
    return int(stop.value.code or 0), said.out, said.err


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    rng, rows = np.random.default_rng(0), 150
    frame = pl.DataFrame(
        {
            "day": np.datetime64("2020-01-01") + np.arange(rows),
            "sold": rng.normal(size=rows).cumsum(),
            "rain": rng.normal(size=rows),
        }
    )
    path = tmp_path_factory.mktemp("data") / "shop.csv"
    frame.write_csv(path)
    return path


def test_a_fit_tells_it_and_explain_tells_the_same(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fit = ["fit", "forecast", str(data), "--time", "day", "--target", "sold", *QUICK]
    assert run([*fit, "--out", str(tmp_path)], capsys)[0] == 0
    evaluation = Evaluation.from_json((tmp_path / "evaluation.json").read_bytes())
    assert evaluation.explanation is not None
    assert '<section id="leaning"' in (tmp_path / "report.html").read_text()
    explain = ["explain", str(tmp_path / "model.lstm"), str(data)]
    page = tmp_path / "explained.html"
    code, out, err = run([*explain, "--out", str(page)], capsys)
    assert code == 0
    assert out.startswith("Forecasts of sold lean 1 step ahead on sold (")
    assert str(page) in err
    assert "What the forecasts" not in out
    assert "<h1>What forecasts of sold lean on</h1>" in page.read_text()
    record = tmp_path / "explained.json"
    assert run([*explain, "--out", str(record)], capsys)[0] == 0
    assert json.loads(record.read_text()) == json.loads(evaluation.explanation.to_json())
    # of a file that the model does not know
    other = tmp_path / "other.csv"
    pl.read_csv(data).head(60).write_csv(other)
    code, _, err = run([*explain[:2], str(other)], capsys)
    assert code == 3
    assert "rows" in err


def test_it_can_be_left_out(data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    fit = ["fit", "forecast", str(data), "--time", "day", "--target", "sold", *QUICK]
    assert run([*fit, "--no-explain", "--out", str(tmp_path)], capsys)[0] == 0
    assert json.loads((tmp_path / "evaluation.json").read_text())["explanation"] is None
