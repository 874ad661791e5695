"""An autoencoder: the trunk's last state is all that the head has to write the inputs again."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from longshort.contracts import Batch, Encoded, Examples, Loss, Prediction, within
from longshort.heads.base import Head, masked
from longshort.layers.recurrent import LSTM
from longshort.model import Model
from longshort.training import seeded


class Reconstruction(Head):
    """Squared error per value; an LSTM that starts in what was read writes it from the end back.

    Backwards, since the end is what the trunk remembers best (Srivastava et al. 2015).
    """

    unit = "mse"

    def __init__(self, size: int, width: int) -> None:
        super().__init__()
        self.begin = nn.Linear(size, 2 * size)
        self.lstm = LSTM(width, size, batch_first=True)
        self.readout = nn.Linear(size, width)

    def _write(self, encoded: Encoded) -> Tensor:
        """(B, T, F) in the order of time."""
        h, c = self.begin(encoded.last().z[:, 0]).unsqueeze(0).chunk(2, -1)
        value, written = self.readout(h[0]), []
        for _ in range(encoded.z.shape[1]):
            written.append(value)
            out, (h, c) = self.lstm(value.unsqueeze(1), (h.contiguous(), c.contiguous()))
            value = self.readout(out[:, 0])
        back = torch.stack(written, 1)
        step = encoded.lengths.unsqueeze(1) - 1 - torch.arange(back.shape[1])
        return back.gather(1, step.clamp(min=0).unsqueeze(2).expand_as(back))

    def loss(self, encoded: Encoded, batch: Batch) -> Loss:
        error = self._write(encoded) - batch.target()
        return masked(error.square(), within(encoded.lengths, error.shape[1]))

    def decode(self, encoded: Encoded, batch: Batch) -> Prediction:
        return Prediction(self._write(encoded), lengths=encoded.lengths)


# the application


def waves(rows: int, seed: int, steps: int = 12) -> Batch:
    """Sines of any phase, two periods and any size: a family of few dimensions."""
    source = torch.Generator().manual_seed(seed)
    phase, size, period = torch.rand(3, rows, 1, generator=source)
    lengths = torch.randint(8, steps + 1, (rows,), generator=source)
    angle = 2 * math.pi * (torch.arange(steps) / torch.where(period < 0.5, 6, 12) + phase)
    values = ((0.5 + size) * angle.sin() * within(lengths, steps)).unsqueeze(2)
    return Batch({"numbers": values}, lengths, targets=values)


@pytest.fixture(scope="module")
def autoencoder(
    trunk: Callable[..., nn.Module],
    view: Callable[[Batch], Examples],
    train: Callable[..., object],
) -> Model:
    with seeded(0):
        model = Model(trunk(24, numbers={"numbers": 1}), Reconstruction(24, 1))
    train(model, view(waves(1000, 1)), batch=32, epochs=12)
    return model


@torch.no_grad()
def test_fresh_waves_are_written_again(autoencoder: Model) -> None:
    batch = waves(300, 2)
    variance = batch.target()[within(batch.lengths, 12)].var()
    assert autoencoder.loss(batch)[0].mean < 0.05 * variance


@torch.no_grad()
def test_what_is_unlike_the_family_is_not(autoencoder: Model) -> None:
    """The error tells a strange row from the usual ones: what an anomaly score is."""
    usual = waves(100, 3)
    source = torch.Generator().manual_seed(4)
    noise = torch.randn(100, 12, 1, generator=source) * within(usual.lengths, 12).unsqueeze(2)
    strange = usual.replace(inputs={"numbers": noise}, targets=noise)
    assert autoencoder.loss(strange)[0].mean > 10 * autoencoder.loss(usual)[0].mean


@torch.no_grad()
def test_padding_changes_nothing(autoencoder: Model) -> None:
    batch = waves(5, 5)
    wide = functional.pad(batch.target(), (0, 0, 0, 6))
    padded = batch.replace(inputs={"numbers": wide}, targets=wide)
    torch.testing.assert_close(autoencoder.loss(padded)[0].total, autoencoder.loss(batch)[0].total)
    real = within(batch.lengths, 12)
    one, other = (autoencoder.predict(b).point[:, :12][real] for b in (batch, padded))
    torch.testing.assert_close(one, other)
