"""What turns series into numbers for a network."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from longshort.data.clock import Clock
from longshort.data.codecs.calendar import Cycle
from longshort.data.codecs.categories import Vocabulary
from longshort.data.codecs.numbers import NumberCodec
from longshort.data.sequences import Field

Relative = Literal["last", "season", "none"]


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
        clock: what their times count; the calendar is that of its local time.
        vocabulary: the categories of the training part.
        recursive: batches are for a model that answers the next step after every step, see
            ``Windows.batch``.
        differences: see ``Window``.
    """

    codec: NumberCodec
    context: int
    horizon: int
    relative: Relative
    season: int
    cycles: tuple[Cycle, ...]
    masked: tuple[str, ...]
    step: str = "rows in order"
    clock: Clock = Clock()  # noqa: RUF009 - a frozen value
    vocabulary: Vocabulary = Vocabulary()  # noqa: RUF009
    recursive: bool = False
    differences: bool = False

    def to_run_on(self, fields: Sequence[Field]) -> Encoding:
        """The same for a recursive model, which must know where past covariates are not read."""
        told = {*self.masked, *(field.name for field in fields if field.role == "past")}
        return replace(self, masked=tuple(n for n in self.codec.names if n in told), recursive=True)
