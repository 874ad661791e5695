"""Networks that stand beside the LSTM: a Transformer encoder, and no network at all."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from longshort import Forecaster
from longshort.contracts import Batch, Encoded, State
from longshort.layers.channels import Channels
from longshort.layers.encoder import RecurrentEncoder, parameter_count
from longshort.layers.stem import frames
from longshort.model import Model

LAYERS, HEADS = 2, 4


class Trunk(nn.Module):
    """What a recurrence reads, read by something else; states are not carried on."""

    def __init__(self, encoder: RecurrentEncoder) -> None:
        super().__init__()
        del encoder.stack
        self.front = encoder

    def inputs(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """(B, T, F) and lengths."""
        return self.front.inputs(batch)

    def forward(self, batch: Batch, state: State | None = None) -> Encoded:
        """Read the batch."""
        x, lengths = self.inputs(batch)
        embedded, _ = frames(self.front.embed(batch), batch.lengths, 1, self.front.segment)
        z = self.read(x)
        return Encoded(z, (embedded, z), State(), lengths)

    def read(self, x: Tensor) -> Tensor:
        """(B, T, width)."""
        raise NotImplementedError


class Attention(Trunk):
    """torch's own Transformer encoder over the same steps (Vaswani et al. 2017), norms first."""

    def __init__(self, encoder: RecurrentEncoder, width: int, steps: int) -> None:
        inputs = encoder.stack.input_size
        super().__init__(encoder)
        self.into = nn.Linear(inputs, width)
        self.place = nn.Parameter(0.02 * torch.randn(steps, width))
        layer = nn.TransformerEncoderLayer(
            width, HEADS, 2 * width, encoder.dropout, "gelu", batch_first=True, norm_first=True
        )
        self.layers = nn.TransformerEncoder(layer, LAYERS, enable_nested_tensor=False)

    def read(self, x: Tensor) -> Tensor:
        """Every step looks at every one of the context."""
        found: Tensor = self.layers(self.into(x) + self.place)
        return found


class Nothing(Trunk):
    """Zeros: what is left is the linear path past the recurrence."""

    def read(self, x: Tensor) -> Tensor:
        """(B, T, 1) of zeros."""
        return x.new_zeros(*x.shape[:2], 1)


def swapped(model: Model, make: Callable[[RecurrentEncoder], Trunk]) -> Model:
    """The model with another trunk in the recurrence's place."""
    if isinstance(model.encoder, Channels):
        model.encoder.encoder = make(model.encoder.encoder)  # type: ignore[arg-type]
    else:
        model.encoder = make(model.encoder)  # type: ignore[arg-type]
    return model


class Transformer(Forecaster):
    """A Forecaster with a Transformer encoder of ``recurrent.size`` numbers a step."""

    def _network(self) -> Model:
        size = self.recurrent.size
        steps = -(-self.encoding_.context // self.decoder.segment)
        return swapped(super()._network(), lambda encoder: Attention(encoder, size, steps))


class Alone(Forecaster):
    """A Forecaster that is its highway and nothing else; ``recurrent.size`` is 1."""

    def _network(self) -> Model:
        return swapped(super()._network(), Nothing)


def parameters(kind: type[Forecaster], data: Any, settings: dict[str, Any]) -> int:
    """How many numbers a network of these settings learns."""
    probe = kind(**settings)
    probe._learn(data)
    with torch.device("meta"):
        return parameter_count(probe._network())


def matched(kind: type[Forecaster], data: Any, settings: dict[str, Any], count: int) -> int:
    """The size at which such a network has about ``count`` parameters."""
    sizes = range(HEADS, 257, HEADS if kind is Transformer else 1)
    recurrent = settings["recurrent"]

    def off(size: int) -> int:
        given = {**settings, "recurrent": recurrent.set_params(size=size)}
        return abs(parameters(kind, data, given) - count)

    # the number of parameters rises with the size
    low, high = 0, len(sizes) - 1
    while high - low > 1:
        middle = (low + high) // 2
        given = {**settings, "recurrent": recurrent.set_params(size=sizes[middle])}
        if parameters(kind, data, given) > count:
            high = middle
        else:
            low = middle
    return min(sizes[low], sizes[high], key=off)
