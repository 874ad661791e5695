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
        paths = [self._path(word, codec) for word in words]
        following: list[dict[int, int]] = [{}, {}]
        depth, whole = [0, 0], [False, False]
        for path in paths:
            state = _BEGIN
            for symbol in path:
                if symbol not in following[state]:
                    following[state][symbol] = len(following)
                    following.append({})
                    depth.append(depth[state] + 1)
                    whole.append(False)
                state = following[state][symbol]
            whole[state] = True
        classes, states = codec.classes, len(following)
        ends = codec.begins
        # a blank leads to the next word's beginning; a word's first symbol begins it itself
        alone = np.array([not piece.strip() for piece in codec.pieces])
        self.next = np.full((states, classes), _OUTSIDE)
        self.gain = np.zeros((states, classes))
        held = np.array([weight * n for n in depth])
        done = np.array(whole)
        for state in range(states):
            for symbol in range(1, classes):
                to = following[state].get(symbol)
                left = 0.0 if done[state] and ends[symbol] else -held[state]
                if to is None and ends[symbol]:
                    to = _BEGIN if alone[symbol] else following[_BEGIN].get(symbol, _OUTSIDE)
                    self.gain[state, symbol] = left + held[to]
                elif to is None:
                    to = _OUTSIDE
                    self.gain[state, symbol] = left
                else:
                    self.gain[state, symbol] = held[to] - held[state]
                self.next[state, symbol] = to
        self.last = np.where(done, 0.0, -held)

    @staticmethod
    def _path(word: str, codec: TranscriptCodec) -> list[int]:
        unseen = codec.unseen(word)
        symbols = codec.encode(word).tolist()
        if not symbols or unseen:
            why = f"holds {unseen[0]!r}, which was not in training" if unseen else "is empty"
            raise ArgumentError(f"hot word {word!r} {why}; leave it out")
        return [int(symbol) for symbol in symbols]

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
