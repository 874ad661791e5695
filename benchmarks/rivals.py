"""Fit and forecast beside NeuralForecast and Darts, as whole processes: docs/benchmarks/rivals.md.

    python -m venv rivals
    rivals/bin/pip install torch==2.13.0 neuralforecast==3.3.0 darts==0.48.1
    python benchmarks/rivals.py --python rivals/bin/python --reason "..."

The same network, data, window, batch, number of steps, optimiser and loss for each; ``CONTENDERS``
says what differs. Each process reads the file, learns from the first 12 months of ETTh1's oil
temperature and forecasts 24 hours from every midnight of the last 4. They run in turns, and the
shortest wall time of each is quoted. The scores stand beside, of the first run.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from forecasts.data import etth1
from record import ROOT, opening

PAGE = ROOT / "docs" / "benchmarks" / "rivals.md"
HERE = Path(__file__).parent / "rivals"
SETTINGS: dict[str, Any] = {
    "horizon": 24,
    "context": 96,
    "size": 64,
    "batch": 32,
    "steps": 2000,
    "rate": 1e-3,
    "train": 12 * 30 * 24,
    "valid": 4 * 30 * 24,
    "threads": 2,
}
# what each of them does that the others do not
CONTENDERS = {
    "Longshort": "direct read-out of the last state; the validation part is read eight times, and "
    "the best weights return; forecasts relative to the last value",
    "NeuralForecast": "its LSTM with recurrent=False: an MLP of one hidden layer on the states; no "
    "validation",
    "Darts": "its BlockRNNModel: a linear read-out of the last state; whole epochs alone, 7 of "
    "267 steps; no validation",
}


def run(name: str, python: str, table: Path) -> tuple[float, dict[str, Any]]:
    """Seconds of the whole process, and what it says of itself."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "out.json"
        command = [python, str(HERE / f"{name.lower()}.py"), str(table), json.dumps(SETTINGS), out]
        threads = str(SETTINGS["threads"])
        environment = os.environ | {"OMP_NUM_THREADS": threads, "MKL_NUM_THREADS": threads}
        begun = time.perf_counter()
        done = subprocess.run(
            command, cwd=folder, env=environment, capture_output=True, text=True, check=False
        )
        seconds = time.perf_counter() - begun
        if done.returncode:
            raise SystemExit(f"{name}: {done.stderr[-3000:]}")
        return seconds, json.loads(out.read_text())


def error(told: dict[str, Any], values: np.ndarray) -> tuple[float, int]:
    """Mean absolute error in standard deviations of the first 12 months, and the forecasts made."""
    points = np.array(told["points"])
    truth = np.array([values[at : at + SETTINGS["horizon"]] for at in told["origins"]])
    return float(np.abs(points - truth).mean() / values[: SETTINGS["train"]].std()), len(points)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--python", required=True, help="that has NeuralForecast and Darts")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--reason", default="", help="why a test part is opened again")
    given = parser.parse_args()
    data = etth1().select("date", "OT")
    values = data["OT"].to_numpy()
    seconds: dict[str, list[float]] = {name: [] for name in CONTENDERS}
    first: dict[str, dict[str, Any]] = {}
    with tempfile.TemporaryDirectory() as folder:
        table = Path(folder) / "oil.csv"
        data.write_csv(table)
        for _ in range(given.rounds):
            for name in CONTENDERS:
                python = sys.executable if name == "Longshort" else given.python
                spent, told = run(name, python, table)
                seconds[name].append(spent)
                first.setdefault(name, told)
                print(name, round(spent, 1), told["versions"], flush=True)
    with opening("rivals", "ETTh1, OT, the last 4 months", SETTINGS, reason=given.reason) as opened:
        scores = {name: error(told, values) for name, told in first.items()}
        opened.update({name: score for name, (score, _) in scores.items()})
    PAGE.write_text(page(seconds, first, scores))


def page(
    seconds: dict[str, list[float]],
    first: dict[str, dict[str, Any]],
    scores: dict[str, tuple[float, int]],
) -> str:
    """The page as Markdown."""
    ours = min(seconds["Longshort"])
    rows = [
        f"| {name} {first[name]['versions']} | {min(times):.1f} | {min(times) / ours:.2f} | "
        f"{first[name]['parameters']:,} | {scores[name][0]:.3f} | {CONTENDERS[name]} |"
        for name, times in seconds.items()
    ]
    told = ", ".join(f"{name} {value}" for name, value in SETTINGS.items())
    return "\n".join(
        [
            "# Beside NeuralForecast and Darts",
            "",
            "Written by `python benchmarks/rivals.py`, which says what is measured. ETTh1's oil "
            f"temperature, {scores['Longshort'][1]} forecasts of 24 hours; one LSTM layer, Adam, "
            f"mean absolute error as loss; {told}.",
            "",
            "| whole process | seconds | times ours | parameters | MAE | what it does |",
            "|---|---:|---:|---:|---:|---|",
            *rows,
            "",
            f"Shortest of {len(seconds['Longshort'])} runs in turns, imports included; "
            f"{os.cpu_count()} cores, {platform.machine()}, PyTorch {torch.__version__} for all. "
            "MAE in standard deviations of the first 12 months, one seed each: it shows that all "
            "of them learn, not which is better.",
            "",
        ]
    )


if __name__ == "__main__":
    main()
