"""What a fitted transcriber can do with recordings."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
import torch
from torch import Tensor

from longshort.contracts import whole
from longshort.data.augment import Augment
from longshort.data.codecs.transcripts import TranscriptCodec
from longshort.data.corpus import Corpus
from longshort.data.items import Items
from longshort.data.sources.tables import frame_like
from longshort.data.steps import Ints
from longshort.errors import ArgumentError, DataError
from longshort.heads.ctc import nats, padded
from longshort.heads.prefixes import Found
from longshort.metrics.transcripts import counted, rate, units
from longshort.model import Model
from longshort.records import Delay, Heard
from longshort.tasks.labels.encoding import refuse_other
from longshort.tasks.transcripts.decoding import Clock, Transcript, sought, timed, told
from longshort.tasks.transcripts.delay import of_chunks, of_recordings
from longshort.tasks.transcripts.hotwords import HotWords
from longshort.tasks.transcripts.language import Language
from longshort.tasks.transcripts.learned import Known
from longshort.tasks.transcripts.reading import (
    asked,
    frames_of,
    read_transcribed,
    too_long_told,
)
from longshort.tasks.transcripts.showing import heard
from longshort.tasks.transcripts.streaming import Listening, refuse_both_ways
from longshort.tasks.transcripts.table import Rows, table

# what to do about transcripts that are too long
SHORTER = (
    "Read more frames of each (a smaller stride), write fewer symbols (words or subwords), or "
    "correct the transcripts."
)


class Writing:
    """What every fitted transcriber does; see ``Transcriber``."""

    models_: list[Model]
    known_: Known
    settings_: dict[str, Any]

    if TYPE_CHECKING:

        def _check_fitted(self) -> None: ...

        @property
        def language_(self) -> Language:  # noqa: D102
            ...

    @property
    def codec_(self) -> TranscriptCodec:
        """The symbols that transcripts are written with."""
        return self.known_.codec

    def _items(
        self,
        corpus: Corpus,
        chosen: Ints | None = None,
        targets: list[Ints] | None = None,
        changed: Augment | None = None,
    ) -> Items:
        everything = np.arange(len(corpus)) if chosen is None else chosen
        return Items(corpus, self.known_.reading, targets, everything, changed, apart=True)

    def _again(self, X: Any, y: Any = None, *, required: bool = False) -> Corpus:
        """Data for a fitted model."""
        self._check_fitted()
        corpus = read_transcribed(X, self.settings_["roles"], y, required=required)
        refuse_other(corpus, self.known_.reading)
        return corpus

    def _sought(
        self,
        corpus: Corpus,
        count: int,
        hot: HotWords | None = None,
        *,
        language: bool = True,
    ) -> list[list[Transcript]]:
        """Up to ``count`` transcripts of each item, timed."""
        known, width = self.known_, max(self.settings_["head"].width, count)
        weight, bonus = (known.weight, known.bonus) if language else (0.0, 0.0)
        found: list[list[Transcript]] = [[]] * len(corpus)
        items = self._items(corpus)
        clocks = self._clocks(corpus)
        for each in told(self.models_, items):
            best = sought(each, width, count, lambda: self.language_.prior(weight, bonus, hot))
            for row, number in enumerate(each.numbers):
                frames = each.scores[0][row, : int(each.lengths[row])]
                found[number] = timed(known.codec, frames, best[row], clocks[number])
        return found

    def _clocks(self, corpus: Corpus) -> list[Clock]:
        """When the frames of each item are."""
        seconds = getattr(self.known_.reading, "seconds", None)
        stride = self.settings_["recurrent"].stride
        return [Clock(int(n), stride, seconds) for n in self.known_.reading.lengths(corpus)]

    def _hot(self, words: Sequence[str], weight: float) -> HotWords | None:
        return HotWords(words, weight, self.known_.codec) if len(words) else None

    def predict(self, X: Any, *, hot_words: Sequence[str] = (), hot_weight: float = 2.0) -> Any:
        """The transcript of each recording.

        Args:
            X: as for ``fit``; transcripts are not needed, and not read.
            hot_words: words or phrases that are expected.
            hot_weight: what each of their symbols adds to a transcript's score, in nats.

        Returns:
            For a path or frame: a frame of the same kind (Polars for a path) with a row for each
            recording: "item", "transcript" and "confidence". Else a list of N texts.

        Raises:
            DataError: the data cannot be read, or are of another kind than was fitted on.
        """
        self._check_fitted()
        corpus = self._again(X)
        found = self._sought(corpus, 1, self._hot(hot_words, hot_weight))
        texts = [own[0].text for own in found]
        if not (isinstance(X, str | os.PathLike) or hasattr(X, "columns")):
            return texts
        return frame_like(X, table(corpus, found), [])

    def tabulate(
        self,
        X: Any,
        rows: Rows = "transcripts",
        *,
        best: int | None = None,
        known: bool = False,
        hot_words: Sequence[str] = (),
        hot_weight: float = 2.0,
    ) -> pl.DataFrame:
        """Transcripts as a Polars frame, with as much about each as is asked for.

        Args:
            X: as for ``predict``.
            rows: "transcripts"; or "words" or "symbols", each with where it begins and ends, in
                seconds (steps of what has no seconds).
            best: up to so many transcripts of each recording, numbered, with their scores in nats.
            known: take the transcripts that stand in the data, and tell where they are, as
                ``align`` does.
            hot_words, hot_weight: as for ``predict``.

        Raises:
            ArgumentError: ``known`` transcripts are not sought: ``best`` and ``hot_words`` are of
                no use to them.
        """
        if known and (best is not None or len(hot_words)):
            raise ArgumentError(
                "transcripts that are known are aligned, and not sought: leave out the number of "
                "best ones and hot words"
            )
        self._check_fitted()
        corpus = self._again(X, required=known)
        if known:
            return table(corpus, [[own] for own in self.align(corpus)], rows)
        count = 1 if best is None else best
        found = self.predict_n_best(corpus, count, hot_words=hot_words, hot_weight=hot_weight)
        return table(corpus, found, rows, ranked=best is not None)

    @property
    def timed_in_seconds(self) -> bool:
        """Whether times are seconds; else they are steps."""
        return getattr(self.known_.reading, "seconds", None) is not None

    def predict_n_best(
        self, X: Any, count: int = 5, *, hot_words: Sequence[str] = (), hot_weight: float = 2.0
    ) -> list[list[Transcript]]:
        """Up to ``count`` transcripts of each recording, the best first, with times.

        ``X``, ``hot_words`` and ``hot_weight`` are those of ``predict``.
        """
        whole("count", count, 1)
        self._check_fitted()
        return self._sought(self._again(X), count, self._hot(hot_words, hot_weight))

    def stream(self, *, hot_words: Sequence[str] = (), hot_weight: float = 2.0) -> Listening:
        """Listen to one recording piece by piece: partial transcripts, and the whole's in the end.

        Args:
            hot_words, hot_weight: as for ``predict``.

        Raises:
            ArgumentError: the network reads both ways, or the reading needs whole recordings.
        """
        return self._listening(self._hot(hot_words, hot_weight), timed=True)

    def _listening(self, hot: HotWords | None = None, *, timed: bool) -> Listening:
        self._check_fitted()
        refuse_both_ways(self.settings_["recurrent"], len(self.models_))
        known, width = self.known_, self.settings_["head"].width
        prior = self.language_.prior(known.weight, known.bonus, hot)
        return Listening(self.models_[0], known.reading, known.codec, width, prior, timed=timed)

    def align(self, X: Any, y: Any = None) -> list[Transcript]:
        """Where the words and symbols of known transcripts are (forced alignment).

        Args:
            X: as for ``fit``.
            y: N transcripts; None where they stand in the data.

        Raises:
            DataError: there are no transcripts, or one needs more frames than its recording has.
        """
        self._check_fitted()
        corpus = self._again(X, y, required=True)
        wants = asked(corpus, self.known_.codec, unknown=False)
        lengths = self.known_.reading.lengths(corpus)
        frames = frames_of(lengths, self.settings_["recurrent"].stride)
        if wrong := too_long_told(corpus, wants, frames, np.arange(len(corpus))):
            raise DataError(f"{wrong} {SHORTER}")
        found: list[Transcript | None] = [None] * len(corpus)
        clocks = self._clocks(corpus)
        for each in told(self.models_, self._items(corpus)):
            targets = [wants.targets[number].tolist() for number in each.numbers]
            log_p = _log_p(each.scores, each.lengths, targets)
            for row, number in enumerate(each.numbers):
                own = Found(tuple(targets[row]), log_p[row])
                scores = each.scores[0][row, : int(each.lengths[row])]
                (found[number],) = timed(self.known_.codec, scores, [own], clocks[number])
        return [each for each in found if each is not None]

    def score(self, X: Any, y: Any = None) -> float:
        """1 - character error rate: 1 is perfect; below 0 where more is wrong than there is.

        Args:
            X: as for ``fit``.
            y: N transcripts; None where they stand in the data.
        """
        corpus = self._again(X, y, required=True)
        spelling = self.settings_["spelling"]
        truth = [spelling.spelt(text) for text in corpus.transcripts or ()]
        texts = [own[0].text for own in self._sought(corpus, 1)]
        counts = counted(
            [units(text, "characters") for text in truth],
            [units(text, "characters") for text in texts],
        )
        return 1.0 - float(rate(counts))

    # as methods that are judged

    def transcripts(self, corpus: Corpus) -> list[str]:
        """The transcript of each recording."""
        return [own[0].text for own in self._sought(corpus, 1)]

    def alone(self, corpus: Corpus) -> list[str]:
        """Without the language model."""
        return [own[0].text for own in self._sought(corpus, 1, language=False)]

    def _delay(self, corpus: Corpus) -> Delay:
        """How long it works on chunks of these recordings, or on each of them."""
        try:
            self.stream()
        except ArgumentError:
            return of_recordings(self.transcripts, self.known_.reading, corpus)
        return of_chunks(self.stream, self.known_.reading, corpus)

    def _heard(self, corpus: Corpus, items: Sequence[int]) -> list[Heard]:
        found = self._sought(corpus.select(items), 1)
        return heard(corpus, self.known_.reading, items, [own[0] for own in found])


def _log_p(
    scores: Sequence[Tensor], lengths: Tensor, targets: Sequence[Sequence[int]]
) -> list[float]:
    """log p(y | x) of each row, the mean over networks."""
    told = padded([list(own) for own in targets])
    totals = torch.stack([nats(own.double(), lengths, told) for own in scores]).mean(0)
    return [-total for total in totals.tolist()]
