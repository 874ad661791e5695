"""From encoded series to batches: context and horizon windows, and the order they are read in.

A window is told by one number; its rows are gathered when a batch asks for them, so that memory
holds the series once, whatever context and horizon are.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal, get_args

import numpy as np
import torch
from numpy.typing import NDArray

from longshort.contracts import Batch, Params
from longshort.data.codecs.calendar import Cycle, calendar_cycles, encode_calendar
from longshort.data.codecs.numbers import NumberCodec
from longshort.data.sequences import Sequences
from longshort.errors import ArgumentError, DataError, suggest

Relative = Literal["last", "season", "none"]
Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Window(Params):
    """What a forecast reads and what it is told relative to.

    Args:
        context: T, past rows read for each forecast; None takes four horizons, at least 14 and at
            most 128 rows, never less than one horizon, and never more than half of what the
            shortest training part has beside a horizon.
        relative: forecasts are the "last" value, or the value a "season" before, plus what the
            network adds; "none" lets it say the value itself. Relative forecasts cannot lose the
            level of the series, which is what most often makes an LSTM lose to a naive rule.
        season: rows of one season; None takes the one found in the training part.
        calendar: read where in the day, week and year each step lies.

    Raises:
        ArgumentError: a value out of range.
    """

    context: int | None = None
    relative: Relative = "last"
    season: int | None = None
    calendar: bool = True

    def __post_init__(self) -> None:
        self._whole(1, "context", "season")
        if self.relative not in get_args(Relative):
            known = get_args(Relative)
            raise ArgumentError(
                f"Window(relative={self.relative!r}): {suggest(self.relative, known)}"
            )

    def rows(self, horizon: int, shortest: int) -> int:
        """The context in rows for a horizon, given the rows of the shortest training part."""
        if self.context is not None:
            return self.context
        usual = max(14, min(4 * horizon, 128), horizon)
        return max(1, min(usual, (shortest - horizon) // 2))


@dataclass(frozen=True)
class Sampler:
    """The order of one pass over ``size`` examples, ``rows`` at a time.

    The whole state is (seed, epoch, position): the same three numbers give the same batches on any
    machine, and a pass goes on where another one stopped.
    """

    size: int
    rows: int
    shuffle: bool = True
    seed: int = 0
    epoch: int = 0
    position: int = 0

    def __len__(self) -> int:
        """Batches of a whole pass."""
        return math.ceil(self.size / self.rows)

    def order(self) -> Ints:
        """All example numbers in the order of this pass."""
        if not self.shuffle:
            return np.arange(self.size)
        key = np.array([self.seed & (2**64 - 1), self.epoch], np.uint64)
        return np.random.Generator(np.random.Philox(key=key)).permutation(self.size)

    def batches(self) -> Iterator[tuple[int, list[int]]]:
        """(position, example numbers) from ``position`` to the end of the pass."""
        order = self.order()
        for position in range(self.position, len(self)):
            start = position * self.rows
            yield position, order[start : start + self.rows].tolist()


@dataclass(frozen=True)
class Encoding:
    """Everything that turns series into numbers for a network, fixed by the training part.

    Args:
        codec: scaling, fitted on training rows.
        context: T rows read.
        horizon: L rows answered.
        relative: see ``Window``.
        season: rows of one season, 1 where none was found.
        cycles: calendar cycles read at each step.
        masked: names of fields that get a mask, 1 where observed, because training missed some.
        step: how far apart rows are, in words.
    """

    codec: NumberCodec
    context: int
    horizon: int
    relative: Relative
    season: int
    cycles: tuple[Cycle, ...]
    masked: tuple[str, ...]
    step: str = "rows in order"


class Windows:
    """Context and horizon windows of many series: a lazy view in the ``Examples`` protocol.

    Window n of series s has its origin, the first row to forecast, at row
    ``first[s] + (n - windows of the series before)``.

    Args:
        sequences: the series, raw.
        encoding: how they are read.
        first, last: (S,) origins of series s are first[s] <= origin < last[s].

    Raises:
        DataError: a series has fewer rows before its first origin than the context.
    """

    # windows are independent of each other
    streams: int | None = None

    def __init__(self, sequences: Sequences, encoding: Encoding, first: Ints, last: Ints) -> None:
        self.sequences, self.encoding = sequences, encoding
        self.codec = encoding.codec
        self.context, self.horizon = encoding.context, encoding.horizon
        self.first = np.asarray(first, np.int64)
        self.last = np.maximum(np.asarray(last, np.int64), self.first)
        used = self.last > self.first
        short = np.flatnonzero(used & (self.first < self.context))
        if len(short):
            raise DataError(
                f"{sequences.label(short[0])}: {self.first[short[0]]} rows before the "
                f"first forecast, and the context reads {self.context}: give more rows or a "
                "smaller context"
            )
        if (used & (self.last > sequences.lengths - self.horizon + 1)).any():
            raise ValueError("a horizon would reach past the end of its series")
        self.ends = np.cumsum(self.last - self.first)
        self.targets = sequences.role_indices("target")
        self._encode()

    def _encode(self) -> None:
        series = self.sequences
        roles = {role: series.role_indices(role) for role in ("past", "future", "static")}
        # a series that the codec was not fitted on is scaled by what lies before its first origin
        past = series.crop(0, self.first)
        self.codec.check(series)
        self.centre, self.spread = self.codec.row_stats(past.keys, past.values, past.offsets)
        centre, spread = (np.repeat(part, series.lengths, 0) for part in (self.centre, self.spread))
        encoded = self.codec.encode(series.values, centre, spread)
        filled = carry_forward(encoded, series.offsets, 1)
        numbers = np.nan_to_num(filled).astype(np.float32)
        if self.encoding.cycles and series.times is not None:
            calendar = encode_calendar(series.times, self.encoding.cycles)
        else:
            calendar = np.zeros((len(numbers), 0), np.float32)
        masked = [series.index(name) for name in self.encoding.masked]
        observed = np.isfinite(series.values[:, masked]).astype(np.float32)
        known = np.concatenate([numbers[:, roles["future"]], calendar], 1)
        seen = numbers[:, self.targets + roles["past"]]
        self._numbers = np.concatenate([seen, observed, known], 1)
        self._known = known
        self._static = numbers[:, roles["static"]]
        self._target = encoded[:, self.targets].astype(np.float32)
        self._last = filled[:, self.targets]
        if self.encoding.relative == "season":
            season = self.encoding.season
            self._season = carry_forward(encoded[:, self.targets], series.offsets, season)

    @classmethod
    def ahead(cls, sequences: Sequences, encoding: Encoding) -> Windows:
        """One window per series: the horizon after its last row with an observed target.

        Rows after that one are read for what they tell of the future (covariates known in
        advance); where there are fewer than the horizon, rows without values are added.

        Raises:
            DataError: a series has no observed target, or fewer rows than the context.
        """
        targets = sequences.values[:, sequences.role_indices("target")]
        observed = np.asarray(np.isfinite(targets).any(axis=1))
        origins = np.zeros(len(sequences), np.int64)
        for number in range(len(sequences)):
            found = np.flatnonzero(observed[sequences.rows(number)])
            if not len(found):
                raise DataError(
                    f"{sequences.label(number)}: no target value is observed, so there is "
                    "nothing to forecast from"
                )
            origins[number] = found[-1] + 1
        whole = extend(sequences, origins + encoding.horizon)
        _refuse_unknown_future(whole, origins, encoding.horizon)
        return cls(whole, encoding, origins, origins + 1)

    @property
    def width(self) -> int:
        """F, numbers read at each step."""
        return int(self._numbers.shape[1])

    @property
    def known_width(self) -> int:
        """Numbers known in advance at each step of the horizon."""
        return int(self._known.shape[1])

    @property
    def static_width(self) -> int:
        """Numbers that do not change in time."""
        return int(self._static.shape[1])

    def __len__(self) -> int:
        return int(self.ends[-1]) if len(self.ends) else 0

    def where(self, index: Sequence[int] | Ints) -> tuple[Ints, Ints]:
        """(series, origin row within it) of each window number, each (N,)."""
        numbers = np.asarray(index, np.int64)
        if len(numbers) and not (numbers.min() >= 0 and numbers.max() < len(self)):
            raise IndexError(f"window numbers run from 0 to {len(self) - 1}, not {numbers}")
        series = np.searchsorted(self.ends, numbers, side="right").astype(np.int64)
        before = self.ends[series] - (self.last - self.first)[series]
        return series, self.first[series] + numbers - before

    def _rows(self, index: Sequence[int] | Ints, start: int, stop: int) -> tuple[Ints, Ints]:
        """Flat rows origin + start .. origin + stop - 1 of each window, and their series."""
        series, origin = self.where(index)
        base = self.sequences.offsets[series] + origin
        return base[:, None] + np.arange(start, stop), series

    def _raw(self, rows: Ints, series: Ints) -> Floats:
        """Raw target values of flat rows, NaN outside their own series."""
        low = self.sequences.offsets[series][:, None]
        high = self.sequences.offsets[series + 1][:, None]
        inside = (rows >= low) & (rows < high)
        safe = np.clip(rows, 0, max(len(self.sequences.values) - 1, 0))
        values = self.sequences.values[:, self.targets][safe]
        return np.where(inside[..., None], values, np.nan)

    def actual(self, index: Sequence[int] | Ints) -> Floats:
        """(N, L, K) what happened over the horizon, raw; NaN where missing."""
        rows, series = self._rows(index, 0, self.horizon)
        return self._raw(rows, series)

    def past(self, index: Sequence[int] | Ints, rows: int) -> Floats:
        """(N, rows, K) raw values before the origin; NaN where missing or before the beginning."""
        flat, series = self._rows(index, -rows, 0)
        return self._raw(flat, series)

    def seasonal(self, index: Sequence[int] | Ints, season: int) -> Floats:
        """(N, L, K) for each step the latest raw value before the origin at the same phase.

        ``season=1`` is the last value. A missing value is looked for a season earlier, and so on;
        NaN where there is none.
        """
        values = self.sequences.values[:, self.targets]
        return self._phased(carry_forward(values, self.sequences.offsets, season), index, season)

    def _phased(self, filled: Floats, index: Sequence[int] | Ints, season: int) -> Floats:
        series, origin = self.where(index)
        step = np.arange(self.horizon)
        row = origin[:, None] + step - season * (step // season + 1)
        flat = self.sequences.offsets[series][:, None] + np.maximum(row, 0)
        return np.where((row >= 0)[..., None], filled[flat], np.nan)

    def times(self, index: Sequence[int] | Ints) -> NDArray[np.datetime64] | None:
        """(N, L) time stamps of the horizon; None where the data have no time."""
        if self.sequences.times is None:
            return None
        rows, _ = self._rows(index, 0, self.horizon)
        return self.sequences.times[rows]

    def inputs(self, index: Sequence[int] | Ints) -> NDArray[np.float32]:
        """(N, T, F) the numbers the network reads: encoded, filled, with masks and calendar."""
        rows, _ = self._rows(index, -self.context, 0)
        return self._numbers[rows]

    def known(self, index: Sequence[int] | Ints) -> NDArray[np.float32]:
        """(N, L, F) the numbers known in advance over the horizon."""
        rows, _ = self._rows(index, 0, self.horizon)
        return self._known[rows]

    def static(self, index: Sequence[int] | Ints) -> NDArray[np.float32]:
        """(N, F) the numbers that do not change in time."""
        rows, _ = self._rows(index, 0, 1)
        return self._static[rows[:, 0]]

    def reference(self, index: Sequence[int] | Ints) -> Floats:
        """(N, L, K) encoded values that forecasts are told relative to.

        Before a series has a whole season behind it that is its last value; 0 where it has none.
        """
        if self.encoding.relative == "none":
            return np.zeros((len(index), self.horizon, len(self.targets)))
        last = self._phased(self._last, index, 1)
        if self.encoding.relative == "season":
            seasonal = self._phased(self._season, index, self.encoding.season)
            last = np.where(np.isnan(seasonal), last, seasonal)
        return np.nan_to_num(last)

    def statistics(self, index: Sequence[int] | Ints) -> tuple[Floats, Floats]:
        """(N, K) centre and spread of the targets' encoding, per window."""
        series, _ = self.where(index)
        return self.centre[series][:, self.targets], self.spread[series][:, self.targets]

    def decode(self, encoded: Floats, index: Sequence[int] | Ints) -> Floats:
        """(N, L, K) or (N, L, K, Q) encoded targets in raw units."""
        centre, spread = (part[:, None] for part in self.statistics(index))
        if encoded.ndim == 4:
            centre, spread = centre[..., None], spread[..., None]
        return self.codec.decode_target(encoded, centre, spread)

    def batch(self, index: Sequence[int]) -> Batch:
        """The windows of these numbers as one batch."""
        rows, _ = self._rows(index, 0, self.horizon)
        target = self._target[rows]
        offset, scale = self.statistics(index)
        tensor = torch.from_numpy
        return Batch(
            inputs={"numbers": tensor(self.inputs(index))},
            lengths=torch.full((len(index),), self.context),
            future={"numbers": tensor(self.known(index))},
            static={"numbers": tensor(self.static(index))},
            reference=tensor(self.reference(index).astype(np.float32)),
            offset=tensor(offset),
            scale=tensor(scale),
            source=tensor(np.asarray(index, np.int64)),
            targets=tensor(np.nan_to_num(target)),
            target_mask=tensor(np.isfinite(target)),
        )


def _refuse_unknown_future(sequences: Sequences, origins: Ints, horizon: int) -> None:
    for column in sequences.role_indices("future"):
        for number, origin in enumerate(origins.tolist()):
            first = int(sequences.offsets[number]) + origin
            if np.isnan(sequences.values[first : first + horizon, column]).all():
                raise DataError(
                    f"{sequences.label(number)}: column {sequences.names[column]!r} is known in "
                    f"advance, and none of its values for the {horizon} steps from "
                    f"{sequences.time_label(first)} is here: add rows with them, without targets"
                )


def extend(sequences: Sequences, lengths: Ints) -> Sequences:
    """Each series with rows of missing values added at its end until it has ``lengths`` (S,)."""
    missing = np.maximum(lengths - sequences.lengths, 0)
    offsets = np.concatenate([[0], np.cumsum(sequences.lengths + missing)])
    values = np.full((offsets[-1], len(sequences.fields)), np.nan)
    times = None if sequences.times is None else np.zeros(offsets[-1], "datetime64[us]")
    static = sequences.role_indices("static")
    for number in range(len(sequences)):
        old, start = sequences.rows(number), offsets[number]
        end = start + sequences.length(number)
        values[start:end] = sequences.values[old]
        values[end : offsets[number + 1], static] = sequences.values[old][-1:, static]
        if times is not None and sequences.times is not None:
            times[start:end] = sequences.times[old]
            if missing[number] and sequences.step is None:
                raise DataError(
                    f"{sequences.label(number)}: one row does not tell the time step, so "
                    "the horizon has no times; give at least two rows"
                )
            if missing[number] and sequences.step is not None:
                ahead = np.arange(1, missing[number] + 1)
                times[end : offsets[number + 1]] = sequences.step.advance(times[end - 1], ahead)
    return replace(sequences, offsets=offsets, values=values, times=times)


def carry_forward(values: Floats, offsets: Ints, season: int) -> Floats:
    """Fill NaN at row r with the value at r - season, r - 2 season, ... of the same series."""
    filled = np.array(values, np.float64)
    if not np.isnan(filled).any():
        return filled
    for start, stop in itertools.pairwise(offsets):
        block = filled[start:stop]
        rows = len(block)
        if rows <= season:
            continue
        padded = np.full((-rows % season + rows, block.shape[1]), np.nan)
        padded[:rows] = block
        cube = padded.reshape(-1, season, block.shape[1])
        seen = np.where(np.isnan(cube), 0, np.arange(len(cube))[:, None, None])
        latest = np.maximum.accumulate(seen, 0)
        filled[start:stop] = np.take_along_axis(cube, latest, 0).reshape(padded.shape)[:rows]
    return filled


def choose_cycles(sequences: Sequences, window: Window) -> tuple[Cycle, ...]:
    """The calendar cycles a window reads, none where there is no time or none is asked for."""
    return calendar_cycles(sequences.step) if window.calendar else ()
