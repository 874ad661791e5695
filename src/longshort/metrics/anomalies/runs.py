"""Runs of rows: what is labelled and what is alarmed, as intervals [start, end) of row numbers."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from longshort.errors import ArgumentError

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]
# rows that are marked: a truth value for each, or intervals (M, 2) of first row and row after last
Marked = ArrayLike


def runs(mask: ArrayLike) -> Ints:
    """(M, 2) of every run of true values: its first row, and the row after its last one.

    >>> runs([False, True, True, False, True]).tolist()
    [[1, 3], [4, 5]]
    """
    padded = np.concatenate([[False], np.asarray(mask, bool), [False]])
    return np.flatnonzero(np.diff(padded)).reshape(-1, 2).astype(np.int64)


def intervals(marked: Marked, what: str = "labels") -> Ints:
    """(M, 2) of rows marked either way, in order.

    Raises:
        ArgumentError: intervals are empty, overlap or stand out of order.
    """
    given = np.asarray(marked)
    if given.size == 0 and given.ndim <= 2:
        return np.zeros((0, 2), np.int64)
    if given.ndim == 1:
        if given.dtype != bool and not np.isin(given, (0, 1)).all():
            raise ArgumentError(f"{what}: a row is marked by true or false; got {given[:5]}")
        return runs(given)
    found = given.astype(np.int64)
    if found.ndim != 2 or found.shape[1] != 2:
        raise ArgumentError(f"{what}: intervals are (M, 2); got {given.shape}")
    empty, behind = found[:, 0] >= found[:, 1], found[1:, 0] < found[:-1, 1]
    if empty.any() or behind.any() or found[0, 0] < 0:
        raise ArgumentError(
            f"{what}: intervals [start, end) hold rows from 0 on, in order and apart; "
            f"got {found[:4].tolist()}"
        )
    return found


def mask(marked: Marked, rows: int, what: str = "labels") -> Bools:
    """(rows,) whether each row is marked.

    Raises:
        ArgumentError: a row beyond the last one is marked, or another number of rows is given.
    """
    given = np.asarray(marked)
    if given.ndim == 1 and given.size:
        if len(given) != rows:
            raise ArgumentError(f"{what}: {len(given)} of them for {rows} rows")
        intervals(given, what)
        return given.astype(bool)
    found = intervals(marked, what)
    if len(found) and found[-1, 1] > rows:
        raise ArgumentError(f"{what}: an interval ends at row {found[-1, 1]} of {rows}")
    change = np.zeros(rows + 1, np.int64)
    np.add.at(change, found[:, 0], 1)
    np.add.at(change, found[:, 1], -1)
    return np.cumsum(change[:-1]) > 0


def overlapped(these: Ints, others: Ints) -> Bools:
    """(M,) whether each of these intervals shares a row with any of the others (M', 2)."""
    if not len(others):
        return np.zeros(len(these), bool)
    # the last of the others that begins before this one ends, and whether it goes on into it
    last = np.searchsorted(others[:, 0], these[:, 1], side="left") - 1
    return np.asarray((last >= 0) & (others[np.maximum(last, 0), 1] > these[:, 0]))


def checked(scores: ArrayLike, labels: Marked) -> tuple[Floats, Bools]:
    """Scores (T,) and labels (T,) of one series.

    Raises:
        ArgumentError: a score is no number, or there are not as many labels as rows.
    """
    found = np.asarray(scores, np.float64)
    if found.ndim != 1 or not len(found):
        raise ArgumentError(f"scores are (T,), one for each row; got {found.shape}")
    if np.isnan(found).any():
        raise ArgumentError(
            f"scores: row {int(np.isnan(found).argmax())} has none; give the lowest score to rows "
            "that cannot be told"
        )
    return found, mask(labels, len(found))


def joined(parts: Sequence[Ints], lengths: Sequence[int]) -> Ints:
    """Intervals of several series as those of all series one after the other."""
    start = np.concatenate([[0], np.cumsum(lengths)])[:-1].astype(np.int64)
    moved = [own + at for own, at in zip(parts, start, strict=True)]
    return np.concatenate([np.zeros((0, 2), np.int64), *moved])
