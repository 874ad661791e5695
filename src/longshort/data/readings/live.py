"""Recordings that are read row by row: the numbers of ``SignalReading``, as they come."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from longshort.contracts import State
from longshort.data.items import Inputs
from longshort.data.layout import RowLayout
from longshort.data.readings.signals import ONE_HOT, SignalReading
from longshort.data.sequences import Field, Floats
from longshort.data.steps import Ints
from longshort.errors import ArgumentError


class LiveSignal:
    """What a network reads of the next row of each of S recordings.

    What does not change in time is told as the first value that was seen of it.

    Args:
        reading: how whole recordings are read.
        sessions: S.

    Raises:
        ArgumentError: the reading needs whole recordings.
    """

    def __init__(self, reading: SignalReading, sessions: int) -> None:
        refuse_whole(reading)
        self._reading, self.sessions = reading, sessions
        channels, still = reading.channels, reading.still
        columns = reading.vocabulary.fields
        self._once = [at for at, field in enumerate(columns) if field.role == "static"]
        self._kinds = len(columns)
        self.fields: tuple[Field, ...] = (
            *(Field(name, "past") for name in channels),
            *(Field(name, "static") for name in still),
            *columns,
        )
        self._tables = reading.vocabulary.places(_with_unknown(columns))
        self._offsets = np.arange(sessions + 1)
        # what was last seen of each channel, scaled; the columns that do not change; when each
        # channel was seen, and the row before was; how many rows there were
        self.arrays: dict[str, NDArray[np.float64]] = {
            "last": np.full((sessions, len(channels)), np.nan),
            "still": np.full((sessions, len(still) + len(self._once)), np.nan),
            "seen": np.zeros((sessions, len(reading.gappy[0]))),
            "before": np.zeros((sessions, 1)),
            "rows": np.zeros((sessions, 1)),
        }

    def layout(self, group: tuple[str, ...], time: str | None) -> RowLayout:
        """Of rows at any times, which are needed where the network reads how far apart they are."""
        needed = "time" if self._reading.unit else None
        return RowLayout(self.fields, group, time or needed, gap="ignore")

    def begin(self, sessions: Ints) -> None:
        """These sessions begin anew."""
        for name, array in self.arrays.items():
            array[sessions] = np.nan if name in ("last", "still") else 0

    def step(
        self, sessions: Ints, values: Floats, times: Ints | None
    ) -> tuple[Inputs, NDArray[np.bool_]]:
        """What the network reads of a step, without the axis of time, and what was seen.

        Args:
            sessions: (B,) rising.
            values: (B, F) in the order of ``fields``, raw, NaN where missing.
            times: (B,) microseconds, where rows have times.

        Returns:
            The inputs, and which channels (B, C) were seen now.
        """
        reading, kept = self._reading, self.arrays
        every = slice(None) if len(sessions) == self.sessions else sessions
        count, width = len(reading.channels), len(reading.channels) + len(reading.still)
        raw = values[:, :count]
        seen = ~np.isnan(raw)
        scaled = reading.scales.moving(raw, self._offsets[: len(raw) + 1])
        last = np.where(seen, scaled, kept["last"][every])
        kept["last"][every] = last
        filled = scaled if reading.signal.gaps == "mean" else last
        inputs: dict[str, Tensor] = {}
        if count:
            inputs["channels"] = _float(filled)
        self._times(every, seen, times, inputs)
        static = self._static(every, values[:, count:], width - count, inputs)
        lengths = torch.ones(len(raw), dtype=torch.int64)
        return Inputs(inputs, lengths, static), seen

    def _times(
        self,
        every: slice | Ints,
        seen: NDArray[np.bool_],
        times: Ints | None,
        inputs: dict[str, Tensor],
    ) -> None:
        """Add when channels were last seen, and the row before was."""
        reading, kept = self._reading, self.arrays
        gappy, rows = list(reading.gappy[0]), kept["rows"][every]
        if gappy or reading.unit:
            now = rows
            if reading.unit and times is not None:
                now = times[:, None] / reading.unit
            begins = rows == 0
            if gappy:
                own = seen[:, gappy]
                when = np.where(own | begins, now, kept["seen"][every])
                kept["seen"][every] = when
                inputs["observed"] = _float(own.astype(np.float64))
                inputs["since"] = _float(np.log1p(now - when))
            if reading.unit:
                apart = np.where(begins, 0, now - kept["before"][every])
                kept["before"][every] = now
                inputs["apart"] = _float(np.log1p(apart))
        kept["rows"][every] = rows + 1

    def _static(
        self, every: slice | Ints, values: Floats, still: int, inputs: dict[str, Tensor]
    ) -> dict[str, Tensor]:
        """Add categories that change; what does not change in time."""
        reading = self._reading
        if not values.shape[1]:
            return {}
        codes = values[:, still:]
        given = np.concatenate([values[:, :still], codes[:, self._once]], 1)
        once = self.arrays["still"][every]
        once = np.where(np.isnan(once), given, once)
        self.arrays["still"][every] = once
        codes = codes.copy()
        codes[:, self._once] = once[:, still:]
        known = ~np.isnan(once[:, list(reading.gappy[1])])
        told = [_float(reading.scales.still(once[:, :still])), torch.from_numpy(known).float()]
        static: dict[str, Tensor] = {}
        moving: list[Tensor] = []
        for at, (table, field) in enumerate(
            zip(self._tables, reading.vocabulary.fields, strict=True)
        ):
            flat = codes[:, at]
            row = np.where(np.isnan(flat), 0, table[np.nan_to_num(flat).astype(np.int64)])
            width = len(field.labels or ())
            if width > ONE_HOT:
                (static if at in self._once else inputs)[f"category{at}"] = torch.from_numpy(row)
                continue
            hot = torch.from_numpy(np.eye(width + 1, dtype=np.float32)[row][:, 1:])
            (told if at in self._once else moving).append(hot)
        if moving:
            inputs["labels"] = torch.cat(moving, 1)
        together = torch.cat(told, 1)
        if together.shape[1]:
            static["static"] = together
        return static

    @property
    def state(self) -> State:
        """A copy of what is remembered, sessions first."""
        return State({name: torch.from_numpy(a.copy()) for name, a in self.arrays.items()})


def refuse_whole(reading: SignalReading) -> None:
    """Raises ArgumentError where a reading needs whole recordings."""
    signal = reading.signal
    for wrong, told in (
        (signal.scale == "item", "Signal(scale='item') needs a recording to its end"),
        (signal.every is not None, f"Signal(every={signal.every!r}) lays whole recordings"),
        (signal.summaries, "Signal(summaries=True) needs a recording to its end"),
    ):
        if wrong:
            raise ArgumentError(
                f"{told}, which no stream has: fit with Signal(scale='channel' or 'ranks'), and "
                "without every= and summaries="
            )


def _with_unknown(columns: tuple[Field, ...]) -> tuple[Field, ...]:
    """Columns with one more label, which stands for every one that is not known."""
    return tuple(
        Field(column.name, column.role, labels=(*(column.labels or ()), "\0")) for column in columns
    )


def _float(values: Floats) -> Tensor:
    """What is missing is the mean, which is 0."""
    return torch.from_numpy(np.where(np.isnan(values), 0.0, values).astype(np.float32))
