"""Labels and their probabilities as a table."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import polars as pl

from longshort.data.corpus import Corpus, Roles
from longshort.data.sequences import Columns, Floats
from longshort.data.sources.inputs import load
from longshort.data.sources.tables import frame_like
from longshort.tasks.labels.labels import Classes

# of a probability
_DIGITS = 6


def answered(
    data: Any, corpus: Corpus, roles: Roles, classes: Classes, probabilities: Floats
) -> Any:
    """What is known of each item, the label it was given, and the probability of every label.

    Args:
        data: what was read: of a table with a row per text its columns stay.
        corpus: the items, and (N, K) ``probabilities`` of them.
        roles, classes: of the fit.
    """
    table = _own(data, corpus, roles)
    taken = set(table.columns)
    separator = roles.separator or ","
    names = classes.names
    if classes.kind == "many":
        given = [
            separator.join(name for name, p in zip(names, row, strict=True) if p > 0.5)
            for row in probabilities.tolist()
        ]
    else:
        given = [names[place] for place in probabilities.argmax(1).tolist()]
    found = {"predicted": pl.Series(given, dtype=pl.String)}
    found |= {
        f"p_{name}": pl.Series(probabilities[:, at].round(_DIGITS)) for at, name in enumerate(names)
    }
    columns = [values.alias(_free(name, taken)) for name, values in found.items()]
    return frame_like(_frame(data), table.hstack(columns))


def _own(data: Any, corpus: Corpus, roles: Roles) -> pl.DataFrame:
    """The table's own columns where it has a row per item, else the items' names."""
    if corpus.texts is not None and not _is_folder(data) and _is_table(data):
        read = load(data, Columns())
        if read.height == len(corpus):
            return read.data.rename({old: new for new, old in read.names.items()}).collect()
    names = corpus.names
    if names is None and corpus.series is not None:
        names = corpus.series.keys
    told = names or tuple(str(at + 1) for at in range(len(corpus)))
    return pl.DataFrame({roles.item or "item": list(told)})


def _is_table(data: Any) -> bool:
    return isinstance(data, str | os.PathLike) or hasattr(data, "columns")


def _is_folder(data: Any) -> bool:
    return isinstance(data, str | os.PathLike) and Path(data).is_dir()


def _frame(data: Any) -> Any:
    """Data whose kind of frame is to be given back; a path stands for Polars."""
    return data if hasattr(data, "columns") else "a path"


def _free(name: str, taken: set[str]) -> str:
    """A name that no column of the table has."""
    while name in taken:
        name += "_"
    taken.add(name)
    return name
