"""Language models of words as what prefix search adds, where symbols are parts of words."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from longshort.data.codecs.transcripts import TranscriptCodec
from longshort.data.sources.arpa import BEGIN, BLANKS, END, UNKNOWN, Arpa
from longshort.data.steps import Ints
from longshort.heads.ctc import BLANK

Floats = NDArray[np.float64]
# words after words whose probabilities are remembered
_HELD = 500_000


class Words(Protocol):
    """A language model of words; what it has read is a value that may be kept."""

    def begin(self) -> Any:
        """Before the first word."""
        ...

    def log_p(self, node: Any, word: str) -> float:
        """log p of a word after what was read."""
        ...

    def read(self, node: Any, word: str) -> Any:
        """After that word."""
        ...

    def end(self, node: Any) -> float:
        """log p of the end."""
        ...


class Remembered:
    """A language model of words that remembers what it was asked."""

    def __init__(self, words: Words) -> None:
        self._words = words
        self._told: dict[tuple[Any, str], float] = {}
        self._after: dict[tuple[Any, str], Any] = {}

    def begin(self) -> Any:
        """See ``Words``."""
        return self._words.begin()

    def log_p(self, node: Any, word: str) -> float:
        """See ``Words``."""
        if (node, word) not in self._told:
            self._forget()
            self._told[node, word] = self._words.log_p(node, word)
        return self._told[node, word]

    def read(self, node: Any, word: str) -> Any:
        """See ``Words``."""
        if (node, word) not in self._after:
            self._forget()
            self._after[node, word] = self._words.read(node, word)
        return self._after[node, word]

    def end(self, node: Any) -> float:
        """See ``Words``."""
        return self._words.end(node)

    def _forget(self) -> None:
        if len(self._told) + len(self._after) > _HELD:
            self._told.clear()
            self._after.clear()


class ArpaWords:
    """Words of an ARPA file: what was read are the last n - 1 of them."""

    def __init__(self, arpa: Arpa) -> None:
        self._arpa, self._keep = arpa, max(arpa.order - 1, 1)

    def begin(self) -> tuple[str, ...]:
        """See ``Words``."""
        return (BEGIN,)

    def log_p(self, node: tuple[str, ...], word: str) -> float:
        """See ``Words``."""
        return self._arpa.log_p(node, word)

    def read(self, node: tuple[str, ...], word: str) -> tuple[str, ...]:
        """See ``Words``."""
        return (*node, word)[-self._keep :]

    def end(self, node: tuple[str, ...]) -> float:
        """See ``Words``."""
        return self._arpa.log_p(node, END)


class ArpaSymbols:
    """``ngrams.After`` of an ARPA file whose words are the transcriber's symbols.

    Args:
        arpa: the file.
        words: (K,) its word for each class; see ``symbols_of``.
    """

    def __init__(self, arpa: Arpa, words: list[str]) -> None:
        self._arpa, self._words, self.order = arpa, words, arpa.order

    def log_p(self, history: tuple[int, ...]) -> Floats:
        """See ``After``."""
        before = tuple(BEGIN if symbol == BLANK else self._words[symbol] for symbol in history)
        return np.array([self._arpa.log_p(before, word) for word in self._words])


def symbols_of(arpa: Arpa, codec: TranscriptCodec) -> list[str] | None:
    """The word of an ARPA file for each class; None where its words are no symbols of ours."""
    if codec.tokens.unit != "words" and any(len(w) > 1 and w not in BLANKS for w in arpa.words):
        return None
    blank = next((each for each in BLANKS if each in arpa.words), UNKNOWN)
    return [END, UNKNOWN, *(piece.strip() or blank for piece in codec.pieces[2:])]


class WordPrior:
    """A ``heads.prefixes.Prior``: each word that ends adds weight * log p + bonus.

    Args:
        words: the language model.
        codec: of the transcriber.
        weight: of its log-probabilities.
        bonus: for each word.
    """

    def __init__(self, words: Words, codec: TranscriptCodec, weight: float, bonus: float) -> None:
        self._words, self._codec, self._weight, self._bonus = words, codec, weight, bonus

    def start(self, rows: int) -> Floats:
        """See ``Prior``."""
        self._rows: list[tuple[Any, str]] = [(self._words.begin(), "")] * rows
        self._gained = np.zeros(rows)
        return self._gains()

    def read(self, rows: Ints, choice: Ints) -> Floats:
        """See ``Prior``."""
        before, self._gained = self._rows, self._gained[rows]
        self._rows = [before[row] for row in rows.tolist()]
        for row in np.flatnonzero(choice >= 0).tolist():
            symbol = int(choice[row])
            node, part = self._rows[row]
            if self._codec.begins[symbol] and part:
                node, part = self._words.read(node, part), ""
            part += self._codec.pieces[symbol].strip()
            self._rows[row] = node, part
            told = self._weight * self._words.log_p(node, part) + self._bonus if part else 0.0
            self._gained[row] = told
        return self._gains()

    def end(self) -> Floats:
        """See ``Prior``."""
        found = self._gained.copy()
        for row, (node, part) in enumerate(self._rows):
            last = self._words.read(node, part) if part else node
            found[row] += self._weight * self._words.end(last)
        return found

    def _gains(self) -> Floats:
        return self._gained[:, None] * self._codec.begins
