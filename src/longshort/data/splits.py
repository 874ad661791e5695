"""Where training ends, validation begins and the test lies: by time, never at random."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from longshort.contracts import Params
from longshort.data.clock import parse
from longshort.data.sequences import Sequences
from longshort.data.steps import Ints
from longshort.errors import ArgumentError, DataError


@dataclass(frozen=True)
class Split(Params):
    """Which rows at the end are kept for validation and test.

    Rows with times are cut at the same time in every series, by shares too: no series is tested on
    days that another one was trained on. Rows without times are cut series by series.

    Args:
        valid: the validation part's share of all rows (above 0, below 1), or the first time stamp
            of that part ("2014-01-01", or "120" where the time column counts).
        test: the same for the test part, which comes last; None is no test part. Shares are of
            all rows: ``Split(valid=0.2, test=0.1)`` leaves 0.7 for training.

    Raises:
        ArgumentError: a share is not between 0 and 1, both together leave nothing, a time stamp
            cannot be read, or the test would begin before the validation part.
    """

    valid: float | str = 0.15
    test: float | str | None = None

    def __post_init__(self) -> None:
        for name in ("valid", "test"):
            value = getattr(self, name)
            if isinstance(value, str):
                _written(value, name)
            elif value is not None and not (isinstance(value, float) and 0 < value < 1):
                raise ArgumentError(
                    f"{name} is a share above 0 and below 1, or a time stamp; got {value!r}"
                )
        if self.valid is None:
            raise ArgumentError("valid is a share above 0 and below 1, or a time stamp; got None")
        valid, test = self.valid, self.test
        if isinstance(valid, str) and isinstance(test, str):
            if _written(test, "test") <= _written(valid, "valid"):
                raise ArgumentError(
                    f"the test part begins after the validation part; got valid={valid!r}, "
                    f"test={test!r}"
                )
        elif isinstance(valid, float) and isinstance(test, float) and valid + test >= 1:
            raise ArgumentError(
                f"valid + test is below 1, or nothing is left to train on; got {valid} + {test}"
            )


def _written(text: str, name: str) -> int:
    """A time stamp or count as a number that can be compared with another one of its kind."""
    if re.fullmatch(r"\s*[+-]?\d+\s*", text):
        return int(text)
    return int(parse(text, name)[0].astype(np.int64))


@dataclass(frozen=True, eq=False)
class Cuts:
    """Each series' parts, as rows counted within the series; (S,) of int64 each.

    Training is [0, valid_start), validation [valid_start, test_start), test [test_start, end).

    Raises:
        ArgumentError: the parts overlap, or do not follow each other in time.
    """

    valid_start: Ints
    test_start: Ints
    end: Ints

    def __post_init__(self) -> None:
        for name in ("valid_start", "test_start", "end"):
            object.__setattr__(self, name, np.asarray(getattr(self, name), dtype=np.int64))
        if not self.valid_start.shape == self.test_start.shape == self.end.shape:
            raise ArgumentError("cuts: the three starts are of as many series; they differ")
        bounds = np.stack([self.end * 0, self.valid_start, self.test_start, self.end])
        wrong = (np.diff(bounds, axis=0) < 0).any(axis=0)
        if wrong.any():
            series = int(wrong.argmax())
            raise ArgumentError(
                f"cuts of series {series}: parts overlap or are out of order: training ends at row "
                f"{self.valid_start[series]}, validation at {self.test_start[series]}, test at "
                f"{self.end[series]}"
            )

    def parts(self) -> NDArray[np.int8]:
        """(N,) the part of every flat row: 0 training, 1 validation, 2 test."""
        bounds = np.stack([self.end * 0, self.valid_start, self.test_start, self.end], axis=1)
        labels = np.tile(np.array([0, 1, 2], np.int8), len(self.end))
        return np.repeat(labels, np.diff(bounds, axis=1).reshape(-1))


class Portion(NamedTuple):
    """Series that are cut already."""

    sequences: Sequences
    cuts: Cuts

    def before(self, end: Ints) -> Portion:
        """Each series' rows before ``end`` (S,), with no test part; series without any left out."""
        begun = np.flatnonzero(end > 0)
        stop = end[begun]
        kept = self.sequences.crop(0, end).select(begun.tolist())
        return Portion(kept, Cuts(np.minimum(self.cuts.valid_start[begun], stop), stop, stop))

    def digest(self) -> str:
        """Hexadecimal digits that tell these series and cuts from others."""
        series = self.sequences
        found = hashlib.sha256(repr((series.fields, series.keys)).encode())
        arrays = [series.offsets, series.values, *vars(self.cuts).values()]
        if series.times is not None:
            arrays.append(series.times.view(np.int64))
        for array in arrays:
            found.update(np.ascontiguousarray(array).data)
        return found.hexdigest()


@dataclass(frozen=True, eq=False)
class Seen:
    """How far a fit has seen each series, so that a later test touches nothing that it has seen.

    Args:
        keys: the S series.
        valid, end: (S,) of int64, rows used for training, and for training and validation.
        valid_time, end_time: (S,) of int64, microseconds: the time of the first validation row, and
            of the last row seen. Zero where the data have no time.
        mark: (S,) of int64, told by the targets of the rows seen where the data have no time: rows
            that were shifted, or changed, are then known by another mark. Zero else.
    """

    keys: tuple[str, ...]
    valid: Ints
    end: Ints
    valid_time: Ints
    end_time: Ints
    mark: Ints

    @classmethod
    def of(cls, sequences: Sequences, cuts: Cuts) -> Seen:
        """What a fit on the training and validation part of ``cuts`` has seen."""
        valid, end = cuts.valid_start, cuts.test_start
        if sequences.times is None:
            zero = np.zeros(len(sequences), np.int64)
            return cls(sequences.keys, valid, end, zero, zero, _marks(sequences, end))
        stamps = sequences.times.view(np.int64)
        base, most = sequences.offsets[:-1], max(len(stamps) - 1, 0)
        end_time = stamps[np.clip(base + end - 1, 0, most)]
        # of a series that begins in the test part, nothing is seen
        end_time = np.where(end > 0, end_time, stamps[np.minimum(base, most)] - 1)
        first = stamps[np.minimum(base + valid, most)]
        # without a validation row, training ends just after the last row seen
        valid_time = np.where(valid >= end, end_time + 1, first)
        return cls(sequences.keys, valid, end, valid_time, end_time, np.zeros_like(end))

    def recall(self, sequences: Sequences) -> Cuts:
        """The same cuts in data that may go on; everything after them is the test part.

        Raises:
            DataError: a series was not fitted, or rows that were fitted on are missing or changed.
        """
        known = {key: at for at, key in enumerate(self.keys)}
        at = np.array([known.get(key, -1) for key in sequences.keys], np.int64)
        if (at < 0).any():
            raise DataError(
                f"{sequences.label(int((at < 0).argmax()))}: the model was not fitted on this "
                "series, so its yardsticks cannot be fitted either; leave it out, or use score()"
            )
        valid, end = self.valid[at], self.end[at]
        if sequences.times is not None:
            valid = _before(sequences, self.valid_time[at])
            end = _before(sequences, self.end_time[at] + 1)
        here = np.minimum(end, sequences.lengths)
        if (here < self.end[at]).any():
            series = int((here < self.end[at]).argmax())
            raise DataError(
                f"{sequences.label(series)}: {here[series]} of the {self.end[at][series]} rows "
                "that the model was fitted on are here; evaluate needs them all, to fit the "
                "yardsticks on the same rows"
            )
        if sequences.times is None:
            other = (_marks(sequences, end) != self.mark[at]) & (self.mark[at] != 0)
            if other.any():
                series = int(other.argmax())
                raise DataError(
                    f"{sequences.label(series)}: the first {end[series]} rows are not those that "
                    "the model was fitted on: rows before them are gone, or values have changed. "
                    "Give the same rows with the later ones after them; with a time column (--time)"
                    " rows are known by their times"
                )
        return Cuts(valid, end, sequences.lengths)

    def until(self, sequences: Sequences) -> str:
        """The latest row seen, in words."""
        if sequences.times is None:
            return f"row {int(self.end.max())}"
        return sequences.clock.text(np.datetime64(int(self.end_time.max()), "us"), sequences.step)

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """Arrays for a model file; ``from_arrays`` goes back."""
        keys = np.frombuffer(json.dumps(self.keys, ensure_ascii=False).encode(), np.uint8)
        rows = {name: getattr(self, name) for name in _SEEN}
        return {"keys": keys, **rows}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> Seen:
        """What ``to_arrays`` gave.

        Raises:
            ValueError: the arrays do not fit each other. KeyError: one is missing.
        """
        keys = tuple(map(str, json.loads(bytes(arrays["keys"]))))
        # files of before rows were marked
        arrays = {"mark": np.zeros(len(keys), np.int64), **arrays}
        rows = [np.asarray(arrays[name], np.int64) for name in _SEEN]
        if any(part.shape != (len(keys),) for part in rows):
            raise ValueError(f"{len(keys)} series were seen, and the rows are of others")
        return cls(keys, *rows)


_SEEN = ("valid", "end", "valid_time", "end_time", "mark")


def _before(sequences: Sequences, moments: Ints) -> Ints:
    """(S,) rows of each series that are earlier than its moment, in microseconds."""
    assert sequences.times is not None
    early = sequences.times.view(np.int64) < np.repeat(moments, sequences.lengths)
    count = np.concatenate([[0], np.cumsum(early)])
    return np.diff(count[sequences.offsets])


def _marks(sequences: Sequences, end: Ints) -> Ints:
    """(S,) 63 bits that tell the targets of each series' first ``end`` rows from others."""
    # in float32, so that the same numbers are the same from any kind of file
    values = sequences.targets.astype(np.float32)
    values[np.isnan(values)] = np.nan
    found = np.zeros(len(end), np.int64)
    for series, (start, rows) in enumerate(zip(sequences.offsets[:-1], end, strict=True)):
        digest = hashlib.blake2b(values[start : start + rows].tobytes(), digest_size=8).digest()
        found[series] = int.from_bytes(digest, "little") >> 1
    return found


def cut(sequences: Sequences, split: Split) -> Cuts:
    """Cut every series as ``split`` says.

    Shares are of all rows, also beside a part that is given by its time stamp. Where rows have
    times, a part begins at the stamp that comes nearest to its share; else each series is cut by
    itself, to the nearest row. Of three stamps or rows, a part gets at least one.

    Returns:
        The cuts. A series that ends before a part begins has nothing in it; one that begins after
        it has no training rows, which is allowed as long as some series has.

    Raises:
        ArgumentError: a time stamp on rows without times; parts in the wrong order.
        DataError: no row is left for training, or a part that was asked for is empty everywhere.
    """
    end = sequences.lengths
    test = end if split.test is None else _start(sequences, split.test, end, "test")
    valid = _start(sequences, split.valid, test, "valid")
    late = valid > test
    if late.any():
        series = int(late.argmax())
        raise ArgumentError(
            f"{sequences.source}: the test part (test={split.test!r}) begins before the "
            f"validation part (valid={split.valid!r}){_named(sequences, series)}; "
            "move one of them"
        )
    cuts = Cuts(valid, test, end)
    _refuse_empty(sequences, split, cuts)
    return cuts


def _start(sequences: Sequences, part: float | str, stop: Ints, name: str) -> Ints:
    """(S,) first row of a part that goes to row ``stop`` of each series."""
    if isinstance(part, str):
        if sequences.times is None:
            raise ArgumentError(
                f"{name}={part!r} is a time stamp, but {sequences.source} was read without times: "
                f"name the time column (--time), or give a share such as {name}=0.15"
            )
        return sequences.first_at(sequences.clock.read(part, name))
    if sequences.times is None:
        lengths = sequences.lengths
        rows = np.floor(lengths * part + 0.5).astype(np.int64)
        # a share that rounds to no row at all is still meant as a part
        rows = np.where(lengths >= 3, np.maximum(rows, 1), rows)
        return np.asarray(np.maximum(stop - rows, 0))
    inside = np.repeat(stop, sequences.lengths) > _within(sequences)
    stamps, counts = np.unique(sequences.times[inside], return_counts=True)
    if not len(stamps):
        return stop
    # rows of a part that begins at the last stamp, at the one before it, ...
    rows = np.cumsum(counts[::-1])
    asked = part * len(sequences.values)
    back = int(np.searchsorted(rows, asked)) + 1
    if back > 1 and (back > len(rows) or asked - rows[back - 2] < rows[back - 1] - asked):
        back -= 1
    if back == 1 and len(stamps) < 3 and asked < rows[0] / 2:
        return stop
    return np.minimum(sequences.first_at(stamps[-back]), stop)


def _within(sequences: Sequences) -> Ints:
    """(N,) the number of each flat row in its series."""
    return np.arange(len(sequences.values)) - np.repeat(sequences.offsets[:-1], sequences.lengths)


def _named(sequences: Sequences, series: int) -> str:
    key = sequences.keys[series]
    return f" in series {key!r}" if key else ""


def _refuse_empty(sequences: Sequences, split: Split, cuts: Cuts) -> None:
    """Say so where a part that was asked for has no row in any series."""
    parts = [
        ("training", int(cuts.valid_start.sum()), f"valid={split.valid!r}"),
        ("validation", int((cuts.test_start - cuts.valid_start).sum()), f"valid={split.valid!r}"),
        ("test", int((cuts.end - cuts.test_start).sum()), f"test={split.test!r}"),
    ]
    for name, rows, asked in parts:
        if rows or (name == "test" and split.test is None):
            continue
        reach = ""
        if sequences.times is not None and len(sequences.times):
            first, last = sequences.times.min(), sequences.times.max()
            reach = (
                f"; the data reach from {sequences.clock.text(first, sequences.step)} to "
                f"{sequences.clock.text(last, sequences.step)}"
            )
        raise DataError(
            f"{sequences.source}: {asked} leaves no row for the {name} part "
            f"({len(sequences.values)} rows in {len(sequences)} series{reach}); "
            "choose another share or time stamp, or give more rows"
        )


def leave_short(
    sequences: Sequences, cuts: Cuts, context: int, horizon: int, *, refuse: bool
) -> str:
    """Say before training which series are too short to learn from.

    Args:
        refuse: one of them is already an error.

    Returns:
        How many they are and their names; "" where there is none.

    Raises:
        DataError: no series has a training part as long as a context and a horizon together, or no
            series has a horizon's rows in the validation part, or in a test part that it has.
    """
    need = context + horizon
    short = np.flatnonzero(cuts.valid_start < need)
    if len(short) == len(sequences) or (refuse and len(short)):
        rows = int(cuts.valid_start[short[0]])
        left = "leave the series out" if refuse else "give longer series"
        raise DataError(
            f"{sequences.label(int(short[0]))}: {rows} rows in the training part, and one example "
            f"needs {need}: a context of {context} and a horizon of {horizon}. Give more rows, a "
            f"shorter horizon (--horizon) or context (--context), or {left}."
        )
    parts = (
        ("validation", "valid", cuts.valid_start, cuts.test_start),
        ("test", "test", cuts.test_start, cuts.end),
    )
    for part, option, start, end in parts:
        longest = int((end - start).max())
        if longest < horizon and (part == "validation" or longest):
            raise DataError(
                f"{sequences.source}: {longest} rows in the {part} part, and a horizon of "
                f"{horizon} needs as many: make the part longer (--{option}), or the "
                "horizon shorter (--horizon)"
            )
    return listed(
        sequences,
        short,
        cuts.valid_start[short],
        f"nothing is learnt from {{}}, whose training part is shorter than the {need} rows of a "
        "context and a horizon",
    )


def listed(sequences: Sequences, series: Ints, rows: Ints, sentence: str) -> str:
    """A sentence on some series, with their number, and the names and rows of the first five.

    Args:
        sentence: with {} where the number of series is to stand; "" comes back for none of them.
    """
    if not len(series):
        return ""
    few = zip(series[:5].tolist(), rows[:5].tolist(), strict=True)
    names = ", ".join(f"{sequences.keys[at]!r} ({count} rows)" for at, count in few)
    more = f" and {len(series) - 5} more" if len(series) > 5 else ""
    return f"{sentence.format(f'{len(series)} of {len(sequences)} series')}: {names}{more}"


def refuse_untold(sequences: Sequences, cuts: Cuts) -> None:
    """Say before training, not after it, which target tells nothing in some part.

    Raises:
        DataError: a target is missing everywhere in a part, or constant in the training part.
    """
    parts = cuts.parts()
    for number, part in enumerate(("training", "validation", "test")):
        inside = parts == number
        for column in sequences.role_indices("target"):
            seen = sequences.values[inside, column]
            seen = seen[np.isfinite(seen)]
            constant = part == "training" and len(seen) and bool((seen == seen[0]).all())
            if inside.any() and (not len(seen) or constant):
                how = f"constant ({seen[0]:g})" if constant else "missing everywhere"
                raise DataError(
                    f"{sequences.source}: column {sequences.names[column]!r} is {how} in the "
                    f"{part} part; move the parts (--valid-from, --test-from), or leave the "
                    "column out"
                )
