"""``longshort predict``: what comes after the last row of a file, or the label of each item."""

from __future__ import annotations

import itertools
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Annotated, Any, BinaryIO

import polars as pl
import typer
from polars.io.plugins import register_io_source

from longshort import artifact
from longshort.cli.kinds import Commands, fitting, opened
from longshort.cli.options import Outcomes
from longshort.cli.terminal import notes
from longshort.errors import ArgumentError, DataError
from longshort.tasks.base import Estimator

SUFFIXES = (".csv", ".parquet", ".jsonl")


def predict(
    ctx: typer.Context,
    model: Annotated[Path, typer.Argument(help="A model.lstm file.")],
    data: Annotated[
        Path | None,
        typer.Argument(
            help="A file with the columns of the training; a translator without one answers the "
            "lines of standard input."
        ),
    ] = None,
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
    outcomes: Outcomes = None,
    best: Annotated[
        int | None,
        typer.Option(
            help="Of transcripts and translations: so many of each, ranked.",
            show_default="1, unranked",
        ),
    ] = None,
    width: Annotated[
        int | None, typer.Option(help="Of translations: beams.", show_default="as fitted")
    ] = None,
    rows: Annotated[
        str, typer.Option(help="Of transcripts: transcripts, or words or symbols with their times.")
    ] = "transcripts",
    hot_words: Annotated[
        list[str] | None,
        typer.Option(help="Of transcripts: words or phrases that are expected: a,b or repeat it."),
    ] = None,
    hot_weight: Annotated[
        float, typer.Option(help="Nats that each symbol of an expected word adds.")
    ] = 2.0,
    align: Annotated[
        bool,
        typer.Option("--align", help="Of transcripts: where those that stand in the data are."),
    ] = False,
    alarms: Annotated[
        Path | None,
        typer.Option(help="Of detectors: a .csv or .jsonl file for alarms as intervals."),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="A .csv, .parquet or .jsonl file; else CSV to the terminal.")
    ] = None,
) -> None:
    """Forecast what comes after the last row of a file, or label its texts or recordings.

    longshort predict seattle/model.lstm weather.csv --quantiles 0.05,0.5,0.95 --out week.csv

    longshort predict reviews/model.lstm new-reviews.csv --out labelled.csv

    longshort predict prompts/model.lstm new.tsv --hot-words "agent,call centre" --rows words

    echo "where is the station?" | longshort predict english/model.lstm

    longshort predict watch/model.lstm sensors.csv --out scores.csv --alarms alarms.csv

    Labels are added to a table of texts as a column, and the probability of each as another;
    --quantiles, --paths, --seed and --horizon are of forecasts, --outcomes is of events. A
    transcript comes with how sure it is, with --rows words or symbols each with its times.
    """
    if out is not None and out.suffix not in SUFFIXES:
        raise ArgumentError(f"--out {out}: the name must end in {', '.join(SUFFIXES)}")
    estimator, commands = opened(model)
    given = {
        "quantiles": quantiles,
        "paths": paths,
        "seed": seed,
        "horizon": horizon,
        "outcomes": outcomes,
        "best": best,
        "width": width,
        "rows": rows,
        "hot_words": hot_words,
        "hot_weight": hot_weight,
        "align": align,
        "alarms": alarms,
    }
    options = fitting(ctx, commands.predict, estimator, given)
    if data is None or str(data) == "-":
        _answer(commands, estimator, out, options)
        return
    parts: Iterator[pl.DataFrame] = commands.predict(estimator, data, **options)
    first = next(parts)
    height = 0

    def counted() -> Iterator[pl.DataFrame]:
        nonlocal height
        for part in itertools.chain([first], parts):
            height += part.height
            yield part

    if out is None:
        for number, part in enumerate(counted()):
            text = part.write_csv(include_header=not number, datetime_format=stamp_format(first))
            typer.echo(text, nl=False)
        return
    kind = out.suffix
    artifact.write_stream(out, lambda file: write_parts(counted(), first, file, kind))
    notes.print(f"{commands.told}: {out} ({height} rows)")


def _answer(
    commands: Commands, estimator: Estimator, out: Path | None, options: dict[str, Any]
) -> None:
    """Answer each line of standard input as soon as it is there.

    Raises:
        ArgumentError: the model reads files alone, or a file is to be written.
        DataError: a line is not UTF-8.
    """
    if commands.answer is None:
        raise ArgumentError(f"a {estimator.kind} reads no lines: name a file")
    if out is not None:
        raise ArgumentError(f"--out {out}: answers to lines go to standard output (> {out})")

    def lines() -> Iterator[str]:
        for number, raw in enumerate(sys.stdin.buffer, 1):
            try:
                yield raw.decode("utf-8-sig" if number == 1 else "utf-8").rstrip("\r\n")
            except UnicodeDecodeError as error:
                raise DataError(
                    f"standard input, line {number}: byte 0x{raw[error.start]:02x} is not UTF-8"
                ) from None

    for answer in commands.answer(estimator, lines(), **options):
        typer.echo(answer)
        sys.stdout.flush()


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
