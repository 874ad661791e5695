"""Text as symbols and back: bytes, characters, words, tokens between blanks, or subwords.

A vocabulary is fitted on the training part alone. Symbol 0 is the border where documents begin and
end, symbol 1 is whatever the training part does not hold; the others follow by falling frequency.
Each stands for certain bytes, so that what was encoded can be decoded, and a score per symbol can
be told per byte, which is comparable whatever the symbols are.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal, Self, cast, get_args

import numpy as np
from numpy.typing import NDArray

from longshort.contracts import Params
from longshort.data.codecs.spelling import spell
from longshort.data.codecs.subwords import Subwords
from longshort.data.steps import Ints
from longshort.errors import ArgumentError, ModelFileError, suggest

Unit = Literal["characters", "bytes", "words", "spaced", "subwords", "unigram"]

BORDER, UNKNOWN = 0, 1
# units that a library learns, and those that are listed in a vocabulary
_LEARNT = ("subwords", "unigram")
_LISTED = ("characters", "words", "spaced")
# the symbols that stand for no bytes
_SPECIAL = 2
# a word with the blank before it, one other sign with the blank before it, or one blank
_WORD = re.compile(r" ?\w+(?:['’]\w+)*| ?[^\w\s]|\s")
# a token with the blank before it, or one blank
_SPACED = re.compile(r" ?\S+|\s")
# subwords where nothing else is asked for
_SUBWORDS = 8000
_POINTS = 0x110000


@dataclass(frozen=True)
class Tokens(Params):
    """What the symbols of a text are.

    Args:
        unit: "characters"; "bytes" of UTF-8, which know no unknown; "words", a word or other sign
            each with the blank before it; "spaced", whatever stands between blanks, for texts that
            are tokenised already; "subwords", by byte-pair encoding (Sennrich et al. 2016), or
            "unigram" (Kudo 2018), both over bytes, which need the package tokenizers.
        least: a character or word that the training part holds less often is unknown.
        size: most symbols, with the border and the unknown one; None for 8000 subwords and for all
            characters and words.

    Raises:
        ArgumentError: a value out of range.
    """

    unit: Unit = "characters"
    least: int = 1
    size: int | None = None

    def __post_init__(self) -> None:
        if self.unit not in get_args(Unit):
            raise ArgumentError(f"Tokens(unit={self.unit!r}): {suggest(self.unit, get_args(Unit))}")
        self._whole(1, "least")
        self._whole(_SPECIAL + 1, "size")
        if self.unit in _LEARNT and self.size is not None and self.size < 258:
            raise ArgumentError(
                f"Tokens(size={self.size}): subwords begin with all 256 bytes; give 258 or more"
            )


@dataclass(frozen=True)
class TokenCodec:
    """A vocabulary.

    Args:
        unit: what a symbol is; "signs" are those of ``data.codecs.notation``.
        known: the characters, words or signs from symbol 2 on.
        subwords: the byte-pair encoding, where the unit is that.
    """

    unit: Unit | Literal["signs"]
    known: tuple[str, ...] = ()
    subwords: Subwords | None = None

    @classmethod
    def fit(cls, texts: Iterable[str], tokens: Tokens) -> Self:
        """The vocabulary of texts, which are read once.

        Raises:
            MissingDependencyError: subwords were asked for, and tokenizers is not installed.
        """
        if tokens.unit == "bytes":
            return cls("bytes")
        if tokens.unit in _LEARNT:
            size = _SUBWORDS if tokens.size is None else tokens.size
            learnt = Subwords.fit(texts, size - _SPECIAL, unigram=tokens.unit == "unigram")
            return cls(tokens.unit, subwords=learnt)
        if tokens.unit == "characters":
            found: Mapping[str, int] = _characters(texts)
        else:
            pattern = _pattern(tokens.unit)
            found = Counter(word for text in texts for word in pattern.findall(text))
        # equally frequent ones in the order of their code points, so that order is no accident
        ranked = sorted(found.items(), key=lambda pair: (-pair[1], pair[0]))
        most = None if tokens.size is None else tokens.size - _SPECIAL
        return cls(tokens.unit, tuple(k for k, count in ranked[:most] if count >= tokens.least))

    @property
    def begin(self) -> int:
        """The symbol that stands before every document."""
        return BORDER

    @property
    def unknown(self) -> int | None:
        """The symbol of what the training part did not hold; None where there is no such thing."""
        return UNKNOWN if self.unit in _LISTED else None

    @property
    def size(self) -> int:
        """V, all symbols with the border and the unknown one."""
        return len(self.pieces)

    @property
    def per(self) -> str:
        """What scores are told per, whatever the symbols are."""
        return "character"

    @property
    def measure(self) -> str:
        """The measure that methods are compared by, of ``records.language.LanguageScore``."""
        return "nats"

    @cached_property
    def counts(self) -> Ints:
        """(V,) how many of what scores are told per each symbol stands for."""
        # a character's further bytes begin with the bits 10
        heads = [sum(byte & 0xC0 != 0x80 for byte in piece) for piece in self.pieces]
        return np.array(heads, np.int64)

    @cached_property
    def sizes(self) -> Ints:
        """(V,) bytes that each symbol stands for."""
        return np.array([len(piece) for piece in self.pieces], np.int64)

    def extent(self, text: str) -> tuple[int, int]:
        """How many characters and bytes (in UTF-8) a text has."""
        return len(text), len(text) if text.isascii() else len(text.encode())

    @cached_property
    def pieces(self) -> tuple[bytes, ...]:
        """(V,) the bytes that each symbol stands for; none for the border and the unknown one."""
        if self.unit == "bytes":
            own: Iterable[bytes] = (bytes([n]) for n in range(256))
        elif self.subwords is not None:
            own = self.subwords.pieces
        else:
            own = (text.encode() for text in self.known)
        return (b"", b"", *own)

    def encode(self, text: str) -> Ints:
        """The symbols (N,) of a text, without a border."""
        if self.unit == "bytes":
            return np.frombuffer(text.encode(), np.uint8).astype(np.int64) + _SPECIAL
        if self.subwords is not None:
            return self.subwords.encode(text) + _SPECIAL
        if self.unit == "characters":
            return self._table[_points(text)].astype(np.int64)
        numbers = self._numbers
        found = (numbers.get(word, UNKNOWN) for word in self.parts(text))
        return np.fromiter(found, np.int64)

    def parts(self, text: str) -> list[str]:
        """A text as what its symbols stand for, unknown ones as they are written."""
        if self.unit == "characters":
            return list(text)
        if self.unit in _LISTED:
            return _pattern(self.unit).findall(text)
        return [self.pieces[n].decode("utf-8", "replace") for n in self.encode(text)]

    def holding(self, text: str, places: Sequence[tuple[int, int]]) -> tuple[Ints, Ints]:
        """The symbols (N,) of a text, and where stretches of it stand among them.

        Args:
            text: what is encoded.
            places: (T, 2), the first character of each stretch and the one after its last.

        Returns:
            The symbols, and (T, 2) the numbers of the first and the last symbol that hold any of a
            stretch; 0 of a text without symbols.
        """
        ids = self.encode(text)
        at = np.array(places, np.int64).reshape(-1, 2)
        if self.unit == "characters":
            ends = np.arange(1, len(ids) + 1)
        elif self.unit in _LISTED:
            pattern = _pattern(self.unit)
            ends = np.array([found.end() for found in pattern.finditer(text)], np.int64)
        else:
            ends = np.cumsum([len(self.pieces[number]) for number in ids.tolist()], dtype=np.int64)
            at = np.cumsum([0, *(len(character.encode()) for character in text)])[at]
        first = np.searchsorted(ends, at[:, 0], "right")
        last = np.maximum(np.searchsorted(ends, at[:, 1], "left"), first)
        return ids, np.stack([first, last], 1).clip(0, max(len(ids) - 1, 0))

    def decode(self, ids: Sequence[int] | Ints) -> str:
        """The text that symbols stand for; what is unknown, or no whole character, is U+FFFD."""
        unknown = "\N{REPLACEMENT CHARACTER}".encode()
        parts = (unknown if n == UNKNOWN else self.pieces[n] for n in ids)
        return b"".join(parts).decode("utf-8", "replace")

    def unseen(self, text: str) -> list[str]:
        """The characters or words of a text that are unknown, each once."""
        if self.unit not in _LISTED:
            return []
        return [token for token in dict.fromkeys(self.parts(text)) if token not in self._numbers]

    def strangers(self, text: str, words: dict[str, int]) -> tuple[Ints, Ints]:
        """Where words of a text stand that are unknown, and which, by numbers of ``words``.

        (M,) places among the symbols of the text, and (M,) numbers. ``words`` gets those that are
        new to it.
        """
        found = [
            (at, words.setdefault(word, len(words)))
            for at, word in enumerate(self.parts(text))
            if word not in self._numbers
        ]
        places, numbers = np.array(found, np.int64).reshape(-1, 2).T
        return places, numbers

    @cached_property
    def letters(self) -> Ints:
        """(V, C), how each word is written, see ``codecs.spelling``; the border is a mark."""
        letters: Ints = spell([["<S>", "", *self.known]])[0]
        return letters

    @cached_property
    def _numbers(self) -> dict[str, int]:
        return {text: number for number, text in enumerate(self.known, _SPECIAL)}

    @cached_property
    def _table(self) -> NDArray[np.int32]:
        """The symbol of every code point."""
        table = np.full(_POINTS, UNKNOWN, np.int32)
        table[[ord(text) for text in self.known]] = np.arange(len(self.known)) + _SPECIAL
        return table

    # the model file

    def put_down(self) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
        """The vocabulary as JSON values and arrays; ``take_up`` goes back."""
        text = json.dumps(self.known) if self.subwords is None else self.subwords.told
        return {"unit": self.unit}, {"vocabulary": np.frombuffer(text.encode(), np.uint8)}

    @classmethod
    def take_up(cls, told: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> Self:
        """The vocabulary whose ``put_down()`` these are.

        Raises:
            ModelFileError: they are not.
        """
        unit = told.get("unit")
        if unit not in get_args(Unit):
            raise ModelFileError(f"symbols are {', '.join(get_args(Unit))}; not {unit!r}")
        text = np.asarray(arrays["vocabulary"], np.uint8).tobytes()
        if unit in _LEARNT:
            return cls(unit, subwords=Subwords.take_up(text.decode()))
        known = json.loads(text)
        single = unit == "characters"
        if not isinstance(known, list) or not all(isinstance(k, str) and k for k in known):
            raise ModelFileError("the vocabulary is no list of texts")
        if len(set(known)) < len(known) or (single and any(len(k) != 1 for k in known)):
            raise ModelFileError(f"the vocabulary is no list of different {unit}")
        if unit == "bytes" and known:
            raise ModelFileError("a vocabulary of bytes has no list")
        return cls(cast(Unit, unit), tuple(known))


def words_of(text: str) -> list[str]:
    """A text as words and other signs, each with the blank before it, and further blanks."""
    return _WORD.findall(text)


def _pattern(unit: str) -> re.Pattern[str]:
    """What finds the symbols of a text."""
    return _SPACED if unit == "spaced" else _WORD


def _points(text: str) -> NDArray[np.uint32]:
    """The code points of a text."""
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32)


def _characters(texts: Iterable[str]) -> dict[str, int]:
    counts = np.zeros(_POINTS, np.int64)
    for text in texts:
        found, many = np.unique(_points(text), return_counts=True)
        counts[found] += many
    return {chr(point): int(counts[point]) for point in np.flatnonzero(counts)}
