"""``longshort evaluate``: a model on data that go on after what it has seen."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, cast

import typer

from longshort.cli.fit import INTERRUPTED, make_folder, write_evaluation
from longshort.cli.terminal import RunsProgress, notes, show
from longshort.cli.terminal import out as terminal
from longshort.errors import ArgumentError
from longshort.tasks.backtest import Judged, backtest
from longshort.tasks.files import load
from longshort.tasks.forecast import Forecaster
from longshort.yardsticks.roster import Choice


def evaluate(
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
    out: Annotated[
        Path | None, typer.Option(help="A folder for report.html and evaluation.json.")
    ] = None,
) -> None:
    """Compare a model with its yardsticks on the rows after those it has seen.

    longshort evaluate seattle/model.lstm weather.csv --out spring

    longshort evaluate seattle/model.lstm weather.csv --rolling 5 --out spring

    With --rolling and --out, the folder keeps the model of every fold that is done; after a kill or
    Ctrl-C the same command goes on from there.
    """
    estimator = cast(Forecaster, load(model))
    if rolling is None and judged != "test":
        raise ArgumentError(f"--part {judged}: parts are judged by folds; add --rolling 5")
    if rolling is not None and every is not None:
        raise ArgumentError(f"--every {every}: folds are forecast from every row; leave it out")
    folder = None if out is None else make_folder(out)
    asked = cast(Choice, yardsticks)
    if rolling is None:
        found = estimator.evaluate(
            data, level=level, adaptive=adaptive, yardsticks=asked, every=every
        )
    else:
        progress = RunsProgress()
        kept = None if folder is None or not refit else folder / "folds"
        try:
            found = backtest(
                estimator,
                data,
                folds=rolling,
                refit=refit,
                part=cast(Judged, judged),
                level=level,
                adaptive=adaptive,
                yardsticks=asked,
                folder=kept,
                progress=progress,
            )
        except KeyboardInterrupt:
            left = "nothing is kept: give a folder with --out"
            notes.print(f"interrupted: {'the same command goes on from here' if kept else left}")
            raise typer.Exit(INTERRUPTED) from None
        finally:
            progress.close()
    show(found)
    if folder is not None:
        write_evaluation(found, folder)
        terminal.print(f"report: {folder / 'report.html'}")
