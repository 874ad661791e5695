"""How surprised a language model is by each symbol of a text: exact, however the text is read."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from longshort.contracts import Batch, State
from longshort.data.chunks import SPELT, SYMBOLS
from longshort.data.stretch import Strangers, Stretch
from longshort.heads.next import NextHead
from longshort.layers.bothways import Direction, one_way
from longshort.metrics.measures import Floats
from longshort.model import Model, predicting

Ints = NDArray[np.int64]

# log-probabilities that are held at once
_HELD = 2**24
# documents read side by side, and symbols of each at once
_ROWS, _STEPS = 64, 1000


@torch.no_grad()
def surprise(models: Sequence[Model], text: Stretch, direction: Direction = "forward") -> Floats:
    """-log p of each symbol after those before it in its document, (N,) in nats.

    Each document is read from an empty state to its end; the first symbol of one is given, and has
    0. Several networks tell the mean of their probabilities. Read "backward", before and after
    change their places: each symbol is told from those after it, and the last one is given.
    """
    if direction == "backward":
        text = text.backwards()
    starts = text.begins
    stops = np.append(starts[1:], len(text.symbols)) - 1
    found = np.zeros((len(models), len(text.symbols)))
    # documents of about the same length side by side, the longest first
    order = np.argsort(starts - stops, kind="stable")
    order = order[(stops > starts)[order]]
    for own, model in zip(found, models, strict=True):
        with predicting(model):
            for at in range(0, len(order), _ROWS):
                some = order[at : at + _ROWS]
                _read(model, direction, text, starts[some], stops[some], own)
    mean = averaged(found)
    return mean if direction == "forward" else mean[::-1]


def averaged(nats: Floats) -> Floats:
    """-log of the mean probability of several networks, of -log p of each: (M, N) to (N,)."""
    least = nats.min(0)
    mean: Floats = least - np.log(np.exp(least - nats).mean(0))
    return mean


class Heard(NamedTuple):
    """What a network makes of symbols of a document.

    z: (N, H) encodings, one after each symbol but the last one. nats: (N,), -log p of the symbol
    after each, which ``symbols`` (N,) holds. state: where the next symbol is read.
    """

    z: Tensor
    nats: Tensor
    symbols: Tensor
    state: State


def follow(
    model: Model,
    symbols: Ints,
    state: State | None = None,
    strangers: Strangers | None = None,
) -> Heard:
    """Read the symbols (N + 1,) of one document on from a state; gradients go back through it.

    ``strangers`` tells how unknown words among them are written.
    """
    head = model.head
    assert isinstance(head, NextHead)
    row = torch.from_numpy(symbols).to(model.device)
    inputs = _inputs(symbols, np.arange(len(symbols) - 1)[None], strangers)
    batch = Batch(inputs, torch.tensor([len(row) - 1]))
    encoded = one_way(model.encoder)(batch.to(model.device), state)
    z = encoded.z[0]
    return Heard(z, head.nats(z, row[1:]), row[1:], encoded.state)


def _inputs(symbols: Ints, places: Ints, strangers: Strangers | None) -> dict[str, Tensor]:
    """The symbols at places (B, T) of a run, and how unknown words among them are written."""
    found = {SYMBOLS: torch.from_numpy(symbols[places])}
    letters = None if strangers is None else strangers.at(places)
    return found if letters is None else {**found, SPELT: torch.from_numpy(letters)}


def _read(
    model: Model, direction: Direction, text: Stretch, starts: Ints, stops: Ints, into: Floats
) -> None:
    """Documents side by side, the longest first; ``stops`` are their last symbols."""
    head, encoder = model.head, one_way(model.encoder, direction)
    assert isinstance(head, NextHead)
    at_once = max(1, min(_STEPS, _HELD // (len(starts) * head.symbols)))
    state: State | None = None
    for done in range(0, int((stops - starts).max()), at_once):
        lengths = np.clip(stops - starts - done, 0, at_once)
        rows = int((lengths > 0).sum())
        starts, stops, lengths = starts[:rows], stops[:rows], lengths[:rows]
        # of each row the symbols that are read, and the one after each
        places = (starts + done)[:, None] + np.arange(int(lengths[0]))
        places = np.minimum(places, stops[:, None] - 1)
        targets = torch.from_numpy(text.symbols[places + 1])
        inputs = _inputs(text.symbols, places, text.strangers)
        batch = Batch(inputs, torch.from_numpy(lengths)).to(model.device)
        if state is not None and rows < len(next(iter(state.flatten().values()))):
            state = state.select(torch.arange(rows, device=model.device))
        encoded = encoder(batch, state)
        state = encoded.state
        nats = head.nats(encoded.z, targets.to(model.device)).cpu().numpy()
        for row, length in enumerate(lengths):
            into[places[row, :length] + 1] = nats[row, :length]
