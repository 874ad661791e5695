"""Seattle's weather: the README's table and pictures, and an entry in the ledger.

Fitted on 2012 and 2013, chosen on 2014, tested on 2015, with the settings of ``make forecast``.
``--refit`` fits on 2014 as well once its choices are made, the yardsticks too. ``--valid`` scores
2014 instead and opens no test part; ``--reason`` says why it is opened again.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence

import polars as pl
import torch
import vl_convert
from record import ROOT, opening, write_block

from longshort import Columns, Evaluation, Forecaster, Split, Training
from longshort.report.charts import one_step_chart
from longshort.report.table import score_table

DATA = ROOT / "examples" / "seattle-weather.csv"
COLUMNS = Columns(time="date", target=["temp_max", "temp_min"])


def mae(found: Evaluation, method: str, target: str, steps: Sequence[int]) -> float:
    rows = [
        row.mae
        for row in found.steps
        if (row.method, row.target) == (method, target) and row.step in steps
    ]
    return sum(rows) / len(rows)


def block(found: Evaluation, seconds: float) -> str:
    """The README's tables: error in degrees by target and horizon, then every measure."""
    week = range(1, found.horizon + 1)
    methods = list(dict.fromkeys(score.method for score in found.scores))
    heads = [f"{target}, {when}" for target in found.targets for when in ("day 1", "days 1-7")]
    lines = ["", "| mean absolute error, degrees C | " + " | ".join(heads) + " |"]
    lines.append("|---|" + "---:|" * len(heads))
    for method in methods:
        cells = [
            f"{mae(found, method, target, steps):.3f}"
            for target in found.targets
            for steps in ((1,), week)
        ]
        name = f"**{method}**" if method == "LSTM" else method
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    table = score_table(found)
    names = [column.name for column in table.columns]
    for target in found.targets:
        lines += ["", f"| {target}, days 1-7 | " + " | ".join(names) + " |"]
        lines.append("|---|" + "---:|" * len(names))
        for row in table.rows:
            if row.target == target:
                cells = [f"**{cell.text}**" if cell.best else cell.text for cell in row.cells]
                lines.append(f"| {row.method} | " + " | ".join(cells) + " |")
    lines += ["", f"> {found.verdict}", ""]
    lines.append(
        f"Training took {seconds:.0f} s on {found.environment['threads']} thread"
        f"{'' if found.environment['threads'] == '1' else 's'} ({found.settings['model']}; "
        f"{found.environment['engine'].split(':')[0]} engine). Skill is 1 - MAE / MAE of the "
        "reference, the naive rule that was best on the validation part, with a 95 % moving-block "
        "bootstrap interval; CRPS is computed from 19 quantile levels, the same for every method.\n"
    )
    return "\n".join(lines)


def sentence(found: Evaluation) -> str:
    """The LSTM and the best other method in words, for each target and horizon."""
    parts = []
    for target in found.targets:
        for when, steps in (("day 1", (1,)), ("days 1-7", range(1, 8))):
            ours = mae(found, "LSTM", target, steps)
            others = {s.method: mae(found, s.method, target, steps) for s in found.scores}
            del others["LSTM"]
            best = min(others, key=others.__getitem__)
            parts.append(f"{target}, {when}: {ours:.3f} beside {others[best]:.3f} ({best})")
    return "; ".join(parts) + "."


def picture(chart: object, name: str) -> None:
    (ROOT / "docs" / "images").mkdir(exist_ok=True)
    data = vl_convert.vegalite_to_png(chart.to_json(), scale=1.5)  # type: ignore[attr-defined]
    (ROOT / "docs" / "images" / name).write_bytes(data)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--valid", action="store_true", help="score 2014; open no test part")
    parser.add_argument("--refit", action="store_true", help="fit on 2014 as well, after choosing")
    parser.add_argument("--reason", default="", help="why the test part is opened again")
    given = parser.parse_args()
    only_valid, refit = given.valid, given.refit
    weather = pl.read_csv(DATA, try_parse_dates=True)
    if only_valid:
        # 2013 stops the training, 2014 is scored
        weather = weather.filter(pl.col("date").dt.year() < 2015)
        split = Split(valid="2013-07-01", test="2014-01-01")
    else:
        split = Split(valid="2014-01-01", test="2015-01-01")
    training = Training(refit=refit)
    model = Forecaster(COLUMNS, horizon=7, split=split, training=training)
    begun = time.perf_counter()
    model.fit(weather)
    seconds = time.perf_counter() - begun
    if only_valid:
        print(block(model.evaluate(weather), seconds))
        return
    chosen = model.get_params().items()
    frozen = {name: str(value) for name, value in chosen if not hasattr(value, "get_params")}
    goals = {
        "temp_max day 1": "at most 2.16, aim 2.06",
        "temp_min day 1": "at most 1.40, aim 1.35",
        "temp_max days 1-7": "at most 2.85, aim 2.65",
    }
    threads = str(torch.get_num_threads())
    with opening(
        "seattle", "2015", frozen, reason=given.reason, threads=threads, goals=goals
    ) as scored:
        found = model.evaluate(weather)
        for target in found.targets:
            for name, steps in (("day 1", (1,)), ("days 1-7", range(1, 8))):
                scored[f"{target} {name}"] = round(mae(found, "LSTM", target, steps), 4)
    text = block(found, seconds)
    print(text)
    if refit:
        write_block("seattle-refit", sentence(found))
    else:
        write_block("seattle", text)
        picture(one_step_chart(found), "forecast.png")
        picture(model.plot(weather), "ahead.png")


if __name__ == "__main__":
    main()
