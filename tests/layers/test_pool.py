"""Pooling against loops over the valid steps."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from longshort.contracts import Encoded, State
from longshort.errors import ArgumentError
from longshort.layers.pool import Pool, check_pooling

LENGTHS = torch.tensor([4, 1, 0, 3])


def encoded(z: Tensor) -> Encoded:
    return Encoded(z, (z,), State(), LENGTHS)


@pytest.mark.parametrize("pooling", ["last", "mean", "max", "attention", "last+mean+max"])
@pytest.mark.parametrize("directions", [1, 2])
def test_each_is_what_a_loop_finds(pooling: str, directions: int) -> None:
    torch.manual_seed(0)
    pool, z = Pool(pooling, 6, directions), torch.randn(4, 4, 6)
    spoilt = z.clone()
    spoilt[torch.arange(4) >= LENGTHS[:, None]] = torch.nan
    found = pool(encoded(spoilt))
    forwards = 6 // directions
    for row, length in enumerate(LENGTHS.tolist()):
        parts = []
        for part in pooling.split("+"):
            steps = [z[row, t] for t in range(length)]
            if not steps:
                parts.append(torch.zeros(6))
            elif part == "last":
                parts.append(torch.cat([steps[-1][:forwards], steps[0][forwards:]]))
            elif part == "mean":
                parts.append(sum(steps, torch.zeros(6)) / length)
            elif part == "max":
                parts.append(torch.stack([max(s[k] for s in steps) for k in range(6)]))
            else:
                assert pool.look is not None
                scores = torch.stack([pool.judge(torch.tanh(pool.look(s)))[0] for s in steps])
                shares = scores.softmax(0)
                parts.append(
                    sum((a * s for a, s in zip(shares, steps, strict=True)), torch.zeros(6))
                )
                torch.testing.assert_close(found.weights[row, :length], shares)
                assert found.weights[row, length:].eq(0).all()
        torch.testing.assert_close(found.z[row], torch.cat(parts))


def test_padding_gets_no_gradient() -> None:
    z = torch.randn(4, 4, 6, requires_grad=True)
    Pool("last+mean+max+attention", 6)(encoded(z)).z.sum().backward()
    assert z.grad is not None
    assert z.grad.isfinite().all()
    assert z.grad[torch.arange(4) >= LENGTHS[:, None]].eq(0).all()


def test_unknown_pooling_is_refused() -> None:
    assert check_pooling("mean + max") == ("mean", "max")
    for wrong in ("median", "mean+mean", ""):
        with pytest.raises(ArgumentError, match="pooling"):
            check_pooling(wrong)
