"""Words of texts and sentences as a published ELMo model reads them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import torch
from numpy.typing import NDArray
from torch import Tensor

from longshort.data.codecs.spelling import spell
from longshort.data.corpus import Corpus
from longshort.data.readings.words import TextReading
from longshort.errors import ModelFileError

# the group of inputs that holds the characters of words, (B, T, C)
CHARACTERS = "pretrained"


@dataclass(frozen=True)
class ElmoFeed:
    """The characters of each word.

    Args:
        longest: symbols of a word, its two marks among them.
    """

    longest: int
    kind: ClassVar[str] = "elmo"

    def read(
        self, reading: TextReading, corpus: Corpus, items: Sequence[int]
    ) -> Mapping[str, Tensor]:
        """``CHARACTERS`` (B, T, C) of the words that are the steps of ``reading``."""
        words = []
        for item in items:
            text, places = reading.running(corpus, item)
            words.append([text[start:stop] for start, stop in places])
        return {CHARACTERS: torch.from_numpy(spell(words, self.longest))}

    def put_down(self) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
        """What the model file keeps."""
        return {"longest": self.longest}, {}

    @classmethod
    def take_up(cls, settings: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> Self:
        """The feed whose ``put_down()`` these are.

        Raises:
            ModelFileError: a word is not of 3 or more symbols.
        """
        longest = settings["longest"]
        if not isinstance(longest, int) or isinstance(longest, bool) or longest < 3 or arrays:
            raise ModelFileError(f"words of {longest!r} symbols cannot be read")
        return cls(longest)
