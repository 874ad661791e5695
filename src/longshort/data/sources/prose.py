"""Text as documents: one per file, per line or per JSON object, also packed, read piece by piece.

Nothing is held but the piece at hand: 1 MiB of a file, or one line of at most 64 MiB.
"""

from __future__ import annotations

import codecs
import gzip
import json
import re
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Literal, NamedTuple, get_args

import numpy as np

from longshort.contracts import Params
from longshort.data.steps import Ints
from longshort.errors import ArgumentError, DataError, MissingDependencyError, suggest

# what is a document
By = Literal["file", "line"]
# bytes that are read at once
_BLOCK = 2**20
# bytes of a line
_LONGEST = 2**26
# characters of a path that are told
_NAME = 200
# a word ends in the last so many characters of a block, or the block ends in the midst of one
_TAIL = 2**14
_JSON = (".jsonl", ".ndjson")
_PACKED = (".gz", ".zst")


@dataclass(frozen=True)
class Documents(Params):
    """What of a text is one document.

    Args:
        by: "file" or "line"; empty lines are none. An object of a JSON Lines file (.jsonl, .ndjson)
            always is one.
        field: of an object, the text.

    Raises:
        ArgumentError: another ``by``.
    """

    by: By = "file"
    field: str = "text"

    def __post_init__(self) -> None:
        if self.by not in get_args(By):
            raise ArgumentError(f"Documents(by={self.by!r}): {suggest(self.by, get_args(By))}")


class Piece(NamedTuple):
    """Part of a document's text, and whether the document begins with it."""

    text: str
    first: bool


class Extent(NamedTuple):
    """How long a text is: characters, and the character that each document starts at, (D,)."""

    characters: int
    starts: Ints


@dataclass(frozen=True)
class Prose:
    """A text that can be read as often as it takes.

    Args:
        source: what it is called in messages.
        read: its pieces, from the beginning.
        notes: what a reader must know of how it was read.
    """

    source: str
    read: Callable[[], Iterator[Piece]]
    notes: tuple[str, ...] = ()

    def extent(self) -> Extent:
        """How long it is, by reading it once.

        Raises:
            DataError: there is no text.
        """
        characters, starts = 0, []
        for piece in self.read():
            if piece.first:
                starts.append(characters)
            characters += len(piece.text)
        if not characters:
            raise DataError(f"{self.source}: there is no text in it; give a file with some")
        return Extent(characters, np.array(starts, np.int64))

    def between(self, start: int, stop: int) -> Prose:
        """The text from character ``start`` to ``stop``; a document may be cut."""

        def read() -> Iterator[Piece]:
            at = 0
            for piece in self.read():
                first, last = max(start - at, 0), stop - at
                if last <= 0:
                    return
                if first < min(last, len(piece.text)):
                    yield Piece(piece.text[first:last], piece.first and not first)
                at += len(piece.text)

        return Prose(self.source, read, self.notes)


def read_prose(data: Any, documents: Documents = Documents()) -> Prose:
    """A file, a folder of .txt files in the order of their names, or a list of texts.

    Files are UTF-8, and may be packed by gzip (.gz) or Zstandard (.zst).

    Raises:
        DataError: there is no such file, or it is no text; what it says is found when it is read.
        ArgumentError: the data are something else.
    """
    if isinstance(data, Prose):
        return data
    if isinstance(data, str | Path):
        path = Path(data)
        try:
            known = path.exists()
        except OSError:
            # a text in the place of a name is longer than names can be
            known = False
        if not known:
            raise DataError(
                f"{str(path)[:_NAME]}: there is no such file. A text in memory is given as [text]"
            )
        if path.is_dir():
            return _folder(path, documents)
        return Prose(str(path), lambda: _pieces(path, documents))
    if isinstance(data, Sequence) and all(isinstance(text, str) for text in data):
        return Prose("a list of texts", lambda: (Piece(text, True) for text in data if text))
    raise ArgumentError(
        f"a text is a path or a list of texts, one for each document; got {type(data).__name__}"
    )


def _folder(path: Path, documents: Documents) -> Prose:
    names = [
        name for ending in (".txt", *_JSON) for name in (ending, *(ending + p for p in _PACKED))
    ]
    found = sorted(p for p in path.iterdir() if p.name.endswith(tuple(names)))
    if not found:
        raise DataError(f"{path}: no file in it ends in {', '.join(names)}")

    def read() -> Iterator[Piece]:
        for each in found:
            yield from _pieces(each, documents)

    return Prose(str(path), read)


def _pieces(path: Path, documents: Documents) -> Iterator[Piece]:
    if path.name.removesuffix(".gz").removesuffix(".zst").endswith(_JSON):
        return _objects(path, documents.field)
    if documents.by == "line":
        return (Piece(line, True) for line in _lines(path) if line.strip())
    return _whole(path)


def _whole(path: Path) -> Iterator[Piece]:
    """A file as one document, cut where a word ends and blanks begin."""
    first, rest = True, ""
    for block in _text(path):
        rest += block
        ends = [found.end() for found in re.finditer(r"\S(?=\s)", rest[-_TAIL:])]
        cut = max(len(rest) - _TAIL, 0) + ends[-1] if ends else len(rest)
        yield Piece(rest[:cut], first)
        first, rest = False, rest[cut:]
    if rest:
        yield Piece(rest, first)


def _lines(path: Path) -> Iterator[str]:
    number, rest = 1, ""
    for block in _text(path):
        *whole, rest = (rest + block).split("\n")
        yield from whole
        number += len(whole)
        if len(rest) > _LONGEST:
            raise DataError(
                f"{path}, line {number}: it is longer than {_LONGEST >> 20} MiB; if the file is "
                'one document, say so: Documents(by="file")'
            )
    if rest:
        yield rest


def _objects(path: Path, field: str) -> Iterator[Piece]:
    for number, line in enumerate(_lines(path), 1):
        if not line.strip():
            continue
        where = f"{path}, line {number}"
        try:
            found = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise DataError(f"{where}: no JSON object: {error}") from None
        if not isinstance(found, dict):
            raise DataError(f"{where}: a JSON {type(found).__name__}, and must be an object")
        text = found.get(field)
        if not isinstance(text, str):
            there = "nothing" if field not in found else f"a {type(text).__name__}"
            raise DataError(
                f"{where}: {there} under {field!r}, where the text should be: "
                f"{suggest(field, found)}"
            )
        if text:
            yield Piece(text, True)


def _text(path: Path) -> Iterator[str]:
    """The characters of a file in blocks.

    Raises:
        DataError: bytes are no UTF-8, or no text; with the offset of the first.
    """
    decoder = codecs.getincrementaldecoder("utf-8")()
    offset, held = 0, 0
    for block in _blocks(path):
        if (at := block.find(b"\0")) >= 0:
            raise DataError(f"{path}, byte {offset + at}: a zero byte, so this is no text")
        try:
            text = decoder.decode(block)
        except UnicodeDecodeError as error:
            _refuse(path, offset - held + error.start, error)
        held = len(decoder.getstate()[0])
        text = text[1:] if not offset and text.startswith("\ufeff") else text
        offset += len(block)
        yield text
    try:
        decoder.decode(b"", final=True)
    except UnicodeDecodeError as error:
        _refuse(path, offset - held, error)


def _refuse(path: Path, offset: int, error: UnicodeDecodeError) -> None:
    byte = error.object[error.start]
    raise DataError(
        f"{path}, byte {offset}: 0x{byte:02x} is no UTF-8 here ({error.reason}); if this is a text "
        "in another encoding, convert it: iconv -f latin1 -t utf-8"
    ) from None


def _blocks(path: Path) -> Iterable[bytes]:
    """The bytes of a file, unpacked, 1 MiB at a time."""
    try:
        with _opened(path) as file:
            while block := file.read(_BLOCK):
                yield block
    except (OSError, EOFError, zlib.error) as error:
        packed = path.suffix in _PACKED
        told = "not a whole packed file: " if packed and not path.is_dir() else "cannot be read: "
        raise DataError(f"{path}: {told}{getattr(error, 'strerror', None) or error}") from None


def _opened(path: Path) -> BinaryIO:
    if path.suffix == ".gz":
        return gzip.open(path)  # type: ignore[return-value]
    if path.suffix != ".zst":
        return path.open("rb")
    try:
        import zstandard
    except ImportError as error:
        raise MissingDependencyError(
            f'{path}: .zst files need the package zstandard: pip install "longshort[text]"'
        ) from error
    return _Unpacked(zstandard.open(path, "rb"), zstandard.ZstdError)  # type: ignore[return-value]


class _Unpacked:
    """A Zstandard file whose errors are those of files."""

    def __init__(self, file: Any, broken: type[Exception]) -> None:
        self._file, self._broken = file, broken

    def __enter__(self) -> _Unpacked:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def read(self, count: int) -> bytes:
        try:
            return self._file.read(count)  # type: ignore[no-any-return]
        except self._broken as error:
            raise OSError(str(error)) from None
