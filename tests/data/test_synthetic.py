from __future__ import annotations

import itertools
import math
import re
from collections import Counter

import numpy as np
import pytest
import torch

from longshort.contracts import Batch, Examples, within
from longshort.data.synthetic import Adding, Copying, Problem, Reber, TemporalOrder
from longshort.errors import ArgumentError

PROBLEMS: list[Problem] = [
    Adding(steps=9, size=400),
    Copying(delay=3, length=2, kinds=3, size=400),
    TemporalOrder(steps=20, size=400),
    TemporalOrder(steps=30, relevant=3, size=400),
    Reber(size=400),
]


def everything(batch: Batch) -> list[torch.Tensor]:
    mask = [] if batch.target_mask is None else [batch.target_mask]
    return [*batch.inputs.values(), batch.lengths, batch.target(), *mask]


@pytest.mark.parametrize("problem", PROBLEMS, ids=str)
def test_an_example_is_its_seed_and_number(problem: Problem) -> None:
    examples: Examples = problem
    assert examples.streams is None
    assert len(examples) == 400
    whole = problem.batch(range(50))
    # alone, in another order, and of a larger set
    for number in (0, 17, 49):
        alone = problem.set_params(size=10**9).batch([number])
        steps = int(alone.lengths)
        assert steps == int(whole.lengths[number])
        for one, many in zip(
            everything(alone), everything(whole.select(torch.tensor([number]))), strict=True
        ):
            assert torch.equal(one[0], many[0][: one.shape[1]] if one.dim() > 1 else many[0])
    backwards = problem.batch(range(49, -1, -1))
    for one, other in zip(everything(backwards), everything(whole), strict=True):
        assert torch.equal(one.flip(0), other)
    (group,) = whole.inputs.values()
    (other,) = problem.set_params(seed=1).batch(range(50)).inputs.values()
    assert group.shape != other.shape or not torch.equal(group, other)
    assert not group[~within(whole.lengths, group.shape[1])].any()


@pytest.mark.parametrize("problem", PROBLEMS, ids=str)
def test_examples_differ(problem: Problem) -> None:
    assert problem.optimum < problem.chance
    if not isinstance(problem, Copying | Reber):
        rows = {problem.example(number).read.tobytes() for number in range(400)}
        assert len(rows) == 400


# adding


def test_adding() -> None:
    for steps in (2, 3, 10):
        problem = Adding(steps=steps, size=6000)
        batch = problem.batch(range(6000))
        numbers, marks = batch.inputs["numbers"].double().unbind(2)
        assert marks.shape == (6000, steps)
        half = steps // 2
        assert torch.equal(marks[:, :half].sum(1), torch.ones(6000).double())
        assert torch.equal(marks[:, half:].sum(1), torch.ones(6000).double())
        assert bool(((numbers >= 0) & (numbers < 1)).all())
        sums = (numbers * marks).sum(1)
        torch.testing.assert_close(batch.target()[:, 0, 0].double(), sums, rtol=0, atol=2e-7)
        # every place is marked as often as the others of its half
        frequency = marks.mean(0)
        expected = torch.cat([torch.full((n,), 1 / n) for n in (half, steps - half)])
        assert float((frequency - expected).abs().max()) < 0.03
        # the standard deviation of this mean is 0.0026
        errors = (sums - 1).square().mean()
        assert abs(float(errors) - problem.chance) < 0.012
        constants = torch.linspace(0.5, 1.5, 21).double()
        losses = (sums.unsqueeze(1) - constants).square().mean(0)
        assert float(constants[losses.argmin()]) == pytest.approx(1, abs=0.051)


def test_adding_by_an_integral() -> None:
    # of (a + b - 1)^2 over the unit square, by the midpoint rule
    grid = (np.arange(500) + 0.5) / 500
    mean = ((grid[:, None] + grid - 1) ** 2).mean()
    assert mean == pytest.approx(Adding().chance, abs=1e-5)


# copying


def test_copying() -> None:
    problem = Copying(delay=4, length=3, kinds=5, size=3000)
    batch = problem.batch(range(3000))
    read, target = batch.inputs["symbols"], batch.target()
    assert read.shape == target.shape == (3000, problem.steps)
    assert problem.steps == 10
    assert torch.equal(read[:, :3], target[:, -3:])
    assert bool((read[:, :3] < 5).all())
    assert read[0, 3:].tolist() == [5, 5, 5, 6, 5, 5, 5]
    assert bool((target[:, :-3] == 5).all())
    assert int(read.max()) < problem.symbols
    # after the signal comes the first answer, `delay` steps behind the last symbol
    assert int((read[0] == 6).nonzero()) + 1 == 3 + problem.delay
    counts = torch.bincount(read[:, :3].flatten(), minlength=5) / 9000
    assert float((counts - 0.2).abs().max()) < 0.02


def test_copying_by_enumeration() -> None:
    problem = Copying(delay=2, length=2, kinds=3)
    worlds = list(itertools.product(range(3), repeat=2))
    # the best that can be said without the first symbols: how often each comes at a place
    total = 0.0
    for place in range(2):
        counts = Counter(world[place] for world in worlds)
        total -= sum(math.log(counts[world[place]] / len(worlds)) for world in worlds)
    assert total / len(worlds) / problem.steps == pytest.approx(problem.chance)


# temporal order


@pytest.mark.parametrize("relevant", [2, 3])
def test_temporal_order(relevant: int) -> None:
    problem = TemporalOrder(relevant=relevant, size=4000)
    batch = problem.batch(range(4000))
    read = batch.inputs["symbols"]
    a, d, x, y, e, b = (problem.symbols.index(letter) for letter in "adXYEB")
    assert set(batch.lengths.tolist()) == set(range(100, 111))
    starts = (10, 50) if relevant == 2 else (10, 33, 66)
    seen: list[set[int]] = [set() for _ in starts]
    for row, length, order in zip(
        read.tolist(), batch.lengths.tolist(), batch.target(), strict=True
    ):
        assert row[0] == e
        assert row[length - 1] == b
        places = [t for t, symbol in enumerate(row[:length]) if symbol in (x, y)]
        assert len(places) == relevant
        assert int(order) == int("".join("01"[row[t] == y] for t in places), 2)
        for place, start, found in zip(places, starts, seen, strict=True):
            assert start <= place <= start + 10
            found.add(place - start)
        noise = [s for t, s in enumerate(row[1 : length - 1], 1) if t not in places]
        assert a <= min(noise)
        assert max(noise) <= d
    assert all(found == set(range(11)) for found in seen)
    counts = torch.bincount(batch.target(), minlength=problem.classes) / 4000
    assert len(counts) == problem.classes == 2**relevant
    assert float((counts - 1 / problem.classes).abs().max()) < 0.03
    assert problem.chance == pytest.approx(math.log(problem.classes))


# the embedded Reber grammar, with Reber's grammar as a regular expression:
# T S* X leads to place 4 and P to place 3; from 3, T* V leads to 5; from 4, X leads to 3

FROM_3 = r"(?:T*VPX)*T*V(?:V|PS)"
GRAMMAR = re.compile(rf"B([TP])B(?:TS*X(?:S|X{FROM_3})|P{FROM_3})E\1E")


PLACES = {1: (2, 3), 2: (2, 4), 3: (3, 5), 4: (3, 6), 5: (4, 6)}


def inner_strings() -> dict[str, float]:
    """What stands between B and E of Reber's grammar, up to 7 letters: every word is tried."""
    words = ("".join(word) for n in range(8) for word in itertools.product("TPSXV", repeat=n))
    # every letter is a choice between two
    return {word: 0.5 ** len(word) for word in words if GRAMMAR.fullmatch(f"BTB{word}ETE")}


def test_reber_by_a_markov_chain() -> None:
    q = np.zeros((6, 6))
    for place, nexts in PLACES.items():
        for after in nexts:
            q[place - 1, after - 1] += 0.5
    # the regular expression and the page's places tell of the same words, letter by letter
    found = inner_strings()
    for letters in range(8):
        ends = np.linalg.matrix_power(q, letters)[0, 5]
        assert sum(share for word, share in found.items() if len(word) == letters) == ends
    # expected visits of each place, (I - Q)^-1: every visit but the last is a choice
    choices = np.linalg.inv(np.eye(6) - q)[0, :5].sum()
    assert choices == pytest.approx(6)
    # B, outer, B, the symbols of the choices, E, outer, E: all but the first are predicted
    symbols = 6 + choices - 1
    assert Reber().optimum == pytest.approx((choices + 1) * math.log(2) / symbols)
    assert Reber().chance == pytest.approx((choices + 2) * math.log(2) / symbols)


def test_reber() -> None:
    problem = Reber(size=4000)
    found = [problem.string(number) for number in range(4000)]
    assert all(GRAMMAR.fullmatch(string) for string in found)
    batch = problem.batch(range(4000))
    assert batch.target_mask is not None
    letters = np.array(list(problem.symbols))
    for row in (0, 1, 2):
        length = int(batch.lengths[row])
        assert "".join(letters[batch.inputs["symbols"][row, :length]]) == found[row][:-1]
        assert "".join(letters[batch.target()[row, :length]]) == found[row][1:]
        assert batch.target_mask[row].sum() == length
    frequency = Counter(found)
    # the standard deviation of a share is at most 0.004
    for word, share in inner_strings().items():
        for outer in "TP":
            assert abs(frequency[f"B{outer}B{word}E{outer}E"] / 4000 - share / 2) < 0.02
    lengths = torch.tensor([len(string) for string in found]).double()
    assert abs(float(lengths.mean()) - 12) < 0.3


def test_what_cannot_be_is_refused() -> None:
    for build in (
        lambda: Adding(steps=1),
        lambda: Adding(size=-1),
        lambda: Copying(kinds=1),
        lambda: Copying(delay=0),
        lambda: TemporalOrder(steps=9),
        lambda: TemporalOrder(relevant=4),
        lambda: Reber(seed=-1),
    ):
        with pytest.raises(ArgumentError, match="must be"):
            build()
    with pytest.raises(ArgumentError, match="no example 5, there are 5"):
        Adding(size=5).batch([5])
