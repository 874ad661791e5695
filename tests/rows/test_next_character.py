"""Next-character model: one text in parallel streams, read in chunks, state carried on."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from longshort.contracts import Batch, Encoded, Loss, Prediction, State, within
from longshort.heads.base import Head, masked
from longshort.model import Model
from longshort.rollout import rollout
from longshort.training import mean_loss, seeded

ROWS, SYMBOLS = 16, 5


@dataclass(frozen=True)
class Streams:
    """A text cut into ``rows`` streams; example chunk * rows + stream is a chunk of one of them."""

    text: Tensor
    steps: int
    rows: int = ROWS
    forget: bool = False

    @property
    def streams(self) -> int:
        return self.rows

    def __len__(self) -> int:
        return math.ceil((len(self.text) - 1) // self.rows / self.steps) * self.rows

    def batch(self, index: Sequence[int]) -> Batch:
        width = (len(self.text) - 1) // self.rows
        example = torch.tensor(index)
        chunk, stream = example // self.rows, example % self.rows
        lengths = (width - chunk * self.steps).clamp(max=self.steps)
        at = (stream * width + chunk * self.steps).unsqueeze(1) + torch.arange(int(lengths.max()))
        return Batch(
            inputs={"symbols": self.text[at]},
            lengths=lengths,
            fresh=(chunk == 0) | self.forget,
            targets=self.text[at + 1],
            target_mask=within(lengths, at.shape[1]),
        )


class NextSymbol(Head):
    def __init__(self, size: int, symbols: int) -> None:
        super().__init__()
        self.readout = nn.Linear(size, symbols)

    def loss(self, encoded: Encoded, batch: Batch) -> Loss:
        scores = self.readout(encoded.z).transpose(1, 2)
        losses = functional.cross_entropy(scores, batch.target(), reduction="none")
        return masked(losses, batch.target_mask)

    def decode(self, encoded: Encoded, batch: Batch) -> Prediction:
        scores = self.readout(encoded.z).log_softmax(-1)
        return Prediction(scores.argmax(-1), scores=scores, lengths=encoded.lengths)


def one_step(symbol: Tensor) -> Batch:
    return Batch({"symbols": symbol.unsqueeze(1)}, torch.ones_like(symbol))


def generate(model: Model, prompts: Batch, steps: int) -> Tensor:
    with torch.no_grad():
        loop = rollout(model, prompts, steps, lambda p, _: p.point[:, -1], lambda s, _: one_step(s))
        return torch.stack([choice for choice, _, _ in loop], 1)


# the applications


def chain(length: int, seed: int) -> tuple[Tensor, Tensor]:
    """Each symbol is the sum of the two before it, or (one time in ten) any: text and -log p."""
    source = torch.Generator().manual_seed(seed)
    noise = torch.rand(length, generator=source) < 0.1
    text = torch.randint(SYMBOLS, (length,), generator=source)
    for t in range(2, length):
        if not noise[t]:
            text[t] = (text[t - 1] + text[t - 2]) % SYMBOLS
    right = text[2:] == (text[1:-1] + text[:-2]) % SYMBOLS
    return text, -torch.where(right, 0.9 + 0.1 / SYMBOLS, 0.1 / SYMBOLS).log()


@pytest.fixture(scope="module")
def read_chain(trunk: Callable[..., nn.Module], train: Callable[..., object]) -> Model:
    with seeded(0):
        encoder = trunk(24, symbols={"symbols": (SYMBOLS, 8)})
        model = Model(encoder, NextSymbol(24, SYMBOLS), memory="carried")
    train(model, Streams(chain(8000, 1)[0], 20), batch=ROWS, epochs=12, rate=2e-2)
    return model


def test_loss_comes_near_the_entropy_of_the_language(read_chain: Model) -> None:
    text, nats = chain(16 * 200 + 1, 2)
    found, floor = mean_loss(read_chain, Streams(text, 20), ROWS), float(nats.mean())
    unigram = math.log(SYMBOLS)
    assert floor < found < floor + 0.05 < unigram - 1


def test_whole_is_chunks_is_steps(read_chain: Model) -> None:
    text, _ = chain(16 * 61 + 1, 3)
    losses = [mean_loss(read_chain, Streams(text, steps), ROWS) for steps in (61, 20, 7, 1)]
    assert losses == pytest.approx([losses[0]] * 4, abs=1e-5)
    batch = Streams(text, 61).batch(range(ROWS))
    with torch.no_grad():
        whole = read_chain.predict(batch).scores
        first = Streams(text, 9).batch(range(ROWS))
        prediction, state = read_chain.start(first)
        scores = [prediction.scores]
        for t in range(9, 61):
            prediction, state = read_chain.step(one_step(batch.inputs["symbols"][:, t]), state)
            scores.append(prediction.scores)
    torch.testing.assert_close(torch.cat(scores, 1), whole[:, 8:], rtol=0, atol=1e-5)


def test_a_state_that_was_saved_goes_on(read_chain: Model) -> None:
    text, _ = chain(16 * 40 + 1, 4)
    first, second = (Streams(text, 20).batch(range(at, at + ROWS)) for at in (0, ROWS))
    with torch.no_grad():
        _, state = read_chain.loss(first)
        again = State.unflatten({name: part.clone() for name, part in state.flatten().items()})
        one, other = read_chain.predict(second, state), read_chain.predict(second, again)
        assert torch.equal(one.scores, other.scores)
        assert not torch.allclose(one.scores, read_chain.predict(second).scores)


LINE = "the cat sat on the mat and that was that. "


@pytest.fixture(scope="module")
def read_line(trunk: Callable[..., nn.Module], train: Callable[..., object]) -> Model:
    with seeded(0):
        encoder = trunk(32, symbols={"symbols": (128, 12)})
        model = Model(encoder, NextSymbol(32, 128), memory="carried")
    train(model, Streams(written(LINE * 100), 12), batch=ROWS, epochs=30, rate=3e-2)
    return model


def written(text: str) -> Tensor:
    return torch.tensor(list(text.encode("ascii")))


def test_generation_continues_the_text_from_prompts_of_any_length(read_line: Model) -> None:
    lengths, steps = (25, 40, 57), 60
    text = LINE * 4
    prompts = torch.zeros(len(lengths), max(lengths), dtype=torch.int64)
    for row, length in enumerate(lengths):
        prompts[row, :length] = written(text[:length])
    batch = Batch({"symbols": prompts}, torch.tensor(lengths))
    for length, found in zip(lengths, generate(read_line, batch, steps).tolist(), strict=True):
        assert bytes(found).decode() == text[length : length + steps]


def test_carried_state_knows_what_a_chunk_does_not_show(read_line: Model) -> None:
    text = written(LINE * 40)
    carried = mean_loss(read_line, Streams(text, 4), ROWS)
    forgotten = mean_loss(read_line, Streams(text, 4, forget=True), ROWS)
    assert carried < 0.1
    assert forgotten > 5 * carried
