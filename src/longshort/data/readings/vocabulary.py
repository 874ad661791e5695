"""Words or characters as small whole numbers: the rows of the table a network looks them up in."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from longshort.data.steps import Ints
from longshort.errors import ModelFileError


@dataclass(frozen=True, eq=False)
class Symbols:
    """The symbols that are known, in the order of their rows.

    The first rows of the table are ``reserved``: row 0 is the unknown symbol where one row is, and
    padding and the unknown symbol where two are. Symbol n has row n + reserved.

    Args:
        names: the symbols, each once.
        counts: (len(names),) how often each stands in the training part.
        reserved: 1 or 2.
    """

    names: tuple[str, ...] = ()
    counts: Ints = field(default_factory=lambda: np.zeros(0, np.int64))
    reserved: int = 1
    row: dict[str, int] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        rows = {name: at + self.reserved for at, name in enumerate(self.names)}
        object.__setattr__(self, "row", rows)

    @classmethod
    def fit(
        cls,
        counted: Mapping[str, int],
        least: int,
        most: int,
        reserved: int = 1,
        more: Iterable[str] = (),
    ) -> Self:
        """The ``most`` most frequent symbols of those that were counted ``least`` times or more.

        Symbols counted as often stand in the order of their characters. ``more`` are symbols that
        are known from elsewhere: they are kept however rare they are, while there is room.
        """
        elsewhere = dict.fromkeys(more)
        enough = [name for name, n in counted.items() if n >= least or name in elsewhere]
        names = sorted(enough, key=lambda name: (-counted[name], name))[:most]
        known = set(names)
        for name in elsewhere:
            if len(names) >= most:
                break
            if name not in known:
                names.append(name)
        counts = np.array([counted.get(name, 0) for name in names], np.int64)
        return cls(tuple(names), counts, reserved)

    def __len__(self) -> int:
        """Rows of the table."""
        return len(self.names) + self.reserved

    @property
    def unknown(self) -> int:
        """The row of every other symbol."""
        return self.reserved - 1

    def rows(self, names: Iterable[str]) -> list[int]:
        """The row of each symbol."""
        row, unknown = self.row, self.unknown
        return [row.get(name, unknown) for name in names]

    def put_down(self, name: str) -> dict[str, NDArray[Any]]:
        """Arrays for a model file, under ``name`` and ``name.counts``."""
        text = json.dumps(self.names, ensure_ascii=False).encode("utf-8", "surrogatepass")
        return {name: np.frombuffer(text, np.uint8), f"{name}.counts": self.counts}

    @classmethod
    def take_up(cls, name: str, arrays: Mapping[str, NDArray[Any]], reserved: int = 1) -> Self:
        """The symbols whose ``put_down(name)`` these are.

        Raises:
            ModelFileError: an array is missing or does not fit.
        """
        try:
            text = np.asarray(arrays[name], np.uint8).tobytes().decode("utf-8", "surrogatepass")
            names = json.loads(text)
            counts = np.asarray(arrays[f"{name}.counts"], np.int64)
        except (KeyError, ValueError, RecursionError) as error:
            raise ModelFileError(f"the {name} cannot be read: {error}") from None
        if not (isinstance(names, list) and all(isinstance(each, str) for each in names)):
            raise ModelFileError(f"the {name} are no list of text")
        if len(set(names)) != len(names):
            raise ModelFileError(f"one of the {name} stands there twice")
        if counts.shape != (len(names),) or (len(counts) and counts.min() < 0):
            raise ModelFileError(f"{len(names)} {name} have {counts.shape} counts")
        return cls(tuple(names), counts, reserved)
