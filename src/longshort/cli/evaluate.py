"""``longshort evaluate``: a model on data that go on after what it has seen."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, cast

import typer

from longshort.cli.fit import make_folder, write_evaluation
from longshort.cli.terminal import out as terminal
from longshort.cli.terminal import show
from longshort.tasks.files import load
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
    out: Annotated[
        Path | None, typer.Option(help="A folder for report.html and evaluation.json.")
    ] = None,
) -> None:
    """Compare a model with its yardsticks on the rows after those it has seen.

    longshort evaluate seattle/model.lstm weather.csv --out spring
    """
    estimator = load(model)
    folder = None if out is None else make_folder(out)
    found = estimator.evaluate(
        data, level=level, adaptive=adaptive, yardsticks=cast(Choice, yardsticks)
    )
    show(found)
    if folder is not None:
        write_evaluation(found, folder)
        terminal.print(f"report: {folder / 'report.html'}")
