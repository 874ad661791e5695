"""Recordings that are files of their own, and what a table, their names or their folders tell."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Self, cast

import numpy as np
import polars as pl

from longshort.data.corpus import PartName, Roles
from longshort.data.sequences import Columns, composed
from longshort.data.sources.documents import (
    PARTS,
    check_columns,
    plain_column,
    read_labels,
    read_parts,
)
from longshort.data.sources.inputs import SUFFIXES as TABLES
from longshort.data.sources.inputs import Table, load
from longshort.data.sources.lines import numbered
from longshort.errors import ArgumentError, DataError, suggest

# what the column of files is called where nobody says so, and that of texts
_PATHS, _TEXTS = ("path", "audio_filepath", "file"), ("transcript", "text", "sentence")
# lists of files of a folder that are left for choosing and for the test (Warden 2018)
_LISTS: dict[str, PartName] = {"validation_list.txt": "valid", "testing_list.txt": "test"}
# a folder is looked through for so many files at most before it is known what it holds
_LOOK = 2000


@dataclass(frozen=True)
class Files:
    """N files, and what is known of each of them.

    Args:
        source: what was read, for messages.
        paths: N files.
        known: by the name of a corpus's field ("labels", "transcripts", "groups", "parts",
            "lines", "names") N values.
        notes: what was left out, in words.
    """

    source: str
    paths: tuple[Path, ...]
    known: dict[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    def where(self, at: int) -> str:
        """A file for messages, with the line that names it."""
        lines = self.known.get("lines")
        place = "" if lines is None else f"{self.source}, line {int(lines[at])}: "
        return f"{place}{self.paths[at]}"

    def select(self, keep: Sequence[int]) -> Self:
        """Some of the files, in that order."""
        known = {
            name: values[list(keep)]
            if isinstance(values, np.ndarray)
            else tuple(values[at] for at in keep)
            for name, values in self.known.items()
        }
        return replace(self, paths=tuple(self.paths[at] for at in keep), known=known)

    def without(self, bad: dict[int, str], skip: bool, what: str) -> Self:
        """The files that can be read.

        Args:
            bad: what is wrong, by the number of a file.
            skip: leave those out, and say how many; else the first one is refused.
            what: a kind of file, "sound".

        Raises:
            DataError: a file is bad and ``skip`` is False, or every one is.
        """
        if not bad:
            return self
        first = min(bad)
        told = f"{self.where(first)}: {bad[first]}"
        if not skip:
            raise DataError(
                f"{told}; give another file, or leave out those that cannot be read (--skip-bad)"
            )
        if len(bad) == len(self.paths):
            raise DataError(f"none of {len(bad)} files can be read as {what}; the first: {told}")
        kept = self.select([at for at in range(len(self.paths)) if at not in bad])
        note = (
            f"{len(bad)} of {len(self.paths)} files could not be read as {what} and were left out, "
            f"the first: {told}."
        )
        return replace(kept, notes=(*self.notes, note))


def holds(data: Any, roles: Roles, suffixes: Sequence[str]) -> bool:
    """Whether data are a file of these suffixes, a folder with some, or a table that names some."""
    if isinstance(data, str | os.PathLike):
        path = Path(data)
        if path.name.lower().endswith(tuple(suffixes)):
            return True
        if path.is_dir():
            return next(below(path, suffixes, _LOOK), None) is not None
        if not (path.name.lower().endswith(TABLES) and path.is_file()):
            return False
    elif not hasattr(data, "columns"):
        return False
    if roles.path is None and (roles.text or roles.item or roles.code):
        return False
    try:
        table = load(data, Columns())
    except DataError:
        # whoever reads it as something else says what is wrong
        return False
    column = _path_column(table, roles)
    if column is None:
        return False
    first = next((str(each) for each in table.column(column).to_list() if each), "")
    return first.lower().endswith(tuple(suffixes))


def find(data: Any, roles: Roles, suffixes: Sequence[str], *, labelled: bool) -> Files:
    """The files that a path or a table tells of.

    Args:
        data: a file; a table (a path or a frame) with a column of paths, from the table's own
            folder; or a folder: with a folder for each label, perhaps below one for each part of a
            split, or with ``validation_list.txt`` and ``testing_list.txt`` as Speech Commands has
            them; or whose file names follow ``roles.pattern``; or, to predict on, any.
        roles: the columns ``path``, ``label``, ``transcript``, ``group`` and ``part``.
        suffixes: of files that are meant, ".wav".
        labelled: labels must be there.

    Raises:
        DataError: there are none, or file, line or column are told.
    """
    if not isinstance(data, str | os.PathLike):
        return _of_table(load(data, Columns()), Path(), roles, labelled)
    path = Path(data)
    if path.is_dir():
        return _of_folder(path, roles, suffixes, labelled)
    if path.name.lower().endswith(tuple(suffixes)):
        if labelled:
            raise DataError(f"{path}: one file, without a label; give a table or a folder of files")
        return Files(str(path), (path,), {"names": (path.name,)})
    return _of_table(load(path, Columns()), path.parent, roles, labelled)


def _path_column(table: Table, roles: Roles) -> str | None:
    if roles.path is not None:
        check_columns(table, [("path", roles.path)])
        return roles.path
    return next((name for name in _PATHS if name in table.names), None)


def _of_table(table: Table, folder: Path, roles: Roles, labelled: bool) -> Files:
    """Files by the rows of a table."""
    column = _path_column(table, roles)
    if column is None:
        raise DataError(
            f"{table.source}: which column holds the files? Name it (--path). "
            f"{suggest('path', table.names)}"
        )
    told = table.column(column).cast(pl.String).to_list()
    for row, each in enumerate(told):
        if not each:
            raise DataError(f"{table.where(row)}, column {column!r}: there is no path; write one")
    known: dict[str, Any] = {
        "labels": read_labels(table, roles, required=labelled),
        "transcripts": _transcripts(table, roles),
        "groups": plain_column(table, roles.group, "group", required=labelled),
        "parts": read_parts(table, roles, required=labelled),
        "lines": table.lines if table.lines is not None else np.arange(1, table.height + 1),
        "names": tuple(told),
    }
    return Files(
        table.source,
        tuple(folder / each for each in told),
        {name: values for name, values in known.items() if values is not None},
    )


def _transcripts(table: Table, roles: Roles) -> tuple[str, ...] | None:
    """What is said in each file, where a column tells it."""
    name = roles.transcript
    if name is not None:
        check_columns(table, [("transcript", name)])
    else:
        taken = {*roles.label}
        name = next((n for n in _TEXTS if n in table.names and n not in taken), None)
    if name is None:
        return None
    told = table.column(name).cast(pl.String).to_list()
    return tuple("" if each is None else composed(each).strip() for each in told)


def below(folder: Path, suffixes: Sequence[str], most: int | None = None) -> Iterator[Path]:
    """Files of these suffixes in a folder and below it, hidden ones excepted."""
    ends = tuple(suffixes)
    looked = 0
    for place, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names):
            looked += 1
            if name.lower().endswith(ends) and not name.startswith("."):
                yield Path(place) / name
        if most is not None and looked > most:
            return


def _of_folder(folder: Path, roles: Roles, suffixes: Sequence[str], labelled: bool) -> Files:
    """Files of a folder, by their names or by their own folders."""
    found = list(below(folder, suffixes))
    if not found:
        raise DataError(f"{folder}: holds no files of this kind ({', '.join(suffixes)})")
    names = [path.relative_to(folder).as_posix() for path in found]
    whole = Files(str(folder), tuple(found), {"names": tuple(names)})
    if roles.pattern is not None:
        return _named(whole, roles.pattern, roles.skip_bad, labelled)
    return _labelled(whole, folder, labelled)


def _labelled(files: Files, folder: Path, labelled: bool) -> Files:
    """Files by the folder they lie in, which may lie in one for each part of a split."""
    parted = [path.relative_to(folder).parts[:-1] for path in files.paths]
    tops = {parts[0] for parts in parted if parts}
    split = bool(tops) and all(top.lower() in PARTS for top in tops)
    labels = [parts[split] if len(parts) > split else "" for parts in parted]
    # folders of noise and the like are no labels
    keep = [at for at, label in enumerate(labels) if label and not label.startswith("_")]
    if not keep:
        if labelled:
            raise DataError(
                f"{folder}: holds no folders of files; make a folder for each label, such as "
                f"{folder / 'yes'}, give a table of paths and labels, or say what the files' names "
                "tell (--pattern '{label}_{group}_{n}.wav')"
            )
        return files
    known: dict[str, Any] = {"labels": tuple((composed(label),) for label in labels)}
    if split:
        known["parts"] = tuple(PARTS[parts[0].lower()] if parts else "train" for parts in parted)
    else:
        known |= _listed(folder, files.known["names"])
    return replace(files, known=files.known | known).select(keep)


def _listed(folder: Path, names: Sequence[str]) -> dict[str, Any]:
    """The parts of a folder that holds lists of files for two of them."""
    part: dict[str, PartName] = {}
    for name, which in _LISTS.items():
        if (folder / name).is_file():
            part |= dict.fromkeys((told for _, told in numbered(folder / name)), which)
    return {"parts": tuple(part.get(name, "train") for name in names)} if part else {}


def _named(files: Files, pattern: str, skip: bool, labelled: bool) -> Files:
    """Files by what their names tell; nothing is known of new ones that have names of their own."""
    told = pattern_of(pattern)
    whole = "/" in pattern
    found, bad = [], {}
    for at, name in enumerate(files.known["names"]):
        match = told.fullmatch(name if whole else name.rpartition("/")[2])
        found.append(match.groupdict() if match else {})
        if match is None:
            bad[at] = f"the name does not follow {pattern!r}"
    if bad and not labelled:
        return files
    known: dict[str, Any] = dict(files.known)
    for role, column in (("label", "labels"), ("group", "groups"), ("transcript", "transcripts")):
        if role in told.groupindex:
            values = [composed(each.get(role, "")) for each in found]
            known[column] = tuple((v,) for v in values) if role == "label" else tuple(values)
    if "part" in told.groupindex:
        for at, each in enumerate(found):
            if each and each["part"].lower() not in PARTS:
                bad[at] = f"{each['part']!r} is no part of a split (train, valid or test)"
        parts = (PARTS.get(each.get("part", "").lower(), "train") for each in found)
        known["parts"] = cast(tuple[PartName, ...], tuple(parts))
    return replace(files, known=known).without(bad, skip, "what was asked for")


def pattern_of(pattern: str) -> re.Pattern[str]:
    """A pattern with names in braces as a regular expression.

    Raises:
        ArgumentError: it names nothing, or one thing twice.
    """
    pieces = re.split(r"\{(\w+)\}", pattern)
    roles = [name for name in pieces[1::2] if name in ("label", "group", "transcript", "part")]
    if not roles or len(set(roles)) < len(roles):
        raise ArgumentError(
            f"Roles(pattern={pattern!r}): name label, group, transcript or part in braces, each at "
            "most once, as in '{label}_{group}_{n}.wav'"
        )
    made = [re.escape(pieces[0])]
    for name, literal in zip(pieces[1::2], pieces[2::2], strict=True):
        made.append(f"(?P<{name}>[^/]+?)" if name in roles else "[^/]+?")
        made.append(re.escape(literal))
    return re.compile("".join(made))
