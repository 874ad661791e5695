"""A detector at the command line: fit, scores and alarms, evaluation, explanation."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from longshort.cli.app import main
from longshort.records import AnomalyEvaluation

QUICK = ["--size", "6", "--context", "12", "--epochs", "3", "--members", "1"]


def run(*arguments: str | Path) -> int:
    with pytest.raises(SystemExit) as end:
        main([str(argument) for argument in arguments])
    return int(end.value.code or 0)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    where = tmp_path_factory.mktemp("plant")
    rng, at = np.random.default_rng(0), np.arange(500)
    flow = 5 + np.sin(at / 4) + rng.normal(0, 0.1, 500)
    flow[440:446] += 3
    pl.DataFrame({
        "t": np.datetime64("2024-01-01", "us") + at * np.timedelta64(3_600_000_000, "us"),
        "flow": flow, "heat": np.cos(at / 4) + rng.normal(0, 0.1, 500),
        "bad": ((at >= 440) & (at < 446)).astype(int),
    }).write_csv(where / "sensors.csv")  # fmt: skip
    done = run(
        "fit", "anomaly", where / "sensors.csv", "--time", "t", "--target", "flow,heat",
        "--labels", "bad", "--rate", "0.1", "--yardsticks", "quick", *QUICK,
        "--out", where / "watch",
    )  # fmt: skip
    assert done == 0
    return where


def test_a_fit_leaves_a_judged_model(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = (folder / "watch" / "evaluation.json").read_text()
    found = AnomalyEvaluation.from_json(text)
    assert found.data.events == 1
    assert found.expected == pytest.approx(0.1)
    assert "LSTM" in (folder / "watch" / "report.html").read_text()


def test_scores_and_alarms_are_two_tables(folder: Path) -> None:
    model, data = folder / "watch" / "model.lstm", folder / "sensors.csv"
    scores, alarms = folder / "scores.csv", folder / "alarms.csv"
    assert run("predict", model, data, "--out", scores, "--alarms", alarms) == 0
    told = pl.read_csv(scores, try_parse_dates=True)
    assert told.columns[:5] == ["t", "score", "threshold", "alarm", "fault"]
    assert told.height == 500
    found = pl.read_csv(alarms, try_parse_dates=True)
    assert {"start", "end", "peak", "score", "cause", "channel", "share_flow"} <= set(found.columns)
    assert run("predict", model, data, "--alarms", folder / "alarms.txt") == 2


def test_labels_come_from_a_file_too(folder: Path) -> None:
    rows = [["2024-01-19 08:00:00", "2024-01-19 13:00:00"]]
    (folder / "windows.json").write_text(json.dumps({"plant/sensors.csv": rows}))
    model, data, out = folder / "watch" / "model.lstm", folder / "sensors.csv", folder / "judged"
    given = ["--yardsticks", "none", "--out", out]
    assert run("evaluate", model, data, "--labels", folder / "windows.json", *given) == 0
    one = AnomalyEvaluation.from_json((out / "evaluation.json").read_text())
    whole = AnomalyEvaluation.from_json((folder / "watch" / "evaluation.json").read_text())
    assert one.scores[0].measures["vus_pr"].value == whole.scores[0].measures["vus_pr"].value
    assert run("evaluate", model, data, "--labels", folder / "none.json") == 3


def test_what_is_expected_is_explained(folder: Path) -> None:
    page = folder / "explained.json"
    assert (
        run("explain", folder / "watch" / "model.lstm", folder / "sensors.csv", "--out", page) == 0
    )
    assert "flow" in page.read_text()


def test_ranges_are_written_as_start_and_end(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    given = ["fit", "anomaly", folder / "sensors.csv", "--time", "t", "--target", "flow"]
    assert run(*given, "--clean", "2024-01-01") == 2
    assert "2024-01-01/2024-02-01" in capsys.readouterr().err


def test_a_stream_of_one_series_needs_no_more_said(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Rows that are read one by one have the scores of the file."""
    model, data = folder / "watch" / "model.lstm", folder / "sensors.csv"
    assert run("predict", model, data) == 0
    wanted = pl.read_csv(capsys.readouterr().out.encode())["score"]
    assert run("stream", model, data) == 0
    told = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    np.testing.assert_allclose([each["score"] for each in told], wanted, atol=2e-5)
    assert all(set(each) >= {"t", "threshold", "alarm", "fault", "share_heat"} for each in told)
