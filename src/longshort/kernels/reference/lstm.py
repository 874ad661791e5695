"""The LSTM: Hochreiter & Schmidhuber (1997, Neural Computation 9(8)) and what was added to it.

One step, from (h, c) to (h', c'); sigma is the logistic function, * elementwise, and the sums are

    a_k = W_ik x + b_ik + W_hk (mask_h * h) + b_hk       for every gate k that has weights
    in_k(s) = clip(LN_k(s), gate_clip)                   LN_k only with ``norm_gain`` (see gates)

The cell:

    i  = sigma(in_i(a_i + p_i * c))                      input gate
    f  = sigma(in_f(a_f + p_f * c))                      forget gate (Gers et al. 2000)
    g  = tanh (in_g(a_g))                                candidate
    c* = clip(f * c + i * (mask_g * g), cell_clip)       cell state
    o  = sigma(in_o(a_o + p_o * c*))                     output gate: it looks at the new cell
    r  = o * tanh(LN_c(c*))                              what is read; LN_c with ``norm_c_gain``
    h* = clip(W_hr r, proj_clip), or r without ``w_hr``  hidden state, the output

and zoneout, in ``unroll``, makes (h', c') of (h*, c*). The recurrent product, and so the peepholes'
gates, are normalised and clipped as one sum per gate: LN is the last thing before ``gate_clip``,
which is the last thing before the nonlinearity. Without zoneout the normalised cell is only read:
c itself is carried on as it is (Ba et al. 2016, eq. 20-22), clipped if ``cell_clip`` says so.

Options:

* ``forget``: "gate" as above; "coupled", f = 1 - i (CIFG, Greff et al. 2017); "none", f = 1, the
  LSTM of 1997. The last two have no weights for f.
* Peepholes p (Gers & Schmidhuber 2000) if ``peephole`` is given.
* Projection (LSTMP, Sak et al. 2014) if ``w_hr`` is given; only then is there a ``proj_clip``.
* ``gate_clip`` bounds what every gate's nonlinearity reads, and not the last tanh, as ONNX
  Runtime takes ONNX's ``clip``; ``cell_clip`` and ``proj_clip`` bound the values themselves, as
  TensorFlow's and TensorFlow Lite's do. Gradients pass inside the bounds, bounds included, and are
  zero outside.

Gate blocks are stacked in the order i, f, g, o, or i, g, o where f has no weights; peepholes in
the order i, f, o, or i, o. Recorded gates are always i, f, g, o, as they were multiplied: f is
1 - i or 1 where it has no weights, and g is given before its mask.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar, Literal, Unpack

import torch
from torch import Tensor
from torch.nn import functional

from longshort.kernels.reference.gates import as_text, check_bounds, clip, into, normalise
from longshort.kernels.reference.tensors import Reading, State, Steps, Weights
from longshort.kernels.reference.unroll import Cell, summed_bias, unroll


@dataclass(frozen=True)
class LSTMOptions:
    """Which LSTM; the equations are on this file's page.

    Raises:
        ValueError: ``forget`` is unknown or a bound is not above 0.
    """

    forget: Literal["gate", "coupled", "none"] = "gate"
    gate_clip: float | None = None
    cell_clip: float | None = None
    proj_clip: float | None = None

    # itself as text, for graphs: see kernels.operators
    text: str = field(init=False, repr=False, compare=False)

    cell: ClassVar[str] = "lstm"
    parts: ClassVar[tuple[str, ...]] = ("h", "c")
    recorded: ClassVar[tuple[str, ...]] = ("i", "f", "g", "o")

    def __post_init__(self) -> None:
        if self.forget not in ("gate", "coupled", "none"):
            raise ValueError(f"forget should be gate, coupled or none, got: {self.forget!r}")
        check_bounds(gate_clip=self.gate_clip, cell_clip=self.cell_clip, proj_clip=self.proj_clip)
        object.__setattr__(self, "text", as_text(self))

    @property
    def gates(self) -> tuple[str, ...]:
        """The gate blocks of the weights, in order."""
        return ("i", "f", "g", "o") if self.forget == "gate" else ("i", "g", "o")

    @property
    def peepholes(self) -> tuple[str, ...]:
        """The blocks of ``peephole``, in order."""
        return ("i", "f", "o") if self.forget == "gate" else ("i", "o")


PLAIN = LSTMOptions()


def lstm(
    x: Tensor,
    state: State,
    weights: Weights,
    options: LSTMOptions = PLAIN,
    **reading: Unpack[Reading],
) -> Steps:
    """Run one layer in one direction over x (B, T, F), from state (h (B, P), c (B, H))."""
    return unroll(
        bind(weights, options),
        options.recorded,
        x,
        weights.w_ih,
        summed_bias(weights),
        state,
        reading,
    )


def bind(weights: Weights, options: LSTMOptions) -> Cell:
    """The cell's step as a function of its input's share, the hidden state read and the state."""
    w_hh, names = weights.w_hh.t(), options.gates
    ready = into(weights, names, options.gate_clip)
    peepholes: dict[str, Tensor] = {}
    if weights.peephole is not None:
        blocks = weights.peephole.chunk(len(options.peepholes))
        peepholes = dict(zip(options.peepholes, blocks, strict=True))

    def gate(name: str, total: Tensor, c: Tensor) -> Tensor:
        if peepholes:
            total = total + peepholes[name] * c
        return torch.sigmoid(ready(name, total))

    def step(
        projected: Tensor, read: Tensor, state: State, dropped: Tensor | None
    ) -> tuple[State, tuple[Tensor, ...]]:
        c = state[1]
        a = dict(zip(names, torch.addmm(projected, read, w_hh).chunk(len(names), 1), strict=True))
        i = gate("i", a["i"], c)
        g = torch.tanh(ready("g", a["g"]))
        new = i * (g if dropped is None else dropped * g)
        if options.forget == "none":
            f = torch.ones_like(i)
            c = c + new
        else:
            f = gate("f", a["f"], c) if options.forget == "gate" else 1 - i
            c = f * c + new
        c = clip(c, options.cell_clip)
        o = gate("o", a["o"], c)
        seen = normalise(c, weights.norm_c_gain, weights.norm_c_bias)
        h = o * torch.tanh(seen)
        return (project(h, weights.w_hr, options.proj_clip), c), (i, f, g, o)

    return step


def project(h: Tensor, w_hr: Tensor | None, bound: float | None) -> Tensor:
    """The hidden state after its projection, if there is one."""
    return h if w_hr is None else clip(functional.linear(h, w_hr), bound)
