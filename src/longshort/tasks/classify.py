"""Classifier: which category a text, a recording or a record is of, beside its yardsticks."""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import ClassifierMixin

from longshort import artifact
from longshort.contracts import Examples, Params
from longshort.data.augment import Augment
from longshort.data.corpus import Corpus, Roles
from longshort.data.items import Items
from longshort.data.partition import Parted, Partition, partition
from longshort.data.readings.ink import Ink
from longshort.data.readings.pictures import Pictures
from longshort.data.readings.pretrained import Pretrained
from longshort.data.readings.signals import Signal
from longshort.data.readings.sound import Sound
from longshort.data.readings.words import Text
from longshort.data.sequences import Floats
from longshort.data.steps import Ints
from longshort.errors import ArgumentError, DataError, LongshortWarning, suggest
from longshort.evaluate.labels import evaluate_labels
from longshort.heads.category import Category
from longshort.layers.encoder import Recurrent
from longshort.model import Model
from longshort.records import LabelEvaluation, LabelExplanation, Mark
from longshort.tasks.base import Estimator
from longshort.tasks.ensemble import Parts
from longshort.tasks.labels.calibration import LEAST, calibrate, calibrated, probabilities
from longshort.tasks.labels.encoding import foreign, notes_of, reading_of, refuse_other
from longshort.tasks.labels.explanation import decided, marks, weigh
from longshort.tasks.labels.labels import Classes, labels_of
from longshort.tasks.labels.learned import Knowledge, Learned, Seen, opened, restored
from longshort.tasks.labels.network import build
from longshort.tasks.labels.reading import (
    Given,
    from_array,
    is_matrix,
    is_one_text,
    labelled,
    rare,
    read_corpus,
    usable,
)
from longshort.tasks.labels.rivals import rivals
from longshort.tasks.labels.tables import answered
from longshort.tasks.pretraining import Beginning
from longshort.tasks.scikit import checked
from longshort.tasks.streams.labels import TellsSoFar
from longshort.training import Training
from longshort.yardsticks.labels.base import LabelMethod
from longshort.yardsticks.labels.roster import Choice

# an epoch makes so many steps at least: a small training part is read several times
_LEAST_STEPS = 20


class Classifier(ClassifierMixin, TellsSoFar, Beginning, Estimator):  # type: ignore[misc]
    """Tell which category each sequence is of: a text, a sentence, a series of any channels.

    Args:
        roles: what the columns of a table are; see ``Roles``.
        text: how texts are read; see ``Text``.
        signal: how series are read; see ``Signal``.
        sound: how sound is read; see ``Sound``.
        ink: how pen strokes are read; see ``Ink``.
        pictures: how pictures are read; see ``Pictures``.
        augment: what is changed in training examples; see ``Augment``.
        head: what is answered, and from which steps; see ``Category``.
        partition: which items choose, and which are left for ``evaluate``; see ``Partition``.
        recurrent: the network.
        training: how it is trained; the epoch of the least validation loss is kept.
        pretrained: what items are read by beside all else, or its file: of texts a language model
            or a published ELMo model, of recordings a series model; see ``Pretrained``.
        random_state: an integer; the same one gives the same network on the same machine.
        device: "cpu", "cuda" or "auto".

    Learned: ``models_``, ``history_``, ``classes_`` (the labels in the order of probabilities),
    ``known_`` (how items are read, what was fitted on), ``n_features_in_`` for arrays (N, T).

    Data are a path (a table, or a folder with a folder for each label), a frame, a list of texts or
    of lists of words, an array (N, T) of one channel or (N, T, F), a list of arrays of different
    lengths, a ``Corpus``, or a mapping of "train", "valid" and "test" to any of these. Labels are
    ``y``, or stand in the data.

    Example:
        >>> from longshort import Classifier
        >>> model = Classifier().fit(["good", "bad", "fine"], [1, 0, 1])  # doctest: +SKIP
    """

    kind: ClassVar[str] = "classifier"
    sections: ClassVar[dict[str, type[Params]]] = {
        "roles": Roles,
        "text": Text,
        "signal": Signal,
        "sound": Sound,
        "ink": Ink,
        "pictures": Pictures,
        "augment": Augment,
        "head": Category,
        "pretrained": Pretrained,
        "partition": Partition,
        "recurrent": Recurrent,
        "training": Training,
    }
    scalars: ClassVar[dict[str, Any]] = {}
    earlier: ClassVar[dict[str, Any]] = {
        name: {} for name in ("sound", "ink", "pictures", "augment", "pretrained")
    }

    known_: Knowledge
    classes_: NDArray[Any]

    def __init__(
        self,
        roles: Roles = Roles(),  # noqa: B008 - a frozen value
        text: Text = Text(),  # noqa: B008
        signal: Signal = Signal(),  # noqa: B008
        head: Category = Category(),  # noqa: B008
        *,
        pretrained: Pretrained | str | Path | None = Pretrained(),  # noqa: B008
        sound: Sound = Sound(),  # noqa: B008
        ink: Ink = Ink(),  # noqa: B008
        pictures: Pictures = Pictures(),  # noqa: B008
        augment: Augment = Augment(),  # noqa: B008
        partition: Partition = Partition(),  # noqa: B008
        recurrent: Recurrent = Recurrent(100, bidirectional=True),  # noqa: B008
        training: Training = Training(  # noqa: B008
            epochs=20, rate=2e-3, schedule="linear", weight_decay=0.01, clip=5.0, patience=4
        ),
        random_state: int = 0,
        device: str = "cpu",
    ) -> None:
        self.roles = roles
        self.text = text
        self.signal = signal
        self.sound = sound
        self.ink = ink
        self.pictures = pictures
        self.augment = augment
        self.head = head
        self.pretrained = pretrained
        self.partition = partition
        self.recurrent = recurrent
        self.training = training
        self.random_state = random_state
        self.device = device

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.three_d_array = True
        tags.input_tags.string = True
        return tags

    # learn

    def _given(self, X: Any, y: Any) -> Given:
        for name in ("n_features_in_", "feature_names_in_"):
            self.__dict__.pop(name, None)
        if not is_matrix(X, self.roles, y is not None):
            corpus = read_corpus(X, self.roles, labelled=y is None)
            if self.roles.group is not None and corpus.groups is None:
                raise DataError(
                    f"{corpus.source}: there is no column {self.roles.group!r} for group"
                )
            return labelled(corpus, y, self.head.kind)
        several = self.head.kind == "many" and y is not None
        found = checked(self, X, y="no_validation" if several else y)
        values, told = (found, y) if several else found
        given = labelled(from_array(values), told, self.head.kind)
        return given._replace(features=values.shape[1])

    def _learn(self, data: Given, like: Self | None = None) -> Parts:
        corpus, notes = usable(data.corpus, self.head.kind)
        classes = Classes.of(corpus, self.head, data.labels)
        shares = partition(corpus, self.partition)
        notes += rare(corpus, classes, shares)
        for note in notes:
            warnings.warn(note, LongshortWarning, stacklevel=4)
        fitted = np.sort(np.concatenate([shares.train, shares.valid]))
        reading = like.known_.reading if like is not None else None
        if reading is None:
            reading = reading_of(
                corpus.select(shares.train), self.text, self.signal, self.sound, self.ink,
                self.pictures,
            )  # fmt: skip
        reading = self._begun(reading)
        self.known_ = Knowledge(
            classes,
            reading,
            Seen.of(corpus, fitted),
            data.features,
            tuple(map(str, getattr(self, "feature_names_in_", ()))),
            (*notes, *notes_of(reading, corpus), *shares.notes),
        )
        self.classes_ = classes.own()
        targets = classes.targets(corpus)
        balanced = self.head.weights == "balanced"
        self._weights = classes.weights(targets[shares.train]) if balanced else None
        # a temperature is learnt from items that no network was fitted on, if there are enough
        self._unseen = len(shares.valid) >= LEAST
        return self._parts(corpus, targets, shares)

    def _parts(self, corpus: Corpus, targets: NDArray[Any], shares: Parted) -> Parts:
        """Examples of training part, validation part and both; small ones several times over."""
        train, valid = shares.train, shares.valid
        times = self._times(len(train))

        def items(chosen: Ints, changed: Augment | None = self.augment) -> Items:
            return Items(corpus, self.known_.reading, targets, chosen, changed)

        both = np.sort(np.tile(np.concatenate([train, valid]), times))
        chosen = items(valid, None) if len(valid) else None
        return Parts(items(np.tile(train, times)), chosen, items(both))

    def _times(self, items: int) -> int:
        """How often one epoch reads a training part of so many items."""
        least = min(_LEAST_STEPS, self.training.steps or _LEAST_STEPS) * self.training.batch
        return math.ceil(least / items)

    def _network(self) -> Model:
        known = self.known_
        return build(
            known.reading.widths,
            self.recurrent,
            self.head,
            len(known.classes.names),
            getattr(self, "_weights", None),
        )

    def _foreign(self, source: Self) -> list[str]:
        own, theirs = self.known_, source.known_
        found = [] if own.classes.names == theirs.classes.names else ["head.readout"]
        return found + foreign(own.reading, theirs.reading)

    def _after(self, model: Model, examples: Examples) -> None:
        # a network that is refitted keeps the temperature of the one that was not
        self._calibrate([model], examples)

    def _settle(self, parts: Parts) -> None:
        if not self.refitted_ and parts.valid is not None:
            self._calibrate(self.models_, parts.valid)

    def _calibrate(self, models: Sequence[Model], examples: Examples) -> None:
        if self._unseen and self.head.calibrate:
            calibrate(models, examples)

    # use

    def _read_again(self, X: Any) -> Corpus:
        """Data for a fitted classifier, with labels where they have any."""
        self._check_fitted()
        features = self.known_.features
        if features is not None and not isinstance(X, Corpus):
            found = checked(self, X, reset=False)
            return from_array(found)
        corpus = read_corpus(X, self.settings_["roles"], labelled=False)
        refuse_other(corpus, self.known_.reading)
        return corpus

    def probabilities(self, corpus: Corpus) -> Floats:
        """(N, K) over ``classes_``, the mean over all networks; of "many" each by itself."""
        return probabilities(self.models_, self.known_.reading, corpus)

    def predict_proba(self, X: Any) -> Floats:
        """Probabilities of the labels in the order of ``classes_``.

        Args:
            X: as for ``fit``; labels are not needed, and not read.

        Returns:
            (N, K); rows sum to 1, but where an item may have several labels, each by itself.

        Raises:
            DataError: the data cannot be read, or are of another kind than was fitted on.
        """
        return self.probabilities(self._read_again(X))

    def predict(self, X: Any) -> NDArray[Any]:
        """The most probable label of each item (N,); where several are possible, (N, K) of 0 and 1.

        X and errors are those of ``predict_proba``.
        """
        return self._chosen(self.predict_proba(X))

    def _chosen(self, probabilities: Floats) -> NDArray[Any]:
        if self.known_.classes.kind == "many":
            return (probabilities > 0.5).astype(np.int64)
        found: NDArray[Any] = self.classes_[probabilities.argmax(1)]
        return found

    def score(self, X: Any, y: Any = None, sample_weight: Any = None) -> float:
        """Accuracy: the share of items whose label is right, or all of whose labels are.

        Args:
            X: as for ``fit``.
            y: the labels; None where they stand in the data.
            sample_weight: (N,) how much each item counts.
        """
        corpus = self._read_again(X)
        if y is not None:
            labels, _ = labels_of(y, self.known_.classes.kind, len(corpus), corpus.source)
            corpus = replace(corpus, labels=labels)
        truth = self._truth(corpus)
        told = self.probabilities(corpus)
        found = told > 0.5 if truth.ndim == 2 else told.argmax(1)
        right = (found == truth).reshape(len(corpus), -1).all(1)
        return float(np.average(right, weights=sample_weight))

    def _truth(self, corpus: Corpus) -> NDArray[Any]:
        if corpus.labels is None:
            raise DataError(f"{corpus.source}: has no labels to compare with; give y, or a column")
        return self.known_.classes.targets(corpus)

    def predict_table(self, X: Any) -> Any:
        """The labels of a table or folder as a table, with the probability of each label.

        Args:
            X: a path or a frame.

        Returns:
            A frame of the user's kind (Polars for a path). Of a table with a row per text: its own
            columns, then ``predicted`` and a column ``p_LABEL`` for each label; of anything else a
            row per item: ``item``, its name, and these.
        """
        corpus = self._read_again(X)
        told = self.probabilities(corpus)
        return answered(X, corpus, self.settings_["roles"], self.known_.classes, told)

    def evaluate(
        self,
        X: Any,
        y: Any = None,
        *,
        metric: str = "macro_f1",
        yardsticks: Choice = "all",
    ) -> LabelEvaluation:
        """Open the test part: the items of ``X`` that ``fit`` has left for it.

        Of the data that were given to ``fit``, that is the test part of the same split, and every
        yardstick is fitted on the same training part. Other data are a test part as a whole, which
        our method is judged on by itself.

        Args:
            X, y: as for ``fit``.
            metric: what yardsticks are chosen by, and the verdict is about; see ``metrics.labels``.
            yardsticks: "all", "quick", or "none".

        Raises:
            ArgumentError: no test part was left.
            DataError: there are no labels, or some that the model does not know.
        """
        corpus = self._read_again(X)
        if y is not None or corpus.labels is None:
            corpus = labelled(corpus, y, self.known_.classes.kind).corpus
        corpus, notes = usable(corpus, self.known_.classes.kind)
        parts, more = opened(corpus, self.known_, self.settings_["partition"])
        self.known_.classes.targets(parts.test)
        choice: Choice = yardsticks if len(parts.train) else "none"
        extra, told = rivals(
            self.known_, self.settings_, parts, choice, metric=metric,
            times=self._times(max(len(parts.train), 1)), seconds=self.history_.seconds,
            device=self.models_[0].device,
        )  # fmt: skip
        told = [*notes, *more, calibrated(self.models_[0]), self.start_, *told]
        return evaluate_labels(
            self._method(),
            parts,
            self.known_.classes.names,
            kind=self.known_.classes.kind,
            metric=metric,
            yardsticks=choice,
            extra=extra,
            marks=self._marks,
            history=self.history_,
            settings=self._settings(),
            notes=[note for note in told if note],
            seed=self.random_state,
        )

    def _method(self) -> LabelMethod:
        return LabelMethod(self.settings_["recurrent"].name, "lstm", self.probabilities)

    def _marks(self, corpus: Corpus) -> list[tuple[Mark, ...]]:
        """What decided for the label that each item was given."""
        chosen = self.probabilities(corpus).argmax(1)
        reading = self.known_.reading
        weighed = weigh(self.models_, reading, corpus, chosen)
        return [marks(reading, corpus, item, each.steps) for item, each in enumerate(weighed)]

    def explain(self, X: Any, *, label: Any = None, most: int = 100) -> LabelExplanation:
        """What decided each item's label: words of a text, or steps of a series.

        Integrated gradients over what the network reads of each step, from nothing read; padding
        is no step. They sum to the label's probability less what it has when nothing is read.

        Args:
            X: one text, or data as for ``fit``.
            label: the label to explain; None for the most probable one of each item.
            most: items that are explained, the first ones.

        Raises:
            ArgumentError: there is no such label.
        """
        self._check_fitted()
        names = self.known_.classes.names
        if label is not None and str(label) not in names:
            raise ArgumentError(f"label {label!r}: {suggest(str(label), names)}")
        corpus = self._read_again([X] if is_one_text(X) else X)
        corpus = corpus.select(range(min(most, len(corpus))))
        told = self.probabilities(corpus)
        chosen = told.argmax(1) if label is None else np.full(len(corpus), names.index(str(label)))
        reading = self.known_.reading
        weighed = weigh(self.models_, reading, corpus, chosen)
        return LabelExplanation(
            corpus.source,
            tuple(
                decided(reading, corpus, item, names[int(chosen[item])], told[item], each)
                for item, each in enumerate(weighed)
            ),
        )

    # files

    def _learned(self) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
        return self.known_.put_down()

    def _restore(
        self, content: artifact.Artifact, arrays: dict[str, NDArray[Any]], where: str
    ) -> None:
        self.known_ = restored(artifact.section(content, "learned", Learned, where), arrays)
        self.classes_ = self.known_.classes.own()
        if self.known_.features is not None:
            self.n_features_in_ = self.known_.features
        if self.known_.names:
            self.feature_names_in_ = np.array(self.known_.names, object)
