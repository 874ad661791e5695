from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))

from labelled.base import Figure, Goal, Set, parted
from labelled.page import page

from longshort.data.corpus import Corpus


def read(split: int) -> Corpus:
    return Corpus(
        "toy", texts=("a", "b", "c"), labels=(("x",), ("y",), ("x",)),
        parts=("train", "valid", "test"),
    )  # fmt: skip


def toy(splits: int = 1) -> Set:
    return Set(
        "toy", "Toy", "Three letters.", read, lambda row, seed: None, "accuracy",
        ("accuracy", "log_loss"), goals=(Goal("accuracy", 0.8, 0.9),),
        literature=(Figure("Lexicon", "accuracy", 0.7, "Someone 2001"),), splits=splits,
    )  # fmt: skip


def record(*accuracies: float, splits: int = 1) -> dict[str, Any]:
    def measured(value: float) -> dict[str, Any]:
        return {"value": value, "low": value - 0.1, "high": value + 0.1}

    one = {
        "networks": {
            "LSTM": [
                {"scores": {"accuracy": each, "log_loss": 0.5}, "valid": 0.9, "parameters": 1234,
                 "seconds": 3.0, "epochs": 2}
                for each in accuracies
            ]
        },
        "methods": {
            "class prior": {
                "kind": "naive", "valid": 0.5, "seconds": 0.01,
                "measures": {"accuracy": measured(0.5), "log_loss": measured(0.7)},
            }
        },
        "verdict": "The LSTM earned its keep.", "notes": ["A note."],
        "data": {"parts": [{"name": "train", "items": 1000}]},
        "environment": {"longshort": "0", "torch": "2", "threads": "1"},
    }  # fmt: skip
    return {"splits": [one] * splits}


@pytest.mark.parametrize(
    ("accuracies", "met"), [((0.7, 0.75), "**no**"), ((0.8, 0.82), "yes"), ((0.95, 0.9), "aim")]
)
def test_goals_are_held_against_the_mean_of_the_seeds(
    accuracies: tuple[float, ...], met: str
) -> None:
    text = page({"toy": record(*accuracies)}, {"toy": toy()})
    mean = 100 * sum(accuracies) / len(accuracies)
    assert f"| Toy: accuracy | {mean:.1f} | 80.0 (aim 90.0) | {met} | class prior, 50.0" in text
    assert f"({100 * min(accuracies):.1f} to {100 * max(accuracies):.1f})" in text
    assert "| class prior | 50.0 [40.0, 60.0] | 0.700 [0.600, 0.800] | 50.0 |" in text
    assert "- Lexicon: accuracy 70.0 (Someone 2001)" in text
    assert "> The LSTM earned its keep." in text
    assert "Items: 1,000 train. A note." in text


def test_splits_are_told_by_their_spread() -> None:
    text = page({"toy": record(0.8, 0.9, splits=2)}, {"toy": toy(2)})
    assert "± 0.0" in text
    assert "> One split of several:" in text


def test_parts_by_name() -> None:
    parts = parted(read(0))
    assert {name: each.texts for name, each in parts.items()} == {
        "train": ("a",), "valid": ("b",), "test": ("c",)
    }  # fmt: skip
