"""Where training ends, validation begins and the test lies: by time, never at random."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from longshort.contracts import Params
from longshort.data.sequences import Sequences
from longshort.data.steps import Ints, time_text
from longshort.errors import ArgumentError, DataError


@dataclass(frozen=True)
class Split(Params):
    """Which rows at a series' end are kept for validation and test.

    Args:
        valid: the validation part's share of each series' rows (above 0, below 1), or the first
            time stamp of that part ("2014-01-01").
        test: the same for the test part, which comes last; None is no test part. Shares are of
            the whole series: ``Split(valid=0.2, test=0.1)`` leaves 0.7 for training.

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
                stamp(value, name)
            elif value is not None and not (isinstance(value, float) and 0 < value < 1):
                raise ArgumentError(
                    f"{name} is a share above 0 and below 1, or a time stamp; got {value!r}"
                )
        if self.valid is None:
            raise ArgumentError("valid is a share above 0 and below 1, or a time stamp; got None")
        valid, test = self.valid, self.test
        if isinstance(valid, str) and isinstance(test, str):
            if stamp(test, "test") <= stamp(valid, "valid"):
                raise ArgumentError(
                    f"the test part begins after the validation part; got valid={valid!r}, "
                    f"test={test!r}"
                )
        elif isinstance(valid, float) and isinstance(test, float) and valid + test >= 1:
            raise ArgumentError(
                f"valid + test is below 1, or nothing is left to train on; got {valid} + {test}"
            )


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


@dataclass(frozen=True, eq=False)
class Seen:
    """How far a fit has seen each series, so that a later test touches nothing that it has seen.

    Args:
        keys: the S series.
        valid, end: (S,) of int64, rows used for training, and for training and validation.
        valid_time, end_time: (S,) of int64, microseconds: the time of the first validation row, and
            of the last row seen. Zero where the data have no time.
    """

    keys: tuple[str, ...]
    valid: Ints
    end: Ints
    valid_time: Ints
    end_time: Ints

    @classmethod
    def of(cls, sequences: Sequences, cuts: Cuts) -> Seen:
        """What a fit on the training and validation part of ``cuts`` has seen."""
        valid_time = end_time = np.zeros(len(sequences), np.int64)
        if sequences.times is not None:
            stamps = sequences.times.astype(np.int64)
            base = sequences.offsets[:-1]
            end_time = stamps[base + np.maximum(cuts.test_start - 1, 0)]
            first = stamps[np.minimum(base + cuts.valid_start, len(stamps) - 1)]
            # without a validation row, training ends just after the last row seen
            valid_time = np.where(cuts.valid_start >= cuts.test_start, end_time + 1, first)
        return cls(sequences.keys, cuts.valid_start, cuts.test_start, valid_time, end_time)

    def recall(self, sequences: Sequences) -> Cuts:
        """The same cuts in data that may go on; everything after them is the test part.

        Raises:
            DataError: a series was not fitted, or rows that were fitted on are missing.
        """
        known = {key: at for at, key in enumerate(self.keys)}
        valid, end = np.zeros((2, len(sequences)), np.int64)
        for number, key in enumerate(sequences.keys):
            label = sequences.label(number)
            if key not in known:
                raise DataError(
                    f"{label}: the model was not fitted on this series, so its yardsticks cannot "
                    "be fitted either; leave it out, or use score()"
                )
            at = known[key]
            valid[number], end[number] = self.valid[at], self.end[at]
            if sequences.times is not None:
                times = sequences.times[sequences.rows(number)].astype(np.int64)
                valid[number] = np.searchsorted(times, self.valid_time[at], side="left")
                end[number] = np.searchsorted(times, self.end_time[at], side="right")
            here = min(int(end[number]), sequences.length(number))
            if here < self.end[at]:
                raise DataError(
                    f"{label}: {here} of the {self.end[at]} rows that the model was fitted on are "
                    "here; evaluate needs them all, to fit the yardsticks on the same rows"
                )
        return Cuts(valid, end, sequences.lengths)

    def until(self, sequences: Sequences) -> str:
        """The latest row seen, in words."""
        if sequences.times is None:
            return f"row {int(self.end.max())}"
        return time_text(np.datetime64(int(self.end_time.max()), "us"), sequences.step)

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
        rows = [np.asarray(arrays[name], np.int64) for name in _SEEN]
        if any(part.shape != (len(keys),) for part in rows):
            raise ValueError(f"{len(keys)} series were seen, and the rows are of others")
        return cls(keys, *rows)


_SEEN = ("valid", "end", "valid_time", "end_time")


def stamp(text: str, name: str = "time stamp") -> np.datetime64:
    """An ISO date or time as datetime64[us]; a zone is converted to UTC.

    Raises:
        ArgumentError: it cannot be read; ``name`` and the accepted forms are told.
    """
    plain = text.strip().replace("/", "-")
    try:
        moment = datetime.fromisoformat(plain if plain.count("-") != 1 else f"{plain}-01")
    except ValueError:
        try:
            moment = datetime(int(plain), 1, 1)
        except ValueError:
            raise ArgumentError(
                f"{name} {text!r} is not a date or time: write 2014-01-01 or 2014-01-01T12:00"
            ) from None
    if moment.tzinfo is not None:
        moment = moment.astimezone(UTC).replace(tzinfo=None)
    return np.datetime64(moment, "us")


def cut(sequences: Sequences, split: Split) -> Cuts:
    """Cut every series as ``split`` says.

    Shares are of the whole series, also beside a part that is given by its time stamp. They are
    rounded to the nearest row, but to at least one in a series of three rows or more.

    Returns:
        The cuts. A series that ends before a part begins has nothing in it; one that begins after
        it has no training rows, which is allowed as long as some series has.

    Raises:
        ArgumentError: a time stamp on rows without times; parts in the wrong order.
        DataError: no row is left for training, or a part that was asked for is empty everywhere.
    """
    end = sequences.lengths
    if split.test is None:
        test = end
    else:
        test = _start(sequences, split.test, end, "test")
    if isinstance(split.valid, str):
        valid = _start(sequences, split.valid, end, "valid")
        late = valid > test
        if late.any():
            series = int(late.argmax())
            raise ArgumentError(
                f"{sequences.source}: the test part (test={split.test!r}) begins before the "
                f"validation part (valid={split.valid!r}){_named(sequences, series)}; "
                "move one of them"
            )
    else:
        valid = np.maximum(test - _share(end, split.valid), 0)
    cuts = Cuts(valid, test, end)
    _refuse_empty(sequences, split, cuts)
    return cuts


def _share(end: Ints, share: float) -> Ints:
    # a share that rounds to no row at all is still meant as a part
    rows = np.floor(end * share + 0.5).astype(np.int64)
    return np.asarray(np.where(end >= 3, np.maximum(rows, 1), rows))


def _start(sequences: Sequences, part: float | str, end: Ints, name: str) -> Ints:
    """First row of a part that reaches to the series' end."""
    if not isinstance(part, str):
        return end - _share(end, part)
    if sequences.times is None:
        raise ArgumentError(
            f"{name}={part!r} is a time stamp, but {sequences.source} was read without times: "
            f"name the time column (--time), or give a share such as {name}=0.15"
        )
    return sequences.first_at(stamp(part, name))


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
                f"; the data reach from {time_text(first, sequences.step)} to "
                f"{time_text(last, sequences.step)}"
            )
        raise DataError(
            f"{sequences.source}: {asked} leaves no row for the {name} part "
            f"({len(sequences.values)} rows in {len(sequences)} series{reach}); "
            "choose another share or time stamp, or give more rows"
        )


def refuse_short(sequences: Sequences, cuts: Cuts, context: int, horizon: int) -> None:
    """Say before training which part is too short for one example, or one forecast.

    Raises:
        DataError: a series' training part has fewer rows than context and horizon together, or no
            series has a horizon's rows in the validation part, or in a test part that it has.
    """
    need = context + horizon
    short = np.flatnonzero(cuts.valid_start < need)
    if len(short):
        rows = int(cuts.valid_start[short[0]])
        raise DataError(
            f"{sequences.label(int(short[0]))}: {rows} rows in the training part, and one example "
            f"needs {need}: a context of {context} and a horizon of {horizon}. Give more rows, a "
            "shorter horizon (--horizon) or context (--context), or leave the series out."
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


def refuse_untold(sequences: Sequences, cuts: Cuts) -> None:
    """Say before training, not after it, which target tells nothing in some part.

    Raises:
        DataError: a target is missing everywhere in a part, or constant in the training part.
    """
    bounds = (cuts.end * 0, cuts.valid_start, cuts.test_start, cuts.end)
    names = ("training", "validation", "test")
    for part, start, end in zip(names, bounds, bounds[1:], strict=False):
        rows = sequences.crop(start, end)
        for column in sequences.role_indices("target"):
            seen = rows.values[:, column]
            seen = seen[np.isfinite(seen)]
            constant = part == "training" and len(seen) and bool((seen == seen[0]).all())
            if len(rows.values) and (not len(seen) or constant):
                how = f"constant ({seen[0]:g})" if constant else "missing everywhere"
                raise DataError(
                    f"{sequences.source}: column {sequences.names[column]!r} is {how} in the "
                    f"{part} part; move the parts (--valid-from, --test-from), or leave the "
                    "column out"
                )
