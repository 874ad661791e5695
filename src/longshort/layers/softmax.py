r"""The negative log-probability of one of many symbols, and its gradient, in few passes of memory.

With logits l = W h + b over V symbols, and y the symbol that came,

    nats       n = log sum_k exp(l_k) - l_y
    spread     u = log sum_k exp(l_k) - mean_k l_k
    gradient   d l_k = (dn + du) p_k - dn [k = y] - du / V

(1 - e) n + e u is the loss of labels smoothed by e (Szegedy et al. 2016). Forward reads a few rows
at a time, so that their logits stay in the cache; what is kept for backward are the probabilities.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

# rows whose logits are in the cache at once
_ROWS = 64


class _Nats(torch.autograd.Function):
    """See ``nats``."""

    @staticmethod
    def forward(
        context: Any, h: Tensor, table: Tensor, bias: Tensor, target: Tensor
    ) -> tuple[Tensor, Tensor]:
        rows, symbols = h.shape[0], table.shape[0]
        p, found, spread = h.new_empty(rows, symbols), h.new_empty(rows), h.new_empty(rows)
        across = table.t()
        for start in range(0, rows, _ROWS):
            part = slice(start, start + _ROWS)
            own = p[part]
            torch.addmm(bias, h[part], across, out=own)
            told = own.gather(1, target[part].unsqueeze(1)).squeeze(1)
            mean, most = own.mean(1), own.amax(1, keepdim=True)
            own.sub_(most).exp_()
            total = own.sum(1, keepdim=True)
            own.div_(total)
            whole = (total.log() + most).squeeze(1)
            found[part], spread[part] = whole - told, whole - mean
        context.save_for_backward(h, table, p, target)
        return found, spread

    @staticmethod
    @once_differentiable
    def backward(context: Any, d_found: Tensor, d_spread: Tensor) -> tuple[Tensor | None, ...]:
        h, table, p, target = context.saved_tensors
        # not in place: the graph may be kept for another pass
        own = p * (d_found + d_spread).unsqueeze(1)
        own.sub_((d_spread / table.shape[0]).unsqueeze(1))
        own.scatter_add_(1, target.unsqueeze(1), -d_found.unsqueeze(1))
        return own @ table, own.t() @ h, own.sum(0), None


def nats(h: Tensor, table: Tensor, bias: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
    """-log p (N,) of the symbols (N,) after h (N, E), and the mean -log p of all symbols (N,).

    Args:
        h: what is read out.
        table: (V, E), a row of each symbol.
        bias: (V,), of each symbol.
        target: the symbols that came, 0 to V - 1.
    """
    return _Nats.apply(h, table, bias, target)  # type: ignore[no-any-return,no-untyped-call]
