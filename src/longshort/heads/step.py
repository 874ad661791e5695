r"""The next value of real-valued targets, after every step.

With z_t the encoding of a step and x_t its inputs,

    a_t = W z_t + V x_t + b

and a_t says of the target of the next step what ``heads.distributions`` makes of it. All steps are
scored at once while training, each one after what really happened before it (teacher forcing);
longer horizons come from running on (``recursive``). Each target has its own distribution; how
their errors go together is learnt after training, see ``StepHead.correlate``.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from longshort.contracts import Batch, Encoded, Prediction
from longshort.heads.distributions import LEVELS, Output
from longshort.heads.real import RealHead


class StepHead(RealHead):
    """One value of K targets ahead.

    Args:
        size: width of the encoding, H * directions.
        horizon: L, steps whose quantiles are calibrated; see ``calibrate``.
        targets, output, levels, inputs, shared: as of a ``RealHead``.

    Raises:
        ArgumentError: an unknown output, or levels that do not rise or lack 0.5.
    """

    def __init__(
        self,
        size: int,
        horizon: int,
        targets: int,
        output: Output = "quantiles",
        levels: Sequence[float] = LEVELS,
        inputs: int = 0,
        *,
        shared: bool = False,
    ) -> None:
        super().__init__(size, 1, targets, output, levels, inputs, shared=shared)
        self.errors = torch.zeros(horizon, targets, len(self.levels))
        self.register_buffer("mixing", torch.eye(targets))
        self.mixing: Tensor

    @torch.no_grad()
    def correlate(self, correlation: Tensor) -> None:
        """Draw targets from now on with this correlation (K, K) of their normal scores.

        Raises:
            ValueError: it is not positive definite.
        """
        self.mixing.copy_(torch.linalg.cholesky(correlation))

    def decode(self, encoded: Encoded, batch: Batch) -> Prediction:
        """Point (B, 1, K) and quantiles of the step after the last; reference (B, 1, K)."""
        return super().decode(encoded.last(), batch)

    def parameters_after(self, encoded: Encoded, batch: Batch) -> Tensor:
        """(B, T, K, P) of the output's family for the step after each one; reference (B, T, K)."""
        return self._answer(encoded, batch)

    def _answer(self, encoded: Encoded, batch: Batch) -> Tensor:
        rows, steps = encoded.z.shape[:2]

        def apart(z: Tensor) -> Tensor:
            return z.view(rows, steps, self.channels, z.shape[2] // self.channels)

        raw: Tensor = self.readout(apart(encoded.z))
        if self.straight is not None:
            raw = raw + self.straight(apart(encoded.layers[0]))
        raw = raw.reshape(rows, steps, self.targets, self.width)
        scale = None if batch.scale is None else batch.scale.unsqueeze(1)
        return self.family.parameters(raw, batch.reference, scale)
