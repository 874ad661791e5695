"""Tagger: a tag for every token or step: entities, parts of speech, states."""

from __future__ import annotations

import math
import os
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar, Literal, Self

import numpy as np
from numpy.typing import NDArray

from longshort import artifact
from longshort.contracts import Examples, Params
from longshort.data.codecs.tags import Span, spans
from longshort.data.corpus import Corpus, Roles
from longshort.data.items import ItemEncoding, Items
from longshort.data.partition import Parted, Partition, partition
from longshort.data.readings.pretrained import Pretrained
from longshort.data.readings.signals import Signal
from longshort.data.readings.wide import Wide, WideReading
from longshort.data.readings.words import Text
from longshort.data.sources.conll import Conll, in_columns, spelt
from longshort.data.sources.tables import frame_like
from longshort.data.steps import Ints
from longshort.errors import ArgumentError, DataError, LongshortWarning
from longshort.evaluate.labels import LabelParts
from longshort.evaluate.tags import evaluate_tags
from longshort.heads.crf import CRFHead
from longshort.heads.sparse import Sparse
from longshort.layers.encoder import Recurrent, RecurrentEncoder
from longshort.layers.pretrained import embedding
from longshort.model import Model
from longshort.records import LabelEvaluation, LabelExplanation
from longshort.tasks.base import Estimator
from longshort.tasks.ensemble import Parts
from longshort.tasks.labels.deciding import decided
from longshort.tasks.labels.encoding import foreign, reading_of
from longshort.tasks.labels.learned import Seen
from longshort.tasks.labels.tagged import Learned, Told, put_down, read_tagged, steps_frame, take_up
from longshort.tasks.labels.tags import Inner, Tags, lean, leaning, score, shift_of, tag
from longshort.tasks.pretraining import Beginning
from longshort.tasks.streams.labels import TellsSteps
from longshort.training import Training
from longshort.training.loop import Judge
from longshort.yardsticks.labels.base import TagMethod
from longshort.yardsticks.labels.crf import how_good
from longshort.yardsticks.labels.roster import Choice

# an epoch makes so many steps at least
_LEAST_STEPS = 60
TagHead = Literal["crf", "category"]

# how tokens are read, and what a fit of some thousand sentences needs
TOKENS = Text(
    min_count=2, characters="cnn", character_size=60, ngrams=None, word_dropout=0.0,
    rare_dropout=0.5, dropout=0.0,
)  # fmt: skip
TRAINING = Training(
    epochs=4, batch=16, optimizer="adam", rate=2e-3, weight_decay=0.0, schedule="linear",
    clip=5.0, patience=None,
)  # fmt: skip


class Tagger(TellsSteps, Beginning, Estimator):
    """Tell the tag of each token of a sentence, or of each step of a series.

    Args:
        columns: how files in columns are read; see ``Conll``.
        roles: the columns of tables of series, or of tokens, with a row for each step; see
            ``Roles``. The tag is ``label``, the sentence or series ``item``.
        text: how tokens are read; see ``Text``.
        signal: how series are read; see ``Signal``.
        head: "crf" chooses the tags of a sentence together, as the scheme allows; "category" each
            by itself.
        scheme: what the network spells entities by, "bio" or "iobes"; the file's own is kept for
            what is written.
        wide: sparse features beside the network, for tokens; see ``Wide``.
        lean: after training, shift the scores of all entities by what finds them best (F1) in the
            validation part; else the likeliest tags are told.
        pretrained: what steps are read by beside all else, or its file: of tokens a language model
            or a published ELMo model, of recordings a series model; see ``Pretrained``.
        partition: which sentences choose, and which are left for ``evaluate``.
        recurrent: the network.
        training: how it is trained.
        random_state: an integer; the same one gives the same network on the same machine.
        device: "cpu", "cuda" or "auto".

    Learned: ``models_``, ``history_``, ``tags_`` (the tags of probabilities, in order),
    ``told_`` (how data are read, what was fitted on), ``lean_`` (the shift).

    Data are a path of a file in columns (or a table, where ``roles.item`` is given), a frame, a
    list of lists of tokens with their tags as ``y``, a ``Corpus``, or a mapping of "train", "valid"
    and "test" to any of these.

    Example:
        >>> from longshort import Tagger
        >>> model = Tagger().fit({"train": "train.conll", "valid": "dev.conll"})  # doctest: +SKIP
        >>> model.predict([["Ada", "lives", "in", "Oslo"]])  # doctest: +SKIP
        [('B-PER', 'O', 'O', 'B-LOC')]
    """

    kind: ClassVar[str] = "tagger"
    sections: ClassVar[dict[str, type[Params]]] = {
        "columns": Conll,
        "roles": Roles,
        "text": Text,
        "signal": Signal,
        "wide": Wide,
        "pretrained": Pretrained,
        "partition": Partition,
        "recurrent": Recurrent,
        "training": Training,
    }
    scalars: ClassVar[dict[str, Any]] = {"head": TagHead, "scheme": Inner, "lean": bool}

    tags_: Tags
    told_: Told
    lean_: float
    unseen_: bool

    def __init__(
        self,
        columns: Conll = Conll(),  # noqa: B008 - a frozen value
        roles: Roles = Roles(),  # noqa: B008
        *,
        text: Text = TOKENS,
        signal: Signal = Signal(),  # noqa: B008
        head: TagHead = "crf",
        scheme: Inner = "bio",
        wide: Wide = Wide(),  # noqa: B008
        lean: bool = True,
        pretrained: Pretrained | str | Path | None = Pretrained(),  # noqa: B008
        partition: Partition = Partition(),  # noqa: B008
        recurrent: Recurrent = Recurrent(120, bidirectional=True, dropout=0.4),  # noqa: B008
        training: Training = TRAINING,
        random_state: int = 0,
        device: str = "cpu",
    ) -> None:
        self.columns = columns
        self.roles = roles
        self.text = text
        self.signal = signal
        self.head = head
        self.scheme = scheme
        self.wide = wide
        self.lean = lean
        self.pretrained = pretrained
        self.partition = partition
        self.recurrent = recurrent
        self.training = training
        self.random_state = random_state
        self.device = device

    # learn

    def _given(self, X: Any, y: Any) -> Any:
        return X if y is None else read_tagged(X, self.columns, self.roles, y)

    def _learn(self, data: Any, like: Self | None = None) -> Parts:
        self._refuse_misfits()
        found = read_tagged(data, self.columns, self.roles)
        corpus = found.corpus
        if corpus.tags is None:
            raise DataError(f"{corpus.source}: there are no tags to learn from; give a tag column")
        shares = partition(corpus, self.partition)
        train = corpus.select(shares.train)
        if like is None:
            self.tags_ = Tags.of(train, self.scheme if found.scheme else None)
            reading = reading_of(train, self.text, self.signal)
        else:
            self.tags_, reading = like.tags_, like.told_.reading
        reading = self._begun(reading)
        seen = Seen.of(corpus, np.concatenate([shares.train, shares.valid]))
        targets, unknown = self.tags_.numbers(corpus)
        if len(self.tags_.names) < 2:
            only = ", ".join(self.tags_.names)
            raise DataError(f"{corpus.source}: the only tag is {only!r}; there is nothing to tell")
        notes = [*found.notes, *shares.notes]
        if unknown:
            notes.append(
                f"{unknown} tags of the validation and test part are not in the training part, and "
                "cannot be found."
            )
        for note in found.notes:
            warnings.warn(note, LongshortWarning, stacklevel=3)
        self.told_ = Told(reading, corpus.content, found.scheme, seen, tuple(notes))
        self.lean_ = 0.0
        self.unseen_ = len(shares.valid) > 0
        both = np.sort(np.concatenate([shares.train, shares.valid]))
        # a small training part is read several times in an epoch
        times = math.ceil(_LEAST_STEPS * self.training.batch / len(shares.train))
        train_items, valid_items, every = (
            self._items(corpus, chosen, targets)
            for chosen in (np.tile(shares.train, times), shares.valid, np.tile(both, times))
        )
        return Parts(train_items, valid_items if len(valid_items) else None, every)

    def _refuse_misfits(self) -> None:
        for name, wrong in (
            (f"Recurrent(stride={self.recurrent.stride})", self.recurrent.stride > 1),
            (f"Signal(every={self.signal.every!r})", self.signal.every is not None),
        ):
            if wrong:
                raise ArgumentError(f"{name}: every step has its own tag; read each of them")

    def _encoding(self) -> ItemEncoding:
        reading = self.told_.reading
        wide = self.told_.content == "tokens" and self.wide.buckets > 0
        return WideReading(reading, self.wide.buckets) if wide else reading

    def _items(
        self, corpus: Corpus, chosen: Ints | None = None, targets: list[Ints] | None = None
    ) -> Items:
        everything = np.arange(len(corpus))
        return Items(corpus, self.encoding_, targets, everything if chosen is None else chosen)

    @property
    def encoding_(self) -> ItemEncoding:
        """How items become numbers."""
        if self.__dict__.get("_kept", (None, None))[0] is not self.told_:
            self.__dict__["_kept"] = self.told_, self._encoding()
        found: ItemEncoding = self.__dict__["_kept"][1]
        return found

    def _network(self) -> Model:
        encoding, count = self.encoding_, len(self.tags_.names)
        sparse = None
        if isinstance(encoding, WideReading):
            sparse = Sparse(self.wide.buckets + 1, count, self.wide.dropout)
        linked = self.head == "crf"
        head = CRFHead(
            self.recurrent.width, count, self.tags_.allowed if linked else None,
            linked=linked, sparse=sparse,
        )  # fmt: skip
        return Model(RecurrentEncoder(embedding(encoding.widths), self.recurrent), head)

    def _foreign(self, source: Self) -> list[str]:
        found = [] if self.tags_ == source.tags_ else ["head"]
        return found + foreign(self.told_.reading, source.told_.reading)

    def _after(self, model: Model, examples: Examples) -> None:
        # a network that is refitted keeps the shift of the one that was not
        if self.training.refit:
            self._lean([model], examples)

    def _settle(self, parts: Parts) -> None:
        if not self.refitted_ and parts.valid is not None:
            self._lean(self.models_, parts.valid)
        self.lean_ = shift_of(self.models_)

    def _lean(self, models: Sequence[Model], examples: Examples) -> None:
        assert isinstance(examples, Items)
        if self.lean and self.entities and self.unseen_:
            lean(models, leaning(models, examples, self.tags_).shift, self.tags_)

    def _judge(self) -> Judge | None:
        # of entities the loss tells little: nearly all tokens are outside of any
        return self._f1 if hasattr(self, "tags_") and self.entities else None

    def _f1(self, model: Model, examples: Examples, loss: float) -> float:
        """1 - F1 of the examples that choose; of equal ones the lesser loss."""
        assert isinstance(examples, Items)
        return 1 - leaning([model], examples, self.tags_, shifted=self.lean).f1 + 1e-6 * loss

    # use

    def _again(self, X: Any, y: Any = None) -> Corpus:
        """Data for a fitted model."""
        self._check_fitted()
        columns = self.settings_["columns"]
        found = read_tagged(X, columns, self.settings_["roles"], y, required=False)
        corpus = found.corpus
        if corpus.content != self.told_.content:
            raise DataError(
                f"{corpus.source}: {corpus.content} are read, and the model was fitted on "
                f"{self.told_.content}"
            )
        if corpus.tags is not None and (found.scheme is None) != (self.told_.scheme is None):
            plain = [own for own in corpus.tags if set(own) != {"O"}]
            if plain:
                raise DataError(
                    f"{corpus.source}: {plain[0][0]!r} and others are not tags of the kind that "
                    "the model was fitted on; name their column and scheme"
                )
        return corpus

    def predict(self, X: Any) -> Any:
        """The tags of every step.

        Args:
            X: as for ``fit``, tags not needed.

        Returns:
            For a path or frame: a frame of the same kind (Polars for a path) with a row for each
            step: its item, the token if there is one, "tag", and "probability", that of the tag.
            Else a list with a tuple of tags for each item. Entities are spelt as in the data that
            the model was fitted on.
        """
        corpus = self._again(X)
        tags, sure = self._tagged(corpus)
        told = [spelt(own, self.told_.scheme) for own in tags]
        if not (isinstance(X, str | os.PathLike) or hasattr(X, "columns")):
            return told
        return frame_like(X, steps_frame(corpus, told, sure), [])

    def write(self, X: Any, path: str | Path) -> None:
        """Tag sentences and write them in columns (CoNLL): a token and its tag in each line.

        Raises:
            OutputError: the file cannot be written; nothing half-written stays.
            ArgumentError: the model reads series; take the frame of ``predict``.
        """
        corpus = self._again(X)
        if corpus.tokens is None:
            raise ArgumentError("series have no tokens to write in columns; use predict")
        tags = [spelt(own, self.told_.scheme) for own in self._tags(corpus)]
        artifact.write_bytes(path, in_columns(corpus.tokens, tags).encode())

    def _tagged(self, corpus: Corpus) -> tuple[list[tuple[str, ...]], list[NDArray[np.float64]]]:
        """Tags of each item, in BIO or plain, and the probability of each of them."""
        tags: list[tuple[str, ...]] = [()] * len(corpus)
        sure: list[NDArray[np.float64]] = [np.zeros(0)] * len(corpus)
        for scored in score(self.models_, self._items(corpus)):
            marginals = scored.marginals()
            for number, (best, *_), own in zip(
                scored.numbers, scored.best(), marginals, strict=True
            ):
                tags[number] = self.tags_.told(best)
                sure[number] = own[np.arange(len(best)), np.array(best, np.int64)]
        return tags, sure

    def spans(self, X: Any) -> list[list[Span]]:
        """The entities of every item: type, first token, and the one after the last.

        Raises:
            ArgumentError: the tags that the model was fitted on are no entities.
        """
        corpus = self._again(X)
        if not self.entities:
            raise ArgumentError("the model was fitted on tags that are no entities; use predict")
        return [spans(own) for own in self._tags(corpus)]

    @property
    def entities(self) -> bool:
        """Whether tags are entities in a scheme, and not each for itself."""
        return self.tags_.inner is not None

    def _tags(self, corpus: Corpus) -> list[tuple[str, ...]]:
        return tag(self.models_, self._items(corpus), self.tags_)

    def predict_proba(self, X: Any) -> list[NDArray[np.float64]]:
        """The probability of each of ``tags_.names`` at each step: (T, K) for each item.

        With a CRF they are marginals: summed over all sequences that have the tag there.
        """
        corpus = self._again(X)
        found: list[NDArray[np.float64]] = [np.zeros(0)] * len(corpus)
        for scored in score(self.models_, self._items(corpus)):
            for number, own in zip(scored.numbers, scored.marginals(), strict=True):
                found[number] = own
        return found

    def n_best(self, X: Any, count: int = 5) -> list[list[tuple[str, ...]]]:
        """The ``count`` best sequences of tags of every item, the best first."""
        corpus = self._again(X)
        found: list[list[tuple[str, ...]]] = [[]] * len(corpus)
        for scored in score(self.models_, self._items(corpus)):
            for number, ways in zip(scored.numbers, scored.best(count), strict=True):
                told = [spelt(self.tags_.told(way), self.told_.scheme) for way in ways]
                found[number] = list(dict.fromkeys(told))
        return found

    def score(self, X: Any, y: Any = None) -> float:
        """F1 of whole entities, or the share of steps with the right tag where tags are plain."""
        corpus = self._again(X, y)
        if corpus.tags is None:
            raise DataError(f"{corpus.source}: there are no tags to compare with")
        return how_good(corpus.tags, self._tags(corpus), entities=self.entities)

    def evaluate(self, X: Any, *, yardsticks: Choice = "all") -> LabelEvaluation:
        """Open the test part: what the split left, or data that the model was not fitted on.

        Args:
            X: the data given to ``fit``, whose test part is opened; or other data with tags, all
                of which are the test part.
            yardsticks: see ``evaluate.labels.Choice``.

        Raises:
            DataError: nothing is left for a test.
        """
        corpus = self._again(X)
        if corpus.tags is None:
            raise DataError(f"{corpus.source}: there are no tags to compare with")
        parts, notes = self._opened(corpus)
        return evaluate_tags(
            TagMethod(self.settings_["recurrent"].name, "lstm", self._tags),
            parts,
            self.entities,
            sure=self._tagged,
            yardsticks=yardsticks,
            history=self.history_,
            settings=self._settings() | {"shift of entities": f"{self.lean_:+g}"},
            notes=(*self.told_.notes, *notes),
            seed=self.random_state,
        )

    def _opened(self, corpus: Corpus) -> tuple[LabelParts, list[str]]:
        """The parts of the same split, or other data as the test part; what to know of it."""
        if corpus.digest() == self.told_.seen.digest:
            shares: Parted = partition(corpus, self.settings_["partition"])
            if not len(shares.test):
                raise DataError(
                    f"{corpus.source}: the split left no test part; evaluate on other data, or fit "
                    "with Partition(test=...)"
                )
            valid = corpus.select(shares.valid) if len(shares.valid) else None
            train, test = corpus.select(shares.train), corpus.select(shares.test)
            return LabelParts(train, valid, test), []
        again = self.told_.seen.again(corpus)
        told = [f"{again} of {len(corpus)} items were also fitted on."] if again else []
        if again == len(corpus):
            raise DataError(f"{corpus.source}: every item was fitted on; give others to judge by")
        nothing = corpus.select([])
        if unknown := self.tags_.numbers(corpus)[1]:
            told.append(f"{unknown} tags are not those of the training part: none can be found.")
        return LabelParts(nothing, None, corpus), told

    def explain(self, X: Any) -> LabelExplanation:
        """Which tokens decided each entity of sentences; where tags are plain, each tag.

        Every token is left out in turn; see ``tasks.labels.deciding``.
        """
        return decided(self._again(X), self._answer, self.tags_)

    def _answer(self, corpus: Corpus) -> tuple[list[tuple[str, ...]], list[NDArray[np.float64]]]:
        return self._tags(corpus), self.predict_proba(corpus)

    # files

    def _learned(self) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
        return put_down(self.told_, self.tags_, self.lean_)

    def _restore(
        self, content: artifact.Artifact, arrays: dict[str, NDArray[Any]], where: str
    ) -> None:
        learned = artifact.section(content, "learned", Learned, where)
        self.told_, self.tags_, self.lean_ = take_up(learned, arrays)
