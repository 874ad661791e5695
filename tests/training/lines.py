"""A least-squares problem as a model, small recurrences, and examples in memory."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from longshort.contracts import Batch, Encoded, Loss, Prediction, State
from longshort.heads.base import Head, masked, scored
from longshort.heads.real import RealHead
from longshort.layers.embed import Embed
from longshort.layers.encoder import Recurrent, RecurrentEncoder
from longshort.model import Model
from longshort.records import Epoch, Stop
from longshort.training import Training, fit, seeded


class Through(nn.Module):
    """A trunk that hands its numbers on."""

    def forward(self, batch: Batch, state: State | None = None) -> Encoded:
        numbers = batch.inputs["numbers"]
        return Encoded(numbers, (numbers,), State({"last": numbers[:, -1]}), batch.lengths)


class Line(Head):
    unit = "mse"

    def __init__(self, width: int) -> None:
        super().__init__()
        self.linear = nn.Linear(width, 1, bias=False, dtype=torch.float64)
        nn.init.zeros_(self.linear.weight)

    def loss(self, encoded: Encoded, batch: Batch) -> Loss:
        target, mask = scored(batch)
        return masked((self.linear(encoded.z) - target).square(), mask)

    def decode(self, encoded: Encoded, batch: Batch) -> Prediction:
        return Prediction(self.linear(encoded.z))


@dataclass
class Points:
    """(N, 1, F) and (N, 1, 1); ``watch`` is called with the number of batches asked for so far."""

    x: Tensor
    y: Tensor
    mask: Tensor | None = None
    watch: Callable[[int], None] | None = None
    asked: int = 0
    streams: int | None = None

    def __len__(self) -> int:
        return len(self.x)

    def batch(self, index: Sequence[int]) -> Batch:
        self.asked += 1
        if self.watch is not None:
            self.watch(self.asked)
        rows = torch.tensor(index)
        return Batch(
            {"numbers": self.x[rows]},
            torch.ones(len(rows), dtype=torch.int64),
            targets=self.y[rows],
            target_mask=None if self.mask is None else self.mask[rows],
        )


SLOPE = torch.tensor([[1.5], [-2.0], [0.5]], dtype=torch.float64)


def points(rows: int = 50, seed: int = 0, slope: Tensor = SLOPE, noise: float = 0.1) -> Points:
    source = torch.Generator().manual_seed(seed)
    x = torch.randn(rows, 1, len(slope), generator=source, dtype=torch.float64)
    noisy = noise * torch.randn(rows, 1, 1, generator=source, dtype=torch.float64)
    return Points(x, x @ slope + noisy)


def line() -> Model:
    return Model(Through(), Line(len(SLOPE)))


def weight(model: Model) -> Tensor:
    assert isinstance(model.head, Line)
    return model.head.linear.weight.detach().clone()


def run(model: Model, *parts: object, **settings: object) -> tuple[list[Epoch], Stop]:
    """All epochs and why training stopped; parts are (train,) or (train, valid)."""
    seed = settings.pop("seed", 0)
    usual = {"epochs": 5, "batch": 16, "weight_decay": 0.0, "patience": None}
    train, valid = (*parts, None)[:2]
    loop = fit(model, train, valid, Training(**{**usual, **settings}), seed=seed)
    epochs = []
    while True:
        try:
            epochs.append(next(loop))
        except StopIteration as end:
            return epochs, end.value


def overshooting() -> tuple[Points, Points]:
    """Training goes to the slope 3 and passes the validation part's slope 1 on its way."""
    one = torch.tensor([[1.0], [0.0], [0.0]], dtype=torch.float64)
    return points(slope=3 * one), points(seed=1, slope=one)


def recurrent(seed: int = 0) -> Model:
    with seeded(seed):
        encoder = RecurrentEncoder(Embed({"numbers": 3}), Recurrent(size=4, dropout=0.5))
        return Model(encoder, RealHead(4, 1, 1, "mse"))


def series() -> Points:
    data = points(40)
    return Points(data.x.expand(-1, 1, -1).float(), data.y.float())


class Summing(nn.Module):
    """A trunk whose state is the sum of all it has read."""

    def forward(self, batch: Batch, state: State | None = None) -> Encoded:
        total = batch.inputs["numbers"]
        if state is not None and len(state):
            total = total + state.tensor("sum")
        return Encoded(total, (total,), State({"sum": total}), batch.lengths)
