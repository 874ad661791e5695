"""Texts with labels: tables with a column of texts, folders with one per label, and lists."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, cast

import numpy as np
import polars as pl

from longshort.data.clock import Clock
from longshort.data.corpus import Corpus, PartName, Roles
from longshort.data.sequences import Columns, composed
from longshort.data.sources.inputs import TEXT, Table, load
from longshort.data.sources.stamps import read_stamps
from longshort.data.steps import Ints, Times
from longshort.errors import DataError, suggest

Labels = tuple[tuple[str, ...], ...]

# what parts of a split are called in files and folders
PARTS: dict[str, PartName] = {
    "train": "train", "training": "train",
    "valid": "valid", "validation": "valid", "val": "valid", "dev": "valid",
    "test": "test", "testing": "test",
}  # fmt: skip
# files of a folder that are texts
_SUFFIXES = (".txt", ".text", ".md")
# a text of a folder may have so many bytes
_MOST_BYTES = 2**26


def read_documents(data: Any, roles: Roles, *, labelled: bool = True) -> Corpus:
    """Texts of a table (a path or a frame) or of a folder that has a folder for each label.

    A folder may hold ``train``, ``valid`` (``dev``) and ``test`` folders, each with a folder for
    each label.

    Args:
        data: a path, or a frame of any library that narwhals knows.
        roles: the columns; ``text`` and ``label``, and ``group``, ``time`` and ``part`` if there
            are any. In a folder names are labels, and roles have no meaning.
        labelled: False also takes data without labels, groups and times, to predict on.

    Raises:
        DataError: with file, line (or byte), column, value and the way out.
    """
    if isinstance(data, str | os.PathLike) and Path(data).is_dir():
        return read_folder(Path(data), labelled=labelled)
    table = load(data, Columns())
    if not table.height:
        raise DataError(f"{table.source}: there are no rows; give at least one row of data")
    column = table.column(_text_column(table, roles))
    texts = tuple("" if text is None else text for text in column.cast(pl.String).to_list())
    return Corpus(
        table.source,
        texts=texts,
        labels=read_labels(table, roles, required=labelled),
        groups=plain_column(table, roles.group, "group", required=labelled),
        moments=_moments(table, roles, required=labelled),
        parts=read_parts(table, roles, required=labelled),
        lines=table.lines if table.lines is not None else np.arange(1, table.height + 1),
    )


def _text_column(table: Table, roles: Roles) -> str:
    """The column of texts: the one that is named, or the only one that can be meant."""
    if roles.text is not None:
        check_columns(table, [("text", roles.text)])
        return roles.text
    taken = {name for _, name in roles.asked()}
    free = [n for n in table.names if n not in taken and table.kind(n) in TEXT]
    if len(free) == 1 or "text" in free:
        return "text" if "text" in free else free[0]
    listed = suggest("text", table.names)
    raise DataError(f"{table.source}: which column holds the texts? Name it (--text). {listed}")


def check_columns(table: Table, asked: Iterable[tuple[str, str]]) -> None:
    """Raises DataError where a column that was named is not there."""
    for role, name in asked:
        if name not in table.names:
            raise DataError(
                f"{table.source}: there is no column {name!r} for {role}: "
                f"{suggest(name, table.names)}"
            )


def read_labels(table: Table, roles: Roles, *, required: bool = True) -> Labels | None:
    """(N,) labels of each row; () where a row has none. None where there is no such column.

    Several columns of 0 and 1 are labels that are each there or not, named by their column; with
    ``separator`` one cell holds several.

    Raises:
        DataError: a column is missing though labels are required, or a value is not 0 or 1.
    """
    if not required and any(name not in table.names for name in roles.label):
        return None
    check_columns(table, [("label", name) for name in roles.label])
    if len(roles.label) > 1:
        return _several(table, roles.label)
    told = _told(table.column(roles.label[0]))
    if roles.separator is None:
        return tuple((label,) if label else () for label in told)
    return tuple(
        tuple(sorted({part.strip() for part in label.split(roles.separator)} - {""}))
        for label in told
    )


def _several(table: Table, names: Sequence[str]) -> Labels:
    """Labels by the names of the columns in which a row has a 1."""
    yes, no = {"1", "true", "yes"}, {"0", "false", "no", ""}
    there: list[list[bool]] = []
    for name in names:
        told = [value.lower() for value in _told(table.column(name))]
        for row, value in enumerate(told):
            if value not in yes | no:
                raise DataError(
                    f"{table.where(row)}, column {name!r}: {value!r} is neither 0 nor 1; of "
                    "several label columns each says whether its label is there"
                )
        there.append([value in yes for value in told])
    return tuple(
        tuple(name for name, has in zip(names, row, strict=True) if has)
        for row in zip(*there, strict=True)
    )


def _told(column: pl.Series) -> list[str]:
    """Labels as text: whole numbers without a point, "" where there is none."""
    if column.dtype.is_float():
        found = [
            "" if v is None or v != v else str(int(v)) if v.is_integer() else str(v) for v in column
        ]
    elif column.dtype == pl.Boolean:
        found = ["" if v is None else str(v).lower() for v in column]
    else:
        found = ["" if v is None else composed(str(v)).strip() for v in column.to_list()]
    return found


def plain_column(
    table: Table, name: str | None, role: str, *, required: bool = True
) -> tuple[str, ...] | None:
    """A column of names; None where it is not asked for, or not there and not required."""
    if name is None or (not required and name not in table.names):
        return None
    check_columns(table, [(role, name)])
    return tuple(_told(table.column(name)))


def read_parts(table: Table, roles: Roles, *, required: bool) -> tuple[PartName, ...] | None:
    """The part of a split that each row says it is of."""
    if roles.part is None or (not required and roles.part not in table.names):
        return None
    check_columns(table, [("part", roles.part)])
    found = []
    for row, told in enumerate(_told(table.column(roles.part))):
        if told.lower() not in PARTS:
            raise DataError(
                f"{table.where(row)}, column {roles.part!r}: {told!r} is no part of a split; write "
                "train, valid or test"
            )
        found.append(PARTS[told.lower()])
    return tuple(found)


def _moments(table: Table, roles: Roles, *, required: bool) -> Times | Ints | None:
    """When each row was, where a column says so."""
    if roles.time is None or (not required and roles.time not in table.names):
        return None
    check_columns(table, [("time", roles.time)])
    moments, _ = read_stamps(table.column(roles.time), table.where, Clock().zone)
    return moments


def read_folder(folder: Path, *, labelled: bool = True) -> Corpus:
    """Text files in a folder for each label, perhaps below one for each part of a split.

    Raises:
        DataError: there are none, or a file is not UTF-8 (its name and the byte are told).
    """
    inside = sorted(path for path in folder.iterdir() if not path.name.startswith("."))
    folders = [path for path in inside if path.is_dir()]
    split = bool(folders) and all(path.name.lower() in PARTS for path in folders)
    found: list[tuple[Path, str, PartName | None]] = []
    for path in folders:
        part = PARTS[path.name.lower()] if split else None
        below = sorted(each for each in path.iterdir() if each.is_dir()) if split else [path]
        for place in below:
            found += [(file, composed(place.name), part) for file in _text_files(place)]
    if not found and not labelled:
        found = [(file, "", None) for file in _text_files(folder)]
    if not found:
        raise DataError(
            f"{folder}: holds no folders of texts; make a folder for each label, and in it a file "
            f"({', '.join(_SUFFIXES)}) for each text, such as {folder / 'positive' / '1.txt'}"
        )
    return Corpus(
        str(folder),
        texts=tuple(_read_text(file) for file, _, _ in found),
        labels=tuple((label,) for _, label, _ in found) if folders else None,
        parts=cast(tuple[PartName, ...], tuple(part for *_, part in found)) if split else None,
        names=tuple(file.relative_to(folder).as_posix() for file, _, _ in found),
    )


def _text_files(folder: Path) -> list[Path]:
    return sorted(
        path
        for path in folder.rglob("*")
        if path.is_file() and path.suffix.lower() in _SUFFIXES and not path.name.startswith(".")
    )


def _read_text(path: Path) -> str:
    """The text of a file, in UTF-8."""
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise DataError(f"{path}: larger than {_MOST_BYTES} bytes, the most a text may have")
        raw = path.read_bytes()
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror or error}") from None
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise DataError(
            f"{path}: byte 0x{raw[error.start]:02x} at offset {error.start} is not UTF-8; save the "
            f"file as UTF-8 (for one in Latin-1: iconv -f latin1 -t utf-8 {path.name})"
        ) from None


def from_texts(texts: Sequence[Any], source: str = "a list") -> Corpus:
    """Texts of a list, or sentences where each is itself a list of words.

    Raises:
        DataError: an item is neither.
    """
    if all(isinstance(text, str) for text in texts):
        return Corpus(source, texts=tuple(str(text) for text in texts))
    for at, words in enumerate(texts):
        if isinstance(words, str) or not all(isinstance(word, str) for word in words):
            raise DataError(
                f"{source}: item {at + 1} is {type(words).__name__}; give texts alone, or a list "
                "of words for each item"
            )
    return Corpus(source, tokens=tuple(tuple(map(str, words)) for words in texts))
