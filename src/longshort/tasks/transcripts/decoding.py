"""From what networks tell of each frame to transcripts: sought, timed, and how sure they are."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from longshort.data.codecs.transcripts import TranscriptCodec
from longshort.data.items import Items
from longshort.heads.ctc import CTCHead, align, best_path, nats, padded
from longshort.heads.prefixes import Found, Prior, search
from longshort.model import Model, predicting

# recordings that are read at once
ROWS = 32


class Piece(NamedTuple):
    """A character, symbol or word of a transcript, from ``start`` to ``end``.

    Both are in seconds where the recording tells them, else in steps of what was read.
    ``confidence`` is the geometric mean over its symbols of the greatest probability that the
    network gives each in its frames, 0 to 1.
    """

    text: str
    start: float
    end: float
    confidence: float


class Transcript(NamedTuple):
    """What is said or written in one recording.

    log_p: log p(y | x), the sum over all alignments, in nats; of several networks the mean.
    score: what it is ranked by: log_p and what the language model adds. confidence: the geometric
    mean over its symbols, 0 to 1; 1 where there is none. words, symbols: with their times.
    """

    text: str
    log_p: float
    score: float
    confidence: float
    words: tuple[Piece, ...] = ()
    symbols: tuple[Piece, ...] = ()


class Told(NamedTuple):
    """Some recordings as networks tell them.

    numbers: of the examples. scores: (B, T, K) log-probabilities of each network. lengths: (B,)
    frames.
    """

    numbers: list[int]
    scores: list[Tensor]
    lengths: Tensor


@torch.no_grad()
def told(models: Sequence[Model], items: Items, rows: int = ROWS) -> Iterator[Told]:
    """Every example as the networks tell it, examples of about the same length together."""
    order = np.argsort(-items.steps, kind="stable").tolist()
    for start in range(0, len(order), rows):
        numbers = order[start : start + rows]
        batch = items.batch(numbers).to(models[0].device)
        found, lengths = [], batch.lengths
        for model in models:
            assert isinstance(model.head, CTCHead)
            with predicting(model):
                encoded = model.encoder(batch)
                found.append(model.head.scores(encoded.z).cpu())
            lengths = encoded.lengths
        yield Told(numbers, found, lengths.cpu())


def greedy(models: Sequence[Model], items: Items) -> list[list[int]]:
    """The best path's symbols of every example, of the mean of the networks' probabilities."""
    found: list[list[int]] = [[]] * len(items)
    for each in told(models, items, 256):
        mean = torch.stack(each.scores).logsumexp(0)
        for number, own in zip(each.numbers, best_path(mean, each.lengths), strict=True):
            found[number] = own
    return found


def sought(
    each: Told, width: int, count: int, prior: Callable[[], Prior | None]
) -> list[list[Found]]:
    """Up to ``count`` transcripts of each recording, the best first.

    One network's are those of its own search. Several networks put peaks of the same symbol at
    different frames, so that their frames cannot be averaged: each seeks by itself, and all that
    any of them found is ranked by the mean of their log p(y | x).
    """
    if width == 1 and len(each.scores) == 1 and prior() is None:
        symbols = best_path(each.scores[0], each.lengths)
        log_p = -nats(each.scores[0].double(), each.lengths, padded(symbols))
        return [[Found(tuple(own), p)] for own, p in zip(symbols, log_p.tolist(), strict=True)]
    lengths = each.lengths.numpy()
    several = [
        search(scores.numpy(), lengths, width, max(count, width), prior()) for scores in each.scores
    ]
    if len(several) == 1:
        return [own[:count] for own in several[0]]
    found = []
    for row, length in enumerate(lengths.tolist()):
        priors = {one.symbols: one.prior for own in several for one in own[row]}
        targets = padded(list(priors))
        totals = torch.zeros(len(priors), dtype=torch.float64)
        for scores in each.scores:
            own = scores[row : row + 1, : max(length, 1)].double().expand(len(priors), -1, -1)
            totals -= nats(own, torch.full((len(priors),), length), targets) / len(each.scores)
        ranked = [
            Found(symbols, log_p, prior_)
            for (symbols, prior_), log_p in zip(priors.items(), totals.tolist(), strict=True)
        ]
        found.append(sorted(ranked, key=lambda one: -one.score)[:count])
    return found


class Clock(NamedTuple):
    """When frames are: frame j of n ends at step ``steps`` - (n - 1 - j) * ``stride``."""

    steps: int
    stride: int
    seconds: float | None = None

    def at(self, start: int, end: int, frames: int) -> tuple[float, float]:
        """Frames ``start`` to ``end`` (exclusive) as seconds, or as steps."""
        first = max(self.steps - (frames - 1 - start) * self.stride - self.stride, 0)
        last = self.steps - (frames - end) * self.stride
        unit = 1.0 if self.seconds is None else self.seconds
        return first * unit, last * unit


def timed(
    codec: TranscriptCodec, scores: Tensor, found: Sequence[Found], clock: Clock
) -> list[Transcript]:
    """Transcripts of one recording's frames (T, K), with the times of all symbols and words.

    Each is aligned by itself (the Viterbi path).
    """
    many, frames = scores.unsqueeze(0).expand(len(found), -1, -1), scores.shape[0]
    symbols = [one.symbols for one in found]
    lengths = torch.full((len(found),), frames)
    aligned = align(many, lengths, padded(list(symbols)))
    return [
        _told(codec, one, aligned.spans(row, len(one.symbols)), scores, clock)
        for row, one in enumerate(found)
    ]


def _told(
    codec: TranscriptCodec,
    found: Found,
    spans: Sequence[tuple[int, int]],
    scores: Tensor,
    clock: Clock,
) -> Transcript:
    frames = scores.shape[0]
    sure = np.array(
        [
            float(scores[start:end, symbol].max())
            for symbol, (start, end) in zip(found.symbols, spans, strict=False)
        ]
    )

    def piece(first: int, last: int) -> Piece:
        start, end = clock.at(spans[first][0], spans[last - 1][1], frames)
        text = codec.decode(found.symbols[first:last])
        return Piece(text, start, end, _mean(sure[first:last]))

    symbols = [piece(at, at + 1) for at in range(len(spans))]
    words = [piece(*ends) for ends in codec.words(found.symbols)] if spans else []
    return Transcript(
        codec.decode(found.symbols),
        found.log_p,
        found.score,
        _mean(sure),
        tuple(words),
        tuple(each for each in symbols if each.text),
    )


def _mean(sure: NDArray[np.float64]) -> float:
    """The geometric mean of probabilities, given their logarithms."""
    return float(np.exp(sure.mean())) if len(sure) else 1.0
