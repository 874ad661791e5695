"""The plain recurrent network: Elman (1990, Cognitive Science 14(2)).

One step, from h to h'; in(s) = clip(LN(s), gate_clip) with LN only where ``norm_gain`` is given:

    n  = tanh(in(W_ih x + b_ih + W_hh (mask_h * h) + b_hh)),  or relu(.)
    h* = n                                                          hidden state, the output

and zoneout, in ``unroll``, makes h' of h*. The only gate block, and the only recorded gate, is n.
It is no candidate that a gate could refuse, so there is no mask_g.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar, Literal, Unpack

import torch
from torch import Tensor

from longshort.kernels.reference.gates import as_text, check_bounds, into
from longshort.kernels.reference.tensors import Reading, State, Steps, Weights
from longshort.kernels.reference.unroll import Cell, summed_bias, unroll


@dataclass(frozen=True)
class RNNOptions:
    """Which plain recurrent network; the equations are on this file's page.

    Raises:
        ValueError: the nonlinearity is unknown or the bound is not above 0.
    """

    nonlinearity: Literal["tanh", "relu"] = "tanh"
    gate_clip: float | None = None

    # itself as text, for graphs: see kernels.operators
    text: str = field(init=False, repr=False, compare=False)

    cell: ClassVar[str] = "rnn"
    parts: ClassVar[tuple[str, ...]] = ("h",)
    recorded: ClassVar[tuple[str, ...]] = ("n",)
    gates: ClassVar[tuple[str, ...]] = ("n",)

    def __post_init__(self) -> None:
        if self.nonlinearity not in ("tanh", "relu"):
            raise ValueError(f"nonlinearity should be tanh or relu, got: {self.nonlinearity!r}")
        check_bounds(gate_clip=self.gate_clip)
        object.__setattr__(self, "text", as_text(self))


PLAIN = RNNOptions()


def rnn(
    x: Tensor,
    state: State,
    weights: Weights,
    options: RNNOptions = PLAIN,
    **reading: Unpack[Reading],
) -> Steps:
    """Run one layer in one direction over x (B, T, F), from state (h (B, H),).

    Raises:
        ValueError: there is a mask for the candidate, which this cell has not.
    """
    masks = reading.get("masks")
    if masks is not None and masks.g is not None:
        raise ValueError("an RNN has no candidate to drop: use masks.h, on the hidden state")
    return unroll(
        bind(weights, options),
        options.recorded,
        x,
        weights.w_ih,
        summed_bias(weights),
        state,
        reading,
    )


def bind(weights: Weights, options: RNNOptions) -> Cell:
    """The cell's step as a function of its input's share, the hidden state read and the state."""
    w_hh = weights.w_hh.t()
    ready = into(weights, options.gates, options.gate_clip)
    activate = torch.tanh if options.nonlinearity == "tanh" else torch.relu

    def step(
        projected: Tensor, read: Tensor, state: State, dropped: Tensor | None
    ) -> tuple[State, tuple[Tensor, ...]]:
        n = activate(ready("n", torch.addmm(projected, read, w_hh)))
        return (n,), (n,)

    return step
