"""Categories as small whole numbers: the rows of the tables that a network looks them up in."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from longshort.data.sequences import CATEGORY_ROLES, Field, Role, Sequences
from longshort.data.steps import Ints
from longshort.errors import ModelFileError

# share of categories that training reads as the unknown one, so that its row is trained, too
UNKNOWN = 0.05
# no category is worth more numbers
_WIDEST = 50


def embedding_width(rows: int) -> int:
    """How many numbers one of so many categories becomes: min(50, round(1.6 rows^0.56)).

    The rule of fastai's tabular models (Howard and Gugger 2020), with a lower cap: 2 for two rows,
    5 for 7, 21 for 100, 50 from about 470 on.
    """
    width: float = 1.6 * rows**0.56
    return min(_WIDEST, max(1, round(width)))


@dataclass(frozen=True)
class Vocabulary:
    """The categories of each column that the training part holds.

    Row 0 of a table is the unknown category: one that the training part does not hold, and a row
    that is not there. Label n of ``labels`` is row n + 1; an empty cell has the label "".

    Args:
        names, roles: the C columns of categories.
        labels: of each column, its labels in order.
    """

    names: tuple[str, ...] = ()
    roles: tuple[Role, ...] = ()
    labels: tuple[tuple[str, ...], ...] = ()

    @classmethod
    def fit(cls, sequences: Sequences, train_end: Ints) -> Self:
        """The categories in each series' first ``train_end`` rows, (S,)."""
        fields = sequences.categories
        if not fields:
            return cls()
        train = sequences.crop(0, train_end).values[:, len(sequences.numbers) :]
        labels = []
        for field, values in zip(fields, train.T, strict=True):
            used = np.unique(values[~np.isnan(values)]).astype(np.int64).tolist()
            labels.append(tuple(sorted((field.labels or ())[at] for at in used)))
        return cls(tuple(f.name for f in fields), tuple(f.role for f in fields), tuple(labels))

    @property
    def fields(self) -> tuple[Field, ...]:
        """The columns as fields."""
        parts = zip(self.names, self.roles, self.labels, strict=True)
        return tuple(Field(name, role, labels=labels) for name, role, labels in parts)

    def tables(self, *roles: Role) -> dict[str, tuple[int, int]]:
        """(rows, width) of the table of each column, or those of some roles, by its key."""
        return {
            key(at): (len(labels) + 1, embedding_width(len(labels) + 1))
            for at, (role, labels) in enumerate(zip(self.roles, self.labels, strict=True))
            if role in (roles or CATEGORY_ROLES)
        }

    def places(self, fields: Sequence[Field]) -> list[Ints]:
        """For each column, the row of each of the labels that ``fields`` have under its name."""
        given = {field.name: field.labels or () for field in fields}
        found = []
        for name, labels in zip(self.names, self.labels, strict=True):
            row = {label: at + 1 for at, label in enumerate(labels)}
            found.append(np.array([row.get(label, 0) for label in given[name]] or [0], np.int64))
        return found

    def to_parts(self) -> tuple[tuple[tuple[str, Role], ...], dict[str, NDArray[Any]]]:
        """Names and roles, and the labels as bytes; nothing where there is no column."""
        if not self.names:
            return (), {}
        told = tuple(zip(self.names, self.roles, strict=True))
        text = json.dumps(self.labels, ensure_ascii=False).encode()
        return told, {"labels": np.frombuffer(text, np.uint8)}

    @classmethod
    def from_parts(
        cls, told: Sequence[tuple[str, Role]], arrays: Mapping[str, NDArray[Any]]
    ) -> Self:
        """The vocabulary whose ``to_parts()`` these are.

        Raises:
            ModelFileError: a part is missing or does not fit the others.
        """
        if not told:
            return cls()
        try:
            labels = json.loads(np.asarray(arrays["labels"], np.uint8).tobytes())
        except (KeyError, ValueError, RecursionError) as error:
            raise ModelFileError(f"the categories cannot be read: {error}") from None
        names, roles = tuple(name for name, _ in told), tuple(role for _, role in told)
        if not (isinstance(labels, list) and len(labels) == len(names)):
            raise ModelFileError(f"the categories of {len(names)} columns are not as many lists")
        if not set(roles) <= set(CATEGORY_ROLES):
            raise ModelFileError(f"categories have the roles {CATEGORY_ROLES}; got {roles}")
        for name, own in zip(names, labels, strict=True):
            if not (isinstance(own, list) and all(isinstance(label, str) for label in own)):
                raise ModelFileError(f"the categories of column {name!r} are no list of text")
            if own != sorted(set(own)):
                raise ModelFileError(f"the categories of column {name!r} are not in order")
        return cls(names, roles, tuple(map(tuple, labels)))


def key(column: int) -> str:
    """What a column of categories is called in batches and in a network's tables."""
    return f"category{column}"
