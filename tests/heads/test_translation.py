"""A decoder with attention against its formulas, symbol by symbol and row by row."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from longshort.contracts import Batch
from longshort.data.chunks import SYMBOLS
from longshort.data.readings.sources import COPIED
from longshort.errors import ArgumentError
from longshort.heads.translation import Translation, TranslationHead
from longshort.layers.embed import Embed
from longshort.layers.encoder import Cell, Recurrent, RecurrentEncoder
from longshort.model import Model

SOURCES, TARGETS = 6, 5
LENGTHS = [4, 2, 1]
# closed by 0, then -1; 5 and 6 are copied
TRUTH = torch.tensor([[2, 5, 6, 0], [3, 0, -1, -1], [4, 4, 0, -1]])
COPIES = torch.tensor([[2, 5, 6, 0], [3, 0, 0, 0], [0, 0, 0, 0]])


def made(*, cell: Cell = "lstm", both: bool = True, depth: int = 2, **settings: object) -> Model:
    torch.manual_seed(0)
    head = Translation(embedding=3, depth=depth, dropout=0.3, **settings)  # type: ignore[arg-type]
    recurrent = Recurrent(4, 2, bidirectional=both, dropout=0.3, cell=cell)
    embed = Embed(symbols={"source": (SOURCES, 3)})
    bridge = recurrent.width * (2 if cell == "lstm" else 1)
    own = TranslationHead(recurrent.width, bridge, TARGETS, head, head.decoder(recurrent))
    model = Model(RecurrentEncoder(embed, recurrent), own).double().eval()
    for parameter in model.parameters():
        # far from the small first values, so that everything counts
        torch.nn.init.normal_(parameter, std=0.7)
    return model


def sources(*, copy: bool = False) -> Batch:
    symbols = torch.tensor([[1, 2, 3, 4], [5, 1, 0, 0], [3, 0, 0, 0]])
    inputs = {"source": symbols} | ({COPIED: COPIES} if copy else {})
    target = TRUTH if copy else torch.where(TRUTH >= TARGETS, 2, TRUTH)
    return Batch(inputs=inputs, lengths=torch.tensor(LENGTHS), targets=target)


def fed(symbols: Tensor) -> Batch:
    return Batch(inputs={SYMBOLS: symbols[:, None]}, lengths=torch.ones_like(symbols))


CASES: list[dict[str, object]] = [
    {},
    {"attention": "additive"},
    {"copy": True},
    {"coverage": True, "copy": True},
    {"coverage": True, "attention": "additive"},
    {"input_feeding": True},
    {"input_feeding": True, "coverage": True, "copy": True, "attention": "additive"},
    {"tied": False, "size": 3},
    {"cell": "gru", "both": False},
    {"cell": "rnn", "depth": 1},
    {"cell": "slstm"},
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_target_read_at_once_is_as_probable_as_step_by_step(case: dict[str, object]) -> None:
    model, batch = made(**case), sources(copy="copy" in case)  # type: ignore[arg-type]
    with torch.no_grad():
        whole = float(model.loss(batch)[0].total)
        prediction, state = model.start(batch)
        total = 0.0
        for t in range(TRUTH.shape[1]):
            scores, wanted = prediction.scores, batch.target()[:, t]
            assert scores is not None
            real = wanted >= 0
            total -= float(scores[real, wanted[real]].sum())
            prediction, state = model.step(fed(wanted.clamp(min=0)), state)
    assert whole == pytest.approx(total, rel=1e-9)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_rows_of_a_batch_are_those_rows_alone(case: dict[str, object]) -> None:
    model, batch = made(**case), sources(copy="copy" in case)  # type: ignore[arg-type]
    with torch.no_grad():
        together = float(model.loss(batch)[0].total)
        alone = 0.0
        for row, length in enumerate(LENGTHS):
            own = batch.select(torch.tensor([row]))
            target = own.target()[:, : int((own.target() >= 0).sum())]
            cut = {name: part[:, :length] for name, part in own.inputs.items()}
            alone += float(model.loss(own.replace(inputs=cut, targets=target))[0].total)
    assert together == pytest.approx(alone, rel=1e-9)


def plain(head: TranslationHead, m: Tensor, copied: Tensor, state: tuple[Tensor, ...]) -> Tensor:
    """p (7,) of the first symbol of one source (T, M), by the formulas alone."""
    y = head.lookup.weight[0]
    s = head.stack.step(y[None], state)[0][0]
    scores = torch.stack([s @ head.attention.key(each) for each in m])
    a = scores.softmax(0)
    r = sum(weight * each for weight, each in zip(a, m, strict=True))
    q = head.combine(torch.cat([r, s])).tanh()
    p = (head.lookup.weight @ head.project(q) + head.bias).softmax(0)
    g = head.gate(torch.cat([r, s, y])).sigmoid()
    found = torch.cat([g * p, p.new_zeros(2)])
    for weight, symbol in zip(a, copied.tolist(), strict=True):
        found = found + (1 - g) * weight * torch.nn.functional.one_hot(torch.tensor(symbol), 7)
    return found


def test_copying_is_a_distribution_and_that_of_the_formulas() -> None:
    model, batch = made(copy=True, depth=1), sources(copy=True)
    head = model.head
    assert isinstance(head, TranslationHead)
    encoded = model.encoder(batch)
    prediction, _ = head.start(encoded, batch)
    assert prediction.scores is not None
    p = prediction.scores.exp()
    torch.testing.assert_close(p.sum(1), torch.ones(3, dtype=torch.float64))
    _, carried = head.opened(encoded, batch)
    for row, length in enumerate(LENGTHS):
        state = tuple(part[:, row : row + 1] for part in carried.parts)
        truth = plain(head, encoded.z[row, :length], COPIES[row, :length], state)
        torch.testing.assert_close(p[row], truth)


def test_gradients_of_copying_are_those_of_the_formulas() -> None:
    model, batch = made(copy=True, depth=1), sources(copy=True)
    head = model.head
    assert isinstance(head, TranslationHead)
    # of the first symbols alone, for which the formulas are written out
    first = batch.replace(targets=TRUTH[:, :1])
    encoded = model.encoder(batch)
    ours = head.loss(encoded, first).total
    _, carried = head.opened(encoded, batch)
    theirs = torch.zeros((), dtype=torch.float64)
    for row, length in enumerate(LENGTHS):
        state = tuple(part[:, row : row + 1] for part in carried.parts)
        p = plain(head, encoded.z[row, :length], COPIES[row, :length], state)
        theirs = theirs - p[int(TRUTH[row, 0])].log()
    torch.testing.assert_close(ours, theirs)
    several = list(model.parameters())
    one, two = (
        torch.autograd.grad(each, several, retain_graph=True, allow_unused=True)
        for each in (ours, theirs)
    )
    for own, other, parameter in zip(one, two, several, strict=True):
        nothing = torch.zeros_like(parameter)
        torch.testing.assert_close(
            nothing if own is None else own, nothing if other is None else other
        )


@torch.no_grad()
def test_smoothing_asks_for_all_symbols_alike_while_training_alone() -> None:
    model, batch = made(smoothing=0.4), sources()
    assert isinstance(model.head, TranslationHead)
    model.head.dropout = model.encoder.dropout = model.encoder.input_dropout = 0.0  # type: ignore[assignment]
    for stack in (model.encoder.stack, model.head.stack):
        stack.dropout = 0.0  # type: ignore[union-attr]
    plainly = model.loss(batch)[0]
    model.train()
    smoothed = model.loss(batch)[0]
    model.eval()
    prediction, state = model.start(batch)
    spread = 0.0
    for t in range(TRUTH.shape[1]):
        assert prediction.scores is not None
        wanted = batch.target()[:, t]
        spread -= float(prediction.scores[wanted >= 0].mean(1).sum())
        prediction, state = model.step(fed(wanted.clamp(min=0)), state)
    told = 0.6 * float(plainly.total) + 0.4 * spread
    assert float(smoothed.total) == pytest.approx(told, rel=1e-9)


def test_a_sampled_symbol_is_what_the_model_writes_after_the_true_ones() -> None:
    model, batch = made(sampled=1.0), sources()
    head = model.head
    assert isinstance(head, TranslationHead)
    memory, carried = head.opened(model.encoder(batch), batch)
    true = torch.tensor([[0, 2, 3], [0, 3, 3], [0, 4, 4]])
    found = head._sampled(true, memory, carried, 0)
    assert found[:, 0].tolist() == [0, 0, 0]
    prediction, state = model.start(batch)
    for t in range(1, 3):
        assert found[:, t].tolist() == prediction.point.tolist()
        prediction, state = model.step(fed(true[:, t]), state)


@torch.no_grad()
def test_parts_of_a_batch_have_the_loss_of_the_whole_while_training() -> None:
    model, batch = made(depth=1, input_feeding=True), sources()
    model.train()

    def loss(*parts: Batch) -> float:
        total = 0.0
        for part in parts:
            torch.manual_seed(5)
            total += float(model.loss(part)[0].total)
        return total

    assert loss(batch) == pytest.approx(loss(batch.slice(0, 1), batch.slice(1, 3)), rel=1e-9)


def test_what_cannot_be_is_named() -> None:
    with pytest.raises(ArgumentError, match=r"Translation\(attention='genral'\)"):
        Translation(attention="genral")  # type: ignore[arg-type]
    with pytest.raises(ArgumentError, match=r"smoothing=1"):
        Translation(smoothing=1)
    with pytest.raises(ArgumentError, match=r"sampled=-1"):
        Translation(sampled=-1)
    assert math.isclose(Translation(dropout=None).decoder(Recurrent(8, dropout=0.2)).dropout, 0.2)
