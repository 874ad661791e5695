"""Large tables through the command line: time, memory and windows per second of fit and predict.

Each command runs in a process of its own. Its memory is the most that it ever held, less what an
interpreter holds that has imported everything. Writes ``docs/benchmarks/scale.md``.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import polars as pl
from polars.io.plugins import register_io_source

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs" / "benchmarks" / "scale.md"

# runs a command and says how long it took and what it held, in MiB
CHILD = """
import json, sys, time
import longshort
[getattr(longshort, name) for name in longshort.__all__]
from longshort.cli.app import main

def most():
    lines = open("/proc/self/status").read().splitlines()
    return int(next(line for line in lines if line.startswith("VmHWM")).split()[1]) / 1024

before, begun, code = most(), time.perf_counter(), 0
try:
    main(sys.argv[1:])
except SystemExit as end:
    code = end.code or 0
spent = time.perf_counter() - begun
print(json.dumps({"seconds": spent, "memory": most() - before, "code": code}))
"""


class Case(NamedTuple):
    """A table of so many series of so many hourly rows, and how it is fitted."""

    name: str
    series: int
    rows: int
    options: tuple[str, ...]


QUICK = ("--epochs", "1", "--members", "1")
OWN = ("--mode", "recursive", "--category", "series")
CASES = (
    Case(
        "10 million rows: 1,000 series of 10,000",
        1000,
        10_000,
        ("--horizon", "24", "--steps", "2000", "--test", "0.02", *QUICK),
    ),
    Case(
        "10 million rows: 100,000 series of 100",
        100_000,
        100,
        ("--horizon", "8", "--steps", "2000", *QUICK),
    ),
    Case("50,000 series of 30", 50_000, 30, ("--horizon", "3", "--steps", "2000", *QUICK)),
    Case(
        "100,000 series of 100, recursive, a vector for each",
        100_000,
        100,
        ("--horizon", "8", "--steps", "2000", *QUICK, *OWN),
    ),
)


def make(path: Path, series: int, rows: int) -> None:
    """A Parquet table of five columns: series, time, y, and two covariates."""
    time = np.datetime64("2020-01-01", "us") + np.arange(rows) * np.timedelta64(1, "h")
    wave = 10 * np.sin(2 * np.pi * np.arange(rows) / 24)
    step = max(1, 1_000_000 // rows)

    def part(start: int) -> pl.DataFrame:
        count = min(step, series - start)
        rng = np.random.default_rng(start)
        x = rng.normal(size=(count, rows)).round(2)
        y = rng.normal(100, 30, (count, 1)) + wave + 2 * x + rng.normal(size=(count, rows))
        return pl.DataFrame(
            {
                "series": np.repeat([f"series {start + n:06d}" for n in range(count)], rows),
                "time": np.tile(time, count),
                "y": y.round(2).ravel(),
                "x": x.ravel(),
                "z": rng.integers(0, 50, count * rows).astype(np.float64),
            }
        )

    def parts(*_: Any) -> Iterator[pl.DataFrame]:
        for start in range(0, series, step):
            yield part(start)

    register_io_source(parts, schema=part(0)[:1].schema).sink_parquet(path)


def measure(*arguments: str) -> dict[str, float]:
    """Run ``longshort`` with these arguments in a new process: seconds, MiB and exit code."""
    command = [sys.executable, "-c", CHILD, *arguments]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    if done.returncode:
        raise SystemExit(done.stderr)
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return {**found, "said": done.stderr} if found["code"] else found


def fit_arguments(table: Path, out: Path, options: tuple[str, ...]) -> list[str]:
    """A fit of one model for all series, each on its own scale."""
    columns = ["--time", "time", "--group", "series", "--target", "y", "--per-series"]
    return ["fit", "forecast", str(table), *columns, *options, "--out", str(out)]


def run(case: Case, folder: Path) -> list[str]:
    """A case's rows of the page."""
    table, out, ahead = (folder / name for name in ("table.parquet", "fitted", "ahead.parquet"))
    make(table, case.series, case.rows)
    fit = measure(*fit_arguments(table, out, case.options))
    epoch = json.loads((out / "history.jsonl").read_text().splitlines()[0])
    steps = int(case.options[case.options.index("--steps") + 1])
    rate = 32 * steps / epoch["seconds"]
    predict = measure("predict", str(out / "model.lstm"), str(table), "--out", str(ahead))
    if fit["code"] or predict["code"]:
        raise SystemExit(f"{case.name}: {fit} {predict}")
    found = pl.col("y").is_finite().all().alias("finite"), pl.col("series").n_unique()
    told = pl.scan_parquet(ahead).select(pl.len().alias("rows"), *found).collect()
    written, finite, series = told.select("rows", "finite", "series").row(0)
    horizon = int(case.options[case.options.index("--horizon") + 1])
    if not finite or (written, series) != (horizon * case.series, case.series):
        raise SystemExit(f"{case.name}: {written} rows of {series} series, finite: {finite}")
    size = table.stat().st_size / 2**20
    return [
        f"| {case.name} ({size:.0f} MiB) | fit | {fit['seconds']:.0f} s | {fit['memory']:,.0f} MiB "
        f"| {rate:,.0f} windows per second in training |",
        f"| | predict | {predict['seconds']:.0f} s | {predict['memory']:,.0f} MiB "
        f"| {written:,} rows written, {case.series / predict['seconds']:,.0f} series per second |",
    ]


def put(case: Case, rows: list[str]) -> None:
    """Write a case's rows into the page, beside those of the others that stand there."""
    text = PAGE.read_text(encoding="utf-8") if PAGE.exists() else ""
    lines = [line for line in text.splitlines() if line.startswith("| ") and " | " in line][1:]
    pairs = {lines[at].partition(" (")[0][2:]: lines[at : at + 2] for at in range(0, len(lines), 2)}
    pairs[case.name] = rows
    table = ["| table | command | time | memory | rate |", "|---|---|---:|---:|---|"]
    for known in CASES:
        table += pairs.get(known.name, [])
    told = f"One thread, Python {platform.python_version()}, {platform.machine()}, with other work."
    PAGE.write_text("\n".join([*HEAD, *table, "", told, ""]), encoding="utf-8")


HEAD = (
    "# Large tables",
    "",
    "Written by `python benchmarks/scale.py`. Parquet tables of five columns through the command "
    "line: a fit of one network for all series, with its evaluation, and the forecast of every "
    "series. Memory is the most that a process held, less what an interpreter holds that has "
    "imported everything.",
    "",
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    names = [case.name for case in CASES]
    parser.add_argument("--only", choices=names, help="one table; the others stay as they are")
    only = parser.parse_args().only
    for case in CASES:
        if only in (None, case.name):
            with tempfile.TemporaryDirectory() as folder:
                rows = run(case, Path(folder))
            print(*rows, sep="\n", flush=True)
            put(case, rows)


if __name__ == "__main__":
    main()
