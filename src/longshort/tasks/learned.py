"""What a forecaster's model file keeps beside weights and settings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import PositiveInt

from longshort.data.clock import Clock
from longshort.data.codecs.calendar import Cycle
from longshort.data.codecs.categories import Vocabulary
from longshort.data.codecs.numbers import NumberCodec
from longshort.data.encoding import Encoding
from longshort.data.sequences import Columns, Field, Role
from longshort.data.splits import Seen
from longshort.data.window import Window
from longshort.tasks.paths import Ranks, check_ranks

Arrays = Mapping[str, NDArray[Any]]


@dataclass(frozen=True)
class Learned:
    """See ``Encoding`` for the names."""

    codec: dict[str, Any]
    columns: Columns
    units: tuple[str, ...]
    context: PositiveInt
    season: PositiveInt
    cycles: tuple[Cycle, ...]
    masked: tuple[str, ...]
    step: str
    clock: Clock = Clock()  # noqa: RUF009 - a frozen value
    left_out: str = ""
    categories: tuple[tuple[str, Role], ...] = ()


def put_down(
    columns: Columns,
    fields: tuple[Field, ...],
    encoding: Encoding,
    seen: Seen,
    ranks: Ranks,
    left_out: str,
) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
    """What was learnt as JSON values and arrays; ``take_up`` goes back."""
    settings, codec = encoding.codec.to_parts()
    categories, labels = encoding.vocabulary.to_parts()
    learned = Learned(
        settings,
        columns,
        tuple(field.unit for field in fields if field.labels is None),
        encoding.context,
        encoding.season,
        encoding.cycles,
        encoding.masked,
        encoding.step,
        encoding.clock,
        left_out,
        categories,
    )
    parts = {"codec": codec, "seen": seen.to_arrays(), "categories": labels}
    if len(ranks):
        parts["errors"] = {"ranks": ranks}
    arrays = {f"{part}.{name}": array for part, own in parts.items() for name, array in own.items()}
    return asdict(learned), arrays


def take_up(
    learned: Learned, arrays: Arrays, horizon: int, window: Window, recursive: bool
) -> tuple[Columns, tuple[Field, ...], Encoding, Seen, Ranks]:
    """Columns, fields, encoding, how far the series were seen, and the ranks of errors.

    Raises:
        ValueError: parts do not fit each other. KeyError: one is missing.
        ModelFileError: the scaling or the categories cannot be read.
    """
    numbers = NumberCodec.from_parts(learned.codec, _part("codec", arrays))
    vocabulary = Vocabulary.from_parts(learned.categories, _part("categories", arrays))
    units = zip(numbers.names, numbers.roles, learned.units, strict=True)
    fields = tuple(Field(name, role, unit) for name, role, unit in units)
    fields = (*fields, *vocabulary.fields)
    if learned.columns.resolved(fields) != learned.columns:
        raise ValueError("the columns are not those that were scaled")
    if not set(learned.masked) <= set(numbers.names):
        raise ValueError(f"masks of unknown columns: {', '.join(learned.masked)}")
    encoding = Encoding(
        numbers,
        learned.context,
        horizon,
        window.relative,
        learned.season,
        learned.cycles,
        learned.masked,
        learned.step,
        learned.clock,
        vocabulary,
        recursive,
        window.differences,
    )
    seen = Seen.from_arrays(_part("seen", arrays))
    targets = len(learned.columns.target)
    none = np.zeros((0, 0, targets), np.int16)
    # a header may ask for any horizon: nothing is made of it before the weights have been checked
    ranks = arrays.get("errors.ranks")
    found = none if ranks is None else check_ranks(ranks, horizon, targets)
    return learned.columns, fields, encoding, seen, found


def _part(prefix: str, arrays: Arrays) -> dict[str, NDArray[Any]]:
    """The arrays of a part, by the rest of their names."""
    start = f"{prefix}."
    return {n.removeprefix(start): array for n, array in arrays.items() if n.startswith(start)}
