"""What a forecaster's model file keeps beside weights and settings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pydantic import PositiveInt

from longshort.data.clock import Clock
from longshort.data.codecs.calendar import Cycle
from longshort.data.sequences import Columns


@dataclass(frozen=True)
class Learned:
    """See ``Encoding`` for the names."""

    codec: dict[str, Any]
    columns: Columns
    units: tuple[str, ...]
    context: PositiveInt
    season: PositiveInt
    cycles: tuple[Cycle, ...]
    masked: tuple[str, ...]
    step: str
    clock: Clock = Clock()  # noqa: RUF009 - a frozen value
    left_out: str = ""
