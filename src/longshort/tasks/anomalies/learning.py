"""What a detector learns from: pieces of rows, without those that are not clean."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from longshort.contracts import Batch
from longshort.data.codecs.calendar import Cycle
from longshort.data.codecs.numbers import NumberCodec
from longshort.data.encoding import Encoding
from longshort.data.sequences import Floats, Sequences
from longshort.data.splits import Cuts
from longshort.data.steps import Ints
from longshort.data.window import Window
from longshort.data.windows import Windows
from longshort.errors import DataError
from longshort.tasks.anomalies.marks import Interval, read_marks
from longshort.tasks.anomalies.thresholds import Bools

# rows of a piece at most, and pieces of an epoch at least, where there are as many rows
_CONTEXT, _PIECES = 64, 320
# rows that are few to learn from; usual spreads beyond which all is equally far
_FEW, _FAR = 100, 1e9
# a cycle of the calendar is read where the rows that are learnt from hold so many of it
_TURNS = 2
_SECONDS: dict[Cycle, float] = {
    "year": 365.25 * 86_400, "week": 7 * 86_400.0, "day": 86_400.0, "hour": 3600.0,
}  # fmt: skip


@dataclass(frozen=True)
class Chosen:
    """Some of many windows, as examples of their own."""

    windows: Windows
    numbers: Ints

    streams = None

    def __len__(self) -> int:
        return len(self.numbers)

    def batch(self, index: Sequence[int]) -> Batch:
        """The windows of these numbers as one batch."""
        return self.windows.batch(self.numbers[np.asarray(index, np.int64)].tolist())

    def label(self, number: int) -> str:
        """One window in words."""
        return self.windows.label(int(self.numbers[number]))

    def digest(self) -> bytes:
        """Bytes that tell these windows from others."""
        return hashlib.sha256(self.windows.digest() + self.numbers.tobytes()).digest()


def choose_context(window: Window, lengths: Ints) -> int:
    """Rows of one piece, given the rows (S,) of each training part."""
    if window.context is not None:
        return window.context
    least = 0 if window.short == "refuse" else len(lengths) // 10
    shortest = int(np.partition(lengths, least)[least])
    return max(1, min(_CONTEXT, shortest // 4))


def known_cycles(encoding: Encoding, sequences: Sequences, cuts: Cuts) -> Encoding:
    """The encoding without cycles of which the training part has not seen two.

    What a network makes of a phase that it never saw is no measure of anything.
    """
    if sequences.times is None or not encoding.cycles:
        return encoding
    ends = np.maximum(cuts.valid_start, 1) - 1
    first = sequences.times[sequences.offsets[:-1]]
    last = sequences.times[np.minimum(sequences.offsets[:-1] + ends, sequences.offsets[1:] - 1)]
    span = float((last - first).max() / np.timedelta64(1, "s"))
    cycles = tuple(cycle for cycle in encoding.cycles if _SECONDS[cycle] * _TURNS <= span)
    return replace(encoding, cycles=cycles)


def clean_rows(sequences: Sequences, clean: Sequence[Interval]) -> Bools:
    """(N,) which rows are known to be without anomalies; all where no range is named.

    Raises:
        DataError: no row lies in the ranges.
    """
    if not clean:
        return np.ones(len(sequences.values), bool)
    found = read_marks([tuple(pair) for pair in clean], sequences)
    if not found.any():
        raise DataError(
            f"{sequences.source}: no row lies in the clean ranges {list(clean)}; give times that "
            "the data have (clean=, --clean)"
        )
    return found


def cut_pieces(
    sequences: Sequences, encoding: Encoding, cuts: Cuts, clean: Bools
) -> tuple[Chosen, Chosen, Chosen]:
    """Pieces of the training part, of the validation part, and of both, clean from end to end.

    Raises:
        DataError: no piece of the training or of the validation part is clean.
    """
    context = encoding.context
    base = np.full(len(sequences), context)
    rows = int(np.maximum(cuts.valid_start - context, 0).sum())
    every = max(1, min(rows // _PIECES, math.ceil(context / 2)))
    dirty = np.concatenate([[0], np.cumsum(~clean)])

    def pieces(first: Ints, stop: Ints, apart: int) -> Chosen:
        windows = Windows(sequences, encoding, np.maximum(first, base), stop, apart)
        series, origin = windows.where(np.arange(len(windows)))
        flat = sequences.offsets[series] + origin
        own = dirty[flat + 1] - dirty[flat - context] == 0
        return Chosen(windows, np.flatnonzero(own))

    # told rows of the validation part alone, where it is as long as a piece
    first = np.minimum(cuts.valid_start + context - 1, cuts.test_start - 1)
    valid = pieces(np.maximum(first, cuts.valid_start), cuts.test_start, max(1, every))
    train = pieces(base, cuts.valid_start, every)
    for part, name in ((train, "training"), (valid, "validation")):
        if not len(part):
            raise DataError(
                f"{sequences.source}: no {context + 1} rows of the {name} part follow each other "
                "in a clean range; name longer ranges (clean=, --clean), or a shorter context "
                "(--context)"
            )
    return train, valid, pieces(base, cuts.test_start, every)


def usual_rows(sequences: Sequences, cuts: Cuts, clean: Bools, marks: Bools | None) -> Bools:
    """(N,) rows that are clean, and that no one has labelled.

    Raises:
        DataError: before the test part there is none.
    """
    found = clean if marks is None else clean & ~marks
    if not found[cuts.parts() < 2].any():
        raise DataError(
            f"{sequences.source}: every row is labelled as anomalous, or not in a clean range, so "
            "what is usual cannot be told; give other labels, or other ranges"
        )
    return found


def doubts(sequences: Sequences, cuts: Cuts) -> Iterator[str]:
    """What makes it hard to tell what is usual, in sentences.

    Raises:
        DataError: a target is missing everywhere in the training part, or all are constant there.
    """
    targets = sequences.role_indices("target")
    still = [sequences.names[at] for at in targets if _still(sequences, cuts, at)]
    if len(still) == len(targets):
        raise DataError(
            f"{sequences.source}: column {still[0]!r} is constant in the training part, so what is "
            "usual cannot be learnt; give rows in which it changes (--valid-from moves the parts)"
        )
    for name in still:
        yield (
            f"Channel {name!r} never changes in the training part: it is watched on the scale that "
            "it has there, and any change of it is news."
        )
    rows = int(cuts.test_start.sum())
    if rows < _FEW:
        yield (
            f"{rows} rows are few to learn what is usual from: scores and threshold will be rough."
        )


def _still(sequences: Sequences, cuts: Cuts, column: int) -> bool:
    """Whether a target is constant in the training part."""
    seen = sequences.values[cuts.parts() == 0, column]
    seen = seen[np.isfinite(seen)]
    if not len(seen):
        raise DataError(
            f"{sequences.source}: column {sequences.names[column]!r} is missing everywhere in the "
            "training part; move the parts (--valid-from), or leave the column out"
        )
    return bool((seen == seen[0]).all())


def tamed(values: Floats, codec: NumberCodec) -> Floats:
    """Rows (N, F) with numbers at most ``_FAR`` usual spreads away from where they usually are.

    A sensor that tells 1e30 is an anomaly, and no reason to score nothing. On a logarithmic scale
    nothing is that far.
    """
    if codec.scaling.log:
        return values
    (centre, spread), width = codec.typical, len(codec.names)
    low, high = centre - _FAR * spread, centre + _FAR * spread
    numbers = values[:, :width]
    if not ((numbers < low) | (numbers > high)).any():
        return values
    return np.concatenate([np.clip(numbers, low, high), values[:, width:]], 1)
