"""Words as the pieces they are made of (byte-pair encoding, Sennrich et al. 2016)."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from longshort.data.codecs.subwords import tokenizers_library
from longshort.errors import MissingDependencyError, ModelFileError

# what stands for a character that the training part does not hold
_UNKNOWN = "[UNK]"
# what every piece but a word's first begins with
_GOES_ON = "##"


class WordPieces:
    """Pieces that the training part's words are made of, the most frequent pairs joined first.

    Args:
        told: the encoding as the library ``tokenizers`` writes it, JSON.
    """

    def __init__(self, told: str) -> None:
        self.told = told

    @classmethod
    def fit(cls, counted: Mapping[str, int], size: int) -> WordPieces:
        """At most ``size`` pieces of words that were counted.

        Raises:
            MissingDependencyError: ``tokenizers`` is not installed.
        """
        library = _library()
        made = library.Tokenizer(
            library.models.BPE(unk_token=_UNKNOWN, continuing_subword_prefix=_GOES_ON)
        )
        made.pre_tokenizer = library.pre_tokenizers.WhitespaceSplit()
        trainer = library.trainers.BpeTrainer(
            vocab_size=size, special_tokens=[_UNKNOWN], show_progress=False,
            continuing_subword_prefix=_GOES_ON,
        )  # fmt: skip
        repeated = (" ".join([word] * n) for word, n in sorted(counted.items()))
        made.train_from_iterator(repeated, trainer)
        return cls(made.to_str())

    @cached_property
    def _encoding(self) -> Any:
        try:
            return _library().Tokenizer.from_str(self.told)
        except MissingDependencyError:
            raise
        # the library raises nothing more exact
        except Exception as error:
            raise ModelFileError(f"the subwords cannot be read: {error}") from None

    def split(self, word: str) -> list[str]:
        """The pieces of a word; all but the first begin with "##"."""
        return self._encoding.encode(word).tokens  # type: ignore[no-any-return]

    def put_down(self) -> dict[str, NDArray[Any]]:
        """Arrays for a model file."""
        return {"subwords": np.frombuffer(self.told.encode(), np.uint8)}

    @classmethod
    def take_up(cls, arrays: Mapping[str, NDArray[Any]]) -> WordPieces:
        """The encoding whose ``put_down()`` these are.

        Raises:
            ModelFileError: it is missing or cannot be read.
        """
        try:
            made = cls(np.asarray(arrays["subwords"], np.uint8).tobytes().decode())
        except (KeyError, ValueError) as error:
            raise ModelFileError(f"the subwords cannot be read: {error}") from None
        _ = made._encoding
        return made


def _library() -> Any:
    return tokenizers_library("leave Text(subwords=...) out")
