"""Search: beams against every run there is, draws against the probabilities they come from."""

from __future__ import annotations

import itertools
import math
from collections import Counter
from dataclasses import dataclass, field

import numpy as np
import pytest
import torch

from longshort.beams import beam
from longshort.contracts import Batch, Prediction, State
from longshort.errors import ArgumentError
from longshort.search import Sampling, Stepped, probabilities, sample

SYMBOLS, END = 4, 3


def table(seed: int, sharp: float = 1.5) -> np.ndarray:
    """log p of a symbol given the two before it: (5, 5, 4), symbol 4 stands for none."""
    drawn = np.random.default_rng(seed).normal(size=(5, 5, SYMBOLS)) * sharp
    return drawn - np.log(np.exp(drawn).sum(-1, keepdims=True))


@dataclass
class Chain:
    """A ``Scorer`` whose rows remember two symbols."""

    tables: list[np.ndarray]
    state: list[tuple[int, int, int]] = field(default_factory=list)

    def start(self) -> np.ndarray:
        self.state = [(row, 4, 4) for row in range(len(self.tables))]
        return self._scores()

    def read(self, choice: np.ndarray) -> np.ndarray:
        self.state = [
            (row, last, int(now)) for (row, _, last), now in zip(self.state, choice, strict=True)
        ]
        return self._scores()

    def select(self, rows: np.ndarray) -> None:
        self.state = [self.state[row] for row in rows]

    def _scores(self) -> np.ndarray:
        return np.stack([self.tables[row][a, b] for row, a, b in self.state])


def log_p(chain: np.ndarray, run: tuple[int, ...]) -> float:
    past = (4, 4, *run)
    return float(sum(chain[past[t], past[t + 1], past[t + 2]] for t in range(len(run))))


def exhaustive(
    chain: np.ndarray, steps: int, end: int | None, penalty: float
) -> list[tuple[float, tuple[int, ...], bool]]:
    """Every run there is, best first."""
    found = []
    for length in range(1, steps + 1):
        for run in itertools.product(range(SYMBOLS), repeat=length):
            ended = end is not None and run[-1] == end
            if (end is not None and end in run[:-1]) or (not ended and length < steps):
                continue
            told = run[:-1] if ended else run
            found.append((log_p(chain, run) / length**penalty, told, ended))
    return sorted(found, reverse=True)


@pytest.mark.parametrize("end", [None, END])
@pytest.mark.parametrize("penalty", [0.0, 0.6, 1.0])
def test_a_wide_beam_finds_the_best_of_all_runs(end: int | None, penalty: float) -> None:
    tables = [table(seed) for seed in range(3)]
    found = beam(Chain(tables), 4, 4**4, end=end, length_penalty=penalty)
    for chain, hypotheses in zip(tables, found, strict=True):
        best = exhaustive(chain, 4, end, penalty)
        assert [one.symbols for one in hypotheses[:20]] == [run for _, run, _ in best[:20]]
        assert [one.score for one in hypotheses[:20]] == pytest.approx([s for s, _, _ in best[:20]])
        assert [one.ended for one in hypotheses[:20]] == [e for _, _, e in best[:20]]


@pytest.mark.parametrize("penalty", [0.0, 1.0])
def test_a_beam_of_full_width_in_a_batch_is_that_beam_alone(penalty: float) -> None:
    tables = [table(seed) for seed in range(5)]
    together = beam(Chain(tables), 6, 3, end=END, length_penalty=penalty)
    for chain, found in zip(tables, together, strict=True):
        assert found == beam(Chain([chain]), 6, 3, end=END, length_penalty=penalty)[0]
        for one in found:
            run = (*one.symbols, END) if one.ended else one.symbols
            assert one.log_p == pytest.approx(log_p(chain, run))


def test_a_beam_of_one_is_greedy_choice() -> None:
    tables = [table(seed) for seed in range(4)]
    greedy = np.stack([d.symbols for d in sample(Chain(tables), 7, Sampling(temperature=0))], 1)
    for row, found in zip(greedy.tolist(), beam(Chain(tables), 7, 1), strict=True):
        assert list(found[0].symbols) == row


def test_draws_have_the_probabilities_of_the_model() -> None:
    chain, rows = table(3, 0.7), 4000
    drawn = np.stack([d.symbols for d in sample(Chain([chain] * rows), 3, seed=5)], 1)
    counts = Counter(map(tuple, drawn.tolist()))
    for run in itertools.product(range(SYMBOLS), repeat=3):
        p = math.exp(log_p(chain, run))
        assert abs(counts[run] / rows - p) < 5 * math.sqrt(p * (1 - p) / rows)


def test_a_draw_tells_its_log_probability_whatever_was_left_out() -> None:
    chain = table(1)
    for sampling in (Sampling(), Sampling(0.5, top_k=2, repetition=1.3)):
        drawn = list(sample(Chain([chain]), 9, sampling, seed=2))
        run = tuple(int(one.symbols[0]) for one in drawn)
        assert sum(float(one.log_p[0]) for one in drawn) == pytest.approx(log_p(chain, run))


def test_a_row_is_drawn_alike_in_any_batch_and_again_from_the_same_seed() -> None:
    tables = [table(seed) for seed in range(3)]

    def runs(of: list[np.ndarray], seed: int) -> list[list[int]]:
        return np.stack([d.symbols for d in sample(Chain(of), 300, seed=seed)], 1).tolist()

    assert runs(tables, 1)[0] == runs(tables[:1], 1)[0] == runs([tables[0]], 1)[0]
    assert runs(tables, 1) != runs(tables, 2)


@pytest.mark.parametrize(
    ("sampling", "kept"),
    [
        (Sampling(top_k=2), {0, 1}),
        (Sampling(top_k=9), {0, 1, 2, 3}),
        (Sampling(top_p=0.49), {0}),
        (Sampling(top_p=0.51), {0, 1}),
        (Sampling(top_p=0.79), {0, 1}),
        (Sampling(min_p=0.31), {0, 1}),
        (Sampling(min_p=0.2), {0, 1, 2}),
        (Sampling(temperature=0.5, min_p=0.3), {0, 1}),
        (Sampling(temperature=2.0, min_p=0.4), {0, 1, 2}),
        (Sampling(top_k=3, top_p=0.9), {0, 1, 2}),
        (Sampling(top_k=3, top_p=0.83), {0, 1}),
    ],
)
def test_what_is_left_out(sampling: Sampling, kept: set[int]) -> None:
    p = np.array([0.5, 0.3, 0.15, 0.05])
    found = probabilities(np.log(p)[None], sampling)[0]
    assert set(np.flatnonzero(found).tolist()) == kept
    chosen = sorted(kept)
    wanted = p[chosen] ** (1 / sampling.temperature)
    np.testing.assert_allclose(found[chosen], wanted / wanted.sum())


def test_repetition_and_bans() -> None:
    even = [np.full((5, 5, SYMBOLS), -math.log(SYMBOLS))]
    cautious = Sampling(temperature=0, repetition=1.5, memory=3)
    found = [int(d.symbols[0]) for d in sample(Chain(even), 8, cautious, seen=[[0]])]
    # what is furthest back comes again first
    assert found == [1, 2, 3, 0, 1, 2, 3, 0]
    drawn = {int(d.symbols[0]) for d in sample(Chain(even), 99, banned=[0, 2])}
    assert drawn == {1, 3}
    runs = [list(sample(Chain(even), 9, seed=seed, later=[0, 2])) for seed in range(30)]
    assert {int(run[0].symbols[0]) for run in runs} <= set(range(SYMBOLS)) - {0, 2}
    assert any(int(one.symbols[0]) == 0 for run in runs for one in run[1:])
    assert all(0 not in one.symbols for one in beam(Chain(even), 3, 9, banned=[0])[0])


def test_what_is_impossible_is_never_drawn() -> None:
    scores = np.full((5, 5, SYMBOLS), -np.inf)
    scores[..., 2] = 0
    assert {int(d.symbols[0]) for d in sample(Chain([scores]), 300)} == {2}
    assert [one.symbols for one in beam(Chain([scores]), 3, 5)[0]] == [(2, 2, 2)]


class Model:
    """A ``Stepper`` of the same tables."""

    def __init__(self, chain: np.ndarray) -> None:
        self.chain = torch.tensor(chain)

    def start(self, batch: Batch, state: State | None = None) -> tuple[Prediction, State]:
        return self.step(batch, State({"past": torch.full((batch.rows, 2), 4)}))

    def step(self, batch: Batch, state: State) -> tuple[Prediction, State]:
        past = state.tensor("past")
        for now in batch.inputs["symbols"].T:
            past = torch.stack([past[:, 1], now], 1)
        scores = self.chain[past[:, 0], past[:, 1]].unsqueeze(1)
        return Prediction(scores.argmax(-1), scores=scores), State({"past": past})


def test_any_stepping_model_is_searched_after_its_prompt() -> None:
    chain = table(8)

    def feed(choice: torch.Tensor) -> Batch:
        return Batch({"symbols": choice.unsqueeze(1)}, torch.ones_like(choice))

    prompts = torch.tensor([[0, 1], [2, 2]])
    batch = Batch({"symbols": prompts}, torch.tensor([2, 2]))
    found = beam(Stepped(Model(chain), batch, feed), 3, 64)
    for prompt, hypotheses in zip(prompts.tolist(), found, strict=True):
        for one in hypotheses:
            wanted = log_p(chain, (*prompt, *one.symbols)) - log_p(chain, tuple(prompt))
            assert one.log_p == pytest.approx(wanted)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"temperature": -1}, "temperature=-1"),
        ({"temperature": math.nan}, "temperature=nan"),
        ({"top_k": 0}, "top_k"),
        ({"top_p": 0}, "top_p=0"),
        ({"min_p": 1.1}, "min_p"),
        ({"repetition": 0.5}, "repetition"),
    ],
)
def test_settings_out_of_range(change: dict[str, float], told: str) -> None:
    with pytest.raises(ArgumentError, match=told):
        Sampling(**change)


def test_nothing_to_choose_from() -> None:
    with pytest.raises(ArgumentError, match="none can follow"):
        list(sample(Chain([table(0)]), 1, banned=range(SYMBOLS)))
    with pytest.raises(ArgumentError, match="none can follow"):
        beam(Chain([table(0)]), 1, banned=range(SYMBOLS))
    assert not list(sample(Chain([table(0)]), 0))
