"""The page of spoken digits is made of its record; recipes are chosen without who is held out."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))

from transcribed import base, digits


@pytest.fixture
def record() -> dict[str, Any]:
    """Two recipes a method: the second is far better for george, the first for everybody else."""
    speakers = [name for pair in digits.PAIRS for name in pair]
    recipes = {row: list(digits.RECIPES[row])[:2] for row in (digits.LSTM, digits.HMM)}
    inner = {
        row: {
            first: {name: 0.1 if name == "george" else 0.8 for name in speakers},
            second: {name: 0.9 if name == "george" else 0.7 for name in speakers},
        }
        for row, (first, second) in recipes.items()
    }
    known = {row: {first: 0.9, second: 0.95} for row, (first, second) in recipes.items()}
    test = {
        row: {
            name: {"right": [[True] * good + [False] * (20 - good)], "seconds": 3.0}
            for name in ("official", *speakers)
        }
        for row, good in ((digits.LSTM, 19), (digits.HMM, 18))
    }
    return {"inner": inner, "known": known, "test": test}


def test_a_recipe_is_chosen_without_who_is_held_out(record: dict[str, Any]) -> None:
    first, second = list(digits.RECIPES[digits.LSTM])[:2]
    chosen = digits.choice(digits.LSTM, record)
    # george's own scores, which alone speak against the first recipe, do not choose for him
    assert chosen["george"] == first
    assert {chosen[name] for name in chosen if name != "george"} == {second}


def test_the_page_tells_goals_scores_and_the_claim(record: dict[str, Any]) -> None:
    page = base.page({"digits": record, "other": {}}, {"digits": digits.SET})
    assert "| Spoken digits: accuracy, official split | 95.0 % | at least 98.5 % | **no** |" in page
    assert "mean of six) | 95.0 % | at least 87.0 % (aim 92.0 %) | aim |" in page
    assert "errors of the LSTM 6, of the HMM 12: 50 % fewer [50, 50], drawing speakers." in page
    assert base.page({"digits": {}}, {"digits": digits.SET}) == base.TEXT.rstrip() + "\n"


def test_fewer_errors_have_an_interval() -> None:
    random = np.random.default_rng(1)
    theirs = random.random(3000) < 0.2
    ours = theirs & (random.random(3000) < 0.6)
    told = base.fewer(np.array([ours, theirs]))
    share, low, high = map(int, re.findall(r"(-?[0-9]+)(?= %|,|\])", told)[-3:])
    assert low < 40 < high
    assert low < share < high
    assert high - low < 12


def test_every_recipe_can_be_made() -> None:
    for recipe in digits.RECIPES[digits.LSTM]:
        assert digits.make(recipe).get_params(deep=False)["partition"].valid == 0
