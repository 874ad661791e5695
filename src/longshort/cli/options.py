"""Options that several commands share, and how those that take several values are written."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import typer

Time = Annotated[str | None, typer.Option(help="Column of time stamps.")]
Zone = Annotated[str | None, typer.Option(help="Time zone of the stamps.")]
Group = Annotated[list[str] | None, typer.Option(help="Columns that name a series.")]
Future = Annotated[list[str] | None, typer.Option(help="Covariates known in advance.")]
Target = Annotated[
    list[str] | None, typer.Option(help="Columns to forecast: a,b or repeat the option.")
]
Past = Annotated[
    list[str] | None,
    typer.Option(help="Covariates known up to now; every other numeric column if not given."),
]
Static = Annotated[
    list[str] | None, typer.Option(help="Covariates that do not change in a series.")
]
Category = Annotated[
    list[str] | None,
    typer.Option(help="Columns of codes to be read as categories, as text is; groups, too."),
]
Context = Annotated[
    int | None, typer.Option(help="Past rows read for each forecast.", show_default="chosen")
]
Gaps = Annotated[
    str, typer.Option(help="Gaps in time: none (an error), missing, previous, ignore.")
]
ValidFrom = Annotated[
    str | None, typer.Option(help="First time of the validation part.", show_default="a share")
]
TestFrom = Annotated[
    str | None, typer.Option(help="First time of the test part.", show_default="a share")
]


def names(given: Sequence[str] | None) -> tuple[str, ...] | None:
    """Column names from repeated options, each of which may hold several between commas."""
    if given is None:
        return None
    return tuple(name.strip() for text in given for name in text.split(",") if name.strip())


def part(start: str | None, share: float) -> float | str | None:
    """A part's beginning: a time stamp if one was given, else a share; 0 is no part."""
    return start or share or None
