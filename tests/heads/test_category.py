"""Categories against torch's losses and formulas by brute force."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from longshort.contracts import Batch, Encoded, State
from longshort.errors import ArgumentError
from longshort.heads.category import CategoryHead

LENGTHS = torch.tensor([4, 1, 3, 2, 4])


def encoded(z: Tensor | None = None) -> Encoded:
    torch.manual_seed(1)
    z = torch.randn(5, 4, 6) if z is None else z
    return Encoded(z, (z,), State(), LENGTHS)


def batch(targets: Tensor, mask: Tensor | None = None) -> Batch:
    return Batch({}, LENGTHS, targets=targets, target_mask=mask)


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
@pytest.mark.parametrize("weights", [None, [0.5, 2.0, 1.0]])
def test_one_is_torchs_cross_entropy(weights: list[float] | None, smoothing: float) -> None:
    head, targets = (
        CategoryHead(6, 3, weights=weights, smoothing=smoothing),
        torch.tensor([0, 1, 2, 1, 0]),
    )
    found = head.loss(encoded(), batch(targets))
    scores = head.scores(encoded())
    each = functional.cross_entropy(scores, targets, label_smoothing=smoothing, reduction="none")
    own = torch.ones(3) if weights is None else torch.tensor(weights)
    torch.testing.assert_close(found.total, (each * own[targets]).sum())
    assert int(found.count) == 5
    answer = head.decode(encoded(), batch(targets))
    assert answer.scores is not None
    torch.testing.assert_close(answer.scores.exp().sum(1), torch.ones(5))
    assert torch.equal(answer.point, scores.argmax(1))


def test_many_is_torchs_binary_cross_entropy() -> None:
    head, targets = CategoryHead(6, 3, "many"), torch.randint(2, (5, 3))
    found = head.loss(encoded(), batch(targets))
    truth = functional.binary_cross_entropy_with_logits(
        head.scores(encoded()), targets.float(), reduction="sum"
    )
    torch.testing.assert_close(found.total, truth)
    assert int(found.count) == 15
    answer = head.decode(encoded(), batch(targets))
    assert answer.scores is not None
    assert torch.equal(answer.point, (answer.scores > torch.tensor(0.5).log()).long())


@pytest.mark.parametrize("far", [0.0, 40.0, -40.0])
def test_ordered_are_differences_of_the_cumulated(far: float) -> None:
    head = CategoryHead(6, 4, "ordered").double()
    with torch.no_grad():
        assert head.thresholds is not None
        head.thresholds.copy_(torch.tensor([-1.0, 0.3, -0.5]))
        head.readout.bias.fill_(far)
    read = encoded(torch.randn(5, 4, 6, dtype=torch.float64))
    log_p = head.scores(read)
    a = head.readout(head.pool(read).z)
    steps = torch.tensor([0.3, -0.5], dtype=torch.float64).exp()
    rising = torch.stack([-torch.ones_like(steps[0]), steps[0] - 1, steps.sum() - 1])
    torch.testing.assert_close(log_p.exp().sum(1), torch.ones(5, dtype=torch.float64))
    below = torch.sigmoid(rising - a)
    truth = torch.diff(below, dim=1, prepend=torch.zeros(5, 1), append=torch.ones(5, 1))
    torch.testing.assert_close(log_p.exp(), truth, rtol=1e-6, atol=1e-15)
    # and finite where the difference itself has no digit left
    assert log_p.isfinite().all()


@pytest.mark.parametrize("kind", ["one", "ordered", "many"])
def test_temperature_makes_probabilities_less_sure_and_changes_no_order(kind: str) -> None:
    head = CategoryHead(6, 3, kind)  # type: ignore[arg-type]
    targets = torch.zeros(5, dtype=torch.int64) if kind != "many" else torch.zeros(5, 3)
    before = head.decode(encoded(), batch(targets))
    loss = head.loss(encoded(), batch(targets)).total
    head.calibrate(3.0)
    after = head.decode(encoded(), batch(targets))
    # training does not see it
    assert torch.equal(head.loss(encoded(), batch(targets)).total, loss)
    assert before.scores is not None
    assert after.scores is not None
    if kind == "one":
        torch.testing.assert_close(after.scores, (head.scores(encoded()) / 3).log_softmax(1))
        assert torch.equal(before.point, after.point)
    if kind == "many":
        torch.testing.assert_close(after.scores, functional.logsigmoid(head.scores(encoded()) / 3))


def test_masked_sequences_are_not_scored() -> None:
    head, mask = CategoryHead(6, 3), torch.tensor([True, False, True, True, False])
    targets = torch.tensor([0, 1, 2, 1, 0])
    found = head.loss(encoded(), batch(targets, mask))
    each = functional.cross_entropy(head.scores(encoded()), targets, reduction="none")
    torch.testing.assert_close(found.total, each[mask].sum())
    assert int(found.count) == 3


def test_unknown_kinds_are_refused() -> None:
    with pytest.raises(ArgumentError, match="kind='two'"):
        CategoryHead(6, 2, "two")  # type: ignore[arg-type]
