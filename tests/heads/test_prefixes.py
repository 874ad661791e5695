from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from longshort.heads.ctc import best_path
from longshort.heads.prefixes import Found, PrefixSearch, Together, search
from tests.heads.test_ctc import frames, worlds


class Table:
    """A prior that is a function of the prefix, by going through all of it."""

    def __init__(self, classes: int, seed: int, ends: bool = True) -> None:
        self.classes, self.seed, self.ends = classes, seed, ends
        self.prefixes: list[tuple[int, ...]] = []

    def gain(self, prefix: tuple[int, ...], symbol: int) -> float:
        drawn = np.random.default_rng([self.seed, symbol, *prefix[-2:]])
        return float(drawn.normal())

    def of(self, prefix: Sequence[int]) -> float:
        whole = tuple(prefix)
        told = sum(self.gain(whole[:at], symbol) for at, symbol in enumerate(whole))
        return told + (self.gain(whole, 0) if self.ends else 0.0)

    def _rows(self) -> NDArray[np.float64]:
        every = range(self.classes)
        return np.array([[self.gain(own, k) for k in every] for own in self.prefixes])

    def start(self, rows: int) -> NDArray[np.float64]:
        self.prefixes = [()] * rows
        return self._rows()

    def read(self, rows: NDArray[np.int64], choice: NDArray[np.int64]) -> NDArray[np.float64]:
        self.prefixes = [
            (*self.prefixes[row], *([k] if k >= 0 else []))
            for row, k in zip(rows.tolist(), choice.tolist(), strict=True)
        ]
        return self._rows()

    def end(self) -> NDArray[np.float64]:
        return np.array([self.gain(own, 0) if self.ends else 0.0 for own in self.prefixes])


def exhaustive(scores: torch.Tensor, prior: Table | None = None) -> list[Found]:
    found = [
        Found(told, float(np.log(p)), prior.of(told) if prior else 0.0)
        for told, p in worlds(scores).items()
    ]
    return sorted(found, key=lambda one: -one.score)


def same(found: list[Found], expected: list[Found]) -> None:
    assert [one.symbols for one in found] == [one.symbols for one in expected]
    for ours, theirs in zip(found, expected, strict=True):
        assert ours.log_p == pytest.approx(theirs.log_p)
        assert ours.prior == pytest.approx(theirs.prior)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("listening", [False, True])
def test_a_wide_search_is_exhaustive(seed: int, listening: bool) -> None:
    scores = frames(2, 5, 3, seed)
    prior = Table(3, seed) if listening else None
    lengths = np.array([5, 4])
    found = search(scores.numpy(), lengths, 100, 100, prior)
    for row, n in enumerate(lengths):
        expected = exhaustive(scores[row, :n], prior)
        same(found[row], expected)


def test_what_a_narrow_search_finds_is_summed_over_the_prefixes_it_kept() -> None:
    scores = frames(1, 6, 4, 1)
    sums = {one.symbols: one.log_p for one in exhaustive(scores[0])}
    found = search(scores.numpy(), np.array([6]), 8, 8)[0]
    assert len({one.symbols for one in found}) == 8
    assert all(one.log_p <= sums[one.symbols] + 1e-9 for one in found)
    assert found[0].symbols == exhaustive(scores[0])[0].symbols


@pytest.mark.parametrize("width", [1, 3, 12])
def test_frames_in_parts_are_frames_as_a_whole(width: int) -> None:
    scores = frames(3, 40, 6, 2).numpy()
    lengths = np.array([40, 23, 0])
    whole = search(scores, lengths, width, width, Table(6, 5))
    parts = PrefixSearch(3, 6, width, Table(6, 5))
    for at in range(0, 40, 7):
        piece = scores[:, at : at + 7]
        parts.read(piece, np.clip(lengths - at, 0, piece.shape[1]))
    assert parts.best(width) == whole
    # and rows do not see each other
    for row, n in enumerate(lengths):
        alone = search(scores[row : row + 1, :n], lengths[row : row + 1], width, width, Table(6, 5))
        assert alone[0] == whole[row]


def test_prefixes_that_lead_nowhere_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    scores = frames(2, 60, 6, 3).numpy()
    lengths = np.array([60, 41])
    whole = search(scores, lengths, 6, 6, Table(6, 1))
    monkeypatch.setattr("longshort.heads.prefixes._NODES", 20)
    assert search(scores, lengths, 6, 6, Table(6, 1)) == whole


def test_a_prefix_that_comes_back_is_the_same_one() -> None:
    """Sharp frames push short prefixes out of the beam while longer ones of theirs stay."""
    for seed in range(30):
        scores = (3 * frames(1, 12, 4, seed)).log_softmax(-1)
        found = search(scores.numpy(), np.array([12]), 5, 5)[0]
        assert len({one.symbols for one in found}) == len(found)


def test_many_symbols_are_looked_at_only_where_they_are_likely() -> None:
    scores = (4 * frames(2, 20, 200, 4)).log_softmax(-1).numpy()
    lengths = np.array([20, 15])
    every = search(scores, lengths, 8, 1, most=None)
    few = search(scores, lengths, 8, 1, most=20)
    assert [row[0].symbols for row in few] == [row[0].symbols for row in every]


def test_one_prefix_of_sharp_frames_is_the_best_path() -> None:
    scores = (20 * frames(4, 30, 5, 6)).log_softmax(-1)
    lengths = torch.tensor([30, 20, 10, 0])
    found = search(scores.numpy(), lengths.numpy(), 1)
    assert [list(row[0].symbols) for row in found] == best_path(scores, lengths)


def test_priors_add_up() -> None:
    scores = frames(1, 5, 3, 7)
    one, two = Table(3, 1), Table(3, 2, ends=False)
    found = search(
        scores.numpy(), np.array([5]), 100, 100, Together([Table(3, 1), Table(3, 2, False)])
    )
    expected = [
        Found(told, float(np.log(p)), one.of(told) + two.of(told))
        for told, p in worlds(scores[0]).items()
    ]
    same(found[0], sorted(expected, key=lambda each: -each.score))
