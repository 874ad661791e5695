r"""The season of series: how many rows until they begin again, or that they do not.

Periods are found in two ways. The calendar suggests some: a day of hours, a week of days. The
spectrum tells others. With I(k) the periodogram of the values, less their straight line and under
Hann's window, at k cycles over the n rows, and b(k) what is usual around k,

    a peak       I(k) > c b(k),  c = 1.3 log((n / 2) / 0.001),  period n / k, at least 3 cycles

where noise, whose ordinates are exponentially distributed around what is usual, would have one
peak in about a thousand series. b(k) is the median of the neighbours once a power of k is taken
out, so that the slope of a random walk's spectrum is not mistaken for a peak. Welch 1967 for the
window; Fisher 1929 for the test, here against a local instead of a flat spectrum.

Which period is the season, if any, the seasonal naive decides: by which of them it beats the last
value on the training rows.
"""

from __future__ import annotations

import itertools

import numpy as np

from longshort.data.codecs.calendar import seasons
from longshort.data.sequences import Floats, Sequences
from longshort.data.steps import Step
from longshort.yardsticks.base import spread_over

# chance of a peak where there is none, rows that are looked at, and peaks that are kept
_CHANCE, _ROWS, _PEAKS = 1e-3, 4000, 6
# rows that a spectrum needs at least
_LEAST = 24
# series that are looked at; a period this near to one of the calendar's is taken to be that one
_SERIES, _NEAR = 20, 0.03
# rows that a season is looked for in
_LOOKED_AT = 2**18


def periods(values: Floats) -> list[int]:
    """Periods in rows that the values (n,) of one series follow, the strongest first.

    A period must fit in three times. Missing values are the straight line between neighbours.
    """
    x = _complete(values)
    if len(x) < _LEAST or np.ptp(x) == 0:
        return []
    rows = np.arange(len(x))
    line = np.polyval(np.polyfit(rows, x, 1), rows)
    x = (x - line) / (np.abs(x - line).max() or 1.0) * np.hanning(len(x))
    power = np.square(np.abs(np.fft.rfft(x)))[1:]
    limit = 1.3 * np.log(len(power) / _CHANCE) * _usual(power)
    inner = np.arange(2, len(power) - 1)
    top = (power[inner] >= power[inner - 1]) & (power[inner] >= power[inner + 1])
    peaks = inner[top & (power[inner] > limit[inner])]
    found: list[int] = []
    for peak in peaks[np.argsort(-power[peaks], kind="stable")][:_PEAKS]:
        period = round(_refined(x, int(peak) + 1))
        if period >= 2 and 3 * period <= len(x) and period not in found:
            found.append(period)
    return found


def _complete(values: Floats) -> Floats:
    seen = np.flatnonzero(np.isfinite(values))
    if len(seen) < 2:
        return np.zeros(0)
    rows = np.arange(seen[0], seen[-1] + 1)
    return np.asarray(np.interp(rows, seen, values[seen]))[-_ROWS:]


def _usual(power: Floats) -> Floats:
    """(n,) mean of the ordinates around each, without what stands out."""
    from scipy.ndimage import median_filter

    logs = np.log(np.maximum(power, power.max() * 1e-14))
    place = np.log(np.arange(1, len(power) + 1))
    # the slope of the spectrum, by medians of bands that grow with the frequency
    edges = np.unique(np.geomspace(1, len(power) + 1, 12).astype(np.int64)) - 1
    bands = [slice(a, b) for a, b in itertools.pairwise(edges)]
    x = np.array([place[band].mean() for band in bands])
    y = np.array([np.median(logs[band]) for band in bands])
    first, second = np.triu_indices(len(x), 1)
    slope = min(0.0, float(np.median((y[second] - y[first]) / (x[second] - x[first]))))
    width = 2 * max(8, len(power) // 40) + 1
    level = median_filter(logs - slope * place, width, mode="nearest")
    level = np.maximum(level, np.median(y - slope * x))
    # the median of an exponential distribution is log 2 times its mean
    return np.asarray(np.exp(level + slope * place) / np.log(2))


def _refined(x: Floats, cycles: int) -> float:
    """The period of the strongest wave of about that many cycles over all rows."""
    rows = np.arange(len(x))
    waves = np.linspace(cycles - 1, cycles + 1, 101) / len(x)
    power = np.abs(np.exp(-2j * np.pi * np.outer(waves, rows)) @ x)
    return float(1 / waves[int(np.argmax(power))])


def candidates(train: Sequences) -> tuple[int, ...]:
    """Periods that the calendar suggests or most of the series tell, the shortest first."""
    targets = train.role_indices("target")
    votes: dict[int, int] = {}
    chosen = spread_over(len(train), _SERIES)
    for number in chosen:
        rows = train.values[train.rows(int(number))][:, targets]
        told = {period for k in range(rows.shape[1]) for period in periods(rows[:, k])}
        for period in told:
            votes[period] = votes.get(period, 0) + 1
    known = [season for season in seasons(train.step) if season > 1]
    agreed = {
        period
        for period, count in votes.items()
        if 2 * count > len(chosen)
        and not any(abs(period - season) <= _NEAR * season for season in known)
    }
    return tuple(sorted(agreed | {*known}))


def find_season(train: Sequences, horizon: int) -> int:
    """The season, in rows, by which the seasonal naive beats the last value; 1 where none does.

    Args:
        train: the training rows, and nothing later.
        horizon: L; both rules are compared at every origin and step of the training rows.
    """
    return beating(season_ratios(train, horizon))


def beating(ratios: dict[int, float], longest: float = np.inf) -> int:
    """Of ``season_ratios``, the least that is below 1; 1 where there is none.

    Args:
        ratios: by season.
        longest: rows; longer seasons do not count.
    """
    known = {season: ratio for season, ratio in ratios.items() if ratio < 1 and season <= longest}
    return min(known, key=known.__getitem__, default=1)


def best_season(ratios: dict[int, float]) -> int | None:
    """The best season even where the last value is better; None where none fits in twice."""
    return min(ratios, key=ratios.__getitem__, default=None)


def season_ratios(train: Sequences, horizon: int) -> dict[int, float]:
    """MAE of the seasonal naive over that of the last value, per candidate.

    Both are taken over the same origins and steps: those where both rules have an observed value;
    the ratio is averaged over series and targets. A season must fit twice into a series. Of more
    than a quarter of a million rows, the last ones of series spread evenly are looked at.
    """
    found: dict[int, float] = {}
    train = train.select(
        spread_over(len(train), _LOOKED_AT * len(train) // max(1, len(train.values)))
    )
    train = train.crop(np.maximum(train.lengths - _LOOKED_AT, 0))
    for season in candidates(train):
        if not (train.lengths >= 2 * season).any():
            continue
        ours = _lagged_errors(train, season, horizon)
        compared = ours[1] > 0
        if compared.any():
            found[season] = float((ours[0][compared] / ours[1][compared]).mean())
    return found


def _lagged_errors(train: Sequences, season: int, horizon: int) -> tuple[Floats, Floats]:
    """(S, K) summed absolute errors of the seasonal naive, and of the last value."""
    values = train.values[:, train.role_indices("target")]
    number = np.repeat(np.arange(len(train)), train.lengths)
    within = np.arange(len(values)) - train.offsets[number]
    sums = np.zeros((2, len(train), values.shape[1]))
    for lead in range(min(horizon, len(values))):
        lags = season * (lead // season + 1), lead + 1
        rows = np.flatnonzero((within >= max(lags)) & (train.lengths[number] >= 2 * season))
        errors = [np.abs(values[rows] - values[rows - lag]) for lag in lags]
        seen = np.isfinite(errors[0] + errors[1])
        for kind, error in enumerate(errors):
            for target in range(values.shape[1]):
                weights = np.where(seen[:, target], error[:, target], 0.0)
                sums[kind, :, target] += np.bincount(number[rows], weights, len(train))
    return sums[0], sums[1]


def season_in_words(ratios: dict[int, float], season: int, step: Step | None) -> str:
    """Which season was found on the training rows, and how.

    Args:
        ratios: of ``season_ratios``.
        season: the one that was taken, 1 for none.
        step: from row to row.
    """
    if season > 1:
        rows = f"{season} rows" + (f" of {step.label}" if step else "")
        if season not in ratios:
            return f"The season of {rows} was given."
        less = 100 * (1 - ratios[season])
        kind = "below" if less >= 0 else "above"
        return (
            f"The season is {rows}: on the training part, the error of the seasonal naive is "
            f"{abs(less):.0f} % {kind} that of the last value."
        )
    tried = ", ".join(map(str, sorted(ratios)))
    if not tried:
        return "No season was found in the training part."
    return (
        f"No season was found: on the training part, none of {tried} rows has a seasonal naive "
        "that beats the last value."
    )
