"""Whether the LSTM earned its keep beside its yardsticks, in plain words."""

from __future__ import annotations

import math
from typing import NamedTuple

from longshort.metrics.bootstrap import skill


class Rival(NamedTuple):
    """A method beside the LSTM: its MAE, and the 95 % interval of the LSTM's skill over it."""

    name: str
    mae: float
    interval: tuple[float, float] | None


def verdict(
    target: str,
    unit: str,
    mae: float,
    naive: Rival,
    classical: Rival | None,
    origins: int,
    ours: str = "LSTM",
) -> str:
    """Whether the LSTM earned its keep on one target, in words.

    It did where the interval of its skill over the best naive rule lies above 0 and that over the
    best classical method does not lie below 0.

    Args:
        target, unit: the column and the unit of its values ("" if unknown).
        mae: of the LSTM.
        naive, classical: the rivals chosen on the validation part.
        origins: forecasts of each method.
        ours: what the LSTM is called, "GRU" where it is one.
    """
    subject = f"{target}: the {ours}"
    rule = f"the best naive rule ({naive.name})"
    if naive.mae <= 0:
        return f"{subject} did not earn its keep: {rule} makes no error at all."
    if naive.interval is None:
        return (
            f"{target}: {origins} test forecasts are too few to tell whether the {ours} earned its "
            f"keep beside {rule}: {_difference(mae, naive, unit)}."
        )
    other = "" if classical is None else f"the best classical method ({classical.name})"
    beaten = ""
    if classical is not None and _sign(classical) < 0:
        beaten = f"{other} is better: {_difference(mae, classical, unit)}."
    aside = f" T{beaten[1:]}" if beaten else ""
    if _sign(naive) < 0:
        return (
            f"{subject} did not earn its keep: {rule} is better: "
            f"{_difference(mae, naive, unit)}.{aside}"
        )
    if _sign(naive) == 0:
        return (
            f"{subject} did not earn its keep: it cannot be told apart from {rule}: "
            f"{_difference(mae, naive, unit)}.{aside}"
        )
    gain = f"its mean absolute error is {_gain(mae, naive)} below {rule}"
    if classical is None:
        return f"{subject} earned its keep: {gain}."
    if beaten:
        return f"{subject} did not earn its keep: {gain}, but {beaten}"
    if _sign(classical) > 0:
        return f"{subject} earned its keep: {gain} and {_gain(mae, classical)} below {other}."
    return (
        f"{subject} earned its keep: {gain}. It cannot be told apart from {other}: "
        f"{_difference(mae, classical, unit)}."
    )


def _sign(rival: Rival) -> int:
    """1 where the LSTM is better beyond chance, -1 where the rival is, 0 where neither is."""
    if rival.mae <= 0:
        return -1
    low, high = rival.interval or (0.0, 0.0)
    return int(low > 0) - int(high < 0)


def _gain(mae: float, rival: Rival) -> str:
    low, high = rival.interval or (math.nan, math.nan)
    return f"{100 * skill(mae, rival.mae):.1f} % [{100 * low:.1f}, {100 * high:.1f}]"


def _difference(mae: float, rival: Rival, unit: str) -> str:
    """Both errors, and by how much the LSTM's is above (+) or below (-) the rival's."""
    shape = form(max(mae, rival.mae))
    ours, theirs = (f"{value:{shape}} {unit}".strip() for value in (mae, rival.mae))
    both = f"its mean absolute error is {ours} against {theirs}"
    if rival.mae <= 0:
        return both
    change = f"{_change(skill(mae, rival.mae))} %"
    if rival.interval is None:
        return f"{both} ({change})"
    low, high = rival.interval
    return f"{both} ({change} [{_change(high)}, {_change(low)}])"


def _change(skill: float) -> str:
    """A skill as a signed change of the error in percent; never a negative zero."""
    return f"{round(-100 * skill, 1) + 0.0:+.1f}"


def form(value: float) -> str:
    """How a number of this size is written: three significant digits, whole from 1000 on."""
    if not 1e-4 <= value < 1e6:
        return ".3g"
    return f".{max(2 - math.floor(math.log10(value)), 0)}f"
