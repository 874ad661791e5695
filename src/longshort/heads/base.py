"""The contract of every head, and masking written once."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Literal

import torch
from torch import Tensor, nn

from longshort.contracts import Batch, Encoded, Loss, Prediction, State

# What a head's stepping reads: the trunk's newest step, or the whole source encoded once.
Reads = Literal["steps", "source"]


class Head(nn.Module, ABC):
    """Parameters, a loss that can only meet its own output, and a decoding.

    ``unit`` names what the loss is measured in, per scored element. ``reads`` says what ``step``
    continues from: ``"steps"`` heads are handed the trunk's encoding of each new time step;
    ``"source"`` heads (decoders) keep what they need of the encoded source in their own state,
    are handed None, and read their own last choice from ``batch.inputs``.
    """

    unit: str = "nats"
    reads: Reads = "steps"

    @abstractmethod
    def loss(self, encoded: Encoded, batch: Batch) -> Loss:
        """Summed loss over the scored elements of the batch, and their number."""

    @abstractmethod
    def decode(self, encoded: Encoded, batch: Batch) -> Prediction:
        """The prediction for every row, in encoded units."""

    def spread(self, encoded: Encoded, batch: Batch, levels: Tensor) -> Prediction:
        """The prediction with quantiles at any levels (Q,), rising, in (0, 1), encoded."""
        raise ValueError(f"{type(self).__name__} tells no quantiles")

    def start(self, encoded: Encoded, batch: Batch) -> tuple[Prediction, State]:
        """The answer to what follows the encoded sequences, and the head's own state."""
        return self.step(encoded.last(), State(), batch)

    def step(self, encoded: Encoded | None, state: State, batch: Batch) -> tuple[Prediction, State]:
        """The answer after one more time step (T = 1); heads without a memory only decode."""
        if encoded is None:
            raise ValueError(f"{type(self).__name__} reads encoded steps and was handed none")
        return self.decode(encoded, batch), state


def scored(batch: Batch) -> tuple[Tensor, Tensor | None]:
    """The targets, zero where they are not scored, and the mask: what a loss is computed from.

    Targets that are not scored may hold anything. They are taken out before the loss: a derivative
    that is NaN stays NaN when it is multiplied by the 0 that ``masked`` sends back.
    """
    target, mask = batch.target(), batch.target_mask
    if mask is None:
        return target, None
    return torch.where(_wide(mask, target), target, target.new_zeros(())), mask


def masked(losses: Tensor, mask: Tensor | None) -> Loss:
    """Sum ``losses`` where ``mask`` (broadcast from the left) is True, and count those elements.

    Masked elements may hold anything, NaN included: they reach neither the sum nor the gradient of
    ``losses``. Use ``scored`` for the targets, so that the gradient is finite further down as well.
    """
    if mask is None:
        return Loss(losses.sum(), torch.tensor(losses.numel(), device=losses.device))
    wide = _wide(mask, losses)
    return Loss(torch.where(wide, losses, losses.new_zeros(())).sum(), wide.sum())


def _wide(mask: Tensor, like: Tensor) -> Tensor:
    return mask.reshape(mask.shape + (1,) * (like.dim() - mask.dim())).expand(like.shape)
