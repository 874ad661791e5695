"""The loss of many symbols against torch's own."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional

from longshort.layers.softmax import nats


def drawn(rows: int, symbols: int = 7, width: int = 5) -> tuple[torch.Tensor, ...]:
    random = torch.Generator().manual_seed(rows)

    def normal(*shape: int) -> torch.Tensor:
        return torch.randn(*shape, generator=random, dtype=torch.float64, requires_grad=True)

    target = torch.randint(symbols, (rows,), generator=random)
    return normal(rows, width), normal(symbols, width), normal(symbols), target


# more rows than are read at once, too
@pytest.mark.parametrize("rows", [1, 4, 150])
@pytest.mark.parametrize("smoothing", [0.0, 0.3])
def test_losses_and_gradients_are_torchs(rows: int, smoothing: float) -> None:
    h, table, bias, target = drawn(rows)
    weights = torch.rand(rows, dtype=torch.float64)
    own, spread = nats(h, table, bias, target)
    found = (1 - smoothing) * own + smoothing * spread
    logits = functional.linear(h, table, bias)
    truth = functional.cross_entropy(logits, target, reduction="none", label_smoothing=smoothing)
    torch.testing.assert_close(found, truth)
    ours = torch.autograd.grad((found * weights).sum(), (h, table, bias))
    theirs = torch.autograd.grad((truth * weights).sum(), (h, table, bias))
    torch.testing.assert_close(ours, theirs)


def test_gradients_are_those_of_finite_differences() -> None:
    h, table, bias, target = drawn(3)
    assert torch.autograd.gradcheck(lambda *given: nats(*given, target), (h, table, bias))


def test_large_logits_stay_finite() -> None:
    h, table, bias, target = (own.detach().float() for own in drawn(4))
    own, spread = nats(1e4 * h, table, bias, target.long())
    assert own.isfinite().all()
    assert spread.isfinite().all()
