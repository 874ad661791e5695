"""Piano rolls frame by frame: an LSTM whose keys do not know of each other, as is published.

It reads 88 keys at a time and tells those of the next frame, each by itself. With a measure that
goes for whatever tells frames: nats per frame, of every frame but the first of its piece.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.nn import functional

from longshort.contracts import Batch, Encoded, Loss, Prediction, within
from longshort.data.codecs.notation import KEYS
from longshort.data.codecs.tokens import BORDER
from longshort.data.stretch import Stretch
from longshort.heads.base import Head, masked
from longshort.layers.embed import Embed
from longshort.layers.encoder import Recurrent, RecurrentEncoder
from longshort.model import Model, predicting
from longshort.yardsticks.language.rolls import Frames

Rolls = NDArray[np.bool_]


@dataclass(frozen=True)
class Pieces:
    """Examples of frames: a piece is one, its targets the frames that follow each but the last."""

    rolls: Sequence[Rolls]
    streams = None

    def __len__(self) -> int:
        return len(self.rolls)

    def batch(self, index: Sequence[int]) -> Batch:
        """Inputs "keys" and targets, each (B, T, 88)."""
        some = [torch.from_numpy(self.rolls[number]).float() for number in index]
        lengths = torch.tensor([len(roll) - 1 for roll in some])
        inputs, targets = (
            nn.utils.rnn.pad_sequence(part, batch_first=True)
            for part in ([r[:-1] for r in some], [r[1:] for r in some])
        )
        return Batch({"keys": inputs}, lengths, targets=targets)


class FrameHead(Head):
    """88 independent keys of the next frame, after every step; nats per frame.

    Args:
        size: width of the encoding.
        shares: (88,) how often each key sounds, which it begins with.
    """

    def __init__(self, size: int, shares: NDArray[Any]) -> None:
        super().__init__()
        self.readout = nn.Linear(size, KEYS)
        with torch.no_grad():
            self.readout.bias.copy_(torch.logit(torch.from_numpy(shares).float()))

    def loss(self, encoded: Encoded, batch: Batch) -> Loss:
        """-log p of the frames that came."""
        found = functional.binary_cross_entropy_with_logits(
            self.readout(encoded.z), batch.target(), reduction="none"
        )
        return masked(found.sum(2), within(encoded.lengths, encoded.z.shape[1]))

    def decode(self, encoded: Encoded, batch: Batch) -> Prediction:
        """Whether each key of the next frame is likelier to sound than not."""
        return Prediction((self.readout(encoded.last().z.squeeze(1)) > 0).long())


def network(recurrent: Recurrent, train: Sequence[Rolls]) -> Model:
    """A new network, which begins with how often each key sounds."""
    frames = np.concatenate(list(train))
    encoder = RecurrentEncoder(Embed({"keys": KEYS}), recurrent)
    shares = (frames.sum(0) + 0.5) / (len(frames) + 1)
    return Model(encoder, FrameHead(recurrent.width, shares))


@torch.no_grad()
def frames_alone(models: Sequence[Model], rolls: Sequence[Rolls]) -> float:
    """Nats per frame of every frame but each piece's first.

    Several networks tell the mean of their probabilities of each key: keys stay independent.
    """
    batch = Pieces(rolls).batch(range(len(rolls)))
    told = []
    for model in models:
        with predicting(model):
            told.append(torch.sigmoid(model.head.readout(model.encoder(batch).z).double()))
    nats = functional.binary_cross_entropy(
        torch.stack(told).mean(0), batch.target().double(), reduction="none"
    )
    return float(masked(nats.sum(2), within(batch.lengths, nats.shape[1])).mean)


def rolls_of(text: Stretch) -> list[Rolls]:
    """The pieces of a stretch, (T, 88) each."""
    frames = Frames.of(text)
    kept = np.flatnonzero(frames.ended)
    # an end of a piece lies between frames that are not next to each other
    cuts = np.flatnonzero(np.diff(kept) > 1) + 1
    return [frames.now[own] for own in np.split(kept, cuts)]


def as_published(text: Stretch, nats: NDArray[Any]) -> float:
    """Nats per frame of every frame but each piece's first, and without how pieces end."""
    frames = Frames.of(text)
    own = np.bincount(frames.place, nats * (text.symbols != BORDER), len(frames.ended))
    follows = np.append(False, frames.ended[:-1])
    return float(own[frames.ended & follows].mean())
