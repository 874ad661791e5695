"""Pictures that are to be described, as a network reads them: pixels, or features of parts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Self
from weakref import WeakKeyDictionary

import numpy as np
import torch
from numpy.typing import NDArray

from longshort.contracts import Params
from longshort.data.corpus import Corpus
from longshort.data.items import Inputs, Widths
from longshort.data.sources.pictures import colours
from longshort.data.steps import Ints
from longshort.errors import ArgumentError, DataError, ModelFileError

# the group of a batch's inputs
SCENE = "scene"
Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Scenes(Params):
    """How pictures that are to be described are read.

    Args:
        size: pixels of a side; every picture is brought into such a square, with white around it.
        width: numbers that each part of a picture becomes.
        channels: of the first convolution; each of the others has twice as many as the one before.
        flip: half of the pictures that are learnt from are seen in a mirror.

    Raises:
        ArgumentError: a value that is not possible.
    """

    size: int = 64
    width: int = 128
    channels: int = 16
    flip: bool = True

    def __post_init__(self) -> None:
        self._whole(1, "width", "channels")
        self._whole(16, "size")
        if self.size % 16:
            raise ArgumentError(f"Scenes(size={self.size}): must be a multiple of 16")


@dataclass(frozen=True, eq=False)
class SceneReading:
    """Pictures as "scene" (B, T, F): rows of pixels, 3 numbers each, or features of T parts.

    Features that a user's own network has computed stand in files ``.npy``: (F,) of the picture as
    a whole, (P, F) of its parts, or (H, W, F) of a grid.

    Args:
        scenes: the settings.
        features: F of such files; None for pixels.
    """

    name: ClassVar[str] = "scene"

    scenes: Scenes
    features: int | None = None
    _kept: WeakKeyDictionary[Corpus, dict[int, NDArray[Any]]] = field(
        default_factory=WeakKeyDictionary, repr=False
    )

    @classmethod
    def fit(cls, corpus: Corpus, scenes: Scenes) -> Self:
        """Look at the first item: pixels, or how wide its features are.

        Raises:
            DataError: there are no pictures, or one cannot be read.
        """
        made = cls(scenes)
        if corpus.pictures is None or not _is_features(corpus.pictures[0]):
            return made
        return cls(scenes, made.item(corpus, 0).shape[1])

    @property
    def widths(self) -> Widths:
        """One group of numbers."""
        return Widths(numbers={SCENE: self.features or 3 * self.scenes.size})

    def lengths(self, corpus: Corpus) -> Ints:
        """(N,) rows of pixels, or parts, of each picture."""
        if self.features is None:
            return np.full(len(corpus), self.scenes.size, np.int64)
        return np.array([len(self.item(corpus, at)) for at in range(len(corpus))], np.int64)

    def read(self, corpus: Corpus, items: Sequence[int]) -> Inputs:
        """What a network reads of these pictures, padded with zeros."""
        found = [self.item(corpus, item) for item in items]
        lengths = torch.tensor([len(own) for own in found])
        shape = len(items), int(lengths.max()), found[0].shape[1]
        values = np.zeros(shape, np.float32)
        for row, own in enumerate(found):
            # 0 is a mean grey
            pixels = own.dtype == np.uint8
            values[row, : len(own)] = own / np.float32(127.5) - 1 if pixels else own
        return Inputs({SCENE: torch.from_numpy(values)}, lengths)

    def item(self, corpus: Corpus, item: int) -> NDArray[Any]:
        """One picture: (size, 3 * size) of uint8, or features (P, F) of float32.

        Raises:
            DataError: it cannot be read, or is of another kind than the others.
        """
        kept = self._kept.setdefault(corpus, {})
        if item not in kept:
            if corpus.pictures is None:
                raise DataError(f"{corpus.source}: there are {corpus.content}, and no pictures")
            picture = corpus.pictures[item]
            if _is_features(picture):
                assert isinstance(picture, Path)
                kept[item] = _features(picture)
            else:
                kept[item] = colours(picture, self.scenes.size).reshape(self.scenes.size, -1)
            if self.features not in (None, kept[item].shape[1]):
                wide = kept.pop(item).shape[1]
                raise DataError(
                    f"{corpus.where(item)}: has {wide} features, and the model reads "
                    f"{self.features}; give what the same network has computed of it"
                )
        return kept[item]

    # the model file

    def put_down(self) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
        """What the model file keeps; ``take_up`` goes back."""
        return {"scenes": self.scenes.get_params(), "features": self.features}, {}

    @classmethod
    def take_up(cls, settings: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> Self:
        """The reading whose ``put_down()`` these are.

        Raises:
            ModelFileError: a part is missing or does not fit the others.
        """
        try:
            features = settings["features"]
            if features is not None and not 1 <= int(features) < 2**20:
                raise ValueError(f"features={features!r}")
            return cls(Scenes(**settings["scenes"]), features)
        except (KeyError, TypeError, ValueError) as error:
            raise ModelFileError(f"how pictures are read cannot be told: {error!r}") from None


def _is_features(picture: NDArray[Any] | Path) -> bool:
    return isinstance(picture, Path) and picture.suffix.lower() == ".npy"


def _features(path: Path) -> Floats:
    """Features (P, F) of a file.

    Raises:
        DataError: it holds none.
    """
    try:
        found = np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise DataError(f"{path}: cannot be read as features ({error})") from None
    shaped = isinstance(found, np.ndarray) and 1 <= found.ndim <= 3 and found.size
    if not shaped or found.dtype.kind not in "fiu":
        told = f"{found.dtype} {found.shape}" if isinstance(found, np.ndarray) else "several arrays"
        raise DataError(f"{path}: holds {told}; give numbers (F,), (P, F) or (H, W, F)")
    if not np.isfinite(found).all():
        raise DataError(f"{path}: holds values that are not finite")
    return np.ascontiguousarray(found.reshape(-1, found.shape[-1]), np.float32)
