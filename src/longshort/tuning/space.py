"""What a search may choose from: for each setting by its name some values, or a range."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from longshort.errors import ArgumentError, suggest
from longshort.tasks.base import Estimator
from longshort.tasks.ensemble import Parts

Value = str | int | float | bool


@dataclass(frozen=True)
class Choice:
    """One of some values.

    Raises:
        ArgumentError: there is none.
    """

    values: tuple[Value, ...]

    def __post_init__(self) -> None:
        object.__setattr__(self, "values", tuple(self.values))
        if not self.values:
            raise ArgumentError("Choice(()): give at least one value")

    def holding(self, value: Value) -> Choice:
        """With this value among them."""
        return self if self.holds(value) else Choice((value, *self.values))

    def holds(self, value: Value) -> bool:
        """Whether it can be chosen."""
        return value in self.values


@dataclass(frozen=True)
class Range:
    """A number from ``low`` to ``high``; on a ``log`` scale where its size is what matters.

    Raises:
        ArgumentError: the ends are not finite or in the wrong order, or not above 0 with ``log``.
    """

    low: float
    high: float
    log: bool = False

    def __post_init__(self) -> None:
        ends = (self.low, self.high)
        if (
            not all(map(math.isfinite, ends))
            or self.low >= self.high
            or (self.log and min(ends) <= 0)
        ):
            raise ArgumentError(f"{self}: low must be below high, and above 0 with log=True")

    def holding(self, value: float) -> Range:
        """Wide enough for this value."""
        if self.log and value <= 0:
            return self
        return replace(self, low=min(self.low, value), high=max(self.high, value))

    def holds(self, value: float) -> bool:
        """Whether it can be chosen."""
        return self.low <= value <= self.high


# by the names that ``set_params`` takes
Space = Mapping[str, Choice | Range]

_NETWORK: Space = {
    "recurrent__size": Choice((16, 32, 64, 128)),
    "recurrent__depth": Choice((1, 2)),
    "recurrent__dropout": Range(0.0, 0.6),
    "training__rate": Range(3e-4, 3e-2, log=True),
    "training__batch": Choice((16, 32, 64, 128)),
    "training__weight_decay": Range(1e-3, 1.0, log=True),
}


def usual_space(estimator: Estimator, parts: Parts) -> dict[str, Choice | Range]:
    """The network's size, depth and dropout, the steps of its training, and what it reads.

    Contexts are half, all and twice of the usual one, and a season, as far as every series that
    is learnt from has enough rows: the windows that are scored stay the same.

    Args:
        estimator: after it has read the data.
        parts: what it read.
    """
    space = dict(_NETWORK)
    encoding = getattr(estimator, "encoding_", None)
    if encoding is None:
        return space
    usual, season = encoding.context, encoding.season
    longest = _longest(parts, usual)
    contexts = {usual, *(rows for rows in (usual // 2, 2 * usual, season) if 1 < rows <= longest)}
    space["window__context"] = Choice(tuple(sorted(contexts)))
    space["window__relative"] = Choice(("last", "none", *(("season",) if season > 1 else ())))
    return space


def _longest(parts: Parts, usual: int) -> int:
    """The longest context with which no window of the validation part is lost.

    Half of what comes before a series' first validation window is left to learn from.
    """
    assert parts.valid is not None
    examples: Any = parts.valid
    first = examples.first[examples.last > examples.first]
    room = int(first.min()) - examples.horizon if len(first) else 0
    return max(usual, room // 2)


def value_of(estimator: Estimator, name: str) -> Any:
    """A setting of an estimator.

    Raises:
        ArgumentError: there is none of that name.
    """
    known = estimator.get_params(deep=True)
    if name not in known:
        kind = type(estimator).__name__
        raise ArgumentError(f"{kind} has no setting {name!r}: {suggest(name, known)}")
    return known[name]
