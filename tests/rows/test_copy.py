"""Copying with an attention decoder: a head that reads the source and its own last symbol."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from longshort.contracts import Batch, Encoded, Examples, Loss, Prediction, State, within
from longshort.heads.base import Head, masked
from longshort.layers.recurrent import LSTM
from longshort.model import Model
from longshort.rollout import rollout
from longshort.training import seeded

SYMBOLS, LONGEST = 5, 6
END, BEGIN = SYMBOLS, SYMBOLS + 1


class Attention(Head):
    """Dot-product attention over the source, after Luong et al. 2015."""

    reads = "source"

    def __init__(self, size: int) -> None:
        super().__init__()
        self.words = nn.Embedding(SYMBOLS + 2, size)
        self.lstm = LSTM(size, size, batch_first=True)
        self.readout = nn.Linear(2 * size, SYMBOLS + 1)

    def _source(self, encoded: Encoded) -> State:
        last = encoded.last().z
        real = within(encoded.lengths, encoded.z.shape[1])
        return State({"z": encoded.z, "real": real, "h": last, "c": torch.zeros_like(last)})

    def _read(self, words: Tensor, state: State) -> tuple[Tensor, State]:
        """Log-probabilities (B, L, K) after each of the words (B, L)."""
        hx = tuple(state.tensor(name).transpose(0, 1).contiguous() for name in "hc")
        out, (h, c) = self.lstm(self.words(words), hx)
        z, real = state.tensor("z"), state.tensor("real")
        fit = (out @ z.transpose(1, 2)).masked_fill(~real.unsqueeze(1), -torch.inf)
        scores = self.readout(torch.cat([out, fit.softmax(-1) @ z], -1)).log_softmax(-1)
        return scores, State({**state, "h": h.transpose(0, 1), "c": c.transpose(0, 1)})

    def loss(self, encoded: Encoded, batch: Batch) -> Loss:
        target = batch.target()
        words = functional.pad(target[:, :-1], (1, 0), value=BEGIN)
        scores, _ = self._read(words, self._source(encoded))
        losses = functional.nll_loss(scores.transpose(1, 2), target, reduction="none")
        return masked(losses, within(batch.target_lengths, target.shape[1]))

    def start(self, encoded: Encoded, batch: Batch) -> tuple[Prediction, State]:
        begin = Batch({"symbols": torch.full((batch.rows, 1), BEGIN)}, batch.lengths)
        return self.step(None, self._source(encoded), begin)

    def step(self, encoded: Encoded | None, state: State, batch: Batch) -> tuple[Prediction, State]:
        scores, state = self._read(batch.inputs["symbols"], state)
        return Prediction(scores.argmax(-1), scores=scores), state

    def decode(self, encoded: Encoded, batch: Batch) -> Prediction:
        written = torch.cat(greedy(Reader(self, encoded), batch, LONGEST + 1), 1)
        ends = functional.pad(written, (0, 1), value=END) == END
        return Prediction(written, lengths=ends.int().argmax(1))


@dataclass(frozen=True)
class Reader:
    """A decoder and the source it has already been handed: what ``rollout`` steps through."""

    head: Head
    encoded: Encoded

    def start(self, batch: Batch) -> tuple[Prediction, State]:
        return self.head.start(self.encoded, batch)

    def step(self, batch: Batch, state: State) -> tuple[Prediction, State]:
        return self.head.step(None, state, batch)


def symbol(choice: Tensor) -> Batch:
    return Batch({"symbols": choice}, torch.ones(len(choice), dtype=torch.int64))


def greedy(stepper: Reader | Model, batch: Batch, steps: int) -> list[Tensor]:
    loop = rollout(stepper, batch, steps, lambda p, _: p.point, lambda choice, _: symbol(choice))
    return [choice for choice, _, _ in loop]


# the application


def sequences(rows: int, seed: int) -> Batch:
    source = torch.Generator().manual_seed(seed)
    lengths = torch.randint(3, LONGEST + 1, (rows,), generator=source)
    real = within(lengths, LONGEST + 1)
    symbols = torch.randint(SYMBOLS, real.shape, generator=source)
    return Batch(
        inputs={"symbols": torch.where(real, symbols, 0)[:, :LONGEST]},
        lengths=lengths,
        targets=torch.where(real, symbols, END),
        target_lengths=lengths + 1,
    )


@pytest.fixture(scope="module")
def copier(
    trunk: Callable[..., nn.Module],
    view: Callable[[Batch], Examples],
    train: Callable[..., object],
) -> Model:
    with seeded(0):
        encoder = trunk(32, symbols={"symbols": (SYMBOLS, 16)})
        model = Model(encoder, Attention(32))
    train(model, view(sequences(3000, 1)), batch=64, epochs=8)
    return model


@torch.no_grad()
def test_fresh_sequences_are_copied(copier: Model) -> None:
    batch = sequences(400, 2)
    found = copier.predict(batch)
    right = (found.point == batch.target()) | ~within(batch.target_lengths, LONGEST + 1)
    assert right.all(1).double().mean() > 0.9
    assert (found.lengths == batch.lengths).double().mean() > 0.9


@torch.no_grad()
def test_the_model_and_its_head_decode_alike(copier: Model) -> None:
    batch = sequences(20, 3)
    assert torch.equal(
        torch.cat(greedy(copier, batch, LONGEST + 1), 1), copier.predict(batch).point
    )


@torch.no_grad()
def test_steps_are_what_teacher_forcing_scores(copier: Model) -> None:
    """The steps' log-probabilities of the target add up to the loss."""
    batch = sequences(20, 4)
    prediction, state = copier.start(batch)
    total = torch.zeros(())
    for t in range(LONGEST + 1):
        word = batch.target()[:, t : t + 1]
        scored = prediction.scores[:, 0].gather(1, word)[:, 0]
        total = total - scored[t < batch.target_lengths].sum()
        prediction, state = copier.step(symbol(word), state)
    torch.testing.assert_close(copier.loss(batch)[0].total, total)


@torch.no_grad()
def test_a_beam_can_drop_and_double_its_rows(copier: Model) -> None:
    batch, rows = sequences(4, 5), torch.tensor([2, 0, 0])
    prediction, state = copier.start(batch)
    kept, _ = copier.step(symbol(prediction.point[rows]), state.select(rows))
    again, state = copier.start(batch.select(rows))
    anew, _ = copier.step(symbol(again.point), state)
    torch.testing.assert_close(kept.scores, anew.scores)


@torch.no_grad()
def test_padding_of_the_source_changes_nothing(copier: Model) -> None:
    batch = sequences(6, 6)
    wide = functional.pad(batch.inputs["symbols"], (0, 5))
    padded = batch.replace(inputs={"symbols": wide})
    torch.testing.assert_close(copier.loss(batch)[0].total, copier.loss(padded)[0].total)
    assert torch.equal(copier.predict(batch).point, copier.predict(padded).point)
