"""Fits that are broken off and gone on with, as a user of the command line meets them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from longshort import load
from longshort.checkpoint import Checkpoint
from longshort.cli.app import main

ROOT = Path(__file__).parent.parent.parent
WEATHER = ROOT / "examples" / "seattle-weather.csv"
FIT = ["fit", "forecast", str(WEATHER), "--time", "date", "--target", "temp_max", "--context", "6",
       "--members", "2", "--size", "8", "--epochs", "3"]  # fmt: skip
# as python -m longshort, with a checkpoint at every step
EAGER = "from longshort.cli import fit, main; fit.SECONDS = 0.0; main()"


def run(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as stop:
        main(arguments)
    said = capsys.readouterr()
    assert "Traceback" not in said.err
    return int(stop.value.code or 0), said.out, said.err


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def arrays(folder: Path) -> list[Any]:
    models = load(folder / "model.lstm").models_
    return [tensor.numpy() for model in models for tensor in model.state_dict().values()]


def begin(folder: Path, epochs: int) -> subprocess.Popen[str]:
    """Start a fit and wait until so many epochs are in its history."""
    process = subprocess.Popen(
        [sys.executable, "-c", EAGER, *FIT, "--out", str(folder)],
        stderr=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    history, until = folder / "history.jsonl", time.monotonic() + 100
    while time.monotonic() < until and process.poll() is None:
        if history.exists() and history.read_text().count("\n") >= epochs:
            break
        time.sleep(0.02)
    return process


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the same command leaves when nothing comes between."""
    folder = tmp_path_factory.mktemp("whole")
    with pytest.raises(SystemExit):
        main([*FIT, "--out", str(folder)])
    return folder


def check_the_same(folder: Path, whole: Path) -> None:
    assert names(folder) == names(whole)
    assert all(map(np.array_equal, arrays(folder), arrays(whole)))
    for line, other in zip(
        (folder / "history.jsonl").read_text().splitlines(),
        (whole / "history.jsonl").read_text().splitlines(),
        strict=True,
    ):
        assert {**json.loads(line), "seconds": 0} == {**json.loads(other), "seconds": 0}
    scores = [json.loads((at / "evaluation.json").read_text())["scores"] for at in (folder, whole)]
    assert scores[0] == scores[1]


def test_a_killed_fit_goes_on(
    tmp_path: Path, whole: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    process = begin(tmp_path, 4)
    process.kill()
    process.communicate()
    assert {"checkpoint.lstm", "checkpoint.previous.lstm"} <= names(tmp_path)
    assert not (tmp_path / "model.lstm").exists()
    # neither way is taken without being asked for
    code, _, err = run([*FIT, "--out", str(tmp_path)], capsys)
    assert code == 2
    told = err.replace("\n", " ")
    assert "checkpoint.lstm is left of a fit that was broken off: add --resume to go on" in told
    assert "or --no-resume to drop it and begin anew" in told
    # other settings are no way either
    code, _, err = run([*FIT, "--rate", "0.5", "--resume", "--out", str(tmp_path)], capsys)
    assert code == 2
    assert "training__rate was 0.003 and is 0.5" in err
    code, _, err = run([*FIT, "--resume", "--out", str(tmp_path)], capsys)
    assert code == 0
    assert f"going on from {tmp_path / 'checkpoint.lstm'}" in err
    check_the_same(tmp_path, whole)


def test_no_resume_begins_anew(
    tmp_path: Path, whole: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Checkpoint(tmp_path / "checkpoint.lstm").write({}, {})
    (tmp_path / ".checkpoint.lstm.half").write_bytes(b"x")
    code, _, err = run([*FIT, "--no-resume", "--out", str(tmp_path)], capsys)
    assert code == 0
    assert "going on" not in err
    check_the_same(tmp_path, whole)


def test_resume_where_there_is_nothing_begins(
    tmp_path: Path, whole: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, _, err = run([*FIT, "--resume", "--out", str(tmp_path)], capsys)
    assert code == 0
    assert f"no fit was broken off in {tmp_path}: a new one begins" in err
    check_the_same(tmp_path, whole)


def test_ctrl_c_keeps_the_best_and_the_way_on(
    tmp_path: Path, whole: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    process = begin(tmp_path, 2)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=100)
    assert process.returncode == 130, err
    assert "training was interrupted; the model is the best one reached until then" in err
    assert "the same command with --resume goes on from where it was" in err
    assert str(tmp_path / "model.lstm") in out
    assert len(load(tmp_path / "model.lstm").models_) >= 1
    assert run([*FIT, "--resume", "--out", str(tmp_path)], capsys)[0] == 0
    check_the_same(tmp_path, whole)


def test_ctrl_c_in_the_first_epoch(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A folder that was made for nothing goes; one with a checkpoint stays."""

    def interrupt(*given: object) -> float:
        raise KeyboardInterrupt

    monkeypatch.setattr("longshort.training.loop.clip", interrupt)
    folder = tmp_path / "out"
    code, _, err = run([*FIT, "--out", str(folder)], capsys)
    assert code == 130
    assert "before the first epoch was done: there is nothing to keep" in err
    assert not folder.exists()
    monkeypatch.setattr("longshort.cli.fit.SECONDS", 0.0)
    code, _, err = run([*FIT, "--out", str(folder)], capsys)
    assert code == 130
    assert "the same command with --resume goes on" in err
    assert names(folder) == {"checkpoint.lstm", "history.jsonl"}


def test_a_history_that_cannot_grow_keeps_whole_lines(tmp_path: Path) -> None:
    code = (
        "import resource, signal; signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (700, 700))\n"
        "from longshort.cli import main; main()"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *FIT, "--epochs", "9", "--out", str(tmp_path / "out")],
        capture_output=True,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    assert done.returncode == 5, done.stderr
    assert "File too large" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "out").exists()


def test_the_module_is_the_command_and_a_full_output_is_said(whole: Path) -> None:
    command = [sys.executable, "-m", "longshort", "predict", str(whole / "model.lstm")]
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [*command, str(WEATHER)], stdout=full, stderr=subprocess.PIPE, text=True
        )
    assert done.returncode == 5
    assert "cannot write to standard output: No space left on device" in done.stderr


def test_a_device_is_not_replaced(whole: Path, capsys: pytest.CaptureFixture[str]) -> None:
    evaluation = str(whole / "evaluation.json")
    code, _, err = run(["report", evaluation, "--out", "/dev/null"], capsys)
    assert code == 5
    assert "cannot write /dev/null: it is there, and is no regular file" in err
    assert Path("/dev/null").is_char_device()
