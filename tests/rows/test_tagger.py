"""Tagging with a linear-chain conditional random field (Lafferty et al. 2001)."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from longshort.contracts import Batch, Encoded, Examples, Loss, Prediction, within
from longshort.heads.base import Head
from longshort.model import Model
from longshort.training import seeded

OUTSIDE, BEGINS, INSIDE = TAGS = range(3)


class Chain(Head):
    """Scores of tags and of their neighbours; nats per tag."""

    def __init__(self, size: int, tags: int) -> None:
        super().__init__()
        self.readout = nn.Linear(size, tags)
        # from one tag to the next
        self.follow = nn.Parameter(torch.zeros(tags, tags))

    def partition(self, scores: Tensor, lengths: Tensor) -> Tensor:
        """(B,) log of the sum of exp(score) over all paths: the forward algorithm."""
        reach = scores[:, 0]
        for t in range(1, scores.shape[1]):
            after = (reach.unsqueeze(2) + self.follow).logsumexp(1) + scores[:, t]
            reach = torch.where((t < lengths).unsqueeze(1), after, reach)
        return reach.logsumexp(1)

    def score(self, scores: Tensor, tags: Tensor, lengths: Tensor) -> Tensor:
        """(B,) the score of one path."""
        real = within(lengths, tags.shape[1])
        own = scores.gather(2, tags.unsqueeze(2)).squeeze(2)
        pairs = self.follow[tags[:, :-1], tags[:, 1:]]
        return (own * real).sum(1) + (pairs * real[:, 1:]).sum(1)

    def best(self, scores: Tensor, lengths: Tensor) -> Tensor:
        """(B, T) the path of the highest score (Viterbi 1967), zero past a row's length."""
        reach, back = scores[:, 0], []
        for t in range(1, scores.shape[1]):
            after, source = (reach.unsqueeze(2) + self.follow).max(1)
            going = (t < lengths).unsqueeze(1)
            reach = torch.where(going, after + scores[:, t], reach)
            back.append(torch.where(going, source, torch.arange(scores.shape[2])))
        path = [reach.argmax(1)]
        for source in reversed(back):
            path.append(source.gather(1, path[-1].unsqueeze(1))[:, 0])
        found = torch.stack(path[::-1], 1)
        return found * within(lengths, found.shape[1])

    def loss(self, encoded: Encoded, batch: Batch) -> Loss:
        scores, lengths = self.readout(encoded.z), encoded.lengths
        right = self.score(scores, batch.target(), lengths)
        return Loss((self.partition(scores, lengths) - right).sum(), lengths.sum())

    def decode(self, encoded: Encoded, batch: Batch) -> Prediction:
        scores = self.readout(encoded.z)
        return Prediction(self.best(scores, encoded.lengths), lengths=encoded.lengths)


# the application


def sentences(rows: int, seed: int, steps: int = 12) -> Batch:
    """Word 1 begins a name, 0 ends it; 2 and 3 are inside one if one goes on, else outside."""
    source = torch.Generator().manual_seed(seed)
    words = torch.randint(4, (rows, steps), generator=source)
    lengths = torch.randint(1, steps + 1, (rows,), generator=source)
    tags = torch.zeros_like(words)
    for t in range(steps):
        going = tags[:, t - 1] != OUTSIDE if t else torch.zeros(rows, dtype=torch.bool)
        tags[:, t] = torch.where((words[:, t] >= 2) & going, INSIDE, OUTSIDE)
        tags[words[:, t] == 1, t] = BEGINS
    real = within(lengths, steps)
    return Batch({"words": words * real}, lengths, targets=tags * real)


@pytest.fixture(scope="module")
def tagger(
    trunk: Callable[..., nn.Module],
    view: Callable[[Batch], Examples],
    train: Callable[..., object],
) -> Model:
    with seeded(0):
        encoder = trunk(16, bidirectional=True, symbols={"words": (4, 8)})
        model = Model(encoder, Chain(32, len(TAGS)))
    train(model, view(sentences(600, 1)), batch=32, epochs=8, rate=2e-2)
    return model


@torch.no_grad()
def test_fresh_sentences_are_tagged(tagger: Model) -> None:
    batch = sentences(300, 2)
    real = within(batch.lengths, 12)
    assert (tagger.predict(batch).point == batch.target())[real].double().mean() > 0.97


@torch.no_grad()
def test_forward_and_viterbi_are_enumeration() -> None:
    with seeded(3):
        head = Chain(4, 3).double()
        head.follow.normal_()
        scores = torch.randn(4, 5, 3, dtype=torch.float64)
    lengths = torch.tensor([5, 3, 1, 4])
    total, best = head.partition(scores, lengths), head.best(scores, lengths)
    for row, length in enumerate(lengths.tolist()):
        paths = torch.tensor(list(itertools.product(TAGS, repeat=length)))
        own = scores[row, torch.arange(length), paths].sum(1)
        every = own + head.follow[paths[:, :-1], paths[:, 1:]].sum(1)
        torch.testing.assert_close(total[row], every.logsumexp(0))
        assert best[row, :length].tolist() == paths[every.argmax()].tolist()
        padded = functional.pad(paths, (0, 5 - length))
        many = [part[row].expand(len(paths), *part[row].shape) for part in (scores, lengths)]
        torch.testing.assert_close(head.score(many[0], padded, many[1]), every)


@torch.no_grad()
def test_neither_padding_nor_neighbours_change_a_tag(tagger: Model) -> None:
    batch = sentences(8, 4)
    together = tagger.predict(batch).point
    wide = batch.replace(inputs={"words": functional.pad(batch.inputs["words"], (0, 9), value=3)})
    alone = [
        tagger.predict(
            Batch({"words": batch.inputs["words"][row : row + 1, :length]}, torch.tensor([length]))
        ).point[0]
        for row, length in enumerate(batch.lengths.tolist())
    ]
    for row, length in enumerate(batch.lengths.tolist()):
        assert torch.equal(together[row, :length], alone[row])
        assert torch.equal(together[row], tagger.predict(wide).point[row, :12])
    losses = [tagger.loss(sentences(8, 4).select(torch.tensor([row])))[0].total for row in range(8)]
    torch.testing.assert_close(sum(losses), tagger.loss(batch)[0].total)
