from __future__ import annotations

import pytest
import torch
from torch import Tensor

from longshort.contracts import Batch, Encoded, Loss, Prediction, State
from longshort.heads.base import Head, masked, scored


def batch(targets: Tensor, mask: Tensor | None = None) -> Batch:
    return Batch({}, torch.ones(len(targets)), targets=targets, target_mask=mask)


def test_masked_is_the_sum_and_the_number_of_what_is_scored() -> None:
    losses = torch.tensor([[1.0, 2.0, 4.0], [8.0, 16.0, 32.0]])
    mask = torch.tensor([[True, False, True], [False, False, True]])
    loss = masked(losses, mask)
    assert (loss.total.item(), int(loss.count)) == (37.0, 3)
    assert loss.mean.item() == pytest.approx(37 / 3)
    everything = masked(losses, None)
    assert (everything.total.item(), int(everything.count)) == (63.0, 6)


def test_a_mask_of_the_left_axes_holds_for_the_right_ones() -> None:
    losses = torch.arange(12.0).view(2, 3, 2)
    rows, steps = torch.tensor([True, False]), torch.tensor([[True, False, False], [True] * 3])
    assert (masked(losses, rows).total.item(), int(masked(losses, rows).count)) == (15.0, 6)
    loss = masked(losses, steps)
    assert (loss.total.item(), int(loss.count)) == (0 + 1 + sum(range(6, 12)), 8)


@pytest.mark.parametrize("poison", [torch.nan, torch.inf, -torch.inf])
def test_what_is_masked_reaches_neither_sum_nor_gradient(poison: float) -> None:
    losses = torch.tensor([1.0, poison, 3.0], requires_grad=True)
    loss = masked(losses, torch.tensor([True, False, True]))
    loss.mean.backward()
    assert (loss.total.item(), int(loss.count)) == (4.0, 2)
    assert losses.grad is not None
    assert losses.grad.tolist() == [0.5, 0.0, 0.5]


@pytest.mark.parametrize("poison", [torch.nan, torch.inf])
def test_scored_targets_keep_gradients_finite_through_any_loss(poison: float) -> None:
    weight = torch.tensor([2.0, 2.0], requires_grad=True)
    asked = batch(torch.tensor([1.0, poison]), torch.tensor([True, False]))
    target, mask = scored(asked)
    masked((weight - target).square(), mask).total.backward()
    assert weight.grad is not None
    assert weight.grad.tolist() == [2.0, 0.0]
    # the same without it: 0 * NaN is NaN
    bare = torch.tensor([2.0, 2.0], requires_grad=True)
    masked((bare - asked.target()).square(), mask).total.backward()
    assert bare.grad is not None
    assert not bare.grad.isfinite().all()


def test_scored_leaves_whole_targets_and_symbols_alone() -> None:
    targets = torch.tensor([[3, 5], [7, 9]])
    assert scored(batch(targets)) == (targets, None)
    filled, mask = scored(batch(targets.unsqueeze(2), torch.tensor([[True, False], [True, True]])))
    assert filled.flatten().tolist() == [3, 0, 7, 9]
    assert filled.dtype == torch.int64
    assert mask is not None


def test_nothing_scored_costs_nothing() -> None:
    losses = torch.tensor([torch.nan], requires_grad=True)
    loss = masked(losses, torch.tensor([False]))
    loss.mean.backward()
    assert loss.mean.item() == 0
    assert losses.grad is not None
    assert losses.grad.tolist() == [0.0]


class Echo(Head):
    """Says what it reads."""

    def loss(self, encoded: Encoded, batch: Batch) -> Loss:
        return masked(encoded.z, None)

    def decode(self, encoded: Encoded, batch: Batch) -> Prediction:
        return Prediction(encoded.z)


def test_a_head_without_memory_steps_by_decoding() -> None:
    z = torch.arange(12.0).view(2, 3, 2)
    encoded = Encoded(z, (z,), State(), torch.tensor([3, 1]))
    asked = batch(torch.zeros(2))
    head = Echo()
    prediction, state = head.start(encoded, asked)
    assert prediction.point.tolist() == [[[4.0, 5.0]], [[6.0, 7.0]]]
    assert len(state) == 0
    given = State({"h": torch.zeros(2, 1)})
    assert head.step(encoded, given, asked)[1] is given
    with pytest.raises(ValueError, match="Echo reads encoded steps"):
        head.step(None, state, asked)
