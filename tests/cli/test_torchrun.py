"""The command line under torchrun: two processes that learn what one does."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from longshort import load

ROOT = Path(__file__).parent.parent.parent
WEATHER = ROOT / "examples" / "seattle-weather.csv"
FIT = ["fit", "forecast", str(WEATHER), "--time", "date", "--target", "temp_max", "--context", "6",
       "--members", "2", "--size", "8", "--epochs", "2", "--batch", "127"]  # fmt: skip
TORCHRUN = [sys.executable, "-m", "torch.distributed.run", "--standalone"]
TWO = [*TORCHRUN, "--nproc-per-node", "2"]

# the command line, but the second process kills itself at some step of its first life
DYING = """
import os, signal, sys
from pathlib import Path
from longshort.cli import main, running
from longshort.training import loop
running.SECONDS = 0.0
mark, steps, clip = Path(sys.argv.pop(1)), iter(range(10_000)), loop.clip
def dying(*given):
    if next(steps) == 20 and os.environ["RANK"] == "1" and not mark.exists():
        mark.write_text("once")
        os.kill(os.getpid(), signal.SIGKILL)
    return clip(*given)
loop.clip = dying
main()
"""

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("alone")
    command = [sys.executable, "-m", "longshort", *FIT, "--out", str(folder)]
    subprocess.run(command, check=True, capture_output=True)
    return folder


def check_the_same(folder: Path, alone: Path) -> None:
    assert {path.name for path in folder.iterdir()} == {path.name for path in alone.iterdir()}
    one, other = (load(at / "model.lstm").models_ for at in (folder, alone))
    for first, second in zip(one, other, strict=True):
        for mine, theirs in zip(first.parameters(), second.parameters(), strict=True):
            np.testing.assert_allclose(
                mine.detach().numpy(), theirs.detach().numpy(), rtol=0, atol=1e-6
            )


def test_two_processes_fit_what_one_does(tmp_path: Path, alone: Path) -> None:
    command = [*TWO, "-m", "longshort", *FIT, "--out", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=400)
    assert done.returncode == 0, done.stderr
    check_the_same(tmp_path, alone)
    # one of them speaks
    assert done.stdout.count("the LSTM") == done.stdout.count("temp_max: the LSTM") == 1
    assert done.stderr.count("training takes at most") == 1


def test_a_process_that_dies_is_started_again_and_goes_on(tmp_path: Path, alone: Path) -> None:
    script, out = tmp_path / "dying.py", tmp_path / "out"
    script.write_text(DYING)
    command = [*TWO, "--max-restarts", "1", str(script), str(tmp_path / "mark")]
    done = subprocess.run(
        [*command, *FIT, "--resume", "--out", str(out)], capture_output=True, text=True, timeout=500
    )
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "mark").exists()
    assert "a new one begins" in done.stderr
    assert f"going on from {out / 'checkpoint.lstm'}" in done.stderr
    check_the_same(out, alone)


def test_ctrl_c_stops_all_of_them_and_keeps_the_best(tmp_path: Path) -> None:
    command = [*TWO, "-m", "longshort", *FIT, "--epochs", "900", "--patience", "900"]
    process = subprocess.Popen(
        [*command, "--out", str(tmp_path)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    history, until = tmp_path / "history.jsonl", time.monotonic() + 200
    while time.monotonic() < until and process.poll() is None:
        if history.exists() and history.read_text().count("\n") >= 2:
            break
        time.sleep(0.1)
    # as a terminal does it: to all of them
    os.killpg(process.pid, signal.SIGINT)
    _, err = process.communicate(timeout=200)
    assert "the model is the best one reached until then" in err, err
    assert load(tmp_path / "model.lstm").predict(WEATHER).height == 1


def test_what_is_wrong_ends_all_of_them(tmp_path: Path) -> None:
    command = [*TWO, "-m", "longshort", *FIT[:-2], "--horizon", "5000", "--out", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=200)
    assert done.returncode != 0
    assert "--horizon" in done.stderr
