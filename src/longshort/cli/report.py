"""``longshort report``: an evaluation record drawn as one HTML page."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from longshort import artifact
from longshort.cli.records import drawn, read_record
from longshort.cli.terminal import notes


def report(
    evaluation: Annotated[Path, typer.Argument(help="An evaluation.json or comparison.json file.")],
    out: Annotated[Path, typer.Option(help="The page to write.")] = Path("report.html"),
) -> None:
    """Draw an evaluation or a comparison again as one HTML page that needs no network.

    longshort report seattle/evaluation.json --out seattle.html
    """
    artifact.write_bytes(out, drawn(read_record(evaluation)).encode())
    notes.print(f"report: {out}")
