"""``longshort evaluate``: a model on data that it has not seen, beside its yardsticks."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from longshort.cli.kinds import fitting, opened
from longshort.cli.options import Outcomes
from longshort.cli.records import show_record, write_record
from longshort.cli.running import make_folder
from longshort.cli.terminal import out as terminal


def evaluate(
    ctx: typer.Context,
    model: Annotated[Path, typer.Argument(help="A model.lstm file.")],
    data: Annotated[
        Path, typer.Argument(help="The file it was fitted on, with the rows that came since.")
    ],
    level: Annotated[float, typer.Option(help="Nominal coverage of the intervals.")] = 0.8,
    adaptive: Annotated[
        float | None,
        typer.Option(help="Intervals follow what they missed at this rate, such as 0.05."),
    ] = None,
    yardsticks: Annotated[
        str, typer.Option(help="all, or quick: rules and ridge autoregression alone.")
    ] = "all",
    every: Annotated[
        int | None,
        typer.Option(help="Rows from one origin to the next; else from every row, if paths allow."),
    ] = None,
    rolling: Annotated[
        int | None, typer.Option(help="Cut these rows by time into so many folds, 2 or more.")
    ] = None,
    refit: Annotated[
        bool,
        typer.Option(
            help="Before each fold, fit model and yardsticks anew on everything before it."
        ),
    ] = True,
    judged: Annotated[
        str,
        typer.Option(
            "--part",
            help="With --rolling: test, or valid, the validation part, which opens no test part.",
        ),
    ] = "test",
    metric: Annotated[
        str, typer.Option(help="Of labels: accuracy, macro_f1, auroc, ... leads the verdict.")
    ] = "macro_f1",
    cache: Annotated[
        bool, typer.Option("--cache", help="Of language: a row with a neural cache, too.")
    ] = False,
    dynamic: Annotated[
        bool, typer.Option("--dynamic", help="Of language: a row with dynamic evaluation, too.")
    ] = False,
    truth: Annotated[
        str | None,
        typer.Option("--labels", help="Of detectors: a column of 1 for anomalies, or a JSON file."),
    ] = None,
    outcomes: Outcomes = None,
    out: Annotated[
        Path | None, typer.Option(help="A folder for report.html and evaluation.json.")
    ] = None,
) -> None:
    """Compare a model with its yardsticks on what it has not seen.

    longshort evaluate seattle/model.lstm weather.csv --out spring

    longshort evaluate seattle/model.lstm weather.csv --rolling 5 --out spring

    longshort evaluate reviews/model.lstm reviews.csv --out judged

    longshort evaluate watch/model.lstm sensors.csv --labels incidents.json --out judged

    Forecasts are judged on the rows after those that were fitted on; labels on the test part of the
    same split, or on other data as a whole. --level, --adaptive, --every, --rolling, --refit and
    --part are of forecasts, --metric is of labels, --cache and --dynamic are of language,
    --labels is of detectors, which are judged on the rows after those that were fitted on.

    With --rolling and --out, the folder keeps the model of every fold that is done; after a kill or
    Ctrl-C the same command goes on from there.
    """
    estimator, commands = opened(model)
    given = {
        "level": level, "adaptive": adaptive, "yardsticks": yardsticks, "rolling": rolling,
        "every": every,
        "refit": refit, "judged": judged, "metric": metric, "outcomes": outcomes,
        "cache": cache, "dynamic": dynamic, "truth": truth,
    }  # fmt: skip
    options = fitting(ctx, commands.evaluate, estimator, given)
    folder = None if out is None else make_folder(out)
    found = commands.evaluate(estimator, data, folder, **options)
    show_record(found)
    if folder is not None:
        write_record(found, folder)
        terminal.print(f"report: {folder / 'report.html'}")
