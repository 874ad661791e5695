"""Words that are expected: prefix search prefers them, whatever else it knows.

Each symbol that goes on with an expected word or phrase adds ``weight``; where the phrase breaks
off, all that it had added is taken away again. A phrase begins where a word does and is whole
where a word ends, so that "art" is not found in "start".
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from longshort.data.codecs.transcripts import TranscriptCodec
from longshort.data.steps import Ints
from longshort.errors import ArgumentError

Floats = NDArray[np.float64]

# states of the automaton: inside of another word, and at the beginning of a word
_OUTSIDE, _BEGIN = 0, 1


class HotWords:
    """Expected words as an automaton over symbols; states S, classes K.

    Args:
        words: words or phrases.
        weight: what each of their symbols adds to a transcript's score, in nats.
        codec: of the transcriber.

    Raises:
        ArgumentError: a word is empty, or holds what the transcriber cannot write.
    """

    def __init__(self, words: Sequence[str], weight: float, codec: TranscriptCodec) -> None:
        if isinstance(words, str):
            raise ArgumentError(f"hot words {words!r}: give a list of words")
        whole = {self._path(word, codec) for word in words}
        self._ends = codec.begins
        # a blank by itself: after it a word begins
        self._alone = np.array([not piece.strip() for piece in codec.pieces])
        every = sorted({path[:n] for path in whole for n in range(1, len(path) + 1)})
        self._states = {(): _BEGIN, **{path: at for at, path in enumerate(every, _BEGIN + 1)}}
        shape = len(self._states) + 1, codec.classes
        self.next = np.full(shape, _OUTSIDE)
        self.gain, self.last = np.zeros(shape), np.zeros(shape[0])
        # what is taken away where a phrase breaks off: a whole phrase within it stays
        pending: dict[tuple[int, ...], int] = {(): 0}
        for path in every:
            before = path[:-1]
            kept = before in whole and self._ends[path[-1]]
            pending[path] = 1 if kept else pending[before] + 1
        for path, state in self._states.items():
            self.last[state] = 0.0 if path in whole else -weight * pending[path]
            for symbol in range(1, codec.classes):
                longer = (*path, symbol)
                if longer in self._states:
                    self.next[state, symbol] = self._states[longer]
                    self.gain[state, symbol] = weight
                    continue
                rest = self._rest(longer)
                self.next[state, symbol] = _OUTSIDE if rest is None else self._states[rest]
                taken = 0 if path in whole and self._ends[symbol] else pending[path]
                self.gain[state, symbol] = weight * (len(rest or ()) - taken)
        for symbol in range(1, codec.classes):
            rest = self._rest((symbol, symbol))
            self.next[_OUTSIDE, symbol] = _OUTSIDE if rest is None else self._states[rest]
            self.gain[_OUTSIDE, symbol] = weight * len(rest or ())

    def _rest(self, path: tuple[int, ...]) -> tuple[int, ...] | None:
        """What a path ends with that may still become a phrase; None inside of another word."""
        for at in range(1, len(path)):
            first = path[at]
            begins = self._alone[path[at - 1]] or (self._ends[first] and not self._alone[first])
            if begins and path[at:] in self._states:
                return path[at:]
        return () if self._alone[path[-1]] else None

    @staticmethod
    def _path(word: str, codec: TranscriptCodec) -> tuple[int, ...]:
        unseen = codec.unseen(word)
        symbols = codec.encode(word).tolist()
        if not symbols or unseen:
            why = f"holds {unseen[0]!r}, which was not in training" if unseen else "is empty"
            raise ArgumentError(f"hot word {word!r} {why}; leave it out")
        return tuple(symbols)

    def prior(self) -> HotPrior:
        """What prefix search adds, new for one search."""
        return HotPrior(self)


class HotPrior:
    """A ``heads.prefixes.Prior`` of expected words."""

    def __init__(self, words: HotWords) -> None:
        self._words = words

    def start(self, rows: int) -> Floats:
        """See ``Prior``."""
        self._state: Ints = np.full(rows, _BEGIN)
        return self._words.gain[self._state]

    def read(self, rows: Ints, choice: Ints) -> Floats:
        """See ``Prior``."""
        state = self._state[rows]
        self._state = np.where(choice >= 0, self._words.next[state, np.maximum(choice, 0)], state)
        return self._words.gain[self._state]

    def end(self) -> Floats:
        """See ``Prior``."""
        return self._words.last[self._state]
