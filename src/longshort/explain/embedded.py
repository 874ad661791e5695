r"""What each step of a sequence did to an answer: integrated gradients over embedded inputs.

The same integral as in ``explain.attribution``, over what the trunk's embedding gives, (B, T, F),
from a baseline of zeros: a word of no meaning, a channel at its mean. Padding is no step, and is
left out. The attributions of all steps sum to F(x) - F(0) (Sundararajan, Taly and Yan 2017).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from longshort.contracts import Batch, Prediction, within
from longshort.model import Model, predicting

# steps of the sum that stands for the integral, doubled until the sum is near enough
_FEWEST, _MOST, _NEAR = 16, 256, 0.005


class Embedded(NamedTuple):
    """Attributions (B, T, F) to embedded inputs, and the answer (B,) of the inputs and of zeros."""

    parts: Tensor
    answer: Tensor
    start: Tensor

    @property
    def gap(self) -> float:
        """The most that a row's attributions fail to add up to its difference of answers."""
        if not len(self.answer):
            return 0.0
        return float((self.parts.sum((1, 2)) - self.answer + self.start).abs().max())


def attribute_embedded(
    model: Model,
    embed: nn.Module,
    batch: Batch,
    answer: Callable[[Prediction], Tensor],
) -> Embedded:
    """Attribute an answer of each row (B,) to what ``embed``, a part of the model, gives.

    The sum takes twice as many steps until it adds up, 256 at most; ``gap`` says how near it is.
    Regularisers are off, and weights and their gradients are left as they are.
    """
    with predicting(model):
        with torch.no_grad(), _in_place_of(embed, None) as seen:
            told = answer(model.decode(batch))
            x = seen[0]
            inside = within(batch.lengths, x.shape[1]).unsqueeze(2)
            x = torch.where(inside, x, x.new_zeros(()))
            with _in_place_of(embed, torch.zeros_like(x)):
                start = answer(model.decode(batch))
        steps = _FEWEST
        while True:
            slope = torch.zeros_like(x)
            nodes, shares = np.polynomial.legendre.leggauss(steps)
            for node, share in zip((nodes + 1) / 2, shares / 2, strict=True):
                slope += float(share) * _slope(model, embed, batch, answer, float(node) * x)
            found = Embedded(torch.where(inside, x * slope, 0.0), told, start)
            if found.gap <= _NEAR or steps >= _MOST:
                return found
            steps *= 2


def _slope(
    model: Model,
    embed: nn.Module,
    batch: Batch,
    answer: Callable[[Prediction], Tensor],
    at: Tensor,
) -> Tensor:
    """The derivative of each row's answer by its own embedded inputs."""
    leaf = at.detach().requires_grad_()
    with torch.enable_grad(), _in_place_of(embed, leaf):
        # rows do not depend on each other, so the sum's gradient is each row's own
        total = answer(model.decode(batch)).sum()
        (found,) = torch.autograd.grad(total, [leaf], allow_unused=True, materialize_grads=True)
    return found


@contextmanager
def _in_place_of(module: nn.Module, given: Tensor | None) -> Iterator[list[Tensor]]:
    """What a module gives while it lasts; or ``given`` instead, and it does not run at all."""
    seen: list[Tensor] = []
    if given is not None:
        module.__dict__["forward"] = lambda *_: given
    handle = module.register_forward_hook(lambda _, __, found: seen.append(found))
    try:
        yield seen
    finally:
        handle.remove()
        module.__dict__.pop("forward", None)
