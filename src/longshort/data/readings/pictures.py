"""Pictures of lines as a network reads them: columns of one height, from left to right."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Literal, Self, get_args
from weakref import WeakKeyDictionary

import numpy as np
import torch
from numpy.typing import NDArray

from longshort.contracts import Params
from longshort.data.corpus import Corpus
from longshort.data.items import Inputs, Widths
from longshort.data.sources.pictures import Grey, load, resized
from longshort.data.steps import Ints
from longshort.errors import ArgumentError, DataError, ModelFileError, suggest

Paper = Literal["auto", "light", "dark"]

# shades that lie less apart are one: there is nothing on such a paper
_FLAT = 12
# of the way from paper to ink, from which on a row of pixels holds ink
_INKED = 0.3


@dataclass(frozen=True)
class Pictures(Params):
    """How pictures of lines are read.

    Args:
        height: pixels that every line is brought to; its width follows.
        paper: "light" with dark ink, "dark" with light ink, or "auto", told by each picture's edge.
        crop: cut off empty rows above and below before the height is brought to that.
        longest: columns of the longest line; longer ones are refused by name.

    Raises:
        ArgumentError: a value that is not possible.
    """

    height: int = 32
    paper: Paper = "auto"
    crop: bool = True
    longest: int = 5000

    def __post_init__(self) -> None:
        if self.paper not in get_args(Paper):
            told = suggest(str(self.paper), get_args(Paper))
            raise ArgumentError(f"Pictures(paper={self.paper!r}): {told}")
        self._whole(4, "height")
        self._whole(1, "longest")


@dataclass(frozen=True, eq=False)
class PictureReading:
    """Pictures as a network reads them, ``columns`` (B, T, height), 0 for paper to 1 for ink.

    Args:
        pictures: the settings.
    """

    name: ClassVar[str] = "pictures"

    pictures: Pictures
    _kept: WeakKeyDictionary[Corpus, dict[int, Grey]] = field(
        default_factory=WeakKeyDictionary, repr=False
    )

    @classmethod
    def fit(cls, corpus: Corpus, pictures: Pictures | None = None) -> Self:
        """Nothing is learnt; the settings are enough.

        Raises:
            DataError: there are no pictures, or one cannot be read or is too long.
        """
        made = cls(pictures or Pictures())
        made.lengths(corpus)
        return made

    @property
    def widths(self) -> Widths:
        """One group of numbers, ``columns``."""
        return Widths(numbers={"columns": self.pictures.height})

    def lengths(self, corpus: Corpus) -> Ints:
        """(N,) columns of each picture.

        Raises:
            DataError: one cannot be read, or has more than the settings allow.
        """
        found = np.array([len(self._columns(corpus, item)) for item in range(len(corpus))])
        for item in np.flatnonzero(found > self.pictures.longest)[:1].tolist():
            raise DataError(
                f"{corpus.where(item)}: a line of {found[item]:,} columns at a height of "
                f"{self.pictures.height}, and at most {self.pictures.longest:,} are read; cut it, "
                "leave it out, or allow more with Pictures(longest=)"
            )
        return found.astype(np.int64)

    def read(self, corpus: Corpus, items: Sequence[int]) -> Inputs:
        """What a network reads of these pictures, padded with zeros."""
        found = [self._columns(corpus, item) for item in items]
        lengths = [len(own) for own in found]
        columns = np.zeros((len(found), max([1, *lengths]), self.pictures.height), np.float32)
        for row, own in enumerate(found):
            columns[row, : len(own)] = own / np.float32(255)
        return Inputs({"columns": torch.from_numpy(columns)}, torch.tensor(lengths))

    def notes(self, corpus: Corpus) -> list[str]:
        """What a reader should know of the pictures: inverted and empty ones."""
        greys = [load(each) for each in _pictures(corpus)]
        dark = [at for at, own in enumerate(greys) if own.size and self._is_dark(own)]
        empty = [at for at in range(len(greys)) if not len(self._columns(corpus, at))]
        notes = []
        if dark and self.pictures.paper == "auto":
            notes.append(
                f"{len(dark)} of {len(corpus)} pictures have light ink on dark paper and are read "
                f"inverted, the first {corpus.where(dark[0])}."
            )
        if empty:
            notes.append(
                f"{len(empty)} of {len(corpus)} pictures show nothing, the first "
                f"{corpus.where(empty[0])}."
            )
        return notes

    def _columns(self, corpus: Corpus, item: int) -> Grey:
        """(T, height) of ink, 255 is the darkest; (0, height) of a picture of nothing."""
        kept = self._kept.setdefault(corpus, {})
        if item not in kept:
            kept[item] = self._read(load(_pictures(corpus)[item]))
        return kept[item]

    def _is_dark(self, grey: Grey) -> bool:
        if self.pictures.paper != "auto":
            return self.pictures.paper == "dark"
        # most of a line's edge is paper
        edge = np.concatenate([grey[0], grey[-1], grey[:, 0], grey[:, -1]])
        return bool(np.median(edge) < (int(grey.min()) + int(grey.max())) / 2)

    def _read(self, grey: Grey) -> Grey:
        height = self.pictures.height
        nothing = np.zeros((0, height), np.uint8)
        if not grey.size:
            return nothing
        low, high = np.percentile(grey, (0.5, 99.5))
        if high - low < _FLAT:
            low, high = float(grey.min()), float(grey.max())
        if high - low < _FLAT:
            return nothing
        light = np.clip((grey.astype(np.float64) - low) / (high - low), 0, 1)
        ink = light if self._is_dark(grey) else 1 - light
        if self.pictures.crop:
            rows = np.flatnonzero((ink > _INKED).any(1))
            if not len(rows):
                return nothing
            ink = ink[rows[0] : rows[-1] + 1]
        shades = (255 * ink).round().astype(np.uint8)
        width = max(1, round(shades.shape[1] * height / shades.shape[0]))
        return np.ascontiguousarray(resized(shades, height, width).T)

    # the model file

    def put_down(self) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
        """What the model file keeps; ``take_up`` goes back."""
        return {"pictures": self.pictures.get_params()}, {}

    @classmethod
    def take_up(cls, settings: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> Self:
        """The reading whose ``put_down()`` these are.

        Raises:
            ModelFileError: a part is missing or does not fit the others.
        """
        try:
            return cls(Pictures(**settings["pictures"]))
        except (KeyError, TypeError, ValueError) as error:
            raise ModelFileError(f"how pictures are read cannot be told: {error!r}") from None


def _pictures(corpus: Corpus) -> tuple[Grey | Path, ...]:
    if corpus.pictures is None:
        raise DataError(f"{corpus.source}: there are {corpus.content}, and no pictures, to read")
    return corpus.pictures
