from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import pytest
import torch

from longshort.contracts import Batch, Examples
from longshort.layers.embed import Embed
from longshort.layers.encoder import Recurrent, RecurrentEncoder
from longshort.model import Model
from longshort.records import Epoch
from longshort.training import Training, fit

Train = Callable[..., list[Epoch]]
View = Callable[[Batch], Examples]
Trunk = Callable[..., RecurrentEncoder]


@dataclass(frozen=True)
class Rows:
    """Examples that are the rows of one batch in memory."""

    everything: Batch
    streams: int | None = None

    def __len__(self) -> int:
        return self.everything.rows

    def batch(self, index: Sequence[int]) -> Batch:
        return self.everything.select(torch.tensor(index))


@pytest.fixture(scope="session")
def view() -> View:
    return Rows


@pytest.fixture(scope="session")
def trunk() -> Trunk:
    def make(size: int, *, bidirectional: bool = False, **groups: object) -> RecurrentEncoder:
        recurrent = Recurrent(size=size, dropout=0.0, bidirectional=bidirectional)
        return RecurrentEncoder(Embed(**groups), recurrent)

    return make


@pytest.fixture(scope="session")
def train() -> Train:
    def run(
        model: Model, examples: Examples, valid: Examples | None = None, **settings: object
    ) -> list[Epoch]:
        usual = {"rate": 1e-2, "schedule": "onecycle", "weight_decay": 0.0, "patience": None}
        return list(fit(model, examples, valid, Training(**{**usual, **settings}), seed=1))

    return run
