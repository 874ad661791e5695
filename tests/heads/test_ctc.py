from __future__ import annotations

import itertools
import math

import pytest
import torch
from torch import Tensor

from longshort.contracts import Batch, Encoded, State
from longshort.errors import ArgumentError
from longshort.heads.ctc import Ctc, CTCHead, align, best_path, nats, needed, padded


def frames(rows: int, steps: int, classes: int, seed: int = 0) -> Tensor:
    drawn = torch.randn(rows, steps, classes, generator=torch.Generator().manual_seed(seed))
    return (2 * drawn.double()).log_softmax(-1)


def told(path: tuple[int, ...]) -> tuple[int, ...]:
    """The transcript that a path stands for."""
    return tuple(c for c, _ in itertools.groupby(path) if c)


def worlds(scores: Tensor) -> dict[tuple[int, ...], float]:
    """p of every transcript, by going through all paths of (T, K)."""
    found: dict[tuple[int, ...], float] = {}
    steps, classes = scores.shape
    for path in itertools.product(range(classes), repeat=steps):
        p = math.exp(sum(float(scores[t, c]) for t, c in enumerate(path)))
        found[told(path)] = found.get(told(path), 0.0) + p
    return found


def test_the_loss_sums_all_paths() -> None:
    scores = frames(1, 4, 3)
    sums = worlds(scores[0])
    # repeated symbols, the empty transcript, and those that take every frame are among them
    assert {(), (1, 1), (2, 2), (1, 2, 1, 2)} <= set(sums)
    targets = [list(each) for each in sums]
    many = scores.expand(len(sums), -1, -1)
    found = nats(many, torch.full((len(sums),), 4), padded(targets))
    expected = [-math.log(p) for p in sums.values()]
    torch.testing.assert_close(found, torch.tensor(expected, dtype=torch.float64))
    assert sum(sums.values()) == pytest.approx(1)


def test_rows_have_lengths_of_their_own() -> None:
    scores = frames(3, 5, 4)
    targets = padded([[1, 1], [], [3]])
    whole = nats(scores, torch.tensor([5, 3, 2]), targets)
    apart = [nats(scores[r : r + 1, :n], torch.tensor([n]), targets[r : r + 1])
             for r, n in enumerate((5, 3, 2))]  # fmt: skip
    torch.testing.assert_close(whole, torch.cat(apart))


def test_what_frames_cannot_hold_is_infinite_and_without_gradient() -> None:
    targets = padded([[1, 1], [1, 2], [], [2]])
    assert needed(targets).tolist() == [3, 2, 0, 1]
    raw = torch.randn(4, 2, 3, requires_grad=True)
    found = nats(raw.log_softmax(-1), torch.tensor([2, 2, 0, 0]), targets)
    assert found.isinf().tolist() == [True, False, False, True]
    assert found[2] == 0
    head = CTCHead(3, 3)
    z = torch.randn(4, 2, 3, requires_grad=True)
    encoded = Encoded(z, (z,), State(), torch.tensor([2, 2, 0, 0]))
    loss = head.loss(encoded, Batch({}, encoded.lengths, targets=targets))
    # two symbols of the row that is possible, and the empty row
    assert torch.isfinite(loss.total)
    assert int(loss.count) == 3
    loss.total.backward()
    assert z.grad is not None
    assert torch.isfinite(z.grad).all()
    assert not z.grad[0].any()


def test_the_gradient_is_that_of_the_sum() -> None:
    raw = torch.randn(2, 4, 3, dtype=torch.float64, requires_grad=True)
    targets = padded([[1, 1], [2]])

    def loss(x: Tensor) -> Tensor:
        return nats(x.log_softmax(-1), torch.tensor([4, 3]), targets)

    assert torch.autograd.gradcheck(loss, (raw,))


def test_the_best_path_is_greedy() -> None:
    scores = frames(3, 6, 4)
    lengths = torch.tensor([6, 4, 0])
    found = best_path(scores, lengths)
    paths = scores.argmax(-1).tolist()
    assert found == [list(told(tuple(paths[r][:n]))) for r, n in enumerate(lengths.tolist())]
    head = CTCHead(4, 4)
    encoded = Encoded(scores.float(), (), State(), lengths)
    answer = head.decode(encoded, Batch({}, lengths))
    assert answer.lengths is not None
    assert answer.lengths.tolist() == [(row >= 0).sum() for row in answer.point]


@pytest.mark.parametrize("target", [[], [1], [1, 1], [2, 1], [1, 2, 1], [1, 2, 2]])
def test_an_alignment_is_the_best_of_all_paths(target: list[int]) -> None:
    scores = frames(1, 5, 3, seed=len(target))
    every = itertools.product(range(3), repeat=5)
    ways = [path for path in every if told(path) == tuple(target)]
    best = max(ways, key=lambda path: sum(float(scores[0, t, c]) for t, c in enumerate(path)))
    found = align(scores, torch.tensor([5]), padded([target]))
    assert float(found.scores) == pytest.approx(
        sum(float(scores[0, t, c]) for t, c in enumerate(best))
    )
    assert [target[at] if at >= 0 else 0 for at in found.at[0].tolist()] == list(best)
    spans = found.spans(0, len(target))
    assert len(spans) == len(target)
    assert all(start < end for start, end in spans)


def test_alignments_do_not_see_their_neighbours() -> None:
    scores = frames(4, 6, 4)
    lengths, targets = torch.tensor([6, 4, 1, 0]), [[1, 2, 2], [3, 1], [1, 2], []]
    together = align(scores, lengths, padded(targets))
    for row, (n, own) in enumerate(zip(lengths.tolist(), targets, strict=True)):
        alone = align(scores[row : row + 1, : max(n, 1)], lengths[row : row + 1], padded([own]))
        assert together.at[row, :n].tolist() == alone.at[0, :n].tolist()
        assert (together.at[row, n:] == -1).all()
        torch.testing.assert_close(together.scores[row], alone.scores[0])
    # one frame cannot hold two symbols
    assert together.scores[2].isneginf()
    assert together.spans(2, 2) == []
    assert together.scores[3] == 0


def test_settings_are_checked() -> None:
    with pytest.raises(ArgumentError, match=r"Ctc\(weight=-1\): must be 0 to 100"):
        Ctc(weight=-1)
    with pytest.raises(ArgumentError, match=r"Ctc\(width\)=0"):
        Ctc(width=0)
    with pytest.raises(ArgumentError, match="give"):
        Ctc(language="")
