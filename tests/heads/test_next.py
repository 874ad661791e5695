"""The next symbol: probabilities that add up, one table that is shared, losses as published."""

from __future__ import annotations

import copy

import pytest
import torch

from longshort import Next, Recurrent
from longshort.contracts import Batch, Encoded, State
from longshort.data.chunks import SYMBOLS
from longshort.errors import ArgumentError
from longshort.heads.next import NextHead
from longshort.layers.encoder import RecurrentEncoder
from longshort.layers.lookup import Lookup
from longshort.model import Model


def made(
    settings: Next, symbols: int = 12, size: int = 6, width: int = 4
) -> tuple[Lookup, NextHead]:
    torch.manual_seed(0)
    lookup = Lookup(symbols, width)
    head = NextHead(size, lookup, settings)
    with torch.no_grad():
        for parameter in (*lookup.parameters(), *head.parameters()):
            parameter.normal_()
    return lookup, head


@pytest.mark.parametrize("output", ["tied", "plain", "adaptive"])
@pytest.mark.parametrize("symbols", [4, 12, 2100])
def test_probabilities_add_up_and_are_what_the_loss_reads(output: str, symbols: int) -> None:
    _, head = made(Next(output), symbols)  # type: ignore[arg-type]
    z = torch.randn(3, 5, 6)
    target = torch.randint(symbols, (3, 5))
    scores = head.scores(z)
    assert scores.shape == (3, 5, symbols)
    torch.testing.assert_close(scores.exp().sum(2), torch.ones(3, 5))
    expected = -scores.gather(2, target.unsqueeze(2)).squeeze(2)
    torch.testing.assert_close(head.nats(z, target), expected)


def test_the_table_is_shared_and_saved_once() -> None:
    lookup, head = made(Next("tied"))
    model = Model(RecurrentEncoder(lookup, Recurrent(size=6)), head, memory="carried")
    assert sum(p.shape == (12, 4) for p in model.parameters()) == 1
    assert sum(t.shape == (12, 4) for t in model.state_dict().values()) == 1
    assert head.project is not None
    z = torch.randn(2, 6)
    expected = (z @ head.project.weight.T @ lookup.table.T + head.bias).log_softmax(1)
    torch.testing.assert_close(head.scores(z), expected)
    # a copy and a network that is loaded share their own
    again = copy.deepcopy(model)
    with torch.no_grad():
        again.encoder.embed.table.zero_()  # type: ignore[union-attr,operator]
    assert isinstance(again.head, NextHead)
    torch.testing.assert_close(again.head.scores(z), head.bias.log_softmax(0).expand(2, 12))
    weights = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    again.load_state_dict(weights, assign=True)
    torch.testing.assert_close(again.head.scores(z), expected)
    assert made(Next("tied"), width=6)[1].project is None


def test_only_steps_that_count_are_scored() -> None:
    _, head = made(Next("plain"))
    z = torch.randn(2, 3, 6)
    z[1, 2] = torch.nan
    lengths, mask = torch.tensor([3, 2]), torch.tensor([[False, True, True], [True, True, True]])
    target = torch.randint(12, (2, 3))
    batch = Batch({SYMBOLS: target}, lengths, targets=target, target_mask=mask)
    loss = head.eval().loss(Encoded(z, (z,), State(), lengths), batch)
    nats = head.nats(z, target)
    torch.testing.assert_close(loss.total, nats[0, 1:].sum() + nats[1, :2].sum())
    assert int(loss.count) == 4


def test_training_adds_ar_and_tar() -> None:
    _, head = made(Next("plain", activation=2.0, slowness=0.5))
    z = torch.randn(2, 3, 6)
    lengths, target = torch.tensor([3, 3]), torch.randint(12, (2, 3))
    batch, encoded = Batch({}, lengths, targets=target), Encoded(z, (z,), State(), lengths)
    plain = head.eval().loss(encoded, batch).mean
    more = 2 * (z**2).mean() + 0.5 * ((z[:, 1:] - z[:, :-1]) ** 2).mean()
    torch.testing.assert_close(head.train().loss(encoded, batch).mean, plain + more)


def test_forgotten_symbols_are_nothing_wherever_they_stand() -> None:
    lookup = Lookup(200, 3, 0.4)
    symbols = torch.arange(200).repeat(2, 1)
    torch.manual_seed(1)
    found = lookup(Batch({SYMBOLS: symbols}, torch.tensor([200, 200])))
    torch.testing.assert_close(found[0], found[1])
    gone = (found[0] == 0).all(1)
    assert 0.3 < float(gone.float().mean()) < 0.5
    torch.testing.assert_close(found[0, ~gone], lookup.table[~gone] / 0.6)
    assert (lookup.eval()(Batch({SYMBOLS: symbols}, torch.tensor([200, 200]))) != 0).all()


def test_settings_out_of_range_are_refused() -> None:
    for wrong in ({"output": "soft"}, {"embedding": 0}, {"embedding_dropout": 1}, {"slowness": -1}):
        with pytest.raises(ArgumentError):
            Next(**wrong)  # type: ignore[arg-type]
    assert Next().width(67, 256) == 64
    assert Next().width(5000, 256) == 256
    assert Next(embedding=10).width(67, 256) == 10
