"""Weights of sparse features: a sum, whatever the batch."""

from __future__ import annotations

import torch

from longshort.heads.sparse import Sparse


def made(dropout: float = 0.0) -> Sparse:
    torch.manual_seed(0)
    layer = Sparse(20, 3, dropout)
    torch.nn.init.normal_(layer.weight)
    return layer


def test_it_is_the_sum_of_what_is_there() -> None:
    layer = made()
    x = torch.tensor([[[1, 5, 0], [7, 0, 0]], [[0, 0, 0], [2, 3, 4]]], dtype=torch.int32)
    found = layer(x)
    for row in range(2):
        for step in range(2):
            named = [m for m in x[row, step].tolist() if m]
            torch.testing.assert_close(found[row, step], layer.weight[named].sum(0))
    # what pads features or steps changes nothing
    wide = torch.nn.functional.pad(x, (0, 4, 0, 3))
    assert torch.equal(layer(wide)[:, :2], found)
    assert layer(wide)[:, 2:].eq(0).all()
    assert layer(x[:0]).shape == (0, 2, 3)


def test_what_training_leaves_out_depends_on_the_whole_batch_alone() -> None:
    layer = made(0.5)
    x = torch.randint(1, 20, (6, 4, 5), dtype=torch.int32)
    torch.manual_seed(3)
    whole = layer(x)
    torch.manual_seed(3)
    torch.testing.assert_close(layer(x[2:], row=2), whole[2:])
    assert not torch.equal(whole, layer.eval()(x))
    # in the mean nothing is lost
    layer.train()
    mean = torch.stack([layer(x) for _ in range(3000)]).mean(0)
    torch.testing.assert_close(mean, layer.eval()(x), atol=0.3, rtol=0.0)
