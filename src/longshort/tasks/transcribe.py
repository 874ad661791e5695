"""Transcriber: what is said or written in a recording, as text, phonemes or digits."""

from __future__ import annotations

import math
import os
import warnings
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, ClassVar, Self

import numpy as np
import polars as pl
import torch
from numpy.typing import NDArray
from torch import Tensor

from longshort import artifact
from longshort.contracts import Examples, Params, whole
from longshort.data.codecs.tokens import Tokens
from longshort.data.codecs.transcripts import Spelling, TranscriptCodec
from longshort.data.corpus import Corpus, Roles
from longshort.data.items import Items
from longshort.data.partition import Partition, partition
from longshort.data.readings.signals import Signal
from longshort.data.readings.words import Text
from longshort.data.sources.tables import frame_like
from longshort.data.steps import Ints
from longshort.errors import DataError, LongshortWarning
from longshort.heads.ctc import Ctc, CTCHead, nats, padded
from longshort.heads.prefixes import Found
from longshort.layers.embed import Embed
from longshort.layers.encoder import Recurrent, RecurrentEncoder
from longshort.metrics.transcripts import counted, rate, units
from longshort.model import Model
from longshort.tasks.base import Estimator
from longshort.tasks.ensemble import Parts
from longshort.tasks.labels.encoding import reading_of, refuse_other
from longshort.tasks.labels.learned import Seen
from longshort.tasks.transcripts.decoding import (
    Clock,
    Told,
    Transcript,
    greedy,
    sought,
    timed,
    told,
)
from longshort.tasks.transcripts.hotwords import HotWords
from longshort.tasks.transcripts.language import Language, choose
from longshort.tasks.transcripts.learned import Known, Learned, restored
from longshort.tasks.transcripts.reading import (
    asked,
    frames_of,
    read_transcribed,
    too_long,
    too_long_told,
    unseen_told,
)
from longshort.training import Training
from longshort.training.loop import Judge

# what a fit of some hundred recordings needs
TRAINING = Training(
    epochs=40, batch=16, optimizer="adam", rate=2e-3, weight_decay=0.0, schedule="onecycle",
    clip=5.0, patience=None, members=1,
)  # fmt: skip
# an epoch makes so many steps at least: a small training part is read several times
_LEAST_STEPS = 20
# recordings of the validation part that a language model's weight is chosen on
_CHOOSING = 256


class Transcriber(Estimator):
    """Tell what is said or written in each recording: connectionist temporal classification.

    Args:
        roles: what the columns of a table are; the text is ``transcript``, a recording of several
            rows ``item``. See ``Roles``.
        signal: how series are read; see ``Signal``.
        tokens: what a symbol of a transcript is: a character (digits, too), a word (phonemes with
            blanks between them, too) or a subword.
        spelling: how transcripts are written before they are learnt and judged.
        head: how transcripts are sought, and with which language model; see ``Ctc``.
        partition: which recordings choose, and which are left for ``evaluate``.
        recurrent: the network. Read forwards alone (``bidirectional=False``) it can ``stream``.
        training: how it is trained; the epoch with the fewest errors in the validation part is
            kept.
        random_state: an integer; the same one gives the same network on the same machine.
        device: "cpu", "cuda" or "auto".

    Learned: ``models_``, ``history_``, ``codec_`` (the symbols), ``known_`` (how recordings are
    read, what was fitted on, the language model's weight).

    Data are a path, a frame, a list of arrays (T,) or (T, F), a ``Corpus``, or a mapping of
    "train", "valid" and "test" to any of these. Transcripts are ``y``, or stand in the data.

    Example:
        >>> from longshort import Roles, Transcriber
        >>> model = Transcriber(Roles(item="id", transcript="text"))
        >>> model.fit("pens.csv").predict("more.csv")  # doctest: +SKIP
    """

    kind: ClassVar[str] = "transcriber"
    sections: ClassVar[dict[str, type[Params]]] = {
        "roles": Roles,
        "signal": Signal,
        "tokens": Tokens,
        "spelling": Spelling,
        "head": Ctc,
        "partition": Partition,
        "recurrent": Recurrent,
        "training": Training,
    }
    scalars: ClassVar[dict[str, Any]] = {}

    known_: Known

    def __init__(
        self,
        roles: Roles = Roles(),  # noqa: B008 - a frozen value
        signal: Signal = Signal(),  # noqa: B008
        tokens: Tokens = Tokens(),  # noqa: B008
        spelling: Spelling = Spelling(),  # noqa: B008
        head: Ctc = Ctc(),  # noqa: B008
        *,
        partition: Partition = Partition(),  # noqa: B008
        recurrent: Recurrent = Recurrent(128, 2, bidirectional=True, dropout=0.2),  # noqa: B008
        training: Training = TRAINING,
        random_state: int = 0,
        device: str = "cpu",
    ) -> None:
        self.roles = roles
        self.signal = signal
        self.tokens = tokens
        self.spelling = spelling
        self.head = head
        self.partition = partition
        self.recurrent = recurrent
        self.training = training
        self.random_state = random_state
        self.device = device

    # learn

    def _given(self, X: Any, y: Any) -> Any:
        return read_transcribed(X, self.roles, y)

    def _learn(self, data: Any, like: Self | None = None) -> Parts:
        corpus: Corpus = data
        shares = partition(corpus, self.partition)
        train = corpus.select(shares.train)
        if like is None:
            reading = reading_of(train, Text(), self.signal)
            codec = TranscriptCodec.fit(train.transcripts or (), self.tokens, self.spelling)
        else:
            reading, codec = like.known_.reading, like.known_.codec
        if codec.classes < 3:
            raise DataError(
                f"{corpus.source}: every transcript of the training part is empty, so there is "
                "nothing to write; name another column"
            )
        # what training holds too rarely to be a symbol is learnt as the unknown one
        wants = asked(corpus, codec, unknown=self.tokens.least > 1 or self.tokens.size is not None)
        frames = frames_of(reading.lengths(corpus), self.recurrent.stride)
        notes = [*corpus.notes, *shares.notes]
        parts = {}
        for name, own in (("training", shares.train), ("validation", shares.valid)):
            wrong = too_long_told(corpus, wants, frames, own)
            parts[name] = own[~too_long(corpus, wants, frames)[own]]
            if wrong and not len(parts[name]) and name == "training":
                raise DataError(f"{wrong} {_SHORTER}")
            notes += [f"{wrong} They are left out of the {name} part."] if wrong else []
        notes += [
            n for n in [unseen_told(corpus, codec, parts["validation"], "validation part")] if n
        ]
        for note in notes:
            warnings.warn(note, LongshortWarning, stacklevel=4)
        fitted = np.sort(np.concatenate([shares.train, shares.valid]))
        said: tuple[Ints, ...] = ()
        if self.head.language == "ngrams":
            said = tuple(codec.encode(text) for text in train.transcripts or ())
        self.known_ = Known(
            codec, reading, corpus.content, Seen.of(corpus, fitted), said, notes=tuple(notes)
        )
        both = np.sort(np.concatenate([parts["training"], parts["validation"]]))
        least = min(_LEAST_STEPS, self.training.steps or _LEAST_STEPS) * self.training.batch
        times = math.ceil(least / len(parts["training"]))
        train_items, valid_items, every = (
            self._items(corpus, chosen, wants.targets)
            for chosen in (
                np.tile(parts["training"], times), parts["validation"], np.tile(both, times)
            )
        )  # fmt: skip
        return Parts(train_items, valid_items if len(valid_items) else None, every)

    def _items(
        self, corpus: Corpus, chosen: Ints | None = None, targets: list[Ints] | None = None
    ) -> Items:
        everything = np.arange(len(corpus)) if chosen is None else chosen
        return Items(corpus, self.known_.reading, targets, everything, apart=True)

    @property
    def codec_(self) -> TranscriptCodec:
        """The symbols that transcripts are written with."""
        return self.known_.codec

    def _network(self) -> Model:
        encoder = RecurrentEncoder(Embed.of(self.known_.reading.widths), self.recurrent)
        return Model(encoder, CTCHead(self.recurrent.width, self.known_.codec.classes))

    def _foreign(self, source: Self) -> list[str]:
        own, theirs = self.known_, source.known_
        return [] if own.codec.pieces == theirs.codec.pieces else ["head"]

    def _judge(self) -> Judge | None:
        return self._errors

    def _errors(self, model: Model, examples: Examples, loss: float) -> float:
        """Symbol error rate of the best paths of examples that choose; of equal ones the loss."""
        assert isinstance(examples, Items)
        truth = _truth(examples)
        found = float(rate(counted(truth, greedy([model], examples))))
        return (0.0 if math.isnan(found) else found) + 1e-4 * loss

    def _settle(self, parts: Parts) -> None:
        language = Language(self.head, self.known_)
        items, truth = parts.valid, list[list[int]]()
        if isinstance(items, Items) and not self.refitted_:
            items = replace(items, chosen=items.chosen[:_CHOOSING])
            truth = _truth(items)

        def asked() -> list[Told]:
            return list(told(self.models_, items)) if isinstance(items, Items) and truth else []

        found = choose(language, self.head, asked, truth)
        self.known_ = replace(self.known_, weight=found.weight, bonus=found.bonus)

    # use

    def _again(self, X: Any, y: Any = None, *, required: bool = False) -> Corpus:
        """Data for a fitted model."""
        self._check_fitted()
        corpus = read_transcribed(X, self.settings_["roles"], y, required=required)
        refuse_other(corpus, self.known_.reading)
        return corpus

    @property
    def language_(self) -> Language:
        """The language model, made when it is first asked for."""
        held = self.__dict__.get("_language")
        if held is None or held[0] is not self.known_:
            held = self.known_, Language(self.settings_["head"], self.known_)
            self.__dict__["_language"] = held
        found: Language = held[1]
        return found

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
        frame = pl.DataFrame(
            {
                "item": [_name(corpus, item) for item in range(len(corpus))],
                "transcript": texts,
                "confidence": [round(own[0].confidence, 4) for own in found],
            }
        )
        return frame_like(X, frame, [])

    def predict_n_best(
        self, X: Any, count: int = 5, *, hot_words: Sequence[str] = (), hot_weight: float = 2.0
    ) -> list[list[Transcript]]:
        """Up to ``count`` transcripts of each recording, the best first, with times.

        ``X``, ``hot_words`` and ``hot_weight`` are those of ``predict``.
        """
        whole("count", count, 1)
        self._check_fitted()
        return self._sought(self._again(X), count, self._hot(hot_words, hot_weight))

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
            raise DataError(f"{wrong} {_SHORTER}")
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

    # files

    def _learned(self) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
        return self.known_.put_down()

    def _restore(
        self, content: artifact.Artifact, arrays: dict[str, NDArray[Any]], where: str
    ) -> None:
        learned = artifact.section(content, "learned", Learned, where)
        self.known_ = restored(learned, arrays, self.spelling)
        if self.known_.codec.tokens.unit != self.tokens.unit:
            unit = self.known_.codec.tokens.unit
            raise ValueError(f"symbols are {unit}, and not {self.tokens.unit}")


def _log_p(
    scores: Sequence[Tensor], lengths: Tensor, targets: Sequence[Sequence[int]]
) -> list[float]:
    """log p(y | x) of each row, the mean over networks."""
    told = padded([list(own) for own in targets])
    totals = torch.stack([nats(own.double(), lengths, told) for own in scores]).mean(0)
    return [-total for total in totals.tolist()]


def _truth(items: Items) -> list[list[int]]:
    """The symbols of each example."""
    targets = items.targets or ()
    return [targets[item].tolist() for item in items.chosen.tolist()]


def _name(corpus: Corpus, item: int) -> str:
    """What an item is called in tables."""
    if corpus.names is not None and corpus.names[item]:
        return corpus.names[item]
    return str(item + 1) if corpus.lines is None else f"line {int(corpus.lines[item])}"


_SHORTER = (
    "Read more frames of each (a smaller stride), write fewer symbols (words or subwords), or "
    "correct the transcripts."
)
