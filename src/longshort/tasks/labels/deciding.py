"""Which tokens decided the entities of a sentence: each is left out in turn.

An entity is as probable as the least of the marginals of its tags. What a token did to it is how
much that falls where the token is read as one that says nothing, "_", and all else stays.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from longshort.data.codecs.tags import Span, convert, spans
from longshort.data.corpus import Corpus
from longshort.data.sources.conll import EMPTY
from longshort.errors import DataError
from longshort.records import Decided, LabelExplanation, Mark
from longshort.tasks.labels.tags import Tags

# the tags of each item, in BIO or plain, and the probability of each tag at each step (T, K)
Answer = Callable[[Corpus], tuple[list[tuple[str, ...]], list[NDArray[np.float64]]]]


def decided(corpus: Corpus, answer: Answer, tags: Tags) -> LabelExplanation:
    """What decided every entity of some sentences; where tags are plain, every tag.

    Raises:
        DataError: the corpus holds no sentences.
    """
    if corpus.tokens is None:
        raise DataError(f"{corpus.source}: {corpus.content} are read; tokens are explained alone")
    found = []
    told, marginals = answer(corpus)
    for item, tokens in enumerate(corpus.tokens):
        own = _spans(told[item], tags)
        if not own:
            continue
        # the sentence without each token, and without all
        blank = [(*tokens[:at], EMPTY, *tokens[at + 1 :]) for at in range(len(tokens))]
        changed = Corpus(corpus.source, tokens=(*blank, (EMPTY,) * len(tokens)))
        _, without = answer(changed)
        numbers = [tags.names.index(name) for name in _inner(told[item], tags)]
        for span in own:
            whole = _chance(marginals[item], numbers, span)
            left = [_chance(each, numbers, span) for each in without]
            found.append(_told(corpus, item, span, whole, np.array(left)))
    return LabelExplanation(corpus.source, tuple(found))


def _spans(told: tuple[str, ...], tags: Tags) -> list[Span]:
    if tags.inner is not None:
        return spans(told)
    return [Span(tag, at, at + 1) for at, tag in enumerate(told)]


def _inner(told: tuple[str, ...], tags: Tags) -> list[str]:
    return list(told) if tags.inner is None else convert(told, tags.inner)


def _chance(marginals: NDArray[np.float64], numbers: list[int], span: Span) -> float:
    return min(float(marginals[at, numbers[at]]) for at in range(span.start, span.stop))


def _told(
    corpus: Corpus, item: int, span: Span, whole: float, left: NDArray[np.float64]
) -> Decided:
    assert corpus.tokens is not None
    tokens = corpus.tokens[item]
    effects, start = whole - left[:-1], float(left[-1])
    scale = float(np.abs(effects).max(initial=0.0))
    # the characters of each token in the sentence
    ends = np.cumsum([len(token) + 1 for token in tokens]) - 1
    marks = tuple(
        Mark(int(end) - len(token), int(end), float(effect / scale))
        for token, end, effect in zip(tokens, ends, effects, strict=True)
        if scale > 0 and abs(effect) > 0.01 * scale
    )
    name = " ".join(tokens[span.start : span.stop])
    gap = whole - start - float(effects.sum())
    return Decided(
        corpus.where(item), f"{span.type}: {name}", whole, start, marks, scale, gap,
        text=" ".join(tokens),
    )  # fmt: skip
