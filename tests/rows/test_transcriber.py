"""Connectionist temporal classification (Graves et al. 2006) on frames made of symbols."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import nn
from torch.nn import functional

from longshort.contracts import Batch, Encoded, Examples, Loss, Prediction, within
from longshort.heads.base import Head
from longshort.model import Model
from longshort.training import seeded

SYMBOLS, WIDTH = 4, 6


class Transcript(Head):
    """Symbols from 1, the blank is 0; nats per symbol of the target."""

    def __init__(self, size: int, symbols: int) -> None:
        super().__init__()
        self.readout = nn.Linear(size, symbols + 1)

    def loss(self, encoded: Encoded, batch: Batch) -> Loss:
        scores = self.readout(encoded.z).log_softmax(-1).transpose(0, 1)
        lengths = batch.target_lengths
        nats = functional.ctc_loss(
            scores, batch.target(), encoded.lengths, lengths, reduction="none"
        )
        return Loss(nats.sum(), lengths.sum())

    def decode(self, encoded: Encoded, batch: Batch) -> Prediction:
        """The best symbol of each frame, repeats merged, blanks left out."""
        best = self.readout(encoded.z).argmax(-1)
        new = best != functional.pad(best, (1, 0), value=0)[:, :-1]
        kept = new & (best != 0) & within(encoded.lengths, best.shape[1])
        # kept symbols move to the front, in their order
        order = kept.int().argsort(dim=1, descending=True, stable=True)
        lengths = kept.sum(1)
        symbols = best.gather(1, order) * within(lengths, best.shape[1])
        return Prediction(symbols, lengths=lengths)


# the application


def utterances(rows: int, seed: int) -> Batch:
    """2 to 4 symbols, each two to four noisy frames long, silence between equal ones."""
    source = torch.Generator().manual_seed(seed)
    shapes = torch.randn(SYMBOLS + 1, WIDTH, generator=torch.Generator().manual_seed(0))
    targets = torch.zeros(rows, 4, dtype=torch.int64)
    target_lengths = torch.randint(2, 5, (rows,), generator=source)
    frames: list[list[int]] = []
    for row, length in enumerate(target_lengths.tolist()):
        spoken = torch.randint(1, SYMBOLS + 1, (length,), generator=source).tolist()
        targets[row, :length] = torch.tensor(spoken)
        frames.append([])
        for symbol in spoken:
            silent = frames[-1][-1:] == [symbol] or torch.rand((), generator=source) < 0.3
            count = int(torch.randint(2, 5, (), generator=source))
            frames[-1] += [0] * bool(silent) + [symbol] * count
    lengths = torch.tensor([len(row) for row in frames])
    steps = int(lengths.max())
    means = shapes[torch.tensor([row + [0] * (steps - len(row)) for row in frames])]
    noisy = means + 0.4 * torch.randn(means.shape, generator=source)
    return Batch(
        inputs={"frames": noisy * within(lengths, steps).unsqueeze(2)},
        lengths=lengths,
        targets=targets,
        target_lengths=target_lengths,
    )


def edits(one: list[int], other: list[int]) -> int:
    """Levenshtein distance."""
    last = list(range(len(other) + 1))
    for i, a in enumerate(one, 1):
        row = [i]
        for j, b in enumerate(other, 1):
            row.append(min(last[j] + 1, row[-1] + 1, last[j - 1] + (a != b)))
        last = row
    return last[-1]


@pytest.fixture(scope="module")
def transcriber(
    trunk: Callable[..., nn.Module],
    view: Callable[[Batch], Examples],
    train: Callable[..., object],
) -> Model:
    with seeded(0):
        encoder = trunk(24, bidirectional=True, numbers={"frames": WIDTH})
        model = Model(encoder, Transcript(48, SYMBOLS))
    train(model, view(utterances(1000, 1)), batch=32, epochs=6, rate=3e-2)
    return model


def rows(point: torch.Tensor, lengths: torch.Tensor) -> list[list[int]]:
    return [row[:n] for row, n in zip(point.tolist(), lengths.tolist(), strict=True)]


@torch.no_grad()
def test_fresh_utterances_are_transcribed(transcriber: Model) -> None:
    batch = utterances(200, 2)
    found = transcriber.predict(batch)
    read = rows(found.point, found.lengths)
    spoken = rows(batch.target(), batch.target_lengths)
    wrong = sum(edits(a, b) for a, b in zip(read, spoken, strict=True))
    assert wrong / int(batch.target_lengths.sum()) < 0.1


@torch.no_grad()
def test_loss_is_the_sum_over_all_alignments() -> None:
    """Every path of four frames that collapses to the target, counted out."""
    with seeded(0):
        head = Transcript(3, 2).double()
        z = torch.randn(1, 4, 3, dtype=torch.float64)
    scores = head.readout(z).log_softmax(-1)[0]
    paths = torch.cartesian_prod(*[torch.arange(3)] * 4)
    nats = scores[torch.arange(4), paths].sum(1)
    target = [1, 1]
    fits = torch.tensor([collapse(path) == target for path in paths.tolist()])
    batch = Batch(
        {}, torch.tensor([4]), targets=torch.tensor([target]), target_lengths=torch.tensor([2])
    )
    loss = head.loss(Encoded(z, (z,), None, torch.tensor([4])), batch)
    torch.testing.assert_close(loss.total, -nats[fits].logsumexp(0))
    torch.testing.assert_close(loss.mean, loss.total / 2)


def collapse(path: list[int]) -> list[int]:
    return [s for s, before in zip(path, [0, *path], strict=False) if s not in (0, before)]


@torch.no_grad()
def test_neither_padding_nor_neighbours_change_a_transcript(transcriber: Model) -> None:
    batch = utterances(6, 3)
    padded = batch.replace(inputs={"frames": functional.pad(batch.inputs["frames"], (0, 0, 0, 7))})
    found, wide = transcriber.predict(batch), transcriber.predict(padded)
    assert rows(found.point, found.lengths) == rows(wide.point, wide.lengths)
    alone = [transcriber.predict(batch.select(torch.tensor([row]))) for row in range(6)]
    assert [r for one in alone for r in rows(one.point, one.lengths)] == rows(
        found.point, found.lengths
    )
    torch.testing.assert_close(transcriber.loss(batch)[0].total, transcriber.loss(padded)[0].total)
