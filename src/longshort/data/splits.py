"""Where training ends, validation begins and the test lies: by time, never at random."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np

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
