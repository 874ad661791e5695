"""Texts that are read on: how unexpected each piece was, and what comes next."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Literal, NamedTuple, Protocol, cast

import numpy as np
import torch
from numpy.typing import NDArray

from longshort.contracts import State
from longshort.data.chunks import SYMBOLS
from longshort.data.sequences import Floats
from longshort.data.steps import Ints
from longshort.errors import ArgumentError, DataError
from longshort.heads.next import NextHead
from longshort.layers.spelled import Spelled
from longshort.model import Model
from longshort.tasks.streams.trunk import Trunk, fill, places_of


class Read(NamedTuple):
    """After each piece: what it cost (B,) in nats, its symbols (B,), and log p (B, V) of the next.

    A session begins as a document does, so that its first symbol has a cost, too.
    """

    surprise: Floats
    symbols: Ints
    log_p: Floats


class Codec(Protocol):
    """Text as symbols."""

    @property
    def begin(self) -> int:
        """The symbol that stands before every document."""
        ...

    @property
    def size(self) -> int:
        """V."""
        ...

    def encode(self, text: str) -> Ints:
        """The symbols of a text."""
        ...

    def decode(self, ids: Sequence[int] | Ints) -> str:
        """The text of symbols."""
        ...


class TextStream:
    """A ``data.layout.Stream`` of a language model, which reads pieces of text.

    A piece is read as symbols by itself: of words give whole ones.

    Args:
        models: the networks.
        codec: the symbols.
        sessions: S.

    Raises:
        ArgumentError: words are read by their letters.
    """

    memory: Literal["window", "carried"] = "carried"
    layout = None

    def __init__(self, models: Sequence[Model], codec: Codec, sessions: int) -> None:
        if any(isinstance(each, Spelled) for each in models[0].modules()):
            raise ArgumentError(
                "a model that reads words by their letters reads no stream: fit with "
                "Next(characters='none')"
            )
        self.sessions, self._codec = sessions, codec
        self._heads = [cast(NextHead, model.head) for model in models]
        self._device = models[0].device
        self._trunk = Trunk([model.encoder for model in models], sessions)
        self._log_p = np.zeros((sessions, codec.size), np.float32)

    @property
    def state(self) -> State:
        """See ``data.layout.Stream``."""
        told = torch.from_numpy(self._log_p.copy())
        return State({"told": told, "networks": self._trunk.state})

    def load(self, state: State) -> None:
        """See ``data.layout.Stream``."""
        own = State({name: state[name] for name in state if name != "networks"})
        fill(places_of({"told": self._log_p}), own)
        self._trunk.load(state.part("networks"))

    def begin(self, sessions: Ints, keys: Sequence[tuple[str, ...]]) -> None:
        """See ``data.layout.Stream``."""
        self._trunk.begin(sessions)
        if len(sessions):
            self._read(sessions, np.full(len(sessions), self._codec.begin))

    @torch.no_grad()
    def _read(self, sessions: Ints, symbols: Ints) -> None:
        given = torch.from_numpy(symbols).to(self._device)
        told = [
            head.scores(z).double()
            for head, z in zip(
                self._heads, self._trunk.step(sessions, {SYMBOLS: given}), strict=True
            )
        ]
        mean = torch.stack(told).logsumexp(0) - math.log(len(told))
        self._log_p[sessions] = mean.cpu().numpy()

    def step(self, sessions: Ints, values: Any, times: Ints | None) -> Read:
        """See ``data.layout.Stream``.

        Raises:
            DataError: a piece is no text.
        """
        pieces: list[NDArray[np.int64]] = []
        for piece in values:
            if not isinstance(piece, str):
                raise DataError(f"{piece!r}: give a piece of text")
            pieces.append(self._codec.encode(piece))
        lengths = np.array([len(own) for own in pieces])
        surprise = np.zeros(len(pieces))
        for at in range(int(lengths.max(initial=0))):
            there = np.flatnonzero(lengths > at)
            symbols = np.array([pieces[number][at] for number in there.tolist()])
            own = sessions[there]
            surprise[there] -= self._log_p[own, symbols]
            self._read(own, symbols)
        return Read(surprise, lengths, self._log_p[sessions].astype(np.float64))

    def told(self, answers: tuple[Any, ...]) -> list[dict[str, Any]]:
        """See ``data.layout.Stream``: the cost in nats, and the most probable next symbol."""
        found = Read(*answers)
        records = []
        for surprise, count, log_p in zip(*found, strict=True):
            best = int(log_p.argmax())
            records.append(
                {
                    "surprise": round(float(surprise), 6),
                    "symbols": int(count),
                    "next": self._codec.decode([best]),
                    "p_next": round(math.exp(log_p[best]), 6),
                }
            )
        return records
