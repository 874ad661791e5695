"""Which part of a text or of music is learnt from, which one chooses, and which is the test."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from longshort.data.chunks import Shares
from longshort.data.codecs.notation import Notation
from longshort.data.sources.music import read_music, transposed
from longshort.data.sources.prose import Documents, Prose, read_prose
from longshort.errors import ArgumentError, DataError

# what a text that comes in parts may name
PARTS = ("train", "valid", "test")


class Proses(NamedTuple):
    """The text of each part, and whether its last document ends with it.

    ``apart``: they are texts of their own, and not one that was cut.
    """

    parts: dict[str, tuple[Prose, bool]]
    digest: str
    apart: bool


@dataclass(frozen=True)
class Parting:
    """How what a user has becomes parts of a text.

    Args:
        documents: what is one document of a text.
        shares: which part is which, where none are given.
        notation: how music is written down.
    """

    documents: Documents
    shares: Shares
    notation: Notation

    def opened(self, data: Any) -> Prose | Mapping[str, Any]:
        """A text, or its parts where they are apart."""
        if isinstance(data, Mapping):
            return data
        if self.notation.music:
            return read_music(data, self.notation)
        return read_prose(data, self.documents)

    def cut(self, data: Any) -> Proses:
        """The parts of a text, as they were given or as ``shares`` says, and its digest.

        Raises:
            DataError: the text cannot be read, or is too short to be parted.
            ArgumentError: the data, or the names of parts, are something else.
        """
        opened = self.opened(data)
        if not isinstance(opened, Mapping):
            return Proses(self._augmented(self._by_shares(opened)), digest(opened), apart=False)
        if "train" not in opened or not set(opened) <= set(PARTS):
            given = ", ".join(map(str, opened))
            raise ArgumentError(f"parts of a text are {', '.join(PARTS)}; got {given}")
        parts = {name: self._whole(own) for name, own in opened.items()}
        found = {name: (prose, self.closed(prose)) for name, prose in parts.items()}
        told = "".join(digest(prose) for prose in parts.values())
        return Proses(self._augmented(found), told, apart=True)

    def closed(self, prose: Prose) -> bool:
        """Whether the last document of a text ends with it, as pieces of music do."""
        return self.notation.music or len(prose.extent().starts) > 1

    def _whole(self, data: Any) -> Prose:
        """A text that is a part as a whole."""
        found = self.opened(data)
        if isinstance(found, Mapping):
            named = ", ".join(map(str, found))
            raise ArgumentError(f"{data}: has parts of its own ({named}); give it by itself")
        return found

    def _by_shares(self, prose: Prose) -> dict[str, tuple[Prose, bool]]:
        extent, music = prose.extent(), self.notation.music
        if music and len(extent.starts) < 2 and (self.shares.valid or self.shares.test):
            raise DataError(
                f"{prose.source}: one piece of music is not cut into parts; give more pieces, or "
                "Shares(valid=0, test=0)"
            )
        cuts = (0, *self.shares.cuts(extent, whole=music), extent.characters)
        ends = {*extent.starts.tolist(), extent.characters} if self.closed(prose) else set()
        parts = {
            name: (prose.between(start, stop), stop in ends)
            for name, start, stop in zip(PARTS, cuts, cuts[1:], strict=False)
            if start < stop
        }
        if "train" not in parts:
            raise DataError(
                f"{prose.source}: {extent.characters} characters are too few to be parted by "
                f"{self.shares}; give more text"
            )
        return parts

    def _augmented(self, parts: dict[str, tuple[Prose, bool]]) -> dict[str, tuple[Prose, bool]]:
        """The same parts, the training part of music in all keys that it is to be read in."""
        if not self.notation.transpose:
            return parts
        train, closed = parts["train"]
        return parts | {"train": (transposed(train, self.notation), closed)}


def digest(prose: Prose) -> str:
    """A number that tells texts apart: sha256 over characters and where documents begin."""
    found = hashlib.sha256()
    for text, first in prose.read():
        found.update(b"\xff" if first else b"")
        found.update(text.encode("utf-8", "surrogatepass"))
    return found.hexdigest()
