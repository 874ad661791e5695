"""Single recordings as a reader can look at and listen to them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from longshort.data.corpus import Corpus
from longshort.data.items import ItemEncoding
from longshort.data.readings.ink import InkReading
from longshort.evaluate.audio import audio
from longshort.evaluate.image import image
from longshort.evaluate.mistakes import curves_of
from longshort.evaluate.sketch import sketch, stretches
from longshort.evaluate.spectrogram import spectrogram
from longshort.records import Curve, Heard, Mark, Picture, Timed
from longshort.tasks.transcripts.decoding import Piece, Transcript

# columns and rows of a picture; levels of a cell
_COLUMNS, _ROWS, _LEVELS = 320, 48, 10


def heard(
    corpus: Corpus, reading: ItemEncoding, items: Sequence[int], told: Sequence[Transcript]
) -> list[Heard]:
    """Recordings with what was told of them; the edits are left to whoever compares.

    Args:
        corpus: the recordings, with transcripts.
        reading: how they become numbers.
        items: the numbers of those that are shown.
        told: the transcript of each of them.
    """
    found = []
    for item, own in zip(items, told, strict=True):
        curves: tuple[Curve, ...] = ()
        picture = None
        if corpus.series is not None:
            curves = curves_of(corpus.series, item)
        else:
            picture = _picture(corpus, reading, item)
        drawn = None if corpus.ink is None else sketch(corpus.ink[item])
        found.append(
            Heard(
                where=corpus.where(item),
                truth=(corpus.transcripts or ())[item],
                told=own.text,
                edits=(),
                confidence=own.confidence,
                words=_timed(own.words),
                symbols=_timed(own.symbols),
                picture=picture,
                curves=curves,
                sound="" if corpus.sound is None else audio(corpus.sound[item]),
                image=None if corpus.pictures is None else image(corpus.pictures[item]),
                sketch=drawn,
                marks=() if drawn is None else _places(reading, corpus, item, own, drawn.points),
            )
        )
    return found


def _timed(pieces: Sequence[Piece]) -> tuple[Timed, ...]:
    return tuple(
        Timed(each.text, round(each.start, 4), round(each.end, 4), round(each.confidence, 4))
        for each in pieces
    )


def _places(
    reading: ItemEncoding, corpus: Corpus, item: int, told: Transcript, points: int
) -> tuple[Mark, ...]:
    """The points of a drawing's sketch where each symbol was told; the weight is how sure."""
    assert isinstance(reading, InkReading)
    if not points:
        return ()
    places = stretches(reading.spans(corpus, item), points)
    found = []
    for piece in told.symbols:
        own = places[int(piece.start) : max(round(piece.end), int(piece.start) + 1)]
        if own:
            found.append(Mark(own[0][0], own[-1][1], round(piece.confidence, 4)))
        else:
            found.append(Mark(0, 0, 0.0))
    return tuple(found)


def _picture(corpus: Corpus, reading: ItemEncoding, item: int) -> Picture | None:
    """What is read of a recording, of sound its bands, as ten levels."""
    if corpus.sound is not None:
        found = spectrogram(corpus.sound[item])
        return Picture(found.levels, found.seconds)
    inputs, lengths, _ = reading.read(corpus, [item])
    steps = int(lengths[0])
    if not steps:
        return None
    if corpus.pictures is not None:
        return Picture((), float(steps))
    names = list(reading.widths.numbers)
    values = np.concatenate([inputs[name][0, :steps].numpy() for name in names], 1).T
    values = _shrunk(_shrunk(values[:_ROWS].T, _COLUMNS).T, _ROWS)
    low, high = np.quantile(values, [0.02, 0.99])
    levels = (values - low) / max(high - low, 1e-9) * _LEVELS
    cells = np.clip(levels, 0, _LEVELS - 1).astype(np.int64)
    unit = getattr(reading, "seconds", None)
    length = steps * (1.0 if unit is None else unit)
    return Picture(tuple("".join(map(str, row)) for row in cells.tolist()), float(length))


def _shrunk(values: NDArray[np.float32], most: int) -> NDArray[np.float32]:
    """At most so many rows, each the mean of those it stands for."""
    if len(values) <= most:
        return values
    edges = np.linspace(0, len(values), most + 1).astype(np.int64)[:-1]
    counts = np.diff([*edges, len(values)])[:, None]
    return np.asarray(np.add.reduceat(values, edges, 0) / counts, np.float32)
