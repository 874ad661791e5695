"""What a Parquet file says of its pages, looked at before they are read.

A reader that believes a page asks for the memory that it names. Polars ends the process where there
is not so much, so a damaged count is found here first. The format: Apache Parquet's parquet.thrift,
in Thrift's compact protocol.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, BinaryIO

_MAGIC = b"PAR1"
# structs and lists inside each other
_DEPTH = 16
# bytes of a page's header to begin with, and at most
_HEAD, _MOST_HEAD = 2**12, 2**24


class _Compact:
    """Thrift's compact protocol: structs as dictionaries by field number."""

    def __init__(self, data: bytes) -> None:
        self.data, self.at = data, 0

    def byte(self) -> int:
        self.at += 1
        return self.data[self.at - 1]

    def whole(self) -> int:
        """An unsigned number, seven bits a byte."""
        found = 0
        for shift in range(0, 70, 7):
            part = self.byte()
            found |= (part & 127) << shift
            if part < 128:
                return found
        raise ValueError("a number has no end")

    def signed(self) -> int:
        found = self.whole()
        return (found >> 1) ^ -(found & 1)

    def skip(self, count: int) -> None:
        if count > len(self.data) - self.at:
            raise IndexError("more bytes than there are")
        self.at += count

    def fields(self, depth: int = 0) -> dict[int, Any]:
        """A struct."""
        found: dict[int, Any] = {}
        number = 0
        while kind := self.byte():
            number = number + (kind >> 4) if kind >> 4 else self.signed()
            kind &= 15
            # in a struct the kind of a truth value is the value
            found[number] = kind == 1 if kind in (1, 2) else self.value(kind, depth + 1)
        return found

    def value(self, kind: int, depth: int) -> Any:
        if depth > _DEPTH:
            raise ValueError("structs lie too deep")
        if kind in (4, 5, 6):
            return self.signed()
        if kind in (1, 2, 3):
            return self.byte()
        if kind == 7:
            return self.skip(8)
        if kind == 8:
            return self.skip(self.whole())
        if kind in (9, 10):
            head = self.byte()
            count = head >> 4 if head >> 4 < 15 else self.whole()
            return [self.value(head & 15, depth + 1) for _ in self.several(count)]
        if kind == 12:
            return self.fields(depth + 1)
        raise ValueError(f"there is no kind {kind}")

    def several(self, count: int) -> range:
        # each takes a byte at least
        if count > len(self.data) - self.at:
            raise IndexError("more values than there are bytes")
        return range(count)


def check_pages(path: Path) -> None:
    """Refuse a file whose pages name counts that cannot be.

    Raises:
        ValueError: what is wrong.
        OSError: the file cannot be read.
    """
    with path.open("rb") as file:
        size = path.stat().st_size
        file.seek(max(0, size - 8))
        tail = file.read(8)
        length = int.from_bytes(tail[:4], "little")
        if size < 12 or tail[4:] != _MAGIC or length > size - 12:
            raise ValueError("it has no footer")
        file.seek(size - 8 - length)
        try:
            groups = _Compact(file.read(length)).fields()[4]
            for group in groups:
                for chunk in group[1]:
                    _check_chunk(file, chunk[3], group[3], size)
        except (AttributeError, IndexError, KeyError, TypeError) as error:
            raise ValueError(f"its headers are broken ({error})") from None


def _check_chunk(file: BinaryIO, column: dict[int, Any], rows: int, size: int) -> None:
    """The pages of one column in one group of rows."""
    values, packed = column[5], column[7]
    if values == 0:
        return
    start = min(at for at in (column[9], column.get(11) or column[9]) if at > 0)
    if min(rows, values, packed) < 0 or packed > size - start:
        raise ValueError("a column lies outside of the file")
    end, seen = start + packed, 0
    while seen < values:
        head, taken = _page(file, start, end)
        counts = [head.get(part, {}).get(1, 0) for part in (5, 7, 8)]
        if min(*counts, head[2], head[3]) < 0 or max(counts) > max(values, rows):
            raise ValueError("a page names a count that cannot be")
        seen += counts[0] + counts[2]
        start += taken + head[3]
        if start > end or not (taken + head[3]):
            raise ValueError("a page lies outside of its column")
    if seen != values:
        raise ValueError("the pages of a column do not add up")


def _page(file: BinaryIO, start: int, end: int) -> tuple[dict[int, Any], int]:
    """The header of the page at ``start``, and its length."""
    room = _HEAD
    while True:
        file.seek(start)
        reader = _Compact(file.read(min(room, end - start)))
        try:
            return reader.fields(), reader.at
        except IndexError:
            if room >= min(_MOST_HEAD, end - start):
                raise
            room *= 16
