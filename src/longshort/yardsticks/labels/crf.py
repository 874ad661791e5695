r"""What taggers are judged against: the usual tag of each word, and a linear-chain CRF.

The field (Lafferty et al. 2001) reads the features of ``data.readings.features``, and is fitted by
L-BFGS with both penalties c1 |w| + c2 |w|^2, which are chosen on the validation part. The same
field is also judged with its entities' scores shifted as our method's are, by what finds most on
the validation part, so that the shift is no advantage of one of them.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch

from longshort.data.codecs.tags import OUTSIDE, spans
from longshort.data.corpus import Corpus
from longshort.data.readings.features import features
from longshort.errors import MissingDependencyError
from longshort.heads.crf import CRF
from longshort.metrics.entities import entity_counts, micro, token_accuracy
from longshort.yardsticks.labels.base import TagMethod

# c1 and c2 to choose from
PENALTIES = ((0.05, 0.01), (0.01, 0.1))
_ROUNDS = 100
# sentences that are decoded at once
_ROWS = 128
_SHIFTS = np.arange(-1.0, 4.01, 0.25)

Tagged = Sequence[Sequence[str]]


def how_good(truth: Tagged, found: Tagged, *, entities: bool) -> float:
    """F1 of entities, or the share of tokens with the right tag."""
    if not entities:
        return token_accuracy(truth, found)
    told, true = ([spans(own) for own in each] for each in (found, truth))
    return micro(entity_counts(true, told))[2]


def usual(train: Corpus) -> TagMethod:
    """The tag that each word mostly has in the training part; of new words, that of all words."""
    words: dict[str, Counter[str]] = defaultdict(Counter)
    every: Counter[str] = Counter()
    for tokens, own in zip(train.tokens or (), train.tags or (), strict=True):
        for token, tag in zip(tokens, own, strict=True):
            words[token][tag] += 1
            every[tag] += 1
    common = every.most_common(1)[0][0] if every else OUTSIDE
    best = {word: counts.most_common(1)[0][0] for word, counts in words.items()}

    def tags(corpus: Corpus) -> list[tuple[str, ...]]:
        sentences = corpus.tokens or ()
        return [tuple(best.get(token, common) for token in tokens) for tokens in sentences]

    return TagMethod("most frequent tag", "naive", tags)


def commonest(train: Corpus) -> TagMethod:
    """The tag that is there most often, at every step of series."""
    every = Counter(tag for tags in train.tags or () for tag in tags)
    common = every.most_common(1)[0][0] if every else OUTSIDE

    def tags(corpus: Corpus) -> list[tuple[str, ...]]:
        assert corpus.series is not None
        return [(common,) * int(length) for length in corpus.series.lengths]

    return TagMethod("most frequent tag", "naive", tags)


class Field(NamedTuple):
    """A fitted field as numbers: weights of each feature for each tag, and of pairs of tags."""

    names: tuple[str, ...]
    weights: dict[str, np.ndarray[Any, np.dtype[np.float64]]]
    chain: CRF

    def scores(self, corpus: Corpus) -> list[np.ndarray[Any, np.dtype[np.float64]]]:
        """What each token's features say of each tag, (T, K) of each sentence."""
        none = np.zeros(len(self.names))
        return [
            np.array([
                sum((self.weights[name] for name in names if name in self.weights), none)
                for names in features(tokens)
            ]).reshape(-1, len(self.names))
            for tokens in corpus.tokens or ()
        ]  # fmt: skip

    def best(
        self, scores: Sequence[np.ndarray[Any, np.dtype[np.float64]]], shift: float
    ) -> list[tuple[str, ...]]:
        """The best tags of each sentence where every entity scores more by ``shift``."""
        lean = torch.tensor([shift if name[:2] == "B-" else 0.0 for name in self.names])
        found: list[tuple[str, ...]] = [()] * len(scores)
        order = sorted(range(len(scores)), key=lambda at: len(scores[at]))
        for start in range(0, len(order), _ROWS):
            rows = order[start : start + _ROWS]
            lengths = torch.tensor([len(scores[at]) for at in rows])
            padded = torch.zeros(len(rows), max(int(lengths.max()), 1), len(self.names)).double()
            for row, at in enumerate(rows):
                padded[row, : len(scores[at])] = torch.from_numpy(scores[at])
            paths = self.chain.best(padded + lean, lengths).tags[:, 0].tolist()
            for at, path in zip(rows, paths, strict=True):
                found[at] = tuple(self.names[tag] for tag in path[: len(scores[at])])
        return found


def fit_fields(train: Corpus, valid: Corpus | None, *, entities: bool) -> list[TagMethod]:
    """The field of the best penalties, and where tags are entities the same with a shift.

    Raises:
        MissingDependencyError: sklearn-crfsuite is not installed.
    """
    try:
        import sklearn_crfsuite
    except ImportError as error:
        raise MissingDependencyError(
            "it needs sklearn-crfsuite: pip install 'longshort[yardsticks]'"
        ) from error
    read = [features(tokens) for tokens in train.tokens or ()]
    tags = [list(own) for own in train.tags or ()]
    best: tuple[float, Any] = (-1.0, None)
    choices = PENALTIES if valid is not None else PENALTIES[-1:]
    for c1, c2 in choices:
        field = sklearn_crfsuite.CRF("lbfgs", c1=c1, c2=c2, max_iterations=_ROUNDS)
        field.fit(read, tags)
        score = 0.0 if valid is None else _score(_predicting(field), valid, entities)
        best = max(best, (score, field), key=lambda each: each[0])
    plain = TagMethod("linear-chain CRF", "classical", _predicting(best[1]))
    if not entities or valid is None:
        return [plain]
    own = _as_numbers(best[1])
    scores, truth = own.scores(valid), valid.tags or ()
    tried = {
        float(shift): how_good(truth, own.best(scores, float(shift)), entities=True)
        for shift in _SHIFTS
    }
    shift = min(tried, key=lambda s: (-tried[s], abs(s)))
    return [plain, TagMethod("linear-chain CRF, shifted", "classical", _shifted(own, shift))]


Answer = Callable[[Corpus], list[tuple[str, ...]]]


def _predicting(field: Any) -> Answer:
    def tags(corpus: Corpus) -> list[tuple[str, ...]]:
        read = [features(tokens) for tokens in corpus.tokens or ()]
        return [tuple(own) for own in field.predict(read)]

    return tags


def _shifted(field: Field, shift: float) -> Answer:
    return lambda corpus: field.best(field.scores(corpus), shift)


def _score(answer: Answer, valid: Corpus, entities: bool) -> float:
    return how_good(valid.tags or (), answer(valid), entities=entities)


def _as_numbers(field: Any) -> Field:
    """The weights of a fitted field; pairs that it never saw have a weight of 0."""
    names = tuple(field.classes_)
    at = {name: place for place, name in enumerate(names)}
    weights: dict[str, Any] = {}
    for (feature, name), weight in field.state_features_.items():
        weights.setdefault(feature, np.zeros(len(names)))[at[name]] = weight
    chain = CRF(len(names)).double().requires_grad_(False)
    for (one, other), weight in field.transition_features_.items():
        chain.transitions[at[one], at[other]] = weight
    return Field(names, weights, chain)
