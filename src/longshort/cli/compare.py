"""``longshort compare``: several configurations and all yardsticks in one table."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, cast

import typer
from rich.table import Table

from longshort import artifact
from longshort.cli.lint import before, in_words
from longshort.cli.options import (
    Category,
    Context,
    Future,
    Gaps,
    Group,
    Past,
    Static,
    Target,
    TestFrom,
    Time,
    ValidFrom,
    Zone,
    names,
    part,
)
from longshort.cli.records import read_record, show_record, write_record
from longshort.cli.running import INTERRUPTED, make_folder
from longshort.cli.terminal import RunsProgress, notes, plain, show_scores
from longshort.cli.terminal import out as terminal
from longshort.data.sequences import Columns
from longshort.data.sources.spacing import Fill
from longshort.data.splits import Split
from longshort.data.window import Window
from longshort.errors import ArgumentError, DataError
from longshort.evaluate.beside import beside
from longshort.layers.encoder import Recurrent
from longshort.records import AnomalyEvaluation, Comparison
from longshort.report.contest import change, p_value
from longshort.report.document import comparison_page
from longshort.tasks.comparison import compare as judge
from longshort.tasks.configurations import parse_config, read_configs
from longshort.tasks.forecast import Forecaster
from longshort.training.settings import Training
from longshort.yardsticks.roster import Choice


def compare(
    data: Annotated[
        list[Path],
        typer.Argument(
            help="CSV, TSV, Parquet or JSONL, also gzipped, a row per step; or evaluation.json "
            "files of detectors."
        ),
    ],
    config: Annotated[
        list[str] | None,
        typer.Option(help="A configuration: 'wide: size=64, cell=gru'; repeat for more."),
    ] = None,
    configs: Annotated[
        Path | None, typer.Option(help="A TOML file of configurations, a table for each.")
    ] = None,
    seeds: Annotated[int, typer.Option(help="Fits of each configuration.")] = 3,
    out: Annotated[Path, typer.Option(help="Folder for the report and the fitted models.")] = Path(
        "compared"
    ),
    target: Target = None,
    time: Time = None,
    zone: Zone = None,
    group: Group = None,
    past: Past = None,
    future: Future = None,
    static: Static = None,
    category: Category = None,
    horizon: Annotated[int, typer.Option(help="Steps to forecast.")] = 1,
    context: Context = None,
    fill: Gaps = "none",
    valid_from: ValidFrom = None,
    test_from: TestFrom = None,
    valid: Annotated[float, typer.Option(help="Share of rows that chooses.")] = 0.15,
    test: Annotated[float, typer.Option(help="Share kept for the test.")] = 0.15,
    size: Annotated[int, typer.Option(help="Units per layer.")] = Recurrent().size,
    depth: Annotated[int, typer.Option(help="Layers.")] = Recurrent().depth,
    dropout: Annotated[float, typer.Option(help="Share of values dropped.")] = Recurrent().dropout,
    epochs: Annotated[int, typer.Option(help="Most passes.")] = Training().epochs,
    batch: Annotated[int, typer.Option(help="Rows of one step.")] = Training().batch,
    rate: Annotated[float, typer.Option(help="Learning rate.")] = Training().rate,
    members: Annotated[int, typer.Option(help="Networks averaged in each fit.")] = 1,
    level: Annotated[float, typer.Option(help="Nominal coverage of the intervals.")] = 0.8,
    yardsticks: Annotated[str, typer.Option(help="all, or quick: rules and ridge alone.")] = "all",
    seed: Annotated[int, typer.Option(help="The first seed.")] = 0,
    device: Annotated[str, typer.Option(help="cpu, cuda or auto.")] = "cpu",
) -> None:
    """Fit several configurations and say which one to use, or that there is no difference.

    longshort compare sales.csv --time date --target sold --horizon 7 --config "gru: cell=gru"
    --config "wide: size=64, dropout=0.5" --out compared

    Without --config and --configs: LSTM, GRU, RNN, an LSTM that reads both ways and one behind a
    convolution. A configuration names what differs from the other options: every setting of the
    Python classes Recurrent, Decoder, Training, Window and Scaling. The choice is made on the
    validation part; the test part is opened once, for all. The folder keeps every model that is
    fitted; after a kill or Ctrl-C the same command goes on from there, and one with more
    configurations or seeds fits only what is new.

    longshort compare small/evaluation.json large/evaluation.json

    Detectors that were judged on the same test part stand side by side by their records; nothing
    is fitted.
    """
    if all(path.suffix == ".json" for path in data):
        compare_records(data, make_folder(out), seed)
        return
    table = only_one(data)
    base = Forecaster(
        Columns(
            time,
            names(group) or (),
            names(target) or (),
            names(past),
            names(future) or (),
            names(static) or (),
            zone,
            names(category) or (),
        ),
        horizon,
        window=Window(context),
        split=Split(valid_from or valid, part(test_from, test)),
        fill=cast(Fill, fill),
        recurrent=Recurrent(size, depth, dropout=dropout),
        training=Training(epochs=epochs, batch=batch, rate=rate, members=members),
        random_state=seed,
        device=device,
    )
    asked = _configs(config or [], configs)
    folder = make_folder(out)
    for finding in before(base, table):
        notes.print(in_words(finding))
    progress = RunsProgress()
    try:
        found = judge(
            table,
            base,
            asked,
            seeds=seeds,
            level=level,
            yardsticks=cast(Choice, yardsticks),
            folder=folder / "runs",
            progress=progress,
        )
    except KeyboardInterrupt:
        notes.print("interrupted: the same command goes on from here")
        raise typer.Exit(INTERRUPTED) from None
    finally:
        progress.close()
    show(found)
    artifact.write_bytes(folder / "comparison.json", found.to_json().encode())
    artifact.write_bytes(folder / "report.html", comparison_page(found).encode())
    terminal.print(f"report  {plain(str(folder / 'report.html'))}")
    terminal.print(f"models  {plain(str(folder / 'runs'))}")


def only_one(data: list[Path]) -> Path:
    """The table that configurations are fitted on.

    Raises:
        ArgumentError: there are several.
    """
    if len(data) != 1:
        told = ", ".join(map(str, data))
        raise ArgumentError(
            f"one table is compared on, or several evaluation.json files; got {told}"
        )
    return data[0]


def compare_records(paths: list[Path], folder: Path, seed: int) -> None:
    """Detectors side by side, named by the folders of their records.

    Raises:
        ArgumentError: two records have one name.
        DataError: a record is of another kind, or was judged on other rows.
    """
    records: dict[str, AnomalyEvaluation] = {}
    for path in paths:
        name = path.resolve().parent.name if path.name == "evaluation.json" else path.stem
        if name in records:
            raise ArgumentError(f"{path}: there are two records called {name!r}; rename one")
        found = read_record(path)
        if not isinstance(found, AnomalyEvaluation):
            raise DataError(
                f"{path}: a record of another task; records of detectors can be compared"
            )
        records[name] = found
    whole = beside(records, seed)
    show_record(whole)
    write_record(whole, folder)
    terminal.print(f"report  {plain(str(folder / 'report.html'))}")


def _configs(lines: list[str], path: Path | None) -> dict[str, dict[str, Any]] | None:
    """Configurations of the file and of the lines; None where there are none."""
    found = {} if path is None else read_configs(path)
    for line in lines:
        name, changes = parse_config(line)
        if name in found:
            raise ArgumentError(f"--config {line!r}: there are two called {name!r}; rename one")
        found[name] = changes
    return found or None


def show(found: Comparison) -> None:
    """The table of every method, the chosen one beside the others, and which one to use."""
    show_scores(found)
    for target in found.targets:
        terminal.print(f"\n[bold]{plain(target)}[/]: error of {plain(found.chosen)} against")
        table = Table(box=None, pad_edge=False, padding=(0, 1), header_style="underline")
        for place, name in enumerate(("method", "change", "p")):
            table.add_column(name, justify="right" if place else "left", no_wrap=True)
        for pair in found.pairs:
            if pair.target == target:
                table.add_row(plain(pair.second), change(pair), p_value(pair.p_value))
        terminal.print(table)
    terminal.print(f"\n{plain(found.verdict)}\n")
