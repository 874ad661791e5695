"""Piano rolls: frames of keys in .mat, .npy and .npz files, and lists of chords in JSON.

A frame of an array has a number for each key, 88 of a piano from A0 or 128 of MIDI; whatever is
above 0 sounds. A chord in JSON is a list of keys as MIDI numbers them. A frame is one step of the
notation's grid. A file may have parts of its own, "train", "valid" and "test".
"""

from __future__ import annotations

import json
import math
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from longshort.data.codecs.notation import KEYS, LOWEST, Composition, Notation, roll_piece
from longshort.errors import DataError

ENDINGS = (".mat", ".npy", ".npz", ".json")
_PARTS = ("train", "valid", "test")
# bytes of a file, since it is read as a whole
_LARGEST = 2**30
# what a piece's place is called where it is the whole file
_ALONE = ""

# where each roll of a file stands in it, and what it holds
Rolls = Iterator[tuple[str, Any]]


def read_rolls(path: Path, notation: Notation) -> dict[str | None, list[tuple[str, Composition]]]:
    """The pieces of a file and where each one stands in it, by part; None where it has no parts.

    Raises:
        DataError: it cannot be read or holds no rolls; with the piece and frame where there is one.
    """
    reads = {".mat": _matlab, ".npy": _array, ".npz": _archive, ".json": _lists}
    try:
        if path.stat().st_size > _LARGEST:
            raise DataError(f"{path}: larger than {_LARGEST >> 30} GiB; give several files")
        found = reads[path.suffix.lower()](path)
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror or error}") from None
    parts: dict[str | None, list[tuple[str, Composition]]] = {}
    for part, rolls in found.items():
        for place, roll in rolls:
            keys = _keys(roll, f"{path}{place}")
            piece = roll_piece(keys, notation.resolution, notation.tempo)
            parts.setdefault(part, []).append((place, piece))
    if not parts:
        raise DataError(f"{path}: there is no piece in it")
    return parts


def _keys(roll: Any, where: str) -> NDArray[np.bool_]:
    """(T, 88), whether each key sounds in each frame."""
    found = np.asarray(roll)
    if found.ndim != 2 or found.shape[1] not in (KEYS, 128):
        raise DataError(
            f"{where}: a roll of shape {found.shape}; must be (frames, {KEYS}) from A0 or "
            "(frames, 128) from key 0 of MIDI"
        )
    if not len(found):
        raise DataError(f"{where}: no frame; leave the piece out")
    if found.dtype.kind not in "biuf":
        raise DataError(f"{where}: values of type {found.dtype}; must be numbers")
    odd = ~(found >= 0)
    if odd.any():
        frame, key = np.argwhere(odd)[0].tolist()
        raise DataError(
            f"{where}, frame {frame}, key {key}: {found[frame, key]}; must be 0 or more"
        )
    on = found > 0
    if found.shape[1] == 128:
        beyond = np.delete(on, np.s_[LOWEST : LOWEST + KEYS], axis=1)
        if beyond.any():
            frame = int(np.argwhere(beyond)[0][0])
            raise DataError(
                f"{where}, frame {frame}: a key that no piano has (below 21, above 108)"
            )
        on = on[:, LOWEST : LOWEST + KEYS]
    if not on.any():
        raise DataError(
            f"{where}: {len(found)} frames in which nothing sounds; leave the piece out"
        )
    return np.asarray(on)


def _part(name: str) -> str | None:
    """The part that an array's name stands for: "traindata" and "valid_3" are of such ones."""
    return next((part for part in _PARTS if name.lower().startswith(part)), None)


def _named(arrays: Mapping[str, Rolls]) -> dict[str | None, Rolls]:
    """Arrays by part, where every name is one of a part; else all are pieces of a whole."""
    apart = all(_part(name) for name in arrays)
    found: dict[str | None, list[tuple[str, Any]]] = {}
    for name, rolls in arrays.items():
        found.setdefault(_part(name) if apart else None, []).extend(rolls)
    return {part: iter(rolls) for part, rolls in found.items()}


def _matlab(path: Path) -> dict[str | None, Rolls]:
    import scipy.io

    try:
        held = scipy.io.loadmat(path)
    except OSError:
        raise
    except Exception as error:
        # a damaged file ends in whatever its bytes lead the reader to
        raise DataError(f"{path}: not a whole MATLAB file before version 7.3: {error}") from None

    def pieces(name: str, found: Any) -> Rolls:
        if found.dtype != object:
            yield f", {name}", found
            return
        for at, each in enumerate(found.ravel()):
            yield f", {name}{{{at + 1}}}", each

    arrays = {name: value for name, value in held.items() if not name.startswith("__")}
    return _named({name: pieces(name, value) for name, value in arrays.items()})


def _array(path: Path) -> dict[str | None, Rolls]:
    return {None: iter([(_ALONE, _loaded(path))])}


def _archive(path: Path) -> dict[str | None, Rolls]:
    held = _loaded(path)
    if not isinstance(held, np.lib.npyio.NpzFile):
        raise DataError(f"{path}: not an archive of arrays; a single array is a .npy file")
    with held:
        try:
            return _named({name: iter([(f", {name}", held[name])]) for name in held.files})
        except (ValueError, zipfile.BadZipFile, EOFError) as error:
            raise DataError(f"{path}: {_refused(error)}") from None


def _loaded(path: Path) -> Any:
    try:
        return np.load(path, allow_pickle=False)
    except (ValueError, zipfile.BadZipFile, EOFError) as error:
        raise DataError(f"{path}: {_refused(error)}") from None


def _refused(error: Exception) -> str:
    if "pickle" in str(error):
        return (
            "holds Python objects (a pickle), which can run programs when they are read; save each "
            "piece as an array of its own: numpy.savez(path, train_0=..., train_1=...)"
        )
    return f"not a whole file of arrays: {error}"


def _lists(path: Path) -> dict[str | None, Rolls]:
    try:
        held = json.loads(path.read_bytes())
    except (ValueError, RecursionError) as error:
        raise DataError(f"{path}: no JSON: {error}") from None
    if isinstance(held, dict):
        if not held or not all(_part(str(name)) for name in held):
            raise DataError(
                f"{path}: an object of {', '.join(map(repr, list(held)[:5]))}; must be one of "
                '"train", "valid" and "test", or a list of pieces'
            )
        return _named({name: _pieces(path, f", {name}", own) for name, own in held.items()})
    return {None: _pieces(path, "", held)}


def _pieces(path: Path, place: str, held: Any) -> Rolls:
    """Pieces are lists of chords, and a chord is a list of keys; a piece may stand alone."""
    if not isinstance(held, list):
        raise DataError(f"{path}{place}: a {type(held).__name__}, and must be a list of pieces")
    alone = any(isinstance(each, list) and _numbers(each) for each in held)
    for at, piece in enumerate([held] if alone else held):
        where = place if alone else f"{place}, piece {at + 1}"
        if not isinstance(piece, list):
            told = type(piece).__name__
            raise DataError(f"{path}{where}: a {told}, and must be a list of chords")
        roll = np.zeros((len(piece), 128), bool)
        for frame, chord in enumerate(piece):
            roll[frame, _chord(chord, f"{path}{where}, frame {frame}")] = True
        yield where, roll


def _numbers(chord: list[Any]) -> bool:
    return bool(chord) and not any(isinstance(each, list) for each in chord)


def _chord(chord: Any, where: str) -> list[int]:
    """Keys that sound; -1 and NaN are voices that rest."""
    if not isinstance(chord, list):
        raise DataError(f"{where}: {str(chord)[:40]!r}, and must be a list of keys")
    keys = []
    for key in chord:
        if isinstance(key, bool) or not isinstance(key, int | float):
            raise DataError(f"{where}: {str(key)[:40]!r} is no key; must be a number, 21 to 108")
        if key == -1 or (isinstance(key, float) and math.isnan(key)):
            continue
        if not LOWEST <= key < LOWEST + KEYS or key != int(key):
            raise DataError(f"{where}: {key} is no key of a piano; must be 21 to 108")
        keys.append(int(key))
    return keys
