"""Our own language model as what prefix search adds."""

from __future__ import annotations

from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from longshort.contracts import Batch, State
from longshort.data.chunks import SYMBOLS
from longshort.data.codecs.tokens import BORDER, UNKNOWN, TokenCodec
from longshort.data.codecs.transcripts import TranscriptCodec
from longshort.data.sources.prose import Documents
from longshort.data.steps import Ints
from longshort.model import Model
from longshort.tasks.text.scoring import NextSymbols

Floats = NDArray[np.float64]


class Speaker(Protocol):
    """A fitted ``LanguageModel``, as far as it is needed here."""

    models_: list[Model]
    codec_: TokenCodec
    documents: Documents


def shared(model: Speaker, codec: TranscriptCodec) -> Ints | None:
    """(K,) the model's symbol for each class; None where a class is no symbol of it."""
    if model.codec_.unit == "words" and codec.tokens.unit != "words":
        return None
    found = [BORDER, UNKNOWN]
    for piece in codec.pieces[2:]:
        symbols = model.codec_.encode(piece)
        if len(symbols) != 1:
            return None
        found.append(int(symbols[0]))
    table = np.array(found, np.int64)
    return table if (table[2:] != UNKNOWN).mean() > 0.5 else None


class SpokenSymbols:
    """A ``heads.prefixes.Prior``: weight * log p of each symbol, as a language model tells it.

    Args:
        model: whose symbols are those of the transcriber.
        table: (K,) see ``shared``.
        weight: of its log-probabilities.
        bonus: for each symbol.
    """

    def __init__(self, model: Speaker, table: Ints, weight: float, bonus: float) -> None:
        self._model, self._table, self._weight, self._bonus = model, table, weight, bonus
        # where a line is a document, its end is told, too
        self._ends = model.documents.by == "line"

    def start(self, rows: int) -> Floats:
        """See ``Prior``."""
        self._scorer = NextSymbols(self._model.models_, np.array([BORDER], np.int64))
        told = self._scorer.start()
        self._scorer.select(np.zeros(rows, np.int64))
        self._told = np.repeat(told, rows, 0).astype(np.float64)
        return self._gains()

    def read(self, rows: Ints, choice: Ints) -> Floats:
        """See ``Prior``."""
        self._scorer.select(rows)
        if (choice < 0).all():
            self._told = self._told[rows]
        else:
            symbols = np.where(choice >= 0, self._table[np.maximum(choice, 0)], -1)
            self._told = self._scorer.read(symbols).astype(np.float64)
        return self._gains()

    def end(self) -> Floats:
        """See ``Prior``."""
        return self._weight * self._told[:, BORDER] * self._ends

    def _gains(self) -> Floats:
        return self._weight * self._told[:, self._table] + self._bonus


class _Node:
    """What a language model of words has read, and its log-probabilities (V,) of the next one."""

    def __init__(self, states: list[State], told: Floats, first: bool) -> None:
        self.states, self.told, self.first = states, told, first


class SpokenWords:
    """A language model of words, word by word; see ``words.Words``."""

    def __init__(self, model: Speaker) -> None:
        self._model = model

    def begin(self) -> _Node:
        """Before the first word."""
        return self._read(None, BORDER)

    def log_p(self, node: _Node, word: str) -> float:
        """log p of a word after what was read."""
        return float(node.told[self._symbol(node, word)])

    def read(self, node: _Node, word: str) -> _Node:
        """After that word."""
        return self._read(node, self._symbol(node, word))

    def end(self, node: _Node) -> float:
        """log p of the end."""
        return float(node.told[BORDER]) if self._model.documents.by == "line" else 0.0

    def _symbol(self, node: _Node, word: str) -> int:
        symbols = self._model.codec_.encode(word if node.first else f" {word}")
        return int(symbols[0]) if len(symbols) == 1 else UNKNOWN

    @torch.no_grad()
    def _read(self, node: _Node | None, symbol: int) -> _Node:
        batch = Batch({SYMBOLS: torch.tensor([[symbol]])}, torch.tensor([1]))
        states: list[State] = []
        told: list[Tensor] = []
        for at, model in enumerate(self._model.models_):
            own = batch.to(model.device)
            if node is None:
                prediction, state = model.start(own)
            else:
                prediction, state = model.step(own, node.states[at])
            assert prediction.scores is not None
            states.append(state)
            told.append(prediction.scores.reshape(-1).double().cpu())
        mean = torch.stack(told).logsumexp(0) - np.log(len(told))
        return _Node(states, mean.numpy(), node is None)
