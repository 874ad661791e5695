"""The recurrence as it is defined: a plain loop over time. Every other engine is held to it.

The LSTM of Hochreiter & Schmidhuber (1997, Neural Computation 9(8)) with the forget gate of
Gers, Schmidhuber & Cummins (2000, Neural Computation 12(10)). For t = 1 .. T, row by row:

    i_t = sigmoid(W_ii x_t + b_ii + W_hi h_{t-1} + b_hi)        input gate
    f_t = sigmoid(W_if x_t + b_if + W_hf h_{t-1} + b_hf)        forget gate
    g_t = tanh   (W_ig x_t + b_ig + W_hg h_{t-1} + b_hg)        candidate
    o_t = sigmoid(W_io x_t + b_io + W_ho h_{t-1} + b_ho)        output gate
    c_t = f_t * c_{t-1} + i_t * g_t                             cell state
    h_t = o_t * tanh(c_t)                                       hidden state, the output

The gates are stacked in the order i, f, g, o (torch's): ``w_ih`` is [W_ii; W_if; W_ig; W_io].
Shapes: B rows, T time steps, F features, H units.

Rows may have lengths of their own. From a row's length on, its state is held, its output is zero,
and what stands in ``x`` there (NaN and infinities included) reaches neither a value nor a gradient.

Works for any floating dtype on any device and is twice differentiable.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional


class LSTMWeights(NamedTuple):
    """The weights of one LSTM layer in one direction, gate blocks in the order i, f, g, o.

    ``w_ih`` is (4H, F), ``w_hh`` is (4H, H); ``b_ih`` and ``b_hh`` are (4H,) or None.
    """

    w_ih: Tensor
    w_hh: Tensor
    b_ih: Tensor | None = None
    b_hh: Tensor | None = None


def lstm(
    x: Tensor,
    state: tuple[Tensor, Tensor],
    weights: LSTMWeights,
    *,
    lengths: Tensor | None = None,
    reverse: bool = False,
) -> tuple[Tensor, tuple[Tensor, Tensor]]:
    """Run one layer in one direction over a batch of sequences.

    Args:
        x: (B, T, F). T may be 0: the output is empty and the state is returned as it came.
        state: (h, c), each (B, H): the state before the first step that is read.
        weights: of the same dtype and device as ``x``.
        lengths: (B,) of an integer dtype, each from 0 to T; None means that all rows have T steps.
        reverse: read each row backwards, from its own last valid step to step 0; outputs stay at
            their own positions.

    Returns:
        out (B, T, H), zero from a row's length on, and (h, c), each (B, H), after the last step
        that was read.
    """
    h, c = state
    steps = x.shape[1]
    valid = _valid(lengths, x)
    if valid is not None:
        # a choice, not a product: 0 * NaN is NaN, in the backward pass as well
        x = torch.where(valid.unsqueeze(2), x, 0.0)
    # the input's share of every gate at every step, in one matrix product
    projected = functional.linear(x, weights.w_ih, _bias(weights)).unbind(1)
    w_hh = weights.w_hh.t()

    outputs = [h] * steps
    for t in reversed(range(steps)) if reverse else range(steps):
        h_t, c_t = _cell(torch.addmm(projected[t], h, w_hh), c)
        if valid is not None:
            # read backwards, a row waits in its first state until its own last step comes
            h_t = torch.where(valid[:, t : t + 1], h_t, h)
            c_t = torch.where(valid[:, t : t + 1], c_t, c)
        h, c = h_t, c_t
        outputs[t] = h

    out = torch.stack(outputs, dim=1) if steps else h.new_zeros(h.shape[0], 0, h.shape[1])
    if valid is not None:
        out = torch.where(valid.unsqueeze(2), out, 0.0)
    return out, (h, c)


def _cell(gates: Tensor, c: Tensor) -> tuple[Tensor, Tensor]:
    """One step from the gates before their nonlinearities (B, 4H) and c_{t-1} to h_t and c_t."""
    i, f, g, o = gates.chunk(4, dim=1)
    c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
    h = torch.sigmoid(o) * torch.tanh(c)
    return h, c


def _bias(weights: LSTMWeights) -> Tensor | None:
    """The two biases as one: the equations only ever use their sum."""
    if weights.b_ih is None or weights.b_hh is None:
        return weights.b_hh if weights.b_ih is None else weights.b_ih
    return weights.b_ih + weights.b_hh


def _valid(lengths: Tensor | None, x: Tensor) -> Tensor | None:
    """Which steps count, (B, T) of bool; None where all do, so that nothing need be masked."""
    if lengths is None or not bool((lengths < x.shape[1]).any()):
        return None
    step = torch.arange(x.shape[1], device=x.device)
    return step < lengths.to(x.device).unsqueeze(1)
