r"""A small Transformer encoder over embedded fields, to stand beside a recurrent one.

    x = W e + positions,    each layer:  x = x + attention(norm(x)),   x = x + W2 gelu(W1 norm(x))

with sinusoidal positions and several heads of attention (Vaswani et al. 2017), norms in front of
each part (Xiong et al. 2020), and padding never attended to.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from longshort.contracts import Batch, Encoded, Params, State, within
from longshort.errors import ArgumentError
from longshort.layers.embed import Embed
from longshort.layers.masks import dropped


@dataclass(frozen=True)
class Attention(Params):
    """The layers of a Transformer encoder.

    Args:
        size: width of a step, a multiple of ``heads`` and even.
        depth: layers.
        heads: of attention in each layer.
        dropout: share of each part's answer that training sets to zero, 0 to 1 (1 excluded).

    Raises:
        ArgumentError: a value out of range.
    """

    size: int = 64
    depth: int = 2
    heads: int = 4
    dropout: float = 0.1

    def __post_init__(self) -> None:
        self._whole(1, "size", "depth", "heads")
        if self.size % self.heads or self.size % 2:
            raise ArgumentError(
                f"Attention(size={self.size}, heads={self.heads}): the size must be even, and a "
                "multiple of the heads"
            )
        if not 0 <= self.dropout < 1:
            raise ArgumentError(f"Attention(dropout={self.dropout}): must be in 0 to 1, 1 excluded")


class TransformerEncoder(nn.Module):
    """Embed, then layers of attention: Batch -> Encoded; there is no state to go on from.

    Args:
        embed: of the fields.
        attention: the layers.
    """

    def __init__(self, embed: Embed, attention: Attention) -> None:
        super().__init__()
        self.embed, self.attention = embed, attention
        self.into = nn.Linear(embed.width, attention.size)
        self.layers = nn.ModuleList(_Layer(attention) for _ in range(attention.depth))
        self.norm = nn.LayerNorm(attention.size)

    def forward(self, batch: Batch, state: State | None = None) -> Encoded:
        """Read the batch.

        Raises:
            ValueError: a state is given.
        """
        if state is not None and len(state):
            raise ValueError("a Transformer encoder reads whole sequences: it has no state")
        embedded = self.embed(batch)
        inside = within(batch.lengths, embedded.shape[1])
        x = self.into(embedded) + positions(embedded.shape[1], self.attention.size, embedded)
        # one draw a call from torch's default generator, as torch's own dropout would
        share = self.attention.dropout if self.training else 0.0
        seed = int(torch.randint(2**62, ())) if share else 0
        # a row without steps looks at its padding, which nobody reads
        seen = (inside | ~inside.any(1, keepdim=True))[:, None, None, :]
        for place, layer in enumerate(self.layers):
            x = layer(x, seen, share, seed, place, batch.row)
        z = self.norm(x)
        return Encoded(z, (embedded, z), State(), batch.lengths)


class _Layer(nn.Module):
    """One layer: attention, then a network over each step."""

    def __init__(self, attention: Attention) -> None:
        super().__init__()
        size = attention.size
        self.heads = attention.heads
        self.before, self.between = nn.LayerNorm(size), nn.LayerNorm(size)
        self.look, self.answer = nn.Linear(size, 3 * size), nn.Linear(size, size)
        self.widen, self.narrow = nn.Linear(size, 4 * size), nn.Linear(4 * size, size)

    def forward(
        self, x: Tensor, seen: Tensor, share: float, seed: int, place: int, row: int
    ) -> Tensor:
        """(B, T, size) from the same; ``seen`` (B, 1, 1, T) says where attention may look."""
        rows, steps, size = x.shape
        parts = self.look(self.before(x)).view(rows, steps, 3, self.heads, size // self.heads)
        query, key, value = parts.permute(2, 0, 3, 1, 4)
        found = functional.scaled_dot_product_attention(query, key, value, attn_mask=seen)
        told = self.answer(found.transpose(1, 2).reshape(rows, steps, size))
        if share:
            told = dropped(told, seed, 2 * place, share, row)
        x = x + told
        told = self.narrow(functional.gelu(self.widen(self.between(x))))
        if share:
            told = dropped(told, seed, 2 * place + 1, share, row)
        whole: Tensor = x + told
        return whole


def positions(steps: int, size: int, like: Tensor) -> Tensor:
    """(T, size): sines and cosines of each step at wave lengths from 2 pi to 20,000 pi."""
    rate = torch.exp(
        torch.arange(0, size, 2, device=like.device) * (-math.log(10_000.0) / size)
    ).to(like.dtype)
    angle = torch.arange(steps, device=like.device, dtype=like.dtype)[:, None] * rate
    return torch.stack([angle.sin(), angle.cos()], 2).reshape(steps, size)
