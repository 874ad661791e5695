"""The GRU: Cho et al. (2014, arXiv 1406.1078), with the reset gate before or after the product.

One step, from h to h'; sigma is the logistic function, * elementwise, q = mask_h * h, and
in_k(s) = clip(LN_k(s), gate_clip) with LN_k only where ``norm_gain`` is given (see gates):

    r  = sigma(in_r(W_ir x + b_ir + W_hr q + b_hr))                reset gate
    z  = sigma(in_z(W_iz x + b_iz + W_hz q + b_hz))                update gate: the share that stays
    n  = tanh (in_n(W_in x + b_in + r * (W_hn q + b_hn)))          candidate, ``reset_after``
    n  = tanh (in_n(W_in x + b_in + W_hn (r * q) + b_hn))          candidate, not ``reset_after``
    h* = (1 - z) * (mask_g * n) + z * h                            hidden state, the output

and zoneout, in ``unroll``, makes h' of h*. ``reset_after`` is what torch, cuDNN, Keras 3 and ONNX
with linear_before_reset=1 compute; the other is the paper's, and ONNX's default. z is the share of
the old state that stays, as in torch and ONNX and in Keras; in the paper of Chung et al. (2014) it
is the other way round.

Gate blocks are stacked, and gates recorded, in the order r, z, n; n is given before its mask.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar, Unpack

import torch
from torch import Tensor
from torch.nn import functional

from longshort.kernels.reference.gates import as_text, check_bounds, into
from longshort.kernels.reference.tensors import Reading, State, Steps, Weights
from longshort.kernels.reference.unroll import Cell, summed_bias, unroll


@dataclass(frozen=True)
class GRUOptions:
    """Which GRU; the equations are on this file's page.

    Raises:
        ValueError: the bound is not above 0.
    """

    reset_after: bool = True
    gate_clip: float | None = None

    # itself as text, for graphs: see kernels.operators
    text: str = field(init=False, repr=False, compare=False)

    cell: ClassVar[str] = "gru"
    parts: ClassVar[tuple[str, ...]] = ("h",)
    recorded: ClassVar[tuple[str, ...]] = ("r", "z", "n")
    gates: ClassVar[tuple[str, ...]] = ("r", "z", "n")

    def __post_init__(self) -> None:
        check_bounds(gate_clip=self.gate_clip)
        object.__setattr__(self, "text", as_text(self))


PLAIN = GRUOptions()


def gru(
    x: Tensor,
    state: State,
    weights: Weights,
    options: GRUOptions = PLAIN,
    **reading: Unpack[Reading],
) -> Steps:
    """Run one layer in one direction over x (B, T, F), from state (h (B, H),)."""
    bias = weights.b_ih if options.reset_after else summed_bias(weights)
    return unroll(bind(weights, options), options.recorded, x, weights.w_ih, bias, state, reading)


def bind(weights: Weights, options: GRUOptions) -> Cell:
    """The cell's step as a function of its input's share, the hidden state read and the state."""
    units = weights.w_hh.shape[1]
    ready = into(weights, options.gates, options.gate_clip)
    w_hh, w_n = weights.w_hh[: 2 * units].t(), weights.w_hh[2 * units :].t()

    def after(projected: Tensor, read: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        x_r, x_z, x_n = projected.chunk(3, 1)
        h_r, h_z, h_n = functional.linear(read, weights.w_hh, weights.b_hh).chunk(3, 1)
        r = torch.sigmoid(ready("r", x_r + h_r))
        z = torch.sigmoid(ready("z", x_z + h_z))
        return r, z, torch.tanh(ready("n", x_n + r * h_n))

    def before(projected: Tensor, read: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        x_rz, x_n = projected[:, : 2 * units], projected[:, 2 * units :]
        a_r, a_z = torch.addmm(x_rz, read, w_hh).chunk(2, 1)
        r, z = torch.sigmoid(ready("r", a_r)), torch.sigmoid(ready("z", a_z))
        return r, z, torch.tanh(ready("n", torch.addmm(x_n, r * read, w_n)))

    gates = after if options.reset_after else before

    def step(
        projected: Tensor, read: Tensor, state: State, dropped: Tensor | None
    ) -> tuple[State, tuple[Tensor, ...]]:
        r, z, n = gates(projected, read)
        new = n if dropped is None else dropped * n
        return (new + z * (state[0] - new),), (r, z, n)

    return step
