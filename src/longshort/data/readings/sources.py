"""Texts that are to be turned into others, as a network reads them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Self
from weakref import WeakKeyDictionary

import numpy as np
import torch
from numpy.typing import NDArray

from longshort.data.codecs.tokens import BORDER, UNKNOWN
from longshort.data.codecs.transcripts import Spelling, TranscriptCodec
from longshort.data.corpus import Corpus
from longshort.data.items import Inputs, Widths
from longshort.data.steps import Ints
from longshort.errors import DataError, ModelFileError

# the groups of a batch's inputs
SOURCE, COPIED = "source", "copied"


@dataclass(frozen=True, eq=False)
class SourceReading:
    """Texts as symbols "source" (B, T), each closed by 0; T is 1 or more.

    Where symbols may be copied, "copied" (B, T) is what each step is written as in the target's
    vocabulary. What that does not hold is numbered from its end on, within each text.

    Args:
        codec: of the texts.
        target: of what they are turned into, where symbols are copied.
        width: numbers that a symbol becomes.
        longest: symbols that are read of a text; what comes later is cut off.
    """

    name: ClassVar[str] = "source"

    codec: TranscriptCodec
    target: TranscriptCodec | None
    width: int
    longest: int
    _kept: WeakKeyDictionary[Corpus, list[Ints]] = field(
        default_factory=WeakKeyDictionary, repr=False
    )

    @property
    def widths(self) -> Widths:
        """One group of symbols."""
        symbols = {SOURCE: (self.codec.classes, self.width)}
        # a vector's length is 1 at first
        return Widths(symbols=symbols, scale=self.width**-0.5)

    def lengths(self, corpus: Corpus) -> Ints:
        """(N,) symbols that are read of each text, with the closing one."""
        return np.array([len(own) + 1 for own in self._symbols(corpus)], np.int64)

    def read(self, corpus: Corpus, items: Sequence[int]) -> Inputs:
        """What a network reads of these texts, padded with zeros."""
        every = self._symbols(corpus)
        lengths = torch.tensor([len(every[item]) + 1 for item in items])
        shape = len(items), max([1, *lengths.tolist()])
        symbols = np.full(shape, BORDER, np.int64)
        for row, item in enumerate(items):
            symbols[row, : len(every[item])] = every[item]
        inputs = {SOURCE: torch.from_numpy(symbols)}
        if self.target is not None:
            copied = np.full(shape, BORDER, np.int64)
            for row, item in enumerate(items):
                own = self.written(corpus, item)
                copied[row, : len(own)] = own
            inputs[COPIED] = torch.from_numpy(copied)
        return Inputs(inputs, lengths)

    def cut(self, corpus: Corpus) -> Ints:
        """Numbers of the texts that are longer than what is read of them."""
        lengths = np.array([len(self.codec.encode(text)) for text in _texts(corpus)], np.int64)
        return np.flatnonzero(lengths > self.longest)

    def strange(self, corpus: Corpus) -> Ints:
        """Numbers of the texts of which more than half of the symbols were never learnt from.

        None where symbols are copied, whatever they are.
        """
        if self.target is not None:
            return np.zeros(0, np.int64)
        shares = [np.mean(own == UNKNOWN) if len(own) else 0.0 for own in self._symbols(corpus)]
        return np.flatnonzero(np.array(shares) > 0.5)

    # copying

    def parts(self, corpus: Corpus, item: int) -> list[str]:
        """What each symbol of a text stands for, as it is written, without the closing one."""
        return self.codec.parts(_texts(corpus)[item])[: self.longest]

    def strangers(self, corpus: Corpus, item: int) -> list[str]:
        """What of a text the target's vocabulary does not hold, each once, in order."""
        if self.target is None:
            return []
        known = self.target.numbers
        return list(dict.fromkeys(p for p in self.parts(corpus, item) if p not in known))

    def written(self, corpus: Corpus, item: int) -> Ints:
        """What each symbol of a text is written as."""
        assert self.target is not None
        known, first = self.target.numbers, self.target.classes
        new: dict[str, int] = {}
        return np.array(
            [
                known[p] if p in known else new.setdefault(p, first + len(new))
                for p in self.parts(corpus, item)
            ],
            np.int64,
        )

    def wanted(self, corpus: Corpus, item: int, text: str) -> Ints:
        """The symbols (U,) of a target, closed by 0; unknown ones as copied where they can be."""
        assert self.target is not None
        found = self.target.encode(text)
        unknown = np.flatnonzero(found == UNKNOWN)
        if len(unknown):
            parts, new = self.target.parts(text), self.strangers(corpus, item)
            for at in unknown.tolist():
                if parts[at] in new:
                    found[at] = self.target.classes + new.index(parts[at])
        return closed(found)

    def _symbols(self, corpus: Corpus) -> list[Ints]:
        kept = self._kept.get(corpus)
        if kept is None:
            encode, longest = self.codec.encode, self.longest
            kept = self._kept[corpus] = [encode(text)[:longest] for text in _texts(corpus)]
        return kept

    # the model file

    def put_down(self) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
        """What the model file keeps; ``take_up`` goes back."""
        told, arrays = self.codec.put_down()
        found: dict[str, Any] = {
            "codec": told, "spelling": self.codec.spelling.get_params(), "width": self.width,
            "longest": self.longest, "target": None,
        }  # fmt: skip
        kept = {f"codec.{name}": own for name, own in arrays.items()}
        if self.target is not None:
            told, arrays = self.target.put_down()
            found["target"] = {"codec": told, "spelling": self.target.spelling.get_params()}
            kept |= {f"target.{name}": own for name, own in arrays.items()}
        return found, kept

    @classmethod
    def take_up(cls, settings: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> Self:
        """The reading whose ``put_down()`` these are.

        Raises:
            ModelFileError: a part is missing or does not fit the others.
        """
        try:
            codec = _codec("codec", settings["codec"], settings["spelling"], arrays)
            target = None
            if (given := settings["target"]) is not None:
                target = _codec("target", given["codec"], given["spelling"], arrays)
            width, longest = int(settings["width"]), int(settings["longest"])
            if width < 1 or longest < 1:
                raise ValueError(f"width={width}, longest={longest}")
            return cls(codec, target, width, longest)
        except (KeyError, TypeError, ValueError) as error:
            raise ModelFileError(f"how sources are read cannot be told: {error!r}") from None


def closed(symbols: Ints | Iterable[int]) -> Ints:
    """Symbols with the closing one behind them."""
    return np.append(np.asarray(symbols, np.int64), BORDER)


def _texts(corpus: Corpus) -> tuple[str, ...]:
    if corpus.texts is None:
        raise DataError(f"{corpus.source}: there are {corpus.content}, and no texts, to read")
    return corpus.texts


def _codec(
    name: str, told: Mapping[str, Any], spelling: Mapping[str, Any], arrays: Mapping[str, Any]
) -> TranscriptCodec:
    own = {key.removeprefix(f"{name}."): a for key, a in arrays.items() if key.startswith(name)}
    return TranscriptCodec.take_up(told, own, Spelling(**spelling))
