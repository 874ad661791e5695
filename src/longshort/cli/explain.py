"""``longshort explain``: which columns the forecasts of a model lean on, and where in time."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from longshort import artifact
from longshort.cli.terminal import notes, plain
from longshort.cli.terminal import out as terminal
from longshort.report.document import explained_page
from longshort.report.leanings import summary
from longshort.tasks.forecast import Forecaster


def explain(
    model: Annotated[Path, typer.Argument(help="A model.lstm file.")],
    data: Annotated[Path, typer.Argument(help="The file it was fitted on.")],
    out: Annotated[Path, typer.Option(help="The page to write, or the record as .json.")] = Path(
        "explained.html"
    ),
) -> None:
    """Tell what forecasts lean on: columns, rows before, and what is lost without them.

    longshort explain seattle/model.lstm weather.csv --out seattle-explained.html

    It reads windows of the validation part; the test part stays shut.
    """
    found = Forecaster.from_file(model).explain(data)
    for sentence in summary(found):
        terminal.print(plain(sentence))
    text = found.to_json() if out.suffix == ".json" else explained_page(found)
    artifact.write_bytes(out, text.encode())
    notes.print(f"explained: {plain(str(out))}")
