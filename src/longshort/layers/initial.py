"""First values of recurrent weights.

Each method but torch's treats every gate block, (H, F) of the input weights and (H, P) of the
recurrent weights, as a matrix of its own, and sets the biases to zero:

    torch        every weight and bias from U(-1/sqrt(H), 1/sqrt(H)), with the same draws as
                 torch.nn's layers make from the same generator state
    glorot       U(-a, a), a = sqrt(6 / (fan_in + fan_out))     (Glorot & Bengio 2010, eq. 16)
    he           N(0, 2 / fan_in)                               (He et al. 2015, eq. 10)
    orthogonal   rows or columns orthonormal, whichever are fewer; drawn from the Haar measure
                                                                (Saxe, McClelland & Ganguli 2014)

Layer norms start as nothing but normalisation (gain 1, bias 0) and peepholes start closed (0).

A forget bias of about 1 lets the cell remember from the first update on (Gers et al. 2000;
Jozefowicz, Zaremba & Sutskever 2015). Chrono initialisation (Tallec & Ollivier 2018, eq. 16)
spreads what the units remember over 1 to ``chrono`` steps: b_f = log u, b_i = -b_f with u from
U(1, chrono - 1). What the forget gate f does, the update gate z does in a GRU, and 1 - i in an
LSTM with coupled gates.
"""

from __future__ import annotations

import math
from typing import Literal, get_args

import torch
from torch import Tensor
from torch.nn import init

from longshort.kernels.reference import LSTMOptions, Options, Weights

Method = Literal["torch", "glorot", "he", "orthogonal"]
METHODS: tuple[str, ...] = get_args(Method)


def initialise(
    weights: Weights,
    method: Method = "torch",
    *,
    cell: Options | None = None,
    forget_bias: float | None = None,
    chrono: int | None = None,
    generator: torch.Generator | None = None,
) -> None:
    """Set the weights of one layer and direction to first values, in place.

    Args:
        weights: of that cell.
        method: see this module's page.
        cell: whose gate blocks the weights hold; None is a plain LSTM's.
        forget_bias: what the gate that keeps the state starts with, as b_ih + b_hh: ``b_ih``'s
            block is set to this value and ``b_hh``'s to zero. None leaves them to the method.
        chrono: the longest time that shall be remembered, in steps, 3 or more; instead of
            ``forget_bias``.
        generator: of random numbers, on the weights' device; None is torch's default one.

    Raises:
        ValueError: a choice that ``check_choices`` refuses.
    """
    cell = LSTMOptions() if cell is None else cell
    bias = weights.b_ih is not None
    check_choices(method, forget_bias, bias=bias, cell=cell, chrono=chrono)
    biases = [bias for bias in (weights.b_ih, weights.b_hh) if bias is not None]
    matrices = [weights.w_ih, weights.w_hh]
    projection = [] if weights.w_hr is None else [weights.w_hr]
    with torch.no_grad():
        if method == "torch":
            bound = 1 / math.sqrt(weights.w_ih.shape[0] // len(cell.gates))
            for tensor in (*matrices, *biases, *projection):
                init.uniform_(tensor, -bound, bound, generator=generator)
        else:
            blocks = [block for matrix in matrices for block in matrix.chunk(len(cell.gates))]
            for block in (*blocks, *projection):
                block.copy_(_draw(block, method, generator))
            for tensor in biases:
                tensor.zero_()
        for extra, value in _extras(weights):
            extra.fill_(value)
        if forget_bias is not None:
            _set_memory(biases, cell, torch.full_like(_block(biases[0], cell), forget_bias))
        if chrono is not None:
            block = _block(biases[0], cell)
            spread = torch.empty_like(block, dtype=torch.float64)
            spread.uniform_(1, chrono - 1, generator=generator)
            _set_memory(biases, cell, spread.log().to(block.dtype), opposed=True)


def check_choices(
    method: str,
    forget_bias: float | None,
    *,
    bias: bool,
    cell: Options,
    chrono: int | None = None,
) -> None:
    """Refuse an initialisation that cannot be.

    Raises:
        ValueError: ``method`` is unknown, there is a forget bias or a chrono time where the cell
            has no biases or nothing that forgets, both are given, or the time is too short.
    """
    if method not in METHODS:
        raise ValueError(f"init should be one of {', '.join(METHODS)}, got: {method!r}")
    for name, value in (("forget_bias", forget_bias), ("chrono", chrono)):
        if value is not None and not bias:
            raise ValueError(f"{name}={value} needs biases to set: use bias=True")
        if value is not None and _memory(cell) is None:
            raise ValueError(f"{name}={value} needs a gate that forgets, and {cell} has none")
    if forget_bias is not None and chrono is not None:
        raise ValueError("forget_bias and chrono set the same biases: give one of them")
    if chrono is not None and chrono < 3:
        raise ValueError(f"chrono should be 3 steps or more, got: {chrono}")


def _memory(cell: Options) -> tuple[str, int] | None:
    """The gate that decides how much of the state stays, and whether with its sign or against."""
    if "f" in cell.gates:
        return "f", 1
    if "z" in cell.gates:
        return "z", 1
    return ("i", -1) if isinstance(cell, LSTMOptions) and cell.forget == "coupled" else None


def _block(bias: Tensor, cell: Options) -> Tensor:
    found = _memory(cell)
    assert found is not None
    return bias.chunk(len(cell.gates))[cell.gates.index(found[0])]


def _set_memory(
    biases: list[Tensor], cell: Options, value: Tensor, *, opposed: bool = False
) -> None:
    """Set b_f to ``value`` and, if ``opposed``, b_i to its negative."""
    found = _memory(cell)
    assert found is not None
    for bias, share in zip(biases, (value, torch.zeros_like(value)), strict=True):
        _block(bias, cell).copy_(share * found[1])
        if opposed and found[0] == "f":
            bias.chunk(len(cell.gates))[cell.gates.index("i")].copy_(-share)


def _extras(weights: Weights) -> list[tuple[Tensor, float]]:
    values = [
        (weights.peephole, 0.0),
        (weights.norm_gain, 1.0),
        (weights.norm_bias, 0.0),
        (weights.norm_c_gain, 1.0),
        (weights.norm_c_bias, 0.0),
    ]
    return [(tensor, value) for tensor, value in values if tensor is not None]


def _draw(block: Tensor, method: str, generator: torch.Generator | None) -> Tensor:
    """Values for one gate block, drawn in float32 at least: half has no QR decomposition."""
    values = torch.empty_like(block, dtype=torch.promote_types(block.dtype, torch.float32))
    if method == "glorot":
        return init.xavier_uniform_(values, generator=generator)
    if method == "he":
        return init.kaiming_normal_(values, nonlinearity="relu", generator=generator)
    return init.orthogonal_(values, generator=generator)
