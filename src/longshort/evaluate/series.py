"""From a fitted series model and its parts to one ``Evaluation``: the next values of recordings.

All methods tell the same scaled values, so that channels of different units, and recordings that
are each scaled by themselves, count alike: errors are in deviations of a channel.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from longshort.data.codecs.numbers import NumberCodec, Scaling
from longshort.data.corpus import Corpus
from longshort.data.encoding import Encoding
from longshort.data.readings.signals import SignalReading
from longshort.data.sequences import Field, Floats, Sequences
from longshort.data.steps import Ints
from longshort.data.windows import Windows
from longshort.errors import DataError
from longshort.evaluate.forecast import environment
from longshort.evaluate.judge import Rivals, choose, judge
from longshort.evaluate.tally import Scales
from longshort.heads.distributions import LEVELS
from longshort.metrics.real import naive_scale
from longshort.records import DataSummary, Evaluation, FieldSummary, History, Part
from longshort.yardsticks.base import Forecasts, Method, Yardstick, with_quantiles
from longshort.yardsticks.ridge import RidgeAR
from longshort.yardsticks.series import Drift, Mean, Persistence

# (items) -> of each, its number, point (T, L, K) and quantiles (T, L, K, Q) after every row, scaled
Answer = Callable[[Corpus, list[int]], Iterator[tuple[int, Floats, Floats]]]

# rows that ridge autoregression reads at most, and the nominal coverage that is told
_CONTEXT, _LEVEL = 32, 0.8


class SeriesParts(NamedTuple):
    """Recordings, and the numbers of those in each part."""

    corpus: Corpus
    train: Ints
    valid: Ints
    test: Ints


def evaluate_series(
    answer: Answer,
    parts: SeriesParts,
    reading: SignalReading,
    *,
    name: str,
    steps: int,
    history: History,
    settings: dict[str, str],
    refitted: bool,
    notes: Sequence[str] = (),
    seed: int = 0,
) -> Evaluation:
    """Fit the yardsticks on the training recordings, and judge all methods on the test part.

    Args:
        answer: what our method tells.
        parts: recordings that the reading was fitted on, and their parts.
        reading: how they are scaled.
        name: what our method is called.
        steps: L, values that are told after each row.
        history, settings: what the record keeps of the fit.
        refitted: our method was fitted on the validation part, too, and so are the yardsticks.
        notes: what a reader must know.
        seed: of the bootstrap.

    Raises:
        DataError: no channel can be judged, or recordings are too short.
    """
    scaled, seen = reading.scaled(parts.corpus)
    told = _told(scaled, seen, parts)
    series = _as_targets(scaled, reading.channels, told)
    context = _context(series, parts, steps)
    windows = _Cut.of(series, parts, context, steps)
    peers, rivals = _panel(windows, refitted)
    ours = Method(name, "lstm", _Ours(answer, parts.corpus, told))
    found = judge(
        [ours, *peers],
        windows.test,
        None if refitted or not len(windows.valid) else windows.valid,
        levels=LEVELS,
        scales=_scales(series, parts.train),
        level=_LEVEL,
        rivals=rivals,
        seed=seed,
    )
    return Evaluation(
        task="next values",
        targets=series.names,
        units=("",) * len(told),
        horizon=steps,
        level=_LEVEL,
        season=1,
        mase_season=1,
        origins=found.origins,
        reference=found.reference,
        scores=found.scores,
        steps=found.steps,
        reliability=found.reliability,
        forecasts=found.forecasts,
        verdict=found.verdict,
        data=_summary(series, windows, parts),
        history=history,
        settings=settings,
        environment=environment(),
        notes=(*_notes(reading, told, context, refitted), *notes),
    )


class _Cut(NamedTuple):
    """Windows over the recordings of each part; ``both`` is training and validation together."""

    train: Windows
    valid: Windows
    both: Windows
    test: Windows

    @classmethod
    def of(cls, series: Sequences, parts: SeriesParts, context: int, steps: int) -> _Cut:
        """Windows of ``context`` rows and ``steps`` to be told."""
        both = np.concatenate([parts.train, parts.valid])
        items = (parts.train, parts.valid, both, parts.test)
        found = cls(*(_windows(series, own, context, steps) for own in items))
        for name, cut in (("training", found.train), ("test", found.test)):
            if not len(cut):
                raise DataError(
                    f"{series.source}: no recording of the {name} part has more than "
                    f"{context + steps - 1} rows, so none can be judged; give longer ones"
                )
        return found


def _panel(windows: _Cut, refitted: bool) -> tuple[list[Method], Rivals | None]:
    """The yardsticks, fitted as our method was, and whom to be measured against, if known."""
    valid = windows.valid if len(windows.valid) else None
    fitted = windows.both if refitted else windows.train
    measured = fitted if refitted or valid is None else valid
    roster: list[Yardstick] = [Persistence(), Drift(), Mean(), RidgeAR()]
    rivals = None
    if refitted and valid is not None:
        # chosen before anything is refitted on the validation part
        early = [with_quantiles(y.fit(windows.train, valid), valid, LEVELS) for y in roster]
        rivals = choose(early, valid)
    return [with_quantiles(y.fit(fitted, valid), measured, LEVELS) for y in roster], rivals


class _Ours:
    """Our method on windows: what it told after the row before each origin."""

    def __init__(self, answer: Answer, corpus: Corpus, told: list[int]) -> None:
        self.answer, self.corpus, self.told = answer, corpus, told

    def __call__(self, windows: Windows, index: Ints) -> Forecasts:
        """Point and quantiles of the windows of these numbers (N,)."""
        items, origin = windows.where(index)
        shape = len(index), windows.horizon, len(self.told)
        point, quantiles = np.full(shape, np.nan), np.full((*shape, len(LEVELS)), np.nan)
        order = np.argsort(items, kind="stable")
        starts = dict(zip(*np.unique(items[order], return_index=True), strict=True))
        for item, points, spread in self.answer(self.corpus, [int(each) for each in starts]):
            start = int(starts[item])
            own = order[start : start + int((items == item).sum())]
            at = origin[own] - 1
            point[own] = points[at][:, :, self.told]
            quantiles[own] = spread[at][:, :, self.told]
        return Forecasts(point, quantiles)


def _told(scaled: Sequences, seen: NDArray[np.bool_], parts: SeriesParts) -> list[int]:
    """The channels that move in the training part and are seen in the test part."""
    found = []
    for at in range(seen.shape[1]):
        values = [scaled.values[scaled.rows(item), at] for item in parts.train.tolist()]
        moves = any(naive_scale(own[:, None])[0] > 0 for own in values if len(own) > 1)
        there = any(seen[scaled.rows(item), at].any() for item in parts.test.tolist())
        if moves and there:
            found.append(at)
    if not found:
        raise DataError(
            f"{scaled.source}: no channel moves in the training part and is seen in the test part, "
            "so nothing can be judged"
        )
    return found


def _as_targets(scaled: Sequences, names: Sequence[str], told: list[int]) -> Sequences:
    """The channels that are told, as targets."""
    return replace(
        scaled,
        fields=tuple(Field(names[at], "target") for at in told),
        values=scaled.values[:, told],
    )


def _context(series: Sequences, parts: SeriesParts, steps: int) -> int:
    """Rows before the first one that is judged: at most half of what a recording usually has."""
    items = np.concatenate([parts.train, parts.valid, parts.test])
    usual = int(np.median(series.lengths[items]))
    return max(1, min(_CONTEXT, (usual - steps) // 2))


def _windows(series: Sequences, items: Ints, context: int, steps: int) -> Windows:
    """Windows over these recordings alone."""
    first = np.full(len(series), context)
    last = first.copy()
    last[items] = np.maximum(series.lengths[items] - steps + 1, context)
    codec = NumberCodec.fit(series, series.lengths, Scaling("none"))
    masked = tuple(series.names[at] for at in np.flatnonzero(np.isnan(series.values).any(0)))
    encoding = Encoding(codec, context, steps, "last", 1, (), masked)
    return Windows(series, encoding, first, last)


def _scales(series: Sequences, train: Ints) -> Scales:
    """(S, K) the last value's errors on the training recordings, the same for all."""
    found = []
    for power in (1, 2):
        items = train[series.lengths[train] > 1].tolist()
        each = [naive_scale(series.values[series.rows(item)], 1, power) for item in items]
        sizes = series.lengths[items]
        mean = np.average(np.nan_to_num(each), axis=0, weights=sizes)
        found.append(np.broadcast_to(mean, (len(series), series.values.shape[1])))
    return Scales(*found)


def _summary(series: Sequences, windows: _Cut, parts: SeriesParts) -> DataSummary:
    fields = []
    for at, column in enumerate(series.fields):
        values = series.values[:, at]
        own = values[np.isfinite(values)]
        ends = (float(own.min()), float(own.mean()), float(own.max()))
        fields.append(FieldSummary(column.name, column.role, "", len(values) - len(own), *ends))
    told = []
    ends_of = parts.corpus.names or series.keys
    for name in ("train", "valid", "test"):
        items, cut = getattr(parts, name), getattr(windows, name)
        if len(items):
            rows = int(series.lengths[items].sum())
            first, last = ends_of[int(items[0])], ends_of[int(items[-1])]
            told.append(Part(name, first, last, rows, len(cut)))
    return DataSummary(
        parts.corpus.source, len(series), len(series.values), "rows in order", series.fill,
        tuple(fields), tuple(told),
    )  # fmt: skip


def _notes(reading: SignalReading, told: list[int], context: int, refitted: bool) -> Iterator[str]:
    yield (
        "Values are scaled, and errors told in the scale's unit"
        + (", a channel's standard deviation." if reading.signal.scale == "channel" else ".")
    )
    yield (
        f"Values from row {context + 1} of each recording on are judged; ridge autoregression "
        f"reads the last {context} rows, the network all from the first."
    )
    left = [name for at, name in enumerate(reading.channels) if at not in told]
    if left:
        yield f"Not judged, because they do not move or are not seen: {', '.join(left)}."
    if refitted:
        yield (
            "After choices were made on the validation part, every method was fitted on training "
            "and validation part together."
        )
