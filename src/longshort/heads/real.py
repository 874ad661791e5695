r"""Real-valued answers over a horizon, as points, quantiles or distributions.

With a the read-out of the last hidden state z_T, the last inputs x_T and the known future k_l,

    a_l = W_l z_T + V_l x_T + U_l k_l + b_l                              l = 1 .. L

and what a says of the target is the output's own, see ``heads.distributions``. The straight path
from x_T lets the network say what a line can say and spend its units on the rest (the
autoregressive component of LSTNet, Lai et al. 2018). Instead of V, or beside it, the middle of the
answer may have a line through the whole context of each target, y_t, less its last value where
forecasts are relative to it (NLinear, Zeng et al. 2023):

    a_l,place += sum over t of A_l,t (y_t - y_T)                         t = 1 .. T

or, where differences from a season before are read, these in place of y_t - y_T.
Where targets are read one by one, W, V, U, b and A are the same for all of them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from torch import Tensor, nn

from longshort.contracts import Batch, Encoded, Loss, Prediction
from longshort.heads.base import Head, masked, scored
from longshort.heads.distributions import LEVELS, Output, check_levels, check_output, family
from longshort.layers.channels import centre
from longshort.layers.embed import Embed
from longshort.layers.stem import frames


def at_levels(values: Tensor, known: Sequence[float], levels: Tensor) -> Tensor:
    """Values (..., P) at the ``known`` levels, read at other ones, (..., Q): straight between."""
    if len(known) == len(levels) and list(known) == levels.tolist():
        return values
    told = levels.cpu().numpy()
    weights = np.stack([np.interp(told, known, one) for one in np.eye(len(known))])
    return values @ torch.from_numpy(weights).to(values)


class RealHead(Head):
    """L future values of K targets from the last encoded step.

    Args:
        size: width of the encoding, H * directions.
        horizon: L, steps answered at once (1 or more).
        targets: K.
        output: which distribution or loss, see ``heads.distributions``.
        levels: Q quantile levels, rising, each in (0, 1), 0.5 among them.
        inputs: width of one step's embedded inputs, ``encoded.layers[0]``; 0 leaves V out.
        future: width of ``batch.future["numbers"]``; 0 where no number is known in advance.
        context: T, the last steps of K columns of ``batch.inputs["numbers"]`` that A reads; 0
            leaves A out.
        relative: whether A reads them less their last value, where they are the targets.
        first: the first of these columns; the targets' differences from a season before, if it is
            above 0.
        shared: the encoding holds K channels side by side, each one of ``size`` (and its inputs
            of ``inputs``), and every target is answered from its own.
        symbols: (vocabulary size, embedding width) of each group of symbols in ``batch.future``.

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
        context: int = 0,
        *,
        relative: bool = True,
        first: int = 0,
        shared: bool = False,
        symbols: Mapping[str, tuple[int, int]] | None = None,
    ) -> None:
        super().__init__()
        self.output = check_output(output)
        self.levels = check_levels(levels)
        self.horizon, self.targets = horizon, targets
        self.family = family(self.output, self.levels)
        self.unit = self.family.unit
        width = self.width = self.family.width
        self.context, self.first, self.relative = context, first, relative and not first
        # C channels answer K / C targets each
        self.channels = targets if shared else 1
        answers = horizon * (targets // self.channels) * width
        self.readout = nn.Linear(size, answers)
        # zeros, and a small read-out: the first forecasts are close to the reference
        self.straight = nn.Linear(inputs, answers, bias=False) if inputs else None
        each = targets // self.channels * width
        self.ahead = Embed({"numbers": future} if future else None, symbols)
        known = self.ahead.width
        self.known = nn.Parameter(torch.zeros(horizon, known, each)) if known else None
        lines = 1 if shared else targets
        self.line = nn.Parameter(torch.zeros(lines, horizon, context)) if context else None
        with torch.no_grad():
            self.readout.weight.mul_(0.1)
            self.readout.bias.zero_()
            if self.straight is not None:
                self.straight.weight.zero_()
        # what is added to the quantiles, learnt after training: see calibrate
        self.register_buffer("errors", torch.zeros(horizon, targets, len(self.levels)))
        self.errors: Tensor

    def _affine(self, encoded: Encoded, batch: Batch) -> Tensor:
        last, rows = encoded.last(), len(encoded.lengths)

        def apart(z: Tensor) -> Tensor:
            return z.view(rows, self.channels, z.shape[2] // self.channels)

        raw: Tensor = self.readout(apart(last.z))
        if self.straight is not None:
            raw = raw + self.straight(apart(last.layers[0]))
        raw = raw.view(rows, self.channels, self.horizon, raw.shape[2] // self.horizon)
        if self.known is not None:
            known = self.ahead(batch.replace(inputs=batch.future))
            raw = raw + torch.einsum("blf,lfk->blk", known, self.known).unsqueeze(1)
        # (B, C, L, K / C * W) to (B, L, K, W)
        raw = raw.transpose(1, 2).reshape(rows, self.horizon, self.targets, self.width)
        if self.line is None:
            return raw
        place = self.family.place
        line = self._line(batch).unsqueeze(3)
        return raw + nn.functional.pad(line, (place, self.width - 1 - place))

    def _line(self, batch: Batch) -> Tensor:
        """(B, L, K) what the context of each target says."""
        assert self.line is not None
        own = batch.inputs["numbers"][..., self.first : self.first + self.targets]
        own = centre(own, batch.lengths, self.targets if self.relative else 0)
        # what lies before the beginning of a row says nothing
        whole, _ = frames(own, batch.lengths, self.context, max(self.context, own.shape[1]))
        whole = whole.view(len(own), self.context, self.targets)
        found: Tensor = torch.einsum("btk,klt->blk", whole, self.line.expand(self.targets, -1, -1))
        return found

    def _answer(self, encoded: Encoded, batch: Batch) -> Tensor:
        """(B, L, K, P) parameters of the output's family."""
        if batch.reference is not None and batch.reference.shape[1] != self.horizon:
            raise ValueError(
                f"the head answers {self.horizon} steps, and the batch has a reference for "
                f"{batch.reference.shape[1]}"
            )
        scale = None if batch.scale is None else batch.scale.unsqueeze(1)
        return self.family.parameters(self._affine(encoded, batch), batch.reference, scale)

    def loss(self, encoded: Encoded, batch: Batch) -> Loss:
        """Loss per scored value; ``batch.targets`` is (B, L, K), its mask alike."""
        target, mask = scored(batch)
        losses = self.family.loss(self._answer(encoded, batch), target)
        return masked(losses.to(target.dtype), mask)

    def decode(self, encoded: Encoded, batch: Batch) -> Prediction:
        """Point (B, L, K) and quantiles (B, L, K, Q), in encoded units."""
        levels = torch.tensor(self.levels, dtype=torch.float64, device=encoded.z.device)
        return self.spread(encoded, batch, levels)

    def spread(self, encoded: Encoded, batch: Batch, levels: Tensor) -> Prediction:
        """Point (B, L, K) and quantiles (B, L, K, Q) at any levels (Q,), in encoded units."""
        parameters = self._answer(encoded, batch)
        quantiles = self.calibrated(self.family.quantiles(parameters, levels), levels)
        return Prediction(self.family.point(parameters), quantiles, tuple(levels.tolist()))

    def calibrated(self, quantiles: Tensor, levels: Tensor) -> Tensor:
        """Quantiles (B, L, K, Q) at ``levels`` (Q,), rising, with what calibration adds to each.

        Between the levels that were calibrated it lies on straight lines, beyond them and beyond
        the last step it is that of the last. An outer quantile that would cross an inner one stops
        there.
        """
        steps = torch.arange(quantiles.shape[1], device=levels.device)
        shifts = self.errors[steps.clamp(max=len(self.errors) - 1)]
        moved = quantiles + at_levels(shifts, self.levels, levels)
        middle = min(int((levels < 0.5 - 1e-9).sum()), len(levels) - 1)
        upper = moved[..., middle:].cummax(-1).values
        lower = moved[..., : middle + 1].flip(-1).cummin(-1).values.flip(-1)
        return torch.cat([lower[..., :-1], upper], -1)

    @torch.no_grad()
    def calibrate(self, shifts: Tensor) -> None:
        """Add a constant to each quantile from now on; see ``heads.conformal.shifts``.

        Args:
            shifts: (L, K, Q) in encoded units, kept with the weights.
        """
        self.errors.copy_(shifts)
