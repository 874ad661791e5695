"""One stack that reads a text forwards and another that reads it backwards."""

from __future__ import annotations

from typing import Literal

import torch
from torch import nn

from longshort.contracts import Batch, Encoded, State
from longshort.data.chunks import ways
from longshort.layers.embed import Embed
from longshort.layers.encoder import Recurrent, RecurrentEncoder

Direction = Literal["forward", "backward"]


class BothWays(nn.Module):
    r"""Two separate stacks over one embedding (ELMo, Peters et al. 2018).

        forwards_t = stack(x_1, .., x_t),    backwards_t = stack'(x_N, .., x_t)

    No layer of one ever reads what the other has read, so that neither sees what it foretells: the
    symbol after, and the symbol before.

    The state is that of both, ``forwards`` and ``backwards``. Of batches that are read both ways
    (see ``data.chunks``), the encoding is (B, T, 2 W), layer by layer what was read forwards and
    then what was read backwards, each in the order that it was read in. Batches of "symbols" alone
    are read forwards alone, into (B, T, W).

    Args:
        lookup: what the symbols are as numbers.
        recurrent: each of the two stacks.
    """

    def __init__(self, lookup: Embed, recurrent: Recurrent) -> None:
        super().__init__()
        self.forwards = RecurrentEncoder(lookup, recurrent)
        self.backwards = RecurrentEncoder(lookup, recurrent)
        # the embedding is the forward stack's: it is neither saved nor trained twice
        del self.backwards.embed
        self.backwards.__dict__["embed"] = lookup

    @property
    def lookup(self) -> Embed:
        """What both stacks read."""
        return self.forwards.embed

    def forward(self, batch: Batch, state: State | None = None) -> Encoded:
        """Read the batch; ``state`` is what an earlier call ended with."""
        found: dict[str, Encoded] = {}
        trunks = {"forwards": self.forwards, "backwards": self.backwards}
        for (name, trunk), part in zip(trunks.items(), ways(batch), strict=False):
            below = None if state is None else part.carried(state.part(name))
            found[name] = trunk(part, below)
        each = [encoded.layers for encoded in found.values()]
        layers = tuple(torch.cat(same, -1) for same in zip(*each, strict=True))
        ends = State({name: encoded.state for name, encoded in found.items()})
        return Encoded(layers[-1], layers, ends, batch.lengths)


def one_way(encoder: nn.Module, direction: Direction = "forward") -> RecurrentEncoder:
    """The stack of a language model's trunk that reads a text in that direction.

    Raises:
        ValueError: the trunk has none.
    """
    if isinstance(encoder, BothWays):
        return encoder.forwards if direction == "forward" else encoder.backwards
    if isinstance(encoder, RecurrentEncoder) and direction == "forward":
        return encoder
    raise ValueError(f"a {type(encoder).__name__} has no stack that reads a text {direction}")
