"""Transcriber: what is said or written in a recording, as text, phonemes or digits."""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from longshort import artifact
from longshort.contracts import Examples, Params
from longshort.data.augment import Augment
from longshort.data.codecs.tokens import Tokens
from longshort.data.codecs.transcripts import Spelling, TranscriptCodec
from longshort.data.corpus import Corpus, Roles
from longshort.data.items import Items
from longshort.data.partition import Parted, Partition, partition
from longshort.data.readings.ink import Ink
from longshort.data.readings.pictures import Pictures
from longshort.data.readings.signals import Signal
from longshort.data.readings.sound import Sound
from longshort.data.readings.words import Text
from longshort.data.steps import Ints
from longshort.errors import ArgumentError, DataError, LongshortWarning
from longshort.evaluate.labels import LabelParts
from longshort.evaluate.transcripts import evaluate_transcripts
from longshort.heads.ctc import Ctc, CTCHead
from longshort.layers.embed import Embed
from longshort.layers.encoder import Recurrent, RecurrentEncoder
from longshort.metrics.transcripts import counted, rate
from longshort.model import Model
from longshort.records import TranscriptEvaluation
from longshort.tasks.base import Estimator
from longshort.tasks.ensemble import Parts
from longshort.tasks.generate import LanguageModel
from longshort.tasks.labels.encoding import notes_of, reading_of
from longshort.tasks.labels.learned import Seen
from longshort.tasks.streams.transcripts import TranscriptStream
from longshort.tasks.transcripts.decoding import (
    Told,
    greedy,
    told,
)
from longshort.tasks.transcripts.language import Language, choose
from longshort.tasks.transcripts.learned import Known, Learned, restored
from longshort.tasks.transcripts.reading import (
    Asked,
    asked,
    frames_of,
    read_transcribed,
    too_long,
    too_long_told,
    unseen_told,
)
from longshort.tasks.transcripts.writing import SHORTER, Writing
from longshort.training import Training
from longshort.training.loop import Judge
from longshort.yardsticks.transcripts.base import TranscriptMethod
from longshort.yardsticks.transcripts.roster import Choice

# what a fit of some hundred recordings needs
TRAINING = Training(
    epochs=40, batch=16, optimizer="adam", rate=2e-3, weight_decay=0.0, schedule="onecycle",
    clip=5.0, patience=None, members=1,
)  # fmt: skip
# an epoch makes so many steps at least: a small training part is read several times
_LEAST_STEPS = 20
# recordings of the validation part that a language model's weight is chosen on
_CHOOSING = 256


# from so many errors on, a network has not begun to write
_CHANCE = 0.9


class Transcriber(Writing, Estimator):
    """Tell what is said or written in each recording: connectionist temporal classification.

    Args:
        roles: what the columns of a table are; the text is ``transcript``, a recording of several
            rows ``item``. See ``Roles``.
        signal: how series are read; see ``Signal``.
        sound: how sound is read; see ``Sound``.
        ink: how pen strokes are read; see ``Ink``.
        pictures: how pictures of lines are read; see ``Pictures``.
        augment: what is changed in training examples; see ``Augment``.
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
        "sound": Sound,
        "ink": Ink,
        "pictures": Pictures,
        "augment": Augment,
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
        sound: Sound = Sound("mel", deltas=0, stack=3),  # noqa: B008
        ink: Ink = Ink(size="height"),  # noqa: B008
        pictures: Pictures = Pictures(),  # noqa: B008
        augment: Augment = Augment(),  # noqa: B008
        partition: Partition = Partition(),  # noqa: B008
        recurrent: Recurrent = Recurrent(128, 2, bidirectional=True, dropout=0.2),  # noqa: B008
        training: Training = TRAINING,
        random_state: int = 0,
        device: str = "cpu",
    ) -> None:
        self.roles = roles
        self.signal = signal
        self.sound = sound
        self.ink = ink
        self.pictures = pictures
        self.augment = augment
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
            reading = reading_of(train, Text(), self.signal, self.sound, self.ink, self.pictures)
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
        train_part, valid_part, told = _fitting(corpus, shares, wants, frames)
        unseen = unseen_told(corpus, codec, valid_part, "validation part")
        told += [unseen] if unseen else []
        for note in told:
            warnings.warn(note, LongshortWarning, stacklevel=4)
        notes = [*corpus.notes, *notes_of(reading, corpus), *shares.notes, *told]
        fitted = np.sort(np.concatenate([shares.train, shares.valid]))
        said: tuple[Ints, ...] = ()
        if self.head.language == "ngrams":
            said = tuple(codec.encode(text) for text in train.transcripts or ())
        self.known_ = Known(
            codec, reading, corpus.content, Seen.of(corpus, fitted), said, notes=tuple(notes)
        )
        both = np.sort(np.concatenate([train_part, valid_part]))
        least = min(_LEAST_STEPS, self.training.steps or _LEAST_STEPS) * self.training.batch
        times = math.ceil(least / len(train_part))
        train_items, valid_items, every = (
            self._items(corpus, chosen, wants.targets, changed)
            for chosen, changed in (
                (np.tile(train_part, times), self.augment),
                (valid_part, None),
                (np.tile(both, times), self.augment),
            )
        )
        return Parts(train_items, valid_items if len(valid_items) else None, every)

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
        # what is hit by chance before anything is learnt chooses nothing
        found = 1.0 if found > _CHANCE else found
        return (0.0 if math.isnan(found) else found) + 1e-4 * loss

    def _settle(self, parts: Parts) -> None:
        language = self._language(self.head)
        items, truth = parts.valid, list[list[int]]()
        if isinstance(items, Items) and not self.refitted_:
            items = replace(items, chosen=items.chosen[:_CHOOSING])
            truth = _truth(items)

        def asked() -> list[Told]:
            return list(told(self.models_, items)) if isinstance(items, Items) and truth else []

        found = choose(language, self.head, asked, truth)
        self.known_ = replace(self.known_, weight=found.weight, bonus=found.bonus)

    def _language(self, head: Ctc) -> Language:
        return Language(head, self.known_, LanguageModel.from_file)

    @property
    def language_(self) -> Language:
        """The language model, made when it is first asked for."""
        held = self.__dict__.get("_held")
        if held is None or held[0] is not self.known_:
            held = self.known_, self._language(self.settings_["head"])
            self.__dict__["_held"] = held
        found: Language = held[1]
        return found

    # judge

    def evaluate(
        self,
        X: Any,
        y: Any = None,
        *,
        metric: str | None = None,
        yardsticks: Choice = "all",
        extra: Sequence[TranscriptMethod] = (),
    ) -> TranscriptEvaluation:
        """Open the test part: the recordings of ``X`` that ``fit`` has left for it.

        Of the data that were given to ``fit``, that is the test part of the same split, and every
        yardstick is fitted on the same training part. Other data are a test part as a whole, which
        our method is judged on by itself.

        Args:
            X, y: as for ``fit``.
            metric: "cer", "wer" or "ser" (symbols); None for the symbols where they are words, and
                for characters elsewhere.
            yardsticks: "all", "quick", or "none".
            extra: further fitted methods to be judged beside it.

        Raises:
            ArgumentError: no test part was left.
            DataError: there are no transcripts.
        """
        corpus = self._again(X, y, required=True)
        parts, notes = self._opened(corpus)
        beside = list(extra)
        if self.known_.weight and self.language_.there:
            beside.append(TranscriptMethod(f"{self.recurrent.name} alone", "lstm", self.alone))
        words = self.known_.codec.tokens.unit == "words"
        return evaluate_transcripts(
            TranscriptMethod(self.recurrent.name, "lstm", self.transcripts),
            parts,
            self.known_.codec,
            self.known_.reading,
            metric=metric or ("ser" if words else "cer"),
            yardsticks=yardsticks if len(parts.train) else "none",
            extra=beside,
            shown=self._heard,
            history=self.history_,
            settings=self._settings(),
            latency=self._latency(),
            delay=self._delay,
            notes=[note for note in (*notes, self._spoken(), self.start_) if note],
            seed=self.random_state,
        )

    def _opened(self, corpus: Corpus) -> tuple[LabelParts, list[str]]:
        """The parts of the split, or other data as a test part, and what to know of them."""
        known = self.known_
        if corpus.digest() != known.seen.digest:
            again = known.seen.again(corpus)
            told = ["The data are not those of the fit: no yardstick could be fitted."]
            if again:
                told.append(
                    f"{again} of {len(corpus)} recordings have the content of one that was fitted "
                    "on."
                )
            told += [*corpus.notes, *notes_of(known.reading, corpus)]
            parts = LabelParts(corpus.select([]), None, corpus)
        else:
            shares = partition(corpus, self.settings_["partition"])
            if not len(shares.test):
                raise ArgumentError(
                    f"{corpus.source}: fit has left no test part; fit with Partition(test=0.1) "
                    "(--test 0.1), or evaluate on other data"
                )
            train, valid, test = (corpus.select(part) for part in shares[:3])
            told = list(known.notes)
            parts = LabelParts(train, valid if len(valid) else None, test)
        return parts, told + self._unfit(parts.test)

    def _unfit(self, test: Corpus) -> list[str]:
        """What of a test part cannot be told right, in words."""
        known, every = self.known_, np.arange(len(test))
        wants = asked(test, known.codec)
        lengths = known.reading.lengths(test)
        wrong = too_long_told(
            test, wants, frames_of(lengths, self.settings_["recurrent"].stride), every
        )
        found = [unseen_told(test, known.codec, every, "test part")]
        if wrong:
            found.append(f"{wrong} They count as what is told of them.")
        return [note for note in found if note]

    def _spoken(self) -> str:
        """What the language model is, and how much it counts."""
        head, known = self.settings_["head"], self.known_
        if head.language == "none":
            return ""
        return (
            f"The language model ({self.language_.told}) counts {known.weight:g} times, and "
            f"{known.bonus:g} nats are added for each of its symbols; "
            + ("chosen on the validation part." if head.weight is None else "both were given.")
        )

    def _latency(self) -> str:
        """How soon an answer comes."""
        recurrent = self.settings_["recurrent"]
        if recurrent.bidirectional:
            return "The network reads both ways: it answers once a recording has ended."
        return "The network reads forwards: it answers while a recording goes on."

    def opened(self, sessions: int) -> TranscriptStream:
        """See ``longshort.Session``, which answers with the transcript so far.

        Raises:
            ArgumentError: as of ``stream``.
        """
        return TranscriptStream(lambda: self._listening(timed=False), sessions)

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


def _fitting(
    corpus: Corpus, shares: Parted, wants: Asked, frames: Ints
) -> tuple[Ints, Ints, list[str]]:
    """Training and validation part without transcripts that are too long, and which these are.

    Raises:
        DataError: nothing is left to learn from.
    """
    long, kept, told = too_long(corpus, wants, frames), [], []
    for name, own in (("training", shares.train), ("validation", shares.valid)):
        wrong = too_long_told(corpus, wants, frames, own)
        kept.append(own[~long[own]])
        if wrong and not len(kept[0]):
            raise DataError(f"{wrong} {SHORTER}")
        told += [f"{wrong} They are left out of the {name} part."] if wrong else []
    return kept[0], kept[1], told


def _truth(items: Items) -> list[list[int]]:
    """The symbols of each example."""
    targets = items.targets or ()
    return [targets[item].tolist() for item in items.chosen.tolist()]
