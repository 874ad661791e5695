"""How sure a score is: bootstrap over blocks of origins, over items and over groups of items."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]

# numbers held at once while resampling
_NUMBERS = 5_000_000
# items or groups below which a spread cannot be told
_FEWEST = 8
# blocks from whose number on a sum of drawn ones is normal for all that can be told
_MANY = 20_000


def skill(loss: float, reference_loss: float) -> float:
    """Skill score: 1 - loss / reference loss; 1 is perfect, 0 is no better than the reference.

    NaN where the reference makes no error, because then nothing can be said.
    """
    return 1.0 - loss / reference_loss if reference_loss > 0 else float("nan")


def block_length(origins: int, horizon: int) -> int:
    """max(L, ceil(n^(1/3))), and never more than n.

    Errors of consecutive origins share up to L - 1 steps of what happened, so that they depend on
    each other at least that far; n^(1/3) is the order that is best for a mean (Hall, Horowitz and
    Jing 1995).
    """
    return max(1, min(origins, max(horizon, math.ceil(math.pow(origins, 1 / 3) - 1e-9))))


def block_sums(
    losses: ArrayLike,
    series: ArrayLike,
    horizon: int,
    *,
    resamples: int = 1000,
    seed: int = 0,
) -> Floats | None:
    """Sums of losses over resampled blocks of consecutive origins: a block bootstrap.

    A block is ``block_length`` consecutive origins of one series, which goes on at the beginning
    of that series where it meets its end. Kuensch 1989 and Liu and Singh 1992 (moving blocks);
    Politis and Romano 1992 (the wrap-around, by which every origin counts alike). Blocks are drawn
    from all series, so that few origins in each of many series are as good as many in one. Sums of
    more than 20,000 blocks are drawn from the normal distribution of their mean and covariance,
    which is what they come to (the central limit theorem).

    Args:
        losses: (N, M) of M methods at N origins, the origins of a series together and in order;
            every method is resampled by the same draws.
        series: (N,) number of the series of each origin.
        horizon: L.
        resamples: R.
        seed: the same one draws the same blocks.

    Returns:
        (R, M), or None where there are fewer than four blocks: too few to tell a spread from.
    """
    values = np.asarray(losses, np.float64)
    _, first, which, sizes = np.unique(
        series, return_index=True, return_inverse=True, return_counts=True
    )
    length = np.array([block_length(int(size), horizon) for size in sizes])[which]
    draws = round(float((1 / length).sum())) if len(length) else 0
    if draws < 4:
        return None
    start, end = first[which], (first + sizes)[which]
    stop = np.arange(len(values)) + length
    total = np.concatenate([np.zeros((1, values.shape[1])), np.cumsum(values, 0)])
    inside = total[np.minimum(stop, end)] - total[:-1]
    around = total[start + np.maximum(stop - end, 0)] - total[start]
    blocks = inside + around
    random = np.random.Generator(np.random.Philox(seed))
    # a start weighs 1 / length, so that an origin of a short series is drawn as often as any other
    if draws > _MANY:
        share = 1 / length / (1 / length).sum()
        mean = share @ blocks
        spread = (blocks - mean) * np.sqrt(share * draws)[:, None]
        values, axes = np.linalg.eigh(spread.T @ spread)
        root = axes * np.sqrt(np.maximum(values, 0))
        return np.asarray(draws * mean + random.standard_normal((resamples, len(mean))) @ root.T)
    weight = np.cumsum(1 / length)
    sums = np.empty((resamples, values.shape[1]))
    part = max(1, _NUMBERS // (draws * values.shape[1]))
    for row in range(0, resamples, part):
        rows = min(part, resamples - row)
        place = np.searchsorted(weight, random.random((rows, draws)) * weight[-1], side="right")
        sums[row : row + rows] = blocks[np.minimum(place, len(values) - 1)].sum(1)
    return sums


def ratio_interval(
    sums: Floats | None, others: Floats | None, level: float = 0.95
) -> tuple[float, float] | None:
    """Central interval of a ratio over resampled sums (R,) of its two parts, drawn together.

    None where there are none, or where some resample has nothing to divide by.
    """
    if sums is None or others is None or not (others > 0).all():
        return None
    low, high = np.quantile(sums / others, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def skill_interval(
    sums: Floats | None, reference_sums: Floats | None, level: float = 0.95
) -> tuple[float, float] | None:
    """Central interval of ``skill`` over resampled sums (R,) of both methods, paired.

    None where there are none, or where the reference makes no error in some resample.
    """
    found = ratio_interval(sums, reference_sums, level)
    return None if found is None else (1 - found[1], 1 - found[0])


def drawn_weights(
    items: int, groups: Sequence[str] | None = None, *, resamples: int = 1000, seed: int = 0
) -> Iterator[Floats] | None:
    """How often each item is in each resample: the bootstrap (Efron 1979), over items or groups.

    Items of one group (a subject, a patient, a source) go together, because they resemble each
    other: whole groups are drawn, as many as there are.

    Args:
        items: N.
        groups: N names; None where items are independent.
        resamples: R.
        seed: the same one draws the same resamples.

    Returns:
        Parts (r, N) of whole numbers that together have R rows, or None where there are fewer than
        eight items or groups: too few to tell a spread from.
    """
    names, place = np.unique(np.arange(items) if groups is None else groups, return_inverse=True)
    if len(names) < _FEWEST:
        return None

    def parts() -> Iterator[Floats]:
        random = np.random.Generator(np.random.Philox(seed))
        rows = max(1, _NUMBERS // (4 * items))
        for row in range(0, resamples, rows):
            size = (min(rows, resamples - row), len(names))
            at = random.integers(len(names), size=size) + len(names) * np.arange(size[0])[:, None]
            counts = np.bincount(at.ravel(), minlength=size[0] * len(names)).reshape(size)
            yield counts[:, place].astype(np.float64)

    return parts()


def interval(values: Floats | None, level: float = 0.95) -> tuple[float, float] | None:
    """Central interval of resampled scores (R,); None where some resample has no score."""
    if values is None or not np.isfinite(values).all():
        return None
    low, high = np.quantile(values, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)
