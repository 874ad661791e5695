"""What translates, and what a yardstick for translations, summaries and captions is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol

import numpy as np

from longshort.data.corpus import Corpus
from longshort.metrics.translations import tokenization, words
from longshort.records import Kind, What

# the score of answers beside the targets of a corpus, pair by pair; more is better
Judge = Callable[[Sequence[str], Corpus], float]
# pairs that are looked at to tell what they are
_LOOKED = 500


class TranslationMethod(NamedTuple):
    """Whatever translates: a name, what kind it is, and the target that it tells of each source."""

    name: str
    kind: Kind
    answers: Callable[[Corpus], Sequence[str]]


class TranslationYardstick(Protocol):
    """A rule or a classical method that learns from pairs."""

    @property
    def name(self) -> str:
        """How it is called in tables."""
        ...

    @property
    def kind(self) -> Kind:
        """ "naive" for a rule, "classical" for what looks for the nearest of what it knows."""
        ...

    def refuses(self, train: Corpus, what: What) -> str:
        """A sentence on why it cannot serve such pairs; "" if it can."""
        ...

    def fit(
        self, train: Corpus, valid: Corpus | None, judge: Judge, seed: int
    ) -> TranslationMethod:
        """Learn from the training part; settings, if any, are chosen on the validation part.

        Args:
            train, valid: pairs; ``valid`` is None where there is none.
            judge: scores answers beside the targets of a corpus.
            seed: of whatever is random.
        """
        ...


class Gathered(NamedTuple):
    """Every source once, (N,), with all of its targets."""

    corpus: Corpus
    references: list[tuple[str, ...]]


def gathered(corpus: Corpus) -> Gathered:
    """Pairs of one source, the same text or picture, as one item with several references.

    Of pictures the same file is the same picture.
    """
    sources = corpus.texts if corpus.texts is not None else tuple(map(_name, corpus.pictures or ()))
    found: dict[object, list[int]] = {}
    for at, source in enumerate(sources):
        found.setdefault(source, []).append(at)
    told = corpus.transcripts or ()
    references = [tuple(dict.fromkeys(told[at] for at in own)) for own in found.values()]
    if len(found) == len(corpus):
        return Gathered(corpus, references)
    return Gathered(corpus.select([own[0] for own in found.values()]), references)


def _name(picture: object) -> object:
    return id(picture) if isinstance(picture, np.ndarray) else picture


def what_of(corpus: Corpus) -> What:
    """What the targets of a corpus are.

    Captions are of pictures; summaries are at most half as long as their sources in the middle, and
    half of their words or more are in them; all else are translations.
    """
    if corpus.texts is None:
        return "captions"
    sources, targets = corpus.texts[:_LOOKED], (corpus.transcripts or ())[:_LOOKED]
    cut = tokenization(targets)
    pairs = [(words(one, cut), words(two, cut)) for one, two in zip(sources, targets, strict=True)]
    if not pairs:
        return "translations"
    shorter = float(np.median([len(two) / max(1, len(one)) for one, two in pairs]))
    shared = sum(word in one for one, two in ((set(o), t) for o, t in pairs) for word in two)
    all_words = sum(len(two) for _, two in pairs)
    return "summaries" if shorter <= 0.5 and 2 * shared >= all_words else "translations"
