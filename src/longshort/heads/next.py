r"""The next symbol of a sequence, after every step.

With z_t the encoding of a step, E the table that symbols are looked up in, and P and b learnt,

    tied       p(x_{t+1}) = softmax(E P z_t + b)       Press and Wolf 2017; Inan et al. 2017
    plain      p(x_{t+1}) = softmax(W z_t + b)
    adaptive   frequent symbols by a softmax of their own, rare ones in two steps, by the group
               they are in and then within it       Grave, Joulin, Cisse, Grangier and Jegou 2017

P is left out where z_t is as wide as a row of E. While training, all steps are scored at once, each
after what really came before it, and the loss has two more terms (Merity et al. 2018), AR and TAR:

    loss = mean_t -log p(x_{t+1}) + activation * mean z_t^2 + slowness * mean (z_{t+1} - z_t)^2
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, get_args

import torch
from torch import Tensor, nn
from torch.nn import functional

from longshort.contracts import Batch, Encoded, Loss, Params, Prediction, within
from longshort.data.chunks import ways
from longshort.errors import ArgumentError, suggest
from longshort.heads.base import Head, masked
from longshort.layers.lookup import Lookup
from longshort.layers.spelled import Spelled, refuse_sizes

Output = Literal["tied", "plain", "adaptive"]
Spellings = Literal["none", "cnn"]

# where groups of rarer symbols begin, as far as there are so many
_CUTOFFS = (2000, 10000, 50000)


@dataclass(frozen=True)
class Next(Params):
    """How the next symbol is told.

    Args:
        output: "tied", "plain" or "adaptive", see this module's page.
        characters: "none", or "cnn": words become numbers by how they are written (Peters et al.
            2018; see ``layers.spelled``), unknown ones too, and not by a table. It needs another
            output than the tied one.
        filters: of "cnn", pairs: how many letters are seen at once, and by how many filters.
        highways: of "cnn", the highway layers behind the filters, 0 to 100.
        embedding: E, how many numbers a symbol becomes; None for 64 where there are fewer than 300
            symbols, and for as many as a layer answers where there are more.
        embedding_dropout: share of the symbols that training reads as nothing.
        activation, slowness: weights of AR and TAR.

    Raises:
        ArgumentError: a value out of range.
    """

    output: Output = "tied"
    embedding: int | None = None
    embedding_dropout: float = 0.0
    activation: float = 0.0
    slowness: float = 0.0
    characters: Spellings = "none"
    filters: tuple[tuple[int, int], ...] = ((1, 16), (2, 32), (3, 64), (4, 64), (5, 64))
    highways: int = 2

    def __post_init__(self) -> None:
        if self.output not in get_args(Output):
            known = suggest(self.output, get_args(Output))
            raise ArgumentError(f"Next(output={self.output!r}): {known}")
        if self.characters not in get_args(Spellings):
            known = suggest(self.characters, get_args(Spellings))
            raise ArgumentError(f"Next(characters={self.characters!r}): {known}")
        if self.characters != "none" and self.output == "tied":
            raise ArgumentError(
                f"Next(characters={self.characters!r}, output='tied'): words that have no table "
                "share none with the read-out; use output='plain' (--output plain) or 'adaptive'"
            )
        refuse_sizes("Next", self.filters, self.highways)
        self._whole(1, "embedding")
        if not 0 <= self.embedding_dropout < 1:
            raise ArgumentError(
                f"Next(embedding_dropout={self.embedding_dropout}): must be in 0 to 1, 1 excluded"
            )
        for name in ("activation", "slowness"):
            if not 0 <= getattr(self, name) <= 1e30:
                raise ArgumentError(f"Next({name}={getattr(self, name)}): must be 0 or more")

    def width(self, symbols: int, size: int) -> int:
        """E, where there are so many symbols, and a layer answers ``size`` numbers."""
        if self.embedding is not None:
            return self.embedding
        return min(64, size) if symbols < 300 else size


class NextHead(Head):
    """One of V symbols after every step; targets are (B, T) of int64.

    Args:
        size: width of the encoding.
        lookup: of the symbols.
        settings: see ``Next``.
    """

    def __init__(self, size: int, lookup: Lookup | Spelled, settings: Next) -> None:
        super().__init__()
        symbols, width = lookup.count, lookup.width
        self.symbols = symbols
        self.activation, self.slowness = settings.activation, settings.slowness
        # the table is the trunk's: it is neither saved nor trained twice
        tied = settings.output == "tied"
        self._lookup: tuple[Lookup, ...] = (lookup,) if tied and isinstance(lookup, Lookup) else ()
        self.adaptive: nn.AdaptiveLogSoftmaxWithLoss | None = None
        self.project: nn.Linear | None = None
        self.readout: nn.Linear | None = None
        if tied:
            self.bias = nn.Parameter(torch.zeros(symbols))
            if width != size:
                self.project = nn.Linear(size, width, bias=False)
        elif settings.output == "plain":
            self.readout = nn.Linear(size, symbols)
        else:
            cutoffs = [cut for cut in _CUTOFFS if cut < symbols - 1] or [symbols // 2]
            self.adaptive = nn.AdaptiveLogSoftmaxWithLoss(size, symbols, cutoffs)

    def scores(self, z: Tensor) -> Tensor:
        """(..., V) log-probabilities of the symbol after each encoding (..., H)."""
        if self.adaptive is not None:
            flat: Tensor = self.adaptive.log_prob(z.reshape(-1, z.shape[-1]))
            return flat.view(*z.shape[:-1], self.symbols)
        return self._logits(z).log_softmax(-1)

    def bound(self) -> Callable[[Tensor], Tensor]:
        """``scores`` with the weights as they are now, by the shortest way and without gradients.

        For live use, where each call has few rows: (B, H) to (B, V).
        """
        if self.adaptive is not None:
            return torch.no_grad()(self.scores)
        with torch.no_grad():
            if self.readout is not None:
                weight, bias = self.readout.weight.detach(), self.readout.bias.detach()
            else:
                weight, bias = self._lookup[0].table.detach(), self.bias.detach()
                if self.project is not None:
                    weight = weight @ self.project.weight.detach()
            across = weight.t().contiguous()
        return lambda z: torch.addmm(bias, z, across).log_softmax(-1)

    def nats(self, z: Tensor, target: Tensor) -> Tensor:
        """-log p of each target (...) after each encoding (..., H)."""
        flat, symbols = z.reshape(-1, z.shape[-1]), target.reshape(-1)
        if self.adaptive is not None:
            found: Tensor = -self.adaptive(flat, symbols)[0]
        else:
            found = functional.cross_entropy(self._logits(flat), symbols, reduction="none")
        return found.view(target.shape)

    def _logits(self, z: Tensor) -> Tensor:
        if self.readout is not None:
            return self.readout(z)  # type: ignore[no-any-return]
        if self.project is not None:
            z = self.project(z)
        return functional.linear(z, self._lookup[0].table, self.bias)

    def loss(self, encoded: Encoded, batch: Batch) -> Loss:
        """-log p of the symbols that came, in nats; while training with AR and TAR.

        Of a text that is read both ways, it is told in both: the mean is theirs.
        """
        parts = ways(batch)
        found = [
            self._loss(encoded._replace(z=z), part)
            for z, part in zip(encoded.z.chunk(len(parts), -1), parts, strict=True)
        ]
        one, *others = found
        for other in others:
            one = Loss(one.total + other.total, one.count + other.count)
        return one

    def _loss(self, encoded: Encoded, batch: Batch) -> Loss:
        """That of one way."""
        z, scored = encoded.z, within(encoded.lengths, encoded.z.shape[1])
        if batch.target_mask is not None:
            scored = scored & batch.target_mask
        if not bool(scored.all()):
            z = torch.where(scored.unsqueeze(2), z, z.new_zeros(()))
        found = masked(self.nats(z, batch.target()), scored)
        if not self.training or not (self.activation or self.slowness):
            return found
        more = self.activation * z.pow(2).mean()
        if self.slowness and z.shape[1] > 1:
            pairs = (scored[:, 1:] & scored[:, :-1]).unsqueeze(2)
            more = more + self.slowness * ((z[:, 1:] - z[:, :-1]) * pairs).pow(2).mean()
        return Loss(found.total + more * found.count, found.count)

    def decode(self, encoded: Encoded, batch: Batch) -> Prediction:
        """The likeliest symbol after the last step (B,), and log p (B, V)."""
        scores = self.scores(encoded.last().z.squeeze(1))
        return Prediction(scores.argmax(1), scores=scores)
