"""SeriesModel: what comes next in recordings without labels, for others to begin with."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, ClassVar, NamedTuple, Self, cast

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field

from longshort import artifact
from longshort.contracts import Params, whole
from longshort.data.corpus import Corpus, Roles
from longshort.data.partition import Parted, Partition, partition
from longshort.data.readings.onward import Onward, pieces
from longshort.data.readings.signals import Signal, SignalReading
from longshort.data.sequences import Floats
from longshort.data.sources.recordings import read_recordings
from longshort.data.sources.ucr import is_archived
from longshort.data.steps import Ints
from longshort.errors import ArgumentError, DataError
from longshort.evaluate.series import Answer, SeriesParts, evaluate_series
from longshort.heads.distributions import LEVELS
from longshort.heads.sequel import Sequel, SequelHead
from longshort.layers.embed import Embed
from longshort.layers.encoder import Recurrent, RecurrentEncoder
from longshort.model import Model, predicting
from longshort.records import Evaluation
from longshort.tasks.base import Estimator
from longshort.tasks.ensemble import Parts
from longshort.tasks.labels.reading import from_array, read_corpus
from longshort.tasks.stored import under
from longshort.tasks.streams.onward import OnwardStream
from longshort.tasks.streams.trunk import refuse_uncausal
from longshort.training import Training
from longshort.yardsticks.roster import Choice

# an epoch makes so many steps at least: a small training part is read several times
_LEAST_STEPS = 20
# one recording is cut into so many pieces at least, of so many rows at least
_PIECES, _ROWS = 20, 8
# rows of recordings that are read at once where nothing is learnt
_AT_ONCE = 200_000


class Pieces(NamedTuple):
    """Pieces of recordings, and which of them stand in which part."""

    corpus: Corpus
    shares: Parted


@dataclass(frozen=True)
class LearnedSeries:
    """What a series model's file keeps beside weights and settings."""

    reading: dict[str, Any]
    digest: str
    notes: tuple[str, ...] = ()


class SeriesModel(Estimator):
    """Tell the next values of recordings from those before, and so learn what they are like.

    No labels are needed. ``Classifier(pretrained="series.lstm")`` and ``Tagger`` begin with what
    was learnt here, and label recordings of the same channels from fewer examples.

    Recordings that are longer than ``longest`` are read in pieces, each by itself. A table whose
    roles name no item is one recording: its pieces are parted by time.

    Args:
        roles: what the columns of a table are; labels are left out.
        signal: how recordings are read; summaries of a whole recording are not possible.
        head: how many of the next values are told, and how.
        partition: which recordings choose the epoch, and which are left for ``evaluate``.
        longest: rows of one piece at most.
        recurrent: the network. ``bidirectional`` is possible with one layer: one half tells the
            next values, the other one those before.
        training: how it is trained.
        random_state: an integer; the same one gives the same network on the same machine.
        device: "cpu", "cuda" or "auto".

    Learned: ``models_``, ``history_``, ``reading_`` (how recordings are read).

    Data are what a ``Classifier`` takes, without labels: a path to a table, a file or folder of the
    UCR and UEA archives, a frame, an array (T,) of one recording, (N, T) or (N, T, F), a list of
    arrays of different lengths, or a mapping of "train", "valid" and "test" to any of these.

    Example:
        >>> from longshort import SeriesModel
        >>> model = SeriesModel().fit("sensors.csv")  # doctest: +SKIP
    """

    kind: ClassVar[str] = "series"
    sections: ClassVar[dict[str, type[Params]]] = {
        "roles": Roles,
        "signal": Signal,
        "head": Sequel,
        "partition": Partition,
        "recurrent": Recurrent,
        "training": Training,
    }
    scalars: ClassVar[dict[str, Any]] = {"longest": Annotated[int, Field(ge=2)]}

    reading_: SignalReading
    digest_: str
    notes_: tuple[str, ...]

    def __init__(
        self,
        roles: Roles = Roles(),  # noqa: B008 - a frozen value
        signal: Signal = Signal(),  # noqa: B008
        head: Sequel = Sequel(),  # noqa: B008
        *,
        partition: Partition = Partition(),  # noqa: B008
        longest: int = 500,
        recurrent: Recurrent = Recurrent(64, dropout=0.1),  # noqa: B008
        training: Training = Training(  # noqa: B008
            epochs=40, rate=3e-3, weight_decay=0.01, schedule="cosine", patience=8, members=1
        ),
        random_state: int = 0,
        device: str = "cpu",
    ) -> None:
        self.roles = roles
        self.signal = signal
        self.head = head
        self.partition = partition
        self.longest = longest
        self.recurrent = recurrent
        self.training = training
        self.random_state = random_state
        self.device = device

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.three_d_array = True
        tags.target_tags.required = False
        return tags

    # learn

    def _learn(self, data: Any, like: Self | None = None) -> Parts:
        refuse_misfits(self.recurrent, self.signal)
        whole("longest", self.longest, 2)
        found = self._cut(data)
        corpus, shares = found
        train = corpus.select(shares.train)
        reading = SignalReading.fit(train, self.signal) if like is None else like.reading_
        if not reading.channels:
            raise DataError(
                f"{corpus.source}: no channel of numbers changes in time, so there is nothing to "
                "tell; name some (channels, --channels)"
            )
        if not (reading.lengths(train) > self.head.steps).any():
            raise DataError(
                f"{corpus.source}: no recording has more than {self.head.steps} rows, so none has "
                "a value to tell; give longer ones, or fewer steps of Sequel"
            )
        self.reading_, self.digest_ = reading, corpus.digest().hex()
        self.notes_ = tuple(self._told(corpus, shares))
        least = min(_LEAST_STEPS, self.training.steps or _LEAST_STEPS) * self.training.batch
        times = math.ceil(least / len(shares.train))

        def items(chosen: Ints) -> Onward:
            return Onward(corpus, reading, None, chosen)

        both = np.sort(np.tile(np.concatenate([shares.train, shares.valid]), times))
        valid = items(shares.valid) if len(shares.valid) else None
        return Parts(items(np.tile(shares.train, times)), valid, items(both))

    def _cut(self, data: Any) -> Pieces:
        """Recordings in pieces, and the parts that they are in."""
        corpus = self._read(data)
        settings = self.partition
        if len(corpus) == 1:
            assert corpus.series is not None
            rows = len(corpus.series.values)
            corpus = pieces(corpus, min(self.longest, max(rows // _PIECES, _ROWS)))
            settings = settings.set_params(by="time") if settings.by == "auto" else settings
            return Pieces(corpus, partition(corpus, settings))
        shares = partition(corpus, settings)
        cut = pieces(corpus, self.longest)
        if len(cut) == len(corpus):
            return Pieces(cut, shares)
        assert corpus.series is not None
        assert cut.series is not None
        owner = np.searchsorted(corpus.series.offsets, cut.series.offsets[:-1], "right") - 1
        own = [np.flatnonzero(np.isin(owner, part)) for part in shares[:3]]
        return Pieces(cut, shares._replace(train=own[0], valid=own[1], test=own[2]))

    def _read(self, data: Any) -> Corpus:
        """Recordings, without those that are empty."""
        table = hasattr(data, "columns")
        if isinstance(data, str | os.PathLike):
            table = not is_archived(Path(data))
        if table and self.roles.item is None and self.roles.code is None:
            corpus = read_recordings(data, self.roles, labelled=False, alone=True)
        elif isinstance(data, np.ndarray) and data.ndim == 1 and data.dtype.kind in "fiu":
            corpus = from_array([data])
        else:
            corpus = read_corpus(data, self.roles, labelled=False)
        if corpus.series is None:
            raise DataError(
                f"{corpus.source} holds {corpus.content}, and recordings are read; name the column "
                "that tells them apart (item, --item), or use a LanguageModel for text"
            )
        there = np.flatnonzero(corpus.series.lengths > 0)
        if not len(there):
            raise DataError(f"{corpus.source}: every recording is empty; give others")
        return corpus.bare() if len(there) == len(corpus) else corpus.bare().select(there)

    def _told(self, corpus: Corpus, shares: Parted) -> Iterator[str]:
        if self.signal.scale == "item":
            yield (
                "Every recording is scaled by its own mean and deviation, those of its later "
                "values among them: all methods know that much of what they are to tell."
            )
        assert corpus.series is not None
        if any("from row" in key for key in corpus.series.keys):
            yield (
                f"Recordings are read in pieces of at most {self.longest} rows, each from nothing."
            )
        yield from shares.notes

    def _network(self) -> Model:
        widths = self.reading_.widths
        encoder = RecurrentEncoder(Embed.of(widths), self.recurrent)
        both = self.recurrent.bidirectional
        channels = len(self.reading_.channels)
        return Model(encoder, SequelHead(self.recurrent.size, channels, self.head, both=both))

    def _foreign(self, source: Self) -> list[str]:
        same = self.reading_.channels == source.reading_.channels
        return [] if same else ["encoder.embed.", "head."]

    # use

    def losses(self, X: Any) -> list[Floats]:
        """How little each value was expected of those before it: the mean over all networks.

        Args:
            X: as for ``fit``; recordings are read whole.

        Returns:
            Of each recording (T, C), in the head's unit (``history_.unit``); of "gaussian" and
            "student-t" nats, -log p of the scaled value. NaN where nothing was to be told: at the
            first row, and where a value is missing.

        Raises:
            DataError: the data cannot be read, or lack a channel.
        """
        self._check_fitted()
        corpus = self._read(X)
        found: list[Floats] = [np.zeros((0, 0))] * len(corpus)
        for items, losses in self._each(corpus):
            for row, item in enumerate(items):
                found[item] = losses[row]
        return found

    def _each(self, corpus: Corpus) -> Iterator[tuple[list[int], list[Floats]]]:
        examples = Onward(corpus, self.reading_, None, np.arange(len(corpus)))
        for items in _together(examples.steps):
            total: Any = 0.0
            for model in self.models_:
                batch = examples.batch(items).to(model.device)
                head = cast(SequelHead, model.head)
                with torch.no_grad(), predicting(model):
                    told, known = head.losses(model.encoder(batch), batch)
                # one step ahead, at the row that was told
                own = torch.where(known, told, torch.nan)[:, :, 0].double().cpu().numpy()
                total = total + np.concatenate([np.full_like(own[:, :1], np.nan), own[:, :-1]], 1)
            mean = total / len(self.models_)
            lengths = examples.steps[items].tolist()
            yield items, [mean[row, :length] for row, length in enumerate(lengths)]

    def _answer(self, corpus: Corpus, items: list[int]) -> Iterator[tuple[int, Floats, Floats]]:
        """(item, point (T, L, K), quantiles (T, L, K, Q)) after every step, scaled."""
        examples = Onward(corpus, self.reading_, None, np.array(items, np.int64))
        for chosen in _together(examples.steps):
            parts = []
            for model in self.models_:
                batch = examples.batch(chosen).to(model.device)
                head = cast(SequelHead, model.head)
                with torch.no_grad(), predicting(model):
                    told = head.parameters_after(model.encoder(batch), batch)
                    levels = torch.tensor(LEVELS, dtype=torch.float64, device=told.device)
                    parts.append(head.family.quantiles(told.double(), levels).cpu().numpy())
            quantiles = np.mean(parts, 0)
            for row, place in enumerate(chosen):
                own = quantiles[row, : int(examples.steps[place])]
                yield items[place], own[..., LEVELS.index(0.5)], own

    def opened(self, sessions: int) -> OnwardStream:
        """See ``longshort.Session``, which answers how unexpected a row was, and what comes next.

        Raises:
            ArgumentError: the network reads both ways, or the reading needs whole recordings.
        """
        self._check_fitted()
        refuse_uncausal(self.settings_["recurrent"])
        roles = self.settings_["roles"]
        group = () if roles.item is None else (roles.item,)
        return OnwardStream(self.models_, self.reading_, group, roles.time, sessions)

    def score(self, X: Any, y: None = None) -> float:
        """Minus the mean loss of a value one step ahead, of the test part of the fit's data.

        Other data are a test part as a whole.

        Raises:
            DataError: the data cannot be read, or nothing in them is to be told.
        """
        self._check_fitted()
        corpus, shares = self._found(X)
        test = corpus if shares is None else corpus.select(shares.test)
        if not len(test):
            raise DataError(_NO_TEST.format(corpus.source))
        told = np.concatenate([each.ravel() for _, own in self._each(test) for each in own])
        if np.isnan(told).all():
            raise DataError(f"{corpus.source}: no value has one before it; give longer recordings")
        return -float(np.nanmean(told))

    def _found(self, X: Any) -> tuple[Corpus, Parted | None]:
        """Pieces of the data of the fit with their parts, or of other data without."""
        given = self.settings_
        as_fitted = self.set_copy(
            **{name: given[name] for name in ("roles", "partition", "longest")}
        )
        corpus, shares = as_fitted._cut(X)
        return corpus, shares if corpus.digest().hex() == self.digest_ else None

    def evaluate(self, X: Any, *, yardsticks: Choice = "all") -> Evaluation:
        """Judge the model on the test part of the recordings given to ``fit``.

        Beside it stand the last value, the mean, the straight line and ridge autoregression, fitted
        on the same recordings; errors are in scaled units.

        Args:
            X: as for ``fit``.
            yardsticks: "all" and "quick" are the same here.

        Raises:
            ArgumentError: no test part was left, or these are other data.
            DataError: the data cannot be read, or no channel can be judged.
        """
        self._check_fitted()
        corpus, shares = self._found(X)
        if shares is None:
            raise ArgumentError(
                f"{corpus.source}: these are not the data of the fit, and yardsticks would have to "
                "be fitted on those; give them, or call score(data)"
            )
        if not len(shares.test):
            raise ArgumentError(_NO_TEST.format(corpus.source))
        parts = SeriesParts(corpus, shares.train, shares.valid, shares.test)
        nats = f"{-self.score(X):.4f} {self.history_.unit}"
        return evaluate_series(
            cast(Answer, self._answer),
            parts,
            self.reading_,
            name=self.settings_["recurrent"].name,
            steps=self.settings_["head"].steps,
            history=self.history_,
            settings=self._settings(),
            refitted=self.refitted_,
            notes=(*self.notes_, f"Its mean loss of a value one step ahead is {nats}."),
            seed=int(self.random_state),
        )

    # files

    def _learned(self) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
        told, arrays = self.reading_.put_down()
        kept = {f"reading.{name}": array for name, array in arrays.items()}
        return {"reading": told, "digest": self.digest_, "notes": self.notes_}, kept

    def _restore(
        self, content: artifact.Artifact, arrays: dict[str, NDArray[Any]], where: str
    ) -> None:
        refuse_misfits(self.recurrent, self.signal)
        learned = artifact.section(content, "learned", LearnedSeries, where)
        self.reading_ = SignalReading.take_up(learned.reading, under("reading.", arrays))
        self.digest_, self.notes_ = learned.digest, learned.notes
        if self.reading_.signal != self.signal or not self.reading_.channels:
            raise ValueError("how recordings are read is not what the settings say")


_NO_TEST = (
    "{}: fit has left no test part; fit with Partition(test=0.1) (--test 0.1), or score other data"
)


def refuse_misfits(recurrent: Recurrent, signal: Signal) -> None:
    """Name a setting with which a network would see the values that it is to tell.

    Raises:
        ArgumentError: there is one.
    """
    both = recurrent.bidirectional
    odd = {
        "Recurrent(bidirectional=True, depth=2 or more)": both and recurrent.depth > 1,
        "Recurrent(bidirectional=True, stem=...)": both and recurrent.stem is not None,
        f"Recurrent(stride={recurrent.stride})": recurrent.stride > 1,
        f"Recurrent(convolutions={recurrent.convolutions})": recurrent.convolutions > 1,
        "Signal(summaries=True)": signal.summaries,
    }
    for name, given in odd.items():
        if given:
            raise ArgumentError(
                f"{name}: a series model tells every value from those before it alone, and this "
                "shows it others or leaves some out; use another setting"
            )


def _together(steps: Ints) -> Iterator[list[int]]:
    """Numbers of recordings that are read at once, those of about the same length together."""
    order = np.argsort(steps, kind="stable").tolist()
    some: list[int] = []
    for number in order:
        if some and (len(some) + 1) * int(steps[number]) > _AT_ONCE:
            yield some
            some = []
        some.append(number)
    if some:
        yield some
