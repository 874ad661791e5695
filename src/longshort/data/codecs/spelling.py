"""Words as the bytes they are written with, as ELMo reads them.

A word is: begin of word, its bytes in UTF-8, end of word; 0 stands for the padding behind it. Bytes
are 1 to 256. A sentence begins and ends with words of one sign each. These numbers are those of the
published models (AllenNLP), whose padding, 261, is 0 here.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from longshort.data.stretch import Ints, Strangers

BEGIN_SENTENCE, END_SENTENCE, BEGIN_WORD, END_WORD = 257, 258, 259, 260
# 0 and these
SYMBOLS = END_WORD + 1
# words that the published models were trained with as the marks of a sentence
_MARKS = {"<S>": BEGIN_SENTENCE, "</S>": END_SENTENCE}


def spell(sentences: Sequence[Sequence[str]], longest: int = 50) -> NDArray[np.int64]:
    """(B, T, C) of the words of sentences, padded with 0; C is the length of the longest word.

    Args:
        sentences: B lists of words.
        longest: symbols of a word, its two marks among them; of longer ones the first are read.
    """
    steps = max((len(words) for words in sentences), default=0)
    spelt = [[_spelt(word, longest) for word in words] for words in sentences]
    width = max((len(each) for words in spelt for each in words), default=3)
    found = np.zeros((len(sentences), max(steps, 1), max(width, 3)), np.int64)
    for row, words in enumerate(spelt):
        for at, symbols in enumerate(words):
            found[row, at, : len(symbols)] = symbols
    return found


def spelt(words: Sequence[str], places: Sequence[Ints], numbers: Sequence[Ints]) -> Strangers:
    """Words that stand somewhere in a run of symbols.

    Args:
        words: each once.
        places, numbers: where they stand, and which of them; in pieces that follow each other.
    """
    letters = spell([words])[0, : len(words)].astype(np.int16)
    none = np.zeros(0, np.int64)
    return Strangers(np.concatenate([none, *places]), np.concatenate([none, *numbers]), letters)


@lru_cache(maxsize=2**15)
def _spelt(word: str, longest: int) -> tuple[int, ...]:
    inner = _MARKS.get(word)
    if inner is not None:
        return BEGIN_WORD, inner, END_WORD
    # half a surrogate has no bytes
    written = word.encode("utf-8", "ignore")[: longest - 2]
    return BEGIN_WORD, *(byte + 1 for byte in written), END_WORD
