"""Fits that are broken off and gone on with, as a user of the command line meets them."""

from __future__ import annotations

import json
import os
import resource
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
from longshort.cli.terminal import FitProgress
from longshort.errors import OutputError
from longshort.records import Epoch
from longshort.training import loop

ROWS = 400
SETTINGS = ["--time", "date", "--target", "temp_max", "--context", "6", "--members", "2",
            "--size", "8", "--epochs", "3"]  # fmt: skip
# as python -m longshort, with a checkpoint at every step
EAGER = "from longshort.cli import main, running; running.SECONDS = 0.0; main()"


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


@pytest.fixture(scope="module")
def fit(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """The command without its folder."""
    weather = Path(__file__).parent.parent.parent / "examples" / "seattle-weather.csv"
    data = tmp_path_factory.mktemp("data") / "weather.csv"
    data.write_text("".join(weather.read_text().splitlines(keepends=True)[: ROWS + 1]))
    return ["fit", "forecast", str(data), *SETTINGS]


@pytest.fixture(scope="module")
def whole(fit: list[str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the command leaves when nothing comes between."""
    folder = tmp_path_factory.mktemp("whole")
    with pytest.raises(SystemExit):
        main([*fit, "--out", str(folder)])
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
    tmp_path: Path, fit: list[str], whole: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", EAGER, *fit, "--out", str(tmp_path)], stderr=subprocess.DEVNULL
    )
    history, until = tmp_path / "history.jsonl", time.monotonic() + 100
    while time.monotonic() < until and process.poll() is None:
        if history.exists() and history.read_text().count("\n") >= 4:
            break
        time.sleep(0.01)
    process.kill()
    process.wait()
    # a kill between the two renames of a writing leaves the previous one alone
    assert "checkpoint.previous.lstm" in names(tmp_path)
    assert not (tmp_path / "model.lstm").exists()
    left = Checkpoint(tmp_path / "checkpoint.lstm").read().path
    # neither way is taken without being asked for
    code, _, err = run([*fit, "--out", str(tmp_path)], capsys)
    assert code == 2
    told = err.replace("\n", " ")
    assert "checkpoint.lstm is left of a fit that was broken off: add --resume to go on" in told
    assert "or --no-resume to drop it and begin anew" in told
    # other settings are no way either
    code, _, err = run([*fit, "--rate", "0.5", "--resume", "--out", str(tmp_path)], capsys)
    assert code == 2
    assert "training__rate was 0.003 and is 0.5" in err
    code, _, err = run([*fit, "--resume", "--out", str(tmp_path)], capsys)
    assert code == 0
    assert f"going on from {left}" in err
    check_the_same(tmp_path, whole)


def test_no_resume_begins_anew(
    tmp_path: Path, fit: list[str], whole: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Checkpoint(tmp_path / "checkpoint.lstm").write({}, {})
    (tmp_path / ".checkpoint.lstm.half").write_bytes(b"x")
    code, _, err = run([*fit, "--no-resume", "--out", str(tmp_path)], capsys)
    assert code == 0
    assert "going on" not in err
    check_the_same(tmp_path, whole)


def test_resume_where_there_is_nothing_begins(
    tmp_path: Path, fit: list[str], whole: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, _, err = run([*fit, "--resume", "--out", str(tmp_path)], capsys)
    assert code == 0
    assert f"no fit was broken off in {tmp_path}: a new one begins" in err
    check_the_same(tmp_path, whole)


def test_ctrl_c_keeps_the_best_and_the_way_on(
    tmp_path: Path,
    fit: list[str],
    whole: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    steps, clip = iter(range(1000)), loop.clip

    def interrupt(*given: Any) -> float:
        if next(steps) == 30:
            raise KeyboardInterrupt
        return clip(*given)

    with monkeypatch.context() as patch:
        patch.setattr(loop, "clip", interrupt)
        patch.setattr("longshort.cli.running.SECONDS", 0.0)
        code, out, err = run([*fit, "--out", str(tmp_path)], capsys)
    assert code == 130
    assert "training was interrupted; the model is the best one reached until then" in err
    assert "the same command with --resume goes on from where it was" in err
    assert str(tmp_path / "model.lstm") in out
    assert len(load(tmp_path / "model.lstm").models_) >= 1
    assert run([*fit, "--resume", "--out", str(tmp_path)], capsys)[0] == 0
    check_the_same(tmp_path, whole)


def test_ctrl_c_in_the_first_epoch(
    tmp_path: Path,
    fit: list[str],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A folder that was made for nothing goes; one with a checkpoint stays."""

    def interrupt(*given: object) -> float:
        raise KeyboardInterrupt

    monkeypatch.setattr("longshort.training.loop.clip", interrupt)
    folder = tmp_path / "out"
    code, _, err = run([*fit, "--out", str(folder)], capsys)
    assert code == 130
    assert "before the first epoch was done: there is nothing to keep" in err
    assert not folder.exists()
    monkeypatch.setattr("longshort.cli.running.SECONDS", 0.0)
    code, _, err = run([*fit, "--out", str(folder)], capsys)
    assert code == 130
    assert "the same command with --resume goes on" in err
    assert names(folder) == {"checkpoint.lstm", "history.jsonl"}


def test_a_history_that_cannot_grow_keeps_whole_lines(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The system's own limit on the size of files."""
    history, progress = tmp_path / "history.jsonl", FitProgress(tmp_path)
    _, most = resource.getrlimit(resource.RLIMIT_FSIZE)
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    progress.start("", 1.0, 9)
    epochs = [Epoch(0, epoch, 0.1, 0.1, 0.1, 0.1, 0.1, True) for epoch in range(9)]
    resource.setrlimit(resource.RLIMIT_FSIZE, (700, most))
    try:
        with pytest.raises(OutputError, match=rf"cannot write {history}: File too large"):
            list(map(progress.epoch, epochs))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))
        signal.signal(signal.SIGXFSZ, before)
        progress.close()
    kept = [json.loads(line)["epoch"] for line in history.read_text().splitlines()]
    assert kept == list(range(len(kept)))
    assert 3 < len(kept) < 9


def test_a_full_output_is_said(
    fit: list[str],
    whole: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with monkeypatch.context() as patch, Path("/dev/full").open("w") as full:
        patch.setattr(sys, "stdout", full)
        with pytest.raises(SystemExit) as stop:
            main(["predict", str(whole / "model.lstm"), fit[2]])
        # what could not be written must not be tried again at the end
        os.dup2(os.open(os.devnull, os.O_WRONLY), full.fileno())
    assert stop.value.code == 5
    assert "cannot write to standard output: No space left on device" in capsys.readouterr().err


@pytest.mark.slow
def test_the_module_is_the_command() -> None:
    command = [sys.executable, "-m", "longshort", "--version"]
    assert subprocess.run(command, capture_output=True).stdout.startswith(b"longshort 0.")


def test_a_device_is_not_replaced(whole: Path, capsys: pytest.CaptureFixture[str]) -> None:
    evaluation = str(whole / "evaluation.json")
    code, _, err = run(["report", evaluation, "--out", "/dev/null"], capsys)
    assert code == 5
    assert "cannot write /dev/null: it is there, and is no regular file" in err
    assert Path("/dev/null").is_char_device()
