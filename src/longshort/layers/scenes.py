"""Pictures as the parts that a decoder looks at: by a small convolutional network, or as given."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from longshort.contracts import Batch, Encoded, State
from longshort.data.readings.scenes import SCENE, SceneReading
from longshort.layers.masks import dropped

# convolutions, each of which halves a picture's sides
_DEPTH = 4


class SceneEncoder(nn.Module):
    """Batch -> Encoded without a state: z (B, P, width), a step of each part of a picture.

    Of pixels the parts are a grid of size / 16 on each side (after Xu et al. 2015, whose backbone
    is larger); features are projected as they are.

    Args:
        reading: of the pictures.
        dropout: share of z that training sets to zero.
    """

    def __init__(self, reading: SceneReading, dropout: float) -> None:
        super().__init__()
        settings, self.dropout = reading.scenes, dropout
        self.size, self.flip = settings.size, settings.flip
        self.convolutions: nn.Sequential | None = None
        width = reading.features
        if width is None:
            layers: list[nn.Module] = []
            before, after = 3, settings.channels
            for _ in range(_DEPTH):
                layers += [
                    nn.Conv2d(before, after, 3, stride=2, padding=1),
                    nn.GroupNorm(1, after),
                    nn.ReLU(),
                ]
                before, after = after, 2 * after
            self.convolutions, width = nn.Sequential(*layers), before
        self.project = nn.Linear(width, settings.width)

    def forward(self, batch: Batch, state: State | None = None) -> Encoded:
        """Read pictures; there is no state to go on from."""
        x, lengths = batch.inputs[SCENE], batch.lengths
        seed = int(torch.randint(2**62, ())) if self.training else 0
        if self.convolutions is not None:
            rows = x.shape[0]
            pixels = x.view(rows, self.size, self.size, 3).permute(0, 3, 1, 2)
            if self.training and self.flip:
                turned = dropped(x.new_ones(rows), seed, 0, 0.5, batch.row) > 0
                pixels = torch.where(turned.view(-1, 1, 1, 1), pixels.flip(3), pixels)
            x = self.convolutions(pixels).flatten(2).transpose(1, 2)
            lengths = lengths.new_full((rows,), x.shape[1])
        z: Tensor = functional.relu(self.project(x))
        if self.training and self.dropout > 0:
            z = dropped(z, seed, 1, self.dropout, batch.row)
        return Encoded(z, (x, z), State(), lengths)
