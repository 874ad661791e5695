"""Labels as numbers: which there are, in which order, and what the user called them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.utils.multiclass import check_classification_targets, type_of_target

from longshort.data.corpus import Corpus
from longshort.data.sources.documents import Labels
from longshort.errors import ArgumentError, DataError, suggest
from longshort.heads.category import Category, Kind

# types of the user's labels, as numpy writes them, beside text ("U") and objects that are text
_TYPES = "biufUO"


@dataclass(frozen=True)
class Classes:
    """K labels in the order of a network's answers.

    Args:
        names: the labels as text.
        dtype: numpy's name of the type that the user's own labels have: "<i8", "U", "O", ...
        kind: how labels go together.
    """

    names: tuple[str, ...]
    dtype: str = "U"
    kind: Kind = "one"

    def __post_init__(self) -> None:
        least = 1 if self.kind == "many" else 2
        if len(self.names) < least or len(set(self.names)) < len(self.names):
            raise ValueError(f"{len(self.names)} classes {self.names[:3]} are not distinct labels")
        if np.dtype(self.dtype).kind not in _TYPES:
            raise ValueError(f"labels cannot be of type {self.dtype!r}")

    @classmethod
    def of(cls, corpus: Corpus, category: Category, given: NDArray[Any] | None = None) -> Self:
        """The labels of a corpus; ``given`` are the user's own, where they were no text.

        Raises:
            DataError: there are none, or only one.
            ArgumentError: an order is asked for that does not hold them.
        """
        kind, source = category.kind, corpus.source
        names: tuple[str, ...] = corpus.classes
        dtype = "U"
        if given is not None and given.ndim == 1:
            own = np.unique(given)
            names = tuple(_text(value) for value in own)
            dtype = own.dtype.str if own.dtype.kind in "biuf" else own.dtype.kind
        elif given is not None:
            names = tuple(str(at) for at in range(given.shape[1]))
        elif all(_is_number(name) for name in names):
            names = tuple(sorted(names, key=float))
        if not names:
            raise DataError(f"{source}: no item has a label; give some that have one")
        if kind != "many" and len(names) < 2:
            raise DataError(
                f"{source}: there is one class, {names[0]!r}, and nothing to tell it from; give "
                "items of two classes or more"
            )
        if kind == "ordered":
            names = _ordered(names, category.order, source)
        return cls(names, dtype, kind)

    def own(self) -> NDArray[Any]:
        """(K,) the labels as the user has them."""
        dtype = np.dtype(self.dtype)
        if dtype.kind in "UO":
            return np.array(self.names, object if dtype.kind == "O" else None)
        if dtype.kind == "b":
            return np.array([name == "True" for name in self.names])
        return np.array([(float if dtype.kind == "f" else int)(name) for name in self.names], dtype)

    def targets(self, corpus: Corpus) -> NDArray[Any]:
        """(N,) of int64, or (N, K) of 0 and 1 for "many".

        Raises:
            DataError: an item has no label, several, or one that is not known.
        """
        assert corpus.labels is not None
        places = {name: place for place, name in enumerate(self.names)}
        many = np.zeros((len(corpus), len(self.names)), np.float32)
        for item, labels in enumerate(corpus.labels):
            for label in labels:
                if label not in places:
                    raise DataError(
                        f"{corpus.where(item)}: unknown label {label!r}: "
                        f"{suggest(label, self.names)}"
                    )
                many[item, places[label]] = 1
            if self.kind != "many" and len(labels) != 1:
                told = "no label" if not labels else f"{len(labels)} labels"
                raise DataError(
                    f"{corpus.where(item)}: has {told}; give one, or use Category(kind='many')"
                )
        return many if self.kind == "many" else many.argmax(1).astype(np.int64)

    def weights(self, targets: NDArray[Any]) -> list[float]:
        """(K,) weights that make every class count the same: N / (K N_k); 1 where N_k is 0."""
        counts = targets.sum(0) if self.kind == "many" else np.bincount(
            targets, minlength=len(self.names)
        )  # fmt: skip
        found = counts.sum() / (np.count_nonzero(counts) * np.maximum(counts, 1))
        return np.where(counts > 0, found, 1.0).astype(float).tolist()  # type: ignore[no-any-return]


def labels_of(y: Any, kind: Kind, items: int, source: str) -> tuple[Labels, NDArray[Any] | None]:
    """Labels of N items as text, and as the array that they were given in.

    Args:
        y: (N,) labels; for "many" (N, K) of 0 and 1, or N collections of labels.
        kind: how they go together.
        items: N.
        source: for messages.

    Raises:
        DataError: they are no labels, or not as many as items.
    """
    if kind == "many" and not isinstance(y, np.ndarray) and not hasattr(y, "iloc"):
        rows = list(y)
        _same_number(len(rows), items, source)
        if not any(isinstance(value, int | float | np.number) for row in rows for value in row):
            return tuple(tuple(sorted({str(label) for label in row})) for row in rows), None
    given = np.asarray(y)
    _same_number(len(given), items, source)
    if kind == "many":
        if given.ndim != 2 or not np.isin(given, (0, 1)).all():
            raise DataError(f"{source}: y of shape {given.shape} must be (N, K) of 0 and 1")
        return tuple(tuple(str(k) for k in np.flatnonzero(row)) for row in given), given
    try:
        check_classification_targets(given)
    except ValueError as error:
        raise DataError(f"{source}: {error}") from error
    if given.ndim != 1 or given.dtype.kind not in _TYPES:
        told = type_of_target(given)
        raise DataError(f"{source}: y of shape {given.shape} is {told}; give one label per item")
    return tuple((_text(label),) for label in given), given


def _same_number(labels: int, items: int, source: str) -> None:
    if labels != items:
        raise DataError(f"{source}: {items} items and {labels} labels; give one for each")


def _text(label: Any) -> str:
    return str(label.item() if isinstance(label, np.generic) else label)


def _is_number(name: str) -> bool:
    try:
        return bool(np.isfinite(float(name)))
    except ValueError:
        return False


def _ordered(names: tuple[str, ...], order: tuple[str, ...], source: str) -> tuple[str, ...]:
    """The labels from low to high."""
    if not order:
        if all(_is_number(name) for name in names):
            return tuple(sorted(names, key=float))
        raise ArgumentError(
            f"{source}: the labels {', '.join(names)} are no numbers; say their order, from low to "
            "high: Category(kind='ordered', order=(...)), --order"
        )
    for name in names:
        if name not in order:
            raise ArgumentError(
                f"{source}: label {name!r} has no place in order=: {suggest(name, order)}"
            )
    return order
