"""Single answers of a test part: the worst, the best, and all by the length of the source."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from longshort.data.corpus import Corpus
from longshort.data.sources.pictures import thumbnail
from longshort.metrics.translations import (
    MEASURES,
    Counted,
    counted,
    each,
    score,
    tokenization,
    words,
)
from longshort.records import Aligned, Example, Stretch
from longshort.yardsticks.translations.base import Gathered, TranslationMethod

# items that are shown: the worst, and the best
_WORST, _BEST = 8, 4
# symbols of either side of an alignment that can be read, and pixels of a side of a picture
_DRAWN, _SIDE = 60, 112
# parts by the length of the source, and the items that one has at least
_STRETCHES, _FEWEST = 5, 8


class Alignment(Protocol):
    """What was looked at: (U, T) weights, a row for each symbol told."""

    @property
    def source(self) -> Sequence[str]:
        """The T symbols that were read."""
        ...

    @property
    def target(self) -> Sequence[str]:
        """The U symbols that were told."""
        ...

    @property
    def weights(self) -> Any:
        """(U, T), 0 to 1."""
        ...


# what our method looks at while it translates one source
Attention = Callable[[str], Alignment]


class Judged(NamedTuple):
    """A method on a part: its answers, what is counted of each by measure, seconds of work."""

    method: TranslationMethod
    answers: list[str]
    counts: Mapping[str, Counted]
    spent: float


def examples(
    test: Gathered,
    judged: Sequence[Judged],
    alone: str,
    reference: str,
    attention: Attention | None,
) -> tuple[tuple[Example, ...], tuple[Example, ...]]:
    """The items with the least and with the greatest scores of our method."""
    ours = judged[0]
    own = ours.counts.get(alone)
    if own is None:
        own = counted([alone], ours.answers, test.references, test.corpus.texts)[alone]
    values = np.nan_to_num(each(own), nan=0.0)
    better = -1 if MEASURES[alone].higher is False else 1
    order = np.argsort(better * values, kind="stable").tolist()
    rival = next((j.answers for j in judged if j.method.name == reference), None)

    def shown(at: int) -> Example:
        source, picture = _shown(test.corpus, at)
        return Example(
            test.corpus.where(at),
            source,
            test.references[at],
            ours.answers[at],
            float(values[at]),
            "" if rival is None else rival[at],
            None if attention is None or picture else _aligned(attention, source),
            picture,
        )

    worst = order[:_WORST]
    best = [at for at in order[::-1][:_BEST] if at not in worst]
    return tuple(map(shown, worst)), tuple(map(shown, best))


def _shown(corpus: Corpus, at: int) -> tuple[str, str]:
    """A source as text, and as a picture."""
    if corpus.texts is not None:
        return corpus.texts[at], ""
    held = (corpus.pictures or ())[at]
    name = held.name if isinstance(held, Path) else f"picture {at + 1}"
    if isinstance(held, Path) and held.suffix == ".npy":
        return name, ""
    return name, thumbnail(held, _SIDE)


def _aligned(attention: Attention, source: str) -> Aligned | None:
    """What is looked at, as far as it can be drawn."""
    if not source.strip():
        return None
    found = attention(source)
    weights: NDArray[np.float64] = np.asarray(found.weights, np.float64)
    first, second = tuple(found.source)[:_DRAWN], tuple(found.target)[:_DRAWN]
    rows = np.clip(weights[: len(second), : len(first)], 0, 1).round(4)
    if rows.shape != (len(second), len(first)) or not rows.size:
        return None
    return Aligned(first, second, tuple(map(tuple, rows.tolist())))


def stretches(test: Gathered, judged: Sequence[Judged], alone: str) -> tuple[Stretch, ...]:
    """Items by the words of their sources, in parts of about the same number of items."""
    texts = test.corpus.texts
    if texts is None or len(texts) < 2 * _FEWEST:
        return ()
    cut = tokenization(texts)
    lengths = np.array([len(words(text, cut)) for text in texts])
    parts = min(_STRETCHES, len(texts) // _FEWEST)
    edges = np.unique(np.quantile(lengths, np.linspace(0, 1, parts + 1)).astype(int))
    found = []
    for low, high in itertools.pairwise(edges.tolist()):
        last = high == edges[-1]
        chosen = (lengths >= low) & ((lengths <= high) if last else (lengths < high))
        if not chosen.any():
            continue
        values = {
            own.method.name: float(score(own.counts[alone], chosen[None].astype(float))[0])
            for own in judged
            if alone in own.counts
        }
        scores = {name: value for name, value in values.items() if np.isfinite(value)}
        found.append(Stretch(int(low), int(high if last else high - 1), int(chosen.sum()), scores))
    return tuple(found)
