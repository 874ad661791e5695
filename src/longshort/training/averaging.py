"""The mean of the weights of many steps, kept beside them where the optimiser keeps its own.

Averaged stochastic gradient descent (Polyak and Juditsky 1992), begun when the validation loss has
stopped improving (NT-ASGD, Merity, Keskar and Socher 2018): the steps go on as they were, and what
is judged and kept in the end is the mean

    a_n = a_{n-1} + (w_n - a_{n-1}) / n,   w_n the weights after the n-th step since then
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, optim

# what the mean is called among what an optimiser remembers of a parameter
_NAME = "average"


@torch.no_grad()
def take(optimizer: optim.Optimizer, number: int) -> None:
    """Take the weights after step ``number`` (from 1) into the mean."""
    for parameter in _learning(optimizer):
        memory = optimizer.state[parameter]
        if number == 1 or _NAME not in memory:
            memory[_NAME] = parameter.detach().clone()
        else:
            memory[_NAME] += (parameter - memory[_NAME]) / number


@contextmanager
def means(optimizer: optim.Optimizer) -> Iterator[None]:
    """Each weight as its mean, where there is one, and afterwards as it was."""
    before: list[tuple[Tensor, Tensor]] = []
    try:
        with torch.no_grad():
            for parameter in _learning(optimizer):
                if _NAME in optimizer.state[parameter]:
                    before.append((parameter, parameter.detach().clone()))
                    parameter.copy_(optimizer.state[parameter][_NAME])
        yield
    finally:
        with torch.no_grad():
            for parameter, own in before:
                parameter.copy_(own)


def _learning(optimizer: optim.Optimizer) -> Iterator[Tensor]:
    """The parameters of which the optimiser has made a step: of others it must remember nothing."""
    for group in optimizer.param_groups:
        yield from (own for own in group["params"] if optimizer.state.get(own))
