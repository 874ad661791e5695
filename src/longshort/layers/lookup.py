"""The symbols of a language as vectors."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional

from longshort.contracts import Batch
from longshort.data.chunks import SYMBOLS
from longshort.layers.embed import Embed
from longshort.layers.masks import keep_mask

# first values, uniform between it and its negative, as of AWD-LSTM (Merity et al. 2018)
_SPREAD = 0.1


class Lookup(Embed):
    """One group of symbols, looked up in one table.

    Args:
        symbols: V, how many there are.
        width: E of a vector.
        dropout: share of the symbols whose vectors training sets to zero, wherever they stand in
            the batch (Gal and Ghahramani 2016).
    """

    def __init__(self, symbols: int, width: int, dropout: float = 0.0) -> None:
        super().__init__(symbols={SYMBOLS: (symbols, width)})
        self.forgotten = dropout
        nn.init.uniform_(self.table, -_SPREAD, _SPREAD)

    @property
    def table(self) -> Tensor:
        """(V, E), the vector of each symbol."""
        weight: Tensor = self.tables[SYMBOLS].weight  # type: ignore[assignment]
        return weight

    @property
    def count(self) -> int:
        """V, how many symbols there are."""
        return self.table.shape[0]

    def bound(self) -> Callable[[Tensor], Tensor]:
        """The vectors (B, E) of symbols (B,), with the table as it is now, for live use."""
        table = self.table.detach()
        return lambda symbols: torch.embedding(table, symbols)

    def forward(self, batch: Batch) -> Tensor:
        """(B, T, E)."""
        table = self.table
        if self.training and self.forgotten > 0:
            # one draw a call from torch's default generator, as torch's own dropout would
            seed, one = int(torch.randint(2**62, ())), (table.shape[0], 1)
            table = table * keep_mask(
                seed, 0, one, self.forgotten, dtype=table.dtype, device=table.device
            )
        return functional.embedding(batch.inputs[SYMBOLS], table)
