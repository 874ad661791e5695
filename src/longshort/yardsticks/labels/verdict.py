"""Whether our method earned its keep beside its yardsticks, in plain words.

For labels of any kind: what is compared is one score, a share or a loss.
"""

from __future__ import annotations

from typing import NamedTuple

from longshort.records import Difference, Measured
from longshort.yardsticks.verdict import form


class Told(NamedTuple):
    """How a score is spoken of: its words, which way is better, and whether it is a share.

    A share is told in points of hundred, with ``unit`` behind them.
    """

    words: str
    higher: bool = True
    share: bool = True
    unit: str = " %"


class LabelRival(NamedTuple):
    """A method beside ours: its score, and ours minus it."""

    name: str
    score: Measured
    difference: Difference


def label_verdict(
    told: Told,
    ours: Measured,
    naive: LabelRival | None,
    classical: LabelRival | None,
    items: int,
    name: str = "LSTM",
    called: str = "items",
) -> str:
    """Whether the LSTM earned its keep, in words.

    It did where the interval of its difference from the best rule lies on the better side of 0 and
    that from the best other method does not lie on the worse side.

    Args:
        told: how the score is spoken of.
        ours: our score.
        naive, classical: the rivals chosen on the validation part, where there are any.
        items: of the test part.
        name: what our method is called.
        called: what the items are.
    """
    rivals = [
        (f"{what} ({rival.name}, {_shown(told, rival.score)})", rival.difference)
        for what, rival in (("best rule", naive), ("best other method", classical))
        if rival is not None
    ]
    own = f"its {told.words}, {_shown(told, ours, True)},"
    if not rivals:
        return f"The {name} stands beside no yardstick: {own[:-1]} on {items:,} {called}."
    if any(difference.low is None for _, difference in rivals):
        beside = " and the ".join(what for what, _ in rivals)
        return (
            f"{items:,} test {called} are too few to tell whether the {name} earned its keep: "
            f"{own} stands beside the {beside}."
        )
    signs = [_sign(told, difference) for _, difference in rivals]
    ahead = naive is None or signs[0] > 0
    earned = "earned" if ahead and (classical is None or signs[-1] >= 0) else "did not earn"
    stands = " and ".join(_stands(told, what, difference) for what, difference in rivals)
    return f"The {name} {earned} its keep: {own} {stands}."


def _stands(told: Told, what: str, difference: Difference) -> str:
    """Where ours stands beside one rival."""
    values = [difference.change or 0.0, difference.low or 0.0, difference.high or 0.0]
    unit = " points" if told.share else ""
    if not _sign(told, difference):
        change, low, high = (_number(told, value, "+") for value in values)
        return f"cannot be told apart from the {what}: {change}{unit} [{low}, {high}]"
    near, far = sorted(abs(value) for value in values[1:])
    change, low, high = (_number(told, value) for value in (abs(values[0]), near, far))
    side = "above" if values[0] > 0 else "below"
    return f"is {change}{unit} [{low}, {high}] {side} the {what}"


def _sign(told: Told, difference: Difference) -> int:
    """1 where ours is better beyond chance, -1 where the other is, 0 where neither is."""
    low, high = difference.low or 0.0, difference.high or 0.0
    found = int(low > 0) - int(high < 0)
    return found if told.higher else -found


def _shown(told: Told, score: Measured, interval: bool = False) -> str:
    if score.value is None:
        return "unknown"
    if not told.share:
        shape = form(score.value)
        text = f"{score.value:{shape}}"
        within = f" [{score.low:{shape}}, {score.high:{shape}}]" if score.low is not None else ""
    else:
        text = f"{100 * score.value:.1f}{told.unit}"
        within = (
            f" [{100 * score.low:.1f}, {100 * score.high:.1f}]"
            if score.low is not None and score.high is not None
            else ""
        )
    return text + within * interval


def _number(told: Told, value: float, sign: str = "") -> str:
    """A difference: in points of percent, or as it is."""
    if told.share:
        return f"{round(100 * value, 1) + 0.0:{sign}.1f}"
    return f"{value:{sign}.4f}"
