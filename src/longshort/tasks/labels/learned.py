"""What a classifier's model file keeps beside weights and settings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, Protocol

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from longshort.data.corpus import Corpus
from longshort.data.items import ItemEncoding
from longshort.data.partition import Partition, partition
from longshort.data.steps import Ints
from longshort.errors import ArgumentError
from longshort.evaluate.labels import LabelParts
from longshort.heads.category import Kind
from longshort.tasks.labels.encoding import reader_name, take_up
from longshort.tasks.labels.labels import Classes
from longshort.tasks.stored import under


@dataclass(frozen=True)
class Learned:
    """What was learnt of labelled sequences before a network was trained.

    classes, types, kind: see ``Classes``. reader, reading: the encoding's name and settings.
    digest: of the corpus that was parted. features: steps of an array of two axes, None where the
    data were something else; ``names`` of its columns, where they had any. notes: what was left
    out, and what a reader should know of the split.
    """

    classes: tuple[str, ...]
    types: str
    kind: Kind
    reader: str
    reading: dict[str, Any]
    digest: str
    features: Annotated[int, Field(ge=1)] | None = None
    names: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class Seen:
    """Which items a network was fitted on: the whole corpus's digest, and each one's print."""

    digest: bytes
    prints: NDArray[np.uint64]

    @classmethod
    def of(cls, corpus: Corpus, fitted: Ints) -> Seen:
        """Of a corpus whose items of these numbers were learnt from, or chosen by."""
        return cls(corpus.digest(), np.unique(corpus.prints()[fitted]))

    def again(self, corpus: Corpus) -> int:
        """How many of other items were also fitted on."""
        return int(np.isin(corpus.prints(), self.prints).sum())


@dataclass(frozen=True, eq=False)
class Knowledge:
    """All of it, ready for use."""

    classes: Classes
    reading: ItemEncoding
    seen: Seen
    features: int | None = None
    names: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    def put_down(self) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
        """As JSON values and arrays; ``restored`` goes back."""
        settings, arrays = self.reading.put_down()
        found = {
            "classes": self.classes.names,
            "types": self.classes.dtype,
            "kind": self.classes.kind,
            "reader": reader_name(self.reading),
            "reading": settings,
            "digest": self.seen.digest.hex(),
            "features": self.features,
            "names": self.names,
            "notes": self.notes,
        }
        kept = {f"reading.{name}": array for name, array in arrays.items()}
        return found, {**kept, "prints": self.seen.prints}


class Remembers(Protocol):
    """Whatever knows which items it was fitted on, and what was to be known of them."""

    @property
    def seen(self) -> Seen:
        """The items."""
        ...

    @property
    def notes(self) -> tuple[str, ...]:
        """Sentences."""
        ...


def opened(corpus: Corpus, known: Remembers, settings: Partition) -> tuple[LabelParts, list[str]]:
    """The parts of the split, or other data as a test part, and what to know of them.

    Raises:
        ArgumentError: no test part was left.
    """
    if corpus.digest() != known.seen.digest:
        again = known.seen.again(corpus)
        told = "The data are not those of the fit: no yardstick could be fitted."
        seen = f"{again} of {len(corpus)} items have the content of one that was fitted on."
        return LabelParts(corpus.select([]), None, corpus), [told, *([seen] if again else [])]
    shares = partition(corpus, settings)
    if not len(shares.test):
        raise ArgumentError(
            f"{corpus.source}: fit has left no test part; fit with Partition(test=0.1) "
            "(--test 0.1), or evaluate on other data"
        )
    train, valid, test = (corpus.select(part) for part in shares[:3])
    return LabelParts(train, valid if len(valid) else None, test), list(known.notes)


def restored(learned: Learned, arrays: dict[str, NDArray[Any]]) -> Knowledge:
    """What a model file holds, checked.

    Raises:
        ValueError, TypeError: parts are wrong or do not fit. KeyError: one is missing.
        ModelFileError: the reading cannot be taken up.
    """
    prints = arrays["prints"]
    if prints.dtype != np.uint64 or prints.ndim != 1:
        raise ValueError("the prints of items must be whole numbers of 64 bits")
    return Knowledge(
        Classes(learned.classes, learned.types, learned.kind),
        take_up(learned.reader, learned.reading, under("reading.", arrays)),
        Seen(bytes.fromhex(learned.digest), prints),
        learned.features,
        learned.names,
        learned.notes,
    )
