"""Bags of words: logistic regression on TF-IDF of words, or of pieces of words.

    tf-idf(t, d) = (1 + log tf(t, d)) (1 + log((1 + N) / (1 + df(t)))), each text of length 1

Wang and Manning 2012, "Baselines and bigrams", found it hard to beat on short texts.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple
from weakref import WeakKeyDictionary

from longshort.data.corpus import Corpus
from longshort.data.sequences import Floats
from longshort.records import Kind
from longshort.yardsticks.labels.base import LabelMethod
from longshort.yardsticks.labels.choice import chosen, indicator, one_each

# words, numbers, and signs by themselves: what "!" and ":)" say is kept
_WORD = re.compile(r"\w+(?:['’]\w+)*|[^\w\s]+")
# most different words or pieces that are read, and characters of a text
_MOST, _LONGEST = 500_000, 100_000
# inverse strengths of the penalty that are tried
_STRENGTHS = (0.5, 2.0, 8.0)
# characters of all texts that are read in minutes
_CHARACTERS = 200_000_000


class _Setting(NamedTuple):
    strength: float
    balanced: bool


@dataclass(frozen=True)
class Bag:
    """TF-IDF and logistic regression; its penalty and class weights are chosen by ``metric``.

    ``pieces`` is "words" (one and two in a row) or "characters" (two to five, within words).
    """

    pieces: Literal["words", "characters"] = "words"
    metric: str = "macro_f1"
    kind: Kind = "classical"

    @property
    def name(self) -> str:
        """By what it reads."""
        read = "words" if self.pieces == "words" else "character n-grams"
        return f"TF-IDF of {read} + logistic regression"

    def refuses(self, train: Corpus) -> str:
        """Where there is no text."""
        if train.content == "series":
            return "there is no text"
        size = sum(min(len(text), _LONGEST) for text in texts(train))
        if size > _CHARACTERS:
            return f"{size:,} characters are more than the {_CHARACTERS:,} that it is asked to read"
        return ""

    def fit(
        self,
        train: Corpus,
        valid: Corpus | None,
        classes: Sequence[str],
        seed: int,
        several: bool = False,
    ) -> LabelMethod:
        """Learn words and weights from the training part."""
        weighing = (False, True) if self.metric in _BY_CLASS else (False,)
        settings = [_Setting(c, b) for b in weighing for c in _STRENGTHS]
        read: WeakKeyDictionary[Corpus, tuple[Any, Any]] = WeakKeyDictionary()

        def fitted(setting: _Setting, part: Corpus) -> Callable[[Corpus], Floats]:
            # what is read of a part does not depend on the setting
            if part not in read:
                read[part] = self._read(part)
            vectors, inputs = read[part]
            truth = indicator(part, classes)
            found = one_each(lambda: _regression(setting), inputs, truth, several)
            return lambda items: found(vectors.transform(texts(items)))

        predict = chosen(settings, fitted, train, valid, classes, self.metric, several)
        return LabelMethod(self.name, self.kind, predict)

    def _read(self, part: Corpus) -> tuple[Any, Any]:
        from sklearn.feature_extraction.text import TfidfVectorizer

        how: dict[str, Any] = {"ngram_range": (2, 5), "analyzer": "char_wb"}
        if self.pieces == "words":
            how = {"ngram_range": (1, 2), "tokenizer": _WORD.findall, "token_pattern": None}
        vectors = TfidfVectorizer(sublinear_tf=True, max_features=_MOST, **how)
        try:
            return vectors, vectors.fit_transform(texts(part))
        except ValueError:
            # not one word: a bag of nothing
            vectors = TfidfVectorizer(vocabulary=["\0"], tokenizer=str.split, token_pattern=None)
            return vectors, vectors.fit_transform(texts(part))


def texts(corpus: Corpus) -> list[str]:
    """Items as texts, the tokens of a sentence with spaces between them."""
    if corpus.texts is not None:
        return [text[:_LONGEST] for text in corpus.texts]
    return [" ".join(tokens) for tokens in corpus.tokens or ()]


def _regression(setting: _Setting) -> Any:
    from sklearn.linear_model import LogisticRegression

    weights = "balanced" if setting.balanced else None
    return LogisticRegression(C=setting.strength, class_weight=weights, max_iter=1000)


# measures by which every class counts alike, however rare
_BY_CLASS = ("macro_f1", "macro_recall", "balanced_accuracy")


def bags(metric: str) -> list[Bag]:
    """Both, choosing by ``metric``."""
    return [Bag("words", metric), Bag("characters", metric)]
