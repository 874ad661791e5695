"""Transcripts as symbols and back: how they are spelt, what is learnt of them, where words are."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Literal, Self, get_args

import numpy as np
from numpy.typing import NDArray

from longshort.contracts import Params
from longshort.data.codecs.tokens import UNKNOWN, TokenCodec, Tokens
from longshort.data.steps import Ints
from longshort.errors import ArgumentError, suggest

Case = Literal["keep", "lower", "upper"]
Punctuation = Literal["keep", "drop"]

_APOSTROPHES = "'\N{RIGHT SINGLE QUOTATION MARK}"


@dataclass(frozen=True)
class Spelling(Params):
    """How transcripts are written before anything is learnt or judged.

    Characters are composed (Unicode NFC), runs of blanks are one blank, and none stands at an end.

    Args:
        case: "keep", "lower" or "upper".
        punctuation: "drop" leaves letters, digits, marks, blanks, and apostrophes within words.

    Raises:
        ArgumentError: another value.
    """

    case: Case = "keep"
    punctuation: Punctuation = "keep"

    def __post_init__(self) -> None:
        for name, known in (("case", get_args(Case)), ("punctuation", get_args(Punctuation))):
            value = getattr(self, name)
            if value not in known:
                raise ArgumentError(f"Spelling({name}={value!r}): {suggest(str(value), known)}")

    def __str__(self) -> str:
        told = {"lower": "in lower case", "upper": "in upper case"}.get(self.case, "case kept")
        signs = "without punctuation" if self.punctuation == "drop" else "punctuation kept"
        return f"{told}, {signs}, runs of blanks as one"

    def spelt(self, text: str) -> str:
        """A transcript as it is learnt and judged."""
        text = unicodedata.normalize("NFC", text)
        if self.case != "keep":
            text = text.lower() if self.case == "lower" else text.upper()
        if self.punctuation == "drop":
            text = "".join(_plain(text))
        return " ".join(text.split())


def _plain(text: str) -> Iterable[str]:
    for at, sign in enumerate(text):
        inside = 0 < at < len(text) - 1 and text[at - 1].isalnum() and text[at + 1].isalnum()
        if unicodedata.category(sign)[0] in "LNM":
            yield sign
        elif sign in _APOSTROPHES and inside:
            yield "'"
        else:
            yield " "


@dataclass(frozen=True)
class TranscriptCodec:
    """The symbols of transcripts: 0 is CTC's blank, 1 what the training part does not hold.

    Args:
        tokens: the vocabulary; where a symbol holds the blank before a word, the first one does,
            too.
        spelling: how transcripts are written.
    """

    tokens: TokenCodec
    spelling: Spelling

    @classmethod
    def fit(cls, transcripts: Iterable[str], tokens: Tokens, spelling: Spelling) -> Self:
        """The vocabulary of a training part's transcripts."""
        lead = _lead(tokens.unit)
        spelt = (lead + spelling.spelt(text) for text in transcripts)
        found = TokenCodec.fit([text for text in spelt if text.strip()], tokens)
        # in an order of their own, so that the same alphabet has the same classes everywhere
        return cls(replace(found, known=tuple(sorted(found.known))), spelling)

    @property
    def classes(self) -> int:
        """K, the blank, the unknown symbol and all others."""
        return self.tokens.size

    def encode(self, text: str) -> Ints:
        """The symbols (U,) of a transcript."""
        spelt = self.spelling.spelt(text)
        return self.tokens.encode(_lead(self.tokens.unit) + spelt if spelt else "")

    def parts(self, text: str) -> list[str]:
        """What each symbol of a transcript stands for, unknown ones as they are written."""
        spelt = self.spelling.spelt(text)
        return self.tokens.parts(_lead(self.tokens.unit) + spelt) if spelt else []

    @cached_property
    def numbers(self) -> dict[str, int]:
        """The symbol of every part that is known."""
        if self.tokens.unit in ("bytes", "subwords", "unigram"):
            return {piece: at for at, piece in enumerate(self.pieces) if at > UNKNOWN}
        return {piece: at for at, piece in enumerate(self.tokens.known, UNKNOWN + 1)}

    def decode(self, symbols: Sequence[int] | Ints) -> str:
        """The transcript that symbols stand for."""
        return " ".join(self.tokens.decode(symbols).split())

    def unseen(self, text: str) -> list[str]:
        """The characters or words of a transcript that are unknown, each once."""
        spelt = self.spelling.spelt(text)
        return [
            each.strip() or each
            for each in self.tokens.unseen(_lead(self.tokens.unit) + spelt if spelt else "")
        ]

    def spoken(self, text: str) -> list[str]:
        """A transcript as the symbols of the model, blanks left out; unknown ones as they are."""
        spelt = self.spelling.spelt(text)
        if self.tokens.unit == "characters":
            return list("".join(spelt.split()))
        if self.tokens.unit in ("words", "spaced"):
            return [each.strip() for each in self.tokens.parts(spelt) if each.strip()]
        return [self.pieces[symbol].strip() for symbol in self.encode(text)]

    # words

    @cached_property
    def pieces(self) -> tuple[str, ...]:
        """(K,) what each symbol writes; nothing for the blank."""
        found = [piece.decode("utf-8", "replace") for piece in self.tokens.pieces]
        found[UNKNOWN] = "\N{REPLACEMENT CHARACTER}"
        return tuple(found)

    @cached_property
    def begins(self) -> NDArray[np.bool_]:
        """(K,) symbols before which a word has ended: a blank, a word, or what begins with one."""
        if self.tokens.unit in ("words", "spaced"):
            return np.arange(self.classes) > 0
        return np.array([piece[:1].isspace() for piece in self.pieces], bool)

    def words(self, symbols: Sequence[int]) -> list[tuple[int, int]]:
        """Where the words of a transcript begin and end (exclusive), blanks left out."""
        found: list[tuple[int, int]] = []
        start: int | None = None
        for at, symbol in enumerate([*symbols, None]):
            if symbol is not None and not self.begins[symbol]:
                start = at if start is None else start
                continue
            if start is not None:
                found.append((start, at))
            lone = symbol is None or not self.pieces[symbol].strip()
            start = None if lone else at
        return found

    # the model file

    def put_down(self) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
        """As JSON values and arrays; ``take_up`` goes back."""
        return self.tokens.put_down()

    @classmethod
    def take_up(
        cls, told: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]], spelling: Spelling
    ) -> Self:
        """The codec whose ``put_down()`` these are.

        Raises:
            ModelFileError: they are not.
        """
        return cls(TokenCodec.take_up(told, arrays), spelling)


def _lead(unit: str) -> str:
    """What stands before a transcript, so that its first word is written as every other one."""
    return "" if unit in ("characters", "bytes") else " "
