"""Music as documents: MIDI, MusicXML and piano rolls, a file or a folder of them.

A piece is a document. All are read at once and held as text, about four bytes a sign.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from longshort.data.codecs.notation import Composition, Notation, on_piano
from longshort.data.sources.midi import read_midi
from longshort.data.sources.musicxml import read_musicxml
from longshort.data.sources.prose import Piece, Prose
from longshort.data.sources.rolls import ENDINGS, read_rolls
from longshort.errors import ArgumentError, DataError

MIDI = (".mid", ".midi")
SCORES = (".musicxml", ".mxl", ".xml")
# files that hold music, by how they end
MUSIC = (*MIDI, *SCORES, *ENDINGS)
_PARTS = ("train", "valid", "test")

# pieces with where each one comes from, by part; None where there are none
_Parts = dict[str | None, list[tuple[str, Composition]]]


def read_music(data: Any, notation: Notation) -> Prose | dict[str, Prose]:
    """Music as a text in a notation; as several by part where the data have parts of their own.

    Args:
        data: a file; a folder, of all such files in it and below in the order of their names, or
            with folders "train", "valid" and "test"; or a list of files and ``Composition``s.
        notation: "rolls" or "events".

    Raises:
        DataError: it cannot be read, or holds no music; it names the file and the place.
        ArgumentError: the data are something else.
    """
    if isinstance(data, Prose):
        return data
    if isinstance(data, str | Path):
        source, parts = str(data), _opened(Path(data), notation)
    elif isinstance(data, Sequence):
        source, parts = "a list of pieces", {None: list(_listed(data, notation))}
    else:
        raise ArgumentError(
            f"music is a path or a list of paths and pieces; got {type(data).__name__}"
        )
    found = {part: _prose(source, pieces, notation) for part, pieces in parts.items()}
    whole = found.get(None)
    return whole if whole is not None else {str(part): prose for part, prose in found.items()}


def read_piece(path: str | Path, notation: Notation) -> Composition:
    """The one piece that a file holds.

    Raises:
        DataError: it cannot be read, or holds several.
    """
    parts = _opened(Path(path), notation)
    pieces = [piece for own in parts.values() for _, piece in own]
    if len(pieces) != 1:
        raise DataError(f"{path}: holds {len(pieces)} pieces; give a file with one")
    return pieces[0]


def is_music(name: str) -> bool:
    """Whether a text is the name of a file that music is read from; no sign of music is."""
    return name.lower().endswith(MUSIC)


def transposed(prose: Prose, notation: Notation) -> Prose:
    """A text of music in all keys that a notation asks for, one after the other."""
    keys = sorted(range(-notation.transpose, notation.transpose + 1), key=abs)

    def read() -> Iterator[Piece]:
        for by in keys:
            for text, first in prose.read():
                moved = notation.transposed(text, by)
                if moved is not None:
                    yield Piece(moved, first)

    return Prose(prose.source, read, prose.notes)


def _opened(path: Path, notation: Notation) -> _Parts:
    if not path.exists():
        raise DataError(f"{str(path)[:200]}: there is no such file")
    if not path.is_dir():
        return _file(path, notation)
    if (path / "train").is_dir():
        folders = {part: path / part for part in _PARTS if (path / part).is_dir()}
        return {part: list(_folder(own, notation)) for part, own in folders.items()}
    return {None: list(_folder(path, notation))}


def _folder(path: Path, notation: Notation) -> Iterator[tuple[str, Composition]]:
    found = sorted(p for p in path.rglob("*") if p.suffix.lower() in MUSIC and p.is_file())
    if not found:
        raise DataError(f"{path}: no file in it ends in {', '.join(MUSIC)}")
    for each in found:
        yield from _whole(each, notation)


def _listed(data: Sequence[Any], notation: Notation) -> Iterator[tuple[str, Composition]]:
    for at, each in enumerate(data):
        if isinstance(each, Composition):
            yield f"piece {at + 1}", each
        elif isinstance(each, str | Path):
            yield from _whole(Path(each), notation)
        else:
            raise ArgumentError(
                f"piece {at + 1} is a {type(each).__name__}; give paths or pieces of music"
            )


def _whole(path: Path, notation: Notation) -> Iterator[tuple[str, Composition]]:
    """All pieces of a file among others."""
    parts = _opened(path, notation)
    if None not in parts:
        named = ", ".join(map(str, parts))
        raise DataError(f"{path}: has parts of its own ({named}); give it by itself")
    return iter(parts[None])


def _file(path: Path, notation: Notation) -> _Parts:
    ending = path.suffix.lower()
    if ending in MIDI:
        return {None: [(str(path), read_midi(path))]}
    if ending in SCORES:
        return {None: [(str(path), read_musicxml(path))]}
    if ending in ENDINGS:
        found = read_rolls(path, notation)
        return {part: [(f"{path}{at}", piece) for at, piece in own] for part, own in found.items()}
    raise DataError(f"{path}: music is read from files that end in {', '.join(MUSIC)}")


def _prose(source: str, pieces: list[tuple[str, Composition]], notation: Notation) -> Prose:
    texts, moved, beyond, notes = [], [], 0, 0
    for name, piece in pieces:
        kept = on_piano(piece.notes)
        if not kept.any():
            raise DataError(f"{name}: none of its notes is on a piano, A0 to C8")
        beyond, notes = beyond + int((~kept).sum()), notes + len(kept)
        moved.append(notation.moved(piece))
        try:
            texts.append(notation.write(piece))
        except DataError as error:
            raise DataError(f"{name}: {error}") from None
    return Prose(source, lambda: (Piece(text, True) for text in texts), _told(moved, beyond, notes))


def _told(moved: list[Any], beyond: int, notes: int) -> tuple[str, ...]:
    """What writing music down has changed of it, where it has."""
    found = []
    begins, lengths = np.concatenate(moved, 1) if moved else np.zeros((2, 1))
    if begins.max() > 1e-6 or lengths.max() > 1e-6:
        found.append(
            f"Notes were moved to the notation's grid: their beginnings by {begins.mean():.4f} "
            f"quarter notes on average and at most {begins.max():.4f}, their lengths by "
            f"{lengths.mean():.4f} and at most {lengths.max():.4f}. A higher resolution moves less."
        )
    if beyond:
        found.append(f"{beyond:,} of {notes:,} notes are beyond the keys of a piano: left out.")
    return tuple(found)
