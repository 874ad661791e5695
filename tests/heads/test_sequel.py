"""The next values of series: each is scored once, by what came before it alone."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from longshort.contracts import Batch
from longshort.errors import ArgumentError
from longshort.heads.sequel import Sequel, SequelHead
from longshort.layers.embed import Embed
from longshort.layers.encoder import Recurrent, RecurrentEncoder
from longshort.model import Model

ROWS, STEPS, CHANNELS = 3, 9, 2


def made(steps: int = 2, *, both: bool = False, output: str = "gaussian") -> Model:
    torch.manual_seed(0)
    encoder = RecurrentEncoder(
        Embed({"channels": CHANNELS}), Recurrent(5, dropout=0.0, bidirectional=both)
    )
    head = SequelHead(5, CHANNELS, Sequel(output, steps), both=both)  # type: ignore[arg-type]
    return Model(encoder, head).double()


def batch_of() -> Batch:
    rng = np.random.default_rng(1)
    values = torch.from_numpy(rng.normal(size=(ROWS, STEPS, CHANNELS)))
    lengths = torch.tensor([9, 5, 1])
    inside = torch.arange(STEPS) < lengths[:, None]
    seen = torch.from_numpy(rng.random(values.shape) < 0.7) & inside[..., None]
    values[~inside] = 0
    return Batch({"channels": values}, lengths, reference=values, targets=values, target_mask=seen)


@pytest.mark.parametrize("both", [False, True])
def test_the_loss_is_the_sum_over_every_value_told(both: bool) -> None:
    model, batch = made(both=both), batch_of()
    encoded, head = model.encoder(batch), model.head
    assert isinstance(head, SequelHead)
    values, seen = batch.target(), batch.target_mask
    assert seen is not None
    total, count = 0.0, 0
    for direction in range(1 + both):
        sign = -1 if direction else 1
        told = head.parameters_after(encoded, batch, direction)
        for b, t, ahead, k in np.ndindex(ROWS, STEPS, 2, CHANNELS):
            at = t + sign * (ahead + 1)
            if not 0 <= at < STEPS or not seen[b, at, k] or (direction and not seen[b, t, k]):
                continue
            mean, spread = told[b, t, ahead, k].tolist()
            z = (float(values[b, at, k]) - mean) / spread
            total += math.log(spread) + z**2 / 2 + math.log(2 * math.pi) / 2
            count += 1
    loss = head.loss(encoded, batch)
    assert int(loss.count) == count
    assert float(loss.total.detach()) == pytest.approx(total, rel=1e-10)


@pytest.mark.parametrize("both", [False, True])
def test_no_value_is_told_by_itself_or_by_what_lies_beyond(both: bool) -> None:
    model, batch = made(both=both), batch_of()
    head = model.head
    assert isinstance(head, SequelHead)
    change = 4
    other = batch.inputs["channels"].clone()
    other[:, change] += 1.0
    changed = batch.replace(inputs={"channels": other}, reference=other)
    for direction in range(1 + both):
        before, after = (
            head.parameters_after(model.encoder(each), each, direction) for each in (batch, changed)
        )
        same = slice(change + 1, None) if direction else slice(0, change)
        assert torch.equal(before[0, same], after[0, same])
        assert not torch.equal(before[0, change], after[0, change])


def test_a_missing_value_reaches_no_gradient() -> None:
    model, batch = made(), batch_of()
    assert batch.target_mask is not None
    odd = torch.where(batch.target_mask, batch.target(), torch.nan)
    encoded = model.encoder(batch)
    plain, with_nan = (
        model.head.loss(encoded, each) for each in (batch, batch.replace(targets=odd))
    )
    assert torch.equal(plain.total, with_nan.total)
    with_nan.total.backward()
    assert all(bool(p.grad.isfinite().all()) for p in model.parameters() if p.grad is not None)


@pytest.mark.parametrize("output", ["gaussian", "student-t", "quantiles", "mse"])
def test_decode_tells_what_follows_the_last_step(output: str) -> None:
    model, batch = made(output=output), batch_of()
    told = model.decode(batch)
    assert told.point.shape == (ROWS, 2, CHANNELS)
    assert told.quantiles is not None
    assert bool((told.quantiles.diff(dim=-1) >= 0).all())
    head = model.head
    assert isinstance(head, SequelHead)
    whole = head.parameters_after(model.encoder(batch), batch)
    last = torch.stack([whole[row, n - 1] for row, n in enumerate(batch.lengths.tolist())])
    torch.testing.assert_close(told.point, head.family.point(last))


def test_settings_that_cannot_be() -> None:
    with pytest.raises(ArgumentError, match=r"steps\)=0"):
        Sequel(steps=0)
    with pytest.raises(ArgumentError, match="1 to 1000"):
        Sequel(steps=1001)
    with pytest.raises(ArgumentError, match="did you mean 'gaussian'"):
        Sequel("gausian")  # type: ignore[arg-type]
