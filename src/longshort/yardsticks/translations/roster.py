"""All yardsticks for translations, summaries and captions, and what cannot serve."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple

from longshort.data.corpus import Corpus
from longshort.records import What
from longshort.yardsticks.translations.base import TranslationYardstick
from longshort.yardsticks.translations.nearest import Nearest
from longshort.yardsticks.translations.rules import Copy, Lead, MostFrequent

# all; the rules alone; none
Choice = Literal["all", "quick", "none"]

EVERY: tuple[TranslationYardstick, ...] = (Copy(), Lead(), MostFrequent(), Nearest())


class Called(NamedTuple):
    """The yardsticks that are fitted, and a sentence on each that is not."""

    yardsticks: Sequence[TranslationYardstick]
    left_out: tuple[str, ...]


def roster(train: Corpus, what: What, choice: Choice) -> Called:
    """Who is asked; nobody where there is no training part."""
    if choice == "none" or not len(train):
        return Called((), ())
    asked = [each for each in EVERY if choice == "all" or each.kind == "naive"]
    why = {each.name: each.refuses(train, what) for each in asked}
    left_out = tuple(f"{name} was left out: {told}." for name, told in why.items() if told)
    return Called([each for each in asked if not why[each.name]], left_out)
