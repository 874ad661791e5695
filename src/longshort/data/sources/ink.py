"""Pen strokes: files of several formats, alone, in a folder or in a zip, and tables of points."""

from __future__ import annotations

import os
import zipfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from longshort.data.corpus import Corpus, Roles
from longshort.data.sequences import Columns, composed
from longshort.data.sources.documents import PARTS
from longshort.data.sources.files import below, pattern_of
from longshort.data.sources.inputs import SUFFIXES as TABLES
from longshort.data.sources.inputs import load
from longshort.data.sources.recordings import read_recordings
from longshort.data.sources.strokes import Drawing, Read, drawing_of, format_of
from longshort.errors import DataError

# files that may hold strokes, and how many are looked into before it is known
_SUFFIXES = (".inkml", ".ndjson", ".jsonl", ".txt", ".dat", ".unp", ".unipen")
_LOOK = 20
# bytes that tell a format, and those of the largest file
_START, _MOST = 2**16, 2**30
# what columns of points are called
_COLUMNS = ("x", "y", "stroke")
_TIMES = ("t", "time")


class _Member(NamedTuple):
    """A file of a folder or of a zip; ``read`` gives so many of its first bytes."""

    name: str
    where: str
    read: Callable[[int], bytes]


def is_ink(data: Any, roles: Roles) -> bool:
    """Whether data are a file, folder or zip of strokes, or a table of their points."""
    if isinstance(data, str | os.PathLike):
        path = Path(data)
        if not path.name.lower().endswith(TABLES) or path.suffix.lower() in _SUFFIXES:
            try:
                return any(_format(each) for each in islice(_members(path), _LOOK))
            except DataError:
                # whoever reads it as something else says what is wrong
                return False
        if not path.is_file() or not _names_strokes(path):
            return False
    elif not hasattr(data, "columns"):
        return False
    if roles.code or roles.text or roles.channels is not None:
        return False
    try:
        names = load(data, Columns()).names
    except DataError:
        return False
    return set(_COLUMNS) <= set(names)


def _names_strokes(path: Path) -> bool:
    """Whether a table may have a column "stroke": of plain text its first lines tell."""
    if path.suffix.lower() not in (".csv", ".tsv"):
        return True
    return b"stroke" in _reader(path)(_START)


def read_ink(data: Any, roles: Roles, *, labelled: bool = True) -> Corpus:
    """A corpus of pen strokes.

    Strokes without points are left out; a stroke of one point is a dot. Drawings without strokes
    are items of no steps.

    Args:
        data: a file of InkML, UNIPEN, UJIpenchars2, Omniglot's text or Quick Draw (ndjson); a
            folder or a zip of such files, of which folders are labels where files do not tell any,
            below folders of parts (train, valid, test) if there are some; or a table (a path or a
            frame) with a row for each point, and columns ``x``, ``y`` (downwards), ``stroke``, one
            that names the item ("item" if roles do not say), and ``t`` or ``time`` in seconds if it
            is known.
        roles: of a table its columns; ``pattern`` of the names of files; ``skip_bad`` leaves out
            what cannot be read.
        labelled: labels, or of what tells its own text transcripts, must be there.

    Raises:
        DataError: nothing can be read, a value is no number, or there are no labels; file and line
            are told.
    """
    if isinstance(data, str | os.PathLike):
        path = Path(data)
        if not path.name.lower().endswith(TABLES) or path.suffix.lower() in _SUFFIXES:
            return _of_files(path, roles, labelled)
    return _of_table(data, roles, labelled)


def _of_files(path: Path, roles: Roles, labelled: bool) -> Corpus:
    drawings: list[Drawing] = []
    members: list[_Member] = []
    bad: list[str] = []
    for member in _members(path):
        for each in _each(member):
            if not isinstance(each, DataError):
                drawings.append(each)
                members.append(member)
            elif roles.skip_bad:
                bad.append(str(each))
            else:
                raise DataError(f"{each}; or leave out what cannot be read (--skip-bad)")
    if not drawings:
        told = f"; the first of {len(bad)} that cannot be read: {bad[0]}" if bad else ""
        raise DataError(f"{path}: holds no pen strokes{told}")
    return _corpus(path, drawings, members, bad, roles, labelled)


def _corpus(
    path: Path,
    drawings: Sequence[Drawing],
    members: Sequence[_Member],
    bad: Sequence[str],
    roles: Roles,
    labelled: bool,
) -> Corpus:
    folders = _folders([each.name for each in members]) if len(members) > 1 else [()] * len(members)
    tops = {own[0].lower() for own in folders if own}
    split = bool(tops) and tops <= set(PARTS) and all(folders)
    known: dict[str, Any] = {}
    told = tuple(composed(each.label) for each in drawings)
    labels = told if any(told) else tuple("/".join(own[split:]) for own in folders)
    if any(labels):
        known["labels"] = tuple((composed(label),) if label else () for label in labels)
    if all(told):
        known["transcripts"] = told
    if all(each.writer for each in drawings):
        known["groups"] = tuple(each.writer for each in drawings)
    if split:
        known["parts"] = tuple(PARTS[own[0].lower()] for own in folders)
    if roles.pattern is not None:
        known |= _named(roles.pattern, members)
    if labelled and "labels" not in known:
        raise DataError(
            f"{path}: tells no labels; put files into a folder for each label, or say what their "
            "names tell (--pattern '{label}_{group}_{n}.inkml')"
        )
    known["names"] = tuple(
        each.name or (member.name if not each.line else f"{member.name}, line {each.line}")
        for each, member in zip(drawings, members, strict=True)
    )
    notes = [f"{len(bad)} could not be read and were left out, the first: {at}." for at in bad[:1]]
    ink = tuple(each.points for each in drawings)
    return Corpus(str(path), ink=ink, **known, notes=tuple(notes))


def _each(member: _Member) -> Iterator[Drawing | DataError]:
    """The drawings of a file, and what is wrong with others."""
    try:
        read = _format(member)
        if read is not None:
            yield from read(member.read(_MOST), member.where)
    except DataError as error:
        yield error


def _named(pattern: str, members: Sequence[_Member]) -> dict[str, Any]:
    """What the names of files tell."""
    told, found = pattern_of(pattern), []
    for each in members:
        name = each.name if "/" in pattern else each.name.rpartition("/")[2]
        match = told.fullmatch(name)
        if match is None:
            raise DataError(f"{each.where}: the name does not follow {pattern!r}")
        found.append(match.groupdict())
    known: dict[str, Any] = {}
    for role, column in (("label", "labels"), ("group", "groups"), ("transcript", "transcripts")):
        if role in told.groupindex:
            values = tuple(composed(each[role]) for each in found)
            known[column] = tuple((v,) for v in values) if role == "label" else values
    if "part" in told.groupindex:
        for own, member in zip(found, members, strict=True):
            if own["part"].lower() not in PARTS:
                raise DataError(f"{member.where}: {own['part']!r} is no part (train, valid, test)")
        known["parts"] = tuple(PARTS[own["part"].lower()] for own in found)
    return known


def _folders(names: Sequence[str]) -> list[tuple[str, ...]]:
    """The folders that each file lies in, without those that all of them lie in."""
    parted = [tuple(name.split("/")[:-1]) for name in names]
    shared = 0
    while all(len(own) > shared and own[shared] == parted[0][shared] for own in parted):
        shared += 1
    return [own[shared:] for own in parted]


# where files come from


def _members(path: Path) -> Iterator[_Member]:
    """The files that may hold strokes, in the order of their names."""
    if path.is_dir():
        for each in below(path, _SUFFIXES):
            yield _Member(each.relative_to(path).as_posix(), str(each), _reader(each))
    elif zipfile.is_zipfile(path):
        yield from _zipped(path)
    else:
        yield _Member(path.name, str(path), _reader(path))


def _reader(path: Path) -> Callable[[int], bytes]:
    def read(most: int) -> bytes:
        try:
            with path.open("rb") as file:
                return file.read(most)
        except OSError as error:
            raise DataError(f"{path}: cannot be read: {error.strerror or error}") from None

    return read


def _zipped(path: Path) -> Iterator[_Member]:
    with zipfile.ZipFile(path) as archive:
        for name in sorted(archive.namelist()):
            # what a Mac puts into every zip, and hidden files
            hidden = any(part.startswith((".", "__MACOSX")) for part in name.split("/"))
            if hidden or not name.lower().endswith(_SUFFIXES):
                continue
            where = f"{path}: {name}"

            def read(most: int, name: str = name, where: str = where) -> bytes:
                try:
                    with archive.open(name) as file:
                        return file.read(most)
                except (zipfile.BadZipFile, zlib.error, RuntimeError, OSError, EOFError) as error:
                    raise DataError(f"{where}: cannot be unpacked ({error})") from None

            yield _Member(name, where, read)


def _format(member: _Member) -> Read | None:
    return format_of(member.name, member.read(_START))


# tables


def _of_table(data: Any, roles: Roles, labelled: bool) -> Corpus:
    """Points by the rows of a table."""
    names = load(data, Columns()).names
    time = roles.time or next((name for name in _TIMES if name in names), None)
    channels = (*_COLUMNS, *([] if time is None else [time]))
    item = roles.item
    if item is None:
        if "item" not in names:
            raise DataError(
                "a table of points needs the column that names the drawing of each: name it "
                f"(--item); there are {', '.join(names)}"
            )
        item = "item"
    if labelled and all(label not in names for label in roles.label):
        labelled = roles.transcript is None
    own = replace(roles, item=item, time=None, channels=channels)
    corpus = read_recordings(data, own, labelled=labelled)
    series = corpus.series
    assert series is not None
    told = [field.name for field in series.numbers]
    values = series.values[:, [told.index(name) for name in channels if name in told]]
    if values.shape[1] != len(channels):
        raise DataError(f"{corpus.source}: the columns {', '.join(channels)} must be numbers")
    ink = []
    for at in range(len(corpus)):
        rows = values[series.rows(at)]
        if not np.isfinite(rows[:, 2]).all():
            raise DataError(f"{corpus.where(at)}: a point has no stroke; number the strokes")
        cuts = np.flatnonzero(np.diff(rows[:, 2])) + 1
        times = rows[:, 3] if rows.shape[1] > 3 else np.full(len(rows), np.nan)
        points = np.column_stack([rows[:, :2], times])
        strokes = [list(map(tuple, each.tolist())) for each in np.split(points, cuts)]
        ink.append(drawing_of(strokes, corpus.where(at)).points)
    return replace(corpus, series=None, ink=tuple(ink), moments=None)
