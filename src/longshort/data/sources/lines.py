"""Text files as numbered lines."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from longshort.data.sources.inputs import utf8
from longshort.errors import DataError


def numbered(path: Path) -> Iterator[tuple[int, str]]:
    """The lines of a file that hold more than blanks, without these at their ends, from 1.

    Raises:
        DataError: there is no such file, or it is not UTF-8; the line and the byte are told.
    """
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror or error}") from None
    lines = utf8(raw, path.name).decode().split("\n")
    return ((at, line.strip()) for at, line in enumerate(lines, 1) if line.strip())
