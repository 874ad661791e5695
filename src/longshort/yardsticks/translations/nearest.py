"""The target of the nearest source that training holds: translation by looking it up."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from longshort.data.corpus import Corpus
from longshort.data.sources.pictures import load, resized
from longshort.metrics.translations import tokenization
from longshort.records import Kind, What
from longshort.yardsticks.translations.base import Judge, TranslationMethod

# sources that are compared with all of training at once
_ROWS = 256
# pixels of each side of what is compared of pictures
_SIDE = 16
# pairs of the validation part that are looked at
_CHOOSING = 500


@dataclass(frozen=True)
class Nearest:
    """The target of the training source with the nearest TF-IDF vector of words and word pairs.

    Salton & Buckley (1988); nearest by the cosine, of equal ones the first. Whether punctuation
    counts is chosen on the validation part. Characters and their pairs where text has no words;
    pictures are compared in 16 x 16 shades of grey, and features of pictures by their means.
    """

    name: str = "nearest source"
    kind: Kind = "classical"

    def refuses(self, train: Corpus, what: What) -> str:
        """Never."""
        return ""

    def fit(
        self, train: Corpus, valid: Corpus | None, judge: Judge, seed: int
    ) -> TranslationMethod:
        """Weigh the words of every source of the training part."""
        targets = train.transcripts or ()
        if train.texts is None:
            known = _pixels(train)

            def looked(corpus: Corpus) -> list[str]:
                return [targets[at] for at in (_pixels(corpus) @ known.T).argmax(1).tolist()]

            return TranslationMethod("nearest picture", self.kind, looked)
        characters = tokenization(train.texts) == "char"
        cuts: list[dict[str, Any]] = [{"analyzer": "char"}]
        if not characters:
            cuts = [{"token_pattern": r"(?u)\b\w+\b"}, {"token_pattern": r"\S+"}]
        tried = [_lookup(train.texts, targets, cut) for cut in cuts]
        if valid is not None and len(valid) and len(tried) > 1:
            asked = valid.select(range(min(len(valid), _CHOOSING)))
            scores = [judge(told(asked), asked) for told in tried]
            tried = [tried[int(np.argmax(scores))]]
        return TranslationMethod(self.name, self.kind, tried[0])


def _lookup(
    sources: Sequence[str], targets: Sequence[str], cut: dict[str, Any]
) -> Callable[[Corpus], list[str]]:
    """What tells the target of the nearest source, where sources are cut in some way."""
    from sklearn.feature_extraction.text import TfidfVectorizer

    vectorizer: Any = TfidfVectorizer(ngram_range=(1, 2), dtype=np.float32, **cut)
    try:
        weights = vectorizer.fit_transform(sources)
    except ValueError:
        # no source holds a word
        return lambda corpus: [targets[0]] * len(corpus)

    def told(corpus: Corpus) -> list[str]:
        texts = list(corpus.texts or ())
        found: list[str] = []
        for row in range(0, len(texts), _ROWS):
            near = vectorizer.transform(texts[row : row + _ROWS]) @ weights.T
            found += [targets[int(at)] for at in np.asarray(near.argmax(1)).ravel()]
        return found

    return told


def _pixels(corpus: Corpus) -> NDArray[np.float64]:
    """(N, F) of length 1: what is compared of each picture."""
    rows = [_looks(each) for each in corpus.pictures or ()]
    wide = max(map(len, rows))
    found = np.stack([np.resize(row, wide) for row in rows])
    found = found - found.mean(1, keepdims=True)
    return np.asarray(found / np.maximum(np.linalg.norm(found, axis=1, keepdims=True), 1e-9))


def _looks(picture: Path | NDArray[np.uint8]) -> NDArray[np.float64]:
    if isinstance(picture, Path) and picture.suffix == ".npy":
        held = np.load(picture, allow_pickle=False).astype(np.float64)
        return np.asarray(held.reshape(-1, held.shape[-1]).mean(0))
    return resized(load(picture), _SIDE, _SIDE).astype(np.float64).ravel()
