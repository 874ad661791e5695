"""The command line as a user meets it: files in, files and words out, errors without tracebacks."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import time
from html.parser import HTMLParser
from pathlib import Path

import polars as pl
import pytest

from longshort import Decoder, Window, load
from longshort.cli.app import app, main

ROOT = Path(__file__).parent.parent.parent
WEATHER = ROOT / "examples" / "seattle-weather.csv"
QUICK = ["--epochs", "2", "--members", "1", "--size", "8", "--context", "6"]
FIT = ["fit", "forecast", str(WEATHER), "--time", "date", "--target", "temp_max,temp_min", *QUICK]


def run(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as stop:
        main(arguments)
    said = capsys.readouterr()
    assert "Traceback" not in said.err
    return int(stop.value.code or 0), said.out, said.err


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("fitted")
    with pytest.raises(SystemExit) as stop:
        main([*FIT, "--horizon", "2", "--test-from", "2015-01-01", "--out", str(out)])
    assert not stop.value.code
    return out


def test_fit_writes_model_report_history_and_evaluation(folder: Path) -> None:
    names = {path.name for path in folder.iterdir()}
    assert names == {"model.lstm", "report.html", "history.jsonl", "evaluation.json"}
    epochs = [json.loads(line) for line in (folder / "history.jsonl").read_text().splitlines()]
    assert [epoch["epoch"] for epoch in epochs] == [0, 1]
    HTMLParser().feed((folder / "report.html").read_text())
    assert load(folder / "model.lstm").get_params()["horizon"] == 2


def test_fit_prints_the_table_the_sentence_and_the_places(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, err = run([*FIT, "--test", "0.1", "--out", str(tmp_path)], capsys)
    assert code == 0
    for word in ("LSTM", "persistence", "climatology", "ridge", "MASE", "CRPS", "skill"):
        assert word in out
    assert re.search(r"temp_max: the LSTM", out)
    assert str(tmp_path / "model.lstm") in out
    assert str(tmp_path / "report.html") in out
    assert "takes at most about" in err


def test_fit_without_a_test_part_writes_a_model_alone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, _ = run([*FIT, "--test", "0", "--out", str(tmp_path)], capsys)
    assert code == 0
    assert "MAE" not in out
    assert {path.name for path in tmp_path.iterdir()} == {"model.lstm", "history.jsonl"}


def test_a_network_is_chosen_by_options(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    chosen = [
        "--cell", "gru", "--stem", "3", "--highway", "context", "--segment", "2", "--channels",
        "shared", "--centred", "--relative", "season", "--season", "7", "--differences",
    ]  # fmt: skip
    code, _, err = run([*FIT, *chosen, "--test", "0", "--out", str(tmp_path)], capsys)
    assert code == 0
    assert "GRU(8)" in err
    model = load(tmp_path / "model.lstm")
    assert (model.recurrent.cell, model.recurrent.stem) == ("gru", 3)
    assert model.decoder == Decoder("context", 2, "shared", centred=True)
    assert model.window == Window(6, "season", 7, differences=True)


@pytest.mark.parametrize("suffix", ["csv", "parquet", "jsonl"])
def test_predict_writes_what_was_asked_for(
    folder: Path, suffix: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / f"week.{suffix}"
    command = ["predict", str(folder / "model.lstm"), str(WEATHER), "--out", str(out)]
    assert run([*command, "--quantiles", "0.05,0.95"], capsys)[0] == 0
    read = {"csv": pl.read_csv, "parquet": pl.read_parquet, "jsonl": pl.read_ndjson}[suffix]
    frame = read(out)
    assert frame.height == 2
    assert {"date", "temp_max", "temp_max_q5", "temp_max_q95"} <= set(frame.columns)


def test_predict_prints_csv_and_nothing_else(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, err = run(["predict", str(folder / "model.lstm"), str(WEATHER)], capsys)
    assert code == 0
    assert err == ""
    assert (
        out.splitlines()[0]
        == "date,temp_max,temp_max_q10,temp_max_q90,temp_min,temp_min_q10,temp_min_q90"
    )
    assert out.splitlines()[1].startswith("2016-01-01")


def test_evaluate_and_report_say_the_same_as_the_fit(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["evaluate", str(folder / "model.lstm"), str(WEATHER), "--out", str(tmp_path)]
    assert run(command, capsys)[0] == 0
    first = json.loads((folder / "evaluation.json").read_text())
    again = json.loads((tmp_path / "evaluation.json").read_text())
    assert again["scores"] == first["scores"]
    page = tmp_path / "again.html"
    assert run(["report", str(folder / "evaluation.json"), "--out", str(page)], capsys)[0] == 0
    assert page.read_text() == (folder / "report.html").read_text()


def test_doctor_names_the_engine_and_why(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(["doctor"], capsys)
    assert code == 0
    assert re.search(r"engine +(cpu|reference): ", out)


def test_help_teaches(capsys: pytest.CaptureFixture[str]) -> None:
    for command in ([], ["fit"], ["fit", "forecast"], ["predict"], ["evaluate"], ["report"]):
        code, out, _ = run([*command, "--help"], capsys)
        assert code == 0
        assert "Usage" in out
        assert "--help" in out
    for option in app.registered_commands:
        assert option.callback is not None
        assert option.callback.__doc__


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        ([*FIT[:5], "--target", "temp_mx"], 3, "temp_max"),
        ([*FIT[:3], "--time", "dat", "--target", "wind"], 3, "date"),
        ([*FIT, "--horizon", "0"], 2, "horizon=0"),
        ([*FIT, "--horizon", "5000"], 3, "--horizon"),
        ([*FIT, "--relative", "lst"], 2, "did you mean 'last'"),
        ([*FIT, "--optimizer", "adm"], 2, "did you mean 'adam'"),
        ([*FIT, "--test-from", "2013-13-01"], 2, "2013-13-01"),
        ([*FIT, "--horizn", "3"], 2, "--horizon"),
        ([*FIT, "--depth", "1000000000"], 2, "depth=1000000000"),
        ([*FIT, "--size", str(2**61)], 2, "does not fit into memory"),
        ([*FIT, "--valid", "1.5"], 2, "1.5"),
        (["fit", "forecast", "absent.csv"], 3, "absent.csv"),
        (["predict", "absent.lstm", str(WEATHER)], 4, "absent.lstm"),
        (["predict", str(WEATHER), str(WEATHER)], 4, "not a Longshort model file"),
        (["report", "absent.json"], 3, "absent.json"),
    ],
)
def test_errors_are_words_and_exit_codes(
    arguments: list[str], code: int, says: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    if arguments[0] == "fit":
        arguments = [*arguments, "--out", str(tmp_path / "out")]
    found, _, err = run(arguments, capsys)
    assert found == code
    assert says in err.replace("\n", "")
    assert not (tmp_path / "out" / "model.lstm").exists()


def test_an_output_folder_that_cannot_be_written_is_said_before_any_work(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("")
    code, _, err = run([*FIT, "--out", str(tmp_path / "file" / "out")], capsys)
    assert code == 5
    assert "--out" in err
    assert "training" not in err


def test_debug_shows_the_traceback() -> None:
    from longshort.errors import DataError

    with pytest.raises(DataError):
        main(["fit", "forecast", "absent.csv", "--debug"])


def test_version_and_no_arguments(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--version"], capsys)[1].startswith("longshort 0.")
    assert "Commands" in run([], capsys)[1]


def test_ctrl_c_keeps_the_best_so_far_and_says_so(tmp_path: Path) -> None:
    # a shell that runs the tests in the background has told its children to ignore Ctrl-C
    heard = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)"
    code = f"{heard}; from longshort.cli import main; main()"
    command = [sys.executable, "-c", code, *FIT[:7], "--epochs", "500", "--patience", "500"]
    process = subprocess.Popen(
        [*command, "--out", str(tmp_path)],
        stderr=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    history = tmp_path / "history.jsonl"
    until = time.monotonic() + 60
    while time.monotonic() < until and not (
        history.exists() and history.read_text().count("\n") > 1
    ):
        time.sleep(0.1)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    assert "interrupted" in err
    assert str(tmp_path / "model.lstm") in out
    assert load(tmp_path / "model.lstm").predict(WEATHER).height == 1
