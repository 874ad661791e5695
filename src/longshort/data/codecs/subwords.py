"""Subwords that a training text is made of most often: byte-pair encoding, or a unigram model.

Sennrich, Haddow and Birch (2016) join frequent pairs; Kudo (2018) prunes a unigram language model
and takes the likeliest parting. Both are over the bytes of UTF-8, so that every text can be
encoded. The library tokenizers learns and applies them.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Self

import numpy as np

from longshort.data.steps import Ints
from longshort.errors import MissingDependencyError, ModelFileError


@dataclass(frozen=True)
class Subwords:
    """An encoding that was learnt.

    Args:
        told: it, as the library writes it: JSON.
    """

    told: str

    @classmethod
    def fit(cls, texts: Iterable[str], size: int, *, unigram: bool = False) -> Self:
        """The encoding of texts by at most ``size`` subwords, 256 or more.

        Raises:
            MissingDependencyError: tokenizers is not installed.
        """
        library = tokenizers_library()
        models, trainers = library.models, library.trainers
        made = library.Tokenizer(models.Unigram() if unigram else models.BPE())
        made.pre_tokenizer = library.pre_tokenizers.ByteLevel(add_prefix_space=False)
        made.decoder = library.decoders.ByteLevel()
        kind = trainers.UnigramTrainer if unigram else trainers.BpeTrainer
        trainer = kind(
            vocab_size=size,
            show_progress=False,
            initial_alphabet=sorted(library.pre_tokenizers.ByteLevel.alphabet()),
        )
        made.train_from_iterator(texts, trainer)
        # written with its keys in one order, so that the same encoding is the same text
        return cls(json.dumps(json.loads(made.to_str()), ensure_ascii=False, sort_keys=True))

    @classmethod
    def take_up(cls, told: str) -> Self:
        """The encoding of a model file.

        Raises:
            ModelFileError: it is none.
        """
        library = tokenizers_library()
        try:
            library.Tokenizer.from_str(told)
        # the library raises bare exceptions
        except Exception as error:
            raise ModelFileError(f"the subwords cannot be read: {error}") from None
        found = cls(told)
        if sorted(found._made.get_vocab().values()) != list(range(len(found.pieces))):
            raise ModelFileError("the subwords have gaps in their numbers")
        return found

    def encode(self, text: str) -> Ints:
        """The subwords (N,) of a text, from 0."""
        return np.array(self._made.encode(text).ids, np.int64)

    @cached_property
    def pieces(self) -> tuple[bytes, ...]:
        """The bytes that each subword stands for."""
        names = self._made.get_vocab()
        byte_of = _bytes()
        try:
            ordered = sorted(names, key=names.__getitem__)
            return tuple(bytes(byte_of[sign] for sign in name) for name in ordered)
        except KeyError as error:
            raise ModelFileError(f"the subwords are not made of bytes: {error}") from None

    @cached_property
    def _made(self) -> Any:
        return tokenizers_library().Tokenizer.from_str(self.told)


def _bytes() -> dict[str, int]:
    """The byte that each sign of the library's alphabet stands for.

    Bytes that print stand for themselves, the others for the signs from U+0100 on, in order.
    """
    printing = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = [byte for byte in range(256) if byte not in printing]
    found = {chr(byte): byte for byte in printing}
    return found | {chr(0x100 + place): byte for place, byte in enumerate(others)}


def tokenizers_library(instead: str = "use characters, bytes or words") -> Any:
    """The library tokenizers, which is imported here alone.

    Args:
        instead: what else can be done where it is not installed.

    Raises:
        MissingDependencyError: it is not installed.
    """
    try:
        import tokenizers
        import tokenizers.decoders
        import tokenizers.models
        import tokenizers.pre_tokenizers
        import tokenizers.trainers
    except ImportError as error:
        raise MissingDependencyError(
            f'subwords need the package tokenizers: pip install "longshort[text]", or {instead}'
        ) from error
    return tokenizers
