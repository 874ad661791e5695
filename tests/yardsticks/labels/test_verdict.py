from __future__ import annotations

import pytest

from longshort.records import Difference, Measured
from longshort.yardsticks.labels.verdict import LabelRival, Told, label_verdict

ACCURACY, LOSS = Told("accuracy"), Told("log-loss", higher=False, share=False)
OURS = Measured(0.781, 0.756, 0.805)


def rival(name: str, value: float, change: float, low: float | None, high: float | None):  # type: ignore[no-untyped-def]
    difference = Difference("accuracy", "LSTM", name, change, low, high)
    return LabelRival(name, Measured(value), difference)


PRIOR = rival("class prior", 0.502, 0.279, 0.24, 0.31)


@pytest.mark.parametrize(
    ("change", "low", "high", "earned", "how"),
    [
        (0.005, -0.014, 0.024, True,
         "and cannot be told apart from the best other method (LR, 77.6 %): "
         "+0.5 points [-1.4, +2.4]."),
        (0.05, 0.02, 0.08, True,
         "and is 5.0 points [2.0, 8.0] above the best other method (LR, 77.6 %)."),
        (-0.05, -0.08, -0.02, False,
         "and is 5.0 points [2.0, 8.0] below the best other method (LR, 77.6 %)."),
    ],
)  # fmt: skip
def test_beside_a_rule_and_a_classical_method(
    change: float, low: float, high: float, earned: bool, how: str
) -> None:
    said = label_verdict(ACCURACY, OURS, PRIOR, rival("LR", 0.776, change, low, high), 1067)
    start = "The LSTM earned its keep" if earned else "The LSTM did not earn its keep"
    assert said.startswith(
        f"{start}: its accuracy, 78.1 % [75.6, 80.5], is 27.9 points [24.0, 31.0] above the best "
        "rule (class prior, 50.2 %) "
    )
    assert said.endswith(how)


def test_a_rule_that_cannot_be_told_apart_is_enough_to_fail() -> None:
    said = label_verdict(ACCURACY, OURS, rival("class prior", 0.77, 0.011, -0.01, 0.03), None, 90)
    assert said.startswith("The LSTM did not earn its keep")
    assert said.endswith("the best rule (class prior, 77.0 %): +1.1 points [-1.0, +3.0].")


def test_of_a_loss_less_is_better() -> None:
    better = rival("class prior", 0.69, -0.19, -0.22, -0.16)
    said = label_verdict(LOSS, Measured(0.5, 0.45, 0.55), better, None, 90, "GRU")
    assert said == (
        "The GRU earned its keep: its log-loss, 0.500 [0.450, 0.550], is 0.1900 [0.1600, 0.2200] "
        "below the best rule (class prior, 0.690)."
    )


def test_too_few_items_and_no_yardstick() -> None:
    few = rival("class prior", 0.5, 0.2, None, None)
    said = label_verdict(ACCURACY, Measured(0.7), few, None, 6)
    assert said.startswith("6 test items are too few to tell whether the LSTM earned its keep")
    alone = label_verdict(ACCURACY, OURS, None, None, 1067)
    assert alone == (
        "The LSTM stands beside no yardstick: its accuracy, 78.1 % [75.6, 80.5] on 1,067 items."
    )
