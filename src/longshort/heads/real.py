r"""Real-valued answers over a horizon: a point, a Gaussian, or quantiles that never cross.

With y the encoded target, r the reference it is told relative to (the last or last season's value)
and a the read-out of the last hidden state z_T, the last inputs x_T and the known future k_l,

    a_l = W_l z_T + V_l x_T + U_l k_l + b_l                              l = 1 .. L
    point      y^ = r + a                     loss: (y - y^)^2, |y - y^|, or Huber
    gaussian   mu = r + a_1, s = softplus(a_2) + 1e-3
               loss: log s + (y - mu)^2 / (2 s^2) + log(2 pi) / 2        nats
    quantiles  q_m = r + a_m at the middle level; every other level adds softplus steps
               outwards, so that levels cannot cross (Gasthaus et al. 2019, Park et al. 2022)
               loss: mean over levels p of max(p (y - q), (p - 1)(y - q))     (pinball)

The straight path from x_T lets the network say what a line can say and spend its units on the
rest (the autoregressive component of LSTNet, Lai et al. 2018). Huber 1964; Koenker and Bassett
1978 for the pinball loss.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import Literal, get_args

import torch
from torch import Tensor, nn
from torch.nn import functional

from longshort.contracts import Batch, Encoded, Loss, Prediction
from longshort.errors import ArgumentError, suggest
from longshort.heads.base import Head, masked, scored

Output = Literal["quantiles", "gaussian", "mse", "mae", "huber"]

# 0.05, 0.10, ... 0.95: the levels that forecasts are trained, scored and reported at.
LEVELS = tuple(round(0.05 * k, 2) for k in range(1, 20))


class RealHead(Head):
    """L future values of K targets from the last encoded step.

    Args:
        size: width of the encoding, H * directions.
        horizon: L, steps answered at once (1 or more).
        targets: K.
        output: which distribution or loss, see the module.
        levels: Q quantile levels, rising, each in (0, 1), 0.5 among them.
        inputs: width of one step's embedded inputs, ``encoded.layers[0]``; 0 leaves V out.
        future: width of ``batch.future["numbers"]``; 0 where nothing is known in advance.

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
        future: int = 0,
    ) -> None:
        super().__init__()
        self.output = check_output(output)
        self.levels = check_levels(levels)
        self.horizon, self.targets = horizon, targets
        self.unit = {"gaussian": "nats", "quantiles": "pinball"}.get(output, output)
        width = {"quantiles": len(self.levels), "gaussian": 2}.get(output, 1)
        self.width = width
        self.readout = nn.Linear(size, horizon * targets * width)
        # zeros, and a small read-out: the first forecasts are close to the reference
        self.straight = nn.Linear(inputs, horizon * targets * width, bias=False) if inputs else None
        self.known = nn.Parameter(torch.zeros(horizon, future, targets * width)) if future else None
        with torch.no_grad():
            self.readout.weight.mul_(0.1)
            self.readout.bias.zero_()
            if self.straight is not None:
                self.straight.weight.zero_()
        # point outputs learn the spread of their errors after training, see calibrate
        self.register_buffer("errors", torch.zeros(horizon, targets, len(self.levels)))
        self.errors: Tensor

    def _affine(self, encoded: Encoded, batch: Batch) -> Tensor:
        last = encoded.last()
        raw = self.readout(last.z[:, 0])
        if self.straight is not None:
            raw = raw + self.straight(last.layers[0][:, 0])
        raw = raw.view(-1, self.horizon, self.targets * self.width)
        if self.known is not None:
            raw = raw + torch.einsum("blf,lfk->blk", batch.future["numbers"], self.known)
        split: Tensor = raw.view(-1, self.horizon, self.targets, self.width)
        return split

    def _answer(self, encoded: Encoded, batch: Batch) -> Tensor:
        """(B, L, K, width): mean and scale, the quantiles, or the point, in encoded units."""
        if batch.reference is not None and batch.reference.shape[1] != self.horizon:
            raise ValueError(
                f"the head answers {self.horizon} steps, and the batch has a reference for "
                f"{batch.reference.shape[1]}"
            )
        raw = self._affine(encoded, batch)
        if self.output == "quantiles":
            middle = self.levels.index(0.5)
            steps = functional.softplus(raw - 2.0)
            below = -steps[..., :middle].flip(-1).cumsum(-1).flip(-1)
            above = steps[..., middle + 1 :].cumsum(-1)
            centre = raw[..., middle : middle + 1]
            raw = torch.cat([centre + below, centre, centre + above], -1)
        elif self.output == "gaussian":
            mean, spread = raw.unbind(-1)
            return torch.stack(
                [_relative(mean, batch.reference), functional.softplus(spread) + 1e-3], -1
            )
        reference = None if batch.reference is None else batch.reference.unsqueeze(-1)
        return _relative(raw, reference)

    def loss(self, encoded: Encoded, batch: Batch) -> Loss:
        """Loss per scored value; ``batch.targets`` is (B, L, K), its mask alike."""
        predicted = self._answer(encoded, batch)
        target, mask = scored(batch)
        return masked(self._elementwise(predicted, target), mask)

    def _elementwise(self, predicted: Tensor, target: Tensor) -> Tensor:
        if self.output == "quantiles":
            levels = predicted.new_tensor(self.levels)
            error = target.unsqueeze(-1) - predicted
            return torch.maximum(levels * error, (levels - 1) * error).mean(-1)
        if self.output == "gaussian":
            mean, scale = predicted.unbind(-1)
            scaled = (target - mean) / scale
            return scale.log() + 0.5 * scaled.square() + 0.5 * math.log(2 * math.pi)
        point = predicted.squeeze(-1)
        if self.output == "mse":
            return (target - point).square()
        if self.output == "mae":
            return (target - point).abs()
        return functional.huber_loss(point, target, reduction="none")

    def decode(self, encoded: Encoded, batch: Batch) -> Prediction:
        """Point (B, L, K) and quantiles (B, L, K, Q), in encoded units."""
        predicted = self._answer(encoded, batch)
        if self.output == "quantiles":
            point, quantiles = predicted[..., self.levels.index(0.5)], predicted
        elif self.output == "gaussian":
            point, scale = predicted.unbind(-1)
            normal = torch.special.ndtri(predicted.new_tensor(self.levels))
            quantiles = point.unsqueeze(-1) + scale.unsqueeze(-1) * normal
        else:
            point = predicted.squeeze(-1)
            quantiles = predicted + self.errors
        return Prediction(point, quantiles, self.levels)

    @torch.no_grad()
    def calibrate(self, errors: Tensor) -> None:
        """Give point outputs an interval: the quantiles of errors made on unseen windows.

        Args:
            errors: (N, L, K) of actual minus point in encoded units, NaN where missing.
        """
        levels = errors.new_tensor(self.levels)
        spread = torch.nanquantile(errors, levels, dim=0).movedim(0, -1)
        self.errors.copy_(torch.nan_to_num(spread))


def _relative(value: Tensor, reference: Tensor | None) -> Tensor:
    return value if reference is None else value + reference


def check_output(output: str) -> Output:
    """The output if it is one; an ArgumentError that names the nearest otherwise."""
    if output not in get_args(Output):
        raise ArgumentError(f"output is {output!r}: {suggest(output, get_args(Output))}")
    return output  # type: ignore[return-value]


def check_levels(levels: Sequence[float]) -> tuple[float, ...]:
    """Rising levels in (0, 1) with 0.5 among them; an ArgumentError otherwise."""
    found = tuple(float(level) for level in levels)
    rising = all(low < high for low, high in itertools.pairwise(found))
    if not (found and rising and found[0] > 0 and found[-1] < 1 and 0.5 in found):
        raise ArgumentError(
            f"levels are {found}: they must rise, lie between 0 and 1, and contain 0.5"
        )
    return found
