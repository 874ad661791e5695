"""All yardsticks for anomalies, and what is left out because it cannot serve."""

from __future__ import annotations

from typing import Literal, NamedTuple, get_args

from longshort.data.sequences import Sequences
from longshort.errors import ArgumentError, suggest
from longshort.yardsticks.anomalies.base import AnomalyYardstick
from longshort.yardsticks.anomalies.rules import (
    Random,
    RollingZ,
    SeasonalResidual,
    WindowedGaussian,
)
from longshort.yardsticks.anomalies.windows import OnWindows

# all; the rules alone; none
Choice = Literal["all", "quick", "none"]

_RULES: tuple[AnomalyYardstick, ...] = (
    Random(),
    RollingZ(),
    WindowedGaussian(),
    SeasonalResidual(),
)
_MODELS: tuple[AnomalyYardstick, ...] = (OnWindows("PCA"), OnWindows("isolation forest"))


class Called(NamedTuple):
    """The yardsticks that are fitted, and a sentence on each that is not."""

    yardsticks: list[AnomalyYardstick]
    left_out: tuple[str, ...]


def roster(train: Sequences, choice: Choice = "all") -> Called:
    """Who is asked; nobody where there is no training row.

    Raises:
        ArgumentError: the choice is unknown.
    """
    if choice not in get_args(Choice):
        raise ArgumentError(f"yardsticks={choice!r}: {suggest(choice, get_args(Choice))}")
    if choice == "none" or not len(train.values):
        return Called([], ())
    asked = [*_RULES, *(_MODELS if choice == "all" else ())]
    why = {each.name: each.refuses(train) for each in asked}
    left_out = tuple(f"{name} was left out: {told}." for name, told in why.items() if told)
    return Called([each for each in asked if not why[each.name]], left_out)
