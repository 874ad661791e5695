"""What a forecast reads of the past, and what it is told relative to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np

from longshort.contracts import Params
from longshort.data.codecs.calendar import Cycle, calendar_cycles
from longshort.data.encoding import Relative
from longshort.data.sequences import Sequences
from longshort.data.steps import Ints
from longshort.errors import ArgumentError, suggest

Short = Literal["leave", "refuse"]


@dataclass(frozen=True)
class Window(Params):
    """What a forecast reads and what it is told relative to.

    Args:
        context: T, past rows read for each forecast; None takes four horizons, at least 14 and at
            most 128 rows, never less than one horizon, and never more than half of what the
            shortest training part has beside a horizon; of ten series or more, the shortest tenth
            has no say.
        relative: forecasts are the "last" value, or the value a "season" before, plus what the
            network adds; "none" lets it say the value itself. Relative forecasts cannot lose the
            level of the series, which is what most often makes an LSTM lose to a naive rule.
        season: rows of one season; None takes the one found in the training part.
        calendar: read where in the day, week and year each step lies.
        differences: read also how far each target is from its value a season before, at every
            step: what a forecast relative to the season has to carry on.
        short: what becomes of series that are shorter than a window, of many: "leave" them out,
            which is always said, with their number and names; or "refuse" the data.

    Raises:
        ArgumentError: a value out of range.
    """

    context: int | None = None
    relative: Relative = "last"
    season: int | None = None
    calendar: bool = True
    short: Short = "leave"
    differences: bool = False

    def __post_init__(self) -> None:
        self._whole(1, "context", "season")
        for name, known in (("relative", get_args(Relative)), ("short", get_args(Short))):
            value = getattr(self, name)
            if value not in known:
                raise ArgumentError(f"Window({name}={value!r}): {suggest(value, known)}")

    def rows(self, horizon: int, lengths: Ints) -> int:
        """The context in rows for a horizon, given the rows (S,) of each training part."""
        if self.context is not None:
            return self.context
        usual = max(14, min(4 * horizon, 128), horizon)
        least = 0 if self.short == "refuse" else len(lengths) // 10
        shortest = int(np.partition(lengths, least)[least])
        return max(1, min(usual, (shortest - horizon) // 2))


def choose_cycles(sequences: Sequences, window: Window) -> tuple[Cycle, ...]:
    """The calendar cycles a window reads, none where there is no time or none is asked for."""
    return calendar_cycles(sequences.step) if window.calendar else ()
