"""What the rows of a stream are to networks that label them: numbers of recordings, or words."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple, Protocol

import numpy as np
from torch import Tensor

from longshort.data.corpus import Corpus, Roles
from longshort.data.items import ItemEncoding
from longshort.data.layout import RowLayout
from longshort.data.readings.live import LiveSignal
from longshort.data.readings.signals import SignalReading
from longshort.data.readings.words import TextReading
from longshort.data.steps import Ints
from longshort.errors import ArgumentError, DataError
from longshort.tasks.streams.trunk import places_of


class Step(NamedTuple):
    """A step of some sessions, without the axis of time."""

    sessions: Ints
    inputs: dict[str, Tensor]
    static: dict[str, Tensor]


class Feed(Protocol):
    """How rows or pieces become steps."""

    layout: RowLayout | None

    @property
    def places(self) -> dict[str, Tensor]:
        """What is remembered, in place, sessions first."""
        ...

    def begin(self, sessions: Ints) -> None:
        """These sessions begin anew."""
        ...

    def steps(self, sessions: Ints, values: Any, times: Ints | None) -> Iterator[Step]:
        """One step of rows; of texts as many as there are words."""
        ...


class RowFeed:
    """Rows of recordings."""

    def __init__(self, reading: SignalReading, roles: Roles, sessions: int) -> None:
        self._live = LiveSignal(reading, sessions)
        group = () if roles.item is None else (roles.item,)
        self.layout: RowLayout | None = self._live.layout(group, roles.time)

    @property
    def places(self) -> dict[str, Tensor]:
        """See ``Feed``."""
        return places_of(self._live.arrays)

    def begin(self, sessions: Ints) -> None:
        """See ``Feed``."""
        self._live.begin(sessions)

    def steps(self, sessions: Ints, values: Any, times: Ints | None) -> Iterator[Step]:
        """See ``Feed``."""
        read, _ = self._live.step(sessions, values, times)
        yield Step(sessions, dict(read.inputs), dict(read.static))


class WordFeed:
    """Words: each piece is a token, or of texts some words.

    Args:
        reading: how texts are read.
        tokens: whether pieces are tokens.
        sessions: S.

    Raises:
        ArgumentError: another part of a text than its beginning is read.
    """

    layout: RowLayout | None = None

    def __init__(self, reading: TextReading, sessions: int, *, tokens: bool) -> None:
        if not tokens and reading.text.keep != "first":
            raise ArgumentError(
                f"Text(keep={reading.text.keep!r}) needs a text to its end: fit with keep='first'"
            )
        self._reading, self._tokens = reading, tokens
        self._most = None if tokens else reading.text.longest
        self._rows = np.zeros(sessions, np.int64)

    @property
    def places(self) -> dict[str, Tensor]:
        """See ``Feed``."""
        return places_of({"words": self._rows})

    def begin(self, sessions: Ints) -> None:
        """See ``Feed``."""
        self._rows[sessions] = 0

    def steps(self, sessions: Ints, values: Any, times: Ints | None) -> Iterator[Step]:
        """See ``Feed``; words beyond the longest text are left out.

        Raises:
            DataError: a piece is no text, or holds no word.
        """
        for piece in values:
            if not isinstance(piece, str) or not piece.strip():
                raise DataError(f"{piece!r}: give a word, as text")
        if self._tokens:
            corpus = Corpus("the stream", tokens=tuple((piece.strip(),) for piece in values))
        else:
            corpus = Corpus("the stream", texts=tuple(values))
        inputs, lengths, _ = self._reading.read(corpus, range(len(corpus)))
        told = lengths.numpy()
        for step in range(int(told.max())):
            there = told > step
            if self._most is not None:
                there = there & (self._rows[sessions] < self._most)
            own = sessions[there]
            if len(own):
                self._rows[own] += 1
                yield Step(own, {name: x[there, step] for name, x in inputs.items()}, {})


def feed_of(reading: ItemEncoding, roles: Roles, sessions: int, *, tokens: bool) -> Feed:
    """The feed of a reading.

    Raises:
        ArgumentError: what it reads is not streamed.
    """
    if isinstance(reading, SignalReading):
        return RowFeed(reading, roles, sessions)
    if isinstance(reading, TextReading):
        return WordFeed(reading, sessions, tokens=tokens)
    raise ArgumentError(
        f"what this model reads ({type(reading).__name__}) is not streamed: recordings of numbers "
        "and plain words are; fit without pretrained= (--pretrained) and wide features "
        "(wide=Wide(0)), or on rows of numbers"
    )
