"""Recordings as numbers: channels on one scale, and what is known of values that were not seen.

Of each channel a network reads three numbers at a step: its value, carried forward where it is
missing; 1 where it was seen and 0 where not; and log(1 + the time since it was last seen). The last
two are told of channels with gaps in the training part alone (Lipton, Kale and Wetzel 2016: what
was not measured tells something, too).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, Literal, NamedTuple, Self, get_args
from weakref import WeakKeyDictionary

import numpy as np
import torch
from numpy.typing import NDArray

from longshort.contracts import Params
from longshort.data.codecs.categories import Vocabulary, embedding_width
from longshort.data.corpus import Corpus, firsts
from longshort.data.items import Inputs, Widths
from longshort.data.readings.grid import duration, lay
from longshort.data.readings.scales import Scale, Scales
from longshort.data.sequences import Field, Floats, Sequences, carry_forward
from longshort.data.sources.events import FILL as EVENTS
from longshort.data.steps import Ints
from longshort.errors import ArgumentError, DataError, ModelFileError, suggest

Gaps = Literal["carry", "decay", "mean"]

# categories of more labels are looked up in a table
ONE_HOT = 32
_SUMMARIES = ("mean", "deviation", "least", "greatest", "first", "last", "share seen")


@dataclass(frozen=True)
class Signal(Params):
    """How recordings are read.

    Args:
        scale: "channel" (each channel's mean and standard deviation in the training part), "ranks"
            (the normal deviate of a value's rank in the training part, for channels with wild
            values), "item" (each item's own mean and standard deviation: the shape alone counts),
            "none".
        every: the step of a grid that rows at irregular times are laid on, "1h" (units: us, ms, s,
            min, h, d, w) or, where times are numbers, "60" in their own unit; a cell is the mean of
            its rows. None reads the rows as they are.
        gaps: what stands where a value is missing: "carry" the last one seen, "decay" the last one
            seen, falling to the mean at a learned rate (Che et al. 2018), "mean" the mean.
        missing: tell which values were seen, and how long ago those were that were not.
        summaries: also tell each channel's mean, standard deviation, least, greatest, first and
            last value and the share of steps that it was seen at, as what does not change in time.

    Raises:
        ArgumentError: a value that is not possible.
    """

    scale: Scale = "channel"
    every: str | None = None
    gaps: Gaps = "carry"
    missing: bool = True
    summaries: bool = False

    def __post_init__(self) -> None:
        for name, known in (("scale", get_args(Scale)), ("gaps", get_args(Gaps))):
            value = getattr(self, name)
            if value not in known:
                raise ArgumentError(f"Signal({name}={value!r}): {suggest(str(value), known)}")
        if self.every is not None:
            duration(self.every)
        if self.gaps == "decay" and not self.missing:
            raise ArgumentError(
                "Signal(gaps='decay', missing=False): what decays is told by the time since it was "
                "seen; use missing=True"
            )


class _Ready(NamedTuple):
    """A corpus as arrays: rows of all items one after the other, and what is told once of each."""

    offsets: Ints
    steps: dict[str, NDArray[Any]]
    still: dict[str, NDArray[Any]]


@dataclass(frozen=True, eq=False)
class SignalReading:
    """Series as a network reads them; made by ``fit`` or ``take_up``.

    In batches, ``channels`` (B, T, C) are scaled numbers, ``observed`` and ``since`` (B, T, M) what
    is known of those with gaps, ``apart`` (B, T, 1) the log(1 + time since the row before) where
    times are irregular, ``labels`` one-hot categories, ``static`` numbers that do not change.

    Args:
        signal: the settings.
        channels, still: the columns of numbers that change in time and that do not.
        gappy: places in ``channels`` of those with gaps, and in ``still``.
        scales: of channels, then of static columns.
        vocabulary: of the columns of categories.
        unit: the time that time since is counted in, in microseconds or counts; 0 for steps.
    """

    name: ClassVar[str] = "signal"

    signal: Signal
    channels: tuple[str, ...]
    still: tuple[str, ...]
    gappy: tuple[tuple[int, ...], tuple[int, ...]]
    scales: Scales
    vocabulary: Vocabulary
    unit: int
    _kept: WeakKeyDictionary[Sequences, _Ready] = field(
        default_factory=WeakKeyDictionary, repr=False
    )

    @classmethod
    def fit(cls, corpus: Corpus, signal: Signal | None = None) -> Self:
        """Learn scales and categories, and which channels have gaps, from the training part.

        Raises:
            DataError: there is no number to learn from, or no grid can be laid.
        """
        signal = signal or Signal()
        series = _series(corpus, signal.every)
        moving, still = _moving(series), series.role_indices("static")
        if not (moving or still or series.categories):
            raise DataError(f"{series.source}: no column holds numbers or categories to learn from")
        values, once = series.values[:, moving], firsts(series.values[:, still], series.offsets)
        gaps = [at for at, own in enumerate(values.T) if np.isnan(own).any()]
        if signal.gaps == "decay":
            gaps = list(range(len(moving)))
        return cls(
            signal,
            tuple(series.names[at] for at in moving),
            tuple(series.names[at] for at in still),
            (
                tuple(gaps) if signal.missing else (),
                tuple(at for at, own in enumerate(once.T) if np.isnan(own).any()),
            ),
            Scales.fit(signal.scale, values, once),
            Vocabulary.fit(series, series.lengths),
            0 if signal.every is not None else _unit(series),
        )

    # what a network is built from

    @property
    def widths(self) -> Widths:
        """The width of every group."""
        names = self.names
        groups = {group: len(names[group]) for group in names}
        tables = {
            group: {
                key: (count + 1, embedding_width(count + 1))
                for key, (role, count) in self._looked_up.items()
                if (role == "static") == (group == "static")
            }
            for group in ("past", "static")
        }
        return Widths(
            numbers={group: width for group, width in groups.items() if group != "static"},
            symbols=tables["past"],
            static={"static": groups["static"]} if "static" in groups else {},
            labels=tables["static"],
            fading={"channels": ("observed", "since")} if self.signal.gaps == "decay" else {},
        )

    @property
    def names(self) -> dict[str, tuple[str, ...]]:
        """What each number of each group is called; groups that hold none are not there."""
        gappy = tuple(self.channels[at] for at in self.gappy[0])
        found = {
            "channels": self.channels,
            "observed": tuple(f"{name} was seen" for name in gappy),
            "since": tuple(f"time since {name} was seen" for name in gappy),
            "apart": ("time since the row before",) if self.unit > 0 else (),
            "labels": self._one_hot("past"),
            "static": (
                *self.still,
                *(f"{self.still[at]} is known" for at in self.gappy[1]),
                *self._one_hot("static"),
                *self._summaries,
            ),
        }
        return {group: names for group, names in found.items() if names}

    @property
    def _summaries(self) -> tuple[str, ...]:
        kinds = _SUMMARIES if self.signal.summaries else ()
        return tuple(f"{name}: {kind}" for kind in kinds for name in self.channels)

    def _one_hot(self, role: str) -> tuple[str, ...]:
        columns = self.vocabulary.fields
        return tuple(
            f"{column.name} = {label}"
            for column in columns
            if _role(column) == role and len(column.labels or ()) <= ONE_HOT
            for label in column.labels or ()
        )

    @property
    def _looked_up(self) -> dict[str, tuple[str, int]]:
        """Role and number of labels of each column that has too many of them to be one-hot."""
        return {
            f"category{at}": (_role(column), len(column.labels or ()))
            for at, column in enumerate(self.vocabulary.fields)
            if len(column.labels or ()) > ONE_HOT
        }

    # what a network reads

    def lengths(self, corpus: Corpus) -> Ints:
        """(N,) steps of each item."""
        return np.diff(self._ready(corpus).offsets)

    def read(self, corpus: Corpus, items: Sequence[int]) -> Inputs:
        """What a network reads of these items, padded with zeros."""
        ready, rows = self._ready(corpus), np.asarray(items, np.int64)
        starts, lengths = ready.offsets[rows], ready.offsets[rows + 1] - ready.offsets[rows]
        steps = np.arange(max(int(lengths.max(initial=0)), 1))
        inside = steps < lengths[:, None]
        at = np.where(inside, starts[:, None] + steps, 0)
        inputs = {}
        for name, values in ready.steps.items():
            found = values[at] if len(values) else np.zeros((*at.shape, *values.shape[1:]))
            found = found.astype(values.dtype, copy=False)
            found[~inside] = 0
            inputs[name] = torch.from_numpy(found)
        static = {name: torch.from_numpy(values[rows]) for name, values in ready.still.items()}
        return Inputs(inputs, torch.from_numpy(lengths), static)

    def scaled(self, corpus: Corpus) -> tuple[Sequences, NDArray[np.bool_]]:
        """All items' channels on their scales, NaN where missing, and which (N, C) were seen."""
        series = self._complete(_series(corpus, self.signal.every))
        raw = series.values[:, [series.index(name) for name in self.channels]]
        fields = tuple(Field(name, "past") for name in self.channels)
        values = self.scales.moving(raw, series.offsets)
        return replace(series, fields=fields, values=values), ~np.isnan(raw)

    def _ready(self, corpus: Corpus) -> _Ready:
        """The whole corpus as a network reads it, made once."""
        assert corpus.series is not None
        found = self._kept.get(corpus.series)
        if found is None:
            found = self._kept[corpus.series] = self._made(_series(corpus, self.signal.every))
        return found

    def _made(self, series: Sequences) -> _Ready:
        series, offsets = self._complete(series), series.offsets
        raw = series.values[:, [series.index(name) for name in self.channels]]
        scaled = self.scales.moving(raw, offsets)
        filled = carry_forward(scaled, offsets, 1) if self.signal.gaps != "mean" else scaled
        steps: dict[str, NDArray[Any]] = {}
        if self.channels:
            steps["channels"] = _float(filled)
        if self.gappy[0]:
            seen = ~np.isnan(raw[:, self.gappy[0]])
            steps["observed"] = seen.astype(np.float32)
            steps["since"] = _float(np.log1p(_since(seen, offsets, self._times(series))))
        if self.unit > 0:
            steps["apart"] = _float(np.log1p(_apart(self._times(series), offsets)))[:, None]
        once = firsts(series.values[:, [series.index(name) for name in self.still]], offsets)
        known = ~np.isnan(once[:, self.gappy[1]])
        static = [_float(self.scales.still(once)), known.astype(np.float32)]
        tables = self._categories(series, steps, static)
        if self.signal.summaries:
            static.append(_float(_summary(scaled, offsets)))
        still: dict[str, NDArray[Any]] = {"static": np.concatenate(static, 1)}
        if not still["static"].shape[1]:
            del still["static"]
        return _Ready(offsets, steps, still | tables)

    def _complete(self, series: Sequences) -> Sequences:
        """The series with every column: of events, one that is not there was never seen."""
        wanted = (*self.channels, *self.still, *self.vocabulary.names)
        absent = [name for name in wanted if name not in series.names]
        if not absent:
            return series
        if series.fill != EVENTS or set(absent) & set(self.vocabulary.names):
            raise DataError(
                f"{series.source}: there is no column {absent[0]!r}, which the model was fitted "
                f"on: {suggest(absent[0], series.names)}"
            )
        numbers = tuple(Field(name, "past") for name in absent)
        empty = np.full((len(series.values), len(absent)), np.nan)
        return replace(
            series,
            fields=(*numbers, *series.fields),
            values=np.concatenate([empty, series.values], 1),
        )

    def _categories(
        self, series: Sequences, steps: dict[str, NDArray[Any]], static: list[NDArray[Any]]
    ) -> dict[str, NDArray[Any]]:
        """Add the columns of categories to steps and static numbers; tables of static ones."""
        places = self.vocabulary.places(series.fields)
        tables: dict[str, NDArray[Any]] = {}
        moving: list[NDArray[Any]] = []
        for at, (column, place) in enumerate(zip(self.vocabulary.fields, places, strict=True)):
            codes = series.values[:, [series.index(column.name)]]
            if column.role == "static":
                codes = firsts(codes, series.offsets)
            flat = codes[:, 0]
            row = np.where(np.isnan(flat), 0, place[np.nan_to_num(flat).astype(np.int64)])
            width = len(column.labels or ())
            if width > ONE_HOT:
                if column.role == "static":
                    tables[f"category{at}"] = row
                else:
                    steps[f"category{at}"] = row
                continue
            hot = np.eye(width + 1, dtype=np.float32)[row][:, 1:]
            (static if column.role == "static" else moving).append(hot)
        if moving:
            steps["labels"] = np.concatenate(moving, 1)
        return tables

    def _times(self, series: Sequences) -> Floats:
        """(N,) when each row is, in units."""
        if self.unit == 0 or series.times is None:
            return np.arange(len(series.values), dtype=np.float64)
        return series.times.astype(np.int64) / self.unit

    # the model file

    def __reduce__(self) -> tuple[Any, ...]:
        return self.take_up, self.put_down()

    def put_down(self) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
        """What the model file keeps; ``take_up`` goes back."""
        columns, labels = self.vocabulary.to_parts()
        settings = {
            "signal": self.signal.get_params(),
            "channels": self.channels,
            "still": self.still,
            "gappy": self.gappy,
            "categories": columns,
            "unit": self.unit,
        }
        return settings, {**self.scales.to_parts(), **labels}

    @classmethod
    def take_up(cls, settings: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> Self:
        """The reading whose ``put_down()`` these are.

        Raises:
            ModelFileError: a part is missing or does not fit the others.
        """
        try:
            signal = Signal(**settings["signal"])
            names = [tuple(map(str, settings[key])) for key in ("channels", "still")]
            gappy = [tuple(int(at) for at in places) for places in settings["gappy"]]
            columns = [(str(name), role) for name, role in settings["categories"]]
            unit = int(settings["unit"])
        except (KeyError, TypeError, ValueError) as error:
            raise ModelFileError(f"how recordings are read cannot be told: {error!r}") from None
        for own, places in zip(names, gappy, strict=False):
            if len(gappy) != 2 or not all(0 <= at < len(own) for at in places):
                raise ModelFileError(f"columns with gaps {gappy} are not among {names}")
        scales = Scales.from_parts(signal.scale, len(names[0]), len(names[1]), arrays)
        vocabulary = Vocabulary.from_parts(columns, arrays)
        return cls(
            signal, names[0], names[1], (gappy[0], gappy[1]), scales, vocabulary, max(unit, 0)
        )


def _series(corpus: Corpus, every: str | None) -> Sequences:
    if corpus.series is None:
        raise DataError(f"{corpus.source}: there are {corpus.content}, and no recordings, to read")
    return corpus.series if every is None else lay(corpus.series, every)


def _moving(series: Sequences) -> list[int]:
    """The places of numbers that change in time."""
    return [at for at, column in enumerate(series.numbers) if column.role != "static"]


def _role(column: Field) -> str:
    return "static" if column.role == "static" else "past"


def _float(values: Floats) -> NDArray[np.float32]:
    """What is missing is the mean, which is 0."""
    return np.nan_to_num(values, nan=0.0).astype(np.float32)


def _unit(series: Sequences) -> int:
    """The usual time from row to row where times are irregular, else 0: steps are counted."""
    if series.times is None:
        return 0
    apart = np.diff(series.times.astype(np.int64))
    inner = series.offsets[1:-1]
    apart = np.delete(apart, inner[(inner > 0) & (inner <= len(apart))] - 1)
    if not len(apart) or (apart == apart[0]).all():
        return 0
    return max(int(np.median(apart)), 1)


def _since(seen: NDArray[np.bool_], offsets: Ints, times: Floats) -> Floats:
    """(N, M) time since each channel was last seen, or since the item's beginning."""
    rows = np.arange(len(seen))
    start = np.repeat(offsets[:-1], np.diff(offsets))
    latest = np.maximum.accumulate(np.where(seen, rows[:, None], start[:, None]), axis=0)
    return times[:, None] - times[latest]


def _apart(times: Floats, offsets: Ints) -> Floats:
    """(N,) time since the row before, 0 where there is none."""
    apart = np.diff(times, prepend=times[:1])
    apart[offsets[:-1][np.diff(offsets) > 0]] = 0
    return apart


def _summary(values: Floats, offsets: Ints) -> Floats:
    """(S, 7 C) of each channel in the order of ``_SUMMARIES``; NaN where it was never seen."""
    items, width = len(offsets) - 1, values.shape[1]
    owner = np.repeat(np.arange(items), np.diff(offsets))
    seen = ~np.isnan(values)
    counts = np.zeros((items, width))
    np.add.at(counts, owner, seen)
    total, squares = np.zeros((items, width)), np.zeros((items, width))
    np.add.at(total, owner, np.where(seen, values, 0))
    np.add.at(squares, owner, np.where(seen, values, 0) ** 2)
    low, high = np.full((items, width), np.inf), np.full((items, width), -np.inf)
    np.minimum.at(low, owner, np.where(seen, values, np.inf))
    np.maximum.at(high, owner, np.where(seen, values, -np.inf))
    some = counts > 0
    many = np.where(some, counts, np.nan)
    mean = total / many
    deviation = np.sqrt(np.maximum(squares / many - mean**2, 0))
    low, high = np.where(some, low, np.nan), np.where(some, high, np.nan)
    backwards = len(values) - offsets[::-1]
    first, last = firsts(values, offsets), firsts(values[::-1], backwards)[::-1]
    share = counts / np.maximum(np.diff(offsets), 1)[:, None]
    return np.concatenate([mean, deviation, low, high, first, last, share], 1)
