r"""From surprise to the score of a row: in usual units, smoothed, and against its own past.

With u the surprise of a value, m_k and q_k its median and the distance of its quartiles in rows
that were fitted on, and EWMA_h(x) the mean of values up to now whose weights halve every h rows,

    z_{t,k} = min(max((u_{t,k} - m_k) / q_k, -2), cap)
    a_{t,k} = EWMA_smooth(z)_t
    s_{t,k} = a_{t,k}                                             without adaptation
    s_{t,k} = (a_{t,k} - mean_t) / (deviation_t + 0.3)            with it

where mean_t and deviation_t are EWMAs with the longer half-life ``adapt`` (as a short mean is
compared with a long one by Lavin and Ahmad 2015). A row's score is the greatest s of its channels,
or their mean; it depends on rows up to it alone. A value that is missing leaves all as it was.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, Self, get_args

import numpy as np
from numpy.typing import NDArray

from longshort.contracts import Params
from longshort.data.sequences import Floats
from longshort.data.steps import Ints
from longshort.errors import ArgumentError, suggest

Joined = Literal["max", "mean"]
# how far below its median a surprise counts; what is added to every running deviation
_LOW, _FLOOR = -2.0, 0.3
# least distance of quartiles, in nats
_LEAST = 1e-3


@dataclass(frozen=True)
class Scores(Params):
    """How surprise becomes the score of a row.

    Args:
        smooth: rows after which a value has half its weight in the smoothed score; 0 does not
            smooth.
        adapt: rows after which what is usual has forgotten half: scores then tell what is unusual
            against the recent past, so that a change is news once and not for ever. None keeps to
            what was usual in the rows that were fitted on.
        cap: more usual spreads than so many above the median count as so many, so that one wild
            value does not fill the smoothed score for long.
        channels: the score of a row is the "max" of its channels, or their "mean".

    Raises:
        ArgumentError: a value out of range.
    """

    smooth: float = 15.0
    adapt: float | None = 200.0
    cap: float = 30.0
    channels: Joined = "max"

    def __post_init__(self) -> None:
        for name, low in (("smooth", 0.0), ("adapt", 1.0), ("cap", 0.1)):
            value = getattr(self, name)
            if value is None and name == "adapt":
                continue
            if not (isinstance(value, int | float) and low <= value < math.inf):
                raise ArgumentError(f"Scores({name}={value!r}): must be a number, {low:g} or more")
            object.__setattr__(self, name, float(value))
        if self.adapt is not None and self.adapt <= self.smooth:
            raise ArgumentError(
                f"Scores(smooth={self.smooth:g}, adapt={self.adapt:g}): what is usual must be "
                "forgotten more slowly than scores are smoothed; use a larger adapt, or None"
            )
        if self.channels not in get_args(Joined):
            known = suggest(str(self.channels), get_args(Joined))
            raise ArgumentError(f"Scores(channels={self.channels!r}): {known}")


class Running(NamedTuple):
    """Where the means of S series stand, (S, K) each."""

    short: Floats
    mean: Floats
    square: Floats


@dataclass(frozen=True, eq=False)
class Scoring:
    """What is usual, found in the rows that were fitted on, and scores against it.

    Args:
        settings: how.
        middle, spread: (V,) median of the surprise and distance of its quartiles, in nats.
        mean, square: (V,) mean of z and of its square there: where long means begin.
        views: surprises that each of the K channels has, one after the other: V = views K. A
            channel's score is the greatest of its views, or their mean, as that of rows is.
    """

    settings: Scores
    middle: Floats
    spread: Floats
    mean: Floats
    square: Floats
    views: int = 1

    @classmethod
    def fit(cls, surprise: Floats, settings: Scores, views: int = 1) -> Self:
        """What is usual among surprises (N, V); a channel that tells nothing is left at 0 and 1."""
        middle, spread = [], []
        for own in surprise.T:
            told = own[np.isfinite(own)]
            low, half, high = np.quantile(told, (0.25, 0.5, 0.75)) if len(told) else (0, 0, 1)
            middle.append(half)
            spread.append(max(high - low, _LEAST))
        found = cls(settings, np.array(middle), np.array(spread), *np.zeros((2, len(middle))))
        z = found._usual(surprise)
        told = np.isfinite(z)
        count = np.maximum(told.sum(0), 1)
        z = np.where(told, z, 0)
        means = z.sum(0) / count, (z * z).sum(0) / count
        return cls(settings, found.middle, found.spread, *means, views)

    def _usual(self, surprise: Floats) -> Floats:
        z = (surprise - self.middle) / self.spread
        return np.asarray(np.clip(z, _LOW, self.settings.cap))

    def begin(self, series: int) -> Running:
        """Before the first row of so many series."""
        wide = (series, len(self.middle))
        zero = np.zeros(wide)
        return Running(zero, np.broadcast_to(self.mean, wide), np.broadcast_to(self.square, wide))

    def step(self, surprise: Floats, running: Running) -> tuple[Floats, Running]:
        """(S, K) scores of each channel of one more row of S series, and where they stand then."""
        z = self._usual(surprise)
        gone = np.isnan(z)
        short = np.where(gone, running.short, _mixed(running.short, z, self.settings.smooth))
        if self.settings.adapt is None:
            return self._seen(short), running._replace(short=short)
        slow = self.settings.adapt
        mean = np.where(gone, running.mean, _mixed(running.mean, z, slow))
        square = np.where(gone, running.square, _mixed(running.square, z * z, slow))
        return self._seen(_against(short, mean, square)), Running(short, mean, square)

    def channels(self, surprise: Floats, offsets: Ints) -> Floats:
        """(N, K) scores of every channel of every row of series one after the other."""
        z = self._usual(surprise)
        found = np.zeros_like(z)
        slow = self.settings.adapt
        for start, stop in itertools.pairwise(offsets.tolist()):
            for k in range(z.shape[1]):
                own = z[start:stop, k]
                short = _carried(own, 0.0, self.settings.smooth)
                if slow is not None:
                    mean = _carried(own, self.mean[k], slow)
                    square = _carried(own * own, self.square[k], slow)
                    short = _against(short, mean, square)
                found[start:stop, k] = short
        return self._seen(found)

    def _seen(self, views: Floats) -> Floats:
        """(..., K) of channels from (..., V) of all their views."""
        if self.views == 1:
            return views
        return self.joined(views.reshape(*views.shape[:-1], self.views, -1).swapaxes(-1, -2))

    def joined(self, channels: Floats) -> Floats:
        """(...) score of a row from those of its channels (..., K)."""
        best = self.settings.channels == "max"
        return np.asarray(channels.max(-1) if best else channels.mean(-1))

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """Arrays for a model file."""
        return {name: getattr(self, name) for name in _PARTS}

    @classmethod
    def from_arrays(
        cls, arrays: dict[str, NDArray[Any]], settings: Scores, channels: int, views: int = 1
    ) -> Self:
        """What ``to_arrays`` gave.

        Raises:
            ValueError: the arrays are not of so many channels, or not numbers. KeyError: one is
                missing.
        """
        parts = [np.asarray(arrays[name], np.float64) for name in _PARTS]
        if any(part.shape != (channels * views,) or not np.isfinite(part).all() for part in parts):
            raise ValueError(f"what is usual is not told of {channels} channels")
        if not (parts[1] > 0).all():
            raise ValueError("a spread of surprise is not above 0")
        middle, spread, mean, square = parts
        return cls(settings, middle, spread, mean, square, views)


_PARTS = ("middle", "spread", "mean", "square")


def shares(channels: Floats) -> Floats:
    """(..., K) how much each channel has of a row's score: the share of what is above 0.

    Where none is, all have the same.
    """
    above = np.maximum(channels, 0)
    total = above.sum(-1, keepdims=True)
    count = channels.shape[-1]
    return np.where(total > 0, above / np.where(total > 0, total, 1), 1 / count)


def _weight(rows: float) -> float:
    """The weight of the newest value in a mean whose weights halve every so many rows."""
    return 1 - 0.5 ** (1 / rows) if rows > 0 else 1.0


def _mixed(before: Floats, value: Floats, rows: float) -> Floats:
    """One step of a running mean."""
    weight = _weight(rows)
    return weight * value + (1 - weight) * before


def _carried(values: Floats, first: float, rows: float) -> Floats:
    """(T,) the running mean after each value; a missing one leaves it as it was."""
    from scipy.signal import lfilter

    weight = _weight(rows)
    told = np.flatnonzero(np.isfinite(values))
    after, _ = lfilter([weight], [1, weight - 1], values[told], zi=[(1 - weight) * first])
    known = np.concatenate([[first], after])
    return known[np.searchsorted(told, np.arange(len(values)), side="right")]


def _against(short: Floats, mean: Floats, square: Floats) -> Floats:
    deviation = np.sqrt(np.maximum(square - mean * mean, 0))
    return (short - mean) / (deviation + _FLOOR)
