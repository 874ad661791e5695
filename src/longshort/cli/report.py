"""``longshort report``: an evaluation record drawn as one HTML page."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from longshort import artifact
from longshort.cli.terminal import notes
from longshort.errors import DataError
from longshort.records import Comparison, Evaluation
from longshort.report.document import comparison_page, page


def report(
    evaluation: Annotated[Path, typer.Argument(help="An evaluation.json or comparison.json file.")],
    out: Annotated[Path, typer.Option(help="The page to write.")] = Path("report.html"),
) -> None:
    """Draw an evaluation or a comparison again as one HTML page that needs no network.

    longshort report seattle/evaluation.json --out seattle.html
    """
    try:
        text = evaluation.read_bytes()
    except OSError as error:
        raise DataError(f"{evaluation}: cannot be read: {error.strerror}") from error
    if b'"contenders"' in text:
        drawn = comparison_page(Comparison.from_json(text, str(evaluation)))
    else:
        drawn = page(Evaluation.from_json(text, str(evaluation)))
    artifact.write_bytes(out, drawn.encode())
    notes.print(f"report: {out}")
