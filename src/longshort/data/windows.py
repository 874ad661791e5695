"""From series to batches: context and horizon windows.

A window is told by one number; its rows are gathered and encoded when a batch asks for them, so
that memory holds the series once, as they were read, whatever context and horizon are.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import fields
from functools import cached_property
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import NDArray

from longshort.contracts import Batch
from longshort.data.codecs.calendar import encode_calendar
from longshort.data.codecs.categories import key
from longshort.data.encoding import Encoding
from longshort.data.horizon import extend, refuse_short, refuse_unknown_future
from longshort.data.sequences import Role, Sequences
from longshort.errors import DataError

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Arrays = dict[str, NDArray[Any]]
# labels of a column that is told as zeros and ones
_FLAGS = 32


class Windows:
    """Context and horizon windows of many series: a lazy view in the ``Examples`` protocol.

    Window n of series s has its origin, the first row to forecast, at row
    ``first[s] + every * (n - windows of the series before)``.

    Args:
        sequences: the series, raw.
        encoding: how they are read.
        first, last: (S,) origins of series s are first[s] <= origin < last[s].
        every: rows from one origin to the next.

    Raises:
        DataError: a series has fewer rows before its first origin than the context.
    """

    # windows are independent of each other
    streams: int | None = None

    def __init__(
        self, sequences: Sequences, encoding: Encoding, first: Ints, last: Ints, every: int = 1
    ) -> None:
        self.sequences, self.encoding = sequences, encoding
        self.codec = encoding.codec
        self.context, self.horizon = encoding.context, encoding.horizon
        self.first = np.asarray(first, np.int64)
        self.last = np.maximum(np.asarray(last, np.int64), self.first)
        used = self.last > self.first
        refuse_short(sequences, np.where(used, self.first, self.context), self.context)
        if (used & (self.last > sequences.lengths - self.horizon + 1)).any():
            raise ValueError("a horizon would reach past the end of its series")
        self.every, self.counts = every, -((self.first - self.last) // every)
        self.ends = np.cumsum(self.counts)
        self.targets = sequences.role_indices("target")
        self._seen = [*self.targets, *sequences.role_indices("past")]
        self._ahead = sequences.role_indices("future")
        self._still = sequences.role_indices("static")
        self._masked = [sequences.index(name) for name in encoding.masked]
        self._cycles = encoding.cycles if sequences.times is not None else ()
        self.codec.check(sequences)
        vocabulary = encoding.vocabulary
        self._categories = [sequences.index(name) for name in vocabulary.names]
        self._places = vocabulary.places(sequences.categories)
        # a series that the codec was not fitted on is scaled by what lies before its first origin
        unknown = self.codec.unknown(sequences.keys)
        past = sequences.plain().crop(0, np.where(unknown, self.first, 0))
        self.centre, self.spread = self.codec.row_stats(past.keys, past.values, past.offsets)

    @classmethod
    def ahead(cls, sequences: Sequences, encoding: Encoding) -> Windows:
        """One window per series: the horizon after its last row with an observed target.

        Rows after that one are read for what they tell of the future (covariates known in
        advance); where there are fewer than the horizon, rows without values are added.

        Raises:
            DataError: a series has no observed target, or fewer rows than the context.
        """
        origins = sequences.observed_end
        if not origins.all():
            raise DataError(
                f"{sequences.label(int((origins == 0).argmax()))}: no target value is observed, so "
                "there is nothing to forecast from"
            )
        refuse_short(sequences, origins, encoding.context)
        whole = extend(sequences, origins + encoding.horizon)
        refuse_unknown_future(whole, origins, encoding.horizon)
        return cls(whole, encoding, origins, origins + 1)

    def thinned(self, every: int) -> Self:
        """The first window of each series, and every so many-th after it."""
        return type(self)(self.sequences, self.encoding, self.first, self.last, every)

    @property
    def width(self) -> int:
        """F, numbers read at each step."""
        differences = len(self.targets) if self.encoding.differences else 0
        return len(self._seen) + len(self._masked) + self.known_width + differences

    @property
    def known_width(self) -> int:
        """Numbers known in advance at each step of the horizon."""
        return len(self._ahead) + 2 * len(self._cycles)

    @property
    def static_width(self) -> int:
        """Numbers that do not change in time."""
        return len(self._still)

    def __len__(self) -> int:
        return int(self.ends[-1]) if len(self.ends) else 0

    def label(self, number: int) -> str:
        """A window in words: what was read, the series, and the first time it forecasts."""
        (series,), (origin,) = self.where([number])
        row = int(self.sequences.offsets[series] + origin)
        return f"{self.sequences.label(series)}, from {self.sequences.time_label(row)}"

    def digest(self) -> bytes:
        """Bytes that tell these windows from others: their series, encoding and origins."""
        series, (settings, arrays) = self.sequences, self.codec.to_parts()
        told = {f.name: getattr(self.encoding, f.name) for f in fields(self.encoding)}
        told |= {"codec": settings, "fields": series.fields, "keys": series.keys}
        found = hashlib.sha256(repr(told).encode())
        every = np.array(self.every)
        rows = [series.offsets, series.values, self.first, self.last, every, *arrays.values()]
        if series.times is not None:
            rows.append(series.times.view(np.int64))
        for array in rows:
            found.update(f"{array.dtype} {array.shape}".encode())
            found.update(np.ascontiguousarray(array).data)
        return found.digest()

    def where(self, index: Sequence[int] | Ints) -> tuple[Ints, Ints]:
        """(series, origin row within it) of each window number, each (N,)."""
        numbers = np.asarray(index, np.int64)
        if len(numbers) and not (numbers.min() >= 0 and numbers.max() < len(self)):
            raise IndexError(f"window numbers run from 0 to {len(self) - 1}, not {numbers}")
        series = np.searchsorted(self.ends, numbers, side="right").astype(np.int64)
        before = self.ends[series] - self.counts[series]
        return series, self.first[series] + self.every * (numbers - before)

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
        return np.where(inside[..., None], self.sequences.targets[safe], np.nan)

    def _numbers(self, rows: Ints, series: Ints, fields: list[int]) -> NDArray[np.float32]:
        """Fields of flat rows (N, rows), encoded; a missing one as the latest before it, else 0."""
        if not fields:
            return np.zeros((*rows.shape, 0), np.float32)
        raw = self.sequences.filled[rows][..., : len(self.codec.names)]
        centre, spread = (
            np.repeat(part[series], rows.shape[1], 0) for part in (self.centre, self.spread)
        )
        encoded = self.codec.encode(raw.reshape(-1, raw.shape[2]), centre, spread)
        return np.nan_to_num(encoded).astype(np.float32).reshape(raw.shape)[..., fields]

    def _symbols(self, rows: Ints, *roles: Role) -> Arrays:
        """Categories of flat rows (...) as rows of tables; a missing one as the latest before."""
        found: Arrays = {}
        for at, (column, places) in enumerate(zip(self._categories, self._places, strict=True)):
            if self.encoding.vocabulary.roles[at] in roles:
                raw = self.sequences.filled[rows, column]
                found[key(at)] = places[np.nan_to_num(raw, nan=-1).astype(np.int64)]
                found[key(at)][np.isnan(raw)] = 0
        return found

    def _calendar(self, rows: Ints) -> NDArray[np.float32]:
        """Where flat rows stand in every cycle that is read."""
        if not self._cycles or self.sequences.times is None:
            return np.zeros((*rows.shape, 0), np.float32)
        local = self.encoding.clock.local(self.sequences.times[rows])
        return encode_calendar(local, self._cycles)

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
        filled = self.sequences.phased(season)
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
        rows, series = self._rows(index, -self.context, 0)
        numbers = self._numbers(rows, series, self._seen + self._ahead)
        seen, ahead = np.split(numbers, [len(self._seen)], -1)
        observed = np.isfinite(self.sequences.values[rows[..., None], self._masked])
        parts = [seen, observed, ahead, self._calendar(rows)]
        if self.encoding.differences:
            parts.append(self._differences(rows, series, seen[..., : len(self.targets)]))
        return np.concatenate(parts, -1, dtype=np.float32)

    def _differences(
        self, rows: Ints, series: Ints, own: NDArray[np.float32]
    ) -> NDArray[np.float32]:
        """Encoded targets less those a season before; 0 where their series has no such row."""
        first = self.sequences.offsets[series][:, None]
        back = rows - self.encoding.season
        before = self._numbers(np.maximum(back, first), series, self.targets)
        return np.where((back >= first)[..., None], own - before, np.float32(0))

    def known(self, index: Sequence[int] | Ints) -> NDArray[np.float32]:
        """(N, L, F) the numbers known in advance over the horizon."""
        rows, series = self._rows(index, 0, self.horizon)
        return np.concatenate([self._numbers(rows, series, self._ahead), self._calendar(rows)], -1)

    def static(self, index: Sequence[int] | Ints) -> NDArray[np.float32]:
        """(N, F) the numbers that do not change in time."""
        rows, series = self._rows(index, 0, 1)
        return self._numbers(rows, series, self._still)[:, 0]

    @cached_property
    def _marks(self) -> NDArray[np.uint64]:
        """(S,) words that tell the series' names apart."""
        words = [hashlib.blake2b(k.encode(), digest_size=8).digest() for k in self.sequences.keys]
        return np.frombuffer(b"".join(words), "<u8").astype(np.uint64)

    def seeds(self, index: Sequence[int] | Ints) -> Ints:
        """(N,) what random draws of each window are made from: its series' name and its origin.

        The origin is told by its time, or by its row where there are no times: windows have the
        same seeds whatever else is in the table.
        """
        series, origin = self.where(index)
        moment = origin
        if self.sequences.times is not None:
            moment = self.sequences.times.view(np.int64)[self.sequences.offsets[series] + origin]
        mixed = self._marks[series] ^ (moment.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15))
        return mixed.view(np.int64)

    def flags(self, index: Sequence[int] | Ints) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Categories as zeros and ones, for methods that learn no vectors.

        Returns:
            (N, L, P) of what is known in advance of each step, and (N, P') of what is static; of
            columns with at most 32 labels, one number for each of them.
        """
        ahead, _ = self._rows(index, 0, self.horizon)
        known, still = self._symbols(ahead, "future"), self._symbols(ahead[:, 0], "static", "group")
        return self._ones(known, ahead.shape), self._ones(still, ahead.shape[:1])

    def _ones(self, symbols: Arrays, shape: tuple[int, ...]) -> NDArray[np.float32]:
        rows = {name: rows for name, (rows, _) in self.encoding.vocabulary.tables().items()}
        few = [(name, np.arange(1, rows[name])) for name in symbols if rows[name] <= _FLAGS + 1]
        ones = [symbols[name][..., None] == labels for name, labels in few]
        return np.concatenate([np.zeros((*shape, 0)), *ones], -1, dtype=np.float32)

    def reference(self, index: Sequence[int] | Ints) -> Floats:
        """(N, L, K) encoded values that forecasts are told relative to.

        Before a series has a whole season behind it that is its last value; 0 where it has none.
        """
        if self.encoding.relative == "none":
            return np.zeros((len(index), self.horizon, len(self.targets)))
        last = self.seasonal(index, 1)
        if self.encoding.relative == "season":
            seasonal = self.seasonal(index, self.encoding.season)
            last = np.where(np.isnan(seasonal), last, seasonal)
        return np.nan_to_num(self._encoded_targets(last, index))

    def _encoded_targets(self, raw: Floats, index: Sequence[int] | Ints) -> Floats:
        """Raw targets (N, L, K) in encoded units."""
        centre, spread = self.statistics(index)
        return self.codec.encode_target(raw, centre[:, None], spread[:, None])

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
        """The windows of these numbers as one batch.

        For a recursive model a row has T + L - 1 steps. Each reads what is known in advance of the
        step after it, which targets and reference tell of. From the origin on nothing is read of
        past covariates: numbers stay what they were, masks are 0, and categories unknown.
        """
        if self.encoding.recursive:
            return self._stepwise(index)
        past, _ = self._rows(index, -self.context, 0)
        ahead, _ = self._rows(index, 0, self.horizon)
        inputs = {**self._symbols(past, "past", "future"), "numbers": self.inputs(index)}
        future = {**self._symbols(ahead, "future"), "numbers": self.known(index)}
        still = {**self._symbols(ahead[:, 0], "static", "group"), "numbers": self.static(index)}
        groups = inputs, future, still
        return self._batch(index, groups, self.reference(index), self.actual(index))

    def _batch(
        self, index: Sequence[int], groups: Sequence[Arrays], reference: Floats, raw: Floats
    ) -> Batch:
        """Groups of inputs, of what is known ahead and of what is static, and raw targets."""
        offset, scale = self.statistics(index)
        target = self._encoded_targets(raw, index)
        tensor = torch.from_numpy
        inputs, future, static = ({n: tensor(a) for n, a in group.items()} for group in groups)
        steps = inputs["numbers"].shape[1]
        return Batch(
            inputs,
            torch.full((len(index),), steps),
            future,
            static,
            reference=tensor(reference.astype(np.float32)),
            offset=tensor(offset),
            scale=tensor(scale),
            source=tensor(np.asarray(index, np.int64)),
            targets=tensor(np.nan_to_num(target).astype(np.float32)),
            target_mask=tensor(np.isfinite(target)),
        )

    def _stepwise(self, index: Sequence[int]) -> Batch:
        """See ``batch``."""
        first = self.context
        rows, series = self._rows(index, -first, self.horizon - 1)
        seen = self._numbers(rows, series, self._seen)
        targets = len(self.targets)
        seen[:, first:, targets:] = seen[:, first - 1 : first, targets:]
        observed = np.isfinite(self.sequences.values[rows[..., None], self._masked])
        observed[:, first:, [column not in self.targets for column in self._masked]] = False
        ahead = self._numbers(rows + 1, series, self._ahead)
        numbers = [seen, observed, ahead, self._calendar(rows + 1)]
        past = self._symbols(rows, "past")
        for symbols in past.values():
            symbols[:, first:] = 0
        inputs = {**past, **self._symbols(rows + 1, "future")}
        inputs["numbers"] = np.concatenate(numbers, -1, dtype=np.float32)
        origin = self._rows(index, 0, 1)[0][:, 0]
        still = {**self._symbols(origin, "static", "group"), "numbers": self.static(index)}
        reference = self._stepwise_reference(index, rows, series, seen)
        made = self._batch(index, (inputs, {}, still), reference, self._raw(rows + 1, series))
        return made.replace(seeds=torch.from_numpy(self.seeds(index)))

    def _stepwise_reference(
        self, index: Sequence[int], rows: Ints, series: Ints, seen: NDArray[np.float32]
    ) -> Floats:
        """(N, T + L - 1, K) what the target after each of these rows is told relative to.

        That is the value of the row itself; or the latest one a season before, of the horizon the
        latest one before the origin; or 0.
        """
        last = seen[..., : len(self.targets)].astype(np.float64)
        if self.encoding.relative != "season":
            return last if self.encoding.relative == "last" else np.zeros_like(last)
        before = rows + 1 - self.encoding.season
        inside = before >= self.sequences.offsets[series][:, None]
        phased = self.sequences.phased(self.encoding.season)[np.maximum(before, 0)]
        found = self._encoded_targets(np.where(inside[..., None], phased, np.nan), index)
        found = np.where(np.isnan(found), last, found)
        found[:, self.context - 1 :] = self.reference(index)
        return found
