"""The only trunk in the package: embedded fields through a recurrent stack."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import get_args

import torch
from torch import nn

from longshort.contracts import Batch, Encoded, Params, State, whole
from longshort.errors import ArgumentError, suggest
from longshort.layers.embed import Embed
from longshort.layers.initial import Method
from longshort.layers.masks import dropped
from longshort.layers.recurrent import LSTM

# far beyond any stack that was ever trained, and a second's work to build
MOST_LAYERS = 1000


@dataclass(frozen=True)
class Recurrent(Params):
    """The recurrent stack.

    Args:
        size: H, units per layer and direction.
        depth: layers, 1 to 1000.
        bidirectional: read both ways; not for models that stream.
        dropout: share of each step's inputs to the stack, of the values between its layers, and
            of its outputs that training sets to zero, 0 to 1 (1 excluded).
        init: "torch", "glorot", "he" or "orthogonal" (see ``longshort.layers.initial``).
        forget_bias: what the forget gates start with; 1 or more keeps memory open at first
            (Gers et al. 2000, Jozefowicz et al. 2015). None leaves it to ``init``.

    Raises:
        ArgumentError: a value out of range.
    """

    size: int = 32
    depth: int = 1
    bidirectional: bool = False
    dropout: float = 0.4
    init: Method = "torch"
    forget_bias: float | None = 1.0

    def __post_init__(self) -> None:
        for name in ("size", "depth"):
            whole(f"Recurrent({name})", getattr(self, name), 1)
        self._whole(1, "size", "depth")
        if self.depth > MOST_LAYERS:
            raise ArgumentError(f"Recurrent(depth={self.depth}): must be 1 to {MOST_LAYERS}")
        if self.forget_bias is not None and not math.isfinite(self.forget_bias):
            raise ArgumentError(f"Recurrent(forget_bias={self.forget_bias}): must be finite")
        if not 0 <= self.dropout < 1:
            raise ArgumentError(f"Recurrent(dropout={self.dropout}): must be in 0 to 1, 1 excluded")
        if self.init not in get_args(Method):
            known = get_args(Method)
            raise ArgumentError(f"Recurrent(init={self.init!r}): {suggest(self.init, known)}")

    @property
    def width(self) -> int:
        """Width of the encoding: H * directions."""
        return self.size * (2 if self.bidirectional else 1)


class RecurrentEncoder(nn.Module):
    """Embed, then the stack: Batch -> Encoded, from an empty or a given state.

    The state holds ``h`` and ``c``, each (B, layers * directions, H).
    """

    def __init__(self, embed: Embed, recurrent: Recurrent) -> None:
        super().__init__()
        self.embed = embed
        self.dropout = recurrent.dropout
        self.lstm = LSTM(
            embed.width,
            recurrent.size,
            recurrent.depth,
            batch_first=True,
            dropout=recurrent.dropout if recurrent.depth > 1 else 0.0,
            bidirectional=recurrent.bidirectional,
            init=recurrent.init,
            forget_bias=recurrent.forget_bias,
        )

    def forward(self, batch: Batch, state: State | None = None) -> Encoded:
        """Read the batch; ``state`` is what an earlier call ended with (forward stacks only)."""
        x = embedded = self.embed(batch)
        dropping = self.training and self.dropout > 0
        # one draw a call from torch's default generator, as torch's own dropout would
        seed = int(torch.randint(2**62, ())) if dropping else 0
        if dropping:
            x = dropped(x, seed, -1, self.dropout, batch.row)
        hx = None
        if state is not None and len(state):
            if self.lstm.bidirectional:
                raise ValueError(
                    "a stack that reads both ways begins at each sequence's end, so there is no "
                    "state to go on from: use bidirectional=False, or read whole sequences"
                )
            hx = (state.tensor("h").transpose(0, 1), state.tensor("c").transpose(0, 1))
        outputs, (h, c) = self.lstm.layers(x, hx, lengths=batch.lengths, row=batch.row)
        z = outputs[-1]
        if dropping:
            z = dropped(z, seed, -2, self.dropout, batch.row)
        end = State({"h": h.transpose(0, 1), "c": c.transpose(0, 1)})
        return Encoded(z, (embedded, *outputs[:-1], z), end, batch.lengths)


def parameter_count(module: nn.Module) -> int:
    """How many numbers training adjusts."""
    return sum(p.numel() for p in module.parameters() if p.requires_grad)


def step_cost(encoder: nn.Module) -> int:
    """Multiply-adds of one time step of one row through a trunk's matrices.

    Looking a symbol up in its table costs none.
    """
    tables = {id(m.weight) for m in encoder.modules() if isinstance(m, nn.Embedding)}
    matrices = [p for p in encoder.parameters() if p.dim() == 2 and id(p) not in tables]
    return sum(math.prod(matrix.shape) for matrix in matrices)
