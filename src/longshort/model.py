"""A model is a trunk, a head, and what brings answers back to the data's own units."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

import torch
from torch import Tensor, nn

from longshort.contracts import Batch, Encoded, Inverse, Loss, Prediction, State
from longshort.heads.base import Head
from longshort.layers.masks import keep_mask

# What a prediction depends on: the last context alone, or everything since the state began.
Memory = Literal["window", "carried"]


def forgotten(batch: Batch, share: float, seed: int) -> Batch:
    """A batch in which a share of all symbols, drawn at random, are symbol 0."""
    groups: dict[str, dict[str, Tensor]] = {}
    for stream, group in enumerate(("inputs", "future", "static")):
        groups[group] = dict(getattr(batch, group))
        for name, symbols in groups[group].items():
            if symbols.dtype == torch.int64:
                place = zlib.crc32(f"{stream} {name}".encode())
                kept = keep_mask(
                    seed, place, symbols.shape, share, row=batch.row, device=symbols.device
                )
                groups[group][name] = torch.where(kept > 0, symbols, 0)
    return batch.replace(**groups)


class Model(nn.Module):
    """Encoder, head and codec under one roof.

    ``memory="window"``: every prediction reads its own context from an empty state; training may
    shuffle. ``memory="carried"``: a batch continues the one before it, row by row, except where
    ``batch.fresh`` says that a new sequence starts; training reads the streams in order.

    A state is the same thing everywhere: ``encoder`` and ``head``, each its own part.

    Args:
        encoder: a module that is an ``Encoder``: (batch, state) -> Encoded.
        head: what is asked.
        codec: brings predictions to the file's units; None leaves them as they are.
        memory: see above.
        unknown: share of all symbols that training replaces by symbol 0, the unknown one.
    """

    def __init__(
        self,
        encoder: nn.Module,
        head: Head,
        codec: Inverse | None = None,
        memory: Memory = "window",
        unknown: float = 0.0,
    ) -> None:
        super().__init__()
        self.encoder = encoder
        self.head = head
        self.codec = codec
        self.memory: Memory = memory
        self.unknown = unknown

    @property
    def device(self) -> torch.device:
        """Where the weights are; batches must be there, too."""
        return next(self.parameters()).device

    def _encode(self, batch: Batch, state: State | None) -> Encoded:
        below = None if state is None else batch.carried(state.part("encoder"))
        encoded: Encoded = self.encoder(batch, below)
        return encoded

    def _answer(self, prediction: Prediction, batch: Batch) -> Prediction:
        return prediction if self.codec is None else self.codec.inverse(prediction, batch)

    def loss(self, batch: Batch, state: State | None = None) -> tuple[Loss, State]:
        """The head's loss on a batch, and the state where the batch ended."""
        if self.training and self.unknown > 0:
            # one draw a call from torch's default generator, as dropout would
            batch = forgotten(batch, self.unknown, int(torch.randint(2**62, ())))
        encoded = self._encode(batch, state)
        return self.head.loss(encoded, batch), State({"encoder": encoded.state})

    def decode(self, batch: Batch, state: State | None = None) -> Prediction:
        """The prediction for every row, in encoded units."""
        return self.head.decode(self._encode(batch, state), batch)

    def predict(self, batch: Batch, state: State | None = None) -> Prediction:
        """The prediction for every row, in the data's own units."""
        return self._answer(self.decode(batch, state), batch)

    def spread(self, batch: Batch, levels: Tensor) -> Prediction:
        """The prediction with quantiles at any levels (Q,), rising, in the data's own units."""
        return self._answer(self.head.spread(self._encode(batch, None), batch, levels), batch)

    def start(self, batch: Batch, state: State | None = None) -> tuple[Prediction, State]:
        """Read contexts, prompts or sources; the answer to what comes next, and all state."""
        encoded = self._encode(batch, state)
        prediction, own = self.head.start(encoded, batch)
        return self._answer(prediction, batch), State({"encoder": encoded.state, "head": own})

    def step(self, batch: Batch, state: State) -> tuple[Prediction, State]:
        """Read one more time step (T = 1) from where ``state`` ended, and answer."""
        below, encoded = state.part("encoder"), None
        if self.head.reads == "steps":
            encoded = self._encode(batch, state)
            below = encoded.state
        prediction, own = self.head.step(encoded, state.part("head"), batch)
        return self._answer(prediction, batch), State({"encoder": below, "head": own})


@contextmanager
def predicting(module: nn.Module) -> Iterator[None]:
    """In eval mode, and afterwards every module as it was."""
    before = [(each, each.training) for each in module.modules()]
    module.eval()
    try:
        yield
    finally:
        for each, training in before:
            each.training = training
