"""The page of spoken digits is made of its record; recipes are chosen without who is held out."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))

from transcribed import base, digits


@pytest.fixture
def record() -> dict[str, Any]:
    """Two recipes a method: the second is better for george, the first for everybody else."""
    speakers = [name for pair in digits.PAIRS for name in pair]
    inner = {
        row: {
            recipe: {name: 0.9 if (name == "george") == (at == 1) else 0.8 for name in speakers}
            for at, recipe in enumerate(list(digits.RECIPES[row])[:2])
        }
        for row in (digits.LSTM, digits.HMM)
    }
    test = {
        row: {
            name: {"right": [[True] * good + [False] * (20 - good)], "seconds": 3.0}
            for name in ("official", *speakers)
        }
        for row, good in ((digits.LSTM, 19), (digits.HMM, 18))
    }
    return {"inner": inner, "test": test}


def test_a_recipe_is_chosen_by_the_other_of_a_pair(record: dict[str, Any]) -> None:
    first, second = list(digits.RECIPES[digits.LSTM])[:2]
    chosen = digits.choice(digits.LSTM, record)
    # jackson is held out: george, left out with him, tells which recipe is taken
    assert chosen["jackson"] == second
    assert {chosen[name] for name in chosen if name != "jackson"} == {first}


def test_the_page_tells_goals_scores_and_the_claim(record: dict[str, Any]) -> None:
    page = base.page({"digits": record, "other": {}}, {"digits": digits.SET})
    assert "| Spoken digits: accuracy, official split | 95.0 % | at least 98.5 % | **no** |" in page
    assert "mean of six) | 95.0 % | at least 87.0 % (aim 92.0 %) | aim |" in page
    assert "6 errors where the HMM makes 12: 50 % fewer [" in page
    assert base.page({"digits": {}}, {"digits": digits.SET}) == base.TEXT.rstrip() + "\n"


def test_fewer_errors_have_an_interval() -> None:
    random = np.random.default_rng(1)
    theirs = random.random(3000) < 0.2
    ours = theirs & (random.random(3000) < 0.6)
    share, low, high = digits.fewer(ours, theirs)
    assert low < 0.4 < high
    assert low < share < high
    assert high - low < 0.12


def test_every_recipe_can_be_made() -> None:
    for recipe in digits.RECIPES[digits.LSTM]:
        assert digits.make(recipe).get_params(deep=False)["partition"].valid == 0
