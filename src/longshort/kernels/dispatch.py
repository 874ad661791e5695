"""Which engine runs a recurrence. There is one so far: the reference."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from longshort.kernels import reference
from longshort.kernels.reference import Weights


class Engine(NamedTuple):
    """The engine that runs a recurrence, and in plain words why that one."""

    name: str
    reason: str


def engine(device: torch.device | str = "cpu", dtype: torch.dtype = torch.float32) -> Engine:
    """Say which engine ``lstm`` uses for tensors of that dtype on that device, and why."""
    return Engine(
        "reference",
        f"the plain loop in torch: no fused engine exists yet, for {torch.device(device)} tensors "
        f"of {str(dtype).removeprefix('torch.')} or any others",
    )


def lstm(
    x: Tensor,
    state: tuple[Tensor, Tensor],
    weights: Weights,
    *,
    lengths: Tensor | None = None,
    reverse: bool = False,
) -> tuple[Tensor, tuple[Tensor, Tensor]]:
    """Run one LSTM layer in one direction; ``reference.lstm`` defines arguments and results."""
    steps = reference.lstm(x, state, weights, lengths=lengths, reverse=reverse)
    return steps.out, (steps.state[0], steps.state[1])
