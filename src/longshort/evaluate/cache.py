r"""The neural cache: what was written lately is written again.

Grave, Joulin and Usunier 2017, "Improving neural language models with a continuous cache", ICLR.
With h_t the encoding after symbol x_t, and the last N pairs (h_i, x_{i+1}) of a document kept,

    p_cache(w) = sum_i 1[x_{i+1} = w] exp(sharpness h_t . h_i) / sum_i exp(sharpness h_t . h_i)
    p(w)       = (1 - share) p_network(w) + share p_cache(w)

Before the first pair, p is the network's alone.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from longshort.contracts import Params
from longshort.errors import ArgumentError


@dataclass(frozen=True)
class Cache(Params):
    """How much is made of what was written lately; see this module's page.

    Args:
        window: N, symbols back.
        share: of the probability that it gives, 0 to 1, 1 excluded.
        sharpness: 0 counts all that was kept alike; the larger, the more only what was written in
            places like this one.

    Raises:
        ArgumentError: a value out of range.
    """

    window: int = 500
    share: float = 0.1
    sharpness: float = 0.3

    def __post_init__(self) -> None:
        self._whole(1, "window")
        if not 0 <= self.share < 1:
            raise ArgumentError(f"Cache(share={self.share}): must be in 0 to 1, 1 excluded")
        if not 0 <= self.sharpness < math.inf:
            raise ArgumentError(f"Cache(sharpness={self.sharpness}): must be 0 or more")


def alike(z: Tensor, start: int) -> Tensor:
    """h_t . h_i of a document's encodings z (N, H), of those from ``start`` on with all: (T, N)."""
    return z[start:] @ z.t()


def recalled(near: Tensor, symbols: Tensor, window: int, sharpness: float) -> Tensor:
    """p_cache of the last symbols of a document, (T,); NaN where there is no pair yet.

    Args:
        near: (T, N), see ``alike``.
        symbols: (N,) the symbol after each encoding; p is that of the last T of them.
        window, sharpness: see ``Cache``.
    """
    start = len(symbols) - len(near)
    here = torch.arange(start, len(symbols), device=near.device).unsqueeze(1)
    there = torch.arange(len(symbols), device=near.device)
    scores = (sharpness * near).masked_fill_((there >= here) | (there < here - window), -math.inf)
    # a row of nothing has no softmax
    found: Tensor = (scores.softmax(1) * (symbols == symbols[start:, None])).sum(1)
    return found


def mixed(nats: Tensor, p_cache: Tensor, share: float) -> Tensor:
    """-log p of symbols, of the network's -log p and ``recalled``; all (N,)."""
    found = torch.logaddexp(math.log1p(-share) - nats, p_cache.log() + _log(share))
    return torch.where(p_cache.isnan(), nats, -found)


class Pointer:
    """The cache of texts that are being written, one a row.

    Args:
        cache: its settings.
        z: (N, H) encodings of the prompt, which all rows share; the last ones are kept.
        symbols: (N,) the symbol after each.
    """

    def __init__(self, cache: Cache, z: Tensor, symbols: Tensor) -> None:
        self._cache = cache
        kept = min(len(z), cache.window)
        self._z = z.new_zeros(1, cache.window, z.shape[1])
        self._symbols = symbols.new_zeros(1, cache.window)
        self._z[0, :kept], self._symbols[0, :kept] = z[len(z) - kept :], symbols[len(z) - kept :]
        # pairs so far; the next one takes the oldest one's place
        self._count = kept

    def scores(self, z: Tensor, scores: Tensor) -> Tensor:
        """(B, V) log-probabilities, of encodings (B, H) and the network's log-probabilities."""
        kept = min(self._count, self._cache.window)
        if not kept:
            return scores
        near = torch.bmm(self._z[:, :kept], z.unsqueeze(2)).squeeze(2) * self._cache.sharpness
        p_cache = torch.zeros_like(scores)
        p_cache.scatter_add_(1, self._symbols[:, :kept], near.softmax(1))
        share = self._cache.share
        return torch.logaddexp(scores + math.log1p(-share), p_cache.log() + _log(share))

    def add(self, z: Tensor, symbols: Tensor) -> None:
        """Keep the symbol (B,) that came after each encoding (B, H)."""
        place = self._count % self._cache.window
        self._z[:, place], self._symbols[:, place] = z, symbols
        self._count += 1

    def select(self, rows: Tensor) -> None:
        """Go on with these rows, (B',)."""
        self._z, self._symbols = self._z[rows], self._symbols[rows]


def _log(share: float) -> float:
    return math.log(share) if share else -math.inf
