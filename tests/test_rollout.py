from __future__ import annotations

import itertools

import pytest
import torch
from torch import Tensor

from longshort.contracts import Batch, Prediction, State
from longshort.rollout import rollout


class Adder:
    """Answers the sum of all it has read, and writes down how often it was asked."""

    def __init__(self) -> None:
        self.read: list[list[float]] = []

    def start(self, batch: Batch) -> tuple[Prediction, State]:
        return self.step(batch, State({"sum": torch.zeros(batch.rows)}))

    def step(self, batch: Batch, state: State) -> tuple[Prediction, State]:
        total = state.tensor("sum") + batch.inputs["numbers"].sum(1)
        self.read.append(batch.inputs["numbers"].flatten().tolist())
        return Prediction(total), State({"sum": total})


def numbers(values: Tensor) -> Batch:
    return Batch({"numbers": values}, torch.ones(len(values), dtype=torch.int64))


PROMPT = numbers(torch.tensor([[1.0, 2.0], [5.0, 0.0]]))


def choose(prediction: Prediction, step: int) -> Tensor:
    return prediction.point + 100 * step


def feed(choice: Tensor, step: int) -> Batch:
    return numbers(choice.unsqueeze(1) + 1000 * (step + 1))


def test_each_choice_is_made_fed_back_and_read() -> None:
    """Sums and choices of the first row written out by hand."""
    adder = Adder()
    steps = list(rollout(adder, PROMPT, 3, choose, feed))
    assert [choice[0].item() for choice, _, _ in steps] == [3, 1006 + 100, 1006 + 3106 + 200]
    assert [prediction.point[0].item() for _, prediction, _ in steps] == [3, 1006, 4112]
    assert [state.tensor("sum")[0].item() for _, _, state in steps] == [3, 1006, 4112]
    assert [row[0] for row in adder.read] == [1, 1003, 3106]


def test_nothing_is_read_before_it_is_asked_for() -> None:
    adder = Adder()
    loop = rollout(adder, PROMPT, 1000, choose, feed)
    assert adder.read == []
    list(itertools.islice(loop, 4))
    assert len(adder.read) == 4


@pytest.mark.parametrize("steps", [0, 1, 5])
def test_as_many_steps_as_asked_for(steps: int) -> None:
    adder = Adder()
    assert len(list(rollout(adder, PROMPT, steps, choose, feed))) == steps
    assert len(adder.read) == steps
