"""First values of recurrent weights.

Each method but torch's treats every gate block, (H, F) of the input weights and (H, H) of the
recurrent weights, as a matrix of its own, and sets the biases to zero:

    torch        every weight and bias from U(-1/sqrt(H), 1/sqrt(H)), with the same draws as
                 torch.nn.LSTM makes from the same generator state
    glorot       U(-a, a), a = sqrt(6 / (fan_in + fan_out))     (Glorot & Bengio 2010, eq. 16)
    he           N(0, 2 / fan_in)                               (He et al. 2015, eq. 10)
    orthogonal   rows or columns orthonormal, whichever are fewer; drawn from the Haar measure
                                                                (Saxe, McClelland & Ganguli 2014)

A forget bias of about 1 lets the cell remember from the first update on (Gers et al. 2000;
Jozefowicz, Zaremba & Sutskever 2015).
"""

from __future__ import annotations

import math
from typing import Literal, get_args

import torch
from torch import Tensor
from torch.nn import init

from longshort.kernels.reference import Weights

Method = Literal["torch", "glorot", "he", "orthogonal"]
METHODS: tuple[str, ...] = get_args(Method)


def initialise(
    weights: Weights,
    method: Method = "torch",
    *,
    forget_bias: float | None = None,
    generator: torch.Generator | None = None,
) -> None:
    """Set the weights of one layer and direction to first values, in place.

    Args:
        weights: gate blocks in the order i, f, g, o.
        method: see this module's page.
        forget_bias: what b_if + b_hf shall be: ``b_ih``'s forget block is set to this value and
            ``b_hh``'s to zero. None leaves them to the method.
        generator: of random numbers, on the weights' device; None is torch's default one.

    Raises:
        ValueError: ``method`` is unknown, or there is a forget bias but there are no biases.
    """
    check_choices(method, forget_bias, bias=weights.b_ih is not None)
    biases = [bias for bias in (weights.b_ih, weights.b_hh) if bias is not None]
    with torch.no_grad():
        if method == "torch":
            bound = 1 / math.sqrt(weights.w_hh.shape[1])
            for tensor in (weights.w_ih, weights.w_hh, *biases):
                init.uniform_(tensor, -bound, bound, generator=generator)
        else:
            for matrix in (weights.w_ih, weights.w_hh):
                for block in matrix.chunk(4):
                    block.copy_(_draw(block, method, generator))
            for bias in biases:
                bias.zero_()
        if forget_bias is not None:
            for bias, value in zip(biases, (forget_bias, 0.0), strict=True):
                bias.chunk(4)[1].fill_(value)


def check_choices(method: str, forget_bias: float | None, *, bias: bool) -> None:
    """Refuse an initialisation that cannot be.

    Raises:
        ValueError: ``method`` is unknown, or there is a forget bias but there are no biases.
    """
    if method not in METHODS:
        raise ValueError(f"init should be one of {', '.join(METHODS)}, got: {method!r}")
    if forget_bias is not None and not bias:
        raise ValueError(f"forget_bias={forget_bias} needs biases to set: use bias=True")


def _draw(block: Tensor, method: str, generator: torch.Generator | None) -> Tensor:
    """Values for one gate block, drawn in float32 at least: half has no QR decomposition."""
    values = torch.empty_like(block, dtype=torch.promote_types(block.dtype, torch.float32))
    if method == "glorot":
        return init.xavier_uniform_(values, generator=generator)
    if method == "he":
        return init.kaiming_normal_(values, nonlinearity="relu", generator=generator)
    return init.orthogonal_(values, generator=generator)
