r"""Where a score becomes an alarm: a rate of alarms that is asked for, told from unlabelled rows.

Rows above a threshold come in runs, and a run is one alarm: what is counted is the peaks of runs,
with less than ``apart`` rows between two rows of one run (declustering, Davison & Smith 1990).

spot        The peaks over a level t have, beyond it, a generalised Pareto tail (``extremes``). With
            n such peaks in d days, r alarms a day are expected above
                z = t + s / g ((r d / n)^-g - 1)
            (Siffer, Fouque, Termier & Largouet 2017, who take single rows for peaks).
conformal   z is the m-th greatest peak, m = floor(r d): that many of d days' alarms reach it. It
            promises no rate below one in d days, and says so.
dynamic     Hundman et al. 2018: of the last ``window`` scores with mean m and deviation s, z is the
            m + c s, c = 2.5, 3, .. 12, which takes most from mean and deviation for the rows and
            runs that lie above it:
                (mean decrease / m + deviation decrease / s) / (rows above + (runs above)^2)
            Found anew every ``every`` rows from rows up to then; a peak that is not ``prune`` above
            the highest score that is no alarm is none.
fixed       The value that is given.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from longshort.contracts import Params
from longshort.data.sequences import Floats, Sequences
from longshort.data.steps import Ints
from longshort.errors import ArgumentError, suggest
from longshort.tasks.anomalies.extremes import LEAST, fit_tail

Bools = NDArray[np.bool_]
Method = Literal["spot", "conformal", "dynamic", "fixed"]
# thousands of rows, where rows have no times
_THOUSAND = 1000.0
# multiples of the deviation that a dynamic threshold chooses from
_MULTIPLES = np.arange(2.5, 12.01, 0.5)


@dataclass(frozen=True)
class Threshold(Params):
    """Where a score becomes an alarm.

    Args:
        method: "spot", "conformal", "dynamic" or "fixed"; see ``tasks.anomalies.thresholds``.
        rate: alarms that are expected, a day, or in 1,000 rows where rows have no times; None
            expects one in 1,000 rows. Not of "dynamic" and "fixed".
        value: the threshold of "fixed".
        apart: an alarm ends after so many rows in a row below the threshold; two with fewer between
            them are one.
        window: scores that a dynamic threshold looks back on.
        every: rows after which a dynamic threshold is found anew.
        prune: how far, as a share, an alarm's peak lies above scores that are none (dynamic).

    Raises:
        ArgumentError: a value out of range.
    """

    method: Method = "spot"
    rate: float | None = None
    value: float | None = None
    apart: int = 20
    window: int = 2000
    every: int = 50
    prune: float = 0.13

    def __post_init__(self) -> None:
        if self.method not in get_args(Method):
            known = suggest(str(self.method), get_args(Method))
            raise ArgumentError(f"Threshold(method={self.method!r}): {known}")
        for name, high in (("rate", math.inf), ("prune", 1.0)):
            value = getattr(self, name)
            if value is None and name == "rate":
                continue
            if not (isinstance(value, int | float) and 0 < value < high):
                limit = "" if high == math.inf else f" and below {high:g}"
                raise ArgumentError(f"Threshold({name}={value!r}): must be above 0{limit}")
            object.__setattr__(self, name, float(value))
        if (self.method == "fixed") != (self.value is not None):
            raise ArgumentError(
                f"Threshold(method={self.method!r}, value={self.value!r}): a value goes with "
                "method='fixed', and with nothing else"
            )
        if self.value is not None:
            object.__setattr__(self, "value", float(self.value))
            if not math.isfinite(self.value):
                raise ArgumentError(f"Threshold(value={self.value!r}): must be a finite number")
        self._whole(1, "apart", "window", "every")


@dataclass(frozen=True)
class Limit:
    """A threshold that was found.

    Args:
        value: scores above it are alarms; of "dynamic" the mean over the rows it was tried on.
        expected: alarms a day (or in 1,000 rows) that are expected of data like those.
        unit: "a day" or "in 1,000 rows".
        told: how it was found, in words.
    """

    value: float
    expected: float
    unit: str
    told: str


@dataclass(frozen=True, eq=False)
class Calm:
    """Scores that a threshold is found on: rows that no one has called anomalous.

    Args:
        scores: (N,) series after series.
        offsets: (S+1,).
        days: how long all of them together last, in days, or in thousands of rows.
        unit: see ``Limit``.
    """

    scores: Floats
    offsets: Ints
    days: float
    unit: str


def find_limit(calm: Calm, settings: Threshold) -> Limit:
    """The threshold for the rate that is asked for."""
    if settings.method == "fixed":
        assert settings.value is not None
        return _counted(calm, settings, settings.value, "given")
    if settings.method == "dynamic":
        return _tried(calm, settings)
    peaks = np.sort(peaks_of(calm.scores, calm.offsets, settings.apart))[::-1]
    # one in 1,000 rows where nothing is asked for
    rate = len(calm.scores) / 1000 / calm.days if settings.rate is None else settings.rate
    wanted = rate * calm.days
    if not len(peaks):
        top = float(calm.scores.max()) if len(calm.scores) else 0.0
        return Limit(top, 1 / max(calm.days, 1e-9), calm.unit, "no score rose above the median")
    if settings.method == "conformal":
        return _conformal(calm, peaks, wanted)
    return _spot(calm, peaks, wanted)


def _spot(calm: Calm, peaks: Floats, wanted: float) -> Limit:
    found = len(peaks)
    # a tenth of all peaks, as many as a tail can be told from, or half of the few there are
    count = min(max(found // 10, 2 * LEAST), max(found // 2, 1))
    level = float(peaks[min(count, found - 1)])
    over = peaks[peaks > level] - level
    if wanted >= max(len(over), 1) or not len(over):
        return _conformal(calm, peaks, wanted)
    tail = fit_tail(over)
    value = level + tail.beyond(wanted / len(over))
    told = (
        f"a generalised Pareto tail of shape {tail.shape:.2f} and scale {tail.scale:.2f}, fitted "
        f"to the {len(over)} highest peaks above {level:.2f} of {found} in {_span(calm)}"
    )
    return Limit(value, wanted / calm.days, calm.unit, told)


def _conformal(calm: Calm, peaks: Floats, wanted: float) -> Limit:
    place = min(int(wanted), len(peaks))
    expected = max(place, 1) / calm.days
    value = float(peaks[max(place, 1) - 1])
    told = f"peak {max(place, 1)} of {len(peaks)} in {_span(calm)}, counted from the greatest"
    if place < 1:
        told += ", which is too short to promise fewer alarms"
    return Limit(value, expected, calm.unit, told)


def _span(calm: Calm) -> str:
    if calm.unit == "a day":
        return f"{calm.days:.3g} days"
    return f"{calm.days * 1000:.0f} rows"


def _counted(calm: Calm, settings: Threshold, value: float, told: str) -> Limit:
    flags = calm.scores > value
    count = len(runs_of(flags, calm.offsets, settings.apart)[0])
    expected = count / calm.days if calm.days else 0.0
    return Limit(value, expected, calm.unit, f"{told}; {count} alarms in {_span(calm)}")


def _tried(calm: Calm, settings: Threshold) -> Limit:
    """A dynamic threshold has no rate of its own: that of the rows it is tried on."""
    parts = list(zip(calm.offsets[:-1], calm.offsets[1:], strict=True))
    found = [dynamic(calm.scores[a:b], settings) for a, b in parts]
    flags = np.concatenate([flag for flag, _ in found]) if found else np.zeros(0, bool)
    limits = np.concatenate([limit for _, limit in found]) if found else np.zeros(0)
    known = limits[np.isfinite(limits)]
    count = len(runs_of(flags, calm.offsets, settings.apart)[0])
    value = float(known.mean()) if len(known) else float(np.max(calm.scores, initial=0.0))
    expected = count / calm.days if calm.days else 0.0
    return Limit(value, expected, calm.unit, f"dynamic; {count} alarms in {_span(calm)}")


def runs_of(flags: Bools, offsets: Ints, apart: int) -> tuple[Ints, Ints]:
    """Runs of flagged rows: first row and last row of each, (M,) each.

    Flagged rows of one series with fewer than ``apart`` rows between them are one run.
    """
    rows = np.flatnonzero(flags)
    if not len(rows):
        return rows, rows
    series = np.searchsorted(offsets, rows, side="right")
    new = (np.diff(rows) > apart) | (np.diff(series) > 0)
    first = rows[np.concatenate([[True], new])]
    return first, rows[np.concatenate([new, [True]])]


def peaks_of(scores: Floats, offsets: Ints, apart: int) -> Floats:
    """The highest score of each run above the median of all."""
    if not len(scores):
        return np.zeros(0)
    high = np.asarray(scores > np.median(scores))
    # a long run has a peak in each stretch of so many rows that is no neighbour's
    rows = np.flatnonzero(high)
    order = rows[np.argsort(-scores[rows], kind="stable")]
    series = np.searchsorted(offsets, np.arange(len(scores)), side="right")
    taken = np.zeros(len(scores), bool)
    found = []
    for row in order.tolist():
        if taken[row]:
            continue
        found.append(scores[row])
        low, high_row = max(row - apart, 0), row + apart + 1
        near = slice(low, high_row)
        taken[near] |= series[near] == series[row]
    return np.array(found)


class Dynamic:
    """Dynamic thresholds of S series, row by row, in constant memory.

    Args:
        settings: how.
        series: S.
    """

    def __init__(self, settings: Threshold, series: int) -> None:
        self.settings = settings
        self.arrays: dict[str, NDArray[Any]] = {
            "past": np.zeros((series, settings.window)),
            "count": np.zeros(series, np.int64),
            "limit": np.full(series, math.inf),
            "calm": np.full(series, -math.inf),
        }

    def begin(self, series: Ints) -> None:
        """These series begin anew."""
        self.arrays["count"][series] = 0
        self.arrays["limit"][series], self.arrays["calm"][series] = math.inf, -math.inf

    def push(self, series: Ints, scores: Floats) -> tuple[Bools, Floats]:
        """(B,) which of the next rows of these series are alarms, and their thresholds."""
        arrays, size = self.arrays, self.settings.window
        count = arrays["count"][series]
        arrays["past"][series, count % size] = scores
        arrays["count"][series] = count + 1
        for at in series[(count + 1) % self.settings.every == 0].tolist():
            self._renew(at)
        calm = arrays["calm"][series]
        lift = np.where(calm > 0, calm / (1 - self.settings.prune), -math.inf)
        limit = np.maximum(arrays["limit"][series], lift)
        return scores > limit, limit

    def _renew(self, at: int) -> None:
        size, count = self.settings.window, int(self.arrays["count"][at])
        own = self.arrays["past"][at]
        own = np.roll(own, -(count % size)) if count >= size else own[:count]
        self.arrays["limit"][at], self.arrays["calm"][at] = _epsilon(own)


def dynamic(scores: Floats, settings: Threshold) -> tuple[Bools, Floats]:
    """(T,) which rows are alarms, and the threshold that each was held against."""
    walk, only = Dynamic(settings, 1), np.zeros(1, np.int64)
    flags, limits = np.zeros(len(scores), bool), np.zeros(len(scores))
    for at in range(len(scores)):
        (flags[at],), (limits[at],) = walk.push(only, scores[at : at + 1])
    return flags, limits


def held(scores: Floats, offsets: Ints, limit: Limit, settings: Threshold) -> tuple[Floats, Bools]:
    """(N,) what each row of series one after the other is held against, and which are above."""
    if settings.method != "dynamic":
        limits = np.full(len(scores), limit.value)
        return limits, scores > limits
    flags, limits = np.zeros(len(scores), bool), np.zeros(len(scores))
    for start, stop in itertools.pairwise(offsets.tolist()):
        flags[start:stop], limits[start:stop] = dynamic(scores[start:stop], settings)
    return limits, flags


def _epsilon(scores: Floats) -> tuple[float, float]:
    """The threshold that takes most from mean and deviation, and the highest score below it."""
    # scores may lie below 0; the method is of errors, which do not
    own = scores - min(float(scores.min()), 0.0)
    shift = min(float(scores.min()), 0.0)
    mean, deviation = float(own.mean()), float(own.std())
    if deviation <= 0 or mean <= 0:
        return math.inf, -math.inf
    best, gain = math.inf, -math.inf
    for multiple in _MULTIPLES:
        limit = mean + multiple * deviation
        above = own > limit
        count = int(above.sum())
        if not count or count > len(own) / 2:
            continue
        below = own[~above]
        runs = int((np.diff(np.concatenate([[0], above.view(np.int8)])) == 1).sum())
        decrease = 2 - float(below.mean()) / mean - float(below.std()) / deviation
        if decrease / (count + runs**2) >= gain:
            best, gain = limit, decrease / (count + runs**2)
    if best == math.inf:
        # nothing stands out: only what is further out than anything seen would
        return mean + float(_MULTIPLES[-1]) * deviation + shift, -math.inf
    return best + shift, float(own[own <= best].max()) + shift


def check_limit(value: Any) -> Limit:
    """A limit of a model file.

    Raises:
        ValueError: a number in it is none.
    """
    if not (isinstance(value, Limit) and math.isfinite(value.value) and value.expected >= 0):
        raise ValueError(f"a threshold is {value!r}")
    return value


def calm_rows(series: Sequences, scores: Floats, chosen: Bools) -> Calm:
    """The chosen rows, and how long they last together."""
    owner = series.series_of(np.flatnonzero(chosen))
    counts = np.bincount(owner, minlength=len(series))
    offsets = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
    return Calm(scores[chosen], offsets, *duration(series, int(chosen.sum())))


def duration(series: Sequences, rows: int) -> tuple[float, str]:
    """How long so many rows last, and the unit of a rate: days, or thousands of rows."""
    if series.times is None or series.step is None or series.step.unit == "n":
        return rows / _THOUSAND, "in 1,000 rows"
    return rows * series.step.seconds / 86_400, "a day"
