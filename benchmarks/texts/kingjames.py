"""The King James text out of Debian's package sword-text-kjv, which holds a module of SWORD.

A module of the driver zText keeps each testament in three files: ``.bzz`` holds books, each packed
by zlib, ``.bzs`` says where each lies (offset, size, size unpacked: three uint32), and ``.bzv``
where each verse lies in its book (book, offset: uint32; size: uint16), little-endian all of them.
Verses are marked up in OSIS.
"""

from __future__ import annotations

import io
import re
import struct
import tarfile
import zlib
from collections.abc import Iterator
from pathlib import Path

from longshort.data.sources.prose import Prose, read_prose

INSIDE = "usr/share/sword/modules/texts/ztext/engKJV2006eb"
VERSES = 31_102
# notes and titles with what they hold, then every other mark
_MARKS = re.compile(r"<(note|title)\b.*?</\1>|<[^>]*>", re.DOTALL)
# what begins a paragraph, and what a conversion of the source left behind
_LEFT = re.compile(r"¶|\\nd\b|\\")


def read(path: Path) -> Prose:
    """All verses in order, each a document, from the package or the folder it was unpacked into."""
    found = list(verses(path))
    if len(found) != VERSES:
        raise SystemExit(f"{path}: {len(found)} verses, and there must be {VERSES}")
    return read_prose(found)


def verses(path: Path) -> Iterator[str]:
    """Every verse as plain text."""
    files = _inside(path)
    for testament in ("ot", "nt"):
        places, packed, index = (files[f"{testament}.{kind}"] for kind in ("bzs", "bzz", "bzv"))
        books = [
            zlib.decompress(packed[start : start + size])
            for start, size, _ in struct.iter_unpack("<III", places)
        ]
        for book, start, size in struct.iter_unpack("<IIH", index):
            # between verses stand the beginnings of books and chapters, which are marks alone
            text = plain(books[book][start : start + size].decode()) if size else ""
            if text:
                yield text


def plain(marked: str) -> str:
    """What a verse says, without headings, notes and marks."""
    return " ".join(_LEFT.sub("", _MARKS.sub("", marked)).split())


def _inside(path: Path) -> dict[str, bytes]:
    """The module's files by name."""
    if path.is_dir():
        return {each.name: each.read_bytes() for each in (path / INSIDE).iterdir()}
    with tarfile.open(fileobj=io.BytesIO(_data(path))) as archive:
        found = {}
        for member in archive:
            held = archive.extractfile(member) if INSIDE in member.name else None
            if held is not None:
                found[Path(member.name).name] = held.read()
        return found


def _data(path: Path) -> bytes:
    """``data.tar.*`` of a Debian package: an archive of ar, whose headers have 60 bytes."""
    content = path.read_bytes()
    at = 8
    while content.startswith(b"!<arch>\n") and at + 60 <= len(content):
        name, size = content[at : at + 16].decode().strip(" /"), int(content[at + 48 : at + 58])
        if name.startswith("data.tar"):
            return content[at + 60 : at + 60 + size]
        at += 60 + size + size % 2
    raise SystemExit(f"{path}: no Debian package; get one by 'apt-get download sword-text-kjv'")
