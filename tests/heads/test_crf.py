"""The chain against enumeration of all sequences, and the head's laws."""

from __future__ import annotations

import math
from itertools import product

import numpy as np
import pytest
import torch
from torch import Tensor

from longshort.contracts import Batch, Encoded, State
from longshort.heads.crf import CRF, NEVER, Allowed, CRFHead, forward_algorithm

TAGS, STEPS = 3, 5
LENGTHS = torch.tensor([5, 1, 3, 0, 4])


@pytest.fixture(params=["free", "constrained"])
def chain(request: pytest.FixtureRequest) -> CRF:
    torch.manual_seed(0)
    allowed = None
    if request.param == "constrained":
        # the last tag goes on from the middle one alone, and begins and ends nothing
        pairs = torch.ones(TAGS, TAGS, dtype=torch.bool)
        pairs[0, 2] = False
        allowed = Allowed(
            torch.tensor([True, True, False]), pairs, torch.tensor([True, True, False])
        )
    made = CRF(TAGS, allowed).double().requires_grad_(False)
    for parameter in made.parameters():
        parameter.normal_()
    return made


@pytest.fixture
def emissions() -> Tensor:
    torch.manual_seed(1)
    return torch.randn(len(LENGTHS), STEPS, TAGS, dtype=torch.float64)


def everything(chain: CRF, emissions: Tensor, row: int) -> list[tuple[float, tuple[int, ...]]]:
    """Every allowed sequence of a row with its score, one number at a time, the best first."""
    length, found = int(LENGTHS[row]), []
    for tags in product(range(TAGS), repeat=length):
        if not length:
            found.append((0.0, ()))
            continue
        fine = bool(chain.allowed_first[tags[0]]) and bool(chain.allowed_last[tags[-1]])
        score = float(chain.begin[tags[0]] + chain.end[tags[-1]])
        for t, tag in enumerate(tags):
            score += float(emissions[row, t, tag])
            if t:
                fine = fine and bool(chain.allowed_pairs[tags[t - 1], tag])
                score += float(chain.transitions[tags[t - 1], tag])
        if fine:
            found.append((score, tags))
    return sorted(found, reverse=True)


def padded(tags: tuple[int, ...]) -> list[int]:
    return [*tags, *[0] * (STEPS - len(tags))]


def test_the_partition_is_the_sum_over_all_sequences(chain: CRF, emissions: Tensor) -> None:
    found = chain.log_partition(emissions, LENGTHS)
    for row, value in enumerate(found):
        scores = [score for score, _ in everything(chain, emissions, row)]
        assert float(value) == pytest.approx(float(np.logaddexp.reduce(scores)))


def test_scores_are_the_sums(chain: CRF, emissions: Tensor) -> None:
    for row in range(len(LENGTHS)):
        for score, tags in everything(chain, emissions, row)[:20]:
            given = torch.tensor([padded(tags)] * len(LENGTHS))
            found = chain.score(emissions, given, LENGTHS)[row]
            assert float(found) == pytest.approx(score)


def test_marginals_are_the_shares_of_sequences(chain: CRF, emissions: Tensor) -> None:
    found = chain.marginals(emissions, LENGTHS)
    for row, length in enumerate(LENGTHS.tolist()):
        truth = torch.zeros(STEPS, TAGS, dtype=torch.float64)
        whole = everything(chain, emissions, row)
        total = sum(math.exp(score) for score, _ in whole)
        for score, tags in whole:
            for t, tag in enumerate(tags):
                truth[t, tag] += math.exp(score) / total
        torch.testing.assert_close(found[row], truth, rtol=1e-6, atol=1e-6)
        assert found[row, length:].eq(0).all()


@pytest.mark.parametrize("count", [1, 4, 30])
def test_the_best_are_the_best_of_all(chain: CRF, emissions: Tensor, count: int) -> None:
    found = chain.best(emissions, LENGTHS, count)
    for row in range(len(LENGTHS)):
        truth = everything(chain, emissions, row)[:count]
        for place, (score, tags) in enumerate(truth):
            assert float(found.scores[row, place]) == pytest.approx(score)
            assert found.tags[row, place].tolist() == padded(tags)
        assert (found.scores[row, len(truth) :] <= NEVER / 2).all()


def test_emissions_beyond_the_length_reach_nothing(chain: CRF, emissions: Tensor) -> None:
    spoilt = emissions.clone()
    spoilt[torch.arange(STEPS) >= LENGTHS[:, None]] = 1e6
    assert torch.equal(
        chain.log_partition(spoilt, LENGTHS), chain.log_partition(emissions, LENGTHS)
    )
    assert torch.equal(chain.best(spoilt, LENGTHS).tags, chain.best(emissions, LENGTHS).tags)


def test_the_loss_has_the_derivatives_of_its_value(emissions: Tensor) -> None:
    chain = CRF(TAGS).double()
    tags = torch.randint(TAGS, (len(LENGTHS), STEPS))

    def loss(e: Tensor, *weights: Tensor) -> Tensor:
        return chain.log_partition(e, LENGTHS) - chain.score(e, tags, LENGTHS)

    # the chain's own parameters are moved in place
    leaves = (emissions.requires_grad_(), *chain.parameters())
    assert torch.autograd.gradcheck(loss, leaves)
    assert torch.autograd.gradgradcheck(loss, leaves)


def encoded(size: int) -> Encoded:
    z = torch.randn(len(LENGTHS), STEPS, size)
    return Encoded(z, (z,), State(), LENGTHS)


def test_the_head_learns_what_only_the_chain_can_tell() -> None:
    """Tags that follow 0 0 1 1 whatever is read: emissions alone cannot know where it stands."""
    torch.manual_seed(0)
    head, size = CRFHead(4, 2), 4
    first = torch.randint(2, (64, 1))
    targets = (first + torch.arange(6)) % 2
    z = torch.zeros(64, 6, size)
    # the first step alone says what it is
    z[:, 0, 0] = first[:, 0] * 2.0 - 1
    read = Encoded(z, (z,), State(), torch.full((64,), 6))
    batch = Batch({}, read.lengths, targets=targets)
    optimizer = torch.optim.Adam(head.parameters(), 0.1)
    for _ in range(200):
        loss = head.loss(read, batch).mean
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    answer = head.decode(read, batch)
    assert torch.equal(answer.point, targets)
    assert float(loss.detach()) < 0.05


def test_targets_beyond_the_length_may_be_anything() -> None:
    head, read = CRFHead(4, TAGS), encoded(4)
    targets = torch.randint(TAGS, (len(LENGTHS), STEPS))
    spoilt = targets.clone()
    spoilt[torch.arange(STEPS) >= LENGTHS[:, None]] = -100
    one = head.loss(read, Batch({}, LENGTHS, targets=targets))
    other = head.loss(read, Batch({}, LENGTHS, targets=spoilt))
    assert torch.equal(one.total, other.total)
    assert int(one.count) == int(LENGTHS.sum())


def test_the_scan_has_the_value_and_derivatives_of_the_definition(
    chain: CRF, emissions: Tensor
) -> None:
    weights = torch.tensor([1.0, -2.0, 0.5, 3.0, 1.5], dtype=torch.float64)
    found = []
    for partition in (lambda *parts: forward_algorithm(*parts, LENGTHS), None):
        e = emissions.clone().requires_grad_()
        chain.requires_grad_(True)
        if partition is None:
            value = chain.log_partition(e, LENGTHS)
        else:
            value = partition(e, *chain._chain())
        parts = (e, chain.begin, chain.transitions, chain.end)
        found.append((value, *torch.autograd.grad((value * weights).sum(), parts)))
    for one, other in zip(*found, strict=True):
        torch.testing.assert_close(one, other)


def test_long_and_wild_sequences_stay_exact() -> None:
    torch.manual_seed(4)
    chain = CRF(4)
    lengths = torch.tensor([400, 37])
    for scale in (1.0, 60.0):
        emissions = scale * torch.randn(2, 400, 4)
        exact = forward_algorithm(
            emissions.double(), *(p.double() for p in chain._chain()), lengths
        )
        torch.testing.assert_close(chain.log_partition(emissions, lengths).double(), exact)
        sums = chain.marginals(emissions, lengths).sum(2)
        torch.testing.assert_close(sums[0], torch.ones(400))
        torch.testing.assert_close(sums[1], (torch.arange(400) < 37).float())


def test_a_chain_without_links_is_a_softmax_for_each_step() -> None:
    torch.manual_seed(5)
    head, read = CRFHead(4, TAGS, linked=False), encoded(4)
    targets = torch.randint(TAGS, (len(LENGTHS), STEPS))
    loss = head.loss(read, Batch({}, LENGTHS, targets=targets))
    inside = torch.arange(STEPS) < LENGTHS[:, None]
    log_p = head.readout(read.z).log_softmax(2)
    wanted = -log_p.gather(2, targets.unsqueeze(2)).squeeze(2)[inside].sum()
    torch.testing.assert_close(loss.total, wanted)
    found = head.decode(read, Batch({}, LENGTHS))
    assert torch.equal(found.point[inside], log_p.argmax(2)[inside])


def test_a_shift_changes_what_is_chosen_and_not_how_probable_it_is() -> None:
    torch.manual_seed(6)
    head, read = CRFHead(4, TAGS), encoded(4)
    before = head.decode(read, Batch({}, LENGTHS))
    head.lean(torch.tensor([0.0, 1e3, 0.0]))
    after = head.decode(read, Batch({}, LENGTHS))
    inside = torch.arange(STEPS) < LENGTHS[:, None]
    assert after.point[inside].eq(1).all()
    assert before.scores is not None
    assert after.scores is not None
    assert torch.equal(before.scores, after.scores)
