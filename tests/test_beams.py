"""Beam search against every run there is, with each of its settings."""

from __future__ import annotations

import functools
import itertools
import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest

from longshort.beams import Beam, Hypothesis, search
from longshort.errors import ArgumentError
from longshort.search import Looking

SYMBOLS, END, STEPS = 4, 3, 5


@dataclass
class Reader:
    """A ``Scorer`` that is ``Looking``: rows remember what they have read and looked at."""

    seeds: list[int]
    state: list[tuple[int, tuple[int, ...], tuple[float, ...]]] = field(default_factory=list)
    read_rows: int = 0

    def start(self) -> np.ndarray:
        self.state = [(seed, (), (0.0, 0.0)) for seed in self.seeds]
        return self._scores()

    def read(self, choice: np.ndarray) -> np.ndarray:
        self.read_rows += len(choice)
        self.state = [
            (seed, (*run, int(now)), seen)
            for (seed, run, seen), now in zip(self.state, choice, strict=True)
        ]
        return self._scores()

    def select(self, rows: np.ndarray) -> None:
        self.state = [self.state[row] for row in rows]

    def looked(self) -> np.ndarray:
        return np.array([seen for *_, seen in self.state])

    def _scores(self) -> np.ndarray:
        found = []
        for at, (seed, run, seen) in enumerate(self.state):
            scores, weights = step(seed, run)
            found.append(scores)
            self.state[at] = seed, run, (seen[0] + weights[0], seen[1] + weights[1])
        return np.stack(found)


@functools.cache
def step(seed: int, run: tuple[int, ...]) -> tuple[np.ndarray, tuple[float, float]]:
    """log p (4,) after a run, and what is looked at of a source of two steps."""
    drawn = np.random.default_rng([seed, *run]).normal(size=SYMBOLS + 1) * 1.2
    share = float(1 / (1 + np.exp(-2 * drawn[-1])))
    scores = drawn[:SYMBOLS] - np.log(np.exp(drawn[:SYMBOLS]).sum())
    return scores, (share, 1 - share)


def exhaustive(seed: int, settings: Beam, most: int, prefix: list[int]) -> list[Hypothesis]:
    """Every run that ends or is cut off, best first, by the settings' own words."""
    found = []
    for length in range(1, most + 1):
        for run in itertools.product(range(SYMBOLS), repeat=length):
            ended = run[-1] == END
            if END in run[:-1] or (not ended and length < most):
                continue
            told = run[:-1] if ended else run
            if (ended and len(told) < settings.least) or list(run[: len(prefix)]) != prefix[
                :length
            ]:
                continue
            stretches = [run[at : at + settings.block] for at in range(length - settings.block + 1)]
            if settings.block and len({*stretches}) < len(stretches):
                continue
            total, seen = 0.0, np.zeros(2)
            for at, now in enumerate(run):
                scores, weights = step(seed, run[:at])
                total, seen = total + float(scores[now]), seen + weights
            score = total / length**settings.length_penalty
            score += settings.coverage_penalty * float(np.log(np.minimum(seen, 1)).sum())
            found.append(Hypothesis(told, total, score, ended))
    return sorted(found, key=lambda one: -one.score)


def assert_same(found: list[Hypothesis], best: list[Hypothesis]) -> None:
    assert [one.symbols for one in found] == [one.symbols for one in best]
    for name in ("score", "log_p", "ended"):
        ours = [getattr(one, name) for one in found]
        assert ours == pytest.approx([getattr(one, name) for one in best])


CASES: list[dict[str, Any]] = [
    {},
    {"length_penalty": 0.0},
    {"coverage_penalty": 0.7},
    {"block": 1},
    {"block": 2},
    {"block": 3, "length_penalty": 0.5},
    {"least": 2},
    {"least": 3, "coverage_penalty": 0.2, "block": 2},
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_wide_beam_finds_the_best_of_all_runs(case: dict[str, Any]) -> None:
    settings = Beam(width=SYMBOLS**STEPS, thorough=True, **case)
    most, prefix = [5, 4, 4], [[], [2], [1]]
    reader = Reader([0, 1, 2])
    assert isinstance(reader, Looking)
    found = search(reader, most, settings, end=END, prefix=prefix)
    for seed, own in enumerate(found):
        best = exhaustive(seed, settings, most[seed], prefix[seed])
        assert len(best) > 2
        assert_same(own[:30], best[:30])


@pytest.mark.parametrize("thorough", [False, True])
def test_rows_of_a_batch_are_those_rows_alone(thorough: bool) -> None:
    settings = Beam(width=3, block=2, coverage_penalty=0.3, thorough=thorough)
    together = search(Reader(list(range(6))), [4, 9, 12, 3, 7, 12], settings, end=END)
    for seed, most in enumerate([4, 9, 12, 3, 7, 12]):
        alone = search(Reader([seed]), most, settings, end=END)[0]
        assert_same(together[seed], alone)


def test_rows_that_are_done_are_read_no_more() -> None:
    hasty, whole = Reader(list(range(8))), Reader(list(range(8)))
    search(hasty, 40, Beam(width=2), end=END)
    search(whole, 40, Beam(width=2, thorough=True), end=END)
    assert hasty.read_rows < whole.read_rows < 8 * 2 * 39


def test_no_stretch_occurs_twice() -> None:
    for own in search(Reader(list(range(5))), 12, Beam(width=4, block=2), end=END):
        for one in own:
            pairs = list(itertools.pairwise(one.symbols))
            assert len({*pairs}) == len(pairs)


def test_what_a_run_begins_with_may_say_a_thing_twice() -> None:
    prefix = [0, 1, 0, 1, 2]
    (found,) = search(Reader([0]), 9, Beam(width=4, block=2), end=END, prefix=[prefix])
    assert found
    for one in found:
        assert list(one.symbols[:5]) == prefix
        pairs = list(itertools.pairwise(one.symbols))
        assert not {*pairs[:4]} & {*pairs[4:]}
        assert len({*pairs[4:]}) == len(pairs[4:])


def test_a_row_with_nothing_that_may_follow_ends_as_it_is() -> None:
    # three symbols, none twice, and the end is allowed only after five
    (found,) = search(Reader([0]), 9, Beam(width=3, block=1, least=5), end=END)
    assert found == []


@pytest.mark.parametrize(
    "wrong",
    [
        {"width": 0}, {"length_penalty": -1}, {"coverage_penalty": math.inf}, {"block": -1},
        {"least": 4, "most": 3}, {"most": 0},
    ],
)  # fmt: skip
def test_settings_out_of_range_are_named(wrong: dict[str, Any]) -> None:
    with pytest.raises(ArgumentError, match=next(iter(wrong))):
        Beam(**wrong)
