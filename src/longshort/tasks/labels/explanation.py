"""What decided a label: the words of a text or the steps of a series, and their weight."""

from __future__ import annotations

import html
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from longshort.contracts import Prediction
from longshort.data.corpus import Corpus
from longshort.data.items import ItemEncoding, Items
from longshort.data.readings.ink import InkReading
from longshort.data.readings.pretrained import plain
from longshort.data.readings.words import TextReading
from longshort.data.sequences import Floats
from longshort.data.steps import Ints
from longshort.evaluate.audio import audio
from longshort.evaluate.image import image
from longshort.evaluate.sketch import sketch, stretches
from longshort.evaluate.spectrogram import columns, spectrogram
from longshort.explain.embedded import attribute_embedded
from longshort.heads.category import CategoryHead
from longshort.layers.encoder import RecurrentEncoder
from longshort.model import Model, predicting
from longshort.records import Curve, Decided, Mark
from longshort.tasks.labels.calibration import batches

# a mark that weighs less than this share of the heaviest one is left out
_LEAST = 0.02
# steps of a series are told in so many marks at most
_MOST_MARKS = 200
# values of a curve that are drawn
_MOST_VALUES = 400


class Weighed(NamedTuple):
    """What each step of an item did to the probability of a label.

    steps: (T,), which sum to ``probability`` less ``start``, the probability without anything read.
    attention: (T,) how much the pooling looked at each step, summing to 1; None without attention.
    gap: what the sum fails by.
    """

    steps: Floats
    probability: float
    start: float
    attention: Floats | None
    gap: float


def weigh(
    models: Sequence[Model], reading: ItemEncoding, corpus: Corpus, chosen: Ints
) -> list[Weighed]:
    """What decided for the label ``chosen`` (N,) of each item; the mean over all networks."""
    found: list[Weighed | None] = [None] * len(corpus)
    examples = Items(corpus, reading, None, np.arange(len(corpus)))
    # nothing of many items is kept for a gradient at once
    for index, _ in batches(examples):
        for start in range(0, len(index), 16):
            own = index[start : start + 16]
            for item, told in zip(own.tolist(), _some(models, examples, own, chosen), strict=True):
                found[item] = told
    return [each for each in found if each is not None]


def _some(models: Sequence[Model], examples: Items, index: Ints, chosen: Ints) -> list[Weighed]:
    label = torch.from_numpy(chosen[index]).unsqueeze(1)
    parts, ends, starts, looks, gaps = [], [], [], [], []
    for model in models:
        batch = examples.batch(index.tolist()).to(model.device)

        def answer(prediction: Prediction) -> Tensor:
            assert prediction.scores is not None
            return prediction.scores.gather(1, label.to(prediction.scores.device)).exp()[:, 0]

        assert isinstance(model.encoder, RecurrentEncoder)
        found = attribute_embedded(model, model.encoder.embed, batch, answer)
        parts.append(found.parts.sum(2).cpu())
        ends.append(found.answer.cpu())
        starts.append(found.start.cpu())
        gaps.append(found.gap)
        head = model.head
        assert isinstance(head, CategoryHead)
        with torch.no_grad(), predicting(model):
            weights = head.pool(model.encoder(batch)).weights
        if weights is not None:
            looks.append(_at_each(weights.cpu(), parts[-1].shape[1], model.encoder))
    total, end, begin = (torch.stack(each).mean(0).double() for each in (parts, ends, starts))
    look = torch.stack(looks).mean(0).double() if looks else None
    lengths = examples.steps[index]
    return [
        Weighed(
            total[row, :length].numpy(),
            float(end[row]),
            float(begin[row]),
            None if look is None else look[row, :length].numpy(),
            max(gaps),
        )
        for row, length in enumerate(lengths.tolist())
    ]


def _at_each(weights: Tensor, steps: int, encoder: RecurrentEncoder) -> Tensor:
    """Attention (B, T) at the steps of the inputs, where the stack reads one of several."""
    if weights.shape[1] == steps:
        return weights
    every = -(-steps // weights.shape[1])
    return weights.repeat_interleave(every, 1)[:, :steps] / every


def marks(reading: ItemEncoding, corpus: Corpus, item: int, weights: Floats) -> tuple[Mark, ...]:
    """The weights of an item's steps as marks of what is shown of it; the heaviest is 1."""
    most = float(np.abs(weights).max(initial=0.0))
    if most == 0:
        return ()
    share = weights / most
    if corpus.texts is not None:
        own = plain(reading)
        assert isinstance(own, TextReading)
        places = spans(corpus.texts[item], own.steps(corpus, item))
    elif corpus.tokens is not None:
        places = [(at, at + 1) for at in range(len(share))]
    elif corpus.sound is not None:
        places, share = _rows(columns(corpus.sound[item]), share)
    elif corpus.ink is not None:
        own = plain(reading)
        assert isinstance(own, InkReading)
        places = stretches(own.spans(corpus, item), sketch(corpus.ink[item]).points)
    elif corpus.pictures is not None:
        seen = image(corpus.pictures[item])
        places, share = _rows(0 if seen is None else seen.width, share)
    else:
        assert corpus.series is not None
        places, share = _rows(corpus.series.length(item), share)
    return tuple(
        Mark(start, stop, float(np.clip(weight, -1, 1)))
        for (start, stop), weight in zip(places, share.tolist(), strict=False)
        if stop > start and abs(weight) >= _LEAST
    )


def decided(
    reading: ItemEncoding, corpus: Corpus, item: int, label: str, told: Floats, weighed: Weighed
) -> Decided:
    """The record of what decided an item's label."""
    look = weighed.attention
    return Decided(
        corpus.where(item),
        label,
        weighed.probability,
        weighed.start,
        marks(reading, corpus, item, weighed.steps),
        float(np.abs(weighed.steps).max(initial=0.0)),
        weighed.gap,
        () if look is None else marks(reading, corpus, item, look),
        "" if corpus.texts is None else corpus.texts[item],
        () if corpus.tokens is None else corpus.tokens[item],
        () if corpus.series is None else curves(corpus, item),
        None if corpus.sound is None else spectrogram(corpus.sound[item]),
        None if corpus.ink is None else sketch(corpus.ink[item]),
        None if corpus.pictures is None else image(corpus.pictures[item]),
        "" if corpus.sound is None else audio(corpus.sound[item]),
    )


def curves(corpus: Corpus, item: int) -> tuple[Curve, ...]:
    """The channels of a series, thinned where they are long."""
    assert corpus.series is not None
    values = corpus.series.values[corpus.series.rows(item)]
    every = max(1, -(-len(values) // _MOST_VALUES))
    return tuple(
        Curve(field.name, tuple(float(v) if np.isfinite(v) else None for v in own), every)
        for field, own in zip(corpus.series.numbers, values[::every].T, strict=False)
        if field.role != "static"
    )


def spans(text: str, words: Sequence[str]) -> list[tuple[int, int]]:
    """Where in a text each of its words stands, in order; (0, 0) of one that is not found.

    A word may be written with entities of HTML, which count as what they mean.
    """
    found, at = [], 0
    for word in words:
        forms = (word, html.escape(word), html.escape(html.escape(word)))
        places = [(text.find(form, at), len(form)) for form in forms]
        # what is written longest where several begin at one place
        there = (place for place in places if place[0] >= 0)
        start, size = min(there, key=lambda place: (place[0], -place[1]), default=(-1, 0))
        found.append((start, start + size) if start >= 0 else (0, 0))
        at = start + size if start >= 0 else at
    return found


def _rows(rows: int, share: Floats) -> tuple[list[tuple[int, int]], Floats]:
    """Weights of steps as those of rows, some together where there are many."""
    pieces = min(len(share), _MOST_MARKS)
    cuts = np.linspace(0, len(share), pieces + 1).round().astype(int)
    together = np.add.reduceat(share, cuts[:-1]) if pieces else share
    most = float(np.abs(together).max(initial=0.0)) or 1.0
    ends = np.linspace(0, rows, pieces + 1).round().astype(int).tolist()
    return list(pairwise(ends)), together / most
