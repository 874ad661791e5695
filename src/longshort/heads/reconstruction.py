r"""The rows of a window, told again from a few numbers that the window was put into.

With z_T the encoding of a window of T rows of K values,

    code = tanh(A z_T),    v_s = LSTM(code, .., code)_s,    a_{T+1-s} = W v_s + b,    s = 1 .. T

and a_t says of the window's own row t what ``heads.distributions`` makes of it. What is usual fits
through the narrow code, and what is not is told badly (Malhotra et al. 2016). Rows are told from
the last to the first, since the end is what an encoding remembers best (Srivastava et al. 2015).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from longshort.contracts import Batch, Encoded, Loss, Prediction
from longshort.heads.base import Head, masked
from longshort.heads.distributions import LEVELS, Output, family
from longshort.layers.recurrent import LSTM


class ReconstructionHead(Head):
    """K values of every row of a window; the targets are the first K columns that were read.

    Args:
        size: H, width of the encoding.
        targets: K.
        code: numbers that a window is put into.
        output: which distribution, see ``heads.distributions``.
        masks: of targets that may be missing, the column of ``batch.inputs["numbers"]`` which says
            that one was there.
    """

    def __init__(
        self, size: int, targets: int, code: int, output: Output, masks: dict[int, int]
    ) -> None:
        super().__init__()
        self.targets, self.masks = targets, dict(masks)
        self.family = family(output, LEVELS)
        self.unit = self.family.unit
        self.squeeze = nn.Linear(size, code)
        self.decoder = LSTM(code, size, batch_first=True)
        self.readout = nn.Linear(size, targets * self.family.width)

    def parameters_of(self, encoded: Encoded) -> Tensor:
        """(B, T, K, P) of the output's family for every row of full windows."""
        rows, steps = encoded.z.shape[:2]
        code = torch.tanh(self.squeeze(encoded.last().z[:, 0]))
        told, _ = self.decoder(code.unsqueeze(1).expand(-1, steps, -1).contiguous())
        raw = self.readout(told.flip(1)).view(rows, steps, self.targets, self.family.width)
        return self.family.parameters(raw, None, None)

    def losses(self, encoded: Encoded, batch: Batch) -> tuple[Tensor, Tensor]:
        """(B, T, K) in ``unit`` of each value, and which of them were there."""
        numbers = batch.inputs["numbers"]
        values = numbers[..., : self.targets]
        there = torch.ones_like(values, dtype=torch.bool)
        for target, column in self.masks.items():
            there[..., target] = numbers[..., column] > 0
        return self.family.loss(self.parameters_of(encoded), values), there

    def loss(self, encoded: Encoded, batch: Batch) -> Loss:
        """Loss per value that was there."""
        return masked(*self.losses(encoded, batch))

    def decode(self, encoded: Encoded, batch: Batch) -> Prediction:
        """Point (B, T, K) of every row, encoded."""
        return Prediction(self.family.point(self.parameters_of(encoded)))
