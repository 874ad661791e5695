"""Attention against its plain formulas, written out for one row and one step at a time."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from longshort.contracts import within
from longshort.layers.attention import Attention, Scoring

ROWS, STEPS, QUERIES, VALUES, SYMBOLS = 3, 5, 4, 6, 2
LENGTHS = torch.tensor([5, 2, 0])


def made(scoring: Scoring, *, covered: bool = False) -> Attention:
    torch.manual_seed(0)
    layer = Attention(QUERIES, VALUES, scoring, covered=covered).double()
    if layer.covered is not None:
        torch.nn.init.normal_(layer.covered)
    return layer


def drawn() -> tuple[Tensor, Tensor, Tensor]:
    random = torch.Generator().manual_seed(1)
    shapes = ((ROWS, STEPS, VALUES), (ROWS, SYMBOLS, QUERIES), (ROWS, SYMBOLS, STEPS))
    m, s, c = (torch.randn(*each, generator=random, dtype=torch.float64) for each in shapes)
    return m.requires_grad_(), s.requires_grad_(), c.abs()


def plain(layer: Attention, m: Tensor, s: Tensor, c: Tensor | None) -> Tensor:
    """(B, U, M), a context for each row and symbol, by the formulas alone."""
    rows = []
    for b, length in enumerate(LENGTHS.tolist()):
        for u in range(SYMBOLS):
            scores = []
            for j in range(length):
                key = layer.key(m[b, j])
                seen = 0.0 if c is None else layer.covered * c[b, u, j]
                if layer.scoring == "general":
                    scores.append(s[b, u] @ key + seen)
                else:
                    scores.append(layer.across @ (layer.query(s[b, u]) + key + seen).tanh())
            weights = torch.stack(scores).softmax(0) if scores else m.new_zeros(0)
            rows.append((weights.unsqueeze(1) * m[b, :length]).sum(0))
    return torch.stack(rows).view(ROWS, SYMBOLS, VALUES)


@pytest.mark.parametrize("scoring", ["general", "additive"])
@pytest.mark.parametrize("covered", [False, True])
def test_contexts_and_gradients_are_those_of_the_formulas(scoring: Scoring, covered: bool) -> None:
    layer = made(scoring, covered=covered)
    m, s, c = drawn()
    looked = c if covered else None
    found, weights = layer(s, layer.memory(m, within(LENGTHS, STEPS)), looked)
    truth = plain(layer, m, s, looked)
    torch.testing.assert_close(found, truth)
    torch.testing.assert_close(weights.sum(2)[:2], torch.ones(2, SYMBOLS, dtype=torch.float64))
    assert not weights[2].any()
    several = (m, s, *layer.parameters())
    ours = torch.autograd.grad(found.pow(2).sum(), several, allow_unused=True)
    theirs = torch.autograd.grad(truth.pow(2).sum(), several, allow_unused=True)
    for own, other in zip(ours, theirs, strict=True):
        torch.testing.assert_close(own, torch.zeros_like(own) if other is None else other)


@pytest.mark.parametrize("scoring", ["general", "additive"])
def test_padding_and_neighbours_change_nothing(scoring: Scoring) -> None:
    layer = made(scoring)
    m, s, _ = drawn()
    whole, _ = layer(s, layer.memory(m, within(LENGTHS, STEPS)))
    wild = torch.where(within(LENGTHS, STEPS).unsqueeze(2), m, torch.nan)
    torch.testing.assert_close(layer(s, layer.memory(wild, within(LENGTHS, STEPS)))[0], whole)
    alone = layer.memory(m[1:2, :2], within(LENGTHS[1:2], 2))
    torch.testing.assert_close(layer(s[1:2], alone)[0], whole[1:2])
