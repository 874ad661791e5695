"""The loop over time: what every cell has in common.

Read forwards, t goes from 0 to T - 1; backwards, from T - 1 to 0. Before step t the state of row b
is s, and afterwards it is s':

    s  <- initial                       where the row was cut between t and the step read before it:
                                        resets[b, t] forwards, resets[b, t + 1] backwards,
                                        if that step is no padding
    s* =  cell(mask_x * x_t, mask_h * h, s)                           the equations of the cell
    h' =  keep_h * h + (1 - keep_h) * h*                             zoneout (Krueger et al. 2017,
    c' =  keep_c * c + (1 - keep_c) * c*                             eq. 4-5; h* is made with c*)
    s' <- s                             where t >= lengths[b]: at padding a row keeps its state
    out[b, t] = h', or 0 at padding

So a row of length 0 gives back the state it came with, and a row that is read backwards begins at
its own last step with the state it came with. What stands in ``x`` at padding, NaN and infinities
included, reaches neither a value nor a gradient. A cut at step 0 read forwards replaces the given
state; T = 0 returns it. A cut at padding counts for nothing.

Nothing here looks at a tensor's values from Python, so no device is waited for.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional

from longshort.kernels.reference.tensors import Masks, Reading, State, Steps, Weights

# (W_ih x_t + biases, the hidden state to multiply, the state, the candidate's mask)
# -> the next state and the gates
Cell = Callable[[Tensor, Tensor, State, Tensor | None], tuple[State, tuple[Tensor, ...]]]

NO_MASKS = Masks()


def unroll(
    cell: Cell,
    recorded: tuple[str, ...],
    x: Tensor,
    w_ih: Tensor,
    bias: Tensor | None,
    state: State,
    reading: Reading,
) -> Steps:
    """Run a cell, whose recorded gates are named, over x (B, T, F).

    ``bias`` (G*H,) is added to the input's share of the gates.
    """
    masks = reading.get("masks", NO_MASKS)
    reverse, record = reading.get("reverse", False), reading.get("record", False)
    steps = x.shape[1]
    valid = _valid(reading.get("lengths"), x)
    if valid is not None:
        # a choice, not a product: 0 * NaN is NaN, in the backward pass as well
        x = torch.where(valid.unsqueeze(2), x, 0.0)
    if masks.x is not None:
        x = x * masks.x
    # the input's share of every gate at every step, in one matrix product
    projected = functional.linear(x, w_ih, bias).unbind(1)
    real = None if valid is None else valid.unsqueeze(2).unbind(1)
    cuts = _cuts(reading.get("resets"), valid, reverse)
    first = _initial(reading.get("initial"), state) if cuts is not None else state
    mask_h = None if masks.h is None else masks.h.squeeze(1)
    dropped, keep_h, keep_c = (_by_step(mask, steps) for mask in masks[2:])

    taken: list[tuple[State, tuple[Tensor, ...]]] = [(state, ())] * steps
    for t in reversed(range(steps)) if reverse else range(steps):
        if cuts is not None:
            state = tuple(torch.where(cuts[t], f, s) for f, s in zip(first, state, strict=True))
        read = state[0] if mask_h is None else state[0] * mask_h
        new, gates = cell(projected[t], read, state, None if dropped is None else dropped[t])
        if keep_h is not None:
            new = (torch.lerp(new[0], state[0], keep_h[t].expand_as(new[0])), *new[1:])
        if keep_c is not None:
            new = (new[0], torch.lerp(new[1], state[1], keep_c[t].expand_as(new[1])), *new[2:])
        if real is not None:
            new = tuple(torch.where(real[t], n, s) for n, s in zip(new, state, strict=True))
        state = new
        taken[t] = (state, gates) if record else (state[:1], ())
    if not taken:
        return _nothing(state, len(recorded) if record else None)
    return _collect(taken, state, valid, record)


def summed_bias(weights: Weights) -> Tensor | None:
    """The two biases as one, for equations that only use their sum."""
    if weights.b_ih is None or weights.b_hh is None:
        return weights.b_hh if weights.b_ih is None else weights.b_ih
    return weights.b_ih + weights.b_hh


def _collect(
    taken: list[tuple[State, tuple[Tensor, ...]]], state: State, valid: Tensor | None, record: bool
) -> Steps:
    """Put the steps together along time, zero where they are padding."""

    def along_time(parts: list[Tensor]) -> Tensor:
        whole = torch.stack(parts, dim=1)
        return whole if valid is None else torch.where(valid.unsqueeze(2), whole, 0.0)

    if not record:
        return Steps(along_time([states[0] for states, _ in taken]), state)
    states = tuple(along_time(list(p)) for p in zip(*[s for s, _ in taken], strict=True))
    gates = tuple(along_time(list(p)) for p in zip(*[g for _, g in taken], strict=True))
    return Steps(states[0], state, states, gates)


def _nothing(state: State, gates: int | None) -> Steps:
    """What no steps give, with that number of gates if they are recorded."""
    empty = tuple(part.new_zeros(part.shape[0], 0, part.shape[1]) for part in state)
    # the last part of every state has the units' width
    return Steps(empty[0], state, *(() if gates is None else (empty, empty[-1:] * gates)))


def _valid(lengths: Tensor | None, x: Tensor) -> Tensor | None:
    """Which steps count, (B, T) of bool; None where all do, so that nothing need be masked."""
    if lengths is None:
        return None
    step = torch.arange(x.shape[1], device=x.device)
    return step < lengths.to(x.device).unsqueeze(1)


def _cuts(resets: Tensor | None, valid: Tensor | None, reverse: bool) -> tuple[Tensor, ...] | None:
    """For every step, (B, 1) of bool: whether the row begins anew before it is read."""
    if resets is None:
        return None
    resets = resets if valid is None else resets & valid
    if reverse:
        # where the step after t starts a sequence, t is the last of one
        resets = functional.pad(resets[:, 1:], (0, 1))
    return resets.unsqueeze(2).unbind(1)


def _initial(initial: State | None, state: State) -> State:
    if initial is None:
        return tuple(torch.zeros_like(part) for part in state)
    return tuple(f.expand_as(part) for f, part in zip(initial, state, strict=True))


def _by_step(mask: Tensor | None, steps: int) -> tuple[Tensor, ...] | None:
    return None if mask is None else mask.expand(-1, steps, -1).unbind(1)
