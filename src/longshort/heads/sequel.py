r"""The next values of a series, after every step, for whoever learns from series without labels.

With z_t the encoding of a step and x_t its K values (the last ones seen, where they are missing),

    a_{t,l} = W_l z_t + b_l,     l = 1 .. L

tells x_{t+l} relative to x_t, as ``heads.distributions`` says. Of a stack of one layer that reads
both ways, the half that reads backwards tells x_{t-l} of what comes after it, by weights of its
own: neither half has seen what it tells. All values of a piece are scored at once; missing ones
are not.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

import torch
from torch import Tensor, nn

from longshort.contracts import Batch, Encoded, Loss, Params, Prediction, whole
from longshort.errors import ArgumentError, suggest
from longshort.heads.base import Head, masked, scored
from longshort.heads.distributions import LEVELS, family

Told = Literal["gaussian", "student-t", "quantiles", "mse", "mae", "huber"]

# steps ahead that are told at most
_MOST = 1000


@dataclass(frozen=True)
class Sequel(Params):
    """What is told of the values to come.

    Args:
        output: "gaussian" or "student-t" (nats), "quantiles" (pinball loss), "mse", "mae", "huber".
        steps: L, the next so many values.

    Raises:
        ArgumentError: a value out of range.
    """

    output: Told = "student-t"
    steps: int = 1

    def __post_init__(self) -> None:
        if self.output not in get_args(Told):
            known = suggest(str(self.output), get_args(Told))
            raise ArgumentError(f"Sequel(output={self.output!r}): {known}")
        if whole("Sequel(steps)", self.steps, 1) > _MOST:
            raise ArgumentError(f"Sequel(steps={self.steps}): must be 1 to {_MOST}")
        self._whole(1, "steps")


class SequelHead(Head):
    """The next L values of K channels, after every step.

    A batch's targets are the values themselves (B, T, K), its mask which of them were seen, and its
    reference what was last seen of each channel.

    Args:
        size: H, width of one direction's encoding.
        channels: K.
        sequel: the settings.
        both: a second half of the encoding reads backwards.
    """

    def __init__(self, size: int, channels: int, sequel: Sequel, *, both: bool = False) -> None:
        super().__init__()
        self.size, self.channels, self.steps = size, channels, sequel.steps
        self.family = family(sequel.output, LEVELS)
        self.unit = self.family.unit
        answers = sequel.steps * channels * self.family.width
        self.readouts = nn.ModuleList(nn.Linear(size, answers) for _ in range(1 + both))
        with torch.no_grad():
            for name, own in self.readouts.named_parameters():
                # the first answers are close to what was last seen
                own.mul_(0.1 if name.endswith("weight") else 0)

    def parameters_after(self, encoded: Encoded, batch: Batch, direction: int = 0) -> Tensor:
        """(B, T, L, K, P) of the output's family for the values after each step.

        Args:
            encoded: of B rows of T steps.
            batch: its reference is (B, T, K).
            direction: 1 for the values before each step, told by what comes after them.
        """
        z = encoded.z[..., direction * self.size : (direction + 1) * self.size]
        shape = *z.shape[:2], self.steps, self.channels, self.family.width
        raw = self.readouts[direction](z).view(shape)
        if batch.reference is None:
            raise ValueError("the batch does not tell the values that answers are relative to")
        reference = batch.reference.unsqueeze(2).expand(shape[:-1])
        return self.family.parameters(raw, reference, None)

    def losses(self, encoded: Encoded, batch: Batch, direction: int = 0) -> tuple[Tensor, Tensor]:
        """(B, T, L, K) in ``unit`` of each value that was to be told, and which of them count."""
        values, _ = scored(batch)
        seen = batch.target_mask
        if seen is None:
            seen = torch.ones_like(values, dtype=torch.bool)
        sign = -1 if direction else 1
        moved = [sign * step for step in range(1, self.steps + 1)]
        target = torch.stack([_moved(values, step) for step in moved], 2)
        known = torch.stack([_moved(seen, step) for step in moved], 2)
        if direction:
            # what is missing is read as the value before it, which is to be told
            known = known & seen.unsqueeze(2)
        parameters = self.parameters_after(encoded, batch, direction)
        return self.family.loss(parameters, target), known

    def loss(self, encoded: Encoded, batch: Batch) -> Loss:
        """Loss of all values that are told, by both directions where there are two."""
        parts = [masked(*self.losses(encoded, batch, at)) for at in range(len(self.readouts))]
        total = torch.stack([part.total for part in parts]).sum()
        return Loss(total, torch.stack([part.count for part in parts]).sum())

    def decode(self, encoded: Encoded, batch: Batch) -> Prediction:
        """Point (B, L, K) and quantiles (B, L, K, Q) of the values after the last step, encoded."""
        assert batch.reference is not None
        index = (batch.lengths - 1).clamp(min=0).view(-1, 1, 1)
        last = batch.reference.gather(1, index.expand(-1, 1, self.channels))
        parameters = self.parameters_after(encoded.last(), batch.replace(reference=last))[:, 0]
        levels = torch.tensor(LEVELS, dtype=torch.float64, device=encoded.z.device)
        quantiles = self.family.quantiles(parameters, levels)
        return Prediction(self.family.point(parameters), quantiles, LEVELS)


def _moved(x: Tensor, step: int) -> Tensor:
    """At each step of (B, T, ...) what is there ``step`` steps later; nothing beyond the ends."""
    found = torch.zeros_like(x)
    if abs(step) < x.shape[1]:
        if step > 0:
            found[:, :-step] = x[:, step:]
        else:
            found[:, -step:] = x[:, :step]
    return found
