"""``longshort lint``: what makes a score look better than it is, looked for in a file."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Annotated, cast

import typer

from longshort import artifact
from longshort.cli.options import (
    Category,
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
from longshort.cli.terminal import notes, plain
from longshort.cli.terminal import out as terminal
from longshort.data.sequences import Columns
from longshort.data.sources.spacing import Fill
from longshort.data.splits import Split
from longshort.errors import LongshortError
from longshort.evaluate.leaks.lint import lint as search
from longshort.records import Finding, Findings
from longshort.tasks.files import load
from longshort.tasks.forecast import Forecaster

# the exit code where something was found that is certain or likely
FOUND = 7
# bytes of a file up to which a fit searches it before it learns: some seconds and 500 MB; packed
# files hold several times as much
_SMALL, _PACKED = 50_000_000, 8_000_000
_COLOURS = {"certain": "red", "likely": "yellow", "possible": "cyan"}


def lint(
    data: Annotated[
        Path, typer.Argument(help="A table to learn from, or a file of predictions of any library.")
    ],
    target: Target = None,
    time: Time = None,
    zone: Zone = None,
    group: Group = None,
    past: Past = None,
    future: Future = None,
    static: Static = None,
    category: Category = None,
    prediction: Annotated[
        list[str] | None,
        typer.Option(help="Columns that forecast the target in their own row, of whatever model."),
    ] = None,
    parts: Annotated[
        str | None, typer.Option("--part", help="Column that says train, valid or test.")
    ] = None,
    model: Annotated[
        Path | None, typer.Option(help="A model.lstm file whose forecasts must not see the future.")
    ] = None,
    horizon: Annotated[
        int | None,
        typer.Option(help="Steps that are forecast ahead.", show_default="the model's, or 1"),
    ] = None,
    fill: Gaps = "missing",
    valid_from: ValidFrom = None,
    test_from: TestFrom = None,
    check: Annotated[
        list[str] | None, typer.Option(help="Only these checks.", show_default="all")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print the findings as JSON.")] = False,
    out: Annotated[Path | None, typer.Option(help="A file for the findings as JSON.")] = None,
) -> None:
    """Look for leaks in data, splits, predictions and models, of this library or of another one.

    longshort lint sales.csv --time date --target sold

    longshort lint predictions.csv --time date --target sold --prediction yhat

    Looked for are: rows that are there twice (duplicates), series under two names (copies), parts
    that run into each other (overlap), stretches of the training part in the test part (repeats),
    columns that tell the target's future (proxy), columns scaled by all rows (scaler), columns that
    say nothing (constant), forecasts that are the last value moved along (shifted), and models
    whose forecasts change with the future (future). Exits with 7 where something certain or likely
    was found, with 0 otherwise.
    """
    columns = Columns(
        time,
        names(group) or (),
        names(target) or (),
        names(past),
        names(future) or (),
        names(static) or (),
        zone,
        names(category) or (),
    )
    split = None
    if valid_from or test_from:
        split = Split(valid_from or 0.15, part(test_from, 0.15))
    fitted = None if model is None else cast(Forecaster, load(model))
    ahead = 1 if fitted is None else fitted.horizon
    found = search(
        data,
        columns,
        prediction=names(prediction) or (),
        part=parts,
        model=fitted,
        horizon=ahead if horizon is None else horizon,
        split=split,
        fill=cast(Fill, fill),
        checks=names(check),
    )
    if json:
        typer.echo(found.to_json())
    else:
        show(found)
    if out is not None:
        artifact.write_bytes(out, found.to_json().encode())
        notes.print(f"findings: {plain(str(out))}")
    if not found.clean:
        raise typer.Exit(FOUND)


def show(found: Findings) -> None:
    """Every finding in words, and what was looked for."""
    terminal.print(f"{plain(found.source)}: {found.rows:,} rows in {found.series:,} series")
    for finding in found.findings:
        terminal.print(f"\n{in_words(finding)}")
    many = len(found.findings)
    told = "nothing found" if not many else f"{many} finding{'s' if many > 1 else ''}"
    terminal.print(f"\n{told}; looked for: {', '.join(found.checked)}")


def in_words(finding: Finding) -> str:
    """A finding for the terminal: how sure, what, where, and the way out."""
    colour = _COLOURS[finding.sure]
    text = f"[bold {colour}]{finding.sure}[/] [bold]{finding.check}[/]: {plain(finding.text)}"
    if finding.rows:
        text += f"\n  where: {plain(finding.where)}"
    return f"{text}\n  way out: {plain(finding.remedy)}"


def before(estimator: Forecaster, data: Path) -> list[Finding]:
    """What is certain or likely in the data of a fit; what cannot be read, the fit will say."""
    with suppress(LongshortError, OSError):
        packed = data.name.lower().endswith((".parquet", ".gz"))
        if data.stat().st_size > (_PACKED if packed else _SMALL):
            return []
        asked, split = estimator.columns, estimator.split
        found = search(data, asked, horizon=estimator.horizon, split=split, fill=estimator.fill)
        return [finding for finding in found.findings if finding.sure != "possible"]
    return []
