"""Text files as numbered lines."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from longshort.data.sources.inputs import unpacked, utf8
from longshort.errors import DataError


def held(path: Path) -> bytes:
    """What a file holds, unpacked where its name ends in .gz.

    Raises:
        DataError: there is no such file, or it is no whole gzip file.
    """
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror or error}") from None
    if path.name.lower().endswith(".gz"):
        raw = unpacked(raw, path.name)
    return raw


def raw_of(path: Path) -> bytes:
    """What a text file holds, in UTF-8 with plain line ends.

    Raises:
        DataError: there is no such file, or it is not UTF-8; the line and the byte are told.
    """
    return utf8(held(path), path.name)


def every(path: Path) -> list[str]:
    """All lines of a file, empty ones too, without the line end.

    Raises:
        DataError: see ``raw_of``.
    """
    lines = raw_of(path).decode().split("\n")
    # what follows the last line end is no line
    return lines[:-1] if not lines[-1] else lines


def numbered(path: Path) -> Iterator[tuple[int, str]]:
    """The lines of a file that hold more than blanks, without these at their ends, from 1.

    Raises:
        DataError: see ``raw_of``.
    """
    lines = raw_of(path).decode().split("\n")
    return ((at, line.strip()) for at, line in enumerate(lines, 1) if line.strip())
