from __future__ import annotations

import doctest
import math

import pytest

from longshort.report import numerals


def test_examples_in_the_docstrings() -> None:
    assert doctest.testmod(numerals).failed == 0


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0"),
        (9.996, "10.0"),
        (99.96, "100"),
        (999.6, "1,000"),
        (-1.6, "-1.60"),
        (math.nan, "–"),
        (math.inf, "–"),
        (12345678.0, "1.23e+07"),
    ],
)
def test_number(value: float, text: str) -> None:
    shown = numerals.number(value)
    assert shown == text
    if math.isfinite(value):
        assert float(shown.replace(",", "")) == pytest.approx(value, rel=5e-3)


@pytest.mark.parametrize("size", [10.0**k for k in range(-12, 13)])
def test_number_keeps_three_digits(size: float) -> None:
    for factor in (1.0, 1.2345, 9.8765):
        shown = float(numerals.number(size * factor).replace(",", ""))
        assert shown == pytest.approx(size * factor, rel=5.1e-3)


def test_column_lines_up_unless_the_values_are_far_apart() -> None:
    assert numerals.column([2.412, 10.62]) == ["2.41", "10.62"]
    assert numerals.column([0.01234, 512.3]) == ["0.0123", "512"]
    assert numerals.column([0.0, 3.21, math.nan]) == ["0.00", "3.21", "–"]
    assert numerals.column([]) == []


def test_gain_never_shows_a_negative_zero() -> None:
    assert numerals.gain(-0.0001, -0.0002, 0.3) == "+0.0 % [+0.0, +30.0]"
    assert numerals.gain(None, 0.1, 0.2) == "–"
    assert numerals.gain(0.1, math.nan, 0.2) == "+10.0 %"
