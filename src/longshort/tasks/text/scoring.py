"""A language model as what search reads: one symbol in, log-probabilities of the next one out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from longshort.contracts import Batch, State
from longshort.data.chunks import SPELT, SYMBOLS
from longshort.data.stretch import Ints, Strangers
from longshort.evaluate.adaptation import Adaptation, Reader
from longshort.evaluate.cache import Pointer
from longshort.evaluate.dynamic import Scales
from longshort.heads.next import NextHead
from longshort.layers.bothways import one_way
from longshort.layers.lookup import Lookup
from longshort.layers.spelled import Spelled
from longshort.layers.stream import Stream
from longshort.model import Model
from longshort.search import Floats

# symbols of a prompt that are read at once
_STEPS = 2000


class _Voice:
    """One network behind a prompt, its state kept in place: the shortest way for live use."""

    def __init__(
        self,
        model: Model,
        prompt: Ints,
        adapt: Adaptation | None,
        scales: Scales | None,
        strangers: Strangers | None,
    ) -> None:
        state: State | None = None
        reader: Reader | None = None
        if adapt is not None:
            reader = Reader(model, adapt, scales)
            for _ in reader.read(prompt, strangers):
                pass
            # the last symbol of the prompt is still to be read
            strangers = strangers and strangers.cut(len(prompt) - 1, len(prompt))
            model, state, prompt = reader.model, reader.state, prompt[-1:]
        head, encoder = model.head, one_way(model.encoder)
        assert isinstance(head, NextHead)
        assert isinstance(encoder.embed, Lookup | Spelled)
        # without gradients, so that reading needs no ceremony
        self._vectors, self._stack = encoder.embed.bound(), encoder.stack
        self._told = head.bound()
        for at in range(0, len(prompt), _STEPS):
            part = prompt[None, at : at + _STEPS]
            inputs = {SYMBOLS: torch.from_numpy(part)}
            spelt = strangers and strangers.at(at + np.arange(part.shape[1])[None])
            if spelt is not None:
                inputs[SPELT] = torch.from_numpy(spelt)
            batch = Batch(inputs, torch.tensor([part.shape[1]])).to(model.device)
            encoded = encoder(batch, state)
            state = encoded.state
        assert state is not None
        self.z: Tensor = encoded.z[:, -1].contiguous()
        self._pointer: Pointer | None = None
        if reader is not None and reader.cache is not None:
            kept = reader.z if len(reader.z) else self.z[:0]
            self._pointer = Pointer(reader.cache, kept, reader.symbols)
        parts = tuple(state.tensor(part).transpose(0, 1) for part in self._stack.cell.parts)
        self._stream: Stream[Any] = self._stack.stream(1)
        self._stream.load(self._formed(parts))

    def _formed(self, parts: tuple[Tensor, ...]) -> Any:
        return parts if len(parts) > 1 else parts[0]

    def scores(self) -> Tensor:
        """(B, V), log-probabilities after all that was read."""
        scores = self._told(self.z)
        return scores if self._pointer is None else self._pointer.scores(self.z, scores)

    def read(self, symbols: Tensor) -> None:
        """(B,); a row whose symbol is -1 stays as it is, where no cache is kept."""
        if self._pointer is not None:
            self._pointer.add(self.z, symbols)
        still = symbols < 0
        if not bool(still.any()):
            self.z = self._stream(self._vectors(symbols))
            return
        z, before = self.z.clone(), [part.clone() for part in self._parts()]
        moved = self._stream(self._vectors(symbols.clamp(min=0)))
        self.z = torch.where(still[:, None], z, moved)
        kept = zip(before, self._parts(), strict=True)
        self._stream.load(
            self._formed(tuple(torch.where(still[:, None], old, new) for old, new in kept))
        )

    def _parts(self) -> tuple[Tensor, ...]:
        """(layers, B, H) each."""
        state = self._stream.state
        return state if isinstance(state, tuple) else (state,)

    def select(self, rows: Tensor) -> None:
        rows = rows.to(self.z.device)
        chosen = tuple(part.index_select(1, rows) for part in self._parts())
        if len(rows) != len(self.z):
            self._stream = self._stack.stream(len(rows))
        self._stream.load(self._formed(chosen))
        self.z = self.z.index_select(0, rows)
        if self._pointer is not None:
            self._pointer.select(rows)


class NextSymbols:
    """A ``search.Scorer`` of networks behind a prompt, in one row until others are selected.

    A row whose choice is -1 reads nothing, where networks do not adapt.

    Several networks tell the mean of their probabilities. Make and use it where the networks are in
    eval mode, see ``model.predicting``.

    Args:
        models: trained to tell the next symbol.
        prompt: (N,) symbols that come first, N being 1 or more.
        adapt: how they adapt to what they read; None for not at all.
        scales: of each network's gradients, where weights learn.
        strangers: how unknown words of the prompt are written.
    """

    def __init__(
        self,
        models: Sequence[Model],
        prompt: Ints,
        adapt: Adaptation | None = None,
        scales: Sequence[Scales] = (),
        strangers: Strangers | None = None,
    ) -> None:
        own: Sequence[Scales | None] = scales or [None] * len(models)
        with torch.no_grad():
            self._voices = [
                _Voice(model, prompt, adapt, each, strangers)
                for model, each in zip(models, own, strict=True)
            ]
        self._device = models[0].device

    def start(self) -> Floats:
        """See ``Scorer``."""
        return self._scores()

    def read(self, choice: Ints) -> Floats:
        """See ``Scorer``."""
        symbols = torch.from_numpy(choice).to(self._device)
        for voice in self._voices:
            voice.read(symbols)
        return self._scores()

    def select(self, rows: Ints) -> None:
        """See ``Scorer``."""
        for voice in self._voices:
            voice.select(torch.from_numpy(rows))

    def _scores(self) -> Floats:
        if len(self._voices) == 1:
            return self._voices[0].scores().cpu().numpy()
        found = torch.stack([voice.scores() for voice in self._voices])
        return np.asarray((found.logsumexp(0) - np.log(len(found))).cpu().numpy())
