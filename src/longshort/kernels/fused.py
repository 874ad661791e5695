"""Torch's own fused operators, which are cuDNN's on CUDA, for the cells that they compute.

They compute what the reference computes for plain cells over full rows. Double backward is refused
by cuDNN with an error: ask for the reference engine where it is needed.
"""

from __future__ import annotations

import warnings

import torch
from torch import Tensor

from longshort.kernels import reference
from longshort.kernels.reference import Reading, State, Steps, Weights

# cuDNN counts steps in 16 bits
LONGEST = 65_535


def refusal(
    x: Tensor, state: State, weights: Weights, options: reference.Options, reading: Reading
) -> str | None:
    """Why these operators cannot compute this, in plain words; None if they can."""
    if options not in (reference.LSTMOptions(), *_PLAIN):
        return f"torch's operators know no {options}"
    for name in ("peephole", "norm_gain", "norm_c_gain"):
        if getattr(weights, name) is not None:
            return f"torch's operators know no {name}"
    if (weights.b_ih is None) != (weights.b_hh is None):
        return "torch's operators need both biases or none"
    for name in ("lengths", "resets"):
        if reading.get(name) is not None:
            return f"torch's operators know no {name}"
    if reading.get("record"):
        return "torch's operators do not give the states and gates of every step"
    if any(mask is not None for mask in reading.get("masks", ())):
        return "torch's operators know no masks inside the recurrence"
    if any(map(transformed, (x, *state, *weights))):
        return "torch's operators know no torch.func transforms"
    if not 0 < x.shape[1] <= LONGEST or not x.shape[0]:
        return f"torch's operators read 1 to {LONGEST} steps of 1 row or more"
    return None


def run(
    x: Tensor,
    state: State,
    weights: Weights,
    options: reference.Options,
    *,
    reverse: bool = False,
) -> Steps:
    """As the reference, where ``refusal`` is None."""
    x = x.flip(1) if reverse else x
    flat = [w for w in weights[:5] if w is not None]
    hx = [part.unsqueeze(0).contiguous() for part in state]
    # rows before steps, one layer, one direction; saving for backward in eval mode too
    settings = (weights.b_ih is not None, 1, 0.0, torch.is_grad_enabled(), False, True)
    with warnings.catch_warnings():
        # each layer's weights are tensors of their own: cuDNN copies them together on every call
        warnings.filterwarnings("ignore", "RNN module weights are not part of single contiguous")
        warnings.filterwarnings("ignore", "LSTM with projections is not supported with oneDNN")
        if isinstance(options, reference.LSTMOptions):
            out, *last = torch.lstm(x, hx, flat, *settings)
        elif isinstance(options, reference.GRUOptions):
            out, *last = torch.gru(x, hx[0], flat, *settings)
        elif options == reference.RNNOptions("relu"):
            out, *last = torch.rnn_relu(x, hx[0], flat, *settings)
        else:
            out, *last = torch.rnn_tanh(x, hx[0], flat, *settings)
    return Steps(out.flip(1) if reverse else out, tuple(part.squeeze(0) for part in last))


def transformed(tensor: Tensor | None) -> bool:
    """Whether torch.func has wrapped a tensor."""
    return tensor is not None and torch._C._functorch.is_functorch_wrapped_tensor(tensor)


_PLAIN = (reference.GRUOptions(), reference.RNNOptions(), reference.RNNOptions("relu"))
