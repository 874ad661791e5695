r"""Values that were seen once and fade to the mean (GRU-D, Che et al. 2018, equations 10 to 12).

With m = 1 where a value was seen and 0 where not, d the time since it was last seen, x' the value
that it had then, and 0 the mean of scaled values,

    x = m x' + (1 - m) g x',    g = exp(-max(0, w d + b))

The weights w and b are learned, of each channel its own.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn


class Decay(nn.Module):
    """See this module's page.

    Args:
        channels: C.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        # above 0, where there is a derivative
        self.weight = nn.Parameter(torch.full((channels,), 0.05))
        self.bias = nn.Parameter(torch.zeros(channels))

    def forward(self, values: Tensor, observed: Tensor, since: Tensor) -> Tensor:
        """(B, T, C) of values carried forward, where they were seen, and log(1 + d), alike."""
        kept = torch.exp(-torch.relu(self.weight * torch.expm1(since) + self.bias))
        return values * (observed + (1 - observed) * kept)
