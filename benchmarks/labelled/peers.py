"""A Transformer encoder in the recurrence's place: as many parameters, the same everything else."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor, nn

from longshort.contracts import Batch, Encoded, State
from longshort.heads.category import CategoryHead
from longshort.layers.encoder import RecurrentEncoder, parameter_count
from longshort.model import Model
from longshort.tasks.classify import Classifier
from longshort.tasks.labels.network import make_head

TRANSFORMER = "Transformer"
LAYERS, HEADS = 2, 4


class Attending(nn.Module):
    """torch's own encoder (Vaswani et al. 2017), norms first, on the same embedded steps.

    Places are told by sines and cosines; padding is not looked at.
    """

    def __init__(self, front: RecurrentEncoder, inputs: int, width: int) -> None:
        super().__init__()
        self.front, self.width = front, width
        self.into = nn.Linear(inputs, width)
        layer = nn.TransformerEncoderLayer(
            width, HEADS, 2 * width, front.dropout, "gelu", batch_first=True, norm_first=True
        )
        self.layers = nn.TransformerEncoder(layer, LAYERS, nn.LayerNorm(width), False)

    def forward(self, batch: Batch, state: State | None = None) -> Encoded:
        """Read the batch."""
        x, lengths = self.front.inputs(batch)
        steps = torch.arange(x.shape[1], device=x.device)
        hidden = steps[None] >= lengths[:, None].clamp_min(1)
        z = self.layers(self.into(x) + self._places(steps), src_key_padding_mask=hidden)
        return Encoded(z, (x, z), State(), lengths)

    def _places(self, steps: Tensor) -> Tensor:
        half = torch.arange(self.width // 2, device=steps.device)
        angle = steps[:, None] * torch.exp(-math.log(10_000) * 2 * half / self.width)
        return torch.cat([angle.sin(), angle.cos()], 1)


class Transformer(Classifier):
    """A Classifier with a Transformer encoder of as many parameters as its recurrence has."""

    def _network(self) -> Model:
        model = super()._network()
        wanted, front = parameter_count(model), model.encoder
        assert isinstance(front, RecurrentEncoder)
        inputs = front.stack.input_size
        del front.stack
        assert isinstance(model.head, CategoryHead)

        def made(width: int) -> Model:
            classes = len(self.known_.classes.names)
            weights = getattr(self, "_weights", None)
            head = make_head(self.head, width, classes, weights)
            return Model(Attending(front, inputs, width), head)

        sizes = range(HEADS, 513, HEADS)

        def off(width: int) -> int:
            with torch.device("meta"):
                return abs(parameter_count(made(width)) - wanted)

        return made(min(sizes, key=off))


def transformed(model: Any) -> Transformer:
    """The same settings with a Transformer encoder."""
    return Transformer(**model.get_params(deep=False))
