"""Quantile levels: which are possible, and quantiles read between those that are known."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from longshort.errors import ArgumentError

Floats = NDArray[np.float64]


def check_levels(levels: Sequence[float]) -> Floats:
    """Quantile levels as an array (Q,).

    Raises:
        ArgumentError: they are not in (0, 1), or do not rise in equal steps.
    """
    p = np.asarray(levels, np.float64)
    steps = np.diff(p)
    inside = p.ndim == 1 and p.size > 0 and bool(((p > 0) & (p < 1)).all())
    if not inside or (len(steps) and not (steps.min() > 0 and np.ptp(steps) < 1e-6)):
        raise ArgumentError(
            f"levels={list(np.ravel(p))}: must lie in (0, 1) and rise in equal steps, "
            "such as 0.05, 0.10, ..., 0.95"
        )
    return p


def quantiles_at(quantiles: Floats, known: Sequence[float], levels: Sequence[float]) -> Floats:
    """Quantiles read at other levels, by straight lines between the known ones.

    Args:
        quantiles: (..., Q) at ``known``, which rise.
        levels: P numbers between the first and the last known level.

    Returns:
        (..., P).

    Raises:
        ArgumentError: a level outside the known ones.
    """
    found = np.zeros((*quantiles.shape[:-1], len(levels)))
    for at, level in enumerate(levels):
        if not known[0] - 1e-9 <= level <= known[-1] + 1e-9:
            raise ArgumentError(
                f"quantile level {level}: levels from {known[0]} to {known[-1]} are known"
            )
        place = float(np.interp(level, known, range(len(known))))
        below = min(int(place + 1e-9), len(known) - 2)
        part = place - below
        found[..., at] = (1 - part) * quantiles[..., below] + part * quantiles[..., below + 1]
    return found


def central_pairs(levels: Sequence[float]) -> list[tuple[int, int]]:
    """Places of the two ends of every central interval among ``levels``, innermost first.

    A median is not an interval; a level without its mirror image is left out.
    """
    known = np.asarray(levels, np.float64)
    found = []
    for high, level in enumerate(known):
        mirrored = np.flatnonzero(np.isclose(known, 1 - level))
        if level > 0.5 and not np.isclose(level, 0.5) and len(mirrored):
            found.append((int(mirrored[0]), high))
    return found
