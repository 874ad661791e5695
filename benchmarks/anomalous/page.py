"""The page that is made of what was measured of detectors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from longshort.metrics.anomalies import PROFILES, Raw, nab_score

Record = Mapping[str, Any]

TEXT = """# Anomalies, measured

`benchmarks/anomaly.py` writes this page from what it measured (`benchmarks/records/anomaly`).
Losses are included.

The 22 labelled series of the Numenta Anomaly Benchmark (Lavin and Ahmad 2015) that are metrics of
Amazon's CloudWatch and ad exchange rates; one more has no label, and is left out. The first 15 % of
each series are learnt from, without labels; the rest is scored row by row, and no score depends on
a later row. Labels are windows of about a tenth of a series around each incident, so that a score
which only jumps for one row earns little.

**How the recipe was chosen.** Sorted by name, every other series is the development half. How
surprise is smoothed, adapted and capped was chosen on its labels; the labels of the other half were
then opened once (`benchmarks/ledger.json`). Both halves are reported. The recipe is what
`AnomalyDetector()` does without being told otherwise, with `fill="ignore"`, as some stamps are
missing or written twice.
"""
SCOREBOARD = """
### Beside the published scoreboard

From the README of the benchmark (github.com/numenta/NAB, NAB v1.0, standard profile): Numenta HTM
70.5 to 69.7, CAD OSE 69.9, KNN CAD 58.0, Relative Entropy 54.6, Random Cut Forest 51.7, Twitter
ADVec 47.1, Windowed Gaussian 39.6, Etsy Skyline 35.7, random 11.0. These are not comparable with
the column above in two ways: they are of all 58 series, and each detector has the one threshold
that is best on the labels of the whole benchmark. Ours are set without labels.
"""
NAMES = {"auc_pr": "AUC-PR", "vus_pr": "VUS-PR", "auc_roc": "AUC-ROC", "vus_roc": "VUS-ROC"}


def written(development: Record, other: Record, goals: Mapping[str, float]) -> str:
    """The page."""
    parts = {"development": named(development), "other": named(other)}
    whole = {**parts["development"], **parts["other"]}
    lines = [TEXT]
    if not whole:
        return "\n".join([*lines, "Nothing is measured yet.", ""])
    names = list(dict.fromkeys(name for each in whole.values() for name in each["methods"]))
    names = [name for name in names if all(name in each["methods"] for each in whole.values())]
    lines += ["## Scores of rows", ""]
    if len(parts["other"]):
        lines += [reached(whole, goals), "", *table(whole, names, "all series")]
    for half, own in parts.items():
        if own:
            lines += table(own, names, f"the {half} half")
    lines += alarms(whole, names)
    lines += [SCOREBOARD, "## Series by series", "", "AUC-PR and VUS-PR of the LSTM.", ""]
    lines += series(whole, parts["development"])
    lines += ["", "## The recipe", "", *settings(development or other), ""]
    return "\n".join(lines)


def named(record: Record) -> dict[str, Any]:
    """Series by name, their methods without the settings that differ from one to the next."""
    found = {}
    for name, each in record.get("series", {}).items():
        methods = {method.partition(" (")[0]: row for method, row in each["methods"].items()}
        found[name] = {**each, "methods": methods}
    return found


def mean(own: Record, method: str, measure: str) -> float:
    """Of a score over series."""
    return float(np.mean([each["methods"][method][measure] for each in own.values()]))


def reached(own: Record, goals: Mapping[str, float]) -> str:
    """Whether goals were met, in words."""
    told = []
    for name, must in goals.items():
        value = mean(own, "LSTM", name)
        verdict = "reached" if value >= must else "missed"
        told.append(f"{NAMES[name]} {value:.3f}, at least {must} was asked for: {verdict}")
    return f"Mean of {len(own)} series: {'; '.join(told)}."


def table(own: Record, names: Sequence[str], title: str) -> list[str]:
    """Mean scores of every method."""
    labelled = float(np.mean([each["labelled"] for each in own.values()]))
    lines = [
        f"Means over {title} ({len(own)}; {100 * labelled:.1f} % of the rows are labelled), and "
        "CPU seconds of fitting, of one core:", "",
        f"| method | {' | '.join(NAMES.values())} | s |",
        f"|---|{'---|' * (len(NAMES) + 1)}",
    ]  # fmt: skip
    for name in names:
        scores = " | ".join(f"{mean(own, name, measure):.3f}" for measure in NAMES)
        seconds = sum(each["methods"][name]["seconds"] for each in own.values())
        lines.append(f"| {name} | {scores} | {seconds:.1f} |")
    return [*lines, ""]


def alarms(own: Record, names: Sequence[str]) -> list[str]:
    """What alarms came to, and the scores of the benchmark itself."""
    lines = [
        "## Alarms", "",
        "Every method's threshold is set on the first 15 % alone, without labels, for one alarm in "
        "1,000 rows. An alarm is one detection, at its first row, and rows of the first 15 % count "
        "for nothing. The score of the benchmark: 100 is perfect, 0 is silence.", "",
        "| method | incidents found | missed | false alarms | NAB standard | low FP | low FN |",
        "|---|---|---|---|---|---|---|",
    ]  # fmt: skip
    for name in names:
        rows = [each["methods"][name] for each in own.values()]
        counts = [sum(row[part] for row in rows) for part in ("met", "missed", "false")]
        scores = [
            nab_score(
                [Raw(row["nab"][profile][0], int(row["nab"][profile][1])) for row in rows], profile
            )
            for profile in PROFILES
        ]
        told = " | ".join([*map(str, counts), *(f"{score:.1f}" for score in scores)])
        lines.append(f"| {name} | {told} |")
    return lines


def series(own: Record, development: Record) -> list[str]:
    """Each series, and which half it is in."""
    lines = [
        "| series | half | rows | labelled | AUC-PR | VUS-PR | found | false |",
        "|---" * 8 + "|",
    ]
    for name in sorted(own):
        each, ours = own[name], own[name]["methods"]["LSTM"]
        half = "development" if name in development else "other"
        lines.append(
            f"| {name.removesuffix('.csv')} | {half} | {each['rows']} | "
            f"{100 * each['labelled']:.1f} % | {ours['auc_pr']:.3f} | {ours['vus_pr']:.3f} | "
            f"{ours['met']} of {ours['met'] + ours['missed']} | {ours['false']} |"
        )
    return lines


def settings(found: Record) -> list[str]:
    """Every setting, as the ledger has it."""
    left_out = ("device", "labels", "clean")
    told = {name: value for name, value in found["frozen"].items() if name not in left_out}
    return [f"- {name}: `{' '.join(str(value).split())}`" for name, value in told.items()]
