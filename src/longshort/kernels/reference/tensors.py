"""The tensors that go into a recurrence and come out of it.

Shapes: B rows, T time steps, F features of the input, H units of the cell, P values of the hidden
state (P = H unless it is projected), G gate blocks. What a cell's gate blocks are, and in which
order they are stacked, is written in the cell's file.
"""

from __future__ import annotations

from typing import NamedTuple, TypedDict

from torch import Tensor

# the parts of a state, each (B, H) but for the hidden state, which is first and (B, P):
# (h, c) of an LSTM, (h, c, n, m) of an sLSTM, (h,) of a GRU or RNN
State = tuple[Tensor, ...]


class Weights(NamedTuple):
    """The weights of one layer in one direction. What is None is not there.

    ``w_ih`` (G*H, F) and ``w_hh`` (G*H, P) multiply the input and the hidden state; ``b_ih`` and
    ``b_hh`` (G*H,) are their biases. ``w_hr`` (P, H) projects the hidden state. ``peephole`` holds
    one block of (H,) per gate that looks at the cell. ``norm_gain`` and ``norm_bias`` (G*H,) switch
    layer normalisation of the gates on, and ``norm_c_gain`` and ``norm_c_bias`` (H,) that of what
    is read from the cell; a gain may come without its bias.
    """

    w_ih: Tensor
    w_hh: Tensor
    b_ih: Tensor | None = None
    b_hh: Tensor | None = None
    w_hr: Tensor | None = None
    peephole: Tensor | None = None
    norm_gain: Tensor | None = None
    norm_bias: Tensor | None = None
    norm_c_gain: Tensor | None = None
    norm_c_bias: Tensor | None = None


class Masks(NamedTuple):
    """What a kernel multiplies by, drawn elsewhere: a kernel is not random. None is no mask.

    Every dimension may also have size 1, for one mask that all rows, steps or units share.

    ``x`` (B, 1, F) and ``h`` (B, 1, P) are variational dropout (Gal & Ghahramani 2016): one mask
    for all steps, over the input and over the hidden state as the recurrent product reads it; the
    state itself is left whole. ``g`` (B, T, H) is recurrent dropout (Semeniuta et al. 2016), over
    the candidate. ``keep_h`` (B, T, P) and ``keep_c`` (B, T, H) are zoneout (Krueger et al. 2017):
    the share of its old value that each unit keeps at each step, 0 or 1 while training and the
    probability of keeping it, the expectation, otherwise.
    """

    x: Tensor | None = None
    h: Tensor | None = None
    g: Tensor | None = None
    keep_h: Tensor | None = None
    keep_c: Tensor | None = None


class Reading(TypedDict, total=False):
    """How a batch is read: keyword arguments of every kernel. All are optional.

    * lengths: (B,) of an integer dtype; row b has lengths[b] steps, and those from there on are
      padding. Values above T act as T and those below 0 as 0. None: every row has T steps.
    * resets: (B, T) of bool; True at [b, t] cuts row b between t - 1 and t: what stands before and
      what stands after are sequences of their own. None: no cuts.
    * initial: the state after a cut, as parts of (H,) or (B, H); None is zeros.
    * reverse: read each row backwards, from its own last valid step to step 0. Outputs stay at
      their own positions.
    * masks: dropout and zoneout.
    * record: give the states and the gates of every step as well.
    """

    lengths: Tensor | None
    resets: Tensor | None
    initial: State | None
    reverse: bool
    masks: Masks
    record: bool


class Steps(NamedTuple):
    """What a kernel gives.

    ``out`` (B, T, P) is the hidden state after every step; ``state`` the state after the last step
    that was read. If recorded, ``states`` holds each part of the state after every step, (B, T, P)
    or (B, T, H), and ``gates`` each gate at every step, (B, T, H), in the order that the cell's
    file says; otherwise both are empty. At padding, ``out``, ``states`` and ``gates`` are zero.
    """

    out: Tensor
    state: State
    states: tuple[Tensor, ...] = ()
    gates: tuple[Tensor, ...] = ()
