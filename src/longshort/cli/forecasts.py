"""What the commands do with a fitted ``Forecaster``."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import cast

import polars as pl
import typer

from longshort import artifact
from longshort.cli.running import INTERRUPTED
from longshort.cli.terminal import RunsProgress, notes, plain
from longshort.cli.terminal import out as terminal
from longshort.errors import ArgumentError
from longshort.records import Evaluation, Explanation
from longshort.report.document import explained_page
from longshort.report.leanings import summary
from longshort.tasks.backtest import Judged, backtest
from longshort.tasks.forecast import Forecaster
from longshort.yardsticks.roster import Choice


def predictions(
    estimator: Forecaster,
    data: Path,
    *,
    quantiles: str = "0.1,0.9",
    paths: int | None = None,
    seed: int = 0,
    horizon: int | None = None,
) -> Iterator[pl.DataFrame]:
    """What comes after the last row, or sample paths of it, some thousand series at a time."""
    levels = parse_levels(quantiles)
    parts: Iterator[pl.DataFrame] = (
        estimator.predict_parts(data, levels, horizon=horizon)
        if paths is None
        else estimator.sample_parts(data, paths, seed, horizon=horizon)
    )
    return parts


def parse_levels(text: str) -> tuple[float, ...]:
    """Quantile levels from text such as "0.1, 0.9"; "" is none."""
    try:
        return tuple(float(part) for part in text.split(",") if part.strip())
    except ValueError:
        raise ArgumentError(
            f"--quantiles {text!r}: write numbers between 0 and 1, such as 0.1,0.9"
        ) from None


def judged(
    estimator: Forecaster,
    data: Path,
    folder: Path | None,
    *,
    level: float = 0.8,
    adaptive: float | None = None,
    yardsticks: str = "all",
    rolling: int | None = None,
    refit: bool = True,
    judged: str = "test",
    every: int | None = None,
) -> Evaluation:
    """The rows that came since, all at once or fold by fold; ``folder`` keeps the folds' models."""
    if rolling is None and judged != "test":
        raise ArgumentError(f"--part {judged}: parts are judged by folds; add --rolling 5")
    if rolling is not None and every is not None:
        raise ArgumentError(f"--every {every}: folds are forecast from every row; leave it out")
    chosen = cast(Choice, yardsticks)
    if rolling is None:
        return estimator.evaluate(
            data, level=level, adaptive=adaptive, yardsticks=chosen, every=every
        )
    progress = RunsProgress()
    kept = None if folder is None or not refit else folder / "folds"
    try:
        return backtest(
            estimator,
            data,
            folds=rolling,
            refit=refit,
            part=cast(Judged, judged),
            level=level,
            adaptive=adaptive,
            yardsticks=chosen,
            folder=kept,
            progress=progress,
        )
    except KeyboardInterrupt:
        left = "nothing is kept: give a folder with --out"
        notes.print(f"interrupted: {'the same command goes on from here' if kept else left}")
        raise typer.Exit(INTERRUPTED) from None
    finally:
        progress.close()


def explained(estimator: Forecaster, data: str, out: Path | None) -> None:
    """Sentences for the terminal, and a page or a record."""
    leanings(estimator.explain(Path(data)), out)


def leanings(found: Explanation, out: Path | None) -> None:
    """Show and write what answers lean on."""
    for sentence in summary(found):
        terminal.print(plain(sentence))
    where = out or Path("explained.html")
    text = found.to_json() if where.suffix == ".json" else explained_page(found)
    artifact.write_bytes(where, text.encode())
    notes.print(f"explained: {plain(str(where))}")
