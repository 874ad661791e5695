"""Translator: one sequence into another, as translations, summaries or captions of pictures."""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, ClassVar, Literal, Self, get_args

import numpy as np
from numpy.typing import NDArray
from torch import nn

from longshort import artifact
from longshort.beams import Beam
from longshort.contracts import Params
from longshort.data.codecs.tokens import Tokens
from longshort.data.codecs.transcripts import Spelling, TranscriptCodec
from longshort.data.corpus import Corpus, Roles
from longshort.data.partition import Partition, partition
from longshort.data.readings.scenes import SceneReading, Scenes
from longshort.data.readings.sources import SOURCE, SourceReading
from longshort.data.sources.pairs import read_pairs
from longshort.data.steps import Ints
from longshort.errors import ArgumentError, DataError, LongshortWarning, suggest
from longshort.heads.translation import Translation, TranslationHead
from longshort.layers.embed import Embed
from longshort.layers.encoder import Recurrent, RecurrentEncoder
from longshort.layers.scenes import SceneEncoder
from longshort.model import Model
from longshort.tasks.base import Estimator
from longshort.tasks.ensemble import Parts
from longshort.tasks.labels.learned import Seen
from longshort.tasks.translations.judging import Judging
from longshort.tasks.translations.learned import Known, Learned, restored
from longshort.tasks.translations.writing import cut_told
from longshort.training import Training

# what becomes of words that the targets' vocabulary does not hold
Unknown = Literal["never", "source"]

# what a fit of some thousand pairs needs
TRAINING = Training(
    epochs=12, batch=64, optimizer="adam", rate=2e-3, weight_decay=0.0, schedule="onecycle",
    clip=5.0, patience=None, members=1,
)  # fmt: skip
# a larger share of validation sources that cannot be read is told
_UNREAD = 0.1
# an epoch makes so many steps at least: a small training part is read several times
_LEAST_STEPS = 100


class Translator(Judging, Estimator):
    """Turn each source into a target: an LSTM with attention answers another one's reading.

    Sources are texts (translation, summaries) or pictures (captions).

    Args:
        roles: what the columns of a table are: sources are ``text`` (or ``path``, of pictures),
            targets ``transcript``. See ``Roles``.
        source, target: what a symbol of each is; words, tokens between blanks, characters, or
            subwords. See ``Tokens``.
        head: how targets are written; see ``Translation``.
        search: how the best target is looked for; see ``Beam``.
        source_spelling, target_spelling: how texts are written before anything is learnt; what is
            lowered here is lowered in what is predicted, too.
        scenes: how pictures are read; see ``Scenes``.
        joint: sources and targets have one vocabulary and one table.
        longest: symbols of a source that are read; what comes later is cut off, and told. Pairs
            whose targets have more symbols are not learnt from.
        unknown: what the vocabulary does not hold is "never" written; or the word of the "source"
            that was looked at most stands for it (Luong et al. 2015). With ``head.copy`` such words
            are written anyway.
        partition: which pairs choose, and which are left for ``evaluate``.
        recurrent: the encoder; the decoder is as wide as its answer, see ``Translation``.
        training: how it is trained; the epoch with the best validation loss is kept.
        random_state: an integer; the same one gives the same network on the same machine.
        device: "cpu", "cuda" or "auto".

    Learned: ``models_``, ``history_``, ``codec_`` (the targets' symbols), ``known_`` (how sources
    are read, and what was fitted on).

    Data are what ``data.sources.pairs.read_pairs`` reads: two files of lines, a table, pairs of
    texts, pictures with captions, or a mapping of "train", "valid" and "test" to any of these.

    Example:
        >>> from longshort import Translator
        >>> model = Translator().fit([("eins zwei", "one two")] * 8)  # doctest: +SKIP
        >>> model.predict(["zwei eins"])  # doctest: +SKIP
    """

    kind: ClassVar[str] = "translator"
    sections: ClassVar[dict[str, type[Params]]] = {
        "roles": Roles,
        "source": Tokens,
        "target": Tokens,
        "head": Translation,
        "search": Beam,
        "source_spelling": Spelling,
        "target_spelling": Spelling,
        "scenes": Scenes,
        "partition": Partition,
        "recurrent": Recurrent,
        "training": Training,
    }
    scalars: ClassVar[dict[str, Any]] = {"joint": bool, "longest": int, "unknown": Unknown}

    known_: Known

    def __init__(
        self,
        roles: Roles = Roles(),  # noqa: B008 - a frozen value
        source: Tokens = Tokens("words"),  # noqa: B008
        target: Tokens = Tokens("words"),  # noqa: B008
        head: Translation = Translation(),  # noqa: B008
        search: Beam = Beam(),  # noqa: B008
        *,
        source_spelling: Spelling = Spelling(),  # noqa: B008
        target_spelling: Spelling = Spelling(),  # noqa: B008
        scenes: Scenes = Scenes(),  # noqa: B008
        joint: bool = False,
        longest: int = 400,
        unknown: Unknown = "never",
        partition: Partition = Partition(),  # noqa: B008
        recurrent: Recurrent = Recurrent(128, 2, bidirectional=True, dropout=0.2),  # noqa: B008
        training: Training = TRAINING,
        random_state: int = 0,
        device: str = "cpu",
    ) -> None:
        self.roles = roles
        self.source = source
        self.target = target
        self.head = head
        self.search = search
        self.source_spelling = source_spelling
        self.target_spelling = target_spelling
        self.scenes = scenes
        self.joint = joint
        self.longest = longest
        self.unknown = unknown
        self.partition = partition
        self.recurrent = recurrent
        self.training = training
        self.random_state = random_state
        self.device = device

    # learn

    def _check_settings(self) -> None:
        super()._check_settings()
        if self.unknown not in get_args(Unknown):
            raise ArgumentError(
                f"unknown={self.unknown!r}: {suggest(str(self.unknown), get_args(Unknown))}"
            )
        if not isinstance(self.longest, int) or self.longest < 1:
            raise ArgumentError(f"longest={self.longest!r}: must be a whole number, 1 or more")
        if self.joint and (self.source, self.source_spelling) != (
            self.target,
            self.target_spelling,
        ):
            raise ArgumentError(
                f"joint=True: one vocabulary has one kind of symbols, and source={self.source} and "
                f"target={self.target} differ (or their spelling does); give both the same"
            )
        if self.head.copy and self.source.unit != self.target.unit:
            raise ArgumentError(
                f"Translation(copy=True): symbols of sources ({self.source.unit}) are copied into "
                f"targets ({self.target.unit}), and must be of the same kind"
            )

    def _given(self, X: Any, y: Any) -> Any:
        return read_pairs(X, self.roles, y)

    def _learn(self, data: Any, like: Self | None = None) -> Parts:
        corpus: Corpus = data
        content: Literal["texts", "pictures"] = "texts" if corpus.texts is not None else "pictures"
        shares = partition(corpus, self.partition)
        train = corpus.select(shares.train)
        if like is None:
            reading, codec = self._read(train)
        else:
            reading, codec = like.known_.reading, like.known_.codec
        if codec.classes < 3:
            raise DataError(f"{corpus.source}: every target of the training part is empty")
        fitted = np.sort(np.concatenate([shares.train, shares.valid]))
        self.known_ = Known(codec, reading, content, Seen.of(corpus, fitted))
        targets = self._targets(corpus)
        long = np.array([len(own) > self.longest + 1 for own in targets], bool)
        told = [*cut_told(corpus, reading), *_unread(corpus.select(shares.valid), reading)]
        if long.any():
            told.append(
                f"{long.sum()} of {len(corpus)} targets have more than {self.longest} symbols and "
                f"are not learnt from, the first at {corpus.where(int(long.argmax()))}."
            )
        for note in told:
            warnings.warn(note, LongshortWarning, stacklevel=4)
        notes = (*corpus.notes, *shares.notes, *told)
        self.known_ = replace(
            self.known_, notes=notes, times=_times(corpus, reading, targets, shares.train)
        )
        train_part, valid_part = (own[~long[own]] for own in (shares.train, shares.valid))
        if not len(train_part):
            raise DataError(f"{corpus.source}: no pair is left to learn from. {' '.join(told)}")
        both = np.sort(np.concatenate([train_part, valid_part]))
        least = min(_LEAST_STEPS, self.training.steps or _LEAST_STEPS) * self.training.batch
        times = math.ceil(least / len(train_part))
        train_items, valid_items, every = (
            self._items(corpus, chosen, targets)
            for chosen in (np.tile(train_part, times), valid_part, np.tile(both, times))
        )
        return Parts(train_items, valid_items if len(valid_items) else None, every)

    def _read(self, train: Corpus) -> tuple[SourceReading | SceneReading, TranscriptCodec]:
        """How sources and targets become symbols, learnt from the training part."""
        texts, targets = train.texts, train.transcripts or ()
        told = (*texts, *targets) if self.joint and texts is not None else targets
        codec = TranscriptCodec.fit(told, self.target, self.target_spelling)
        if texts is None:
            if self.head.copy or self.joint:
                what = "joint=True" if self.joint else "Translation(copy=True)"
                raise ArgumentError(f"{what}: sources are pictures, and have no symbols")
            return SceneReading.fit(train, self.scenes), codec
        own = codec
        if not self.joint:
            own = TranscriptCodec.fit(texts, self.source, self.source_spelling)
        reading = SourceReading(
            own, codec if self.head.copy else None, self.head.embedding, self.longest
        )
        return reading, codec

    def _network(self) -> Model:
        known, recurrent = self.known_, self.recurrent
        decoder = self.head.decoder(recurrent)
        table: nn.Embedding | None = None
        if isinstance(known.reading, SceneReading):
            encoder: nn.Module = SceneEncoder(known.reading, decoder.dropout)
            width = bridge = known.reading.scenes.width
        else:
            embed = Embed.of(known.reading.widths)
            encoder = RecurrentEncoder(embed, recurrent)
            width = recurrent.width
            bridge = _ending(recurrent)
            if self.joint:
                own = embed.tables[SOURCE]
                assert isinstance(own, nn.Embedding)
                table = own
        head = TranslationHead(width, bridge, known.codec.classes, self.head, decoder, table)
        return Model(encoder, head)

    def _foreign(self, source: Self) -> list[str]:
        own, theirs = self.known_, source.known_
        found = []
        if own.codec.pieces != theirs.codec.pieces:
            found += ["head.embed", "head.bias", "head.output"]
        readings = own.reading, theirs.reading
        symbols = {each.codec.pieces for each in readings if isinstance(each, SourceReading)}
        return found if len(symbols) < 2 else [*found, "encoder.embed.tables"]

    # files

    def _learned(self) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
        return self.known_.put_down()

    def _restore(
        self, content: artifact.Artifact, arrays: dict[str, NDArray[Any]], where: str
    ) -> None:
        learned = artifact.section(content, "learned", Learned, where)
        self.known_ = restored(learned, arrays, self.target_spelling)
        if self.known_.codec.tokens.unit != self.target.unit:
            unit = self.known_.codec.tokens.unit
            raise ValueError(f"symbols are {unit}, and not {self.target.unit}")
        self._check_settings()


def _unread(valid: Corpus, reading: SourceReading | SceneReading) -> list[str]:
    """A sentence on sources whose symbols training does not hold, and on which symbols it would."""
    if not isinstance(reading, SourceReading) or not len(valid):
        return []
    found = reading.strange(valid)
    if len(found) <= _UNREAD * len(valid):
        return []
    unit = reading.codec.tokens.unit
    other = "characters or subwords" if unit in ("words", "spaced") else "subwords or bytes"
    return [
        f"{len(found)} of {len(valid)} sources of the validation part are mostly of {unit} that "
        f"training has not seen, the first at {valid.where(int(found[0]))}: nothing can be learnt "
        f"of such sources; read them as {other} (--source-unit, source=Tokens(...))."
    ]


def _times(
    corpus: Corpus, reading: SourceReading | SceneReading, targets: Sequence[Ints], train: Ints
) -> float:
    """The target's symbols per symbol of the source that 99 of 100 training pairs stay below."""
    if isinstance(reading, SceneReading):
        return 0.0
    lengths = np.maximum(reading.lengths(corpus)[train], 1)
    return float(np.quantile([len(targets[item]) for item in train.tolist()] / lengths, 0.99))


def _ending(recurrent: Recurrent) -> int:
    """Width of what an encoder ends with: the top layer's states, of both directions."""
    directions = 2 if recurrent.bidirectional else 1
    return directions * (recurrent.outputs + (recurrent.size if recurrent.cell == "lstm" else 0))
