"""A language model that reads both ways: two trunks that never see what they predict."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from longshort.contracts import Batch, Encoded, Examples, Loss, Prediction, State, within
from longshort.heads.base import Head, masked
from longshort.model import Model
from longshort.training import mean_loss, seeded

SYMBOLS = 4


class BothWays(nn.Module):
    """Two separate stacks; z is what the first read up to a step, then what the second read
    from the row's end back to it."""

    def __init__(self, onward: nn.Module, backward: nn.Module) -> None:
        super().__init__()
        self.onward, self.backward = onward, backward

    def forward(self, batch: Batch, state: State | None = None) -> Encoded:
        if state is not None and len(state):
            raise ValueError("a model that reads both ways cannot go on from a state")
        symbols = batch.inputs["symbols"]
        step = torch.arange(symbols.shape[1])
        turned = batch.lengths.unsqueeze(1) - 1 - step
        turned = torch.where(turned >= 0, turned, step)
        first = self.onward(batch)
        second = self.backward(batch.replace(inputs={"symbols": symbols.gather(1, turned)}))
        layers = tuple(
            torch.cat([one, other.gather(1, turned.unsqueeze(2).expand_as(other))], -1)
            for one, other in zip(first.layers, second.layers, strict=True)
        )
        ends = State({"onward": first.state, "backward": second.state})
        return Encoded(layers[-1], layers, ends, batch.lengths)


class NextAndPrevious(Head):
    """The next symbol from what was read onward, the previous one from what was read back."""

    def __init__(self, size: int, symbols: int) -> None:
        super().__init__()
        self.next = nn.Linear(size, symbols)
        self.previous = nn.Linear(size, symbols)

    def _scores(self, encoded: Encoded) -> Tensor:
        """(B, T, 2, K), log-probabilities of the symbol after each step and of the one before."""
        onward, backward = encoded.z.chunk(2, -1)
        return torch.stack([self.next(onward), self.previous(backward)], 2).log_softmax(-1)

    def loss(self, encoded: Encoded, batch: Batch) -> Loss:
        scores, target = self._scores(encoded).transpose(1, 3), batch.target()
        after = functional.nll_loss(scores[:, :, 0, :-1], target[:, 1:], reduction="none")
        before = functional.nll_loss(scores[:, :, 1, 1:], target[:, :-1], reduction="none")
        real = within(encoded.lengths, target.shape[1])[:, 1:]
        return masked(torch.stack([after, before], -1), real)

    def decode(self, encoded: Encoded, batch: Batch) -> Prediction:
        scores = self._scores(encoded)
        return Prediction(scores.argmax(-1), scores=scores, lengths=encoded.lengths)


# the application


def walks(rows: int, seed: int, steps: int = 10) -> Batch:
    """Up or down one symbol of a circle, mostly in the same direction as before."""
    source = torch.Generator().manual_seed(seed)
    turns = torch.rand(rows, steps, generator=source) < 0.1
    pace = torch.where(turns.cumsum(1) % 2 == 0, 1, -1)
    lengths = torch.randint(2, steps + 1, (rows,), generator=source)
    start = torch.randint(SYMBOLS, (rows, 1), generator=source)
    symbols = (start + pace.cumsum(1)) % SYMBOLS * within(lengths, steps)
    return Batch({"symbols": symbols}, lengths, targets=symbols)


def make(trunk: Callable[..., nn.Module]) -> Model:
    with seeded(0):
        one, other = (trunk(12, symbols={"symbols": (SYMBOLS, 6)}) for _ in range(2))
        return Model(BothWays(one, other), NextAndPrevious(12, SYMBOLS))


@pytest.fixture(scope="module")
def model(
    trunk: Callable[..., nn.Module],
    view: Callable[[Batch], Examples],
    train: Callable[..., object],
) -> Model:
    model = make(trunk)
    train(model, view(walks(500, 1)), batch=32, epochs=6, rate=2e-2)
    return model


def test_loss_comes_down(
    model: Model, trunk: Callable[..., nn.Module], view: Callable[[Batch], Examples]
) -> None:
    fresh = view(walks(300, 2))
    before, after = mean_loss(make(trunk), fresh, 32), mean_loss(model, fresh, 32)
    # knowing nothing costs log 4 = 1.39 nats; knowing the way and nothing of turns costs 0.5
    assert before > 1.3
    assert after < 0.65


@torch.no_grad()
@pytest.mark.parametrize("t", [0, 4, 8, 9])
def test_no_future_leaks_and_no_past_either(model: Model, t: int) -> None:
    symbols = walks(5, 3).inputs["symbols"]
    full = torch.full((5,), 10)
    scores = model.predict(Batch({"symbols": symbols}, full)).scores
    later, earlier = symbols.clone(), symbols.clone()
    later[:, t + 1 :] = (later[:, t + 1 :] + 1) % SYMBOLS
    earlier[:, :t] = (earlier[:, :t] + 1) % SYMBOLS
    after = model.predict(Batch({"symbols": later}, full)).scores
    before = model.predict(Batch({"symbols": earlier}, full)).scores
    assert torch.equal(after[:, : t + 1, 0], scores[:, : t + 1, 0])
    assert torch.equal(before[:, t:, 1], scores[:, t:, 1])
    # and both are read at all
    if t < 9:
        assert not torch.allclose(after[:, t + 1 :, 0], scores[:, t + 1 :, 0], atol=1e-3)
    if t > 0:
        assert not torch.allclose(before[:, :t, 1], scores[:, :t, 1], atol=1e-3)


@torch.no_grad()
def test_rows_are_turned_within_their_own_length(model: Model) -> None:
    batch = walks(6, 4)
    together = model.predict(batch)
    for row, length in enumerate(batch.lengths.tolist()):
        symbols = batch.inputs["symbols"][row : row + 1, :length]
        alone = model.predict(Batch({"symbols": symbols}, torch.tensor([length])))
        torch.testing.assert_close(together.scores[row, :length], alone.scores[0])
    wide = functional.pad(batch.inputs["symbols"], (0, 4), value=1)
    padded = batch.replace(inputs={"symbols": wide}, targets=wide)
    torch.testing.assert_close(model.loss(padded)[0].total, model.loss(batch)[0].total)
