"""Decoders with attention as what search reads: batched over sources, and over several networks."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from longshort.contracts import Batch
from longshort.data.codecs.tokens import BORDER
from longshort.heads.translation import TranslationHead
from longshort.layers.attention import Memory
from longshort.model import Model
from longshort.search import Floats, Ints


class Decoders:
    """Networks that write a target of each source: a ``Scorer`` that is ``Looking``.

    What is told is the mean of the networks' probabilities. A source is held once, however many
    decoders look at it, and is let go when none does.

    Args:
        models: fitted on the same vocabularies, in eval mode.
        batch: the sources.
    """

    def __init__(self, models: Sequence[Model], batch: Batch) -> None:
        self._networks = [_Decoder(model, batch) for model in models]
        rows = batch.rows
        self._first = torch.full((rows,), BORDER, device=models[0].device)

    def start(self) -> Floats:
        """See ``Scorer``."""
        return self._told([network.read(self._first) for network in self._networks])

    def read(self, choice: Ints) -> Floats:
        """See ``Scorer``."""
        symbols = torch.from_numpy(choice).to(self._first.device)
        return self._told([network.read(symbols) for network in self._networks])

    def select(self, rows: Ints) -> None:
        """See ``Scorer``."""
        chosen = torch.from_numpy(rows).to(self._first.device)
        for network in self._networks:
            network.select(chosen)

    def looked(self) -> Floats:
        """See ``Looking``; the mean over networks."""
        found: Floats = torch.stack([own.looked() for own in self._networks]).mean(0).cpu().numpy()
        return found

    @staticmethod
    def _told(scores: Sequence[Tensor]) -> Floats:
        if len(scores) == 1:
            return np.asarray(scores[0].cpu().numpy())
        mean = torch.stack(list(scores)).logsumexp(0) - np.log(len(scores))
        return np.asarray(mean.cpu().numpy())


class _Decoder:
    """One network at R sources, W decoders at each."""

    def __init__(self, model: Model, batch: Batch) -> None:
        assert isinstance(model.head, TranslationHead)
        self._head = model.head
        with torch.no_grad():
            encoded = model.encoder(batch)
            self._whole, self._carried = self._head.opened(encoded, batch)
        # the source of each decoder, and the sources that are looked at
        self._of = torch.arange(batch.rows, device=model.device)
        self._sources, self._memory = self._of, self._whole

    @torch.no_grad()
    def read(self, symbols: Tensor) -> Tensor:
        """log p (N, K) of what follows these symbols (N,)."""
        scores, _, self._carried = self._head.advance(symbols, self._carried, self._memory)
        return scores

    def select(self, rows: Tensor) -> None:
        self._carried, self._of = self._carried.select(rows), self._of[rows]
        sources = torch.unique_consecutive(self._of)
        each = len(rows) // max(len(sources), 1)
        if not torch.equal(self._of, sources.repeat_interleave(each)):
            # decoders of one source stand apart: each has its own
            sources = self._of
        if not torch.equal(sources, self._sources):
            self._sources, self._memory = sources, _cut(self._whole, sources)
            steps = self._memory.values.shape[1]
            self._carried = self._carried._replace(looked=self._carried.looked[:, :steps])

    def looked(self) -> Tensor:
        """(N, T), 1 where a source has no step."""
        there = self._whole.there[self._of][:, : self._carried.looked.shape[1]]
        return torch.where(there, self._carried.looked, 1.0)


def _cut(memory: Memory, sources: Tensor) -> Memory:
    """Some sources, as long as the longest of them."""
    found = memory.select(sources)
    steps = max(int(found.there.sum(1).max()), 1) if len(sources) else 1
    return Memory(*(None if part is None else part[:, :steps] for part in found))  # type: ignore[arg-type]
