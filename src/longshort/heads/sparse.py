"""Weights of sparse features, added to what a network says of each category."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from longshort.layers.masks import keep_mask

# the stream of the masks over features
_DROPOUT = -5


class Sparse(nn.Module):
    r"""The sum of the weights of the features that are there: s_k = sum_{m in x} W_{mk}.

    Args:
        features: how many there are; feature 0 is nothing.
        classes: K.
        dropout: share of the features that training leaves out.
    """

    def __init__(self, features: int, classes: int, dropout: float = 0.0) -> None:
        super().__init__()
        self.dropout = dropout
        # nothing is known of a feature at first
        self.weight = nn.Parameter(torch.zeros(features, classes))

    def forward(self, x: Tensor, row: int = 0) -> Tensor:
        """(B, T, K) of the features (B, T, M) of each step.

        ``row`` is where the rows begin in the larger batch that they are a part of.
        """
        there, weights = x > 0, None
        if self.training and self.dropout > 0:
            # one draw a call from torch's default generator, as torch's own dropout would
            seed = int(torch.randint(2**62, ()))
            kept = keep_mask(seed, _DROPOUT, x.shape, self.dropout, row=row, device=x.device)
            there = there & (kept > 0)
            weights = kept[there]
        counts = there.flatten(0, 1).sum(1)
        starts = counts.cumsum(0) - counts
        found = functional.embedding_bag(
            x[there].long(), self.weight, starts, mode="sum", per_sample_weights=weights
        )
        return found.view(*x.shape[:2], self.weight.shape[1])
