"""Rows of series as they come: the last window of each session, told again."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from longshort.contracts import State
from longshort.data.encoding import Encoding
from longshort.data.sequences import Field, Floats
from longshort.data.steps import Ints
from longshort.model import Model
from longshort.tasks.anomalies.surprise import last_rebuilt
from longshort.tasks.streams.trunk import fill, places_of


class Again:
    """The surprise of rows of S sessions, as ``surprise.rebuilt_surprises`` tells it of series.

    Args:
        models: what tells windows again.
        encoding: how rows are read.
        fields: the columns, in the order of a row's values.
        sessions: S.
    """

    def __init__(
        self, models: Sequence[Model], encoding: Encoding, fields: Sequence[Field], sessions: int
    ) -> None:
        self.encoding, self.sessions, self._models = encoding, sessions, models
        numbers = [field for field in fields if field.labels is None]
        names = [field.name for field in fields]
        self._width = len(numbers)
        self._seen = [at for at, f in enumerate(numbers) if f.role in ("target", "past")]
        self._targets = sum(field.role == "target" for field in numbers)
        self._masked = [names.index(name) for name in encoding.masked]
        columns = len(self._seen) + len(self._masked)
        self.arrays: dict[str, NDArray[Any]] = {
            "filled": np.full((sessions, self._width), np.nan),
            # the last rows as they are read, in a ring
            "rows": np.zeros((sessions, encoding.context, columns), np.float32),
            "count": np.zeros(sessions, np.int64),
            "centre": np.zeros((sessions, self._width)),
            "spread": np.ones((sessions, self._width)),
        }

    @property
    def state(self) -> State:
        """A copy of what all sessions remember."""
        return State({name: place.clone() for name, place in places_of(self.arrays).items()})

    def load(self, state: State) -> None:
        """Go on from such a state.

        Raises:
            ValueError: it does not fit.
        """
        if bool((state.tensor("count") < 0).any()) or not bool((state.tensor("spread") > 0).all()):
            raise ValueError("a session's rows or scale are below 0")
        fill(places_of(self.arrays), state)

    def begin(self, sessions: Ints, keys: Sequence[str]) -> None:
        """These sessions (B,) begin anew, with series of these names."""
        self.arrays["filled"][sessions] = np.nan
        self.arrays["count"][sessions] = 0
        none = np.zeros(len(sessions) + 1, np.int64)
        stats = self.encoding.codec.row_stats(keys, np.zeros((0, self._width)), none)
        self.arrays["centre"][sessions], self.arrays["spread"][sessions] = stats

    def step(self, sessions: Ints, values: Floats, times: Ints | None) -> Floats:
        """(B, K) nats of the next row (B, F) of each session; NaN where nothing was told of it."""
        del times
        arrays, context = self.arrays, self.encoding.context
        numbers, there = values[:, : self._width], np.isfinite(values)
        filled = np.where(there[:, : self._width], numbers, arrays["filled"][sessions])
        arrays["filled"][sessions] = filled
        scale = arrays["centre"][sessions], arrays["spread"][sessions]
        scaled = np.nan_to_num(self.encoding.codec.encode(filled, *scale))[:, self._seen]
        row = np.concatenate([scaled, there[:, self._masked]], 1, dtype=np.float32)
        count = arrays["count"][sessions]
        arrays["rows"][sessions, count % context] = row
        arrays["count"][sessions] = count + 1
        found = np.full((len(sessions), self._targets), np.nan)
        whole = np.flatnonzero(count + 1 >= context)
        if len(whole):
            order = (count[whole, None] + 1 + np.arange(context)) % context
            found[whole] = last_rebuilt(self._models, arrays["rows"][sessions[whole, None], order])
        found[~there[:, : self._targets]] = np.nan
        return found
