"""``longshort predict``: what comes after the last row of a file."""

from __future__ import annotations

import datetime
import io
from pathlib import Path
from typing import Annotated

import polars as pl
import typer

from longshort import artifact
from longshort.cli.terminal import notes
from longshort.errors import ArgumentError
from longshort.tasks.files import load

WRITERS = {
    ".csv": lambda frame, file: frame.write_csv(file),
    ".parquet": lambda frame, file: frame.write_parquet(file),
    ".jsonl": lambda frame, file: frame.write_ndjson(file),
}


def predict(
    model: Annotated[Path, typer.Argument(help="A model.lstm file.")],
    data: Annotated[Path, typer.Argument(help="A file with the columns of the training.")],
    quantiles: Annotated[
        str, typer.Option(help="Levels beside the point forecast, such as 0.1,0.9.")
    ] = "0.1,0.9",
    out: Annotated[
        Path | None, typer.Option(help="A .csv, .parquet or .jsonl file; else CSV to the terminal.")
    ] = None,
) -> None:
    """Forecast what comes after the last row of a file.

    longshort predict seattle/model.lstm weather.csv --quantiles 0.05,0.5,0.95 --out week.csv
    """
    levels = parse_levels(quantiles)
    if out is not None and out.suffix not in WRITERS:
        raise ArgumentError(f"--out {out}: the name must end in {', '.join(WRITERS)}")
    frame: pl.DataFrame = load(model).predict(data, quantiles=levels)
    # a date where every stamp is midnight, as most files write it
    for name, kind in frame.schema.items():
        if isinstance(kind, pl.Datetime) and (frame[name].dt.time() == datetime.time()).all():
            frame = frame.with_columns(pl.col(name).cast(pl.Date))
    if out is None:
        typer.echo(frame.write_csv(), nl=False)
        return
    buffer = io.BytesIO()
    WRITERS[out.suffix](frame, buffer)
    artifact.write_bytes(out, buffer.getvalue())
    notes.print(f"forecast: {out} ({frame.height} rows)")


def parse_levels(text: str) -> tuple[float, ...]:
    """Quantile levels from text such as "0.1, 0.9"; "" is none."""
    try:
        return tuple(float(part) for part in text.split(",") if part.strip())
    except ValueError:
        raise ArgumentError(
            f"--quantiles {text!r}: write numbers between 0 and 1, such as 0.1,0.9"
        ) from None
