"""Rules that do not translate: the source itself, its first words, the most frequent target."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from longshort.data.corpus import Corpus
from longshort.metrics.translations import tokenization
from longshort.records import Kind, What
from longshort.yardsticks.translations.base import Judge, TranslationMethod

# shares of the lengths of targets that are tried as the number of first words
_TRIED = np.linspace(0.05, 0.95, 19)
# pairs of the validation part that it is chosen on
_CHOOSING = 1000


@dataclass(frozen=True)
class Copy:
    """The source as it stands."""

    name: str = "copy of the source"
    kind: Kind = "naive"

    def refuses(self, train: Corpus, what: What) -> str:
        """Of pictures there is nothing to copy; a summary by copying is no summary."""
        return "pictures are no text" if what == "captions" else ""

    def fit(
        self, train: Corpus, valid: Corpus | None, judge: Judge, seed: int
    ) -> TranslationMethod:
        """There is nothing to learn."""
        return TranslationMethod(self.name, self.kind, lambda corpus: list(corpus.texts or ()))


@dataclass(frozen=True)
class Lead:
    """The first k words of the source, k chosen on the validation part."""

    name: str = "first words"
    kind: Kind = "naive"

    def refuses(self, train: Corpus, what: What) -> str:
        """It is a rule of summaries."""
        return "" if what == "summaries" else "only summaries begin as their sources do"

    def fit(
        self, train: Corpus, valid: Corpus | None, judge: Judge, seed: int
    ) -> TranslationMethod:
        """Choose k; without a validation part it is the middle length of a target."""
        blank = "" if tokenization(train.transcripts or ()) == "char" else " "
        lengths = [len(_cut(text, blank)) for text in train.transcripts or ()]
        tried = sorted({max(1, int(k)) for k in np.quantile(lengths, _TRIED)})
        count = max(1, int(np.median(lengths)))
        if valid is not None and len(valid):
            asked = valid.select(range(min(len(valid), _CHOOSING)))
            scores = [judge(_led(asked, k, blank), asked) for k in tried]
            count = tried[int(np.argmax(scores))]
        unit = "characters" if not blank else "words"
        return TranslationMethod(
            f"first {count} {unit}", self.kind, lambda corpus: _led(corpus, count, blank)
        )


def _cut(text: str, blank: str) -> Sequence[str]:
    return text.split() if blank else text


def _led(corpus: Corpus, count: int, blank: str) -> list[str]:
    return [blank.join(_cut(text, blank)[:count]) for text in corpus.texts or ()]


@dataclass(frozen=True)
class MostFrequent:
    """The training part's most frequent target for every source.

    Where no target comes twice, it is the one that is nearest to all others by the measure, of a
    sample: what one would say without looking.
    """

    name: str = "most frequent target"
    kind: Kind = "naive"

    def refuses(self, train: Corpus, what: What) -> str:
        """Never."""
        return ""

    def fit(
        self, train: Corpus, valid: Corpus | None, judge: Judge, seed: int
    ) -> TranslationMethod:
        """Count the targets."""
        (most, times), *_ = Counter(train.transcripts or ()).most_common(1)
        if times == 1:
            most = _middle(train, judge, seed)
        return TranslationMethod(self.name, self.kind, lambda corpus: [most] * len(corpus))


def _middle(train: Corpus, judge: Judge, seed: int) -> str:
    """Of some targets the one that scores best as the answer to some others."""
    random = np.random.default_rng(seed)
    drawn = random.permutation(len(train))
    tried, others = drawn[:20], train.select(drawn[-200:])
    told: list[str] = [(train.transcripts or ())[int(at)] for at in tried]
    scores = [judge([text] * len(others), others) for text in told]
    return told[int(np.argmax(scores))]
