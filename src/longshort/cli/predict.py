"""``longshort predict``: what comes after the last row of a file."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Annotated, Any, BinaryIO

import polars as pl
import typer
from polars.io.plugins import register_io_source

from longshort import artifact
from longshort.cli.terminal import notes
from longshort.errors import ArgumentError
from longshort.tasks.files import load

SUFFIXES = (".csv", ".parquet", ".jsonl")


def predict(
    model: Annotated[Path, typer.Argument(help="A model.lstm file.")],
    data: Annotated[Path, typer.Argument(help="A file with the columns of the training.")],
    quantiles: Annotated[
        str, typer.Option(help="Levels beside the point forecast, such as 0.1,0.9.")
    ] = "0.1,0.9",
    paths: Annotated[
        int | None,
        typer.Option(help="Write so many sample paths of each series, and no quantiles."),
    ] = None,
    seed: Annotated[int, typer.Option(help="Of sample paths.")] = 0,
    horizon: Annotated[
        int | None,
        typer.Option(help="Steps to forecast, of a recursive model.", show_default="as fitted"),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="A .csv, .parquet or .jsonl file; else CSV to the terminal.")
    ] = None,
) -> None:
    """Forecast what comes after the last row of a file.

    longshort predict seattle/model.lstm weather.csv --quantiles 0.05,0.5,0.95 --out week.csv
    """
    levels = parse_levels(quantiles)
    if out is not None and out.suffix not in SUFFIXES:
        raise ArgumentError(f"--out {out}: the name must end in {', '.join(SUFFIXES)}")
    estimator = load(model)
    parts: Iterator[pl.DataFrame] = (
        estimator.predict_parts(data, levels, horizon=horizon)
        if paths is None
        else estimator.sample_parts(data, paths, seed, horizon=horizon)
    )
    first = next(parts)
    rows = 0

    def counted() -> Iterator[pl.DataFrame]:
        nonlocal rows
        for part in itertools.chain([first], parts):
            rows += part.height
            yield part

    if out is None:
        for number, part in enumerate(counted()):
            text = part.write_csv(include_header=not number, datetime_format=stamp_format(first))
            typer.echo(text, nl=False)
        return
    kind = out.suffix
    artifact.write_stream(out, lambda file: write_parts(counted(), first, file, kind))
    notes.print(f"forecast: {out} ({rows} rows)")


def write_parts(
    parts: Iterable[pl.DataFrame], like: pl.DataFrame, file: BinaryIO, kind: str
) -> None:
    """Write frames that have the columns of ``like`` one after the other, holding one at a time."""

    def read(*_: Any) -> Iterator[pl.DataFrame]:
        yield from parts

    table = register_io_source(read, schema=like.schema)
    try:
        if kind == ".csv":
            table.sink_csv(file, datetime_format=stamp_format(like))
        elif kind == ".parquet":
            table.sink_parquet(file)
        else:
            table.sink_ndjson(file)
    except pl.exceptions.PolarsError as error:
        # a full disk, as Polars tells it
        raise OSError(str(error)) from error


def stamp_format(frame: pl.DataFrame) -> str | None:
    """How times are written in text: to the second, with an offset where they have a zone."""
    times = [column for column in frame if isinstance(column.dtype, pl.Datetime)]
    if not times or any(bool((column.dt.microsecond() != 0).any()) for column in times):
        return None
    return "%Y-%m-%dT%H:%M:%S" + ("%:z" if times[0].dtype.time_zone else "")  # type: ignore[attr-defined]


def parse_levels(text: str) -> tuple[float, ...]:
    """Quantile levels from text such as "0.1, 0.9"; "" is none."""
    try:
        return tuple(float(part) for part in text.split(",") if part.strip())
    except ValueError:
        raise ArgumentError(
            f"--quantiles {text!r}: write numbers between 0 and 1, such as 0.1,0.9"
        ) from None
