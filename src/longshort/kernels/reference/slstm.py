"""The sLSTM of xLSTM (Beck et al. 2024, arXiv 2405.04517, eq. 8-17), with one head.

An LSTM whose input gate is an exponential: a normaliser n counts what was written, and a
stabiliser m, the logarithm of the scale in which c and n are kept, prevents overflow. One step,
from (h, c, n, m) to (h', c', n', m'); a_k and in_k as in ``lstm``:

    z   = tanh (in_z(a_z))                              candidate
    o   = sigma(in_o(a_o))                              output gate
    log i = in_i(a_i)                                   input gate, i = exp(.)
    log f = log sigma(in_f(a_f)), or in_f(a_f)          forget gate: ``forget`` "sigmoid" or "exp"
    m'  = max(log f + m, log i)                         stabiliser;  log i where n <= 0
    i'  = exp(log i - m')                               both gates in the scale of m'
    f'  = exp(log f + m - m')                           0 where n <= 0
    c'  = f' * c + i' * (mask_g * z)                    cell state
    n'  = f' * n + i'                                   normaliser
    r   = o * LN_c(c' / n')                             what is read; LN_c with ``norm_c_gain``
    h*  = clip(W_hr r, proj_clip), or r without ``w_hr``

c', n' and m' are carried on as they are; zoneout on h makes h' of h*. In exact arithmetic h does
not depend on m: (c, n, m) and (c e^s, n e^s, m - s) are the same memory. A state with n <= 0 is an
empty memory, which is what zeros are, and its m and (finite) c count for nothing: so n' >= 1 after
the first step and there is no division by zero.

Peepholes, coupled gates, a cell clip and zoneout on c do not exist here: c has no scale of its own.

Gate blocks are stacked in the order i, f, z, o, which is torch's with z in the place of g. Recorded
gates are i', f', z, o, as they were multiplied.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar, Literal, Unpack

import torch
from torch import Tensor
from torch.nn import functional

from longshort.kernels.reference.gates import as_text, check_bounds, into, normalise
from longshort.kernels.reference.lstm import project
from longshort.kernels.reference.tensors import Reading, State, Steps, Weights
from longshort.kernels.reference.unroll import Cell, summed_bias, unroll


@dataclass(frozen=True)
class SLSTMOptions:
    """Which sLSTM; the equations are on this file's page.

    Raises:
        ValueError: ``forget`` is unknown or a bound is not above 0.
    """

    forget: Literal["sigmoid", "exp"] = "sigmoid"
    gate_clip: float | None = None
    proj_clip: float | None = None

    # itself as text, for graphs: see kernels.operators
    text: str = field(init=False, repr=False, compare=False)

    cell: ClassVar[str] = "slstm"
    parts: ClassVar[tuple[str, ...]] = ("h", "c", "n", "m")
    recorded: ClassVar[tuple[str, ...]] = ("i", "f", "z", "o")
    gates: ClassVar[tuple[str, ...]] = ("i", "f", "z", "o")

    def __post_init__(self) -> None:
        if self.forget not in ("sigmoid", "exp"):
            raise ValueError(f"forget should be sigmoid or exp, got: {self.forget!r}")
        check_bounds(gate_clip=self.gate_clip, proj_clip=self.proj_clip)
        object.__setattr__(self, "text", as_text(self))


PLAIN = SLSTMOptions()


def slstm(
    x: Tensor,
    state: State,
    weights: Weights,
    options: SLSTMOptions = PLAIN,
    **reading: Unpack[Reading],
) -> Steps:
    """Run one layer in one direction over x (B, T, F), from (h (B, P), c, n, m (B, H)).

    Raises:
        ValueError: a part that this cell has not: peepholes, zoneout on c.
    """
    masks = reading.get("masks")
    if weights.peephole is not None or (masks is not None and masks.keep_c is not None):
        raise ValueError("an sLSTM's c has no scale of its own: no peepholes, no zoneout on c")
    return unroll(
        bind(weights, options),
        options.recorded,
        x,
        weights.w_ih,
        summed_bias(weights),
        state,
        reading,
    )


def bind(weights: Weights, options: SLSTMOptions) -> Cell:
    """The cell's step as a function of its input's share, the hidden state read and the state."""
    w_hh = weights.w_hh.t()
    ready = into(weights, options.gates, options.gate_clip)

    def step(
        projected: Tensor, read: Tensor, state: State, dropped: Tensor | None
    ) -> tuple[State, tuple[Tensor, ...]]:
        _, c, n, m = state
        a_i, a_f, a_z, a_o = torch.addmm(projected, read, w_hh).chunk(4, 1)
        z, o = torch.tanh(ready("z", a_z)), torch.sigmoid(ready("o", a_o))
        log_i, log_f = ready("i", a_i), ready("f", a_f)
        if options.forget == "sigmoid":
            log_f = functional.logsigmoid(log_f)
        kept = torch.where(n > 0, log_f + m, -torch.inf)
        m = torch.maximum(kept, log_i)
        i, f = torch.exp(log_i - m), torch.exp(kept - m)
        c = f * c + i * (z if dropped is None else dropped * z)
        n = f * n + i
        h = o * normalise(c / n, weights.norm_c_gain, weights.norm_c_bias)
        return (project(h, weights.w_hr, options.proj_clip), c, n, m), (i, f, z, o)

    return step
