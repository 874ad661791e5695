"""``longshort explain``: what the answers of a model lean on."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from longshort.cli.kinds import opened


def explain(
    model: Annotated[Path, typer.Argument(help="A model.lstm file.")],
    data: Annotated[
        str, typer.Argument(help="The file it was fitted on; of labels any file, or a text.")
    ],
    out: Annotated[
        Path | None,
        typer.Option(
            help="The page to write, or the record as .json.",
            show_default="explained.html of forecasts",
        ),
    ] = None,
) -> None:
    """Tell what forecasts lean on: columns, rows before; or which words or rows decided a label.

    longshort explain seattle/model.lstm weather.csv --out seattle-explained.html

    longshort explain reviews/model.lstm "a fine film, if a little long"

    Of forecasts it reads windows of the validation part; the test part stays shut.
    """
    estimator, commands = opened(model)
    commands.explain(estimator, data, out)
