"""The benchmark of detectors: alarms in servers' loads and the prices of advertisements.

    python benchmarks/anomaly.py --half development    measure the series that recipes are chosen on
    python benchmarks/anomaly.py --half other          open the labels of the others, once
    python benchmarks/anomaly.py --page                write the page from the records

The 22 labelled series of the Numenta Anomaly Benchmark that are metrics of Amazon's CloudWatch and
ad exchange rates. Sorted by name, every other one from the first on is the development half: what
is smoothed, adapted and capped was chosen on its labels, and on none of the other half's. What was
measured stands in ``benchmarks/records/anomaly``; the page, ``docs/benchmarks/anomaly.md``, is made
of it alone. Data lie in the folder that the variable ``LONGSHORT_DATA`` names, in ``anomaly/data``
and ``anomaly/labels``. ``--reason`` says why labels are opened again.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import torch
from anomalous.page import written
from record import ROOT, opening

from longshort import AnomalyDetector, Columns, Threshold
from longshort.data.sequences import Sequences
from longshort.data.splits import Cuts, Portion
from longshort.evaluate.alarms import Tally, Test, judged
from longshort.metrics.anomalies import PROFILES
from longshort.tasks.anomalies.judging import detector_method, threshold_rule
from longshort.tasks.anomalies.tables import read_labelled
from longshort.yardsticks.anomalies.base import AnomalyMethod
from longshort.yardsticks.anomalies.roster import roster

RECORDS = ROOT / "benchmarks" / "records" / "anomaly"
PAGE = ROOT / "docs" / "benchmarks" / "anomaly.md"
FOLDERS = ("realAWSCloudwatch", "realAdExchange")
# the part of each series that is learnt from; rows that labels fade over in VUS
SHARE, BUFFER = 0.15, 20
# alarms in as many rows that thresholds are set for
ROWS = 1000
MEASURES = ("auc_pr", "vus_pr", "auc_roc", "vus_roc")
GOALS = {"auc_pr": 0.28, "vus_pr": 0.28}


def recipe() -> AnomalyDetector:
    """The detector: the library's own settings. Rows are read as equally spaced."""
    return AnomalyDetector(
        Columns("timestamp", target="value", past=()), threshold=Threshold(), fill="ignore"
    )


def frozen() -> dict[str, str]:
    """Every setting in words, for the ledger."""
    return {name: str(value) for name, value in recipe().get_params(deep=False).items()}


def folder() -> Path:
    """Where data and labels lie."""
    place = os.environ.get("LONGSHORT_DATA")
    if not place:
        raise SystemExit("LONGSHORT_DATA names no folder with anomaly/data and anomaly/labels")
    return Path(place) / "anomaly"


def windows() -> dict[str, Any]:
    """The labelled windows of every series that has one, by its name."""
    found = json.loads((folder() / "labels" / "combined_windows.json").read_text())
    return {name: found[name] for name in sorted(found) if name.startswith(FOLDERS) and found[name]}


def halves() -> dict[str, list[str]]:
    """Names of the series that recipes are chosen on, and of the others."""
    names = list(windows())
    return {"development": names[::2], "other": names[1::2]}


def table(name: str) -> pl.DataFrame:
    """A series; of rows with one stamp, each comes a second after the one before it."""
    found = pl.read_csv(folder() / "data" / name, try_parse_dates=True)
    stamps = found["timestamp"].to_numpy().astype("datetime64[us]").copy()
    for row in range(1, len(stamps)):
        stamps[row] = max(stamps[row], stamps[row - 1] + np.timedelta64(1, "s"))
    return found.with_columns(timestamp=stamps)


def fitted(frame: pl.DataFrame) -> tuple[AnomalyDetector, Sequences, float]:
    """A detector of the first rows of a series, the whole series, and the seconds it took."""
    begun = time.process_time()
    detector = recipe().fit(frame[: int(SHARE * frame.height)])
    seconds = time.process_time() - begun
    given = detector.columns_, detector.fill, None, None, detector.encoding_
    return detector, read_labelled(frame, *given)[0], seconds


def measured(name: str, labels: list[list[str]]) -> dict[str, Any]:
    """Every method on the rows of one series after those that were learnt from."""
    detector, series, seconds = fitted(table(name))
    stamps = series.times
    assert stamps is not None
    marks = np.zeros(len(stamps), bool)
    for start, end in labels:
        marks |= (stamps >= np.datetime64(start)) & (stamps <= np.datetime64(end))
    first, end = np.array([int(SHARE * len(stamps))]), np.array([len(stamps)])
    portion = Portion(series, Cuts(first, first, end))
    test = Test.of(portion, marks, BUFFER)
    rule = threshold_rule(series, detector.threshold)
    found: dict[str, Any] = {
        "rows": len(stamps),
        "labelled": float(test.labels[0].mean()) if test.labels else 0.0,
        "threshold": detector.threshold_.told,
        "methods": {},
    }
    for method, spent in methods(detector, series.crop(0, first), seconds):
        tally = Tally.of(judged(method, test, rule), test)
        met, missed, false, alarms = tally.counts[0, :4].astype(int).tolist()
        found["methods"][method.name] = {
            **{each: float(tally.value(each)) for each in MEASURES},
            "nab": {profile: tally.nab[profile][0].tolist() for profile in PROFILES},
            "met": met, "missed": missed, "false": false, "alarms": alarms, "seconds": spent,
        }  # fmt: skip
    return found


def methods(
    detector: AnomalyDetector, train: Sequences, seconds: float
) -> list[tuple[AnomalyMethod, float]]:
    """The detector and every yardstick, fitted on the same rows, with the seconds it took."""
    apart = detector.threshold.apart
    found = [(detector_method("LSTM", detector.score_rows, ("value",), apart), seconds)]
    for yardstick in roster(train, "all").yardsticks:
        begun = time.process_time()
        method = yardstick.fit(train, 0)
        found.append((method, time.process_time() - begun))
    return found


def measure(half: str, keep: Callable[[dict[str, Any]], None]) -> dict[str, Any]:
    """Every series of a half, written down as it comes."""
    every, found = windows(), dict[str, Any]()
    for name in halves()[half]:
        found[name] = measured(name, every[name])
        keep(found)
        ours = found[name]["methods"]["LSTM"]
        told = " ".join(f"{each} {ours[each]:.3f}" for each in MEASURES[:2])
        print(f"{name}: {told}, {ours['seconds']:.0f} s", flush=True)
    return found


def means(found: dict[str, Any], method: str = "LSTM") -> dict[str, float]:
    """Mean scores of a method over series."""
    own = [each["methods"][method] for each in found.values()]
    return {each: round(float(np.mean([row[each] for row in own])), 4) for each in MEASURES}


def kept(half: str) -> dict[str, Any]:
    """What was measured of a half so far."""
    path = RECORDS / f"{half}.json"
    return json.loads(path.read_text()) if path.exists() else {}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--half", choices=("development", "other"))
    parser.add_argument("--page", action="store_true", help="write the page from the records alone")
    parser.add_argument("--reason", default="", help="why labels are opened again")
    given = parser.parse_args()
    RECORDS.mkdir(parents=True, exist_ok=True)

    def keep(found: dict[str, Any]) -> None:
        text = json.dumps({"frozen": frozen(), "series": found}, indent=1)
        (RECORDS / f"{given.half}.json").write_text(text + "\n")

    if given.half == "development":
        print(means(measure("development", keep)))
    elif given.half == "other":
        threads = str(torch.get_num_threads())
        with opening(
            "anomaly", "other half", frozen(), reason=given.reason, threads=threads,
            goals={name: f"at least {must}, of both halves" for name, must in GOALS.items()},
        ) as scored:  # fmt: skip
            found = measure("other", keep)
            scored.update(means(found))
        print(means(found))
    PAGE.write_text(written(kept("development"), kept("other"), GOALS))


if __name__ == "__main__":
    main()
