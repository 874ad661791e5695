"""Pairs of a source and its target: sentences in two languages, articles and their summaries.

What is done about odd pairs: one with an empty side, or longer than any sentence or article, is
left out and counted; one whose target equals its source is kept and told.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from longshort.data.corpus import Corpus, PartName, Roles, join
from longshort.data.sequences import Columns, composed
from longshort.data.sources.captions import (
    CAPTIONS,
    IMAGES,
    PICTURED,
    holds_captions,
    of_pictures,
    read_folder,
    read_json,
)
from longshort.data.sources.documents import PARTS, check_columns, plain_column, read_parts
from longshort.data.sources.inputs import SUFFIXES, TEXT, Table, load
from longshort.data.sources.lines import every
from longshort.data.sources.pictures import read_pictures
from longshort.data.sources.tmx import read_tmx
from longshort.errors import ArgumentError, DataError, suggest

# what the columns of a source and its target are called where nobody says so
NAMES = (
    ("source", "target"), ("src", "tgt"), ("article", "summary"), ("article", "highlights"),
    ("document", "summary"), ("text", "summary"), ("sentence", "translation"),
)  # fmt: skip
# a source or target of so many words, or characters, is no sentence and no article
MOST_WORDS, MOST_CHARACTERS = 5000, 50_000


def read_pairs(data: Any, roles: Roles, y: Any = None, *, required: bool = True) -> Corpus:
    """Sources with their targets: texts, or pictures with captions, and ``transcripts``.

    Args:
        data: two files whose lines belong together, as a tuple ("a.en", "a.ja"); a table (a path
            or a frame) with a column of sources and one of targets, or of pictures and captions;
            a translation memory (.tmx); JSON of captions; a folder of pictures with texts beside
            them; a list of texts, or of pairs; a corpus; or a mapping of "train", "valid" and
            "test" to any of these.
        roles: ``text`` and ``transcript`` name the columns (or languages) of source and target,
            ``path`` that of pictures; by default source and target, article and summary, image
            and caption, or the only two columns of text. ``group`` and ``part``, if there are any.
        y: N targets, where they do not stand in the data.
        required: False also takes data without targets, to predict on; nothing is left out then,
            and a file of any other name gives a source in each line.

    Raises:
        DataError: data cannot be read or have no targets, or two files have unequal numbers of
            lines; file and line are told.
        MissingDependencyError: there are pictures, and Pillow is not installed.
    """
    corpus = _read(data, roles, required)
    if corpus.content not in ("texts", "pictures"):
        raise DataError(f"{corpus.source}: holds {corpus.content}; a source is a text or a picture")
    if y is not None:
        corpus = replace(corpus, transcripts=_told(y, corpus))
    if required and corpus.transcripts is None:
        raise DataError(
            f"{corpus.source}: has no targets; give y, or name their column "
            "(Roles(transcript=...), --target)"
        )
    corpus = of_pictures(corpus) if corpus.content == "pictures" else corpus
    return usable(corpus) if required else corpus


def usable(corpus: Corpus) -> Corpus:
    """The pairs that can be learnt from, with sentences on those that are left out or odd.

    Raises:
        DataError: there are none.
    """
    sources, targets = corpus.texts, corpus.transcripts or ()
    keep = np.ones(len(corpus), bool)
    notes = list(corpus.notes)

    def out(wrong: NDArray[np.bool_], what: str) -> None:
        wrong = wrong & keep
        if wrong.any():
            first = corpus.where(int(wrong.argmax()))
            notes.append(
                f"{wrong.sum()} of {len(corpus)} pairs {what} and were left out, the first at "
                f"{first}."
            )
            keep[wrong] = False

    sides = [side for side in (sources, targets) if side is not None]
    out(_any([[not text.strip() for text in side] for side in sides]), "have an empty side")
    out(
        _any([[_long(text) for text in side] for side in sides]),
        f"are longer than {MOST_WORDS:,} words or {MOST_CHARACTERS:,} characters",
    )
    if not keep.any():
        raise DataError(f"{corpus.source}: no pair is left to learn from. {' '.join(notes)}")
    if sources is not None:
        pairs = zip(sources, targets, strict=True)
        same = np.array([one.strip() == two.strip() for one, two in pairs], bool) & keep
        if same.any():
            notes.append(
                f"{same.sum()} of {len(corpus)} pairs have a target that equals its source, the "
                f"first at {corpus.where(int(same.argmax()))}."
            )
    chosen = corpus if keep.all() else corpus.select(np.flatnonzero(keep))
    return replace(chosen, notes=tuple(notes))


def _any(sides: Sequence[Sequence[bool]]) -> NDArray[np.bool_]:
    return np.asarray(np.array(sides, bool).any(axis=0))


def _long(text: str) -> bool:
    if len(text) <= MOST_WORDS:
        return False
    return len(text) > MOST_CHARACTERS or len(text.split()) > MOST_WORDS


def _read(data: Any, roles: Roles, required: bool) -> Corpus:
    if isinstance(data, Corpus):
        return data
    if isinstance(data, Mapping):
        return join([(_part(n), _read(each, roles, required)) for n, each in data.items()])
    if _is_two_files(data, required):
        return aligned(Path(data[0]), Path(data[1]))
    if isinstance(data, str | os.PathLike):
        return _from_path(data, roles, required)
    if hasattr(data, "columns"):
        return _from_table(load(data, Columns()), data, roles, required)
    listed = getattr(data, "to_list", None) or getattr(data, "tolist", None)
    return _from_list(data if listed is None else listed())


def _part(name: str) -> PartName:
    if name not in PARTS:
        raise ArgumentError(f"part {name!r}: {suggest(name, ('train', 'valid', 'test'))}")
    return PARTS[name]


def _is_two_files(data: Any, required: bool) -> bool:
    """Whether data are a tuple of two paths; of two texts to predict on they are not."""
    if not (isinstance(data, tuple) and len(data) == 2):
        return False
    if not all(isinstance(each, str | os.PathLike) for each in data):
        return False
    return required or all(_is_there(each) for each in data)


def _is_there(name: str | os.PathLike[str]) -> bool:
    # an empty text is not the folder that we are in, and a long one is no path
    return os.path.exists(name)


def aligned(source: Path, target: Path) -> Corpus:
    """Two files whose lines belong together, in UTF-8; each may be packed (.gz).

    Raises:
        DataError: one has more lines than the other: the first of these is told.
    """
    first, second = every(source), every(target)
    short = min(len(first), len(second))
    for path, lines in ((source, first), (target, second)):
        if not any(map(str.strip, lines)):
            raise DataError(f"{path}: the file is empty; give one with a text in each line")
    for path, lines, other in ((source, first, target), (target, second, source)):
        left = next((at for at in range(short, len(lines)) if lines[at].strip()), None)
        if left is not None:
            raise DataError(
                f"{path.name} has {len(lines)} lines, and {other.name} has {short}: line "
                f"{left + 1} of {path.name} ({lines[left][:40]!r}) has no other side. Lines that "
                "belong together must stand at the same place in both files"
            )
    return Corpus(
        f"{source.name} and {target.name}",
        texts=tuple(composed(line.strip()) for line in first[:short]),
        transcripts=tuple(composed(line.strip()) for line in second[:short]),
        lines=np.arange(1, short + 1),
    )


def _from_path(data: str | os.PathLike[str], roles: Roles, required: bool) -> Corpus:
    name = os.fspath(data).lower().removesuffix(".gz")
    if not required and not name.endswith(SUFFIXES) and not _is_there(data):
        return Corpus("a text", texts=(composed(os.fspath(data)),))
    path = Path(data)
    if path.is_dir():
        if required or holds_captions(path):
            return read_folder(path, roles)
        return read_pictures(path, roles, labelled=False)
    if name.endswith(".tmx"):
        memory = read_tmx(path, roles.text, roles.transcript)
        lacking = f"{memory.lacking} units lack {' or '.join(memory.languages)} and were left out."
        return Corpus(
            path.name, texts=memory.sources, transcripts=memory.targets, names=memory.names,
            notes=(lacking,) if memory.lacking else (),
        )  # fmt: skip
    if name.endswith(".json"):
        return read_json(path, roles)
    if name.endswith(PICTURED) and not required:
        return read_pictures(path, roles, labelled=False)
    if name.endswith(SUFFIXES) or not _is_there(path):
        return _from_table(_table(path), path, roles, required)
    if required:
        raise DataError(
            f"{path}: one file of lines has no targets; give two, whose lines belong together "
            f"({path.name} and another), or a table ({', '.join(SUFFIXES)})"
        )
    lines = every(path)
    texts = tuple(composed(line.strip()) for line in lines)
    return Corpus(path.name, texts=texts, lines=np.arange(1, len(lines) + 1))


def _table(path: Path) -> Table:
    """A table; of a .tsv file whose quotation marks are no marks of cells, as they stand."""
    try:
        return load(path, Columns())
    except DataError:
        if not path.name.lower().removesuffix(".gz").endswith(".tsv") or not path.is_file():
            raise
        plain = _plain(path)
        if plain is None:
            raise
        return plain


def _plain(path: Path) -> Table | None:
    """Lines cut at tabs and nowhere else; None where they have unequal numbers of cells."""
    lines = [(at, line.split("\t")) for at, line in enumerate(every(path), 1) if line.strip()]
    names = [name.strip() for name in lines[0][1]] if lines else []
    if len(names) < 2 or len(set(names)) < len(names):
        return None
    if any(len(cells) != len(names) for _, cells in lines):
        return None
    columns = {name: [cells[at] for _, cells in lines[1:]] for at, name in enumerate(names)}
    numbers = np.array([at for at, _ in lines[1:]], np.int64)
    return Table.of(pl.DataFrame(columns), path.name, lines=numbers, text=True)


def _from_table(table: Table, data: Any, roles: Roles, required: bool) -> Corpus:
    """Rows as pairs, by the columns that are named, or by what columns are called."""
    if not table.height:
        raise DataError(f"{table.source}: there are no rows; give at least one pair")
    image = roles.path or next((name for name in IMAGES if name in table.names), None)
    if image is not None and roles.text is None:
        caption = roles.transcript or next((n for n in CAPTIONS if n in table.names), None)
        asked = replace(roles, path=image, transcript=caption)
        return read_pictures(data, asked, labelled=False)
    source, target, notes = _columns(table, roles, required)
    return Corpus(
        table.source,
        texts=_texts(table, source),
        transcripts=None if target is None else _texts(table, target),
        groups=plain_column(table, roles.group, "group", required=required),
        parts=read_parts(table, roles, required=required),
        lines=table.lines if table.lines is not None else np.arange(1, table.height + 1),
        notes=notes,
    )


def _texts(table: Table, name: str) -> tuple[str, ...]:
    told = table.column(name).cast(pl.String).to_list()
    return tuple("" if each is None else composed(each).strip() for each in told)


def _columns(table: Table, roles: Roles, required: bool) -> tuple[str, str | None, tuple[str, ...]]:
    """The columns of sources and targets, and what to know of how they were found."""
    asked = [("source", roles.text), ("target", roles.transcript if required else None)]
    check_columns(table, [(role, name) for role, name in asked if name is not None])
    target = roles.transcript if roles.transcript in table.names else None
    if roles.text is not None and target is not None:
        return roles.text, target, ()
    for one, two in NAMES:
        first, second = roles.text or one, target or two
        if first in table.names and second in table.names and first != second:
            return first, second, ()
    taken = {roles.text, target, roles.group, roles.part, *roles.label}
    free = [n for n in table.names if n not in taken and table.kind(n) in TEXT]
    missing = (roles.text is None) + (target is None)
    if len(free) == missing:
        left = iter(free)
        source, other = roles.text or next(left), target or next(left)
        note = (
            f"The columns of {table.source} are read as source ({source}) and target ({other}); if "
            "these are a pair and no names, a line of names is missing above them."
        )
        return source, other, (note,)
    if not required:
        known = roles.text or next((one for one, _ in NAMES if one in table.names), None)
        if known is None and len(free) == 1:
            known = free[0]
        if known is not None:
            return known, None, ()
    names = ", ".join(table.names)
    if len(table.names) < 2 and required:
        raise DataError(
            f"{table.source}: there is one column ({names}), and a pair takes two, a source and "
            "its target; cells are parted by commas in .csv, by tabs in .tsv"
        )
    raise DataError(
        f"{table.source}: which columns are the source and its target? Name them "
        f"(--source, --target; Roles(text=..., transcript=...)); there are {names}"
    )


def _from_list(data: Any) -> Corpus:
    """Texts, or pairs of texts."""
    items = list(data)
    if items and all(isinstance(each, str) for each in items):
        return Corpus("a list", texts=tuple(map(composed, items)))
    for at, each in enumerate(items):
        if not (isinstance(each, list | tuple) and len(each) == 2
                and all(isinstance(side, str) for side in each)):  # fmt: skip
            raise DataError(
                f"a list: item {at + 1} is {str(each)[:40]!r}; give texts, or a source and its "
                "target for each item"
            )
    if not items:
        raise DataError("a list: there are no items; give at least one")
    return Corpus(
        "a list",
        texts=tuple(composed(one) for one, _ in items),
        transcripts=tuple(composed(two) for _, two in items),
    )


def _told(y: Any, corpus: Corpus) -> tuple[str, ...]:
    """Targets as a user gives them."""
    if isinstance(y, str | Mapping):
        raise DataError(f"targets are {type(y).__name__}; give a list of {len(corpus)} texts")
    listed = getattr(y, "to_list", None) or getattr(y, "tolist", None)
    told: Sequence[Any] = list(y) if listed is None else listed()
    if len(told) != len(corpus):
        raise DataError(f"{corpus.source}: {len(told)} targets for {len(corpus)} sources")
    for at, each in enumerate(told):
        if not isinstance(each, str):
            raise DataError(f"{corpus.where(at)}: the target is {each!r}, and no text")
    return tuple(map(composed, told))
