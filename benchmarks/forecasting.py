"""The forecasting benchmark: LSTM, GRU, RNN and Transformer beside every yardstick.

    python benchmarks/forecasting.py --valid                   score validation parts, open no test
    python benchmarks/forecasting.py --only etth1-96,taylor    open the test parts of these sets
    python benchmarks/forecasting.py --page                    write the page from what is on record

Each set keeps what was measured in ``benchmarks/records/forecasting``, and the page,
``docs/benchmarks/forecasting.md``, is made of these records alone. Every recipe was chosen on the
validation part. ``--rows`` measures some networks alone, and ``--reason`` says why a test part is
opened again. ``forecasts.data`` says where the series come from.
"""

from __future__ import annotations

import argparse
import json
import time
from typing import Any

import polars as pl
import torch
from forecasts.page import page
from forecasts.peers import Alone, Transformer, matched, parameters
from forecasts.score import (
    LEVEL,
    adaptive_coverage,
    coverage,
    errors,
    measure,
    test_windows,
    told_errors,
)
from forecasts.sets import SETS, Set
from record import ROOT, opening

from longshort import Forecaster, Training
from longshort.evaluate.forecast import environment

RECORDS = ROOT / "benchmarks" / "records" / "forecasting"
PAGE = ROOT / "docs" / "benchmarks" / "forecasting.md"
# networks of a row: one each from so many seeds, and their mean
SEEDS = 3
LINE, WITHOUT = "highway alone", "LSTM without highway"
ROWS = ("LSTM", "GRU", "RNN", "Transformer", LINE, WITHOUT)


def settings(task: Set, row: str, table: pl.DataFrame) -> tuple[type[Forecaster], dict[str, Any]]:
    """The estimator of a row, and its arguments: as many parameters as the LSTM has."""
    given: dict[str, Any] = {"columns": task.columns, "horizon": task.horizon, "split": task.split}
    given |= {"training": Training(), **task.recipe}
    given["training"] = given["training"].set_params(members=SEEDS)
    plain = Forecaster(**given)
    recurrent, decoder = plain.recurrent, plain.decoder
    if row == WITHOUT:
        return Forecaster, {**given, "decoder": decoder.set_params(highway="none")}
    if row == LINE:
        return Alone, {**given, "recurrent": recurrent.set_params(size=1)}
    if row == "LSTM":
        return Forecaster, given
    kind = Transformer if row == "Transformer" else Forecaster
    cell = "lstm" if row == "Transformer" else row.lower()
    given["recurrent"] = recurrent.set_params(cell=cell)
    own = {**given, "recurrent": recurrent}
    size = matched(kind, table, given, parameters(Forecaster, table, own))
    return kind, {**given, "recurrent": given["recurrent"].set_params(size=size)}


def fitted(task: Set, row: str, table: pl.DataFrame) -> tuple[Forecaster, dict[str, Any]]:
    """A row's networks, and what they cost."""
    kind, given = settings(task, row, table)
    begun = time.process_time()
    model = kind(**given).fit(table)
    spent = time.process_time() - begun
    last = [max(e.epoch for e in model.history_.epochs if e.member == n) for n in range(SEEDS)]
    cost = {
        "parameters": parameters(kind, table, given),
        "size": given["recurrent"].size if "recurrent" in given else model.recurrent.size,
        "seconds": spent / SEEDS,
        "epochs": sum(last) / SEEDS + 1,
    }
    return model, cost


def members(model: Forecaster) -> list[Forecaster]:
    """Each network as a forecaster of its own."""
    found = []
    for network in model.models_:
        one = model.__class__(**model.get_params(deep=False))
        one.__dict__.update(model.__dict__)
        one.models_ = [network]
        found.append(one)
    return found


def spreads(task: Set, table: pl.DataFrame) -> list[float]:
    """What errors are divided by, by target: standard deviations of the first rows, or 1."""
    if not task.fixed:
        return [1.0] * len(task.columns.target)
    return [float(table[: task.fixed][name].std(ddof=0)) for name in task.columns.target]


def scored(task: Set, told: dict[str, Any], spread: list[float]) -> dict[str, float | None]:
    return {name: measure(name, told, task, spread) for name in task.measures}


def valid(task: Set, rows: list[str]) -> None:
    """Every network on the validation part; the test part is not read."""
    table = before_test(task)
    task = task.without_test()
    spread = spreads(task, table)
    for row in rows:
        model, cost = fitted(task, row, table)
        windows = model._learn(table).valid
        own = [scored(task, errors(one, windows), spread) for one in (model, *members(model))]
        shown = {
            name: f"{own[0][name]:.4f} ({', '.join(f'{one[name]:.4f}' for one in own[1:])})"
            for name in task.measures
            if own[0][name] is not None
        }
        print(f"{task.name}, {row}, valid: {shown}, {cost}", flush=True)


def before_test(task: Set) -> pl.DataFrame:
    """The rows that come before the test part."""
    table, test = task.read(), task.split.test
    if isinstance(test, str):
        time = table[task.columns.time]
        return table.filter(time < pl.Series([test]).str.to_datetime().cast(time.dtype)[0])
    return table[: round(len(table) * (1 - float(test or 0)))]


def measured(task: Set, rows: list[str], found: dict[str, Any], reason: str) -> None:
    """Fit every row on training and validation part, then open the test part and score it."""
    table = task.read()
    spread = spreads(task, table)
    models = {row: fitted(task, row, table) for row in rows}
    frozen = {name: str(value) for name, value in task.recipe.items()}
    frozen |= {"seeds": SEEDS, "rows": list(ROWS)}
    goals = {goal.measure: f"at most {goal.must}" for goal in task.goals}
    with opening(
        task.benchmark or f"forecasting, {task.name}",
        task.part,
        frozen,
        reason=reason,
        threads=str(torch.get_num_threads()),
        goals=goals,
    ) as opened:
        for row, (model, cost) in models.items():
            if row == "LSTM":
                judge(task, model, table, spread, found)
            windows = test_windows(model, table)
            own = [errors(one, windows) for one in (model, *members(model))]
            found.setdefault("networks", {})[row] = cost | {
                "scores": scored(task, own[0], spread),
                "seeds": [scored(task, one, spread) for one in own[1:]],
                "coverage": sum(own[0]["coverage"]) / len(own[0]["coverage"]),
                "width": sum(w / s for w, s in zip(own[0]["width"], spread, strict=True))
                / len(spread),
            }
            opened[row] = scored(task, own[0], spread)
            print(task.name, row, opened[row], cost, flush=True)
    if "LSTM" in rows and task.curve:
        found["curve"] = curve(task, table, spread)


def judge(
    task: Set, model: Forecaster, table: pl.DataFrame, spread: list[float], found: dict[str, Any]
) -> None:
    """The LSTM beside the yardsticks: their scores, its coverage by step, and the verdict."""
    judged = model.evaluate(table, level=LEVEL, yardsticks=task.yardsticks)
    told = {score.method: told_errors(judged, score.method) for score in judged.scores}
    found["methods"] = {
        name: {
            "kind": one["kind"],
            "scores": scored(task, one, spread),
            "coverage": sum(one["coverage"]) / len(one["coverage"]),
            "width": sum(w / s for w, s in zip(one["width"], spread, strict=True)) / len(spread),
        }
        for name, one in told.items()
    }
    found["coverage"] = coverage(judged.steps, "LSTM")
    found["adaptive"] = adaptive_coverage(model, table)
    found["origins"], found["verdict"] = judged.origins, judged.verdict
    found["notes"], found["environment"] = list(judged.notes), environment()


def curve(task: Set, table: pl.DataFrame, spread: list[float]) -> list[dict[str, Any]]:
    """Scores after learning from the last rows before validation alone, a share of them."""
    told = []
    start = before_valid(task, table)
    for share in task.curve:
        part = table[start - start // share :]
        model, _ = fitted(task, "LSTM", part)
        windows = test_windows(model, part)
        line, _ = fitted(task, LINE, part)
        told.append(
            {
                "rows": start // share,
                "LSTM": scored(task, errors(model, windows), spread),
                LINE: scored(task, errors(line, windows), spread),
            }
        )
        print(task.name, told[-1], flush=True)
    return told


def before_valid(task: Set, table: pl.DataFrame) -> int:
    """Rows before the validation part."""
    time = table[task.columns.time]
    return int((time < pl.Series([task.split.valid]).str.to_datetime().cast(time.dtype)[0]).sum())


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", default=",".join(SETS), help="sets: " + ", ".join(SETS))
    parser.add_argument("--rows", default=",".join(ROWS), help="networks: " + ", ".join(ROWS))
    parser.add_argument("--valid", action="store_true", help="score validation; open no test part")
    parser.add_argument("--page", action="store_true", help="write the page from the records alone")
    parser.add_argument("--reason", default="", help="why a test part is opened again")
    given = parser.parse_args()
    for name in [] if given.page else given.only.split(","):
        task, rows = SETS[name], given.rows.split(",")
        if given.valid:
            valid(task, rows)
            continue
        path = RECORDS / f"{name}.json"
        found = json.loads(path.read_text()) if path.exists() else {}
        measured(task, rows, found, given.reason)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n")
    if not given.valid:
        PAGE.parent.mkdir(parents=True, exist_ok=True)
        kept = {name: RECORDS / f"{name}.json" for name in SETS}
        PAGE.write_text(page({n: json.loads(p.read_text()) for n, p in kept.items() if p.exists()}))


if __name__ == "__main__":
    main()
