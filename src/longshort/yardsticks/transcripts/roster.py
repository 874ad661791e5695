"""All yardsticks for transcripts, and what is left out because it cannot serve."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple

from longshort.data.codecs.transcripts import TranscriptCodec
from longshort.data.corpus import Corpus
from longshort.data.items import ItemEncoding
from longshort.yardsticks.transcripts.base import TranscriptYardstick
from longshort.yardsticks.transcripts.frequent import MostFrequent
from longshort.yardsticks.transcripts.markov import MarkovLoop

# all; the rule alone; none
Choice = Literal["all", "quick", "none"]

EVERY: tuple[TranscriptYardstick, ...] = (MostFrequent(), MarkovLoop())


class Called(NamedTuple):
    """The yardsticks that are fitted, and a sentence on each that is not."""

    yardsticks: Sequence[TranscriptYardstick]
    left_out: tuple[str, ...]


def roster(train: Corpus, codec: TranscriptCodec, reading: ItemEncoding, choice: Choice) -> Called:
    """Who is asked; nobody where there is no training part."""
    if choice == "none" or not len(train):
        return Called((), ())
    asked = [each for each in EVERY if choice == "all" or each.kind == "naive"]
    why = {each.name: each.refuses(train, codec, reading) for each in asked}
    left_out = tuple(f"{name} was left out: {told}." for name, told in why.items() if told)
    return Called([each for each in asked if not why[each.name]], left_out)
