"""Forecasts after every row, each from the last rows alone: those of ``Forecaster.predict``."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from longshort.contracts import State
from longshort.data.encoding import Encoding
from longshort.data.layout import RowLayout
from longshort.data.sequences import Columns, Field, Floats, Sequences
from longshort.data.steps import Ints, Step, infer_step
from longshort.data.windows import Windows
from longshort.errors import ArgumentError
from longshort.heads.distributions import LEVELS
from longshort.metrics.quantiles import quantiles_at
from longshort.tasks.streams.trunk import fill, places_of
from longshort.yardsticks.base import Forecasts

# of a record: the interval's ends
_ENDS = (0.1, 0.9)


class Ahead(NamedTuple):
    """After each row that was read: K targets, L steps, Q quantiles in raw units.

    point, quantiles: (B, L, K) and (B, L, K, Q), NaN as long as a session has read fewer rows up to
    its last target than the model's context. times: (B, L), NaT where rows have no times.
    """

    point: Floats
    quantiles: Floats
    times: NDArray[np.datetime64]


class AheadStream:
    """A ``data.layout.Stream`` of a forecaster: it keeps the last ``window`` rows of each session.

    That is its context, and as much again or a season before it, whichever is longer. Answers are
    those that ``predict`` gives of a table of these rows alone.

    Args:
        encoding: how rows are read.
        fields: the columns of numbers, then of categories.
        columns: what each column is.
        gaps: the model's policy of gaps in time.
        forecast: windows and their numbers to forecasts.
        sessions: S.

    Raises:
        ArgumentError: forecasts need what is known of the future.
    """

    memory: Literal["window", "carried"] = "window"

    def __init__(
        self,
        encoding: Encoding,
        fields: tuple[Field, ...],
        columns: Columns,
        gaps: str,
        forecast: Callable[[Windows, Sequence[int]], Forecasts],
        sessions: int,
    ) -> None:
        known = [field.name for field in fields if field.role == "future"]
        if known:
            raise ArgumentError(
                f"the model reads what is known in advance ({', '.join(known)}), and a stream of "
                "rows tells nothing of the steps to come: fit without future= (--future), or call "
                "predict with rows that have it"
            )
        self.sessions = sessions
        self.window = encoding.context + max(encoding.context, encoding.season)
        self._encoding, self._fields, self._forecast = encoding, fields, forecast
        self.layout = RowLayout.spaced(
            fields, columns.group, columns.time, encoding.step, encoding.clock, gaps
        )
        self._targets = [field.name for field in fields if field.role == "target"]
        self._keys = [""] * sessions
        # the last rows: that of row r lies at r modulo the window
        self._values = np.full((sessions, self.window, len(fields)), np.nan)
        self._times = np.zeros((sessions, self.window), np.int64)
        self._rows = np.zeros(sessions, np.int64)

    @property
    def state(self) -> State:
        """See ``data.layout.Stream``."""
        return State({name: place.clone() for name, place in self._places.items()})

    @property
    def _places(self) -> dict[str, Any]:
        return places_of({"values": self._values, "times": self._times, "rows": self._rows})

    def load(self, state: State) -> None:
        """See ``data.layout.Stream``."""
        if bool((state.tensor("rows") < 0).any()) or bool(state.tensor("values").isinf().any()):
            raise ValueError("the rows that are remembered are none that could have been read")
        fill(self._places, state)

    def begin(self, sessions: Ints, keys: Sequence[tuple[str, ...]]) -> None:
        """See ``data.layout.Stream``."""
        self._rows[sessions] = 0
        group = self.layout.group
        for number, key in zip(sessions.tolist(), keys, strict=True):
            several = [f"{name}={text}" for name, text in zip(group, key, strict=False)]
            self._keys[number] = ", ".join(several if len(key) > 1 else key)

    def step(self, sessions: Ints, values: Any, times: Ints | None) -> Ahead:
        """See ``data.layout.Stream``.

        Raises:
            DataError: a value cannot be encoded; nothing has changed then.
        """
        count = len(sessions)
        keys = self._distinct(sessions)
        self._encoding.codec.check(self._table(keys, np.arange(count + 1), values, None))
        at = self._rows[sessions] % self.window
        self._values[sessions, at] = values
        if times is not None:
            self._times[sessions, at] = times
        self._rows[sessions] += 1
        horizon, targets = self._encoding.horizon, len(self._targets)
        point = np.full((count, horizon, targets), np.nan)
        quantiles = np.full((count, horizon, targets, len(LEVELS)), np.nan)
        ahead = np.full((count, horizon), np.datetime64("NaT", "us"))
        ready = np.flatnonzero(self._rows[sessions] >= self._encoding.context)
        if len(ready):
            own_keys = [keys[n] for n in ready.tolist()]
            table = self._kept(sessions[ready], own_keys, timed=times is not None)
            fits = np.flatnonzero(table.observed_end >= self._encoding.context)
            ready = ready[fits]
        for some in self._turns(sessions[ready]):
            own = table.select(fits[some].tolist())
            if self._alike:
                own = replace(own, keys=tuple(self._keys[n] for n in sessions[ready[some]]))
            windows = Windows.ahead(own, self._encoding)
            numbers = range(len(windows))
            found = self._forecast(windows, numbers)
            point[ready[some]], quantiles[ready[some]] = found.point, found.quantiles
            told = windows.times(numbers)
            if told is not None:
                ahead[ready[some]] = told
        return Ahead(point, quantiles, ahead)

    # the rows that are kept, as a table

    @property
    def _alike(self) -> bool:
        """Whether what a series is called matters beyond telling it from others."""
        return self._encoding.codec.scaling.per_series or self._encoding.recursive

    def _distinct(self, sessions: Ints) -> list[str]:
        """A name for each session that no other one has."""
        keys = [self._keys[number] for number in sessions.tolist()]
        if len(set(keys)) == len(keys):
            return keys
        return [f"{key} ({number})" for key, number in zip(keys, sessions.tolist(), strict=True)]

    def _turns(self, sessions: Ints) -> list[Ints]:
        """Places of sessions that can be forecast at once; no two are of one name if it matters."""
        if not len(sessions):
            return []
        keys = [self._keys[number] for number in sessions.tolist()]
        if not self._alike or len(set(keys)) == len(keys):
            return [np.arange(len(sessions))]
        return [np.array([place]) for place in range(len(sessions))]

    def _kept(self, sessions: Ints, keys: list[str], *, timed: bool) -> Sequences:
        rows = self._rows[sessions]
        lengths = np.minimum(rows, self.window)
        offsets = np.concatenate([[0], np.cumsum(lengths)])
        owner = np.repeat(np.arange(len(sessions)), lengths)
        within = np.arange(offsets[-1]) - offsets[owner]
        at = (rows - lengths)[owner] + within
        place = at % self.window
        times = self._times[sessions[owner], place] if timed else None
        return self._table(keys, offsets, self._values[sessions[owner], place], times)

    def _table(
        self, keys: Sequence[str], offsets: Ints, values: Floats, times: Ints | None
    ) -> Sequences:
        stamps = None if times is None else times.view("datetime64[us]")
        return Sequences(
            tuple(
                field if field.labels is None else replace(field, labels=(*field.labels, "\0"))
                for field in self._fields
            ),
            tuple(keys),
            offsets,
            stamps,
            None if stamps is None else self._step(stamps, offsets),
            values,
            "the stream",
            self.layout.gap,
            self._encoding.clock,
        )

    def _step(self, times: NDArray[np.datetime64], offsets: Ints) -> Step | None:
        """The model's; of months, with the day that these stamps fall on."""
        step = self.layout.step
        if step is None or step.fixed is not None or step.unit == "bd":
            return step if step is not None else infer_step(times, offsets)
        found = infer_step(times, offsets)
        return found if found is not None and found.unit == step.unit else step

    def told(self, answers: tuple[Any, ...]) -> list[dict[str, Any]]:
        """See ``data.layout.Stream``: a record for each row, its forecasts as lists.

        ``ahead`` are the times; then each target by name, ``name_q10`` and ``name_q90``.
        """
        found = Ahead(*answers)
        ends = quantiles_at(found.quantiles, LEVELS, _ENDS)
        records: list[dict[str, Any]] = []
        for row in range(len(found.point)):
            if np.isnan(found.point[row]).all():
                records.append({})
                continue
            record: dict[str, Any] = {}
            if not np.isnat(found.times[row]).any():
                stamps = found.times[row].view(np.int64).tolist()
                record["ahead"] = [self.layout.text(stamp) for stamp in stamps]
            for k, name in enumerate(self._targets):
                record[name] = found.point[row, :, k].tolist()
                for level, end in zip(_ENDS, range(2), strict=True):
                    record[f"{name}_q{100 * level:g}"] = ends[row, :, k, end].tolist()
            records.append(record)
        return records
