"""Where a training run stands, whole: what it goes on from after an error, a kill or a new start.

All that is random is a function of (seed, epoch, position), so beside weights and optimiser a few
numbers are enough to go on bit by bit.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from torch import Tensor, nn, optim

from longshort.contracts import State
from longshort.records import Event

Tensors = dict[str, Tensor]


@dataclass(frozen=True)
class Course:
    """How far a run has come, in numbers; before the batch at ``position`` of ``epoch`` is read.

    ``total`` (loss), ``count`` (scored elements), ``norms`` (of gradients) and ``seconds`` are sums
    over the batches of this epoch. ``best`` is the least validation loss, ``since`` the epochs
    after it. ``share`` is what is left of the rate after ``retries``, ``rows`` the most rows that
    memory takes at once, ``events`` what happened in this epoch. ``averaged`` counts the steps
    whose weights are averaged, None where none are to be.
    """

    epoch: int = 0
    position: int = 0
    total: float = 0.0
    count: int = 0
    norms: float = 0.0
    seconds: float = 0.0
    best: float | None = None
    since: int = 0
    share: float = 1.0
    retries: int = 0
    rows: int | None = None
    events: tuple[Event, ...] = ()
    averaged: int | None = None


class Snapshot(NamedTuple):
    """A run at one moment: tensors by name, each a copy.

    ``state`` is what the next batch continues from (flattened; empty if nothing), ``best`` the
    weights of the best epoch, ``good`` what to go back to when numbers go wrong (None: to here).
    """

    course: Course
    weights: Tensors
    optimizer: Tensors
    state: Tensors
    best: Tensors
    good: Snapshot | None = None


def weights_of(model: nn.Module) -> Tensors:
    """A copy of every weight and buffer, in the main memory."""
    return {name: _copy(tensor) for name, tensor in model.state_dict().items()}


def memory_of(optimizer: optim.Optimizer) -> Tensors:
    """A copy of what an optimiser remembers, by "number of the parameter.name"."""
    return {
        f"{number}.{name}": _copy(value)
        for number, parameter in enumerate(_parameters(optimizer))
        for name, value in optimizer.state.get(parameter, {}).items()
        if isinstance(value, Tensor)
    }


def remember(optimizer: optim.Optimizer, memory: Mapping[str, Tensor]) -> None:
    """Put back what ``memory_of`` gave.

    Raises:
        ValueError: it does not fit the optimiser's parameters.
    """
    parameters = _parameters(optimizer)
    optimizer.state.clear()
    for key, value in memory.items():
        number, _, name = key.partition(".")
        if not number.isdecimal() or int(number) >= len(parameters):
            raise ValueError(f"the optimiser has {len(parameters)} parameters, none of them {key}")
        parameter = parameters[int(number)]
        # counted on the CPU, whatever the device
        device = value.device if name == "step" else parameter.device
        if name != "step" and value.shape != parameter.shape:
            raise ValueError(f"optimiser {key}: {list(value.shape)}, not {list(parameter.shape)}")
        optimizer.state[parameter][name] = value.clone().to(device)


def state_of(flat: Mapping[str, Tensor]) -> State | None:
    """A carried state from its parts; None where nothing is carried."""
    return State.unflatten(flat) if flat else None


def _copy(tensor: Tensor) -> Tensor:
    return tensor.detach().to("cpu", copy=True)


def _parameters(optimizer: optim.Optimizer) -> list[Tensor]:
    return [parameter for group in optimizer.param_groups for parameter in group["params"]]
