"""The nearest neighbour under dynamic time warping, the rule to beat on short series.

    D(i, j) = |x_i - y_j|^2 + min(D(i-1, j), D(i, j-1), D(i-1, j-1)),  |i - j| <= window

Sakoe and Chiba 1978; the window is chosen on the training part as in Dau et al. 2018. Candidates
are passed over whose lower bound (Keogh and Ratanamahatana 2005) is no better than the nearest one
found so far. All pairs go through the table together, one antidiagonal at a time.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.ndimage import maximum_filter1d, minimum_filter1d

from longshort.data.corpus import Corpus
from longshort.data.sequences import Floats
from longshort.data.steps import Ints
from longshort.records import Kind
from longshort.yardsticks.labels.base import LabelMethod
from longshort.yardsticks.labels.choice import indicator, not_single

# windows that are tried, as shares of the longest series; 1 is any warping
WINDOWS = (0.0, 0.01, 0.02, 0.03, 0.05, 0.07, 0.1, 0.15, 0.2, 1.0)
# cells of all pairs' tables that are computed in about a minute, and at once
_CELLS, _AT_ONCE = 6_000_000_000, 2_000_000
# candidates that are measured before the next look at who is left
_ROUND = 8


def warped(x: Floats, y: Floats, ends: Ints, window: int) -> Floats:
    """(P,) squared dynamic time warping distances of P pairs.

    Args:
        x, y: (P, T, F) and (P, U, F), each padded with anything.
        ends: (P, 2) lengths of each pair, at least 1.
        window: steps that two matched places may lie apart; at least the greatest difference of
            lengths is taken.
    """
    pairs, rows, columns = len(x), x.shape[1], y.shape[1]
    if not pairs:
        return np.zeros(0)
    window = max(window, int(np.abs(ends[:, 0] - ends[:, 1]).max()))
    before = np.full((pairs, rows + 1), np.inf)
    last = np.full((pairs, rows + 1), np.inf)
    # row i of an antidiagonal is cell (i - 1, d - i); row 0 is the border
    before[:, 0] = 0.0
    found = np.empty(pairs)
    stop = ends.sum(1)
    for d in range(2, rows + columns + 1):
        low = max(1, d - columns, -((window - d) // 2))
        high = min(rows, d - 1, (d + window) // 2)
        new = np.full((pairs, rows + 1), np.inf)
        if low <= high:
            i = np.arange(low, high + 1)
            gap = x[:, i - 1] - y[:, d - i - 1]
            cost = np.einsum("ptf,ptf->pt", gap, gap)
            step = np.minimum(last[:, low - 1 : high], last[:, low : high + 1])
            new[:, low : high + 1] = cost + np.minimum(step, before[:, low - 1 : high])
        done = np.flatnonzero(stop == d)
        found[done] = new[done, ends[done, 0]]
        before, last = last, new
    return found


def bounds(x: Floats, y: Floats, window: int) -> Floats:
    """(N, M) lower bounds of the distances of all x (N, T, F) to all y (M, T, F), one length."""
    size = 2 * window + 1
    high = maximum_filter1d(y, size, axis=1, mode="nearest")
    low = minimum_filter1d(y, size, axis=1, mode="nearest")
    found = np.empty((len(x), len(y)))
    for at, one in enumerate(x):
        outside = np.maximum(np.maximum(one - high, low - one), 0.0)
        found[at] = np.square(outside).sum((1, 2))
    return found


def nearest(
    x: Floats, x_ends: Ints, y: Floats, y_ends: Ints, window: int, own: bool = False
) -> Ints:
    """(N,) which of the series y (M, U, F) is nearest to each of x (N, T, F).

    Args:
        x_ends, y_ends: lengths, (N,) and (M,).
        own: x are y, and none is its own neighbour.
    """
    even = len(set(x_ends.tolist()) | set(y_ends.tolist())) == 1
    bound = bounds(x, y, window) if even else np.zeros((len(x), len(y)))
    if own:
        np.fill_diagonal(bound, np.inf)
    order = np.argsort(bound, axis=1, kind="stable")
    ranked = np.take_along_axis(bound, order, 1)
    best, which = np.full(len(x), np.inf), order[:, 0].copy()
    for start in range(0, len(y), _ROUND):
        part, floor = order[:, start : start + _ROUND], ranked[:, start : start + _ROUND]
        # equal distances belong to the first in the training part, so a bound that is equal counts
        row, place = np.nonzero((floor <= best[:, None]) & np.isfinite(floor))
        if not len(row):
            break
        candidate = part[row, place]
        told = np.empty(len(row))
        size = max(1, _AT_ONCE // (x.shape[1] * x.shape[2]))
        for cut in range(0, len(row), size):
            a, b = row[cut : cut + size], candidate[cut : cut + size]
            ends = np.stack([x_ends[a], y_ends[b]], 1)
            told[cut : cut + size] = warped(x[a], y[b], ends, window)
        for r, c, distance in zip(row, candidate, told, strict=True):
            if (distance, c) < (best[r], which[r]):
                best[r], which[r] = distance, c
    return which


@dataclass(frozen=True)
class Nearest:
    """1-NN DTW; ``window`` is a share of the longest series, None chooses it by leaving one out.

    The told class has the probability that leaving one out was right on the training part with, the
    others share the rest.
    """

    window: float | None = None
    name: str = "1-NN DTW"
    kind: Kind = "classical"

    def refuses(self, train: Corpus) -> str:
        """Where there is no series, or too much to compare."""
        if why := not_single(train):
            return why
        assert train.series is not None
        if not _channels(train):
            return "there are no channels of numbers"
        longest = int(train.series.lengths.max(initial=0))
        tried = len(WINDOWS) if self.window is None else 1
        cells = len(train) ** 2 * longest**2 * len(_channels(train)) * tried // 5
        if cells > _CELLS:
            return (
                f"{len(train):,} series of up to {longest:,} rows are more than it can compare "
                "with each other in minutes"
            )
        return ""

    def fit(
        self,
        train: Corpus,
        valid: Corpus | None,
        classes: Sequence[str],
        seed: int,
        several: bool = False,
    ) -> LabelMethod:
        """Keep the training part; choose how far series may be warped."""
        label = indicator(train, classes).argmax(1)
        spread = scales(train)
        known, ends = padded(train, spread)
        longest = int(ends.max())
        shares = WINDOWS if self.window is None else (self.window,)
        best, right = shares[0], -1.0
        for share in shares:
            if len(known) > 1:
                found = nearest(known, ends, known, ends, round(share * longest), own=True)
                hit = float((label[found] == label).mean())
                if hit > right:
                    best, right = share, hit
        steps = round(best * longest)
        # as sure as leaving one out was right, but never quite
        sure = (max(0.0, right) * len(known) + 1) / (len(known) + 2)
        rest = (1 - sure) / max(1, len(classes) - 1)

        def probabilities(items: Corpus) -> Floats:
            x, own = padded(items, spread)
            told = label[nearest(x, own, known, ends, steps)]
            each = np.full((len(items), len(classes)), rest)
            each[np.arange(len(items)), told] = sure
            return each

        return LabelMethod(self.name, self.kind, probabilities)


def _channels(corpus: Corpus) -> list[int]:
    assert corpus.series is not None
    return [
        at
        for at, field in enumerate(corpus.series.fields)
        if field.labels is None and field.role in ("past", "target")
    ]


def scales(corpus: Corpus) -> Floats:
    """(F,) standard deviations, so that no channel outweighs another by its unit."""
    assert corpus.series is not None
    values = corpus.series.values[:, _channels(corpus)]
    known = np.isfinite(values)
    count = np.maximum(known.sum(0), 1)
    mean = np.where(known, values, 0.0).sum(0) / count
    spread = np.sqrt(np.where(known, np.square(values - mean), 0.0).sum(0) / count)
    return np.where(spread > 0, spread, 1.0)


def padded(corpus: Corpus, spread: Floats) -> tuple[Floats, Ints]:
    """(N, T, F) channels over their spread, gaps filled forward (0 before the first), and lengths.

    A series without rows is one row of zeros.
    """
    series = corpus.series
    assert series is not None
    lengths = np.maximum(series.lengths, 1)
    found = np.zeros((len(series), int(lengths.max(initial=1)), len(spread)))
    filled = np.nan_to_num(series.filled[:, _channels(corpus)]) / spread
    for item in range(len(series)):
        rows = series.rows(item)
        found[item, : rows.stop - rows.start] = filled[rows]
    return found, lengths
