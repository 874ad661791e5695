from __future__ import annotations

import pytest

from longshort.yardsticks.verdict import Rival, verdict

NAIVE = Rival("persistence", 2.0, (0.12, 0.235))
RIDGE = "ridge autoregression"


@pytest.mark.parametrize(
    ("naive", "classical", "text"),
    [
        (
            NAIVE,
            Rival(RIDGE, 1.7, (0.002, 0.06)),
            "temp: the LSTM earned its keep: its mean absolute error is 18.0 % [12.0, 23.5] below "
            "the best naive rule (persistence) and 3.5 % [0.2, 6.0] below the best classical "
            "method (ridge autoregression).",
        ),
        (
            NAIVE,
            None,
            "temp: the LSTM earned its keep: its mean absolute error is 18.0 % [12.0, 23.5] below "
            "the best naive rule (persistence).",
        ),
        (
            NAIVE,
            Rival(RIDGE, 1.6, (-0.06, 0.01)),
            "temp: the LSTM earned its keep: its mean absolute error is 18.0 % [12.0, 23.5] below "
            "the best naive rule (persistence). It cannot be told apart from the best classical "
            "method (ridge autoregression): its mean absolute error is 1.64 degC against "
            "1.60 degC (+2.5 % [-1.0, +6.0]).",
        ),
        (
            NAIVE,
            Rival(RIDGE, 1.5, (-0.15, -0.05)),
            "temp: the LSTM did not earn its keep: its mean absolute error is 18.0 % [12.0, 23.5] "
            "below the best naive rule (persistence), but the best classical method (ridge "
            "autoregression) is better: its mean absolute error is 1.64 degC against 1.50 degC "
            "(+9.3 % [+5.0, +15.0]).",
        ),
        (
            Rival("persistence", 1.7, (-0.02, 0.09)),
            Rival(RIDGE, 1.6, (-0.06, 0.01)),
            "temp: the LSTM did not earn its keep: it cannot be told apart from the best naive "
            "rule (persistence): its mean absolute error is 1.64 degC against 1.70 degC (-3.5 % "
            "[-9.0, +2.0]).",
        ),
        (
            Rival("persistence", 1.7, (-0.02, 0.09)),
            Rival(RIDGE, 1.5, (-0.15, -0.05)),
            "temp: the LSTM did not earn its keep: it cannot be told apart from the best naive "
            "rule (persistence): its mean absolute error is 1.64 degC against 1.70 degC (-3.5 % "
            "[-9.0, +2.0]). The best classical method (ridge autoregression) is better: its mean "
            "absolute error is 1.64 degC against 1.50 degC (+9.3 % [+5.0, +15.0]).",
        ),
        (
            Rival("drift", 1.5, (-0.15, -0.05)),
            None,
            "temp: the LSTM did not earn its keep: the best naive rule (drift) is better: its mean "
            "absolute error is 1.64 degC against 1.50 degC (+9.3 % [+5.0, +15.0]).",
        ),
        (
            Rival("drift", 0.0, None),
            Rival(RIDGE, 1.5, (-0.15, -0.05)),
            "temp: the LSTM did not earn its keep: the best naive rule (drift) makes no error at "
            "all.",
        ),
        (
            Rival("drift", 2.0, None),
            Rival(RIDGE, 1.5, None),
            "temp: 9 test forecasts are too few to tell whether the LSTM earned its keep beside "
            "the best naive rule (drift): its mean absolute error is 1.64 degC against 2.00 degC "
            "(-18.0 %).",
        ),
        (
            NAIVE,
            Rival(RIDGE, 0.0, None),
            "temp: the LSTM did not earn its keep: its mean absolute error is 18.0 % [12.0, 23.5] "
            "below the best naive rule (persistence), but the best classical method (ridge "
            "autoregression) is better: its mean absolute error is 1.64 degC against 0.00 degC.",
        ),
    ],
)
def test_verdict(naive, classical, text):
    assert verdict("temp", "degC", 1.64, naive, classical, 9) == text


def test_verdict_writes_numbers_as_people_do():
    text = verdict("load", "", 12345.6, Rival("drift", 12345.6, (-0.01, 0.01)), None, 99)
    assert "12346 against 12346 (+0.0 % [-1.0, +1.0])" in text
