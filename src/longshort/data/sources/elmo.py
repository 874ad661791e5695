"""Published ELMo models: ``options.json`` and weights in HDF5, as AllenNLP gave them out.

Peters et al. 2018, "Deep contextualized word representations". Nothing of a file is believed: every
array is looked for by its name, must have the shape that the options say, and lie in that file.
"""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, NamedTuple, get_args

import numpy as np
from numpy.typing import NDArray

from longshort.artifact import parse
from longshort.contracts import Params, whole
from longshort.errors import (
    ArgumentError,
    LongshortError,
    MissingDependencyError,
    ModelFileError,
    suggest,
)

Activation = Literal["relu", "tanh"]

# rows of the table of characters: 256 bytes, two marks of a sentence and of a word each, padding
SIGNS = 261
_SUFFIXES = (".hdf5", ".h5")
# bytes of options that are read at most; those that were published have some hundreds
_OPTIONS = 2**20
# how many times its own bytes a file may stand for: numbers compress by less
_COMPRESSED = 100
# no layer, filter or width of a model is larger
_MOST = 2**16


@dataclass(frozen=True)
class ElmoOptions(Params):
    """The sizes of a published model.

    Args:
        filters: (width, number) of the convolutions over a word's characters.
        characters: numbers of one character.
        highways: highway layers over the filters' answers.
        activation: of the convolutions, "relu" or "tanh".
        longest: symbols of a word, its two marks among them.
        units: H of each layer and direction.
        projection: P, what the state is projected to; below H.
        layers: of each direction.
        cell_clip: bound of the cell; None for none.
        proj_clip: bound of the projected state; None for none.

    Raises:
        ArgumentError: a value out of range.
    """

    filters: tuple[tuple[int, int], ...]
    characters: int = 16
    highways: int = 2
    activation: Activation = "relu"
    longest: int = 50
    units: int = 4096
    projection: int = 512
    layers: int = 2
    cell_clip: float | None = 3.0
    proj_clip: float | None = 3.0

    def __post_init__(self) -> None:
        low = {"characters": 1, "highways": 0, "longest": 3, "units": 2, "projection": 1}
        for name, least in {**low, "layers": 1}.items():
            self._range(name, getattr(self, name), least)
        object.__setattr__(self, "filters", tuple(map(tuple, self.filters)))
        if not self.filters or any(len(each) != 2 for each in self.filters):
            raise ArgumentError(f"filters={self.filters}: must be pairs of width and number")
        for width, number in self.filters:
            self._range("filters", width, 1)
            self._range("filters", number, 1)
        if self.longest < self.widest:
            raise ArgumentError(
                f"longest={self.longest}: a filter that sees {self.widest} characters does not fit"
            )
        if self.activation not in get_args(Activation):
            told = suggest(str(self.activation), get_args(Activation))
            raise ArgumentError(f"activation={self.activation!r}: {told}")
        if self.projection >= self.units:
            raise ArgumentError(
                f"projection={self.projection}: must be below units={self.units}; models without a "
                "projection are not read"
            )
        for name in ("cell_clip", "proj_clip"):
            bound = getattr(self, name)
            if bound is not None and not (0 < bound < math.inf):
                raise ArgumentError(f"{name}={bound}: must be above 0, or None")

    def _range(self, name: str, value: Any, least: int) -> None:
        if whole(name, value, least) > _MOST:
            raise ArgumentError(f"{name}={value}: must be {least} to {_MOST}")

    @property
    def widest(self) -> int:
        """Characters that the widest filter sees."""
        return max(width for width, _ in self.filters)

    @property
    def found(self) -> int:
        """Answers of all filters together."""
        return sum(number for _, number in self.filters)


class Published(NamedTuple):
    """A published model: its sizes, and its arrays of float32 by their names in the file."""

    options: ElmoOptions
    arrays: dict[str, NDArray[np.float32]]


def is_elmo(path: str | os.PathLike[str]) -> bool:
    """Whether that is the options of a published model, or a folder that holds some."""
    path = Path(path)
    if path.is_dir():
        return any(path.glob("*options.json"))
    return path.suffix.lower() == ".json" or path.suffix.lower() in _SUFFIXES


def read_elmo(path: str | os.PathLike[str]) -> Published:
    """A published model.

    Args:
        path: the options, with the weights beside them, or a folder that holds both.

    Raises:
        ModelFileError: a file is missing, damaged, or not what the other one says.
        MissingDependencyError: h5py is not installed.
    """
    told, weights = _pair(Path(path))
    options = _options(told)
    wanted = shapes(options)
    _refuse_enormous(weights, wanted)
    return Published(options, _arrays(weights, wanted))


def shapes(options: ElmoOptions) -> dict[str, tuple[int, ...]]:
    """The shape of every array of a model, by its name in the file."""
    width, hidden, units = options.found, options.projection, options.units
    found: dict[str, tuple[int, ...]] = {"char_embed": (SIGNS, options.characters)}
    for at, (seen, number) in enumerate(options.filters):
        found[f"CNN/W_cnn_{at}"] = (1, seen, options.characters, number)
        found[f"CNN/b_cnn_{at}"] = (number,)
    for at in range(options.highways):
        for gate in ("transform", "carry"):
            found[f"CNN_high_{at}/W_{gate}"] = (width, width)
            found[f"CNN_high_{at}/b_{gate}"] = (width,)
    found |= {"CNN_proj/W_proj": (width, hidden), "CNN_proj/b_proj": (hidden,)}
    for direction in range(2):
        for layer in range(options.layers):
            cell = cell_name(direction, layer)
            found[f"{cell}/W_0"] = (2 * hidden, 4 * units)
            found[f"{cell}/B"] = (4 * units,)
            found[f"{cell}/W_P_0"] = (units, hidden)
    return found


def cell_name(direction: int, layer: int) -> str:
    """Where a file keeps the LSTM of a direction (0 forwards) and layer (from 0)."""
    return f"RNN_{direction}/RNN/MultiRNNCell/Cell{layer}/LSTMCell"


def _pair(path: Path) -> tuple[Path, Path]:
    """The options and the weights."""
    if path.is_dir():
        return _only(path, ("options.json",)), _only(path, _SUFFIXES)
    if path.suffix.lower() in _SUFFIXES:
        raise ModelFileError(f"{path}: these are the weights; give the options.json beside them")
    if not path.is_file():
        raise ModelFileError(f"{path}: there is no such file")
    named = path.with_name(path.name.replace("options.json", "weights.hdf5"))
    return path, named if named != path and named.is_file() else _only(path.parent, _SUFFIXES)


def _only(folder: Path, endings: tuple[str, ...]) -> Path:
    found = sorted(each for each in folder.iterdir() if each.name.lower().endswith(endings))
    if len(found) != 1:
        names = ", ".join(each.name for each in found[:4]) or "none"
        raise ModelFileError(
            f"{folder}: one file that ends in {' or '.join(endings)} must be there, and there is "
            f"{names}; an ELMo model is its options.json with its weights in HDF5 beside it"
        )
    return found[0]


def _options(path: Path) -> ElmoOptions:
    try:
        with path.open("rb") as file:
            text = file.read(_OPTIONS + 1)
    except OSError as error:
        raise ModelFileError(f"{path}: cannot be read: {error.strerror}") from None
    if len(text) > _OPTIONS:
        raise ModelFileError(f"{path}: more than {_OPTIONS} bytes are no options of a model")
    try:
        told = parse(text)
        lstm, cnn = _part(told, "lstm"), _part(told, "char_cnn")
        if lstm.get("use_skip_connections") is not True:
            raise ValueError("lstm: use_skip_connections must be true: other models are not read")
        if cnn.get("n_characters", SIGNS) not in (SIGNS, SIGNS + 1):
            raise ValueError(
                f"char_cnn: n_characters={cnn['n_characters']!r}: must be {SIGNS}, the bytes "
                "and five marks"
            )
        return ElmoOptions(
            filters=tuple(tuple(each) for each in cnn["filters"]),
            characters=_part(cnn, "embedding")["dim"],
            highways=cnn["n_highway"],
            activation=cnn["activation"],
            longest=cnn.get("max_characters_per_token", 50),
            units=lstm["dim"],
            projection=lstm["projection_dim"],
            layers=lstm["n_layers"],
            cell_clip=_bound(lstm, "cell_clip"),
            proj_clip=_bound(lstm, "proj_clip"),
        )
    except KeyError as error:
        raise ModelFileError(
            f"{path}: {error} is not told; it is no options.json of an ELMo model"
        ) from None
    except (TypeError, ValueError) as error:
        raise ModelFileError(f"{path}: {error}") from None


def _part(told: Any, name: str) -> Mapping[str, Any]:
    if not isinstance(told, Mapping):
        raise TypeError(f"{str(told)[:40]!r} stands where names and values must")
    part = told[name]
    if not isinstance(part, Mapping):
        raise TypeError(f"{name!r} is {str(part)[:40]!r}, and must hold names and values")
    return part


def _bound(lstm: Mapping[str, Any], name: str) -> float | None:
    """A clip; nothing and 0 are none."""
    value = lstm.get(name)
    if value is None or value == 0:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError(f"{name}={value!r}: must be a number")
    return float(value)


def _refuse_enormous(path: Path, wanted: Mapping[str, tuple[int, ...]]) -> None:
    """Refuse options that ask for more than the weights' file can hold."""
    numbers = sum(math.prod(shape) for shape in wanted.values())
    size = path.stat().st_size
    if numbers * 2 > size * _COMPRESSED:
        raise ModelFileError(
            f"{path}: the options name {numbers:,} weights, which {size:,} bytes do not hold; the "
            "file is cut short, or belongs to other options"
        )


def _arrays(path: Path, wanted: Mapping[str, tuple[int, ...]]) -> dict[str, NDArray[np.float32]]:
    library = _hdf5()
    try:
        with library.File(path, "r") as file:
            found = {n: _dataset(library, file, n, s) for n, s in wanted.items()}
            return {name: _read(path, name, each) for name, each in found.items()}
    except LongshortError as error:
        raise ModelFileError(f"{path}: {str(error).removeprefix(f'{path}: ')}") from None
    # what the library ends in where bytes are not what they should be
    except (OSError, RuntimeError, KeyError, TypeError, ValueError, MemoryError) as error:
        raise ModelFileError(
            f"{path}: cannot be read as HDF5 ({str(error)[:200]}); fetch the file again"
        ) from None


def _dataset(library: Any, file: Any, name: str, shape: tuple[int, ...]) -> Any:
    """An array of the file itself, looked at but not read."""
    node = file
    for part in name.split("/"):
        link = node.get(part, getlink=True) if isinstance(node, library.Group) else None
        if link is None:
            near = suggest(part, node) if isinstance(node, library.Group) else "it is an array"
            raise ModelFileError(f"there is no {name!r}: {part!r} is not there ({near[:300]})")
        if not isinstance(link, library.HardLink):
            raise ModelFileError(f"{name!r} is a link to elsewhere; only what it holds is read")
        node = node[part]
    if not isinstance(node, library.Dataset):
        raise ModelFileError(f"{name!r} is no array")
    if node.shape != shape or node.dtype.kind != "f":
        raise ModelFileError(
            f"{name!r} is {node.dtype} of shape {node.shape}, and the options make it real numbers "
            f"of shape {shape}; give the options and the weights of one model"
        )
    if node.is_virtual or node.external:
        raise ModelFileError(f"{name!r} lies in another file; only what it holds is read")
    if node.nbytes > node.id.get_storage_size() * _COMPRESSED:
        raise ModelFileError(f"{name!r} is declared, and was never written")
    return node


def _read(path: Path, name: str, dataset: Any) -> NDArray[np.float32]:
    found: NDArray[np.float32] = np.asarray(dataset[...], np.float32)
    if not np.isfinite(found).all():
        raise ModelFileError(f"{path}: {name!r} holds values that are no numbers")
    return found


def _hdf5() -> Any:
    """The library h5py, which is imported here alone."""
    try:
        import h5py
    except ImportError as error:
        raise MissingDependencyError(
            'weights of ELMo need the package h5py: pip install "longshort[text]"'
        ) from error
    return h5py
