"""What our method got wrong and was most sure of: items as a reader can look at them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from longshort.data.corpus import Corpus
from longshort.data.sequences import Floats, Sequences
from longshort.evaluate.audio import audio
from longshort.evaluate.image import image
from longshort.evaluate.sketch import sketch
from longshort.evaluate.spectrogram import spectrogram
from longshort.metrics.labels import Answers
from longshort.records import Curve, Image, Mark, Mistake, Sketch, Spectrogram

# what weighed in each of some items: places count characters of a text, tokens of a sentence or
# rows of a series, columns of a spectrogram or a picture, or points of a sketch
Marks = Callable[[Corpus], Sequence[Sequence[Mark]]]

# mistakes kept; characters of a text, values of a curve and channels that are kept of each
_MOST, _CHARACTERS, _VALUES, _CHANNELS = 24, 4000, 400, 6
# mistakes that can be listened to
_HEARD = 12


def mistakes(
    ours: Answers, test: Corpus, classes: Sequence[str], marks: Marks | None
) -> tuple[int, tuple[Mistake, ...]]:
    """How many items are wrong, and those that our method was most sure of.

    Where an item may have several labels it was as sure as its least sure label.
    """
    wrong = np.flatnonzero((ours.truth != ours.predicted).any(1))
    if ours.kind == "many":
        right = np.where(ours.predicted, ours.probabilities, 1 - ours.probabilities)
        off = ours.truth != ours.predicted
        sure = np.where(off, right, 0.0).max(1)
        true = 1 - sure
    else:
        sure = ours.probabilities.max(1)
        true = (ours.probabilities * ours.truth).sum(1)
    worst = wrong[np.argsort(-sure[wrong], kind="stable")][:_MOST]
    shown = test.select(worst)
    weights: Sequence[Sequence[Mark]] = [()] * len(worst)
    if marks is not None and len(worst):
        weights = marks(shown)
    found = []
    for place, item in enumerate(worst.tolist()):
        text, curves = _shown(shown, place)
        heard = None if shown.sound is None else spectrogram(shown.sound[place])
        drawn = None if shown.ink is None else sketch(shown.ink[place])
        seen = None if shown.pictures is None else image(shown.pictures[place])
        sound = "" if shown.sound is None or place >= _HEARD else audio(shown.sound[place])
        found.append(
            Mistake(
                where=test.where(item),
                truth=tuple(classes[k] for k in np.flatnonzero(ours.truth[item]).tolist()),
                predicted=tuple(classes[k] for k in np.flatnonzero(ours.predicted[item]).tolist()),
                probability=float(sure[item]),
                truth_probability=float(true[item]),
                text=text,
                curves=curves,
                marks=_placed(shown, place, weights[place], text, curves, heard or drawn or seen),
                spectrogram=heard,
                sketch=drawn,
                image=seen,
                sound=sound,
            )
        )
    return len(wrong), tuple(found)


def _shown(corpus: Corpus, item: int) -> tuple[str, tuple[Curve, ...]]:
    if corpus.texts is not None:
        return corpus.texts[item][:_CHARACTERS], ()
    if corpus.tokens is not None:
        return " ".join(corpus.tokens[item])[:_CHARACTERS], ()
    series = corpus.series
    return "", () if series is None else curves_of(series, item)


def curves_of(series: Sequences, item: int) -> tuple[Curve, ...]:
    """The fullest channels of one series, thinned where it is long."""
    values = series.values[series.rows(item)]
    every = max(1, -(-len(values) // _VALUES))
    places = [
        at
        for at, field in enumerate(series.fields)
        if field.labels is None and field.role in ("past", "target")
    ]
    # a channel of which nothing was observed shows nothing
    seen = [at for at in places if np.isfinite(values[:, at]).any()]
    # the fullest channels, in their order
    fullest = sorted(seen, key=lambda at: -int(np.isfinite(values[:, at]).sum()))[:_CHANNELS]
    return tuple(
        Curve(series.fields[at].name, _thinned(values[:, at], every), every)
        for at in sorted(fullest)
    )


def _thinned(values: Floats, every: int) -> tuple[float | None, ...]:
    return tuple(float(v) if np.isfinite(v) else None for v in values[::every])


def _placed(
    corpus: Corpus,
    item: int,
    marks: Sequence[Mark],
    text: str,
    curves: Sequence[Curve],
    shown: Spectrogram | Sketch | Image | None = None,
) -> tuple[Mark, ...]:
    """Marks by what is shown: characters, rows, columns, points; the strongest weighs 1."""
    if isinstance(shown, Sketch):
        end = shown.points
    elif isinstance(shown, Image):
        end = shown.width
    elif shown is not None:
        end = len(shown.levels[0])
    else:
        end = max((len(c.values) * c.every for c in curves), default=len(text))
    if corpus.tokens is not None:
        stops = np.cumsum([len(token) + 1 for token in corpus.tokens[item]]) - 1
        starts = stops - [len(token) for token in corpus.tokens[item]]
        marks = [
            Mark(int(starts[m.start]), int(stops[m.end - 1]), m.weight)
            for m in marks
            if 0 <= m.start < m.end <= len(stops)
        ]
    most = max((abs(mark.weight) for mark in marks), default=0.0) or 1.0
    return tuple(
        Mark(mark.start, min(mark.end, end), mark.weight / most)
        for mark in marks
        if mark.weight and mark.start < min(mark.end, end)
    )
