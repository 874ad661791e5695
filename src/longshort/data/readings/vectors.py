"""Word vectors that the user has, in the text format of GloVe and fastText."""

from __future__ import annotations

import gzip
from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from typing import IO

import numpy as np
from numpy.typing import NDArray

from longshort.errors import DataError


def read_vectors(
    path: str | Path, wanted: Collection[str], first: int, key: Callable[[str], str]
) -> dict[str, NDArray[np.float32]]:
    """The vectors (W,) of the words that are wanted, and of the first ones of the file.

    A line is a word and W numbers; a first line of two numbers, as fastText writes it, is passed
    over. A file that ends in ".gz" is unpacked on the way.

    Args:
        path: the file.
        wanted: words, as ``key`` gives them.
        first: so many different words are kept, wanted or not: the most frequent come first.
        key: the form in which a word is looked up; of several words of one form the first counts.

    Raises:
        DataError: the file cannot be read, or a line does not fit; it is named.
    """
    found: dict[str, NDArray[np.float32]] = {}
    width = 0
    try:
        for number, line in _lines(Path(path)):
            parts = line.rstrip("\r\n ").split(" ")
            if number == 1 and len(parts) == 2:
                continue
            # a word may hold spaces
            width = width or len(parts) - 1
            if width < 1 or len(parts) <= width:
                raise DataError(
                    f"{path}, line {number}: {len(parts) - 1} numbers where the first line has "
                    f"{width}; give a text file of word vectors (GloVe, or fastText's .vec)"
                )
            word = key(" ".join(parts[:-width]))
            if word in found or not (word in wanted or len(found) < first):
                continue
            try:
                values = np.array(parts[-width:], np.float32)
            except ValueError as error:
                raise DataError(
                    f"{path}, line {number}: {error}; expected {width} numbers"
                ) from None
            if not np.isfinite(values).all():
                raise DataError(f"{path}, line {number}: a number is not finite")
            found[word] = values
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror or error}") from None
    if not found:
        raise DataError(f"{path}: there are no word vectors in it")
    return found


def _lines(path: Path) -> Iterator[tuple[int, str]]:
    """The lines of a file with their numbers."""
    with _open(path) as file:
        for number, raw in enumerate(file, 1):
            try:
                yield number, raw.decode()
            except UnicodeDecodeError as error:
                raise DataError(
                    f"{path}, line {number}: byte {error.start + 1} of the line is no UTF-8; give "
                    "the vectors in their text format, in UTF-8"
                ) from None


def _open(path: Path) -> IO[bytes]:
    return gzip.open(path) if path.name.endswith(".gz") else path.open("rb")  # type: ignore[return-value]
