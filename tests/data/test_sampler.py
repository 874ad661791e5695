"""Batches of examples of about equal length: every example once, little padding, three integers."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from longshort.data.sampler import Sampler


def padded(sampler: Sampler, lengths: np.ndarray) -> int:
    """Steps of a pass, padding counted."""
    return sum(len(index) * int(lengths[index].max()) for _, index in sampler.batches())


@given(
    st.lists(st.integers(0, 9), max_size=80), st.integers(1, 9), st.booleans(), st.integers(0, 9)
)
def test_a_pass_covers_every_example_once(
    lengths: list[int], rows: int, shuffle: bool, epoch: int
) -> None:
    known = np.array(lengths, np.int64)
    sampler = Sampler(len(lengths), rows, shuffle, 3, epoch, lengths=known)
    batches = [index for _, index in sampler.batches()]
    assert len(batches) == len(sampler)
    assert sorted(number for index in batches for number in index) == list(range(len(lengths)))
    assert all(len(index) == rows for index in batches[:-1])
    if not shuffle:
        assert sorted(lengths) == [lengths[number] for index in batches for number in index]


@given(st.integers(0, 20), st.integers(0, 5), st.sampled_from([None, 3, 7]))
def test_a_pass_goes_on_where_it_stopped(position: int, epoch: int, most: int | None) -> None:
    lengths = np.random.default_rng(0).integers(0, 50, 70)
    sampler = Sampler(70, 8, True, 5, epoch, most=most, lengths=lengths)
    rest = replace(sampler, position=position)
    assert list(rest.batches()) == list(sampler.batches())[position:]


def test_little_of_a_batch_is_padding() -> None:
    random = np.random.default_rng(0)
    lengths = random.lognormal(2.5, 0.8, 4000).astype(np.int64) + 1
    plain, bucketed = Sampler(4000, 32), Sampler(4000, 32, lengths=lengths)
    assert padded(plain, lengths) > 2 * lengths.sum()
    assert padded(bucketed, lengths) < 1.2 * lengths.sum()
    assert padded(replace(bucketed, shuffle=False), lengths) < 1.1 * lengths.sum()


def test_batches_of_all_lengths_come_in_any_order() -> None:
    lengths = np.arange(6400) % 200
    sampler = Sampler(6400, 32, lengths=lengths)
    means = [lengths[index].mean() for _, index in sampler.batches()]
    # no trend, neither within an epoch nor from one batch to the next
    assert abs(np.corrcoef(np.arange(len(means)), means)[0, 1]) < 0.2
    assert abs(np.corrcoef(means[:-1], means[1:])[0, 1]) < 0.2
    other = replace(sampler, epoch=1)
    assert sampler.order().tolist() != other.order().tolist()
    together = [set(map(int, index)) for _, index in sampler.batches()]
    assert not any(set(map(int, index)) in together for _, index in other.batches())


def test_lengths_that_are_all_alike_leave_batches_as_drawn() -> None:
    plain, alike = Sampler(96, 32), Sampler(96, 32, lengths=np.full(96, 7))
    drawn = {frozenset(index) for _, index in plain.batches()}
    assert {frozenset(index) for _, index in alike.batches()} == drawn
