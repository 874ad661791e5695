"""Files of the UCR and UEA archives of time series with classes: .ts, .tsv and .txt."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from longshort.data.corpus import Corpus, join
from longshort.data.sequences import Field, Floats, Sequences
from longshort.data.sources.lines import numbered
from longshort.data.sources.stamps import ACCEPTED
from longshort.data.steps import Ints, Times
from longshort.errors import DataError

SUFFIXES = (".ts", ".tsv", ".txt")
_STAMPED = re.compile(r"\(([^(),]*),([^(),]*)\)")


class _Item(NamedTuple):
    """One series: values (T, F), times (T,) where the file has them, and its label."""

    values: Floats
    times: Times | None
    label: str


def is_archived(path: Path) -> bool:
    """Whether that is a .ts file, or a folder with the two parts of a set of the archives."""
    if path.is_dir():
        return _pair(path) is not None
    return path.suffix.lower() == ".ts"


def read_ucr(path: str | os.PathLike[str]) -> Corpus:
    """A file of the archives, or a folder with Name_TRAIN and Name_TEST of one kind.

    A ``.ts`` file has a header and one series a line, its dimensions parted by ":" and its label
    last; ``.tsv`` and ``.txt`` files have one univariate series a line, its label first. Missing
    values are "?" or "NaN"; those at the end of a line are no steps. Channels are named x0, x1, ...

    Returns:
        A corpus of series with labels, and with the archive's own parts where a folder was given.

    Raises:
        DataError: with file, line and value.
    """
    path = Path(path)
    if path.is_dir():
        return _read_folder(path)
    if path.suffix.lower() not in SUFFIXES:
        raise DataError(f"{path.name}: not a file of the archives; {', '.join(SUFFIXES)} are read")
    read = _read_ts if path.suffix.lower() == ".ts" else _read_plain
    items, places = [], []
    for number, item in read(path.name, numbered(path)):
        items.append(item)
        places.append(number)
    if not items:
        raise DataError(f"{path.name}: there is no series; give one in each line")
    return _corpus(path.name, items, np.array(places, np.int64))


def _read_folder(folder: Path) -> Corpus:
    """Both parts that the archive keeps in one folder."""
    pair = _pair(folder)
    if pair is None:
        raise DataError(
            f"{folder}: no pair of files Name_TRAIN.ts and Name_TEST.ts (or .tsv, .txt) is there; "
            "give one file, or a folder with one pair"
        )
    train, test = map(read_ucr, pair)
    return join([("train", train), ("test", test)])


def _pair(folder: Path) -> tuple[Path, Path] | None:
    """Training and test part in a folder, of the first kind that is there once."""
    for suffix in SUFFIXES:
        train, test = (sorted(folder.glob(f"*_{part}{suffix}")) for part in ("TRAIN", "TEST"))
        if len(train) == len(test) == 1:
            return train[0], test[0]
    return None


@dataclass
class _Header:
    """What a .ts file says of itself before ``@data``."""

    stamped: bool = False
    labelled: bool = True
    classes: frozenset[str] | None = None
    dimensions: int | None = None

    def read(self, line: str, where: str) -> None:
        """One line that begins with "@"."""
        name, *values = line[1:].split()
        told = name.lower()
        if told == "timestamps":
            self.stamped = _truth(where, values)
        elif told in ("classlabel", "targetlabel"):
            self.labelled = _truth(where, values)
            if told == "classlabel" and self.labelled and values[1:]:
                self.classes = frozenset(values[1:])
        elif told in ("dimensions", "dimension"):
            if not values or not values[0].isdigit() or not int(values[0]):
                raise DataError(f"{where}: {line!r}: write a whole number of 1 or more")
            self.dimensions = int(values[0])


def _truth(where: str, values: Sequence[str]) -> bool:
    if not values or values[0].lower() not in ("true", "false"):
        raise DataError(f"{where}: {' '.join(values)!r} is neither true nor false; write one")
    return values[0].lower() == "true"


def _read_ts(name: str, lines: Iterator[tuple[int, str]]) -> Iterator[tuple[int, _Item]]:
    header, begun, usual = _Header(), False, 0
    for number, line in lines:
        where = f"{name}, line {number}"
        if not begun:
            if line[0] in "#%":
                continue
            if line[0] != "@":
                raise DataError(
                    f"{where}: {line[:40]!r} stands before @data; write the header's lines with @"
                )
            begun = line.lower() == "@data"
            if not begun:
                header.read(line, where)
            continue
        *dimensions, label = _dimensions(line, header)
        if header.classes is not None and label not in header.classes:
            raise DataError(
                f"{where}: the label {label!r} is none of {', '.join(sorted(header.classes))}, "
                "which @classLabel names; add it there, or correct it"
            )
        usual = usual or header.dimensions or len(dimensions)
        if len(dimensions) != usual:
            raise DataError(
                f"{where}: {len(dimensions)} dimensions, where {usual} are expected; part them "
                "by ':', with the label last"
            )
        read = [(_pairs if header.stamped else _plain)(part, where) for part in dimensions]
        yield number, _together(read, label.strip())
    if not begun:
        raise DataError(f"{name}: there is no line @data, after which the series begin")


def _dimensions(line: str, header: _Header) -> list[str]:
    """The dimensions of a line, and its label ("" without one)."""
    if not header.stamped:
        parts = line.split(":")
    else:
        # times hold ":" themselves, within brackets
        parts = re.split(r":(?![^(]*\))", line)
    return parts if header.labelled else [*parts, ""]


def _read_plain(name: str, lines: Iterator[tuple[int, str]]) -> Iterator[tuple[int, _Item]]:
    for number, line in lines:
        label, *values = re.split(r"[\s,]+", line)
        with_point = re.fullmatch(r"[+-]?\d+(\.0*)?([eE][+-]?\d+)?", label)
        if with_point and float(label) == int(float(label)):
            label = str(int(float(label)))
        where = f"{name}, line {number}"
        yield number, _together([(None, _numbers(values, where))], label)


def _plain(text: str, where: str) -> tuple[None, Floats]:
    return None, _numbers(text.split(",") if text.strip() else [], where)


def _numbers(values: Sequence[str], where: str) -> Floats:
    try:
        found = np.array([float(v) if v.strip() != "?" else np.nan for v in values], np.float64)
    except ValueError:
        for place, value in enumerate(values, 1):
            try:
                float(value.replace("?", "nan"))
            except ValueError:
                raise DataError(
                    f"{where}: value {place} is {value!r}, which is not a number; correct it, or "
                    "write ? if it is missing"
                ) from None
        raise
    if np.isinf(found).any():
        place = int(np.isinf(found).argmax())
        raise DataError(
            f"{where}: value {place + 1} is infinite ({values[place]}); write ? if it is missing"
        )
    return found


def _pairs(text: str, where: str) -> tuple[Times, Floats]:
    """ "(time,value),(time,value)" as times and values."""
    found = _STAMPED.findall(text)
    if len(found) != text.count("("):
        raise DataError(f"{where}: {text[:40]!r} is not written as (time,value),(time,value)")
    values = _numbers([value for _, value in found], where)
    stamps = [time.strip().replace(" ", "T") for time, _ in found]
    try:
        if all(re.fullmatch(r"[+-]?\d+(\.0*)?", stamp) for stamp in stamps):
            times = np.array([int(float(stamp)) for stamp in stamps], "datetime64[us]")
        else:
            times = np.array(stamps, "datetime64[us]")
    except ValueError as error:
        raise DataError(f"{where}: {error}; {ACCEPTED}") from None
    if (np.diff(times) <= np.timedelta64(0)).any():
        raise DataError(f"{where}: times do not rise; write them in their order")
    return times, values


def _together(dimensions: Sequence[tuple[Times | None, Floats]], label: str) -> _Item:
    """Dimensions side by side: at the same steps, or at every time that one of them has."""
    stamped = [(times, column) for times, column in dimensions if times is not None]
    if stamped:
        times = np.unique(np.concatenate([own for own, _ in stamped]))
        values = np.full((len(times), len(stamped)), np.nan)
        for at, (own, column) in enumerate(stamped):
            values[np.searchsorted(times, own), at] = column
        return _Item(values, times, label)
    steps = max(len(column) for _, column in dimensions)
    values = np.full((steps, len(dimensions)), np.nan)
    for at, (_, column) in enumerate(dimensions):
        values[: len(column), at] = column
    # what fills a line up to the longest one's length is no step
    seen = np.flatnonzero(~np.isnan(values).all(axis=1))
    return _Item(values[: seen[-1] + 1 if len(seen) else 0], None, label)


def _corpus(source: str, items: Sequence[_Item], lines: Ints) -> Corpus:
    width = items[0].values.shape[1]
    offsets = np.concatenate([[0], np.cumsum([len(item.values) for item in items])])
    stamped = [item.times for item in items if item.times is not None]
    changes: dict[str, Any] = {}
    if all(item.label for item in items):
        changes["labels"] = tuple((item.label,) for item in items)
    series = Sequences(
        tuple(Field(f"x{at}", "past") for at in range(width)),
        tuple(str(number) for number in range(len(items))),
        offsets,
        np.concatenate(stamped) if stamped else None,
        None,
        np.concatenate([item.values for item in items]),
        source,
    )
    return Corpus(source, series=series, lines=lines, **changes)
