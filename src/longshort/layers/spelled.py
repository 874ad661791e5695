"""The words of a language as vectors that are computed from how they are written."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from longshort.contracts import Batch, whole
from longshort.data.chunks import SPELT, SYMBOLS
from longshort.data.codecs.spelling import SYMBOLS as LETTERS
from longshort.errors import ArgumentError
from longshort.layers.characters import CharCNN, Highways
from longshort.layers.embed import Embed
from longshort.layers.masks import keep_mask

# far beyond any that was ever trained
_MOST_HIGHWAYS = 100
# numbers of one letter, as of the published models of ELMo
_WIDTH = 16


def refuse_sizes(told: str, filters: Sequence[Sequence[int]], highways: int) -> None:
    """Say which sizes no network can have; ``told`` is whose they are.

    Raises:
        ArgumentError: there are some.
    """
    sizes = [size for pair in filters for size in pair]
    pairs = all(len(pair) == 2 for pair in filters) and len(filters) > 0
    if not pairs or not all(1 <= whole(f"{told}(filters)", size, 1) < 2**20 for size in sizes):
        raise ArgumentError(
            f"{told}(filters={filters}): give pairs of letters and filters, each 1 or more"
        )
    if whole(f"{told}(highways)", highways, 0) > _MOST_HIGHWAYS:
        raise ArgumentError(f"{told}(highways={highways}): must be 0 to {_MOST_HIGHWAYS}")


class Spelled(Embed):
    """Words from their letters: convolutions, the highest answer of each, highways, a projection.

    As Peters et al. (2018) read words (Kim et al. 2016 before them). A word that no symbol stands
    for is read like any other where batches say how it is written ("spelt", see ``data.chunks``).

    Args:
        letters: (V, C), how the word of each symbol is written, see ``data.codecs.spelling``.
        width: E of a vector.
        filters: (letters that are seen, filters that see so many).
        highways: how many of them.
        dropout: share of the symbols whose vectors training sets to zero, wherever they stand in
            the batch.

    Raises:
        ArgumentError: a size is out of range.
    """

    letters: Tensor

    def __init__(
        self,
        letters: NDArray,  # type: ignore[type-arg]
        width: int,
        filters: Sequence[tuple[int, int]],
        highways: int,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        refuse_sizes("Next", filters, highways)
        self.count, self.width, self.forgotten = len(letters), width, dropout
        found = sum(number for _, number in filters)
        self.network = nn.Sequential(
            CharCNN(LETTERS, _WIDTH, filters=filters),
            Highways(found, highways),
            nn.Linear(found, width),
        )
        # known from the vocabulary, and so no weights
        self.register_buffer("letters", torch.from_numpy(letters), persistent=False)

    def forward(self, batch: Batch) -> Tensor:
        """(B, T, E)."""
        symbols = batch.inputs[SYMBOLS]
        found = self.vectors(symbols, batch.inputs.get(SPELT))
        if self.training and self.forgotten > 0:
            # one draw a call from torch's default generator, as torch's own dropout would
            seed, one = int(torch.randint(2**62, ())), (self.count, 1)
            kept = keep_mask(seed, 0, one, self.forgotten, dtype=found.dtype, device=found.device)
            found = found * functional.embedding(symbols, kept)
        return found

    def vectors(self, symbols: Tensor, spelt: Tensor | None = None) -> Tensor:
        """(..., E) of symbols (...), or of how they are written (..., C) where that is not 0.

        Each word is read once, however often it stands there.
        """
        keys = symbols.flatten()
        strange = self.letters.new_zeros(0, 1)
        if spelt is not None:
            letters = spelt.flatten(0, -2)
            there = letters[:, 0] > 0
            # each behind all symbols, in the order in which they stand
            keys = torch.where(there, self.count - 1 + there.cumsum(0), keys)
            strange = letters[there]
        distinct, places = torch.unique(keys, return_inverse=True)
        known = self.letters[distinct[distinct < self.count]]
        wide = max(known.shape[1], strange.shape[1])
        padded = [functional.pad(one, (0, wide - one.shape[1])) for one in (known, strange)]
        words = torch.cat(padded)
        read = self.network(words[:, : int((words > 0).sum(1).max())])
        return functional.embedding(places, read).view(*symbols.shape, self.width)

    def bound(self) -> Callable[[Tensor], Tensor]:
        """The vectors (B, E) of symbols (B,), without gradients, for live use."""
        return torch.no_grad()(self.vectors)
